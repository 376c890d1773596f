// Signed commands to a meter. Roles come from the trust anchor whose key verifies, counters are kept per
// anchor, and a command takes effect once or not at all. So far the unit knows the answer to its own request for
// the time, which its nonce makes unique; other kinds are refused.

import { sameBytes } from "../encoding/bytes.js";
import { CborReader } from "../encoding/cbor.js";
import { decodeSign1, type Sign1 } from "../encoding/cose.js";
import type { FixedBaseTable } from "../sealing/fixed-base.js";
import { keyId, verifyDocument } from "../sealing/signature.js";
import { type Configuration, readMeterId } from "./configuration.js";

/** Largest signed document that a unit takes, bytes. */
export const DOCUMENT_BYTES_MAX = 512;
export const NONCE_BYTES = 16;

export type Role = "authority" | "supplier" | "network" | "aggregator";

export const CommandKind = { TIME: 1 } as const;

export interface Command {
  readonly meterId: string;
  readonly kind: number;
  /** Arguments of kind 1: the meter's nonce, and Unix time at which it was answered. */
  readonly nonce: Uint8Array;
  readonly unix_s: number;
}

/** Which of the unit's anchors a document claims to be signed by: a hint, to be verified. */
export function claimedRole(document: Sign1, authorityKey: Uint8Array, anchors: Configuration): Role | null {
  const keys = { authority: authorityKey, ...anchors };
  const roles: readonly Role[] = ["authority", "supplier", "network", "aggregator"];
  return roles.find((role) => sameBytes(document.kid, keyId(keys[role]))) ?? null;
}

/** @throws FormatError for bytes that are not a command's envelope. */
export const decodeEnvelope = (bytes: Uint8Array) => decodeSign1(bytes, "command-1", DOCUMENT_BYTES_MAX);

/** @param base the table of B. */
export const isSignedBy = (document: Sign1, key: Uint8Array, base: FixedBaseTable) =>
  verifyDocument("command-1", document, key, base);

/**
 * Takes the payload of a verified command apart.
 * @throws FormatError for a malformed command, or a kind that this software does not know.
 */
export function decodeCommand(payload: Uint8Array): Command {
  const reader = new CborReader(payload, "command");
  reader.map(5);
  const meterId = readMeterId(reader.key(1));
  if (reader.key(2).uint(0xffffffff) !== 0) reader.refuse("a time answer has counter 0");
  if (!reader.key(3).nil()) reader.refuse("a time answer has no notAfter");
  const kind = reader.key(4).uint(255);
  if (kind !== CommandKind.TIME) reader.refuse(`unknown kind ${kind}`);
  reader.key(5).array(2);
  const command = { meterId, kind, nonce: reader.bytes(NONCE_BYTES), unix_s: reader.uint(0xffffffff) };
  reader.end();
  return command;
}
