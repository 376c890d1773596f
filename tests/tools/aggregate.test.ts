import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ModelStreet } from "../../host-sim/model-street.js";
import { formGroups } from "../../src/aggregation/enrolment.js";
import { repairOf } from "../../src/aggregation/repair.js";
import { signRoster } from "../../src/aggregation/rosters.js";
import { decodeShare, type Share } from "../../src/aggregation/share.js";
import { encodeRevocation } from "../../src/proofs/certificate.js";
import { signWithKey } from "../../src/proofs/signed.js";
import { encodeShare } from "../../src/trusted/blinding/share.js";
import { ok, run } from "./run.js";
import { type Send, writeStreet } from "./street-folder.js";

const root = mkdtempSync(join(tmpdir(), "sealmeter-street-"));
const path = (name: string) => join(root, name);
const CHANNELS = ["1-0:1.8.0", "1-0:2.8.0"];

/** Twelve meters; the last is dark from the 20th to the 24th interval, of which the first ten made a repair. */
const street = new ModelStreet({
  meters: 12,
  channels: CHANNELS,
  hasPower: (meter, interval) => meter !== 11 || interval % 48 < 20 || interval % 48 >= 24,
});
const home = path("home");

beforeAll(() => {
  const standing = street.stand();
  const taken = new Set(street.meters.slice(0, 10).map(({ meterId }) => meterId));
  const names = {
    rosterNumber: 2,
    firstInterval: street.firstOf(0) + 20,
    lastInterval: street.firstOf(0) + 22,
  };
  street.rosters.addRepair(signRoster(repairOf(standing, taken, names), street.aggregatorSeed));
  writeStreet(home, street);
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** A copy of the street, in which a meter's shares are what `send` makes of them. */
function altered(name: string, send: Send): string {
  writeStreet(path(name), street, { send });
  return path(name);
}
const rewrite = (message: Uint8Array, change: (share: Share) => Partial<Share>): Uint8Array => {
  const share = decodeShare(message);
  const { sums, ...names } = { ...share, ...change(share) };
  return encodeShare(names, sums);
};
const lowered = (by: number) => (message: Uint8Array) =>
  rewrite(message, ({ sums }) => {
    const copy = sums.slice();
    const view = new DataView(copy.buffer);
    view.setBigUint64(0, BigInt.asUintN(64, view.getBigUint64(0) - BigInt(by)));
    return { sums: copy };
  });
const sumOf = (meters: readonly number[], at: number, channel: number) =>
  meters
    .map((meter) => street.openingsOf(meter, street.firstOf(0) + at)[channel]?.reading ?? 0)
    .reduce((a, b) => a + b);
const all = Array.from({ length: 12 }, (_, at) => at);

describe("sealmeter aggregate", () => {
  it("sums a day up: verified, repaired or open, and says who was missing", async () => {
    const out = await ok("aggregate", home);
    expect(out).toContain("street-1, 1-0:1.8.0\nstart");
    const lines = out.split("\n");
    const count = (state: string) => lines.filter((line) => line.endsWith(`  ${state}`)).length;
    expect([count("verified"), count("repaired"), count("open"), count("unverified")]).toEqual([88, 6, 2, 0]);
    expect(out).toContain(
      "repaired: street-1, 2026-01-01T10:00:00Z to 2026-01-01T11:30:00Z: without SM-00012",
    );
    expect(out).toContain("open: street-1, 2026-01-01T11:30:00Z to 2026-01-01T12:00:00Z: without SM-00012");
    expect(lines.at(-2)).toBe("602 shares, 0 copies, 0 of rosters that were over, 0 refused");
    expect(lines.every((line) => line.length <= 110)).toBe(true);
  });

  it("gives as JSON and as CSV the sums of the readings that nobody has seen", async () => {
    const csv = path("sums.csv");
    const { intervals, totals } = JSON.parse(await ok("aggregate", home, "--json", "--csv", csv));
    const first = street.firstOf(0);
    for (const [at, members] of [
      [3, all],
      [21, all.slice(0, 10)],
    ] as const) {
      for (const [channel, obis] of CHANNELS.entries()) {
        const sum_Wh = sumOf(members, at, channel);
        expect(intervals[at].channels[obis]).toMatchObject({ sum_Wh, mean_Wh: sum_Wh / members.length });
        const total = totals.find(
          (one: { start: string; channel: string }) =>
            one.start === intervals[at].start && one.channel === obis,
        );
        expect(total).toMatchObject({ sum_Wh, meters: members.length, groupsWithout: 0, isVerified: true });
      }
    }
    const rows = readFileSync(csv, "utf8").split("\n");
    expect(rows).toHaveLength(1 + 2 * 48 + 1);
    expect(rows[0]).toBe("interval,start,channel,group,roster,members,sum_Wh,mean_Wh,deviation_Wh,state");
    const sum = sumOf(all, 0, 0);
    const begin = `${first},2026-01-01T00:00:00Z,1-0:1.8.0,street-1,1,12,${sum},${Number((sum / 12).toFixed(1))},`;
    expect(rows[1]?.startsWith(begin)).toBe(true);
    expect(rows[1 + 2 * 21]).toContain(",street-1,2,10,");
    expect(rows[1 + 2 * 23]).toBe(`${first + 23},2026-01-01T11:30:00Z,1-0:1.8.0,street-1,1,12,,,,open`);
  });

  it("draws the curve of a day, and nothing outside the picture", async () => {
    const svg = path("street.svg");
    await ok("aggregate", home, "--svg", svg, "--date", "2026-01-01");
    const xml = readFileSync(svg, "utf8");
    expect(xml).toContain("12 meters together, 2026-01-01 UTC: no reading was seen");
    const xs = Array.from(xml.matchAll(/ x[12]?="([^"]*)"/g), ([, x]) => Number(x));
    expect(xs.every((x) => x >= 0 && x <= 1000)).toBe(true);
    const flat = xml.match(/stroke-width="2"/g) ?? [];
    expect(flat).toHaveLength(2 * 47);
  });

  it("sums nothing of another day", async () => {
    const { code, out } = await run("aggregate", home, "--date", "2026-01-02");
    expect([code, out.split("\n")[0]]).toEqual([0, "no shares"]);
    expect((await run("aggregate", home, "--date", "2026-01-02", "--svg", path("no.svg"))).code).toBe(2);
    expect(existsSync(path("no.svg"))).toBe(false);
  });
});

describe("what meters send falsely", () => {
  it.each<[string, Send, RegExp]>([
    [
      "a lowered share",
      (message, { meter, at }) => [meter === 4 && at === 3 ? lowered(20)(message) : message],
      /false: interval \d+ of roster 1, channel 0: a member's share is false, of whom cannot be told/,
    ],
    [
      "a share that is lowered below what can be",
      (message, { meter, at }) => [meter === 4 && at === 3 ? lowered(1_000_000)(message) : message],
      /false: interval \d+ of roster 1: the shares of channel 0 add up to noise/,
    ],
    [
      "two different shares",
      (message, { meter, at }) => (meter === 4 && at === 3 ? [message, lowered(2)(message)] : [message]),
      /refused, sent by SM-00005: SM-00005 has sent two different shares for interval \d+ in roster 1/,
    ],
    [
      "another meter's share",
      (message, { meter, at }) =>
        meter === 4 && at === 3 ? [message, rewrite(message, () => ({ meterId: "SM-00002" }))] : [message],
      /refused, sent by SM-00005: share of SM-00002 for interval \d+: sent by SM-00005/,
    ],
    [
      "another status",
      (message, { meter, at }) => [
        meter === 4 && at === 3 ? rewrite(message, () => ({ status: 1 })) : message,
      ],
      /unsealed: batch 0 of SM-00005: the shares of intervals \d+ to \d+ are not what it has sealed/,
    ],
    [
      "what is no message",
      (message, { meter, at }) => [meter === 4 && at === 47 ? Uint8Array.of(0xff, ...message) : message],
      /refused, sent by SM-00005: shares: /,
    ],
  ])("is told and changes the exit code: %s", async (name, send, words) => {
    const { code, out } = await run("aggregate", altered(name.replace(/\W/g, "-"), send));
    expect(out).toMatch(words);
    expect(code).toBe(1);
  });

  it("copies change nothing", async () => {
    const out = await ok(
      "aggregate",
      altered("copies", (message) => [message, message]),
    );
    expect(out).toContain("602 shares, 602 copies, 0 of rosters");
    const [lines, plain] = [out, await ok("aggregate", home)].map((text) => text.split("\n").slice(0, -2));
    expect(lines).toEqual(plain);
  });
});

describe("a street's folder", () => {
  const spoilt = (name: string, spoil: (folder: string) => void): string => {
    cpSync(home, path(name), { recursive: true });
    spoil(path(name));
    return path(name);
  };
  it.each<[string, (folder: string) => void, number, string]>([
    ["no folder", (folder) => rmSync(folder, { recursive: true }), 2, "authority.pub: cannot be read"],
    [
      "no rosters",
      (folder) => rmSync(join(folder, "rosters"), { recursive: true }),
      2,
      "rosters: is no folder",
    ],
    [
      "no list of members",
      (folder) => rmSync(join(folder, "rosters", "00001.members")),
      2,
      "00001.members: cannot",
    ],
    [
      "a list with another member",
      (folder) => writeFileSync(join(folder, "rosters", "00001.members"), "SM-00001\nSM-00002\n"),
      1,
      "00001.cbor: roster 1: the members are others",
    ],
    [
      "a list of no names",
      (folder) => writeFileSync(join(folder, "rosters", "00001.members"), "../etc\n"),
      2,
      "not at most 128 meter ids",
    ],
    [
      "a roster under another's name",
      (folder) => copyFileSync(join(folder, "rosters", "00002.cbor"), join(folder, "rosters", "00003.cbor")),
      2,
      "00003.cbor: is roster 2",
    ],
    [
      "a roster by another aggregator",
      (folder) => copyFileSync(join(folder, "authority.pub"), join(folder, "aggregator.pub")),
      1,
      "00001.cbor: roster-1: signed by another key",
    ],
    [
      "a certificate by another authority",
      (folder) => copyFileSync(join(folder, "aggregator.pub"), join(folder, "authority.pub")),
      1,
      "certificate.cbor: certificate-1: signed by another key",
    ],
    [
      "a certificate of another meter",
      (folder) =>
        copyFileSync(
          join(folder, "SM-00002", "certificate.cbor"),
          join(folder, "SM-00001", "certificate.cbor"),
        ),
      2,
      "certificate.cbor: is of SM-00002",
    ],
  ])("with %s ends the command with a word", async (name, spoil, exitCode, words) => {
    const { code, err } = await run("aggregate", spoilt(name.replace(/\W/g, "-"), spoil));
    expect(err).toContain(words);
    expect(err.trim().split("\n")).toHaveLength(1);
    expect(code).toBe(exitCode);
  });

  it("with a batch cut short blames that meter, and sums the others' intervals up", async () => {
    const folder = spoilt("cut", (copy) =>
      truncateSync(join(copy, "SM-00007", "batches", "000000.cbor"), 90),
    );
    const { code, out } = await run("aggregate", folder);
    expect(code).toBe(1);
    expect(out).toContain("unsealed: batch-1: ");
    expect(out.split("\n").filter((line) => line.endsWith("  unverified"))).toHaveLength(94);
  });

  it("without a batch is unverified, and nobody has lied", async () => {
    const folder = spoilt("unsealed", (copy) =>
      rmSync(join(copy, "SM-00007", "batches"), { recursive: true }),
    );
    const out = await ok("aggregate", folder);
    expect(out.split("\n").filter((line) => line.endsWith("  unverified"))).toHaveLength(94);
    expect(out).toContain("T10:00:00Z: no batch of SM-00007 holds it yet\n");
  });

  it("and a revocation: batches of a revoked key seal nothing", async () => {
    const { meterId, signingKey } = street.enrol(4).certificate;
    const revoked = [{ meterId, signingKey, lastGoodBatchNumber: 0 }];
    const file = path("revocation.cbor");
    const revoke = (seed: Uint8Array) =>
      writeFileSync(file, signWithKey("revocation-1", encodeRevocation({ issuedAt_s: 1, revoked }), seed));
    revoke(street.authoritySeed);
    await ok("aggregate", home, "--revocation", file);
    revoked[0] = {
      meterId: ModelStreet.meterId(11),
      signingKey: street.enrol(11).certificate.signingKey,
      lastGoodBatchNumber: 0,
    };
    revoke(street.authoritySeed);
    const { code, out } = await run("aggregate", home, "--revocation", file);
    expect([
      code,
      out.includes("unsealed: batch 1 of SM-00012: the key is revoked before this batch"),
    ]).toEqual([1, true]);
    revoke(street.aggregatorSeed);
    expect((await run("aggregate", home, "--revocation", file)).code).toBe(1);
  });
});

describe("a street of several groups", () => {
  it("shows its totals and a line for each group, or one group's sums", async () => {
    const wide = new ModelStreet({ meters: 30, statistics: [1, 2] });
    for (const [at, members] of formGroups(wide.meters, { target: 10, minimum: 10 }).entries()) {
      wide.stand({ groupId: `group-${at}`, members });
    }
    const send: Send = (message, { meter, at }) => (meter === 15 && at === 1 ? [] : [message]);
    writeStreet(path("wide"), wide, { intervals: 2, send });
    const out = await ok("aggregate", path("wide"));
    expect(out).toMatch(/all groups, 1-0:1.8.0\nstart +meters +groups +sum Wh +state\n/);
    expect(out).toMatch(
      /2026-01-01T00:00:00Z +30 +3 of 3 +\d+ +unverified\n2026-01-01T00:30:00Z +20 +2 of 3/,
    );
    expect(out).toMatch(/group-1 +10 +0 +1 +0 +1\n/);
    const one = await ok("aggregate", path("wide"), "--group", "group-1");
    expect(one).toMatch(/^group-1, 1-0:1.8.0\n/);
    expect(one).toMatch(/2026-01-01T00:30:00Z +10 +- +- +- +open\n/);
    expect((await run("aggregate", path("wide"), "--group", "group-9")).code).toBe(2);
  });
});
