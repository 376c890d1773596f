// Signed commands at the unit's face: obeyed once by the right role in their turn, and by nobody else.
import { ED25519_TORSION_SUBGROUP } from "@noble/curves/ed25519.js";
import { bytesToNumberLE, numberToBytesLE } from "@noble/curves/utils.js";
import { bytesToHex, concatBytes, hexToBytes } from "@noble/hashes/utils.js";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { Signer } from "../../host-sim/parties.js";
import { SeededRandom } from "../../host-sim/seeded.js";
import { signWithKey, verifySigned } from "../../src/proofs/signed.js";
import { ROLES, type Role } from "../../src/trusted/authority/command.js";
import { EventType } from "../../src/trusted/authority/events.js";
import { array, bstr, CborReader, int, map, NIL, tstr } from "../../src/trusted/encoding/cbor.js";
import { decodeSign1, encodeSign1 } from "../../src/trusted/encoding/cose.js";
import { Journal, MessageKind } from "../../src/trusted/journal/journal.js";
import { registerNow_Wh } from "../../src/trusted/metrology/registers.js";
import type { Ports } from "../../src/trusted/ports.js";
import { digest } from "../../src/trusted/sealing/keys.js";
import { keyId } from "../../src/trusted/sealing/signature.js";
import { CountingCompanion, countsIn } from "../bench-devices.js";
import {
  BenchMeter,
  DAY_S,
  HALF_HOUR_S,
  METER_ID,
  MIDNIGHT_S,
  type Order,
  sendAgain,
} from "../bench-meter.js";
import { cutEverywhere, expectConsistent, MODES } from "../cut-everywhere.js";
import { quick } from "../quick.js";

vi.mock("../../src/trusted/sealing/self-test.js", async (original) => {
  const { quickSelfTest } = await import("../quick.js");
  return quickSelfTest(await original());
});
vi.mock("../../src/trusted/sealing/signature.js", async (original) => {
  const { quickSignature } = await import("../quick.js");
  return quickSignature(await original());
});
afterEach(() => {
  quick.on = false;
});

const { COMMAND_ACCEPTED, COMMAND_REFUSED, CONFIGURATION, LOAD_SWITCH, REGISTER_STATEMENT } = EventType;
const FIRST = MIDNIGHT_S / HALF_HOUR_S;
const peer = (name: number) => new Uint8Array(8).fill(name);
const image = digest(Uint8Array.of(1));
const software = digest(Uint8Array.of(2));

/** Of each kind what is sent, and who may send it. */
const KINDS: readonly {
  readonly kind: number;
  readonly roles: readonly Role[];
  readonly argument: Uint8Array;
}[] = [
  { kind: 2, roles: ["authority"], argument: map([4, int(4000)], [11, int(12)]) },
  { kind: 3, roles: ["supplier"], argument: NIL },
  { kind: 4, roles: ["supplier", "network"], argument: int(0) },
  { kind: 5, roles: ["supplier"], argument: int(5000) },
  { kind: 6, roles: ["supplier"], argument: bstr(image) },
  { kind: 7, roles: ["supplier"], argument: map([1, int(3)]) },
  { kind: 8, roles: ["authority"], argument: array(bstr(peer(1)), bstr(peer(2))) },
  { kind: 9, roles: ["authority"], argument: array(bstr(image), bstr(software), int(2)) },
];
const kindOf = (wanted: number) => {
  const found = KINDS.find(({ kind }) => kind === wanted);
  if (!found) throw new Error(`there is no kind ${wanted}`);
  return found;
};
/** The first permitted sender's command of a kind. */
const orderOf = (kind: number, changes: Partial<Order> = {}): Order => {
  const { roles, argument } = kindOf(kind);
  return { by: roles[0] ?? "authority", kind, argument, ...changes };
};

/** A meter of one channel with a Companion, confirmed, at 00:30. */
function commandedMeter(devices: Partial<Ports> = { companion: new CountingCompanion() }): BenchMeter {
  const meter = new BenchMeter({ configuration: { channels: ["1-0:1.8.0"] }, devices });
  meter.confirm();
  meter.passUntil(HALF_HOUR_S, [1000]);
  return meter;
}

const documentIn = (frame: Uint8Array) => {
  const reader = new CborReader(frame, "frame");
  reader.array(2);
  reader.uint(3);
  return reader.bytes(1, 4096);
};
const frameOf = (document: Uint8Array) => array(int(3), bstr(document));
const eventsOf = (meter: BenchMeter, ...types: readonly number[]) =>
  meter.events.filter(({ type }) => types.includes(type));

/** All that a command could change, as it is stored. */
function essenceOf(meter: BenchMeter) {
  // The state is written every five minutes at least.
  meter.pass(300);
  const { state, configuration } = meter.stored;
  const { counters, configurationPlace, epoch, epochFirst, statementDay, statementInterval } = state;
  const { loadSwitch, softwareVersion, channels, companion } = state;
  const registers = channels.map(registerNow_Wh);
  const numbers = { counters, configurationPlace, epoch, epochFirst, statementDay, statementInterval };
  return {
    ...numbers,
    loadSwitch,
    softwareVersion,
    registers,
    commands: countsIn(companion).commands,
    configuration,
  };
}

/** The meter does nothing with this frame but note that an anchor signed it, or count it. */
function expectRefused(meter: BenchMeter, frame: Uint8Array, authentic: boolean): void {
  const before = essenceOf(meter);
  const events = meter.events.length;
  const count = meter.refused;
  const documents = meter.kept(6).length;
  meter.receive(frame);
  const noted = meter.events.slice(events);
  if (authentic) {
    expect(noted.map(({ type }) => type)).toEqual([COMMAND_REFUSED]);
    expect(noted[0]?.detail).toEqual(digest(documentIn(frame)));
  } else expect(noted).toEqual([]);
  expect(meter.refused).toBe(count + 1);
  expect(essenceOf(meter)).toEqual(before);
  expect(meter.kept(6).length).toBe(documents);
}

describe.each(KINDS)("a command of kind $kind", ({ kind, roles, argument }) => {
  it.each(roles)("from the %s is obeyed once: its receipt is an event, and a replay is refused", (by) => {
    const meter = commandedMeter();
    const before = essenceOf(meter);
    const frame = meter.command({ by, kind, argument });
    meter.receive(frame);
    const after = essenceOf(meter);
    const [receipt, ...more] = eventsOf(meter, COMMAND_ACCEPTED);
    expect(more).toEqual([]);
    expect(receipt).toMatchObject({
      time_s: MIDNIGHT_S + HALF_HOUR_S + 300,
      detail: digest(documentIn(frame)),
    });
    expect(after.counters).toEqual(before.counters.map((last, at) => last + (ROLES[at] === by ? 1 : 0)));
    expect({ ...after, counters: before.counters }).not.toEqual(before);
    expectRefused(meter, frame, true);
    meter.boot();
    meter.confirm();
    expectRefused(meter, frame, true);
    const next = { authority: 8, supplier: 5, network: 4, aggregator: 0 }[by];
    meter.receive(meter.command(orderOf(next, { by, counter: 2 })));
    expect(eventsOf(meter, COMMAND_ACCEPTED).length).toBe(2);
  });

  it("from every other role is refused", () => {
    const meter = commandedMeter();
    for (const by of ROLES.filter((role) => !roles.includes(role))) {
      expectRefused(meter, meter.command({ by, kind, argument }), true);
    }
  });

  it("is refused for another meter, too late, without a time to judge by, and out of its turn", () => {
    const meter = commandedMeter();
    const refused = (changes: Partial<Order>) =>
      expectRefused(meter, meter.command(orderOf(kind, changes)), true);
    refused({ meterId: "SM-0002" });
    refused({ notAfter: int(MIDNIGHT_S) });
    for (const counter of [0, 2, 3, 0xffffffff, 2 ** 32, 2 ** 40]) refused({ counter });
    meter.passUntil(DAY_S);
    refused({ notAfter: int(-1) });
    meter.boot();
    refused({ notAfter: int(0xffffffff) });
    expect(meter.events.at(-1)?.time_s).toBeNull();
    meter.confirm();
    meter.receive(meter.command(orderOf(kind, { notAfter: int(meter.now_s) })));
    expect(eventsOf(meter, COMMAND_ACCEPTED).length).toBe(1);
  });

  it("is refused with arguments of another kind, cut short, or followed by anything", () => {
    const meter = commandedMeter();
    const wrong: readonly Uint8Array[] = [Uint8Array.of(...argument, 0), argument.slice(0, -1), NIL];
    for (const each of wrong) {
      // A Companion checks its own arguments: this one takes anything but null.
      const isForCompanion = kind >= 4 && kind <= 7 && each !== NIL;
      if ((kind === 3 && each === NIL) || isForCompanion) continue;
      expectRefused(meter, meter.command(orderOf(kind, { argument: each })), true);
    }
  });
});

describe("a command", () => {
  it("of the time is not for a Companion, a counter or a role that keeps no time", () => {
    const meter = commandedMeter();
    meter.passUntil(6 * 3600);
    const before = essenceOf(meter);
    const accepted = eventsOf(meter, COMMAND_ACCEPTED).length;
    meter.confirm();
    expect([essenceOf(meter), eventsOf(meter, COMMAND_ACCEPTED).length]).toEqual([before, accepted]);
    meter.passUntil(12 * 3600);
    for (const by of ["supplier", "aggregator"] as const) expectRefused(meter, meter.answer({ by }), true);
    expectRefused(meter, meter.answer({ counter: 1 }), true);
  });

  it("of an unknown kind is refused whoever sends it", () => {
    const meter = commandedMeter();
    for (const kind of [0, 10, 255]) {
      for (const by of ROLES) {
        const frame = meter.command({ by, kind });
        meter.receive(frame);
      }
    }
    expect(eventsOf(meter, COMMAND_REFUSED).length).toBe(8);
    expect(meter.refused).toBe(12);
    expect(eventsOf(meter, COMMAND_ACCEPTED)).toEqual([]);
  });

  it("for a Companion is refused by a meter that has none", () => {
    const meter = commandedMeter({});
    for (const kind of [4, 5, 6, 7]) expectRefused(meter, meter.command(orderOf(kind)), true);
  });

  it("is obeyed in 512 bytes and refused in 513", () => {
    const meter = commandedMeter();
    const sized = (bytes: number) => {
      for (let length = 300; length < 420; length++) {
        const frame = meter.command(orderOf(6, { argument: bstr(new Uint8Array(length)) }));
        if (documentIn(frame).length === bytes) return frame;
      }
      throw new Error("no command is of this length");
    };
    expectRefused(meter, sized(513), false);
    meter.receive(sized(512));
    expect(eventsOf(meter, COMMAND_ACCEPTED).length).toBe(1);
  });

  it("is refused in any other encoding, signed or not", () => {
    const meter = commandedMeter();
    const { seed } = meter.parties.authority;
    const sign = (payload: Uint8Array) => frameOf(signWithKey("command-1", payload, seed));
    const head = [1, tstr(METER_ID)] as const;
    const canonical = map(head, [2, int(1)], [3, NIL], [4, int(8)], [5, array()]);
    const longCounter = concatBytes(canonical.slice(0, 3 + METER_ID.length), Uint8Array.of(2, 0x18, 1));
    const restFrom = longCounter.length - 1;
    const authentic = [
      concatBytes(longCounter, canonical.slice(restFrom)),
      Uint8Array.of(...canonical, 0),
      canonical.slice(0, -1),
      map(head, [2, int(1)], [3, NIL], [4, int(8)], [5, array()], [6, NIL]),
      map(head, [2, int(1)], [3, NIL], [4, int(8)]),
      concatBytes(Uint8Array.of(0xbf), canonical.slice(1), Uint8Array.of(0xff)),
      array(),
      new Uint8Array(0),
    ];
    expect(bytesToHex(authentic[0] ?? canonical)).toContain("021801");
    for (const payload of authentic) expectRefused(meter, sign(payload), true);
    const document = documentIn(sign(canonical));
    const foreign = [
      Uint8Array.of(...document, 0),
      document.slice(0, -1),
      document.slice(1),
      concatBytes(Uint8Array.of(0xd8, 18), document.slice(1)),
    ];
    for (const bytes of foreign) expectRefused(meter, frameOf(bytes), false);
    meter.receive(frameOf(document));
    expect(eventsOf(meter, COMMAND_ACCEPTED).length).toBe(1);
  });

  it("is refused with any bit flipped, and taken as it was sent", () => {
    const meter = commandedMeter();
    const document = documentIn(meter.command(orderOf(8)));
    const before = essenceOf(meter);
    for (const [at, byte] of document.entries()) {
      const flipped = document.slice();
      flipped[at] = byte ^ (1 << ((at * 5) % 8));
      meter.receive(frameOf(flipped));
    }
    expect(meter.refused).toBe(document.length);
    expect(eventsOf(meter, COMMAND_ACCEPTED, COMMAND_REFUSED)).toEqual([]);
    expect(essenceOf(meter)).toEqual(before);
    meter.receive(frameOf(document));
    expect(eventsOf(meter, COMMAND_ACCEPTED).length).toBe(1);
  });

  it("is refused as a document of another type, and when a stranger signed it", () => {
    const meter = commandedMeter();
    const payload = map([1, tstr(METER_ID)], [2, int(1)], [3, NIL], [4, int(8)], [5, array()]);
    for (const type of ["tariff-1", "roster-1", "certificate-1", "revocation-1", "register-1"] as const) {
      const isAuthentic = type === "roster-1"; // an anchor's, though not one that sends rosters
      expectRefused(meter, frameOf(signWithKey(type, payload, meter.parties.authority.seed)), isAuthentic);
    }
    const stranger = new Uint8Array(32).fill(7);
    const signed = signWithKey("command-1", payload, stranger);
    expectRefused(meter, frameOf(signed), false);
    const { signature } = decodeSign1(signed, "command-1", 512);
    const kid = keyId(meter.parties.authority.publicKey);
    expectRefused(meter, frameOf(encodeSign1("command-1", { kid, payload, signature })), false);
  });

  it("is refused with a signature that is no strict one: S is below l, and R a canonical point", () => {
    const meter = commandedMeter();
    const document = documentIn(meter.command(orderOf(8)));
    const { kid, payload, signature } = decodeSign1(document, "command-1", 512);
    const order = 2n ** 252n + 27742317777372353535851937790883648493n;
    const S = bytesToNumberLE(signature.slice(32));
    const malleable = concatBytes(signature.slice(0, 32), numberToBytesLE(S + order, 32));
    const noPoint = concatBytes(new Uint8Array(32).fill(0xff), signature.slice(32));
    for (const other of [malleable, noPoint, new Uint8Array(64)]) {
      expectRefused(meter, frameOf(encodeSign1("command-1", { kid, payload, signature: other })), false);
    }
  });

  it("is refused under an anchor of small order, for which anybody can sign", () => {
    const identity = hexToBytes(`01${"00".repeat(31)}`);
    expect(ED25519_TORSION_SUBGROUP.length).toBe(8);
    for (const supplier of ED25519_TORSION_SUBGROUP.map(hexToBytes)) {
      const parties = { supplier: { seed: new Uint8Array(32), publicKey: supplier } };
      const companion = new CountingCompanion();
      const meter = new BenchMeter({
        parties,
        devices: { companion },
        configuration: { channels: ["1-0:1.8.0"] },
      });
      meter.confirm();
      const payload = map([1, tstr(METER_ID)], [2, int(1)], [3, NIL], [4, int(5)], [5, int(1)]);
      // 8·0·B = 8·identity + 8·k·A holds for every k if A is of small order.
      const signature = concatBytes(identity, new Uint8Array(32));
      const forged = encodeSign1("command-1", { kid: keyId(supplier), payload, signature });
      expectRefused(meter, frameOf(forged), false);
      expect(companion.commands).toEqual([]);
    }
  });

  it("is the last one of a day after 64, and the next day is another", () => {
    const meter = commandedMeter();
    const order = (counter: number) => meter.command(orderOf(5, { counter }));
    for (let counter = 1; counter <= 64; counter++) meter.receive(order(counter));
    const { counters } = essenceOf(meter);
    expect(counters).toEqual([0, 64, 0, 0]);
    expect(eventsOf(meter, COMMAND_ACCEPTED).length).toBe(8);
    expectRefused(meter, order(65), true);
    expectRefused(meter, meter.command(orderOf(8)), true);
    meter.passUntil(DAY_S + 60);
    meter.receive(order(65));
    const accepted = eventsOf(meter, COMMAND_ACCEPTED);
    expect(accepted.map(({ detail }) => detail).slice(8)).toEqual([56, digest(documentIn(order(65)))]);
    expect(essenceOf(meter).counters[1]).toBe(65);
    meter.check();
  });

  it("changes the configuration eight times a day at most: each is stored with its event", () => {
    const meter = commandedMeter();
    const order = (counter: number) => meter.command(orderOf(8, { counter }));
    for (let counter = 1; counter <= 8; counter++) meter.receive(order(counter));
    expect(essenceOf(meter).counters).toEqual([8, 0, 0, 0]);
    expectRefused(meter, order(9), true);
    meter.passUntil(DAY_S + 60);
    meter.receive(order(9));
    expect(essenceOf(meter).counters).toEqual([9, 0, 0, 0]);
    meter.check();
  });
});

/** What shows that a command of a kind was obeyed, in what is stored and given. */
function effectOf(meter: BenchMeter, kind: number): unknown {
  const { state, configuration } = meter.stored;
  const effects: Readonly<Record<number, unknown>> = {
    2: [configuration.maximum_Wh, configuration.minGroup],
    3: [state.statementInterval, meter.kept(6).length],
    4: [state.loadSwitch, countsIn(state.companion).commands],
    8: configuration.revokedPeers.map(bytesToHex),
    9: configuration.update?.version ?? null,
  };
  return effects[kind] ?? countsIn(state.companion).commands;
}
/** Types of the events that tell of it, in order. */
const TELLING: Readonly<Record<number, readonly number[]>> = {
  2: [COMMAND_ACCEPTED, CONFIGURATION],
  3: [COMMAND_ACCEPTED, REGISTER_STATEMENT],
  4: [COMMAND_ACCEPTED, LOAD_SWITCH],
  8: [COMMAND_ACCEPTED, CONFIGURATION],
  9: [COMMAND_ACCEPTED, CONFIGURATION],
};
const DONE: Readonly<Record<number, unknown>> = {
  2: [4000, 12],
  3: [FIRST + 1, 1],
  4: [0, 1],
  8: [peer(1), peer(2)].map(bytesToHex),
  9: 2,
};

describe.each(MODES)("in %s flash, a power cut at every byte that is written while a command", (mode) => {
  it.each(
    KINDS.map(({ kind }) => kind),
  )("of kind %d is obeyed leaves it undone or done, never twice", (kind) => {
    quick.on = true;
    const companion = new CountingCompanion();
    const configuration = { channels: ["1-0:1.8.0"] };
    const meter = new BenchMeter({ mode, sectors: 8, configuration, devices: { companion } });
    meter.confirm();
    meter.passUntil(HALF_HOUR_S, [1000]);
    const frame = meter.command(orderOf(kind));
    const role = ROLES.indexOf(orderOf(kind).by as Role);
    const told = eventsOf(meter, ...(TELLING[kind] ?? [])).length;
    expect(told).toBe(0);
    const undone = effectOf(meter, kind);
    const outcomes = { undone: 0, done: 0 };
    const telling = TELLING[kind] ?? [COMMAND_ACCEPTED];
    cutEverywhere(meter, mode, {
      before() {
        meter.boot();
        meter.confirm();
      },
      act: () => meter.receive(frame),
      after(cut) {
        meter.boot();
        meter.confirm();
        const done = meter.stored.state.counters[role] === 1;
        outcomes[done ? "done" : "undone"]++;
        expect(effectOf(meter, kind)).toEqual(done ? (DONE[kind] ?? 1) : undone);
        expect(eventsOf(meter, ...telling).map(({ type }) => type)).toEqual(done ? telling : []);
        expect(meter.stored.state.loadSwitch).toBe(companion.told.at(-1));
        meter.receive(frame);
        expect(eventsOf(meter, COMMAND_REFUSED).length).toBe(done ? 1 : 0);
        expect(eventsOf(meter, ...telling).map(({ type }) => type)).toEqual(telling);
        expect(meter.stored.state.counters[role]).toBe(1);
        if (cut % 16 >= 2) return;
        meter.boot();
        meter.run();
        expect(meter.stored.state.counters[role]).toBe(1);
        expect(effectOf(meter, kind)).toEqual(DONE[kind] ?? 1);
        expectConsistent(meter);
      },
    });
    expect(outcomes.undone).toBeGreaterThan(50);
    expect(outcomes.done).toBeGreaterThan(0);
  });
});

describe("a power cut at every byte that is written while a command", () => {
  it("changes the configuration, just as the log goes on in another sector, leaves the old one or the new", () => {
    quick.on = true;
    const configuration = { channels: ["1-0:1.8.0"] };
    const meter = new BenchMeter({ sectors: 8, configuration });
    meter.confirm();
    const frame = meter.command(orderOf(2));
    const erased = () => meter.flash.eraseCounts.slice(0, 4).reduce((sum, count) => sum + count, 0);
    let goesOn = false;
    const { appendHappening } = Journal.prototype;
    const append = vi.spyOn(Journal.prototype, "appendHappening");
    append.mockImplementation(function (this: Journal, ...stored) {
      const before = erased();
      appendHappening.apply(this, stored);
      const [, , messages] = stored;
      if (messages.some(({ kind }) => kind === MessageKind.CONFIGURATION)) goesOn = erased() > before;
    });
    const light = () => {
      meter.boot();
      meter.confirm();
    };
    for (let again = 0; again < 300 && !goesOn; again++) {
      light();
      meter.pass(4 * HALF_HOUR_S, [1000], HALF_HOUR_S);
      const restore = meter.save();
      light();
      meter.receive(frame);
      restore();
    }
    append.mockRestore();
    expect(goesOn).toBe(true);
    const outcomes = { undone: 0, done: 0 };
    cutEverywhere(meter, "encrypted", {
      before: light,
      act: () => meter.receive(frame),
      after() {
        light();
        const done = meter.stored.state.counters[0] === 1;
        outcomes[done ? "done" : "undone"]++;
        expect(effectOf(meter, 2)).toEqual(done ? DONE[2] : [5000, 10]);
        meter.receive(frame);
        expect([meter.stored.state.counters[0], effectOf(meter, 2)]).toEqual([1, DONE[2]]);
      },
    });
    // The record that counts is the last to be written: only by luck is it whole when it was cut.
    expect(outcomes.undone).toBeGreaterThan(50);
  });
});

describe("a register statement", () => {
  const statementsIn = (meter: BenchMeter) =>
    meter.kept(6).map((document) => {
      const reader = new CborReader(
        verifySigned("register-1", document, meter.enrolment.signingKey, 512),
        "register",
      );
      reader.map(3);
      expect(reader.key(1).text(32)).toBe(METER_ID);
      const interval = reader.key(2).uint();
      reader.key(3);
      const registers = Array.from({ length: reader.array(1, 8) }, () => reader.uint());
      reader.end();
      return { interval: interval - FIRST, registers };
    });
  const asked = (meter: BenchMeter, counter: number) => meter.receive(meter.command(orderOf(3, { counter })));

  it("holds the registers of all channels as the open interval began, and its event the digest of it", () => {
    const meter = new BenchMeter();
    meter.confirm();
    meter.passUntil(3 * HALF_HOUR_S + 600, [1000, 300]);
    const shown = meter.shown_Wh;
    asked(meter, 1);
    expect(statementsIn(meter)).toEqual([{ interval: 3, registers: [1516, 455] }]);
    expect(shown[0]).toBeGreaterThan(1600);
    const [document = image] = meter.kept(6);
    expect(eventsOf(meter, REGISTER_STATEMENT)).toMatchObject([
      { time_s: MIDNIGHT_S + 3 * HALF_HOUR_S + 600, detail: digest(document) },
    ]);
    expect(meter.messages.filter(({ kind }) => kind === 6)).toMatchObject([{ sequence: FIRST + 3 }]);
    const total = meter.readings.reduce((sum, { readings }) => sum + (readings[0] ?? 0), 0);
    expect(total).toBe(1516);
  });

  it("arrives once, comes again when it is asked for or when it was not acknowledged", () => {
    const meter = commandedMeter();
    meter.acknowledges = false;
    asked(meter, 1);
    const given = () => meter.messages.filter(({ kind }) => kind === 6);
    expect(given().length).toBe(1);
    meter.pass(300);
    meter.boot();
    meter.acknowledges = true;
    meter.run();
    expect(given().length).toBe(2);
    meter.pass(300);
    meter.boot();
    meter.run();
    expect(given().length).toBe(2);
    meter.receive(sendAgain(6, 0, 0xffffffff));
    // What was acknowledged before the restart counts as given.
    expect(given().length).toBe(3);
    expect(new Set(given().map(({ message }) => bytesToHex(message))).size).toBe(1);
  });

  it("is made once in 28 days, and never while the time is not confirmed", () => {
    const meter = commandedMeter();
    meter.boot();
    expectRefused(meter, meter.command(orderOf(3)), true);
    meter.confirm();
    asked(meter, 1);
    expectRefused(meter, meter.command(orderOf(3, { counter: 2 })), true);
    const asOf = (day: number, after_s: number) => {
      meter.clock.advance((MIDNIGHT_S + day * DAY_S + after_s - meter.now_s) * 1000);
      meter.boot();
      meter.confirm();
    };
    asOf(27, DAY_S - 600);
    expectRefused(meter, meter.command(orderOf(3, { counter: 2 })), true);
    asOf(28, 60);
    asked(meter, 2);
    expect(statementsIn(meter).map(({ interval }) => interval)).toEqual([1, 28 * 48]);
    asOf(40, 0);
    expectRefused(meter, meter.command(orderOf(3, { counter: 3 })), true);
  });
});

describe("a list of revoked peers", () => {
  const told = (meter: BenchMeter, counter: number, peers: readonly Uint8Array[]) =>
    meter.command(orderOf(8, { counter, argument: array(...peers.map(bstr)) }));

  it("replaces the last one, whole, and may be empty", () => {
    const meter = commandedMeter();
    const lists = [[peer(1), peer(9)], Array.from({ length: 32 }, (_, at) => peer(at)), [peer(4)], []];
    for (const [at, peers] of lists.entries()) {
      meter.receive(told(meter, at + 1, peers));
      expect(meter.stored.configuration.revokedPeers).toEqual(peers);
    }
    expect(eventsOf(meter, CONFIGURATION).length).toBe(lists.length);
  });

  it("is refused unless it ascends, each once, and is of 32 at most", () => {
    const meter = commandedMeter();
    meter.receive(told(meter, 1, [peer(1)]));
    const bad = [
      [peer(2), peer(1)],
      [peer(2), peer(2)],
      Array.from({ length: 33 }, (_, at) => peer(at)),
      [new Uint8Array(7)],
      [new Uint8Array(9)],
    ];
    for (const peers of bad) expectRefused(meter, told(meter, 2, peers), true);
    expect(meter.stored.configuration.revokedPeers).toEqual([peer(1)]);
  });
});

describe("a change of the configuration", () => {
  const change = (
    meter: BenchMeter,
    counter: number,
    ...fields: readonly (readonly [number, Uint8Array])[]
  ) => meter.command(orderOf(2, { counter, argument: map(...fields) }));

  it("is refused whole with a field that is fixed, unknown or out of its range, or without any", () => {
    const { network, aggregator } = commandedMeter().parties;
    const bad: readonly (readonly (readonly [number, Uint8Array])[])[] = [
      [],
      [[1, tstr("SM-0002")]],
      [[2, int(900)]],
      [[3, array(tstr("1-0:2.8.0"))]],
      [[5, int(3)]],
      [[6, int(400)]],
      [[7, int(10)]],
      [[12, array()]],
      [[13, NIL]],
      [[14, int(1)]],
      [[4, int(11_501)]],
      [[11, int(2)]],
      [[11, int(129)]],
      [[8, bstr(network.publicKey)]],
      [[9, bstr(aggregator.publicKey)]],
      [[8, bstr(image.slice(1))]],
      [
        [4, int(100)],
        [11, int(2)],
      ],
    ];
    for (const fields of bad) {
      const meter = commandedMeter();
      expectRefused(meter, change(meter, 1, ...fields), true);
    }
    const meter = commandedMeter();
    meter.receive(change(meter, 1, [4, int(11_500)]));
    expect(meter.stored.configuration.maximum_Wh).toBe(11_500);
  });

  it("takes effect with the interval that is open, and after a restart", () => {
    const meter = commandedMeter();
    const statuses = () => meter.readings.slice(1).map(({ status }) => status);
    meter.pass(600, [1000]);
    meter.receive(change(meter, 1, [4, int(499)]));
    meter.passUntil(2 * HALF_HOUR_S, [1000]);
    expect(statuses()).toEqual([16]);
    meter.boot();
    meter.confirm();
    meter.passUntil(3 * HALF_HOUR_S, [1000]);
    expect(statuses().at(-1)).toBe(16 | 2 | 1);
    meter.receive(change(meter, 2, [4, int(501)], [11, int(40)]));
    meter.passUntil(4 * HALF_HOUR_S, [1000]);
    expect(statuses().at(-1)).toBe(0);
    expect(eventsOf(meter, CONFIGURATION)).toMatchObject([{ detail: null }, { detail: null }]);
    expect(meter.stored.configuration).toMatchObject({ maximum_Wh: 501, minGroup: 40 });
  });

  it("survives in the log for as long as it is in force, however often the ring comes round", () => {
    quick.on = true;
    const meter = new BenchMeter({ sectors: 8, configuration: { channels: ["1-0:1.8.0"] } });
    meter.confirm();
    meter.receive(change(meter, 1, [4, int(1234)]));
    meter.passUntil(25 * DAY_S, [1000], HALF_HOUR_S);
    meter.boot();
    expect(meter.stored.configuration.maximum_Wh).toBe(1234);
    meter.receive(change(meter, 2, [4, int(1235)]));
    expect(meter.stored.configuration.maximum_Wh).toBe(1235);
  });
});

describe.each(["supplier", "network", "aggregator"] as const)("a new %s", (role) => {
  const field = { supplier: 8, network: 9, aggregator: 10 }[role];
  const successor: Signer = new BenchMeter({ seed: 99, provisioned: false }).parties[role];
  /** A command by a key that is no party's. */
  function signed({ seed }: Signer, counter: number): Uint8Array {
    const payload = map([1, tstr(METER_ID)], [2, int(counter)], [3, NIL], [4, int(4)], [5, int(1)]);
    return frameOf(signWithKey("command-1", payload, seed));
  }

  it("is obeyed from its first command on, the old one no more: not even as an event", () => {
    const meter = commandedMeter();
    const old = meter.parties[role];
    const isObeyed = role !== "aggregator";
    for (let counter = 1; counter <= 3; counter++) meter.receive(signed(old, counter));
    const accepted = isObeyed ? 3 : 0;
    expect(eventsOf(meter, COMMAND_ACCEPTED).length).toBe(accepted);
    expect(eventsOf(meter, COMMAND_REFUSED).length).toBe(3 - accepted);
    meter.receive(meter.command(orderOf(2, { argument: map([field, bstr(successor.publicKey)]) })));
    expect(meter.stored.configuration[role]).toEqual(successor.publicKey);
    expectRefused(meter, signed(old, 4), false);
    expectRefused(meter, signed(old, 1), false);
    expectRefused(meter, signed(successor, 4), true);
    const before = eventsOf(meter, COMMAND_ACCEPTED).length;
    meter.receive(signed(successor, 1));
    expect(eventsOf(meter, COMMAND_ACCEPTED).length).toBe(before + (isObeyed ? 1 : 0));
    expect(essenceOf(meter).counters).toEqual(
      ROLES.map((other) => (other === "authority" || (other === role && isObeyed) ? 1 : 0)),
    );
    meter.boot();
    meter.run();
    expectRefused(meter, signed(old, 4), false);
  });

  it("changes nothing for the customer: readings, keys, history and the check of them go on", () => {
    const meter = commandedMeter();
    meter.passUntil(DAY_S + 3 * HALF_HOUR_S, [1000]);
    const [before, K] = [meter.check(), meter.K(0)];
    const readings = meter.readings;
    meter.receive(meter.command(orderOf(2, { argument: map([field, bstr(successor.publicKey)]) })));
    meter.passUntil(2 * DAY_S + 60, [1000]);
    expect(meter.readings.slice(0, readings.length)).toEqual(readings);
    expect(meter.readings.length).toBe(96);
    expect(meter.readings.every(({ epoch }) => epoch === 0)).toBe(true);
    expect(meter.K(0)).toEqual(K);
    const after = meter.check();
    expect(after.totals_Wh[0]).toBe(meter.total_Wh());
    expect(after.totals_Wh[0]).toBeGreaterThan(before.totals_Wh[0] ?? 0);
    expect(meter.batches.map(({ batchNumber, intervalCount }) => [batchNumber, intervalCount])).toEqual([
      [0, 48],
      [1, 48],
    ]);
    meter.boot();
    meter.confirm({ by: "authority" });
    meter.passUntil(3 * DAY_S + 60, [1000]);
    expect(meter.check().totals_Wh[0]).toBe(meter.total_Wh());
    expect(meter.batches.length).toBe(3);
  });
});

describe("a network anchor that was replaced", () => {
  it("sets the clock no more, and its successor does", () => {
    const meter = commandedMeter();
    const { seed, publicKey } = new BenchMeter({ seed: 99, provisioned: false }).parties.network;
    meter.receive(meter.command(orderOf(2, { argument: map([9, bstr(publicKey)]) })));
    meter.boot();
    meter.confirm();
    expect(meter.unit.display(meter.uptime_ms)).toContain("time unconfirmed");
    meter.pass(60);
    const time = array(bstr(meter.nonce ?? image), int(meter.now_s));
    const payload = map([1, tstr(METER_ID)], [2, int(0)], [3, NIL], [4, int(1)], [5, time]);
    meter.receive(frameOf(signWithKey("command-1", payload, seed)));
    expect(meter.unit.display(meter.uptime_ms)).not.toContain("time unconfirmed");
  });
});

/** JUNK_MESSAGES=1000000 in the environment makes it the long run. */
const JUNK_MESSAGES = Number(process.env.JUNK_MESSAGES ?? 100_000);

describe("junk", () => {
  it(`of ${JUNK_MESSAGES} messages costs no reading`, { timeout: 1_200_000 }, () => {
    const meter = commandedMeter();
    const random = new SeededRandom(3);
    const genuine = documentIn(meter.command(orderOf(8)));
    const state = essenceOf(meter);
    let offered = 0;
    const rounds = 1000;
    for (let round = 0; round < rounds; round++) {
      meter.clock.advance(10_000);
      meter.feed(3_600_000);
      for (let message = 0; message < JUNK_MESSAGES / rounds; message++) {
        const junk = new Uint8Array(random.below(540));
        random.fill(junk);
        // Some look like acknowledgements, requests and documents at first.
        if (message % 4 === 1) junk.set([0x83, 1, random.below(8)].slice(0, junk.length));
        if (message % 4 === 2) junk.set(frameOf(genuine).slice(0, Math.min(20, junk.length)));
        offered++;
        while (!meter.unit.receive(meter.uptime_ms, junk)) meter.unit.step(meter.uptime_ms);
      }
    }
    expect(offered).toBe(JUNK_MESSAGES);
    expect(eventsOf(meter, COMMAND_ACCEPTED, COMMAND_REFUSED)).toEqual([]);
    const after = essenceOf(meter);
    expect({ ...after, registers: [] }).toEqual({ ...state, registers: [] });
    meter.passUntil(DAY_S + 60);
    expect(meter.total_Wh()).toBe(516 + 1000);
    expect(meter.check().totals_Wh[0]).toBe(1516);
    meter.receive(frameOf(genuine));
    expect(eventsOf(meter, COMMAND_ACCEPTED).length).toBe(1);
  });
});
