// Builds a machine's program from the firmware's own files: one script whose imports of platform modules are
// answered by whoever runs it. A module that is not on the machine's list does not resolve, and the build fails
// with its name: that is how the network machine is kept from flash, keys and entropy.
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build, type Plugin } from "esbuild";

export const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** Platform modules that a machine may import, each with the names it exports. */
export type ModuleList = Readonly<Record<string, readonly string[]>>;

export interface ProgramOptions {
  /** The machine, for the words of errors. */
  readonly machine: string;
  /** Module to begin with, by path from the repository's root. */
  readonly entry: string;
  readonly modules: ModuleList;
  /** Specifiers of the manifest that name files of the repository, by path from its root. */
  readonly files?: Readonly<Record<string, string>>;
  /** Source text instead of a file of the repository: a machine gone bad. */
  readonly source?: string;
}

/**
 * The trusted room is linked as a module of its own, as it is on the device (`firmware:build`): what is imported of it
 * elsewhere is another copy, whose classes are not the room's.
 */
const trustedRoomApart: Plugin = {
  name: "trusted room apart",
  setup({ onResolve, onLoad }) {
    const inRoom = (importer: string, path: string) => ({
      path: join(dirname(importer), path.replace(/\.js$/, ".ts")),
      namespace: "room",
    });
    onResolve({ filter: /\/trusted\/unit\.js$/ }, ({ importer, path }) => inRoom(importer, path));
    onResolve({ filter: /^\./, namespace: "room" }, ({ importer, path }) => inRoom(importer, path));
    onLoad({ filter: /.*/, namespace: "room" }, ({ path }) => ({
      contents: readFileSync(path, "utf8"),
      loader: "ts",
      resolveDir: dirname(path),
    }));
  },
};

/** Files of the repository and noble are bundled; what the list has is left to the host. */
function resolver({ machine, modules, files = {} }: ProgramOptions): Plugin {
  return {
    name: "manifest",
    setup({ onResolve, onLoad }) {
      onResolve({ filter: /^[^./]/ }, ({ path, kind }) => {
        if (kind === "entry-point") return undefined;
        if (path in modules) return { path, namespace: "platform" };
        const file = files[path];
        if (file !== undefined) return { path: `${ROOT}${file}` };
        if (path.startsWith("@noble/")) return undefined;
        return { errors: [{ text: `the ${machine} machine has no module "${path}"` }] };
      });
      onLoad({ filter: /.*/, namespace: "platform" }, ({ path }) => ({
        contents: stub(path, modules[path] ?? []),
      }));
    },
  };
}

function stub(specifier: string, names: readonly string[]): string {
  const named = names.map((name) =>
    name === "default" ? "export default m.default;" : `export const ${name} = m.${name};`,
  );
  return [`const m = __platform(${JSON.stringify(specifier)});`, ...named].join("\n");
}

/**
 * The program as a script: a function of the host's `require` that gives the entry's exports.
 * @throws Error naming what does not resolve.
 */
export async function bundle(options: ProgramOptions): Promise<string> {
  const { entry, source } = options;
  const stdin =
    source === undefined ? {} : { stdin: { contents: source, resolveDir: ROOT, loader: "ts" as const } };
  const { outputFiles } = await build({
    absWorkingDir: ROOT,
    ...(source === undefined ? { entryPoints: [entry] } : stdin),
    bundle: true,
    format: "iife",
    globalName: "__program",
    platform: "neutral",
    target: "es2022",
    legalComments: "none",
    charset: "utf8",
    write: false,
    tsconfigRaw: {},
    logLevel: "silent",
    plugins: [trustedRoomApart, resolver(options)],
  });
  const [output] = outputFiles;
  if (!output) throw new Error(`esbuild gave no program for the ${options.machine} machine`);
  return `((__platform) => {\n"use strict";\n${output.text}\nreturn __program;\n})`;
}

/** All files that go into a program, by path from the repository's root; tests look at what a machine is made of. */
export async function filesOf(options: ProgramOptions): Promise<readonly string[]> {
  const { metafile } = await build({
    absWorkingDir: ROOT,
    entryPoints: [options.entry],
    bundle: true,
    format: "iife",
    platform: "neutral",
    target: "es2022",
    write: false,
    metafile: true,
    tsconfigRaw: {},
    logLevel: "silent",
    plugins: [resolver(options)],
  });
  return Object.keys(metafile.inputs);
}

/** What of the manifest a board on a computer goes by. */
export interface Manifest {
  readonly config: Readonly<Record<string, unknown>>;
  readonly modules: Readonly<Record<string, unknown>>;
  readonly preload: readonly string[];
  readonly defines: { readonly task: { readonly queueLength: number } };
  readonly platforms: Readonly<Record<string, { readonly config?: Readonly<Record<string, unknown>> }>>;
}

/** The manifest's `include` of our own files is followed; what is included from the SDK is the SDK's. */
export function readManifest(path = "manifest.json"): Manifest {
  const folder = path.slice(0, path.lastIndexOf("/") + 1);
  const own = JSON.parse(readFileSync(`${ROOT}${path}`, "utf8")) as Manifest & {
    include?: string | readonly string[];
  };
  const included = [own.include ?? []].flat().filter((name) => name.startsWith("./"));
  return Object.assign(
    {},
    ...included.map((name) => readManifest(`${folder}${name.slice(2)}`)),
    own,
  ) as Manifest;
}
