// The two bases of every commitment and the tables made from them. The meter's tables are made here when its
// image is built, and a test derives the bases again; customers make tables of their own, to recompute
// commitments as fast.
import { normalizeZ } from "@noble/curves/abstract/curve.js";
import { ed25519, ristretto255 } from "@noble/curves/ed25519.js";
import { numberToBytesLE } from "@noble/curves/utils.js";
import { BLINDING_BASE, CommitmentKey } from "../trusted/sealing/commitment.js";
import { windowCount } from "../trusted/sealing/edwards.js";
import { ENTRY_BYTES } from "../trusted/sealing/fixed-base.js";

/** A group element of ristretto255 (RFC 9496). */
export const Group = ristretto255.Point;
export type GroupElement = InstanceType<typeof Group>;

/** B and B~ of C = r·B + t·B~. */
export const BASE = Group.BASE;
export const BLINDING = Group.fromBytes(BLINDING_BASE);

type EdwardsPoint = ReturnType<typeof ed25519.Point.fromAffine>;

/** Entries d·2^(w·k)·P as sealing/fixed-base.ts reads them. */
function tableBytes(point: EdwardsPoint, window: number): Uint8Array {
  const entries: EdwardsPoint[] = [];
  let step = point;
  for (let k = 0; k < windowCount(window); k++) {
    let multiple = ed25519.Point.ZERO;
    for (let d = 0; d < 2 ** window; d++) {
      entries.push(multiple);
      multiple = multiple.add(step);
    }
    step = multiple;
  }
  const out = new Uint8Array(entries.length * ENTRY_BYTES);
  normalizeZ(ed25519.Point, entries).forEach(({ X, Y }, at) => {
    out.set(numberToBytesLE(X, 32), at * ENTRY_BYTES);
    out.set(numberToBytesLE(Y, 32), at * ENTRY_BYTES + ENTRY_BYTES / 2);
  });
  return out;
}

export interface Tables {
  readonly tableWindow: number;
  readonly tableB: Uint8Array;
  readonly tableBlinding: Uint8Array;
}

/**
 * Makes the fixed-base tables of both bases.
 * @param window bits a window, 3 to 6: 43, 64, 104 or 172 KiB a base.
 */
export function makeTables(window: number): Tables {
  const edwards = (element: GroupElement) => ed25519.Point.fromAffine(element.toAffine());
  return {
    tableWindow: window,
    tableB: tableBytes(edwards(BASE), window),
    tableBlinding: tableBytes(edwards(BLINDING), window),
  };
}

let made: CommitmentKey | null = null;

/** The commitment key for use outside the meter: its 4-bit tables cost 50 ms at the first use, and are kept. */
export function makeCommitmentKey(): CommitmentKey {
  made ??= new CommitmentKey(makeTables(4));
  return made;
}
