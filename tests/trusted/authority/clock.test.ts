import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Clock, type TimeOffer } from "../../../src/trusted/authority/clock.js";

const HOUR_MS = 3_600_000;
const DAY_S = 86_400;
const NOON_S = 1_309_521_600;

const offerOf = (changes: Partial<TimeOffer> = {}): TimeOffer => ({
  unix_s: NOON_S,
  arrival_ms: 5_000,
  byAuthority: false,
  openInterval: NOON_S / 1800,
  lastTime_s: NOON_S,
  intervalSeconds: 1800,
  ...changes,
});

/** Entropy whose every fill differs from the one before. */
function counting() {
  let next = 1;
  return { fill: (into: Uint8Array) => into.fill(next++) };
}

/** A clock that was set to NOON_S at an uptime of 5 s. */
function confirmedClock(): Clock {
  const clock = new Clock();
  expect(clock.follow(offerOf())).toBe("set");
  return clock;
}

describe("the clock after power-up", () => {
  it("is unconfirmed and knows no time until it is set", () => {
    const clock = new Clock();
    expect([clock.confirmed, clock.time_s(1e6)]).toEqual([false, null]);
    expect(clock.follow(offerOf())).toBe("set");
    expect(clock.confirmed).toBe(true);
  });

  it("counts from the arrival of the answer, in whole seconds", () => {
    const clock = confirmedClock();
    expect(clock.time_s(5_000)).toBe(NOON_S);
    expect(clock.time_s(5_999)).toBe(NOON_S);
    expect(clock.time_s(6_000)).toBe(NOON_S + 1);
    expect(clock.time_s(5_000 + 3 * HOUR_MS)).toBe(NOON_S + 3 * 3600);
  });
});

describe("a clock that ran on without power", () => {
  const known_s = NOON_S - 100;
  /** What time a clock has at an uptime of 5 s, that was told this at an uptime of 3 s. */
  const told = (unix_s: number) => {
    const clock = new Clock();
    return [clock.confirm(unix_s, known_s, 3_000), clock.time_s(5_000)];
  };

  it("confirms the time from the last known moment on, to 45 days after it", () => {
    expect(told(known_s)).toEqual([true, known_s + 2]);
    expect(told(NOON_S)).toEqual([true, NOON_S + 2]);
    expect(told(known_s + 45 * DAY_S)).toEqual([true, known_s + 45 * DAY_S + 2]);
    for (const unix_s of [0, known_s - 1, known_s + 45 * DAY_S + 1, 0xffffffff]) {
      expect(told(unix_s)).toEqual([false, null]);
    }
  });

  it("is corrected by the first answer, as a synchronisation if it is near", () => {
    const clock = new Clock();
    clock.confirm(NOON_S, known_s, 0);
    expect(clock.follow(offerOf({ unix_s: NOON_S + 14, arrival_ms: 5_000 }))).toBe("synchronised");
    const far = new Clock();
    far.confirm(NOON_S, known_s, 0);
    expect(far.follow(offerOf({ unix_s: NOON_S + 15, arrival_ms: 5_000 }))).toBe("set");
  });
});

describe("a clock that nobody sets", () => {
  it("is overdue after an hour, and says so once", () => {
    const clock = new Clock();
    expect(clock.isOverdue(0)).toBe(false);
    expect(clock.isOverdue(HOUR_MS - 1)).toBe(false);
    expect(clock.isOverdue(HOUR_MS)).toBe(true);
    expect(clock.isOverdue(2 * HOUR_MS)).toBe(false);
  });

  it("is not overdue once it is confirmed", () => {
    expect(confirmedClock().isOverdue(2 * HOUR_MS)).toBe(false);
  });
});

describe("asking for the time", () => {
  it("happens at once, then every minute while unconfirmed and every six hours when confirmed", () => {
    const clock = new Clock();
    const entropy = counting();
    expect(clock.ask(0, entropy)).toEqual(new Uint8Array(16).fill(1));
    expect(clock.ask(59_999, entropy)).toBeNull();
    expect(clock.ask(60_000, entropy)).toEqual(new Uint8Array(16).fill(2));
    clock.follow(offerOf());
    expect(clock.ask(60_000 + 6 * HOUR_MS - 1, entropy)).toBeNull();
    expect(clock.ask(60_000 + 6 * HOUR_MS, entropy)).toEqual(new Uint8Array(16).fill(3));
  });

  it("is answered once, by the newest nonce, within 30 s", () => {
    const clock = new Clock();
    const entropy = counting();
    expect(clock.takeAnswer(new Uint8Array(16), 0)).toBe(false);
    const first = clock.ask(0, entropy)?.slice() ?? new Uint8Array(0);
    const second = clock.ask(60_000, entropy)?.slice() ?? new Uint8Array(0);
    expect(clock.takeAnswer(first, 60_001)).toBe(false);
    expect(clock.takeAnswer(second, 90_001)).toBe(false);
    expect(clock.takeAnswer(second, 90_000)).toBe(true);
    expect(clock.takeAnswer(second, 90_000)).toBe(false);
  });
});

describe("an offered time", () => {
  it("is refused when it is more than 45 days ahead of the last known time, but not from the authority", () => {
    const far = offerOf({ unix_s: NOON_S + 45 * DAY_S + 1 });
    expect(new Clock().follow(far)).toBe("refused");
    expect(new Clock().follow({ ...far, byAuthority: true })).toBe("set");
    expect(new Clock().follow({ ...far, unix_s: NOON_S + 45 * DAY_S })).toBe("set");
  });

  it("is refused when it is more than one interval behind the open one, but not from the authority", () => {
    const back = offerOf({ unix_s: NOON_S - 1801 });
    expect(new Clock().follow(back)).toBe("refused");
    expect(new Clock().follow({ ...back, byAuthority: true })).toBe("set");
    expect(new Clock().follow({ ...back, unix_s: NOON_S - 1800 })).toBe("set");
  });

  it("leaves the clock as it was when it is refused", () => {
    const clock = confirmedClock();
    expect(clock.follow(offerOf({ unix_s: NOON_S + 50 * DAY_S }))).toBe("refused");
    expect(clock.time_s(5_000)).toBe(NOON_S);
    const unset = new Clock();
    unset.follow(offerOf({ unix_s: NOON_S + 50 * DAY_S }));
    expect(unset.confirmed).toBe(false);
  });

  it("within a second changes nothing", () => {
    const clock = confirmedClock();
    for (const difference_s of [-1, 0, 1]) {
      const later = offerOf({ unix_s: NOON_S + 7200 + difference_s, arrival_ms: 5_000 + 2 * HOUR_MS });
      expect(clock.follow(later)).toBe("unchanged");
      expect(clock.time_s(5_000)).toBe(NOON_S);
    }
  });

  it("within nine seconds synchronises, at most once an hour; more often it is a set", () => {
    const clock = confirmedClock();
    const later = (ms: number, difference_s: number) =>
      clock.follow(offerOf({ unix_s: NOON_S + ms / 1000 + difference_s, arrival_ms: 5_000 + ms }));
    expect(later(HOUR_MS - 1000, 5)).toBe("set");
    expect(clock.time_s(5_000 + HOUR_MS)).toBe(NOON_S + 3600 + 5);
    expect(later(2 * HOUR_MS - 1000, 14)).toBe("synchronised");
    expect(later(3 * HOUR_MS - 1000, 5)).toBe("synchronised");
    expect(later(3 * HOUR_MS, 7)).toBe("set");
  });

  it("further off is a set, however long the last correction is ago", () => {
    for (const difference_s of [-10, 10]) {
      const clock = confirmedClock();
      const offer = offerOf({ unix_s: NOON_S + 18_000 + difference_s, arrival_ms: 5_000 + 5 * HOUR_MS });
      expect(clock.follow(offer)).toBe("set");
      expect(clock.time_s(offer.arrival_ms)).toBe(offer.unix_s);
    }
  });

  it("is either refused, near enough already, or the time from its arrival on", () => {
    const offers = fc.record({
      unix_s: fc.integer({ min: NOON_S - 4000, max: NOON_S + 46 * DAY_S }),
      arrival_ms: fc.nat(40 * HOUR_MS),
      byAuthority: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(offers, { maxLength: 10 }), (given) => {
        const clock = new Clock();
        for (const offer of given) {
          const before_s = clock.time_s(offer.arrival_ms);
          const step = clock.follow(offerOf(offer));
          const after_s = clock.time_s(offer.arrival_ms);
          if (step === "refused") expect(after_s).toBe(before_s);
          else if (step === "unchanged")
            expect(Math.abs((after_s ?? 0) - offer.unix_s)).toBeLessThanOrEqual(1);
          else expect(after_s).toBe(offer.unix_s);
        }
      }),
    );
  });
});
