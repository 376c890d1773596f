// The bases of Bulletproofs: B and B~ of the commitments, and for each party of an aggregated proof a vector G and
// a vector H of which nobody knows a relation: the ristretto255 one-way map of what SHAKE256 gives, as in dalek's
// bulletproofs. They are made when first needed and kept.
import { shake256 } from "@noble/hashes/sha3.js";
import { asciiBytes, assert } from "../../trusted/encoding/bytes.js";
import { BLINDING_BASE } from "../../trusted/sealing/commitment.js";
import { bytesOf } from "../../trusted/sealing/edwards.js";
import { type Group, type Points, UNIFORM_BYTES } from "../group/group.js";

/** Most parties of an aggregated proof. */
export const PARTIES_MAX = 16;
/** Most points of a vector. What is kept of a group is at most 2·16 vectors of this length. */
export const GENERATORS_MAX = 2 ** 16;

/** The points of one party. */
export interface Share {
  readonly g: Points;
  readonly h: Points;
}

/** An endless sequence of points, of which more are made as they are asked for. */
class Chain {
  private readonly group: Group;
  private readonly shake: ReturnType<typeof shake256.create>;
  private points: Points;

  constructor(group: Group, letter: string, party: number) {
    this.group = group;
    this.points = group.zero.slice(0, 0);
    this.shake = shake256.create({});
    this.shake.update(asciiBytes(`GeneratorsChain${letter}`)).update(bytesOf(BigInt(party)).subarray(0, 4));
  }

  take(count: number): Points {
    const missing = count - this.points.length;
    if (missing > 0) {
      const more = this.group.fromUniform(this.shake.xof(missing * UNIFORM_BYTES));
      this.points = this.group.concat([this.points, more]);
    }
    return this.points.slice(0, count);
  }
}

/** The generators of one group's backend. */
class Generators {
  /** B and B~. */
  readonly pedersen: Points;
  private readonly group: Group;
  private readonly chains: { readonly g: Chain; readonly h: Chain }[] = [];

  constructor(group: Group) {
    this.group = group;
    this.pedersen = group.concat([group.base, group.decode(BLINDING_BASE)]);
  }

  /**
   * The first points of a party's vectors.
   * @param party 0 to 15.
   * @param count at most 2^16.
   */
  share(party: number, count: number): Share {
    assert(party < PARTIES_MAX && count <= GENERATORS_MAX, "generators within their bounds");
    for (let next = this.chains.length; next <= party; next++) {
      this.chains.push({ g: new Chain(this.group, "G", next), h: new Chain(this.group, "H", next) });
    }
    const chains = this.chains[party];
    assert(chains !== undefined, "the party has its chains");
    return { g: chains.g.take(count), h: chains.h.take(count) };
  }
}

const made = new WeakMap<Group, Generators>();

/** The generators of a group; one set is kept for each. */
export function generatorsOf(group: Group): Generators {
  const known = made.get(group);
  if (known) return known;
  const generators = new Generators(group);
  made.set(group, generators);
  return generators;
}

/** value·B + blinding·B~, encoded; secrets in uniform time. Both in [0, l). */
export function pedersen(group: Group, value: bigint, blinding: bigint): Uint8Array {
  return group.encode(group.sumSecret([value, blinding], generatorsOf(group).pedersen));
}
