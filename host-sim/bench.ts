// A board on a bench: enrolled once by the authority, then powered up as often as somebody wants to try
// something, with a steady load on its channels and a network operator at the other end of its uplink. Between
// two power-ups it is a StoredBoard, and no time passes.
import { bytesToHex } from "@noble/hashes/utils.js";
import { CREDIT_TARIFF_BYTES_MAX } from "../src/credit/ports.js";
import type { Configuration } from "../src/trusted/authority/configuration.js";
import { FormatError } from "../src/trusted/encoding/bytes.js";
import type { Image } from "../src/trusted/ports.js";
import { VirtualClock } from "./clock.js";
import { Device } from "./device.js";
import { NorFlash } from "./flash.js";
import { HeadEnd } from "./head-end.js";
import { type Enrolment, enrol, type Parties } from "./parties.js";
import { MemorySecretStore, MemoryTariffStore, SeededEntropy, TraceEnergy } from "./ports.js";
import { BistableRelay } from "./relay.js";
import { SeededRandom } from "./seeded.js";
import { FLASH_SECTORS, type Supply, switchedBy } from "./simulation.js";
import type { Load, Received, StoredBoard, StoredSupply } from "./stored-board.js";
import type { Trace } from "./trace.js";
import { MemoryUplink } from "./uplink.js";

/** A device is stepped every second while something is going on, and less often while it only measures. */
const TICK_MS = 1_000;
const IDLE_TICK_MS = 10_000;
/** A board has come to rest when nothing was exchanged for so long. */
const QUIET_MS = 10_000;
/** What a board could have to say is said within an hour. */
const SETTLE_MS_MAX = 3_600_000;
/** A board is enrolled this long before its first power-up, as in simulation.ts. */
const BENCH_S = 60;
const HOUR_S = 3_600;
/** Hours that a load lasts after a power-up: longer than anybody lets a board live in one go. */
const LOAD_HOURS = 400 * 24;

/** What the board is made with. */
type BoardParts = Omit<StoredBoard, "cells" | "secrets" | "received" | "softwareId"> & {
  readonly cells?: Uint8Array;
  readonly secrets?: Uint8Array;
};

export interface BenchPlan {
  readonly configuration: Configuration;
  readonly seed: number;
  /** Unix seconds of the first power-up; the board is enrolled a minute before. */
  readonly start_s: number;
  readonly loads: readonly Load[];
  readonly parties: Parties;
  readonly image: Image;
  /** Of a board with a load switch; it comes closed, and without a tariff. */
  readonly hasSwitch: boolean;
}

const NEW_SUPPLY: StoredSupply = { closed: true, tariffs: [null, null], offered: null };

/** Enrols a blank board. @returns it, not powered yet, and what the authority has made of it. */
export function enrolBoard(plan: BenchPlan): { readonly board: StoredBoard; readonly enrolment: Enrolment } {
  const { configuration, seed, start_s, loads, parties, image, hasSwitch } = plan;
  const { meterId } = configuration;
  const now_s = start_s - BENCH_S;
  const blank = {
    meterId,
    seed,
    powerUps: 0,
    now_ms: now_s * 1000,
    loads,
    supply: hasSwitch ? NEW_SUPPLY : null,
  };
  const board = new Bench(blank, image, parties.network.seed);
  const random = new SeededRandom(seed).fork(meterId);
  const enrolment = enrol(parties, random, configuration, image.softwareId, now_s, (request) =>
    board.device.provision(request),
  );
  board.clock.advance(BENCH_S * 1000);
  return { board: board.store(), enrolment };
}

/** The board on the bench. Make one with `powerUp`. */
export class Bench {
  readonly clock: VirtualClock;
  readonly device: Device;
  /** What has arrived at the far end, by topic, over the board's life; registers are not among it. */
  readonly headEnd: HeadEnd;
  readonly #board: BoardParts;
  readonly #image: Image;
  readonly #flash: NorFlash;
  readonly #secrets: MemorySecretStore;
  readonly #uplink: MemoryUplink;
  readonly #received: Received[] = [];
  readonly #registers = new Set<string>();
  /** Null without a load switch. */
  readonly #supply: Supply | null;
  /** The tariff that the network keeps for the board. */
  #offered: Uint8Array | null;
  /** Messages up and commands down, copies included. */
  #exchanged = 0;

  /** Unpowered. @param networkSeed the operator's, who answers requests for the time. */
  constructor(board: BoardParts, image: Image, networkSeed: Uint8Array) {
    const { meterId, seed, powerUps, cells, secrets } = board;
    this.#board = board;
    this.#image = image;
    this.clock = new VirtualClock(board.now_ms);
    const random = new SeededRandom(seed).fork(meterId);
    const content = cells && { content: cells };
    this.#flash = new NorFlash({
      sectors: FLASH_SECTORS,
      mode: "encrypted",
      random: random.fork("flash"),
      ...content,
    });
    this.#secrets = new MemorySecretStore(random.fork("secrets"));
    if (secrets) this.#secrets.save(secrets);
    const deliver = (topic: string, message: Uint8Array) => {
      this.#exchanged++;
      this.#take({ topic: topic.slice(topic.lastIndexOf("/") + 1), message });
    };
    this.#uplink = new MemoryUplink({ clock: this.clock, random: random.fork("uplink"), deliver });
    this.headEnd = new HeadEnd({
      meterId,
      networkSeed,
      time_s: () => Math.floor(this.clock.now_ms / 1000),
      sendCommand: (document) => this.#send(document),
    });
    const { supply } = board;
    this.#offered = supply?.offered ?? null;
    this.#supply = supply && {
      relay: new BistableRelay(supply.closed),
      tariffs: new MemoryTariffStore(supply.tariffs),
    };
    const trace = steadyTrace(board.loads, Math.floor(board.now_ms / 1000));
    this.device = new Device({
      clock: this.clock,
      image,
      flash: this.#flash,
      secrets: this.#secrets,
      // A nonce that came twice could be answered by an old answer.
      entropy: new SeededEntropy(random.fork(`power-up ${powerUps}`)),
      energy: () => new TraceEnergy(trace, this.clock),
      uplink: this.#uplink,
      meterId,
      ...(this.#supply && { supply: switchedBy(this.#supply) }),
    });
  }

  /**
   * Powers a stored board up and lets it come to rest, its clock confirmed.
   * @param image of the software that it ran last (requireSoftware).
   * @throws FormatError when it holds no messages of a meter, or its flash and secrets are no such board's.
   */
  static powerUp(stored: StoredBoard, image: Image, networkSeed: Uint8Array): Bench {
    const bench = new Bench({ ...stored, powerUps: stored.powerUps + 1 }, image, networkSeed);
    for (const received of stored.received) bench.#take(received);
    bench.#boot();
    if (bench.#offered) bench.#uplink.sendTariff(bench.#offered);
    bench.settle();
    return bench;
  }

  /** What keeps a unit from starting is what its stores hold, and so the file that they came in. */
  #boot(): void {
    try {
      this.device.powerUp();
    } catch (error) {
      throw new FormatError(`board: does not start (${error instanceof Error ? error.message : error})`);
    }
  }

  /** Messages that have arrived over the board's life, each once and in that order. */
  get received(): readonly Received[] {
    return this.#received;
  }

  /** Lets time pass. @param progress is told how many seconds have, and of how many. */
  live(seconds: number, progress: (done_s: number, total_s: number) => void = () => {}): void {
    const end_ms = this.clock.now_ms + seconds * 1000;
    while (this.clock.now_ms < end_ms) {
      this.clock.advance(Math.min(IDLE_TICK_MS, end_ms - this.clock.now_ms));
      this.device.run();
      progress(seconds - (end_ms - this.clock.now_ms) / 1000, seconds);
    }
  }

  /** Hands the board a document as its network would, and lets it come to rest. */
  handOver(document: Uint8Array): void {
    this.#send(document);
    this.settle();
  }

  /**
   * Hands the board a signed tariff, now and, in place of the last one, at each power-up: one that no command names
   * before the power fails would else be forgotten. It is not answered, and one that is too long is dropped.
   */
  offer(document: Uint8Array): void {
    if (document.length <= CREDIT_TARIFF_BYTES_MAX) this.#offered = document;
    this.#uplink.sendTariff(document);
    this.settle();
  }

  /** A person holds the button that closes what is ready. */
  holdButton(): void {
    this.device.closing.press();
    this.settle();
  }

  /** Lets the board work until it neither sends nor is sent anything. */
  settle(): void {
    const latest_ms = this.clock.now_ms + SETTLE_MS_MAX;
    let [exchanged, heard_ms] = [this.#exchanged, this.clock.now_ms];
    while (this.clock.now_ms - heard_ms < QUIET_MS && this.clock.now_ms < latest_ms) {
      this.device.run();
      this.clock.advance(TICK_MS);
      if (this.#exchanged !== exchanged) heard_ms = this.clock.now_ms;
      exchanged = this.#exchanged;
    }
  }

  /** Pulls the plug, if it is in. @returns the board as it lies there. */
  store(): StoredBoard {
    if (this.device.powered) this.device.powerDown();
    const secrets = this.#secrets.load();
    if (!secrets) throw new Error("a blank board is not stored");
    return {
      ...this.#board,
      now_ms: this.clock.now_ms,
      softwareId: this.#image.softwareId,
      secrets,
      cells: this.#flash.image(),
      received: this.#received,
      supply: this.#storeSupply(),
    };
  }

  #storeSupply(): StoredSupply | null {
    if (!this.#supply) return null;
    const { relay, tariffs } = this.#supply;
    return { closed: relay.conducting, tariffs: [tariffs.load(0), tariffs.load(1)], offered: this.#offered };
  }

  #send(document: Uint8Array): void {
    this.#exchanged++;
    this.#uplink.sendCommand(document);
  }

  /** Keeps what was not sent before: after a power-up, a board sends again what may not have arrived. */
  #take(received: Received): void {
    const { topic, message } = received;
    const isNew = topic === "register" ? this.#takeRegister(message) : this.#takeOther(topic, message);
    if (isNew) this.#received.push(received);
  }

  /** @returns whether this statement had not arrived before. */
  #takeRegister(message: Uint8Array): boolean {
    const known = this.#registers.size;
    return this.#registers.add(bytesToHex(message)).size > known;
  }

  /** @returns whether this message had not arrived before; a request for the time is answered and not kept. */
  #takeOther(topic: string, message: Uint8Array): boolean {
    const { duplicates } = this.headEnd;
    this.headEnd.deliver(topic, message);
    return topic !== "time" && this.headEnd.duplicates === duplicates;
  }
}

/** A load that does not change, from the hour of `now_s` on. */
function steadyTrace(loads: readonly Load[], now_s: number): Trace {
  const row = loads.map(({ power_W }) => power_W * HOUR_S * 1000);
  return {
    start_s: now_s - (now_s % HOUR_S),
    step_s: HOUR_S,
    channels: loads.map(({ channel }) => channel),
    rows: Array.from({ length: LOAD_HOURS }, () => row),
  };
}
