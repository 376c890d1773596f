// The files of a simulated meter, the same bytes as on the wire (docs/protocol.md, "Files"):
//   DIR/authority.pub  supplier.key  supplier.pub  customer/<meterId>.json
//   DIR/<meterId>/certificate.cbor  batches/000000.cbor ...  readings.cbor  events.cbor
//                 pairing-00000.cbor ...  flash.bin
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { type CheckedMeter, type CustomerKeys, checkMeter, type MeterRecord } from "../src/customer/check.js";
import { METER_ID } from "../src/trusted/authority/configuration.js";
import {
  fromHex,
  progressBar,
  readFile,
  readHexKey,
  readText,
  toHex,
  UsageError,
  writeFile,
} from "./command-line.js";

/** Batches or pairings of a meter that are read, at most. */
const DOCUMENTS_MAX = 20_000;
const BATCH_NAME = /^\d{6,10}\.cbor$/;
const PAIRING_NAME = /^pairing-\d{5}\.cbor$/;

export function writeMeter(directory: string, meterId: string, files: MeterRecord, flash: Uint8Array): void {
  const meter = join(directory, meterId);
  writeFile(join(meter, "certificate.cbor"), files.certificate);
  for (const [at, batch] of files.batches.entries()) {
    writeFile(join(meter, "batches", `${`${at}`.padStart(6, "0")}.cbor`), batch);
  }
  writeFile(join(meter, "readings.cbor"), files.readings);
  writeFile(join(meter, "events.cbor"), files.events);
  for (const [at, pairing] of files.pairings.entries()) {
    writeFile(join(meter, `pairing-${`${at}`.padStart(5, "0")}.cbor`), pairing);
  }
  writeFile(join(meter, "flash.bin"), flash);
}

/** @throws UsageError when METERDIR is none: the first file that is missing is named. */
export function readMeter(directory: string): MeterRecord {
  return {
    certificate: readFile(join(directory, "certificate.cbor"), 4096),
    batches: readDocuments(join(directory, "batches"), BATCH_NAME),
    readings: readFile(join(directory, "readings.cbor")),
    events: readFile(join(directory, "events.cbor")),
    pairings: readDocuments(directory, PAIRING_NAME),
  };
}

function readDocuments(directory: string, name: RegExp): Uint8Array[] {
  if (!existsSync(directory) || !statSync(directory).isDirectory())
    throw new UsageError(`${directory}: no such folder`);
  const names = readdirSync(directory)
    .filter((entry) => name.test(entry))
    .sort();
  if (names.length > DOCUMENTS_MAX)
    throw new UsageError(`${directory}: more than ${DOCUMENTS_MAX} documents`);
  return names.map((entry) => readFile(join(directory, entry), 4096));
}

/** What a customer keeps: K of an epoch, and the pairing keys U and u that it came from. */
export type PairedKeys = CustomerKeys & { readonly user: Uint8Array; readonly userSecret: Uint8Array };

export function encodeCustomer(keys: PairedKeys): string {
  const { meterId, epoch, K, user, userSecret } = keys;
  const fields = { meterId, epoch, K: toHex(K), U: toHex(user), u: toHex(userSecret) };
  return `${JSON.stringify(fields, null, 2)}\n`;
}

/** Reads a customer's file; U and u may be missing. @throws UsageError naming the field that is wrong. */
export function readCustomer(path: string): CustomerKeys {
  let parsed: unknown;
  try {
    parsed = JSON.parse(readText(path));
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw new UsageError(`${path}: not JSON`);
  }
  const fields: Record<string, unknown> = typeof parsed === "object" && parsed !== null ? { ...parsed } : {};
  const { meterId, epoch } = fields;
  if (typeof meterId !== "string" || !METER_ID.test(meterId))
    throw new UsageError(`${path}: "meterId" is no meter id`);
  if (typeof epoch !== "number" || !Number.isInteger(epoch) || epoch < 0 || epoch > 0xffff) {
    throw new UsageError(`${path}: "epoch" is no number from 0 to 65535`);
  }
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

/**
 * Reads and checks a meter's folder as its customer, with progress on a terminal.
 * @throws UsageError or FormatError for bad input, VerificationError when the check refuses.
 */
export function checkDirectory(directory: string, { key, authority }: CheckSources): CheckedMeter {
  const [record, keys, authorityKey] = [
    readMeter(directory),
    readCustomer(key),
    readHexKey(authority ?? join(directory, "..", "authority.pub")),
  ];
  const bar = progressBar("checking");
  try {
    return checkMeter(record, keys, authorityKey, { progress: bar.update });
  } finally {
    bar.stop();
  }
}

/** @throws UsageError when the folder exists and is not empty. */
export function assertNew(directory: string): void {
  if (existsSync(directory) && (!statSync(directory).isDirectory() || readdirSync(directory).length > 0)) {
    throw new UsageError(`${directory}: exists and is not an empty folder`);
  }
}

/**
 * Fills a new folder: `fill` writes into a neighbour that takes the name only when all is there.
 * @throws UsageError when the folder exists and is not empty.
 */
export function createDirectory(directory: string, fill: (partial: string) => void): void {
  assertNew(directory);
  const partial = join(directory, "..", `.${basename(directory)}.partial-${process.pid}`);
  try {
    mkdirSync(partial, { recursive: true });
    fill(partial);
    rmSync(directory, { recursive: true, force: true });
    renameSync(partial, directory);
  } catch (error) {
    rmSync(partial, { recursive: true, force: true });
    throw error;
  }
}
