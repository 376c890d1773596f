import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Circuit } from "../../src/proofs/constraints/circuit.js";
import type { RandomizedSystem } from "../../src/proofs/constraints/system.js";
import { wideScalar } from "../../src/proofs/scalars.js";
import type { Expression } from "../../src/tariff/charge.js";
import { chargeBounds } from "../../src/tariff/charge-bounds.js";
import { constrainCost } from "../../src/tariff/circuit.js";
import { costInputs } from "../../src/tariff/circuit-inputs.js";
import { asciiBytes } from "../../src/trusted/encoding/bytes.js";
import { digest } from "../../src/trusted/sealing/keys.js";
import { EXPORT, expressions, IMPORT, PLAIN } from "../tariff/arbitrary.js";
import { add, type Described, type Sum, type WrittenStatement, writtenStatement } from "./second-compiler.js";

/** Challenges that follow from all labels so far. */
function challenges(): (label: string) => bigint {
  let said = "";
  return (label) => {
    said += `${label}.`;
    return wideScalar(digest(asciiBytes(said)));
  };
}

/** The statement by src, in the form of the text's. */
function compiled({ tariff, period, channels, present }: Described, total: bigint): WrittenStatement {
  const inputs = costInputs(tariff, channels, present, period);
  const circuit = new Circuit();
  const system = {
    multiply: circuit.multiply.bind(circuit),
    allocate: () => circuit.allocate(),
    constrain: circuit.constrain.bind(circuit),
    evaluate: () => null,
  };
  const values = [...inputs.sums, ...inputs.readings].map(() => circuit.commit());
  const randomize = (say: (second: RandomizedSystem) => void) => circuit.randomize(say);
  constrainCost({ ...system, randomize }, inputs, tariff, period, values, total);
  const first = circuit.multipliers;
  circuit.runSecondPhase({ ...system, challenge: challenges() });
  const names = { one: "1", committed: "v", left: "L", right: "R", output: "O" };
  const constraints = circuit.constraints.map(({ terms }) =>
    add(
      ...terms.map(([{ kind, index }, scalar]): [bigint, Sum] => [
        scalar,
        new Map([[kind === "one" ? "1" : `${names[kind]} ${index}`, 1n]]),
      ]),
    ),
  );
  const sums = inputs.sums.map(({ weights }) => ({
    weights: weights.map((row) => present.map((isThere, at) => (isThere ? BigInt(row?.[at] ?? 0) : 0n))),
  }));
  const readings = inputs.readings.map(({ at, channel }) => ({ at, channel }));
  const bounds = chargeBounds(tariff.charge, tariff, period).get(tariff.charge) ?? { low: 0n, high: 0n };
  return { values: { sums, readings }, bounds, first, second: circuit.multipliers - first, constraints };
}

/** Noon of 1 June 2026 in UTC, a Monday. */
const FROM = 989_904;

const bills = (charge: fc.Arbitrary<Expression>, intervals: number): fc.Arbitrary<Described> =>
  fc
    .tuple(charge, fc.array(fc.boolean(), { minLength: 1, maxLength: intervals }), fc.nat(200))
    .map(([node, present, offset]) => ({
      tariff: { ...PLAIN, charge: node },
      period: { from: FROM + offset, to: FROM + offset + present.length, intervalSeconds: 1800 },
      channels: [IMPORT, EXPORT],
      present,
    }));

const ascending = (max: number, maxLength: number) =>
  fc
    .uniqueArray(fc.integer({ min: 1, max }), { minLength: 1, maxLength })
    .map((list) => list.sort((a, b) => a - b));
const often0 = fc.oneof(fc.constant(0), fc.integer({ min: -1000, max: 1000 }));
const channel = { obis: fc.constantFrom(IMPORT, EXPORT), during: fc.constant([]) };
const limits = fc.constantFrom(16, 200, 3000).chain((most) => ascending(most, 4));

/** Tables and splines of few numbers, low degrees and many readings; blocks of many steps. */
const narrow: fc.Arbitrary<Expression> = fc.oneof(
  fc.record({
    kind: fc.constant("by-reading" as const),
    ...channel,
    ranges: limits.chain((list) =>
      fc.tuple(...list.map((below_Wh) => often0.map((rate) => ({ below_Wh, rate })))),
    ),
  }),
  fc.record({
    kind: fc.constant("spline" as const),
    ...channel,
    segments: limits.chain((list) =>
      fc.tuple(
        ...list.map((below_Wh) =>
          fc
            .tuple(often0, often0, fc.constantFrom(0, 0, 5), fc.constantFrom(0, 0, 7))
            .map((coefficients) => ({ below_Wh, coefficients })),
        ),
      ),
    ),
  }),
  fc.record({
    kind: fc.constant("blocks" as const),
    of: fc.record({ kind: fc.constant("demand" as const), ...channel, below_Wh: fc.constantFrom(1, 2, 500) }),
    per: fc.constantFrom("period" as const, "day" as const),
    steps: ascending(900, 6).chain((list) =>
      fc.tuple(...list.map((upTo) => often0.map((rate) => ({ upTo, rate })))),
    ),
    rate: often0,
  }),
);

function compare(bill: Described, total: bigint): void {
  const written = writtenStatement(bill, total, challenges());
  const actual = compiled(bill, total);
  expect(actual.values).toEqual(written.values);
  expect(actual.bounds).toEqual(written.bounds);
  expect([actual.first, actual.second]).toEqual([written.first, written.second]);
  expect(actual.constraints).toEqual(written.constraints);
}

describe("the statement of a charge is what docs/gadgets.md says, constraint by constraint", () => {
  const total = fc.bigInt({ min: -(2n ** 79n), max: 2n ** 79n });

  it("of any charge", () => {
    fc.assert(fc.property(bills(expressions("money", 3), 40), total, compare), { numRuns: 60 });
  });

  it("of narrow tables and splines of many readings, whose plans are of every shape", () => {
    fc.assert(fc.property(bills(narrow, 400), total, compare), { numRuns: 120 });
  });
});
