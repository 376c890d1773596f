// The yardstick of the rv32 budgets: the same operations in libsodium's portable C, on the same core, with the
// same compiler and options, counted in instructions (native.c, which also checks every result). It measures a
// tree of sources that it is given; fetchNative gets Debian's when somebody asks for that, and nothing else
// here touches the network. No part of libsodium becomes part of the meter.
import { spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { basename, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { UsageError } from "../../tools/command-line.js";

/**
 * As native.c prints them. HMAC-SHA-256 is the meter's PRF: a 32-byte key and 10 bytes. Sign and verify take
 * the 1-byte message of RFC 8032 TEST 2, and the key's public half is at hand. A Pedersen commitment is r·B
 * from the library's table, t·B~ without one, the sum and one encoding; "public functions" encodes and decodes
 * between the steps as the library's interface makes one do; "two tables" is what it costs if B~ has one too.
 */
export const NATIVE_OPERATIONS = [
  "SHA-256 of 64 B",
  "SHA-512 of 64 B",
  "HMAC-SHA-256",
  "Ed25519 sign",
  "Ed25519 verify",
  "ristretto255 DH",
  "Pedersen commitment",
  "Pedersen commitment, public functions",
  "Pedersen commitment, two tables",
] as const;

export type NativeOperation = (typeof NATIVE_OPERATIONS)[number];

/** Files of libsodium that the operations need, below src/libsodium. */
const SOURCES = [
  "crypto_auth/hmacsha256/auth_hmacsha256.c",
  "crypto_core/ed25519/core_ristretto255.c",
  "crypto_core/ed25519/ref10/ed25519_ref10.c",
  "crypto_hash/sha256/cp/hash_sha256_cp.c",
  "crypto_hash/sha512/cp/hash_sha512_cp.c",
  "crypto_scalarmult/ristretto255/ref10/scalarmult_ristretto255_ref10.c",
  "crypto_sign/ed25519/ref10/open.c",
  "crypto_sign/ed25519/ref10/sign.c",
  "crypto_verify/sodium/verify.c",
  "sodium/utils.c",
] as const;

export const COMPILER = "riscv64-unknown-elf-gcc";
export const EMULATOR = "qemu-system-riscv32";
export const INSTALL =
  "apt-get install gcc-riscv64-unknown-elf picolibc-riscv64-unknown-elf qemu-system-misc";

export const CORE_OPTIONS =
  "--specs=picolibc.specs -march=rv32imc -mabi=ilp32 -mcmodel=medany -O2 -ffunction-sections -fdata-sections -fno-common";
/** What libsodium's configure finds out about this compiler; no vector code, no 128-bit integers. */
const LIBRARY_OPTIONS =
  "-DCONFIGURED=1 -DSODIUM_STATIC=1 -DNATIVE_LITTLE_ENDIAN=1 -DHAVE_WEAK_SYMBOLS=1 -DHAVE_INLINE_ASM=1 -DHAVE_C_VARARRAYS=1";
/** 4 MB of flash and 320 KB of RAM, where QEMU's virt board has its memory. */
export const LINK_OPTIONS =
  "--crt0=semihost --oslib=semihost -Wl,--gc-sections -Wl,--defsym=__flash=0x80000000,--defsym=__flash_size=0x400000 " +
  "-Wl,--defsym=__ram=0x80400000,--defsym=__ram_size=0x50000,--defsym=__stack_size=16384";
/** Instructions are the clock, so that the counter of retired instructions is exact. */
export const EMULATOR_OPTIONS =
  "-M virt -m 8M -bios none -nographic -monitor none -serial none -icount shift=0,sleep=off " +
  "-chardev stdio,id=c0 -semihosting-config enable=on,target=native,chardev=c0 -kernel";

const STEP_MS_MAX = 300_000;
const OUTPUT_BYTES_MAX = 4 * 2 ** 20;

const PROGRAM = fileURLToPath(new URL("./native.c", import.meta.url));
const STORE = fileURLToPath(new URL("../../out/native", import.meta.url));

/**
 * Instructions of each operation in libsodium. Throws UsageError if the tree or a tool is missing, Error if a
 * result is wrong or two runs count differently.
 * @param tree folder of unpacked libsodium sources.
 */
export function measureNative(tree: string): Record<NativeOperation, number> {
  const missing = SOURCES.find((source) => !existsSync(join(tree, "src/libsodium", source)));
  if (missing !== undefined) {
    throw new UsageError(`${tree} is no tree of libsodium's sources: it has no src/libsodium/${missing}`);
  }
  mkdirSync(STORE, { recursive: true });
  const folder = mkdtempSync(join(STORE, "build-"));
  try {
    const image = build(resolve(tree), folder);
    const counts = run(EMULATOR, [...words(EMULATOR_OPTIONS), image], folder);
    if (run(EMULATOR, [...words(EMULATOR_OPTIONS), image], folder) !== counts) {
      throw new Error("native: two runs of one image count differently");
    }
    return parseCounts(counts);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Name and version of the sources, such as "libsodium 1.0.18-1+deb12u1". */
export function nativeVersion(tree: string): string {
  const changelog = join(tree, "debian/changelog");
  const entry = existsSync(changelog) ? /^(\S+) \((\S+)\)/.exec(readFileSync(changelog, "utf8")) : null;
  return entry === null ? basename(resolve(tree)) : `${entry[1]} ${entry[2]}`;
}

/**
 * The distribution's source package, checked by apt against its key, unpacked in out/native and kept there. apt
 * works on lists and caches of its own in that folder; the machine's stay as they are.
 * @returns the folder of the sources.
 */
export function fetchNative(): string {
  mkdirSync(STORE, { recursive: true });
  const kept = findTree(STORE);
  if (kept !== undefined) return join(STORE, kept);
  const folder = mkdtempSync(join(STORE, "fetch-"));
  try {
    const options = privateApt(folder);
    run("apt-get", [...options, "update"], folder);
    run("apt-get", [...options, "source", "libsodium"], folder);
    const fetched = findTree(folder);
    if (fetched === undefined) throw new UsageError("apt-get source libsodium left no folder libsodium-*");
    renameSync(join(folder, fetched), join(STORE, fetched));
    return join(STORE, fetched);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const words = (options: string) => options.split(" ");

const findTree = (folder: string) => readdirSync(folder).find((name) => /^libsodium-[0-9.]+$/.test(name));

const APT_PARTS = "/etc/apt/sources.list.d";

/** A file of the machine's package sources, asking for sources instead of binaries; empty if there is none. */
const sourceLines = (path: string, binary: RegExp, source: string) =>
  existsSync(path) ? readFileSync(path, "utf8").replace(binary, source) : "";

/** apt's options for working in `folder` alone, on the machine's own mirrors. */
function privateApt(folder: string): readonly string[] {
  for (const name of ["lists/partial", "cache/archives/partial"]) {
    mkdirSync(join(folder, name), { recursive: true });
  }
  const parts = join(folder, "sources");
  mkdirSync(parts);
  const list = sourceLines("/etc/apt/sources.list", /^deb /gm, "deb-src ");
  writeFileSync(join(folder, "sources.list"), list);
  for (const name of existsSync(APT_PARTS) ? readdirSync(APT_PARTS) : []) {
    const ours = name.endsWith(".sources")
      ? sourceLines(join(APT_PARTS, name), /^Types:.*$/gm, "Types: deb-src")
      : sourceLines(join(APT_PARTS, name), /^deb /gm, "deb-src ");
    writeFileSync(join(parts, name), ours);
  }
  return [
    `Dir::Etc::sourcelist=${join(folder, "sources.list")}`,
    `Dir::Etc::sourceparts=${parts}`,
    `Dir::State::lists=${join(folder, "lists")}`,
    `Dir::Cache=${join(folder, "cache")}`,
    "Acquire::Languages=none",
    // Otherwise lists that cannot be fetched are a warning, and the error is told of something else.
    "APT::Update::Error-Mode=any",
  ].flatMap((option) => ["-o", option]);
}

/** Compiles the library as it is and native.c with warnings as errors; returns the image's path. */
function build(tree: string, folder: string): string {
  const library = join(tree, "src/libsodium");
  const image = join(folder, "native.elf");
  const shared = [
    ...words(CORE_OPTIONS),
    ...words(LIBRARY_OPTIONS),
    // No name of a folder may get into the image: its length would move addresses, and with them counts.
    `-fmacro-prefix-map=${tree}=.`,
    "-isystem",
    join(library, "include/sodium"),
    "-isystem",
    join(library, "include"),
  ];
  run(COMPILER, [...shared, "-w", "-c", ...SOURCES.map((source) => join(library, source))], folder);
  const objects = SOURCES.map((source) => basename(source, ".c")).map((name) => `${name}.o`);
  const own = ["-std=c11", "-Wall", "-Wextra", "-Werror", PROGRAM];
  run(COMPILER, [...shared, ...own, ...objects, ...words(LINK_OPTIONS), "-o", image], folder);
  return image;
}

/** Runs a program in `folder` and returns what it printed; whatever goes wrong is one line. */
function run(program: string, args: readonly string[], folder: string): string {
  const { status, stdout, stderr, error } = spawnSync(program, args, {
    cwd: folder,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
    timeout: STEP_MS_MAX,
    maxBuffer: OUTPUT_BYTES_MAX,
  });
  if (error !== undefined) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== "ENOENT") throw new UsageError(`${program} could not be run to its end (${code})`);
    throw new UsageError(
      program === "apt-get"
        ? "apt-get is missing: fetch libsodium's sources yourself and give their folder"
        : `${program} is missing: ${INSTALL}`,
    );
  }
  if (status === 0) return stdout;
  if (program === EMULATOR) throw new Error(`native: ${lastLine(stdout + stderr)}`);
  if (stderr.includes("picolibc.specs")) throw new UsageError(`picolibc is missing: ${INSTALL}`);
  throw new UsageError(
    `${program}: ${stderr.split("\n").find((line) => /error|^E:/.test(line)) ?? lastLine(stderr)}`,
  );
}

const lastLine = (text: string) => text.trim().split("\n").at(-1) ?? "";

/** Lines of NAME, tab, COUNT; each operation once, no other. */
function parseCounts(output: string): Record<NativeOperation, number> {
  const counts = new Map(
    output
      .trim()
      .split("\n")
      .map((line) => line.split("\t"))
      .map(([name, count]) => [name, Number(count)]),
  );
  const entries = NATIVE_OPERATIONS.map((name) => [name, counts.get(name)] as const);
  const isWhole = entries.every(([, count]) => Number.isSafeInteger(count) && Number(count) > 0);
  if (!isWhole || counts.size !== NATIVE_OPERATIONS.length) {
    throw new Error("native: native.c and native.ts name different operations");
  }
  return Object.fromEntries(entries) as Record<NativeOperation, number>;
}
