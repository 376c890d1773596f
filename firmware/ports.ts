// The unit's ports over the hardware: flash partitions, entropy, the button, the watchdog. Each is the thinnest layer that
// meets src/trusted/ports.ts, and adds the check that what is there is what the unit was built for.
import flash, { type Flash as Partition } from "embedded:storage/flash";
import { fill } from "sealmeter/entropy";
import { ContactCounter } from "sealmeter/pulse";
import { feed, restarted } from "sealmeter/watchdog";
import Time from "time";
import {
  BLOCK_BYTES,
  type Button,
  type Entropy,
  type Flash,
  SECTOR_BYTES,
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
