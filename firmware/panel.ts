// What a person sees and presses at the board: the display, and the button that turns its page and closes the load
// switch. It is told what to show and decides nothing; without a display, or with one that fails, all else goes on.
import I2C from "embedded:io/i2c";
import { Display } from "../src/display/display.js";
import type { Button } from "../src/trusted/ports.js";
import type { Uptime } from "./ports.js";
import { SelectButton } from "./select-button.js";
import { displaySettings, selectSetting } from "./settings.js";
import { PICTURE_BYTES, SSD1306 } from "./ssd1306.js";

/** Pages, and the glass that they are on. */
interface Screen {
  readonly pages: Display;
  readonly glass: SSD1306;
}

const neverPressed: Button = { pressed: () => false };

export class Panel {
  readonly #select: SelectButton | null;
  readonly #screen: Screen | null;
  /** The pages could not be drawn: dark is better than wrong, and either is better than a meter that stops. */
  #isBroken = false;

  /** @throws Error naming the setting that is wrong; what the I2C class throws for its pins. */
  constructor(uptime: Uptime) {
    const [select, display] = [selectSetting(), displaySettings()];
    this.#select = select.pin < 0 ? null : new SelectButton(select, uptime);
    const now_ms = () => uptime.now_ms();
    this.#screen = display && {
      pages: new Display(),
      glass: new SSD1306({ display: { io: I2C, data: display.data, clock: display.clock }, now_ms }),
    };
  }

  /** A person asks for the supply to be closed. */
  get closing(): Button {
    return this.#select?.hold ?? neverPressed;
  }

  /** In every turn: looks at the button, and sends one page to the display. @returns whether to show another page. */
  turn(): boolean {
    this.#select?.look();
    this.#screen?.glass.step();
    return this.#select?.tap.pressed() ?? false;
  }

  /** What the next turns bring to the display. @param isTapped to turn the page. Never throws. */
  show(
    now_ms: number,
    unitLines: readonly string[],
    creditLines: readonly string[],
    isTapped: boolean,
  ): void {
    if (!this.#screen) return;
    const { pages, glass } = this.#screen;
    try {
      if (!this.#isBroken) glass.show(pages.step(now_ms, unitLines, creditLines, isTapped).bytes);
    } catch {
      this.#isBroken = true;
      glass.show(new Uint8Array(PICTURE_BYTES));
    }
  }
}
