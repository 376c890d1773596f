// Rosters at the unit's face: accepted whole, once and for good when every rule is kept, and otherwise not at all;
// what a power cut, a full log or rotten flash makes of those that were.

import { bytesToHex } from "@noble/hashes/utils.js";
import { afterEach, describe, expect, it, vi } from "vitest";
import { maskOf } from "../../src/aggregation/roster.js";
import { signWithKey } from "../../src/proofs/signed.js";
import type { Certificate } from "../../src/trusted/authority/certificate.js";
import { EventType } from "../../src/trusted/authority/events.js";
import { decodeRosters, type RosterMemory } from "../../src/trusted/blinding/memory.js";
import { type Roster, Statistic } from "../../src/trusted/blinding/roster.js";
import { array, bstr, int, map, NIL, tstr } from "../../src/trusted/encoding/cbor.js";
import { Journal } from "../../src/trusted/journal/journal.js";
import { type Place, sequenceOf } from "../../src/trusted/journal/sector-ring.js";
import { SECTOR_BYTES } from "../../src/trusted/ports.js";
import { digest } from "../../src/trusted/sealing/keys.js";
import { BenchMeter, type BenchOptions, DAY_S, HALF_HOUR_S, METER_ID, MIDNIGHT_S } from "../bench-meter.js";
import { BenchStreet, numbersTo, type SignedRoster } from "../bench-street.js";
import { cutEverywhere, expectConsistent, MODES } from "../cut-everywhere.js";
import { quick } from "../quick.js";
import { type Neighbour, neighbour } from "../street.js";
import vectors from "../vectors/rfc9496-ristretto255.json" with { type: "json" };

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

const { ROSTER, COMMAND_REFUSED } = EventType;
const POWER_W = [800, 90];

/** A meter with the time, a minute before its first midnight, and a street of so many. */
function streetOf(count: number, options: BenchOptions = {}): BenchStreet {
  const configuration = { minGroup: 3, ...options.configuration };
  const meter = new BenchMeter({ ...options, configuration });
  meter.confirm();
  return new BenchStreet(meter, count);
}

/** What a boot would find remembered now; null before the first roster. */
function memoryOf(meter: BenchMeter): RosterMemory | null {
  const cells = meter.flash.snapshot();
  const journal = new Journal(meter.flash);
  journal.recover();
  const stored = journal.rosters();
  meter.flash.restore(cells);
  return stored && decodeRosters(stored);
}

const numbersIn = (meter: BenchMeter) => {
  const { standing, repairs } = memoryOf(meter) ?? { standing: [], repairs: [] };
  return [standing, repairs].map((rosters) => rosters.map(({ rosterNumber }) => rosterNumber));
};
const eventsOf = (meter: BenchMeter, type: number) => meter.events.filter((event) => event.type === type);

/** The unit makes nothing of what is sent here but note it as an event, or count it. */
function expectRefused(street: BenchStreet, document: Uint8Array, noted: "noted" | "counted"): void {
  const { meter } = street;
  const [before, events, count] = [memoryOf(meter), meter.events.length, meter.refused];
  street.send(document);
  const after = meter.events.slice(events).map(({ type, detail }) => [type, detail]);
  expect(after).toEqual(noted === "noted" ? [[COMMAND_REFUSED, digest(document)]] : []);
  expect(meter.refused).toBe(count + 1);
  expect(memoryOf(meter)).toEqual(before);
}

/** The roster is remembered, and the last event of its type tells of it. */
function expectAccepted(meter: BenchMeter, { S }: SignedRoster): void {
  const { standing = [], repairs = [] } = memoryOf(meter) ?? {};
  expect([...standing, ...repairs].map((known) => bytesToHex(known.S))).toContain(bytesToHex(S));
  expect(eventsOf(meter, ROSTER).at(-1)?.detail).toEqual(S);
}

/** Pulls the plug until this time after midnight, s, and confirms the time again. */
function darkUntil(meter: BenchMeter, after_s: number): void {
  meter.clock.advance((MIDNIGHT_S + after_s - meter.now_s) * 1000);
  meter.boot();
  meter.confirm();
}

describe("a standing roster", () => {
  it("is accepted with its last member's certificate, and its event is H of its payload", () => {
    const street = streetOf(5);
    const { meter } = street;
    const signed = street.standing();
    street.install(signed, street.certificates.slice(0, 4));
    expect([memoryOf(meter), eventsOf(meter, ROSTER)]).toEqual([null, []]);
    street.send(street.certificates[4] as Uint8Array);
    expectAccepted(meter, signed);
    expect(eventsOf(meter, ROSTER)).toMatchObject([{ time_s: MIDNIGHT_S - 60, detail: signed.S }]);
    expect(meter.refused).toBe(0);
    const { publicKey: anchor } = meter.parties.aggregator;
    const names = { groupId: "street-1", rosterNumber: 1, memberCount: 5, own: 2 };
    const range = { firstInterval: street.dayBegin(1), lastInterval: 0xffffffff };
    const [standing] = memoryOf(meter)?.standing ?? [];
    expect(standing).toMatchObject({
      S: signed.S,
      anchor,
      ...names,
      ...range,
      channels: [0, 1],
      statistics: [1],
    });
    expect(memoryOf(meter)?.nextNumber).toBe(2);
  });

  it("that was accepted before changes nothing, and is no event", () => {
    const street = streetOf(4);
    const { meter } = street;
    const signed = street.standing();
    street.install(signed);
    const memory = memoryOf(meter);
    const events = meter.events.length;
    street.install(signed);
    expect([memoryOf(meter), meter.events.length]).toEqual([memory, events]);
    // Its certificates belong to no roster then.
    expect(meter.refused).toBe(4);
    meter.boot();
    meter.confirm();
    street.send(signed.document);
    expect(eventsOf(meter, ROSTER).length).toBe(1);
    expect(eventsOf(meter, COMMAND_REFUSED)).toEqual([]);
    // A restart may have moved its members.
    const place = expect.any(Number);
    expect(memoryOf(meter)?.standing).toEqual(memory?.standing.map((each) => ({ ...each, place })));
  });

  const day = (street: BenchStreet, count: number) => ({ firstInterval: street.dayBegin(count) });
  const { SUM, SQUARES, OPENINGS } = Statistic;
  it.each<[string, (street: BenchStreet) => Partial<Roster>]>([
    ["of other intervals", (street) => ({ intervalSeconds: 900, firstInterval: 2 * street.dayBegin(1) })],
    ["of a foreign channel", () => ({ channels: ["1-0:1.8.0", "1-0:3.8.0"] })],
    ["of channels in another order", () => ({ channels: ["1-0:2.8.0", "1-0:1.8.0"] })],
    ["of openings of one channel", () => ({ channels: ["1-0:1.8.0"], statistics: [SUM, OPENINGS] })],
    ["of less than the least members", () => ({ memberCount: 2 })],
    ["of squares of less than twice the least", () => ({ statistics: [SUM, SQUARES] })],
    ["that begins in the past", (street) => day(street, -1)],
    ["that begins not at midnight", (street) => ({ firstInterval: street.dayBegin(1) + 1 })],
    ["that ends after six days", (street) => ({ lastInterval: street.dayBegin(7) - 1 })],
    ["that ends within a day", (street) => ({ lastInterval: street.dayBegin(9) + 5 })],
  ])("%s is refused as it comes: that is an event", (_, changes) => {
    const street = streetOf(5);
    expectRefused(street, street.standing(changes(street)).document, "noted");
    for (const certificate of street.certificates) expectRefused(street, certificate, "counted");
    street.install(street.standing());
    expect(numbersIn(street.meter)).toEqual([[1], []]);
  });

  it("that begins today is refused from midnight on, by a second", () => {
    const street = streetOf(3);
    const { meter } = street;
    meter.passUntil(DAY_S - 1);
    const signed = street.standing();
    street.install(signed);
    expectAccepted(meter, signed);
    const late = streetOf(3);
    late.meter.passUntil(DAY_S);
    expectRefused(late, late.standing().document, "noted");
  });

  it.each([
    ["authority", "noted"],
    ["supplier", "noted"],
    ["network", "noted"],
    ["stranger", "counted"],
  ] as const)("that the %s has signed is refused and %s", (by, noted) => {
    const street = streetOf(3);
    const seed = by === "stranger" ? new Uint8Array(32).fill(9) : street.meter.parties[by].seed;
    const { document } = street.standing({}, street.members, seed);
    expectRefused(street, document, noted);
    expectRefused(street, street.certificates[0] as Uint8Array, "counted");
  });

  it("with any of its bytes changed is only counted, and one with no roster in it is an event", () => {
    const street = streetOf(3);
    const { document } = street.standing();
    for (const at of [0, 1, 5, 30, 60, 100, document.length - 1]) {
      const changed = document.slice();
      changed[at] = (changed[at] as number) ^ 1;
      expectRefused(street, changed, "counted");
    }
    for (const payload of [new Uint8Array(0), NIL, array(), map([1, tstr("street-1")])])
      expectRefused(street, signWithKey("roster-1", payload, street.seed), "noted");
    street.install(street.standing());
    expect(numbersIn(street.meter)).toEqual([[1], []]);
  });

  it("is refused while the clock is unconfirmed, and so are certificates", () => {
    const street = streetOf(3);
    const { meter } = street;
    const signed = street.standing();
    meter.boot();
    meter.run();
    expectRefused(street, signed.document, "noted");
    expect(meter.events.at(-1)?.time_s).toBeNull();
    meter.confirm();
    street.install(signed, street.certificates.slice(0, 2));
    meter.boot();
    meter.run();
    for (const certificate of street.certificates) expectRefused(street, certificate, "counted");
    meter.confirm();
    // What came in before the restart is forgotten.
    for (const certificate of street.certificates) expectRefused(street, certificate, "counted");
    street.install(signed);
    expectAccepted(meter, signed);
  });

  it("has a number that rises over all groups, standing and repairs", () => {
    const street = streetOf(9);
    const { meter } = street;
    const standing = street.standing({ rosterNumber: 7 });
    street.install(standing);
    for (const rosterNumber of [0, 6, 7]) {
      const other = { rosterNumber, groupId: "street-2", firstInterval: street.dayBegin(9) };
      expectRefused(street, street.standing(other).document, "noted");
    }
    meter.passUntil(DAY_S + 2 * HALF_HOUR_S);
    const first = street.dayBegin(1);
    const repair = (rosterNumber: number) =>
      street.repair(standing, [0, 1, 2], [first, first], { rosterNumber });
    expectRefused(street, repair(7).document, "noted");
    street.send(repair(9).document);
    expect(numbersIn(meter)).toEqual([[7], [9]]);
    for (const rosterNumber of [8, 9])
      expectRefused(
        street,
        street.standing({ rosterNumber, firstInterval: street.dayBegin(9) }).document,
        "noted",
      );
    street.install(street.standing({ rosterNumber: 10, firstInterval: street.dayBegin(9) }));
    expect(numbersIn(meter)).toEqual([[7, 10], [9]]);
  });

  it("with squares is of twice the least", () => {
    const street = streetOf(6);
    street.install(street.standing({ statistics: [SUM, SQUARES] }));
    expect(numbersIn(street.meter)).toEqual([[1], []]);
  });

  it("ends every earlier one, of any group, and begins a week after it at least", () => {
    const street = streetOf(3);
    const { meter } = street;
    const other = (rosterNumber: number, count: number) =>
      street.standing({ rosterNumber, groupId: "street-2", ...day(street, count) });
    street.install(street.standing());
    meter.passUntil(2 * DAY_S + 60, POWER_W, HALF_HOUR_S);
    for (const count of [3, 7]) expectRefused(street, other(2, count).document, "noted");
    street.install(other(2, 8));
    expect(numbersIn(meter)).toEqual([[1, 2], []]);
    meter.passUntil(8 * DAY_S + 2 * HALF_HOUR_S + 60, POWER_W, HALF_HOUR_S);
    const last = meter.shares
      .slice(-4)
      .map(({ interval, rosterNumber }) => [interval - street.dayBegin(8), rosterNumber]);
    expect(last).toEqual([
      [-2, 1],
      [-1, 1],
      [0, 2],
      [1, 2],
    ]);
    expectRefused(street, other(3, 14).document, "noted");
  });

  it("that has not begun is replaced by one with a higher number, earlier or later", () => {
    const street = streetOf(3);
    const { meter } = street;
    for (const [at, count] of [5, 9, 2].entries()) {
      const signed = street.standing({ rosterNumber: at + 1, ...day(street, count) });
      street.install(signed);
      expect(numbersIn(meter)).toEqual([[at + 1], []]);
      expectAccepted(meter, signed);
    }
    expect(memoryOf(meter)?.standing[0]?.firstInterval).toBe(street.dayBegin(2));
    expect(eventsOf(meter, ROSTER).length).toBe(3);
  });

  it("is one of eight a day", () => {
    quick.on = true;
    const street = streetOf(9);
    const { meter } = street;
    meter.pass(120);
    const next = (rosterNumber: number) =>
      street.standing({ rosterNumber, firstInterval: street.dayBegin(9) });
    for (let number = 1; number <= 8; number++) street.install(next(number));
    expect(numbersIn(meter)).toEqual([[8], []]);
    const written = meter.flash.programmedBytes;
    street.install(next(9));
    expect(meter.flash.programmedBytes).toBe(written);
    expect(numbersIn(meter)).toEqual([[8], []]);
    meter.passUntil(DAY_S + 60, [], HALF_HOUR_S);
    street.install(next(10));
    expect(numbersIn(meter)).toEqual([[10], []]);
    expect(eventsOf(meter, ROSTER).length).toBe(9);
    meter.check();
  });
});

describe("a member's certificate", () => {
  const FIRST_S = MIDNIGHT_S + DAY_S;
  const stranger = new Uint8Array(32).fill(9);

  it.each<[string, Partial<Certificate>, Uint8Array?]>([
    ["of another authority", {}, stranger],
    ["of a feeder", { role: 1 }],
    ["that ends as the roster begins", { notAfter_s: FIRST_S }],
    ["that begins a second after the roster", { notBefore_s: FIRST_S + 1 }],
  ])("%s is refused and waited for", (_, changes, seed) => {
    const street = streetOf(3);
    const { meter } = street;
    const [first, self, last] = street.members as [Neighbour, Neighbour, Neighbour];
    street.install(street.standing(), [street.certificate(first), street.certificate(self)]);
    expectRefused(street, street.certificate(last, changes, seed), "counted");
    street.send(street.certificate(last));
    expect(numbersIn(meter)).toEqual([[1], []]);
  });

  it("is valid as the roster begins, if only for that second, and of any software, channels and keys to sign", () => {
    const street = streetOf(3);
    const other = { channels: ["1-0:3.8.0"], intervalSeconds: 900, softwareId: new Uint8Array(32) };
    const short = { notBefore_s: FIRST_S, notAfter_s: FIRST_S + 1 };
    const certificates = street.members.map((member) =>
      member.meterId === METER_ID
        ? street.certificate(member)
        : street.certificate(member, { ...short, ...other }),
    );
    street.install(street.standing(), certificates);
    expect(numbersIn(street.meter)).toEqual([[1], []]);
  });

  it.each<[string, Partial<Certificate>]>([
    ["other channels", { channels: ["1-0:1.8.0"] }],
    ["its channels in another order", { channels: ["1-0:2.8.0", "1-0:1.8.0"] }],
    ["other intervals", { intervalSeconds: 900 }],
  ])("of this meter, for %s, is refused", (_, changes) => {
    const street = streetOf(3);
    const [first, self] = street.members as [Neighbour, Neighbour];
    street.install(street.standing(), [street.certificate(first)]);
    expectRefused(street, street.certificate(self, changes), "counted");
  });

  /** A street in which one member is another, with the right digest: what is refused is the member. */
  function among(change: (members: readonly Neighbour[]) => readonly Neighbour[]) {
    const street = streetOf(4);
    const members = change(street.members);
    const signed = street.standing({}, members);
    street.install(
      signed,
      members.map((each) => certificateOf(street, each.meterId, each.X)),
    );
    expect(numbersIn(street.meter)).toEqual([[], []]);
    expect(street.meter.refused).toBeGreaterThan(0);
    expect(eventsOf(street.meter, COMMAND_REFUSED)).toEqual([]);
    return street;
  }

  /** Whatever X is; the form of the rest is right. */
  function certificateOf({ meter }: BenchStreet, meterId: string, X: Uint8Array, isValid = true): Uint8Array {
    const { signingKey, softwareId, channels, notBefore_s, notAfter_s } = meter.certificate;
    const payload = map(
      [1, tstr(meterId)],
      [2, bstr(signingKey)],
      [3, bstr(X)],
      [4, bstr(softwareId)],
      [5, int(HALF_HOUR_S)],
      [6, array(...channels.map(tstr))],
      [7, int(notBefore_s)],
      [8, int(isValid ? notAfter_s : notBefore_s)],
      [9, int(0)],
    );
    return signWithKey("certificate-1", payload, meter.parties.authority.seed);
  }

  const replace = (at: number, changes: Partial<Neighbour>) => (members: readonly Neighbour[]) =>
    members.map((member, k) => (k === at ? { ...member, ...changes } : member));

  it.each<[string, (members: readonly Neighbour[]) => readonly Neighbour[]]>([
    ["that has no key: the identity", replace(3, { X: new Uint8Array(32) })],
    ["whose key is not canonical", replace(3, { X: new Uint8Array(32).fill(0xff) })],
    ["whose key is no point", replace(0, { X: Buffer.from(vectors.invalid[20] ?? "", "hex") })],
    ["under two ids", (members) => replace(3, { X: members[0]?.X as Uint8Array })(members)],
    [
      "under two ids that follow each other",
      (members) => replace(1, { X: members[0]?.X as Uint8Array })(members),
    ],
    [
      "with this meter's key, before it",
      (members) => replace(0, { X: members[2]?.X as Uint8Array })(members),
    ],
    ["with this meter's key, after it", (members) => replace(3, { X: members[2]?.X as Uint8Array })(members)],
    ["with this meter's id and another key", replace(2, { X: neighbour("SM-9", "other").X })],
  ])("of a meter %s is refused, whatever the digest says", (_, change) => {
    among(change);
  });

  it("that is never valid is refused", () => {
    const street = streetOf(3);
    const [first, self, last] = street.members as [Neighbour, Neighbour, Neighbour];
    street.install(street.standing(), [street.certificate(first), street.certificate(self)]);
    expectRefused(street, certificateOf(street, last.meterId, last.X, false), "counted");
    street.send(certificateOf(street, last.meterId, last.X));
    expect(numbersIn(street.meter)).toEqual([[1], []]);
  });

  it("of a peer that was revoked is refused, until it is revoked no more", () => {
    const street = streetOf(4);
    const { meter } = street;
    const revoke = (counter: number, ...members: readonly Neighbour[]) => {
      const names = members.map(({ X }) => bstr(digest(X).subarray(0, 8)));
      meter.receive(meter.command({ by: "authority", kind: 8, counter, argument: array(...names) }));
    };
    const [, , , last] = street.members as [Neighbour, Neighbour, Neighbour, Neighbour];
    revoke(1, last);
    street.install(street.standing(), street.certificates.slice(0, 3));
    expectRefused(street, street.certificate(last), "counted");
    revoke(2);
    street.send(street.certificate(last));
    expect(numbersIn(meter)).toEqual([[1], []]);
    // From here on it changes nothing, nor does the end of a certificate.
    revoke(3, last);
    meter.passUntil(DAY_S + HALF_HOUR_S + 60, POWER_W);
    const shares = meter.shares.map(({ message }) => bytesToHex(message));
    expect(shares).toEqual(
      street.expected(street.standing(), [street.dayBegin(1)]).map((each) => bytesToHex(each)),
    );
    expect(shares.length).toBe(1);
  });

  it("out of order is passed over: the roster stays incomplete", () => {
    const street = streetOf(4);
    const [a, b, c, d] = street.certificates as [Uint8Array, Uint8Array, Uint8Array, Uint8Array];
    street.install(street.standing(), [a, c, b, d]);
    expect(numbersIn(street.meter)).toEqual([[], []]);
    expect(street.meter.refused).toBe(0);
    // Sent again it begins anew, and a certificate that comes twice counts once.
    street.install(street.standing(), [a, a, b, a, c, c, d]);
    expect(numbersIn(street.meter)).toEqual([[1], []]);
  });

  it("too many or another one gives another digest: the roster is dropped", () => {
    const street = streetOf(5);
    const { meter } = street;
    const four = street.members.slice(0, 4);
    const signed = street.standing({}, [...four.slice(0, 3), street.members[4] as Neighbour]);
    street.install(signed, street.certificates);
    expect(numbersIn(meter)).toEqual([[], []]);
    // The fourth completed it, with the wrong digest; the fifth belongs to no roster.
    expect(meter.refused).toBe(2);
    expect(eventsOf(meter, COMMAND_REFUSED)).toEqual([]);
    const claimed = street.standing({ memberCount: 4 });
    street.install(claimed, street.certificates.slice(0, 4));
    expect(numbersIn(meter)).toEqual([[], []]);
    const certificates = [0, 1, 2, 4].map((at) => street.certificates[at] as Uint8Array);
    street.install(signed, certificates);
    expect(numbersIn(meter)).toEqual([[1], []]);
  });

  it("is missing: nothing is accepted, and nothing is written, however often it is tried", () => {
    const street = streetOf(5);
    const { meter } = street;
    meter.run();
    const [written, erases] = [meter.flash.programmedBytes, [...meter.flash.eraseCounts]];
    for (let number = 1; number <= 20; number++)
      street.install(street.standing({ rosterNumber: number }), street.certificates.slice(0, 4));
    const wrong = street.standing({ rosterNumber: 30, terms: { membersDigest: new Uint8Array(32) } });
    street.install(wrong);
    const without = street.members.filter(({ meterId }) => meterId !== METER_ID);
    street.install(
      street.standing({ rosterNumber: 31 }, without),
      without.map((each) => street.certificate(each)),
    );
    expect([meter.flash.programmedBytes, [...meter.flash.eraseCounts]]).toEqual([written, erases]);
    expect([memoryOf(meter), eventsOf(meter, ROSTER)]).toEqual([null, []]);
  });

  it("of every member but this meter makes a roster that is refused", () => {
    const street = streetOf(5);
    const without = street.members.filter(({ meterId }) => meterId !== METER_ID);
    const certificates = without.map((each) => street.certificate(each));
    street.install(street.standing({}, without), certificates.slice(0, 3));
    expectRefused(street, certificates[3] as Uint8Array, "counted");
  });

  it("that is lost is made good by sending the roster again, with whatever junk in between", () => {
    const street = streetOf(4);
    const { meter } = street;
    const [a, b, c, d] = street.certificates as [Uint8Array, Uint8Array, Uint8Array, Uint8Array];
    const signed = street.standing();
    const other = street.certificate(neighbour("SM-0000-0005", "nobody's"), {}, stranger);
    street.install(signed, [a, c, d]);
    expect(numbersIn(meter)).toEqual([[], []]);
    const torn = b.slice(0, -1);
    const renamed = signWithKey("revocation-1", new Uint8Array(3), stranger);
    const broken = signWithKey("certificate-1", new Uint8Array(3), meter.parties.authority.seed);
    street.install(signed, [a, other, torn, b, renamed, c, broken, Uint8Array.of(...d, 0), d]);
    expectAccepted(meter, signed);
    expect(eventsOf(meter, ROSTER).length).toBe(1);
  });

  it("that comes last when the roster has begun is too late", () => {
    const street = streetOf(3);
    const { meter } = street;
    meter.passUntil(DAY_S - 60, [], HALF_HOUR_S);
    street.install(street.standing(), street.certificates.slice(0, 2));
    meter.passUntil(DAY_S);
    expectRefused(street, street.certificates[2] as Uint8Array, "counted");
    expectRefused(street, street.certificates[2] as Uint8Array, "counted");
  });

  it("is of no roster that was overtaken by a higher number", () => {
    const street = streetOf(3);
    const { meter } = street;
    const [one, two] = [1, 2].map((rosterNumber) =>
      street.standing({ rosterNumber, groupId: `street-${rosterNumber}` }),
    ) as [SignedRoster, SignedRoster];
    street.install(one, street.certificates.slice(0, 2));
    street.install(two, street.certificates.slice(0, 2));
    expectRefused(street, one.document, "noted");
    street.send(street.certificates[2] as Uint8Array);
    expectAccepted(meter, two);
    expect(numbersIn(meter)).toEqual([[2], []]);
  });

  it("is of no roster that a repair with a higher number overtook, and of one that it did not", () => {
    const street = streetOf(9);
    const { meter } = street;
    const first = street.dayBegin(1);
    const standing = street.standing();
    street.install(standing);
    meter.passUntil(DAY_S + 3 * HALF_HOUR_S, [], HALF_HOUR_S);
    const next = { firstInterval: street.dayBegin(8) };
    const [last = new Uint8Array(0)] = street.certificates.slice(-1);
    const repair = (rosterNumber: number, at: number) =>
      street.repair(standing, [0, 1, 8], [first + at, first + at], { rosterNumber });
    street.install(street.standing({ rosterNumber: 3, ...next }), street.certificates.slice(0, 8));
    street.send(repair(2, 0).document);
    street.send(last);
    expect(numbersIn(meter)).toEqual([[1, 3], [2]]);
    street.install(street.standing({ rosterNumber: 4, ...next }), street.certificates.slice(0, 8));
    street.send(repair(5, 1).document);
    expectRefused(street, last, "counted");
    expect(numbersIn(meter)).toEqual([
      [1, 3],
      [2, 5],
    ]);
  });

  it("is asked for up to 128 members, the most that there are", () => {
    quick.on = true;
    const street = streetOf(128);
    const signed = street.standing();
    street.install(signed);
    expectAccepted(street.meter, signed);
    expect(memoryOf(street.meter)?.standing[0]).toMatchObject({ memberCount: 128, own: 64 });
  });
});

describe("a new aggregator", () => {
  it("repairs nothing of the old one's, who repairs nothing any more", () => {
    const street = streetOf(9);
    const { meter } = street;
    const standing = street.standing();
    street.install(standing);
    meter.passUntil(DAY_S + 3 * HALF_HOUR_S + 60, POWER_W);
    const { seed, publicKey } = new BenchMeter({ seed: 99, provisioned: false }).parties.aggregator;
    meter.receive(meter.command({ by: "authority", kind: 2, argument: map([10, bstr(publicKey)]) }));
    const first = street.dayBegin(1);
    expectRefused(street, street.repair(standing, [0, 1, 8], [first, first]).document, "counted");
    expectRefused(street, street.repair(standing, [0, 1, 8], [first, first], {}, seed).document, "noted");
    // The roster that the unit has accepted goes on, until the new one's own.
    meter.pass(HALF_HOUR_S, POWER_W);
    expect(meter.shares.length).toBe(4);
    const successor = street.standing(
      { rosterNumber: 2, firstInterval: street.dayBegin(8) },
      street.members,
      seed,
    );
    street.install(successor);
    expectAccepted(meter, successor);
    expect(memoryOf(meter)?.standing.map(({ anchor }) => anchor)).toEqual([
      meter.parties.aggregator.publicKey,
      publicKey,
    ]);
  });

  it("ends the old one's roster that still waits for members", () => {
    const street = streetOf(9);
    const { meter } = street;
    const [first = new Uint8Array(0), ...others] = street.certificates;
    street.install(street.standing(), [first]);
    const { publicKey } = new BenchMeter({ seed: 99, provisioned: false }).parties.aggregator;
    meter.receive(meter.command({ by: "authority", kind: 2, argument: map([10, bstr(publicKey)]) }));
    for (const certificate of others) street.send(certificate);
    expect(eventsOf(meter, ROSTER)).toEqual([]);
    expect(meter.refused).toBe(1);
    expect(memoryOf(meter)).toBeNull();
  });
});

describe("a repair", () => {
  /** Nine members, their roster in force for six hours. */
  function brokenStreet(changes: Partial<Roster> = {}) {
    const street = streetOf(9);
    const standing = street.standing(changes);
    street.install(standing);
    street.meter.passUntil(DAY_S + 12 * HALF_HOUR_S + 60, POWER_W, HALF_HOUR_S);
    return { street, meter: street.meter, standing, first: street.dayBegin(1) };
  }
  const DARK = [0, 3, 8];

  it("is accepted at once, without a certificate", () => {
    const { street, meter, standing, first } = brokenStreet();
    const repair = street.repair(standing, DARK, [first + 2, first + 4]);
    street.send(repair.document);
    expectAccepted(meter, repair);
    expect(eventsOf(meter, ROSTER).length).toBe(2);
    street.send(repair.document);
    expect(eventsOf(meter, ROSTER).length).toBe(2);
    expect([meter.refused, eventsOf(meter, COMMAND_REFUSED)]).toEqual([0, []]);
  });

  it.each<[string, (street: BenchStreet, standing: SignedRoster, first: number) => SignedRoster]>([
    [
      "of the open interval",
      (street, standing, first) => street.repair(standing, DARK, [first + 9, first + 12]),
    ],
    [
      "of an interval to come",
      (street, standing, first) => street.repair(standing, DARK, [first + 20, first + 20]),
    ],
    [
      "of what was before the roster",
      (street, standing, first) => street.repair(standing, DARK, [first - 1, first]),
    ],
    [
      "of a roster that is not in force",
      (street, standing, first) =>
        street.repair({ ...standing, S: digest(standing.S) }, DARK, [first, first]),
    ],
    ["without this meter", (street, standing, first) => street.repair(standing, [0, 3, 4], [first, first])],
    ["with too few dark", (street, standing, first) => street.repair(standing, [0, 3], [first, first])],
    [
      "with too many dark",
      (street, standing, first) => street.repair(standing, [0, 3, 5, 8], [first, first]),
    ],
    [
      "of another group",
      (street, standing, first) => street.repair(standing, DARK, [first, first], { groupId: "street-2" }),
    ],
    [
      "of other channels",
      (street, standing, first) => street.repair(standing, DARK, [first, first], { channels: ["1-0:1.8.0"] }),
    ],
    [
      "of other statistics",
      (street, standing, first) => street.repair(standing, DARK, [first, first], { statistics: [1, 3] }),
    ],
    [
      "of other intervals",
      (street, standing, first) => street.repair(standing, DARK, [first, first], { intervalSeconds: 900 }),
    ],
    [
      "that counts its members wrong",
      (street, standing, first) => street.repair(standing, DARK, [first, first], { memberCount: 7 }),
    ],
    [
      "with a bit of no member",
      (street, { roster, S }, first) =>
        street.repair({ roster, S, document: S }, DARK, [first, first], {
          terms: { standing: S, mask: maskOf(16, [1, 2, 4, 5, 6, 9]) },
        }),
    ],
    [
      "with a byte too many",
      (street, { roster, S }, first) =>
        street.repair({ roster, S, document: S }, DARK, [first, first], {
          terms: { standing: S, mask: maskOf(17, [1, 2, 4, 5, 6, 7]) },
        }),
    ],
  ])("%s is refused: that is an event", (_, offer) => {
    const { street, standing, first, meter } = brokenStreet();
    expectRefused(street, offer(street, standing, first).document, "noted");
    street.send(street.repair(standing, DARK, [first, first + 11]).document);
    expect(numbersIn(meter)).toEqual([[1], [2]]);
  });

  it.each(["authority", "supplier", "network"] as const)("that the %s has signed is refused", (by) => {
    const { street, meter, standing, first } = brokenStreet();
    const { seed } = meter.parties[by];
    expectRefused(street, street.repair(standing, DARK, [first, first], {}, seed).document, "noted");
  });

  it("of an interval that was repaired is refused, before and after a restart", () => {
    const { street, meter, standing, first } = brokenStreet();
    street.send(street.repair(standing, DARK, [first + 2, first + 4]).document);
    const again = (rosterNumber: number, from: number, to: number) =>
      street.repair(standing, [1, 3, 8], [first + from, first + to], { rosterNumber });
    expectRefused(street, again(3, 4, 6).document, "noted");
    expectRefused(street, again(3, 0, 2).document, "noted");
    meter.boot();
    meter.confirm();
    expectRefused(street, again(3, 3, 3).document, "noted");
    expectRefused(street, again(3, 0, 11).document, "noted");
    street.send(again(3, 5, 6).document);
    street.send(again(4, 0, 1).document);
    expect(numbersIn(meter)).toEqual([[1], [2, 3, 4]]);
  });

  it("is of the eight days before, whole, whether there are records of them or not", () => {
    const { street, meter, standing, first } = brokenStreet();
    // Dark but for the last hours of the ninth day.
    darkUntil(meter, 9 * DAY_S + 6 * HALF_HOUR_S);
    meter.pass(HALF_HOUR_S);
    const repair = (rosterNumber: number, from: number, to: number) =>
      street.repair(standing, DARK, [first + from, first + to], { rosterNumber });
    expectRefused(street, repair(2, 0, 8).document, "noted");
    expectRefused(street, repair(2, 6, 6).document, "noted");
    street.send(repair(2, 7, 7).document);
    street.send(repair(3, 8, 100).document);
    expect(numbersIn(meter)).toEqual([[1], [2, 3]]);
    // There are records of intervals 8 to 11, and none of the dark days.
    const given = meter.shares.filter(({ rosterNumber }) => rosterNumber === 3);
    expect(given.map(({ interval }) => interval - first)).toEqual([8, 9, 10, 11, 12]);
    // A clock that is set back by the authority opens nothing that was over.
    meter.pass(60);
    meter.boot();
    meter.confirm({ by: "authority", unix_s: meter.now_s - 4 * DAY_S });
    expectRefused(street, repair(4, 0, 0).document, "noted");
  });

  it("is one of eight a day", () => {
    const { street, meter, standing, first } = brokenStreet();
    for (let at = 0; at < 8; at++)
      street.send(street.repair(standing, DARK, [first + at, first + at], { rosterNumber: 2 + at }).document);
    expect(numbersIn(meter)[1]?.length).toBe(8);
    const ninth = street.repair(standing, DARK, [first + 9, first + 9], { rosterNumber: 20 });
    expectRefused(street, ninth.document, "noted");
    darkUntil(meter, 2 * DAY_S);
    // Nor for as long as those are remembered.
    expectRefused(street, ninth.document, "noted");
    darkUntil(meter, 9 * DAY_S + 4 * HALF_HOUR_S);
    meter.pass(HALF_HOUR_S);
    street.send(ninth.document);
    expectAccepted(meter, ninth);
    expect(numbersIn(meter)[1]).toEqual([7, 8, 9, 20]);
  });

  it("is refused beyond eight events of rosters a day, though fewer are remembered", () => {
    const street = streetOf(9);
    const { meter } = street;
    meter.passUntil(60);
    for (let number = 1; number <= 2; number++) street.install(street.standing({ rosterNumber: number }));
    darkUntil(meter, DAY_S + 12 * HALF_HOUR_S);
    meter.pass(HALF_HOUR_S);
    const standing = street.standing({ rosterNumber: 2 });
    const journal = new Journal(meter.flash);
    journal.recover();
    journal.state.eventCounts[ROSTER - 1] = 8;
    journal.writeState();
    meter.boot();
    meter.confirm();
    const first = street.dayBegin(1);
    expectRefused(street, street.repair(standing, DARK, [first, first]).document, "noted");
    meter.passUntil(2 * DAY_S + 60, [], HALF_HOUR_S);
    street.send(street.repair(standing, DARK, [first, first]).document);
    expect(numbersIn(meter)).toEqual([[2], [3]]);
  });
});

describe.each(MODES)("in %s flash, a power cut at every byte that is written while", (mode) => {
  const sectors = 8;
  const light = (meter: BenchMeter) => () => {
    meter.boot();
    meter.confirm();
  };

  it("a standing roster is accepted leaves it accepted whole or not at all", () => {
    quick.on = true;
    const street = streetOf(3, { mode, sectors });
    const { meter } = street;
    const [signed, rival] = ["street-1", "street-2"].map((groupId) => street.standing({ groupId })) as [
      SignedRoster,
      SignedRoster,
    ];
    const { certificates } = street;
    const outcomes = { undone: 0, done: 0 };
    cutEverywhere(meter, mode, {
      before: light(meter),
      act() {
        street.install(signed, certificates);
        meter.pass(300);
      },
      after(cut) {
        light(meter)();
        const told = eventsOf(meter, ROSTER).map(({ detail }) => detail);
        const [standings] = numbersIn(meter);
        outcomes[told.length > 0 ? "done" : "undone"]++;
        expect([told, standings]).toEqual(told.length > 0 ? [[signed.S], [1]] : [[], []]);
        if (cut % 4 > 0) return;
        // Once it is accepted, another of its number is refused; else either may come.
        if (cut % 12 === 0) street.install(rival, certificates);
        else street.install(signed, certificates);
        const wins = cut % 12 === 0 && told.length === 0 ? rival : signed;
        expect(memoryOf(meter)?.standing.map(({ S }) => bytesToHex(S))).toEqual([bytesToHex(wins.S)]);
        expect(eventsOf(meter, ROSTER).map(({ detail }) => detail)).toEqual([wins.S]);
        if (cut % 24 > 0) return;
        // Its members are there to be paired with, and not those of an attempt that was cut, whatever was copied.
        light(meter)();
        meter.passUntil(DAY_S + HALF_HOUR_S + 60, POWER_W, HALF_HOUR_S);
        const shares = meter.shares.map(({ message }) => bytesToHex(message));
        expect(shares).toEqual(street.expected(wins, [street.dayBegin(1)]).map((each) => bytesToHex(each)));
        expectConsistent(meter);
      },
    });
    expect(outcomes.undone).toBeGreaterThan(50);
    expect(outcomes.done).toBeGreaterThan(0);
  });

  it("a repair is accepted leaves one repair of an interval, whichever it is", () => {
    quick.on = true;
    const street = streetOf(9, { mode, sectors });
    const { meter } = street;
    const standing = street.standing();
    street.install(standing);
    meter.passUntil(DAY_S + 2 * HALF_HOUR_S + 60, POWER_W, HALF_HOUR_S);
    const first = street.dayBegin(1);
    const repair = street.repair(standing, [0, 1, 8], [first, first + 1]);
    const rival = street.repair(standing, [0, 2, 8], [first + 1, first + 1], { rosterNumber: 3 });
    const outcomes = { undone: 0, done: 0 };
    const given = (rosterNumber: number) =>
      meter.shares.filter((share) => share.rosterNumber === rosterNumber);
    cutEverywhere(meter, mode, {
      before: light(meter),
      act() {
        street.send(repair.document);
        meter.pass(300);
      },
      after(cut) {
        light(meter)();
        const done = eventsOf(meter, ROSTER).length === 2;
        outcomes[done ? "done" : "undone"]++;
        expect(numbersIn(meter)).toEqual([[1], done ? [2] : []]);
        // No share leaves before the repair is durable.
        if (!done) expect(given(2)).toEqual([]);
        if (cut % 4 > 0) return;
        street.send(rival.document);
        expect(eventsOf(meter, COMMAND_REFUSED).length).toBe(done ? 1 : 0);
        expect(numbersIn(meter)).toEqual([[1], [done ? 2 : 3]]);
        street.send(repair.document);
        expect(numbersIn(meter)).toEqual([[1], [done ? 2 : 3]]);
        const intervals = new Set(given(done ? 2 : 3).map(({ interval }) => interval - first));
        expect([...intervals]).toEqual(done ? [0, 1] : [1]);
        expectConsistent(meter);
      },
    });
    expect(outcomes.undone).toBeGreaterThan(50);
    expect(outcomes.done).toBeGreaterThan(0);
  });
});

describe("as the log comes round", () => {
  const SECTORS = 16;
  const LOG_SECTORS = 12;
  /** Flips a bit of a record's body. */
  const rot = (meter: BenchMeter, place: Place) => {
    const address = (sequenceOf(place) % LOG_SECTORS) * SECTOR_BYTES + (place % (2 * SECTOR_BYTES));
    meter.flash.rotBit(address + 20, 3);
  };
  const placesOf = (meter: BenchMeter) => ({
    members: memoryOf(meter)?.standing[0]?.place ?? 0,
    memory: meter.stored.state.rostersPlace,
  });
  const hexes = (messages: readonly Uint8Array[]) => messages.map((message) => bytesToHex(message));

  it("members and memory move ahead of the writer, restarts meanwhile, and shares stay as they are", () => {
    quick.on = true;
    const street = streetOf(18, { sectors: SECTORS, configuration: { channels: ["1-0:1.8.0"] } });
    const { meter } = street;
    const signed = street.standing();
    street.install(signed);
    const begin = placesOf(meter);
    let moves = 0;
    let last = begin.members;
    for (let day = 1; day <= 32; day++) {
      meter.passUntil(day * DAY_S, [800], HALF_HOUR_S);
      if (day % 3 === 0) {
        meter.boot();
        meter.confirm();
      }
      const { members } = placesOf(meter);
      if (members !== last) moves++;
      last = members;
    }
    expect(moves).toBeGreaterThan(2);
    const end = placesOf(meter);
    expect(sequenceOf(end.members)).toBeGreaterThan(sequenceOf(begin.members) + LOG_SECTORS);
    expect(sequenceOf(end.memory)).toBeGreaterThan(sequenceOf(begin.memory) + LOG_SECTORS);
    expect(memoryOf(meter)?.standing[0]).toMatchObject({ S: signed.S, memberCount: 18 });
    const from = street.dayBegin(30);
    const intervals = numbersTo(48).map((at) => from + at);
    const given = new Set(
      hexes(
        meter.shares.filter(({ interval }) => intervals.includes(interval)).map(({ message }) => message),
      ),
    );
    expect([...given]).toEqual(hexes(street.expected(signed, intervals)));
    expect(given.size).toBe(48);
    // Its number is still the least.
    expectRefused(street, street.standing({ firstInterval: street.dayBegin(60) }).document, "noted");
  });

  // One day after it began its members are about to be moved, five days after they are not.
  it.each([
    1, 5,
  ])("a member that has rotted by day %i ends the roster's shares, and what it forbids stays forbidden", (day) => {
    quick.on = true;
    const street = streetOf(20, { sectors: SECTORS });
    const { meter } = street;
    street.install(street.standing());
    meter.passUntil(day * DAY_S + HALF_HOUR_S + 60, POWER_W, HALF_HOUR_S);
    const before = (day - 1) * 48 + 1;
    expect(meter.shares.length).toBe(before);
    rot(meter, placesOf(meter).members);
    meter.boot();
    meter.confirm();
    meter.passUntil((day + 1) * DAY_S, POWER_W, HALF_HOUR_S);
    expect(meter.shares.length).toBe(before);
    expect(meter.readings.length).toBe((day + 1) * 48);
    const next = { rosterNumber: 2, firstInterval: street.dayBegin(7) };
    expectRefused(street, street.standing(next).document, "noted");
    meter.boot();
    meter.confirm();
    expectRefused(street, street.standing(next).document, "noted");
    // Nor are lost members copied: the log goes on without them, and a successor is as good as ever.
    meter.passUntil(16 * DAY_S, POWER_W, HALF_HOUR_S);
    if (day === 1) expect(placesOf(meter).members).toBe(0);
    expect(numbersIn(meter)).toEqual([[1], []]);
    expect(meter.shares.length).toBe(before);
    const successor = street.standing({ rosterNumber: 2, firstInterval: street.dayBegin(17) });
    street.install(successor);
    meter.passUntil(17 * DAY_S + HALF_HOUR_S + 60, POWER_W, HALF_HOUR_S);
    expect(hexes(meter.shares.slice(before).map(({ message }) => message))).toEqual(
      hexes(street.expected(successor, [street.dayBegin(17)])),
    );
    meter.check();
  });

  it("a memory that has rotted is empty: the meter measures on, and a new roster begins another", () => {
    quick.on = true;
    const street = streetOf(3, { sectors: SECTORS });
    const { meter } = street;
    street.install(street.standing());
    meter.passUntil(5 * DAY_S, POWER_W, HALF_HOUR_S);
    const before = meter.shares.length;
    rot(meter, placesOf(meter).memory);
    meter.boot();
    meter.confirm();
    expect(memoryOf(meter)).toBeNull();
    meter.passUntil(14 * DAY_S, POWER_W, HALF_HOUR_S);
    expect([before, meter.shares.length]).toEqual([4 * 48, 4 * 48]);
    expect(meter.readings.length).toBe(14 * 48);
    expect(meter.stored.state.rostersPlace).toBe(0);
    const signed = street.standing({ firstInterval: street.dayBegin(15) });
    street.install(signed);
    expectAccepted(meter, signed);
    meter.boot();
    meter.confirm();
    expect(numbersIn(meter)).toEqual([[1], []]);
  });
});
