// A Companion that only counts, so that what it was told can be told apart: how many commands it obeyed, the sum of
// the top-ups, how many intervals closed. Its state is all it has; port and model compute it by the same functions,
// each from what it knows.
import { readUint, sameBytes, uintBytes } from "../../src/trusted/encoding/bytes.js";
import { int } from "../../src/trusted/encoding/cbor.js";
import { COMPANION_BYTES } from "../../src/trusted/journal/state.js";
import type { CompanionAnswer } from "../../src/trusted/ports.js";

const OPEN = 0;
const READY = 1;
const CLOSED = 2;
/** Top-ups that it takes; others it refuses. */
export const AMOUNT_MAX = 1000;

/** An interval as it closed. */
export interface ClosedInterval {
  readonly interval: number;
  readonly status: number;
  /** Per channel, Wh. */
  readonly readings: readonly number[];
}

interface Counts {
  readonly obeyed: number;
  readonly amount: number;
  readonly closes: number;
  /** The load switch, 3 before anything has happened to it. */
  readonly loadSwitch: number;
}

const decode = (state: Uint8Array): Counts => ({
  obeyed: readUint(state, 0, 4),
  amount: readUint(state, 4, 4),
  closes: readUint(state, 8, 4),
  loadSwitch: readUint(state, 12, 1) === 0 ? CLOSED : readUint(state, 12, 1) - 1,
});

function encode({ obeyed, amount, closes, loadSwitch }: Counts): CompanionAnswer {
  const state = new Uint8Array(COMPANION_BYTES);
  state.set(uintBytes(obeyed, 4), 0);
  state.set(uintBytes(amount, 4), 4);
  state.set(uintBytes(closes, 4), 8);
  state[12] = loadSwitch + 1;
  return { companion: state, loadSwitch };
}

/** A person closes a switch that is ready within an interval. */
export function closeInterval(state: Uint8Array): CompanionAnswer {
  const counts = decode(state);
  const loadSwitch = counts.loadSwitch === READY ? CLOSED : counts.loadSwitch;
  return encode({ ...counts, closes: counts.closes + 1, loadSwitch });
}

/** Opens or arms the switch, adds a top-up, takes any tariff and settings; null for everything else. */
export function obey(state: Uint8Array, kind: number, argument: Uint8Array): CompanionAnswer | null {
  const counts = decode(state);
  const obeyed = counts.obeyed + 1;
  const amount = amountOf(argument);
  if (kind === 4 && amount === OPEN) return encode({ ...counts, obeyed, loadSwitch: OPEN });
  if (kind === 4 && amount === READY) {
    return encode({ ...counts, obeyed, loadSwitch: counts.loadSwitch === OPEN ? READY : counts.loadSwitch });
  }
  if (kind === 5 && amount > 0) return encode({ ...counts, obeyed, amount: counts.amount + amount });
  if (kind === 6 && argument.length === 34) return encode({ ...counts, obeyed });
  if (kind === 7 && argument.length > 1) return encode({ ...counts, obeyed });
  return null;
}

/** The number of an argument that is one up to AMOUNT_MAX, else -1. */
function amountOf(argument: Uint8Array): number {
  if (argument.length < 1 || argument.length > 3) return -1;
  const value = argument.length === 1 ? readUint(argument, 0, 1) : readUint(argument, 1, argument.length - 1);
  return value <= AMOUNT_MAX && sameBytes(int(value), argument) ? value : -1;
}
