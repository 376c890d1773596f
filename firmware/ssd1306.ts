// A display of 128 by 64 dots on an SSD1306, over I2C, as a class of ECMA-419's shape. Facts are from the data sheet,
// Rev. 1.5 (8/2010), whose sections are named at the line. It sends the pages that have changed, one transfer a call,
// and nothing waits for it: a display that is missing, dies or is plugged in again costs some milliseconds now and
// then. Its memory cannot be read over I2C, so all of it is sent again from time to time, settings included.

/** Of ECMA-419's I2C class what is used here. */
interface I2CBus {
  write(bytes: Uint8Array): void;
  close(): void;
}

export interface SSD1306Options {
  readonly display: {
    readonly io: new (options: {
      readonly data: number;
      readonly clock: number;
      readonly hz: number;
      readonly address: number;
      readonly timeout: number;
    }) => I2CBus;
    /** Pins; other devices may be on them. */
    readonly data: number;
    readonly clock: number;
  };
  /** Uptime: whole ms that never go back. */
  readonly now_ms: () => number;
}

export const WIDTH = 128;
const PAGES = 8;
/** A picture: page by page from the top, in each a byte for a column of 8 dots, from the left, bit 0 on top (8.7). */
export const PICTURE_BYTES = WIDTH * PAGES;

/** 8.1.5: 0111100 with the pin D/C# low, as modules have it. */
const ADDRESS = 0x3c;
/** Table 13-6: no more. A page then takes 3 ms. */
const HZ = 400_000;
/** Of a transfer, ms. */
const TIMEOUT_MS = 10;
/** 8.1.5.2: a control byte before a single byte of a command, and before data or commands to the transfer's end. */
const COMMAND = 0x80;
const COMMANDS = 0x00;
const DATA = 0x40;

/** Section 9 and the charge pump's application note; what the reset sets is set again, since noise may change it. */
const SETTINGS = [
  ...[0xa8, 0x3f], // 64 rows
  ...[0xd3, 0x00, 0x40], // from the first
  ...[0xa1, 0xc8], // glass as modules have it: connector on top
  ...[0xda, 0x12], // alternative COM pins
  ...[0x81, 0x7f], // contrast
  ...[0xa4, 0xa6], // the memory is shown, ones are lit
  ...[0xd5, 0x80], // clock
  ...[0x20, 0x02], // page addressing
  ...[0x2e], // no scrolling
  ...[0x8d, 0x14], // charge pump
];
const DISPLAY_ON = 0xaf;
const PAGE = 0xb0;
const COLUMN_LOW = 0x00;
const COLUMN_HIGH = 0x10;

/** After a transfer that failed, ms. */
const RETRY_MS = 5_000;
/** All is sent again after so long, ms: a display that was unplugged, or that a spark has changed, is right by then. */
const REFRESH_MS = 60_000;

export class SSD1306 {
  readonly #now_ms: () => number;
  readonly #bus: I2CBus;
  readonly #wanted = new Uint8Array(PICTURE_BYTES);
  readonly #sent = new Uint8Array(PICTURE_BYTES);
  /** Pages whose content in the display is known, as bits. */
  #known = 0;
  #progress: "unset" | "set" | "on" = "unset";
  #set_ms = 0;
  #retry_ms = Number.NEGATIVE_INFINITY;

  /** Opens the bus and asks nothing of the display. @throws what the I2C class throws for its pins. */
  constructor({ display: { io, data, clock }, now_ms }: SSD1306Options) {
    this.#now_ms = now_ms;
    this.#bus = new io({ data, clock, hz: HZ, address: ADDRESS, timeout: TIMEOUT_MS });
  }

  /** What the next steps bring to the display. @param picture PICTURE_BYTES. */
  show(picture: Uint8Array): void {
    this.#wanted.set(picture.subarray(0, PICTURE_BYTES));
  }

  /** One transfer at most: 3 ms, 10 with a bus that hangs. Never throws. @returns whether there is more to send. */
  step(): boolean {
    const now_ms = this.#now_ms();
    if (now_ms < this.#retry_ms) return false;
    if (this.#progress === "on" && now_ms - this.#set_ms >= REFRESH_MS) this.#progress = "unset";
    try {
      return this.#send(now_ms);
    } catch {
      this.#progress = "unset";
      this.#retry_ms = now_ms + RETRY_MS;
      return false;
    }
  }

  close(): void {
    this.#bus.close();
  }

  #send(now_ms: number): boolean {
    if (this.#progress === "unset") {
      this.#bus.write(Uint8Array.of(COMMANDS, ...SETTINGS));
      this.#set_ms = now_ms;
      this.#known = 0;
      this.#progress = "set";
      return true;
    }
    const page = this.#nextPage();
    if (page !== null) {
      this.#sendPage(page);
      return true;
    }
    if (this.#progress === "on") return false;
    // Only now: after power-up the memory holds noise.
    this.#bus.write(Uint8Array.of(COMMANDS, DISPLAY_ON));
    this.#progress = "on";
    return false;
  }

  /** The first that is not in the display as it is wanted. */
  #nextPage(): number | null {
    for (let page = 0; page < PAGES; page++) {
      const known = (this.#known & (1 << page)) !== 0;
      const from = page * WIDTH;
      for (let at = from; at < from + WIDTH; at++) {
        if (!known || this.#wanted[at] !== this.#sent[at]) return page;
      }
    }
    return null;
  }

  /** Its place and its content in one transfer, so that no content goes to another's place. */
  #sendPage(page: number): void {
    const content = this.#wanted.subarray(page * WIDTH, (page + 1) * WIDTH);
    const place = [PAGE | page, COLUMN_LOW, COLUMN_HIGH].flatMap((command) => [COMMAND, command]);
    // Unknown while it is on its way.
    this.#known &= ~(1 << page);
    this.#bus.write(Uint8Array.of(...place, DATA, ...content));
    this.#sent.set(content, page * WIDTH);
    this.#known |= 1 << page;
  }
}
