// What the meter has to say, as pages of a small display. The unit's lines are laid out and nothing else: each is on
// a page whole and as it is, smaller or on more lines where it is long (WELMEC 7.2, U8), and lines of a form that
// is not known here are shown like any other. What is not the unit's (credit) has pages of its own, dark on lit under a heading,
// and cannot come onto one of the unit's, whatever it says (WELMEC 7.2, S2, mixed indication).
import { inLetters } from "./font.js";
import { LINE_LETTERS, LINES, linesOf, type Picture, type Size, WIDTH, widthOf } from "./picture.js";

/** A piece of text at its place; the pieces of a line, put together, are the line. */
export interface Row {
  readonly text: string;
  readonly size: Size;
  /** First column of dots, and the line of its upper edge. */
  readonly x: number;
  readonly line: number;
}

export type PageKind = "register" | "identity" | "time" | "supply" | "notice" | "pairing" | "credit";

export interface Page {
  readonly kind: PageKind;
  /** The display's own word for what it shows, or none. */
  readonly heading: string;
  readonly rows: readonly Row[];
}

/** The heading of what the unit does not answer for. */
const CREDIT_HEADING = "CREDIT";
/** Where lines begin, and go on. */
const LEFT_X = 1;
const CONTINUED_X = 7;

/** Texts in place, and pages as they fill. A page takes what fits, the next one the rest. */
class Layout {
  readonly pages: Page[] = [];
  readonly #kind: PageKind;
  readonly #heading: string;
  #rows: Row[] = [];
  #line = LINES;

  constructor(kind: PageKind, heading = "") {
    this.#kind = kind;
    this.#heading = heading;
  }

  /** Adds a text, smaller where it is too wide; a small one goes on in the next line, set in. */
  add(text: string, wanted: Size = "small"): this {
    const size = fitting(text, wanted);
    if (size === "small") this.#wrap(text);
    else this.#place(text, size, LEFT_X);
    return this;
  }

  /** The same at the right edge, if it fits a line. */
  addRight(text: string, wanted: Size): this {
    const size = fitting(text, wanted);
    if (size === "small") this.#wrap(text);
    else this.#place(text, size, WIDTH - widthOf(text.trimEnd(), size));
    return this;
  }

  /** Leaves a line free, if there is one. */
  gap(): this {
    this.#line = Math.min(this.#line + 1, LINES);
    return this;
  }

  #wrap(text: string): void {
    let from = 0;
    do {
      const to = from + pieceLength(text, from, from === 0 ? LINE_LETTERS : LINE_LETTERS - 1);
      this.#place(text.slice(from, to), "small", from === 0 ? LEFT_X : CONTINUED_X);
      from = to;
    } while (from < text.length);
  }

  #place(text: string, size: Size, x: number): void {
    if (this.#line + linesOf(size) > LINES) this.#turn();
    this.#rows.push({ text, size, x, line: this.#line });
    this.#line += linesOf(size);
  }

  #turn(): void {
    this.#rows = [];
    this.#line = this.#heading === "" ? 0 : 2;
    this.pages.push({ kind: this.#kind, heading: this.#heading, rows: this.#rows });
  }
}

/** The size, or the largest below it in which the font has the text and a line holds it; small may be wrapped. */
function fitting(text: string, wanted: Size): Size {
  const fits = (size: Size) => LEFT_X + widthOf(text.trimEnd(), size) <= WIDTH;
  if (wanted === "large" && /^[0-9.]+ ?$/.test(text) && fits("large")) return "large";
  return wanted !== "small" && fits("tall") ? "tall" : "small";
}

/**
 * Characters of `text` from `from` on that go onto a line: to the last space, or to the T of a date and time, else all
 * that fit. A space at the end may stand beyond the edge.
 */
function pieceLength(text: string, from: number, letters: number): number {
  if (text.length - from <= letters) return text.length - from;
  for (let length = letters + 1; length > 0; length--) {
    const last = text.charAt(from + length - 1);
    if (last === " ") return length;
    if (length <= letters && last === "T" && /^\dT\d$/.test(text.slice(from + length - 2, from + length + 1)))
      return length;
  }
  return letters;
}

const isTime = (line: string) => line === "time unconfirmed" || /^\d{4,}-\d\d-\d\dT[\d:.]+Z$/.test(line);

/** What a line of the unit tells, by its form (MetrologyUnit.display); `at` is its place. */
function kindOf(lines: readonly string[], at: number): PageKind {
  const line = lines[at] ?? "";
  const isNamed = (lines[1] ?? "").startsWith("software ");
  if (at < 2 && isNamed) return "identity";
  if (/^\d+-\d+:[\d.]+ \d+\.\d+ \S+$/.test(line)) return "register";
  if (isTime(line)) return "time";
  if (/^(load switch|batch \d+ sealed) /.test(line)) return "supply";
  if (line.startsWith("pair with ")) return "pairing";
  return "notice";
}

/** OBIS code, value and unit, the value as large as it can be. */
function registerPages(line: string): readonly Page[] {
  const value = line.indexOf(" ") + 1;
  const unit = line.lastIndexOf(" ") + 1;
  return new Layout("register")
    .add(line.slice(0, value))
    .gap()
    .addRight(line.slice(value, unit), "large")
    .gap()
    .addRight(line.slice(unit), "tall").pages;
}

function timePages(line: string): readonly Page[] {
  const layout = new Layout("time", line.endsWith("Z") ? "time confirmed, UTC" : "time");
  const date = line.indexOf("T") + 1;
  if (date > 0) layout.add(line.slice(0, date), "tall").gap();
  return layout.add(line.slice(date), "tall").pages;
}

/** Who asks to pair: a person compares the digits, so they stand in one line. */
function pairingPages(line: string): readonly Page[] {
  const [, ask = line, digits = "", rest = ""] = /^(pair with )([0-9a-f]+)(.*)$/.exec(line) ?? [];
  const layout = new Layout("pairing").add(ask);
  return digits === "" ? layout.pages : layout.gap().add(digits, "tall").gap().add(rest).pages;
}

/** Lines one below the other, as many as there is room for. */
function listPages(kind: PageKind, lines: readonly string[], heading = ""): readonly Page[] {
  const layout = new Layout(kind, heading);
  for (const line of lines) layout.add(line);
  return layout.pages;
}

/** The same with room between them. */
function partedPages(kind: PageKind, lines: readonly string[]): readonly Page[] {
  const layout = new Layout(kind);
  for (const line of lines) layout.add(line).gap();
  return layout.pages;
}

/**
 * The pages for what the unit and the credit logic have to say, in the order in which they are shown; a question that
 * waits for a person is a page of kind "pairing". They grow with the text and lose none of it.
 * @param unitLines of MetrologyUnit.display, or one line that says why there is no unit.
 * @param creditLines of the credit logic; empty without pre-payment.
 */
export function pagesOf(unitLines: readonly string[], creditLines: readonly string[]): readonly Page[] {
  const lines = unitLines.map(inLetters);
  const told = (kind: PageKind) => lines.filter((_, at) => kindOf(lines, at) === kind);
  return [
    ...told("register").flatMap(registerPages),
    ...partedPages("identity", told("identity")),
    ...told("time").flatMap(timePages),
    ...partedPages("supply", told("supply")),
    ...listPages("notice", told("notice"), "attention"),
    ...told("pairing").flatMap(pairingPages),
    ...listPages("credit", creditLines.map(inLetters), CREDIT_HEADING),
  ];
}

/** Draws a page onto a picture, in place of what was there. */
export function drawPage({ kind, heading, rows }: Page, picture: Picture): void {
  picture.clear();
  picture.text(heading, LEFT_X, 0, "small");
  for (const { text, size, x, line } of rows) picture.text(text.trimEnd(), x, line, size);
  if (kind === "credit") picture.invert();
}
