// Verified sums, and every lie about them that we know of: by a member's customer, by a member, by the network.
import { beforeEach, describe, expect, it } from "vitest";
import { ModelStreet } from "../../host-sim/model-street.js";
import { Collector } from "../../src/aggregation/collector.js";
import { repairOf } from "../../src/aggregation/repair.js";
import { type GroupResult, resultAt, resultsOf, totalsOf } from "../../src/aggregation/results.js";
import { type KeptRoster, signRoster } from "../../src/aggregation/rosters.js";
import { Seals } from "../../src/aggregation/seals.js";
import { commitmentAt, decodeShare, openingAt, type Share } from "../../src/aggregation/share.js";
import { BASE, Group } from "../../src/proofs/generators.js";
import { BatchLedger } from "../../src/proofs/ledger.js";
import { encodeShare } from "../../src/trusted/blinding/share.js";
import { DAY_SECONDS } from "../../src/trusted/metrology/interval.js";
import { bytesOf, L, numberOf } from "../../src/trusted/sealing/edwards.js";

const METERS = 10;
const CHANNELS = ["1-0:1.8.0", "1-0:2.8.0"];

/** A street of ten with statistic 3, whose first day is over. */
class Evening {
  readonly street: ModelStreet;
  readonly kept: KeptRoster;
  readonly collector: Collector;
  readonly ledger = new BatchLedger();
  readonly seals: Seals;

  constructor(options: { readonly statistics?: readonly number[] } = {}) {
    const status = (meter: number, interval: number) => (meter === 3 && interval % 48 === 7 ? 1 : 0);
    this.street = new ModelStreet({ meters: METERS, channels: CHANNELS, status, ...options });
    this.kept = this.street.stand();
    const from_s = this.street.firstDay * DAY_SECONDS;
    this.collector = new Collector(this.street.rosters, { from_s, to_s: from_s + 9 * DAY_SECONDS });
    this.seals = new Seals(this.street.rosters, this.collector, this.ledger);
  }

  /** All shares of the first day, as `lie` alters them; null withholds one. */
  send(
    lie: (share: Share, meter: number, at: number) => Share | null = (share) => share,
    kept = this.kept,
  ): this {
    for (let at = 0; at < 48; at++) {
      for (let member = 0; member < kept.members.length; member++) this.sendOne(member, at, lie, kept);
    }
    return this;
  }

  sendOne(
    member: number,
    at: number,
    lie: (share: Share, meter: number, at: number) => Share | null = (share) => share,
    kept = this.kept,
  ): void {
    const message = this.street.shareOf(kept, member, this.interval(at));
    const { meterId } = decodeShare(message);
    const lied = lie(decodeShare(message), Number(meterId.slice(3)) - 1, at);
    if (lied) this.collector.add(encodeShare(lied, lied.sums), meterId);
  }

  interval(at: number): number {
    return this.street.firstOf(0) + at;
  }

  /** The batches of the first day; of one meter others. */
  seal(meter = -1, documents: readonly Uint8Array[] = []): this {
    this.street.meters.forEach(({ certificate }, at) => {
      const own = at === meter ? documents : this.street.batchesOf(at, 1);
      this.seals.addBatches({ certificate, revocation: null }, own);
    });
    return this;
  }

  result(at: number): GroupResult {
    return resultAt(this.street.rosters, this.collector, this.seals, this.kept, this.interval(at));
  }

  get states(): string[] {
    return resultsOf(this.street.rosters, this.collector, this.seals).map(({ state }) => state);
  }

  get faults(): string[] {
    return this.seals.faults.map(({ reason }) => reason);
  }
}

const openings = 2 * 2 * 8;
const withSums = (share: Share, alter: (sums: Uint8Array) => void): Share => {
  const sums = share.sums.slice();
  alter(sums);
  return { ...share, sums };
};
/** Adds to the reading in statistic 1 of channel 0. */
const shift = (share: Share, by: bigint) =>
  withSums(share, (sums) => {
    const view = new DataView(sums.buffer, sums.byteOffset);
    view.setBigUint64(0, BigInt.asUintN(64, view.getBigUint64(0) + by));
  });
/** Sets the commitment of channel 0. */
const recommit = (share: Share, make: (C: Uint8Array) => Uint8Array) =>
  withSums(share, (sums) => {
    const at = commitmentAt(openings, 0);
    sums.set(make(sums.slice(at, at + 32)), at);
  });

let evening: Evening;
beforeEach(() => {
  evening = new Evening();
});

describe("a day of honest meters", () => {
  it("is verified in every interval", () => {
    evening.send().seal();
    expect(evening.states).toEqual(Array.from({ length: 48 }, () => "verified"));
    expect(evening.faults).toEqual([]);
    const { channels, statusUnion, reason } = evening.result(7);
    expect([statusUnion, reason]).toEqual([1, null]);
    const reading = (meter: number) => evening.street.openingsOf(meter, evening.interval(7))[1]?.reading ?? 0;
    expect(channels?.[1]?.sum_Wh).toBe(
      Array.from({ length: METERS }, (_, at) => reading(at)).reduce((a, b) => a + b),
    );
  });

  it("is unverified until every member's batch has come, and nobody is blamed", () => {
    evening.send().seal(4, []);
    const { state, reason, isFalse, channels } = evening.result(0);
    expect([state, isFalse, channels === null]).toEqual(["unverified", false, false]);
    expect(reason).toBe("no batch of SM-00005 holds it yet");
    const [batch] = evening.street.batchesOf(4, 1) as [Uint8Array];
    evening.seals.addBatches({ certificate: certificateOf(4), revocation: null }, [batch]);
    expect(evening.result(0).state).toBe("verified");
  });

  it("is unverified without statistic 3", () => {
    const plain = new Evening({ statistics: [1, 2] }).send().seal();
    expect(plain.result(0)).toMatchObject({
      state: "unverified",
      isFalse: false,
      reason: expect.stringContaining("without statistic 3"),
    });
    expect(plain.faults).toEqual([]);
  });
});

const certificateOf = (meter: number) =>
  (evening.street.meters[meter] as ModelStreet["meters"][0]).certificate;

describe("a share that is lost", () => {
  it("leaves its interval open, and its meter's other intervals of the day unverified", () => {
    evening.send((share, meter, at) => (meter === 2 && at === 5 ? null : share)).seal();
    expect(evening.result(5)).toMatchObject({
      state: "open",
      channels: null,
      missing: ["SM-00003"],
      isFalse: false,
    });
    const reason = `batch 0 of SM-00003: no undisputed share of interval ${evening.interval(5)} has come`;
    expect(evening.result(6)).toMatchObject({ state: "unverified", reason, isFalse: false });
    expect(evening.faults).toEqual([reason]);
  });

  it("and comes late lets everything be verified", () => {
    evening.send((share, meter, at) => (meter === 2 && at === 5 ? null : share)).seal();
    evening.sendOne(2, 5);
    expect(evening.result(5).state).toBe("unverified");
    evening.seal();
    expect(new Set(evening.states)).toEqual(new Set(["verified"]));
    expect(evening.faults).toEqual([]);
  });
});

describe("a lie of a member's customer or network", () => {
  it("about the reading is seen in its interval, though not whose it is", () => {
    evening.send((share, meter, at) => (meter === 2 && at === 5 ? shift(share, -20n) : share)).seal();
    const { state, isFalse, reason } = evening.result(5);
    expect([state, isFalse]).toEqual(["unverified", true]);
    expect(reason).toContain(
      `interval ${evening.interval(5)} of roster 1, channel 0: a member's share is false`,
    );
    expect(evening.states.filter((one) => one === "verified")).toHaveLength(47);
    const totals = totalsOf([evening.result(4), evening.result(5)]);
    expect(totals.map(({ groups, groupsWithout }) => [groups, groupsWithout])).toEqual([
      [1, 0],
      [1, 0],
      [0, 1],
      [0, 1],
    ]);
  });

  it("about the opening is seen", () => {
    const lie = (share: Share) =>
      withSums(share, (sums) => {
        const at = openingAt(openings, 1);
        sums.set(bytesOf((numberOf(sums.slice(at, at + 32)) + 1n) % L), at);
      });
    evening.send((share, meter, at) => (meter === 9 && at === 0 ? lie(share) : share)).seal();
    expect(evening.result(0)).toMatchObject({ isFalse: true, reason: expect.stringContaining("channel 1") });
  });

  it("about reading and commitment together is seen against the seal, and named", () => {
    const lie = (share: Share) =>
      recommit(shift(share, -20n), (C) => Group.fromBytes(C).subtract(BASE.multiply(20n)).toBytes());
    evening.send((share, meter, at) => (meter === 2 && at === 5 ? lie(share) : share)).seal();
    const [first, last] = [evening.interval(0), evening.interval(47)];
    const reason = `batch 0 of SM-00003: the shares of intervals ${first} to ${last} are not what it has sealed`;
    expect(evening.result(5)).toMatchObject({ state: "unverified", isFalse: true, reason });
    expect(new Set(evening.states)).toEqual(new Set(["unverified"]));
    expect(evening.faults).toEqual([reason]);
  });

  it("with a commitment to nothing is refused as it comes", () => {
    const lie = (share: Share) => recommit(share, () => new Uint8Array(32));
    expect(() => evening.sendOne(2, 5, lie)).toThrow("commitment of channel 0 is the identity");
  });

  it("about the status is seen against the seal", () => {
    evening.send((share, meter, at) => (meter === 2 && at === 5 ? { ...share, status: 8 } : share)).seal();
    expect(evening.result(5)).toMatchObject({ state: "unverified", isFalse: true });
    evening = new Evening();
    evening.send((share, meter, at) => (meter === 3 && at === 7 ? { ...share, status: 0 } : share)).seal();
    expect(evening.result(7)).toMatchObject({ state: "unverified", isFalse: true });
  });

  it("by two shares leaves the interval open, and the batch unverified", () => {
    evening.send();
    expect(() => evening.sendOne(2, 5, (share) => shift(share, 1n))).toThrow("two different shares");
    evening.seal();
    expect(evening.result(5)).toMatchObject({ state: "open", missing: ["SM-00003"] });
    expect(evening.result(6).reason).toContain("no undisputed share");
  });
});

describe("a batch", () => {
  const sealedBy = (meter: number) => evening.street.batchesOf(meter, 1)[0] as Uint8Array;
  const trustOf = (meter: number) => ({ certificate: certificateOf(meter), revocation: null });

  it("of another meter or under another key seals nothing", () => {
    evening.send().seal(4, [sealedBy(5)]);
    expect(evening.result(0)).toMatchObject({ state: "unverified", isFalse: true });
    expect(evening.faults).toEqual(["batch 0 of SM-00006: the certificate is of SM-00005"]);
  });

  it("that is false is remembered 256 times a meter and no more", () => {
    const junk = Array.from({ length: 300 }, (_, at) => Uint8Array.of(at >> 8, at));
    evening.seals.addBatches(trustOf(4), junk);
    evening.seals.addBatches(trustOf(5), junk.slice(0, 1));
    expect(evening.seals.faults).toHaveLength(257);
  });

  it("that is malformed seals nothing", () => {
    evening.send().seal(4, [sealedBy(4).subarray(1)]);
    expect(evening.result(0)).toMatchObject({ state: "unverified", isFalse: true });
    expect(evening.faults).toHaveLength(1);
  });

  it("of a revoked key seals nothing from its last good number on", () => {
    evening.send().seal(4, []);
    const { meterId, signingKey } = certificateOf(4);
    const later = evening.street.batchesOf(4, 2);
    const revocation = { issuedAt_s: 0, revoked: [{ meterId, signingKey, lastGoodBatchNumber: 0 }] };
    evening.seals.addBatches({ ...trustOf(4), revocation }, later);
    expect(evening.result(0).state).toBe("verified");
    expect(evening.faults).toEqual(["batch 1 of SM-00005: the key is revoked before this batch"]);
  });

  it("of a number of which there is another seals nothing, whichever comes first", () => {
    const fork = new ModelStreet({ meters: METERS, channels: CHANNELS }).batchesOf(3, 1)[0] as Uint8Array;
    for (const documents of [
      [sealedBy(3), fork],
      [fork, sealedBy(3)],
    ]) {
      evening = new Evening();
      evening.send().seal(3, []);
      for (const document of documents) evening.seals.addBatches(trustOf(3), [document]);
      expect(evening.result(0)).toMatchObject({ state: "unverified", isFalse: true });
      expect(evening.result(0).reason).toContain("two different batches 0");
    }
  });

  it("that seals bytes which are no group element is its meter's own lie", () => {
    const junk = new Uint8Array(32).fill(0xfe);
    const lie = (share: Share, meter: number, at: number) =>
      meter === 2 && at === 5 ? recommit(share, () => junk) : share;
    class Liar extends ModelStreet {
      override commitmentsOf(meter: number, interval: number) {
        const honest = super.commitmentsOf(meter, interval);
        return meter === 2 && interval === this.firstOf(0) + 5 ? [junk, honest[1] as Uint8Array] : honest;
      }
    }
    const batches = new Liar({ meters: 3, channels: CHANNELS }).batchesOf(2, 1);
    evening.send(lie).seal(2, batches);
    const reason = `SM-00003: its commitment of interval ${evening.interval(5)} is no group element`;
    expect(evening.result(5)).toMatchObject({ state: "unverified", isFalse: true, reason });
    expect(evening.result(6).state).toBe("verified");
  });

  it("before a meter's first share is nobody's fault", () => {
    evening.send().seal();
    const early = new ModelStreet({ meters: 1, channels: CHANNELS, firstDay: evening.street.firstDay - 1 });
    const seals = new Seals(evening.street.rosters, evening.collector);
    seals.addBatches(trustOf(0), early.batchesOf(0, 1));
    expect(seals.faults).toEqual([]);
  });
});

describe("a repair with statistic 3", () => {
  const repaired = (lie: (share: Share, meter: number, at: number) => Share | null) => {
    const { street, kept } = evening;
    evening.send((share, meter, at) => (meter === 9 && at >= 40 ? null : share));
    const taken = new Set(street.meters.slice(0, 8).map(({ meterId }) => meterId));
    const roster = repairOf(kept, taken, {
      rosterNumber: 2,
      firstInterval: evening.interval(40),
      lastInterval: evening.interval(47),
    });
    const repair = street.rosters.addRepair(signRoster(roster, street.aggregatorSeed));
    for (let at = 40; at < 48; at++) {
      for (let member = 0; member < 8; member++) evening.sendOne(member, at, lie, repair);
    }
    evening.seal();
  };

  it("is verified over its members", () => {
    repaired((share) => share);
    const { state, kept, channels, missing, reason } = evening.result(44);
    expect([state, kept.members.length, missing, reason]).toEqual(["repaired", 8, ["SM-00010"], null]);
    const reading = (meter: number) =>
      evening.street.openingsOf(meter, evening.interval(44))[0]?.reading ?? 0;
    expect(channels?.[0]?.sum_Wh).toBe(
      Array.from({ length: 8 }, (_, at) => reading(at)).reduce((a, b) => a + b),
    );
  });

  it("takes the place of a sum that was shown to be false", () => {
    repaired((share) => share);
    for (let at = 40; at < 48; at++) {
      evening.sendOne(9, at, (share) => (at === 44 ? shift(share, -20n) : share));
    }
    evening.seal();
    expect(evening.result(43)).toMatchObject({ state: "verified", missing: [] });
    expect(evening.result(44)).toMatchObject({ state: "repaired", isFalse: false, missing: [] });
    expect(evening.result(44).falsehoods[0]).toContain("of roster 1, channel 0: a member's share is false");
  });

  it("is not, where a share's commitment is another than the sealed one", () => {
    const lie = (share: Share) =>
      recommit(shift(share, -20n), (C) => Group.fromBytes(C).subtract(BASE.multiply(20n)).toBytes());
    repaired((share, meter, at) => (meter === 2 && at === 44 ? lie(share) : share));
    expect(evening.result(43).state).toBe("repaired");
    const { state, isFalse, reason } = evening.result(44);
    expect([state, isFalse]).toEqual(["unverified", true]);
    expect(reason).toContain("SM-00003: its share of interval");
  });

  it("is not, where the repair's own shares open to another sum", () => {
    repaired((share, meter, at) => (meter === 2 && at > 43 ? shift(share, at === 44 ? -20n : 1n) : share));
    expect(evening.result(43).state).toBe("repaired");
    expect(evening.result(44)).toMatchObject({ state: "unverified", isFalse: true });
    expect(evening.result(44).falsehoods[0]).toContain("of roster 2, channel 0: a member's share is false");
    // Where not even the squares fit, there is no sum; that a share is false is told all the same.
    expect(evening.result(45)).toMatchObject({ state: "open", isFalse: false });
    expect(evening.result(45).falsehoods[0]).toContain("squares of channel 0");
  });
});
