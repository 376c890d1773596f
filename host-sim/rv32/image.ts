// Builds the bare-metal image and runs it: the engine and the host in C for RV32IMC, the programs as bytecode
// in flash, the tables beside them; in the variant "rom" the built-ins as well. A run is a fresh emulator that
// counts instructions exactly and keeps nothing but the journal's file. It parses no JavaScript on the target
// and never patches the engine's sources.
import { execFile, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { uintBytes } from "../../src/trusted/encoding/bytes.js";
import { SECTOR_BYTES } from "../../src/trusted/ports.js";
import { EngineMissing, engineSources, sourceNames, sourceOptions, XS_OPTIONS } from "../xs/engine.js";

const HERE = fileURLToPath(new URL(".", import.meta.url));
const HOST = fileURLToPath(new URL("../xs/", import.meta.url));
const STORE = fileURLToPath(new URL("../../out/rv32/", import.meta.url));

/** ram: built-ins in RAM; rom: built-ins in read-only memory, as an image that is linked ahead of time has them. */
export type Rv32Variant = "ram" | "rom";

export interface Rv32Program {
  readonly variant: Rv32Variant;
  /** Modules by name, ES2022, and the one that is started. */
  readonly modules: ReadonlyMap<string, Uint8Array>;
  readonly main: string;
  readonly tables: { readonly tableB: Uint8Array; readonly tableBlinding: Uint8Array };
}

/** Bytes. `rodata` holds bytecode and tables, `rom` the built-ins (0 in the variant ram). */
export interface Rv32Size {
  readonly text: number;
  readonly rodata: number;
  readonly data: number;
  readonly bss: number;
  readonly bytecode: number;
  readonly tables: number;
  readonly rom: number;
}

export interface Rv32Image {
  readonly elf: string;
  readonly rom: string | null;
  readonly size: Rv32Size;
}

export interface Rv32Run {
  /** The journal's file; made of erased cells if absent. A power of two of bytes, the partition first. */
  readonly flash: string;
  readonly sectors: number;
  readonly input: Uint8Array;
  /** Folder of the files that the program writes. */
  readonly out: string;
  /** The machine's arena, bytes; all that there is if absent. */
  readonly arenaBytes?: number;
  /** What the board does instead of the program, to show that the locks hold. */
  readonly trespass?: "WRITE_CODE" | "WRITE_ROM" | "RUN_DATA";
}

export interface Rv32Result {
  /** The board's exit code (enum HostExit in platform.h, EXIT_* in memory.h); null if the plug was pulled. */
  readonly exitCode: number | null;
  readonly pulled: boolean;
  readonly stdout: string;
  readonly files: ReadonlyMap<string, Uint8Array>;
}

const TARGET = "riscv64-unknown-elf-gcc";
const EMULATOR = "qemu-system-riscv32";
const TARGET_OPTIONS =
  "--specs=picolibc.specs -march=rv32imc -mabi=ilp32 -mcmodel=medany -ffunction-sections -fdata-sections";
/** Where the instructions are spent: -Os for all else takes 24 KB off the text for 0.3 % more instructions. */
const HOT_SOURCES = ["Run", "Memory", "BigInt", "DataView", "Type", "Property"].map((name) => `xs${name}.c`);
const targetLevel = (source: string) => (HOT_SOURCES.includes(source) ? "-O2" : "-Os");
/** 16-byte slots and 16-bit identifiers, as on the target. */
const TOOL_OPTIONS = "-m32 -msse2 -mfpmath=sse -O0 -DmxParse=1";
/** This board counts instructions, so the engine need not count anything. */
const ENGINE_OPTIONS = XS_OPTIONS.filter((option) => !/^-O|mxMetering/.test(option));
const WARNINGS = "-std=gnu11 -Wall -Wextra -Wno-unused-parameter";
const OWN_FILES = ["archive.c", "archive.h", "board.c", "link.ld", "memory.h", "rom.c", "rom.h"];
/** Instructions are the clock, so the counter of retired instructions is exact. */
const EMULATOR_OPTIONS =
  "-M virt -m 8M -bios none -nographic -monitor none -serial none -icount shift=0,sleep=off " +
  "-chardev stdio,id=console -semihosting-config enable=on,target=native,chardev=console";

const JOBS = 2;
const IMAGES_KEPT = 8;
/** Builds of the engine for each of the two. */
const ENGINES_KEPT = 2;
const OUTPUT_BYTES_MAX = 16 * 2 ** 20;
const STEP_MS_MAX = 120_000;
const RUN_MS_MAX = 3_600_000;
/** The board prints it after a control character, which no text contains, and waits. */
const PLUG_LINE = "plug pulled";

const words = (options: string) => options.split(" ");
const run = promisify(execFile);

/** The numbers in memory.h. */
const layout: ReadonlyMap<string, number> = new Map(
  [...readFileSync(join(HERE, "memory.h"), "utf8").matchAll(/^#define (\w+) (0x[0-9a-f]+|\d+)$/gm)].map(
    ([, name, value]) => [name as string, Number(value)],
  ),
);

function numberOf(name: string): number {
  const value = layout.get(name);
  if (value === undefined) throw new Error(`memory.h does not say ${name}`);
  return value;
}

/**
 * Builds the image, or takes the one that was built before from the same bytes.
 * @throws EngineMissing if the engine's sources, a compiler or the emulator is missing.
 */
export async function buildRv32(program: Rv32Program): Promise<Rv32Image> {
  const tools = await checkTools();
  const engineFiles = ["sources", "platforms"].flatMap((name) => filesOf(join(engineSources(), name)));
  const engineKey = keyOf([...engineFiles, join(HOST, "platform.h")], tools);
  const ownFiles = [
    ...OWN_FILES.map((name) => join(HERE, name)),
    join(HOST, "host.c"),
    join(HOST, "board.h"),
  ];
  const key = keyOf(ownFiles, [engineKey, program.variant, program.main], program);
  const folder = join(STORE, `image-${key}`);
  if (!existsSync(folder)) {
    const tool = await compileEngine(`tool-${engineKey}`, () => ["gcc", ...words(TOOL_OPTIONS)]);
    const target = await compileEngine(`target-${engineKey}`, (source) => [
      ...[TARGET, ...words(TARGET_OPTIONS), targetLevel(source)],
    ]);
    await atomically(folder, (draft) => buildImage({ tool, target, draft, key }, program));
    forgetOld("image-", IMAGES_KEPT);
  }
  utimesSync(folder, new Date(), new Date());
  const rom = program.variant === "rom" ? join(folder, "rom") : null;
  const size = JSON.parse(readFileSync(join(folder, "size.json"), "utf8")) as Rv32Size;
  return { elf: join(folder, "image.elf"), rom, size };
}

/** Runs an image from power-up to its exit or to the pulled plug; only the journal's file outlives it. */
export async function runRv32(image: Rv32Image, options: Rv32Run): Promise<Rv32Result> {
  if (options.input.length > numberOf("INPUT_BYTES_MAX")) throw new RangeError("the input is too long");
  const journalBytes = options.sectors * SECTOR_BYTES;
  if (!existsSync(options.flash)) {
    writeFileSync(options.flash, new Uint8Array(2 ** Math.ceil(Math.log2(journalBytes))).fill(0xff));
  }
  const { input, arenaBytes = 0 } = options;
  const boot = bootBytes({ mode: options.trespass ?? "RUN", arenaBytes, journalBytes, input });
  const journal = `memory-backend-file,id=journal,share=on,mem-path=${options.flash},size=${statSync(options.flash).size}`;
  mkdirSync(options.out, { recursive: true });
  return withFolder(async (folder) => {
    const bootFile = join(folder, "boot");
    writeFileSync(bootFile, boot);
    const devices = [
      ...loader(bootFile, "BOOT_ADDRESS"),
      ...(image.rom ? loader(image.rom, "ROM_ADDRESS") : []),
    ];
    const end = await emulate(image.elf, options.out, [
      ...devices,
      ...["-object", journal, "-device", "ivshmem-plain,memdev=journal"],
    ]);
    const files = readdirSync(options.out).map(
      (file) => [file, readFileSync(join(options.out, file))] as const,
    );
    return { ...end, files: new Map(files) };
  });
}

/** What stands at BOOT_ADDRESS when the board starts. */
function bootBytes(boot: { mode: string; arenaBytes?: number; journalBytes?: number; input?: Uint8Array }) {
  const { mode, arenaBytes = 0, journalBytes = 0, input = new Uint8Array(0) } = boot;
  const header = [numberOf("BOOT_MAGIC"), numberOf(`MODE_${mode}`), arenaBytes, journalBytes, input.length];
  return Buffer.concat([...header.map((number) => uintBytes(number, 4).reverse()), input]);
}

const loader = (file: string, address: string) => [
  "-device",
  `loader,file=${file},addr=${numberOf(address)},force-raw=on`,
];

/** Runs qemu until it exits or says that the plug is pulled; then it is killed, and dies with its RAM. */
function emulate(elf: string, cwd: string, options: readonly string[]) {
  return new Promise<Omit<Rv32Result, "files">>((resolve, reject) => {
    const child = spawn(EMULATOR, [...words(EMULATOR_OPTIONS), "-kernel", elf, ...options], {
      cwd,
      stdio: ["ignore", "pipe", "pipe"],
      timeout: RUN_MS_MAX,
      killSignal: "SIGKILL",
    });
    let stdout = "";
    let stderr = "";
    let pulled = false;
    child.stdout.on("data", (chunk: Buffer) => {
      stdout += chunk.toString("utf8");
      const at = stdout.indexOf(`\u0001${PLUG_LINE}\n`);
      pulled ||= at >= 0;
      if (pulled || stdout.length > OUTPUT_BYTES_MAX) child.kill("SIGKILL");
      if (at >= 0) stdout = stdout.slice(0, at);
    });
    child.stderr.on("data", (chunk: Buffer) => {
      stderr = (stderr + chunk.toString("utf8")).slice(-2000);
    });
    child.on("error", reject);
    child.on("close", (exitCode, signal) => {
      if (pulled || exitCode !== null) resolve({ exitCode: pulled ? null : exitCode, pulled, stdout });
      else reject(new Error(`${EMULATOR} ended by ${signal}: ${stderr}`));
    });
  });
}

/** What the compilers and the emulator are. @throws EngineMissing with one line that says what to install. */
async function checkTools(): Promise<readonly string[]> {
  const versions: string[] = [];
  const needed = [
    [["gcc", "-m32", "-E", "-x", "c", "-include", "stdlib.h", "/dev/null"], "gcc-multilib"],
    [[TARGET, "--version"], "gcc-riscv64-unknown-elf"],
    [[TARGET, "--specs=picolibc.specs", "--version"], "picolibc-riscv64-unknown-elf"],
    [[EMULATOR, "--version"], "qemu-system-misc"],
  ] as const;
  for (const [[command, ...parameters], debianPackage] of needed) {
    try {
      versions.push((await run(command, parameters)).stdout);
    } catch {
      const all = needed.map(([, name]) => name).join(" ");
      throw new EngineMissing(`the rv32 image needs the package ${debianPackage}: apt-get install ${all}`);
    }
  }
  return versions;
}

const filesOf = (folder: string) =>
  readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(folder, entry.name))
    .sort();

/** Names a build by what it was made from: files, words, and the bytes of a program. */
function keyOf(files: readonly string[], names: readonly string[] = [], program?: Rv32Program): string {
  const options = [TARGET_OPTIONS, ...HOT_SOURCES, TOOL_OPTIONS, ...ENGINE_OPTIONS, WARNINGS];
  const hash = createHash("sha256").update([...options, ...names].join("\n"));
  const add = (name: string, bytes: Uint8Array) => hash.update(`${name} ${bytes.length} `).update(bytes);
  for (const file of files) add(basename(file), readFileSync(file));
  const parts = program ? [...program.modules, ...Object.entries(program.tables)] : [];
  for (const [name, bytes] of parts) add(name, bytes);
  return hash.digest("hex").slice(0, 16);
}

/** Fills a draft and gives it its name when it is whole; another process may have been faster. */
async function atomically(folder: string, fill: (draft: string) => Promise<void>): Promise<void> {
  mkdirSync(STORE, { recursive: true });
  const draft = mkdtempSync(join(STORE, "draft-"));
  try {
    await fill(draft);
    renameSync(draft, folder);
  } catch (error) {
    if (!existsSync(folder)) throw error;
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
}

/** Of the builds whose names begin so, only the newest are kept. */
function forgetOld(prefix: string, kept: number): void {
  const builds = readdirSync(STORE).filter((name) => name.startsWith(prefix));
  const byAge = builds
    .map((name) => join(STORE, name))
    .sort((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs);
  for (const old of byAge.slice(kept)) rmSync(old, { recursive: true, force: true });
}

async function withFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), "sealmeter-rv32-"));
  try {
    return await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Runs the compiler; its first complaint is the error's message. */
async function compile(compiler: string, parameters: readonly string[]): Promise<string> {
  try {
    const { stdout } = await run(compiler, parameters, { timeout: STEP_MS_MAX, maxBuffer: OUTPUT_BYTES_MAX });
    return stdout;
  } catch (error) {
    const { stderr = String(error) } = error as { stderr?: string };
    throw new Error(`${basename(compiler)} failed: ${stderr.trim().slice(0, 2000)}`);
  }
}

const headers = () => [
  ...[HOST, HERE].map((folder) => `-I${folder}`),
  ...["includes", "platforms", "sources"].flatMap((name) => ["-isystem", join(engineSources(), name)]),
];

/** The engine's objects, in a folder of their own. @returns their paths. */
async function compileEngine(name: string, compilerOf: (source: string) => readonly string[]) {
  const folder = join(STORE, name);
  if (!existsSync(folder)) {
    const sources = sourceNames().map((source) => [source, compilerOf(source)] as const);
    await atomically(folder, async (draft) => {
      const worker = async () => {
        for (let next = sources.pop(); next; next = sources.pop()) {
          const [source, [compiler = "", ...options]] = next;
          const files = ["-c", join(engineSources(), "sources", source), "-o", join(draft, `${source}.o`)];
          const all = [...options, ...ENGINE_OPTIONS, ...sourceOptions(source), "-w", ...headers(), ...files];
          await compile(compiler, all);
        }
      };
      await Promise.all(Array.from({ length: JOBS }, worker));
    });
    forgetOld(name.replace(/-.*/, "-"), ENGINES_KEPT);
  }
  return filesOf(folder);
}

interface Draft {
  /** Objects of the engine for the build tool and for the target. */
  readonly tool: readonly string[];
  readonly target: readonly string[];
  readonly draft: string;
  readonly key: string;
}

async function buildImage({ tool, target, draft, key }: Draft, program: Rv32Program): Promise<void> {
  const at = (name: string) => join(draft, name);
  const ours = [...words(WARNINGS), ...ENGINE_OPTIONS, ...headers()];
  const modules = [...program.modules].map(([name, bytes], number) => {
    writeFileSync(at(`module${number}.js`), bytes);
    return `${name}=${at(`module${number}.js`)}`;
  });
  await compile("gcc", [
    ...[...words(TOOL_OPTIONS), ...ours, join(HERE, "archive.c"), join(HOST, "host.c"), ...tool],
    ...["-lm", "-o", at("archive")],
  ]);
  const bytecode = Number(await compile(at("archive"), [at("bytecode.c"), program.main, ...modules]));
  writeFileSync(
    at("tables.S"),
    Object.entries(program.tables)
      .map(([name, bytes]) => {
        writeFileSync(at(name), bytes);
        return `.section .rodata.${name}, "a"\n.balign 16\n.globl ${name}, ${name}End\n${name}:\n.incbin "${at(name)}"\n${name}End:\n`;
      })
      .join(""),
  );
  const defines = [`-DIMAGE_BUILD="${key}"`, `-DPLUG_LINE="\\001${PLUG_LINE}"`];
  const script = await compile(TARGET, ["-E", "-P", "-x", "c", `-I${HERE}`, join(HERE, "link.ld")]);
  writeFileSync(at("link.ld"), script);
  await compile(TARGET, [
    ...[
      ...words(TARGET_OPTIONS),
      ...ours,
      ...defines,
      "-nostartfiles",
      "-T",
      at("link.ld"),
      "-Wl,--gc-sections",
    ],
    ...["board.c", "rom.c"].map((file) => join(HERE, file)),
    ...[join(HOST, "host.c"), at("bytecode.c"), at("tables.S"), ...target, "-lm", "-o", at("image.elf")],
  ]);
  const rom = program.variant === "rom" ? await buildRom(at("image.elf"), draft) : 0;
  const tables = program.tables.tableB.length + program.tables.tableBlinding.length;
  const size: Rv32Size = { ...(await sectionsOf(at("image.elf"))), bytecode, tables, rom };
  writeFileSync(at("size.json"), JSON.stringify(size));
}

/** The image's first start, which leaves the ROM as a file. @returns bytes of the ROM that are in use. */
async function buildRom(elf: string, folder: string): Promise<number> {
  const bootFile = join(folder, "boot");
  writeFileSync(bootFile, bootBytes({ mode: "BUILD_ROM" }));
  const { exitCode, stdout } = await emulate(elf, folder, loader(bootFile, "BOOT_ADDRESS"));
  if (exitCode !== 0) throw new Error(`the ROM was not built (exit code ${exitCode}): ${stdout}`);
  return Number(stdout);
}

async function sectionsOf(elf: string) {
  const lines = await compile("riscv64-unknown-elf-size", ["-A", elf]);
  const bytes = (section: string) =>
    Number(new RegExp(`^\\.${section}\\s+(\\d+)`, "m").exec(lines)?.[1] ?? 0);
  const data = bytes("data") + bytes("tdata");
  return { text: bytes("text"), rodata: bytes("rodata"), data, bss: bytes("bss") + bytes("tbss") };
}
