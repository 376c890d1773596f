// The unit's state: everything that changes together, as one record. What is not here is either in the log
// or forgotten at a power cut on purpose (the clock's offset, the sealing frontier, what was sent but not
// acknowledged).
import { concatBytes } from "@noble/hashes/utils.js";
import { assert, putUint, readUint } from "../encoding/bytes.js";

const FORMAT = 3;
/** Event types run from 1 to 16; each has a count of the day. */
export const EVENT_TYPES = 16;
/** An interval index that stands for "none yet". */
export const NO_INTERVAL = 0xffffffff;
/** The load switch's state when current may flow. */
export const SWITCH_CLOSED = 2;
/** Bytes of the Companion's state. */
export const COMPANION_BYTES = 64;

/** A field: its name, the bytes of a number, and how many numbers; 0 of them for one alone, width 0 for bytes. */
const FIELDS = [
  ["format", 1, 0],
  /** The interval that is being measured, and its quality flags so far. */
  ["openInterval", 4, 0],
  ["openStatus", 1, 0],
  /** Quality flags raised while the time was not known. */
  ["untimedStatus", 1, 0],
  /** The last closed interval, whose readings the channels hold. */
  ["closedInterval", 4, 0],
  ["closedStatus", 1, 0],
  /** Unix time of the last moment at which the time was known, s. */
  ["lastTime_s", 4, 0],
  /** The newest pairing: its epoch, and the first interval that belongs to it. */
  ["epoch", 2, 0],
  ["epochFirst", 4, 0],
  ["nextBatch", 4, 0],
  /** Every recorded interval below this is sealed. */
  ["sealedTo", 4, 0],
  ["nextEvent", 4, 0],
  /** The UTC day that the event counts are of. */
  ["eventDay", 2, 0],
  /** Where in the log the configuration and the rosters in force lie; a log has fewer than 2^27 sectors in its life. */
  ["configurationPlace", 5, 0],
  ["rostersPlace", 5, 0],
  /** The log's sector that the last restart has completed. */
  ["logSequence", 4, 0],
  /** Of the last register statement: the UTC day, 0 before the first, and its interval. */
  ["statementDay", 2, 0],
  ["statementInterval", 4, 0],
  /** The highest version of the software that has run. */
  ["softwareVersion", 4, 0],
  /** 0 open, 1 ready for reconnection, 2 closed. */
  ["loadSwitch", 1, 0],
  /** The last command's counter of each anchor: authority, supplier, network, aggregator. */
  ["counters", 4, 4],
  /** For each kind of message from 1 on the lowest number that is not acknowledged. */
  ["acknowledged", 4, 6],
  /** Events of each type today, written or only counted; type 1 first. */
  ["eventCounts", 2, EVENT_TYPES],
  /** H of the last batch's statement; zeros before the first. */
  ["batchDigest", 0, 32],
  /** Newest link of the event chain; zeros before the first event. */
  ["eventDigest", 0, 32],
  /** What the Companion keeps. */
  ["companion", 0, COMPANION_BYTES],
] as const;

/** One measured quantity. */
const CHANNEL_FIELDS = [
  /** Cumulative energy when the open interval began, Wh. */
  ["register_Wh", 6, 0],
  /** Energy of the open interval, mJ. */
  ["open_mJ", 6, 0],
  /** Energy measured since power-up while the time was not known, mJ. */
  ["untimed_mJ", 6, 0],
  /** Energy below one Wh (or above a saturated reading) carried from earlier intervals, mJ. */
  ["carried_mJ", 6, 0],
  /** Reading of the last closed interval, Wh. */
  ["closed_Wh", 4, 0],
] as const;

type Field = readonly [name: string, width: number, count: number];
type Value = number | number[] | Uint8Array;
type ValueOf<F extends Field> = F[1] extends 0 ? Uint8Array : F[2] extends 0 ? number : number[];
type StateFields = { -readonly [F in (typeof FIELDS)[number] as F[0]]: ValueOf<F> };
export type StateField = keyof StateFields;
export type Channel = { -readonly [F in (typeof CHANNEL_FIELDS)[number] as F[0]]: number };

export type MeterState = StateFields & { channels: Channel[] };

const fieldBytes = ([, width, count]: Field) => (width === 0 ? count : width * Math.max(1, count));
const bytesOf = (fields: readonly Field[]) => fields.reduce((sum, field) => sum + fieldBytes(field), 0);
const CHANNEL_BYTES = bytesOf(CHANNEL_FIELDS);

function encodeFields(fields: readonly Field[], values: object): Uint8Array {
  const out = new Uint8Array(bytesOf(fields));
  let at = 0;
  for (const field of fields) {
    const [name, width] = field;
    const value: Value = Reflect.get(values, name);
    if (value instanceof Uint8Array) out.set(value, at);
    else if (typeof value === "number") putUint(out, at, value, width);
    else for (const [index, each] of value.entries()) putUint(out, at + index * width, each, width);
    at += fieldBytes(field);
  }
  return out;
}

function decodeFields(fields: readonly Field[], bytes: Uint8Array, from = 0): Record<string, Value> {
  const values: Record<string, Value> = {};
  let at = from;
  for (const field of fields) {
    const [name, width, count] = field;
    const start = at;
    at += fieldBytes(field);
    if (width === 0) values[name] = bytes.slice(start, at);
    else if (count === 0) values[name] = readUint(bytes, start, width);
    else values[name] = Array.from({ length: count }, (_, k) => readUint(bytes, start + k * width, width));
  }
  return values;
}

/** The state of a unit that was never used. */
export function newState(channels: number): MeterState {
  const zeros = new Uint8Array(bytesOf(FIELDS) + channels * CHANNEL_BYTES);
  zeros[0] = FORMAT;
  return { ...decodeState(zeros), closedInterval: NO_INTERVAL, loadSwitch: SWITCH_CLOSED };
}

/** 317 bytes with 2 channels, 485 with 8. */
export const encodeState = (state: MeterState) =>
  concatBytes(
    encodeFields(FIELDS, state),
    ...state.channels.map((channel) => encodeFields(CHANNEL_FIELDS, channel)),
  );

/** Takes a state record apart that the ring has found whole. Asserts that it has this program's format. */
export function decodeState(bytes: Uint8Array): MeterState {
  assert(bytes[0] === FORMAT, "state record has this program's format");
  const fixed = bytesOf(FIELDS);
  const channels = Array.from({ length: Math.floor((bytes.length - fixed) / CHANNEL_BYTES) }, (_, at) => {
    return decodeFields(CHANNEL_FIELDS, bytes, fixed + at * CHANNEL_BYTES) as unknown as Channel;
  });
  return { ...(decodeFields(FIELDS, bytes) as StateFields), channels };
}

/** Some of the state as a log record carries it, at its beginning: these fields in the order of the state. */
export function stateChange(names: readonly StateField[]) {
  const fields = FIELDS.filter(([name]) => names.includes(name));
  return {
    bytes: bytesOf(fields),
    encode: (state: MeterState) => encodeFields(fields, state),
    decode: (bytes: Uint8Array) => decodeFields(fields, bytes) as Partial<MeterState>,
  };
}
