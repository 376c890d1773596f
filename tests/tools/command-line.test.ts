import { execFileSync, spawn, spawnSync } from "node:child_process";
import { readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import type { Command } from "commander";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { makeProgram } from "../../tools/sealmeter.js";
import { ok, run, Scene } from "./run.js";

const SEALMETER = resolve("tools/sealmeter.mjs");
const scene = new Scene();

beforeAll(() => scene.build());
afterAll(() => scene.remove());

/** The commands that do something, by their full names. */
function leaves(command: Command, prefix = ""): [name: string, command: Command][] {
  return command.commands.flatMap((child) => {
    const name = `${prefix}${child.name()}`;
    return child.commands.length > 0 ? leaves(child, `${name} `) : [[name, child] as [string, Command]];
  });
}

const commands = new Map(leaves(makeProgram()));
const section = (file: string, heading: string) =>
  readFileSync(file, "utf8").split(`\n## ${heading}\n`)[1]?.split("\n## ")[0] ?? "";

describe("every command", () => {
  it.each([...commands.keys(), "tariff", ""])("'%s' explains itself with an example", async (name) => {
    const words = name.split(" ").filter((word) => word !== "");
    const help = await ok(...words, "--help");
    expect(help).toMatch(new RegExp(`Usage: sealmeter ${name}`));
    expect(help).toMatch(new RegExp(`Examples?:\n {2}\\$ sealmeter ${name}`));
  });

  it("stands in the README's table, and the README names no other", () => {
    const rows = section("README.md", "Commands").matchAll(/^\| `([a-z0-9 -]+?)(?: [[A-Z-].*)?`/gm);
    expect(Array.from(rows, ([, name]) => name).sort()).toEqual([...commands.keys()].sort());
  });

  it("has the options that the README gives it, and needs no other", () => {
    const rows = section("README.md", "Commands").match(/^\| `.*?`/gm) ?? [];
    for (const row of rows) {
      const name =
        [...commands.keys()].find(
          (candidate) => /^[ `]/.test(row.slice(3 + candidate.length)) && row.startsWith(`| \`${candidate}`),
        ) ?? "";
      const command = commands.get(name);
      const given = row.match(/--[a-z-]+/g) ?? [];
      const options = command?.options ?? [];
      expect(options.map(({ long }) => long)).toEqual(expect.arrayContaining(given));
      const needed = options.filter(({ mandatory }) => mandatory).map(({ long }) => long);
      expect(given).toEqual(expect.arrayContaining(needed));
    }
  });

  it("is run by the README's long example with options that it has", () => {
    const example = section("README.md", "Commands").match(/```\n([\s\S]*?)```/)?.[1] ?? "";
    const lines = example.replace(/\\\n/g, " ").trim().split("\n");
    expect(lines.length).toBeGreaterThan(3);
    for (const line of lines) {
      const name = [...commands.keys()].find((candidate) => line.startsWith(`npx sealmeter ${candidate} `));
      const options = commands.get(name ?? "")?.options.map(({ long }) => long);
      expect(options).toEqual(expect.arrayContaining(line.match(/--[a-z-]+/g) ?? []));
    }
  });

  it("has the options of the issue's table: those of simulate", () => {
    const options = commands.get("simulate")?.options.map(({ long }) => long);
    expect(options).toEqual(
      expect.arrayContaining(
        "--out --trace --columns --days --interval --seed --from --utc-offset --gaps".split(" "),
      ),
    );
  });
});

describe("bad use is exit code 2 with one line on standard error", () => {
  it.each([
    ["an unknown command", ["chekc"], "unknown command 'chekc' (Did you mean check?)"],
    ["an unknown option", ["start", "--bogus"], "unknown option '--bogus'"],
    ["a missing option", ["simulate"], "required option '--out <dir>' not specified"],
    [
      "a missing argument",
      ["check", "--key", "k", "--authority", "a"],
      "missing required argument 'meterdir'",
    ],
    ["an argument too many", ["verify-reading", "a", "b", "--authority", "c"], "too many arguments"],
    ["no such number of days", ["simulate", "--out", "x", "--days", "397"], "a whole number from 1 to 396"],
    ["days that are no number", ["simulate", "--out", "x", "--days", "1e2"], "a whole number from 1 to 396"],
    [
      "an interval of an hour",
      ["simulate", "--out", "x", "--interval", "3600"],
      "Allowed choices are 900, 1800",
    ],
    ["a negative seed", ["simulate", "--out", "x", "--seed", "-1"], "a whole number from 0 to 4294967295"],
    ["a day that is not", ["simulate", "--out", "x", "--from", "2026-02-30"], "expected a date YYYY-MM-DD"],
    [
      "an offset of a day",
      ["simulate", "--out", "x", "--utc-offset", "24"],
      "a UTC offset is -14 to 14 hours",
    ],
    ["no offset", ["simulate", "--out", "x", "--utc-offset", ""], "expected hours such as -3.5"],
    [
      "another way with gaps",
      ["simulate", "--out", "x", "--gaps", "fill"],
      "Allowed choices are refuse, absent",
    ],
    ["columns without a trace", ["simulate", "--out", "x", "--columns", "import=a:W"], "need --trace"],
    [
      "faults that are none",
      ["simulate", "--faults", "power,gravity"],
      '"gravity" is no fault: outages, power',
    ],
    [
      "faults in a trace",
      ["simulate", "--faults", "all", "--trace", "x"],
      "--faults draws its own load and days",
    ],
    ["a soak of no days", ["soak", "--days", "0"], "a whole number from 1 to 60"],
    ["a soak of faults that are none", ["soak", "--faults", ""], "is no fault"],
    ["too few days to bench", ["bench", "--days", "59"], "a whole number from 60 to 396"],
  ])("%s", async (_, args, what) => {
    const { code, out, err } = await run(...args);
    expect([code, out]).toEqual([2, ""]);
    expect(err).toMatch(/^error: .*\n$/);
    expect(err).toContain(what);
  });

  it("a group without its command, with its help", async () => {
    const { code, out, err } = await run("tariff");
    expect([code, out]).toEqual([2, ""]);
    expect(err).toMatch(/^Usage: sealmeter tariff[\s\S]*error: a command is missing\n$/);
  });
});

describe("--json", () => {
  it.each([
    ["check", () => scene.customerOf()],
    ["readings", () => scene.customerOf()],
    ["bill", () => [...scene.customerOf(), ...scene.terms(), "--out", scene.path("again.cbor")]],
    ["verify-bill", () => scene.supplierOf()],
  ])("of %s prints one JSON value and nothing else", async (command, args) => {
    const { code, out, err } = await run(command, ...args(), "--json");
    expect([code, err]).toEqual([0, ""]);
    expect(JSON.parse(out)).toMatchObject({ meterId: "SM-0001" });
  });

  it("tells a refusal as JSON too, with the same exit code", async () => {
    const supplier = join(scene.home, "supplier.pub");
    const { code, out, err } = await run(
      "check",
      scene.meter,
      "--key",
      scene.key,
      "--authority",
      supplier,
      "--json",
    );
    const reason = `${join(scene.meter, "certificate.cbor")}: certificate-1: signed by another key`;
    expect([code, err]).toEqual([1, `refused: ${reason}\n`]);
    expect(JSON.parse(out)).toEqual({ error: reason, exitCode: 1 });
  });

  it("tells bad use as JSON too", async () => {
    const { code, out } = await run("simulate", "--json");
    expect(code).toBe(2);
    expect(JSON.parse(out)).toMatchObject({ exitCode: 2 });
  });
});

describe("the files of a simulation", () => {
  it("are those of the protocol's table, no more and no less", () => {
    const cells = section("docs/protocol.md", "14. Files").match(/^\| `.*?\|/gm) ?? [];
    const patterns = cells.flatMap((cell) => {
      const isSeries = cell.includes("...");
      const names = Array.from(cell.matchAll(/`([^`]+)`/g), ([, name = ""]) => name);
      // A cell names its folder once: `<meterId>/readings.cbor`, `events.cbor`.
      const folder = names[0]?.startsWith("<meterId>/") ? "<meterId>/" : "";
      return names.map((name) => {
        const full = name.includes("/") ? name : folder + name;
        const text = full.replaceAll("<meterId>", "SM-0001").replaceAll(".", "\\.");
        return new RegExp(
          `^${isSeries ? text.replace(/\d+(?=\\\.cbor$)/, (zeros) => `\\d{${zeros.length}}`) : text}$`,
        );
      });
    });
    const files = readdirSync(scene.home, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(scene.home.length + 1));
    expect(patterns.length).toBeGreaterThanOrEqual(9);
    for (const file of files) expect(patterns.filter((pattern) => pattern.test(file))).toHaveLength(1);
    for (const pattern of patterns) expect(files.filter((file) => pattern.test(file))).not.toEqual([]);
  });

  it("that hold keys are for their owner alone", () => {
    for (const path of [scene.key, join(scene.home, "supplier.key")]) {
      expect(statSync(path).mode & 0o777).toBe(0o600);
    }
  });
});

describe("as a process of its own", () => {
  it("runs from any folder, and a reader that closes the pipe is no error", () => {
    const script = 'set -o pipefail; "$0" "$@" | head -1; echo "code $?"';
    const args = [SEALMETER, "readings", ...scene.customerOf()];
    const { stdout, stderr } = spawnSync("bash", ["-c", script, process.execPath, ...args], {
      cwd: scene.root,
      encoding: "utf8",
    });
    expect(stdout).toMatch(/^start +interval +status +state +1-0:1\.8\.0 +1-0:2\.8\.0\ncode 0\n$/);
    expect(stderr).toBe("");
  });

  it("ends with the exit code of a refusal", () => {
    const forged = scene.path("not-a-bill.cbor");
    rmSync(forged, { force: true });
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      [SEALMETER, "verify-bill", ...scene.supplierOf(forged)],
      { cwd: scene.root, encoding: "utf8" },
    );
    expect([status, stdout]).toEqual([2, ""]);
    expect(stderr).toBe(`error: ${forged}: cannot be read (ENOENT)\n`);
  });

  it.each([
    "SIGINT",
    "SIGTERM",
  ] as const)("leaves nothing behind when %s ends a simulation", async (signal) => {
    const out = scene.path(`interrupted-${signal}`);
    const child = spawn(process.execPath, [SEALMETER, "simulate", "--out", out, "--days", "200"], {
      stdio: "ignore",
    });
    const ended = new Promise<NodeJS.Signals | null>((done) => child.once("exit", (_, by) => done(by)));
    await new Promise((done) => setTimeout(done, 2500));
    child.kill(signal);
    expect(await ended).toBe(signal);
    expect(readdirSync(dirname(out)).filter((name) => name.includes("interrupted"))).toEqual([]);
  });

  it("finishes the files that it is writing when a signal comes, and ends by it then", () => {
    const target = scene.path("while-writing");
    const script = `
      const { createDirectory } = await import(${JSON.stringify(resolve("tools/meter-directory.ts"))});
      const { writeFile } = await import(${JSON.stringify(resolve("tools/command-line.ts"))});
      createDirectory(${JSON.stringify(target)}, (partial) => {
        writeFile(partial + "/first", "1");
        process.kill(process.pid, "SIGTERM");
        writeFile(partial + "/second", "2");
      });
      setTimeout(() => process.exit(7), 20_000);`;
    const preload = `data:text/javascript,import{register}from"node:module";register("ts-node/esm",${JSON.stringify(`file://${SEALMETER}`)})`;
    const { signal } = spawnSync(
      process.execPath,
      ["--no-warnings", "--import", preload, "--input-type=module", "-e", script],
      { env: { ...process.env, TS_NODE_PROJECT: resolve("tsconfig.json") } },
    );
    expect(signal).toBe("SIGTERM");
    expect(readdirSync(target).sort()).toEqual(["first", "second"]);
  });

  it("says so when standard output cannot be written", () => {
    const script = '"$0" "$@" > /dev/full';
    const run = () =>
      execFileSync("bash", ["-c", script, process.execPath, SEALMETER, "readings", ...scene.customerOf()], {
        stdio: "pipe",
      });
    expect(run).toThrow(/error: standard output cannot be written \(ENOSPC\)/);
  });
});
