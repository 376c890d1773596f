// A thief puts back what the flash chip held days ago. A meter with a counter that cannot be rolled back must seal
// nothing on it: it would sign a second history. What registers show then is no business of the model's any more.
import { CborReader } from "../../src/trusted/encoding/cbor.js";
import { Journal } from "../../src/trusted/journal/journal.js";
import { MetrologyUnit } from "../../src/trusted/unit.js";
import type { FlashSnapshot } from "../flash.js";
import { SeededEntropy } from "../ports.js";
import { readDisplay } from "./display.js";
import { Kind } from "./message-model.js";
import type { Site } from "./site.js";
import { holds } from "./violation.js";

/** Number of the self-test that fails where flash or software is older than what has run. */
const ROLLED_BACK = 100;
const STEPS = 300;

/** Batches that were sealed when the flash held this: some of them may not have left the meter then. */
function sealedOn({ flash }: Site, snapshot: FlashSnapshot): number {
  flash.restore(snapshot);
  const journal = new Journal(flash);
  journal.recover();
  flash.restore(snapshot);
  return journal.state.nextBatch;
}

/** Boots the meter from what its flash held once; the scenario is over after that. */
export function checkRollBack(site: Site, snapshot: FlashSnapshot): void {
  if (!site.plan.has.counter) return;
  if (site.powered) site.powerDown(false);
  site.flash.powerUp();
  const batches = sealedOn(site, snapshot);
  // Where none was sealed since, there is nothing to tell the two by.
  if (site.counter.read() === batches) return;
  const { image, flash, secrets, button, counter, plan, dice } = site;
  const energy = { read: () => ({ counts: plan.channels.map(() => 0), status: 0 }) };
  const entropy = new SeededEntropy(dice.random.fork("roll-back"));
  const unit = new MetrologyUnit({ image, flash, secrets, entropy, energy, button, counter });
  for (let step = 0; step < STEPS; step++) {
    unit.step(1000 * step);
    const frame = unit.take(1000 * step);
    const reader = frame && new CborReader(frame, "frame");
    reader?.array(3);
    const isNew = reader?.uint(7) === Kind.BATCH && reader.uint(0xffffffff) >= batches;
    holds(!isNew, "a meter that was rolled back seals nothing", () => "it gives another batch");
  }
  const { failed } = readDisplay(unit.display(1000 * STEPS), plan.channels.length);
  holds(failed === ROLLED_BACK, "a meter that was rolled back says so", () => `self-test ${failed}`);
}
