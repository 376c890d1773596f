// One meter's life in a street. What its aggregator will send it is known beforehand, so it is lived alone: from a
// plan that is data and nothing else to what was sent, whichever thread or order the others are lived in.
import type { MeterRecord, PairedKeys } from "../src/customer/check.js";
import { sameBytes } from "../src/trusted/encoding/bytes.js";
import {
  customerOf,
  recordOf,
  type SimulationOptions,
  type Site,
  simulate,
  type World,
} from "./simulation.js";

/** A meter is stepped so often, ms. */
export const STREET_TICK_MS = 30_000;
/** A meter that was powered up has asked the time by then, ms. */
const SETTLED_MS = 600_000;

/** A document for a meter, and when its aggregator sends it. */
export interface Letter {
  readonly at_s: number;
  readonly document: Uint8Array;
}

export interface MeterPlan {
  readonly site: Site;
  readonly options: SimulationOptions;
  /** The certificate that the others know. */
  readonly certificate: Uint8Array;
  /** In the order of sending. */
  readonly letters: readonly Letter[];
}

/** What is left of a meter's life: all that it has sent, and its customer's keys. */
export interface MeterLife {
  readonly meterId: string;
  readonly record: MeterRecord;
  /** Share messages in the order in which they arrived. */
  readonly shares: readonly Uint8Array[];
  readonly keys: PairedKeys;
}

/** Lives a meter's plan; the same plan gives the same bytes. @throws Error if its keys are not those of the plan. */
export function liveMeter({ site, options, certificate, letters }: MeterPlan): MeterLife {
  const mail = new Mail(letters);
  const watch = (world: World) => mail.send(world);
  const world = simulate({ ...options, tick_ms: STREET_TICK_MS, watch }, site);
  const { meterId } = options;
  if (!sameBytes(world.enrolment.certificate, certificate))
    throw new Error(`${meterId}: other keys than its plan's`);
  return { meterId, record: recordOf(world), shares: world.headEnd.shares, keys: customerOf(world) };
}

/** Sends each document when its time has come and the meter is there: powered, its clock confirmed, and online. */
class Mail {
  readonly #letters: readonly Letter[];
  #sent = 0;
  #poweredFrom_ms: number | null = null;

  constructor(letters: readonly Letter[]) {
    this.#letters = letters;
  }

  send({ clock, device, uplink }: World): void {
    if (!device.powered) this.#poweredFrom_ms = null;
    else this.#poweredFrom_ms ??= clock.now_ms;
    if (this.#poweredFrom_ms === null || clock.now_ms - this.#poweredFrom_ms < SETTLED_MS) return;
    for (let next = this.#letters[this.#sent]; next; next = this.#letters[this.#sent]) {
      if (next.at_s * 1000 > clock.now_ms || !uplink.sendCommand(next.document)) return;
      this.#sent++;
    }
  }
}
