/**
 * The unit's ports but flash, as a computer can offer them: entropy from the seed, keys in two slots of
 * memory, a button that a scenario presses, and energy from a trace. Time comes from the virtual clock.
 */

import { sha256 } from "@noble/hashes/sha2.js";
import type { TariffStore } from "../src/credit/ports.js";
import { assert, readUint, sameBytes, uintBytes } from "../src/trusted/encoding/bytes.js";
import { DAY_SECONDS } from "../src/trusted/metrology/interval.js";
import type { Button, Entropy, FrontEnd, FrontEndReading, SecretStore } from "../src/trusted/ports.js";
import type { VirtualClock } from "./clock.js";
import { PowerCut } from "./flash.js";
import type { SeededRandom } from "./seeded.js";
import type { Trace } from "./trace.js";

/**
 * Reproducible bytes, and so no secrets. Keep it over the restarts of a meter: one made anew from the same
 * generator begins again with the same bytes.
 */
export class SeededEntropy implements Entropy {
  readonly #random: SeededRandom;

  constructor(random: SeededRandom) {
    this.#random = random.fork("entropy");
  }

  fill(into: Uint8Array): void {
    this.#random.fill(into);
  }
}

/** Largest set of secrets, bytes (SecretStore). */
const SECRETS_BYTES_MAX = 1024;
const SLOT_HEAD_BYTES = 8;
const SLOT_DIGEST_BYTES = 32;

/** Where in a save the power fails: nothing written yet; within the new slot; both slots whole. */
export type SaveStage = "before" | "torn" | "between";

/**
 * Two slots, as the two flash sectors of the device: a save writes the slot that is not living and then
 * erases the other. A slot is `u32be sequence || u32be length || secrets || SHA-256 of all that`, so a torn
 * one is not taken for a set; of two whole ones the later is living.
 */
export class MemorySecretStore implements SecretStore {
  readonly #random: SeededRandom;
  readonly #slots: [Uint8Array, Uint8Array] = [erased(), erased()];
  #cut: SaveStage | null = null;
  #on = true;

  /** @param random draws where a torn write ends and what it leaves */
  constructor(random: SeededRandom) {
    this.#random = random.fork("secrets");
  }

  /** A copy of the living set, or null. @throws PowerCut while the power is off. */
  load(): Uint8Array | null {
    this.#requirePower();
    const { slot, length } = this.#living();
    return slot === null ? null : this.#slots[slot].slice(SLOT_HEAD_BYTES, SLOT_HEAD_BYTES + length);
  }

  /**
   * Replaces the living set. Asserts at most 1,024 bytes.
   * @throws PowerCut at the stage that is armed, or while the power is off.
   */
  save(secrets: Uint8Array): void {
    this.#requirePower();
    assert(secrets.length <= SECRETS_BYTES_MAX, "secrets fit their slot");
    this.#failAt("before");
    const { slot: old, sequence } = this.#living();
    const target = old === 0 ? 1 : 0;
    const content = [...uintBytes(sequence + 1, 4), ...uintBytes(secrets.length, 4), ...secrets];
    const written = Uint8Array.of(...content, ...sha256(Uint8Array.from(content)));
    if (this.#cut === "torn") {
      // Half of the digest at least is noise, or the set could come out whole.
      const whole = this.#random.below(written.length - SLOT_DIGEST_BYTES / 2);
      this.#random.fill(written.subarray(whole));
    }
    this.#slots[target] = written;
    this.#failAt("torn");
    this.#failAt("between");
    if (old !== null) this.#slots[old] = erased();
  }

  /** Arms one power cut, at this stage of the next save. */
  cutAtNextSave(stage: SaveStage): void {
    this.#cut = stage;
  }

  /** Brings the power back, and disarms a cut that has not come. */
  powerUp(): void {
    this.#on = true;
    this.#cut = null;
  }

  #requirePower(): void {
    if (!this.#on) throw new PowerCut("the power is off");
  }

  #failAt(stage: SaveStage): void {
    if (this.#cut !== stage) return;
    this.#cut = null;
    this.#on = false;
    throw new PowerCut("the power failed while secrets were saved");
  }

  #living(): { slot: 0 | 1 | null; sequence: number; length: number } {
    const first = headOf(this.#slots[0]);
    const second = headOf(this.#slots[1]);
    if (first !== null && first.sequence > (second?.sequence ?? 0)) return { slot: 0, ...first };
    if (second !== null) return { slot: 1, ...second };
    return { slot: null, sequence: 0, length: 0 };
  }
}

const erased = () => new Uint8Array(0);

/** Sequence, from 1, and length in bytes of the set in a slot; null for an erased or torn slot. */
function headOf(slot: Uint8Array): { sequence: number; length: number } | null {
  if (slot.length < SLOT_HEAD_BYTES + SLOT_DIGEST_BYTES) return null;
  const content = slot.subarray(0, slot.length - SLOT_DIGEST_BYTES);
  if (!sameBytes(sha256(content), slot.subarray(content.length))) return null;
  return { sequence: readUint(slot, 0, 4), length: readUint(slot, 4, 4) };
}

/** A button that the scenario presses. */
export class ScriptedButton implements Button {
  #pressed = false;

  press(): void {
    this.#pressed = true;
  }

  /** True once after one press or several. */
  pressed(): boolean {
    const pressed = this.#pressed;
    this.#pressed = false;
    return pressed;
  }
}

/**
 * A front end that plays a trace back. Each row's energy flows evenly over the row's time and is handed out
 * in whole mJ, rounded down, so that what was read adds up to exactly the row's energy when the row ends. In
 * rows without power, before the trace and after it nothing is measured. Make a new one at each power-up: it
 * measures from then on.
 */
export class TraceEnergy implements FrontEnd {
  readonly #trace: Trace;
  readonly #clock: Pick<VirtualClock, "now_ms">;
  readonly #step_ms: number;
  readonly #zeros: readonly number[];
  /** The row that was read last, and how much of each channel of it was handed out, mJ. */
  #row: number;
  #taken_mJ: readonly number[];

  /** Asserts that a row takes whole seconds, at most a day: the products below stay under 2^53. */
  constructor(trace: Trace, clock: Pick<VirtualClock, "now_ms">) {
    assert(
      Number.isInteger(trace.step_s) && trace.step_s > 0 && trace.step_s <= DAY_SECONDS,
      "a row has a length",
    );
    this.#trace = trace;
    this.#clock = clock;
    this.#step_ms = trace.step_s * 1000;
    this.#zeros = trace.channels.map(() => 0);
    const { row, into_ms } = this.#now();
    this.#row = row;
    this.#taken_mJ = this.#flowed_mJ(row, into_ms);
  }

  /** Whole mJ of each channel since the last call, in the order of the trace; status 0. */
  read(): FrontEndReading {
    const { row, into_ms } = this.#now();
    let energy_mJ = this.#taken_mJ.map((taken) => -taken);
    for (; this.#row < row; this.#row++)
      energy_mJ = sum(energy_mJ, this.#flowed_mJ(this.#row, this.#step_ms));
    this.#taken_mJ = this.#flowed_mJ(row, into_ms);
    return { counts: sum(energy_mJ, this.#taken_mJ), status: 0 };
  }

  /** The row of this moment, within one row of the trace at either side, and the time since it began. */
  #now(): { readonly row: number; readonly into_ms: number } {
    const since_ms = this.#clock.now_ms - this.#trace.start_s * 1000;
    if (since_ms < 0) return { row: -1, into_ms: 0 };
    const row = Math.floor(since_ms / this.#step_ms);
    const end = this.#trace.rows.length;
    return row < end ? { row, into_ms: since_ms - row * this.#step_ms } : { row: end, into_ms: 0 };
  }

  /** Energy of a row that has flowed `into_ms` after it began: floor(energy * into / step), without rounding. */
  #flowed_mJ(row: number, into_ms: number): readonly number[] {
    return (this.#trace.rows[row] ?? this.#zeros).map((energy_mJ) => {
      const perMs = Math.floor(energy_mJ / this.#step_ms);
      const rest = energy_mJ - perMs * this.#step_ms;
      return perMs * into_ms + Math.floor((rest * into_ms) / this.#step_ms);
    });
  }
}

const sum = (a: readonly number[], b: readonly number[]) => a.map((value, at) => value + (b[at] ?? 0));

/** What a front end measures behind contacts: nothing flows while they are open, and what would have is gone. */
export class SwitchedFrontEnd implements FrontEnd {
  readonly #frontEnd: FrontEnd;
  readonly #contacts: { readonly conducting: boolean };

  constructor(frontEnd: FrontEnd, contacts: { readonly conducting: boolean }) {
    this.#frontEnd = frontEnd;
    this.#contacts = contacts;
  }

  /** Counts by steps of the unit: what flows in the one in which the contacts move is all there, or none. */
  read(): FrontEndReading {
    const { counts, cycles, status } = this.#frontEnd.read();
    if (this.#contacts.conducting) return { counts, status, ...(cycles && { cycles }) };
    return { counts: counts.map(() => 0), status };
  }
}

/** Tariffs of a meter in memory. */
export class MemoryTariffStore implements TariffStore {
  readonly #slots: [Uint8Array | null, Uint8Array | null];

  /** @param content what the slots hold already. */
  constructor([first, second]: readonly [Uint8Array | null, Uint8Array | null] = [null, null]) {
    this.#slots = [first, second];
  }

  load(slot: 0 | 1): Uint8Array | null {
    return this.#slots[slot]?.slice() ?? null;
  }

  save(slot: 0 | 1, document: Uint8Array): boolean {
    this.#slots[slot] = document.slice();
    return true;
  }
}
