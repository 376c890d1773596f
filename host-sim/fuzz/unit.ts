// The unit's own ears: what the network hands it, what the local port hands it, and what a blank one is told on
// the bench. Of a mutant nothing may come but a count of what was refused and, if an anchor signed it after all,
// event 9 (at most eight a day). Acknowledgements and requests to send again are nobody's to sign; they move
// delivery and nothing else, and a share that is given again is the same bytes. At a block's end the unit must still
// do what it is rightly told, or it would be easy to refuse everything: the roster that has waited for its last
// members all the while is accepted.
import { ristretto255 } from "@noble/curves/ed25519.js";
import { bytesToHex } from "@noble/hashes/utils.js";
import { decodeEvent } from "../../src/customer/messages.js";
import { decodeConfiguration, encodeConfiguration } from "../../src/trusted/authority/configuration.js";
import { EventType } from "../../src/trusted/authority/events.js";
import { encodeRosters, type RosterMemory } from "../../src/trusted/blinding/memory.js";
import { sameBytes } from "../../src/trusted/encoding/bytes.js";
import { array, bstr, CborReader, int } from "../../src/trusted/encoding/cbor.js";
import { provision } from "../../src/trusted/unit.js";
import type { SeededRandom } from "../seeded.js";
import type { Corpus } from "./corpus.js";
import { freshOrders, HostileFrames } from "./frames.js";
import { HOSTILE_32 } from "./hostile-points.js";
import { type Durable, FuzzedMeter } from "./meter.js";
import type { Mutator } from "./mutator.js";
import { type Attack, attempt, demand, isRefusal, type Shot, type Target } from "./target.js";

/** Between two mutants, ms: a block is over before a nonce is too old or an interval ends. */
const BETWEEN_MS = 20;
const STEPS_MAX = 64;
const DRAWS_MAX = 8;
const KIND_SHARE = 2;
const KIND_EVENT = 4;
/** The numbers of the repair and the roster that are rightly sent at a block's end. */
const ROSTERS_TAKEN = [2, 3];
/** Fields of the state in which delivery and refusals may show, and what is judged by other means. */
const MOVING = [
  "acknowledged",
  "nextEvent",
  "eventDigest",
  "logSequence",
  "configurationPlace",
  "rostersPlace",
  "lastTime_s",
];

class ReceiveAttack implements Attack {
  readonly #meter: FuzzedMeter;
  readonly #isThorough: boolean;
  readonly #isTimed: boolean;
  /** Whether an anchor says times here that are too far away: the nonce is gone then. */
  readonly #isFar: boolean;
  readonly #fresh: readonly Uint8Array[];
  readonly #baseline: Durable;
  readonly #frames: HostileFrames;
  /** Shares of the meter's life by their interval, hex. */
  readonly #shares: ReadonlyMap<number, string>;

  constructor(corpus: Corpus, mutator: Mutator, isTimed: boolean, isThorough: boolean) {
    const { meter } = corpus;
    this.#meter = meter;
    this.#isTimed = isTimed;
    this.#isThorough = isThorough;
    this.#isFar = mutator.oneIn(4);
    meter.restart();
    if (isTimed) meter.confirm();
    const orders = freshOrders().map((order) => meter.command(order));
    this.#fresh = isTimed ? orders : [meter.timeAnswer(), meter.timeAnswer(meter.now_s, "authority")];
    const options = { fresh: this.#fresh, isFar: this.#isFar, waits: isTimed };
    this.#frames = new HostileFrames(corpus, mutator, options);
    this.#shares = corpus.shares;
    const { waiting, came } = meter.street;
    if (isTimed) meter.hand(waiting, ...came);
    meter.persist();
    this.#baseline = meter.durable();
  }

  shoot(wantsDeep: boolean): Shot {
    const frame = wantsDeep ? this.#frames.deep() : this.#frames.cheap();
    const isDeep = this.#frames.isDeep(frame);
    const isAuthentic = isDeep && this.#frames.isAuthentic(frame);
    return attempt(
      frame,
      isDeep,
      () => this.#offer(frame, isDeep, isAuthentic),
      () => false,
    );
  }

  /** Whether what the unit may rightly be told still works. */
  finish(): string | null {
    const meter = this.#meter;
    meter.persist();
    const found = this.#changed();
    if (found) return found;
    if (!this.#isTimed && this.#isFar) return null;
    if (this.#isTimed) {
      meter.hand(meter.street.repair, ...meter.street.missing);
      const { nextNumber, repairs, standing } = meter.durable().rosters;
      const taken = [...repairs, ...standing].map(({ rosterNumber }) => rosterNumber);
      const areTaken = nextNumber === 4 && ROSTERS_TAKEN.every((number) => taken.includes(number));
      if (!areTaken) return `of rosters that are rightly sent it has ${taken}`;
    }
    meter.deliver(this.#isTimed ? (this.#fresh[0] as Uint8Array) : meter.timeAnswer());
    meter.settle();
    const wasObeyed = this.#isTimed
      ? meter.durable().state.counters[0] !== this.#baseline.state.counters[0]
      : meter.isTimed;
    return wasObeyed ? null : "what is rightly told is not obeyed any more";
  }

  #offer(frame: Uint8Array, isDeep: boolean, isAuthentic: boolean): "valid" | "refused" {
    const meter = this.#meter;
    const [refused, saves, asked] = [meter.refused, meter.secrets.saves, meter.companion.asked];
    const programmed = meter.flash.programmedBytes;
    const isValid = this.#frames.isIdle(frame);
    meter.advance(BETWEEN_MS);
    meter.deliver(frame);
    do this.#settle();
    while (this.#takeAll(isValid || isAuthentic));
    demand(
      meter.refused === refused + (isValid ? 0 : 1),
      isValid ? "a delivery was refused" : "was not refused",
    );
    demand(meter.secrets.saves === saves, "keys were saved");
    demand(isAuthentic || meter.companion.asked === asked, "the companion was asked");
    demand(isAuthentic || meter.flash.programmedBytes === programmed, "the flash was written");
    demand(this.#showsTime(), "the clock moved");
    if (isDeep || this.#isThorough) {
      meter.persist();
      const found = this.#changed();
      demand(found === null, found ?? "");
    }
    return isValid ? "valid" : "refused";
  }

  #settle(): void {
    for (let steps = 0; steps < STEPS_MAX; steps++) if (!this.#meter.unit.step(this.#meter.uptime_ms)) return;
    throw new Error("the unit does not come to rest");
  }

  /** What the unit gives now may be what it has given before, and new events that say "refused". */
  #takeAll(mayGive: boolean): boolean {
    let taken = 0;
    for (; taken < STEPS_MAX; taken++) {
      const frame = this.#meter.unit.take(this.#meter.uptime_ms);
      if (!frame) break;
      demand(mayGive, `something of kind ${frame[1]} was given`);
      this.#judge(frame);
    }
    return taken > 0;
  }

  #judge(frame: Uint8Array): void {
    const reader = new CborReader(frame, "frame");
    reader.array(3);
    const kind = reader.uint(6);
    if (kind === KIND_SHARE) reader.array(2);
    const sequence = reader.uint();
    if (kind === KIND_SHARE) {
      reader.key(1);
      const message = bytesToHex(reader.bytes(1, 4096));
      demand(this.#shares.get(sequence) === message, `another share of ${sequence} was given`);
    }
    if (kind !== KIND_EVENT || sequence < this.#baseline.state.nextEvent) return;
    const { type } = decodeEvent(reader.bytes(1, 4096));
    demand(type === EventType.COMMAND_REFUSED, `there is an event of type ${type}`);
  }

  #showsTime(): boolean {
    const shown = this.#meter.display;
    return shown.includes(
      this.#isTimed ? new Date(this.#meter.now_s * 1000).toISOString() : "time unconfirmed",
    );
  }

  /** What is durable and should not have changed, or null. */
  #changed(): string | null {
    const { state, configuration, rosters } = this.#meter.durable();
    const { state: before, configuration: configured } = this.#baseline;
    if (!sameBytes(configuration, configured)) return "the configuration changed";
    if (!sameRosters(rosters, this.#baseline.rosters)) return "the memory of rosters changed";
    for (const [name, value] of Object.entries(before)) {
      if (MOVING.includes(name) || name === "channels") continue;
      const [was, is] = [value, Reflect.get(state, name)].map((one) =>
        JSON.stringify(name === "eventCounts" ? withoutRefusals(one) : one),
      );
      if (was !== is) return `${name} changed from ${was} to ${is}`;
    }
    const untouched = this.#isTimed
      ? state.lastTime_s - this.#meter.now_s
      : state.lastTime_s - before.lastTime_s;
    if (Math.abs(untouched) > 1) return "the last known time changed";
    const fed = energyOf(state) - energyOf(before);
    return fed === this.#meter.fed_mJ - FIRST_FED_MJ ? null : `energy changed by ${fed} mJ`;
  }
}

/** Whether two memories say the same, wherever in the log their members lie. */
function sameRosters(a: RosterMemory, b: RosterMemory): boolean {
  const [one, other] = [a, b].map((memory) => {
    return encodeRosters({ ...memory, standing: memory.standing.map((roster) => ({ ...roster, place: 0 })) });
  }) as [Uint8Array, Uint8Array];
  return sameBytes(one, other);
}

/** Fed before the baseline was taken. */
const FIRST_FED_MJ = 60_000_000;

const withoutRefusals = (counts: unknown) =>
  Array.isArray(counts)
    ? counts.map((count, at) => (at === EventType.COMMAND_REFUSED - 1 ? 0 : count))
    : counts;

const energyOf = ({ channels }: Durable["state"]) =>
  channels.reduce(
    (sum, { register_Wh, open_mJ, untimed_mJ, carried_mJ }) =>
      sum + register_Wh * 3_600_000 + open_mJ + untimed_mJ + carried_mJ,
    0,
  );

class LocalAttack implements Attack {
  readonly #meter: FuzzedMeter;
  readonly #mutator: Mutator;
  readonly #request: Uint8Array;
  readonly #epoch: number;
  #isOpen = false;

  constructor({ meter }: Corpus, mutator: Mutator) {
    this.#meter = meter;
    this.#mutator = mutator;
    meter.restart();
    meter.confirm();
    this.#request = array(int(4), bstr(meter.parties.customer.user));
    this.#epoch = meter.durable().state.epoch;
  }

  shoot(wantsDeep: boolean): Shot {
    const request = this.#draw(wantsDeep);
    const isWellFormed = userIn(request) !== null;
    return attempt(
      request,
      isWellFormed,
      () => this.#offer(request, isWellFormed),
      () => false,
    );
  }

  finish(): string | null {
    const meter = this.#meter;
    if (!this.#isOpen) this.#press();
    if (!meter.unit.receiveLocal(this.#request)) return "a good request is not taken any more";
    this.#press();
    meter.settle();
    return meter.durable().state.epoch === this.#epoch + 1 ? null : "a good request does not pair any more";
  }

  #offer(request: Uint8Array, isWellFormed: boolean): "refused" {
    const meter = this.#meter;
    const { refused } = meter;
    const [saves, programmed] = [meter.secrets.saves, meter.flash.programmedBytes];
    meter.advance(BETWEEN_MS);
    const wasOpen = this.#isOpen;
    if (!wasOpen && this.#mutator.oneIn(4)) {
      demand(!meter.unit.receiveLocal(request), "was taken without the button");
      return "refused";
    }
    if (!wasOpen) this.#press();
    const taken = meter.unit.receiveLocal(request);
    demand(
      taken === isWellFormed,
      taken ? "a malformed request was taken" : "a well-formed request was not shown",
    );
    if (taken) this.#press();
    demand(meter.refused === refused + 1, "was not refused");
    demand(meter.secrets.saves === saves, "keys were saved");
    demand(meter.flash.programmedBytes === programmed, "the flash was written");
    this.#isOpen = !taken;
    return "refused";
  }

  #press(): void {
    this.#meter.button.press();
    for (let steps = 0; steps < 4; steps++) this.#meter.unit.step(this.#meter.uptime_ms);
    this.#isOpen = true;
  }

  /** Never one that pairs: a person would have said yes to it. */
  #draw(wantsDeep: boolean): Uint8Array {
    const mutator = this.#mutator;
    for (let draw = 0; draw < DRAWS_MAX; draw++) {
      const hostile = () =>
        array(int(4), bstr(mutator.oneIn(2) ? mutator.pick(HOSTILE_32) : mutator.bytes(32)));
      const request = wantsDeep ? hostile() : mutator.mutate(this.#request);
      const user = userIn(request);
      if (!user || !isElement(user)) return request;
    }
    return this.#request.slice(1);
  }
}

/** U of a request `[4, U]` in its one encoding, or null. */
function userIn(request: Uint8Array): Uint8Array | null {
  const user = request.slice(-32);
  return sameBytes(array(int(4), bstr(user)), request) ? user : null;
}

/** Canonical and not the identity, by noble itself. */
function isElement(bytes: Uint8Array): boolean {
  try {
    return !ristretto255.Point.fromBytes(bytes).is0();
  } catch {
    return false;
  }
}

class ProvisioningAttack implements Attack {
  readonly #mutator: Mutator;
  readonly #request: Uint8Array;
  readonly #seed: number;
  #blank: FuzzedMeter;

  constructor({ request, meter }: Corpus, mutator: Mutator, seed: number) {
    this.#mutator = mutator;
    this.#request = request;
    this.#seed = seed;
    this.#blank = new FuzzedMeter(seed, meter.meterId);
  }

  shoot(wantsDeep: boolean): Shot {
    const request = this.#draw(wantsDeep);
    const isDeep = hasForm(request);
    return attempt(
      request,
      isDeep,
      () => this.#offer(request),
      (error) => isRefusal(error) && this.#isUntouched,
    );
  }

  get #isUntouched(): boolean {
    const { flash, secrets } = this.#blank;
    return (
      flash.programmedBytes === 0 && secrets.saves === 0 && flash.eraseCounts.every((count) => count === 0)
    );
  }

  #offer(request: Uint8Array): "valid" | "accepted" {
    const blank = this.#blank;
    provision(blank.ports, request);
    this.#blank = new FuzzedMeter(this.#seed, blank.meterId);
    return isGoodRequest(request) ? "valid" : "accepted";
  }

  #draw(wantsDeep: boolean): Uint8Array {
    const mutator = this.#mutator;
    for (let draw = 0; draw < DRAWS_MAX; draw++) {
      const request = wantsDeep ? mutator.mutateContent(this.#request) : mutator.mutate(this.#request);
      if (!sameBytes(request, this.#request) && (wantsDeep || !hasForm(request))) return request;
    }
    return this.#request.slice(1);
  }
}

/** The parts of a provisioning request in its one encoding. @throws FormatError */
function partsOf(request: Uint8Array): { stored: Uint8Array; user: Uint8Array; challenge: Uint8Array } {
  const reader = new CborReader(request, "request");
  reader.array(5);
  reader.key(1);
  const [stored, user] = [reader.bytes(1, 800), reader.bytes(32)];
  reader.uint(0xffffffff);
  const challenge = reader.bytes(32);
  reader.end();
  return { stored, user, challenge };
}

function hasForm(request: Uint8Array): boolean {
  try {
    return partsOf(request).stored.length > 0;
  } catch {
    return false;
  }
}

function isGoodRequest(request: Uint8Array): boolean {
  if (!hasForm(request)) return false;
  const { stored, user, challenge } = partsOf(request);
  return (
    sameBytes(encodeConfiguration(decodeConfiguration(stored)), stored) &&
    isElement(user) &&
    isElement(challenge)
  );
}

export function unitTargets(
  corpus: Corpus,
  seed: number,
  mutatorOf: (random: SeededRandom) => Mutator,
): Target[] {
  const receive = (isTimed: boolean) => (random: SeededRandom, isThorough: boolean) =>
    new ReceiveAttack(corpus, mutatorOf(random), isTimed, isThorough);
  const isStateful = true;
  return [
    { name: "unit, time known", share: 220, isStateful, begin: receive(true) },
    { name: "unit, time unknown", share: 60, isStateful, begin: receive(false) },
    {
      name: "local port",
      share: 20,
      isStateful,
      begin: (random) => new LocalAttack(corpus, mutatorOf(random)),
    },
    {
      name: "provisioning",
      share: 30,
      isStateful,
      begin: (random) => new ProvisioningAttack(corpus, mutatorOf(random), seed),
    },
  ];
}
