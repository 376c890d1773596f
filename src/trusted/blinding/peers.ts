// The keys of a standing roster's pairs, in RAM only: one Diffie-Hellman a step after a restart or when a roster
// comes into use, and of the roster or repair in hand the keys that its masks are made with.
import type { Journal } from "../journal/journal.js";
import { memberOf } from "./members.js";
import type { Standing } from "./memory.js";
import { pairKey, rosterKey } from "./pair-keys.js";
import type { Member } from "./roster.js";

const KEY_BYTES = 32;
const keyAt = (keys: Uint8Array, member: number) =>
  keys.subarray(KEY_BYTES * member, KEY_BYTES * (member + 1));

export class PeerKeys {
  readonly standing: Standing;
  /** How many members were paired with, of all and in their order. */
  paired = 0;
  /** Kab by member. */
  readonly #pairs: Uint8Array;
  /** Kr by member, of the roster with digest #S, where it is known. */
  readonly #keys: Uint8Array;
  readonly #known: Uint8Array;
  #S: Uint8Array | null = null;

  constructor(standing: Standing) {
    this.standing = standing;
    this.#pairs = new Uint8Array(KEY_BYTES * standing.memberCount);
    this.#keys = new Uint8Array(KEY_BYTES * standing.memberCount);
    this.#known = new Uint8Array(standing.memberCount);
  }

  /**
   * Pairs with the next member.
   * @param agreement x, the unit's own scalar.
   * @returns false if the journal has lost it.
   */
  pairNext(journal: Journal, self: Member, agreement: bigint): boolean {
    const { own, groupId } = this.standing;
    const member = memberOf(journal, this.standing, this.paired);
    if (!member) return false;
    if (this.paired !== own) {
      keyAt(this.#pairs, this.paired).set(pairKey(agreement, self, member, groupId));
    }
    this.paired++;
    return true;
  }

  /** Kr of the pair with a member, in the roster with digest S. */
  keyOf(member: number, S: Uint8Array): Uint8Array {
    if (this.#S !== S) this.#known.fill(0);
    this.#S = S;
    const key = keyAt(this.#keys, member);
    if (this.#known[member] === 0) key.set(rosterKey(keyAt(this.#pairs, member), S));
    this.#known[member] = 1;
    return key;
  }
}
