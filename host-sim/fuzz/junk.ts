// A flood while the meter measures. Two meters of one seed live the same two days, one in peace and one with junk
// at its ear all the time, replays and badly ordered commands of true anchors among it. What they record and
// seal must be the same to the byte, but for the few events that tell of refused commands and the digests that
// follow from those. So must their shares; and a roster that waited for its members through all of it is accepted.
import { checkMeter } from "../../src/customer/check.js";
import { decodeEvent } from "../../src/customer/messages.js";
import { decodeStatement } from "../../src/proofs/batch.js";
import { EventType } from "../../src/trusted/authority/events.js";
import type { BatchStatement } from "../../src/trusted/sealing/batch.js";
import { SeededRandom } from "../seeded.js";
import { makeCorpus, payloadOf } from "./corpus.js";
import { freshOrders, HostileFrames } from "./frames.js";
import { FuzzedMeter } from "./meter.js";
import { Mutator } from "./mutator.js";
import { demand, Harm, wordsOf } from "./target.js";

/** A unit is to be stepped every 3 s. */
const TICK_S = 3;
const DAYS = 2;
const TICKS = (DAYS * 86_400) / TICK_S;
const POWER_W = 1000;
/** One message of so many comes to a signature. */
const DEEP_EVERY = 50;
const TICKS_SHOWN = 1_000;
/** Eight a day are written singly and the rest as one count; the days begin and end within three calendar days. */
const EVENTS_MAX = 3 * (8 + 1);
const [READING, SHARE, BATCH, EVENT] = [1, 2, 3, 4] as const;

export interface JunkResult {
  readonly messages: number;
  /** As the meter itself shows it. */
  readonly refused: number;
  /** Acknowledgements, requests to send again and what it has had before, that were among it: nothing to refuse. */
  readonly deliveries: number;
  readonly deep: number;
  readonly days: number;
  /** Recorded in that time, equal to those of the meter in peace. */
  readonly readings: number;
  readonly batches: number;
  /** Events that tell of refused commands. */
  readonly refusedEvents: number;
  /** What was not as it must be, or null. */
  readonly harm: string | null;
}

export function floodMeter(
  seed: number,
  messages: number,
  progress: (share: number) => void = () => {},
): JunkResult {
  const corpus = makeCorpus(seed);
  const peaceful = FuzzedMeter.lived(seed, corpus.meter.meterId);
  const { meter } = corpus;
  const mutator = new Mutator(new SeededRandom(seed).fork("junk"), corpus.pool);
  const fresh = freshOrders().map((order) => meter.command(order));
  const frames = new HostileFrames(corpus, mutator, { fresh, isFar: false, waits: true });
  for (const one of [peaceful, meter]) one.hand(one.street.waiting, ...one.street.came);
  const counts = { deliveries: 0, deep: 0, refused: 0 };
  let harm: string | null = null;
  try {
    for (let tick = 0; tick < TICKS; tick++) {
      live(peaceful);
      const [from, to] = [tick, tick + 1].map((at) => Math.floor((at * messages) / TICKS)) as [
        number,
        number,
      ];
      for (let at = from; at < to; at++) {
        const frame = at % DEEP_EVERY === 0 ? frames.deep() : frames.cheap();
        if (frames.isIdle(frame)) counts.deliveries++;
        if (frames.isDeep(frame)) counts.deep++;
        meter.deliver(frame);
      }
      live(meter);
      if (tick % TICKS_SHOWN === 0) progress(tick / TICKS);
    }
    counts.refused = meter.refused;
    demand(counts.refused === messages - counts.deliveries, `${counts.refused} of ${messages} were refused`);
    for (const one of [peaceful, meter]) one.hand(...one.street.missing);
    compare(peaceful, meter);
  } catch (error) {
    harm = error instanceof Harm ? error.message : wordsOf(error);
  }
  const told = eventsOf(meter).filter(({ type }) => type === EventType.COMMAND_REFUSED).length;
  const [readings, batches] = [READING, BATCH].map((kind) => meter.messages(kind).length) as [number, number];
  return { messages, ...counts, days: DAYS, readings, batches, refusedEvents: told, harm };
}

/** A tick under a steady load; a request for the time is answered at once. */
function live(meter: FuzzedMeter): void {
  const before = meter.nonce;
  meter.advance(TICK_S * 1000, POWER_W * TICK_S * 1000);
  meter.settle();
  if (meter.nonce === before) return;
  meter.deliver(meter.timeAnswer());
  meter.settle();
}

const eventsOf = (meter: FuzzedMeter) => meter.messages(EVENT).map(decodeEvent);

/** @throws Harm for what the flooded meter has not as the one in peace. */
function compare(peaceful: FuzzedMeter, flooded: FuzzedMeter): void {
  const same = (what: string, of: (meter: FuzzedMeter) => unknown) =>
    demand(
      JSON.stringify(of(flooded), asText) === JSON.stringify(of(peaceful), asText),
      `${what} are others`,
    );
  same("registers", ({ display }) => display.filter((line) => !line.endsWith(" messages refused")));
  same("readings", (meter) => meter.messages(READING));
  same("shares", (meter) => meter.messages(SHARE));
  const { standing } = flooded.durable().rosters;
  demand(standing.length === 2, "a roster that waited for its members was not accepted");
  same("batches", (meter) =>
    meter.messages(BATCH).map((document) => sealed(decodeStatement(payloadOf("batch-1", document)))),
  );
  same("events", (meter) =>
    eventsOf(meter)
      .filter(({ type }) => type !== EventType.COMMAND_REFUSED)
      .map(({ time_s, type, detail }) => [time_s, type, detail]),
  );
  same("secrets", ({ secrets }) => [secrets.saves, secrets.living]);
  same("totals", totalsOf);
  const told = eventsOf(flooded).length - eventsOf(peaceful).length;
  demand(told <= EVENTS_MAX, `${told} events tell of refused commands`);
}

/** A statement without what follows from the events. */
const sealed = ({ eventDigest: _, previousBatchDigest: __, ...statement }: BatchStatement) => statement;

/** By the customer's whole check. */
function totalsOf(meter: FuzzedMeter): unknown {
  return [0, 1].map((epoch) => {
    const keys = { meterId: meter.meterId, epoch, K: meter.K(epoch) };
    const { totals_Wh, gaps } = checkMeter(meter.record(), keys, meter.parties.authority.publicKey);
    return [totals_Wh, gaps];
  });
}

function asText(_: string, value: unknown): unknown {
  return value instanceof Uint8Array ? Buffer.from(value).toString("hex") : value;
}
