import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type Answer,
  billAnswer,
  dayAnswer,
  EVERYONE,
  groupAnswer,
  readingAnswer,
  registerAnswer,
  runsOf,
  topUpAnswer,
} from "../../src/customer/answers.js";
import { answerJson } from "../../src/customer/answers-json.js";
import { DisclosureLedger, refusalOf } from "../../src/customer/disclosure-ledger.js";
import { type ReadingAt, readingsOf } from "../../src/customer/unknowns.js";
import { VerificationError } from "../../src/proofs/signed.js";
import type { Expression } from "../../src/tariff/charge.js";
import { FormatError } from "../../src/trusted/encoding/bytes.js";
import {
  DAY,
  EXPORT,
  IMPORT,
  INTERVALS_A_DAY,
  meterOf,
  planOf,
  pricedTariff,
  signedTariff,
} from "../proofs/billing.js";

const NAMES = { meterId: "SM-0001", epoch: 0, intervalSeconds: 1800, channels: 2 };
const IMPORT_CHANNEL = 0;
const ledgerOf = () => new DisclosureLedger(NAMES);

/** Every reading is 250 Wh. */
const FLAT: ReadingAt = () => 250;

const none = { linear: [], symmetric: [], told: [], groupSums: [] };

/** A bill of consecutive intervals of the import channel. */
const bill = (rates: readonly number[], { from = DAY, asker = "supplier" } = {}): Answer => ({
  ...none,
  asker,
  kind: "bill",
  linear: [[{ channel: IMPORT_CHANNEL, from, runs: runsOf(rates) }]],
});

const of = <T>(length: number, value: T): T[] => Array.from({ length }, () => value);
const withOdd = (rates: readonly number[], at: number, odd: number) =>
  rates.map((rate, place) => (place === at ? odd : rate));
const a_day = of(INTERVALS_A_DAY, 300_000);

/** Places in a day of the readings that an answer would give away: to the asker, and to all together. */
function pinnedBy(ledger: DisclosureLedger, answer: Answer, readingAt = FLAT) {
  const { asker, together } = ledger.consider(answer, readingAt);
  const places = ({ pinned }: typeof asker) => pinned.map(({ interval }) => interval - DAY);
  return { asker: places(asker), together: places(together) };
}

describe("a disclosure ledger", () => {
  it("refuses an answer more than it holds, even a confirmed one, and takes one again that it has", () => {
    const asked = Array.from({ length: 4096 }, (_, at) =>
      readingAnswer("supplier", IMPORT_CHANNEL, DAY + at),
    );
    const empty = JSON.parse(JSON.stringify(ledgerOf()));
    const full = DisclosureLedger.fromJSON({ ...empty, answers: asked.map(answerJson) });
    const [first] = asked;
    const next = readingAnswer("supplier", IMPORT_CHANNEL, DAY + 4096);
    for (const record of [() => full.record(next, FLAT), () => full.recordConfirmed(next, FLAT)]) {
      expect(record).toThrow(new VerificationError("the disclosure ledger is full with 4096 answers"));
    }
    if (first) full.record(first, FLAT);
    expect(full.answers.length).toBe(4096);
  });

  it("lets a bill pass in which every rate is that of many readings", () => {
    const ledger = ledgerOf();
    const { reasons, warnings } = ledger.record(bill(a_day), FLAT);
    expect([reasons, warnings]).toEqual([[], []]);
    expect(ledger.answers.length).toBe(1);
  });

  it("refuses the bill with one odd rate, by the reading and its rate, and records nothing", () => {
    const ledger = ledgerOf();
    const answer = bill(withOdd(a_day, 24, 310_000));
    expect(() => ledger.record(answer, FLAT)).toThrow(VerificationError);
    expect(() => ledger.record(answer, FLAT)).toThrow(
      "the bill gives the reading of channel 0 at 2011-07-01T12:00:00Z away: no other reading has its rate 310000",
    );
    expect(ledger.answers).toEqual([]);
  });

  it("records what the customer confirms, and does not refuse later what is already given away", () => {
    const ledger = ledgerOf();
    const answer = bill(withOdd(a_day, 24, 310_000));
    expect(refusalOf(ledger.recordConfirmed(answer, FLAT))).toContain("12:00:00Z away");
    expect(ledger.record(answer, FLAT).reasons).toEqual([]);
    expect(ledger.answers.length).toBe(1);
    expect(ledger.record(bill(withOdd(a_day, 24, 320_000)), FLAT).reasons).toEqual([]);
    expect(ledger.answers.length).toBe(2);
  });

  it("refuses a second bill of a day that differs in one rate from the first", () => {
    const ledger = ledgerOf();
    ledger.record(bill(a_day), FLAT);
    expect(pinnedBy(ledger, bill(withOdd(a_day, 7, 0)))).toEqual({ asker: [7], together: [7] });
    // The bill of the day without its last interval is such a one.
    expect(pinnedBy(ledger, bill(a_day.slice(1), { from: DAY + 1 })).asker).toEqual([0]);
    expect(pinnedBy(ledger, bill(a_day.map((rate, at) => rate + (at < 24 ? 1 : 0)))).asker).toEqual([]);
  });

  it("tells what one asker would know from what all would know together", () => {
    const ledger = ledgerOf();
    ledger.record(bill(a_day, { asker: "supplier" }), FLAT);
    const other = bill(withOdd(a_day, 7, 0), { asker: "grid operator" });
    expect(pinnedBy(ledger, other)).toEqual({ asker: [], together: [7] });
    expect(() => ledger.record(other, FLAT)).toThrow("once all askers compare their answers");
  });

  it("counts bills of other times as nothing", () => {
    const ledger = ledgerOf();
    ledger.record(bill(a_day), FLAT);
    expect(pinnedBy(ledger, bill(a_day, { from: DAY + INTERVALS_A_DAY })).together).toEqual([]);
  });

  it("does not take a told reading for given away, but the last one that a total leaves", () => {
    const ledger = ledgerOf();
    ledger.record(bill(a_day), FLAT);
    for (let at = 0; at < 46; at++) ledger.record(readingAnswer("friend", IMPORT_CHANNEL, DAY + at), FLAT);
    expect(pinnedBy(ledger, readingAnswer("friend", IMPORT_CHANNEL, DAY + 46))).toEqual({
      asker: [],
      together: [47],
    });
  });

  it("refuses a total of a delegated day and one reading more", () => {
    const ledger = ledgerOf();
    ledger.record(dayAnswer("adviser", 15_156, 1800, 2), FLAT);
    expect(pinnedBy(ledger, bill([...a_day, 300_000], { asker: "adviser" })).asker).toEqual([48]);
  });

  it("warns of readings that few are like", () => {
    const rates = [...of(40, 300_000), ...of(8, 200_000)];
    const { reasons, warnings } = ledgerOf().consider(bill(rates), FLAT);
    expect(reasons).toEqual([]);
    expect(warnings).toEqual(["8 readings have fewer than 16 that are alike in every answer"]);
  });

  it("refuses the total of readings that are all zero, if it is shown them", () => {
    const vacant = ledgerOf().consider(bill(a_day), () => 0);
    expect(vacant.asker.pinnedCount).toBe(48);
    expect(vacant.reasons[0]).toContain("the 48 readings of its rate 300000 are all 0");
    expect(ledgerOf().consider(bill(a_day), () => null).reasons).toEqual([]);
  });

  it("counts register statements: the sum between two of them, and a bill of the same days", () => {
    const meter = meterOf([planOf(DAY, 48), planOf(DAY + 48, 48)]);
    const ledger = ledgerOf();
    ledger.record(registerAnswer("supplier", meter, DAY + 48), FLAT);
    ledger.record(registerAnswer("supplier", meter, DAY + 96), FLAT);
    expect(pinnedBy(ledger, registerAnswer("supplier", meter, DAY + 49)).asker).toEqual([48, 48]);
    expect(pinnedBy(ledger, bill(of(47, 300_000))).asker).toEqual([47]);
    expect(pinnedBy(ledger, bill(of(48, 300_000))).asker).toEqual([]);
  });

  it("counts a sum of the group as the reading once all the others are known, and warns of few", () => {
    const range = { channel: IMPORT_CHANNEL, from: DAY, to: DAY + 47 };
    const ledger = ledgerOf();
    ledger.record(bill(a_day), FLAT);
    expect(ledger.consider(groupAnswer([{ ...range, others: 9 }]), FLAT)).toMatchObject({
      reasons: [],
      warnings: [],
    });
    expect(ledger.consider(groupAnswer([{ ...range, others: 8 }]), FLAT).warnings.length).toBe(1);
    const known = groupAnswer([{ ...range, others: 0 }]);
    expect(known.asker).toBe(EVERYONE);
    expect(pinnedBy(ledger, known)).toEqual({ asker: [47], together: [47] });
  });

  it("counts what is published among the answers of every asker", () => {
    const ledger = ledgerOf();
    ledger.record(groupAnswer([{ channel: IMPORT_CHANNEL, from: DAY, to: DAY + 47, others: 0 }]), FLAT);
    expect(pinnedBy(ledger, bill(a_day)).asker).toEqual([47]);
  });

  it("lets readings below a maximum be exchanged, and those at it only change places", () => {
    const readings = of(48, 250).map((Wh, at) => (at === 5 ? 900 : Wh));
    const at: ReadingAt = ({ interval }) => readings[interval - DAY] ?? 0;
    const rows = [{ channel: IMPORT_CHANNEL, from: DAY, runs: [[1, 48] as const] }];
    const demand = (rates: readonly number[]): Answer => ({
      ...bill(rates),
      symmetric: [{ kind: "maximum", rows }],
    });
    expect(pinnedBy(ledgerOf(), demand(a_day), at).asker).toEqual([]);
    const dynamic = a_day.map((_, place) => 100 * (1000 + ((place * place * 37) % 2500)));
    expect(pinnedBy(ledgerOf(), demand(dynamic), at).asker).toEqual([5]);
    // Equal readings are all the maximum.
    expect(pinnedBy(ledgerOf(), demand(a_day)).asker.length).toBe(48);
  });

  it("lets readings change places that one function values", () => {
    const at: ReadingAt = ({ interval }) => interval % 3;
    const spline = (tags: readonly number[]): Answer => ({
      ...none,
      asker: "supplier",
      kind: "bill",
      symmetric: [{ kind: "function", rows: [{ channel: IMPORT_CHANNEL, from: DAY, runs: runsOf(tags) }] }],
    });
    expect(pinnedBy(ledgerOf(), spline(of(48, 1)), at).asker).toEqual([]);
    expect(pinnedBy(ledgerOf(), spline(withOdd(of(48, 1), 9, 2)), at).asker).toEqual([9]);
  });

  it.each([
    ["a name of control characters", { asker: "a\nb" }, "the asker's name"],
    [
      "a channel that the meter does not have",
      { told: [{ channel: 2, from: DAY, to: DAY + 1 }] },
      "channel 2 of 2",
    ],
    ["intervals that run backwards", { told: [{ channel: 0, from: DAY, to: DAY - 1 }] }, "intervals"],
    ["a rate that is no integer", bill([0.5]), "the number 0.5"],
    [
      "two rows of a channel",
      { linear: [[...(bill(a_day).linear[0] ?? []), ...(bill(a_day).linear[0] ?? [])]] },
      "ascend",
    ],
  ])("refuses an answer with %s", (_, changes, reason) => {
    const consider = () => ledgerOf().consider({ ...bill(a_day), ...changes }, FLAT);
    expect(consider).toThrow(reason);
    expect(consider).toThrow(FormatError);
  });
});

describe("the answer of a bill", () => {
  const meter = meterOf([planOf(DAY, 46), planOf(DAY + 48, 48)]);

  it("holds the rates of the intervals that have a reading", () => {
    const { linear } = billAnswer("supplier", meter, signedTariff(), { from: DAY, to: DAY + 48 });
    expect(linear).toEqual([
      [
        {
          channel: 0,
          from: DAY,
          runs: [
            [300_000, 46],
            [0, 2],
          ],
        },
        {
          channel: 1,
          from: DAY,
          runs: [
            [-80_000, 46],
            [0, 2],
          ],
        },
      ],
    ]);
    expect(topUpAnswer("supplier", meter, signedTariff(), { from: DAY, to: DAY + 48 })).toMatchObject({
      kind: "top-up",
      linear,
    });
  });

  it("leaves out what an open load switch tells", () => {
    const open = meterOf([
      {
        firstInterval: DAY,
        readings: [
          [0, 0],
          [5, 0],
        ],
        status: 32,
      },
    ]);
    const { linear } = billAnswer("supplier", open, signedTariff(), { from: DAY, to: DAY + 2 });
    expect(linear[0]?.map(({ runs }) => runs)).toEqual([
      [
        [0, 1],
        [300_000, 1],
      ],
      [[0, 2]],
    ]);
  });

  it("of dynamic prices is refused where one interval alone has its price", () => {
    const prices = withOdd(of(48, 250_000), 30, 400_001);
    const answer = billAnswer("supplier", meter, pricedTariff(prices, of(48, 0)), {
      from: DAY,
      to: DAY + 48,
    });
    const { pinned } = ledgerOf().consider(answer, FLAT).asker;
    expect(pinned.map(({ interval }) => interval - DAY)).toEqual([30]);
  });

  it("under a tariff with a charge holds every sum, maximum and function that the total follows from", () => {
    const hours = { weekdays: 127, months: 4095, fromMinute: 0, toMinute: 60 };
    const energy: Expression = { kind: "energy", obis: IMPORT, during: [hours] };
    const tariff = signedTariff({
      energy: [],
      charge: {
        kind: "sum",
        parts: [
          { kind: "blocks", of: energy, per: "day", steps: [{ upTo: 100, rate: 1 }], rate: 2 },
          { kind: "by-reading", obis: EXPORT, during: [], ranges: [{ below_Wh: 1000, rate: -1 }] },
          {
            kind: "blocks",
            of: { kind: "demand", obis: IMPORT, during: [], below_Wh: 1000 },
            per: "period",
            steps: [],
            rate: 4,
          },
        ],
      },
    });
    const answer = billAnswer("supplier", meter, tariff, { from: DAY, to: DAY + 46 });
    const runsIn = (rows: readonly { readonly runs: unknown }[]) => rows.map(({ runs }) => runs);
    expect(answer.linear.map(runsIn)).toEqual([
      [[[0, 46]], [[0, 46]]],
      [
        [
          [1, 2],
          [0, 44],
        ],
        [[0, 46]],
      ],
    ]);
    expect(answer.symmetric.map(({ kind, rows }) => [kind, ...runsIn(rows)])).toEqual([
      ["function", [[0, 46]], [[1, 46]]],
      ["maximum", [[1, 46]], [[0, 46]]],
    ]);
    expect(ledgerOf().consider(answer, readingsOf(meter)).asker.pinnedCount).toBe(0);
  });
});

describe("a stored disclosure ledger", () => {
  const ledger = ledgerOf();
  ledger.record(bill(a_day), FLAT);
  ledger.record(dayAnswer("adviser", 15_157, 1800, 2), FLAT);
  ledger.record(groupAnswer([{ channel: 1, from: DAY, to: DAY + 48, others: 39 }]), FLAT);
  const rows = [{ channel: 0, from: DAY + 96, runs: [[1, 48] as const] }];
  ledger.recordConfirmed({ ...bill([]), linear: [], symmetric: [{ kind: "maximum", rows }] }, FLAT);
  const stored = (): Record<string, unknown> => JSON.parse(JSON.stringify(ledger));

  it("comes back as it was, and judges alike", () => {
    const again = DisclosureLedger.fromJSON(stored());
    expect(again.answers).toEqual(ledger.answers);
    expect(again.names).toEqual(NAMES);
    const answer = bill(withOdd(a_day, 7, 0));
    expect(again.consider(answer, FLAT)).toEqual(ledger.consider(answer, FLAT));
  });

  it("holds no reading", () => {
    const secret = ledgerOf();
    secret.recordConfirmed(bill(withOdd(a_day, 3, 1)), () => 77_777);
    expect(JSON.stringify(secret)).not.toContain("77777");
  });

  it.each<[string, (stored: Record<string, unknown>) => unknown, string]>([
    ["is no object", () => [], "it is no object"],
    ["is of another version", (one) => ({ ...one, version: 2 }), "version is not 1"],
    ["has no epoch", ({ epoch: _, ...rest }) => rest, "it has no epoch"],
    ["has a field too many", (one) => ({ ...one, more: 1 }), 'it has a field "more"'],
    ["is of no meter", (one) => ({ ...one, meterId: "../x" }), "meterId is no meter id"],
    ["has other intervals", (one) => ({ ...one, intervalSeconds: 60 }), "intervalSeconds is not one of"],
    ["has no list of answers", (one) => ({ ...one, answers: {} }), "answers is no list"],
    ["has too many answers", (one) => ({ ...one, answers: of(4097, null) }), "more than 4096 answers"],
    ["has an answer that is none", (one) => ({ ...one, answers: [7] }), "answers[0] is no object"],
    [
      "asks for more readings than can be judged",
      (one) => ({ ...one, answers: of(129, { ...(one.answers as object[])[1], told: [[0, 0, 2 ** 17]] }) }),
      "answers[128]: more than 16777216 readings",
    ],
    ["has an answer of a channel that is not there", (one) => ({ ...one, channels: 1 }), "channel 1 of 1"],
  ])("that %s is refused", (_, alter, reason) => {
    const read = () => DisclosureLedger.fromJSON(alter(stored()));
    expect(read).toThrow(`stored disclosure ledger: `);
    expect(read).toThrow(reason);
    expect(read).toThrow(FormatError);
  });

  it("with any one value exchanged is refused, or another ledger that is stored as it was read", () => {
    const text = JSON.stringify(ledger);
    const places = [...text.matchAll(/(?<=[:,[])(?:"[^"]*"|-?\d+)(?=[,}\]])/g)];
    fc.assert(
      fc.property(
        fc.constantFrom(...places),
        fc.constantFrom("-1", "1.5", "4294967297", "1e300", '""', "null", "[]", "{}", "true"),
        ({ index, 0: { length } }, value) => {
          const altered = text.slice(0, index) + value + text.slice(index + length);
          try {
            expect(JSON.stringify(DisclosureLedger.fromJSON(JSON.parse(altered)))).toBe(altered);
          } catch (error) {
            expect(error).toBeInstanceOf(FormatError);
          }
        },
      ),
    );
  });
});
