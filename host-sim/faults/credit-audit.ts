// After a scenario of a meter on pre-payment: every reading that a head end has was drawn once, or lay in a time
// without pre-payment; and the events that went out are those of what has happened, without anything of a balance.
import { decodeEvent } from "../../src/customer/messages.js";
import { EventType } from "../../src/trusted/authority/events.js";
import type { CreditModel, ToldEvent } from "./credit-model.js";
import type { Site } from "./site.js";
import { holds } from "./violation.js";

const TOLD: readonly number[] = [EventType.LOAD_SWITCH, EventType.CREDIT];
/** A load switch has three states; a greater detail is a count of what was not told singly. */
const STATES = 3;

/** @param isWhole whether nothing that the meter has told was overwritten or has rotted. */
export function checkCredit(site: Site, model: CreditModel, isWhole: boolean): void {
  const { readings } = site.messages;
  for (const [interval, { readings: Wh }] of readings) {
    const drawn = model.drawn.get(interval);
    const isSame = drawn ? `${drawn}` === `${Wh}` : model.passed.has(interval);
    holds(isSame, "a recorded interval is drawn once, with its readings", () => {
      return `interval ${interval}: ${Wh} Wh, drawn ${drawn}`;
    });
  }
  if (!isWhole) return;
  const missing = [...model.drawn.keys()].filter((interval) => !readings.has(interval));
  holds(missing.length === 0, "what was drawn was recorded", () => `${missing}`);
  checkEvents(site, model.events);
}

/** In their order; of more than eight of a type a day only the count is told. */
function checkEvents(site: Site, due: readonly ToldEvent[]): void {
  const told = site.headEnd
    .messages("event")
    .map(decodeEvent)
    .filter(({ type }) => TOLD.includes(type));
  let at = 0;
  for (const { type, detail, sequence } of told) {
    const isCount = typeof detail === "number" && (type === EventType.CREDIT || detail >= STATES);
    let found = at;
    while (due[found]?.isMany && !isDue(due[found], type, detail)) found++;
    if (isDue(due[found], type, detail)) at = found + 1;
    // A count below three looks like a state: then there was more than could be told before it.
    else
      holds(
        isCount || due.slice(0, at).some(({ isMany }) => isMany),
        "an event tells of what has happened",
        () => {
          return `event ${sequence} of type ${type}: ${detail}`;
        },
      );
  }
  const untold = due.slice(at).filter(({ isMany }) => !isMany);
  holds(untold.length === 0, "what has happened is told", () => JSON.stringify(untold));
}

const isDue = (due: ToldEvent | undefined, type: number, detail: unknown) =>
  due?.type === type && due.detail === detail;
