// A street as its commands write and read it: what lies where, who may read it, and what is refused.
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CborReader } from "../../src/trusted/encoding/cbor.js";
import { ok, run } from "./run.js";

const root = mkdtempSync(join(tmpdir(), "sealmeter-"));
const street = join(root, "street");
const small = ["--meters", "4", "--min-group", "3", "--statistics", "1"];
const SHARES = 48;

/** Every file of a folder by its path. */
const filesOf = (directory: string) =>
  Object.fromEntries(
    readdirSync(directory, { recursive: true, encoding: "utf8" })
      .filter((path) => statSync(join(directory, path)).isFile())
      .sort()
      .map((path) => [path, readFileSync(join(directory, path)).toString("hex")]),
  );

const modeOf = (...path: readonly string[]) => statSync(join(street, ...path)).mode & 0o777;
const keyOf = (meterId: string) => ["--key", join(street, "customer", `${meterId}.json`)];
const authority = ["--authority", join(street, "authority.pub")];

/** How many items a CBOR sequence of shares has. */
function countShares(path: string): number {
  const bytes = readFileSync(path);
  const reader = new CborReader(bytes, "shares");
  let count = 0;
  for (; reader.position < bytes.length; count++) {
    reader.array(7);
    reader.uint(1);
    reader.text(32);
    reader.uint(0xffffffff);
    reader.text(32);
    reader.uint(0xffffffff);
    reader.uint(0xff);
    reader.bytes(16);
  }
  return count;
}

afterAll(() => rmSync(root, { recursive: true, force: true }));

describe("sealmeter street", () => {
  const faults = ["--dark", "1", "--late", "1", "--bypass", "0.5"];
  let result: Record<string, unknown>;
  let [dark, late, bypassed] = ["", "", ""];

  beforeAll(async () => {
    result = JSON.parse(await ok("street", "--out", street, ...small, ...faults, "--jobs", "1", "--json"));
    [dark, late, bypassed] = [result.dark, result.late, result.bypassed].flat() as [string, string, string];
  });

  it("tells how much there is, and whom its faults have befallen", () => {
    const shares = 4 * SHARES - 6;
    expect(result).toMatchObject({ meters: 4, groups: 1, repairs: 0, shares, to: "2026-01-02T00:00:00Z" });
    expect(new Set([dark, late, bypassed]).size).toBe(3);
    const bytes = ["1", "2", "3", "4"].map(
      (at) => statSync(join(street, `SM-0000${at}`, "shares.cbor")).size,
    );
    const perDay = Math.round(bytes.reduce((sum, length) => sum + length, 0) / 4);
    expect(result.shareBytesPerMeterAndDay).toBe(perDay);
  });

  it("writes what a customer, the authority and the aggregator hold", () => {
    const entries = ["SM-00001", "SM-00002", "SM-00003", "SM-00004", "SM-FEEDER", "customer", "rosters"];
    const keys = ["aggregator.key", "aggregator.pub", "authority.pub"];
    expect(readdirSync(street).sort()).toEqual([...entries, ...keys].sort());
    expect([modeOf("aggregator.key"), modeOf("customer", "SM-00001.json"), modeOf("authority.pub")]).toEqual([
      0o600, 0o600, 0o644,
    ]);
    expect(readdirSync(join(street, "rosters"))).toEqual(["00001.cbor", "00001.members"]);
    const members = readFileSync(join(street, "rosters", "00001.members"), "utf8");
    expect(members).toBe("SM-00001\nSM-00002\nSM-00003\nSM-00004\n");
    const of = ["batches", "certificate.cbor", "events.cbor", "pairing-00000.cbor", "readings.cbor"];
    expect(readdirSync(join(street, late)).sort()).toEqual([...of, "shares.cbor"].sort());
    expect(readdirSync(join(street, "SM-FEEDER")).sort()).toEqual(of.sort());
  });

  it("writes the shares of every recorded interval, also of a meter that delivers late", () => {
    expect(countShares(join(street, late, "shares.cbor"))).toBe(SHARES);
    expect(countShares(join(street, dark, "shares.cbor"))).toBe(SHARES - 6);
  });

  it("writes meters that their customers can check, and a feeder whose readings its operator can read", async () => {
    for (const meterId of [dark, late, bypassed, "SM-FEEDER"]) {
      const said = await ok("check", join(street, meterId), ...keyOf(meterId), ...authority);
      expect(said).toContain(`${meterId}: every signature, commitment and event checks out`);
    }
    const csv = await ok("readings", join(street, "SM-FEEDER"), ...keyOf("SM-FEEDER"), "--csv");
    expect(csv.trim().split("\n").length).toBe(1 + 2 + SHARES);
    const asHousehold = join(root, "household.json");
    const { role, ...others } = JSON.parse(readFileSync(keyOf("SM-FEEDER")[1] as string, "utf8"));
    expect(role).toBe("feeder");
    writeFileSync(asHousehold, JSON.stringify(others));
    const { code, err } = await run("check", join(street, "SM-FEEDER"), "--key", asHousehold, ...authority);
    expect([code, err]).toEqual([1, expect.stringContaining("certified for a feeder, not for a household")]);
  });

  it("writes the same bytes however many threads it has", async () => {
    const again = join(root, "again");
    const said = await ok("street", "--out", again, ...small, ...faults, "--jobs", "2");
    expect(said).toContain("4 meters and their feeder, from 2026-01-01T00:00:00Z to 2026-01-02T00:00:00Z");
    expect(said).toContain(`past its meter from the middle on: ${bypassed}`);
    expect(filesOf(again)).toEqual(filesOf(street));
  });
});

describe("sealmeter street refuses", () => {
  it.each([
    ["a street of one", ["--meters", "1"], "a whole number from 2 to 1024"],
    ["statistics without the sum", ["--statistics", "2,3"], "expected 1 and perhaps 2 and 3"],
    ["statistics that do not ascend", ["--statistics", "1,3,2"], "expected 1 and perhaps 2 and 3"],
    ["a bypass of nothing", ["--bypass", "0"], "a fraction from 0.01 to 1"],
    ["a bypass of more than there is", ["--bypass", "1.5"], "a fraction from 0.01 to 1"],
    ["groups that hide too little", ["--meters", "19"], "groups of 20 meters at least, not 19"],
    ["more faults than meters", ["--meters", "20", "--dark", "15", "--late", "6"], "faults for 21 meters"],
    ["more than is kept", ["--meters", "1000", "--days", "9"], "8192 days of a meter"],
    ["a time without clocks", ["--from", "1970-01-01"], "from 1970-01-02 on"],
  ])("%s", async (_, args, reason) => {
    const out = join(root, "refused");
    const { code, err } = await run("street", "--out", out, ...args);
    expect([code, err]).toEqual([2, expect.stringContaining(reason)]);
    expect(existsSync(out)).toBe(false);
  });

  it("a folder that holds something", async () => {
    const { code, err } = await run("street", "--out", root, ...small);
    expect([code, err]).toEqual([2, expect.stringContaining("exists and is not an empty folder")]);
  });
});
