// Pairing gives the customer of an epoch the key K that opens their readings, by an ephemeral
// Diffie-Hellman; provisioning makes the meter's own keys and its first pairing.
import { assert, FormatError } from "../encoding/bytes.js";
import { bstr, int, map, tstr } from "../encoding/cbor.js";
import type { Entropy } from "../ports.js";
import type { CommitmentKey } from "../sealing/commitment.js";
import { bytesOf, isZero, multiply } from "../sealing/edwards.js";
import { decodeRistretto, encodeRistretto } from "../sealing/encodings.js";
import { customerKey, type PairingNames, scalarFrom } from "../sealing/keys.js";
import type { SigningKey } from "../sealing/signature.js";

const SCALAR_SEED_BYTES = 64;

/** A uniform scalar below l; asserts that it is not zero, which only broken entropy makes it. */
export function randomScalar(entropy: Entropy): bigint {
  const seed = new Uint8Array(SCALAR_SEED_BYTES);
  entropy.fill(seed);
  const scalar = scalarFrom(seed);
  assert(scalar > 0n, "entropy is not stuck at zero");
  return scalar;
}

/** encode(scalar·P) for a public point. @throws FormatError unless P is canonical and not the identity. */
export function agree(scalar: bigint, point: Uint8Array): Uint8Array {
  const element = decodeRistretto(point);
  if (isZero(element.X)) throw new FormatError("with the identity everybody agrees on the same");
  return encodeRistretto(multiply(element, bytesOf(scalar)));
}

/** The epoch is a u16 and rises by one a pairing. */
export interface Pairing extends PairingNames {
  /** The first interval of the epoch. */
  readonly firstInterval: number;
}

export function encodePairing(pairing: Pairing): Uint8Array {
  return map(
    [1, tstr(pairing.meterId)],
    [2, int(pairing.epoch)],
    [3, bstr(pairing.user)],
    [4, bstr(pairing.ephemeral)],
    [5, int(pairing.firstInterval)],
  );
}

/**
 * Draws e, answers with E, derives K and forgets e.
 * @throws FormatError unless U is canonical and not the identity.
 */
export function makePairing(
  entropy: Entropy,
  key: CommitmentKey,
  signer: SigningKey,
  names: Omit<Pairing, "ephemeral">,
): { customer: Uint8Array; payload: Uint8Array; document: Uint8Array } {
  const e = randomScalar(entropy);
  const shared = agree(e, names.user);
  const pairing = { ...names, ephemeral: encodeRistretto(key.base.multiply(bytesOf(e))) };
  const payload = encodePairing(pairing);
  return {
    customer: customerKey(shared, pairing),
    payload,
    document: signer.signDocument("pairing-1", payload),
  };
}
