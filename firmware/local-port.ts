// The local port: lines of ASCII over a serial line, for the installer at the meter. A request is a word and
// at most one argument in hex; each is answered by one line that begins with `ok` or `refused`. Lines that
// begin with `#` are for people: what the meter shows. A line that is no request is refused and changes
// nothing.
import Serial from "embedded:io/serial";
import type { LocalSettings } from "./settings.js";

/** Characters in a request, line end not counted: a provisioning request of 600 bytes. */
export const LINE_MAX = 1_216;
/** Characters that wait to be sent; lines for people beyond that are dropped. */
const OUTPUT_MAX = 4_096;
const BAUD = 115_200;
const NEWLINE = 10;
const RETURN = 13;
const SPACE = 32;
const WORD_MAX = 16;
const HEX_DIGITS = "0123456789abcdef";

/** @returns the answer, `ok` or `ok HEX`. @throws what is answered as `refused` with its message. */
export type Serve = (word: string, argument: Uint8Array) => string;

export class LocalPort {
  readonly #serial: Serial;
  readonly #serve: Serve;
  readonly #line = new Uint8Array(LINE_MAX);
  /** Bytes of the line so far; beyond LINE_MAX only counted. */
  #length = 0;
  #output = "";
  #room = 0;

  constructor(settings: LocalSettings, serve: Serve) {
    this.#serve = serve;
    this.#serial = new Serial({
      ...settings,
      baud: BAUD,
      format: "buffer",
      onReadable: () => this.#read(),
      onWritable: (room) => {
        this.#room = room;
        this.#send();
      },
    });
  }

  /** Shows lines to people; dropped whole if too much waits already. */
  show(lines: readonly string[]): void {
    const text = lines.map((line) => `# ${line}\r\n`).join("");
    if (this.#output.length + text.length > OUTPUT_MAX) return;
    this.#output += text;
    this.#send();
  }

  #read(): void {
    const bytes = this.#serial.read();
    if (!(bytes instanceof ArrayBuffer)) return;
    for (const byte of new Uint8Array(bytes)) {
      if (byte === NEWLINE) this.#endLine();
      else if (byte !== RETURN) this.#line[this.#length++ % LINE_MAX] = byte;
    }
  }

  #endLine(): void {
    const length = this.#length;
    this.#length = 0;
    if (length === 0) return;
    const line = this.#line.subarray(0, length);
    // Before `+=` looks at the output: answering may show lines.
    const answer = length > LINE_MAX ? "refused the line is too long" : this.#answer(line);
    this.#output += `${answer}\r\n`;
    this.#send();
  }

  #answer(line: Uint8Array): string {
    const space = line.indexOf(SPACE);
    const word = line.subarray(0, Math.min(space < 0 ? line.length : space, WORD_MAX));
    try {
      const argument = space < 0 ? new Uint8Array(0) : bytesOf(line.subarray(space + 1));
      return this.#serve(String.fromCharCode(...word), argument);
    } catch (error) {
      return `refused ${error instanceof Error ? error.message : "it failed"}`;
    }
  }

  #send(): void {
    const length = Math.min(this.#room, this.#output.length);
    if (length === 0) return;
    const bytes = new Uint8Array(length);
    for (let at = 0; at < length; at++) bytes[at] = this.#output.charCodeAt(at);
    this.#output = this.#output.slice(length);
    // The next room is told by onWritable, when the line has taken these.
    this.#room = 0;
    this.#serial.write(bytes);
  }
}

function bytesOf(hex: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(hex.length >> 1);
  if (hex.length % 2 !== 0) throw new Error("the argument has half a byte");
  for (const [at, code] of hex.entries()) {
    const digit = HEX_DIGITS.indexOf(String.fromCharCode(code));
    if (digit < 0) throw new Error("the argument is no lower-case hex");
    bytes[at >> 1] = ((bytes[at >> 1] ?? 0) << 4) | digit;
  }
  return bytes;
}
