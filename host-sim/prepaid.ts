// The scenario of a meter on pre-payment: its tariff and its commands come over the uplink, a person holds the button,
// credit runs out and the switch opens, a power cut is followed by an hour of unknown time. The credit logic and the store of
// its tariffs are the device's own; the relay is put where it was when the power comes back.
import { FlashTariffStore } from "../firmware/tariff-store.js";
import { CreditCompanion } from "../src/credit/companion.js";
import { CreditSetting } from "../src/credit/settings.js";
import { Display } from "../src/display/display.js";
import { asciiBytes } from "../src/trusted/encoding/bytes.js";
import type { Button } from "../src/trusted/ports.js";
import { BistableRelay } from "./relay.js";
import { type ScenarioHost, tariffPartition } from "./scenario.js";
import type { Offered, ScenarioPlan } from "./scenario-input.js";

/** From the first power-up, s: the tariff is offered, and the button is held until the switch is closed again. */
const OFFERED_S = 240;
const FIRST_HELD_S = 360;
/** The last order, which is a top-up after credit has run out, and the button again. */
const LATE_ORDER_S = 16_200;
const LATE_HELD_S = 16_500;
/** Orders of the first hour, one a turn. */
const EARLY_ORDERS = 5;
/** The network operator knows no time for so long after the power came back. */
export const UNTIMED_S = 3_600;
const PAGES = 8;
const TURN_MS = 5_000;

/** What the supplier orders, by kind: the tariff, the settings, a top-up, open, arm; and late another top-up. */
export const prepaidOrders = (digest: Uint8Array) =>
  [
    { kind: "credit-tariff", digest },
    {
      kind: "credit-settings",
      settings: new Map<number, number>([
        [CreditSetting.MODE, 1],
        [CreditSetting.LOW, 500],
        [CreditSetting.EMERGENCY, 200],
        [CreditSetting.DEBT, 3_000],
        [CreditSetting.DEBT_PER_DAY, 50],
      ]),
    },
    { kind: "top-up", amount: 1_400_000 },
    { kind: "load-switch", action: "open" },
    { kind: "load-switch", action: "arm" },
    { kind: "top-up", amount: 5_000_000 },
  ] as const;

/** The host of a scenario, for a meter with a load switch. Files besides: `credit`, lines, and `pages`, pictures. */
export function onPrepayment(plan: ScenarioPlan, tariff: Offered, host: ScenarioHost): ScenarioHost {
  // It was closed when the power failed, and a bistable relay stays.
  const relay = new BistableRelay();
  const tariffs = new FlashTariffStore(tariffPartition(host.flash));
  const credit = (closing: Button) => new CreditCompanion({ relay, tariffs, closing });
  let told = "";
  return {
    ...host,
    supply: { relay, credit },
    order: (at) => (at < EARLY_ORDERS ? host.order(at) : null),
    attend(device, uplink, time_s) {
      const since_s = time_s - plan.start_s;
      if (since_s === OFFERED_S) uplink.sendTariff(tariff.document);
      if (since_s === LATE_ORDER_S) uplink.sendCommand(host.order(EARLY_ORDERS) ?? new Uint8Array(0));
      if (since_s === FIRST_HELD_S || since_s === LATE_HELD_S) device.closing.press();
      const lines = device.creditLines().join(" | ");
      if (lines !== told) host.write("credit", asciiBytes(`${since_s} s: ${lines}; `));
      told = lines;
    },
    ended(device) {
      const display = new Display();
      for (let page = 0; page < PAGES; page++) {
        const picture = display.step(page * TURN_MS, device.display(), device.creditLines(), false);
        host.write("pages", picture.bytes.slice());
      }
    },
  };
}
