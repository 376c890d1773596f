// After a scenario: every share that can be had has been given or is given when it is asked for, the same bytes, and
// arrives. Where no network side has lied, all came without being asked for.
import type { Driver } from "./driver.js";
import { Kind } from "./message-model.js";
import { sharesAgain } from "./network.js";
import type { Site } from "./site.js";
import { holds } from "./violation.js";

const LAST = [0xffffffff, 0xffffffff] as const;
/** Shares are made again once an hour; each round lasts longer, minutes. */
const ROUND_MINUTES = 65;
const ROUNDS_MAX = 3;

export function checkShares(site: Site, driver: Driver): void {
  const { shares, plan, worn } = site;
  const memory = site.remembered();
  const isKnown = plan.isSmall || memory.nextNumber === shares.lastNumber + 1;
  holds(isKnown, "every roster that was accepted was told of", () => {
    return `next is ${memory.nextNumber} after ${shares.lastNumber}`;
  });
  // A sector that is worn may have held the members.
  if (worn.size > 0) return;
  const recorded = [...site.stored(Kind.READING)].sort((a, b) => a - b);
  // Those whose time is nearly over may be gone by the time that they are asked for.
  const due = shares.due(recorded, site.now_s + (ROUNDS_MAX + 1) * ROUND_MINUTES * 60);
  const missing = () => due.filter((name) => !shares.hasArrived(name));
  const mayHide = plan.faults.has("messages") || plan.faults.has("clock");
  holds(mayHide || missing().length === 0, "every share arrives unasked", () => `not ${missing()}`);
  shares.heard.clear();
  const unheard = () => due.filter((name) => !shares.heard.has(name) || !shares.hasArrived(name));
  for (let round = 0; round < ROUNDS_MAX && unheard().length > 0; round++) {
    driver.request(sharesAgain([0, 0], LAST));
    for (let minute = 0; minute < ROUND_MINUTES && unheard().length > 0; minute++) driver.wait();
  }
  holds(unheard().length === 0, "every share of the window can be given again", () => `not ${unheard()}`);
}
