import { describe, expect, it } from "vitest";
import { nonceOf } from "../../src/meter/time-request.js";
import { FormatError } from "../../src/trusted/encoding/bytes.js";
import { array, bstr, int, tstr } from "../../src/trusted/encoding/cbor.js";

const nonce = new Uint8Array(16).fill(7);
const request = (format: number, meterId: string) => array(int(format), tstr(meterId), bstr(nonce));

describe("a request for the time", () => {
  it("has the nonce to be answered", () => {
    expect(nonceOf(request(1, "SM-0001"))).toEqual(nonce);
  });

  it.each([0, 2])("is no request in format %i", (format) => {
    expect(() => nonceOf(request(format, "SM-0001"))).toThrow(FormatError);
  });

  it.each([
    "sm-0001",
    "SM 0001",
    "",
    "../SM-0001",
  ])("of '%s' is of no meter: ids go into topics and paths", (id) => {
    expect(() => nonceOf(request(1, id))).toThrow(FormatError);
  });
});
