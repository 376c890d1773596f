// sealmeter firmware-check: builds the firmware as far as that goes without ESP-IDF and a board: types against
// our declarations and against the SDK's, then the Moddable tools (mcconfig, xsc, xsl, mcrez) for each chip. It
// fails on errors and on link warnings about modules of ours, and prints what the image holds in flash. Then it
// runs the second machine at its worst (firmware-hostile.ts). The image itself takes ESP-IDF.
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import type { Command } from "commander";
import { VerificationError } from "../src/proofs/signed.js";
import { ExitCode, makeFolder, print, readHexKey, table, UsageError, writeFile } from "./command-line.js";
import { BUILD_FOLDER, buildFirmware, builtParts } from "./firmware-build.js";
import { canRunHostile, runHostile } from "./firmware-hostile.js";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const OUT = join(ROOT, "out", "firmware-check");
const PLATFORMS = ["esp32", "esp32/esp32c3"];
/** The commit that the project was last checked with, and the ESP-IDF that it asks for. */
const SDK_COMMIT = "48ee02d8";
const IDF_TAG = "v6.0";
/** No SDK here: neither passed nor failed. */
const NO_SDK = 3;
const STEP_MS_MAX = 900_000;
const OUTPUT_BYTES_MAX = 64 * 1024 * 1024;
/** Bytes of a slot of the engine on 32 bits. */
const SLOT_BYTES = 16;
/** Modules of ours, by their names in the manifest. */
const OURS = /^(main|network|sealmeter\/[a-z]+)$/;
/** Where the SDK declares what firmware/embedded.d.ts declares. */
const SDK_TYPES = [
  "xs/includes/xs",
  "typings/timer",
  "typings/time",
  "typings/Resource",
  "typings/mc/config",
  "typings/embedded/storage/flash",
  "typings/embedded_io/_common",
  "typings/embedded_io/digital",
  "typings/embedded_io/serial",
  "typings/embedded_io/socket/listener",
  "typings/embedded_io/socket/tcp",
  "typings/embedded_io/socket/tls",
  "typings/embedded_io/socket/udp",
  "typings/embedded_network/mqtt/client",
  "typings/embedded_network/ntp/client",
  "typings/embedded_network/dns/resolver/udp",
];

const WITHOUT_SDK = [
  "MODDABLE is not set: this check needs the Moddable SDK (Linux or macOS; no board, no ESP-IDF).",
  "",
  "  git clone https://github.com/Moddable-OpenSource/moddable && export MODDABLE=$PWD/moddable",
  `  git -C $MODDABLE checkout ${SDK_COMMIT}`,
  "  export PATH=$PATH:$MODDABLE/build/bin/lin/release       # macOS: mac instead of lin",
  "  sudo apt-get install gcc git make pkg-config libncurses-dev flex bison gperf libgtk-3-dev",
  "  make -C $MODDABLE/build/makefiles/lin release           # macOS: mac instead of lin",
];

interface Options {
  readonly authority?: string;
  readonly json?: boolean;
}

interface Sizes {
  readonly platform: string;
  /** Flash, bytes. */
  readonly trustedRoom: number;
  readonly wiring: number;
  readonly sdkCode: number;
  readonly objects: number;
  readonly names: number;
  readonly resources: number;
  /** Link warnings about the SDK's own modules. */
  readonly sdkWarnings: readonly string[];
}

export function addFirmwareCheck(program: Command): void {
  program
    .command("firmware-check")
    .description("check types and link of the ESP32 firmware with the Moddable SDK in $MODDABLE")
    .option("--authority <file>", "the authority's public key that the meters obey, hex")
    .option("--json", "print the result as JSON")
    .addHelpText("after", "\nExample:\n  $ sealmeter firmware-check")
    .action(checkFirmware);
}

async function checkFirmware(options: Options): Promise<void> {
  const moddable = process.env.MODDABLE;
  if (moddable === undefined || moddable === "") {
    process.stderr.write(`${WITHOUT_SDK.join("\n")}\n`);
    process.exitCode = NO_SDK;
    return;
  }
  const tools = ["lin", "mac"]
    .map((system) => join(moddable, "build", "bin", system, "release"))
    .find((folder) => existsSync(join(folder, "mcconfig")));
  if (!tools)
    throw new UsageError(`${moddable}: the SDK's tools are not built (make -C build/makefiles/lin release)`);
  const { authorityKey, certificate } = builtParts();
  const given = options.authority === undefined ? authorityKey : readHexKey(options.authority);
  // A build for nobody is better than none; firmware-build replaces it.
  const built = await buildFirmware(given ?? new Uint8Array(32), certificate);
  checkTypes(moddable);
  const environment = {
    ...process.env,
    PATH: `${process.env.PATH}:${tools}:${join(ROOT, "node_modules", ".bin")}`,
    IDF_PATH: fakeIdf(),
  };
  const sizes = PLATFORMS.map((platform) => linkFor(platform, environment));
  const hostile = canRunHostile()
    ? runHostile(moddable, join(OUT, "hostile"), (command, args) => run(command, args, environment))
    : null;
  const sdk = run("git", ["-C", moddable, "log", "-1", "--format=%h of %cs"], process.env).trim();
  print(options.json, { softwareId: built.softwareId, sdk, sizes, hostile }, [
    `software ${built.softwareId}`,
    `SDK ${sdk}${given ? "" : "; built for no authority: for this check only"}`,
    ...sizes.flatMap(({ sdkWarnings }) => sdkWarnings).filter((line, at, all) => all.indexOf(line) === at),
    ...sizeTable(sizes),
    hostile
      ? `${hostile.machines} hostile neighbours contained; turns at most ${hostile.worst_ms} ms apart, ended within ${hostile.close_ms} ms`
      : "hostile neighbours not run: gcc -m32 is missing (apt-get install gcc-multilib)",
    "not checked: our C code against ESP-IDF's own headers, memory at run time, anything with a board",
  ]);
}

function sizeTable(sizes: readonly Sizes[]): string[] {
  const row = (name: string, of: (size: Sizes) => number) => [name, ...sizes.map((size) => `${of(size)}`)];
  return table([
    ["bytes in flash", ...sizes.map(({ platform }) => platform)],
    row("trusted room, bytecode", ({ trustedRoom }) => trustedRoom),
    row("both machines' wiring, bytecode", ({ wiring }) => wiring),
    row("the SDK's modules, bytecode", ({ sdkCode }) => sdkCode),
    row("objects: built-ins, TLS, MQTT", ({ objects }) => objects),
    row("names and symbols", ({ names }) => names),
    row("tables and other resources", ({ resources }) => resources),
    row("sum, the engine's and ESP-IDF's machine code apart", (size) => totalOf(size)),
  ]);
}

const totalOf = ({ trustedRoom, wiring, sdkCode, objects, names, resources }: Sizes) =>
  trustedRoom + wiring + sdkCode + objects + names + resources;

/** The same sources against our own declarations, then against the SDK's. */
function checkTypes(moddable: string): void {
  const compiler = join(ROOT, "node_modules", "typescript", "bin", "tsc");
  run(process.execPath, [compiler, "-p", join(ROOT, "firmware", "tsconfig.json")], process.env);
  const settings = {
    extends: join(ROOT, "firmware", "tsconfig.json"),
    compilerOptions: { skipLibCheck: true },
    include: [],
    files: [
      ...SDK_TYPES.map((name) => join(moddable, `${name}.d.ts`)),
      ...["modules.d.ts", "unit.ts", "network.ts"].map((name) => join(ROOT, "firmware", name)),
    ],
  };
  const project = join(OUT, "tsconfig.sdk.json");
  writeFile(project, JSON.stringify(settings, null, 2));
  run(process.execPath, [compiler, "-p", project], process.env);
}

/** The makefile asks git for the version of ESP-IDF, and nothing else of it is used before C is compiled. */
function fakeIdf(): string {
  const folder = join(OUT, "esp-idf");
  if (existsSync(join(folder, ".git"))) return folder;
  makeFolder(folder);
  const git = ["-c", "user.name=check", "-c", "user.email=check@example.org", "-C", folder];
  run("git", ["init", "-q", folder], process.env);
  run("git", [...git, "commit", "-q", "--allow-empty", "-m", "In the place of ESP-IDF"], process.env);
  run("git", [...git, "tag", "-a", IDF_TAG, "-m", IDF_TAG], process.env);
  return folder;
}

function linkFor(platform: string, environment: NodeJS.ProcessEnv): Sizes {
  const chip = platform.split("/").at(-1) ?? platform;
  const out = join(OUT, chip);
  makeFolder(out);
  run("mcconfig", ["-p", platform, "-o", out, join(ROOT, "manifest.json")], environment);
  const folder = join(out, "tmp", platform, "release", "sealmeter");
  const [code, resources] = [join(folder, "mc.xs.c"), join(folder, "mc.resources.c")];
  // The header is what ESP-IDF would have made: taken as old, so that nobody asks for it.
  const header = join(folder, `xsProj-${chip}`, "build", "config", "sdkconfig.h");
  const printed = run(
    "make",
    ["-f", join(folder, "makefile"), "-B", "-o", header, code, resources],
    environment,
  );
  const warnings = printed.split("\n").filter((line) => line.startsWith("### warning"));
  const ofOurs = warnings.filter((line) => OURS.test(/^### warning: ([^:]*)/.exec(line)?.[1] ?? ""));
  if (ofOurs.length > 0) throw new VerificationError(`${platform}: ${ofOurs.join("; ")}`);
  checkResources(resources);
  const total = /^Total resource size: (\d+) bytes$/m.exec(printed)?.[1];
  return { platform, sdkWarnings: warnings, resources: Number(total ?? 0), ...sizesOf(code) };
}

function sizesOf(code: string): Omit<Sizes, "platform" | "sdkWarnings" | "resources"> {
  const linked = readFileSync(code, "latin1");
  const script = /\(txS1\*\)gxCode\d+, (\d+), NULL, 0, "([^"]+)"/g;
  let [trustedRoom, wiring, sdkCode] = [0, 0, 0];
  for (const [, size, name = ""] of linked.matchAll(script)) {
    if (name === "sealmeter/unit") trustedRoom += Number(size);
    else if (OURS.test(name)) wiring += Number(size);
    else sdkCode += Number(size);
  }
  if (trustedRoom === 0)
    throw new VerificationError(`${relative(ROOT, code)}: the trusted room is not in it`);
  const count = (name: string) => Number(new RegExp(`#define mx${name}Count (\\d+)`).exec(linked)?.[1] ?? 0);
  const slots = count("Heap") + count("Stack");
  const pointers = count("Keys") + count("Names") + count("Symbols");
  return {
    trustedRoom,
    wiring,
    sdkCode,
    objects: slots * SLOT_BYTES + count("BigInt") * 4,
    names: pointers * 4,
  };
}

/** The tables are read in place as 32-bit words: an array that is not aligned would be a fault at run time. */
function checkResources(path: string): void {
  const text = readFileSync(path, "latin1");
  const arrays = text.match(/^static const unsigned char _\d+\[\].*$/gm) ?? [];
  if (arrays.length === 0 || arrays.some((line) => !line.includes("aligned(4)"))) {
    throw new VerificationError(`${relative(ROOT, path)}: resources are not aligned to 4 bytes`);
  }
  for (const name of ["tableB.bin", "tableBlinding.bin", "broker-ca.der"]) {
    if (!text.includes(`{"${name}"`))
      throw new VerificationError(`${relative(ROOT, BUILD_FOLDER)}: no ${name}`);
  }
}

/** @throws VerificationError with the end of what it printed, when it fails. */
function run(command: string, args: readonly string[], environment: NodeJS.ProcessEnv): string {
  const { status, error, stdout, stderr } = spawnSync(command, args, {
    cwd: ROOT,
    env: environment,
    encoding: "utf8",
    timeout: STEP_MS_MAX,
    maxBuffer: OUTPUT_BYTES_MAX,
  });
  if (status === ExitCode.OK) return `${stdout}\n${stderr}`;
  const printed = `${stdout ?? ""}\n${stderr ?? ""}`.trim().split("\n").slice(-12).join(" | ");
  throw new VerificationError(`${command} failed: ${error?.message ?? printed}`);
}
