// sealmeter firmware-build: what the manifest takes as ready, in firmware/build: the trusted room as the one
// module that its identity is made of, both machines' wiring, the tables as resources, and the image's names
// and keys. Nothing in it is secret.
import { spawnSync } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Command } from "commander";
import { build, type Plugin } from "esbuild";
import { buildImage, trustedBundle, XS_BUNDLE } from "../host-sim/image.js";
import { fromHex, print, readFile, readHexKey, toHex, UsageError, writeFile } from "./command-line.js";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
export const BUILD_FOLDER = join(ROOT, "firmware", "build");
/** Largest certificate of a broker's authority, bytes. */
const CERTIFICATE_BYTES_MAX = 8_192;
/** In the place of a certificate: no connection is ever accepted under it. */
const NO_CERTIFICATE = Uint8Array.of(0);

/** ESP-IDF options of each kind of board, from the files of firmware/ in this order. */
const BOARDS = {
  development: ["sdkconfig.defaults"],
  production: ["sdkconfig.defaults", "sdkconfig.production"],
  "production-8mb": ["sdkconfig.defaults", "sdkconfig.production", "sdkconfig.8mb"],
};

interface Options {
  readonly authority: string;
  readonly brokerCa?: string;
  readonly json?: boolean;
}

export function addFirmwareBuild(program: Command): void {
  program
    .command("firmware-build")
    .description("build the modules and tables of the ESP32 firmware into firmware/build")
    .requiredOption("--authority <file>", "the authority's public key that the meters obey, hex")
    .option("--broker-ca <file>", "certificate of the MQTT broker's authority, PEM or DER")
    .option("--json", "print the result as JSON")
    .addHelpText("after", "\nExample:\n  $ sealmeter firmware-build --authority out/home/authority.pub")
    .action(async (options: Options) => {
      const certificate = options.brokerCa === undefined ? null : readCertificate(options.brokerCa);
      const built = await buildFirmware(readHexKey(options.authority), certificate);
      print(options.json, built, [
        `software ${built.softwareId}`,
        ...built.files.map(({ name, bytes }) => `firmware/build/${name} ${bytes}`),
        ...(certificate ? [] : ["no --broker-ca: the network side will not connect to any broker"]),
      ]);
    });
}

export interface BuiltFirmware {
  readonly softwareId: string;
  readonly files: readonly { readonly name: string; readonly bytes: number }[];
}

/** @param certificate DER of the broker's authority, or null. */
export async function buildFirmware(
  authorityKey: Uint8Array,
  certificate: Uint8Array | null,
): Promise<BuiltFirmware> {
  const image = buildImage(authorityKey);
  const names = {
    softwareId: toHex(image.softwareId),
    version: image.version,
    authorityKey: toHex(authorityKey),
    tableWindow: image.tableWindow,
    built_s: sourceTime_s(),
  };
  const module = Object.entries(names).map(
    ([name, value]) => `export const ${name} = ${JSON.stringify(value)};`,
  );
  const files: [name: string, content: Uint8Array][] = [
    ["unit.js", trustedBundle()],
    ["main.js", await bundle("firmware/unit.ts")],
    ["network.js", await bundle("firmware/network.ts")],
    ["image.js", Buffer.from(`${module.join("\n")}\n`)],
    ["tableB.bin", image.tableB],
    ["tableBlinding.bin", image.tableBlinding],
    ["broker-ca.der", certificate ?? NO_CERTIFICATE],
    ...Object.entries(BOARDS).map(([board, parts]): [string, Buffer] => [
      `sdkconfig/${board}/sdkconfig.defaults`,
      Buffer.concat(parts.map((part) => readFileSync(join(ROOT, "firmware", part)))),
    ]),
  ];
  for (const [name, content] of files) writeFile(join(BUILD_FOLDER, name), content);
  return {
    softwareId: names.softwareId,
    files: files.map(([name, content]) => ({ name, bytes: content.length })),
  };
}

/** What the build that lies there was given, or nulls: a check builds anew, with the same. */
export function builtParts(): {
  readonly authorityKey: Uint8Array | null;
  readonly certificate: Uint8Array | null;
} {
  const [image, broker] = ["image.js", "broker-ca.der"].map((name) => join(BUILD_FOLDER, name));
  if (!image || !broker || !existsSync(image) || !existsSync(broker)) {
    return { authorityKey: null, certificate: null };
  }
  const [, hex] = /authorityKey = "([0-9a-f]{64})"/.exec(readFileSync(image, "latin1")) ?? [];
  const certificate = readFileSync(broker);
  return {
    authorityKey: hex === undefined || /^0+$/.test(hex) ? null : fromHex(hex),
    certificate: certificate.length > NO_CERTIFICATE.length ? certificate : null,
  };
}

/** The machines' wiring takes the trusted room as built, by name: what is hashed is what is flashed. */
const trustedRoomByName: Plugin = {
  name: "trusted room by name",
  setup({ onResolve }) {
    onResolve({ filter: /\/trusted\/unit\.js$/ }, () => ({ path: "sealmeter/unit", external: true }));
  },
};

async function bundle(entry: string): Promise<Uint8Array> {
  const { outputFiles } = await build({
    ...XS_BUNDLE,
    entryPoints: [entry],
    external: ["embedded:*", "sealmeter/*", "mc/config", "timer", "time", "Resource"],
    plugins: [trustedRoomByName],
  });
  const [file] = outputFiles;
  if (!file) throw new Error(`esbuild gave no bundle of ${entry}`);
  return file.contents;
}

/** Of the commit that is built, so that the same sources give the same image; now, outside of a repository. */
function sourceTime_s(): number {
  const { stdout } = spawnSync("git", ["log", "-1", "--format=%ct"], { cwd: ROOT, encoding: "utf8" });
  const time_s = Number.parseInt(stdout ?? "", 10);
  return Number.isInteger(time_s) ? time_s : Math.floor(Date.now() / 1000);
}

/** DER of a certificate. @throws UsageError for what is none. */
function readCertificate(path: string): Uint8Array {
  const bytes = readFile(path, CERTIFICATE_BYTES_MAX);
  try {
    return new Uint8Array(new X509Certificate(bytes).raw);
  } catch {
    throw new UsageError(`${path}: not a certificate in PEM or DER`);
  }
}
