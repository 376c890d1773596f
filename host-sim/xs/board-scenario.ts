// What a board's program gives the scenario: the ports over the natives of the host; and what each piece of work cost.
import { sameBytes } from "../../src/trusted/encoding/bytes.js";
import type { ScenarioHost } from "../scenario.js";
import { chip, readInput, readOrder } from "./natives.js";

const { plan, image, answers, tariffs } = readInput();
export { plan, tariffs };
const step = { times: 0, instructions: 0, computrons: 0 };

const INTERVAL_S = 900;
/** Of the turns one in so many is kept, and so many in all; in most of them the meter only measures. */
const SAMPLED_S = 320;
const SAMPLES_MAX = 64;
/** Instructions since the meter last rested: a turn. */
let turn = 0;
/** The dearest turn of this interval: the one in which the last interval was closed. */
let dearest = 0;
const turns: { closing: number[]; other: number[] } = { closing: [], other: [] };

function rested(time_s: number): void {
  dearest = Math.max(dearest, turn);
  if (time_s % SAMPLED_S === 0 && turns.other.length < SAMPLES_MAX) turns.other.push(turn);
  if (time_s % INTERVAL_S === 0) {
    if (turns.closing.length < SAMPLES_MAX) turns.closing.push(dearest);
    dearest = 0;
  }
  turn = 0;
}

function median(values: number[]): number {
  return values.sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}

/** Notes what a step of the unit cost. */
function measured(work: () => boolean): boolean {
  const [instructions, computrons] = [board.instructions(), board.computrons()];
  const isBusy = work();
  const taken = board.instructions() - instructions;
  turn += taken;
  step.times++;
  step.instructions = Math.max(step.instructions, taken);
  step.computrons = Math.max(step.computrons, board.computrons() - computrons);
  return isBusy;
}

export const boardHost: ScenarioHost = {
  image,
  flash: chip,
  cutAfter: (bytes) => board.cutAfter(bytes),
  write: (file, bytes) => board.write(file, bytes),
  answerTime: (nonce) => answers.find(([asked]) => sameBytes(asked, nonce))?.[1] ?? null,
  order: readOrder,
  measured,
  rested,
};

/** At the end, as one line of JSON. */
export function printCosts(): void {
  const [closing, idle] = [median(turns.closing), median(turns.other)];
  board.print(JSON.stringify({ step, closing, idle, heap: board.heap(), live: board.collect() }));
}
