// "embedded:storage/flash" as the ESP32 build has it, over the NOR model: partitions by label, blocks of 4,096
// bytes, plain Errors with the natives' words. `status()` returns neither `writeAlign` nor `eraseValue`, as
// there. A partition whose row says `encrypted` takes only whole aligned blocks of 16 bytes.
import { assert } from "../../src/trusted/encoding/bytes.js";
import { BLOCK_BYTES, SECTOR_BYTES } from "../../src/trusted/ports.js";
import { type NorFlash, PowerCut } from "../flash.js";
import type { Machine } from "./machine.js";
import { bufferOf, bytesOf, isBuffer, objectOf, toInteger } from "./realm.js";

/** Partitions of type data by label. */
export type Partitions = ReadonlyMap<string, NorFlash>;

interface Open {
  readonly device: NorFlash;
  readonly size: number;
  readonly readOnly: boolean;
}

export interface FlashOpenOptions {
  readonly path: string;
  readonly mode?: string;
  readonly format?: string;
}

/** What these take of a chip's time, ms: 45 ms is typical for a sector of a W25Q32, 400 ms its longest. */
const ERASE_MS = 45;
const PROGRAM_MS = 1;

/**
 * @param powered throws when the chip has no power.
 * @param failed is told that the model cut the power, and throws.
 */
export function flashModule(
  machine: Machine,
  partitions: Partitions,
  powered: () => void,
  failed: (cut: PowerCut) => never,
) {
  const { realm } = machine;
  const work = (time_ms: number, run: () => void) => {
    machine.spend(time_ms);
    try {
      run();
    } catch (error) {
      if (error instanceof PowerCut) failed(error);
      throw error;
    }
  };
  const open = new WeakMap<object, Open>();
  const fail = (why: string): never => {
    throw new realm.Error(why);
  };
  const opened = (flash: object): Open => {
    powered();
    const record = open.get(flash);
    if (!record) throw new realm.SyntaxError("C: xsGetHostChunk: invalid host data");
    return record;
  };
  const within = (size: number, from: number, length: number) =>
    from >= 0 && length >= 0 && from + length <= size;

  class Flash {
    constructor(record?: Open) {
      if (!record) throw new realm.TypeError("open a partition");
      open.set(this, record);
    }
    close(): void {
      open.delete(this);
    }
    /** Blocks from `start` up to `end`, one without it. */
    eraseBlock(start: number, end?: number): void {
      const { device, readOnly, size } = opened(this);
      if (readOnly) fail("read-only");
      const [from, to] = [toInteger(start), end === undefined ? toInteger(start) + 1 : toInteger(end)];
      if (!within(size, from * SECTOR_BYTES, (to - from) * SECTOR_BYTES)) fail("erase failed");
      for (let sector = from; sector < to; sector++) work(ERASE_MS, () => device.erase(sector));
    }
    /** A number gives that many bytes; a buffer is filled, and its length comes back. */
    read(what: number, byteOffset: number): ArrayBuffer;
    read(what: Uint8Array, byteOffset: number): number;
    read(what: number | ArrayBufferLike | ArrayBufferView, byteOffset: number): ArrayBuffer | number {
      const { device, size } = opened(this);
      const into =
        typeof what === "number" ? new Uint8Array(Math.max(0, toInteger(what))) : bytesOf(realm, what);
      const from = toInteger(byteOffset);
      if (!within(size, from, into.length)) fail("read failed");
      device.read(from, into);
      return typeof what === "number" ? bufferOf(realm, into) : into.length;
    }
    write(buffer: ArrayBufferLike | ArrayBufferView, byteOffset: number): void {
      const { device, readOnly, size } = opened(this);
      if (readOnly) fail("read-only");
      if (!ArrayBuffer.isView(buffer) && !isBuffer(buffer)) throw new realm.TypeError("no buffer");
      const [from, bytes] = [toInteger(byteOffset), bytesOf(realm, buffer)];
      const whole = from % BLOCK_BYTES === 0 && bytes.length % BLOCK_BYTES === 0;
      if (!whole || !within(size, from, bytes.length)) fail("write failed");
      work(PROGRAM_MS, () => device.program(from, bytes));
    }
    status() {
      const { size } = opened(this);
      return objectOf(realm, { size, blockLength: SECTOR_BYTES, blocks: size / SECTOR_BYTES });
    }
    get format(): string {
      return "buffer";
    }
    set format(value: string) {
      if (value !== "buffer") throw new realm.RangeError("invalid");
    }
  }

  const find = ({ path, mode, format }: FlashOpenOptions): Flash => {
    powered();
    if (path === undefined) fail("no path");
    const device = partitions.get(`${path}`);
    if (!device) return fail("can't find partition");
    if (mode !== undefined && mode !== "r" && mode !== "r+") fail("invalid mode");
    if (format && format !== "buffer") throw new realm.RangeError("unsupported");
    assert(device.sectors > 0, "a partition has sectors");
    return new Flash({ device, size: device.sectors * SECTOR_BYTES, readOnly: mode === "r" });
  };
  const labels = () => [...partitions.keys()][Symbol.iterator]();
  return { default: Object.freeze({ open: find, [Symbol.iterator]: labels }) };
}
