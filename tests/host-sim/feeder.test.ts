import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { type Bypass, feederTraces, intervalReadings } from "../../host-sim/feeder.js";
import { householdTrace } from "../../host-sim/household.js";
import type { Trace } from "../../host-sim/trace.js";

const start_s = Date.UTC(2026, 5, 1) / 1_000;
const households = Array.from({ length: 6 }, (_, at) =>
  householdTrace({ seed: at + 1, start_s, days: 3, step_s: 300, utcOffset_h: 0 }),
);
const net = (trace: Trace) => trace.rows.map((row) => (row?.[0] ?? 0) - (row?.[1] ?? 0));
const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
const digest = (trace: Trace) => createHash("sha256").update(JSON.stringify(trace.rows)).digest("hex");
/** A trace of rows of an hour. */
const hours = (...rows: (readonly number[] | null)[]): Trace => ({
  start_s: 0,
  step_s: 3_600,
  channels: ["1-0:1.8.0", "1-0:2.8.0"],
  rows,
});

describe("the feeder above households", () => {
  it("gives the same rows for a seed for ever", () => {
    const { feeder, figures } = feederTraces({ households, seed: 1 });
    expect(figures).toMatchObject({ noLoad_W: 82, resistance_mOhm: 25, feederError_ppm: 81 });
    expect(digest(feeder)).toBe("ffb8c252444870dac3b5028c6686a2564ba07cfa44214eeb5f74a378f1805c21");
  });

  it("measures whole mJ, netted: import or export, never both", () => {
    const { feeder } = feederTraces({ households, seed: 2 });
    const sound = feeder.rows.every(
      (row) => row?.every((mJ) => Number.isSafeInteger(mJ) && mJ >= 0) && row.includes(0),
    );
    expect(sound).toBe(true);
    expect(feeder.rows.some((row) => (row?.[1] ?? 0) > 0)).toBe(true);
    expect(feeder).toMatchObject({ start_s, step_s: 300, channels: ["1-0:1.8.0", "1-0:2.8.0"] });
  });

  it("measures what the meters do, their errors within their classes, and losses of 0.3 to 8 %", () => {
    const gross = sum(households.flatMap((trace) => net(trace).map(Math.abs)));
    for (let seed = 1; seed <= 20; seed++) {
      const { feeder, metered, figures } = feederTraces({ households, seed });
      expect(metered).toEqual(households);
      expect(Math.abs(figures.feederError_ppm)).toBeLessThanOrEqual(2_000);
      expect(figures.meterErrors_ppm.every((ppm) => Math.abs(ppm) <= 5_000)).toBe(true);
      const loss = sum(net(feeder)) - sum(households.flatMap(net));
      expect(loss / gross).toBeGreaterThan(0.003);
      expect(loss / gross).toBeLessThan(0.08);
    }
  });

  it("loses the constant part without load, and what grows with the square under it", () => {
    const quiet = feederTraces({ households: [hours([0, 0])], seed: 3 });
    const { noLoad_W, resistance_mOhm, feederError_ppm, meterErrors_ppm } = quiet.figures;
    const shown = 1 + feederError_ppm / 1e6;
    expect(net(quiet.feeder)[0]).toBeCloseTo(noLoad_W * 3_600_000 * shown, -1);
    // 40 kW for an hour, each way.
    const drawn_mJ = 40_000 * 3_600_000;
    for (const direction of [1, -1]) {
      const row = direction > 0 ? [drawn_mJ, 0] : [0, drawn_mJ];
      const { feeder } = feederTraces({ households: [hours(row)], seed: 3 });
      const flowing_W = 40_000 * (1 - (meterErrors_ppm[0] ?? 0) / 1e6);
      const cable_W = (resistance_mOhm / 1_000) * (flowing_W / 400) ** 2;
      const expected_W = (direction * flowing_W + noLoad_W + cable_W) * shown;
      expect((net(feeder)[0] ?? 0) / 3_600_000).toBeCloseTo(expected_W, 3);
    }
  });

  it("has no power only where no household has", () => {
    const one = hours([3_600_000, 0], null, null);
    const other = hours([0, 0], [3_600_000, 0], null);
    const { feeder } = feederTraces({ households: [one, other], seed: 1 });
    expect(feeder.rows.map((row) => row === null)).toEqual([false, false, true]);
  });
});

describe("a bypass", () => {
  const bypass: Bypass = { household: 2, from_s: start_s + 86_400, share_percent: 40, above_W: 300 };
  const before = feederTraces({ households, seed: 9 });
  const after = feederTraces({ households, seed: 9, bypass });

  it("leaves the feeder and the other meters as they were", () => {
    expect(after.feeder).toEqual(before.feeder);
    for (const at of [0, 1, 3, 4, 5]) expect(after.metered[at]).toEqual(households[at]);
  });

  it("takes its share of what is drawn above a power from its meter's import, from its beginning on", () => {
    const rows = after.metered[2]?.rows ?? [];
    rows.forEach((row, at) => {
      const [import_mJ = 0, export_mJ = 0] = households[2]?.rows[at] ?? [];
      const above_mJ = at < 288 ? 0 : Math.max(0, import_mJ - 300 * 300_000);
      expect(row).toEqual([import_mJ - Math.round(above_mJ * 0.4), export_mJ]);
    });
    expect(rows).not.toEqual(households[2]?.rows);
  });

  it.each<[string, Partial<Bypass>]>([
    ["nobody", { household: 6 }],
    ["a fraction of a household", { household: 0.5 }],
    ["nothing", { share_percent: 0 }],
    ["more than all", { share_percent: 101 }],
    ["a negative power", { above_W: -1 }],
  ])("of %s is refused", (_, wrong) => {
    expect(() => feederTraces({ households, seed: 1, bypass: { ...bypass, ...wrong } })).toThrow(RangeError);
  });
});

describe("readings of a trace", () => {
  const half = (...Wh: number[]): Trace => ({
    ...hours(...Wh.map((each) => [Math.round(each * 3_600_000), 0])),
    step_s: 900,
  });

  it("are whole Wh, and what is left goes into the next", () => {
    expect(intervalReadings(half(0.4, 0.4, 0.4, 0.4, 0.9, 0.9), 1_800)).toEqual([
      [0, 0],
      [1, 0],
      [2, 0],
    ]);
  });

  it("are none where there was no power, and that interval's energy is in the next", () => {
    const trace: Trace = {
      ...half(1, 1, 1, 1),
      rows: [[3_600_000, 0], null, [3_600_000, 0], [3_600_000, 0]],
    };
    expect(intervalReadings(trace, 1_800)).toEqual([null, [3, 0]]);
  });

  it("need rows that fill intervals", () => {
    expect(() => intervalReadings(hours([0, 0]), 1_800)).toThrow(RangeError);
    expect(() => intervalReadings({ ...half(1, 1), start_s: 900 }, 1_800)).toThrow(RangeError);
  });
});

it("refuses no households, too many, and unequal ones", () => {
  const one = hours([0, 0]);
  expect(() => feederTraces({ households: [], seed: 1 })).toThrow("1 to 128 households, not 0");
  expect(() => feederTraces({ households: new Array<Trace>(129).fill(one), seed: 1 })).toThrow(RangeError);
  for (const other of [{ step_s: 900 }, { start_s: 3_600 }, { rows: [] }, { channels: ["1-0:1.8.0"] }]) {
    expect(() => feederTraces({ households: [one, { ...one, ...other }], seed: 1 })).toThrow(RangeError);
  }
});
