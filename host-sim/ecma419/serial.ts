// "embedded:io/serial" as the ESP32 build has it, and the other end of its wires: bytes that take their time,
// FIFOs of 128 that lose what they cannot hold, callbacks in later turns, once the FIFO is nearly full or the line
// is quiet, and again once what was written has gone.
import type { Machine } from "./machine.js";
import type { Pins } from "./pins.js";
import { bufferOf, bytesOf } from "./realm.js";
import type { Scheduler } from "./scheduler.js";

const FIFO_BYTES = 128;
/** The receiver interrupts at this many bytes, and after a pause. */
const FULL_BYTES = 120;
/** The transmitter interrupts below this. */
const EMPTY_BYTES = 10;
const BITS_PER_BYTE = 10;
const BAUD_MAX = 20_000_000;
const PORTS = { esp32: 3, esp32c3: 2 } as const;

/** The chip's end of a line. */
interface Uart {
  /** Bytes of one ms; `quiet` when none came. */
  receive(bytes: readonly number[], quiet: boolean): void;
  transmit(most: number): readonly number[];
}

/** The device at the other end of a serial line: a terminal. */
export class SerialLine {
  readonly #scheduler: Scheduler;
  #baud = 115_200;
  /** Not yet sent to the chip. */
  #outgoing: number[] = [];
  #ticking = false;
  #chip: Uart | null = null;
  /** All that came from the chip, as text. */
  received = "";

  constructor(scheduler: Scheduler) {
    this.#scheduler = scheduler;
  }

  attach(chip: Uart, baud: number): void {
    this.#chip = chip;
    this.#baud = baud;
    this.#run();
  }

  detach(): void {
    this.#chip = null;
  }

  /** Sends ASCII to the chip at the line's speed. */
  send(text: string): void {
    for (const character of text) this.#outgoing.push(character.charCodeAt(0));
    this.#run();
  }

  /** Complete lines so far, without those for people, which begin with `#`. */
  get answers(): readonly string[] {
    return this.#lines.filter((line) => !line.startsWith("#"));
  }

  /** Lines for people, without their mark. */
  get shown(): readonly string[] {
    return this.#lines.filter((line) => line.startsWith("#")).map((line) => line.slice(1).trim());
  }

  get #lines(): readonly string[] {
    return this.received.split("\r\n").slice(0, -1);
  }

  /** Something was written, by either end. */
  wake(): void {
    this.#run();
  }

  #run(): void {
    if (this.#ticking) return;
    this.#ticking = true;
    this.#scheduler.after(1, () => this.#tick());
  }

  /** One ms of line time. */
  #tick(): void {
    this.#ticking = false;
    const bytesPerMs = Math.max(1, Math.floor(this.#baud / BITS_PER_BYTE / 1000));
    const sent = this.#outgoing.splice(0, bytesPerMs);
    this.#chip?.receive(sent, sent.length === 0);
    const came = this.#chip?.transmit(bytesPerMs) ?? [];
    this.received += String.fromCharCode(...came);
    if (sent.length > 0 || came.length > 0) this.#run();
  }
}

export interface SerialOptions {
  readonly receive?: number;
  readonly transmit?: number;
  readonly baud: number;
  readonly port?: number;
  readonly format?: string;
  readonly onReadable?: (bytes: number) => void;
  readonly onWritable?: (bytes: number) => void;
}

/** @throws what the native throws for options that it does not take. */
function checked({ realm }: Machine, pins: Pins, used: ReadonlySet<number>, options: SerialOptions): number {
  const { receive, transmit, baud, port = 0, format } = options;
  for (const pin of [transmit, receive]) {
    if (pin !== undefined && (!pins.exists(pin) || pins.at(pin).used)) throw new realm.Error("in use");
  }
  if (receive === undefined && transmit === undefined) throw new realm.Error("invalid");
  if (transmit !== undefined && !pins.drives(transmit)) throw new realm.Error("uart failed");
  if (port < 0 || port >= PORTS[pins.chip]) throw new realm.RangeError("invalid port");
  if (!(baud > 0 && baud <= BAUD_MAX)) throw new realm.RangeError("invalid baud");
  if (format !== undefined && format !== "buffer") throw new realm.RangeError("invalid format");
  if (used.has(port)) throw new realm.RangeError("port in use");
  return port;
}

/** @param used ports of the chip that are open, @param lines what is wired to each port. */
export function serialModule(
  machine: Machine,
  pins: Pins,
  { used, line, powered }: { used: Set<number>; line: (port: number) => SerialLine; powered: () => void },
) {
  const { realm } = machine;
  return {
    default: class Serial {
      #line: SerialLine | null;
      readonly #input: number[] = [];
      readonly #output: number[] = [];
      #readable = false;
      #writable = false;
      /** Bytes that came too fast. */
      readonly #close: () => void;

      constructor(options: SerialOptions) {
        powered();
        const port = checked(machine, pins, used, options);
        const wires = [options.receive, options.transmit]
          .filter((pin) => pin !== undefined)
          .map((pin) => pins.at(pin));
        for (const wire of wires) wire.used = true;
        used.add(port);
        this.#line = line(port);
        const transmit = (most: number) => {
          const sent = this.#output.splice(0, most);
          if (this.#output.length < EMPTY_BYTES) this.#tellWritable(options);
          return sent;
        };
        const receive = (bytes: readonly number[], quiet: boolean) => {
          this.#input.push(...bytes.slice(0, FIFO_BYTES - this.#input.length));
          if (this.#input.length >= FULL_BYTES || (quiet && this.#input.length > 0))
            this.#tellReadable(options);
        };
        this.#line.attach({ receive, transmit }, options.baud);
        const free = () => {
          for (const wire of wires) wire.used = false;
          used.delete(port);
          this.#line?.detach();
          this.#line = null;
        };
        const forget = machine.closing(free);
        this.#close = () => {
          forget();
          free();
        };
      }
      #tellReadable({ onReadable }: SerialOptions): void {
        if (this.#readable || !onReadable) return;
        // With the machine's queue full nobody resets it: so it is in the SDK.
        this.#readable = true;
        machine.post(() => {
          this.#readable = false;
          if (this.#line && this.#input.length > 0) onReadable.call(this, this.#input.length);
          this.#line?.wake();
        });
      }
      #wrote = true;
      #tellWritable({ onWritable }: SerialOptions): void {
        if (this.#writable || !this.#wrote || !onWritable) return;
        this.#wrote = false;
        this.#writable = true;
        machine.post(() => {
          this.#writable = false;
          if (this.#line) onWritable.call(this, FIFO_BYTES - this.#output.length);
        });
      }
      read(): ArrayBuffer | undefined {
        powered();
        if (!this.#line) throw new realm.SyntaxError("C: xsGetHostData: invalid host data");
        if (this.#input.length === 0) return undefined;
        return bufferOf(realm, Uint8Array.from(this.#input.splice(0)));
      }
      write(buffer: ArrayBufferLike | ArrayBufferView): void {
        powered();
        if (!this.#line) throw new realm.SyntaxError("C: xsGetHostData: invalid host data");
        const bytes = bytesOf(realm, buffer);
        if (bytes.length > FIFO_BYTES - this.#output.length) throw new realm.Error("output full");
        this.#output.push(...bytes);
        this.#wrote = true;
        this.#line.wake();
      }
      close(): void {
        this.#close();
      }
      get format(): string {
        return "buffer";
      }
    },
  };
}
