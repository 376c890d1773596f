// Power cuts at every byte that a meter writes while it does something, in either mode of the flash; and what must
// hold whatever was cut.
import { bytesToHex } from "@noble/hashes/utils.js";
import { expect } from "vitest";
import { PowerCut } from "../host-sim/flash.js";
import { decodeStatement } from "../src/proofs/batch.js";
import { decodeSign1 } from "../src/trusted/encoding/cose.js";
import { type Flash, SECTOR_BYTES } from "../src/trusted/ports.js";
import { digest } from "../src/trusted/sealing/keys.js";
import type { BenchMeter } from "./bench-meter.js";

export type Mode = "plain" | "encrypted";
export const MODES: readonly Mode[] = ["plain", "encrypted"];

/** Passes writes on, and notes after how many bytes of work (as the flash model counts) each may be cut. */
class Witness implements Flash {
  readonly #flash: Flash;
  readonly sectors: number;
  cuts: number[] = [];
  #work = 0;

  constructor(flash: Flash) {
    this.#flash = flash;
    this.sectors = flash.sectors;
  }

  begin(): void {
    this.cuts = [];
    this.#work = 0;
  }

  read(address: number, into: Uint8Array): void {
    this.#flash.read(address, into);
  }

  program(address: number, bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; at++) this.cuts.push(this.#work + at);
    this.#work += bytes.length;
    this.#flash.program(address, bytes);
  }

  /** A cut erase leaves one mix or another, wherever it is cut: three of them are tried. */
  erase(sector: number): void {
    for (let at = 0; at < 3; at++) this.cuts.push(this.#work + at);
    this.#work += SECTOR_BYTES;
    this.#flash.erase(sector);
  }
}

/** What a meter does in a test, after what; and what must be true if it was cut. */
export interface Scene {
  readonly before?: () => void;
  readonly act: () => void;
  readonly after: (cut: number) => void;
}

/**
 * Plays a scene once with a power cut at each byte that it writes: the even ones in plain flash, the odd ones
 * in encrypted flash. @returns how many cuts there were.
 */
export function cutEverywhere(meter: BenchMeter, mode: Mode, { before, act, after }: Scene): number {
  const witness = new Witness(meter.flash);
  meter.port = witness;
  const restore = meter.save();
  before?.();
  witness.begin();
  act();
  const cuts = witness.cuts.filter((_, at) => at % 2 === MODES.indexOf(mode));
  meter.port = meter.flash;
  for (const cut of cuts) {
    restore();
    before?.();
    meter.flash.cutAfter(cut);
    expect(act, `cut after ${cut} bytes`).toThrow(PowerCut);
    meter.cutPower();
    after(cut);
  }
  return cuts.length;
}

/** What holds after any number of cuts: a number names one message, and batches and events are in unbroken chains. */
export function expectConsistent(meter: BenchMeter): void {
  const known = new Map<string, string>();
  for (const { kind, sequence, message } of meter.messages) {
    const name = `${kind}/${sequence}`;
    const hex = bytesToHex(message);
    if ((known.get(name) ?? hex) !== hex) expect(hex, name).toBe(known.get(name));
    known.set(name, hex);
  }
  let link = new Uint8Array(32);
  const links = new Set([bytesToHex(link)]);
  for (const message of meter.kept(4)) {
    link = digest(link, message);
    links.add(bytesToHex(link));
  }
  let previous = bytesToHex(new Uint8Array(32));
  let next = 0;
  for (const [number, document] of meter.kept(3).entries()) {
    const { payload } = decodeSign1(document, "batch-1", 1024);
    const statement = decodeStatement(payload);
    expect(statement.batchNumber).toBe(number);
    expect(statement.firstInterval).toBeGreaterThanOrEqual(next);
    expect(bytesToHex(statement.previousBatchDigest)).toBe(previous);
    expect(links).toContain(bytesToHex(statement.eventDigest));
    next = statement.firstInterval + statement.intervalCount;
    previous = bytesToHex(digest(payload));
  }
}
