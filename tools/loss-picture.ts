// Draws feeder, street and loss day by day as SVG, the step marked.
import type { DailyLoss, LossEstimate } from "../src/aggregation/losses.js";
import { utc } from "./command-line.js";
import { ticksFor } from "./plot-ticks.js";

const [WIDTH, HEIGHT] = [1000, 560];
const [LEFT, PLOT_WIDTH] = [76, 890];
/** Upper and lower plot: top and height, px. */
const [POWER_TOP, POWER_HEIGHT, LOSS_TOP, LOSS_HEIGHT] = [76, 180, 306, 180];
const INK = "#1f2933";
const FAINT = "#9aa5b1";
const [FEEDER, STREET, LOSS, EXPLAINED, STEP] = ["#2364aa", "#e08e0b", "#c0392b", "#3d8b37", "#7b2cbf"];
const DAY_LABELS = 8;

const escapeXml = (text: string) => text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
const text = (x: number, y: number, content: string, style: string) =>
  `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" fill="${INK}" ${style}>${escapeXml(content)}</text>`;
const line = (x1: number, y1: number, x2: number, y2: number, style: string) =>
  `<line x1="${x1.toFixed(1)}" x2="${x2.toFixed(1)}" y1="${y1.toFixed(1)}" y2="${y2.toFixed(1)}" ${style}/>`;

/** A plot's place, and the values at its grid, of which the first and last are at its edges. */
interface Frame {
  readonly top: number;
  readonly height: number;
  readonly ticks: readonly number[];
}

function yOf({ top, height, ticks }: Frame, value: number): number {
  const [least = 0, most = 1] = [ticks[0], ticks.at(-1)];
  return top + (height * (most - value)) / (most - least);
}

/** An SVG document of 1,000 by 560 px. */
export function drawLosses(
  { days, step }: LossEstimate,
  intervalSeconds: number,
  groups: readonly string[],
): string {
  const first = days[0]?.day ?? 0;
  const span = Math.max(1, (days.at(-1)?.day ?? first) - first + 1);
  const xOf = (day: number) => LEFT + (PLOT_WIDTH * (day - first)) / span;
  const mean_W = (Wh: number, { intervals }: DailyLoss) => (Wh * 3_600) / (intervals * intervalSeconds);
  const curve = (value: (day: DailyLoss) => number, colour: string) => ({ values: days.map(value), colour });
  const powers = [
    curve((day) => mean_W(day.feeder_Wh, day) / 1_000, FEEDER),
    curve((day) => mean_W(day.street_Wh, day) / 1_000, STREET),
  ];
  const losses = [
    curve((day) => mean_W(day.loss_Wh, day), LOSS),
    curve((day) => mean_W(day.explained_Wh, day), EXPLAINED),
  ];
  const plot = (top: number, height: number, curves: typeof powers) => {
    const frame = { top, height, ticks: ticksFor(curves.flatMap(({ values }) => values)) };
    const points = (values: readonly number[]) =>
      values
        .map((value, at) => `${xOf((days[at]?.day ?? 0) + 0.5).toFixed(1)},${yOf(frame, value).toFixed(1)}`)
        .join(" ");
    return [
      ...gridOf(frame),
      ...curves.map(
        ({ values, colour }) =>
          `<polyline points="${points(values)}" fill="none" stroke="${colour}" stroke-width="1.6"/>`,
      ),
    ];
  };
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${HEIGHT}" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif">`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="white"/>`,
    text(
      LEFT,
      30,
      `Losses of ${groups.slice(0, 5).join(", ")}${groups.length > 5 ? " ..." : ""}`,
      'font-size="17"',
    ),
    ...legend(POWER_TOP - 22, "mean power of the day, kW", [
      ["feeder", FEEDER],
      ["sum of the street", STREET],
    ]),
    ...plot(POWER_TOP, POWER_HEIGHT, powers),
    ...legend(LOSS_TOP - 22, "mean loss of the day, W", [
      ["feeder less street", LOSS],
      ["explained", EXPLAINED],
    ]),
    ...plot(LOSS_TOP, LOSS_HEIGHT, losses),
    ...dayLabels(first, span, xOf),
    ...(step === null ? [] : stepMark(xOf((step.interval * intervalSeconds) / 86_400), step.size_W)),
    "</svg>",
    "",
  ].join("\n");
}

function gridOf(frame: Frame): string[] {
  return frame.ticks.flatMap((value) => {
    const y = yOf(frame, value);
    return [
      line(LEFT, y, LEFT + PLOT_WIDTH, y, `stroke="${FAINT}" stroke-width="0.5"`),
      text(LEFT - 8, y + 4, `${Number(value.toFixed(3))}`, 'font-size="12" text-anchor="end"'),
    ];
  });
}

function dayLabels(first: number, span: number, xOf: (day: number) => number): string[] {
  const every = Math.ceil(span / DAY_LABELS);
  return Array.from({ length: Math.ceil(span / every) }, (_, at) => {
    const day = first + at * every;
    return text(xOf(day), LOSS_TOP + LOSS_HEIGHT + 20, utc(day * 86_400).slice(0, 10), 'font-size="12"');
  });
}

function stepMark(x: number, size_W: number): string[] {
  const label = `step of ${size_W.toFixed(0)} W`;
  const anchor = x > LEFT + PLOT_WIDTH / 2 ? "end" : "start";
  return [
    line(
      x,
      POWER_TOP,
      x,
      LOSS_TOP + LOSS_HEIGHT,
      `stroke="${STEP}" stroke-width="1.4" stroke-dasharray="5 3"`,
    ),
    text(x, LOSS_TOP + LOSS_HEIGHT + 44, label, `font-size="13" text-anchor="${anchor}"`),
  ];
}

function legend(
  y: number,
  title: string,
  entries: readonly (readonly [name: string, colour: string])[],
): string[] {
  return [
    text(LEFT, y, title, 'font-size="13"'),
    ...entries.flatMap(([name, colour], at) => [
      `<rect x="${LEFT + 260 + at * 170}" y="${y - 10}" width="12" height="12" fill="${colour}"/>`,
      text(LEFT + 278 + at * 170, y, name, 'font-size="12"'),
    ]),
  ];
}
