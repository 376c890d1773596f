// A meter on a computer: the metrology unit and its network side over simulated flash, keys, entropy, front
// end and uplink. What survives a power cut lives here; what does not is made anew at power-up.
import { Outbox } from "../src/meter/outbox.js";
import type { Uplink } from "../src/meter/uplink.js";
import type { Image, Ports } from "../src/trusted/ports.js";
import { MetrologyUnit, provision } from "../src/trusted/unit.js";
import type { VirtualClock } from "./clock.js";
import type { FlashSnapshot, NorFlash } from "./flash.js";
import { type MemorySecretStore, ScriptedButton, type SeededEntropy, TraceEnergy } from "./ports.js";
import type { Trace } from "./trace.js";

/** Steps of the unit in one moment of the simulation, at most: a day's sealing is far below. */
const STEPS_MAX = 10_000;

export interface DeviceParts {
  readonly clock: VirtualClock;
  readonly image: Image;
  readonly flash: NorFlash;
  readonly secrets: MemorySecretStore;
  readonly entropy: SeededEntropy;
  readonly trace: Trace;
  readonly uplink: Uplink & { restart(): void };
  readonly meterId: string;
}

export class Device {
  readonly #parts: DeviceParts;
  readonly button = new ScriptedButton();
  #running: { readonly unit: MetrologyUnit; readonly outbox: Outbox; readonly booted_ms: number } | null =
    null;
  /** Steps that the unit did since the device was made. */
  steps = 0;

  constructor(parts: DeviceParts) {
    this.#parts = parts;
  }

  /** Provisions the blank unit; see src/trusted/authority/provisioning.ts. */
  provision(request: Uint8Array): Uint8Array {
    return provision(this.#ports(), request);
  }

  get powered(): boolean {
    return this.#running !== null;
  }

  /** @throws Error if the unit is not provisioned. */
  powerUp(): void {
    const { clock, uplink, meterId } = this.#parts;
    const booted_ms = clock.now_ms;
    const uptime_ms = () => clock.now_ms - booted_ms;
    const unit = new MetrologyUnit(this.#ports());
    const side = {
      take: () => unit.take(uptime_ms()),
      receive: (bytes: Uint8Array) => unit.receive(uptime_ms(), bytes),
    };
    this.#running = { unit, outbox: new Outbox(side, uplink, meterId), booted_ms };
  }

  /** Pulls the plug: what was only in RAM is gone. */
  powerDown(): void {
    this.#running = null;
    this.#parts.uplink.restart();
  }

  /** Lets the unit and its network side do all that there is to do at this moment. */
  run(): void {
    if (!this.#running) return;
    const { unit, outbox, booted_ms } = this.#running;
    const now_ms = this.#parts.clock.now_ms - booted_ms;
    for (let step = 0; step < STEPS_MAX; step++) {
      this.steps++;
      const busy = unit.step(now_ms);
      outbox.step();
      if (!busy) return;
    }
    throw new Error(`the unit is still busy after ${STEPS_MAX} steps`);
  }

  /** What the meter shows; nothing without power. */
  display(): readonly string[] {
    if (!this.#running) return [];
    return this.#running.unit.display(this.#parts.clock.now_ms - this.#running.booted_ms);
  }

  /** Asks for pairing at the local port. */
  receiveLocal(bytes: Uint8Array): boolean {
    return this.#running?.unit.receiveLocal(bytes) ?? false;
  }

  snapshot(): FlashSnapshot {
    return this.#parts.flash.snapshot();
  }

  #ports(): Ports {
    const { image, flash, secrets, entropy, trace, clock } = this.#parts;
    return { image, flash, secrets, entropy, button: this.button, energy: new TraceEnergy(trace, clock) };
  }
}
