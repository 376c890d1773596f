// Draws a street's curve as SVG: what all its meters together have used in each interval, a line a channel.
import { document, FAINT, scaleTop, text } from "./svg.js";

/** The total of one interval. */
export interface DrawnTotal {
  readonly start_s: number;
  readonly sum_Wh: number;
  /** Meters that are in it; none: nothing is drawn. */
  readonly meters: number;
  /** Whether some group has no sum: drawn faint. */
  readonly isPartial: boolean;
}

export interface StreetPicture {
  readonly title: string;
  readonly intervalSeconds: number;
  /** By time, ascending; at least one line has one. */
  readonly lines: readonly { readonly label: string; readonly totals: readonly DrawnTotal[] }[];
}

const [WIDTH, HEIGHT] = [1000, 440];
const [LEFT, TOP, PLOT_WIDTH, PLOT_HEIGHT] = [72, 72, 900, 280];
const COLOURS = ["#2364aa", "#e08e0b", "#3d8b37", "#8e44ad", "#c0392b", "#16a085", "#7f8c8d", "#2c3e50"];
/** Labels of the axis of time, at most. */
const LABELS_MAX = 9;
const STEPS_S = [1, 2, 3, 6, 12, 24, 48, 120, 240, 720, 1440].map((hours) => 3600 * hours);

interface Scale {
  readonly xOf: (time_s: number) => string;
  readonly yOf: (Wh: number) => string;
}

function timeAxis(from_s: number, to_s: number, { xOf }: Scale): string[] {
  const step_s = STEPS_S.find((step) => (to_s - from_s) / step < LABELS_MAX) ?? to_s - from_s;
  const first_s = Math.ceil(from_s / step_s) * step_s;
  const labels = Array.from(
    { length: Math.floor((to_s - first_s) / step_s) + 1 },
    (_, at) => first_s + at * step_s,
  );
  return labels.map((time_s) => {
    const [date = "", time = ""] = new Date(time_s * 1000).toISOString().split("T");
    const isMidnight = time.startsWith("00:00");
    const label = isMidnight ? date.slice(5) : time.slice(0, 5);
    return text(Number(xOf(time_s)), TOP + PLOT_HEIGHT + 20, label, 'font-size="12" text-anchor="middle"');
  });
}

function energyAxis(top_Wh: number, { yOf }: Scale): string[] {
  return [0, top_Wh / 2, top_Wh].flatMap((Wh) => [
    `<line x1="${LEFT}" x2="${LEFT + PLOT_WIDTH}" y1="${yOf(Wh)}" y2="${yOf(Wh)}" stroke="${FAINT}" stroke-width="0.6"/>`,
    text(LEFT - 8, Number(yOf(Wh)) + 4, `${Wh / 1000}`, 'font-size="12" text-anchor="end"'),
  ]);
}

/** A step for each interval that has a total. */
function steps(
  totals: readonly DrawnTotal[],
  intervalSeconds: number,
  colour: string,
  { xOf, yOf }: Scale,
): string[] {
  const drawn = totals.filter(({ meters }) => meters > 0);
  const flat = drawn.map(({ start_s, sum_Wh, isPartial }) => {
    const ends = `x1="${xOf(start_s)}" x2="${xOf(start_s + intervalSeconds)}" y1="${yOf(sum_Wh)}" y2="${yOf(sum_Wh)}"`;
    return `<line ${ends} stroke="${colour}" stroke-width="2" stroke-opacity="${isPartial ? 0.35 : 1}"/>`;
  });
  const upright = drawn.flatMap(({ start_s, sum_Wh }, at) => {
    const before = drawn[at - 1];
    if (before?.start_s !== start_s - intervalSeconds) return [];
    const ends = `x1="${xOf(start_s)}" x2="${xOf(start_s)}" y1="${yOf(before.sum_Wh)}" y2="${yOf(sum_Wh)}"`;
    return [`<line ${ends} stroke="${colour}" stroke-width="1"/>`];
  });
  return [...flat, ...upright];
}

/** An SVG document of 1,000 by 440 px. */
export function drawStreet({ title, intervalSeconds, lines }: StreetPicture): string {
  const totals = lines.flatMap((line) => line.totals);
  const from_s = totals.reduce((first, { start_s }) => Math.min(first, start_s), Number.MAX_SAFE_INTEGER);
  const to_s = totals.reduce((last, { start_s }) => Math.max(last, start_s), 0) + intervalSeconds;
  const top_Wh = scaleTop(totals.reduce((most, { sum_Wh }) => Math.max(most, sum_Wh), 1));
  const scale = {
    xOf: (time_s: number) => (LEFT + (PLOT_WIDTH * (time_s - from_s)) / (to_s - from_s)).toFixed(1),
    yOf: (Wh: number) => (TOP + PLOT_HEIGHT * (1 - Wh / top_Wh)).toFixed(1),
  };
  const colourOf = (at: number) => COLOURS[at % COLOURS.length] ?? FAINT;
  const legendY = TOP + PLOT_HEIGHT + 52;
  return document(WIDTH, HEIGHT, [
    text(LEFT, 34, title, 'font-size="18"'),
    text(
      LEFT,
      56,
      "kWh an interval, all meters together; faint where a group is not in it",
      'font-size="12"',
    ),
    ...energyAxis(top_Wh, scale),
    ...timeAxis(from_s, to_s, scale),
    ...lines.flatMap((line, at) => steps(line.totals, intervalSeconds, colourOf(at), scale)),
    ...lines.flatMap(({ label }, at) => [
      `<rect x="${LEFT + 110 * at}" y="${legendY - 10}" width="12" height="12" fill="${colourOf(at)}"/>`,
      text(LEFT + 110 * at + 18, legendY, label, 'font-size="13"'),
    ]),
  ]);
}
