// A terminal taken over for something live: keys come as they are pressed, pictures replace one another on a screen
// of its own, and what was there comes back whatever happens: at the end, at an error, at a signal.

/** What of process.stdin it needs. */
export interface KeyInput {
  readonly isTTY?: boolean;
  setRawMode?(isRaw: boolean): unknown;
  on(event: "data" | "end", listener: (chunk: Buffer | string) => void): unknown;
  removeListener(event: "data" | "end", listener: (chunk: Buffer | string) => void): unknown;
  resume(): unknown;
  pause(): unknown;
}

/** What of process.stdout. */
export interface PictureOutput {
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
  write(text: string): unknown;
}

export const isTerminal = (input: KeyInput, output: PictureOutput): boolean =>
  input.isTTY === true && output.isTTY === true;

const ENTER = "\x1b[?1049h\x1b[?25l";
const LEAVE = "\x1b[?25h\x1b[?1049l";
const HOME = "\x1b[H";
/** Erases the rest of a line, and all below. */
const [REST_OF_LINE, REST_OF_SCREEN] = ["\x1b[K", "\x1b[J"];
/** What keys with names send (ECMA-48 control sequences); they have no meaning here. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: that is how they begin
const NAMED_KEYS = /\x1b(?:\[[0-9;]*[A-Za-z~]|O[A-Za-z])/g;
const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

export class LiveTerminal {
  readonly #input: KeyInput;
  readonly #output: PictureOutput;
  readonly #onKey: (key: string) => void;
  #isOpen = true;
  #shown = "";

  /** Takes the terminal over; `close` gives it back. @param onKey is given each letter, and "end" for end of input. */
  constructor(input: KeyInput, output: PictureOutput, onKey: (key: string) => void) {
    this.#input = input;
    this.#output = output;
    this.#onKey = onKey;
    process.once("exit", this.close);
    for (const signal of SIGNALS) process.once(signal, this.#endBy);
    input.setRawMode?.(true);
    input.on("data", this.#hear);
    input.on("end", this.#hearEnd);
    input.resume();
    output.write(ENTER);
  }

  /** Letters in a line, and lines. */
  get size(): { readonly columns: number; readonly rows: number } {
    return { columns: this.#output.columns ?? 80, rows: this.#output.rows ?? 24 };
  }

  /** Shows these lines in place of the last; what is wider or longer than the screen is not for it. */
  show(lines: readonly string[]): void {
    const { columns, rows } = this.size;
    const fitting = lines.slice(0, rows).map((line) => line.slice(0, columns));
    const text = HOME + fitting.map((line) => line + REST_OF_LINE).join("\r\n") + REST_OF_SCREEN;
    if (text === this.#shown || !this.#isOpen) return;
    this.#shown = text;
    this.#output.write(text);
  }

  /** Gives the terminal back; once is enough. */
  readonly close = (): void => {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    process.removeListener("exit", this.close);
    for (const signal of SIGNALS) process.removeListener(signal, this.#endBy);
    this.#input.removeListener("data", this.#hear);
    this.#input.removeListener("end", this.#hearEnd);
    this.#output.write(LEAVE);
    this.#input.setRawMode?.(false);
    this.#input.pause();
  };

  readonly #endBy = (signal: NodeJS.Signals): void => {
    this.close();
    process.kill(process.pid, signal);
  };

  readonly #hear = (chunk: Buffer | string): void => {
    for (const key of chunk.toString().replace(NAMED_KEYS, "")) this.#onKey(key);
  };

  readonly #hearEnd = (): void => this.#onKey("end");
}
