// Tariffs under their supplier's signature: who publishes one signs it, who bills by it verifies it.
import { signWithKey, verifySigned } from "../proofs/signed.js";
import { digest } from "../trusted/sealing/keys.js";
import { decodeTariff, type SignedTariff, TARIFF_BYTES_MAX } from "./document.js";

/** A signed tariff: COSE_Sign1 of type `tariff-1` around the payload. */
export function signTariff(payload: Uint8Array, supplierSeed: Uint8Array): Uint8Array {
  decodeTariff(payload);
  return signWithKey("tariff-1", payload, supplierSeed);
}

/**
 * The tariff of a document that the supplier has signed.
 * @throws FormatError for malformed bytes, VerificationError for another key or a signature that fails.
 */
export function verifyTariff(document: Uint8Array, supplierKey: Uint8Array): SignedTariff {
  const payload = verifySigned("tariff-1", document, supplierKey, TARIFF_BYTES_MAX);
  return { tariff: decodeTariff(payload), digest: digest(payload) };
}
