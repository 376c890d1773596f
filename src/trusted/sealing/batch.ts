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

/** The statement's payload bytes, which are signed and hashed into the chain. */
export function encodeStatement(statement: BatchStatement): Uint8Array {
  return map(
    [1, tstr(statement.meterId)],
    [2, int(statement.batchNumber)],
    [3, int(statement.epoch)],
    [4, int(statement.firstInterval)],
    [5, int(statement.intervalSeconds)],
    [6, int(statement.intervalCount)],
    [7, int(statement.channelCount)],
    [8, bstr(statement.merkleRoot)],
    [9, bstr(statement.previousBatchDigest)],
    [10, bstr(statement.softwareId)],
    [11, bstr(statement.eventDigest)],
    [12, int(statement.statusUnion)],
  );
}
