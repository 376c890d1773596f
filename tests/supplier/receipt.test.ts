import { expect, it } from "vitest";
import { decodeEvent } from "../../src/customer/messages.js";
import { receiptOf } from "../../src/supplier/receipt.js";
import { bstr, int } from "../../src/trusted/encoding/cbor.js";
import { digest } from "../../src/trusted/sealing/keys.js";
import { eventOf } from "../example.js";

const document = Uint8Array.of(1, 2, 3);
const naming = (type: number, bytes = document) => decodeEvent(eventOf(0, type, bstr(digest(bytes))));

it("an event that names the document says what became of it", () => {
  expect(receiptOf(document, [naming(8)])).toBe("accepted");
  expect(receiptOf(document, [naming(9)])).toBe("refused");
  expect(receiptOf(document, [naming(9), naming(8)])).toBe("refused");
});

it("events of other documents, of other types and counts say nothing of it", () => {
  const count = decodeEvent(eventOf(0, 9, int(3)));
  expect(receiptOf(document, [naming(8, Uint8Array.of(1)), naming(16), naming(7), count])).toBe("unanswered");
  expect(receiptOf(document, [])).toBe("unanswered");
});
