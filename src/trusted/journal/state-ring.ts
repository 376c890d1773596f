// The state ring: the last sectors of the journal's flash, filled with self-contained state records of one
// size. A new record replaces the old whole; recovery takes the newest that is whole. After a restart the
// first record goes into a new sector, since the last one's torn cells may read otherwise next time.
import { concatBytes } from "@noble/hashes/utils.js";
import { assert, readUint, sameBytes, uintBytes } from "../encoding/bytes.js";
import { BLOCK_BYTES, type Flash, SECTOR_BYTES } from "../ports.js";
import { crc32c } from "./crc32c.js";

const MAGIC = Uint8Array.of(0x53, 0x4d, 0x53, 0x31); // "SMS1"
const HEADER_BYTES = BLOCK_BYTES;
const CRC_BYTES = 4;
/** Sectors tried one after the other before the flash counts as dead. */
const TRIES_MAX = 8;

export class StateRing {
  readonly #flash: Flash;
  readonly #first: number;
  readonly #sectors: number;
  #sequence = 0;
  #position = 0;
  #slotBytes = 0;
  #end = SECTOR_BYTES;
  /** Sectors that could not be written, in the flash's numbering. */
  readonly badSectors: number[] = [];

  /** @param first the ring's first sector; it reaches to the flash's end and has at least 3 sectors. */
  constructor(flash: Flash, first: number) {
    this.#flash = flash;
    this.#first = first;
    this.#sectors = flash.sectors - first;
    assert(this.#sectors >= 3, "state ring has at least 3 sectors");
  }

  /** The newest whole record's payload (with the padding of its slot), or null. Reads all headers. */
  recover(): Uint8Array | null {
    const sequences: number[] = [];
    for (let position = 0; position < this.#sectors; position++)
      sequences.push(this.#readHeader(position).sequence);
    const newestFirst = sequences
      .map((_, position) => position)
      .filter((position) => sequences[position] !== 0);
    newestFirst.sort((a, b) => (sequences[b] as number) - (sequences[a] as number));
    this.#position = newestFirst[0] ?? this.#sectors - 1;
    this.#sequence = sequences[this.#position] as number;
    for (const position of newestFirst) {
      const { sequence, slotBytes } = this.#readHeader(position);
      const slots = Math.floor((SECTOR_BYTES - HEADER_BYTES) / slotBytes);
      for (let slot = slots - 1; slot >= 0; slot--) {
        const payload = this.#readSlot(position, sequence, HEADER_BYTES + slot * slotBytes, slotBytes);
        if (!payload) continue;
        // Writing goes on after this sector, not after the newest: if the power fails again and again between
        // a header and its first record, the ring must not come round to the only state there is.
        this.#position = position;
        return payload;
      }
    }
    return null;
  }

  /**
   * Makes `payload` the state; when it returns, a power cut leaves this record or a later one.
   * @throws Error when no sector can be written any more.
   */
  write(payload: Uint8Array): void {
    const slotBytes = BLOCK_BYTES * Math.ceil((payload.length + CRC_BYTES) / BLOCK_BYTES);
    const padded = new Uint8Array(slotBytes - CRC_BYTES);
    padded.set(payload);
    for (let attempt = 0; attempt < TRIES_MAX; attempt++) {
      if (slotBytes !== this.#slotBytes || this.#end + slotBytes > SECTOR_BYTES) this.#open(slotBytes);
      const at = this.#end;
      this.#end += slotBytes;
      const crc = uintBytes(this.#checksum(this.#sequence, at, padded), CRC_BYTES);
      this.#flash.program(this.#address(this.#position) + at, concatBytes(crc, padded));
      if (this.#readSlot(this.#position, this.#sequence, at, slotBytes)) return;
      this.#giveUp();
    }
    throw new Error("journal: no sector of the state ring can be written");
  }

  #open(slotBytes: number): void {
    for (let attempt = 0; attempt < TRIES_MAX; attempt++) {
      this.#position = (this.#position + 1) % this.#sectors;
      this.#sequence++;
      this.#flash.erase(this.#first + this.#position);
      const header = this.#encodeHeader(this.#sequence, slotBytes);
      this.#flash.program(this.#address(this.#position), header);
      if (this.#readHeader(this.#position).sequence === this.#sequence) {
        this.#slotBytes = slotBytes;
        this.#end = HEADER_BYTES;
        return;
      }
      this.#giveUp();
    }
    throw new Error("journal: no sector of the state ring can be begun");
  }

  #giveUp(): void {
    this.badSectors.push(this.#first + this.#position);
    this.#end = SECTOR_BYTES;
  }

  #address(position: number): number {
    return (this.#first + position) * SECTOR_BYTES;
  }

  #encodeHeader(sequence: number, slotBytes: number): Uint8Array {
    const body = concatBytes(MAGIC, uintBytes(sequence, 4), uintBytes(slotBytes, 4));
    return concatBytes(body, uintBytes(crc32c(body), CRC_BYTES));
  }

  /** Sequence 0 where there is no header. */
  #readHeader(position: number): { sequence: number; slotBytes: number } {
    const bytes = new Uint8Array(HEADER_BYTES);
    this.#flash.read(this.#address(position), bytes);
    const [sequence, slotBytes] = [readUint(bytes, 4, 4), readUint(bytes, 8, 4)];
    const whole = slotBytes > 0 && sameBytes(this.#encodeHeader(sequence, slotBytes), bytes);
    return { sequence: whole ? sequence : 0, slotBytes };
  }

  #checksum(sequence: number, offset: number, payload: Uint8Array): number {
    return crc32c(uintBytes(sequence, 4), uintBytes(offset, 2), payload);
  }

  #readSlot(position: number, sequence: number, offset: number, slotBytes: number): Uint8Array | null {
    const slot = new Uint8Array(slotBytes);
    this.#flash.read(this.#address(position) + offset, slot);
    const payload = slot.subarray(CRC_BYTES);
    return this.#checksum(sequence, offset, payload) === readUint(slot, 0, CRC_BYTES) ? payload : null;
  }
}
