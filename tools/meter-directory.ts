// The files of a simulated meter, the same bytes as on the wire (docs/protocol.md, "Files"):
//   DIR/authority.pub  supplier.key  supplier.pub  customer/<meterId>.json
//   DIR/<meterId>/certificate.cbor  certificate-00001.cbor ...  batches/000000.cbor ...  readings.cbor  events.cbor
//                 pairing-00000.cbor ...  shares.cbor  flash.bin
import { existsSync, readdirSync, renameSync, rmdirSync, rmSync, statSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import {
  type CheckedMeter,
  type CustomerKeys,
  checkMeter,
  type MeterRecord,
  type PairedKeys,
} from "../src/customer/check.js";
import { decodeEvents, decodePairing, decodeReadings } from "../src/customer/messages.js";
import { decodeStatement } from "../src/proofs/batch.js";
import { decodeCertificate, verifyCertificate } from "../src/proofs/certificate.js";
import { Role } from "../src/trusted/authority/certificate.js";
import { METER_ID } from "../src/trusted/authority/configuration.js";
import { decodeSign1 } from "../src/trusted/encoding/cose.js";
import {
  fromHex,
  inFile,
  makeFolder,
  progressBar,
  readFile,
  readHexKey,
  readJson,
  systemReason,
  toHex,
  UsageError,
  uninterrupted,
  writeFile,
} from "./command-line.js";

/** Batches or pairings of a meter that are read, at most. */
const DOCUMENTS_MAX = 20_000;
export const BATCH_NAME = /^\d{6,10}\.cbor$/;
export const RENEWAL_NAME = /^certificate-\d{5}\.cbor$/;
const PAIRING_NAME = /^pairing-\d{5}\.cbor$/;

/** Writes what a meter has sent into a folder of its own. */
export function writeMeter(directory: string, meterId: string, files: MeterRecord): void {
  const meter = join(directory, meterId);
  writeFile(join(meter, "certificate.cbor"), files.certificate);
  for (const [at, renewal] of (files.renewals ?? []).entries()) {
    writeFile(join(meter, `certificate-${`${at + 1}`.padStart(5, "0")}.cbor`), renewal);
  }
  for (const [at, batch] of files.batches.entries()) {
    writeFile(join(meter, "batches", `${`${at}`.padStart(6, "0")}.cbor`), batch);
  }
  writeFile(join(meter, "readings.cbor"), files.readings);
  writeFile(join(meter, "events.cbor"), files.events);
  for (const [at, pairing] of files.pairings.entries()) {
    writeFile(join(meter, `pairing-${`${at}`.padStart(5, "0")}.cbor`), pairing);
  }
}

/** Writes what lies in a meter's flash beside what it has sent. */
export const writeFlash = (directory: string, meterId: string, flash: Uint8Array) =>
  writeFile(join(directory, meterId, "flash.bin"), flash);

/** Largest certificate, batch or pairing, bytes, with room for what is no such document. */
const DOCUMENT_BYTES_MAX = 4096;

/**
 * Reads a meter's folder, and takes every file apart once: nothing is verified, but what is malformed is told
 * with the name of its file, which nobody knows later.
 * @throws UsageError when METERDIR is none: the first file that is missing is named. FormatError for
 *   malformed files.
 */
export function readMeter(directory: string): MeterRecord {
  return {
    certificate: readFile(join(directory, "certificate.cbor"), DOCUMENT_BYTES_MAX),
    renewals: readDocuments(directory, RENEWAL_NAME, (document) =>
      decodeCertificate(decodeSign1(document, "certificate-1", DOCUMENT_BYTES_MAX).payload),
    ),
    batches: readDocuments(join(directory, "batches"), BATCH_NAME, (document) =>
      decodeStatement(decodeSign1(document, "batch-1", DOCUMENT_BYTES_MAX).payload),
    ),
    readings: readSequence(join(directory, "readings.cbor"), decodeReadings),
    events: readSequence(join(directory, "events.cbor"), decodeEvents),
    pairings: readDocuments(directory, PAIRING_NAME, (document) =>
      decodePairing(decodeSign1(document, "pairing-1", DOCUMENT_BYTES_MAX).payload),
    ),
  };
}

function readSequence(path: string, decode: (bytes: Uint8Array) => unknown): Uint8Array {
  const bytes = readFile(path);
  inFile(path, () => decode(bytes));
  return bytes;
}

/** The documents of a folder whose names fit, by name; `decode` throws FormatError for one that is malformed. */
export function readDocuments(
  directory: string,
  name: RegExp,
  decode: (document: Uint8Array) => unknown,
): Uint8Array[] {
  const names = namesIn(directory)
    .filter((entry) => name.test(entry))
    .sort();
  if (names.length > DOCUMENTS_MAX)
    throw new UsageError(`${directory}: more than ${DOCUMENTS_MAX} documents`);
  return names.map((entry) => {
    const path = join(directory, entry);
    const document = readFile(path, DOCUMENT_BYTES_MAX);
    inFile(path, () => decode(document));
    return document;
  });
}

/** What lies in a folder. @throws UsageError when it is none, or cannot be read. */
export function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch (error) {
    throw new UsageError(`${directory}: is no folder that can be read (${systemReason(error)})`);
  }
}

/** How a feeder's operator, who keeps its K, says that the meter is no household's. */
const FEEDER = "feeder";

export function encodeCustomer(keys: PairedKeys): string {
  const { meterId, epoch, K, user, userSecret, role } = keys;
  const fields = {
    meterId,
    ...(role === Role.FEEDER && { role: FEEDER }),
    epoch,
    K: toHex(K),
    U: toHex(user),
    u: toHex(userSecret),
  };
  return `${JSON.stringify(fields, null, 2)}\n`;
}

/** Reads a customer's file; role, U and u may be missing. @throws UsageError naming the field that is wrong. */
export function readCustomer(path: string): CustomerKeys {
  const parsed = readJson(path);
  const fields: Record<string, unknown> = typeof parsed === "object" && parsed !== null ? { ...parsed } : {};
  const { meterId, epoch, role } = fields;
  if (typeof meterId !== "string" || !METER_ID.test(meterId))
    throw new UsageError(`${path}: "meterId" is no meter id`);
  if (typeof epoch !== "number" || !Number.isInteger(epoch) || epoch < 0 || epoch > 0xffff) {
    throw new UsageError(`${path}: "epoch" is no number from 0 to 65535`);
  }
  if (role !== undefined && role !== FEEDER) throw new UsageError(`${path}: "role" is not "${FEEDER}"`);
  const key = (name: string) => {
    const text = fields[name];
    if (typeof text !== "string" || !/^[0-9a-f]{64}$/.test(text)) {
      throw new UsageError(`${path}: "${name}" is not 32 bytes in lower-case hex`);
    }
    return fromHex(text);
  };
  return {
    meterId,
    epoch,
    K: key("K"),
    ...(role === FEEDER && { role: Role.FEEDER }),
    ...(fields.U !== undefined && { user: key("U") }),
    ...(fields.u !== undefined && { userSecret: key("u") }),
  };
}

/** Where to find what a customer checks. */
export interface CheckSources {
  /** Customer file. */
  readonly key: string;
  /** Public key of the authority; without it, authority.pub beside the meter's folder. */
  readonly authority?: string;
}

/** A checked meter, and the certificate as it came. */
export type CheckedFolder = CheckedMeter & { readonly certificateDocument: Uint8Array };

/**
 * Reads and checks a meter's folder as its customer, with progress on a terminal.
 * @throws UsageError or FormatError for bad input, VerificationError when the check refuses.
 */
export function checkDirectory(directory: string, { key, authority }: CheckSources): CheckedFolder {
  const authorityPath = authority ?? join(directory, "..", "authority.pub");
  const [record, keys, authorityKey] = [readMeter(directory), readCustomer(key), readHexKey(authorityPath)];
  inFile(join(directory, "certificate.cbor"), () => verifyCertificate(record.certificate, authorityKey));
  const bar = progressBar("checking");
  try {
    const checked = checkMeter(record, keys, authorityKey, { progress: bar.update });
    return { ...checked, certificateDocument: record.certificate };
  } finally {
    bar.stop();
  }
}

/** @throws UsageError when the folder exists and is not empty, or its parent is no folder. */
export function assertNew(directory: string): void {
  if (existsSync(directory)) {
    if (!statSync(directory).isDirectory() || namesIn(directory).length > 0)
      throw new UsageError(`${directory}: exists and is not an empty folder`);
    return;
  }
  let above = dirname(resolve(directory));
  while (!existsSync(above)) above = dirname(above);
  if (!statSync(above).isDirectory())
    throw new UsageError(`${directory}: cannot be made, since ${above} is a file`);
}

/**
 * Fills a new folder: `fill` writes into a neighbour that takes the name only when all is there.
 * @param isReplaced whether what lies in the folder goes first; the caller knows that it may.
 * @throws UsageError when the folder exists and is not empty, or cannot be written.
 */
export function createDirectory(
  directory: string,
  fill: (partial: string) => void,
  { isReplaced = false } = {},
): void {
  if (!isReplaced) assertNew(directory);
  const target = resolve(directory);
  const partial = join(dirname(target), `.${basename(target)}.partial-${process.pid}`);
  uninterrupted(() => {
    try {
      makeFolder(partial);
      fill(partial);
      if (isReplaced) rmSync(target, { recursive: true, force: true });
      // Only an empty folder gives way to a new one, whatever has come into it since it was looked at.
      else if (existsSync(target)) rmdirSync(target);
      renameSync(partial, target);
    } catch (error) {
      if (existsSync(partial)) rmSync(partial, { recursive: true });
      if (error instanceof UsageError || !(error instanceof Error && "syscall" in error)) throw error;
      throw new UsageError(`${directory}: cannot be made (${systemReason(error)})`);
    }
  });
}
