// The customer's key schedule (docs/protocol.md, "Keys"): from the pairing's shared key K a key a day, and
// from that, for each reading, the opening of its commitment and the pad of its encryption. Whoever holds a
// day's key can open that day's readings, all channels, and nothing else.
import { ed25519 } from "@noble/curves/ed25519.js";
import { bytesToNumberLE } from "@noble/curves/utils.js";
import { hkdf } from "@noble/hashes/hkdf.js";
import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { concatBytes } from "@noble/hashes/utils.js";
import { asciiBytes, uintBytes } from "../encoding/bytes.js";

/** H of the protocol: SHA-256. */
export const digest = (...parts: readonly Uint8Array[]) => sha256(concatBytes(...parts));

/** PRF of the protocol: HMAC-SHA-256. */
export const prf = (key: Uint8Array, ...message: readonly Uint8Array[]) =>
  hmac(sha256, key, concatBytes(...message));

/** A scalar of the group of order l from at least 48 uniform little-endian bytes. */
export const scalarFrom = (bytes: Uint8Array) => ed25519.Point.Fn.create(bytesToNumberLE(bytes));

/** What names a pairing: the meter, its epoch and the two public points, 32 bytes each. */
export interface PairingNames {
  readonly meterId: string;
  readonly epoch: number;
  readonly user: Uint8Array;
  readonly ephemeral: Uint8Array;
}

/** K of one pairing from the Diffie-Hellman point encode(e·U) = encode(u·E); 32 bytes. */
export function customerKey(
  shared: Uint8Array,
  { meterId, epoch, user, ephemeral }: PairingNames,
): Uint8Array {
  const info = concatBytes(asciiBytes("sealmeter/1/user"), uintBytes(epoch, 2), user, ephemeral);
  return hkdf(sha256, shared, asciiBytes(meterId), info, 32);
}

/** Kday(d): opens one UTC day's readings of one epoch. */
export const dayKey = (customer: Uint8Array, day: number) =>
  prf(customer, asciiBytes("day"), uintBytes(day, 4));

function openingPart(label: string, key: Uint8Array, channel: number, interval: number): Uint8Array {
  return prf(key, asciiBytes(label), uintBytes(channel, 1), uintBytes(interval, 4));
}

/** The 4 bytes xored over u32be(reading) of (channel, interval) under the key of its day. */
export function pad(key: Uint8Array, channel: number, interval: number): Uint8Array {
  return openingPart("open2", key, channel, interval).subarray(16, 20);
}

/** The opening t of (channel, interval) under the key of its day: a scalar below l. */
export function opening(key: Uint8Array, channel: number, interval: number): bigint {
  const first = openingPart("open1", key, channel, interval);
  const second = openingPart("open2", key, channel, interval);
  return scalarFrom(concatBytes(first, second.subarray(0, 16)));
}
