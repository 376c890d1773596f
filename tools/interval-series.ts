// Series of intervals from the files that other commands write: sums of a street from `aggregate`, readings of a
// feeder from `readings --csv`. What is missing or not to be trusted is null, never a guess.
import { EXPORT_OBIS, IMPORT_OBIS } from "../host-sim/trace.js";
import { INTERVALS_MAX } from "../src/aggregation/losses.js";
import { FormatError } from "../src/trusted/encoding/bytes.js";
import { INTERVAL_SECONDS, Status, U32_MAX } from "../src/trusted/metrology/interval.js";
import { utc } from "./command-line.js";
import { type CsvRow, quoted, readCsv, wholeCell } from "./csv-rows.js";
import { parseInstant } from "./instant.js";

/** Net energy, import minus export, of intervals on end. */
export interface IntervalSeries {
  readonly intervalSeconds: number;
  readonly firstInterval: number;
  readonly net_Wh: readonly (number | null)[];
  /** Whether export is measured at all. */
  readonly hasExport: boolean;
}

/** What a street's groups sum up to. */
export interface StreetSums extends IntervalSeries {
  readonly groups: readonly string[];
  /** Meters in all groups together, of each interval of `net_Wh`; null where that is null. */
  readonly members: readonly (number | null)[];
  /** Rows without a sum, and rows left out because their sum is not verified. */
  readonly openRows: number;
  readonly leftOutRows: number;
}

const AGGREGATE_COLUMNS = [
  "interval",
  "start",
  "channel",
  "group",
  "roster",
  "members",
  "sum_Wh",
  "mean_Wh",
  "deviation_Wh",
  "state",
];
const READING_COLUMNS = ["start", "interval", "status", "state"];
const GROUP_ID = /^[A-Za-z0-9][A-Za-z0-9-]{0,31}$/;
const STATES = ["verified", "unverified", "repaired", "open"];
const GROUPS_MAX = 1024;
const GROUP_MEMBERS_MAX = 128;
/** A reading with one of these is not of a whole interval, or not to be relied on. */
const NOT_COMPARABLE = Status.POWER_LOST | Status.CLOCK_SET | Status.INCOMPLETE | Status.FAULT;

/**
 * A street's sums, of all groups that the file names: an interval in which the import or the export of any of
 * them has no sum is null. A file without export is taken for meters without.
 * @param isEverySumTaken take sums that are not verified as well.
 * @throws UsageError or FormatError, with the line, for a file that is no such CSV, holds two sums for the same
 *   interval, channel and group, no sum at all, or spans more than 13 months.
 */
export function readStreetSums(path: string, isEverySumTaken: boolean): StreetSums {
  const { rows } = readCsv(path, AGGREGATE_COLUMNS);
  const clock = new IntervalClock();
  const groups = new Set<string>();
  const sums = new Map<string, { readonly sum_Wh: number; readonly members: number }>();
  let [hasExport, openRows, leftOutRows] = [false, 0, 0];
  for (const row of rows) {
    const interval = clock.read(row);
    const [channel, group, state] = [row.cell("channel"), row.cell("group"), row.cell("state")];
    if (!GROUP_ID.test(group)) throw row.refuse(`${quoted(group)} is no group id`);
    if (!STATES.includes(state)) throw row.refuse(`${quoted(state)} is none of ${STATES.join(", ")}`);
    const members = wholeCell(row, "members", 0, GROUP_MEMBERS_MAX);
    if (channel !== IMPORT_OBIS && channel !== EXPORT_OBIS) continue;
    hasExport ||= channel === EXPORT_OBIS;
    groups.add(group);
    if (groups.size > GROUPS_MAX) throw row.refuse(`more than ${GROUPS_MAX} groups`);
    if (state === "open") openRows++;
    else if (state !== "verified" && !isEverySumTaken) leftOutRows++;
    else {
      const key = `${interval} ${channel} ${group}`;
      if (sums.has(key)) throw row.refuse(`a second sum of ${channel} of ${group} in interval ${interval}`);
      sums.set(key, { sum_Wh: wholeCell(row, "sum_Wh", 0, Number.MAX_SAFE_INTEGER), members });
    }
  }
  if (sums.size === 0)
    throw new FormatError(`${path}: no sum that may be used (${leftOutRows} not verified)`);
  const { intervalSeconds, first, count } = clock.span(path);
  const channels = hasExport ? [IMPORT_OBIS, EXPORT_OBIS] : [IMPORT_OBIS];
  const cells = Array.from({ length: count }, (_, at) => {
    const all = channels.map((channel) =>
      [...groups].map((group) => sums.get(`${first + at} ${channel} ${group}`)),
    );
    const isWhole = all.every((ofChannel) => ofChannel.every((cell) => cell !== undefined));
    const total = (of: (typeof all)[number] | undefined, value: "sum_Wh" | "members") =>
      (of ?? []).reduce((sum, cell) => sum + (cell?.[value] ?? 0), 0);
    return isWhole
      ? { net_Wh: total(all[0], "sum_Wh") - total(all[1], "sum_Wh"), members: total(all[0], "members") }
      : null;
  });
  return {
    intervalSeconds,
    firstInterval: first,
    net_Wh: cells.map((cell) => cell?.net_Wh ?? null),
    hasExport,
    groups: [...groups].sort(),
    members: cells.map((cell) => cell?.members ?? null),
    openRows,
    leftOutRows,
  };
}

/**
 * One meter's readings, net. Readings of an interval that was not measured whole, or with the clock set or a fault
 * in it, are null, and so are provisional ones unless they are asked for.
 * @throws UsageError or FormatError, with the line, for a file that is no such CSV.
 */
export function readFeeder(path: string, isProvisionalTaken: boolean): IntervalSeries {
  const { header, rows } = readCsv(path, READING_COLUMNS);
  if (!header.includes(IMPORT_OBIS)) throw new FormatError(`${path}:1: no column is named ${IMPORT_OBIS}`);
  const hasExport = header.includes(EXPORT_OBIS);
  const clock = new IntervalClock();
  const readings = new Map<number, number | null>();
  for (const row of rows) {
    const interval = clock.read(row);
    const state = row.cell("state");
    if (state !== "sealed" && state !== "provisional")
      throw row.refuse(`${quoted(state)} is no state of a reading`);
    const status = wholeCell(row, "status", 0, 255);
    const [imported = 0, exported = 0] = [IMPORT_OBIS, ...(hasExport ? [EXPORT_OBIS] : [])].map((channel) =>
      wholeCell(row, channel, 0, U32_MAX),
    );
    if (readings.has(interval)) throw row.refuse(`a second reading of interval ${interval}`);
    const isTaken = (status & NOT_COMPARABLE) === 0 && (state === "sealed" || isProvisionalTaken);
    readings.set(interval, isTaken ? imported - exported : null);
  }
  const { intervalSeconds, first, count } = clock.span(path);
  const net_Wh = Array.from({ length: count }, (_, at) => readings.get(first + at) ?? null);
  return { intervalSeconds, firstInterval: first, net_Wh, hasExport };
}

/** Reads the columns interval and start, which must agree on the length of an interval in all rows. */
class IntervalClock {
  #intervalSeconds: number | null = null;
  #first = Number.POSITIVE_INFINITY;
  #last = Number.NEGATIVE_INFINITY;

  read(row: CsvRow): number {
    const interval = wholeCell(row, "interval", 1, U32_MAX);
    const start = row.cell("start");
    const start_s = parseInstant(start);
    this.#intervalSeconds ??= INTERVAL_SECONDS.find((seconds) => start_s === interval * seconds) ?? null;
    if (this.#intervalSeconds === null || start_s !== interval * this.#intervalSeconds) {
      throw row.refuse(`interval ${interval} does not start at ${quoted(start)}`);
    }
    this.#first = Math.min(this.#first, interval);
    this.#last = Math.max(this.#last, interval);
    return interval;
  }

  /** @throws FormatError if there was no row, or more intervals lie between first and last than are handled. */
  span(path: string): { readonly intervalSeconds: number; readonly first: number; readonly count: number } {
    if (this.#intervalSeconds === null) throw new FormatError(`${path}: there are no rows below the header`);
    const count = this.#last - this.#first + 1;
    if (count > INTERVALS_MAX) {
      const [from, to] = [this.#first, this.#last].map((at) => utc(at * (this.#intervalSeconds ?? 0)));
      throw new FormatError(`${path}: ${from} to ${to} is more than ${INTERVALS_MAX} intervals`);
    }
    return { intervalSeconds: this.#intervalSeconds, first: this.#first, count };
  }
}
