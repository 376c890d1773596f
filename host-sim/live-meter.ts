// A household's meter to look at and to touch while it lives in virtual time: its display's lines, its buttons, its
// plug, and a phone that asks to be paired when the window opens. Time passes in ticks, for as long as the caller
// has time for; the meter itself is that of every simulation, and nothing here reaches into it.
import { array, bstr, int } from "../src/trusted/encoding/cbor.js";
import { putOnPrePayment } from "./live-credit.js";
import { drawCustomer } from "./parties.js";
import { SeededRandom } from "./seeded.js";
import type { World } from "./simulation.js";
import type { Supplier } from "./supplier.js";
import type { Trace } from "./trace.js";

/** A phone asks for this long after the button, ms: as long as the window is open. */
const ASKING_MS = 120_000;

export class LiveMeter {
  readonly #world: World;
  readonly #end_ms: number;
  readonly #supplier: Supplier | null;
  readonly #random: SeededRandom;
  /** Whether a tenant's phone asks when the pairing window opens; without it, whoever is at the local port. */
  hasPhone = true;
  #request: { readonly bytes: Uint8Array; readonly until_ms: number } | null = null;

  /**
   * Puts the meter of a new world up, at the beginning of the trace that it measures.
   * @param cents of credit to begin pre-payment with, if the meter has a load switch; null for none.
   */
  constructor(world: World, trace: Trace, cents: number | null = null) {
    const { start_s, step_s, rows } = trace;
    this.#world = world;
    this.#end_ms = (start_s + rows.length * step_s) * 1000;
    this.#random = new SeededRandom(start_s, "tenants");
    world.clock.advance(start_s * 1000 - world.clock.now_ms);
    world.device.powerUp();
    this.#supplier = cents === null ? null : putOnPrePayment(world, trace, cents);
  }

  /** True time, ms of Unix time, whatever the meter believes. */
  get now_ms(): number {
    return this.#world.clock.now_ms;
  }

  /** Whether the trace is over: nothing is drawn any more. */
  get isOver(): boolean {
    return this.now_ms >= this.#end_ms;
  }

  get powered(): boolean {
    return this.#world.device.powered;
  }

  /** Whether a person is asked whether to pair. */
  get asks(): boolean {
    return this.unitLines().some((line) => line.startsWith("pair with "));
  }

  unitLines(): readonly string[] {
    return this.#world.device.display();
  }

  creditLines(): readonly string[] {
    return this.#world.device.creditLines();
  }

  /**
   * Lets time pass up to a moment, or to the end of the trace.
   * @param tick_ms between steps of the meter, whole ms. @param hasTime asked before each tick.
   * @returns whether it came that far.
   */
  runUntil(until_ms: number, tick_ms: number, hasTime: () => boolean): boolean {
    const { clock, device } = this.#world;
    const to_ms = Math.min(until_ms, this.#end_ms);
    while (clock.now_ms < to_ms && hasTime()) {
      clock.advance(Math.min(tick_ms, to_ms - clock.now_ms));
      device.run();
      this.#ask();
    }
    return clock.now_ms >= to_ms;
  }

  /** Presses the pairing button. Unless a question is answered by it, a tenant's phone asks from now on. */
  pressPairing(): void {
    const { device } = this.#world;
    if (!this.powered) return;
    if (!this.asks && this.hasPhone) {
      const { user } = drawCustomer(this.#random.fork(`at ${this.now_ms}`));
      this.#request = { bytes: array(int(4), bstr(user)), until_ms: this.now_ms + ASKING_MS };
    }
    device.button.press();
    device.run();
    this.#ask();
  }

  /** Holds the other button, which closes the load switch. @returns false where there is none. */
  holdClosing(): boolean {
    this.#world.device.closing.press();
    return this.#world.supply !== null;
  }

  /** Sells credit, hundredths of the currency; it is added when the command has arrived. @returns false where there is none. */
  topUp(cents: number): boolean {
    this.#supplier?.topUp(cents);
    return this.#supplier !== null;
  }

  cutPower(): void {
    if (this.powered) this.#world.device.powerDown();
  }

  restorePower(): void {
    if (!this.powered) this.#world.device.powerUp();
  }

  #ask(): void {
    if (!this.#request) return;
    const isDone =
      this.#world.device.receiveLocal(this.#request.bytes) || this.now_ms > this.#request.until_ms;
    if (isDone) this.#request = null;
  }
}
