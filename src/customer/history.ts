// A meter's signed history, as far as it can be checked without any K: the pairings that began its epochs,
// its batches in one chain, and the events up to what each batch has sealed.
import { bytesToHex } from "@noble/hashes/utils.js";
import { linkOf, type SignedBatch, type Trust, verifyStatement } from "../proofs/batch.js";
import type { BatchLedger } from "../proofs/ledger.js";
import { ensure, verifySigned } from "../proofs/signed.js";
import { EventType } from "../trusted/authority/events.js";
import type { Pairing } from "../trusted/authority/pairing.js";
import { FormatError } from "../trusted/encoding/bytes.js";
import type { BatchStatement } from "../trusted/sealing/batch.js";
import { digest } from "../trusted/sealing/keys.js";
import { decodeEvents, decodePairing, type EventMessage } from "./messages.js";

/** Most batches of a record: 20 years of eight a day. */
const BATCHES_MAX = 2 ** 16;
/** Most pairings of a record: each took a person at the meter. */
const PAIRINGS_MAX = 1024;
const PAIRING_PAYLOAD_MAX = 128;

/** The signed part of what a meter has sent, as it came. */
export interface SignedRecord {
  /** COSE_Sign1 of each batch, of consecutive numbers, in any order. */
  readonly batches: readonly Uint8Array[];
  /** CBOR sequence of event messages, from sequence 0 on and in order. */
  readonly events: Uint8Array;
  /** COSE_Sign1 of the pairings known, in any order. */
  readonly pairings: readonly Uint8Array[];
}

export interface History {
  /** By epoch. */
  readonly pairings: readonly Pairing[];
  /** By number, without a hole; the first need not be number 0. */
  readonly batches: readonly SignedBatch[];
  /** From sequence 0 on. */
  readonly events: readonly EventMessage[];
  /** How many of the events are under the signature of a batch. */
  readonly sealedEvents: number;
}

interface SignedPairing {
  readonly pairing: Pairing;
  /** H of its payload, hex: what its event says. */
  readonly digest: string;
}

/** The first interval after a batch. */
export const endOf = (statement: BatchStatement) => statement.firstInterval + statement.intervalCount;

/**
 * Checks pairings, chain and events of a record against each other.
 * @param ledger what the checker has seen before: every batch is recorded in it.
 * @throws FormatError for malformed bytes, VerificationError with the reason.
 */
export function verifyHistory(record: SignedRecord, trust: Trust, ledger: BatchLedger): History {
  const pairings = verifyPairings(record.pairings, trust);
  const batches = verifyChain(record.batches, trust, ledger);
  checkEpochs(batches, pairings);
  const { meterId } = trust.certificate;
  const { events, sealedEvents } = verifyEvents(record.events, meterId, batches, pairings);
  return { pairings: pairings.map(({ pairing }) => pairing), batches, events, sealedEvents };
}

/** Pairings by epoch: signed by the meter, one an epoch, taking effect one after the other. */
function verifyPairings(documents: readonly Uint8Array[], { certificate }: Trust): SignedPairing[] {
  const { meterId, signingKey } = certificate;
  if (documents.length > PAIRINGS_MAX) throw new FormatError(`more than ${PAIRINGS_MAX} pairings`);
  const pairings = documents.map((document) => {
    const payload = verifySigned("pairing-1", document, signingKey, PAIRING_PAYLOAD_MAX);
    const pairing = decodePairing(payload);
    ensure(pairing.meterId === meterId, `pairing of ${pairing.meterId} instead of ${meterId}`);
    return { pairing, digest: bytesToHex(digest(payload)) };
  });
  pairings.sort((a, b) => a.pairing.epoch - b.pairing.epoch);
  pairings.forEach(({ pairing: { epoch, firstInterval } }, at) => {
    const before = pairings[at - 1]?.pairing;
    if (!before) return;
    ensure(before.epoch !== epoch, `${meterId}: two pairings of epoch ${epoch}`);
    ensure(before.firstInterval < firstInterval, `${meterId}: epoch ${epoch} begins before its predecessor`);
  });
  return pairings;
}

/**
 * Signatures and chain of all batches, by number; one given twice counts once. The chain comes before the
 * leaves here: of a forked batch at most one fits the readings, and the fork is what must be heard of.
 */
function verifyChain(documents: readonly Uint8Array[], trust: Trust, ledger: BatchLedger): SignedBatch[] {
  if (documents.length > BATCHES_MAX) throw new FormatError(`more than ${BATCHES_MAX} batches`);
  const signed = documents.map((document) => verifyStatement(document, trust));
  signed.sort((a, b) => a.statement.batchNumber - b.statement.batchNumber);
  for (const batch of signed) ledger.record(linkOf(batch));
  const batches: SignedBatch[] = [];
  for (const batch of signed) {
    const before = batches.at(-1)?.statement;
    if (before?.batchNumber === batch.statement.batchNumber) continue;
    if (before) checkSuccessor(before, batch.statement);
    batches.push(batch);
  }
  return batches;
}

/** Numbers rise by one, intervals and epochs never go back. */
function checkSuccessor(before: BatchStatement, after: BatchStatement): void {
  const { meterId, batchNumber } = after;
  const expected = before.batchNumber + 1;
  ensure(
    batchNumber === expected,
    `batch ${expected} of ${meterId} is missing, batch ${batchNumber} is there`,
  );
  const goesOn = after.firstInterval >= endOf(before) && after.epoch >= before.epoch;
  ensure(goesOn, `batch ${batchNumber} of ${meterId}: goes back behind batch ${before.batchNumber}`);
}

/** Every batch lies within its epoch, as far as the pairings that begin and end it are known. */
function checkEpochs(batches: readonly SignedBatch[], pairings: readonly SignedPairing[]): void {
  for (const { statement } of batches) {
    const { meterId, batchNumber, epoch, firstInterval } = statement;
    const isWithin = pairings.every(({ pairing }) =>
      pairing.epoch <= epoch
        ? firstInterval >= pairing.firstInterval
        : endOf(statement) <= pairing.firstInterval,
    );
    ensure(isWithin, `batch ${batchNumber} of ${meterId}: not within epoch ${epoch} of the pairings`);
  }
}

/** How far into the events each digest of their chain reaches, and where each pairing stands. */
interface EventChain {
  readonly events: readonly EventMessage[];
  readonly lengthAt: ReadonlyMap<string, number>;
  readonly pairedAt: ReadonlyMap<string, number>;
}

/** The chain e_n = H(e_(n-1) || message) over events of one meter, none missing. */
function chainEvents(sequence: Uint8Array, meterId: string): EventChain {
  let link = new Uint8Array(32);
  const lengthAt = new Map([[bytesToHex(link), 0]]);
  const pairedAt = new Map<string, number>();
  const events = decodeEvents(sequence).map(({ message, bytes }, at) => {
    ensure(message.meterId === meterId, `event ${at}: of ${message.meterId} instead of ${meterId}`);
    const found = `event ${message.sequence} stands in its place`;
    ensure(message.sequence === at, `event ${at} of ${meterId} is missing: ${found}`);
    link = digest(link, bytes);
    lengthAt.set(bytesToHex(link), at + 1);
    const { type, detail } = message;
    if (type === EventType.PAIRING && detail instanceof Uint8Array) pairedAt.set(bytesToHex(detail), at + 1);
    return message;
  });
  return { events, lengthAt, pairedAt };
}

/** Every batch has sealed a part of the event chain, none less than the one before, its pairing included. */
function verifyEvents(
  sequence: Uint8Array,
  meterId: string,
  batches: readonly SignedBatch[],
  pairings: readonly SignedPairing[],
): { events: readonly EventMessage[]; sealedEvents: number } {
  const { events, lengthAt, pairedAt } = chainEvents(sequence, meterId);
  const digests = new Map(pairings.map(({ pairing, digest }) => [pairing.epoch, digest]));
  let sealedEvents = 0;
  for (const { statement } of batches) {
    const batch = `batch ${statement.batchNumber} of ${meterId}`;
    const length = lengthAt.get(bytesToHex(statement.eventDigest));
    ensure(length !== undefined, `${batch}: seals events that are not the ${events.length} given`);
    ensure(length >= sealedEvents, `${batch}: seals fewer events than the batch before it`);
    sealedEvents = length;
    const pairing = digests.get(statement.epoch);
    const isPaired = pairing === undefined || (pairedAt.get(pairing) ?? Number.POSITIVE_INFINITY) <= length;
    ensure(isPaired, `${batch}: no event of the pairing of epoch ${statement.epoch} precedes it`);
  }
  return { events, sealedEvents };
}
