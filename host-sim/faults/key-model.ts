// The customers' keys in the secret store: a K lives for eight days after its last interval and until that is sealed,
// and then no longer than the day's end.
import { decodeSecrets } from "../../src/trusted/authority/secrets.js";
import { DAY_SECONDS } from "../../src/trusted/metrology/interval.js";
import { holds } from "./violation.js";

const KEY_LIFE_S = 8 * DAY_SECONDS;

interface Held {
  readonly epoch: number;
  readonly firstInterval: number;
}

export class KeyModel {
  readonly #seconds: number;
  readonly #newestEpoch: () => number;
  #held: readonly Held[] = [];
  /** What was sealed at the last two midnights of the unit that had power. */
  #sealed = { day: 0, before: 0, last: 0 };

  constructor(intervalSeconds: number, newestEpoch: () => number) {
    this.#seconds = intervalSeconds;
    this.#newestEpoch = newestEpoch;
  }

  /** A set of keys was saved, or was found after a restart. */
  stored(secrets: Uint8Array, time_s: number | null, sealedTo: number): void {
    const customers = decodeSecrets(secrets).customers.map(({ epoch, firstInterval }) => ({
      epoch,
      firstInterval,
    }));
    for (const [at, { epoch }] of this.#held.entries()) {
      if (customers.some((customer) => customer.epoch === epoch)) continue;
      const successor = this.#held[at + 1];
      // A K whose pairing never came to be may go; its epoch has not begun.
      if (!successor && epoch > this.#newestEpoch()) continue;
      const begin_s = (successor?.firstInterval ?? Number.POSITIVE_INFINITY) * this.#seconds;
      const isOver = time_s !== null && time_s >= begin_s + KEY_LIFE_S;
      holds(
        isOver && sealedTo >= (successor?.firstInterval ?? 0),
        "an old K lives for eight days, and until sealed",
        () => {
          return `epoch ${epoch} ended ${begin_s}, gone at ${time_s}, sealed to ${sealedTo}`;
        },
      );
    }
    this.#held = customers;
  }

  /** The unit's time, and what is sealed. */
  timeIs(time_s: number | null, sealedTo: number): void {
    if (time_s === null) return;
    const day = Math.floor(time_s / DAY_SECONDS);
    if (day !== this.#sealed.day) this.#sealed = { day, before: this.#sealed.last, last: sealedTo };
  }

  /** At a day's beginning no K is left whose time was over the day before. */
  ended(): void {
    for (const [at, { epoch }] of this.#held.entries()) {
      const successor = this.#held[at + 1];
      if (!successor || successor.epoch > this.#newestEpoch()) continue;
      const isOver = this.#sealed.day * DAY_SECONDS >= successor.firstInterval * this.#seconds + KEY_LIFE_S;
      const isSealed = this.#sealed.before >= successor.firstInterval;
      holds(!isOver || !isSealed, "an old K is erased when its time is over", () => `epoch ${epoch} lives`);
    }
  }
}
