// What a meter shows of its credit and its load switch, line by line. It is not the metrology unit's, and stands apart
// from what that shows: energy is what is measured and certified, credit is what a tariff makes of it.
import type { Tariff } from "../tariff/document.js";
import { type Account, Level } from "./account.js";
import { Switch } from "./credit.js";
import type { ContactFault } from "./load-switch.js";

const NANO_PER_CENT = 10_000_000n;
const CENTS = 100n;
const MILLI_PER_CENT = 10;

/** What there is to show. */
export interface Shown {
  readonly account: Account;
  /** With what flows, nano-currency. */
  readonly balance: bigint;
  /** Null where there is none, or it was lost. */
  readonly tariff: Tariff | null;
  readonly timed: boolean;
  readonly loadSwitch: number;
  readonly fault: ContactFault | null;
}

/** Hundredths of the currency, rounded down: nobody is shown more than there is. */
function amount(nano: bigint): string {
  const cents = nano >= 0n ? nano / NANO_PER_CENT : -((NANO_PER_CENT - 1n - nano) / NANO_PER_CENT);
  const size = cents < 0n ? -cents : cents;
  return `${cents < 0n ? "-" : ""}${size / CENTS}.${`${size % CENTS}`.padStart(2, "0")}`;
}

const milliAmount = (milli: number) => amount((BigInt(milli) * NANO_PER_CENT) / BigInt(MILLI_PER_CENT));

/** At most 8 lines; none while there is no pre-payment and nothing is the matter with the switch. */
export function creditLines({ account, balance, tariff, timed, loadSwitch, fault }: Shown): string[] {
  const { prepayment, level, emergency, debt, debtPerDay, isOrderedOpen } = account;
  const currency = tariff?.currency ?? "";
  const lines: string[] = [];
  if (prepayment) {
    lines.push(`credit ${amount(balance)} ${currency}`.trimEnd());
    if (level === Level.LOW) lines.push("credit is low");
    if (level === Level.EMERGENCY) lines.push(`emergency credit of ${milliAmount(emergency)} in use`);
    if (level === Level.USED_UP) lines.push("credit is used up");
    if (debt > 0) lines.push(`debt ${milliAmount(debt)}, ${milliAmount(debtPerDay)} a day`);
    if (!tariff) lines.push("tariff lost: highest price");
    else if (!timed) lines.push("time unknown: highest price");
  }
  if (isOrderedOpen) lines.push("switched off by order");
  if (loadSwitch === Switch.READY) lines.push("hold the button to close");
  if (fault) lines.push(`contacts ${fault}`);
  return lines;
}
