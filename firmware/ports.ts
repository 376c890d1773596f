// The unit's ports over the hardware: flash partitions, entropy, the button, the watchdog. Each is the thinnest layer that
// meets src/trusted/ports.ts, and adds the check that what is there is what the unit was built for.
import Digital from "embedded:io/digital";
import flash, { type Flash as Partition } from "embedded:storage/flash";
import { fill } from "sealmeter/entropy";
import { ContactCounter } from "sealmeter/pulse";
import { feed, restarted } from "sealmeter/watchdog";
import Time from "time";
import Timer from "timer";
import {
  BLOCK_BYTES,
  type Button,
  type Entropy,
  type Flash,
  SECTOR_BYTES,
  type TestOutput,
  type Watchdog,
} from "../src/trusted/ports.js";

/** Milliseconds since power-up, beyond the 49 days after which the hardware's counter begins again. */
export class Uptime {
  #ticks = Time.ticks;
  #now_ms = 0;

  /** To be called at least once in 24 days. */
  now_ms(): number {
    const ticks = Time.ticks;
    this.#now_ms += Time.delta(this.#ticks, ticks);
    this.#ticks = ticks;
    return this.#now_ms;
  }
}

/** A partition of the flash as the unit's journal or key store. */
export class PartitionFlash implements Flash {
  readonly sectors: number;
  readonly #partition: Partition;

  /** @throws Error when there is no such partition, or one of another shape than the partition table's. */
  constructor(name: string, sectors: number) {
    this.#partition = flash.open({ path: name, mode: "r+" });
    const { size, blockLength } = this.#partition.status();
    if (blockLength !== SECTOR_BYTES || size !== sectors * SECTOR_BYTES) {
      throw new Error(`partition ${name}: ${size} bytes in blocks of ${blockLength}, not ${sectors} sectors`);
    }
    this.sectors = sectors;
  }

  read(address: number, into: Uint8Array): void {
    this.#partition.read(into, address);
  }

  program(address: number, bytes: Uint8Array): void {
    if (address % BLOCK_BYTES !== 0 || bytes.length % BLOCK_BYTES !== 0) {
      throw new Error("a program is of whole blocks");
    }
    this.#partition.write(bytes, address);
  }

  erase(sector: number): void {
    this.#partition.eraseBlock(sector, sector + 1);
  }
}

export const hardwareEntropy: Entropy = { fill };

/** Watches from the first time that it is fed: a blank meter has nothing to feed it. */
export const hardwareWatchdog: Watchdog = { restarted: restarted(), feed };

/** A button between the pin and ground; pressed and released once or more since the last look is one press. */
export class PinButton implements Button {
  readonly #contact: ContactCounter;
  #counted: number;

  constructor(pin: number) {
    this.#contact = new ContactCounter(pin);
    this.#counted = this.#contact.read();
  }

  pressed(): boolean {
    const count = this.#contact.read();
    const pressed = count !== this.#counted;
    this.#counted = count;
    return pressed;
  }
}

/** A pulse of the test output lasts this long, and the pause after it at least as long, ms (IEC 62053-31: 30). */
const PULSE_MS = 40;
/** Pulses that wait at most: a minute's at the highest rate that the output can show. */
const PULSES_MAX = 750;

/**
 * A lamp or an optocoupler at a pin, for who tests the meter. Pulses come one by one, some late: while the unit signs
 * nothing moves. Their number is that of the energy; where the constant is too high for the output they are fewer.
 */
export class PinTestOutput implements TestOutput {
  readonly #digital: Digital;
  #waiting = 0;
  #lit: 0 | 1 = 0;
  #changed = Time.ticks;

  constructor(pin: number) {
    this.#digital = new Digital({ pin, mode: Digital.Output });
    Timer.repeat(() => this.#turn(), PULSE_MS / 2);
  }

  pulse(pulses: number): void {
    this.#waiting = Math.min(this.#waiting + pulses, PULSES_MAX);
  }

  #turn(): void {
    if (this.#lit === 0 && this.#waiting === 0) return;
    // A timer that was held up comes again at once.
    if (Time.delta(this.#changed, Time.ticks) < PULSE_MS) return;
    this.#changed = Time.ticks;
    if (this.#lit === 0) this.#waiting--;
    this.#lit = this.#lit === 0 ? 1 : 0;
    this.#digital.write(this.#lit);
  }
}
