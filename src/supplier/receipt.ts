// What became of a command, from what the meter sent after it. An event is the receipt: it names the document by
// its digest. Whoever must prove it waits for the batch whose event digest covers the event.
import type { EventMessage } from "../customer/messages.js";
import { sameBytes } from "../trusted/encoding/bytes.js";
import { digest } from "../trusted/sealing/keys.js";

/** Event types whose detail is H of the whole document (docs/protocol.md). */
const ACCEPTED = 8;
const REFUSED = 9;

/**
 * Accepted: obeyed, once, and its counter is used. Refused: authentic, but not of a sender, counter and time
 * that count; its counter is not used. Unanswered: nothing was said of it. That is so of what no party's key
 * has signed, which a meter only counts, and beyond the eighth event of a type in one day.
 */
export type Receipt = "accepted" | "refused" | "unanswered";

/** @param events those sent since the document was, in order: the first that names it counts. */
export function receiptOf(document: Uint8Array, events: readonly EventMessage[]): Receipt {
  const name = digest(document);
  const answer = events.find(
    ({ type, detail }) =>
      (type === ACCEPTED || type === REFUSED) && detail instanceof Uint8Array && sameBytes(detail, name),
  );
  if (!answer) return "unanswered";
  return answer.type === ACCEPTED ? "accepted" : "refused";
}
