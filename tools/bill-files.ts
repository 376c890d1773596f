// Bills as files of a folder: which, in what portions, and the verification of a portion on one core.
import { closeSync, openSync, readdirSync, readSync, type Stats, statSync } from "node:fs";
import { join } from "node:path";
import { fastArithmetic } from "../src/proofs/arithmetic.js";
import { BILL_BYTES_MAX } from "../src/proofs/billed-period.js";
import { BillVerifier, type SetTrust, type Verdict } from "../src/supplier/verify-bills.js";
import { readFile, systemReason, UsageError } from "./command-line.js";
import { entropy } from "./entropy.js";

/** Most bills of a folder: their batches, 32 each, must find room in the memory of one process, and in one JSON text. */
export const FILES_MAX = 2 ** 16;
/** Most files and bytes of a portion, which is in memory at once on each core; a larger file is one by itself. */
const PORTION_FILES = 64;
const PORTION_BYTES = 2 ** 24;

/** Names of the bills in a folder, ascending. @throws UsageError for no folder, no bill, or too many. */
export function billFiles(folder: string): string[] {
  const names = namesIn(folder).filter((name) => name.endsWith(".cbor"));
  if (names.length === 0) throw new UsageError(`${folder}: holds no *.cbor`);
  if (names.length > FILES_MAX)
    throw new UsageError(`${folder}: ${names.length} bills instead of at most ${FILES_MAX}`);
  return names.sort();
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    throw new UsageError(`${folder}: is no folder that can be read (${systemReason(error)})`);
  }
}

/** What a name leads to; null if it cannot be looked at (a loop of links, say). */
function lookAt(path: string): Stats | null {
  try {
    return statSync(path);
  } catch {
    return null;
  }
}

/** Bytes of a file, as far as they count; of one that cannot be looked at none. */
const sizeOf = (path: string) => lookAt(path)?.size ?? 0;

/** Names in portions of bounded number and size, in order. */
export function* portions(folder: string, names: readonly string[]): Generator<readonly string[]> {
  let portion: string[] = [];
  let bytes = 0;
  for (const name of names) {
    const size = Math.min(sizeOf(join(folder, name)), BILL_BYTES_MAX);
    if (portion.length === PORTION_FILES || (portion.length > 0 && bytes + size > PORTION_BYTES)) {
      yield portion;
      portion = [];
      bytes = 0;
    }
    portion.push(name);
    bytes += size;
  }
  if (portion.length > 0) yield portion;
}

export class FileVerifier {
  readonly #verifier: BillVerifier;

  constructor(trust: SetTrust) {
    this.#verifier = new BillVerifier(trust, fastArithmetic(), entropy);
  }

  /** Verdicts on the bills in these files, in order. A file that cannot be read is a bill that is refused. */
  verify(paths: readonly string[]): Verdict[] {
    const unread = new Map<number, string>();
    function* files() {
      for (const [at, path] of paths.entries()) {
        const content = contentOf(path);
        if (typeof content === "string") unread.set(at, content);
        else yield content;
      }
    }
    const verdicts = this.#verifier.verify(files()).values();
    return paths.map((_, at) => {
      const reason = unread.get(at);
      const verdict = reason === undefined ? verdicts.next().value : undefined;
      return verdict ?? { verified: null, reason: reason ?? "", links: [] };
    });
  }
}

/** The bytes of a file, or why there are none. A pipe is none: whoever reads it waits for someone to write. */
function contentOf(path: string): Uint8Array | string {
  if (lookAt(path)?.isFIFO()) return "is a pipe, not a file";
  try {
    return readRegular(path) ?? readFile(path, BILL_BYTES_MAX);
  } catch (error) {
    if (error instanceof UsageError) return error.message.slice(path.length + 2);
    throw error;
  }
}

/** A regular file of the expected size in one piece, which is twice as fast; of anything else null. */
function readRegular(path: string): Uint8Array | null {
  const size = sizeOf(path);
  if (size === 0 || size > BILL_BYTES_MAX) return null;
  let file: number | null = null;
  try {
    file = openSync(path, "r");
    const bytes = new Uint8Array(size);
    const isWhole = readSync(file, bytes) === size && readSync(file, new Uint8Array(1)) === 0;
    return isWhole ? bytes : null;
  } catch {
    return null;
  } finally {
    if (file !== null) closeSync(file);
  }
}
