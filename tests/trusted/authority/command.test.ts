import { hexToBytes } from "@noble/hashes/utils.js";
import { describe, expect, it, vi } from "vitest";
import { makeCommitmentKey } from "../../../src/proofs/generators.js";
import {
  authenticate,
  type Circumstances,
  CommandKind,
  DOCUMENT_BYTES_MAX,
  decodeCommand,
  effectOf,
  ROLES,
  type Role,
  readTimeAnswer,
} from "../../../src/trusted/authority/command.js";
import { type Configuration, encodeConfiguration } from "../../../src/trusted/authority/configuration.js";
import { FormatError } from "../../../src/trusted/encoding/bytes.js";
import { array, bstr, int, map, NIL, tstr } from "../../../src/trusted/encoding/cbor.js";
import { decodeSign1, encodeSign1 } from "../../../src/trusted/encoding/cose.js";
import { COMPANION_BYTES, newState } from "../../../src/trusted/journal/state.js";
import { digest } from "../../../src/trusted/sealing/keys.js";
import { SigningKey } from "../../../src/trusted/sealing/signature.js";
import { benchImage } from "../../bench-meter.js";

const METER_ID = "SM-0001";
const NOW_S = 1_309_521_600;
const DAY = Math.floor(NOW_S / 86_400);
const { base } = makeCommitmentKey();
const signerOf = (name: number) => new SigningKey(new Uint8Array(32).fill(name), base);
const signers: Readonly<Record<Role, SigningKey>> = {
  authority: signerOf(1),
  supplier: signerOf(2),
  network: signerOf(3),
  aggregator: signerOf(4),
};
const stranger = signerOf(5);
const meter = signerOf(6);
const keyOf = (role: Role) => signers[role].publicKey;

const configuration: Configuration = {
  meterId: METER_ID,
  intervalSeconds: 1800,
  channels: ["1-0:1.8.0", "1-0:2.8.0"],
  maximum_Wh: 1000,
  elements: 1,
  nominal_V: 230,
  maximum_A: 63,
  supplier: keyOf("supplier"),
  network: keyOf("network"),
  aggregator: keyOf("aggregator"),
  minGroup: 10,
  revokedPeers: [],
  update: null,
  calibration: null,
};

const RECEIPT = bstr(new Uint8Array(32).fill(8));
const ACCEPTED = [8, RECEIPT];
const nonce = hexToBytes("000102030405060708090a0b0c0d0e0f");
type Fields = Readonly<Record<number, Uint8Array>>;
/** A time answer with these fields changed. */
const payloadWith = (changes: Fields = {}) => {
  const time = array(bstr(nonce), int(NOW_S));
  const fields: Fields = { 1: tstr(METER_ID), 2: int(0), 3: NIL, 4: int(1), 5: time, ...changes };
  return map(...Object.entries(fields).map(([key, item]) => [Number(key), item] as const));
};
const commandOf = (kind: number, argument: Uint8Array, counter = 1, notAfter: Uint8Array = NIL) =>
  payloadWith({ 2: int(counter), 3: notAfter, 4: int(kind), 5: argument });

describe("a command's envelope", () => {
  const authentic = (bytes: Uint8Array) => authenticate(bytes, "command-1", keyOf, base);

  it("has the role whose key it was signed with, and gives its payload", () => {
    for (const role of ROLES) {
      const found = authentic(signers[role].signDocument("command-1", payloadWith()));
      expect(found).toEqual({ role, payload: payloadWith() });
    }
  });

  it("of a stranger is signed by no anchor, whoever's key it names", () => {
    const document = stranger.signDocument("command-1", payloadWith());
    expect(() => authentic(document)).toThrow("document is signed by no anchor");
    const envelope = decodeSign1(document, "command-1", 512);
    for (const role of ROLES) {
      const { kid } = decodeSign1(signers[role].signDocument("command-1", payloadWith()), "command-1", 512);
      const forged = encodeSign1("command-1", { ...envelope, kid });
      expect(() => authentic(forged)).toThrow("document is signed by no anchor");
    }
  });

  it("is refused as any other document, or with too long a payload", () => {
    const { network } = signers;
    expect(() => authentic(network.signDocument("roster-1", payloadWith()))).toThrow(FormatError);
    const long = network.signDocument("command-1", new Uint8Array(DOCUMENT_BYTES_MAX + 1));
    expect(() => authentic(long)).toThrow(FormatError);
  });
});

describe("a command", () => {
  const decode = (payload: Uint8Array, role: Role = "network") => decodeCommand(payload, role, METER_ID);

  it("answers the meter's request for the time", () => {
    const command = decode(payloadWith());
    expect(command).toMatchObject({ counter: 0, notAfter_s: null, kind: CommandKind.TIME });
    expect(readTimeAnswer(command)).toEqual({ nonce, unix_s: NOW_S });
  });

  it("is refused for another meter, with a malformed field, or with one too many", () => {
    const bad: Readonly<Record<string, Fields>> = {
      "command for another meter": { 1: tstr("SM-0002") },
      "no meter id": { 1: tstr("sm-0001") },
      "unsigned integer 4294967296": { 2: int(2 ** 32) },
      "unsigned integer 4294967297": { 3: int(2 ** 32 + 1) },
      "kind 0 is not": { 4: int(0) },
      "kind 10 is not": { 4: int(10) },
      "unsigned integer 256": { 4: int(256) },
      "map of size 6": { 6: NIL },
    };
    for (const [why, changes] of Object.entries(bad)) {
      expect(() => decode(payloadWith(changes)), why).toThrow(why);
    }
  });

  it("that answers the time is refused with a counter, a notAfter or malformed arguments", () => {
    const bad: Readonly<Record<string, readonly Fields[]>> = {
      "a time answer has counter 0 and no notAfter": [{ 2: int(1) }, { 3: int(NOW_S) }],
      "array of length 1 instead of 2": [{ 5: array(bstr(nonce)) }],
      "byte string of length 15 instead of 16": [{ 5: array(bstr(nonce.slice(1)), int(1)) }],
      "unsigned integer 4294967296": [{ 5: array(bstr(nonce), int(2 ** 32)) }],
    };
    for (const [why, each] of Object.entries(bad)) {
      for (const changes of each) {
        expect(() => readTimeAnswer(decode(payloadWith(changes))), why).toThrow(why);
      }
    }
  });

  it("is refused cut short at any byte, or extended", () => {
    const bytes = payloadWith();
    for (let length = 0; length < bytes.length; length++) {
      expect(() => readTimeAnswer(decode(bytes.subarray(0, length)))).toThrow(FormatError);
    }
    expect(() => readTimeAnswer(decode(Uint8Array.of(...bytes, 0)))).toThrow("trailing bytes");
  });

  it("of each kind is for its roles to send and for no other", () => {
    const senders: Readonly<Record<number, readonly Role[]>> = {
      1: ["authority", "network"],
      2: ["authority"],
      3: ["supplier"],
      4: ["supplier", "network"],
      5: ["supplier"],
      6: ["supplier"],
      7: ["supplier"],
      8: ["authority"],
      9: ["authority"],
    };
    for (let kind = 0; kind < 256; kind++) {
      for (const role of ROLES) {
        const act = () => decode(payloadWith({ 4: int(kind) }), role).kind;
        if (senders[kind]?.includes(role)) expect(act()).toBe(kind);
        else
          expect(act, `kind ${kind} of the ${role}`).toThrow(`kind ${kind} is not for the ${role} to send`);
      }
    }
  });
});

describe("what a command does", () => {
  const image = benchImage(keyOf("authority"));
  const tariff = new Uint8Array(32).fill(9);
  const circumstances = (changes: Partial<Circumstances> = {}): Circumstances => {
    const state = newState(2);
    Object.assign(state, { openInterval: 727_500, counters: [4, 7, 2, 0] });
    for (const [at, channel] of state.channels.entries()) {
      Object.assign(channel, { register_Wh: 1000 + at, open_mJ: 9e9, closed_Wh: 5 });
    }
    return { state, configuration, image, signer: meter, time_s: NOW_S, ...changes };
  };
  const effectOfCommand = (role: Role, payload: Uint8Array, given = circumstances()) =>
    effectOf(decodeCommand(payload, role, METER_ID), RECEIPT, given);

  it("counts only in its turn: the last counter of its own anchor and one", () => {
    const restart = (counter: number, role: Role) =>
      effectOfCommand(
        role,
        commandOf(role === "authority" ? 8 : 3, role === "authority" ? array() : NIL, counter),
      );
    expect(restart(5, "authority").configuration).toBeDefined();
    expect(restart(8, "supplier").documents).toHaveLength(1);
    for (const counter of [0, 1, 3, 4, 6, 8, 0xffffffff]) {
      expect(() => restart(counter, "authority")).toThrow("counter out of its turn");
    }
  });

  it("is void after its notAfter, and while the time is not known", () => {
    const until = (notAfter_s: number, time_s: number | null) => () =>
      effectOfCommand("authority", commandOf(8, array(), 5, int(notAfter_s)), circumstances({ time_s }));
    expect(until(NOW_S, NOW_S)).not.toThrow();
    expect(until(NOW_S - 1, NOW_S)).toThrow("too late, or time unknown");
    expect(until(0xffffffff, null)).toThrow("too late, or time unknown");
    expect(() =>
      effectOfCommand("authority", commandOf(8, array(), 5), circumstances({ time_s: null })),
    ).not.toThrow();
  });

  it("states the registers at the beginning of the open interval, signed by the meter", () => {
    const {
      change,
      documents = [],
      events,
      configuration,
    } = effectOfCommand("supplier", commandOf(3, NIL, 8));
    const [document] = documents;
    const payload = map([1, tstr(METER_ID)], [2, int(727_500)], [3, array(int(1000), int(1001))]);
    expect(documents).toEqual([
      { kind: 6, number: 727_500, bytes: meter.signDocument("register-1", payload) },
    ]);
    expect(change).toEqual({ statementDay: DAY, statementInterval: 727_500, counters: [4, 8, 2, 0] });
    expect(events).toEqual([ACCEPTED, [16, bstr(digest(document?.bytes ?? nonce))]]);
    expect(configuration).toBeUndefined();
  });

  it("states the registers once in 28 days, and never without the time or with arguments", () => {
    const on = (time_s: number | null, argument: Uint8Array = NIL) => {
      const given = circumstances({ time_s });
      given.state.statementDay = DAY - 28;
      return () => effectOfCommand("supplier", commandOf(3, argument, 8), given);
    };
    expect(on(DAY * 86_400)).not.toThrow();
    expect(on(DAY * 86_400 - 1)).toThrow("a register statement is not due");
    expect(on(null)).toThrow("a register statement is not due");
    expect(on(NOW_S, array())).toThrow("a register statement has no arguments");
    expect(on(NOW_S, Uint8Array.of(...NIL, 0))).toThrow("trailing bytes");
    const first = circumstances({ time_s: null });
    expect(() => effectOfCommand("supplier", commandOf(3, NIL, 8), first)).toThrow("not due");
  });

  it("renews an anchor, whose counter then begins anew, and leaves every other", () => {
    const change = (fields: readonly (readonly [number, Uint8Array])[]) =>
      effectOfCommand("authority", commandOf(2, map(...fields), 5));
    const renewed = change([[8, bstr(stranger.publicKey)]]);
    expect(renewed.configuration).toEqual({ ...configuration, supplier: stranger.publicKey });
    expect(renewed.change).toEqual({ counters: [5, 0, 2, 0] });
    expect(renewed.events).toEqual([ACCEPTED, [5, NIL]]);
    const bytes = encodeConfiguration({ ...configuration, supplier: stranger.publicKey });
    expect(renewed.documents).toEqual([{ kind: 0, number: 0, bytes }]);
    expect(change([[9, bstr(stranger.publicKey)]]).change).toEqual({ counters: [5, 7, 0, 0] });
    // An anchor that stays what it was goes on counting, or its old commands would be good again.
    const again = change([[8, bstr(keyOf("supplier"))]]);
    expect(again.change).toEqual({ counters: [5, 7, 2, 0] });
  });

  it("replaces the revoked peers, and nothing else", () => {
    const peers = [nonce.slice(0, 8), nonce.slice(8)];
    const { configuration: changed } = effectOfCommand(
      "authority",
      commandOf(8, array(...peers.map(bstr)), 5),
    );
    expect(changed).toEqual({ ...configuration, revokedPeers: peers });
    expect(() => effectOfCommand("authority", commandOf(8, array(...peers.reverse().map(bstr)), 5))).toThrow(
      "revoked peers do not ascend",
    );
  });

  it("approves software that is newer than what runs and what was approved before, and no other", () => {
    const approve = (version: number, given = circumstances()) =>
      effectOfCommand("authority", commandOf(9, array(bstr(tariff), bstr(tariff), int(version)), 5), given);
    const update = { imageDigest: tariff, softwareId: tariff, version: 2 };
    expect(approve(2).configuration).toEqual({ ...configuration, update });
    expect(() => approve(1)).toThrow("no way back to an older version");
    expect(() => approve(0)).toThrow("no way back to an older version");
    const approved = circumstances({
      configuration: { ...configuration, update: { ...update, version: 7 } },
    });
    expect(() => approve(7, approved)).toThrow("no way back to an older version");
    expect(approve(8, approved).configuration?.update?.version).toBe(8);
    const running = circumstances({ image: { ...image, version: 9 } });
    expect(() => approve(9, running)).toThrow("no way back to an older version");
  });

  it("hands the arguments of kinds 4 to 7 to the Companion as they came, and takes its state", () => {
    const answer = { companion: new Uint8Array(COMPANION_BYTES).fill(3), loadSwitch: 1 };
    const command = vi.fn(() => answer);
    const untold = { begin: vi.fn(), look: vi.fn(), intervalClosed: vi.fn(() => answer), switched: vi.fn() };
    const companion = { ...untold, command };
    const given = circumstances({ companion });
    for (const kind of [4, 5, 6, 7]) {
      const argument = array(int(kind), bstr(tariff));
      const { change, configuration } = effectOfCommand("supplier", commandOf(kind, argument, 8), given);
      expect(change).toMatchObject({ companion: answer.companion, loadSwitch: 1 });
      expect(configuration).toBeUndefined();
      expect(command).toHaveBeenLastCalledWith(given.state.companion, kind, argument, given.time_s);
    }
    for (const other of Object.values(untold)) expect(other).not.toHaveBeenCalled();
  });

  it("is refused with the Companion's word, and without a Companion", () => {
    const deaf = {
      begin: vi.fn(),
      look: vi.fn(),
      command: () => null,
      intervalClosed: vi.fn(),
      switched: vi.fn(),
    };
    for (const given of [circumstances({ companion: deaf }), circumstances()]) {
      expect(() => effectOfCommand("supplier", commandOf(5, int(1), 8), given)).toThrow("refused");
    }
  });
});
