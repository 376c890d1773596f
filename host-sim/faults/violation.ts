// What a scenario is run for: to find that something does not hold.

/** An invariant does not hold. Its text says which, and how it was seen. */
export class Violation extends Error {
  override readonly name = "Violation";
}

/** Throws the violation of an invariant unless it holds. */
export function holds(condition: boolean, invariant: string, seen: () => string): asserts condition {
  if (!condition) throw new Violation(`${invariant}: ${seen()}`);
}
