// Wires whose values the prover chooses, at half a multiplier each: a multiplier has two free inputs, and its
// product need not be used.
import { type ConstraintSystem, Linear } from "../system.js";

/**
 * As many free wires as there are values. Nothing is proved of them yet.
 *
 * Cost: half a multiplier a wire, rounded up; the spare one is zero in an honest proof and harmless in another.
 * @param values in [0, l); null each in a verifier's system.
 */
export function freeWires(system: ConstraintSystem, values: readonly (bigint | null)[]): Linear[] {
  const wires: Linear[] = [];
  for (let at = 0; at < values.length; at += 2) {
    const left = values[at] ?? null;
    const right = at + 1 < values.length ? (values[at + 1] ?? null) : 0n;
    const multiplier = system.allocate(left === null || right === null ? null : [left, right]);
    wires.push(Linear.of(multiplier.left));
    if (at + 1 < values.length) wires.push(Linear.of(multiplier.right));
  }
  return wires;
}
