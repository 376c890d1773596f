// The shares of a unit: which intervals have one, their bytes, and what a power cut, a lying network or a late
// repair makes of them.
import { bytesToHex } from "@noble/hashes/utils.js";
import { describe, expect, it } from "vitest";
import { Statistic } from "../../src/trusted/blinding/roster.js";
import { array, int } from "../../src/trusted/encoding/cbor.js";
import { decodeSign1, encodeSign1 } from "../../src/trusted/encoding/cose.js";
import { BenchMeter, DAY_S } from "../bench-meter.js";
import { BenchStreet, numbersTo } from "../bench-street.js";

const hexes = (messages: readonly Uint8Array[]) => messages.map((message) => bytesToHex(message));
const given = (meter: BenchMeter, rosterNumber: number) =>
  hexes(meter.shares.filter((share) => share.rosterNumber === rosterNumber).map(({ message }) => message));
const ROSTER = 6;

/** A meter with the time, and a street of so many. */
function streetOf(count: number, minGroup = 3, channels?: readonly string[]): BenchStreet {
  const meter = new BenchMeter({ configuration: { minGroup, ...(channels && { channels }) } });
  meter.confirm();
  return new BenchStreet(meter, count);
}

const POWER_W = [800, 90];

describe("a unit's shares", () => {
  it("are made for every interval of a standing roster and no other", () => {
    const street = streetOf(5);
    const { meter } = street;
    const signed = street.standing();
    street.install(signed);
    expect(meter.eventTypes).toContain(ROSTER);
    meter.passUntil(DAY_S + 4 * 1800 + 60, POWER_W);
    const first = street.dayBegin(1);
    const intervals = numbersTo(4).map((at) => first + at);
    expect(meter.shares.map(({ interval }) => interval)).toEqual(intervals);
    expect(given(meter, 1)).toEqual(hexes(street.expected(signed, intervals)));
  });

  it("are those of all statistics, with the commitments that the batch holds", () => {
    const street = streetOf(6);
    const { meter } = street;
    const { SUM, SQUARES, OPENINGS } = Statistic;
    const signed = street.standing({ statistics: [SUM, SQUARES, OPENINGS] });
    street.install(signed);
    meter.passUntil(DAY_S + 3 * 1800 + 60, POWER_W);
    const intervals = numbersTo(3).map((at) => street.dayBegin(1) + at);
    expect(given(meter, 1)).toEqual(hexes(street.expected(signed, intervals)));
  });

  it("wait for a member whose certificate names another key id, though the authority has signed it", () => {
    const street = streetOf(5);
    const { meter } = street;
    const [first = new Uint8Array(0), ...others] = street.certificates;
    const renamed = encodeSign1("certificate-1", {
      ...decodeSign1(first, "certificate-1", 512),
      kid: new Uint8Array(8),
    });
    street.install(street.standing(), [renamed]);
    expect(meter.unit.display(meter.uptime_ms)).toContain("1 messages refused");
    for (const certificate of [first, ...others]) street.send(certificate);
    expect(meter.eventTypes).toContain(ROSTER);
  });

  it("of a repair are made once it is accepted, of its members' masks alone", () => {
    const street = streetOf(9);
    const { meter } = street;
    const standing = street.standing();
    street.install(standing);
    meter.passUntil(DAY_S + 6 * 1800 + 60, POWER_W);
    const first = street.dayBegin(1);
    const repair = street.repair(standing, [0, 2, 8], [first + 1, first + 3]);
    street.send(repair.document);
    const intervals = [first + 1, first + 2, first + 3];
    expect(given(meter, 2)).toEqual(hexes(street.expected(repair, intervals)));
    expect(given(meter, 1).length).toBe(6);
    meter.pass(1800, POWER_W);
    expect(given(meter, 2).length).toBe(3);
    expect(given(meter, 1).length).toBe(7);
  });

  it("are the same bytes after a power cut, and only those that were not acknowledged", () => {
    const street = streetOf(9);
    const { meter } = street;
    const standing = street.standing();
    street.install(standing);
    meter.passUntil(DAY_S + 3 * 1800 + 60, POWER_W);
    meter.acknowledges = false;
    meter.pass(2 * 1800, POWER_W);
    const before = given(meter, 1);
    expect(before.length).toBe(5);
    meter.acknowledges = true;
    meter.boot();
    meter.confirm();
    expect(given(meter, 1)).toEqual([...before, ...before.slice(3)]);
    meter.receive(array(int(2), int(2), array(int(0), int(1)), array(int(0xffffffff), int(1))));
    expect(given(meter, 1).slice(7)).toEqual(before);
  });
});
