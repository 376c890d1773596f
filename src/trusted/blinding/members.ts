// The members of a roster, sixteen a page in the form of its digest, after the page's number and the first bytes of
// S. The pages of an accepted roster lie in the journal: after a restart the keys are derived from them again.
import { concatBytes } from "@noble/hashes/utils.js";
import { sameBytes, uintBytes } from "../encoding/bytes.js";
import { type Journal, RecordType } from "../journal/journal.js";
import type { Found, Place } from "../journal/sector-ring.js";
import type { Standing } from "./memory.js";
import type { Member } from "./roster.js";

const PAGE_MEMBERS = 16;
const HEAD_BYTES = 9;
const KEY_BYTES = 32;
/** Records looked at for a page: a restart may have put a sector of others before it. */
const RECORDS_MAX = 256;

const headOf = (page: number, S: Uint8Array) =>
  concatBytes(uintBytes(page, 1), S.subarray(0, HEAD_BYTES - 1));

/** Adds the member numbered `count` to a roster's pages. */
export function addMember(pages: Uint8Array[], S: Uint8Array, count: number, encoded: Uint8Array): void {
  const page = Math.floor(count / PAGE_MEMBERS);
  pages[page] = concatBytes(pages[page] ?? headOf(page, S), encoded);
}

/** Where the member after the one at `at` begins; its key is the 32 bytes before. */
const nextAt = (page: Uint8Array, at: number) => at + 1 + (page[at] as number) + KEY_BYTES;

/** Whether a member of a page has this key. In place: a meter has no room for 128 members as objects. */
export function hasKey(page: Uint8Array, X: Uint8Array): boolean {
  for (let at = HEAD_BYTES; at < page.length; ) {
    at = nextAt(page, at);
    if (sameBytes(page.subarray(at - KEY_BYTES, at), X)) return true;
  }
  return false;
}

/** Stores a roster's pages, of which there is at least one. @returns where the first lies. */
export function storePages(journal: Journal, rosterNumber: number, pages: readonly Uint8Array[]): Place {
  const places = pages.map((page) => journal.appendMembers(rosterNumber, page));
  return places[0] as Place;
}

/** The record of a roster's page, at or after a place; null if it is lost. */
function findPage({ log }: Journal, { rosterNumber, S }: Standing, page: number, from: Place): Found | null {
  const head = headOf(page, S);
  let found = log.find(from);
  for (let looked = 0; found && looked < RECORDS_MAX; looked++) {
    const isMine = found.type === RecordType.MEMBERS && found.number === rosterNumber;
    if (isMine && sameBytes(found.body.subarray(0, HEAD_BYTES), head)) return found;
    found = log.find(found.next);
  }
  return null;
}

/** Stores a roster's pages again at the log's end. @returns where they lie now; 0 if one is lost. */
export function copyPages(journal: Journal, standing: Standing): Place {
  const pages: Uint8Array[] = [];
  for (let from = standing.place; pages.length * PAGE_MEMBERS < standing.memberCount; ) {
    const found = findPage(journal, standing, pages.length, from);
    if (!found) return 0;
    pages.push(found.body);
    from = found.next;
  }
  return storePages(journal, standing.rosterNumber, pages);
}

/** A member of an accepted roster by its number; null if the journal has lost it. */
export function memberOf(journal: Journal, standing: Standing, member: number): Member | null {
  const page = findPage(journal, standing, Math.floor(member / PAGE_MEMBERS), standing.place)?.body;
  if (!page) return null;
  let at = HEAD_BYTES;
  for (let before = member % PAGE_MEMBERS; before > 0; before--) at = nextAt(page, at);
  const X = nextAt(page, at) - KEY_BYTES;
  const meterId = Array.from(page.subarray(at + 1, X), (code) => String.fromCharCode(code)).join("");
  return { meterId, X: page.slice(X, X + KEY_BYTES) };
}
