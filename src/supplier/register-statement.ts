// A register statement, as the supplier who asked for it checks it: the meter's signed registers, the fallback
// when a customer will not or cannot prove a bill. It tells the totals of all channels and no reading; two of
// them tell what lies between, which is why a meter makes one in 28 days at most.
import { isRevoked, type Revocation } from "../proofs/certificate.js";
import { checkSignature, ensure } from "../proofs/signed.js";
import type { Certificate } from "../trusted/authority/certificate.js";
import { CHANNELS_MAX, readMeterId } from "../trusted/authority/configuration.js";
import { CborReader } from "../trusted/encoding/cbor.js";
import { decodeSign1 } from "../trusted/encoding/cose.js";
import { intervalStart_s, U32_MAX } from "../trusted/metrology/interval.js";

/** A meter id of 32 characters and 8 registers above 2^32 take 116 bytes. */
const PAYLOAD_BYTES_MAX = 128;

export interface RegisterStatement {
  readonly meterId: string;
  /** The registers stood so when this interval began. */
  readonly interval: number;
  /** Wh (or varh, dm3: the channel's OBIS code says), one a channel in the certificate's order. */
  readonly registers: readonly number[];
}

/**
 * The payload of a statement; its signature is the caller's to have checked.
 * @throws FormatError for malformed bytes.
 */
export function decodeRegisterStatement(payload: Uint8Array): RegisterStatement {
  const reader = new CborReader(payload, "register statement");
  reader.map(3);
  const meterId = readMeterId(reader.key(1));
  const interval = reader.key(2).uint(U32_MAX);
  const length = reader.key(3).array(1, CHANNELS_MAX);
  const registers = Array.from({ length }, () => reader.uint());
  reader.end();
  return { meterId, interval, registers };
}

/**
 * Verifies a statement as it came: of the certificate's meter, a register for each of its channels, made while
 * the certificate was valid, not revoked, and signed by the meter.
 * @param trust a verified certificate, and the authority's newest revocation if there is one. A statement has no
 *   batch number to stand before the last good one, so any revocation of the key refuses it.
 * @throws FormatError for malformed bytes, VerificationError with the reason.
 */
export function verifyRegisterStatement(
  document: Uint8Array,
  { certificate, revocation }: { readonly certificate: Certificate; readonly revocation: Revocation | null },
): RegisterStatement {
  const envelope = decodeSign1(document, "register-1", PAYLOAD_BYTES_MAX);
  const statement = decodeRegisterStatement(envelope.payload);
  const { meterId, interval, registers } = statement;
  const { channels, intervalSeconds, notBefore_s, notAfter_s } = certificate;
  const name = `register statement of ${meterId}`;
  ensure(meterId === certificate.meterId, `${name}: the certificate is of ${certificate.meterId}`);
  const count = `${registers.length} registers for ${channels.length} channels`;
  ensure(registers.length === channels.length, `${name}: ${count}`);
  const begins_s = intervalStart_s(interval, intervalSeconds);
  const isValid = begins_s >= notBefore_s && begins_s < notAfter_s;
  ensure(isValid, `${name}: not within the certificate's validity`);
  const revoked = revocation !== null && isRevoked(revocation, certificate, Number.POSITIVE_INFINITY);
  ensure(!revoked, `${name}: the key is revoked`);
  checkSignature("register-1", envelope, certificate.signingKey);
  return statement;
}
