// One reading proved to anyone: the customer opens its commitment and shows the way from its leaf to the root
// that the meter has signed. Who checks it needs the authority's public key and nothing else, and learns
// nothing of the other readings. It is the customer's to give and cannot be taken back.
import { ed25519 } from "@noble/curves/ed25519.js";
import { bytesToNumberLE } from "@noble/curves/utils.js";
import { assert, sameBytes } from "../trusted/encoding/bytes.js";
import { array, bstr, CborReader, int, map } from "../trusted/encoding/cbor.js";
import { intervalStart_s } from "../trusted/metrology/interval.js";
import { encodeLeaf, LEAF_BYTES } from "../trusted/sealing/batch.js";
import { READING_MAX } from "../trusted/sealing/commitment.js";
import { bytesOf } from "../trusted/sealing/edwards.js";
import { LEAVES_MAX, leafHash, nodeHash } from "../trusted/sealing/merkle.js";
import { parseLeaves, type SignedBatch, verifyStatement } from "./batch.js";
import { type Revocation, verifyCertificate } from "./certificate.js";
import { BASE, BLINDING } from "./generators.js";
import { ensure } from "./signed.js";

const HASH_BYTES = 32;
/** Siblings between a leaf and the root of at most 768 leaves. */
const PATH_MAX = 10;
/** Largest signed document within, bytes: a certificate has at most 440, a batch 330. */
const DOCUMENT_BYTES_MAX = 512;

export interface DisclosedReading {
  /** COSE_Sign1 of the meter's certificate and of the batch. */
  readonly certificate: Uint8Array;
  readonly batch: Uint8Array;
  /** Place of the leaf in its batch, from 0. */
  readonly leafIndex: number;
  /** Quality flags of the interval. */
  readonly status: number;
  /** Wh (or varh, dm3, as the OBIS code says), u32. */
  readonly reading: number;
  /** t, below l. */
  readonly opening: bigint;
  /** Siblings from the leaf to the root, 32 bytes each (RFC 9162 section 2.1.3.1). */
  readonly path: readonly Uint8Array[];
}

/** What a disclosed reading proves. */
export interface ProvenReading {
  readonly meterId: string;
  /** OBIS code of the channel. */
  readonly obis: string;
  readonly interval: number;
  /** When the interval began, Unix seconds, and how long it was. */
  readonly start_s: number;
  readonly intervalSeconds: number;
  /** Wh (or varh, dm3, as the OBIS code says). */
  readonly reading: number;
  /** Quality flags of the interval. */
  readonly status: number;
  /** The batch that seals it: whether the meter has signed another of its number, only a ledger can tell. */
  readonly batch: SignedBatch;
}

/**
 * The siblings from leaf `index` to the root (RFC 9162 section 2.1.3.1): a last node without a sibling moves
 * up unchanged. Asserts that the leaf exists.
 * @param leaves 38 bytes each, concatenated. @throws FormatError unless there are 1 to 768 whole ones.
 */
export function inclusionPath(leaves: Uint8Array, index: number): Uint8Array[] {
  let nodes: Uint8Array[] = parseLeaves(leaves).map((_, at) =>
    leafHash(leaves.subarray(at * LEAF_BYTES, (at + 1) * LEAF_BYTES)),
  );
  assert(Number.isInteger(index) && index >= 0 && index < nodes.length, "leaf is in the batch");
  const path: Uint8Array[] = [];
  for (let place = index; nodes.length > 1; place >>= 1) {
    const sibling = nodes[place ^ 1];
    if (sibling) path.push(sibling);
    nodes = parentsOf(nodes);
  }
  return path;
}

function parentsOf(nodes: readonly Uint8Array[]): Uint8Array[] {
  const parents: Uint8Array[] = [];
  nodes.forEach((node, at) => {
    const right = nodes[at + 1];
    if (at % 2 === 0) parents.push(right ? nodeHash(node, right) : node);
  });
  return parents;
}

/**
 * The root that a leaf and its siblings give (RFC 9162 section 2.1.3.2), or null if the path has not the one
 * length that leaf `index` of `size` leaves has.
 */
export function rootOfPath(
  leaf: Uint8Array,
  index: number,
  size: number,
  path: readonly Uint8Array[],
): Uint8Array | null {
  let node = leafHash(leaf);
  let used = 0;
  for (let place = index, last = size - 1; last > 0; place >>= 1, last >>= 1) {
    if (place % 2 === 0 && place === last) continue;
    const sibling = path[used++];
    if (!sibling) return null;
    node = place % 2 === 1 ? nodeHash(sibling, node) : nodeHash(node, sibling);
  }
  return used === path.length ? node : null;
}

/**
 * Opens one reading of a batch; the result is a document for anyone.
 * @param source.leaves all leaves of the batch, 38 bytes each, concatenated.
 * @throws FormatError unless there are 1 to 768 whole leaves. Whether the reading is the sealed one is not
 *   checked here: `verifyDisclosedReading` tells.
 */
export function makeDisclosedReading(source: {
  readonly certificate: Uint8Array;
  readonly batch: Uint8Array;
  readonly leaves: Uint8Array;
  readonly leafIndex: number;
  readonly reading: number;
  readonly opening: bigint;
}): Uint8Array {
  const { leaves, ...opened } = source;
  const path = inclusionPath(leaves, opened.leafIndex);
  const status = parseLeaves(leaves)[opened.leafIndex]?.status ?? 0;
  return encodeDisclosedReading({ ...opened, status, path });
}

export function encodeDisclosedReading(disclosed: DisclosedReading): Uint8Array {
  return map(
    [1, bstr(disclosed.certificate)],
    [2, bstr(disclosed.batch)],
    [3, int(disclosed.leafIndex)],
    [4, int(disclosed.status)],
    [5, int(disclosed.reading)],
    [6, bstr(bytesOf(disclosed.opening))],
    [7, array(...disclosed.path.map(bstr))],
  );
}

/** @throws FormatError for malformed bytes, a value out of its range, or an opening that is not below l. */
export function decodeDisclosedReading(bytes: Uint8Array): DisclosedReading {
  const reader = new CborReader(bytes, "disclosed reading");
  reader.map(7);
  const disclosed = {
    certificate: reader.key(1).bytes(1, DOCUMENT_BYTES_MAX),
    batch: reader.key(2).bytes(1, DOCUMENT_BYTES_MAX),
    leafIndex: reader.key(3).uint(LEAVES_MAX - 1),
    status: reader.key(4).uint(0xff),
    reading: reader.key(5).uint(READING_MAX),
    opening: bytesToNumberLE(reader.key(6).bytes(32)),
    path: Array.from({ length: reader.key(7).array(0, PATH_MAX) }, () => reader.bytes(HASH_BYTES)),
  };
  reader.end();
  if (disclosed.opening >= ed25519.Point.Fn.ORDER) reader.refuse("opening is not below the group order");
  return disclosed;
}

/**
 * Verifies a disclosed reading: certificate and batch as ever, then that the reading and its opening give the
 * commitment of a leaf under the signed root.
 * @param authorityKey Ed25519 public key, 32 bytes.
 * @param revocation the newest that the verifier has, as `verifyRevocation` returned it.
 * @throws FormatError for malformed bytes, VerificationError with the reason.
 */
export function verifyDisclosedReading(
  bytes: Uint8Array,
  authorityKey: Uint8Array,
  revocation: Revocation | null = null,
): ProvenReading {
  const { leafIndex, status, reading, opening, path, ...documents } = decodeDisclosedReading(bytes);
  const certificate = verifyCertificate(documents.certificate, authorityKey);
  const batch = verifyStatement(documents.batch, { certificate, revocation });
  const { meterId, channelCount, intervalCount, firstInterval, intervalSeconds } = batch.statement;
  const name = `reading ${leafIndex} of batch ${batch.statement.batchNumber} of ${meterId}`;
  const size = channelCount * intervalCount;
  ensure(leafIndex < size, `${name}: the batch has ${size} leaves`);
  const interval = firstInterval + Math.floor(leafIndex / channelCount);
  const channel = leafIndex % channelCount;
  const commitment = BASE.multiplyUnsafe(BigInt(reading)).add(BLINDING.multiplyUnsafe(opening)).toBytes();
  const root = rootOfPath(encodeLeaf(interval, channel, status, commitment), leafIndex, size, path);
  ensure(root !== null, `${name}: the path has ${path.length} nodes`);
  ensure(sameBytes(root, batch.statement.merkleRoot), `${name}: not what the meter has sealed`);
  ensure(
    (status & ~batch.statement.statusUnion) === 0,
    `${name}: a status flag that its batch does not state`,
  );
  const obis = certificate.channels[channel] ?? "";
  const start_s = intervalStart_s(interval, intervalSeconds);
  return { meterId, obis, interval, start_s, intervalSeconds, reading, status, batch };
}
