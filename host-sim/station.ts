// The station that a street is fed from: a cable for every 128 households at most, each as host-sim/feeder.ts makes
// it, and one meter for all of them. Whatever is drawn past a household's meter flows through the station's all the
// same.
import { type Bypass, feederTraces } from "./feeder.js";
import { SeededRandom } from "./seeded.js";
import type { Fed } from "./street.js";
import { groupsOf } from "./street-rosters.js";
import type { Trace } from "./trace.js";

const CABLE_HOUSEHOLDS_MAX = 128;

/**
 * What a station's meter and those of its households measure.
 * @param households alike traces of import and export.
 * @param seed of the cables and of the meters' errors.
 * @throws RangeError for traces that differ in their rows, or a bypass of no household.
 */
export function stationTraces(households: readonly Trace[], seed: number, bypass: Bypass | null): Fed {
  const count = households.length;
  if (bypass && !(bypass.household >= 0 && bypass.household < count))
    throw new RangeError(`a bypass is of one of the ${count} households`);
  const cables = groupsOf(households, CABLE_HOUSEHOLDS_MAX);
  const fed = cables.map((own, at) => {
    const cableSeed = new SeededRandom(seed, "station", `cable ${at}`).nextU32();
    const household = (bypass?.household ?? -1) - cables.slice(0, at).flat().length;
    const isHere = bypass && household >= 0 && household < own.length;
    return feederTraces({
      households: own,
      seed: cableSeed,
      ...(isHere && { bypass: { ...bypass, household } }),
    });
  });
  return {
    feeder: sumOf(fed.map(({ feeder }) => feeder)),
    metered: fed.flatMap(({ metered }) => metered),
  };
}

/** What flows through all of these, netted row by row; null where none of them has power. */
function sumOf(feeders: readonly Trace[]): Trace {
  const [first] = feeders as readonly [Trace];
  const rows = first.rows.map((_, at) => {
    const own = feeders.map(({ rows }) => rows[at] ?? null).filter((row) => row !== null);
    if (own.length === 0) return null;
    const net_mJ = own.reduce((sum, [import_mJ = 0, export_mJ = 0]) => sum + import_mJ - export_mJ, 0);
    return [Math.max(0, net_mJ), Math.max(0, -net_mJ)];
  });
  return { ...first, rows };
}
