import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { OutOfDomainError } from "../../src/proofs/constraints/gadgets/domain.js";
import { VerificationError } from "../../src/proofs/signed.js";
import type { Expression } from "../../src/tariff/charge.js";
import { chargeBounds } from "../../src/tariff/charge-bounds.js";
import { chargeValue, energyCost, type PeriodReadings } from "../../src/tariff/charge-evaluation.js";
import type { Tariff } from "../../src/tariff/document.js";
import { isRefused, prove, verify } from "../proofs/constraints/gadgets/cheating-system.js";
import { EXPORT, expressions, IMPORT, PLAIN } from "./arbitrary.js";
import { committedValues, costStatement, inputsOf } from "./measured.js";

/** Noon of 1 June 2026 in UTC, a Monday. */
const FROM = 989_904;

const reading = fc.oneof(
  fc.integer({ min: 0, max: 2 ** 20 - 1 }),
  fc.integer({ min: 0, max: 3000 }),
  fc.constantFrom(0, 1, 2 ** 20 - 1),
);
const row = fc.option(fc.tuple(reading, reading), { freq: 5 });
const measurements: fc.Arbitrary<PeriodReadings> = fc
  .tuple(fc.array(row, { minLength: 1, maxLength: 6 }), fc.constantFrom(900, 1800), fc.nat(200))
  .map(([rows, intervalSeconds, offset]) => {
    const from = (FROM * 1800) / intervalSeconds + offset;
    return {
      period: { from, to: from + rows.length, intervalSeconds },
      channels: [IMPORT, EXPORT],
      readings: [0, 1].map((channel) => rows.map((pair) => pair?.[channel] ?? null)),
    };
  });

const charges = expressions("money", 3).map((charge): Tariff => ({ ...PLAIN, charge }));

function proveCost(tariff: Tariff, measured: PeriodReadings, total: bigint) {
  const values = committedValues(inputsOf(tariff, measured), measured);
  return prove(costStatement(tariff, measured, total), values);
}

describe("the circuit of a charge", () => {
  it("is satisfied by the total that the evaluation in clear comes to, and by no other", () => {
    fc.assert(
      fc.property(
        charges,
        measurements,
        fc.constantFrom(1n, -1n, 10n ** 9n, 2n ** 79n),
        (tariff, measured, off) => {
          const total = energyCost(tariff, measured);
          expect([...proveCost(tariff, measured, total).broken.keys()]).toEqual([]);
          expect(isRefused(proveCost(tariff, measured, total + off))).toBe(true);
        },
      ),
      { numRuns: 250 },
    );
  });

  it("is the same for a prover and for a verifier, who has no values", () => {
    fc.assert(
      fc.property(charges, measurements, (tariff, measured) => {
        const total = energyCost(tariff, measured);
        const statement = costStatement(tariff, measured, total);
        const values = committedValues(inputsOf(tariff, measured), measured);
        const proved = prove(statement, values, { challenge: 77n });
        const verified = verify(statement, values.length, 77n);
        expect(verified.constraints).toEqual(proved.constraints);
        expect([verified.first, verified.second]).toEqual([proved.first, proved.second]);
      }),
      { numRuns: 60 },
    );
  });

  it("has values within their public bounds", () => {
    fc.assert(
      fc.property(charges, measurements, (tariff, measured) => {
        const bounds = chargeBounds(tariff.charge as Expression, tariff, measured.period);
        for (const [node, { low, high }] of bounds) {
          const value = chargeValue(node, tariff, measured);
          expect(value >= low && value <= high).toBe(true);
        }
      }),
      { numRuns: 200 },
    );
  });

  it("refuses the total with any other readings", () => {
    fc.assert(
      fc.property(
        charges,
        measurements,
        fc.nat(),
        fc.integer({ min: 1, max: 999 }),
        (tariff, measured, which, more) => {
          const total = energyCost(tariff, measured);
          const inputs = inputsOf(tariff, measured);
          const values = committedValues(inputs, measured);
          const { channel = 0, at = 0 } = inputs.readings[which % Math.max(1, inputs.readings.length)] ?? {};
          const readings = measured.readings.map((row, place) =>
            row.map((value, index) =>
              value !== null && place === channel && index === at ? value + more : value,
            ),
          );
          const other = { ...measured, readings };
          fc.pre(readings.flat().every((value) => value === null || value < 2 ** 20));
          const others = committedValues(inputs, other);
          const isSame = energyCost(tariff, other) === total;
          expect(isRefused(prove(costStatement(tariff, measured, total), others))).toBe(!isSame);
          expect(isRefused(prove(costStatement(tariff, measured, total), values))).toBe(false);
        },
      ),
      { numRuns: 100 },
    );
  });

  it("is none that a prover can fill for a reading beyond a limit, in whichever choice", () => {
    const limited: Expression = {
      kind: "by-reading",
      obis: IMPORT,
      during: [],
      ranges: [{ below_Wh: 1000, rate: 0 }],
    };
    const demand: Expression = { kind: "demand", obis: IMPORT, during: [], below_Wh: 1000 };
    const none: Expression = { kind: "constant", unit: "money", per: "period", value: 0 };
    const blocks: Expression = { kind: "blocks", of: demand, per: "period", steps: [], rate: 0 };
    const energy: Expression = { kind: "energy", obis: IMPORT, during: [] };
    const choice: Expression = { kind: "when", quantity: energy, atLeast: energy, met: none, unmet: limited };
    for (const charge of [limited, blocks, choice]) {
      const tariff = { ...PLAIN, charge, energy: [] };
      const measuredOf = (reading: number): PeriodReadings => ({
        period: { from: FROM, to: FROM + 2, intervalSeconds: 1800 },
        channels: [IMPORT],
        readings: [[1, reading]],
      });
      expect(isRefused(proveCost(tariff, measuredOf(999), 0n))).toBe(false);
      expect(() => energyCost(tariff, measuredOf(1000))).toThrow(VerificationError);
      expect(() => proveCost(tariff, measuredOf(1000), 0n)).toThrow(OutOfDomainError);
    }
  });

  it("is of no charge that could come near l", () => {
    const steep: Expression = {
      kind: "spline",
      obis: IMPORT,
      during: [],
      segments: [{ below_Wh: 2 ** 32, coefficients: [0, 0, 0, 1_000_000_000] }],
    };
    const period = { from: FROM, to: FROM + 48, intervalSeconds: 1800 };
    expect(() => chargeBounds(steep, PLAIN, period)).toThrow(
      "a spline of the tariff's charge could reach 2^96 in this period",
    );
    const energy: Expression = { kind: "energy", obis: IMPORT, during: [] };
    const huge = [1, 2, 3].reduce<Expression>((of) => ({ kind: "times", ppm: 1_000_000_000, of }), energy);
    const blocks: Expression = { kind: "blocks", of: huge, per: "period", steps: [], rate: 1 };
    expect(() => chargeBounds(blocks, PLAIN, period)).toThrow(
      "a times of the tariff's charge could reach 2^63",
    );
  });
});
