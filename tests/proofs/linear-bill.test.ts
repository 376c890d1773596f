import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { rebuildRoot } from "../../src/proofs/batch.js";
import { BILL_LEAVES_MAX, type SuppliedBatch } from "../../src/proofs/billed-period.js";
import { BatchLedger } from "../../src/proofs/ledger.js";
import { decodeLinearBill, encodeLinearBill, type LinearBill } from "../../src/proofs/linear-bill.js";
import { VerificationError } from "../../src/proofs/signed.js";
import { billLines } from "../../src/tariff/evaluate.js";
import { RATE_MAX } from "../../src/tariff/policy.js";
import { FormatError } from "../../src/trusted/encoding/bytes.js";
import { LEAF_BYTES } from "../../src/trusted/sealing/batch.js";
import { bytesOf } from "../../src/trusted/sealing/edwards.js";
import { type BatchPlan, example, leavesOf, signBatch, signCertificate } from "../example.js";
import { cutOrExtended, flipBit, flips, isRefused, nonCanonical, survivors } from "../mutants.js";
import {
  billOf,
  DAY,
  INTERVALS_A_DAY,
  JULY,
  meterOf,
  planOf,
  pricedTariff,
  signedTariff,
  verify,
} from "./billing.js";

const ORDER = 2n ** 252n + 27742317777372353535851937790883648493n;
const NEXT_DAY = DAY + INTERVALS_A_DAY;

/** Two days of four intervals at either side of midnight, and one after: batches 0, 1 and 2. */
const PLANS = [planOf(NEXT_DAY - 4, 4), planOf(NEXT_DAY, 4), planOf(NEXT_DAY + 6, 2)];
const METER = meterOf(PLANS);
const TARIFF = signedTariff();
/** Batches 0 and 1, and the two intervals after them, with batch 2 as the neighbour. */
const BILL = billOf(METER, TARIFF, NEXT_DAY - 4, NEXT_DAY + 6);

const withBatches = (
  change: (batches: readonly SuppliedBatch[]) => readonly SuppliedBatch[],
): LinearBill => ({
  ...BILL,
  batches: change(BILL.batches),
});

/** The bill with its energy total replaced, and lines that follow from it. */
const withTotal = (bill: LinearBill, energy: bigint, days: number, tariff = TARIFF): LinearBill => ({
  ...bill,
  lines: billLines(tariff.tariff, energy, days),
});

describe("a linear bill", () => {
  it("is accepted, and shows its verifier the lines and no more", () => {
    // Import 100..103 and export 7..10 Wh, twice.
    const energy = 2n * (406n * 300_000n - 34n * 80_000n);
    const expected = billLines(JULY, energy, 1);
    expect(verify(BILL, TARIFF)).toEqual({
      meterId: example.keys.meterId,
      epoch: 0,
      from: NEXT_DAY - 4,
      to: NEXT_DAY + 6,
      intervalSeconds: 1800,
      standingDays: 1,
      lines: expected,
      readings: 16,
      absentIntervals: 2,
      statusUnion: 0,
    });
    expect(BILL.batches.map(({ leaves }) => leaves.length / LEAF_BYTES)).toEqual([8, 8, 0]);
  });

  it("is accepted with exactly the right total, whatever the readings and rates", () => {
    const reading = fc.oneof(fc.integer({ min: 0, max: 0xffffffff }), fc.constantFrom(0, 1, 0xffffffff));
    const rate = fc.oneof(
      fc.integer({ min: -RATE_MAX, max: RATE_MAX }),
      fc.constantFrom(0, 1, RATE_MAX, -RATE_MAX),
    );
    const four = <T>(value: fc.Arbitrary<T>) => fc.array(value, { minLength: 4, maxLength: 4 });
    fc.assert(
      fc.property(four(fc.tuple(reading, reading)), four(rate), four(rate), (readings, prices, feedIn) => {
        const tariff = pricedTariff(prices, feedIn);
        const bill = billOf(meterOf([{ firstInterval: DAY, readings }]), tariff, DAY, DAY + 4);
        const energy = readings.reduce(
          (sum, [imported, exported], at) =>
            sum + BigInt(imported) * BigInt(prices[at] ?? 0) + BigInt(exported) * BigInt(feedIn[at] ?? 0),
          0n,
        );
        expect(bill.lines.energy).toBe(energy);
        expect(verify(bill, tariff).lines.energy).toBe(energy);
        for (const wrong of [energy + 1n, energy - 1n, -energy - 1n]) {
          expect(() => verify(withTotal(bill, wrong, 1, tariff), tariff)).toThrow(
            "the total is not that of the readings which the meter sealed",
          );
        }
      }),
      { numRuns: 12 },
    );
  });

  it("may be in the customer's favour", () => {
    const tariff = signedTariff({ standing: 0, levies: [] });
    const sunny = {
      firstInterval: DAY,
      readings: [
        [1, 5_000],
        [0, 6_000],
      ],
    };
    const bill = billOf(meterOf([sunny]), tariff, DAY, DAY + 2);
    expect(bill.lines).toMatchObject({ energy: -879_700_000n, vat: -167_143_000n, total: -1_046_843_000n });
    expect(verify(bill, tariff).lines.total).toBe(-1_046_843_000n);
  });

  it("may be of less than the supplied batches hold", () => {
    const bill = billOf(METER, TARIFF, NEXT_DAY - 2, NEXT_DAY + 1);
    expect(bill.lines.energy).toBe((102n + 103n + 100n) * 300_000n - (9n + 10n + 7n) * 80_000n);
    expect(verify(bill, TARIFF)).toMatchObject({ readings: 6, absentIntervals: 0 });
    expect(bill.batches.length).toBe(2);
  });

  it("may be of a time in which the meter was off throughout", () => {
    const bill = billOf(METER, TARIFF, NEXT_DAY + 4, NEXT_DAY + 6);
    expect(bill.lines.energy).toBe(0n);
    expect(verify(bill, TARIFF)).toMatchObject({ readings: 0, absentIntervals: 2 });
    expect(() => verify(withTotal(bill, 1n, 0), TARIFF)).toThrow(/the total is not/);
  });

  it("says under which statuses the readings were taken", () => {
    const meter = meterOf([planOf(DAY, 2, { status: 5 }), planOf(NEXT_DAY, 2, { status: 16 })]);
    expect(verify(billOf(meter, TARIFF, DAY, NEXT_DAY), TARIFF).statusUnion).toBe(5);
    expect(verify(billOf(meter, TARIFF, DAY, NEXT_DAY + 1), TARIFF).statusUnion).toBe(21);
  });

  it("leaves out channels that the tariff does not price", () => {
    const tariff = signedTariff({ energy: JULY.energy.slice(0, 1) });
    const bill = billOf(METER, tariff, NEXT_DAY, NEXT_DAY + 4);
    expect(bill.lines.energy).toBe(406n * 300_000n);
    expect(verify(bill, tariff).readings).toBe(8);
  });
});

describe("the total", () => {
  it.each([
    2n ** 80n,
    -(2n ** 80n),
    BILL.lines.energy + ORDER,
    BILL.lines.energy - ORDER,
  ])("is refused from 2^80 on, before it is reduced modulo l: %d", (energy) => {
    expect(() => verify(withTotal(BILL, energy, 1), TARIFF)).toThrow(
      "the total is 2^80 nano-currency or more",
    );
  });

  it("fits no file from 2^127 on", () => {
    expect(() => encodeLinearBill(withTotal(BILL, BILL.lines.energy + ORDER, 1))).toThrow(FormatError);
  });

  it("needs its opening in the one canonical form", () => {
    const wide = BILL.opening.slice();
    let carry = 0;
    bytesOf(ORDER - 1n).forEach((byte, at) => {
      const sum = (wide[at] ?? 0) + byte + carry + (at === 0 ? 1 : 0);
      wide[at] = sum & 0xff;
      carry = sum >> 8;
    });
    const reason = "the opening is not a canonical scalar";
    expect(() => verify({ ...BILL, opening: wide }, TARIFF)).toThrow(reason);
    expect(() => verify({ ...BILL, opening: BILL.opening.slice(1) }, TARIFF)).toThrow(reason);
  });

  it("is refused with another opening", () => {
    const opening = flipBit(BILL.opening, 7);
    expect(() => verify({ ...BILL, opening }, TARIFF)).toThrow(/the total is not/);
  });

  it("decides every other line", () => {
    const { lines } = BILL;
    const altered = [
      { ...lines, standing: lines.standing - 1n },
      { ...lines, levies: [0n, ...lines.levies.slice(1)] },
      { ...lines, levies: lines.levies.slice(1) },
      { ...lines, vat: lines.vat - 1n },
      { ...lines, total: lines.total - 1n },
      { ...lines, standing: lines.standing - 1n, total: lines.total - 1n },
      { ...lines, energy: lines.energy - 1n },
    ];
    for (const changed of altered) {
      expect(() => verify({ ...BILL, lines: changed }, TARIFF)).toThrow(
        "the lines do not follow from the total",
      );
    }
  });
});

describe("completeness", () => {
  const refusals: readonly (readonly [string, LinearBill, string])[] = [
    [
      "a batch left out in the middle",
      withBatches(([first, , last]) => [first, last] as SuppliedBatch[]),
      "batch 2 of SM-0001: stands where batch 1 is missing",
    ],
    [
      "the first batch left out",
      withBatches((batches) => batches.slice(1)),
      `interval ${NEXT_DAY - 4} (2011-07-01T22:00:00Z) is in no batch`,
    ],
    [
      "the batch after an uncovered end left out",
      withBatches((batches) => batches.slice(0, 2)),
      `interval ${NEXT_DAY + 4} (2011-07-02T02:00:00Z) is in no batch`,
    ],
    [
      "all batches left out",
      withBatches(() => []),
      `interval ${NEXT_DAY - 4} (2011-07-01T22:00:00Z) is in no batch`,
    ],
    [
      "batches in another order",
      withBatches((batches) => [...batches].reverse()),
      "batch 1 of SM-0001: stands where batch 3 is missing",
    ],
    [
      "a batch twice",
      withBatches((batches) => [...batches.slice(0, 2), ...batches.slice(1)]),
      "batch 1 of SM-0001: stands where batch 2 is missing",
    ],
    [
      "leaves withheld",
      withBatches((batches) => batches.map((batch) => ({ ...batch, leaves: new Uint8Array(0) }))),
      "batch 0 of SM-0001: comes without its leaves",
    ],
    [
      "a leaf withheld",
      withBatches((batches) =>
        batches.map((batch) => ({ ...batch, leaves: batch.leaves.slice(LEAF_BYTES) })),
      ),
      "batch 0 of SM-0001: 7 leaves",
    ],
    [
      "an altered leaf",
      withBatches(([first, ...rest]) => [
        { ...first, leaves: flipBit(first?.leaves ?? new Uint8Array(0), 100) } as SuppliedBatch,
        ...rest,
      ]),
      "batch 0 of SM-0001: leaves are not under the signed root",
    ],
    ["another epoch", { ...BILL, epoch: 1 }, "batch 0 of SM-0001: is of epoch 0, the bill of epoch 1"],
    ["another meter", { ...BILL, meterId: "SM-0002" }, "the bill of SM-0002 has a certificate of SM-0001"],
    ["a period that ends as it begins", { ...BILL, to: BILL.from }, "the period ends before it begins"],
    ["a shorter period", { ...BILL, to: NEXT_DAY + 3 }, "the total is not that of the readings"],
  ];
  it.each(refusals)("refuses %s", (_, bill, reason) => {
    expect(() => verify(bill, TARIFF)).toThrow(reason);
    expect(() => verify(bill, TARIFF)).toThrow(VerificationError);
  });

  it("needs the neighbours of a period whose edges lie outside all batches, without their leaves", () => {
    const meter = meterOf([planOf(DAY, 2), planOf(DAY + 10, 2), planOf(DAY + 20, 2)]);
    const bill = billOf(meter, TARIFF, DAY + 5, DAY + 15);
    expect(bill.batches.map(({ leaves }) => leaves.length)).toEqual([0, 4 * LEAF_BYTES, 0]);
    expect(verify(bill, TARIFF)).toMatchObject({ readings: 4, absentIntervals: 8 });
    const without = (at: number) => ({ ...bill, batches: bill.batches.filter((_, place) => place !== at) });
    expect(() => verify(without(0), TARIFF)).toThrow(
      `interval ${DAY + 5} (2011-07-01T02:30:00Z) is in no batch`,
    );
    expect(() => verify(without(2), TARIFF)).toThrow(
      `interval ${DAY + 12} (2011-07-01T06:00:00Z) is in no batch`,
    );
  });

  it("takes leaves of a neighbour too, if they are its leaves", () => {
    const neighbour = leavesOf(PLANS[2] as BatchPlan);
    const bringing = (leaves: Uint8Array) =>
      withBatches((batches) => batches.map((batch, at) => (at === 2 ? { ...batch, leaves } : batch)));
    expect(verify(bringing(neighbour), TARIFF).readings).toBe(16);
    expect(() => verify(bringing(flipBit(neighbour, 90)), TARIFF)).toThrow(/not under the signed root/);
  });

  it("takes a neighbour of another epoch, and no billed batch of one", () => {
    const plans = [planOf(DAY, 2), planOf(DAY + 5, 2, { epoch: 1 }), planOf(DAY + 10, 2, { epoch: 2 })];
    const tenant = meterOf(plans, 1);
    const bill = billOf(tenant, TARIFF, DAY + 3, DAY + 9);
    expect(bill.batches.length).toBe(3);
    expect(verify(bill, TARIFF)).toMatchObject({ epoch: 1, readings: 4, absentIntervals: 4 });
    expect(() => billOf(tenant, TARIFF, DAY + 1, DAY + 9)).toThrow(
      "batch 0 of SM-0001: is of epoch 0, the bill of epoch 1",
    );
    expect(() => billOf(tenant, TARIFF, DAY + 5, DAY + 11)).toThrow(
      "batch 2 of SM-0001: is of epoch 2, the bill of epoch 1",
    );
  });

  it("refuses batches that overlap, though they chain", () => {
    const early = planOf(DAY, 3);
    const [first] = meterOf([early]).batches;
    const again = planOf(DAY + 2, 2);
    const leaves = leavesOf(again);
    const changes = {
      batchNumber: 1,
      firstInterval: DAY + 2,
      intervalCount: 2,
      channelCount: 2,
      statusUnion: 0,
    };
    const previousBatchDigest = first?.digest ?? new Uint8Array(32);
    const document = signBatch({ ...changes, merkleRoot: rebuildRoot(leaves), previousBatchDigest });
    const bill = billOf(meterOf([early]), TARIFF, DAY, DAY + 3);
    const both = { ...bill, batches: [...bill.batches, { document, leaves }] };
    expect(() => verify(both, TARIFF)).toThrow("batch 1 of SM-0001: begins before the batch before it ends");
  });

  it("names, when a bill is made, the first interval that is not covered", () => {
    const reason = (from: number, to: number) => () => billOf(METER, TARIFF, from, to);
    expect(reason(NEXT_DAY - 6, NEXT_DAY)).toThrow(
      `interval ${NEXT_DAY - 6} (2011-07-01T21:00:00Z) is in no batch, nor between two of them`,
    );
    expect(reason(NEXT_DAY, NEXT_DAY + 9)).toThrow(
      `interval ${NEXT_DAY + 8} (2011-07-02T04:00:00Z) is in no batch`,
    );
    expect(reason(NEXT_DAY + 9, NEXT_DAY + 10)).toThrow(
      `interval ${NEXT_DAY + 9} (2011-07-02T04:30:00Z) is in no batch`,
    );
  });
});

describe("a forked history", () => {
  const other = meterOf([
    PLANS[0] as BatchPlan,
    planOf(NEXT_DAY, 4, {
      readings: [
        [0, 0],
        [0, 0],
        [0, 0],
        [0, 0],
      ],
    }),
  ]);
  const fork = billOf(other, TARIFF, NEXT_DAY - 4, NEXT_DAY + 4);

  it("is refused within a bill, where the chain breaks", () => {
    const bill = { ...fork, to: BILL.to, batches: [...fork.batches, ...BILL.batches.slice(2)] };
    expect(() => verify(bill, TARIFF)).toThrow("SM-0001: batch 2 does not follow batch 1, both are refused");
  });

  it("is refused over two bills by a supplier who remembers", () => {
    const ledger = new BatchLedger();
    expect(verify(fork, TARIFF).readings).toBe(16);
    verify(BILL, TARIFF, { ledger });
    expect(() => verify(fork, TARIFF, { ledger })).toThrow("SM-0001: two different batches 1 are signed");
    expect(() => verify(BILL, TARIFF, { ledger })).toThrow("SM-0001: two different batches 1 are signed");
  });

  it("is refused too when a bill is made from it", () => {
    const [first, second] = METER.batches;
    const broken = second
      ? { ...second, statement: { ...second.statement, previousBatchDigest: new Uint8Array(32) } }
      : second;
    const meter = { ...METER, batches: [first, broken].flatMap((batch) => (batch ? [batch] : [])) };
    expect(() => billOf(meter, TARIFF, NEXT_DAY - 1, NEXT_DAY + 1)).toThrow(
      /does not follow the batch before it/,
    );
  });
});

describe("documents", () => {
  it("refuse another tariff than the verifier's", () => {
    const cheap = signedTariff({ standing: 0 });
    expect(() => verify(BILL, cheap)).toThrow("the bill is for another tariff");
    expect(() => verify({ ...BILL, tariffDigest: cheap.digest }, cheap)).toThrow(
      "the lines do not follow from the total",
    );
  });

  it("refuse a period outside the tariff's validity, on either side", () => {
    const short = signedTariff({ notAfter_s: (NEXT_DAY + 2) * 1800 });
    const reason = "the period is outside the tariff's validity";
    expect(() => billOf(METER, short, NEXT_DAY, NEXT_DAY + 3)).toThrow(reason);
    expect(() => verify({ ...BILL, tariffDigest: short.digest }, short)).toThrow(reason);
  });

  it("refuse a tariff that prices no channel of the meter", () => {
    const gas = signedTariff({
      energy: [{ obis: "7-0:3.0.0", policy: { kind: "time-of-use", rate: 1, bands: [] } }],
    });
    const reason = "the tariff prices no channel of this meter";
    expect(() => billOf(METER, gas, NEXT_DAY, NEXT_DAY + 1)).toThrow(reason);
    expect(() => verify({ ...BILL, tariffDigest: gas.digest }, gas)).toThrow(reason);
  });

  it("refuse a certificate of another authority", () => {
    const certificate = signCertificate({}, new Uint8Array(32).fill(9));
    expect(() => verify({ ...BILL, certificate }, TARIFF)).toThrow("certificate-1: signed by another key");
  });

  it("refuse batches beyond the last good one of a revoked key", () => {
    const { meterId, signingKey } = example.certificate;
    const revokedAfter = (lastGoodBatchNumber: number) => ({
      revocation: { issuedAt_s: 0, revoked: [{ meterId, signingKey, lastGoodBatchNumber }] },
    });
    expect(verify(BILL, TARIFF, revokedAfter(2)).readings).toBe(16);
    expect(() => verify(BILL, TARIFF, revokedAfter(1))).toThrow(
      "batch 2 of SM-0001: the key is revoked before this batch",
    );
  });

  it("refuse a sealed commitment that is no group element, unless it costs nothing", () => {
    const leaves = leavesOf(planOf(DAY, 1));
    leaves.fill(0xff, LEAF_BYTES + 6); // the feed-in's commitment
    const changes = { firstInterval: DAY, intervalCount: 1, statusUnion: 0, batchNumber: 0 };
    const document = signBatch({
      ...changes,
      merkleRoot: rebuildRoot(leaves),
      previousBatchDigest: new Uint8Array(32),
    });
    const free = signedTariff({ energy: JULY.energy.slice(0, 1) });
    const bill = (tariff = TARIFF) => ({
      ...billOf(meterOf([planOf(DAY, 1)]), tariff, DAY, DAY + 1),
      batches: [{ document, leaves }],
    });
    expect(() => verify(bill(), TARIFF)).toThrow(
      `commitment of interval ${DAY}, channel 1 is no group element`,
    );
    expect(verify(bill(free), free).readings).toBe(2);
  });
});

describe("limits", () => {
  it("refuse more than 2^17 leaves, 4,096 batches or 2^17 intervals", () => {
    const [batch] = BILL.batches;
    const document = batch?.document ?? new Uint8Array(0);
    const leaves = new Uint8Array((BILL_LEAVES_MAX + 1) * LEAF_BYTES);
    expect(() => verify({ ...BILL, batches: [{ document, leaves }] }, TARIFF)).toThrow(
      "more than 131072 leaves",
    );
    const many = Array.from({ length: 4097 }, () => ({ document, leaves: new Uint8Array(0) }));
    expect(() => verify({ ...BILL, batches: many }, TARIFF)).toThrow("more than 4096 batches");
    const years = signedTariff({ notAfter_s: JULY.notBefore_s + 20 * 365 * 86_400 });
    const long = { ...BILL, tariffDigest: years.digest, from: DAY, to: DAY + BILL_LEAVES_MAX + 1 };
    expect(() => verify(long, years)).toThrow("more than 131072 intervals");
  });

  it("refuse files of more than 16 MiB unread", () => {
    expect(() => decodeLinearBill(new Uint8Array(2 ** 24 + 1))).toThrow(/at most 16777216/);
  });
});

describe("the bill's codec", () => {
  const bytes = encodeLinearBill(BILL);

  it("gives back the bill", () => {
    expect(decodeLinearBill(bytes)).toEqual(BILL);
    expect(verify(decodeLinearBill(bytes), TARIFF).readings).toBe(16);
  });

  it("keeps amounts of either sign", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 127n), max: 2n ** 127n - 1n }), (energy) => {
        const lines = { energy, standing: -energy - 1n, levies: [energy], vat: 0n, total: -1n };
        const bill = { ...BILL, batches: [], lines };
        expect(decodeLinearBill(encodeLinearBill(bill))).toEqual(bill);
      }),
    );
    const lines = { ...BILL.lines, total: 2n ** 127n };
    expect(() => encodeLinearBill({ ...BILL, lines })).toThrow("an amount of 2^127 or more");
  });

  it("refuses every truncation and extension, and whatever else says the same", () => {
    expect(survivors([...cutOrExtended(bytes), ...nonCanonical(bytes)], decodeLinearBill)).toEqual([]);
  });

  it("writes a bill in one way: a flipped bit is another bill or none", () => {
    const rewritten = (flipped: Uint8Array) => {
      const again = encodeLinearBill(decodeLinearBill(flipped));
      if (Buffer.compare(again, flipped) === 0) throw new FormatError("another bill, well written");
    };
    expect(survivors(flips(bytes), rewritten)).toEqual([]);
  });

  it("verifies with no bit flipped", () => {
    const bits = Array.from({ length: 8 * bytes.length }, (_, bit) => bit).filter((bit) => bit % 83 === 0);
    const accepted = bits.filter(
      (bit) => !isRefused(() => verify(decodeLinearBill(flipBit(bytes, bit)), TARIFF)),
    );
    expect(accepted).toEqual([]);
  });
});
