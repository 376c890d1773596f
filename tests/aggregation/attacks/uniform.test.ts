// The attack: statistics over very many shares, by a server that knows all members' readings and all keys but that of
// one pair. A share must look uniform over that key, and shares of neighbouring intervals, channels and statistics
// must look independent. Keys are fixed, so a result is the same each time; a test's false alarm is what it would be
// for keys drawn at random.
import { describe, expect, it } from "vitest";
import { valuesOf } from "../../../src/trusted/blinding/share.js";
import { bytesOf } from "../../../src/trusted/sealing/edwards.js";
import { blinded, keyOf, minus, openingsOf, pairOf, reduced, signedMasks } from "./pairs.js";

const KEYS = 3000;
const CHANNELS = 5;
const STATISTICS = [1, 2, 3];
const [OWN, UNKNOWN] = [1, 2];
const members = [0, 1, 2, 3];
const values = valuesOf(STATISTICS, openingsOf("home", CHANNELS));

/** Of chi-square with 255 degrees of freedom, each side with 1e-6 (Wilson and Hilferty, 1931). */
const CHI_SQUARE = [161.5, 377.2] as const;
/** Standard deviations of a correlation, both sides with 6e-7. */
const DEVIATIONS = 5;

/** Under one key of the pair, for two successive intervals: the numbers of a share, and the pair's masks in them. */
interface Drawn {
  readonly shares: readonly (readonly bigint[])[];
  readonly masks: readonly (readonly bigint[])[];
}

const BLINDING = { S: keyOf("roster"), statistics: STATISTICS, channels: CHANNELS, members };
const DRAWN: readonly Drawn[] = Array.from({ length: KEYS }, (_, at) => {
  const known = pairOf("street");
  const unknown = keyOf(`key ${at}`);
  const pair = (a: number, b: number) => (a === OWN && b === UNKNOWN ? unknown : known(a, b));
  const blindings = [727536, 727537].map((interval) => ({ ...BLINDING, pair, interval }));
  return {
    shares: blindings.map((blinding) => blinded(blinding, OWN, values)),
    masks: blindings.map((blinding) => signedMasks(blinding, OWN, UNKNOWN)),
  };
});

/** What a server sees: [key][interval][place]. */
type Samples = readonly (readonly (readonly bigint[])[])[];

/** What it would see, were each number of a share another. */
const spoilt = (change: (share: readonly bigint[], masks: readonly bigint[]) => readonly bigint[]): Samples =>
  DRAWN.map(({ shares, masks }) => shares.map((share, at) => change(share, masks[at] as readonly bigint[])));
/** A share with the number of one place in another too. */
const copied = (from: number, to: number) =>
  spoilt((share) => share.map((y, at) => (at === to ? (share[from] as bigint) : y)));
const unblinded = (share: readonly bigint[], masks: readonly bigint[]) =>
  reduced(minus(share, masks), { ...BLINDING, pair: pairOf(""), interval: 0 });

const isScalar = (place: number) => place >= 2 * CHANNELS;
/** The bytes that are uniform in a uniform share: of a scalar below l, which is 2^252 and little more, all but the top one. */
const bytesAt = (value: bigint, place: number) => bytesOf(value).subarray(0, isScalar(place) ? 31 : 8);

function chiSquare(bytes: readonly number[]): number {
  const counts = new Array<number>(256).fill(0);
  for (const byte of bytes) counts[byte] = (counts[byte] as number) + 1;
  const expected = bytes.length / 256;
  return counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
}

/** A number in [-1/2, 1/2) of the highest bits of a share. */
const height = (value: bigint, place: number) =>
  Number(isScalar(place) ? value >> 188n : value) / 2 ** 64 - 0.5;

/** Correlation in standard deviations: normal for many independent pairs of uniform numbers. */
function correlation(pairs: readonly (readonly [number, number])[]): number {
  const sum = pairs.reduce((sum, [a, b]) => sum + a * b, 0);
  return (12 * sum) / Math.sqrt(pairs.length);
}

/** What is wrong with samples; nothing with uniform and independent ones. */
function suspicions(samples: Samples): string[] {
  const found: string[] = [];
  const chi = (what: string, bytes: readonly number[]) => {
    const value = chiSquare(bytes);
    if (value < CHI_SQUARE[0] || value > CHI_SQUARE[1]) found.push(`${what}: chi-square ${value.toFixed(0)}`);
  };
  const related = (what: string, pairs: readonly (readonly [bigint, bigint])[], a: number, b = a) => {
    const value = correlation(pairs.map(([one, other]) => [height(one, a), height(other, b)]));
    if (Math.abs(value) > DEVIATIONS) found.push(`${what}: correlation ${value.toFixed(0)}`);
  };
  const places = Array.from(values, (_, place) => place);
  for (const place of places) {
    const seen = samples.map(([first, second]) => [first?.[place], second?.[place]] as [bigint, bigint]);
    const bytes = seen.map(([first]) => bytesAt(first, place));
    const width = bytes[0]?.length as number;
    for (let at = 0; at < width; at++)
      chi(
        `place ${place}, byte ${at}`,
        bytes.map((all) => all[at] as number),
      );
    related(`place ${place}, two intervals`, seen, place);
    const steps = seen.map(([first, second]) => Number((second - first) & 255n));
    chi(`place ${place}, step between intervals`, steps);
    for (const other of places.filter((other) => other > place)) {
      related(
        `places ${place} and ${other}`,
        samples.map(([first]) => [first?.[place], first?.[other]] as [bigint, bigint]),
        place,
        other,
      );
    }
  }
  return found;
}

describe("over the keys of one pair, a share", () => {
  // 235 bytes, 15 steps, 15 intervals, 105 pairs of places: a false alarm in all of them together is below 0.1 %.
  it("is uniform and independent of its neighbours, for all channels and statistics", () => {
    expect(suspicions(DRAWN.map(({ shares }) => shares))).toEqual([]);
  });

  it.each<readonly [string, () => Samples, RegExp]>([
    ["without the unknown mask", () => spoilt(unblinded), /place 0, byte 7: chi/],
    [
      "with masks of 32 bits",
      () => spoilt((_, masks) => values.map((v, at) => v + BigInt.asUintN(32, masks[at] as bigint))),
      /place 0, byte 5: chi/,
    ],
    [
      "with one mask for all intervals",
      () => DRAWN.map(({ shares: [first = []] }) => [first, first]),
      /place 0, two intervals: corr/,
    ],
    [
      "with masks that a counter moves",
      () => DRAWN.map(({ shares: [first = []] }) => [first, first.map((y) => BigInt.asUintN(64, y + 1n))]),
      /place 0, step between intervals: chi/,
    ],
    ["with one mask for two channels", () => copied(0, 1), /places 0 and 1: corr/],
    ["with one mask on both sides of a block", () => copied(0, 4), /places 0 and 4: corr/],
    ["with one mask for two statistics", () => copied(0, 5), /places 0 and 5: corr/],
    [
      "with scalars of 30 bytes",
      () => spoilt((share) => share.map((y, at) => (isScalar(at) ? BigInt.asUintN(240, y) : y))),
      /place 10, byte 30: chi/,
    ],
    [
      "with a bit that is always set",
      () => spoilt((share) => share.map((y) => y | 8n)),
      /place 4, byte 0: chi/,
    ],
  ])("would be found out %s", (_, samples, reason) => {
    expect(suspicions(samples()).join("\n")).toMatch(reason);
  });
});
