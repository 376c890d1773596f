// A meter on a host: the metrology unit and its network side over the flash, keys, entropy, front end and
// uplink that it is given. What survives a power cut is handed in; what does not is made anew at power-up.
import type { CreditCompanion } from "../src/credit/companion.js";
import { withContacts } from "../src/credit/contacts.js";
import { type Given, Outbox } from "../src/meter/outbox.js";
import type { Uplink } from "../src/meter/uplink.js";
import type { Button, FrontEnd, Ports } from "../src/trusted/ports.js";
import { MetrologyUnit, provision } from "../src/trusted/unit.js";
import type { VirtualClock } from "./clock.js";
import { ScriptedButton, SwitchedFrontEnd } from "./ports.js";
import type { BistableRelay } from "./relay.js";

/** Steps of the unit in one moment of the simulation, at most: eight days of shares with 127 peers are below. */
const STEPS_MAX = 100_000;

export interface DeviceParts extends Pick<Ports, "image" | "flash" | "secrets" | "entropy"> {
  readonly clock: VirtualClock;
  /** Makes the front end, at each power-up: it measures from then on. */
  readonly energy: () => FrontEnd;
  readonly uplink: Uplink & { restart(): void };
  readonly meterId: string;
  /** Of a meter with a load switch: its relay, and its credit logic, made anew at each power-up. */
  readonly supply?: {
    readonly relay: BistableRelay;
    readonly credit: (closing: Button) => CreditCompanion;
  };
  /** Runs each step of the unit, to measure what it costs; by default it is just run. */
  readonly measured?: (step: () => boolean) => boolean;
}

interface Running {
  readonly unit: MetrologyUnit;
  readonly outbox: Outbox;
  readonly credit: CreditCompanion | null;
  readonly booted_ms: number;
}

export class Device {
  readonly #parts: DeviceParts;
  /** For pairing; held, the other one closes the load switch. */
  readonly button = new ScriptedButton();
  readonly closing = new ScriptedButton();
  #running: Running | null = null;
  /** Hears what the unit gives its network side: for a local stream (local-port.ts). */
  observe: (given: Given) => void = () => {};
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
    const { supply } = this.#parts;
    const credit = supply?.credit(this.closing) ?? null;
    const unit = new MetrologyUnit(this.#ports(credit));
    const side = {
      take: () => unit.take(uptime_ms()),
      receive: (bytes: Uint8Array) => unit.receive(uptime_ms(), bytes),
      receiveLocal: (bytes: Uint8Array) => unit.receiveLocal(bytes),
      offerTariff: (document: Uint8Array) => credit?.offer(document) ?? false,
    };
    const outbox = new Outbox(side, uplink, meterId, (given) => this.observe(given));
    this.#running = { unit, outbox, credit, booted_ms };
  }

  /** Messages that have not arrived at the head end. */
  get waiting(): number {
    return this.#running?.outbox.waiting ?? 0;
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
    const { clock, measured = (step) => step() } = this.#parts;
    const now_ms = clock.now_ms - booted_ms;
    for (let step = 0; step < STEPS_MAX; step++) {
      this.steps++;
      const busy = measured(() => unit.step(now_ms));
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

  /** What it shows beside that of credit and load switch. */
  creditLines(): readonly string[] {
    return this.#running?.credit?.lines() ?? [];
  }

  /** Asks for pairing at the local port. */
  receiveLocal(bytes: Uint8Array): boolean {
    return this.#running?.unit.receiveLocal(bytes) ?? false;
  }

  #ports(credit: CreditCompanion | null = null): Ports {
    const { image, flash, secrets, entropy, energy, supply } = this.#parts;
    const ports = { image, flash, secrets, entropy, button: this.button, energy: energy() };
    if (!credit || !supply) return ports;
    const inputs = withContacts(credit, null);
    const switched = new SwitchedFrontEnd(ports.energy, supply.relay);
    return { ...ports, energy: switched, companion: credit, inputs };
  }
}
