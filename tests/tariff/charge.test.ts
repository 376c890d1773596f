import { bytesToHex } from "@noble/hashes/utils.js";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CONSTANT_MAX, type Expression, nodesOf, type Range, unitOf } from "../../src/tariff/charge.js";
import { decodeTariff, encodeTariff, type Tariff } from "../../src/tariff/document.js";
import { parseTariff } from "../../src/tariff/source.js";
import { FormatError } from "../../src/trusted/encoding/bytes.js";
import { chargedTariffs, expressions, IMPORT, PLAIN } from "./arbitrary.js";

const energy: Expression = { kind: "energy", obis: IMPORT, during: [] };
const euro: Expression = { kind: "constant", unit: "money", per: "period", value: 1_000_000_000 };
const ranges: readonly Range[] = [{ below_Wh: 500, rate: 1 }];
const byReading: Expression = { kind: "by-reading", obis: IMPORT, during: [], ranges };

const charged = (charge: Expression): Tariff => ({ ...PLAIN, charge });

/** `depth` nodes above one another. */
const nested = (depth: number): Expression =>
  depth === 1 ? euro : { kind: "times", ppm: 1_000_000, of: nested(depth - 1) };

describe("the charge's codec", () => {
  it("gives back every charge that it took", () => {
    fc.assert(
      fc.property(chargedTariffs, (tariff) => {
        expect(decodeTariff(encodeTariff(tariff))).toEqual(tariff);
      }),
      { numRuns: 100 },
    );
  });

  it("adds nothing to the bytes of a tariff without one", () => {
    const plain = bytesToHex(encodeTariff(PLAIN));
    const withCharge = bytesToHex(encodeTariff(charged(euro)));
    expect(plain.startsWith("a9")).toBe(true);
    expect(withCharge).toBe(`aa${plain.slice(2)}0a840a02001a3b9aca00`);
  });

  it("has one encoding for a charge: a flipped bit is another tariff or none", () => {
    fc.assert(
      fc.property(chargedTariffs, fc.nat(), (tariff, where) => {
        const payload = encodeTariff(tariff);
        const bit = 8 * payload.length - 1 - (where % Math.min(800, 8 * payload.length));
        payload[bit >> 3] = (payload[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        let changed: Tariff;
        try {
          changed = decodeTariff(payload);
        } catch (error) {
          expect(error).toBeInstanceOf(FormatError);
          return;
        }
        expect(bytesToHex(encodeTariff(changed))).toBe(bytesToHex(payload));
      }),
      { numRuns: 300 },
    );
  });

  it("refuses every truncation", () => {
    const payload = encodeTariff(charged({ kind: "sum", parts: [byReading, euro] }));
    for (let length = 0; length < payload.length; length++) {
      expect(() => decodeTariff(payload.slice(0, length))).toThrow(FormatError);
    }
  });

  const many = (count: number, part: Expression): readonly Expression[] =>
    Array.from({ length: count }, () => part);
  const refused: readonly (readonly [string, Tariff, RegExp])[] = [
    ["a charge of energy", charged(energy), /a charge that is no money/],
    [
      "a minimum of energy and money",
      charged({ kind: "min", parts: [euro, energy] }),
      /is energy, not money/,
    ],
    [
      "blocks of money",
      charged({ kind: "blocks", of: euro, per: "day", steps: [], rate: 1 }),
      /is money, not energy or power/,
    ],
    [
      "a comparison of energy with money",
      charged({ kind: "when", quantity: energy, atLeast: euro, met: euro, unmet: euro }),
      /is money, not energy/,
    ],
    [
      "a choice between money and energy",
      charged({ kind: "when", quantity: energy, atLeast: energy, met: euro, unmet: energy }),
      /is energy, not money/,
    ],
    ["a sum of one part", charged({ kind: "sum", parts: [euro] }), /array of length 1 instead of 2 to 16/],
    ["a sum of 17 parts", charged({ kind: "sum", parts: many(17, euro) }), /array of length 17/],
    ["more than 8 nodes in depth", charged(nested(9)), /more than 8 nodes deep/],
    [
      "more than 64 nodes",
      charged({ kind: "sum", parts: many(4, { kind: "sum", parts: many(15, euro) }) }),
      /more than 64 nodes/,
    ],
    [
      "more than 8 nodes that look at each reading",
      charged({ kind: "sum", parts: many(9, byReading) }),
      /more than 8 nodes that look at each reading/,
    ],
    [
      "limits of readings that do not ascend",
      charged({ ...byReading, ranges: [...ranges, ...ranges] }),
      /limits of readings that do not ascend/,
    ],
    ["a range of no reading", charged({ ...byReading, ranges: [{ below_Wh: 0, rate: 1 }] }), /do not ascend/],
    [
      "a limit above 2^32 Wh",
      charged({ ...byReading, ranges: [{ below_Wh: 2 ** 32 + 1, rate: 1 }] }),
      /4294967297/,
    ],
    ["no range", charged({ ...byReading, ranges: [] }), /array of length 0/],
    [
      "a coefficient out of range",
      charged({
        kind: "spline",
        obis: IMPORT,
        during: [],
        segments: [{ below_Wh: 1, coefficients: [0, 0, 0, CONSTANT_MAX + 1] }],
      }),
      /1000000000000001/,
    ],
    [
      "steps that do not ascend",
      charged({
        kind: "blocks",
        of: energy,
        per: "period",
        steps: [
          { upTo: 5, rate: 1 },
          { upTo: 5, rate: 2 },
        ],
        rate: 3,
      }),
      /limits of steps that do not ascend/,
    ],
    [
      "a negative energy",
      charged({
        kind: "blocks",
        of: { kind: "constant", unit: "energy", per: "day", value: -1 },
        per: "day",
        steps: [],
        rate: 1,
      }),
      /unsigned integer/,
    ],
    [
      "a policy of a channel twice",
      charged({ kind: "cost", policies: [...PLAIN.energy, ...PLAIN.energy] }),
      /OBIS code twice/,
    ],
    [
      "prices that do not cover the validity",
      charged({
        kind: "cost",
        policies: [
          {
            obis: IMPORT,
            policy: { kind: "dynamic", start_s: PLAIN.notBefore_s, price_s: 900, prices: [1] },
          },
        ],
      }),
      /do not cover the validity/,
    ],
    ["an unknown OBIS code", charged({ ...byReading, obis: "x" }), /no OBIS code/],
  ];
  it.each(refused)("refuses %s, on either side", (_, tariff, reason) => {
    expect(() => encodeTariff(tariff)).toThrow(reason);
    expect(() => encodeTariff(tariff)).toThrow(FormatError);
  });

  it("takes the largest charge that is allowed", () => {
    const parts = [...many(3, { kind: "sum", parts: many(15, euro) }), ...many(13, euro)];
    expect(parts.length).toBe(16);
    const tariff = charged({ kind: "sum", parts: [...parts.slice(0, 15), nested(2)] });
    expect(nodesOf(tariff.charge as Expression).length).toBe(63);
    expect(decodeTariff(encodeTariff(tariff))).toEqual(tariff);
    expect(decodeTariff(encodeTariff(charged(nested(8))))).toEqual(charged(nested(8)));
  });

  it("refuses kinds that there are not", () => {
    const hex = bytesToHex(encodeTariff(charged(euro)));
    const changed = (node: string) => Buffer.from(hex.replace("840a02001a3b9aca00", node), "hex");
    expect(() => decodeTariff(changed("840002001a3b9aca00"))).toThrow(/no node of kind 0 with 4 items/);
    expect(() => decodeTariff(changed("840d02001a3b9aca00"))).toThrow(/unsigned integer 13/);
    expect(() => decodeTariff(changed("840a03001a3b9aca00"))).toThrow(/unsigned integer 3/);
    expect(() => decodeTariff(changed("850a02001a3b9aca0000"))).toThrow(/no node of kind 10 with 5 items/);
  });

  it("may be all that a tariff charges for energy, but something there must be", () => {
    const only = { ...charged(byReading), energy: [] };
    expect(decodeTariff(encodeTariff(only))).toEqual(only);
    expect(() => encodeTariff({ ...PLAIN, energy: [] })).toThrow(/array of length 0/);
  });
});

describe("expressions", () => {
  it("count what they are made to count", () => {
    fc.assert(
      fc.property(expressions("energy", 3), expressions("power", 3), (wh, w) => {
        expect([unitOf(wh), unitOf(w)]).toEqual(["energy", "power"]);
      }),
    );
  });
});

const BASE = {
  name: "Test",
  currency: "EUR",
  validFrom: "2026-01-01",
  validBefore: "2027-01-01",
  utcOffset: "+01:00",
  energy: {},
  standingPerDay: "0",
  levies: [],
  vat: "19 %",
};

/** A choice, by way of text: an object with a field "then" could be taken for a promise. */
const when = (quantity: unknown, atLeast: unknown, met: unknown, unmet: unknown): unknown => {
  const [a, b, c, d] = [quantity, atLeast, met, unmet].map((part) => JSON.stringify(part));
  return JSON.parse(`{"when": ${a}, "atLeast": ${b}, "then": ${c}, "else": ${d}}`);
};

const parse = (charge: unknown) => parseTariff(JSON.stringify({ ...BASE, charge })).charge;

describe("a charge written as JSON", () => {
  it("has nodes of every kind", () => {
    const charge = parse({
      sum: [
        { cost: { "1-0:1.8.0": { rate: "0.3", bands: [{ hours: ["00:00-06:00"], rate: "0.2" }] } } },
        {
          byReading: IMPORT,
          ranges: [
            { below: "0.5", rate: "0.2" },
            { below: "40", rate: "0.3" },
          ],
        },
        {
          spline: IMPORT,
          during: [{ days: ["Mon-Fri"], months: ["Dec"], hours: ["17:00-19:00", "20:00-21:00"] }],
          segments: [
            { below: "1", coefficients: ["0.000000001", "-0.25", "1", "3"] },
            { below: "9", coefficients: ["1"] },
          ],
        },
        {
          blocks: { max: [{ demand: IMPORT }, { demand: IMPORT, below: "20" }, { kW: "2.5" }] },
          per: "day",
          steps: [{ upTo: "1.001", rate: "0" }, { rate: "4" }],
        },
        when(
          { energy: IMPORT },
          { kWh: "10", per: "day" },
          { times: "-0.05", of: { amount: "3", per: "period" } },
          { min: [{ amount: "-0.000000001" }, { amount: "0" }] },
        ),
      ],
    });
    const hours = { weekdays: 31, months: 2048 };
    expect(charge).toEqual({
      kind: "sum",
      parts: [
        {
          kind: "cost",
          policies: [
            {
              obis: IMPORT,
              policy: {
                kind: "time-of-use",
                rate: 300_000,
                bands: [{ weekdays: 127, months: 4095, fromMinute: 0, toMinute: 360, rate: 200_000 }],
              },
            },
          ],
        },
        {
          kind: "by-reading",
          obis: IMPORT,
          during: [],
          ranges: [
            { below_Wh: 500, rate: 200_000 },
            { below_Wh: 40_000, rate: 300_000 },
          ],
        },
        {
          kind: "spline",
          obis: IMPORT,
          during: [
            { ...hours, fromMinute: 1020, toMinute: 1140 },
            { ...hours, fromMinute: 1200, toMinute: 1260 },
          ],
          segments: [
            { below_Wh: 1000, coefficients: [1, -250_000_000, 1_000_000_000, 3_000_000_000] },
            { below_Wh: 9000, coefficients: [1_000_000_000, 0, 0, 0] },
          ],
        },
        {
          kind: "blocks",
          of: {
            kind: "max",
            parts: [
              { kind: "demand", obis: IMPORT, during: [], below_Wh: 2 ** 32 },
              { kind: "demand", obis: IMPORT, during: [], below_Wh: 20_000 },
              { kind: "constant", unit: "power", per: "period", value: 2500 },
            ],
          },
          per: "day",
          steps: [{ upTo: 1001, rate: 0 }],
          rate: 4_000_000,
        },
        {
          kind: "when",
          quantity: energy,
          atLeast: { kind: "constant", unit: "energy", per: "day", value: 10_000 },
          met: {
            kind: "times",
            ppm: -50_000,
            of: { kind: "constant", unit: "money", per: "period", value: 3_000_000_000 },
          },
          unmet: {
            kind: "min",
            parts: [
              { kind: "constant", unit: "money", per: "period", value: -1 },
              { kind: "constant", unit: "money", per: "period", value: 0 },
            ],
          },
        },
      ],
    });
  });

  const fee = { amount: "1" };
  const use = { energy: IMPORT };
  it.each<[string, unknown, string]>([
    ["no node", {}, "$.charge: expected one of the fields energy cost demand"],
    ["two nodes in one", { ...use, ...fee }, "$.charge: expected one of the fields"],
    ["energy alone", use, "$.charge: expected something that counts an amount of money"],
    ["a number", 5, "$.charge: expected an object"],
    ["an inherited name", { toString: "1" }, "$.charge: expected one of the fields"],
    ["an unknown field", { ...fee, of: 1 }, '$.charge: expected no field "of"'],
    ["a number without quotes", { amount: 1 }, "$.charge.amount: expected a decimal in quotes"],
    [
      "a minimum of kWh and money",
      { min: [fee, { sum: [use, use] }] },
      "$.charge.min[1]: expected something that counts an amount of money",
    ],
    [
      "blocks of money",
      { blocks: fee, steps: [{ rate: "1" }] },
      "$.charge.blocks: expected something that counts kWh or kW",
    ],
    [
      "kW where kWh are compared",
      when(use, { kW: "1" }, fee, fee),
      "$.charge.atLeast: expected something that counts kWh",
    ],
    [
      "a choice between units",
      when(use, use, fee, use),
      "$.charge.else: expected something that counts an amount of money",
    ],
    ["a negative power", { blocks: { kW: "-1" }, steps: [{ rate: "1" }] }, "$.charge.blocks.kW: expected"],
    [
      "a last step with a limit",
      { blocks: use, steps: [{ upTo: "1", rate: "1" }] },
      '$.charge.steps: expected a last step without "upTo"',
    ],
    [
      "a step without a limit",
      { blocks: use, steps: [{ rate: "1" }, { rate: "1" }] },
      '$.charge.steps[0]: expected a field "upTo"',
    ],
    [
      "steps that do not ascend",
      { blocks: use, steps: [{ upTo: "2", rate: "1" }, { upTo: "2", rate: "1" }, { rate: "1" }] },
      "$.charge.steps[1].upTo: expected a limit above the one before it",
    ],
    ["another period", { amount: "1", per: "month" }, '$.charge.per: expected "period" or "day"'],
    [
      "ranges that do not ascend",
      {
        byReading: IMPORT,
        ranges: [
          { below: "2", rate: "1" },
          { below: "1", rate: "1" },
        ],
      },
      "$.charge.ranges[1].below: expected a limit above the one before it",
    ],
    [
      "a fifth coefficient",
      { spline: IMPORT, segments: [{ below: "1", coefficients: ["1", "1", "1", "1", "1"] }] },
      "$.charge.segments[0].coefficients: expected a list of 1 to 4",
    ],
    [
      "no channel",
      { byReading: "x", ranges: [{ below: "2", rate: "1" }] },
      "$.charge.byReading: expected an OBIS",
    ],
    [
      "hours with a rate",
      { blocks: { ...use, during: [{ rate: "1" }] }, steps: [{ rate: "1" }] },
      '$.charge.blocks.during[0]: expected no field "rate"',
    ],
    [
      "more than 8 nodes in depth",
      Array.from({ length: 8 }).reduce((of) => ({ times: "1", of }), fee as unknown),
      ".of: expected at most 8 nodes above one another",
    ],
    [
      "a depth in which a stack would end",
      Array.from({ length: 5000 }).reduce((of) => ({ times: "1", of }), fee as unknown),
      'nodes above one another, found {"times":"1","of":"..."}',
    ],
    [
      "more than 64 nodes",
      { sum: Array.from({ length: 4 }, () => ({ sum: Array.from({ length: 15 }, () => fee) })) },
      "expected at most 64 nodes in all",
    ],
    [
      "more than 8 nodes that look at each reading",
      { sum: Array.from({ length: 9 }, () => ({ byReading: IMPORT, ranges: [{ below: "2", rate: "1" }] })) },
      "$.charge: expected at most 8 of demand, byReading and spline",
    ],
  ])("is refused by its path: %s", (_, charge, reason) => {
    expect(() => parse(charge)).toThrow(reason);
    expect(() => parse(charge)).toThrow(FormatError);
  });
});
