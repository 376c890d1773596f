import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ed25519 } from "@noble/curves/ed25519.js";
import { bytesToHex } from "@noble/hashes/utils.js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { encodeCertificate } from "../../src/proofs/certificate.js";
import { signWithKey, verifySigned } from "../../src/proofs/signed.js";
import { type Command, encodeCommand, KINDS, type Order, peerName } from "../../src/supplier/command.js";
import { digest } from "../../src/trusted/sealing/keys.js";
import { makeProgram } from "../../tools/sealmeter.js";
import { example, seedOf } from "../example.js";
import { EXAMPLE_TARIFF, ok, run } from "./run.js";

const root = mkdtempSync(join(tmpdir(), "sealmeter-sign-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));
const path = (name: string) => join(root, name);

const [seed, supplier] = [seedOf("supplier"), ed25519.getPublicKey(seedOf("supplier"))];
const image = Uint8Array.of(1, 2, 3);
const softwareId = new Uint8Array(32).fill(0xab);

beforeAll(async () => {
  writeFileSync(path("supplier.key"), `${bytesToHex(seed)}\n`);
  writeFileSync(path("supplier.pub"), `${bytesToHex(supplier)}\n`);
  writeFileSync(path("image.bin"), image);
  writeFileSync(path("peer.cbor"), example.certificateBytes);
  await ok("tariff", "sign", EXAMPLE_TARIFF, "--key", path("supplier.key"), "--out", path("tariff.cbor"));
});

const terms = (out: string, changes: Readonly<Record<string, string>> = {}) => {
  const options = { meter: "SM-0001", counter: "7", key: path("supplier.key"), out: path(out), ...changes };
  return Object.entries(options).flatMap(([name, value]) => [`--${name}`, value]);
};
const sign = (words: readonly string[], out: string, changes = {}) =>
  run("command", "sign", ...words, ...terms(out, changes));
const read = (name: string) => Uint8Array.from(readFileSync(path(name)));
const payloadOf = (name: string) => verifySigned("command-1", read(name), supplier, 512);
const payload = (order: Order, head: Partial<Command> = {}) =>
  encodeCommand({ meterId: "SM-0001", counter: 7, notAfter_s: null, ...head, ...order });

describe("command sign writes what the words mean:", () => {
  const tariffDigest = () => digest(verifySigned("tariff-1", read("tariff.cbor"), supplier, 5000));
  const peers = [peerName(example.certificate.agreementKey), new Uint8Array(8).fill(0xff)];

  it.each<[words: readonly string[], order: () => Order]>([
    [["register-statement"], () => ({ kind: "register-statement" })],
    [["load-switch", "open"], () => ({ kind: "load-switch", action: "open" })],
    [["load-switch", "arm"], () => ({ kind: "load-switch", action: "arm" })],
    [["top-up", "20000000"], () => ({ kind: "top-up", amount: 20_000_000 })],
    [["credit-tariff", "TMP/tariff.cbor"], () => ({ kind: "credit-tariff", digest: tariffDigest() })],
    [
      ["credit-tariff", "cd".repeat(32)],
      () => ({ kind: "credit-tariff", digest: new Uint8Array(32).fill(0xcd) }),
    ],
    [
      ["credit-settings", "2=22", "1=1"],
      () => ({
        kind: "credit-settings",
        settings: new Map([
          [1, 1],
          [2, 22],
        ]),
      }),
    ],
    [
      [
        "credit-settings",
        "mode=prepayment",
        "low=5",
        "emergency=10.0",
        "debt=30.125",
        "debt-per-day=0.50",
        "protected-from=16:00",
        "protected-to=09:15",
        "protected-weekdays=sat,sun",
        "protected-first=2026-12-24",
        "protected-last=2027-01-01",
      ],
      () => ({
        kind: "credit-settings",
        settings: new Map([
          [1, 1],
          [2, 5_000],
          [3, 10_000],
          [4, 30_125],
          [5, 500],
          [6, 64],
          [7, 37],
          [8, 0b1100000],
          [9, Date.UTC(2026, 11, 24) / 86_400_000],
          [10, Date.UTC(2027, 0, 1) / 86_400_000],
        ]),
      }),
    ],
    [
      [
        "credit-settings",
        "mode=off",
        "low=4294967.295",
        "protected-from=00:00",
        "protected-to=24:00",
        "protected-weekdays=none",
        "protected-first=none",
      ],
      () => ({
        kind: "credit-settings",
        settings: new Map([
          [1, 0],
          [2, 0xffffffff],
          [6, 0],
          [7, 96],
          [8, 0],
          [9, 0],
        ]),
      }),
    ],
    [["revoked-peers", "none"], () => ({ kind: "revoked-peers", peers: [] })],
    [
      ["revoked-peers", "f".repeat(16), "TMP/peer.cbor", "f".repeat(16)],
      () => ({ kind: "revoked-peers", peers }),
    ],
    [
      ["configuration", "minGroup=12", "maximum_Wh=9000", "supplier=TMP/supplier.pub"],
      () => ({ kind: "configuration", changes: { minGroup: 12, maximum_Wh: 9000, supplier } }),
    ],
    [
      ["configuration", `network=${bytesToHex(supplier)}`],
      () => ({ kind: "configuration", changes: { network: supplier } }),
    ],
    [
      ["software-update", "image=TMP/image.bin", `software=${"ab".repeat(32)}`, "version=2"],
      () => ({ kind: "software-update", image: digest(image), softwareId, version: 2 }),
    ],
  ])("%j", async (words, order) => {
    const { code, err } = await sign(
      words.map((word) => word.replace("TMP", root)),
      "command.cbor",
    );
    expect([code, err]).toEqual([0, ""]);
    expect(payloadOf("command.cbor")).toEqual(payload(order()));
  });

  it("an answer about the time, counter 0", async () => {
    const words = ["time", "0f".repeat(16), "2026-01-02T12:00:00Z"];
    expect((await sign(words, "time.cbor", { counter: "0" })).code).toBe(0);
    const order = { kind: "time", nonce: new Uint8Array(16).fill(0x0f), unix_s: 1_767_355_200 } as const;
    expect(payloadOf("time.cbor")).toEqual(payload(order, { counter: 0 }));
  });

  it.each([
    ["2026-01-02", 1_767_398_399],
    ["2026-01-02T00:00:00Z", 1_767_312_000],
  ])("not after %s", async (date, notAfter_s) => {
    const { code, out } = await run(
      "command",
      "sign",
      "top-up",
      "1",
      ...terms("late.cbor"),
      "--not-after",
      date,
    );
    expect(code).toBe(0);
    expect(out).toContain(`not after ${new Date(notAfter_s * 1000).toISOString().slice(0, 19)}Z`);
    expect(payloadOf("late.cbor")).toEqual(payload({ kind: "top-up", amount: 1 }, { notAfter_s }));
  });

  it("and says so as JSON, with the digest by which the meter's event will name it", async () => {
    const said = JSON.parse(
      await ok("command", "sign", "load-switch", "open", ...terms("open.cbor"), "--json"),
    );
    const document = read("open.cbor");
    expect(said).toEqual({
      meterId: "SM-0001",
      kind: "load-switch",
      number: 4,
      counter: 7,
      notAfter: null,
      senders: ["supplier", "network"],
      digest: bytesToHex(digest(document)),
      bytes: document.length,
    });
  });
});

describe("command sign refuses with exit code 2 and one line, and writes nothing:", () => {
  it.each<[what: string, words: readonly string[], changes: Readonly<Record<string, string>>, why: string]>([
    ["an unknown kind", ["reboot"], {}, "Allowed choices are time, configuration, register-statement"],
    ["no kind", [], {}, "missing required argument 'kind'"],
    ["a meter that is none", ["register-statement"], { meter: "sm 1" }, '"sm 1" is no meter id'],
    [
      "a counter that is none",
      ["register-statement"],
      { counter: "x" },
      "a whole number from 0 to 4294967295",
    ],
    ["counter 0", ["register-statement"], { counter: "0" }, "counter is a whole number from 1 to 4294967295"],
    [
      "a key that is none",
      ["register-statement"],
      { key: "README.md" },
      "README.md: not 32 bytes in lower-case",
    ],
    ["a key that is not there", ["register-statement"], { key: "no.key" }, "no.key: cannot be read (ENOENT)"],
    [
      "a day that is not",
      ["register-statement"],
      { "not-after": "2026-02-30" },
      "expected a date YYYY-MM-DD",
    ],
    ["a time of no zone", ["register-statement"], { "not-after": "2026-02-03T10:00" }, "expected a date"],
    ["a day above u32", ["register-statement"], { "not-after": "2107-01-01" }, "notAfter is a whole number"],
    ["words too many", ["register-statement", "now"], {}, "expected no further words after the kind, not 1"],
    [
      "a time without its time",
      ["time", "0f".repeat(16)],
      { counter: "0" },
      "expected NONCE TIME after the kind",
    ],
    [
      "a short nonce",
      ["time", "0f", "2026-01-01"],
      { counter: "0" },
      '"0f" is not 16 bytes in lower-case hex',
    ],
    ["a time in words", ["time", "0f".repeat(16), "noon"], { counter: "0" }, 'TIME: "noon" is not a date'],
    ["a time with a counter", ["time", "0f".repeat(16), "2026-01-01"], {}, "has counter 0 and no notAfter"],
    ["no field", ["configuration"], {}, "a configuration changes at least one field"],
    [
      "an unknown field",
      ["configuration", "interval=900"],
      {},
      "with a field of maximum_Wh, supplier, network",
    ],
    ["a field without a value", ["configuration", "minGroup"], {}, '"minGroup": expected FIELD=VALUE'],
    ["a field twice", ["configuration", "minGroup=5", "minGroup=6"], {}, "minGroup is given twice"],
    [
      "a field that is no number",
      ["configuration", "minGroup=ten"],
      {},
      'minGroup: "ten" is not a whole number',
    ],
    [
      "a field out of range",
      ["configuration", "minGroup=2"],
      {},
      "minGroup is a whole number from 3 to 128, not 2",
    ],
    ["a key file that is not there", ["configuration", "supplier=no.pub"], {}, "no.pub: cannot be read"],
    ["another switch", ["load-switch", "close"], {}, 'expected "open" or "arm" after load-switch'],
    ["no switch", ["load-switch"], {}, 'expected "open" or "arm" after load-switch'],
    ["no amount", ["top-up"], {}, "expected AMOUNT after the kind, not 0 words"],
    ["half an amount", ["top-up", "0.5"], {}, 'AMOUNT: "0.5" is not a whole number'],
    [
      "an amount above 100,000",
      ["top-up", "100000000001"],
      {},
      "amount is a whole number from 1 to 100000000000",
    ],
    ["a tariff that is none", ["credit-tariff", "README.md"], {}, "README.md: tariff-1: "],
    ["no settings", ["credit-settings"], {}, "credit settings are at least one"],
    ["an unknown setting", ["credit-settings", "limit=5"], {}, "with a field of mode, low, emergency, debt,"],
    ["a setting that no meter has", ["credit-settings", "11=5"], {}, "there is no credit setting 11"],
    ["a name and its number", ["credit-settings", "low=5", "2=9"], {}, '"2=9": setting 2 is given twice'],
    ["a mode that is none", ["credit-settings", "mode=on"], {}, 'mode: "on" is not prepayment or off'],
    ["a number in a name's form", ["credit-settings", "6=16:00"], {}, '6: "16:00" is not a whole number'],
    ["four decimals", ["credit-settings", "low=0.0005"], {}, 'low: "0.0005" is not an amount'],
    ["a negative amount", ["credit-settings", "debt=-1"], {}, 'debt: "-1" is not an amount'],
    ["an amount without a digit", ["credit-settings", "low=.5"], {}, 'low: ".5" is not an amount'],
    ["an amount above u32", ["credit-settings", "emergency=4294967.296"], {}, "setting 3 is a whole number"],
    ["a time between quarters", ["credit-settings", "protected-from=16:10"], {}, '"16:10" is not HH:MM'],
    ["a time after the day", ["credit-settings", "protected-to=24:15"], {}, '"24:15" is not HH:MM'],
    [
      "an unknown weekday",
      ["credit-settings", "protected-weekdays=sat,son"],
      {},
      '"sat,son" is not none, or',
    ],
    [
      "a day that is none",
      ["credit-settings", "protected-first=2026-02-30"],
      {},
      '"2026-02-30" is not none, or',
    ],
    [
      "a time for a day",
      ["credit-settings", "protected-last=2026-02-03T10:00:00Z"],
      {},
      "is not none, or YYYY",
    ],
    ["a day above u16", ["credit-settings", "protected-last=2149-06-07"], {}, "setting 10 is a whole number"],
    ["no peers", ["revoked-peers"], {}, 'expected the peers after revoked-peers, or "none"'],
    ["a peer that is no certificate", ["revoked-peers", "README.md"], {}, "README.md: longer than the 4096"],
    ["half an update", ["software-update", "version=2"], {}, "expected image=... software=... version=..."],
    [
      "a software id cut short",
      ["software-update", "image=README.md", "software=ab", "version=1"],
      {},
      'software: "ab" is not 32 bytes',
    ],
  ])("%s", async (_, words, changes, why) => {
    const { code, out, err } = await sign(words, "refused.cbor", changes);
    expect([code, out]).toEqual([2, ""]);
    expect(err).toMatch(/^error: .*\n$/);
    expect(err).toContain(why);
    expect(readdirSync(root).filter((name) => name.includes("refused"))).toEqual([]);
  });

  it("more peers than a meter takes, though each is one", async () => {
    const peers = Array.from({ length: 33 }, (_, at) => `${at}`.padStart(16, "0"));
    const { code, err } = await sign(["revoked-peers", ...peers], "refused.cbor");
    expect([code, err]).toEqual([2, "error: command: at most 32 peers are revoked, not 33\n"]);
    expect(existsSync(path("refused.cbor"))).toBe(false);
  });

  it("a certificate whose key is no element", async () => {
    const payload = encodeCertificate(example.certificate);
    const at = Buffer.from(payload).indexOf(example.certificate.agreementKey);
    payload.fill(0xff, at, at + 32);
    writeFileSync(path("bad.cbor"), signWithKey("certificate-1", payload, seedOf("authority")));
    const { code, err } = await sign(["revoked-peers", path("bad.cbor")], "refused.cbor");
    expect(code).toBe(2);
    expect(err).toContain(`${path("bad.cbor")}: certificate: agreement key is not a canonical element`);
  });
});

it("the help has the words of every kind, an example that works, and who may send it", async () => {
  const help = await ok("command", "sign", "--help");
  const group = makeProgram().commands.find((command) => command.name() === "command");
  expect(group?.commands.map((command) => command.name())).toEqual(["sign", "send"]);
  for (const [kind, { senders }] of Object.entries(KINDS)) {
    expect(help).toMatch(new RegExp(`\n {2}${kind} ?.*\n {6}.*\\(${senders.join(" or ")}\\)\n`));
    const example = help.match(new RegExp(`\\$ sealmeter command sign (${kind}.*?) \\\\\n +(.*)`));
    const line = `${example?.[1]} ${example?.[2]}`;
    const files = {
      "other-supplier.pub": "supplier.pub",
      "tariff.cbor": "tariff.cbor",
      "image.bin": "image.bin",
    };
    const words = line.split(" ").map((word) => {
      const [name, file] = Object.entries(files).find(([from]) => word.endsWith(from)) ?? [];
      if (word === `${kind}.cbor`) return path("from-help.cbor");
      if (word.endsWith(".key")) return path("supplier.key");
      if (word.endsWith("certificate.cbor")) return path("peer.cbor");
      return name === undefined ? word : word.replace(name, path(file ?? ""));
    });
    await ok("command", "sign", ...words);
  }
});
