// What a malicious server can learn of one interval, as linear algebra. Masks hide a share until all members of
// its roster have answered; then the server has one equation, the sum over the members. A set of members is a
// number here: bit m for member m. Answers are searched whole: every member may give every answer that the
// rules leave it, also none, and the server may offer each member whatever it likes.

/** Members of a sum. */
export type Members = number;

export const everyone = (count: number): Members => 2 ** count - 1;
export const sizeOf = (members: Members): number =>
  members === 0 ? 0 : (members & 1) + sizeOf(members >>> 1);
export const isIn = (member: number, members: Members) => ((members >>> member) & 1) === 1;

/** Every set of members of a group, of those sizes that are asked for. */
export const setsOf = (count: number, isWanted: (size: number) => boolean): Members[] =>
  Array.from({ length: 2 ** count }, (_, members) => members).filter((members) => isWanted(sizeOf(members)));

/** One answer of one member: the offered sums that it sends a share of, by their places in the offer. */
export type Answer = readonly number[];

const bitOf = (place: number) => 1n << BigInt(place);
const placesIn = (bits: bigint, offered: readonly Members[]) => offered.filter((_, at) => bits & bitOf(at));

/**
 * Every set of sums that some answers of all members complete. Members are taken one by one, and only the sums that
 * are still complete are remembered: answers that leave the same ones are one case from there on.
 * @param answersOf all that a member may answer; no answer at all is always among them.
 */
export function learnt(
  offered: readonly Members[],
  members: number,
  answersOf: (member: number) => readonly Answer[],
): Members[][] {
  let complete = new Set([bitOf(offered.length) - 1n]);
  for (let member = 0; member < members; member++) {
    const others = offered.reduce((bits, sum, at) => (isIn(member, sum) ? bits : bits | bitOf(at)), 0n);
    const answers = answersOf(member).map((places) =>
      places.reduce((bits, place) => bits | bitOf(place), others),
    );
    const next = new Set<bigint>();
    for (const state of complete) {
      next.add(state & others);
      for (const answer of answers) next.add(state & answer);
    }
    complete = next;
  }
  return [...complete].map((bits) => placesIn(bits, offered));
}

/** Rank over the rationals: elimination without fractions. */
export function rank(rows: readonly (readonly bigint[])[]): number {
  const [first = [], ...rest] = rows;
  const pivot = first.findIndex((entry) => entry !== 0n);
  if (rows.length === 0) return 0;
  if (pivot < 0) return rank(rest);
  const head = first[pivot] as bigint;
  const below = rest.map((row) => {
    const factor = row[pivot] as bigint;
    return row.map((entry, at) => head * entry - factor * (first[at] as bigint));
  });
  return 1 + rank(below);
}

const rankOver = (sums: readonly Members[], columns: readonly number[]) =>
  rank(sums.map((sum) => columns.map((member) => (isIn(member, sum) ? 1n : 0n))));

/**
 * The fewest readings of which these sums give away a combination: the least support of a vector that is not 0 in
 * their span over the rationals. Infinite where the sums say nothing.
 * @param hidden members whose reading the server does not know.
 */
export function fewestShown(sums: readonly Members[], hidden: Members): number {
  const columns = Array.from({ length: 31 }, (_, member) => member).filter((member) => isIn(member, hidden));
  const whole = rankOver(sums, columns);
  if (whole === 0) return Number.POSITIVE_INFINITY;
  // A combination lives on some members alone if and only if the rank falls when their columns are cut out.
  const livesOn = (some: Members) =>
    rankOver(
      sums,
      columns.filter((member) => !isIn(member, some)),
    ) < whole;
  for (let size = 1; ; size++) {
    if (setsWithin(hidden, size).some(livesOn)) return size;
  }
}

/** The sets of a size within a set. */
function setsWithin(members: Members, size: number): Members[] {
  if (size === 0) return [0];
  if (members === 0) return [];
  const lowest = members & -members;
  const rest = members ^ lowest;
  return [...setsWithin(rest, size - 1).map((set) => set | lowest), ...setsWithin(rest, size)];
}
