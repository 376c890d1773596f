// Every decoder of the outside parties. A signed document is to be refused whatever was changed in it; of the
// formats that nobody signs, or whose signature comes later, what is taken must be written again as it came:
// another content is another message, but no content has two encodings.
import { concatBytes } from "@noble/hashes/utils.js";
import {
  decodeEvents,
  decodePairing,
  decodeReadings,
  type EventMessage,
} from "../../src/customer/messages.js";
import { nonceOf } from "../../src/meter/time-request.js";
import { decodeStatement, parseLeaves, verifyLeaves, verifyStatement } from "../../src/proofs/batch.js";
import {
  decodeCertificate,
  decodeRevocation,
  encodeCertificate,
  encodeRevocation,
  verifyCertificate,
  verifyRenewals,
  verifyRevocation,
} from "../../src/proofs/certificate.js";
import {
  decodeDisclosedReading,
  encodeDisclosedReading,
  verifyDisclosedReading,
} from "../../src/proofs/disclosed-reading.js";
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
import { decodeTariff, encodeTariff, verifyTariff } from "../../src/tariff/document.js";
import {
  decodeConfiguration,
  encodeConfiguration,
  METER_ID,
} from "../../src/trusted/authority/configuration.js";
import { encodePairing } from "../../src/trusted/authority/pairing.js";
import { decodeSecrets, encodeSecrets } from "../../src/trusted/authority/secrets.js";
import { sameBytes } from "../../src/trusted/encoding/bytes.js";
import { array, bstr, int, map, NIL, orNil, tstr } from "../../src/trusted/encoding/cbor.js";
import { type DocumentType, decodeSign1, encodeSign1 } from "../../src/trusted/encoding/cose.js";
import { SECTOR_BYTES } from "../../src/trusted/ports.js";
import { encodeLeaf, encodeStatement } from "../../src/trusted/sealing/batch.js";
import { keyId } from "../../src/trusted/sealing/signature.js";
import type { SeededRandom } from "../seeded.js";
import { FLASH_SECTORS } from "../simulation.js";
import { decodeBoard, encodeBoard } from "../stored-board.js";
import { type Corpus, payloadOf } from "./corpus.js";
import { signatureMutants } from "./hostile-points.js";
import { isOneOf } from "./meter.js";
import type { Mutator } from "./mutator.js";
import { type Attack, attempt, type Target } from "./target.js";

const ENVELOPE_MAX = 2 ** 19;
/** Draws of a mutant that is cheap, or is one at all. */
const DRAWS_MAX = 8;

/** A decoder and what it is tried with. */
interface Subject {
  readonly name: string;
  readonly share: number;
  readonly originals: readonly Uint8Array[];
  /** Takes a mutant; says whether it was right to. Throws what it refuses with. */
  readonly take: (bytes: Uint8Array) => "valid" | "accepted";
  /** Whether the bytes come to a signature or a proof. */
  readonly isDeep: (bytes: Uint8Array) => boolean;
  /** A mutant that does. */
  readonly deep: (mutator: Mutator) => Uint8Array;
}

/** Whether this comes to an end: what goes wrong otherwise goes wrong again where it is judged. */
function isTaken(decode: () => unknown): boolean {
  try {
    return decode() !== false;
  } catch {
    return false;
  }
}

function attackOn(subject: Subject, mutator: Mutator): Attack {
  const isMutant = (bytes: Uint8Array) => !isOneOf(bytes, subject.originals);
  const cheap = () => {
    for (let draw = 0; draw < DRAWS_MAX; draw++) {
      const bytes = mutator.mutate(mutator.pick(subject.originals));
      if (isMutant(bytes) && !subject.isDeep(bytes)) return bytes;
    }
    return concatBytes(mutator.pick(subject.originals), mutator.bytes(1));
  };
  const deep = () => {
    for (let draw = 0; draw < DRAWS_MAX; draw++) {
      const bytes = subject.deep(mutator);
      if (isMutant(bytes)) return bytes;
    }
    return cheap();
  };
  return {
    shoot(wantsDeep) {
      const bytes = wantsDeep ? deep() : cheap();
      return attempt(bytes, subject.isDeep(bytes), () => subject.take(bytes));
    },
  };
}

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
  for (const type of [...OTHER_TYPES, "tariff-1", "revocation-1"] as const) {
    try {
      const { payload, signature } = decodeSign1(document, type, ENVELOPE_MAX);
      return { payload, signature };
    } catch {}
  }
  return { payload: document.slice(0, 300), signature: mutator.bytes(64) };
}

function signedSubject(
  name: string,
  share: number,
  originals: readonly Uint8Array[],
  kind: SignedKind,
  pool: readonly Uint8Array[],
  verify: (bytes: Uint8Array) => unknown,
  decode: (payload: Uint8Array) => unknown = () => true,
): Subject {
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
    deep: (mutator) => deepDocument(mutator, mutator.pick(originals), kind, pool),
  };
}

/** A format that has one encoding for each content, and nothing to prove. */
function strictSubject<Value>(
  name: string,
  share: number,
  originals: readonly Uint8Array[],
  decode: (bytes: Uint8Array) => Value,
  encode: (value: Value) => Uint8Array,
): Subject {
  return {
    name,
    share,
    originals,
    take: (bytes) => (sameBytes(encode(decode(bytes)), bytes) ? "valid" : "accepted"),
    isDeep: () => false,
    deep: (mutator) => mutator.mutateContent(mutator.pick(originals)),
  };
}

/** A document that proves itself by the signed ones within. */
function provenSubject(
  name: string,
  share: number,
  originals: readonly Uint8Array[],
  decode: (bytes: Uint8Array) => unknown,
  verify: (bytes: Uint8Array) => unknown,
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
      const original = mutator.pick(originals);
      const spoiled = mutator.oneIn(2) ? mutator.mutate(original) : original;
      return isTaken(() => decode(spoiled)) && spoiled !== original
        ? spoiled
        : mutator.mutateContent(original);
    },
  };
}

const encodeRegisterStatement = ({ meterId, interval, registers }: RegisterStatement) =>
  map([1, tstr(meterId)], [2, int(interval)], [3, array(...registers.map(int))]);

const encodeReading = (message: {
  meterId: string;
  epoch: number;
  interval: number;
  status: number;
  padded: Uint8Array;
}) =>
  array(
    int(1),
    tstr(message.meterId),
    int(message.epoch),
    int(message.interval),
    int(message.status),
    bstr(message.padded),
  );

function encodeEvent({ meterId, sequence, time_s, type, detail }: EventMessage): Uint8Array {
  const time = orNil(time_s === null ? null : int(time_s));
  return array(int(1), tstr(meterId), int(sequence), time, int(type), encodeDetail(detail));
}

function encodeDetail(detail: EventMessage["detail"]): Uint8Array {
  if (detail === null) return NIL;
  if (typeof detail === "number") return int(detail);
  if (detail instanceof Uint8Array) return bstr(detail);
  return array(int(detail.kind), int(detail.first), int(detail.last));
}

function boardOf({ meter, readings }: Corpus): Uint8Array {
  const cells = new Uint8Array(FLASH_SECTORS * SECTOR_BYTES).fill(0xff);
  cells.set(meter.flash.image().subarray(0, SECTOR_BYTES));
  const received = readings.map((message) => ({ topic: "reading", message }));
  const loads = [{ channel: "1-0:1.8.0", power_W: 500 }];
  const [secrets, softwareId] = [new Uint8Array(40), meter.image.softwareId];
  const { meterId } = meter;
  return encodeBoard({
    meterId,
    seed: 1,
    powerUps: 2,
    now_ms: 3,
    softwareId,
    loads,
    secrets,
    cells,
    received,
  });
}

/** The payload formats, read before or after their signature by somebody else. */
function strictSubjects(corpus: Corpus): Subject[] {
  const payloads = (type: DocumentType, documents: readonly Uint8Array[]) =>
    documents.map((document) => payloadOf(type, document));
  const { meter, readings, events } = corpus;
  const stored = encodeConfiguration(meter.configuration);
  const secrets = meter.secrets.load() ?? new Uint8Array(0);
  const request = array(int(1), tstr(meter.meterId), bstr(meter.nonce));
  const envelope = corpus.batches[0] as Uint8Array;
  return [
    strictSubject("readings", 40, [...readings, concatBytes(...readings)], decodeReadings, (kept) =>
      concatBytes(...kept.map(({ message }) => encodeReading(message))),
    ),
    strictSubject("events", 40, [...events, concatBytes(...events)], decodeEvents, (kept) =>
      concatBytes(...kept.map(({ message }) => encodeEvent(message))),
    ),
    strictSubject(
      "pairing payload",
      15,
      payloads("pairing-1", corpus.pairings),
      decodePairing,
      encodePairing,
    ),
    strictSubject(
      "batch statement",
      25,
      payloads("batch-1", corpus.batches),
      decodeStatement,
      encodeStatement,
    ),
    strictSubject(
      "certificate payload",
      15,
      payloads("certificate-1", corpus.certificates),
      decodeCertificate,
      encodeCertificate,
    ),
    strictSubject(
      "revocation payload",
      10,
      payloads("revocation-1", corpus.revocations),
      decodeRevocation,
      encodeRevocation,
    ),
    strictSubject("tariff payload", 15, payloads("tariff-1", corpus.tariffs), decodeTariff, encodeTariff),
    strictSubject("bill form", 15, corpus.bills, decodeLinearBill, encodeLinearBill),
    strictSubject("disclosed form", 15, corpus.disclosed, decodeDisclosedReading, encodeDisclosedReading),
    strictSubject("configuration", 20, [stored], decodeConfiguration, encodeConfiguration),
    strictSubject(
      "register payload",
      10,
      payloads("register-1", corpus.registers),
      decodeRegisterStatement,
      encodeRegisterStatement,
    ),
    strictSubject("board file", 1, [boardOf(corpus)], decodeBoard, encodeBoard),
    strictSubject("secret store", 10, [secrets], decodeSecrets, encodeSecrets),
    strictSubject(
      "envelope",
      25,
      [envelope],
      (bytes) => decodeSign1(bytes, "batch-1", 300),
      (parts) => encodeSign1("batch-1", parts),
    ),
    { ...strictSubject("time request", 10, [request], nonceOf, bstr), take: takeTimeRequest },
    strictSubject(
      "leaf form",
      10,
      corpus.checked.flatMap(({ batches }) => batches.map(({ leafBytes }) => leafBytes)),
      parseLeaves,
      (leaves) =>
        concatBytes(
          ...leaves.map(({ interval, channel, status, commitment }) =>
            encodeLeaf(interval, channel, status, commitment),
          ),
        ),
    ),
  ];
}

function signedSubjects(corpus: Corpus): Subject[] {
  const { meter, pool, signingSeed, record } = corpus;
  const { authority, supplier } = meter.parties;
  const { signingKey } = meter.enrolment;
  const certificate = verifyCertificate(record.certificate, authority.publicKey);
  const trust = {
    certificate,
    renewals: verifyRenewals(record.renewals, certificate, authority.publicKey),
    revocation: null,
  };
  const byMeter = (type: DocumentType) => ({ type, publicKey: signingKey, seed: signingSeed });
  const byAuthority = (type: DocumentType) => ({ type, ...authority });
  const bySupplier = { type: "tariff-1" as const, ...supplier };
  return [
    signedSubject(
      "certificate",
      40,
      [...corpus.certificates, ...corpus.renewals],
      byAuthority("certificate-1"),
      pool,
      (bytes) => verifyCertificate(bytes, authority.publicKey),
    ),
    signedSubject("revocation", 20, corpus.revocations, byAuthority("revocation-1"), pool, (bytes) =>
      verifyRevocation(bytes, authority.publicKey),
    ),
    signedSubject(
      "batch",
      50,
      record.batches,
      byMeter("batch-1"),
      pool,
      (bytes) => verifyStatement(bytes, trust),
      decodeStatement,
    ),
    signedSubject("pairing", 20, record.pairings, byMeter("pairing-1"), pool, (bytes) =>
      decodePairing(verifySigned("pairing-1", bytes, signingKey, 128)),
    ),
    signedSubject(
      "renewal",
      15,
      [record.certificate, ...record.renewals],
      byAuthority("certificate-1"),
      pool,
      (bytes) => verifyRenewals([bytes], certificate, authority.publicKey),
    ),
    signedSubject(
      "register statement",
      15,
      corpus.registers.slice(0, 1),
      byMeter("register-1"),
      pool,
      (bytes) => verifyRegisterStatement(bytes, trust),
      decodeRegisterStatement,
    ),
    signedSubject("tariff", 20, corpus.tariffs, bySupplier, pool, (bytes) =>
      verifyTariff(bytes, supplier.publicKey),
    ),
  ];
}

/** Right to take if it names a meter and says nothing else; whose nonce it is, the answer's reader tells. */
function takeTimeRequest(bytes: Uint8Array): "valid" | "accepted" {
  const nonce = nonceOf(bytes);
  const name = Buffer.from(bytes.slice(3, -1 - nonce.length)).toString("latin1");
  const isStrict = METER_ID.test(name) && sameBytes(array(int(1), tstr(name), bstr(nonce)), bytes);
  return isStrict ? "valid" : "accepted";
}

function provenSubjects(corpus: Corpus): Subject[] {
  const { meter, checked } = corpus;
  const authorityKey = meter.parties.authority.publicKey;
  const batch = checked[0]?.batches[0];
  if (!batch) throw new Error("no batch");
  return [
    {
      ...provenSubject("bill", 40, corpus.bills, decodeLinearBill, decodeLinearBill),
      take: (bytes) => takeBill(corpus, bytes),
    },
    provenSubject("disclosed reading", 40, corpus.disclosed, decodeDisclosedReading, (bytes) =>
      verifyDisclosedReading(bytes, authorityKey),
    ),
    provenSubject("leaves of a batch", 15, [batch.leafBytes], parseLeaves, (bytes) =>
      verifyLeaves(batch, bytes),
    ),
  ];
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
