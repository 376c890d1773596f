// The shares of a unit: which intervals have one, their bytes, and what a power cut, a lying network, a late repair or
// a thief with a flash programmer makes of them.
import { ristretto255 } from "@noble/curves/ed25519.js";
import { bytesToHex } from "@noble/hashes/utils.js";
import { afterEach, describe, expect, it, vi } from "vitest";
import { VirtualClock } from "../../host-sim/clock.js";
import { makeCommitmentKey } from "../../src/proofs/generators.js";
import { isMarked, isRepair, type Roster, Statistic } from "../../src/trusted/blinding/roster.js";
import { type Opening, valuesOf } from "../../src/trusted/blinding/share.js";
import { array, CborReader, int } from "../../src/trusted/encoding/cbor.js";
import { decodeSign1, encodeSign1 } from "../../src/trusted/encoding/cose.js";
import { dayOf } from "../../src/trusted/metrology/interval.js";
import { L } from "../../src/trusted/sealing/edwards.js";
import { dayKey, ReadingKeys, scalarFrom } from "../../src/trusted/sealing/keys.js";
import { TestCounter } from "../bench-devices.js";
import { BenchMeter, type BenchOptions, DAY_S, HALF_HOUR_S } from "../bench-meter.js";
import { BenchStreet, numbersTo, type SignedRoster } from "../bench-street.js";
import { quick } from "../quick.js";
import { shareOf } from "../street.js";

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

const hexes = (messages: readonly Uint8Array[]) => messages.map((message) => bytesToHex(message));
const given = (meter: BenchMeter, rosterNumber: number) =>
  hexes(meter.shares.filter((share) => share.rosterNumber === rosterNumber).map(({ message }) => message));
const ROSTER = 6;

/** A meter with the time, and a street of so many. */
function streetOf(
  count: number,
  minGroup = 3,
  channels?: readonly string[],
  options: BenchOptions & { readonly before?: number } = {},
): BenchStreet {
  const configuration = { minGroup, ...(channels && { channels }) };
  const meter = new BenchMeter({ ...options, configuration });
  meter.confirm();
  return new BenchStreet(meter, count, options.before);
}

const POWER_W = [800, 90];

describe("a unit's shares", () => {
  it("are made for every interval of a standing roster and no other", () => {
    const street = streetOf(5);
    const { meter } = street;
    const signed = street.standing();
    street.install(signed);
    expect(meter.eventTypes).toContain(ROSTER);
    meter.passUntil(DAY_S + 4 * HALF_HOUR_S + 60, POWER_W);
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
    meter.passUntil(DAY_S + 3 * HALF_HOUR_S + 60, POWER_W);
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
    meter.passUntil(DAY_S + 6 * HALF_HOUR_S + 60, POWER_W);
    const first = street.dayBegin(1);
    const repair = street.repair(standing, [0, 2, 8], [first + 1, first + 3]);
    street.send(repair.document);
    const intervals = [first + 1, first + 2, first + 3];
    expect(given(meter, 2)).toEqual(hexes(street.expected(repair, intervals)));
    expect(given(meter, 1).length).toBe(6);
    meter.pass(HALF_HOUR_S, POWER_W);
    expect(given(meter, 2).length).toBe(3);
    expect(given(meter, 1).length).toBe(7);
  });

  it("of several repairs are made once each, until they are asked for again", () => {
    const street = streetOf(9);
    const { meter } = street;
    const standing = street.standing();
    street.install(standing);
    meter.passUntil(DAY_S + 6 * HALF_HOUR_S + 60, POWER_W, HALF_HOUR_S);
    const first = street.dayBegin(1);
    const shares = () =>
      meter.shares.slice(6).map(({ interval, rosterNumber }) => `${interval - first}/${rosterNumber}`);
    const [one, two] = [
      street.repair(standing, [0, 1, 8], [first + 4, first + 5]),
      street.repair(standing, [0, 2, 8], [first + 1, first + 2], { rosterNumber: 3 }),
    ] as const;
    street.send(one.document);
    expect(shares()).toEqual(["4/2", "5/2"]);
    street.send(two.document);
    expect(shares()).toEqual(["4/2", "5/2", "1/3", "2/3"]);
    expect(given(meter, 3)).toEqual(hexes(street.expected(two, [first + 1, first + 2])));
    // Of repairs nothing is noted: a restart gives them again.
    meter.boot();
    meter.confirm();
    expect(shares().slice(4)).toEqual(["1/3", "2/3", "4/2", "5/2"]);
  });

  it("are the same bytes after a power cut, and only those that were not acknowledged", () => {
    const street = streetOf(9);
    const { meter } = street;
    const standing = street.standing();
    street.install(standing);
    meter.passUntil(DAY_S + 3 * HALF_HOUR_S + 60, POWER_W);
    meter.acknowledges = false;
    meter.pass(2 * HALF_HOUR_S, POWER_W);
    const before = given(meter, 1);
    expect(before.length).toBe(5);
    meter.acknowledges = true;
    meter.boot();
    meter.confirm();
    expect(given(meter, 1)).toEqual([...before, ...before.slice(3)]);
    meter.receive(array(int(2), int(2), array(int(0), int(1)), array(int(0xffffffff), int(1))));
    expect(given(meter, 1).slice(7)).toEqual(before);
  });

  it.each([
    0, 2, 4,
  ])("are blinded with every other member, whether %i come before the unit or not", (before) => {
    const street = streetOf(5, 3, undefined, { before });
    const { meter } = street;
    expect(street.own).toBe(before);
    const signed = street.standing({ statistics: [Statistic.SUM, Statistic.OPENINGS] });
    street.install(signed);
    meter.passUntil(DAY_S + HALF_HOUR_S + 60, POWER_W, HALF_HOUR_S);
    expect(given(meter, 1)).toEqual(hexes(street.expected(signed, [street.dayBegin(1)])));
  });

  const CODES = ["1.8.0", "2.8.0", "3.8.0", "4.8.0", "21.8.0", "41.8.0", "61.8.0", "22.8.0"];
  it.each([1, 4, 5, 8])("are of %i channels, all of them or some", (count) => {
    const channels = CODES.slice(0, count).map((code) => `1-0:${code}`);
    const street = streetOf(6, 3, channels);
    const { meter } = street;
    const all = street.standing({ statistics: [Statistic.SUM, Statistic.SQUARES, Statistic.OPENINGS] });
    street.install(all);
    const power_W = channels.map((_, at) => 200 + 100 * at);
    meter.passUntil(DAY_S + HALF_HOUR_S + 60, power_W, HALF_HOUR_S);
    expect(given(meter, 1)).toEqual(hexes(street.expected(all, [street.dayBegin(1)])));
    const some = street.standing({
      rosterNumber: 2,
      channels: channels.filter((_, at) => at !== 1),
      statistics: [Statistic.SUM, Statistic.SQUARES],
      firstInterval: street.dayBegin(8),
    });
    street.install(some);
    meter.clock.advance(7 * DAY_S * 1000);
    meter.boot();
    meter.confirm();
    meter.pass(HALF_HOUR_S, power_W, HALF_HOUR_S);
    const intervals = meter.shares
      .filter(({ rosterNumber }) => rosterNumber === 2)
      .map(({ interval }) => interval);
    expect(intervals.length).toBeGreaterThan(0);
    expect(given(meter, 2)).toEqual(hexes(street.expected(some, intervals)));
  });

  it("are made among 128 members", () => {
    quick.on = true;
    const street = streetOf(128, 40);
    const { meter } = street;
    const signed = street.standing();
    street.install(signed);
    meter.passUntil(DAY_S + 2 * HALF_HOUR_S + 60, POWER_W, HALF_HOUR_S);
    const first = street.dayBegin(1);
    expect(given(meter, 1)).toEqual(hexes(street.expected(signed, [first, first + 1])));
    const dark = numbersTo(128)
      .filter((member) => member !== street.own)
      .slice(20, 62);
    const repair = street.repair(signed, dark, [first, first]);
    street.send(repair.document);
    expect(given(meter, 2)).toEqual(hexes(street.expected(repair, [first])));
  });

  it("change with the roster at its successor's first interval", () => {
    quick.on = true;
    const street = streetOf(5);
    const { meter } = street;
    const one = street.standing();
    street.install(one);
    meter.passUntil(2 * DAY_S, POWER_W, HALF_HOUR_S);
    const begin = street.dayBegin(8);
    const two = street.standing({
      rosterNumber: 2,
      groupId: "street-2",
      firstInterval: begin,
      channels: ["1-0:2.8.0"],
    });
    street.install(two);
    meter.passUntil(8 * DAY_S - HALF_HOUR_S, POWER_W, HALF_HOUR_S);
    const from = meter.shares.length;
    // Both rosters' intervals are waiting at once.
    meter.takes = false;
    meter.passUntil(8 * DAY_S + 2 * HALF_HOUR_S + 60, POWER_W, HALF_HOUR_S);
    meter.takes = true;
    meter.run();
    expect(
      meter.shares.slice(from).map(({ interval, rosterNumber }) => [interval - begin, rosterNumber]),
    ).toEqual([
      [-1, 1],
      [0, 2],
      [1, 2],
    ]);
    expect(given(meter, 1).slice(-1)).toEqual(hexes(street.expected(one, [begin - 1])));
    expect(given(meter, 2)).toEqual(hexes(street.expected(two, [begin, begin + 1])));
  });

  it("end with their roster", () => {
    quick.on = true;
    const street = streetOf(3);
    const { meter } = street;
    street.install(street.standing({ lastInterval: street.dayBegin(8) - 1 }));
    meter.passUntil(9 * DAY_S, POWER_W, HALF_HOUR_S);
    expect(meter.shares.length).toBe(7 * 48);
    expect(meter.shares.at(-1)?.interval).toBe(street.dayBegin(8) - 1);
  });

  it("begin with a roster that comes late, however much was recorded before", () => {
    quick.on = true;
    const street = streetOf(3);
    const { meter } = street;
    meter.passUntil(12 * DAY_S + 60, POWER_W, HALF_HOUR_S);
    const signed = street.standing({ firstInterval: street.dayBegin(13) });
    street.install(signed);
    meter.passUntil(13 * DAY_S + HALF_HOUR_S + 60, POWER_W, HALF_HOUR_S);
    expect(given(meter, 1)).toEqual(hexes(street.expected(signed, [street.dayBegin(13)])));
  });
});

describe("an interval without a record", () => {
  it("has no share, and never a zero in its place; one that the power was cut in has", () => {
    const street = streetOf(3);
    const { meter } = street;
    const signed = street.standing();
    street.install(signed);
    meter.passUntil(DAY_S + 2 * HALF_HOUR_S + 600, POWER_W, HALF_HOUR_S);
    meter.clock.advance(4 * HALF_HOUR_S * 1000);
    meter.boot();
    meter.confirm();
    meter.pass(2 * HALF_HOUR_S, POWER_W, HALF_HOUR_S);
    const first = street.dayBegin(1);
    const intervals = meter.readings.map(({ interval }) => interval).filter((interval) => interval >= first);
    expect(intervals.map((interval) => interval - first)).toEqual([0, 1, 2, 6, 7]);
    expect(meter.shares.map(({ interval }) => interval)).toEqual(intervals);
    expect(given(meter, 1)).toEqual(hexes(street.expected(signed, intervals)));
  });

  it("has no share of a repair either", () => {
    const street = streetOf(9);
    const { meter } = street;
    const standing = street.standing();
    street.install(standing);
    meter.passUntil(DAY_S + 2 * HALF_HOUR_S + 600, POWER_W, HALF_HOUR_S);
    meter.clock.advance(4 * HALF_HOUR_S * 1000);
    meter.boot();
    meter.confirm();
    const first = street.dayBegin(1);
    const repair = street.repair(standing, [0, 1, 8], [first + 1, first + 4]);
    street.send(repair.document);
    expect(given(meter, 2)).toEqual(hexes(street.expected(repair, [first + 1, first + 2])));
    expect(given(meter, 2).length).toBe(2);
  });
});

describe("shares wait", () => {
  it("for the clock to be confirmed", () => {
    const street = streetOf(3);
    const { meter } = street;
    const signed = street.standing();
    street.install(signed);
    meter.passUntil(DAY_S + 60, POWER_W, HALF_HOUR_S);
    meter.acknowledges = false;
    meter.pass(2 * HALF_HOUR_S, POWER_W, HALF_HOUR_S);
    const before = given(meter, 1);
    meter.boot();
    meter.run();
    expect(given(meter, 1)).toEqual(before);
    meter.confirm();
    expect(given(meter, 1)).toEqual([...before, ...before]);
    expect(before.length).toBe(2);
  });

  it("while the network is out, for eight days: all of them come then, and none that is older", () => {
    quick.on = true;
    const street = streetOf(3);
    const { meter } = street;
    const signed = street.standing();
    street.install(signed);
    meter.passUntil(DAY_S + HALF_HOUR_S + 60, POWER_W, HALF_HOUR_S);
    meter.takes = false;
    meter.passUntil(6 * DAY_S + 60, POWER_W, HALF_HOUR_S);
    meter.takes = true;
    meter.run();
    const first = street.dayBegin(1);
    expect(given(meter, 1)).toEqual(
      hexes(
        street.expected(
          signed,
          numbersTo(5 * 48).map((at) => first + at),
        ),
      ),
    );
    meter.takes = false;
    meter.passUntil(16 * DAY_S, POWER_W, HALF_HOUR_S);
    meter.takes = true;
    const from = meter.shares.length;
    meter.run();
    const [ahead, ...later] = meter.shares.slice(from).map(({ interval }) => interval - first);
    // One was made in time and waited to be taken; of the others the oldest ends a second less than eight days ago.
    expect(ahead).toBe(5 * 48);
    expect(later).toEqual(numbersTo(8 * 48).map((at) => 7 * 48 + at));
  });

  it("but not for a second longer than eight days after their interval", () => {
    quick.on = true;
    for (const [off_s, oldest] of [
      [-1, 1],
      [0, 2],
    ] as const) {
      const street = streetOf(3);
      const { meter } = street;
      street.install(street.standing());
      meter.acknowledges = false;
      meter.passUntil(DAY_S + 4 * HALF_HOUR_S + 60, POWER_W, HALF_HOUR_S);
      expect(meter.shares.length).toBe(4);
      meter.clock.advance((8 * DAY_S - 60 - 2 * HALF_HOUR_S + off_s) * 1000);
      meter.boot();
      meter.confirm();
      const again = meter.shares.slice(4).map(({ interval }) => interval - street.dayBegin(1));
      expect(again.slice(0, 4 - oldest)).toEqual(numbersTo(4 - oldest).map((at) => oldest + at));
    }
  });
});

describe("after a new tenant has paired", () => {
  it("each interval's share opens with its own K, the old one's as long as it lives", () => {
    quick.on = true;
    const street = streetOf(3);
    const { meter } = street;
    const signed = street.standing({ statistics: [Statistic.SUM, Statistic.OPENINGS] });
    street.install(signed);
    meter.passUntil(DAY_S + 2 * HALF_HOUR_S + 60, POWER_W, HALF_HOUR_S);
    meter.pair();
    meter.pass(3 * HALF_HOUR_S, POWER_W, HALF_HOUR_S);
    const intervals = numbersTo(5).map((at) => street.dayBegin(1) + at);
    expect(meter.readings.slice(-5).map(({ epoch }) => epoch)).toEqual([0, 0, 0, 1, 1]);
    const shares = hexes(street.expected(signed, intervals));
    expect(given(meter, 1)).toEqual(shares);
    // Days later the old tenant's are made again, by the old K.
    meter.passUntil(5 * DAY_S, POWER_W, HALF_HOUR_S);
    const from = meter.shares.length;
    meter.receive(again(street.dayBegin(1)));
    expect(given(meter, 1).slice(from, from + 5)).toEqual(shares);
  });

  it("the old one's intervals have no share once that K was erased, even by a clock that was set back", () => {
    quick.on = true;
    const street = streetOf(3);
    const { meter } = street;
    street.install(street.standing());
    meter.passUntil(DAY_S + 2 * HALF_HOUR_S + 60, POWER_W, HALF_HOUR_S);
    meter.pair();
    meter.passUntil(10 * DAY_S + 60, POWER_W, HALF_HOUR_S);
    meter.pass(300);
    meter.boot();
    meter.run();
    meter.confirm({ by: "authority", unix_s: meter.now_s - 4 * DAY_S });
    const from = meter.shares.length;
    meter.receive(again(0));
    const first = street.dayBegin(1);
    expect(meter.shares[from]?.interval).toBe(first + 3);
    expect(meter.shares.slice(from).every(({ interval }) => interval >= first + 3)).toBe(true);
    expect(meter.readings.find(({ interval }) => interval === first + 3)?.epoch).toBe(1);
  });
});

const acknowledged = (interval: number, rosterNumber: number) =>
  array(int(1), int(2), array(int(interval), int(rosterNumber)));
const again = (interval: number, rosterNumber = 1) =>
  array(int(2), int(2), array(int(interval), int(rosterNumber)), array(int(0xffffffff), int(rosterNumber)));

describe("what the network says of shares", () => {
  /** Nine members, six intervals, a repair of the first, nothing acknowledged. */
  function unheardStreet() {
    const street = streetOf(9);
    const { meter } = street;
    const standing = street.standing();
    street.install(standing);
    meter.passUntil(DAY_S + 60, POWER_W, HALF_HOUR_S);
    meter.acknowledges = false;
    meter.pass(6 * HALF_HOUR_S, POWER_W, HALF_HOUR_S);
    const first = street.dayBegin(1);
    street.send(street.repair(standing, [0, 2, 8], [first, first]).document);
    /** What is given when the network side is made anew, by interval and roster. */
    const restarted = () => {
      const from = meter.shares.length;
      meter.unit.networkRestarted();
      meter.run();
      return meter.shares
        .slice(from)
        .map(({ interval, rosterNumber }) => `${interval - first}/${rosterNumber}`);
    };
    return { street, meter, first, restarted };
  }
  const ALL = ["0/1", "0/2", "1/1", "2/1", "3/1", "4/1", "5/1"];

  it("when it was made anew is that it has nothing: it is given all again, the same bytes", () => {
    const { meter, restarted } = unheardStreet();
    expect(meter.shares.map(({ interval }) => interval).length).toBe(7);
    const before = [...given(meter, 1), ...given(meter, 2)].sort();
    expect(restarted()).toEqual(ALL);
    expect(hexes(meter.shares.slice(7).map(({ message }) => message)).sort()).toEqual(before);
    expect(restarted()).toEqual(ALL);
  });

  it("when it acknowledges covers the standing roster's shares up to there, over restarts; of a repair nothing", () => {
    const { meter, first, restarted } = unheardStreet();
    meter.receive(acknowledged(first + 3, 1));
    expect(restarted()).toEqual(["0/2", "4/1", "5/1"]);
    // An earlier one takes nothing back.
    meter.receive(acknowledged(first + 1, 1));
    expect(restarted()).toEqual(["0/2", "4/1", "5/1"]);
    meter.receive(acknowledged(first, 2));
    expect(restarted()).toEqual(["0/2", "4/1", "5/1"]);
    meter.pass(300);
    const from = meter.shares.length;
    meter.boot();
    meter.confirm();
    const numbers = meter.shares.slice(from).map(({ interval }) => interval - first);
    expect(numbers).toEqual([0, 4, 5]);
  });

  it.each<[string, (first: number) => Uint8Array]>([
    ["of another roster", (first) => acknowledged(first + 3, 7)],
    ["of a repair", (first) => acknowledged(first, 2)],
    ["of a repair for another interval", (first) => acknowledged(first + 3, 2)],
    ["of an interval to come", (first) => acknowledged(first + 6, 1)],
    ["of the last interval there is", () => acknowledged(0xffffffff, 1)],
    ["of an interval before the roster", (first) => acknowledged(first - 1, 1)],
    ["of interval 0", () => acknowledged(0, 1)],
  ])("when it lies, and acknowledges a share %s, moves nothing", (_, frame) => {
    const { meter, first, restarted } = unheardStreet();
    meter.receive(frame(first));
    expect(restarted()).toEqual(ALL);
    meter.pass(HALF_HOUR_S, POWER_W, HALF_HOUR_S);
    expect(meter.shares.at(-1)?.interval).toBe(first + 6);
  });

  it("when it acknowledges a share that is made and not yet given moves nothing", () => {
    const street = streetOf(5);
    const { meter } = street;
    street.install(street.standing());
    const first = street.dayBegin(1);
    meter.passUntil(DAY_S + 60, POWER_W);
    meter.takes = false;
    meter.pass(HALF_HOUR_S, POWER_W);
    meter.receive(acknowledged(first, 1));
    meter.pass(600, POWER_W);
    meter.takes = true;
    meter.boot();
    meter.confirm();
    expect(meter.shares.map(({ interval }) => interval)).toEqual([first]);
  });

  it("when it asks again is heard once an hour", () => {
    const { meter, first } = unheardStreet();
    meter.receive(acknowledged(first + 5, 1));
    const asked = (interval: number) => {
      const from = meter.shares.length;
      meter.receive(again(interval));
      return meter.shares.slice(from).map((share) => `${share.interval - first}/${share.rosterNumber}`);
    };
    // What it has acknowledged is given again too, and repairs.
    expect(asked(first + 4)).toEqual(["0/2", "4/1", "5/1"]);
    expect(asked(first)).toEqual([]);
    meter.acknowledges = true;
    meter.pass(3599, POWER_W, 60);
    expect(asked(first)).toEqual([]);
    meter.pass(1, POWER_W);
    expect(asked(first)).toEqual([...ALL, "6/1", "7/1"]);
    expect(asked(0xffffffff)).toEqual([]);
  });

  it("when it asks again for what is to come is given what it has not acknowledged", () => {
    const { meter, first } = unheardStreet();
    meter.receive(acknowledged(first + 3, 1));
    const from = meter.shares.length;
    meter.receive(again(0xffffffff));
    expect(meter.shares.slice(from).map(({ interval }) => interval - first)).toEqual([0, 4, 5]);
  });

  it.each<[string, Uint8Array]>([
    ["one number", array(int(1), int(2), int(5))],
    ["an interval alone", array(int(1), int(2), array(int(5)))],
    ["three numbers", array(int(1), int(2), array(int(5), int(1), int(1)))],
    ["an interval above 2^32 - 1", array(int(1), int(2), array(int(2 ** 32), int(1)))],
    ["a roster above 2^32 - 1", array(int(1), int(2), array(int(5), int(2 ** 32)))],
    ["two sequences", array(int(1), int(2), array(int(5), int(1)), array(int(6), int(1)))],
    ["a request with one", array(int(2), int(2), array(int(5), int(1)))],
    ["a request with two numbers", array(int(2), int(2), int(5), int(6))],
    ["no action", array(int(0), int(2), array(int(5), int(1)))],
    ["anything after it", Uint8Array.of(...array(int(1), int(2), array(int(5), int(1))), 0)],
  ])("with %s is refused", (_, frame) => {
    const { meter, restarted } = unheardStreet();
    meter.receive(frame);
    expect(meter.refused).toBe(1);
    expect(restarted()).toEqual(ALL);
  });
});

/** The sums that a share message carries. */
function sumsIn(message: Uint8Array): Uint8Array {
  const reader = new CborReader(message, "share");
  reader.array(7);
  reader.uint(1);
  reader.text(32);
  reader.uint();
  reader.text(32);
  reader.uint();
  reader.uint(255);
  const sums = reader.bytes(8, 4096);
  reader.end();
  return sums;
}
const u64 = (bytes: Uint8Array, at: number) => new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(at);
const modulo64 = (value: bigint) => BigInt.asUintN(64, value);

/** What the unit's commitments of an interval hide. */
function openingsOf({ meter }: BenchStreet, interval: number): Opening[] {
  const reading = meter.readings.find((one) => one.interval === interval);
  if (!reading) throw new Error("there is no such reading");
  const keys = new ReadingKeys(dayKey(meter.K(reading.epoch), dayOf(interval, HALF_HOUR_S)));
  return reading.readings.map((Wh, channel) => ({
    reading: Wh,
    opening: keys.of(channel, interval).opening,
  }));
}

describe("the shares of all members", () => {
  const key = makeCommitmentKey();

  /** All members' shares of an interval, the unit's as it gave it, and what all of them hide. */
  function allShares(street: BenchStreet, signed: SignedRoster, interval: number) {
    const { roster, S } = signed;
    const own = street.meter.shares.find(
      (share) => share.interval === interval && share.rosterNumber === roster.rosterNumber,
    );
    if (!own) throw new Error("the unit gave no share");
    const takes = (member: number, { terms }: Roster) => !isRepair(terms) || isMarked(terms.mask, member);
    return numbersTo(street.members.length)
      .filter((member) => takes(member, roster))
      .map((member) => {
        if (member === street.own)
          return { sums: sumsIn(own.message), openings: openingsOf(street, interval) };
        const openings = roster.channels.map((_, channel) => ({
          reading: 100 * member + channel,
          opening: scalarFrom(new Uint8Array(48).fill(member + channel + 1)),
        }));
        return {
          sums: shareOf({ roster, S, members: street.members, interval }, member, openings),
          openings,
        };
      });
  }

  it("add up to the sums, the squares, and openings of the sum of their commitments", () => {
    const street = streetOf(9);
    const { meter } = street;
    const { SUM, SQUARES, OPENINGS } = Statistic;
    const standing = street.standing({ statistics: [SUM, SQUARES, OPENINGS] });
    street.install(standing);
    meter.passUntil(DAY_S + 2 * HALF_HOUR_S + 60, POWER_W, HALF_HOUR_S);
    const first = street.dayBegin(1);
    for (const interval of [first, first + 1]) {
      const shares = allShares(street, standing, interval);
      expect(shares.length).toBe(9);
      for (const channel of [0, 1]) {
        const opened = shares.map(({ openings }) => openings[channel] as Opening);
        const total = opened.reduce((sum, { reading }) => sum + reading, 0);
        const squares = opened.reduce((sum, { reading }) => sum + reading * reading, 0);
        const sumAt = (at: number) => modulo64(shares.reduce((sum, { sums }) => sum + u64(sums, at), 0n));
        expect([sumAt(8 * channel), sumAt(16 + 8 * channel)]).toEqual([BigInt(total), BigInt(squares)]);
        const at = 32 + 64 * channel;
        const scalars = shares.map(({ sums }) => scalarFrom(sums.subarray(at, at + 32)));
        const opening = scalars.reduce((sum, scalar) => sum + scalar, 0n) % L;
        expect(opening).toBe(opened.reduce((sum, one) => sum + one.opening, 0n) % L);
        const points = shares.map(({ sums }) => ristretto255.Point.fromBytes(sums.slice(at + 32, at + 64)));
        const sum = points.reduce((a, b) => a.add(b)).toBytes();
        expect(bytesToHex(key.commit(total, opening))).toBe(bytesToHex(sum));
      }
    }
  });

  it("that are in a repair add up without the dark ones", () => {
    const street = streetOf(9);
    const { meter } = street;
    const standing = street.standing();
    street.install(standing);
    meter.passUntil(DAY_S + 2 * HALF_HOUR_S + 60, POWER_W, HALF_HOUR_S);
    const first = street.dayBegin(1);
    const repair = street.repair(standing, [0, 5, 8], [first, first + 1]);
    street.send(repair.document);
    const shares = allShares(street, repair, first + 1);
    expect(shares.length).toBe(6);
    const total = shares.reduce((sum, { openings }) => sum + (openings[0]?.reading ?? 0), 0);
    expect(modulo64(shares.reduce((sum, { sums }) => sum + u64(sums, 0), 0n))).toBe(BigInt(total));
    // Without one of them it is noise.
    expect(modulo64(shares.slice(1).reduce((sum, { sums }) => sum + u64(sums, 0), 0n))).toBeGreaterThan(
      2n ** 40n,
    );
  });

  it("count a flagged reading in the sum and its square in the squares: the flag is known, so a zero would be too", () => {
    const street = streetOf(6);
    const { meter } = street;
    const standing = street.standing({ statistics: [Statistic.SUM, Statistic.SQUARES] });
    street.install(standing);
    // 6 kWh in half an hour are more than the maximum of 5.
    meter.passUntil(DAY_S + HALF_HOUR_S + 60, [12_000, 90], HALF_HOUR_S);
    const first = street.dayBegin(1);
    expect(meter.readings.at(-1)).toMatchObject({ interval: first, status: 16, readings: [6000, 45] });
    const shares = allShares(street, standing, first);
    const others = shares
      .filter((_, at) => at !== street.own)
      .map(({ openings }) => openings[0]?.reading ?? 0);
    const sumAt = (at: number) => modulo64(shares.reduce((sum, { sums }) => sum + u64(sums, at), 0n));
    expect(sumAt(0)).toBe(BigInt(others.reduce((sum, reading) => sum + reading, 6000)));
    expect(sumAt(16)).toBe(BigInt(others.reduce((sum, reading) => sum + reading * reading, 6000 * 6000)));
  });

  it("hold the squares of 128 of the largest readings in 64 bits, each counted as 268 MWh", () => {
    const of = (reading: number) => valuesOf([Statistic.SUM, Statistic.SQUARES], [{ reading, opening: 0n }]);
    expect(of(2 ** 28 - 1)).toEqual([2n ** 28n - 1n, (2n ** 28n - 1n) ** 2n]);
    for (const reading of [2 ** 28, 2 ** 32 - 1])
      expect(of(reading)).toEqual([BigInt(reading), (2n ** 28n - 1n) ** 2n]);
    expect(128n * (of(2 ** 32 - 1)[1] as bigint)).toBeLessThan(2n ** 63n);
  });
});

describe("an old flash that is put back", () => {
  /** Shares until a time after midnight, then the flash of 01:05 of their first day again, and other readings. */
  function rolledBack(until_s: number, counter?: TestCounter) {
    quick.on = true;
    const street = streetOf(3, 3, undefined, { devices: counter ? { counter } : {} });
    const { meter } = street;
    street.install(street.standing());
    meter.passUntil(DAY_S + 2 * HALF_HOUR_S + 300, POWER_W, HALF_HOUR_S);
    const [flash, now_ms] = [meter.flash.snapshot(), meter.clock.now_ms];
    meter.passUntil(until_s, POWER_W, HALF_HOUR_S);
    const first = street.dayBegin(1) + 4;
    const lived = {
      share: meter.shares.find(({ interval }) => interval === first),
      openings: openingsOf(street, first),
    };
    const [messages, shares] = [meter.messages, meter.shares];
    meter.cutPower();
    meter.flash.restore(flash);
    // Whoever can do this can tell the meter an old time.
    meter.clock = new VirtualClock(now_ms);
    meter.messages = messages.filter(({ kind }) => kind === 5);
    meter.shares = [];
    meter.boot();
    meter.confirm();
    meter.passUntil(until_s, [3000, 90], HALF_HOUR_S);
    return { street, meter, first, lived, messages, shares };
  }

  it("gives two shares under the same masks: their difference is that of the readings", () => {
    const { street, meter, first, lived } = rolledBack(DAY_S + 6 * HALF_HOUR_S + 60);
    const relived = meter.shares.find(({ interval }) => interval === first);
    const [old, other] = [lived.share, relived].map((share) => sumsIn(share?.message ?? new Uint8Array(0)));
    const openings = openingsOf(street, first);
    expect(old).not.toEqual(other);
    for (const channel of [0, 1]) {
      const readings =
        BigInt(openings[channel]?.reading ?? 0) - BigInt(lived.openings[channel]?.reading ?? 0);
      const sums = u64(other as Uint8Array, 8 * channel) - u64(old as Uint8Array, 8 * channel);
      expect(modulo64(sums)).toBe(modulo64(readings));
    }
    expect(openings[0]?.reading).toBe(1500);
    expect(lived.openings[0]?.reading).toBe(400);
  });

  it("is seen by its batches: two of one number that are not the same", () => {
    const { meter, messages } = rolledBack(2 * DAY_S + 60);
    const batch = (among: typeof messages, number: number) =>
      hexes(
        among.filter(({ kind, sequence }) => kind === 3 && sequence === number).map(({ message }) => message),
      );
    const [old, other] = [messages, meter.messages].map((among) => batch(among, 1)) as [string[], string[]];
    expect([old.length, other.length]).toEqual([1, 1]);
    expect(old).not.toEqual(other);
    const lasts = [messages, meter.messages].map((among) =>
      Math.max(...among.filter(({ kind }) => kind === 3).map(({ sequence }) => sequence)),
    );
    expect(lasts).toEqual([1, 1]);
  });

  it("makes no share where a counter only rises, whatever the network says", () => {
    const counter = new TestCounter();
    const { meter, first } = rolledBack(2 * DAY_S + 60, counter);
    expect(counter.value).toBe(2);
    expect(meter.shares).toEqual([]);
    expect(meter.unit.display(meter.uptime_ms)).toContain("self-test 100 failed: not sealing");
    meter.receive(again(0));
    meter.receive(acknowledged(first, 1));
    meter.unit.networkRestarted();
    meter.run();
    expect([meter.shares, meter.refused]).toEqual([[], 1]);
  });

  it("is not seen by the counter before the day's batch: then only two shares of one interval tell", () => {
    const counter = new TestCounter();
    const { meter, first, lived } = rolledBack(DAY_S + 6 * HALF_HOUR_S + 60, counter);
    const relived = meter.shares.find(({ interval }) => interval === first);
    expect(relived?.rosterNumber).toBe(lived.share?.rosterNumber);
    expect(relived?.message).not.toEqual(lived.share?.message);
  });
});
