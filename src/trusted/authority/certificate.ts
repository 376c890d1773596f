// What the authority certifies of a meter, as far as its form goes. A unit reads the certificates of its peers
// in a roster, of which it needs the agreement key; whether a key is a point of its curve is for who uses it.
import { CborReader } from "../encoding/cbor.js";
import { U32_MAX } from "../metrology/interval.js";
import { readChannels, readIntervalSeconds, readMeterId } from "./configuration.js";

/** What a meter is there for: a household's own, or the feeder that a street hangs on. */
export const Role = { HOUSEHOLD: 0, FEEDER: 1 } as const;

const KEY_BYTES = 32;

export interface Certificate {
  readonly meterId: string;
  /** Ed25519 public key, 32 bytes. */
  readonly signingKey: Uint8Array;
  /** X of aggregation, a ristretto255 element, 32 bytes. */
  readonly agreementKey: Uint8Array;
  readonly softwareId: Uint8Array;
  /** 900 or 1,800. */
  readonly intervalSeconds: number;
  /** OBIS codes of the channels, 1 to 8, distinct. */
  readonly channels: readonly string[];
  /** Valid in [notBefore_s, notAfter_s), Unix seconds, u32. */
  readonly notBefore_s: number;
  readonly notAfter_s: number;
  /** One of Role. */
  readonly role: number;
}

/**
 * Takes the payload of a certificate apart; its signature and its keys are the caller's to check.
 * @throws FormatError for malformed bytes or a value out of its range.
 */
export function readCertificate(payload: Uint8Array): Certificate {
  const reader = new CborReader(payload, "certificate");
  reader.map(9);
  const certificate = {
    meterId: readMeterId(reader.key(1)),
    signingKey: reader.key(2).bytes(KEY_BYTES),
    agreementKey: reader.key(3).bytes(KEY_BYTES),
    softwareId: reader.key(4).bytes(32),
    intervalSeconds: readIntervalSeconds(reader.key(5)),
    channels: readChannels(reader.key(6)),
    notBefore_s: reader.key(7).uint(U32_MAX),
    notAfter_s: reader.key(8).uint(U32_MAX),
    role: reader.key(9).uint(Role.FEEDER),
  };
  reader.end();
  if (certificate.notBefore_s >= certificate.notAfter_s) reader.refuse("certificate is never valid");
  return certificate;
}
