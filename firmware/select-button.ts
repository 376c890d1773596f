// The button of the display and of the load switch: a short press turns the page, a long one closes what is ready for
// it. It is a contact between a pin and ground, read by level whenever the machine takes its turn; the long press is
// told while the button is still held, and is then no short one. A button that has been stuck since power-up says
// nothing: nobody is there to see the supply come back.
import type { Button } from "../src/trusted/ports.js";
import { Contact } from "./inputs.js";
import type { Uptime } from "./ports.js";
import type { PinSetting } from "./settings.js";

/** Contacts bounce for less, ms. */
const STEADY_MS = 50;
/** A press that lasts so long is a long one, ms. */
export const HOLD_MS = 2_000;
/** A press that nobody has asked for by then is forgotten, ms: what is armed later must not find it. */
export const KEPT_MS = 15_000;

/** One kind of press: told once, to the first that asks within KEPT_MS. */
class Press implements Button {
  readonly #uptime: Uptime;
  #at_ms = Number.NEGATIVE_INFINITY;

  constructor(uptime: Uptime) {
    this.#uptime = uptime;
  }

  happened(): void {
    this.#at_ms = this.#uptime.now_ms();
  }

  pressed(): boolean {
    const pressed = this.#uptime.now_ms() - this.#at_ms <= KEPT_MS;
    this.#at_ms = Number.NEGATIVE_INFINITY;
    return pressed;
  }
}

export class SelectButton {
  readonly #tap: Press;
  readonly #hold: Press;
  readonly #uptime: Uptime;
  readonly #contact: Contact;
  /** Stuck until it is seen released; then "told" from a long press to its end. */
  #state: "released" | "pressed" | "told" = "told";
  #pressed_ms = 0;

  /** @throws Error naming the setting if the pin cannot be had. */
  constructor(setting: PinSetting, uptime: Uptime) {
    this.#uptime = uptime;
    this.#contact = new Contact(setting, uptime, { closes_ms: STEADY_MS, opens_ms: STEADY_MS, closed: true });
    this.#tap = new Press(uptime);
    this.#hold = new Press(uptime);
  }

  /** Presses shorter than HOLD_MS, once released. */
  get tap(): Button {
    return this.#tap;
  }

  /** Presses of HOLD_MS and more. */
  get hold(): Button {
    return this.#hold;
  }

  /** To be called in every turn. */
  look(): void {
    const [closed, now_ms] = [this.#contact.look(), this.#uptime.now_ms()];
    if (!closed) {
      if (this.#state === "pressed") this.#tap.happened();
      this.#state = "released";
    } else if (this.#state === "released") {
      this.#state = "pressed";
      this.#pressed_ms = now_ms;
    } else if (this.#state === "pressed" && now_ms - this.#pressed_ms >= HOLD_MS) {
      this.#state = "told";
      this.#hold.happened();
    }
  }
}
