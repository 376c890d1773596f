// The customer's key schedule (docs/protocol.md, "Keys"): from the pairing's shared key K a key a day, and
// from that, for each reading, the opening of its commitment and the pad of its encryption. Whoever holds a
// day's key can open that day's readings, all channels, and nothing else.
import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { concatBytes } from "@noble/hashes/utils.js";
import { asciiBytes, uintBytes } from "../encoding/bytes.js";
import { L, numberOf } from "./edwards.js";

/** H of the protocol: SHA-256. */
export const digest = (...parts: readonly Uint8Array[]) => sha256(concatBytes(...parts));

/** PRF of the protocol: HMAC-SHA-256. */
export const prf = (key: Uint8Array, ...message: readonly Uint8Array[]) =>
  hmac(sha256, key, concatBytes(...message));

/** The scalar of at most 64 little-endian bytes modulo l; it is uniform if they are, and are at least 48. */
export const scalarFrom = (bytes: Uint8Array) => numberOf(bytes) % L;

/** What names a pairing: the meter, its epoch and the two public points, 32 bytes each. */
export interface PairingNames {
  readonly meterId: string;
  readonly epoch: number;
  readonly user: Uint8Array;
  readonly ephemeral: Uint8Array;
}

/** K of one pairing from the Diffie-Hellman point encode(e·U) = encode(u·E): HKDF (RFC 5869), one block of 32 bytes. */
export function customerKey(shared: Uint8Array, names: PairingNames): Uint8Array {
  const { meterId, epoch, user, ephemeral } = names;
  const info = [asciiBytes("sealmeter/1/user"), uintBytes(epoch, 2), user, ephemeral];
  return prf(prf(asciiBytes(meterId), shared), ...info, Uint8Array.of(1));
}

/** Kday(d): opens one UTC day's readings of one epoch. */
export const dayKey = (customer: Uint8Array, day: number) =>
  prf(customer, asciiBytes("day"), uintBytes(day, 4));

/** The readings' keys of one day. The day key's two blocks of HMAC are hashed once, not for every reading. */
export class ReadingKeys {
  readonly #keyed: ReturnType<typeof hmac.create>;

  /** @param day Kday, 32 bytes. */
  constructor(day: Uint8Array) {
    this.#keyed = hmac.create(sha256, day);
  }

  /** What opens one reading: the opening t of its commitment, a scalar below l, and the 4 bytes over u32be(r). */
  of(channel: number, interval: number) {
    const first = this.#prf("open1", channel, interval);
    const second = this.#prf("open2", channel, interval);
    const opening = scalarFrom(concatBytes(first, second.subarray(0, 16)));
    return { opening, pad: second.subarray(16, 20) };
  }

  /** The pad alone, at half the cost. */
  pad(channel: number, interval: number): Uint8Array {
    return this.#prf("open2", channel, interval).subarray(16, 20);
  }

  #prf(label: string, channel: number, interval: number): Uint8Array {
    const message = concatBytes(asciiBytes(label), uintBytes(channel, 1), uintBytes(interval, 4));
    return this.#keyed.clone().update(message).digest();
  }
}

/** The readings' keys of any day, by the K that lives of each epoch; those of the last day are kept. */
export class DailyKeys {
  readonly #customerKey: (epoch: number) => Uint8Array | null;
  #last: { epoch: number; day: number; keys: ReadingKeys } | null = null;

  /** @param customerKey K of an epoch, or null if it was erased. */
  constructor(customerKey: (epoch: number) => Uint8Array | null) {
    this.#customerKey = customerKey;
  }

  /** Null when the epoch's K was erased. */
  of(epoch: number, day: number): ReadingKeys | null {
    if (this.#last?.epoch === epoch && this.#last.day === day) return this.#last.keys;
    const customer = this.#customerKey(epoch);
    if (!customer) return null;
    this.#last = { epoch, day, keys: new ReadingKeys(dayKey(customer, day)) };
    return this.#last.keys;
  }
}
