// What a unit remembers of rosters, rule by rule with nothing else around: what it accepts, what it forgets, and
// that no order of offers and times ever gives an interval two rosters of a kind.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { NorFlash } from "../../../host-sim/flash.js";
import { SeededRandom } from "../../../host-sim/seeded.js";
import { maskOf } from "../../../src/aggregation/roster.js";
import type { Configuration } from "../../../src/trusted/authority/configuration.js";
import { EventLog, EventType } from "../../../src/trusted/authority/events.js";
import {
  begun,
  checkRepair,
  checkStanding,
  decodeRosters,
  demand,
  encodeRosters,
  forget,
  inForce,
  isInWindow,
  type Moment,
  type Repair,
  type RosterMemory,
  repairOf,
  type Standing,
  WINDOW_S,
} from "../../../src/trusted/blinding/memory.js";
import {
  isFairRepair,
  leastMembers,
  type RepairTerms,
  type Roster,
} from "../../../src/trusted/blinding/roster.js";
import { FormatError } from "../../../src/trusted/encoding/bytes.js";
import { bstr } from "../../../src/trusted/encoding/cbor.js";
import { Journal, MessageKind } from "../../../src/trusted/journal/journal.js";
import { BODY_MAX } from "../../../src/trusted/journal/record.js";
import { DAY_SECONDS, U32_MAX } from "../../../src/trusted/metrology/interval.js";
import { digest } from "../../../src/trusted/sealing/keys.js";
import { BenchMeter, DAY_S, HALF_HOUR_S, MIDNIGHT_S } from "../../bench-meter.js";
import { numbersTo } from "../../bench-street.js";

const { configuration } = new BenchMeter({ provisioned: false, configuration: { minGroup: 10 } });
const DAY = DAY_S / HALF_HOUR_S;
/** First interval of a day after the bench's first midnight. */
const day = (count: number) => MIDNIGHT_S / HALF_HOUR_S + count * DAY;
const NONE: RosterMemory = { nextNumber: 0, standing: [], repairs: [] };
const S = (name: number) => digest(Uint8Array.of(name));
const ANCHOR = S(200);

/** A moment in which this interval is open, its clock off by this many seconds. */
const momentAt = (openInterval: number, off_s = 60, changes: Partial<Configuration> = {}): Moment => ({
  configuration: { ...configuration, ...changes },
  time_s: openInterval * HALF_HOUR_S + off_s,
  openInterval,
});

const rosterWith = (changes: Partial<Roster> = {}): Roster => ({
  groupId: "street-1",
  rosterNumber: 1,
  memberCount: 30,
  firstInterval: day(1),
  lastInterval: null,
  statistics: [1],
  intervalSeconds: HALF_HOUR_S,
  channels: configuration.channels,
  terms: { membersDigest: S(1) },
  ...changes,
});

const standingWith = (changes: Partial<Standing> = {}): Standing => ({
  S: S(1),
  anchor: ANCHOR,
  groupId: "street-1",
  rosterNumber: 1,
  memberCount: 30,
  firstInterval: day(1),
  lastInterval: U32_MAX,
  statistics: [1],
  channels: [0, 1],
  own: 4,
  place: 77,
  ...changes,
});

const repairWith = (firstInterval: number, lastInterval: number, name = 50): Repair => {
  return { S: S(name), rosterNumber: name, firstInterval, lastInterval, mask: maskOf(30, numbersTo(20)) };
};

const remembering = (standing: readonly Standing[], repairs: readonly Repair[] = []): RosterMemory => {
  const numbers = [...standing, ...repairs].map(({ rosterNumber }) => rosterNumber);
  return { nextNumber: Math.max(-1, ...numbers) + 1, standing, repairs };
};

describe("a condition that does not hold", () => {
  it("is a FormatError that names the rule", () => {
    demand(true, "whatever");
    expect(() => demand(false, "some rule")).toThrow(new FormatError("roster: some rule"));
  });
});

describe("a standing roster", () => {
  const judge = (changes: Partial<Roster>, memory = NONE, moment = momentAt(day(0))) =>
    checkStanding(rosterWith(changes), memory, moment);
  const QUIET = momentAt(day(0) - 1, HALF_HOUR_S - 60);

  it("is accepted with the unit's own numbers of its channels", () => {
    expect(judge({})).toEqual([0, 1]);
    expect(judge({ channels: ["1-0:2.8.0"] })).toEqual([1]);
    expect(judge({ channels: ["1-0:1.8.0"], statistics: [1, 2], memberCount: 20 })).toEqual([0]);
    expect(judge({ statistics: [1, 3] })).toEqual([0, 1]);
  });

  it("has a number that was not reached by any accepted before", () => {
    const memory = { ...NONE, nextNumber: 7 };
    expect(() => judge({ rosterNumber: 6 }, memory)).toThrow("number does not rise");
    judge({ rosterNumber: 7 }, memory);
    expect(() => judge({ rosterNumber: U32_MAX }, { ...NONE, nextNumber: 2 ** 32 })).toThrow("does not rise");
  });

  it("has the unit's interval length", () => {
    const changes = { intervalSeconds: 900, firstInterval: 2 * day(1) };
    expect(() => judge(changes)).toThrow("intervals of another length");
    judge(changes, NONE, { ...momentAt(2 * day(0), 0, { intervalSeconds: 900 }), time_s: MIDNIGHT_S });
  });

  it.each([
    ["a foreign one", ["1-0:1.8.0", "1-0:3.8.0"]],
    ["a foreign one first", ["1-0:3.8.0", "1-0:2.8.0"]],
    ["no own one", ["7-0:3.0.0"]],
    ["both in the other order", ["1-0:2.8.0", "1-0:1.8.0"]],
  ])("names the unit's channels in its order, not %s", (_, channels) => {
    expect(() => judge({ channels })).toThrow("channels are not this meter's in its order");
  });

  it("with openings has all of the unit's channels", () => {
    const changes = { channels: ["1-0:1.8.0"], statistics: [1, 3] };
    expect(() => judge(changes)).toThrow("openings of some channels only");
    judge(changes, NONE, momentAt(day(0), 0, { channels: ["1-0:1.8.0"] }));
  });

  it("has the least members, and twice as many with squares", () => {
    for (const minGroup of [3, 10, 64]) {
      const moment = momentAt(day(0), 60, { minGroup });
      for (const statistics of [[1], [1, 3]]) {
        judge({ memberCount: minGroup, statistics }, NONE, moment);
        expect(() => judge({ memberCount: minGroup - 1, statistics }, NONE, moment)).toThrow(
          "too few members",
        );
      }
      for (const statistics of [
        [1, 2],
        [1, 2, 3],
      ]) {
        judge({ memberCount: 2 * minGroup, statistics }, NONE, moment);
        const few = { memberCount: 2 * minGroup - 1, statistics };
        expect(() => judge(few, NONE, moment)).toThrow("too few members");
      }
    }
  });

  it("begins with a UTC day to come, by the clock and by the intervals", () => {
    const why = "begins with no UTC day to come";
    for (const firstInterval of [day(1) - 1, day(1) + 1, day(0), day(-1), 0])
      expect(() => judge({ firstInterval })).toThrow(why);
    for (const firstInterval of [day(1), day(2), day(400)]) judge({ firstInterval });
    // A second before it begins, and as it begins.
    judge({}, NONE, momentAt(day(1) - 1, HALF_HOUR_S - 1));
    expect(() => judge({}, NONE, momentAt(day(1) - 1, HALF_HOUR_S))).toThrow(why);
    // A clock that was set back does not make what was measured a day to come.
    expect(() => judge({}, NONE, momentAt(day(1), -DAY_S))).toThrow(why);
    expect(() => judge({}, NONE, momentAt(day(3), -5 * DAY_S))).toThrow(why);
    judge({ firstInterval: day(4) }, NONE, momentAt(day(3), -5 * DAY_S));
  });

  it("ends with a UTC day, a week on at least, or with its successor", () => {
    const why = "does not end with a UTC day after a week";
    judge({ lastInterval: null });
    judge({ lastInterval: day(8) - 1 });
    judge({ lastInterval: day(9) - 1 });
    for (const lastInterval of [day(8) - 2, day(8), day(7) - 1, day(1), day(9)])
      expect(() => judge({ lastInterval })).toThrow(why);
    judge({ firstInterval: day(1), lastInterval: day(400) - 1 });
  });

  it("begins a week after its predecessor at least, whatever their groups", () => {
    const why = "begins within a week of its predecessor";
    const now = momentAt(day(2));
    const memory = remembering([standingWith()]);
    for (const count of [3, 6, 7])
      expect(() => judge({ rosterNumber: 2, firstInterval: day(count) }, memory, now)).toThrow(why);
    const other = { rosterNumber: 2, groupId: "street-2", firstInterval: day(7) };
    expect(() => judge(other, memory, now)).toThrow(why);
    judge({ rosterNumber: 2, firstInterval: day(8) }, memory, now);
    // One that ends by itself after a week is no shorter for that.
    const ended = remembering([standingWith({ lastInterval: day(8) - 1 })]);
    judge({ rosterNumber: 2, firstInterval: day(8) }, ended, now);
  });

  it("takes the place of one that has not begun, whenever that was to be", () => {
    const memory = remembering([standingWith({ firstInterval: day(9) })]);
    for (const count of [1, 5, 9, 12]) judge({ rosterNumber: 2, firstInterval: day(count) }, memory);
    const both = remembering([standingWith(), standingWith({ rosterNumber: 2, firstInterval: day(12) })]);
    judge({ rosterNumber: 3, firstInterval: day(8) }, both, momentAt(day(2)));
    expect(() => judge({ rosterNumber: 3, firstInterval: day(7) }, both, momentAt(day(2)))).toThrow("a week");
    expect(begun(both, momentAt(day(2))).length).toBe(1);
    expect(begun(both, momentAt(day(12))).length).toBe(2);
    expect(begun(both, momentAt(day(12) - 1)).length).toBe(1);
    expect(begun(both, QUIET)).toEqual([]);
  });
});

describe("a repair", () => {
  const NOW = momentAt(day(5));
  const memory = remembering([standingWith()]);
  const range = { firstInterval: day(4), lastInterval: day(4) + 3 };
  const terms: RepairTerms = { standing: S(1), mask: maskOf(30, numbersTo(20)) };
  interface Case {
    readonly roster?: Partial<Roster>;
    readonly terms?: Partial<RepairTerms>;
    readonly anchor?: Uint8Array;
    readonly memory?: RosterMemory;
    readonly moment?: Moment;
  }
  const judge = (one: Case = {}) => {
    const changes = { rosterNumber: 2, memberCount: 20, ...range, ...one.roster };
    const all = { ...terms, ...one.terms };
    const roster = rosterWith({ terms: all, ...changes });
    checkRepair({ roster, ...all }, one.anchor ?? ANCHOR, one.memory ?? memory, one.moment ?? NOW);
  };
  const marking = (marked: readonly number[], count = 30) => ({
    roster: { memberCount: marked.length },
    terms: { mask: maskOf(count, marked) },
  });

  it("is accepted when every rule is kept", () => {
    judge();
    judge({ moment: momentAt(day(5), -DAY_S) });
  });

  it.each<[string, string, Case]>([
    ["whose number does not rise", "number does not rise", { roster: { rosterNumber: 1 } }],
    ["of other intervals", "another length", { roster: { intervalSeconds: 900 } }],
    ["of a foreign channel", "channels", { roster: { channels: ["1-0:1.8.0", "1-0:3.8.0"] } }],
    ["of other channels", "another kind", { roster: { channels: ["1-0:1.8.0"] } }],
    ["of other statistics", "another kind", { roster: { statistics: [1, 3] } }],
    ["of another group", "another kind", { roster: { groupId: "street-2" } }],
    ["of another roster", "not in force throughout", { terms: { standing: S(2) } }],
    ["that another key has signed", "another aggregator's", { anchor: S(3) }],
    ["without an end", "repairs what is not over", { roster: { lastInterval: null } }],
    ["of nothing that is remembered", "not in force throughout", { memory: NONE }],
  ])("%s is refused", (_, why, one) => {
    expect(() => judge(one)).toThrow(why);
  });

  it("is of intervals that are over: the open one is not", () => {
    judge({ roster: { lastInterval: day(5) - 1 } });
    expect(() => judge({ roster: { lastInterval: day(5) } })).toThrow("repairs what is not over");
    expect(() => judge({ moment: momentAt(day(4) + 3, 3 * DAY_S) })).toThrow("repairs what is not over");
    judge({ moment: momentAt(day(4) + 4) });
  });

  it("reaches back eight days and no second more, by whichever is later, clock or intervals", () => {
    const end_s = (day(4) + 1) * HALF_HOUR_S + WINDOW_S;
    expect(WINDOW_S).toBe(8 * DAY_SECONDS);
    const at = (time_s: number, openInterval: number) => ({ moment: { ...NOW, time_s, openInterval } });
    judge(at(end_s - 1, day(5)));
    judge(at(end_s - 1, day(12)));
    expect(() => judge(at(end_s, day(5)))).toThrow("repairs what is too long ago");
    expect(() => judge(at(end_s - DAY_S, day(12) + 1))).toThrow("repairs what is too long ago");
    expect(isInWindow(day(4), end_s - 1, HALF_HOUR_S)).toBe(true);
    expect(isInWindow(day(4), end_s, HALF_HOUR_S)).toBe(false);
    // Partly outside is refused whole.
    const wide = { roster: { firstInterval: day(3), lastInterval: day(5) - 1 } };
    expect(() => judge({ ...wide, ...at(end_s - 1, day(12)) })).toThrow("too long ago");
  });

  it("is of a roster in force in all of its intervals", () => {
    const why = "not in force throughout";
    expect(() => judge({ roster: { firstInterval: day(1) - 1 } })).toThrow(why);
    judge({ roster: { firstInterval: day(1) } });
    const followed = remembering([
      standingWith({ firstInterval: day(-4) }),
      standingWith({ S: S(2), rosterNumber: 2, firstInterval: day(4) }),
    ]);
    const of = (firstInterval: number, lastInterval: number, standing: Uint8Array) =>
      judge({
        memory: followed,
        terms: { standing },
        roster: { rosterNumber: 3, firstInterval, lastInterval },
      });
    of(day(3), day(4) - 1, S(1));
    of(day(4), day(4), S(2));
    expect(() => of(day(3), day(4), S(1))).toThrow(why);
    expect(() => of(day(4) - 1, day(4), S(2))).toThrow(why);
    expect(() => of(day(4), day(4), S(1))).toThrow(why);
    const ended = remembering([standingWith({ firstInterval: day(-4), lastInterval: day(4) - 1 })]);
    judge({ memory: ended, roster: { firstInterval: day(3), lastInterval: day(4) - 1 } });
    expect(() => judge({ memory: ended, roster: { firstInterval: day(3), lastInterval: day(4) } })).toThrow(
      why,
    );
  });

  it("marks as many members as it says, in as many bytes as they take, this meter among them", () => {
    const why = "bits are not those of its members";
    const mask = maskOf(30, numbersTo(20));
    expect(() => judge({ roster: { memberCount: 21 } })).toThrow(why);
    expect(() => judge({ roster: { memberCount: 19 } })).toThrow(why);
    for (const other of [mask.subarray(1), Uint8Array.of(...mask, 0), mask.subarray(0, 3)])
      expect(() => judge({ terms: { mask: other } })).toThrow(why);
    const beyond = maskOf(32, [...numbersTo(19), 30]);
    expect(() => judge({ terms: { mask: beyond } })).toThrow(why);
    expect(() => judge({ terms: { mask: maskOf(32, [...numbersTo(19), 31]) } })).toThrow(why);
    judge(
      marking(
        numbersTo(20)
          .map((at) => 10 + at)
          .concat(4)
          .sort()
          .slice(1),
      ),
    );
    const others = numbersTo(30).filter((member) => member !== 4);
    expect(() => judge(marking(others.slice(0, 20)))).toThrow("repairs without this meter");
  });

  it("leaves the least in it and out of it, and two thirds of all in it", () => {
    const why = "too few in it or out of it";
    judge(marking(numbersTo(20)));
    expect(() => judge(marking(numbersTo(21)))).toThrow(why);
    expect(() => judge(marking(numbersTo(19)))).toThrow(why);
    const of = (memberCount: number, marked: number, statistics = [1], minGroup = 10) => {
      const large = remembering([standingWith({ memberCount, statistics })]);
      const one = marking(numbersTo(marked), memberCount);
      judge({
        ...one,
        roster: { ...one.roster, statistics },
        memory: large,
        moment: momentAt(day(5), 60, { minGroup }),
      });
    };
    of(120, 80);
    of(120, 110);
    expect(() => of(120, 79)).toThrow(why);
    expect(() => of(120, 111)).toThrow(why);
    expect(() => of(29, 20)).toThrow(why);
    of(60, 40, [1, 2]);
    expect(() => of(60, 41, [1, 2])).toThrow(why);
    expect(() => of(59, 40, [1, 2])).toThrow(why);
    of(60, 50, [1, 3]);
    of(9, 6, [1], 3);
    expect(() => of(8, 6, [1], 3)).toThrow(why);
  });

  it("is of intervals that no other has repaired", () => {
    const why = "repairs an interval again";
    const taken = (first: number, last: number) =>
      judge({
        memory: remembering([standingWith()], [repairWith(day(4) + first, day(4) + last, 2)]),
        roster: { rosterNumber: 3 },
      });
    // It is of intervals 0 to 3 of the day.
    for (const [first, last] of [
      [0, 3],
      [3, 9],
      [-4, 0],
      [1, 2],
      [-5, 9],
    ] as const)
      expect(() => taken(first, last)).toThrow(why);
    taken(4, 9);
    taken(-9, -1);
  });

  it("is one of eight in the window at most", () => {
    const repairs = numbersTo(8).map((at) => repairWith(day(3) + at, day(3) + at, 2 + at));
    judge({ memory: remembering([standingWith()], repairs.slice(1)), roster: { rosterNumber: 10 } });
    const full = { memory: remembering([standingWith()], repairs), roster: { rosterNumber: 10 } };
    expect(() => judge(full)).toThrow("enough repairs for these days");
  });
});

describe("what is in force", () => {
  const memory = remembering(
    [
      standingWith({ S: S(1), firstInterval: day(1), lastInterval: day(8) - 1 }),
      standingWith({ S: S(2), rosterNumber: 2, firstInterval: day(10) }),
      standingWith({ S: S(3), rosterNumber: 3, firstInterval: day(17) }),
    ],
    [repairWith(day(2), day(2) + 3)],
  );
  const nameAt = (interval: number) => inForce(memory, interval, interval)?.rosterNumber ?? null;

  it("is one roster at most, from its first interval to its own last or its successor's first", () => {
    const numbers = [0, 1, 7, 8, 9, 10, 16, 17, 99].map((count) => nameAt(day(count)));
    expect(numbers).toEqual([null, 1, 1, null, null, 2, 2, 3, 3]);
    expect([day(8) - 1, day(17) - 1].map(nameAt)).toEqual([1, 2]);
    expect(inForce(memory, day(16), day(17))).toBeUndefined();
    expect(nameAt(U32_MAX - 1)).toBe(3);
  });

  it("is one repair at most", () => {
    const numbers = [-1, 0, 3, 4].map((at) => repairOf(memory, day(2) + at)?.rosterNumber);
    expect(numbers).toEqual([undefined, 50, 50, undefined]);
  });
});

describe("what is forgotten", () => {
  it("is what ended eight days ago, to the interval, with its number", () => {
    const ended = standingWith({ lastInterval: day(8) - 1 });
    const memory = remembering([ended], [repairWith(day(4), day(4))]);
    const left = (openInterval: number, off_s = 0) => {
      const { standing, repairs, nextNumber } = forget(memory, momentAt(openInterval, off_s));
      expect(nextNumber).toBe(51);
      return [standing.length, repairs.length];
    };
    expect(left(day(12))).toEqual([1, 1]);
    expect(left(day(12) + 1)).toEqual([1, 0]);
    expect(left(day(16) - 1)).toEqual([1, 0]);
    expect(left(day(16))).toEqual([0, 0]);
    // The clock is not asked: intervals only rise.
    expect(left(day(12), 400 * DAY_S)).toEqual([1, 1]);
    expect(left(day(16), -400 * DAY_S)).toEqual([0, 0]);
  });

  it("is no roster that is in force or to come, however long ago it began", () => {
    const memory = remembering([standingWith(), standingWith({ S: S(2), firstInterval: day(2000) })]);
    expect(forget(memory, momentAt(day(1999))).standing.length).toBe(2);
    expect(forget(memory, momentAt(day(2008) - 1)).standing.length).toBe(2);
    expect(forget(memory, momentAt(day(2008))).standing.length).toBe(1);
  });

  it("cannot be asked for again when the clock is set back: the interval that is open never falls", () => {
    const memory = remembering([standingWith()], [repairWith(day(4), day(4), 2)]);
    const back = momentAt(day(13), -9 * DAY_S);
    const later = forget(memory, back);
    expect(later.repairs).toEqual([]);
    const terms = { standing: S(1), mask: maskOf(30, numbersTo(20)) };
    const roster = rosterWith({
      rosterNumber: 3,
      memberCount: 20,
      terms,
      firstInterval: day(4),
      lastInterval: day(4),
    });
    expect(() => checkRepair({ roster, ...terms }, ANCHOR, later, back)).toThrow(
      "repairs what is too long ago",
    );
    const again = rosterWith({ rosterNumber: 4, firstInterval: day(12) });
    expect(() => checkStanding(again, later, back)).toThrow("begins with no UTC day to come");
  });
});

/** A memory after an offer, as `Rosters` makes it; or what it was when a rule is broken. */
function offered(memory: RosterMemory, roster: Roster, name: Uint8Array, moment: Moment): RosterMemory {
  const kept = forget(memory, moment);
  const { terms, rosterNumber, firstInterval, lastInterval, memberCount, groupId, statistics } = roster;
  const accepted = { ...kept, nextNumber: rosterNumber + 1 };
  try {
    if ("mask" in terms) {
      checkRepair({ roster, ...terms }, ANCHOR, kept, moment);
      const repair = {
        S: name,
        rosterNumber,
        firstInterval,
        lastInterval: lastInterval as number,
        mask: terms.mask,
      };
      return { ...accepted, repairs: [...kept.repairs, repair] };
    }
    const channels = checkStanding(roster, kept, moment);
    const names = { groupId, rosterNumber, memberCount, firstInterval, statistics, channels };
    const last = lastInterval ?? U32_MAX;
    const standing = { S: name, anchor: ANCHOR, ...names, lastInterval: last, own: 4, place: 77 };
    return { ...accepted, standing: [...begun(kept, moment), standing] };
  } catch (error) {
    expect(error).toBeInstanceOf(FormatError);
    return memory;
  }
}

interface Step {
  readonly passes: number;
  readonly off_s: number;
  readonly isRepair: boolean;
  readonly in_days: number;
  readonly days: number | null;
  readonly back: number;
  readonly length: number;
}

const step: fc.Arbitrary<Step> = fc.record({
  passes: fc.oneof(
    fc.nat(3 * DAY),
    fc.nat(3),
    fc.nat(12).map((days) => days * DAY),
  ),
  off_s: fc.oneof(fc.constant(60), fc.integer({ min: -20 * DAY_S, max: HALF_HOUR_S - 1 })),
  isRepair: fc.boolean(),
  in_days: fc.oneof(fc.constant(1), fc.integer({ min: -1, max: 9 })),
  days: fc.option(fc.integer({ min: 6, max: 15 })),
  back: fc.nat(9 * DAY),
  length: fc.nat(30),
});

/** What a step offers: a repair of what is in force then, or a standing roster. */
function offerOf(
  { isRepair, in_days, days, back, length }: Step,
  memory: RosterMemory,
  open: number,
  number: number,
) {
  if (!isRepair) {
    const firstInterval = day(Math.floor((open - day(0)) / DAY) + in_days);
    const lastInterval = days === null ? null : firstInterval + days * DAY - 1;
    return rosterWith({ rosterNumber: number, firstInterval, lastInterval });
  }
  const firstInterval = open - back;
  const standing = inForce(memory, firstInterval, firstInterval)?.S ?? S(1);
  const terms = { standing, mask: maskOf(30, numbersTo(20)) };
  return rosterWith({
    rosterNumber: number,
    memberCount: 20,
    firstInterval,
    lastInterval: firstInterval + length,
    terms,
  });
}

const hex = (bytes: Uint8Array | undefined) => (bytes ? Buffer.from(bytes).toString("hex") : "none");

describe("whatever is offered, and whenever", () => {
  it("an interval has one standing roster and one repair at most, and what was decided of it stays", () => {
    let [standings, repairs] = [0, 0];
    fc.assert(
      fc.property(fc.array(step, { minLength: 10, maxLength: 40 }), (steps) => {
        let memory = NONE;
        let open = day(0);
        const decided = new Map<number, string>();
        const repaired = new Map<number, string>();
        for (const [at, each] of steps.entries()) {
          const before = open;
          open += each.passes;
          const moment = momentAt(open, each.off_s);
          // What has closed since is decided by what is remembered now.
          for (let i = Math.max(before, open - 9 * DAY); i < open; i++)
            decided.set(i, hex(inForce(memory, i, i)?.S));
          const after = offered(memory, offerOf(each, memory, open, at), digest(Uint8Array.of(at)), moment);
          if (after !== memory) standings += after.standing === memory.standing ? 0 : 1;
          repairs += after.repairs.length > memory.repairs.length ? 1 : 0;
          memory = after;
          expect(memory.standing.length).toBeLessThanOrEqual(4);
          expect(memory.repairs.length).toBeLessThanOrEqual(8);
          expect(decodeRosters(encodeRosters(memory))).toEqual(memory);
          const firsts = memory.standing.map(({ firstInterval }) => firstInterval);
          expect(firsts).toEqual([...new Set(firsts)].sort((a, b) => a - b));
          for (let i = open - 10 * DAY; i < open; i++) {
            const now = hex(inForce(memory, i, i)?.S);
            const isDue = isInWindow(i, open * HALF_HOUR_S, HALF_HOUR_S);
            if (decided.has(i) && now !== decided.get(i) && (isDue || now !== "none"))
              expect(`${i}: ${now}`).toBe(`${i}: ${decided.get(i)}`);
            const uses = memory.repairs.filter((one) => one.firstInterval <= i && i <= one.lastInterval);
            if (uses.length > 1) expect(uses).toEqual([]);
            const repair = hex(uses[0]?.S);
            const known = repaired.get(i) ?? repair;
            if (repair !== known && (known === "none" ? false : isDue || repair !== "none"))
              expect(`${i}: ${repair}`).toBe(`${i}: ${known}`);
            if (repair !== "none") repaired.set(i, repair);
          }
        }
      }),
      { numRuns: 60 },
    );
    // It is no property of what was never accepted.
    expect(standings).toBeGreaterThan(100);
    expect(repairs).toBeGreaterThan(20);
  });

  it("four standing rosters are all that a unit ever needs: two of the window, the one in force and one to come", () => {
    let memory = NONE;
    const offer = (at: number, begins: number, number: number) => {
      memory = offered(
        memory,
        rosterWith({ rosterNumber: number, firstInterval: day(begins) }),
        S(number),
        momentAt(day(at)),
      );
      return memory.standing.map(({ rosterNumber }) => rosterNumber);
    };
    expect(offer(0, 1, 1)).toEqual([1]);
    expect(offer(1, 8, 2)).toEqual([1, 2]);
    expect(offer(8, 15, 3)).toEqual([1, 2, 3]);
    expect(offer(15, 22, 4)).toEqual([1, 2, 3, 4]);
    expect(offer(15, 23, 5)).toEqual([1, 2, 3, 5]);
    expect(offer(16, 23, 6)).toEqual([2, 3, 6]);
    expect(inForce(memory, day(8), day(15) - 1)?.rosterNumber).toBe(2);
  });

  it("no two sums of a group's repairs differ by less than the least group", () => {
    for (let standing = 30; standing <= 128; standing++) {
      for (let members = 1; members < standing; members++) {
        if (!isFairRepair(members, standing, leastMembers(10, [1]))) continue;
        // Two repairs of an interval would share members, who answer one of them only.
        expect(2 * members - standing).toBeGreaterThan(0);
        expect(standing - members).toBeGreaterThanOrEqual(10);
      }
    }
  });
});

describe("the stored memory", () => {
  const widest = (at: number): Standing => ({
    S: S(at),
    anchor: ANCHOR,
    groupId: "g".repeat(32),
    rosterNumber: U32_MAX - at,
    memberCount: 128,
    firstInterval: U32_MAX,
    lastInterval: U32_MAX,
    statistics: [1, 2, 3],
    channels: numbersTo(8),
    own: 127,
    // A log has fewer than 2^27 sectors in its life (state.ts: five bytes).
    place: 2 ** 40 - 1,
  });
  const repair = (at: number): Repair => ({
    S: S(at),
    rosterNumber: U32_MAX,
    firstInterval: U32_MAX,
    lastInterval: U32_MAX,
    mask: maskOf(128, numbersTo(128)),
  });
  const largest: RosterMemory = {
    nextNumber: 2 ** 32,
    standing: numbersTo(4).map(widest),
    repairs: numbersTo(8).map(repair),
  };

  it("comes out as it went in, empty and at its largest", () => {
    for (const memory of [NONE, largest]) expect(decodeRosters(encodeRosters(memory))).toEqual(memory);
  });

  it("at its largest is one record with its event, of the longest name and the latest time", () => {
    expect(encodeRosters(largest).length).toBe(1124);
    const journal = new Journal(new NorFlash({ sectors: 16, mode: "plain", random: new SeededRandom(1) }));
    journal.format(8);
    journal.state.nextEvent = U32_MAX - 1;
    const events = new EventLog(journal, "M".repeat(32));
    events.now_s = U32_MAX;
    const bytes = encodeRosters(largest);
    const append = journal.log.append.bind(journal.log);
    let body = 0;
    journal.log.append = (record) => {
      body = record.body.length;
      return append(record);
    };
    events.commit([[EventType.ROSTER, bstr(S(1))]], [{ kind: MessageKind.ROSTERS, number: 0, bytes }]);
    expect(body).toBe(1279);
    expect(body).toBeLessThanOrEqual(BODY_MAX);
    expect(journal.rosters()).toEqual(bytes);
  });

  it("of more than four rosters or eight repairs is none that this program wrote", () => {
    const five = { ...largest, standing: numbersTo(5).map(widest) };
    const nine = { ...largest, repairs: numbersTo(9).map(repair) };
    const whole = encodeRosters(largest);
    for (const bytes of [
      encodeRosters(five),
      encodeRosters(nine),
      Uint8Array.of(...whole, 0),
      whole.subarray(1),
    ])
      expect(() => decodeRosters(bytes)).toThrow(FormatError);
  });
});
