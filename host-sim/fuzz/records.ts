// A meter's whole record before its customer: documents altered, dropped, exchanged, doubled and moved, readings
// and events too, which nobody signs one by one. It is refused, or what comes out is the truth: batches and
// sealed events as they were, no interval other than it was measured, no time without power that there was not.
// Fewer batches at the end are an older record and as good.
import { concatBytes } from "@noble/hashes/utils.js";
import {
  type CheckedMeter,
  type CustomerKeys,
  checkMeter,
  type MeterRecord,
} from "../../src/customer/check.js";
import { decodeEvents, decodeReadings } from "../../src/customer/messages.js";
import { signWithKey } from "../../src/proofs/signed.js";
import { sameBytes } from "../../src/trusted/encoding/bytes.js";
import type { SeededRandom } from "../seeded.js";
import { type Corpus, payloadOf } from "./corpus.js";
import { deepDocument } from "./documents.js";
import { isOneOf } from "./meter.js";
import type { Mutator } from "./mutator.js";
import { type Attack, attempt, type Target } from "./target.js";

/** A record taken apart into what can be altered. */
interface Parts {
  certificate: Uint8Array;
  renewals: Uint8Array[];
  batches: Uint8Array[];
  pairings: Uint8Array[];
  readings: Uint8Array[];
  events: Uint8Array[];
}

/** Nearly all that is worth altering here lies behind a signature. */
const DEEP_EVERY = 4;
const LISTS = ["renewals", "batches", "pairings", "readings", "events"] as const;

const partsOf = (record: MeterRecord): Parts => ({
  certificate: record.certificate,
  renewals: [...(record.renewals ?? [])],
  batches: [...record.batches],
  pairings: [...record.pairings],
  readings: decodeReadings(record.readings).map(({ bytes }) => bytes),
  events: decodeEvents(record.events).map(({ bytes }) => bytes),
});

const recordOf = ({ readings, events, ...parts }: Parts): MeterRecord => ({
  ...parts,
  readings: concatBytes(...readings),
  events: concatBytes(...events),
});

class RecordAttack implements Attack {
  readonly #corpus: Corpus;
  readonly #mutator: Mutator;
  readonly #foreign: Parts;
  /** What the meters and the authority have signed. */
  readonly #genuine: readonly Uint8Array[];
  /** Whether the meter itself has signed something else into this record. */
  #isForked = false;

  constructor(corpus: Corpus, mutator: Mutator) {
    this.#corpus = corpus;
    this.#mutator = mutator;
    this.#genuine = [...documentsOf(corpus.record), ...corpus.certificates, ...corpus.renewals];
    this.#foreign = partsOf({ ...corpus.other.record(), renewals: corpus.renewals.slice(1) });
  }

  shoot(isDeepTurn: boolean) {
    const mutator = this.#mutator;
    const wantsDeep = isDeepTurn || mutator.oneIn(DEEP_EVERY);
    const epoch = mutator.random.below(2);
    const parts = partsOf(this.#corpus.record);
    const keys = { ...this.#keys(epoch) };
    this.#isForked = false;
    for (let more = true; more; more = mutator.oneIn(4)) {
      if (!wantsDeep) this.#breakForm(parts);
      else if (mutator.oneIn(12)) this.#alterKeys(keys);
      else this.#alter(parts);
    }
    const record = recordOf(parts);
    const bytes = concatBytes(
      record.certificate,
      ...record.batches,
      ...record.pairings,
      record.readings,
      record.events,
    );
    return attempt(bytes, wantsDeep, () => this.#check(record, keys, epoch));
  }

  #keys(epoch: number): CustomerKeys {
    const { meter, K } = this.#corpus;
    return { meterId: meter.meterId, epoch, K: K[epoch] as Uint8Array, user: meter.parties.customer.user };
  }

  #check(record: MeterRecord, keys: CustomerKeys, epoch: number): "valid" | "accepted" {
    const { authority } = this.#corpus.meter.parties;
    const checked = checkMeter(record, keys, authority.publicKey);
    const truth = this.#corpus.checked[epoch];
    const isGenuine = this.#isForked || documentsOf(record).every((one) => isOneOf(one, this.#genuine));
    if (!isGenuine || contradictsItself(record)) return "accepted";
    return truth && keys.epoch === epoch && isTrue(checked, truth, this.#isForked) ? "valid" : "accepted";
  }

  /** The certificate is the first to be looked at: with it the rest costs nothing. */
  #breakForm(parts: Parts): void {
    parts.certificate = this.#mutator.mutate(parts.certificate);
    if (parts.certificate.length === 0 || this.#mutator.oneIn(2)) return;
    parts.certificate = parts.certificate.slice(1);
  }

  #alterKeys(keys: { meterId: string; epoch: number; K: Uint8Array }): void {
    const mutator = this.#mutator;
    const { K } = this.#corpus;
    const way = mutator.random.below(4);
    if (way === 0) keys.K = mutator.mutate(keys.K);
    if (way === 1) keys.K = mutator.pick(K);
    if (way === 2) keys.epoch = mutator.pick([2, 65_535, 0xffffffff, -1]);
    if (way === 3) keys.meterId = "SM-0002";
  }

  #alter(parts: Parts): void {
    const mutator = this.#mutator;
    const { pool } = this.#corpus;
    const name = mutator.pick(LISTS);
    const list = parts[name];
    const at = mutator.random.below(Math.max(1, list.length));
    const item = list[at] ?? new Uint8Array(0);
    const ways: readonly (() => void)[] = [
      () => void list.splice(at, 1),
      () => void list.splice(at),
      () => void list.splice(0, at),
      () => void list.push(item),
      () => void list.splice(mutator.random.below(list.length + 1), 0, item),
      () => void list.reverse(),
      () => put(list, at, mutator.mutate(item)),
      () => put(list, at, mutator.mutateContent(item)),
      () => put(list, at, mutator.mutateContent(item)),
      () => put(list, at, mutator.pick(this.#foreign[name])),
      () => put(list, at, mutator.pick(pool)),
      () => void list.splice(mutator.random.below(list.length + 1), 0, mutator.mutateContent(item)),
      () => Object.assign(parts, { certificate: mutator.pick(this.#corpus.certificates) }),
      () => exchange(list, at, mutator.random.below(Math.max(1, list.length))),
      () => put(list, at, this.#signedAnew(name, item)),
    ];
    mutator.pick(ways)();
  }

  /** A batch or pairing in the right envelope, perhaps by the meter's own hand. */
  #signedAnew(name: (typeof LISTS)[number], item: Uint8Array): Uint8Array {
    const mutator = this.#mutator;
    const { meter, record, signingSeed, pool } = this.#corpus;
    if (name !== "batches" && name !== "pairings") return mutator.mutate(item);
    const type = name === "batches" ? "batch-1" : "pairing-1";
    const original = mutator.pick(record[name]);
    if (name === "batches" && mutator.oneIn(2)) {
      // As a meter that was rolled back, or copied, would: another statement under a good signature.
      this.#isForked = true;
      return signWithKey(type, mutator.mutateContent(payloadOf(type, original)), signingSeed);
    }
    const kind = { type, publicKey: meter.enrolment.signingKey, seed: signingSeed } as const;
    return deepDocument(mutator, original, kind, pool);
  }
}

const documentsOf = ({ certificate, renewals = [], batches, pairings }: MeterRecord) => [
  certificate,
  ...renewals,
  ...batches,
  ...pairings,
];

/** Whether there are two different readings of one interval. */
function contradictsItself({ readings }: MeterRecord): boolean {
  const kept = decodeReadings(readings);
  const known = new Map(kept.map(({ message, bytes }) => [message.interval, bytes]));
  return kept.some(({ message, bytes }) => !sameBytes(known.get(message.interval) ?? bytes, bytes));
}

const put = (list: Uint8Array[], at: number, item: Uint8Array) => void list.splice(at, 1, item);

function exchange(list: Uint8Array[], a: number, b: number): void {
  const [first, second] = [list[a], list[b]];
  if (!first || !second) return;
  put(list, a, second);
  put(list, b, first);
}

/**
 * Whether all that is said to be proved in a checked record is so.
 * @param isForked whether the meter itself has signed another statement: of the newest nobody knows that.
 */
function isTrue(checked: CheckedMeter, truth: CheckedMeter, isForked: boolean): boolean {
  const same = (a: unknown, b: unknown) => JSON.stringify(a, asText) === JSON.stringify(b, asText);
  const certified = [truth.certificate, ...truth.renewals.map(({ certificate }) => certificate)];
  const number = ({ statement }: { statement: { batchNumber: number } }) => statement.batchNumber;
  const batchesAre = (list: "batches" | "otherBatches") =>
    checked[list].every((batch) =>
      same(
        batch,
        truth[list].find((one) => number(one) === number(batch)),
      ),
    );
  const measured = truth.batches.flatMap(({ intervals }) => intervals);
  const intervalsAre = checked.batches
    .flatMap(({ intervals }) => intervals)
    .every((interval) =>
      same(
        interval,
        measured.find((one) => one.interval === interval.interval),
      ),
    );
  const gapsAre = checked.gaps.every((gap) => truth.gaps.some((one) => same(one, gap)));
  const totals = truth.totals_Wh.map((_, channel) =>
    checked.batches
      .flatMap(({ intervals }) => intervals)
      .reduce((sum, { readings }) => sum + (readings[channel] ?? 0), 0),
  );
  return (
    same(checked.certificate, truth.certificate) &&
    checked.renewals.every(({ certificate }) => certified.some((one) => same(one, certificate))) &&
    same(checked.pairing, truth.pairing) &&
    intervalsAre &&
    (isForked || (batchesAre("batches") && batchesAre("otherBatches"))) &&
    same(checked.totals_Wh, totals) &&
    gapsAre &&
    same(checked.events.slice(0, checked.sealedEvents), truth.events.slice(0, checked.sealedEvents))
  );
}

function asText(_: string, value: unknown): unknown {
  if (typeof value === "bigint") return `${value}`;
  return value instanceof Uint8Array ? Buffer.from(value).toString("hex") : value;
}

export const recordTarget = (corpus: Corpus, mutatorOf: (random: SeededRandom) => Mutator): Target => ({
  name: "whole record",
  share: 12,
  begin: (random) => new RecordAttack(corpus, mutatorOf(random)),
});
