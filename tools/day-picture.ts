// Draws one day twice, as SVG: as the customer sees it, and as the supplier does.
import { document, FAINT, scaleTop, text } from "./svg.js";

/** Readings of one interval, Wh, and the commitment that the supplier has instead. */
export interface DrawnInterval {
  readonly import_Wh: number;
  readonly export_Wh: number;
  /** 32 bytes. */
  readonly commitment: Uint8Array;
}

export interface DayPicture {
  readonly title: string;
  /** All of one local day, in order, at most 96; null where the meter had no power. */
  readonly intervals: readonly (DrawnInterval | null)[];
  /** What the supplier learned, a line each. */
  readonly supplierLines: readonly string[];
}

const [WIDTH, HEIGHT] = [1120, 430];
/** Plot areas: left edge, width; both share top and height, px. */
const [CUSTOMER_X, SUPPLIER_X, PANEL_WIDTH, TOP, PLOT_HEIGHT] = [64, 610, 460, 92, 230];
const HOURS = [0, 6, 12, 18, 24];
const IMPORT = "#2364aa";
const EXPORT = "#e08e0b";

function hourAxis(left: number, y: number): string[] {
  return HOURS.map((hour) => {
    const x = left + (hour / 24) * PANEL_WIDTH;
    return text(x, y, `${hour}:00`, 'font-size="12" text-anchor="middle"');
  });
}

function customerPanel({ intervals }: DayPicture): string[] {
  const known = intervals.filter((interval) => interval !== null);
  const upper_Wh = scaleTop(Math.max(...known.map(({ import_Wh }) => import_Wh), 1));
  const half_Wh = upper_Wh / 2;
  const lower_Wh = half_Wh * Math.ceil(Math.max(...known.map(({ export_Wh }) => export_Wh), 0) / half_Wh);
  const perWh = PLOT_HEIGHT / (upper_Wh + lower_Wh);
  const zero = TOP + upper_Wh * perWh;
  const step = PANEL_WIDTH / intervals.length;
  const bars = intervals.flatMap((interval, at) => {
    if (!interval) return [];
    const { import_Wh, export_Wh } = interval;
    const x = (CUSTOMER_X + at * step + 0.5).toFixed(1);
    const bar = (y: number, Wh: number, colour: string) =>
      `<rect x="${x}" y="${y.toFixed(1)}" width="${(step - 1).toFixed(1)}" height="${(Wh * perWh).toFixed(1)}" fill="${colour}"/>`;
    return [bar(zero - import_Wh * perWh, import_Wh, IMPORT), bar(zero, export_Wh, EXPORT)];
  });
  const lines = [upper_Wh, upper_Wh / 2, 0, ...(lower_Wh > 0 ? [-lower_Wh] : [])].flatMap((Wh) => {
    const y = (zero - Wh * perWh).toFixed(1);
    const label = text(CUSTOMER_X - 8, Number(y) + 4, `${Wh / 1000}`, 'font-size="12" text-anchor="end"');
    const [from, to] = [CUSTOMER_X, CUSTOMER_X + PANEL_WIDTH];
    return [
      `<line x1="${from}" x2="${to}" y1="${y}" y2="${y}" stroke="${FAINT}" stroke-width="0.6"/>`,
      label,
    ];
  });
  const legendY = TOP + PLOT_HEIGHT + 48;
  return [
    text(CUSTOMER_X, 62, "What the customer sees", 'font-size="16" font-weight="bold"'),
    text(CUSTOMER_X, 80, "kWh an interval", 'font-size="12"'),
    ...lines,
    ...bars,
    ...hourAxis(CUSTOMER_X, TOP + PLOT_HEIGHT + 20),
    `<rect x="${CUSTOMER_X}" y="${legendY - 10}" width="12" height="12" fill="${IMPORT}"/>`,
    text(CUSTOMER_X + 18, legendY, "taken from the grid", 'font-size="13"'),
    `<rect x="${CUSTOMER_X + 170}" y="${legendY - 10}" width="12" height="12" fill="${EXPORT}"/>`,
    text(CUSTOMER_X + 188, legendY, "fed in", 'font-size="13"'),
  ];
}

/** Each commitment is a column of its 32 bytes, dark to light. */
function supplierPanel({ intervals, supplierLines }: DayPicture): string[] {
  const step = PANEL_WIDTH / intervals.length;
  const cell = PLOT_HEIGHT / 32;
  const cells = intervals.flatMap((interval, at) =>
    Array.from(interval?.commitment ?? [], (byte, row) => {
      const [x, y] = [SUPPLIER_X + at * step, TOP + row * cell];
      const fill = `rgb(${byte},${byte},${Math.min(255, byte + 24)})`;
      return `<rect x="${x.toFixed(1)}" y="${y.toFixed(1)}" width="${step.toFixed(1)}" height="${cell.toFixed(1)}" fill="${fill}"/>`;
    }),
  );
  return [
    text(SUPPLIER_X, 62, "What the supplier sees", 'font-size="16" font-weight="bold"'),
    text(SUPPLIER_X, 80, "the commitments of the same day, 32 bytes a column", 'font-size="12"'),
    ...cells,
    ...hourAxis(SUPPLIER_X, TOP + PLOT_HEIGHT + 20),
    ...supplierLines.map((line, at) =>
      text(SUPPLIER_X, TOP + PLOT_HEIGHT + 48 + 18 * at, line, 'font-size="13"'),
    ),
  ];
}

/** An SVG document of 1,120 by 430 px. */
export function drawDay(picture: DayPicture): string {
  return document(WIDTH, HEIGHT, [
    text(CUSTOMER_X, 32, picture.title, 'font-size="18"'),
    ...customerPanel(picture),
    ...supplierPanel(picture),
  ]);
}
