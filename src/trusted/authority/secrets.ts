// The keys that live in the secret store, as one set that is replaced whole: the signing key, the agreement
// key, and the customer's K of each epoch that can still be needed.

import { assert } from "../encoding/bytes.js";
import { array, bstr, CborReader, int } from "../encoding/cbor.js";

/** Epochs whose K may live at the same time; a pairing beyond that waits until an old K is erased. */
export const CUSTOMER_KEYS_MAX = 8;

export interface CustomerKey {
  readonly epoch: number;
  /** First interval that belongs to the epoch. */
  readonly firstInterval: number;
  /** K, 32 bytes. */
  readonly key: Uint8Array;
}

export interface Secrets {
  /** Ed25519 seed, 32 bytes. */
  readonly signingSeed: Uint8Array;
  /** Agreement scalar x, 32 bytes little-endian, below l, not zero. */
  readonly agreement: Uint8Array;
  /** By rising epoch. */
  readonly customers: readonly CustomerKey[];
}

export function encodeSecrets({ signingSeed, agreement, customers }: Secrets): Uint8Array {
  assert(customers.length <= CUSTOMER_KEYS_MAX, "customer keys are bounded");
  const keys = customers.map(({ epoch, firstInterval, key }) =>
    array(int(epoch), int(firstInterval), bstr(key)),
  );
  return array(bstr(signingSeed), bstr(agreement), array(...keys));
}

/** @throws FormatError for a set that this program did not write. */
export function decodeSecrets(bytes: Uint8Array): Secrets {
  const reader = new CborReader(bytes, "secret store");
  reader.array(3);
  const signingSeed = reader.bytes(32);
  const agreement = reader.bytes(32);
  const customers = Array.from({ length: reader.array(0, CUSTOMER_KEYS_MAX) }, () => {
    reader.array(3);
    return { epoch: reader.uint(0xffff), firstInterval: reader.uint(0xffffffff), key: reader.bytes(32) };
  });
  reader.end();
  return { signingSeed, agreement, customers };
}
