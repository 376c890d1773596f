// One seeded scenario for every engine: a blank meter is provisioned, measures two channels, loses its uplink
// for an hour and its power in the middle of a flash program, and goes on from what is left in the flash. It
// holds no key of anyone outside the meter: what the authority and the network operator sign is handed in. It
// runs unchanged on Node, on XS and on the bare board, and must leave the same bytes.
import { FlashSecretStore } from "../firmware/secret-store.js";
import { TARIFF_SECTORS } from "../firmware/tariff-store.js";
import { topicOf } from "../src/meter/outbox.js";
import { asciiBytes } from "../src/trusted/encoding/bytes.js";
import { type Flash, type Image, SECTOR_BYTES } from "../src/trusted/ports.js";
import { VirtualClock } from "./clock.js";
import { Device, type DeviceParts } from "./device.js";
import { SeededEntropy, TraceEnergy } from "./ports.js";
import { ORDERS_MAX, type ScenarioPlan } from "./scenario-input.js";
import { SeededRandom } from "./seeded.js";
import type { Trace } from "./trace.js";
import { MemoryUplink } from "./uplink.js";

/** Sectors of the journal's partition: 2.25 MB. */
export const JOURNAL_SECTORS = 576;
/** Sectors of the keys' partition, after the journal's. */
export const SECRET_SECTORS = 4;
export const FLASH_SECTORS = JOURNAL_SECTORS + SECRET_SECTORS + TARIFF_SECTORS;

/** Label of what is drawn from the seed until the plug is pulled. */
export const FIRST_POWER_UP = "first power-up";
/** The meter is provisioned this long before its first step in the field. */
const BENCH_S = 60;
/** Time between steps, ms, and from handing a message over to its acknowledgement. */
const TICK_MS = 10_000;
const LATENCY_MS = 200;
/** Most energy of a row of the trace, mJ: 1.1 kWh in a quarter of an hour. */
const ROW_MJ_MAX = 4_000_000_000;
const ROW_S = 900;
/** The uplink fails from the first to the last of these, s after power comes back. */
const OUTAGE_S = [600, 4_200] as const;
/** When the head end begins to send its documents, one a turn, ms after the first power-up. */
const ORDERS_MS = 300_000;
const NONCE_BYTES = 16;
/** How long the power stays away, s. */
const DARK_S = 1_200;

/** What the engine's host does for the scenario. */
export interface ScenarioHost {
  readonly image: Image;
  /** The whole chip, FLASH_SECTORS sectors. */
  readonly flash: Flash;
  /** Pulls the plug after this many more bytes of programming; nothing happens after that. */
  cutAfter(bytes: number): void;
  /** Appends to a file of the run. */
  write(file: string, bytes: Uint8Array): void;
  /** The network operator's signed answer to a request for the time, or null if it has none. */
  answerTime(nonce: Uint8Array, time_s: number): Uint8Array | null;
  /** What the head end sends to the meter in its first hour, one after the other; null where there is none. */
  order(at: number): Uint8Array | null;
  /** Of a meter with a load switch. */
  readonly supply?: NonNullable<DeviceParts["supply"]>;
  /** What people do at the meter and at the head end, in each turn after the meter's. */
  attend?(device: Device, uplink: MemoryUplink, time_s: number): void;
  /** The scenario is over, and the meter still runs. */
  ended?(device: Device): void;
  /** Runs and measures a step of the unit. */
  measured?(step: () => boolean): boolean;
  /** The meter has done all that there was to do at this time, Unix seconds. */
  rested?(time_s: number): void;
}

/** The end of a meter's request for the time; to read it whole takes code that a board has no room for. */
const nonceOf = (request: Uint8Array) => request.slice(-NONCE_BYTES);

/** Sectors [first, first + sectors) of a chip. */
function partition(chip: Flash, first: number, sectors: number): Flash {
  const base = first * SECTOR_BYTES;
  return {
    sectors,
    read: (address, into) => chip.read(base + address, into),
    program: (address, bytes) => chip.program(base + address, bytes),
    erase: (sector) => chip.erase(first + sector),
  };
}

/** The journal's partition and the keys in theirs. */
export const storesOf = (chip: Flash) => ({
  journal: partition(chip, 0, JOURNAL_SECTORS),
  secrets: new FlashSecretStore(partition(chip, JOURNAL_SECTORS, SECRET_SECTORS)),
});

/** The partition of the tariffs, the last. */
export const tariffPartition = (chip: Flash) =>
  partition(chip, JOURNAL_SECTORS + SECRET_SECTORS, TARIFF_SECTORS);

/** Rows that are drawn; after them they begin again, so that a long scenario takes no more memory of a board. */
const ROWS_DRAWN = 24;

/** Whole mJ a quarter of an hour, drawn from the seed. */
export function seededTrace({ seed, start_s, end_s }: ScenarioPlan): Trace {
  const random = new SeededRandom(seed).fork("trace");
  const drawn = Array.from({ length: ROWS_DRAWN }, () => [
    random.below(ROW_MJ_MAX),
    random.below(3) === 0 ? random.below(ROW_MJ_MAX) : 0,
  ]);
  const length = Math.ceil((end_s - start_s) / ROW_S);
  const rows = Array.from({ length }, (_, at) => drawn[at % ROWS_DRAWN] ?? null);
  return { start_s, step_s: ROW_S, channels: ["1-0:1.8.0", "1-0:2.8.0"], rows };
}

/**
 * Runs the scenario from power-up to its end or to the pulled plug. A blank chip is a new meter: it is
 * provisioned, runs from start_s, and its power is cut at cut_s; any other runs from the power's return.
 * Files: `answer` (of provisioning), `reading`, `share`, `batch`, `event`, `pairing` (CBOR sequences of what arrived
 * at the head end) and `display` (what the meter shows at the end).
 */
export function runScenario(plan: ScenarioPlan, host: ScenarioHost): void {
  const { journal, secrets } = storesOf(host.flash);
  const isNew = secrets.load() === null;
  const begin_s = isNew ? plan.start_s : plan.cut_s + DARK_S;
  const clock = new VirtualClock((isNew ? begin_s - BENCH_S : begin_s) * 1000);
  const random = new SeededRandom(plan.seed).fork(isNew ? FIRST_POWER_UP : "second power-up");
  const uplink: MemoryUplink = new MemoryUplink({
    clock,
    random,
    latency_ms: LATENCY_MS,
    outages: isNew ? [] : [[(begin_s + OUTAGE_S[0]) * 1000, (begin_s + OUTAGE_S[1]) * 1000]],
    deliver: (topic, message) => {
      if (topic !== topicOf(plan.meterId, "time")) {
        host.write(topic.slice(topic.lastIndexOf("/") + 1), message);
        return;
      }
      const document = host.answerTime(nonceOf(message), Math.floor(clock.now_ms / 1000));
      if (document) uplink.sendCommand(document);
    },
  });
  const trace = seededTrace(plan);
  const device = new Device({
    clock,
    image: host.image,
    flash: journal,
    secrets,
    entropy: new SeededEntropy(random),
    energy: () => new TraceEnergy(trace, clock),
    uplink,
    meterId: plan.meterId,
    measured: (step) => host.measured?.(step) ?? step(),
    ...(host.supply && { supply: host.supply }),
  });
  if (isNew) {
    host.write("answer", device.provision(plan.request));
    clock.advance(BENCH_S * 1000);
  }
  device.powerUp();
  for (let armed = !isNew; clock.now_ms < plan.end_s * 1000; clock.advance(TICK_MS)) {
    if (!armed && clock.now_ms >= plan.cut_s * 1000) {
      host.cutAfter(plan.cutBytes);
      armed = true;
    }
    device.run();
    const turn = (clock.now_ms - plan.start_s * 1000 - ORDERS_MS) / TICK_MS;
    const order = isNew && turn >= 0 && turn < ORDERS_MAX ? host.order(turn) : null;
    if (order) uplink.sendCommand(order);
    host.attend?.(device, uplink, Math.floor(clock.now_ms / 1000));
    host.rested?.(Math.floor(clock.now_ms / 1000));
  }
  host.write("display", asciiBytes(device.display().join(" | ")));
  host.ended?.(device);
}
