import { concatBytes, hexToBytes } from "@noble/hashes/utils.js";
import { describe, expect, it } from "vitest";
import {
  checkSums,
  commitmentAt,
  decodeShare,
  decodeShares,
  layoutOf,
  openingAt,
  type Share,
} from "../../src/aggregation/share.js";
import { decodeRoster } from "../../src/trusted/blinding/roster.js";
import { encodeShare } from "../../src/trusted/blinding/share.js";
import { FormatError } from "../../src/trusted/encoding/bytes.js";
import { bytesOf, L } from "../../src/trusted/sealing/edwards.js";
import { vector } from "../example.js";
import { cutOrExtended, flips, isRefused, nonCanonical, strictly, survivors } from "../mutants.js";

const { aggregation } = vector;
const message = hexToBytes(aggregation.messageOfFirst);
const layout = layoutOf(decodeRoster(hexToBytes(aggregation.three.rosterPayload)));
const openings = layout.openings as number;
const share = decodeShare(message);
const encode = ({ sums, ...names }: Share) => encodeShare(names, sums);

describe("a share message", () => {
  it("of the worked example is taken apart", () => {
    const { sums, ...names } = share;
    const { interval } = aggregation;
    expect(names).toEqual({ meterId: "SM-0001", interval, groupId: "street-1", rosterNumber: 1, status: 0 });
    expect(sums).toEqual(hexToBytes(aggregation.three.shares[0]?.share ?? ""));
    expect(encode(share)).toEqual(message);
    expect(() => checkSums(share, layout)).not.toThrow();
  });

  it("has one encoding only", () => {
    const mutants = [...cutOrExtended(message), ...nonCanonical(message)];
    expect(survivors(mutants, decodeShare)).toEqual([]);
    expect(survivors(flips(message), strictly(decodeShare, encode))).toEqual([]);
  });

  it("of another format, or with too few or too many sums, is refused", () => {
    const format = message.slice();
    format[1] = 2;
    expect(() => decodeShare(format)).toThrow("format 2");
    for (const length of [0, 7, 641]) {
      expect(() => decodeShare(encode({ ...share, sums: new Uint8Array(length) }))).toThrow(FormatError);
    }
    expect(decodeShare(encode({ ...share, sums: new Uint8Array(640) })).sums).toHaveLength(640);
  });

  it("of a sequence counts, up to the first that is malformed", () => {
    const taken: Share[] = [];
    const take = (bytes: Uint8Array) => {
      taken.length = 0;
      for (const one of decodeShares(bytes)) taken.push(one);
    };
    take(concatBytes(message, message));
    expect(taken).toEqual([share, share]);
    expect(isRefused(() => take(concatBytes(message, Uint8Array.of(0x80), message)))).toBe(true);
    expect(taken).toEqual([share]);
  });
});

describe("the sums of a share", () => {
  const altered = (alter: (sums: Uint8Array) => void) => {
    const sums = share.sums.slice();
    alter(sums);
    return () => checkSums({ ...share, sums }, layout);
  };

  it("have the length that the roster says", () => {
    expect(layout).toEqual({ channels: 2, squares: 16, openings: 32, length: 160 });
    const five = layoutOf(decodeRoster(hexToBytes(aggregation.fiveChannels.rosterPayload)));
    expect(five).toEqual({ channels: 5, squares: null, openings: null, length: 40 });
    for (const length of [159, 161, 40]) {
      const sums = new Uint8Array(length).fill(1);
      expect(() => checkSums({ ...share, sums }, layout)).toThrow(`${length} bytes of sums instead of 160`);
    }
  });

  it.each([0, 1])("have an opening below l in channel %i", (channel) => {
    const put = (value: bigint) => altered((sums) => sums.set(bytesOf(value), openingAt(openings, channel)));
    expect(put(L - 1n)).not.toThrow();
    expect(put(0n)).not.toThrow();
    expect(put(L)).toThrow(`opening of channel ${channel} is not canonical`);
    expect(put(2n ** 256n - 1n)).toThrow(FormatError);
  });

  it.each([0, 1])("have no commitment to nothing in channel %i", (channel) => {
    const at = commitmentAt(openings, channel);
    expect(altered((sums) => sums.fill(0, at, at + 32))).toThrow(
      `commitment of channel ${channel} is the identity`,
    );
    expect(altered((sums) => sums.fill(0, at, at + 31))).not.toThrow();
  });
});
