// CRC-32C (Castagnoli; RFC 3720 appendix B.4), reflected: it finds torn and rotten records, not forged ones;
// who can write the flash is inside the seal.
const POLYNOMIAL = 0x82f63b78;

/** Signed words, since the meter's engine keeps those as integers and larger ones as floating point. */
const TABLE = Int32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ POLYNOMIAL : value >>> 1;
  return value;
});

/** CRC-32C of the parts one after the other, as an unsigned 32-bit number. */
export function crc32c(...parts: readonly Uint8Array[]): number {
  const table = TABLE;
  let crc = -1;
  for (const part of parts) {
    const { length } = part;
    for (let at = 0; at < length; at++) {
      crc = (table[(crc ^ (part[at] as number)) & 0xff] as number) ^ (crc >>> 8);
    }
  }
  return ~crc >>> 0;
}
