// What a station's meter sees of several cables.
import { describe, expect, it } from "vitest";
import { stationTraces } from "../../host-sim/station.js";
import { EXPORT_OBIS, IMPORT_OBIS, type Trace } from "../../host-sim/trace.js";

const KWH_MJ = 3_600_000_000;

/** A household that draws so much a row, or feeds it in; null: it has no power. */
const household = (...rows: readonly (number | null)[]): Trace => ({
  start_s: 0,
  step_s: 3_600,
  channels: [IMPORT_OBIS, EXPORT_OBIS],
  rows: rows.map((net) => (net === null ? null : [Math.max(0, net) * KWH_MJ, Math.max(0, -net) * KWH_MJ])),
});

const netOf = ({ rows }: Trace) => rows.map((row) => row && (row[0] ?? 0) - (row[1] ?? 0));

describe("a station", () => {
  const many = Array.from({ length: 130 }, () => household(1, 2, -1));

  it("carries what its cables carry, netted, and leaves the households' meters as they are", () => {
    const { feeder, metered } = stationTraces(many, 5, null);
    expect(metered).toEqual(many);
    const [drawn, more, fed] = netOf(feeder) as [number, number, number];
    expect(drawn / KWH_MJ).toBeGreaterThan(130);
    expect(drawn / KWH_MJ).toBeLessThan(145);
    expect(more).toBeGreaterThan(2 * 130 * KWH_MJ);
    expect(fed).toBeLessThan(0);
    expect(stationTraces(many, 6, null).feeder).not.toEqual(feeder);
  });

  it("carries what goes past a meter all the same, whichever cable it is on", () => {
    const honest = stationTraces(many, 5, null);
    for (const at of [0, 64, 65, 129]) {
      const bypass = { household: at, from_s: 3_600, share_percent: 50, above_W: 0 };
      const { feeder, metered } = stationTraces(many, 5, bypass);
      expect(feeder).toEqual(honest.feeder);
      expect(metered[at]).toEqual({
        ...many[at],
        rows: [
          [KWH_MJ, 0],
          [KWH_MJ, 0],
          [0, KWH_MJ],
        ],
      });
      expect(metered.filter((_, other) => other !== at)).toEqual(many.slice(1));
    }
    const bypass = { household: 130, from_s: 0, share_percent: 50, above_W: 0 };
    expect(() => stationTraces(many, 5, bypass)).toThrow("one of the 130 households");
  });

  it("has no power when no household has", () => {
    const { feeder } = stationTraces([household(1, null, null), household(1, 1, null)], 5, null);
    expect(feeder.rows.map((row) => row === null)).toEqual([false, false, true]);
  });
});
