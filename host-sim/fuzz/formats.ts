// The formats that nobody signs, or whose signature comes later: what is taken must be written again as it came.
// Another content is another message, but no content has two encodings.
import { concatBytes } from "@noble/hashes/utils.js";
import { encodeRoster } from "../../src/aggregation/roster.js";
import { decodeShare } from "../../src/aggregation/share.js";
import {
  decodeEvents,
  decodePairing,
  decodeReadings,
  type EventMessage,
} from "../../src/customer/messages.js";
import { nonceOf } from "../../src/meter/time-request.js";
import { decodeStatement, parseLeaves } from "../../src/proofs/batch.js";
import {
  decodeCertificate,
  decodeRevocation,
  encodeCertificate,
  encodeRevocation,
} from "../../src/proofs/certificate.js";
import { decodeDisclosedReading, encodeDisclosedReading } from "../../src/proofs/disclosed-reading.js";
import { decodeGeneralBill, encodeGeneralBill } from "../../src/proofs/general-bill.js";
import { decodeLinearBill, encodeLinearBill } from "../../src/proofs/linear-bill.js";
import { decodeRegisterStatement, type RegisterStatement } from "../../src/supplier/register-statement.js";
import { decodeTariff, encodeTariff } from "../../src/tariff/document.js";
import {
  decodeConfiguration,
  encodeConfiguration,
  METER_ID,
} from "../../src/trusted/authority/configuration.js";
import { encodePairing } from "../../src/trusted/authority/pairing.js";
import { decodeSecrets, encodeSecrets } from "../../src/trusted/authority/secrets.js";
import { decodeRosters, encodeRosters } from "../../src/trusted/blinding/memory.js";
import { decodeRoster } from "../../src/trusted/blinding/roster.js";
import { encodeShare } from "../../src/trusted/blinding/share.js";
import { sameBytes } from "../../src/trusted/encoding/bytes.js";
import { array, bstr, int, map, NIL, orNil, tstr } from "../../src/trusted/encoding/cbor.js";
import { type DocumentType, decodeSign1, encodeSign1 } from "../../src/trusted/encoding/cose.js";
import { MessageKind } from "../../src/trusted/journal/journal.js";
import { SECTOR_BYTES } from "../../src/trusted/ports.js";
import { encodeLeaf, encodeStatement } from "../../src/trusted/sealing/batch.js";
import { FLASH_SECTORS } from "../simulation.js";
import { decodeBoard, encodeBoard } from "../stored-board.js";
import { type Corpus, payloadOf } from "./corpus.js";
import type { Subject } from "./subject.js";

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

export const encodeRegisterStatement = ({ meterId, interval, registers }: RegisterStatement) =>
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
    supply: { closed: true, tariffs: [softwareId, null], offered: null },
  });
}

/** The payload formats, read before or after their signature by somebody else. */
export function strictSubjects(corpus: Corpus): Subject[] {
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
    strictSubject("general bill form", 15, corpus.generalBills, decodeGeneralBill, encodeGeneralBill),
    strictSubject("disclosed form", 15, corpus.disclosed, decodeDisclosedReading, encodeDisclosedReading),
    strictSubject("configuration", 20, [stored], decodeConfiguration, encodeConfiguration),
    strictSubject(
      "register payload",
      10,
      payloads("register-1", corpus.registers),
      decodeRegisterStatement,
      encodeRegisterStatement,
    ),
    strictSubject("share", 15, corpus.meter.messages(MessageKind.SHARE), decodeShare, (share) =>
      encodeShare(share, share.sums),
    ),
    strictSubject("roster payload", 15, payloads("roster-1", corpus.rosters), decodeRoster, encodeRoster),
    strictSubject("memory of rosters", 15, corpus.memories, decodeRosters, encodeRosters),
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

/** Right to take if it names a meter and says nothing else; whose nonce it is, the answer's reader tells. */
function takeTimeRequest(bytes: Uint8Array): "valid" | "accepted" {
  const nonce = nonceOf(bytes);
  const name = Buffer.from(bytes.slice(3, -1 - nonce.length)).toString("latin1");
  const isStrict = METER_ID.test(name) && sameBytes(array(int(1), tstr(name), bstr(nonce)), bytes);
  return isStrict ? "valid" : "accepted";
}
