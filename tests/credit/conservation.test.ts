// Credit, what energy was worth, and top-ups: their balance is kept over any sequence of intervals, orders, clock sets
// and power cuts. What the meter says of its account is compared with a ledger that knows only what left the meter
// (readings, as the customer decrypts them) and what the supplier has sent: the bills of those readings, top-ups, and
// instalments of the debt.
import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import { PowerCut } from "../../host-sim/flash.js";
import { balance } from "../../src/credit/credit.js";
import { CreditTariff } from "../../src/credit/valuation.js";
import type { Tariff } from "../../src/tariff/document.js";
import { int } from "../../src/trusted/encoding/cbor.js";
import { HALF_HOUR_S } from "../bench-meter.js";
import { cutEverywhere, MODES } from "../cut-everywhere.js";
import { quick } from "../quick.js";
import {
  billed,
  CHANNELS,
  DAY_AND_NIGHT,
  FULL,
  type Interval,
  monthsBetween,
  settings,
  sign,
  tariffOrder,
} from "./kit.js";
import { type PrepaidMeter, prepaid } from "./prepaid-meter.js";

vi.mock("../../src/trusted/sealing/self-test.js", async (original) => {
  const { quickSelfTest } = await import("../quick.js");
  return quickSelfTest(await original());
});
vi.mock("../../src/trusted/sealing/signature.js", async (original) => {
  const { quickSignature } = await import("../quick.js");
  return quickSignature(await original());
});

const DAY_S = 86_400;
const TARIFFS: readonly Tariff[] = [DAY_AND_NIGHT, FULL];
const MICRO = 1_000n;
const MILLI = 1_000_000n;

/** What happens to a meter. */
type Happening =
  | { readonly kind: "flow"; readonly seconds: number; readonly watts: readonly [number, number] }
  | { readonly kind: "top-up"; readonly amount: number }
  | { readonly kind: "tariff"; readonly which: 0 | 1 }
  | { readonly kind: "debt"; readonly milli: number; readonly perDay: number }
  | { readonly kind: "clock"; readonly by_s: number }
  | { readonly kind: "dark"; readonly seconds: number; readonly isConfirmed: boolean };

const happenings: fc.Arbitrary<Happening> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant("flow" as const),
      seconds: fc.constantFrom(60, 600, 1800, 5400, 7200, 40_000),
      watts: fc.tuple(fc.nat(9000), fc.nat(3000)),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("top-up" as const), amount: fc.nat(90_000_000) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("tariff" as const),
      which: fc.constantFrom(0 as const, 1 as const),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant("debt" as const), milli: fc.nat(9000), perDay: fc.nat(2000) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("clock" as const),
      by_s: fc.integer({ min: -1700, max: 9000 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant("dark" as const),
      seconds: fc.constantFrom(1, 600, 4000, 90_000),
      isConfirmed: fc.boolean(),
    }),
  },
);

/** A happening, and after how many written bytes of it the power fails, if it does. */
const lives = fc.array(fc.tuple(happenings, fc.option(fc.nat(3000), { freq: 2 })), {
  minLength: 5,
  maxLength: 25,
});

/** What the supplier and the customer know together. */
class Ledger {
  #toppedUp = 0n;
  #collected = 0n;
  #settled = 0n;
  /** The tariff in force, from which of the readings on. */
  #tariff: Tariff;
  #from = 0;
  #debt = { milli: 0, perDay: 0, day: 0 };

  constructor(meter: PrepaidMeter, tariff: Tariff) {
    this.#tariff = tariff;
    this.#from = meter.readings.length;
    this.#debt.day = Math.floor(meter.now_s / DAY_S);
  }

  toppedUp(amount: number): void {
    this.#toppedUp += BigInt(amount) * MICRO;
  }

  changed(tariff: Tariff, meter: PrepaidMeter): void {
    this.#settled += this.#bills(meter);
    this.#from = meter.readings.length;
    this.#tariff = tariff;
  }

  owes(milli: number, perDay: number): void {
    Object.assign(this.#debt, { milli, perDay });
  }

  /** The meter has known the time on this day. */
  day(day: number): void {
    const due = Math.min(this.#debt.milli, Math.max(0, day - this.#debt.day) * this.#debt.perDay);
    this.#collected += BigInt(due) * MILLI;
    this.#debt.milli -= due;
    this.#debt.day = day;
  }

  expected(meter: PrepaidMeter): bigint {
    return this.#toppedUp - this.#collected - this.#settled - this.#bills(meter);
  }

  /** Bills of the local months of what was read under the tariff in force. */
  #bills(meter: PrepaidMeter): bigint {
    const intervals = meter.readings.map(({ interval, readings }): Interval => [interval, readings]);
    const own = intervals.slice(this.#from);
    const first = own[0]?.[0];
    const last = own.at(-1)?.[0];
    if (first === undefined || last === undefined) return 0n;
    // Days of a gap before the first are this period's, if there was one before.
    const from = (this.#from > 1 ? intervals[this.#from - 1]?.[0] : undefined) ?? first - 1;
    const begin = this.#isFirstPeriod ? first : from + 1;
    const bounds = [begin, ...monthsBetween(this.#tariff, begin, last + 1, HALF_HOUR_S), last + 1];
    return bounds
      .slice(1)
      .reduce((sum, to, at) => sum + billed(this.#tariff, own, bounds[at] ?? 0, to, HALF_HOUR_S), 0n);
  }

  get #isFirstPeriod(): boolean {
    return this.#settled === 0n && this.#from <= 1;
  }
}

/** Does it, or whatever of it is done before the power fails. @returns whether it was whole. */
function whole(meter: PrepaidMeter, cut: number | null, act: () => void): boolean {
  if (cut !== null) meter.flash.cutAfter(cut);
  try {
    act();
    meter.flash.powerUp();
    return true;
  } catch (error) {
    if (!(error instanceof PowerCut)) throw error;
    meter.boot();
    meter.confirm();
    return false;
  }
}

/** Sends a command until it is accepted or refused for good. @returns whether it was accepted. */
function send(meter: PrepaidMeter, cut: number | null, kind: number, argument: Uint8Array): boolean {
  const counter = (meter.stored.state.counters[1] as number) + 1;
  const frame = meter.command({ by: "supplier", kind, argument, counter });
  whole(meter, cut, () => meter.receive(frame));
  // Again, as a supplier does who has heard nothing; obeyed already it is refused.
  meter.receive(frame);
  return meter.stored.state.counters[1] === counter;
}

function happen(meter: PrepaidMeter, ledger: Ledger, happening: Happening, cut: number | null): void {
  switch (happening.kind) {
    case "flow": {
      const end_ms = meter.clock.now_ms + happening.seconds * 1000;
      whole(meter, cut, () => meter.pass(happening.seconds, happening.watts, 900));
      meter.pass(Math.ceil((end_ms - meter.clock.now_ms) / 1000), [], 900);
      return;
    }
    case "top-up":
      if (send(meter, cut, 5, int(happening.amount))) ledger.toppedUp(happening.amount);
      return;
    case "tariff": {
      const tariff = TARIFFS[happening.which] ?? DAY_AND_NIGHT;
      meter.companion.offer(sign(tariff));
      const isHere = meter.readings.length;
      if (send(meter, cut, 6, tariffOrder(tariff))) {
        expect(meter.readings.length).toBe(isHere);
        ledger.changed(tariff, meter);
      }
      return;
    }
    case "debt":
      if (send(meter, cut, 7, settings({ 4: happening.milli, 5: happening.perDay })))
        ledger.owes(happening.milli, happening.perDay);
      return;
    case "clock":
      // The meter was wrong, or is told so; true time goes on as it does.
      meter.clock.advance(Math.max(0, happening.by_s) * 1000);
      meter.pass(6 * 3600, [1000], 1800);
      whole(meter, cut, () => meter.receive(meter.answer({ unix_s: meter.now_s + happening.by_s })));
      meter.pass(6 * 3600, [1000], 1800);
      whole(meter, null, () => meter.receive(meter.answer({ by: "authority" })));
      return;
    case "dark":
      meter.clock.advance(happening.seconds * 1000);
      meter.boot();
      if (happening.isConfirmed) meter.confirm();
      meter.pass(1200, [4000, 100], 600);
      meter.confirm();
      return;
  }
}

/** Nano-currency, as the account that the unit would find after a power cut says. */
function balanceOf(meter: PrepaidMeter): bigint {
  const { account } = meter;
  const tariff = TARIFFS.map((one) => new CreditTariff(sign(one), CHANNELS, HALF_HOUR_S)).find(({ signed }) =>
    account.tariffId.every((byte, at) => byte === signed.digest[at]),
  );
  return balance(account, { tariff: tariff ?? null, channels: CHANNELS, intervalSeconds: HALF_HOUR_S });
}

describe("credit + value of energy - top-ups", () => {
  it("is kept over any life of the meter", () => {
    quick.on = true;
    fc.assert(
      fc.property(lives, fc.constantFrom(...TARIFFS), (life, tariff) => {
        const meter = prepaid({ sectors: 64 });
        // Nothing opens the switch: what would have flowed is not the question here.
        meter.begin(tariff, 0, { 3: 4_000_000_000 });
        const ledger = new Ledger(meter, tariff);
        for (const [happening, cut] of life) {
          happen(meter, ledger, happening, cut);
          ledger.day(meter.account.day);
          expect(balanceOf(meter), happening.kind).toBe(ledger.expected(meter));
        }
        expect(meter.account.debt).toBeGreaterThanOrEqual(0);
      }),
      { numRuns: 20, seed: 11 },
    );
    quick.on = false;
  });
});

describe.each(MODES)("in %s flash, a power cut at every byte that is written", (mode) => {
  it("of a top-up leaves it used once, however often it is sent again", () => {
    quick.on = true;
    const meter = prepaid({ sectors: 8, mode });
    meter.begin(DAY_AND_NIGHT, 5);
    const frame = () => meter.command({ by: "supplier", kind: 5, argument: int(1_000_000), counter: 4 });
    const found = new Set<bigint>();
    cutEverywhere(meter, mode, {
      before() {
        meter.boot();
        meter.confirm();
      },
      act: () => meter.receive(frame()),
      after() {
        meter.boot();
        const { settled, topUpsToday } = meter.account;
        found.add(settled);
        expect(topUpsToday).toBe(settled === 6_000_000_000n ? 2 : 1);
        meter.receive(frame());
        meter.receive(frame());
        expect(meter.account).toMatchObject({ settled: 6_000_000_000n, topUpsToday: 2 });
      },
    });
    expect(found).toEqual(new Set([5_000_000_000n, 6_000_000_000n]));
    quick.on = false;
  });
});
