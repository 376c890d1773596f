// Five weeks of credit alone as a board's program, what its pieces of work cost, and what a decoded tariff takes.
import { CreditTariff } from "../../src/credit/valuation.js";
import { assert } from "../../src/trusted/encoding/bytes.js";
import { CREDIT_CHANNELS, CREDIT_INTERVAL_S, type CreditWork, liveOnCredit } from "../credit-month.js";
import { readInput } from "./natives.js";

const [timeOfUse, largest] = readInput().tariffs;
assert(timeOfUse !== undefined && largest !== undefined, "the input has two tariffs");
/** Of each piece of work the dearest, in the engine's two measures, and how often it was done. */
const costs: Partial<
  Record<CreditWork, { times: number; instructions: number; computrons: number; all: number }>
> = {};

function measured<T>(work: CreditWork, run: () => T): T {
  const [instructions, computrons] = [board.instructions(), board.computrons()];
  const result = run();
  const taken = board.instructions() - instructions;
  const { times, all, ...dearest } = costs[work] ?? { times: 0, all: 0, instructions: 0, computrons: 0 };
  costs[work] = {
    times: times + 1,
    all: all + taken,
    instructions: Math.max(dearest.instructions, taken),
    computrons: Math.max(dearest.computrons, board.computrons() - computrons),
  };
  return result;
}

/** Bytes that stay in use while a tariff is kept decoded. */
function heldBy(document: Uint8Array): number {
  const before = board.collect();
  const kept = new CreditTariff(document, CREDIT_CHANNELS, CREDIT_INTERVAL_S);
  const held = board.collect() - before;
  assert(kept.highestGross > 0, "it costs something");
  return held;
}

const tariffs = { timeOfUse: heldBy(timeOfUse.document), largest: heldBy(largest.document) };
liveOnCredit({ tariffs: [timeOfUse, largest], write: (file, bytes) => board.write(file, bytes), measured });
board.print(JSON.stringify({ costs, tariffs, heap: board.heap(), live: board.collect() }));
