// Every decoder of the outside parties. A signed document is to be refused whatever was changed in it; of the
// formats that nobody signs, or whose signature comes later, what is taken must be written again as it came:
// another content is another message, but no content has two encodings.

import { ed25519 } from "@noble/curves/ed25519.js";
import { concatBytes } from "@noble/hashes/utils.js";
import { decodePairing } from "../../src/customer/messages.js";
import { decodeStatement, parseLeaves, verifyLeaves, verifyStatement } from "../../src/proofs/batch.js";
import {
  encodeCertificate,
  verifyCertificate,
  verifyRenewals,
  verifyRevocation,
} from "../../src/proofs/certificate.js";
import { decodeDisclosedReading, verifyDisclosedReading } from "../../src/proofs/disclosed-reading.js";
import { decodeGeneralBill } from "../../src/proofs/general-bill.js";
import { BatchLedger } from "../../src/proofs/ledger.js";
import {
  decodeLinearBill,
  encodeLinearBill,
  type LinearBill,
  proveLinearBill,
} from "../../src/proofs/linear-bill.js";
import { signWithKey, verifySigned } from "../../src/proofs/signed.js";
import {
  decodeRegisterStatement,
  type RegisterStatement,
  verifyRegisterStatement,
} from "../../src/supplier/register-statement.js";
import { verifyBill } from "../../src/supplier/verify-bill.js";
import { billLines } from "../../src/tariff/evaluate.js";
import { verifyTariff } from "../../src/tariff/signed-tariff.js";
import type { Certificate } from "../../src/trusted/authority/certificate.js";
import { sameBytes } from "../../src/trusted/encoding/bytes.js";
import { type DocumentType, decodeSign1, encodeSign1 } from "../../src/trusted/encoding/cose.js";
import { type BatchStatement, encodeStatement } from "../../src/trusted/sealing/batch.js";
import { keyId } from "../../src/trusted/sealing/signature.js";
import type { SeededRandom } from "../seeded.js";
import { type Corpus, payloadOf } from "./corpus.js";
import { encodeRegisterStatement, strictSubjects } from "./formats.js";
import { raisedScalar, signatureMutants } from "./hostile-points.js";
import { isOneOf } from "./meter.js";
import type { Mutator } from "./mutator.js";
import { attackOn, isTaken, type Subject } from "./subject.js";
import type { Target } from "./target.js";

const ENVELOPE_MAX = 2 ** 19;
/** Of the mutants that come to a signature, one in so many is well signed and untrue. */
const UNTRUE_EVERY = 5;
/** A kind of signed document, and who can sign another: what is well signed may still be malformed. */
interface SignedKind {
  readonly type: DocumentType;
  readonly publicKey: Uint8Array;
  readonly seed: Uint8Array;
}

/** Mutants in an envelope of the right type under the right key id. */
export function deepDocument(
  mutator: Mutator,
  original: Uint8Array,
  kind: SignedKind,
  pool: readonly Uint8Array[],
): Uint8Array {
  const { type, publicKey, seed } = kind;
  const { payload, signature } = decodeSign1(original, type, ENVELOPE_MAX);
  const kid = keyId(publicKey);
  const foreign = foreignPartsOf(mutator.pick(pool), mutator);
  const ways: readonly (() => Uint8Array)[] = [
    () => mutator.mutateContent(original),
    () => mutator.mutateContent(original),
    () => encodeSign1(type, { kid, payload, signature: mutator.pick(signatureMutants)(signature) }),
    () => encodeSign1(type, { kid, payload, signature: foreign.signature }),
    () => encodeSign1(type, { kid, payload: foreign.payload, signature }),
    () => encodeSign1(type, { kid, ...foreign }),
    () => encodeSign1(type, { kid, payload: mutator.mutate(payload), signature }),
    () => signWithKey(type, mutator.nonCanonical(payload) ?? concatBytes(payload, mutator.bytes(1)), seed),
    () => signWithKey(type, concatBytes(payload, mutator.bytes(1)), seed),
    () => signWithKey(type, payload.slice(0, mutator.random.below(payload.length)), seed),
    () =>
      isOneOf(foreign.payload, [payload]) ? original : signWithKey(otherType(type, mutator), payload, seed),
  ];
  return mutator.pick(ways)();
}

const OTHER_TYPES: readonly DocumentType[] = [
  "certificate-1",
  "batch-1",
  "pairing-1",
  "register-1",
  "command-1",
];

const otherType = (type: DocumentType, mutator: Mutator) =>
  mutator.pick(OTHER_TYPES.filter((one) => one !== type));

/** Payload and signature of another document, if it is one. */
export function foreignPartsOf(
  document: Uint8Array,
  mutator: Mutator,
): { payload: Uint8Array; signature: Uint8Array } {
  for (const type of [...OTHER_TYPES, "roster-1", "tariff-1", "revocation-1"] as const) {
    try {
      const { payload, signature } = decodeSign1(document, type, ENVELOPE_MAX);
      return { payload, signature };
    } catch {}
  }
  return { payload: document.slice(0, 300), signature: mutator.bytes(64) };
}

interface SignedParts {
  readonly name: string;
  readonly share: number;
  readonly originals: readonly Uint8Array[];
  readonly kind: SignedKind;
  readonly verify: (bytes: Uint8Array) => unknown;
  /** What stands before the check of the signature. */
  readonly decode?: (payload: Uint8Array) => unknown;
  /** Well signed and well-formed, and yet not to be believed. */
  readonly untrue?: readonly Uint8Array[];
}

function signedSubject(parts: SignedParts, pool: readonly Uint8Array[]): Subject {
  const { name, share, originals, kind, verify, decode = () => true, untrue = [] } = parts;
  const kid = keyId(kind.publicKey);
  return {
    name,
    share,
    originals,
    take: (bytes) => {
      verify(bytes);
      return "accepted";
    },
    isDeep: (bytes) =>
      isTaken(() => {
        const envelope = decodeSign1(bytes, kind.type, ENVELOPE_MAX);
        return sameBytes(envelope.kid, kid) && decode(envelope.payload);
      }),
    deep: (mutator) => {
      const original = mutator.pick(originals);
      const isUntrue = untrue.length > 0 && mutator.oneIn(UNTRUE_EVERY);
      return isUntrue ? mutator.pick(untrue) : deepDocument(mutator, original, kind, pool);
    },
  };
}

/** A document that proves itself by the signed ones within. */
function provenSubject(
  name: string,
  share: number,
  originals: readonly Uint8Array[],
  decode: (bytes: Uint8Array) => unknown,
  verify: (bytes: Uint8Array) => unknown,
  untrue: readonly Uint8Array[] = [],
): Subject {
  return {
    name,
    share,
    originals,
    take: (bytes) => {
      verify(bytes);
      return "accepted";
    },
    isDeep: (bytes) => isTaken(() => decode(bytes)),
    deep: (mutator) => {
      if (untrue.length > 0 && mutator.oneIn(UNTRUE_EVERY)) return mutator.pick(untrue);
      const original = mutator.pick(originals);
      const spoiled = mutator.oneIn(2) ? mutator.mutate(original) : original;
      return isTaken(() => decode(spoiled)) && spoiled !== original
        ? spoiled
        : mutator.mutateContent(original);
    },
  };
}

function signedSubjects(corpus: Corpus): Subject[] {
  const { meter, pool, signingSeed, record, certificates, renewals, registers } = corpus;
  const { authority, supplier } = meter.parties;
  const { signingKey } = meter.enrolment;
  const certificate = verifyCertificate(record.certificate, authority.publicKey);
  const revoked = { meterId: meter.meterId, signingKey, lastGoodBatchNumber: record.batches.length - 1 };
  const revocation = { issuedAt_s: 0, revoked: [revoked] };
  const trust = { certificate, renewals: verifyRenewals(record.renewals, certificate, authority.publicKey) };
  const byMeter = (type: DocumentType) => ({ type, publicKey: signingKey, seed: signingSeed });
  const byAuthority = (type: DocumentType) => ({ type, ...authority });
  const subjects: readonly SignedParts[] = [
    {
      name: "certificate",
      share: 40,
      originals: [...certificates, ...renewals],
      kind: byAuthority("certificate-1"),
      verify: (bytes) => verifyCertificate(bytes, authority.publicKey),
    },
    {
      name: "revocation",
      share: 20,
      originals: corpus.revocations,
      kind: byAuthority("revocation-1"),
      verify: (bytes) => verifyRevocation(bytes, authority.publicKey),
    },
    {
      name: "batch",
      share: 50,
      originals: record.batches,
      kind: byMeter("batch-1"),
      verify: (bytes) => verifyStatement(bytes, { ...trust, revocation }),
      decode: decodeStatement,
      untrue: untrueBatches(corpus),
    },
    {
      name: "pairing",
      share: 20,
      originals: record.pairings,
      kind: byMeter("pairing-1"),
      verify: (bytes) => decodePairing(verifySigned("pairing-1", bytes, signingKey, 128)),
    },
    {
      name: "renewal",
      share: 15,
      originals: [record.certificate, ...record.renewals],
      kind: byAuthority("certificate-1"),
      verify: (bytes) => verifyRenewals([bytes], certificate, authority.publicKey),
      untrue: [...certificates.slice(1), ...untrueRenewals(corpus)],
    },
    {
      name: "register statement",
      share: 15,
      originals: registers.slice(0, 1),
      kind: byMeter("register-1"),
      verify: (bytes) => verifyRegisterStatement(bytes, { certificate, revocation: null }),
      decode: decodeRegisterStatement,
      untrue: untrueStatements(corpus),
    },
    {
      name: "tariff",
      share: 20,
      originals: corpus.tariffs,
      kind: { type: "tariff-1", ...supplier },
      verify: (bytes) => verifyTariff(bytes, supplier.publicKey),
    },
  ];
  return subjects.map((parts) => signedSubject(parts, pool));
}

/** By the meter's own key: of another meter, software, length, number of channels or time, or since revoked. */
function untrueBatches({ record, signingSeed }: Corpus): Uint8Array[] {
  const statement = decodeStatement(payloadOf("batch-1", record.batches[0] as Uint8Array));
  const { firstInterval, intervalSeconds } = statement;
  const years = (15.5 * 31_557_600) / intervalSeconds;
  const changes: readonly Partial<BatchStatement>[] = [
    { meterId: "SM-0002" },
    { softwareId: new Uint8Array(32) },
    { intervalSeconds: 900, intervalCount: 1 },
    { channelCount: 1 },
    { channelCount: 3 },
    { firstInterval: firstInterval - 200, intervalCount: 1 },
    { firstInterval: firstInterval + years, intervalCount: 1 },
    { batchNumber: record.batches.length },
  ];
  return changes.map((change) =>
    signWithKey("batch-1", encodeStatement({ ...statement, ...change }), signingSeed),
  );
}

/** By the authority, and of no later software of the same meter and keys. */
function untrueRenewals({ record, other, meter }: Corpus): Uint8Array[] {
  const { authority } = meter.parties;
  const certificate = verifyCertificate(record.certificate, authority.publicKey);
  const changes: readonly Partial<Certificate>[] = [
    { meterId: "SM-0002" },
    { signingKey: other.enrolment.signingKey },
    { agreementKey: meter.parties.customer.user },
    { intervalSeconds: 900 },
    { channels: certificate.channels.slice(0, 1) },
    { channels: [...certificate.channels].reverse() },
    { role: 1 },
  ];
  return changes.map((change) =>
    signWithKey("certificate-1", encodeCertificate({ ...certificate, ...change }), authority.seed),
  );
}

/** By the meter's own key: of another meter, with other registers, or of a time for which nobody has certified it. */
function untrueStatements({ registers, signingSeed }: Corpus): Uint8Array[] {
  const statement = decodeRegisterStatement(payloadOf("register-1", registers[0] as Uint8Array));
  const changes: readonly Partial<RegisterStatement>[] = [
    { meterId: "SM-0002" },
    { registers: [1] },
    { registers: [1, 2, 3] },
    { interval: 0 },
    { interval: 0xffffffff },
  ];
  return changes.map((change) =>
    signWithKey("register-1", encodeRegisterStatement({ ...statement, ...change }), signingSeed),
  );
}

function provenSubjects(corpus: Corpus): Subject[] {
  const { meter, checked, charged } = corpus;
  const authorityKey = meter.parties.authority.publicKey;
  const batch = checked[0]?.batches[0];
  if (!batch) throw new Error("no batch");
  return [
    {
      ...provenSubject("bill", 40, corpus.bills, decodeLinearBill, decodeLinearBill, untrueBills(corpus)),
      take: (bytes) => takeBill(corpus, bytes),
    },
    provenSubject("general bill", 5, corpus.generalBills, decodeGeneralBill, (bytes) =>
      verifyBill(bytes, { authorityKey, tariff: charged, ledger: new BatchLedger() }),
    ),
    provenSubject("disclosed reading", 40, corpus.disclosed, decodeDisclosedReading, (bytes) =>
      verifyDisclosedReading(bytes, authorityKey),
    ),
    provenSubject("leaves of a batch", 15, [batch.leafBytes], parseLeaves, (bytes) =>
      verifyLeaves(batch, bytes),
    ),
  ];
}

/** Bills that leave something out, go beyond what was sealed, or count otherwise. */
function untrueBills({ bills, tariff }: Corpus): Uint8Array[] {
  return bills.map(decodeLinearBill).flatMap((bill) => {
    const { from, to, batches, lines, epoch } = bill;
    const beyond = { ...lines, energy: lines.energy + ed25519.Point.Fn.ORDER / 2n ** 128n };
    const withLines = (more: bigint) => billLines(tariff.tariff, lines.energy + more, 1);
    const changes: readonly Partial<LinearBill>[] = [
      { to: to + 1 },
      { to: to + 20 },
      { from: from - 10 },
      { from: from - 1 },
      { from: to, to: from },
      { epoch: epoch ^ 1 },
      { epoch: 7 },
      { batches: batches.slice(1) },
      { batches: batches.slice(0, -1) },
      { batches: [...batches].reverse() },
      { batches: [...batches, ...batches] },
      { batches: batches.map(({ document }) => ({ document, leaves: new Uint8Array(0) })) },
      { batches: [] },
      { lines: beyond },
      { lines: { ...lines, total: lines.total - 1n } },
      { lines: { ...lines, vat: lines.vat - 1n, total: lines.total - 1n } },
      { lines: withLines(1n) },
      { lines: withLines(-300_000n) },
      { opening: raisedScalar(bill.opening, 1) },
      { tariffDigest: new Uint8Array(32) },
    ];
    return changes.map((change) => encodeLinearBill({ ...bill, ...change }));
  });
}

/** A bill is signed by nobody: one of a period that begins or ends elsewhere in the same gap may be right. */
function takeBill(corpus: Corpus, bytes: Uint8Array): "valid" | "accepted" {
  const { meter, record, checked, tariff } = corpus;
  const authorityKey = meter.parties.authority.publicKey;
  const { epoch, from, to } = verifyBill(bytes, { authorityKey, tariff, ledger: new BatchLedger() });
  const truth = checked[epoch];
  if (!truth) return "accepted";
  const billed = (bill: LinearBill) => {
    const batches = bill.batches.filter(({ leaves }) => leaves.length > 0);
    return encodeLinearBill({ ...bill, renewals: [], batches });
  };
  const right = billed(proveLinearBill(truth, record.certificate, tariff, { from, to }));
  const isOriginal = corpus.bills.some((bill) => sameBytes(billed(decodeLinearBill(bill)), right));
  return !isOriginal && sameBytes(billed(decodeLinearBill(bytes)), right) ? "valid" : "accepted";
}

/** All of them. */
export function documentTargets(corpus: Corpus, mutatorOf: (random: SeededRandom) => Mutator): Target[] {
  const subjects = [...strictSubjects(corpus), ...signedSubjects(corpus), ...provenSubjects(corpus)];
  return subjects.map((subject) => ({
    name: subject.name,
    share: subject.share,
    begin: (random) => attackOn(subject, mutatorOf(random)),
  }));
}
