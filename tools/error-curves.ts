// Draws the error curves of a model's units as SVG: error over current, the limits of classes 1 and 2 around them.

/** One curve: error in % at currents in Ib, ascending. */
export interface ErrorCurve {
  readonly powerFactor: string;
  readonly direction: "import" | "export";
  readonly points: readonly (readonly [current_Ib: number, error: number])[];
}

/** A class's limit at unity, [current from which, %], ascending. */
export interface LimitSteps {
  readonly name: string;
  readonly steps: readonly (readonly [from_Ib: number, limit: number])[];
}

export interface ErrorPicture {
  readonly title: string;
  readonly curves: readonly ErrorCurve[];
  readonly limits: readonly LimitSteps[];
}

const [WIDTH, HEIGHT] = [900, 460];
const [LEFT, TOP, PLOT_WIDTH, PLOT_HEIGHT] = [72, 64, 800, 320];
const [FROM_Ib, TO_Ib] = [0.04, 15];
const TICKS_Ib = [0.05, 0.1, 0.2, 0.5, 1, 2, 6, 12];
const INK = "#1f2933";
const FAINT = "#9aa5b1";
const COLOURS: readonly string[] = ["#2364aa", "#e08e0b", "#3d8b37"];
const LIMIT_COLOURS: readonly string[] = ["#c0392b", "#d98880"];
/** Errors beyond are drawn at the edge. */
const ERROR_MAX = 50;

const escapeXml = (text: string) => text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
const text = (x: number, y: number, content: string, style: string) =>
  `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" fill="${INK}" ${style}>${escapeXml(content)}</text>`;

const xOf = (current_Ib: number) =>
  LEFT + (PLOT_WIDTH * Math.log(current_Ib / FROM_Ib)) / Math.log(TO_Ib / FROM_Ib);

/** The smallest of 1, 2, 3, 5 times a power of ten that holds it. */
function roundUp(value: number): number {
  for (let power = 0.1; power < ERROR_MAX; power *= 10)
    for (const step of [1, 2, 3, 5]) if (step * power >= value) return step * power;
  return ERROR_MAX;
}

/** An SVG document of 900 by 460 px. */
export function drawErrors({ title, curves, limits }: ErrorPicture): string {
  const largest = Math.max(
    ...curves.flatMap(({ points }) => points.map(([, error]) => Math.abs(error))),
    ...limits.flatMap(({ steps }) => steps.map(([, limit]) => limit)),
  );
  const top = roundUp(largest);
  const yOf = (error: number) => TOP + (PLOT_HEIGHT / 2) * (1 - Math.max(-1, Math.min(1, error / top)));
  const factors = [...new Set(curves.map(({ powerFactor }) => powerFactor))];
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${HEIGHT}" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif">`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="white"/>`,
    text(LEFT, 30, title, 'font-size="17"'),
    text(LEFT, 52, "error of the register, %, over the current, Ib", 'font-size="12"'),
    ...grid(top, yOf),
    ...limits.flatMap((limit, at) => limitLines(limit, yOf, LIMIT_COLOURS[at] ?? FAINT)),
    ...curves.map((curve) => curveLine(curve, yOf, COLOURS[factors.indexOf(curve.powerFactor)] ?? INK)),
    ...legend(factors, limits),
    "</svg>",
    "",
  ].join("\n");
}

function grid(top: number, yOf: (error: number) => number): string[] {
  const line = (x1: number, y1: number, x2: number, y2: number) =>
    `<line x1="${x1.toFixed(1)}" x2="${x2.toFixed(1)}" y1="${y1.toFixed(1)}" y2="${y2.toFixed(1)}" stroke="${FAINT}" stroke-width="0.5"/>`;
  const rows = [top, top / 2, 0, -top / 2, -top].flatMap((error) => [
    line(LEFT, yOf(error), LEFT + PLOT_WIDTH, yOf(error)),
    text(LEFT - 8, yOf(error) + 4, `${Number(error.toFixed(3))}`, 'font-size="12" text-anchor="end"'),
  ]);
  const columns = TICKS_Ib.flatMap((current_Ib) => [
    line(xOf(current_Ib), TOP, xOf(current_Ib), TOP + PLOT_HEIGHT),
    text(xOf(current_Ib), TOP + PLOT_HEIGHT + 18, `${current_Ib}`, 'font-size="12" text-anchor="middle"'),
  ]);
  return [...rows, ...columns];
}

function limitLines({ steps }: LimitSteps, yOf: (error: number) => number, colour: string): string[] {
  return [1, -1].map((sign) => {
    const places = steps.flatMap(([from_Ib, limit], at) => {
      const to_Ib = steps[at + 1]?.[0] ?? 12;
      return [from_Ib, to_Ib].map((current) => `${xOf(current).toFixed(1)},${yOf(sign * limit).toFixed(1)}`);
    });
    return `<polyline points="${places.join(" ")}" fill="none" stroke="${colour}" stroke-width="1.6"/>`;
  });
}

function curveLine({ points, direction }: ErrorCurve, yOf: (error: number) => number, colour: string) {
  const places = points.map(([current, error]) => `${xOf(current).toFixed(1)},${yOf(error).toFixed(1)}`);
  const dashes = direction === "export" ? ' stroke-dasharray="5 3"' : "";
  return `<polyline points="${places.join(" ")}" fill="none" stroke="${colour}" stroke-width="1"${dashes}/>`;
}

function legend(factors: readonly string[], limits: readonly LimitSteps[]): string[] {
  const entries = [
    ...factors.map((factor, at) => [`cos phi ${factor}`, COLOURS[at] ?? INK] as const),
    ...limits.map(
      ({ name }, at) => [`limit of class ${name} at cos phi 1`, LIMIT_COLOURS[at] ?? FAINT] as const,
    ),
  ];
  const y = TOP + PLOT_HEIGHT + 44;
  const step = PLOT_WIDTH / Math.max(1, entries.length);
  return [
    ...entries.flatMap(([name, colour], at) => [
      `<rect x="${(LEFT + at * step).toFixed(1)}" y="${y - 10}" width="12" height="12" fill="${colour}"/>`,
      text(LEFT + at * step + 17, y, name, 'font-size="12"'),
    ]),
    text(LEFT, y + 22, "a line for each unit; export dashed", 'font-size="12"'),
  ];
}
