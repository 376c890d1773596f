// Readings of a made-up meter for tests of tariffs: what they cost in clear, and the committed values with which the
// same is proved.

import type { PeriodReadings } from "../../src/tariff/charge-evaluation.js";
import { constrainCost } from "../../src/tariff/circuit.js";
import { type CostInputs, costInputs } from "../../src/tariff/circuit-inputs.js";
import type { Tariff } from "../../src/tariff/document.js";
import type { Statement } from "../proofs/constraints/gadgets/cheating-system.js";

export function inputsOf(tariff: Tariff, { channels, readings, period }: PeriodReadings): CostInputs {
  const present = Array.from(
    { length: period.to - period.from },
    (_, at) => (readings[0]?.[at] ?? null) !== null,
  );
  return costInputs(tariff, channels, present, period);
}

/** The values that the meter's commitments and sums of them open to. */
export function committedValues({ sums, readings }: CostInputs, measured: PeriodReadings): bigint[] {
  const reading = (channel: number, at: number) => BigInt(measured.readings[channel]?.[at] ?? 0);
  return [
    ...sums.map(({ weights }) =>
      weights
        .flatMap((row, channel) => (row ?? []).map((weight, at) => BigInt(weight) * reading(channel, at)))
        .reduce((sum, product) => sum + product, 0n),
    ),
    ...readings.map(({ channel, at }) => reading(channel, at)),
  ];
}

/** That the readings cost `total`. */
export const costStatement =
  (tariff: Tariff, measured: PeriodReadings, total: bigint): Statement =>
  (system, committed) => {
    const inputs = inputsOf(tariff, measured);
    const variables = committed.map((_, index) => ({ kind: "committed", index }) as const);
    constrainCost(system, inputs, tariff, measured.period, variables, total);
    return [];
  };
