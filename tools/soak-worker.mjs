// One core of a soak: runs the scenarios of the seeds that it is sent, from the TypeScript sources as
// sealmeter.mjs does, and answers each with what came of it.
import { register } from "node:module";
import { parentPort, workerData } from "node:worker_threads";

register("ts-node/esm", import.meta.url);
const { runFaults, ScenarioFailure } = await import("../host-sim/faults/scenario.ts");
const { parseFaults } = await import("../host-sim/faults/plan.ts");

const { days, faults } = workerData;
const options = { days, faults: parseFaults(faults) };

function run(seed) {
  try {
    return { seed, result: runFaults({ ...options, seed }), failure: null };
  } catch (error) {
    if (!(error instanceof ScenarioFailure)) throw error;
    const { reason, at_ms, actions } = error;
    return { seed, result: null, failure: { reason, at_ms, actions } };
  }
}

parentPort.on("message", (seed) => parentPort.postMessage(run(seed)));
