// docs/tariff.schema.json beside the parser: whatever the schema refuses is refused, and the examples pass both.
import { readdirSync, readFileSync } from "node:fs";
import { Ajv2020 } from "ajv/dist/2020.js";
import { describe, expect, it } from "vitest";
import { parseTariff } from "../../src/tariff/source.js";
import { FormatError } from "../../src/trusted/encoding/bytes.js";

const DOCS = new URL("../../docs/", import.meta.url);
const read = (path: string): unknown => JSON.parse(readFileSync(new URL(path, DOCS), "utf8"));
const isValid = new Ajv2020({ strict: true, strictRequired: false }).compile(
  read("tariff.schema.json") as object,
);

const BASE = {
  name: "Test",
  currency: "EUR",
  validFrom: "2026-01-01",
  validBefore: "2027-01-01",
  utcOffset: "+01:00" as unknown,
  energy: { "1-0:1.8.0": { rate: "0.3" } } as unknown,
  standingPerDay: "0",
  levies: [] as unknown,
  vat: "19 %",
};

const IMPORT = "1-0:1.8.0";
const fee = { amount: "1.5", per: "day" };
const use = { energy: IMPORT };
const choice = JSON.parse(
  `{"when": {"energy": "${IMPORT}"}, "atLeast": {"kWh": "3"}, "then": {"amount": "1"}, "else": {"amount": "2"}}`,
) as object;

describe("the schema of tariffs", () => {
  it.each(readdirSync(new URL("examples/", DOCS)))("accepts the example %s", (file) => {
    isValid(read(`examples/${file}`));
    expect(isValid.errors ?? []).toEqual([]);
  });

  const charges: readonly (readonly [string, unknown])[] = [
    [
      "energy by hours",
      { blocks: { ...use, during: [{ days: ["Mon-Fri"], hours: ["17:00-19:00"] }] }, steps: [{ rate: "1" }] },
    ],
    [
      "a demand",
      { blocks: { max: [{ demand: IMPORT, below: "20" }, { kW: "2.5" }] }, steps: [{ rate: "4.05" }] },
    ],
    ["a choice", choice],
    [
      "a multiple of a sum",
      { times: "-0.05", of: { sum: [fee, { min: [fee, { amount: "-0.000000001" }] }] } },
    ],
    ["a cost", { cost: { [IMPORT]: { rate: "0.2", bands: [{ months: ["Nov-Feb"], rate: "-0.000001" }] } } }],
  ];
  it.each(charges)("accepts, as the parser does, %s", (_, charge) => {
    const tariff = { ...BASE, charge };
    isValid(tariff);
    expect(isValid.errors ?? []).toEqual([]);
    expect(parseTariff(JSON.stringify(tariff)).charge).toBeDefined();
  });

  const refused: readonly (readonly [string, object])[] = [
    ["no energy and no charge", { energy: {} }],
    ["an unknown field", { tax: "1 %" }],
    ["a number without quotes", { standingPerDay: 0 }],
    ["an OBIS code that is none", { energy: { import: { rate: "0.3" } } }],
    ["a rate of seven places", { energy: { [IMPORT]: { rate: "0.1234567" } } }],
    ["an offset of ten minutes", { utcOffset: "+00:10" }],
    ["another rule than the EU's", { utcOffset: { standard: "+01:00", daylight: "+02:00", rule: "US" } }],
    ["a levy of two kinds", { levies: [{ name: "x", perDay: "1", proportion: "1 %" }] }],
    ["nine levies", { levies: Array.from({ length: 9 }, () => ({ name: "x", perDay: "1" })) }],
    ["VAT of more than 100 %", { vat: "101 %" }],
    ["a node of two kinds", { charge: { ...fee, kWh: "1" } }],
    ["a node of no kind", { charge: {} }],
    ["an inner node of no kind", { charge: { min: [fee, { amounts: "1" }] } }],
    ["a sum of one part", { charge: { sum: [fee] } }],
    ["another period", { charge: { amount: "1", per: "month" } }],
    [
      "hours with a rate",
      { charge: { blocks: { ...use, during: [{ rate: "1" }] }, steps: [{ rate: "1" }] } },
    ],
    [
      "a fifth coefficient",
      { charge: { spline: IMPORT, segments: [{ below: "1", coefficients: ["1", "1", "1", "1", "1"] }] } },
    ],
    ["no range", { charge: { byReading: IMPORT, ranges: [] } }],
    ["a choice without an alternative", { charge: { ...choice, else: undefined } }],
  ];
  it.each(refused)("refuses, as the parser does, %s", (_, change) => {
    const tariff: unknown = JSON.parse(JSON.stringify({ ...BASE, ...change }));
    expect(isValid(tariff)).toBe(false);
    expect(() => parseTariff(JSON.stringify(tariff))).toThrow(FormatError);
  });
});
