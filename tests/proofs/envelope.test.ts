import { describe, expect, it } from "vitest";
import { ViewReader } from "../../src/proofs/cbor-views.js";
import { openSign1 } from "../../src/proofs/envelope.js";
import { FormatError } from "../../src/trusted/encoding/bytes.js";
import { bstr, CborReader, int, map, tagged, tstr } from "../../src/trusted/encoding/cbor.js";
import { decodeSign1 } from "../../src/trusted/encoding/cose.js";
import { example } from "../example.js";
import { cutOrExtended, flips, nonCanonical } from "../mutants.js";

const MAX = 256;

/** What reading gives, or that it is refused. */
function outcome<T>(read: () => T): T | "refused" {
  try {
    return read();
  } catch (error) {
    if (error instanceof FormatError) return "refused";
    throw error;
  }
}

describe("an envelope read without copying", () => {
  const document = example.batches[0]?.document ?? new Uint8Array(0);

  it("is read and refused exactly as the trusted room does it", () => {
    const mutants = [...cutOrExtended(document), ...nonCanonical(document), ...flips(document)];
    for (const { what, bytes } of [{ what: "as it is", bytes: document }, ...mutants]) {
      const [ours, trusted] = [openSign1, decodeSign1].map((decode) =>
        outcome(() => decode(bytes, "batch-1", MAX)),
      );
      expect([what, ours]).toEqual([what, trusted]);
    }
    expect(outcome(() => openSign1(document, "certificate-1", MAX))).toBe("refused");
    expect(outcome(() => openSign1(document, "batch-1", 100))).toBe("refused");
  });

  it("gives views of the document", () => {
    const { payload, signature } = openSign1(document, "batch-1", MAX);
    expect([payload.buffer, signature.buffer]).toEqual([document.buffer, document.buffer]);
  });
});

describe("items read as views", () => {
  const integers = [0, 23, 24, 255, 256, 65_535, 65_536, 0xffffffff];

  it.each(integers)("take the integer %d in its shortest form only", (value) => {
    expect(new ViewReader(int(value), "test").uint(0xffffffff)).toBe(value);
    expect(() => new ViewReader(int(value), "test").uint(value - 1)).toThrow(FormatError);
    for (const { bytes } of nonCanonical(int(value))) {
      expect(() => new ViewReader(bytes, "test").uint(0xffffffff)).toThrow(FormatError);
    }
  });

  it.each([
    ["a negative integer", int(-1)],
    ["an integer of 8 bytes", int(2 ** 32)],
    ["a byte string", bstr(new Uint8Array(3))],
    ["a text", tstr("abc")],
    ["a map", map([1, int(1)])],
    ["a tag", tagged(18, int(1))],
    ["nothing", new Uint8Array(0)],
  ])("refuse %s where an array is expected, naming document and byte", (_, bytes) => {
    expect(() => new ViewReader(bytes, "test").array(0, 9)).toThrow(/^test: .* at byte [01]$/);
    expect(() => new CborReader(bytes, "test").array(0, 9)).toThrow(/^test: /);
  });

  it("refuse text of another pattern or too long, and bytes after the end", () => {
    const read = (max: number) => new ViewReader(tstr("AB-1"), "test").text(max, /^[A-Z0-9-]+$/);
    expect(read(4)).toBe("AB-1");
    expect(() => read(3)).toThrow("text of length 4 instead of 0 to 3");
    expect(() => new ViewReader(tstr("ab"), "test").text(4, /^[A-Z]+$/)).toThrow("another pattern");
    expect(() => new ViewReader(int(1), "test").end()).toThrow("test: trailing bytes at byte 0");
  });
});
