// Answers as a disclosure ledger stores them, and what they may be. A stored ledger decides what is refused: one that
// is malformed in any place is refused whole, by the name of the place; nothing is dropped or guessed.
import { CHANNELS_MAX, METER_ID } from "../trusted/authority/configuration.js";
import { FormatError } from "../trusted/encoding/bytes.js";
import { INTERVAL_SECONDS, U32_MAX } from "../trusted/metrology/interval.js";
import {
  ANSWER_KINDS,
  type Answer,
  type AnswerKind,
  type GroupSum,
  type ReadingRange,
  type Row,
  type SymmetricFunction,
} from "./answers.js";
import type { CheckedMeter } from "./check.js";
import { COLUMN_RATE_MAX } from "./column.js";
import { lengthOf } from "./unknowns.js";

/** Whose answers a ledger holds. */
export interface EpochNames {
  readonly meterId: string;
  readonly epoch: number;
  /** 900 or 1,800. */
  readonly intervalSeconds: number;
  /** Channels of the meter, 1 to 8. */
  readonly channels: number;
}

export const namesOf = ({ certificate, pairing }: CheckedMeter): EpochNames => ({
  meterId: certificate.meterId,
  epoch: pairing.epoch,
  intervalSeconds: certificate.intervalSeconds,
  channels: certificate.channels.length,
});

const ASKER = /^[ -~]{1,64}$/;
const EPOCH_MAX = 0xffff;
const FORMS_MAX = 16;
const FUNCTIONS_MAX = 16;
const RANGES_MAX = 1024;
const OTHERS_MAX = 2 ** 20;
/** Intervals that a row or range is about: as many as a bill has leaves. */
const LENGTH_MAX = 2 ** 17;
const TAG_MAX = U32_MAX;

/** An answer as JSON, its intervals and numbers in arrays. */
export const answerJson = ({ asker, kind, linear, symmetric, told, groupSums }: Answer) => ({
  asker,
  kind,
  linear: linear.map((rows) => rows.map(rowJson)),
  symmetric: symmetric.map(({ kind: function_, rows }) => ({ kind: function_, rows: rows.map(rowJson) })),
  told: told.map(({ channel, from, to }) => [channel, from, to]),
  groupSums: groupSums.map(({ channel, from, to, others }) => [channel, from, to, others]),
});

const rowJson = ({ channel, from, runs }: Row) => [channel, from, runs];

/**
 * Checks that an answer is one that a ledger of an epoch can hold.
 * @throws FormatError with the reason.
 */
export function checkAnswer(answer: Answer, { channels }: Pick<EpochNames, "channels">): void {
  const { asker, linear, symmetric, told, groupSums } = answer;
  const refuse = (why: string): never => {
    throw new FormatError(`answer to ${JSON.stringify(asker)}: ${why}`);
  };
  if (!ASKER.test(asker)) refuse("the asker's name is not 1 to 64 printable ASCII characters");
  if (linear.length > FORMS_MAX) refuse(`more than ${FORMS_MAX} sums`);
  if (symmetric.length > FUNCTIONS_MAX) refuse(`more than ${FUNCTIONS_MAX} symmetric functions`);
  if (told.length > RANGES_MAX || groupSums.length > RANGES_MAX) refuse(`more than ${RANGES_MAX} ranges`);
  for (const rows of [...linear, ...symmetric.map((part) => part.rows)]) {
    const ascends = rows.every(({ channel }, at) => channel > (rows[at - 1]?.channel ?? -1));
    if (!ascends) refuse("the rows of a sum do not ascend by channel");
  }
  for (const row of linear.flat()) checkRow(row, -COLUMN_RATE_MAX, COLUMN_RATE_MAX, refuse);
  for (const row of symmetric.flatMap((part) => part.rows)) checkRow(row, 0, TAG_MAX, refuse);
  const ranges = [...linear.flat(), ...symmetric.flatMap(({ rows }) => rows)].map(rangeOf);
  for (const { channel, from, to } of [...ranges, ...told, ...groupSums]) {
    if (!Number.isInteger(channel) || channel < 0 || channel >= channels)
      refuse(`channel ${channel} of ${channels}`);
    if (
      !Number.isInteger(from) ||
      !Number.isInteger(to) ||
      from < 0 ||
      from > to ||
      to > U32_MAX + 1 ||
      to - from > LENGTH_MAX
    )
      refuse(`intervals ${from} to ${to}`);
  }
}

const rangeOf = ({ channel, from, runs }: Row): ReadingRange => ({
  channel,
  from,
  to: from + lengthOf(runs),
});

function checkRow({ runs }: Row, min: number, max: number, refuse: (why: string) => never): void {
  for (const [value, count] of runs) {
    if (!Number.isSafeInteger(value) || value < min || value > max) refuse(`the number ${value} in a row`);
    if (!Number.isInteger(count) || count < 1 || count > LENGTH_MAX) refuse(`a run of ${count}`);
  }
}

export function refuseStored(why: string): never {
  throw new FormatError(`stored disclosure ledger: ${why}`);
}

/** The head of a stored ledger, its answers not yet read. @throws FormatError naming the field that is wrong. */
export function readNames(
  value: unknown,
  version: number,
): EpochNames & { readonly answers: readonly unknown[] } {
  const fields = fieldsOf(value, "it", [
    "version",
    "meterId",
    "epoch",
    "intervalSeconds",
    "channels",
    "answers",
  ]);
  const { meterId, intervalSeconds } = fields;
  if (fields.version !== version) refuseStored(`version is not ${version}`);
  if (typeof meterId !== "string" || !METER_ID.test(meterId)) refuseStored("meterId is no meter id");
  const isLength = typeof intervalSeconds === "number" && INTERVAL_SECONDS.includes(intervalSeconds);
  if (!isLength) refuseStored(`intervalSeconds is not one of ${INTERVAL_SECONDS.join(", ")}`);
  return {
    meterId,
    epoch: numberIn(fields.epoch, "epoch", 0, EPOCH_MAX),
    intervalSeconds,
    channels: numberIn(fields.channels, "channels", 1, CHANNELS_MAX),
    answers: listIn(fields.answers, "answers", Number.MAX_SAFE_INTEGER),
  };
}

/** One stored answer. @param name of its place, for errors. @throws FormatError naming the place. */
export function readAnswer(value: unknown, name: string): Answer {
  const fields = fieldsOf(value, name, ["asker", "kind", "linear", "symmetric", "told", "groupSums"]);
  const { asker, kind } = fields;
  if (typeof asker !== "string") refuseStored(`${name}.asker is no text`);
  if (!isKind(kind)) refuseStored(`${name}.kind is not one of ${ANSWER_KINDS.join(", ")}`);
  return {
    asker,
    kind,
    linear: listIn(fields.linear, `${name}.linear`, FORMS_MAX).map((rows, at) =>
      readRows(rows, `${name}.linear[${at}]`),
    ),
    symmetric: listIn(fields.symmetric, `${name}.symmetric`, FUNCTIONS_MAX).map((part, at) =>
      readFunction(part, `${name}.symmetric[${at}]`),
    ),
    told: listIn(fields.told, `${name}.told`, RANGES_MAX).map((range, at) =>
      readRange(tupleIn(range, `${name}.told[${at}]`, 3), `${name}.told[${at}]`),
    ),
    groupSums: listIn(fields.groupSums, `${name}.groupSums`, RANGES_MAX).map((sum, at) =>
      readGroupSum(sum, `${name}.groupSums[${at}]`),
    ),
  };
}

const isKind = (value: unknown): value is AnswerKind => ANSWER_KINDS.some((kind) => kind === value);

function readFunction(value: unknown, name: string): SymmetricFunction {
  const { kind, rows } = fieldsOf(value, name, ["kind", "rows"]);
  if (kind !== "maximum" && kind !== "function") refuseStored(`${name}.kind is neither maximum nor function`);
  return { kind, rows: readRows(rows, `${name}.rows`) };
}

const readRows = (value: unknown, name: string): Row[] =>
  listIn(value, name, CHANNELS_MAX).map((row, at) => readRow(row, `${name}[${at}]`));

function readRow(value: unknown, name: string): Row {
  const [channel, from, runs] = tupleIn(value, name, 3);
  return {
    channel: numberIn(channel, `${name}[0]`, 0, CHANNELS_MAX - 1),
    from: numberIn(from, `${name}[1]`, 0, U32_MAX),
    runs: listIn(runs, `${name}[2]`, LENGTH_MAX).map((run, at) => {
      const [number, count] = tupleIn(run, `${name}[2][${at}]`, 2);
      return [
        numberIn(number, `${name}[2][${at}][0]`, -COLUMN_RATE_MAX, COLUMN_RATE_MAX),
        numberIn(count, `${name}[2][${at}][1]`, 1, LENGTH_MAX),
      ];
    }),
  };
}

const readRange = ([channel, from, to]: readonly unknown[], name: string): ReadingRange => ({
  channel: numberIn(channel, `${name}[0]`, 0, CHANNELS_MAX - 1),
  from: numberIn(from, `${name}[1]`, 0, U32_MAX),
  to: numberIn(to, `${name}[2]`, 0, U32_MAX + 1),
});

function readGroupSum(value: unknown, name: string): GroupSum {
  const tuple = tupleIn(value, name, 4);
  return { ...readRange(tuple, name), others: numberIn(tuple[3], `${name}[3]`, 0, OTHERS_MAX) };
}

/** The fields of an object that has exactly these. */
function fieldsOf(value: unknown, name: string, keys: readonly string[]): Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    refuseStored(`${name} is no object`);
  const fields: Record<string, unknown> = { ...value };
  for (const key of keys) if (!Object.hasOwn(fields, key)) refuseStored(`${name} has no ${key}`);
  const unknown = Object.keys(fields).find((key) => !keys.includes(key));
  if (unknown !== undefined) refuseStored(`${name} has a field ${JSON.stringify(unknown.slice(0, 40))}`);
  return fields;
}

function listIn(value: unknown, name: string, max: number): readonly unknown[] {
  if (!Array.isArray(value) || value.length > max) refuseStored(`${name} is no list of at most ${max}`);
  return value;
}

function tupleIn(value: unknown, name: string, length: number): readonly unknown[] {
  if (!Array.isArray(value) || value.length !== length) refuseStored(`${name} is no list of ${length}`);
  return value;
}

function numberIn(value: unknown, name: string, min: number, max: number): number {
  if (typeof value === "number" && Number.isInteger(value) && value >= min && value <= max) return value;
  return refuseStored(`${name} is no whole number from ${min} to ${max}`);
}
