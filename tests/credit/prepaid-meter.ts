// A bench meter with a load switch and credit.
import { expect } from "vitest";
import type { BistableRelay } from "../../host-sim/relay.js";
import { decodeAccount } from "../../src/credit/account.js";
import type { CreditCompanion } from "../../src/credit/companion.js";
import { withContacts } from "../../src/credit/contacts.js";
import type { Tariff } from "../../src/tariff/document.js";
import { BenchMeter, type BenchOptions, HALF_HOUR_S } from "../bench-meter.js";
import { euros, settings, sign, supplyWith, tariffOrder } from "./kit.js";

/** A meter with a load switch, whose companion is made anew at each boot. */
export class PrepaidMeter extends BenchMeter {
  readonly supply: ReturnType<typeof supplyWith>;
  companion: CreditCompanion;

  constructor(options: BenchOptions, ...stored: readonly Tariff[]) {
    const supply = supplyWith(...stored);
    const companion = supply.make();
    super({ sectors: 16, ...options, devices: { companion } });
    this.supply = supply;
    this.companion = companion;
  }

  get relay(): BistableRelay {
    return this.supply.relay;
  }

  override boot(): void {
    if (this.supply) {
      this.companion = this.supply.make();
      const companion = this.companion;
      this.devices = { companion, inputs: withContacts(companion, null) };
    }
    super.boot();
  }

  /** The supplier's next command. @returns whether it was accepted. */
  order(kind: number, argument: Uint8Array): boolean {
    const before = this.stored.state.counters[1] as number;
    this.receive(this.command({ by: "supplier", kind, argument, counter: before + 1 }));
    return (this.stored.state.counters[1] as number) === before + 1;
  }

  /** Pre-payment by a tariff with these settings and euros. */
  begin(tariff: Tariff, amount: number, values: Readonly<Record<number, number>> = {}): void {
    expect(this.companion.offer(sign(tariff))).toBe(true);
    expect(this.order(6, tariffOrder(tariff))).toBe(true);
    expect(this.order(7, settings({ 1: 1, ...values }))).toBe(true);
    if (amount > 0) expect(this.order(5, euros(amount))).toBe(true);
  }

  get account() {
    return decodeAccount(this.stored.state.companion);
  }

  hold(): void {
    this.supply.closing.press();
    this.pass(15, [], 15);
  }

  eventsOf(type: number) {
    return this.events.filter((event) => event.type === type).map(({ detail }) => detail);
  }
}

/** Confirmed, and past the interval of its first power-up: 1 July 2011, 00:30 UTC, 02:30 on the wall. */
export function prepaid(options: BenchOptions = {}, ...stored: readonly Tariff[]): PrepaidMeter {
  const meter = new PrepaidMeter(options, ...stored);
  meter.boot();
  meter.confirm();
  meter.passUntil(HALF_HOUR_S);
  return meter;
}
