import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ModelStreet } from "../../host-sim/model-street.js";
import { Collector, type Outcome, windowAt } from "../../src/aggregation/collector.js";
import { decodeShare, type Share } from "../../src/aggregation/share.js";
import { sumUp } from "../../src/aggregation/sums.js";
import { WINDOW_S } from "../../src/trusted/blinding/memory.js";
import { encodeShare } from "../../src/trusted/blinding/share.js";
import { DAY_SECONDS } from "../../src/trusted/metrology/interval.js";
import { isRefused } from "../mutants.js";

const street = new ModelStreet({ meters: 10, statistics: [1, 2] });
const kept = street.stand();
const first = street.firstOf(0);
const span = { from_s: street.firstDay * DAY_SECONDS, to_s: (street.firstDay + 9) * DAY_SECONDS };
const newCollector = () => new Collector(street.rosters, span);

interface Sent {
  readonly sender: string;
  readonly message: Uint8Array;
}
const sent = [first, first + 1].flatMap((interval) =>
  street.meters.map(({ meterId }, at) => ({ sender: meterId, message: street.shareOf(kept, at, interval) })),
);
const take = (collector: Collector, messages: readonly Sent[]) =>
  messages.map(({ message, sender }) => collector.add(message, sender));
const sumsOf = (collector: Collector) =>
  collector.talliesOf(kept).map((tally) => (tally.isComplete ? sumUp(tally) : null));
const expected = [first, first + 1].map((interval) => {
  const readings = street.meters.map((_, at) => street.openingsOf(at, interval)[0]?.reading ?? 0);
  return readings.reduce((sum, reading) => sum + reading, 0);
});
const altered = ({ message, sender }: Sent, changes: Partial<Share>): Sent => {
  const { sums, ...names } = { ...decodeShare(message), ...changes };
  return { sender, message: encodeShare(names, sums) };
};
const other = (one: Sent) => altered(one, { sums: decodeShare(one.message).sums.map((byte) => byte ^ 1) });

describe("shares that come", () => {
  it("give the same sums in any order, copies of them ignored", () => {
    const whole = newCollector();
    take(whole, sent);
    expect(sumsOf(whole).map((sums) => sums?.[0]?.sum_Wh)).toEqual(expected);
    const order = fc.shuffledSubarray([...sent, ...sent], { minLength: 2 * sent.length });
    fc.assert(
      fc.property(order, (messages) => {
        const collector = newCollector();
        const outcomes = take(collector, messages);
        expect(outcomes.filter((outcome) => outcome === "kept")).toHaveLength(sent.length);
        expect(outcomes.filter((outcome) => outcome === "duplicate")).toHaveLength(sent.length);
        expect(sumsOf(collector)).toEqual(sumsOf(whole));
      }),
      { numRuns: 30 },
    );
  });

  it("of some members give no sum, and the others are known", () => {
    fc.assert(
      fc.property(fc.subarray(sent), (messages) => {
        const collector = newCollector();
        take(collector, messages);
        for (const interval of [first, first + 1]) {
          const here = messages.filter(({ message }) => decodeShare(message).interval === interval);
          const tally = collector.tally(kept, interval);
          expect(tally?.isComplete ?? false).toBe(here.length === 10);
          const held = street.meters.filter((_, at) => tally?.isHeld(at)).map(({ meterId }) => meterId);
          expect(held).toEqual(here.map(({ sender }) => sender).sort());
          if (tally && here.length < 10) expect(() => sumUp(tally)).toThrow("shares are missing");
        }
      }),
      { numRuns: 30 },
    );
  });

  it("are replayed from their sequence to the same state", () => {
    const [a, b] = [newCollector(), newCollector()];
    const messages = [...sent.slice(0, 15), other(sent[3] as Sent), sent[3] as Sent];
    for (const collector of [a, b]) {
      for (const one of messages) isRefused(() => take(collector, [one]));
    }
    expect(b.equivocations).toEqual(a.equivocations);
    expect(sumsOf(b)).toEqual(sumsOf(a));
  });
});

describe("two different shares of a meter for one interval", () => {
  const [one] = sent as [Sent];
  const rest = sent.slice(1, 10);
  const two = other(one);

  it("both count for nothing, whichever comes first, and are reported", () => {
    for (const [early, late] of [
      [one, two],
      [two, one],
    ] as const) {
      const collector = newCollector();
      take(collector, [...rest, early]);
      expect(collector.tally(kept, first)?.isComplete).toBe(true);
      expect(() => take(collector, [late])).toThrow("SM-00001 has sent two different shares");
      expect(collector.tally(kept, first)?.isComplete).toBe(false);
      expect(collector.tally(kept, first)?.isHeld(0)).toBe(false);
      expect(() => take(collector, [one])).toThrow("two different shares");
      expect(collector.tally(kept, first)?.held).toBe(9);
      expect(collector.equivocations).toEqual([{ meterId: "SM-00001", rosterNumber: 1, interval: first }]);
    }
  });

  it("are also those that differ in their status alone", () => {
    const collector = newCollector();
    take(collector, [one]);
    expect(() => take(collector, [altered(one, { status: 1 })])).toThrow("two different shares");
  });
});

describe("a share is refused", () => {
  const [one] = sent as [Sent];
  it.each<[string, Sent, string]>([
    ["from another meter's channel", { ...one, sender: "SM-00002" }, "sent by SM-00002"],
    ["of an unknown roster", altered(one, { rosterNumber: 9 }), "roster 9 is unknown"],
    ["of another group", altered(one, { groupId: "street-2" }), "roster 1 is not of street-2"],
    ["of a stranger", { ...altered(one, { meterId: "SM-9" }), sender: "SM-9" }, "no member of roster 1"],
    ["before the roster", altered(one, { interval: first - 1 }), "not an interval of roster 1"],
    ["of another length", altered(one, { sums: new Uint8Array(15) }), "15 bytes of sums instead of 16"],
    ["that is malformed", { ...one, message: one.message.subarray(1) }, "not a definite array"],
  ])("%s, and leaves no trace", (_, message, reason) => {
    const collector = newCollector();
    expect(() => take(collector, [message])).toThrow(reason);
    expect(collector.tallies).toEqual([]);
    expect(collector.room).toBe(2 ** 20);
  });

  it("without harm when its meter has been moved to another roster meanwhile", () => {
    const moved = new ModelStreet({ meters: 10, statistics: [1] });
    const before = moved.stand({ lastDay: moved.firstDay + 8 });
    moved.stand({ firstDay: moved.firstDay + 7, groupId: "street-2" });
    const collector = new Collector(moved.rosters, span);
    const outcome = (day: number): Outcome => {
      return collector.add(moved.shareOf(before, 0, moved.firstOf(day)), "SM-00001");
    };
    expect(outcome(6)).toBe("kept");
    expect(outcome(7)).toBe("ended");
    expect(() => outcome(9)).toThrow("not an interval of roster 1");
    expect(collector.tallies).toHaveLength(1);
  });
});

describe("the room for shares", () => {
  it("is bounded, and a full collector forgets nothing by itself", () => {
    const collector = new Collector(street.rosters, span, 25);
    take(collector, sent);
    expect(collector.room).toBe(5);
    const third = street.shareOf(kept, 0, first + 2);
    expect(() => collector.add(third, "SM-00001")).toThrow("full");
    expect(collector.talliesOf(kept)).toHaveLength(2);
  });

  it("comes back as time moves on", () => {
    const collector = new Collector(street.rosters, span, 20);
    take(collector, sent);
    collector.move({ ...span, from_s: span.from_s + 1800 });
    expect(collector.room).toBe(10);
    expect(collector.talliesOf(kept).map(({ interval }) => interval)).toEqual([first + 1]);
    expect(take(collector, [sent[0] as Sent])).toEqual(["outside"]);
    expect(collector.room).toBe(10);
    collector.move({ from_s: span.to_s, to_s: span.to_s });
    expect([collector.room, collector.tallies]).toEqual([20, []]);
  });

  it("is for intervals that have ended, up to the last that units make shares of", () => {
    const begins_s = first * 1800;
    const isIn = (now_s: number) =>
      take(new Collector(street.rosters, windowAt(now_s, 1800)), sent.slice(0, 1))[0] === "kept";
    expect([begins_s + 1799, begins_s + 1800].map(isIn)).toEqual([false, true]);
    const last_s = begins_s + 1800 + WINDOW_S;
    expect([last_s, last_s + 1].map(isIn)).toEqual([true, false]);
  });

  it("spans 400 days at most", () => {
    expect(() => new Collector(street.rosters, { from_s: 0, to_s: 401 * DAY_SECONDS })).toThrow("400 days");
  });
});
