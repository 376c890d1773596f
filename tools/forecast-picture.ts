// Draws the last days of a street's sum and the forecast after them as SVG.
import type { Forecast } from "../src/aggregation/forecast.js";
import { DAY_SECONDS } from "../src/trusted/metrology/interval.js";
import { utc } from "./command-line.js";
import { ticksFor } from "./plot-ticks.js";

export interface ForecastPicture {
  readonly known: readonly (number | null)[];
  readonly forecast: Forecast;
  /** Unix seconds at which the forecast begins. */
  readonly from_s: number;
  readonly intervalSeconds: number;
}

const [WIDTH, HEIGHT] = [1000, 400];
const [LEFT, TOP, PLOT_WIDTH, PLOT_HEIGHT] = [76, 64, 890, 270];
const SHOWN_DAYS = 7;
const INK = "#1f2933";
const FAINT = "#9aa5b1";
const [KNOWN, FORECAST] = ["#2364aa", "#e08e0b"];

const text = (x: number, y: number, content: string, style: string) =>
  `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" fill="${INK}" ${style}>${content}</text>`;

/** An SVG document of 1,000 by 400 px. */
export function drawForecast({ known, forecast, from_s, intervalSeconds }: ForecastPicture): string {
  const shown = known.slice((-SHOWN_DAYS * DAY_SECONDS) / intervalSeconds);
  const kW = (Wh: number) => (Wh * 3.6) / intervalSeconds;
  const past = shown.map((Wh) => (Wh === null ? null : kW(Wh)));
  const future = forecast.forecast_Wh.map(kW);
  const rows = ticksFor([...past, ...future].filter((value) => value !== null));
  const [least = 0, most = 1] = [rows[0], rows.at(-1)];
  const count = shown.length + future.length;
  const xOf = (at: number) => LEFT + (PLOT_WIDTH * at) / count;
  const yOf = (value: number) => TOP + (PLOT_HEIGHT * (most - value)) / (most - least);
  const first_s = from_s - shown.length * intervalSeconds;
  const midnights = Array.from(
    { length: Math.ceil((count * intervalSeconds) / DAY_SECONDS) + 1 },
    (_, day) => (Math.ceil(first_s / DAY_SECONDS) + day) * DAY_SECONDS,
  ).filter((time_s) => time_s < first_s + count * intervalSeconds);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${HEIGHT}" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif">`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="white"/>`,
    text(LEFT, 28, "Import less export of a street, kW", 'font-size="17"'),
    `<rect x="${LEFT}" y="40" width="12" height="12" fill="${KNOWN}"/>`,
    text(LEFT + 18, 50, "the sum", 'font-size="12"'),
    `<rect x="${LEFT + 110}" y="40" width="12" height="12" fill="${FORECAST}"/>`,
    text(LEFT + 128, 50, `forecast: ${forecast.model}`, 'font-size="12"'),
    ...rows.flatMap((value) => [
      `<line x1="${LEFT}" x2="${LEFT + PLOT_WIDTH}" y1="${yOf(value).toFixed(1)}" y2="${yOf(value).toFixed(1)}" stroke="${FAINT}" stroke-width="0.5"/>`,
      text(LEFT - 8, yOf(value) + 4, `${Number(value.toFixed(3))}`, 'font-size="12" text-anchor="end"'),
    ]),
    ...midnights.map((time_s) =>
      text(
        xOf((time_s - first_s) / intervalSeconds),
        TOP + PLOT_HEIGHT + 20,
        utc(time_s).slice(5, 10),
        'font-size="12"',
      ),
    ),
    ...runsOf(past).map((run) => curve(run, KNOWN, xOf, yOf)),
    curve({ from: shown.length, values: future }, FORECAST, xOf, yOf),
    "</svg>",
    "",
  ].join("\n");
}

/** Values on end, and the position of the first. */
interface Run {
  readonly from: number;
  readonly values: readonly number[];
}

/** Nothing is drawn across a gap. */
function runsOf(values: readonly (number | null)[]): readonly Run[] {
  const runs: { from: number; values: number[] }[] = [];
  for (const [at, value] of values.entries()) {
    if (value === null) continue;
    const last = runs.at(-1);
    if (last !== undefined && last.from + last.values.length === at) last.values.push(value);
    else runs.push({ from: at, values: [value] });
  }
  return runs;
}

function curve(
  { from, values }: Run,
  colour: string,
  xOf: (at: number) => number,
  yOf: (value: number) => number,
) {
  const points = values.map((value, at) => `${xOf(from + at + 0.5).toFixed(1)},${yOf(value).toFixed(1)}`);
  return `<polyline points="${points.join(" ")}" fill="none" stroke="${colour}" stroke-width="1.4"/>`;
}
