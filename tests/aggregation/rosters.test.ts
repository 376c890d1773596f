import { describe, expect, it } from "vitest";
import { ModelStreet } from "../../host-sim/model-street.js";
import { repairOf } from "../../src/aggregation/repair.js";
import { documentsOf, Rosters, signRoster, verifyRoster } from "../../src/aggregation/rosters.js";
import { VerificationError } from "../../src/proofs/signed.js";
import type { Roster } from "../../src/trusted/blinding/roster.js";
import { DAY_SECONDS } from "../../src/trusted/metrology/interval.js";
import { digest } from "../../src/trusted/sealing/keys.js";

const newStreet = (options = {}) => new ModelStreet({ meters: 12, ...options });

describe("a standing roster", () => {
  it("is signed by the aggregator and by nobody else", () => {
    const street = newStreet();
    const { document, S, roster } = street.stand();
    expect(verifyRoster(document, street.aggregatorKey)).toEqual({ document, S, roster });
    expect(() => verifyRoster(document, street.authorityKey)).toThrow(VerificationError);
    expect(document.length).toBeLessThanOrEqual(512);
  });

  it("goes to its members followed by their certificates, ascending", () => {
    const street = newStreet();
    const kept = street.stand();
    const documents = documentsOf(kept, [...street.meters].reverse());
    expect(documents).toEqual([kept.document, ...street.meters.map(({ document }) => document)]);
    expect(Math.max(...documents.map(({ length }) => length))).toBeLessThanOrEqual(512);
  });

  it("begins with a UTC day to come", () => {
    const street = newStreet();
    const start_s = street.firstDay * DAY_SECONDS;
    const plan = planOf(street);
    expect(() => street.rosters.plan(plan, start_s)).toThrow("begins with no day to come");
    expect(street.rosters.plan(plan, start_s - 1).firstInterval * 1800).toBe(start_s);
  });

  it("has no end, or one with a UTC day at least 7 days on", () => {
    const street = newStreet();
    const now_s = street.firstDay * DAY_SECONDS - 1;
    const planTo = (lastDay: number) => street.rosters.plan({ ...planOf(street), lastDay }, now_s);
    expect(() => planTo(street.firstDay + 5)).toThrow("ends before 7 days");
    expect(planTo(street.firstDay + 6).lastInterval).toBe(street.firstOf(7) - 1);
    expect(street.rosters.plan(planOf(street), now_s).lastInterval).toBeNull();
  });

  it("follows its predecessor after 7 days, and ends it; one that has not begun is replaced", () => {
    const street = newStreet();
    const first = street.stand();
    const begun_s = street.firstDay * DAY_SECONDS;
    const planOn = (day: number) =>
      street.rosters.plan({ ...planOf(street), firstDay: street.firstDay + day }, begun_s);
    expect(() => planOn(6)).toThrow("begins within 7 days of roster 1");
    expect(street.rosters.lastOf(first)).toBe(0xffffffff);
    const second = street.rosters.addStanding(signRoster(planOn(9), street.aggregatorSeed), street.meters);
    expect(street.rosters.lastOf(first)).toBe(street.firstOf(9) - 1);
    expect(planOn(8).rosterNumber).toBe(3);
    street.rosters.addStanding(signRoster(planOn(8), street.aggregatorSeed), street.meters);
    expect(street.rosters.lastOf(first)).toBe(street.firstOf(8) - 1);
    expect(street.rosters.lastOf(second)).toBeLessThan(second.roster.firstInterval);
    street.stand({ firstDay: street.firstDay + 20 });
    expect(street.rosters.lastOf(first)).toBe(street.firstOf(8) - 1);
  });

  it("is only for meters that are certified for its start, its intervals and its channels", () => {
    const at_s = new ModelStreet({ meters: 0 }).firstDay * DAY_SECONDS;
    const two = ["1-0:1.8.0", "1-0:2.8.0"];
    for (const [certificate, options, reason] of [
      [{ notAfter_s: at_s }, {}, "not certified for its start"],
      [{ notAfter_s: at_s + 1 }, {}, null],
      [{ notBefore_s: at_s + 1 }, {}, "not certified for its start"],
      [{ notBefore_s: at_s }, {}, null],
      [{ intervalSeconds: 900 }, {}, "other intervals"],
      [{ channels: ["1-0:2.8.0"] }, {}, "does not measure"],
      [{ channels: two }, {}, "does not measure"],
      [{ channels: two }, { statistics: [1, 2] }, null],
      [{ channels: [...two].reverse() }, { statistics: [1], channels: two }, "does not measure"],
    ] as const) {
      const street = newStreet({ certificate, ...options });
      if (reason === null) expect(() => street.stand()).not.toThrow();
      else expect(() => street.stand()).toThrow(reason);
    }
  });

  it("is kept only with its own members and a number above all others", () => {
    const street = newStreet();
    const kept = street.stand();
    const { rosters, meters } = street;
    expect(() => rosters.addStanding(kept, meters)).toThrow("number is not higher");
    const fresh = new Rosters();
    expect(() => fresh.addStanding(kept, meters.slice(1))).toThrow("members are others");
    const swapped = [...meters.slice(1), street.enrol(12)];
    expect(() => fresh.addStanding(kept, swapped)).toThrow("members are others");
    expect(fresh.addStanding(kept, [...meters].reverse()).members).toEqual(meters);
  });
});

describe("a repair", () => {
  const setUp = () => {
    const street = newStreet({ meters: 20 });
    const standing = street.stand({ lastDay: street.firstDay + 9 });
    const taken = new Set(street.meters.slice(5).map(({ meterId }) => meterId));
    const plan = (changes: Partial<Roster> = {}): Roster => ({
      ...repairOf(standing, taken, {
        rosterNumber: street.rosters.nextNumber,
        firstInterval: street.firstOf(1),
        lastInterval: street.firstOf(2) - 1,
      }),
      ...changes,
    });
    const add = (changes: Partial<Roster> = {}) =>
      street.rosters.addRepair(signRoster(plan(changes), street.aggregatorSeed));
    return { street, standing, add, plan };
  };

  it("is over the members whose bits are set", () => {
    const { street, standing, add, plan } = setUp();
    expect(plan().terms).toEqual({ standing: standing.S, mask: Uint8Array.of(0b1110_0000, 0xff, 0x0f) });
    const kept = add();
    expect(kept.members).toEqual(street.meters.slice(5));
    expect(kept.standing).toBe(standing);
    expect(street.rosters.repairsOf(standing)).toEqual([kept]);
  });

  it("has the bits of its standing roster's members and no others", () => {
    const { standing, add } = setUp();
    const masked = (...mask: number[]) => ({
      terms: { standing: standing.S, mask: Uint8Array.from(mask) },
    });
    expect(() => add(masked(0xe0, 0xff))).toThrow("2 bytes of bits");
    expect(() => add(masked(0xe0, 0xff, 0x07 | 0x10))).toThrow("a bit of no member");
    expect(() => add(masked(0xe0, 0xff, 0x07))).toThrow("14 bits are set");
    expect(() => add({ ...masked(0xff, 0xff, 0x0f), memberCount: 20 })).toThrow("20 bits are set");
    expect(() => add(masked(0xe0, 0xff, 0x0f))).not.toThrow();
  });

  it("is like its standing roster, within its time, and of no interval twice", () => {
    const { street, add } = setUp();
    const refused = (changes: Partial<Roster>, reason: string) => expect(() => add(changes)).toThrow(reason);
    refused({ terms: { standing: digest(), mask: new Uint8Array(3) } }, "standing roster is unknown");
    refused({ groupId: "street-2" }, "not alike");
    refused({ statistics: [1] }, "not alike");
    refused({ channels: ["1-0:2.8.0"] }, "not alike");
    refused({ firstInterval: street.firstOf(0) - 1 }, "outside the time");
    refused({ lastInterval: street.firstOf(10) }, "outside the time");
    add();
    refused({ firstInterval: street.firstOf(2) - 1, lastInterval: street.firstOf(3) }, "repaired already");
    refused({ firstInterval: street.firstOf(0), lastInterval: street.firstOf(1) }, "repaired already");
    expect(() => add({ firstInterval: street.firstOf(2), lastInterval: street.firstOf(2) })).not.toThrow();
  });

  it("is not of a time that a successor has taken over", () => {
    const { street, add } = setUp();
    street.stand({ firstDay: street.firstDay + 7 });
    expect(() => add({ firstInterval: street.firstOf(6), lastInterval: street.firstOf(7) })).toThrow(
      "outside the time",
    );
    expect(() =>
      add({ firstInterval: street.firstOf(6), lastInterval: street.firstOf(7) - 1 }),
    ).not.toThrow();
  });
});

function planOf(street: ModelStreet) {
  const { firstDay, channels, statistics, intervalSeconds, meters: members } = street;
  return { groupId: "street-1", members, firstDay, lastDay: null, channels, statistics, intervalSeconds };
}
