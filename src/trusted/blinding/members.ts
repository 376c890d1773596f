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
/** Records looked at for a page: a restart may have put a sector of others before it. */
const RECORDS_MAX = 256;

const headOf = (page: number, S: Uint8Array) =>
  concatBytes(uintBytes(page, 1), S.subarray(0, HEAD_BYTES - 1));

/** Adds the member numbered `count` to a roster's pages. */
export function addMember(pages: Uint8Array[], S: Uint8Array, count: number, encoded: Uint8Array): void {
  const page = Math.floor(count / PAGE_MEMBERS);
  pages[page] = concatBytes(pages[page] ?? headOf(page, S), encoded);
}

/** The members of a page. */
export function membersOf(page: Uint8Array): Member[] {
  const members: Member[] = [];
  for (let at = HEAD_BYTES; at < page.length; ) {
    const end = at + 1 + (page[at] as number);
    const meterId = Array.from(page.subarray(at + 1, end), (code) => String.fromCharCode(code)).join("");
    at = end + 32;
    members.push({ meterId, X: page.slice(end, at) });
  }
  return members;
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
  const page = Math.floor(member / PAGE_MEMBERS);
  const found = findPage(journal, standing, page, standing.place);
  return found && (membersOf(found.body)[member % PAGE_MEMBERS] as Member);
}
