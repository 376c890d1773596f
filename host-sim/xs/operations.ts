// What the unit's single operations cost on an engine, one after the other, with results checked: the figures
// behind the budgets (docs/performance.md). Each is done once before it is measured, so that what is made at
// the first use does not count; three times are measured, and the dearest counts, garbage collection included.
import { sha256, sha512 } from "@noble/hashes/sha2.js";
import { agree } from "../../src/trusted/authority/pairing.js";
import { assert, sameBytes } from "../../src/trusted/encoding/bytes.js";
import { BLINDING_BASE, CommitmentKey } from "../../src/trusted/sealing/commitment.js";
import { bytesOf } from "../../src/trusted/sealing/edwards.js";
import { encodeRistretto } from "../../src/trusted/sealing/encodings.js";
import { prf, ReadingKeys, scalarFrom } from "../../src/trusted/sealing/keys.js";
import { SELF_TESTS } from "../../src/trusted/sealing/self-test.js";
import { SigningKey, verify } from "../../src/trusted/sealing/signature.js";
import { readInput } from "./natives.js";

const REPEATS = 3;
/** A batch statement with its COSE context is about this long, bytes. */
const STATEMENT_BYTES = 250;

const pattern = (length: number, first: number) =>
  Uint8Array.from({ length }, (_, at) => (first + 7 * at) & 255);

const key = new CommitmentKey(readInput().image);
const signer = new SigningKey(pattern(32, 1), key.base);
const message = pattern(STATEMENT_BYTES, 3);
const signature = signer.sign(message);
const day = new ReadingKeys(pattern(32, 5));
const secret = scalarFrom(pattern(64, 9));
const peer = encodeRistretto(key.base.multiply(bytesOf(scalarFrom(pattern(64, 11)))));

interface Cost {
  instructions: number;
  computrons: number;
}

const operations: readonly (readonly [name: string, work: () => unknown])[] = [
  ["SHA-256 of 64 B", () => sha256(message.subarray(0, 64))],
  ["SHA-512 of 64 B", () => sha512(message.subarray(0, 64))],
  ["HMAC-SHA-256", () => prf(message.subarray(0, 32), message.subarray(0, 10))],
  ["opening and pad", () => day.of(1, 1_455_020)],
  ["Pedersen commitment", () => key.commit(196, secret)],
  [
    "commit one reading",
    () => {
      const { opening } = day.of(1, 1_455_020);
      return key.commit(196, opening);
    },
  ],
  ["multiply a fixed base", () => key.blinding.multiply(bytesOf(secret))],
  ["Ed25519 sign", () => signer.sign(message)],
  ["Ed25519 verify", () => assert(verify(signature, message, signer.publicKey, key.base), "it verifies")],
  ["ristretto255 DH", () => agree(secret, peer)],
];

function measure(work: () => unknown): Cost {
  const cost = { instructions: 0, computrons: 0 };
  work();
  for (let at = 0; at < REPEATS; at++) {
    const [instructions, computrons] = [board.instructions(), board.computrons()];
    work();
    cost.instructions = Math.max(cost.instructions, board.instructions() - instructions);
    cost.computrons = Math.max(cost.computrons, board.computrons() - computrons);
  }
  return cost;
}

assert(sameBytes(key.commit(0, 1n), BLINDING_BASE), "the table of B~ is that of B~");
assert(
  SELF_TESTS.every((test) => test(key)),
  "the self-test passes",
);
const costs = operations.map(([name, work]) => [name, measure(work)]);
board.print(JSON.stringify({ ...Object.fromEntries(costs), heap: board.heap(), live: board.collect() }));
