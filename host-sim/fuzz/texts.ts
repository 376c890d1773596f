// What people write: tariffs in JSON, CSV traces, a stored ledger, dates. Nothing here is signed; what comes
// out must be what the types say, and whatever else comes in ends in the one error of its reader, which names
// the place.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { BatchLedger } from "../../src/proofs/ledger.js";
import { decodeTariff, encodeTariff } from "../../src/tariff/document.js";
import { intervalOfDate } from "../../src/tariff/evaluate.js";
import { parseTariff } from "../../src/tariff/source.js";
import type { SeededRandom } from "../seeded.js";
import { parseTrace, TraceError, type TraceOptions } from "../trace.js";
import type { Corpus } from "./corpus.js";
import type { Mutator } from "./mutator.js";
import { type Attack, attempt, isRefusal, type Target } from "./target.js";

const EXAMPLES = ["time-of-use", "dynamic", "capacity", "congestion", "saving-rebate"].map((name) =>
  readFileSync(fileURLToPath(new URL(`../../docs/examples/${name}.json`, import.meta.url)), "utf8"),
);

/** Texts that stand in the place of others. */
const WORDS = [
  ...'0 -0 1e999 -1 0.5 NaN Infinity null true false [] {} "" "\\u0000" 9007199254740993 1.'.split(" "),
  ...'"0.1234567890123" "-0" "+1" "1e3" "99999999999999999999" "2026-02-30" "24:00-00:00" "+19:00"'.split(
    " ",
  ),
  ..."__proto__ constructor toString ,, ;; \" ' \\ \u0000 \uFEFF \uD800 \u2028 \t \r \n \r\n : - + . / Z T e".split(
    " ",
  ),
  "2011-13-45 25:61:61",
  "2011-07-01 00:00:00+14:59",
  "0000-01-01 00:00",
  "9999-12-31 23:59:59",
  "1e5",
  "0x10",
  "1,5",
  '"1\n2"',
];
const BOMBS = ["[", '{"a":', '"', "(", ","];
const BOMB_LENGTHS = [50, 5_000, 60_000];

const TRACES: readonly (readonly [text: string, options: TraceOptions])[] = [
  [
    traceText("timestamp,import_kWh,export_kWh", (at) => `,${at}.125,0.5`),
    { utcOffset_h: 0, gaps: "refuse" },
  ],
  [
    traceText("time,GC,GG", (at) => `,${at},0.25`),
    { utcOffset_h: 10, gaps: "absent", columns: "import=GC:kW,export=GG:W" },
  ],
  [londonText(), { utcOffset_h: 0, gaps: "absent" }],
];

function traceText(header: string, values: (at: number) => string): string {
  const rows = Array.from({ length: 12 }, (_, at) => {
    return `2011-07-01 ${`${Math.floor(at / 2)}`.padStart(2, "0")}:${at % 2 === 0 ? "00" : "30"}:00${values(at)}`;
  });
  return `${header}\n${rows.join("\n")}\n`;
}

function londonText(): string {
  const rows = ["00:30", "01:00", "01:30", "02:00"].map(
    (time) => `MAC000002,Std,2012-10-12 ${time}:00.0000000, 0.5 `,
  );
  return `LCLid,stdorToU,DateTime,KWH/hh (per half hour) \n${rows.join("\n")}\n`;
}

/** A text with something else in it: characters, words, lines, doubled, dropped, moved, nested, or another's. */
function mutateText(mutator: Mutator, text: string, others: readonly string[]): string {
  let out = text;
  for (let more = true; more; more = mutator.oneIn(3)) out = spoilText(mutator, out, others);
  return out;
}

function spoilText(mutator: Mutator, text: string, others: readonly string[]): string {
  const place = () => mutator.random.below(text.length + 1);
  const [from, to] = [place(), place()].sort((a, b) => a - b) as [number, number];
  const near = Math.min(text.length, from + mutator.random.below(12));
  const token = [...text.matchAll(/"[^"]*"|[\w.+-]+/g)].map(
    ({ index, 0: { length } }) => [index, index + length] as const,
  );
  const [begin, end] = token.length > 0 ? mutator.pick(token) : [0, 0];
  const lines = text.split("\n");
  const line = mutator.random.below(lines.length);
  const other = mutator.pick(others);
  const ways: readonly (() => string)[] = [
    () => text.slice(0, begin) + mutator.pick(WORDS) + text.slice(end),
    () => text.slice(0, begin) + mutator.pick(WORDS) + text.slice(end),
    () => text.slice(0, from) + mutator.pick(WORDS) + text.slice(from),
    () => text.slice(0, from) + String.fromCharCode(mutator.random.below(0x10000)) + text.slice(from + 1),
    () => text.slice(0, from) + String.fromCharCode(0x20 + mutator.random.below(0x60)) + text.slice(from + 1),
    () => text.slice(0, from) + text.slice(near),
    () => text.slice(0, from) + text.slice(from, to) + text.slice(from),
    () => text.slice(0, from),
    () => text.slice(from),
    () => text.slice(0, from) + other.slice(mutator.random.below(other.length + 1)),
    () => text.slice(0, begin) + mutator.pick(BOMBS).repeat(mutator.pick(BOMB_LENGTHS)) + text.slice(end),
    () => lines.filter((_, at) => at !== line).join("\n"),
    () => [...lines.slice(0, line), lines[line] ?? "", ...lines.slice(line)].join("\n"),
    () => [...lines].reverse().join("\n"),
    () => text.replaceAll(",", ";"),
    () => text.replaceAll("\n", "\r\n"),
  ];
  return mutator.pick(ways)();
}

const bytesOf = (text: string) => new Uint8Array(Buffer.from(text, "utf8"));

/** A reader of texts, tried with spoiled ones. */
function textTarget(
  name: string,
  share: number,
  mutatorOf: (random: SeededRandom) => Mutator,
  originals: readonly string[],
  take: (text: string, mutator: Mutator) => boolean,
  isDocumented: (error: unknown) => boolean = isRefusal,
): Target {
  return {
    name,
    share,
    begin(random): Attack {
      const mutator = mutatorOf(random);
      return {
        shoot() {
          const text = mutateText(mutator, mutator.pick(originals), originals);
          return attempt(
            bytesOf(text),
            false,
            () => (take(text, mutator) ? "valid" : "accepted"),
            isDocumented,
          );
        },
      };
    },
  };
}

function takeTariff(text: string): boolean {
  const tariff = parseTariff(text);
  return sorted(decodeTariff(encodeTariff(tariff))) === sorted(tariff);
}

/** JSON in which the fields of objects stand in the order of their names. */
const sorted = (root: unknown) =>
  JSON.stringify(root, (_, value: unknown) =>
    typeof value === "object" && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
      : value,
  );

function takeTrace(text: string, mutator: Mutator): boolean {
  const [, options] = mutator.pick(TRACES);
  const { start_s, step_s, channels, rows } = parseTrace(text, "trace.csv", options);
  const isEnergy = (mJ: number) => Number.isSafeInteger(mJ) && mJ >= 0;
  return (
    Number.isSafeInteger(start_s) &&
    start_s >= 0 &&
    step_s >= 60 &&
    step_s <= 3600 &&
    rows.length > 0 &&
    rows.every((row) => row === null || (row.length === channels.length && row.every(isEnergy)))
  );
}

/** A ledger that is restored says the same again. */
function takeLedger(text: string): boolean {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = text;
  }
  const stored = JSON.stringify(BatchLedger.fromJSON(value));
  return JSON.stringify(BatchLedger.fromJSON(JSON.parse(stored))) === stored;
}

function ledgerText({ checked }: Corpus): string {
  const ledger = new BatchLedger();
  for (const { statement, digest } of checked.flatMap(({ batches }) => batches)) {
    ledger.record({ ...statement, digest });
  }
  return JSON.stringify(ledger, null, 1);
}

export function textTargets(corpus: Corpus, mutatorOf: (random: SeededRandom) => Mutator): Target[] {
  const traces = TRACES.map(([text]) => text);
  const isTraceError = (error: unknown) => error instanceof TraceError;
  const dates = ["2011-07-01", "2011-07-02", "2011-07-04"];
  return [
    textTarget("tariff source", 25, mutatorOf, EXAMPLES, takeTariff),
    textTarget("CSV trace", 25, mutatorOf, traces, takeTrace, isTraceError),
    textTarget("stored ledger", 15, mutatorOf, [ledgerText(corpus)], takeLedger),
    textTarget("date of a bill", 5, mutatorOf, dates, (text) =>
      Number.isSafeInteger(intervalOfDate(corpus.tariff.tariff, text, 1800)),
    ),
  ];
}
