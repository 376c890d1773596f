import { readFileSync } from "node:fs";
import { ed25519 } from "@noble/curves/ed25519.js";
import { bytesToHex, hexToBytes } from "@noble/hashes/utils.js";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { verifySigned } from "../../src/proofs/signed.js";
import {
  type Command,
  encodeCommand,
  KINDS,
  type Order,
  peerName,
  signCommand,
} from "../../src/supplier/command.js";
import { FormatError } from "../../src/trusted/encoding/bytes.js";
import { CborReader } from "../../src/trusted/encoding/cbor.js";
import { example, seedOf } from "../example.js";

const supplierSeed = seedOf("supplier");
const key = (name: string) => ed25519.getPublicKey(seedOf(name));
const filled = (length: number, byte: number) => new Uint8Array(length).fill(byte);
const hex = (order: Order, head: Partial<Command> = {}) =>
  bytesToHex(encodeCommand({ meterId: "SM-0001", counter: 7, notAfter_s: null, ...head, ...order }));

const waveform = {
  samplesPerSecond: 4000,
  starting_mW: 4600,
  elements: [{ gain: 14_400_000, delay_ns: -199 }],
};
const calibration = { sources: [null, null], waveform, testPulses: 1000 };

/** `{1: "SM-0001", 2: 7, 3: null, 4: kind, 5: arguments}` up to the kind. */
const HEAD = "a50167534d2d30303031020703f604";

describe("the payload of a command", () => {
  const nonce = filled(16, 0xaa);
  const digestOf = (byte: string) => `5820${byte.repeat(32)}`;

  it.each<[what: string, Order, encoded: string]>([
    ["a register statement", { kind: "register-statement" }, "0305f6"],
    ["an open load switch", { kind: "load-switch", action: "open" }, "040500"],
    ["an armed load switch", { kind: "load-switch", action: "arm" }, "040501"],
    ["a top-up", { kind: "top-up", amount: 20_000_000 }, "05051a01312d00"],
    ["the largest top-up", { kind: "top-up", amount: 100_000_000_000 }, "05051b000000174876e800"],
    ["a credit tariff", { kind: "credit-tariff", digest: filled(32, 0xbb) }, `0605${digestOf("bb")}`],
    [
      "credit settings, by number whatever their order",
      {
        kind: "credit-settings",
        settings: new Map([
          [10, 500],
          [1, 0],
        ]),
      },
      "0705a201000a1901f4",
    ],
    ["no revoked peers", { kind: "revoked-peers", peers: [] }, "080580"],
    [
      "revoked peers",
      { kind: "revoked-peers", peers: [filled(8, 1), filled(8, 2)] },
      "080582480101010101010101480202020202020202",
    ],
    [
      "a software update",
      { kind: "software-update", image: filled(32, 1), softwareId: filled(32, 2), version: 3 },
      `090583${digestOf("01")}${digestOf("02")}03`,
    ],
    ["a configuration of one field", { kind: "configuration", changes: { minGroup: 12 } }, "0205a10b0c"],
    [
      "a configuration of all fields, ascending",
      {
        kind: "configuration",
        changes: {
          minGroup: 3,
          aggregator: key("aggregator"),
          network: key("network"),
          supplier: key("supplier"),
          maximum_Wh: 11_500,
          calibration,
        },
      },
      `0205a604192cec085820${bytesToHex(key("supplier"))}095820${bytesToHex(key("network"))}` +
        `0a5820${bytesToHex(key("aggregator"))}0b030e83` +
        "82f6f6" +
        "83190fa01911f881821a00dbba0038c6" +
        "1903e8",
    ],
  ])("of %s is deterministic CBOR", (_, order, encoded) => {
    expect(hex(order)).toBe(HEAD + encoded);
  });

  it("of an answer about the time has the nonce, counter 0 and no notAfter", () => {
    const answer = hex({ kind: "time", nonce, unix_s: 1_767_225_600 }, { counter: 0 });
    expect(answer).toBe(`a50167534d2d30303031020003f60401058250${"aa".repeat(16)}1a6955b900`);
  });

  it("says until when it holds", () => {
    const command = { notAfter_s: 1_767_225_600 };
    expect(hex({ kind: "register-statement" }, command)).toBe("a50167534d2d303030310207031a6955b900040305f6");
  });

  it("is read back item by item whatever its values", () => {
    const u32 = fc.integer({ min: 1, max: 0xffffffff });
    fc.assert(
      fc.property(u32, fc.option(u32), u32, (counter, notAfter_s, amount) => {
        const payload = encodeCommand({ meterId: "A", counter, notAfter_s, kind: "top-up", amount });
        const reader = new CborReader(payload, "command");
        reader.map(5);
        expect([reader.key(1).text(32), reader.key(2).uint()]).toEqual(["A", counter]);
        expect(reader.key(3).nil() ? null : reader.uint()).toBe(notAfter_s);
        expect([reader.key(4).uint(), reader.key(5).uint()]).toEqual([5, amount]);
        reader.end();
      }),
      { numRuns: 50 },
    );
  });

  it("numbers the kinds from 1 to 9, each with somebody who may send it", () => {
    const kinds = Object.values(KINDS);
    expect(kinds.map(({ number }) => number)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
    for (const { senders } of kinds) expect(senders.length).toBeGreaterThan(0);
  });
});

describe("a command that no meter would take is refused:", () => {
  const statement = { kind: "register-statement" } as const;
  const update = {
    kind: "software-update",
    image: filled(32, 1),
    softwareId: filled(32, 2),
    version: 1,
  } as const;
  const time = { kind: "time", nonce: filled(16, 1), unix_s: 1 } as const;
  const smallOrder = filled(32, 0);
  smallOrder[0] = 1;

  it.each<[what: string, Order & Partial<Command>, why: string]>([
    ["a meter id in small letters", { ...statement, meterId: "sm-1" }, '"sm-1" is no meter id'],
    ["counter 0", { ...statement, counter: 0 }, "counter is a whole number from 1 to 4294967295, not 0"],
    ["half a counter", { ...statement, counter: 1.5 }, "counter is a whole number from 1"],
    ["a counter above u32", { ...statement, counter: 2 ** 32 }, "not 4294967296"],
    ["a notAfter before 1970", { ...statement, notAfter_s: -1 }, "notAfter is a whole number from 0"],
    [
      "a time with a counter",
      { ...time, counter: 1 },
      "an answer about the time has counter 0 and no notAfter",
    ],
    ["a time with a notAfter", { ...time, counter: 0, notAfter_s: 9 }, "has counter 0 and no notAfter"],
    ["a short nonce", { ...time, counter: 0, nonce: filled(15, 1) }, "nonce has 16 bytes, not 15"],
    ["a time above u32", { ...time, counter: 0, unix_s: 2 ** 32 }, "time is a whole number"],
    ["no change", { kind: "configuration", changes: {} }, "a configuration changes at least one field"],
    [
      "groups of two",
      { kind: "configuration", changes: { minGroup: 2 } },
      "minGroup is a whole number from 3 to 128",
    ],
    ["groups of 129", { kind: "configuration", changes: { minGroup: 129 } }, "not 129"],
    [
      "a calibration that no meter reads",
      {
        kind: "configuration",
        changes: { calibration: { ...calibration, waveform: { ...waveform, samplesPerSecond: 100 } } },
      },
      "too few samples a second",
    ],
    ["a maximum above u32", { kind: "configuration", changes: { maximum_Wh: 2 ** 32 } }, "maximum_Wh is"],
    [
      "a key that is no point",
      { kind: "configuration", changes: { supplier: filled(32, 0xff) } },
      "supplier is no Ed25519 public key",
    ],
    [
      "a key under which anything verifies",
      { kind: "configuration", changes: { network: smallOrder } },
      "network is no Ed25519 public key",
    ],
    [
      "a key cut short",
      { kind: "configuration", changes: { aggregator: filled(31, 1) } },
      "aggregator is no",
    ],
    ["a top-up of nothing", { kind: "top-up", amount: 0 }, "amount is a whole number from 1"],
    [
      "a top-up above 100,000 of the currency",
      { kind: "top-up", amount: 1e11 + 1 },
      "from 1 to 100000000000",
    ],
    ["a negative top-up", { kind: "top-up", amount: -1 }, "amount is a whole number"],
    [
      "a short digest",
      { kind: "credit-tariff", digest: filled(20, 1) },
      "digest of the tariff has 32 bytes, not 20",
    ],
    ["no setting", { kind: "credit-settings", settings: new Map() }, "credit settings are at least one"],
    ["setting 0", { kind: "credit-settings", settings: new Map([[0, 1]]) }, "there is no credit setting 0"],
    [
      "setting 11",
      { kind: "credit-settings", settings: new Map([[11, 1]]) },
      "there is no credit setting 11",
    ],
    ["half a setting", { kind: "credit-settings", settings: new Map([[1.5, 1]]) }, "no credit setting 1.5"],
    [
      "mode 2",
      { kind: "credit-settings", settings: new Map([[1, 2]]) },
      "setting 1 is a whole number from 0 to 1",
    ],
    [
      "a large amount",
      { kind: "credit-settings", settings: new Map([[3, 2 ** 32]]) },
      "from 0 to 4294967295",
    ],
    [
      "a negative debt",
      { kind: "credit-settings", settings: new Map([[4, -1]]) },
      "setting 4 is a whole number",
    ],
    ["an hour after the day", { kind: "credit-settings", settings: new Map([[7, 97]]) }, "from 0 to 96"],
    ["an eighth weekday", { kind: "credit-settings", settings: new Map([[8, 128]]) }, "from 0 to 127"],
    ["a day above u16", { kind: "credit-settings", settings: new Map([[10, 65_536]]) }, "from 0 to 65535"],
    ["a long peer", { kind: "revoked-peers", peers: [filled(9, 1)] }, "a peer's name has 8 bytes, not 9"],
    [
      "peers that descend",
      { kind: "revoked-peers", peers: [filled(8, 2), filled(8, 1)] },
      "ascend and are distinct",
    ],
    [
      "a peer twice",
      { kind: "revoked-peers", peers: [filled(8, 2), filled(8, 2)] },
      "ascend and are distinct",
    ],
    [
      "33 peers",
      { kind: "revoked-peers", peers: Array.from({ length: 33 }, (_, at) => filled(8, at)) },
      "at most 32 peers are revoked, not 33",
    ],
    ["a short image digest", { ...update, image: filled(31, 1) }, "digest of the image has 32 bytes"],
    ["a short softwareId", { ...update, softwareId: filled(33, 1) }, "softwareId has 32 bytes"],
    ["a negative version", { ...update, version: -1 }, "version is a whole number"],
  ])("%s", (_, order, why) => {
    const attempt = () => hex(order, order);
    expect(attempt).toThrow(FormatError);
    expect(attempt).toThrow(why);
  });
});

describe("a signed command", () => {
  const head = { meterId: "A".repeat(32), counter: 0xffffffff, notAfter_s: 0xffffffff };

  it("is a document of its type under the sender's key", () => {
    const command: Command = { ...head, kind: "top-up", amount: 5 };
    const document = signCommand(command, supplierSeed);
    expect(verifySigned("command-1", document, key("supplier"), 512)).toEqual(encodeCommand(command));
    expect(() => verifySigned("command-1", document, key("network"), 512)).toThrow("signed by another key");
    expect(() => verifySigned("tariff-1", document, key("supplier"), 512)).toThrow(FormatError);
  });

  it("is byte for byte the protocol's example, under the first test key of RFC 8032", () => {
    const text = readFileSync("docs/protocol.md", "utf8").split("## 8. Commands and time")[1] ?? "";
    const printed = text.match(/```\n([0-9a-f\n]+)```/)?.[1]?.replaceAll("\n", "");
    const seed = hexToBytes("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60");
    const notAfter_s = Date.UTC(2026, 1, 1, 23, 59, 59) / 1000;
    const command: Command = { meterId: "SM-0001", counter: 1, notAfter_s, kind: "register-statement" };
    expect(bytesToHex(signCommand(command, seed))).toBe(printed);
  });

  it("of 32 revoked peers fits a meter's 512 bytes", () => {
    const peers = Array.from({ length: 32 }, (_, at) => filled(8, at));
    const document = signCommand({ ...head, kind: "revoked-peers", peers }, supplierSeed);
    expect(document.length).toBeLessThanOrEqual(512);
  });

  it("that is too long for a meter is refused", () => {
    const most = { numerator: Number.MAX_SAFE_INTEGER, denominator: 0xffffffff, maxPerSecond: 0xffffffff };
    const sources = Array.from({ length: 8 }, () => ({ input: 15, isBackward: true, ...most }));
    const elements = Array.from({ length: 3 }, () => ({ gain: most.numerator, delay_ns: -1_000_000 }));
    const changes = {
      maximum_Wh: 0xffffffff,
      supplier: key("supplier"),
      network: key("network"),
      aggregator: key("aggregator"),
      minGroup: 128,
      calibration: {
        sources,
        waveform: { samplesPerSecond: 16_000, starting_mW: 0xffffffff, elements },
        testPulses: 100_000,
      },
    };
    const sign = () => signCommand({ ...head, kind: "configuration", changes }, supplierSeed);
    expect(sign).toThrow(/^command: \d+ bytes are more than the 512 that a meter takes$/);
  });
});

it("a peer is called by the first eight bytes of H of its agreement key", () => {
  const name = peerName(example.certificate.agreementKey);
  expect(name).toHaveLength(8);
  expect(bytesToHex(name)).not.toBe(bytesToHex(peerName(example.certificate.signingKey)));
});
