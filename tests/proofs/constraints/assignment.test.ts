import { describe, expect, it } from "vitest";
import { Assignment } from "../../../src/proofs/constraints/assignment.js";
import { type FirstPhase, Linear, type RandomizedSystem } from "../../../src/proofs/constraints/system.js";
import { L } from "../../../src/trusted/sealing/edwards.js";
import { power, product, shuffle } from "./statements.js";

/** An assignment of these committed values after both phases, and what does not hold. */
function assigned(values: readonly bigint[], statement: typeof shuffle) {
  const assignment = new Assignment();
  statement(
    assignment,
    values.map((value) => assignment.commit(value)),
  );
  assignment.runSecondPhase(() => 12_345n);
  return { assignment, fault: assignment.firstFault() };
}

describe("an assignment", () => {
  it("holds or names the first constraint that does not, in both phases", () => {
    expect(assigned([2n, 5n], product(10n)).fault).toBeNull();
    expect(assigned([2n, 5n], product(11n)).fault).toBe("constraint 2 does not hold");
    expect(assigned([2n, 5n, 5n, 2n], shuffle).fault).toBeNull();
    expect(assigned([2n, 5n, 5n, 3n], shuffle).fault).toBe("constraint 4 does not hold");
  });

  it("names a multiplier whose product is wrong", () => {
    const { assignment } = assigned([2n, 5n], product(10n));
    assignment.wires.output.splice(0, 1, 11n);
    expect(assignment.firstFault()).toBe("multiplier 0 does not hold");
  });

  it("takes values modulo l, and evaluates sums in which a wire stands twice", () => {
    const { assignment } = assigned([-1n, L + 1n], (system, [minusOne, one]) => {
      const [a, b] = [
        Linear.of(minusOne ?? { kind: "one", index: 0 }),
        Linear.of(one ?? { kind: "one", index: 0 }),
      ];
      expect(system.evaluate(a)).toBe(L - 1n);
      expect(system.evaluate(b)).toBe(1n);
      expect(system.evaluate(a.plus(a).plus(Linear.constant(3n)))).toBe(1n);
      expect(system.evaluate(Linear.of(system.multiply(a, a).output))).toBe(1n);
    });
    expect(assignment.circuit.multipliers).toBe(1);
    expect(assignment.circuit.constraints.length).toBe(2);
  });

  it("refuses wires that do not exist, values after the first phase, and a phase in a phase", () => {
    const late: { first?: FirstPhase; second?: RandomizedSystem } = {};
    const { assignment } = assigned([2n], (system, [two]) => {
      late.first = system;
      system.randomize((second) => {
        late.second = second;
        power(second, Linear.of(two ?? { kind: "one", index: 0 }), 1);
      });
    });
    expect(late.second).toBeDefined();
    expect(() => assignment.constrain(Linear.of({ kind: "left", index: 1 }))).toThrow("exist");
    expect(() => assignment.constrain(Linear.of({ kind: "committed", index: 1 }))).toThrow("exist");
    expect(() => assignment.evaluate(Linear.of({ kind: "output", index: 1 }))).toThrow("exist");
    expect(() => assignment.commit(1n)).toThrow("first phase");
    expect(() => late.first?.randomize(() => {})).toThrow("first");
    expect(() => assignment.runSecondPhase(() => 1n)).toThrow("one second phase");
    expect(() => assignment.allocate(null)).toThrow("values");
  });
});
