// Draws a day on pre-payment: credit over the hours, where the load switch stood, and what was paid in. Once as SVG,
// once in the characters of a terminal.
import { Switch } from "../src/credit/credit.js";
import { document, FAINT, INK, text } from "./svg.js";

/** What the meter showed at a moment of the day. */
export interface CreditPoint {
  /** Local hours since midnight, 0 to 24. */
  readonly hour: number;
  /** Cents. */
  readonly credit: number;
  /** 0 open, 1 ready for reconnection, 2 closed. */
  readonly loadSwitch: number;
}

/** Local hours. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

export interface CreditPicture {
  readonly title: string;
  readonly currency: string;
  /** In order of time, at least one. */
  readonly points: readonly CreditPoint[];
  readonly topUps: readonly { readonly hour: number; readonly cents: bigint }[];
  /** How far below zero credit may go, cents. */
  readonly emergency: number;
  /** No disconnection. */
  readonly protectedTimes: readonly Span[];
  /** No network. */
  readonly blocked: Span;
  readonly captions: readonly string[];
}

const HOURS_A_DAY = 24;
const CENTS = 100;
const [WIDTH, HEIGHT, LEFT, PLOT_WIDTH, TOP, PLOT_HEIGHT] = [1120, 470, 70, 1000, 84, 220] as const;
const BAND_Y = TOP + PLOT_HEIGHT + 26;
const BAND_HEIGHT = 18;
const HOURS = [0, 3, 6, 9, 12, 15, 18, 21, 24];
const CREDIT = "#2364aa";
const PROTECTED = "#eef2f6";
const BLOCKED = "#fbe3d6";
const STATES = [
  { loadSwitch: Switch.CLOSED, colour: "#4d9c6b", says: "closed", legendX: 120 },
  { loadSwitch: Switch.READY, colour: "#e08e0b", says: "ready: a person may close it", legendX: 210 },
  { loadSwitch: Switch.OPEN, colour: "#b3392f", says: "open", legendX: 420 },
] as const;

/** Cents as an amount of the currency. */
export const amount = (cents: number | bigint) => (Number(cents) / CENTS).toFixed(2);

const x = (hour: number) => Number((LEFT + (hour / HOURS_A_DAY) * PLOT_WIDTH).toFixed(1));

/** Least and greatest cents drawn; zero and emergency credit are always among them. */
function rangeOf({ points, emergency }: CreditPicture): readonly [least: number, most: number] {
  const credits = points.map(({ credit }) => credit);
  return [Math.min(-emergency, ...credits), Math.max(CENTS, ...credits)];
}

const rectangle = ({ from, to }: Span, y: number, height: number, fill: string) =>
  `<rect x="${x(from)}" y="${y}" width="${(x(to) - x(from)).toFixed(1)}" height="${height}" fill="${fill}"/>`;

/** Spans of one state of the switch, each until the next point of another, the last until midnight. */
function statesOf(points: readonly CreditPoint[]): readonly (Span & { readonly loadSwitch: number })[] {
  const changes = points.filter(({ loadSwitch }, at) => loadSwitch !== points[at - 1]?.loadSwitch);
  return changes.map(({ hour, loadSwitch }, at) => ({
    from: at === 0 ? 0 : hour,
    to: changes[at + 1]?.hour ?? HOURS_A_DAY,
    loadSwitch,
  }));
}

function switchBand({ points }: CreditPicture): string[] {
  const bands = statesOf(points).map((span) => {
    const state = STATES.find(({ loadSwitch }) => loadSwitch === span.loadSwitch);
    return rectangle(span, BAND_Y, BAND_HEIGHT, state?.colour ?? FAINT);
  });
  const legendY = BAND_Y + BAND_HEIGHT + 42;
  const legend = STATES.flatMap(({ colour, says, legendX }) => {
    const left = LEFT + legendX;
    return [
      `<rect x="${left}" y="${legendY - 10}" width="12" height="12" fill="${colour}"/>`,
      text(left + 18, legendY, says, 'font-size="13"'),
    ];
  });
  return [...bands, text(LEFT, legendY, "the load switch", 'font-size="13"'), ...legend];
}

/** An SVG document of 1,120 by 470 px. */
export function drawCredit(picture: CreditPicture): string {
  const { title, currency, points, topUps, emergency, protectedTimes, blocked, captions } = picture;
  const [least, most] = rangeOf(picture);
  const y = (cents: number) => Number((TOP + ((most - cents) / (most - least)) * PLOT_HEIGHT).toFixed(1));
  const line = (cents: number, style: string) =>
    `<line x1="${LEFT}" x2="${LEFT + PLOT_WIDTH}" y1="${y(cents)}" y2="${y(cents)}" ${style}/>`;
  const wholes = Array.from({ length: Math.floor(most / CENTS) + 1 }, (_, at) => at * CENTS);
  const scale = wholes.flatMap((cents) => [
    line(cents, `stroke="${cents === 0 ? INK : FAINT}" stroke-width="0.6"`),
    text(LEFT - 8, y(cents) + 4, `${cents / CENTS}`, 'font-size="12" text-anchor="end"'),
  ]);
  const curve = points.map(({ hour, credit }) => `${x(hour)},${y(credit)}`).join(" ");
  const paid = topUps.map(({ hour, cents }) =>
    text(x(hour) + 4, TOP - 6, `+ ${amount(cents)} ${currency}`, 'font-size="12"'),
  );
  const captionY = BAND_Y + BAND_HEIGHT + 68;
  return document(WIDTH, HEIGHT, [
    text(LEFT, 32, title, 'font-size="18"'),
    text(
      LEFT,
      54,
      `credit in ${currency}; grey: protected hours, red: no network, the plug pulled`,
      'font-size="12"',
    ),
    ...protectedTimes.map((span) => rectangle(span, TOP, PLOT_HEIGHT, PROTECTED)),
    rectangle(blocked, TOP, PLOT_HEIGHT, BLOCKED),
    ...scale,
    line(-emergency, `stroke="${INK}" stroke-width="0.8" stroke-dasharray="4 3"`),
    `<polyline points="${curve}" fill="none" stroke="${CREDIT}" stroke-width="2"/>`,
    ...paid,
    ...switchBand(picture),
    ...HOURS.map((hour) =>
      text(x(hour), TOP + PLOT_HEIGHT + 16, `${hour}:00`, 'font-size="12" text-anchor="middle"'),
    ),
    ...captions.map((caption, at) => text(LEFT, captionY + 20 * at, caption, 'font-size="13"')),
  ]);
}

/** Half-hours in columns, and so many rows of blocks, each an eighth of a character high. */
const [COLUMNS, ROWS, EIGHTHS] = [48, 4, 8] as const;
const BLOCKS = " ▁▂▃▄▅▆▇█";
const MARKS: Readonly<Record<number, string>> = {
  [Switch.OPEN]: "·",
  [Switch.READY]: "o",
  [Switch.CLOSED]: "━",
};
const LABEL = 12;

/** The same in characters: blocks from the least credit of the day up, the switch below, and the hours. */
export function chartCredit(picture: CreditPicture): string[] {
  const [least, most] = rangeOf(picture);
  const columns = Array.from({ length: COLUMNS }, (_, at) => {
    const end = ((at + 1) * HOURS_A_DAY) / COLUMNS;
    return picture.points.filter(({ hour }) => hour < end).at(-1);
  });
  const heights = columns.map((point) =>
    point ? Math.round(((point.credit - least) / (most - least)) * ROWS * EIGHTHS) : 0,
  );
  const rows = Array.from({ length: ROWS }, (_, at) => {
    const base = (ROWS - 1 - at) * EIGHTHS;
    const label = at === 0 ? amount(most) : at === ROWS - 1 ? amount(least) : "";
    const blocks = heights.map((height) => BLOCKS[Math.min(EIGHTHS, Math.max(0, height - base))]).join("");
    return `${label.padStart(LABEL)} ${blocks}`.trimEnd();
  });
  const states = columns.map((point) => MARKS[point?.loadSwitch ?? Switch.CLOSED]).join("");
  const hours = Array.from({ length: COLUMNS / 8 }, (_, at) => `${4 * at}`.padEnd(8)).join("");
  return [
    ...rows,
    `${"load switch".padStart(LABEL)} ${states}  ━ closed, · open, o ready`,
    `${"hour".padStart(LABEL)} ${hours}24`,
  ];
}
