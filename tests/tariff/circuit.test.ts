import fc from "fast-check";
import { describe, expect, it } from "vitest";
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
});
