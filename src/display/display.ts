// The display of a meter with one button: a page every five seconds; a tap turns to the next, which then stays for a
// minute. A question that waits for a person comes before all else, at once and until it is answered. It keeps one
// picture and the place of a page; it never keeps what it has shown, and is asked anew with the lines of the moment.
import { drawPage, type Page, type PageKind, pagesOf } from "./pages.js";
import { Picture } from "./picture.js";

/** A page stands this long by itself, and this long after a tap, ms. */
const TURN_MS = 5_000;
const STAY_MS = 60_000;

export class Display {
  readonly #picture = new Picture();
  /** The page that is shown in turn: which of its kind, and its place among all. */
  #kind: PageKind = "register";
  #ofKind = 0;
  #at = 0;
  /** When the page turns by itself; null before the first. */
  #turn_ms: number | null = null;

  /**
   * Shows the page of this moment.
   * @param now_ms uptime, never falling: of the person who looks, where that is another than the meter's.
   * @param unitLines what the unit shows. @param creditLines what the credit logic shows, or nothing.
   * @param tapped whether the button was tapped since the last call. A question is not answered by it.
   * @returns always the same picture, drawn anew.
   */
  step(
    now_ms: number,
    unitLines: readonly string[],
    creditLines: readonly string[],
    tapped: boolean,
  ): Picture {
    const pages = pagesOf(unitLines, creditLines);
    const questions = pages.filter(({ kind }) => kind === "pairing");
    const page =
      questions[Math.floor(now_ms / TURN_MS) % questions.length] ?? this.#turn(pages, now_ms, tapped);
    if (page) drawPage(page, this.#picture);
    else this.#picture.clear();
    return this.#picture;
  }

  /** Pages may have come and gone before the one that is shown: it is found by its kind, or else by its place. */
  #turn(pages: readonly Page[], now_ms: number, tapped: boolean): Page | undefined {
    const found = pages.findIndex(({ kind }) => kind === this.#kind) + this.#ofKind;
    if (pages[found]?.kind === this.#kind) this.#at = found;
    const isDue = this.#turn_ms !== null && now_ms >= this.#turn_ms;
    if (tapped || isDue) this.#at++;
    if (tapped || isDue || this.#turn_ms === null) this.#turn_ms = now_ms + (tapped ? STAY_MS : TURN_MS);
    if (this.#at >= pages.length) this.#at = 0;
    const page = pages[this.#at];
    if (!page) return undefined;
    this.#kind = page.kind;
    this.#ofKind = this.#at - pages.findIndex(({ kind }) => kind === page.kind);
    return page;
  }
}
