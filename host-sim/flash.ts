/**
 * NOR flash as the journal meets it: sectors of 4,096 bytes that erase to ones, programs that only clear
 * bits, pages of 256 bytes that a power cut leaves half done, and cells that cannot make up their mind
 * afterwards. Every fault is drawn from the seed. The model forgives no writer: to program a block twice, or
 * in a sector whose erase was cut, is an assertion.
 */
import { assert } from "../src/trusted/encoding/bytes.js";
import { BLOCK_BYTES, type Flash, SECTOR_BYTES } from "../src/trusted/ports.js";
import type { SeededRandom } from "./seeded.js";

/** Bytes that the chip programs at once, aligned; a longer program is carried out page by page. */
export const PAGE_BYTES = 256;
const BLOCKS_PER_SECTOR = SECTOR_BYTES / BLOCK_BYTES;

/** The supply failed: in the middle of the call that throws this, or before it. */
export class PowerCut extends Error {
  override readonly name = "PowerCut";
}

export interface NorFlashOptions {
  readonly sectors: number;
  /** Encrypted: the chip keeps E_address(block) of every 16-byte block, so erased and torn blocks read as noise. */
  readonly mode: "plain" | "encrypted";
  /** Draws the faults and the encryption key; cells restored later need a generator of the same seed. */
  readonly random: SeededRandom;
  /** Physical bytes to begin with, as `image()` gave them; otherwise everything is erased. */
  readonly content?: Uint8Array;
  /**
   * Whether a cut leaves cells with a charge at the reading threshold. Such a bit may read differently each
   * time until its sector is erased: a record found valid once can be torn at the next look, and the other
   * way round. A journal that trusts what it read of the last sector after a boot loses history by it.
   * Default true.
   */
  readonly marginal?: boolean;
  /**
   * What a second program of a block since its erase does: throw an assertion (default), or only count and
   * AND the bits, as the chip does.
   */
  readonly reprogramming?: "refused" | "counted";
}

/** A sector as it was before an attempt first changed it. */
interface SavedSector {
  readonly cells: Uint8Array;
  readonly blank: Uint8Array;
  readonly marginal: Uint8Array | undefined;
  readonly erases: number;
}

/** The cells at one moment. */
export interface FlashSnapshot {
  readonly cells: Uint8Array;
  readonly blank: Uint8Array;
  readonly marginal: ReadonlyMap<number, Uint8Array>;
}

export class NorFlash implements Flash {
  readonly sectors: number;
  /** Erases begun in each sector since construction: its wear. */
  readonly eraseCounts: Uint32Array;
  readonly #cells: Uint8Array;
  readonly #cellView: DataView;
  /** One byte a block: 1 from a completed erase until the block is programmed. */
  readonly #blank: Uint8Array;
  /** By sector, the bits that a cut left in between. */
  readonly #marginal = new Map<number, Uint8Array>();
  readonly #stuck = new Set<number>();
  readonly #touched: Uint8Array;
  readonly #page = new Uint8Array(PAGE_BYTES);
  readonly #pageView = new DataView(this.#page.buffer);
  readonly #cipher: BlockPermutation | null;
  #cuts: SeededRandom;
  #waver: SeededRandom;
  readonly #leavesMarginal: boolean;
  readonly #refusesReprogramming: boolean;
  /** For each attempt under way, the innermost last, the sectors that it has changed. */
  readonly #attempts: Map<number, SavedSector>[] = [];
  /** Bytes until the armed cut; Infinity when none is armed. */
  #untilCut = Number.POSITIVE_INFINITY;
  #on = true;
  #programmedBytes = 0;
  #reprogrammedBlocks = 0;
  #readBytes = 0;
  #sectorsTouched = 0;

  /** Powered, without a cut to come. Asserts that `content`, if given, is exactly `sectors` sectors. */
  constructor({ sectors, mode, random, content, marginal, reprogramming }: NorFlashOptions) {
    const size = sectors * SECTOR_BYTES;
    assert(Number.isInteger(sectors) && sectors > 0, "flash has sectors");
    assert(content === undefined || content.length === size, "content fills the flash");
    this.sectors = sectors;
    this.eraseCounts = new Uint32Array(sectors);
    this.#cells = content?.slice() ?? new Uint8Array(size).fill(0xff);
    this.#cellView = new DataView(this.#cells.buffer);
    this.#blank = blankBlocks(this.#cells);
    this.#touched = new Uint8Array(sectors);
    this.#cipher = mode === "encrypted" ? new BlockPermutation(random.fork("flash key").nextU32()) : null;
    this.#cuts = random.fork("flash cuts");
    this.#waver = random.fork("flash reads");
    this.#leavesMarginal = marginal ?? true;
    this.#refusesReprogramming = reprogramming !== "counted";
  }

  /** Bytes programmed since construction, a cut program up to its cut. */
  get programmedBytes(): number {
    return this.#programmedBytes;
  }

  /** Blocks programmed again without an erase since construction, the refused ones included: a writer's faults. */
  get reprogrammedBlocks(): number {
    return this.#reprogrammedBlocks;
  }

  /** Bytes read and different sectors touched by reads since `resetStatistics()`: what a recovery cost. */
  get reads(): { readonly bytes: number; readonly sectors: number } {
    return { bytes: this.#readBytes, sectors: this.#sectorsTouched };
  }

  resetStatistics(): void {
    this.#readBytes = 0;
    this.#sectorsTouched = 0;
    this.#touched.fill(0);
  }

  /** Reads any bytes within the flash. Asserts the range. @throws PowerCut while the power is off. */
  read(address: number, into: Uint8Array): void {
    this.#requirePower();
    const end = address + into.length;
    this.#requireRange(address, end);
    this.#countRead(address, end);
    if (this.#cipher === null) {
      into.set(this.#cells.subarray(address, end));
      this.#letWaver(address, into);
      return;
    }
    if (address % BLOCK_BYTES === 0 && into.length % BLOCK_BYTES === 0) {
      into.set(this.#cells.subarray(address, end));
      this.#decode(address, into);
      return;
    }
    const from = address - (address % BLOCK_BYTES);
    const blocks = this.#cells.slice(from, Math.ceil(end / BLOCK_BYTES) * BLOCK_BYTES);
    this.#decode(from, blocks);
    into.set(blocks.subarray(address - from, end - from));
  }

  /**
   * Clears the cells that are 0 in `bytes` (in their encrypted form, if encrypted). Asserts whole aligned
   * blocks within the flash, blank since a completed erase; nothing is changed when an assertion fails.
   * @throws PowerCut when an armed cut falls within it, or while the power is off.
   */
  program(address: number, bytes: Uint8Array): void {
    this.#requirePower();
    const end = address + bytes.length;
    assert(address % BLOCK_BYTES === 0 && bytes.length % BLOCK_BYTES === 0, "a program is of whole blocks");
    this.#requireRange(address, end);
    this.#requireBlank(address, end);
    for (let at = address; at < end; ) {
      const pageEnd = Math.min(at - (at % PAGE_BYTES) + PAGE_BYTES, end);
      this.#programPage(at, bytes.subarray(at - address, pageEnd - address));
      at = pageEnd;
    }
  }

  /**
   * Sets every bit of the sector. Asserts that there is such a sector.
   * @throws PowerCut when an armed cut falls within it, or while the power is off.
   */
  erase(sector: number): void {
    this.#requirePower();
    assert(Number.isInteger(sector) && sector >= 0 && sector < this.sectors, "the sector exists");
    this.#keep(sector);
    this.eraseCounts[sector] = (this.eraseCounts[sector] ?? 0) + 1;
    const cut = this.#untilCut < SECTOR_BYTES;
    this.#untilCut -= SECTOR_BYTES;
    if (!this.#stuck.has(sector)) {
      this.#marginal.delete(sector);
      if (cut) this.#tearErase(sector);
      else this.#cells.fill(0xff, sector * SECTOR_BYTES, (sector + 1) * SECTOR_BYTES);
      this.#blank.fill(cut ? 0 : 1, sector * BLOCKS_PER_SECTOR, (sector + 1) * BLOCKS_PER_SECTOR);
    }
    if (cut) this.#failPower("an erase");
  }

  /**
   * Arms one power cut after `bytes` more bytes of work: a byte programmed counts one, an erase a sector. A
   * program is cut with the bytes before that point whole and any subset of the rest of its page programmed;
   * a cut erase leaves a mix. Work that ends exactly at the point completes, and the next write is cut.
   */
  cutAfter(bytes: number): void {
    assert(Number.isSafeInteger(bytes) && bytes >= 0, "a cut comes after a whole number of bytes");
    this.#untilCut = bytes;
  }

  /** Brings the power back, and disarms a cut that has not come. */
  powerUp(): void {
    this.#on = true;
    this.#untilCut = Number.POSITIVE_INFINITY;
  }

  /** A worn-out sector: from now on its erases and programs silently do nothing. */
  stuckSector(sector: number): void {
    this.#stuck.add(sector);
  }

  /** A cell lost or gained its charge: flips physical bit 0 to 7 of the byte at `address`, for good. */
  rotBit(address: number, bit: number): void {
    this.#requireRange(address, address + 1);
    assert(Number.isInteger(bit) && bit >= 0 && bit < 8, "the bit exists");
    this.#keep(sectorOf(address));
    this.#cellView.setUint8(address, this.#cellView.getUint8(address) ^ (1 << bit));
  }

  /** The physical bytes, a marginal bit as it was at the cut. Works without power, as a flash reader would. */
  image(): Uint8Array {
    return this.#cells.slice();
  }

  /** A copy of the cells, marginal ones too. Faults armed, statistics and wear are not part of it. */
  snapshot(): FlashSnapshot {
    return {
      cells: this.#cells.slice(),
      blank: this.#blank.slice(),
      marginal: new Map(Array.from(this.#marginal, ([sector, bits]) => [sector, bits.slice()])),
    };
  }

  /** Puts the cells back, as a thief with a flash programmer would. Asserts that the size is the same. */
  restore({ cells, blank, marginal }: FlashSnapshot): void {
    assert(cells.length === this.#cells.length, "the snapshot is of a flash of this size");
    this.#cells.set(cells);
    this.#blank.set(blank);
    this.#marginal.clear();
    for (const [sector, bits] of marginal) this.#marginal.set(sector, bits.slice());
  }

  /**
   * Runs `work`, then puts back every cell that it changed, and its wear, and the power: for thousands of cuts
   * at one moment of a large flash, since it costs only the sectors that are touched. Attempts nest.
   * @param random draws the faults of the attempt; those outside go on as if it had not been.
   */
  attempt<T>(random: SeededRandom, work: () => T): T {
    const [cuts, waver, saved] = [this.#cuts, this.#waver, new Map<number, SavedSector>()];
    this.#cuts = random.fork("flash cuts");
    this.#waver = random.fork("flash reads");
    this.#attempts.push(saved);
    try {
      return work();
    } finally {
      this.#attempts.pop();
      for (const [sector, before] of saved) this.#putBack(sector, before);
      [this.#cuts, this.#waver] = [cuts, waver];
      this.powerUp();
    }
  }

  /** Keeps a sector for the innermost attempt: an outer one finds it as this one puts it back. */
  #keep(sector: number): void {
    const saved = this.#attempts.at(-1);
    if (!saved || saved.has(sector)) return;
    saved.set(sector, {
      cells: this.#cells.slice(sector * SECTOR_BYTES, (sector + 1) * SECTOR_BYTES),
      blank: this.#blank.slice(sector * BLOCKS_PER_SECTOR, (sector + 1) * BLOCKS_PER_SECTOR),
      marginal: this.#marginal.get(sector)?.slice(),
      erases: this.eraseCounts[sector] ?? 0,
    });
  }

  #putBack(sector: number, { cells, blank, marginal, erases }: SavedSector): void {
    this.#cells.set(cells, sector * SECTOR_BYTES);
    this.#blank.set(blank, sector * BLOCKS_PER_SECTOR);
    this.eraseCounts[sector] = erases;
    if (marginal) this.#marginal.set(sector, marginal);
    else this.#marginal.delete(sector);
  }

  #requirePower(): void {
    if (!this.#on) throw new PowerCut("the power is off");
  }

  #requireRange(address: number, end: number): void {
    assert(
      Number.isInteger(address) && address >= 0 && end <= this.#cells.length,
      "the bytes lie in the flash",
    );
  }

  #requireBlank(address: number, end: number): void {
    let again = 0;
    for (let at = address; at < end; at += BLOCK_BYTES) {
      // A stuck sector cannot become blank: that is the chip's fault, not the writer's.
      if (this.#blank[at / BLOCK_BYTES] !== 1 && !this.#stuck.has(sectorOf(at))) again++;
    }
    this.#reprogrammedBlocks += again;
    assert(
      again === 0 || !this.#refusesReprogramming,
      "a block is programmed once after its erase completed",
    );
  }

  #countRead(address: number, end: number): void {
    this.#readBytes += end - address;
    for (let sector = sectorOf(address); sector * SECTOR_BYTES < end; sector++) {
      if (this.#touched[sector] !== 0) continue;
      this.#touched[sector] = 1;
      this.#sectorsTouched++;
    }
  }

  /** Programs bytes within one page, as far as the power lasts. */
  #programPage(address: number, bytes: Uint8Array): void {
    const whole = Math.min(bytes.length, this.#untilCut);
    this.#untilCut -= whole;
    this.#programmedBytes += whole;
    if (!this.#stuck.has(sectorOf(address))) {
      this.#keep(sectorOf(address));
      this.#page.set(bytes);
      for (let at = 0; at < bytes.length; at += BLOCK_BYTES) {
        this.#cipher?.encode(this.#pageView, at, address + at);
      }
      this.#blank.fill(0, address / BLOCK_BYTES, (address + bytes.length) / BLOCK_BYTES);
      if (whole < bytes.length) this.#tearPage(address, bytes.length, whole);
      else this.#clearCells(address, bytes.length);
    }
    if (whole < bytes.length) this.#failPower("a program");
  }

  #clearCells(address: number, length: number): void {
    for (let at = 0; at < length; at += 4) {
      this.#cellView.setUint32(
        address + at,
        this.#cellView.getUint32(address + at) & this.#pageView.getUint32(at),
      );
    }
  }

  #failPower(during: string): never {
    this.#on = false;
    this.#untilCut = Number.POSITIVE_INFINITY;
    throw new PowerCut(`the power failed during ${during}`);
  }

  /** Programs the first `whole` bytes of the page buffer and any subset of the bits after them. */
  #tearPage(address: number, length: number, whole: number): void {
    const done = this.#anyBits(length).fill(0xff, 0, whole);
    const between = this.#anyBits(length).fill(0, 0, whole);
    zip(done, between, (at, reached, unsure) => {
      const old = this.#cellView.getUint8(address + at);
      const clearing = old & ~this.#pageView.getUint8(at);
      this.#cellView.setUint8(address + at, old & ~(clearing & reached));
      between[at] = clearing & unsure;
    });
    this.#leaveMarginal(address, between);
  }

  /**
   * A chip first programs the whole sector to zeros, so that its cells wear alike, and then pulls them all to
   * ones. Cut in the first half a bit is old or 0, in the second 0, old or 1.
   */
  #tearErase(sector: number): void {
    const address = sector * SECTOR_BYTES;
    const zeroed = this.#cuts.below(2) === 0 ? this.#anyBits(SECTOR_BYTES) : new Uint8Array(SECTOR_BYTES);
    const set = this.#anyBits(SECTOR_BYTES);
    const between = this.#anyBits(SECTOR_BYTES);
    zip(zeroed, set, (at, cleared, reached) => {
      const low = this.#cellView.getUint8(address + at) & ~cleared;
      this.#cellView.setUint8(address + at, low | reached);
      between[at] = (between[at] ?? 0) & ~low;
    });
    this.#leaveMarginal(address, between);
  }

  /**
   * Bits of any density. Even odds alone would nearly always ruin every record; the cuts that fool a journal
   * are those that leave nearly nothing or nearly everything done.
   */
  #anyBits(length: number): Uint8Array {
    const bits = new Uint8Array(length);
    const kind = this.#cuts.below(5);
    if (kind === 0) this.#cuts.fill(bits);
    if (kind === 1 || kind === 2) bits.fill(0xff);
    if (kind === 2 || kind === 3) {
      for (let flips = 1 + this.#cuts.below(4); flips > 0; flips--) {
        const at = this.#cuts.below(length);
        bits[at] = (bits[at] ?? 0) ^ (1 << this.#cuts.below(8));
      }
    }
    return bits;
  }

  #leaveMarginal(address: number, bits: Uint8Array): void {
    if (!this.#leavesMarginal || bits.every((byte) => byte === 0)) return;
    const sector = sectorOf(address);
    const mask = this.#marginal.get(sector) ?? new Uint8Array(SECTOR_BYTES);
    mask.set(bits, address % SECTOR_BYTES);
    this.#marginal.set(sector, mask);
  }

  /** From cells to what the reader of an encrypted flash sees; whole blocks. */
  #decode(address: number, blocks: Uint8Array): void {
    this.#letWaver(address, blocks);
    const view = new DataView(blocks.buffer, blocks.byteOffset, blocks.length);
    for (let at = 0; at < blocks.length; at += BLOCK_BYTES) this.#cipher?.decode(view, at, address + at);
  }

  /** Redraws the marginal bits among the physical bytes just read from `address`. */
  #letWaver(address: number, bytes: Uint8Array): void {
    for (const [sector, mask] of this.#marginal) {
      const start = sector * SECTOR_BYTES - address;
      for (let at = Math.max(0, start); at < Math.min(bytes.length, start + SECTOR_BYTES); at++) {
        const bits = mask[at - start] ?? 0;
        if (bits !== 0) bytes[at] = (bytes[at] ?? 0) ^ (bits & this.#waver.nextU32());
      }
    }
  }
}

const sectorOf = (address: number) => Math.floor(address / SECTOR_BYTES);

function zip(a: Uint8Array, b: Uint8Array, each: (at: number, a: number, b: number) => void): void {
  for (let at = 0; at < a.length; at++) each(at, a[at] ?? 0, b[at] ?? 0);
}

/** A restored block counts as erased when all its cells are set; nothing else can be told from an image. */
function blankBlocks(cells: Uint8Array): Uint8Array {
  const blank = new Uint8Array(cells.length / BLOCK_BYTES).fill(1);
  cells.forEach((byte, at) => {
    if (byte !== 0xff) blank[Math.floor(at / BLOCK_BYTES)] = 0;
  });
  return blank;
}

/**
 * Stands in for the AES-XTS of real flash encryption: a bijection of 16 bytes for each address, in which a
 * changed bit changes about half of the others both ways. An unbalanced Feistel network, three passes over
 * four words (with two, decoding would leave one word untouched by a torn other). It keeps no secret.
 */
class BlockPermutation {
  readonly #key: number;

  constructor(key: number) {
    this.#key = key;
  }

  encode(view: DataView, at: number, address: number): void {
    let a = view.getUint32(at, true);
    let b = view.getUint32(at + 4, true);
    let c = view.getUint32(at + 8, true);
    let d = view.getUint32(at + 12, true);
    let key = mix(address ^ this.#key);
    for (let pass = 0; pass < 3; pass++, key = nextKey(key)) {
      a ^= mix(d + key);
      b ^= mix(a ^ key);
      c ^= mix(b + key);
      d ^= mix(c ^ key);
    }
    view.setUint32(at, a, true);
    view.setUint32(at + 4, b, true);
    view.setUint32(at + 8, c, true);
    view.setUint32(at + 12, d, true);
  }

  decode(view: DataView, at: number, address: number): void {
    let a = view.getUint32(at, true);
    let b = view.getUint32(at + 4, true);
    let c = view.getUint32(at + 8, true);
    let d = view.getUint32(at + 12, true);
    const first = mix(address ^ this.#key);
    const second = nextKey(first);
    for (let pass = 2; pass >= 0; pass--) {
      const key = pass === 2 ? nextKey(second) : pass === 1 ? second : first;
      d ^= mix(c ^ key);
      c ^= mix(b + key);
      b ^= mix(a ^ key);
      a ^= mix(d + key);
    }
    view.setUint32(at, a, true);
    view.setUint32(at + 4, b, true);
    view.setUint32(at + 8, c, true);
    view.setUint32(at + 12, d, true);
  }
}

/** Steps by the golden ratio first: zero would stay zero under `mix`. */
const nextKey = (key: number) => mix(key + 0x9e3779b9);

/** MurmurHash3's 32-bit finaliser: one-to-one, each bit of the input moves half of the output. */
function mix(word: number): number {
  let mixed = Math.imul(word ^ (word >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}
