// The unit's state: everything that changes together, as one record. What is not here is either in the log
// or forgotten at a power cut on purpose (the clock's offset, the sealing frontier, what was sent but not
// acknowledged).
import { assert, putUint, readUint } from "../encoding/bytes.js";
import { type Channel, newChannel } from "../metrology/registers.js";

const FORMAT = 1;
const DIGEST_BYTES = 32;
/** Event types run from 1 to 16; each has a count of the day. */
export const EVENT_TYPES = 16;
/** An interval index that stands for "none yet". */
export const NO_INTERVAL = 0xffffffff;

/** The numbers of the state and the bytes each takes, in the order of the record. */
const NUMBERS = [
  ["format", 1],
  /** The interval that is being measured, and its quality flags so far. */
  ["openInterval", 4],
  ["openStatus", 1],
  /** The last closed interval, whose readings the channels hold. */
  ["closedInterval", 4],
  ["closedStatus", 1],
  /** Unix time of the last moment at which the time was known, s. */
  ["lastTime_s", 5],
  /** The newest pairing: its epoch, and the first interval that belongs to it. */
  ["epoch", 2],
  ["epochFirst", 4],
  ["nextBatch", 4],
  /** Every recorded interval below this is sealed. */
  ["sealedTo", 4],
  ["nextEvent", 4],
  /** The UTC day that the event counts are of. */
  ["eventDay", 4],
  /** For each kind of message the lowest number that is not acknowledged. */
  ["readingAcknowledged", 4],
  ["batchAcknowledged", 4],
  ["eventAcknowledged", 4],
  ["pairingAcknowledged", 4],
  /** The configuration in force: its number and its place in the log. */
  ["configurationNumber", 4],
  ["configurationSequence", 4],
  ["configurationOffset", 2],
  /** The log's sector that the last restart has completed. */
  ["logSequence", 4],
] as const;

const CHANNEL_NUMBERS = [
  ["register_Wh", 6],
  ["open_mJ", 6],
  ["untimed_mJ", 6],
  ["carried_mJ", 6],
  ["closed_Wh", 4],
] as const;

type Numbers = { -readonly [Name in (typeof NUMBERS)[number][0]]: number };

export interface MeterState extends Numbers {
  /** H of the last batch's statement; zeros before the first. */
  batchDigest: Uint8Array;
  /** Newest link of the event chain; zeros before the first event. */
  eventDigest: Uint8Array;
  /** Events of each type today, written or only counted; type 1 first. */
  eventCounts: number[];
  channels: Channel[];
}

/** The state of a unit that was never used. */
export function newState(channels: number): MeterState {
  const numbers = Object.fromEntries(NUMBERS.map(([name]) => [name, 0])) as Numbers;
  return {
    ...numbers,
    format: FORMAT,
    closedInterval: NO_INTERVAL,
    batchDigest: new Uint8Array(DIGEST_BYTES),
    eventDigest: new Uint8Array(DIGEST_BYTES),
    eventCounts: new Array<number>(EVENT_TYPES).fill(0),
    channels: Array.from({ length: channels }, newChannel),
  };
}

const sumWidths = (fields: readonly (readonly [string, number])[]) =>
  fields.reduce((sum, [, width]) => sum + width, 0);
const FIXED_BYTES = sumWidths(NUMBERS) + 2 * DIGEST_BYTES + 2 * EVENT_TYPES + 1;
const CHANNEL_BYTES = sumWidths(CHANNEL_NUMBERS);

/** 221 bytes with 2 channels, 389 with 8. */
export function encodeState(state: MeterState): Uint8Array {
  const out = new Uint8Array(FIXED_BYTES + state.channels.length * CHANNEL_BYTES);
  let at = 0;
  const put = (value: number, width: number) => {
    putUint(out, at, value, width);
    at += width;
  };
  for (const [name, width] of NUMBERS) put(state[name], width);
  for (const bytes of [state.batchDigest, state.eventDigest]) {
    out.set(bytes, at);
    at += DIGEST_BYTES;
  }
  for (const count of state.eventCounts) put(count, 2);
  put(state.channels.length, 1);
  for (const channel of state.channels)
    for (const [name, width] of CHANNEL_NUMBERS) put(channel[name], width);
  return out;
}

/** Takes a state record apart that the ring has found whole. Asserts that it has this program's format. */
export function decodeState(bytes: Uint8Array): MeterState {
  assert(bytes[0] === FORMAT, "state record has this program's format");
  let at = 0;
  const nextBytes = (length: number) => {
    at += length;
    return bytes.slice(at - length, at);
  };
  const next = (width: number) => readUint(nextBytes(width), 0, width);
  const numbers = Object.fromEntries(NUMBERS.map(([name, width]) => [name, next(width)])) as Numbers;
  const [batchDigest, eventDigest] = [nextBytes(DIGEST_BYTES), nextBytes(DIGEST_BYTES)];
  const eventCounts = Array.from({ length: EVENT_TYPES }, () => next(2));
  const channels = Array.from({ length: next(1) }, () => {
    return Object.fromEntries(
      CHANNEL_NUMBERS.map(([name, width]) => [name, next(width)]),
    ) as unknown as Channel;
  });
  return { ...numbers, batchDigest, eventDigest, eventCounts, channels };
}
