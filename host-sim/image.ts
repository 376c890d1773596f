// Builds what the meter's image carries as data: the fixed-base tables and the software identity. The
// identity is SHA-256 over the trusted room as one bundled module (esbuild, pinned by the lock file; noble
// included, since it computes the seal), the tables, and the sources of the accumulator, which is C and legally
// relevant, each preceded by its length: who has the sources gets the same 32 bytes.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildSync } from "esbuild";
import { makeTables } from "../src/proofs/generators.js";
import { uintBytes } from "../src/trusted/encoding/bytes.js";
import type { Image } from "../src/trusted/ports.js";
import { digest } from "../src/trusted/sealing/keys.js";

/** Default window of the tables, bits: 43 KiB a base, and the least work on XS (docs/performance.md). */
export const TABLE_WINDOW = 3;

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const NATIVE = join(ROOT, "firmware", "native");

/** How every module that a meter runs is bundled: ES2022 as XS takes it, the same on every machine. */
export const XS_BUNDLE = {
  absWorkingDir: ROOT,
  bundle: true,
  format: "esm",
  target: "es2022",
  // XS 13.3 refuses `new Self()` in a static initializer of a class with fields.
  supported: { "class-static-field": false },
  legalComments: "none",
  charset: "utf8",
  write: false,
  tsconfigRaw: {},
  logLevel: "silent",
} as const;

/** The trusted room's built code: one ES2022 module without comments or white space. */
export function trustedBundle(): Uint8Array {
  const entryPoints = ["src/trusted/unit.ts"];
  const { outputFiles } = buildSync({ ...XS_BUNDLE, entryPoints, minifyWhitespace: true });
  const [bundle] = outputFiles;
  if (!bundle) throw new Error("esbuild gave no bundle of the trusted room");
  return bundle.contents;
}

/**
 * The image of a meter that obeys this authority.
 * @param authorityKey Ed25519 public key, 32 bytes; it is not part of the software identity.
 * @param version of the release, u32; not part of the software identity either.
 * @param tableWindow bits a window of the tables, 3 to 6.
 */
export function buildImage(authorityKey: Uint8Array, tableWindow = TABLE_WINDOW, version = 1): Image {
  const tables = makeTables(tableWindow);
  const accumulator = ["accumulator.h", "accumulator.c"].map((name) => readFileSync(join(NATIVE, name)));
  const parts = [trustedBundle(), tables.tableB, tables.tableBlinding, ...accumulator];
  const softwareId = digest(...parts.flatMap((part) => [uintBytes(part.length, 4), part]));
  return { softwareId, version, authorityKey, ...tables };
}
