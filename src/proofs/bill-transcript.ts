// What the proof of a general bill is bound to beyond the commitments: the meter's and its batches' documents, the
// tariff, the period, and every line. A proof of one bill is none of any other.
import { type DocumentType, decodeSign1 } from "../trusted/encoding/cose.js";
import { digest } from "../trusted/sealing/keys.js";
import { allOf } from "./bill-lines.js";
import { amountBytes, type Bill, DOCUMENT_BYTES_MAX } from "./billed-period.js";
import { Transcript } from "./transcript.js";

const LABEL = "sealmeter/general-bill-1";

/**
 * The transcript of a bill's proof before its commitments.
 * @throws FormatError for a document that is none.
 */
export function billTranscript(bill: Bill): Transcript {
  const transcript = new Transcript(LABEL);
  const renewals = bill.renewals ?? [];
  transcript.append("certificate", payloadDigest("certificate-1", bill.certificate));
  transcript.appendUint("renewals", renewals.length);
  for (const renewal of renewals) transcript.append("renewal", payloadDigest("certificate-1", renewal));
  transcript.append("tariff", bill.tariffDigest);
  transcript.appendUint("epoch", bill.epoch);
  transcript.appendUint("from", bill.from);
  transcript.appendUint("to", bill.to);
  transcript.appendUint("batches", bill.batches.length);
  for (const { document } of bill.batches) transcript.append("batch", payloadDigest("batch-1", document));
  const amounts = allOf(bill.lines);
  transcript.appendUint("lines", amounts.length);
  for (const amount of amounts) transcript.append("line", amountBytes(amount));
  return transcript;
}

const payloadDigest = (type: DocumentType, document: Uint8Array) =>
  digest(decodeSign1(document, type, DOCUMENT_BYTES_MAX).payload);
