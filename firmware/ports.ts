// The unit's ports over the hardware: flash partitions, entropy, the button. Each is the thinnest layer that
// meets src/trusted/ports.ts, and adds the check that what is there is what the unit was built for.
import Digital from "embedded:io/digital";
import flash, { type Flash as Partition } from "embedded:storage/flash";
import { fill } from "sealmeter/entropy";
import Time from "time";
import { BLOCK_BYTES, type Button, type Entropy, type Flash, SECTOR_BYTES } from "../src/trusted/ports.js";

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

/** A contact that bounces is one press. */
const BOUNCE_MS = 300;

/** A button between the pin and ground. */
export class PinButton implements Button {
  readonly #digital: Digital;
  readonly #uptime: Uptime;
  #pressed = false;
  #edge_ms = Number.NEGATIVE_INFINITY;

  constructor(pin: number, uptime: Uptime) {
    this.#uptime = uptime;
    this.#digital = new Digital({
      pin,
      mode: Digital.InputPullUp,
      edge: Digital.Falling,
      onReadable: () => this.#fall(),
    });
  }

  pressed(): boolean {
    const pressed = this.#pressed;
    this.#pressed = false;
    return pressed;
  }

  /** Whether it is held down now. */
  get held(): boolean {
    return this.#digital.read() === 0;
  }

  #fall(): void {
    const now_ms = this.#uptime.now_ms();
    if (now_ms - this.#edge_ms > BOUNCE_MS) this.#pressed = true;
    this.#edge_ms = now_ms;
  }
}
