// Lives the meters of a street, in this thread or on several cores: their lives have nothing in common but their
// plans, so the bytes are the same either way.
import { Worker } from "node:worker_threads";
import { liveMeter, type MeterLife, type MeterPlan } from "../host-sim/street-meter.js";

/**
 * @param jobs threads; 1: none but this one.
 * @param progress is told how many meters are done, and of how many.
 * @returns the lives in the order of their plans.
 */
export async function liveAll(
  plans: readonly MeterPlan[],
  jobs: number,
  progress: (done: number, total: number) => void,
): Promise<readonly MeterLife[]> {
  const lives: MeterLife[] = [];
  let [next, done] = [0, 0];
  const keep = (at: number, life: MeterLife) => {
    lives[at] = life;
    progress(++done, plans.length);
  };
  if (jobs === 1) for (const [at, plan] of plans.entries()) keep(at, liveMeter(plan));
  else await Promise.all(Array.from({ length: Math.min(jobs, plans.length) }, () => work(() => next++)));
  return lives;

  /** One thread, until no plan is left. */
  function work(take: () => number): Promise<void> {
    const worker = new Worker(new URL("./street-worker.mjs", import.meta.url));
    return new Promise((resolve, reject) => {
      let at = 0;
      const goOn = () => {
        at = take();
        if (at < plans.length) worker.postMessage(plans[at]);
        else void worker.terminate().then(() => resolve());
      };
      worker.on("error", reject);
      worker.on("message", (life: MeterLife) => {
        keep(at, life);
        goOn();
      });
      goOn();
    });
  }
}
