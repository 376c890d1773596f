// What a batch signature says: the statement over a gapless run of intervals within one UTC day, and the
// leaves under its Merkle root. The meter signs statements and sends no leaf: who knows the readings and
// their openings rebuilds them.
import { concatBytes } from "@noble/hashes/utils.js";
import { uintBytes } from "../encoding/bytes.js";
import { bstr, int, map, tstr } from "../encoding/cbor.js";

export const LEAF_BYTES = 38;

/** Leaf = u32be(interval) || u8(channel) || u8(status) || C. */
export function encodeLeaf(interval: number, channel: number, status: number, commitment: Uint8Array) {
  return concatBytes(uintBytes(interval, 4), uintBytes(channel, 1), uintBytes(status, 1), commitment);
}

export interface BatchStatement {
  readonly meterId: string;
  /** Rises by one a batch over the meter's life, u32. */
  readonly batchNumber: number;
  readonly epoch: number;
  readonly firstInterval: number;
  readonly intervalSeconds: number;
  readonly intervalCount: number;
  readonly channelCount: number;
  readonly merkleRoot: Uint8Array;
  /** H of the previous statement's bytes; zeros for batch 0. */
  readonly previousBatchDigest: Uint8Array;
  readonly softwareId: Uint8Array;
  /** The event chain's newest digest when the batch was sealed. */
  readonly eventDigest: Uint8Array;
  /** Bitwise or of all leaf statuses. */
  readonly statusUnion: number;
}

/** The statement's payload bytes, which are signed and hashed into the chain: its fields in order, from key 1. */
export function encodeStatement(statement: BatchStatement): Uint8Array {
  const { batchNumber, epoch, firstInterval, intervalSeconds, intervalCount, channelCount } = statement;
  const { merkleRoot, previousBatchDigest, softwareId, eventDigest } = statement;
  const fields = [
    tstr(statement.meterId),
    ...[batchNumber, epoch, firstInterval, intervalSeconds, intervalCount, channelCount].map(int),
    ...[merkleRoot, previousBatchDigest, softwareId, eventDigest].map(bstr),
    int(statement.statusUnion),
  ];
  return map(...fields.map((field, at) => [at + 1, field] as const));
}
