import { ed25519 } from "@noble/curves/ed25519.js";
import { bytesToNumberLE } from "@noble/curves/utils.js";
import { concatBytes } from "@noble/hashes/utils.js";
import { describe, expect, it } from "vitest";
import { withHints } from "../../src/proofs/bill-hints.js";
import type { SuppliedBatch } from "../../src/proofs/billed-period.js";
import { HINT_BYTES } from "../../src/proofs/group/group.js";
import { nobleGroup } from "../../src/proofs/group/noble.js";
import {
  decodeLinearBill,
  encodeLinearBill,
  type LinearBill,
  verifyLinearBill,
} from "../../src/proofs/linear-bill.js";
import { VerificationError } from "../../src/proofs/signed.js";
import { FormatError } from "../../src/trusted/encoding/bytes.js";
import { bytesOf, P } from "../../src/trusted/sealing/edwards.js";
import { example } from "../example.js";
import { cutOrExtended, flipBit, flips, nonCanonical, strictly, survivors } from "../mutants.js";
import { ARITHMETICS } from "./arithmetics.js";
import { billOf, DAY, meterOf, planOf, signedTariff } from "./billing.js";

const TARIFF = signedTariff();
/** Batches 0 and 1 billed, batch 2 a neighbour without leaves. */
const BARE = billOf(meterOf([planOf(DAY, 2), planOf(DAY + 2, 1), planOf(DAY + 6, 1)]), TARIFF, DAY, DAY + 5);
const HINTED = withHints(BARE, nobleGroup);
/** The leaf whose hint is spoiled: of batch 0, interval DAY + 1, channel 0. */
const LEAF = 2;
const REASON = `commitment of interval ${DAY + 1}, channel 0 is no group element, or its hint is not its point`;

const hintsOf = (bill: LinearBill, batch: number) => bill.batches[batch]?.hints ?? new Uint8Array(0);
const hintAt = (leaf: number) => hintsOf(HINTED, 0).subarray(leaf * HINT_BYTES, (leaf + 1) * HINT_BYTES);
const x = bytesToNumberLE(hintAt(LEAF).subarray(0, 32));
const y = bytesToNumberLE(hintAt(LEAF).subarray(32));
const point = ed25519.Point.fromAffine({ x, y });

const coordinates = (ofX: bigint, ofY: bigint) => concatBytes(bytesOf(ofX), bytesOf(ofY));
const affine = (other: typeof point) => {
  const { x: ofX, y: ofY } = other.toAffine();
  return coordinates(ofX, ofY);
};

/** A point of order 4: (sqrt(-1), 0). */
const ORDER_4 = ed25519.Point.fromHex("00".repeat(32));

const withBatch = (at: number, change: (batch: SuppliedBatch) => SuppliedBatch): LinearBill => ({
  ...HINTED,
  batches: HINTED.batches.map((batch, place) => (place === at ? change(batch) : batch)),
});

/** The bill with another hint for the leaf. */
function hinting(hint: Uint8Array): LinearBill {
  const hints = hintsOf(HINTED, 0).slice();
  hints.set(hint, LEAF * HINT_BYTES);
  return withBatch(0, (batch) => ({ ...batch, hints }));
}

const HOSTILE: readonly (readonly [what: string, hint: Uint8Array])[] = [
  ["zeros", new Uint8Array(HINT_BYTES)],
  ["the identity", coordinates(0n, 1n)],
  ["another leaf's point", hintAt(LEAF + 1)],
  ["the negative point", affine(point.negate())],
  ["y negated", coordinates(x, P - y)],
  ["both negated", coordinates(P - x, P - y)],
  ["x and y exchanged", coordinates(y, x)],
  ["another point of the same coset", affine(point.add(ORDER_4))],
  ["the double", affine(point.double())],
  ["x of no point with that y", coordinates(x + 2n, y)],
  ["x of p more", x + P < 1n << 256n ? coordinates(x + P, y) : coordinates((1n << 256n) - 1n, y)],
  ["y of p more", y + P < 1n << 256n ? coordinates(x, y + P) : coordinates(x, (1n << 256n) - 1n)],
  ["all ones", new Uint8Array(HINT_BYTES).fill(0xff)],
];

describe.each(ARITHMETICS)("a bill with hints, verified by %s", (_, arithmetic) => {
  const verify = (bill: LinearBill) =>
    verifyLinearBill(bill, { authorityKey: example.authorityKey, tariff: TARIFF }, arithmetic);

  it("is worth what it is without", () => {
    expect(verify(HINTED)).toEqual(verify(BARE));
    expect(verify(withBatch(1, ({ document, leaves }) => ({ document, leaves })))).toEqual(verify(BARE));
  });

  it.each(HOSTILE)("is refused with the leaf named if the hint is %s", (__, hint) => {
    expect(() => verify(hinting(hint))).toThrow(REASON);
    expect(() => verify(hinting(hint))).toThrow(VerificationError);
  });

  it("is refused with any bit of a hint flipped", () => {
    const some = flips(hintAt(LEAF)).filter((___, bit) => bit % 31 === 0);
    expect(survivors(some, (bytes) => verify(hinting(bytes)))).toEqual([]);
  });

  it("is refused with the wrong total, as it is without", () => {
    const opening = flipBit(BARE.opening, 7);
    expect(() => verify({ ...HINTED, opening })).toThrow(/the total is not/);
  });

  it("has the same hints by whatever group they are made", () => {
    expect(withHints(BARE, arithmetic.group)).toEqual(HINTED);
  });
});

describe("hints in a bill's bytes", () => {
  const bytes = encodeLinearBill(HINTED);

  it("come with all leaves of a batch, and with none that has no leaves", () => {
    expect(decodeLinearBill(bytes)).toEqual(HINTED);
    expect(HINTED.batches.map(({ hints }) => hints?.length)).toEqual([256, 128, undefined]);
    const refused = (at: number, hints: Uint8Array) => () =>
      encodeLinearBill(withBatch(at, (batch) => ({ ...batch, hints })));
    expect(refused(0, hintsOf(HINTED, 0).subarray(HINT_BYTES))).toThrow(FormatError);
    expect(refused(0, new Uint8Array(0))).toThrow(FormatError);
    expect(refused(1, hintsOf(HINTED, 0))).toThrow(FormatError);
    expect(refused(2, new Uint8Array(0))).toThrow("hints for 0 bytes of leaves");
    expect(refused(2, hintAt(0))).toThrow(FormatError);
    const cut = withBatch(0, ({ leaves, ...batch }) => ({ ...batch, leaves: leaves.subarray(1) }));
    expect(() => encodeLinearBill(cut)).toThrow("hints for 151 bytes of leaves");
  });

  it("are written in one way", () => {
    const decode = strictly(decodeLinearBill, encodeLinearBill);
    const some = flips(bytes).filter((_, bit) => bit % 7 === 0);
    expect(survivors([...cutOrExtended(bytes), ...nonCanonical(bytes), ...some], decode)).toEqual([]);
  });
});
