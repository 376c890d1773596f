// A supplier at the other end of one meter's uplink: it publishes a tariff and signs commands, numbered as the meter
// takes them.
import { type Order, signCommand } from "../src/supplier/command.js";
import type { World } from "./simulation.js";

const MICRO_PER_CENT = 10_000;

export class Supplier {
  readonly #world: World;
  readonly #notAfter_s: number | null;
  #counter = 0;

  /** @param notAfter_s until when its commands may be obeyed, Unix time; null for ever. */
  constructor(world: World, notAfter_s: number | null) {
    this.#world = world;
    this.#notAfter_s = notAfter_s;
  }

  /** Publishes a signed tariff; credit is drawn by it once a command names it. */
  publish(tariff: Uint8Array): void {
    this.#world.uplink.sendTariff(tariff);
  }

  order(order: Order): void {
    const { parties, uplink, configuration } = this.#world;
    this.#counter++;
    const terms = { meterId: configuration.meterId, counter: this.#counter, notAfter_s: this.#notAfter_s };
    uplink.sendCommand(signCommand({ ...order, ...terms }, parties.supplier.seed));
  }

  /** Hundredths of the currency. */
  topUp(cents: number): void {
    this.order({ kind: "top-up", amount: cents * MICRO_PER_CENT });
  }
}
