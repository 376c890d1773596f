// An SSD1306 and its 128 by 64 dots as a device on an I2C bus: control bytes, commands with their arguments, the three
// addressing modes, and what its glass shows. Written from the data sheet, Rev. 1.5 (8/2010), for the tests of the
// board's driver. After power-up its memory holds noise and it is dark. What it does not know it passes over, counted.
import type { I2cDevice } from "./ecma419/i2c.js";

const WIDTH = 128;
const PAGES = 8;
const ROWS = 8 * PAGES;

/** Arguments of those commands that have any (data sheet, Table 9-1); the others of the list have none. */
const ARGUMENTS: ReadonlyMap<number, number> = new Map([
  ...[0x20, 0x81, 0x8d, 0xa8, 0xd3, 0xd5, 0xd9, 0xda, 0xdb].map((command): [number, number] => [command, 1]),
  ...[0x21, 0x22, 0xa3].map((command): [number, number] => [command, 2]),
  ...[0x29, 0x2a].map((command): [number, number] => [command, 5]),
  ...[0x26, 0x27].map((command): [number, number] => [command, 6]),
]);
/** Without an effect on the picture here. */
const PASSED_OVER = [0x2e, 0x81, 0xd5, 0xd9, 0xdb, 0xe3];
const [HORIZONTAL, VERTICAL, PAGE_BY_PAGE] = [0, 1, 2];

const afterReset = () => ({
  ...{ on: false, chargePump: false, allLit: false, inverse: false },
  ...{ rows: ROWS - 1, offset: 0, startLine: 0, comPins: 0x12 },
  ...{ columnsMirrored: false, rowsMirrored: false },
  ...{ mode: PAGE_BY_PAGE, page: 0, column: 0 },
  ...{ columnFirst: 0, columnLast: WIDTH - 1, pageFirst: 0, pageLast: PAGES - 1 },
});
type Registers = ReturnType<typeof afterReset>;

export class SSD1306Model implements I2cDevice {
  readonly address: number;
  readonly #memory = new Uint8Array(WIDTH * PAGES);
  #registers = afterReset();
  /** What the next byte is: a control byte, one byte of a command or data, or one of many. */
  #expects: "control" | "command" | "datum" | "commands" | "data" = "control";
  /** The command whose arguments are coming, with those that came. */
  #command: number[] = [];
  /** Bytes of data so far, and of commands; and commands that it does not know. */
  data = 0;
  commands = 0;
  unknown = 0;
  /** While false it is not on the bus. */
  powered = true;

  constructor(address = 0x3c) {
    this.address = address;
    this.powerUp();
  }

  /** Also a display that is plugged in again. */
  powerUp(): void {
    this.#registers = afterReset();
    for (let at = 0; at < this.#memory.length; at++) this.#memory[at] = (at * 0x9d) & 0xff;
    this.powered = true;
  }

  /**
   * What one sees, in the memory's own order: a byte for 8 dots of a column. Null while it is dark, or set up for
   * another glass than its own.
   */
  picture(): Uint8Array | null {
    const { on, chargePump, rows, comPins } = this.#registers;
    if (!this.powered || !on || !chargePump || rows !== ROWS - 1 || comPins !== 0x12) return null;
    const seen = new Uint8Array(WIDTH * PAGES);
    for (let y = 0; y < ROWS; y++) {
      for (let x = 0; x < WIDTH; x++) {
        if (this.#isLit(x, y))
          seen[(y >> 3) * WIDTH + x] = (seen[(y >> 3) * WIDTH + x] ?? 0) | (1 << (y & 7));
      }
    }
    return seen;
  }

  /** Modules have the glass turned by 180 degrees: segment 0 is right, common 0 at the bottom. */
  #isLit(x: number, y: number): boolean {
    const { allLit, inverse, startLine, offset, columnsMirrored, rowsMirrored } = this.#registers;
    const column = columnsMirrored ? x : WIDTH - 1 - x;
    const line = rowsMirrored ? y : ROWS - 1 - y;
    const row = (line + startLine + offset) % ROWS;
    const bit = ((this.#memory[(row >> 3) * WIDTH + column] ?? 0) >> (row & 7)) & 1;
    return allLit || (bit === 1) !== inverse;
  }

  start(reading: boolean): boolean {
    this.#expects = "control";
    this.#command = [];
    return this.powered && !reading;
  }

  write(byte: number): boolean {
    if (!this.powered) return false;
    switch (this.#expects) {
      case "control":
        this.#expects = byte & 0x80 ? (byte & 0x40 ? "datum" : "command") : byte & 0x40 ? "data" : "commands";
        break;
      case "command":
      case "commands":
        this.#hear(byte);
        if (this.#expects === "command") this.#expects = "control";
        break;
      default:
        this.#store(byte);
        if (this.#expects === "datum") this.#expects = "control";
    }
    return true;
  }

  read(): number {
    return 0xff;
  }

  end(): void {}

  #store(byte: number): void {
    this.data++;
    const r = this.#registers;
    this.#memory[r.page * WIDTH + r.column] = byte;
    const [lastColumn, lastPage] = [r.column === r.columnLast, r.page === r.pageLast];
    const [nextColumn, nextPage] = [
      lastColumn ? r.columnFirst : r.column + 1,
      lastPage ? r.pageFirst : r.page + 1,
    ];
    if (r.mode === VERTICAL) {
      r.page = nextPage;
      if (lastPage) r.column = nextColumn;
    } else if (r.mode === HORIZONTAL) {
      r.column = nextColumn;
      if (lastColumn) r.page = nextPage;
    } else if (r.mode === PAGE_BY_PAGE) r.column = (r.column + 1) % WIDTH;
  }

  #hear(byte: number): void {
    this.commands++;
    this.#command.push(byte);
    const [command = 0, ...given] = this.#command;
    if (given.length < (ARGUMENTS.get(command) ?? 0)) return;
    this.#command = [];
    this.#obey(command, given);
  }

  #obey(command: number, [first = 0, second = 0]: readonly number[]): void {
    const r = this.#registers;
    if (command < 0x10) r.column = (r.column & 0xf0) | command;
    else if (command < 0x20) r.column = ((command & 0x07) << 4) | (r.column & 0x0f);
    else if (command >= 0x40 && command < 0x80) r.startLine = command & 0x3f;
    else if (command >= 0xb0 && command < 0xb8) r.page = command & 0x07;
    else if (!this.#set(command, first, second) && !PASSED_OVER.includes(command)) this.unknown++;
  }

  /** @returns whether there is such a command. */
  #set(command: number, first: number, second: number): boolean {
    const settings: Readonly<Record<number, Partial<Registers>>> = {
      32: { mode: first & 3 },
      33: { columnFirst: first & 0x7f, columnLast: second & 0x7f, column: first & 0x7f },
      34: { pageFirst: first & 7, pageLast: second & 7, page: first & 7 },
      141: { chargePump: (first & 4) !== 0 },
      ...{ 160: { columnsMirrored: false }, 161: { columnsMirrored: true } },
      ...{ 164: { allLit: false }, 165: { allLit: true }, 166: { inverse: false }, 167: { inverse: true } },
      ...{ 168: { rows: first & 0x3f }, 174: { on: false }, 175: { on: true } },
      ...{ 192: { rowsMirrored: false }, 200: { rowsMirrored: true } },
      ...{ 211: { offset: first & 0x3f }, 218: { comPins: first } },
    };
    const setting = settings[command];
    Object.assign(this.#registers, setting);
    return setting !== undefined;
  }
}
