import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { decodeBoard } from "../../host-sim/stored-board.js";
import { verifyCertificate } from "../../src/proofs/certificate.js";
import { readHexKey } from "../../tools/command-line.js";
import { ok, run } from "./run.js";

const root = mkdtempSync(join(tmpdir(), "sealmeter-provision-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));
const path = (name: string) => join(root, name);

/** Writes a configuration; text is written as it is. */
function configuration(name: string, config: unknown): string {
  writeFileSync(path(name), typeof config === "string" ? config : JSON.stringify(config));
  return path(name);
}

/** Names and contents of all files under a folder. */
const contents = (folder: string) =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
    .map((file) => [file.slice(folder.length + 1), readFileSync(file).toString("base64")] as const);

const certificateOf = (folder: string, meterId: string) =>
  verifyCertificate(
    readFileSync(join(folder, meterId, "certificate.cbor")),
    readHexKey(join(folder, "authority.pub")),
  );

describe("provision", () => {
  it("leaves the files that the protocol names, those with secrets for their owner alone", async () => {
    await ok("provision", "--out", path("plain"));
    const section = readFileSync("docs/protocol.md", "utf8").split("\n## 15. Files of a bench\n")[1] ?? "";
    const cells = section.match(/^\| `.*?\|/gm) ?? [];
    const named = cells.flatMap((cell) => Array.from(cell.matchAll(/`([^`]+)`/g), ([, name = ""]) => name));
    const atFirst = named.filter((name) => !name.includes("register-"));
    const names = contents(path("plain")).map(([name]) => name);
    expect(names).toEqual(atFirst.map((name) => name.replaceAll("<meterId>", "SM-0001")).sort());
    for (const name of names) {
      const isSecret = /\.key$|^board\.cbor$|^customer/.test(name);
      expect(statSync(join(path("plain"), name)).mode & 0o777).toBe(isSecret ? 0o600 : 0o644);
    }
  });

  it("enrols the board that it is told, certified under the authority's key", async () => {
    const told = { channels: ["1-0:1.8.0", "1-0:2.8.0", "1-0:3.8.0"], elements: 3, nominal_V: 400 };
    const limits = { maximum_A: 63, maximum_Wh: 18_000, minGroup: 20 };
    const config = configuration("told.json", { ...told, ...limits, load_W: [1000, 0, 25] });
    const options = ["--config", config, "--meter", "HAUS-9", "--interval", "900", "--json"];
    const said = JSON.parse(await ok("provision", "--out", path("told"), ...options));
    expect(said).toMatchObject({ meterId: "HAUS-9", time: "2026-01-01T00:00:00Z", ...told, ...limits });
    const { channels } = told;
    expect(certificateOf(path("told"), "HAUS-9")).toMatchObject({ intervalSeconds: 900, channels });
    const { loads, powerUps } = decodeBoard(readFileSync(join(path("told"), "board.cbor")));
    expect([powerUps, ...loads.map(({ power_W }) => power_W)]).toEqual([0, 1000, 0, 25]);
  });

  it("makes the same files of the same seed, and other keys of another", async () => {
    await ok("provision", "--out", path("once"), "--seed", "9");
    await ok("provision", "--out", path("twice"), "--seed", "9");
    await ok("provision", "--out", path("other"), "--seed", "10");
    expect(contents(path("twice"))).toEqual(contents(path("once")));
    const [once, other] = ["once", "other"].map((name) => certificateOf(path(name), "SM-0001").signingKey);
    expect(other).not.toEqual(once);
  });

  it("leaves a folder that the customer can check, though nothing has been sent yet", async () => {
    await ok("provision", "--out", path("new"));
    const key = join(path("new"), "customer", "SM-0001.json");
    const { code, err } = await run(
      "check",
      join(path("new"), "SM-0001"),
      "--key",
      key,
      "--authority",
      join(path("new"), "authority.pub"),
    );
    expect([code, err]).toEqual([0, ""]);
  });
});

describe("a configuration that is refused names its file and field:", () => {
  it.each<[what: string, config: unknown, why: string]>([
    ["no JSON", "{", "not JSON"],
    ["a list", [], "is no JSON object"],
    ["an unknown field", { maxGroup: 3 }, '"maxGroup" is no field of a board (channels, elements,'],
    ["channels that are no list", { channels: "1-0:1.8.0" }, '"channels" is no list'],
    ["no channel", { channels: [] }, '"channels" are 1 to 8 OBIS codes'],
    ["nine channels", { channels: Array.from({ length: 9 }, (_, at) => `1-0:${at}.8.0`) }, "1 to 8 OBIS"],
    ["a channel by another name", { channels: ["1-0:1.8.0", "import"] }, '"channels[1]" is no OBIS code'],
    ["a channel twice", { channels: ["1-0:1.8.0", "1-0:1.8.0"] }, '"channels" name a channel twice'],
    ["four elements", { elements: 4 }, '"elements" is no whole number from 1 to 3'],
    ["no voltage", { nominal_V: 0 }, '"nominal_V" is no whole number from 1 to 1000'],
    ["half an ampere", { maximum_A: 0.5 }, '"maximum_A" is no whole number from 1 to 1000'],
    ["a maximum in words", { maximum_Wh: "11500" }, '"maximum_Wh" is no whole number from 0 to 11500'],
    ["a maximum above the fuse", { maximum_A: 10, maximum_Wh: 1151 }, "from 0 to 1150"],
    ["groups of two", { minGroup: 2 }, '"minGroup" is no whole number from 3 to 128'],
    ["a null", { minGroup: null }, '"minGroup" is no whole number'],
    ["a load too few", { load_W: [1] }, '"load_W" has 1 numbers for 2 channels'],
    ["a load above the fuse", { load_W: [0, 23_001] }, '"load_W[1]" is no whole number from 0 to 23000'],
  ])("%s", async (_, config, why) => {
    const file = configuration("bad.json", config);
    const { code, out, err } = await run("provision", "--out", path("bad"), "--config", file);
    expect([code, out]).toEqual([2, ""]);
    expect(err).toMatch(/^error: .*\n$/);
    expect(err).toContain(`${file}: `);
    expect(err).toContain(why);
    expect(existsSync(path("bad"))).toBe(false);
  });
});

describe("bad use of provision is exit code 2 and leaves nothing:", () => {
  it.each([
    ["no folder", [], "required option '--out <dir>' not specified"],
    ["an id in small letters", ["--out", "x", "--meter", "sm-1"], "--meter sm-1: is no meter id"],
    ["an hour", ["--out", "x", "--interval", "3600"], "Allowed choices are 900, 1800"],
    ["no seed", ["--out", "x", "--seed", "one"], "a whole number from 0 to 4294967295"],
    ["no such file", ["--out", "x", "--config", "nowhere.json"], "nowhere.json: cannot be read (ENOENT)"],
    ["a folder that is there", ["--out", "docs"], "docs: exists and is not an empty folder"],
  ])("%s", async (_, args, why) => {
    const { code, out, err } = await run("provision", ...args);
    expect([code, out]).toEqual([2, ""]);
    expect(err).toMatch(/^error: .*\n$/);
    expect(err).toContain(why);
    expect(existsSync("x")).toBe(false);
  });
});
