// The front ends of a simulated meter over one and the same load: each registers what flowed, as far as it can tell.
import { describe, expect, it } from "vitest";
import { type FrontEndName, frontEndOver } from "../../host-sim/front-ends.js";
import { householdTrace } from "../../host-sim/household.js";
import { pairedKey, recordOf, simulate } from "../../host-sim/simulation.js";
import type { Trace } from "../../host-sim/trace.js";
import { checkMeter } from "../../src/customer/check.js";
import { decodePairing } from "../../src/customer/messages.js";
import { decodeSign1 } from "../../src/trusted/encoding/cose.js";
import { MILLIJOULES_PER_WH } from "../../src/trusted/metrology/registers.js";

const START_S = 1_767_225_600; // 1 January 2026, 00:00 UTC
const METER_ID = "SM-0001";
const household = householdTrace({ seed: 1, start_s: START_S, days: 1, step_s: 900, utcOffset_h: 0 });
/** What flowed, and what of it remains when each row is netted, Wh. */
const grossWh = [0, 1].map((channel) => sum(household, (row) => row[channel] ?? 0));
const netWh = [0, 1].map((channel) =>
  sum(household, ([drawn = 0, fed = 0]) => Math.max(0, (channel === 0 ? 1 : -1) * (drawn - fed))),
);

function sum({ rows }: Trace, of: (row: readonly number[]) => number): number {
  return rows.reduce((total, row) => total + (row ? of(row) : 0), 0) / MILLIJOULES_PER_WH;
}

function measuredWith(name: FrontEndName, trace = household) {
  const frontEnd = frontEndOver(name, trace);
  const world = simulate({ trace, meterId: METER_ID, intervalSeconds: 1800, seed: 1, frontEnd });
  const { epoch, ephemeral } = decodePairing(decodeSign1(world.enrolment.pairing, "pairing-1", 512).payload);
  const keys = { meterId: METER_ID, epoch, K: pairedKey(world, ephemeral, epoch) };
  const checked = checkMeter(recordOf(world), keys, world.parties.authority.publicKey);
  const statuses = checked.batches.flatMap(({ intervals }) => intervals.map(({ status }) => status));
  return { totals_Wh: checked.totals_Wh, statuses: statuses.slice(1), display: world.device.display() };
}

describe("a day of a household", () => {
  it("is the trace's to the watt hour, read as it is", () => {
    const { totals_Wh, statuses } = measuredWith("trace");
    totals_Wh.forEach((Wh, channel) => {
      expect(Math.abs(Wh - (grossWh[channel] ?? 0))).toBeLessThanOrEqual(1);
    });
    expect(new Set(statuses)).toEqual(new Set([0]));
  });

  it("is the trace's to a pulse of the counted meter, a watt hour each", () => {
    const { totals_Wh, statuses } = measuredWith("pulse");
    totals_Wh.forEach((Wh, channel) => {
      expect(Math.abs(Wh - (grossWh[channel] ?? 0))).toBeLessThanOrEqual(2);
    });
    expect(new Set(statuses)).toEqual(new Set([0]));
  });

  it("is the trace's, netted in one element, by a chip on its bus", () => {
    const { totals_Wh, statuses } = measuredWith("chip");
    totals_Wh.forEach((Wh, channel) => {
      const expected = netWh[channel] ?? 0;
      // The model takes power in millionths of its full scale; it starts with the meter, and is then configured.
      expect(Math.abs(Wh - expected)).toBeLessThanOrEqual(2 + 0.001 * expected);
    });
    expect(new Set(statuses)).toEqual(new Set([0]));
  });
});

describe("an hour of a household", () => {
  it("is the trace's within class 1, sampled as waveforms", () => {
    // From ten in the morning: sun and a kettle.
    const rows = household.rows.slice(40, 44);
    const hour = { ...household, start_s: household.start_s + 40 * 900, rows };
    const { totals_Wh, statuses } = measuredWith("waveform", hour);
    for (const [channel, Wh] of totals_Wh.entries()) {
      const expected = sum(hour, ([drawn = 0, fed = 0]) =>
        Math.max(0, (channel === 0 ? 1 : -1) * (drawn - fed)),
      );
      expect(Math.abs(Wh - expected)).toBeLessThanOrEqual(2 + 0.01 * expected);
    }
    expect(totals_Wh.some((Wh) => Wh > 100)).toBe(true);
    // But for the last, which ends in the dark.
    expect(new Set(statuses.slice(0, -1))).toEqual(new Set([0]));
  });
});
