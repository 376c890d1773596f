// A folder of bills: what is verified, what is named as refused, and what the exit code says.
import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ok, run, Scene } from "./run.js";

const scene = new Scene();
const folder = scene.path("bills");
const hinted = scene.path("hinted.cbor");

beforeAll(async () => {
  await scene.build();
  await ok("bill", ...scene.customerOf(), ...scene.terms(), "--out", hinted, "--hints");
  mkdirSync(folder);
  copyFileSync(scene.bill, join(folder, "b.cbor"));
  copyFileSync(hinted, join(folder, "c.cbor"));
  writeFileSync(join(folder, "notes.txt"), "no bill");
});
afterAll(() => scene.remove());

const trust = () => ["--tariff", scene.tariff, "--authority", scene.authority];
const verify = (...more: string[]) => run("verify-bills", folder, ...trust(), "--jobs", "1", ...more);

/** A folder like the first, with another file in it. */
function withFile(name: string, content: Uint8Array | string): string {
  const other = scene.path(`with-${name}`);
  mkdirSync(other);
  copyFileSync(scene.bill, join(other, "b.cbor"));
  writeFileSync(join(other, name), content);
  return other;
}

function flipped(path: string, at: number): Uint8Array {
  const bytes = readFileSync(path);
  bytes[bytes.length + at] = (bytes[bytes.length + at] ?? 0) ^ 1;
  return bytes;
}

describe("a folder of bills", () => {
  it("is verified and summed up, hinted bills and others alike", async () => {
    const one = JSON.parse(await ok("verify-bill", ...scene.supplierOf(), "--json"));
    const { code, out, err } = await verify("--json");
    expect([code, err]).toEqual([0, ""]);
    expect(JSON.parse(out)).toEqual({
      verified: 2,
      readings: 2 * one.readings,
      nanoCurrency: { EUR: `${2n * BigInt(one.nanoCurrency.total)}` },
      overlaps: [{ name: "c.cbor", other: "b.cbor" }],
      refused: [],
    });
    const { out: said } = await verify();
    expect(said).toMatch(
      /^verified: 2 bills of \d+\.\d{6} EUR together\n {2}\d+ readings went into them; none was seen\n {2}counted twice: c\.cbor overlaps b\.cbor\n$/,
    );
  });

  it("has larger bills where they have hints, and the same amounts", async () => {
    const [bare, more] = [scene.bill, hinted].map((path) => readFileSync(path).length);
    expect(more).toBeGreaterThan(2 * (bare ?? 0));
    expect(await ok("verify-bill", ...scene.supplierOf(hinted))).toBe(
      await ok("verify-bill", ...scene.supplierOf()),
    );
  });

  it("comes to the same on several cores", async () => {
    const bad = withFile("d.cbor", flipped(scene.bill, -1));
    const [alone, together] = [
      await run("verify-bills", bad, ...trust(), "--jobs", "1", "--json"),
      await run("verify-bills", bad, ...trust(), "--jobs", "2", "--json"),
    ];
    expect(together).toEqual(alone);
    expect(alone.code).toBe(1);
  });

  it.each([
    ["a flipped total", "e.cbor", () => flipped(scene.bill, -3), /refused: e\.cbor: the lines do not follow/],
    ["a flipped hint", "f.cbor", () => flipped(hinted, -6000), /refused: f\.cbor: /],
    ["junk", "g.cbor", () => "junk", /refused: g\.cbor: bill: not a definite map/],
    ["nothing", "h.cbor", () => "", /refused: h\.cbor: bill: cut short/],
    [
      "too much",
      "i.cbor",
      () => new Uint8Array(2 ** 24 + 1),
      /refused: i\.cbor: longer than the 16777216 bytes/,
    ],
  ])("with %s names the bill, and verifies the others", async (_, name, content, reason) => {
    const { code, out, err } = await run(
      "verify-bills",
      withFile(name, content()),
      ...trust(),
      "--jobs",
      "1",
    );
    expect([code, err]).toEqual([1, ""]);
    expect(out).toMatch(reason);
    expect(out).toMatch(/\nverified: 1 bills of /);
    expect(out).toMatch(/\n {2}1 bills are refused\n$/);
  });

  it("names what is called like a bill and is a folder", async () => {
    const other = withFile("k.txt", "");
    mkdirSync(join(other, "j.cbor"));
    const { code, out } = await run("verify-bills", other, ...trust(), "--jobs", "1");
    expect([code, out]).toEqual([1, expect.stringMatching(/^refused: j\.cbor: is a folder, not a file\n/)]);
  });

  it("names what is called like a bill and is a pipe, and waits for nobody", async () => {
    const other = withFile("n.txt", "");
    execFileSync("mkfifo", [join(other, "o.cbor")]);
    const { code, out } = await run("verify-bills", other, ...trust(), "--jobs", "1");
    expect([code, out]).toEqual([1, expect.stringMatching(/^refused: o\.cbor: is a pipe, not a file\n/)]);
  });

  it("names what is called like a bill and is a link to itself", async () => {
    const other = withFile("l.txt", "");
    symlinkSync("m.cbor", join(other, "m.cbor"));
    const { code, out, err } = await run("verify-bills", other, ...trust(), "--jobs", "1");
    expect([code, err]).toEqual([1, ""]);
    expect(out).toMatch(/^refused: m\.cbor: cannot be read \(ELOOP\)\nverified: 1 bills of /);
  });

  it("is remembered with --seen, as by verify-bill", async () => {
    const seen = scene.path("seen.json");
    expect((await verify("--seen", seen)).code).toBe(0);
    expect((await verify("--seen", seen)).code).toBe(0);
    const ledger = JSON.parse(readFileSync(seen, "utf8"));
    const numbers = ledger.batches.map(([, number]: readonly unknown[]) => number);
    expect(new Set(numbers).size).toBe(numbers.length);
    ledger.conflicts = [["SM-0001", numbers[0], "reported by another supplier"]];
    writeFileSync(seen, JSON.stringify(ledger));
    const { code, out } = await verify("--seen", seen, "--json");
    expect([code, JSON.parse(out).refused]).toEqual([
      1,
      ["b.cbor", "c.cbor"].map((name) => ({ name, reason: "reported by another supplier" })),
    ]);
  });

  it("leaves a memory that verify-bill reads, though it has more batches and bytes than other files may", async () => {
    const seen = scene.path("long.json");
    const digests = ["1".repeat(64), "2".repeat(64)];
    const batches = Array.from({ length: 2 ** 17 + 1 }, (_, at) => [`SM-X${at}`, 5, ...digests]);
    writeFileSync(seen, JSON.stringify({ batches, conflicts: [] }) + " ".repeat(64_000_000));
    await ok("verify-bill", ...scene.supplierOf(), "--seen", seen);
    expect(readFileSync(seen).length).toBeGreaterThan(18_000_000);
  });

  it.each<[string, () => string[], string]>([
    ["that is missing", () => [scene.path("none"), ...trust()], "is no folder that can be read (ENOENT)"],
    ["that is a file", () => [scene.bill, ...trust()], "is no folder that can be read (ENOTDIR)"],
    ["without a bill", () => [scene.home, ...trust()], "holds no *.cbor"],
    ["and no core", () => [folder, ...trust(), "--jobs", "0"], "whole number"],
    ["and no tariff", () => [folder, "--tariff", scene.bill, "--authority", scene.authority], "tariff-1: "],
  ])("%s is bad use", async (_, args, what) => {
    const { code, out, err } = await run("verify-bills", ...args());
    expect([code, out]).toEqual([2, ""]);
    expect(err).toMatch(/^error: [^\n]+\n$/);
    expect(err).toContain(what);
  });
});
