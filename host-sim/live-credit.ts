// The supplier of a meter that is looked at live: it puts it on pre-payment and sells credit.
import { CreditSetting } from "../src/credit/settings.js";
import { encodeTariff, type Tariff } from "../src/tariff/document.js";
import { signTariff } from "../src/tariff/signed-tariff.js";
import { DAY_SECONDS } from "../src/trusted/metrology/interval.js";
import { digest } from "../src/trusted/sealing/keys.js";
import type { World } from "./simulation.js";
import { Supplier } from "./supplier.js";
import { EXPORT_OBIS, IMPORT_OBIS, type Trace } from "./trace.js";

/** Thousandths of the currency: where credit is low, and emergency credit. */
const [LOW, EMERGENCY] = [2_000, 1_000];

/** Made-up prices: day and night, feed-in, a standing charge, VAT. Hours are UTC, as the household's are. */
function dayAndNight({ start_s, step_s, rows }: Trace): Tariff {
  const night = { weekdays: 0x7f, months: 0xfff, fromMinute: 0, toMinute: 360, rate: 210_000 };
  return {
    name: "Day and night",
    currency: "EUR",
    notBefore_s: start_s - DAY_SECONDS,
    notAfter_s: start_s + rows.length * step_s + DAY_SECONDS,
    offsets: [{ from_s: 0, offset_s: 0 }],
    energy: [
      { obis: IMPORT_OBIS, policy: { kind: "time-of-use", rate: 320_000, bands: [night] } },
      { obis: EXPORT_OBIS, policy: { kind: "time-of-use", rate: -80_000, bands: [] } },
    ],
    standing: 300_000_000,
    levies: [],
    vat_ppm: 190_000,
  };
}

/** Puts a new meter on pre-payment with this credit, hundredths of the currency. @returns who sells it more. */
export function putOnPrePayment(world: World, trace: Trace, cents: number): Supplier {
  const supplier = new Supplier(world, null);
  const payload = encodeTariff(dayAndNight(trace));
  supplier.publish(signTariff(payload, world.parties.supplier.seed));
  supplier.order({ kind: "credit-tariff", digest: digest(payload) });
  supplier.topUp(cents);
  const settings = new Map<number, number>([
    [CreditSetting.MODE, 1],
    [CreditSetting.LOW, LOW],
    [CreditSetting.EMERGENCY, EMERGENCY],
  ]);
  supplier.order({ kind: "credit-settings", settings });
  return supplier;
}
