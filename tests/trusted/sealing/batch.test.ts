import { bytesToHex, hexToBytes } from "@noble/hashes/utils.js";
import { describe, expect, it } from "vitest";
import { encodeLeaf, encodeStatement, LEAF_BYTES } from "../../../src/trusted/sealing/batch.js";
import { digest } from "../../../src/trusted/sealing/keys.js";
import example from "../../vectors/sealmeter-example.json" with { type: "json" };

describe("what a batch signature says", () => {
  it("is over the leaves of the worked example", () => {
    const leaves = example.readings.flatMap(({ interval, status, channels }) =>
      channels.map(({ channel, commitment }) =>
        encodeLeaf(interval, channel, status, hexToBytes(commitment)),
      ),
    );
    expect(leaves.map((leaf) => bytesToHex(leaf))).toEqual(example.leaves);
    expect(leaves.every(({ length }) => length === LEAF_BYTES)).toBe(true);
  });

  it("is the statement of the worked example, which the next one chains to", () => {
    const first = {
      meterId: example.meterId,
      batchNumber: 0,
      epoch: example.epoch,
      firstInterval: 727488,
      intervalSeconds: example.intervalSeconds,
      intervalCount: 3,
      channelCount: 2,
      merkleRoot: hexToBytes(example.merkleRoot),
      previousBatchDigest: new Uint8Array(32),
      softwareId: hexToBytes(example.softwareId),
      eventDigest: hexToBytes(example.eventDigest),
      statusUnion: 16,
    };
    expect(bytesToHex(encodeStatement(first))).toBe(example.batchStatement);
    expect(bytesToHex(digest(encodeStatement(first)))).toBe(example.batchDigest);
    const second = {
      ...first,
      batchNumber: 1,
      firstInterval: 727536,
      intervalCount: 1,
      merkleRoot: hexToBytes(example.second.merkleRoot),
      previousBatchDigest: hexToBytes(example.batchDigest),
      eventDigest: hexToBytes(example.second.eventDigest),
      statusUnion: 2,
    };
    expect(bytesToHex(encodeStatement(second))).toBe(example.second.batchStatement);
  });
});
