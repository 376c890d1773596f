// The files of a board on the bench (docs/protocol.md, "Files of a bench"): what the parties hold, in the layout
// of `simulate`, and board.cbor, which is the board. That one file is replaced whole and is all that counts; what
// the board has sent lies beside it as everyone else gets it, and is written after it each time.
import { join } from "node:path";
import { Bench } from "../host-sim/bench.js";
import { buildImage } from "../host-sim/image.js";
import type { Enrolment, Parties } from "../host-sim/parties.js";
import { decodeBoard, encodeBoard, requireSoftware, type StoredBoard } from "../host-sim/stored-board.js";
import type { PairedKeys } from "../src/customer/check.js";
import { decodePairing } from "../src/customer/messages.js";
import { verifyCertificate } from "../src/proofs/certificate.js";
import { verifySigned } from "../src/proofs/signed.js";
import { decodeRegisterStatement } from "../src/supplier/register-statement.js";
import type { Certificate } from "../src/trusted/authority/certificate.js";
import { agree } from "../src/trusted/authority/pairing.js";
import { sameBytes } from "../src/trusted/encoding/bytes.js";
import { decodeSign1 } from "../src/trusted/encoding/cose.js";
import type { Image } from "../src/trusted/ports.js";
import { bytesOf } from "../src/trusted/sealing/edwards.js";
import { customerKey, digest } from "../src/trusted/sealing/keys.js";
import {
  FileMode,
  inFile,
  makeFolder,
  readFile,
  readHexKey,
  toHex,
  UsageError,
  writeFile,
} from "./command-line.js";
import { createDirectory, encodeCustomer, writeFlash, writeMeter } from "./meter-directory.js";

const BOARD = "board.cbor";
const SIGNERS = ["authority", "supplier", "network", "aggregator"] as const;
const DOCUMENT_BYTES_MAX = 512;

/** A board as it lies on the bench, and what else powering it up takes. */
export interface OpenBench {
  readonly board: StoredBoard;
  readonly image: Image;
  /** Ed25519 seed of the operator that answers its requests for the time. */
  readonly networkSeed: Uint8Array;
  readonly certificate: Certificate;
  /** H of the board's file, to notice when somebody else has used the board meanwhile. */
  readonly digest: Uint8Array;
}

/** What the customer holds from the first pairing. */
function customerOf({ customer }: Parties, { pairing, signingKey }: Enrolment): PairedKeys {
  const { secret, user } = customer;
  const payload = verifySigned("pairing-1", pairing, signingKey, DOCUMENT_BYTES_MAX);
  const { meterId, epoch, ephemeral } = decodePairing(payload);
  const K = customerKey(agree(secret, ephemeral), { meterId, epoch, user, ephemeral });
  return { meterId, epoch, K, user, userSecret: bytesOf(secret) };
}

/**
 * Writes a board that was just enrolled, and what the parties hold, into a new folder: whole or not at all.
 * @throws UsageError when the folder exists and is not empty, or cannot be written.
 */
export function writeBench(
  directory: string,
  board: StoredBoard,
  { parties, enrolment }: { readonly parties: Parties; readonly enrolment: Enrolment },
): void {
  const { certificate, pairing } = enrolment;
  const nothing = new Uint8Array(0);
  const record = { certificate, pairings: [pairing], batches: [], readings: nothing, events: nothing };
  createDirectory(directory, (partial) => {
    for (const name of SIGNERS) {
      const { seed, publicKey } = parties[name];
      writeFile(join(partial, `${name}.key`), `${toHex(seed)}\n`, FileMode.SECRET);
      writeFile(join(partial, `${name}.pub`), `${toHex(publicKey)}\n`);
    }
    const customer = encodeCustomer(customerOf(parties, enrolment));
    writeFile(join(partial, "customer", `${board.meterId}.json`), customer, FileMode.SECRET);
    writeFile(join(partial, BOARD), encodeBoard(board), FileMode.SECRET);
    writeMeter(partial, board.meterId, record);
    writeFlash(partial, board.meterId, board.cells);
    makeFolder(join(partial, board.meterId, "batches"));
  });
}

/**
 * Reads a board and what powering it up takes.
 * @throws UsageError when the folder is none of `provision`: the first file that is missing is named.
 *   FormatError for a malformed file, or a board of other software.
 */
export function openBench(directory: string): OpenBench {
  const path = join(directory, BOARD);
  const bytes = readFile(path);
  const board = inFile(path, () => decodeBoard(bytes));
  const authorityKey = readHexKey(join(directory, "authority.pub"));
  const networkSeed = readHexKey(join(directory, "network.key"));
  const image = buildImage(authorityKey);
  inFile(path, () => requireSoftware(board, image.softwareId));
  const certificatePath = join(directory, board.meterId, "certificate.cbor");
  const certificate = inFile(certificatePath, () =>
    verifyCertificate(readFile(certificatePath, DOCUMENT_BYTES_MAX), authorityKey),
  );
  const channels = board.loads.map(({ channel }) => channel).join(" ");
  if (channels !== certificate.channels.join(" "))
    throw new UsageError(`${path}: the board's channels are not those of its certificate`);
  return { board, image, networkSeed, certificate, digest: digest(bytes) };
}

/** The board at rest, its clock confirmed. @throws FormatError naming its file when it does not start. */
export const powerUpBench = (directory: string, { board, image, networkSeed }: OpenBench): Bench =>
  inFile(join(directory, BOARD), () => Bench.powerUp(board, image, networkSeed));

/**
 * Pulls the board's plug and stores it, and after it what it has sent.
 * @throws UsageError when another command has used the board since it was opened, or it cannot be written: it
 *   then lies there as before.
 */
export function storeBench(directory: string, opened: OpenBench, bench: Bench): void {
  const path = join(directory, BOARD);
  const board = bench.store();
  if (!sameBytes(digest(readFile(path)), opened.digest))
    throw new UsageError(`${path}: another command has used the board meanwhile; nothing is stored`);
  writeFile(path, encodeBoard(board), FileMode.SECRET);
  const { headEnd } = bench;
  const record = {
    certificate: readFile(join(directory, board.meterId, "certificate.cbor"), DOCUMENT_BYTES_MAX),
    batches: headEnd.messages("batch"),
    readings: headEnd.sequence("reading"),
    events: headEnd.sequence("event"),
    pairings: headEnd.messages("pairing"),
  };
  writeMeter(directory, board.meterId, record);
  writeFlash(directory, board.meterId, board.cells);
  for (const { topic, message } of board.received) {
    if (topic === "register") writeFile(join(directory, board.meterId, registerName(message)), message);
  }
}

function registerName(document: Uint8Array): string {
  const { payload } = decodeSign1(document, "register-1", DOCUMENT_BYTES_MAX);
  return `register-${`${decodeRegisterStatement(payload).interval}`.padStart(10, "0")}.cbor`;
}
