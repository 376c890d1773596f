// What every bill has in common, whatever proves its total: whose period it is, the batches that hold the
// period's readings, and the lines. A linear bill proves its total by opening one sum (linear-bill.ts), a general
// one by an argument about the same commitments; both are written here, with their proof in between. Nothing is
// verified here.
import { bytesToNumberBE, numberToBytesBE } from "@noble/curves/utils.js";
import { LEVIES_MAX } from "../tariff/document.js";
import type { BillLines } from "../tariff/evaluate.js";
import { readMeterId } from "../trusted/authority/configuration.js";
import { FormatError } from "../trusted/encoding/bytes.js";
import { array, bstr, CborReader, int, map, tstr } from "../trusted/encoding/cbor.js";
import { U32_MAX } from "../trusted/metrology/interval.js";
import { LEAF_BYTES } from "../trusted/sealing/batch.js";
import { LEAVES_MAX } from "../trusted/sealing/merkle.js";
import { ViewReader } from "./cbor-views.js";
import { RENEWALS_MAX } from "./certificate.js";
import { HINT_BYTES } from "./group/group.js";

/** Most leaves of a bill: with r < 2^32 and |rate| < 2^31 they bound |T| by 2^80, far below l. */
export const BILL_LEAVES_MAX = 2 ** 17;
/** Most batches of a bill: 396 days of ten a day. */
export const BILL_BATCHES_MAX = 4096;
/** Largest bill: all leaves with their hints in as many batches, bytes. */
export const BILL_BYTES_MAX = 2 ** 24;
/** Largest certificate or batch document, bytes. */
export const DOCUMENT_BYTES_MAX = 512;
const U16_MAX = 0xffff;
const AMOUNT_BYTES = 16;
const AMOUNT_BITS = 8 * AMOUNT_BYTES;
const DIGEST_BYTES = 32;

/** A batch as a bill brings it. */
export interface SuppliedBatch {
  /** The COSE_Sign1. */
  readonly document: Uint8Array;
  /** All of its leaves, 38 bytes each; or none, if no interval of it is billed. */
  readonly leaves: Uint8Array;
  /**
   * For each leaf the point of its commitment, x and y of 32 bytes little-endian: they save the verifier a square
   * root each (group.ts), and whoever wrote them is not believed.
   */
  readonly hints?: Uint8Array;
}

/** A period of a meter, and the evidence of what the meter has sealed in it. */
export interface BilledPeriod {
  readonly meterId: string;
  readonly epoch: number;
  /** The period: intervals [from, to). */
  readonly from: number;
  readonly to: number;
  /** H of the tariff's payload. */
  readonly tariffDigest: Uint8Array;
  /** The meter's certificate, COSE_Sign1. */
  readonly certificate: Uint8Array;
  /** What was certified since, where the meter's software changed among the bill's batches. */
  readonly renewals?: readonly Uint8Array[];
  /** Consecutive, by number: at most 4,096, with at most 2^17 leaves together. */
  readonly batches: readonly SuppliedBatch[];
}

/** A billed period and what it costs; what proves that is each kind of bill's own. */
export interface Bill extends BilledPeriod {
  /** Nano-currency; `energy` is T, what the readings cost by the tariff's rates. */
  readonly lines: BillLines;
}

/** An amount as 16 bytes: big-endian two's complement. @throws FormatError unless it fits. */
export function amountBytes(value: bigint): Uint8Array {
  if (BigInt.asIntN(AMOUNT_BITS, value) !== value) throw new FormatError("bill: an amount of 2^127 or more");
  return numberToBytesBE(BigInt.asUintN(AMOUNT_BITS, value), AMOUNT_BYTES);
}

const amount = (value: bigint) => bstr(amountBytes(value));

const readAmount = (reader: CborReader) =>
  BigInt.asIntN(AMOUNT_BITS, bytesToNumberBE(reader.bytes(AMOUNT_BYTES)));

/**
 * The bytes of a bill: a CBOR map `{1: meterId, 2: epoch, 3: from, 4: to, 5: tariff digest bstr32,
 * 6: certificate bstr, 7: [[batch bstr, leaves bstr, ? hints bstr]...], 8: T, 9: proof, 10: standing charge, 11: [levy...],
 * 12: VAT, 13: total, 14: [renewal bstr...]}`, amounts as 16-byte strings. It is not signed: it proves itself.
 * @param proof the encoded item under key 9.
 * @throws FormatError for an amount that does not fit; the rest is for `decodeBill` to refuse.
 */
export function encodeBill(bill: Bill, proof: Uint8Array): Uint8Array {
  const { lines } = bill;
  const batches = bill.batches.map(({ document, leaves, hints }) =>
    array(...[document, leaves, ...(hints ? [hints] : [])].map(bstr)),
  );
  return map(
    [1, tstr(bill.meterId)],
    [2, int(bill.epoch)],
    [3, int(bill.from)],
    [4, int(bill.to)],
    [5, bstr(bill.tariffDigest)],
    [6, bstr(bill.certificate)],
    [7, array(...batches)],
    [8, amount(lines.energy)],
    [9, proof],
    [10, amount(lines.standing)],
    [11, array(...lines.levies.map(amount))],
    [12, amount(lines.vat)],
    [13, amount(lines.total)],
    [14, array(...(bill.renewals ?? []).map(bstr))],
  );
}

function readBatch(reader: ViewReader): SuppliedBatch {
  const isHinted = reader.array(2, 3) === 3;
  const document = reader.bytes(0, DOCUMENT_BYTES_MAX);
  const leaves = reader.bytes(0, LEAVES_MAX * LEAF_BYTES);
  if (!isHinted) return { document, leaves };
  const count = leaves.length / LEAF_BYTES;
  if (count === 0 || !Number.isInteger(count)) reader.refuse(`hints for ${leaves.length} bytes of leaves`);
  return { document, leaves, hints: reader.bytes(count * HINT_BYTES) };
}

/**
 * Takes a bill apart; nothing in it is verified. Its batches are views of `bytes`.
 * @param readProof reads the item under key 9.
 * @throws FormatError for malformed bytes, or more of them than a bill can have.
 */
export function decodeBill<Proof>(
  bytes: Uint8Array,
  readProof: (reader: CborReader) => Proof,
): { readonly bill: Bill; readonly proof: Proof } {
  if (bytes.length > BILL_BYTES_MAX) {
    throw new FormatError(`bill: ${bytes.length} bytes instead of at most ${BILL_BYTES_MAX}`);
  }
  const reader = new CborReader(bytes, "bill");
  reader.map(14);
  const names = {
    meterId: readMeterId(reader.key(1)),
    epoch: reader.key(2).uint(U16_MAX),
    from: reader.key(3).uint(U32_MAX),
    to: reader.key(4).uint(U32_MAX),
    tariffDigest: reader.key(5).bytes(DIGEST_BYTES),
    certificate: reader.key(6).bytes(0, DOCUMENT_BYTES_MAX),
  };
  const views = new ViewReader(bytes, "bill", reader.key(7).position);
  const batches = Array.from({ length: views.array(0, BILL_BATCHES_MAX) }, () => readBatch(views));
  const costs = readCosts(
    new CborReader(bytes.subarray(views.position), "bill after its batches"),
    readProof,
  );
  return { bill: { ...names, renewals: costs.renewals, batches, lines: costs.lines }, proof: costs.proof };
}

/** What stands after the batches. */
function readCosts<Proof>(reader: CborReader, readProof: (reader: CborReader) => Proof) {
  const energy = readAmount(reader.key(8));
  const proof = readProof(reader.key(9));
  const lines = {
    energy,
    standing: readAmount(reader.key(10)),
    levies: Array.from({ length: reader.key(11).array(0, LEVIES_MAX) }, () => readAmount(reader)),
    vat: readAmount(reader.key(12)),
    total: readAmount(reader.key(13)),
  };
  const renewals = Array.from({ length: reader.key(14).array(0, RENEWALS_MAX) }, () =>
    reader.bytes(0, DOCUMENT_BYTES_MAX),
  );
  reader.end();
  return { lines, renewals, proof };
}
