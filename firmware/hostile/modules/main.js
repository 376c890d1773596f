// The first machine: starts one neighbour after another, talks to each for a while, ends it, and reports. Its
// own turns must go on all the time.
import NeighbourMachine from "sealmeter/neighbour";
import { value } from "secret";
import Time from "time";
import Timer from "timer";

const ALLOWED = ["good", "memory", "buffers", "stack", "throws", "startup", "loops", "floods", "forbidden"];
const ONE_OF_EACH = [...ALLOWED, "patches"];
/** As firmware/network-machine.ts has it. */
const CREATION = {
  static: 98_304,
  chunk: { initial: 24_576, incremental: 1_024 },
  heap: { initial: 3_072, incremental: 64 },
  stack: 512,
  keys: { initial: 128, incremental: 32 },
  nativeStack: 10_240,
};
const TURN_MS = 5;
const TALK_MS = 400;
const POLLS_PER_TURN = 4;

const print = (text) => native("xs_sealmeter_hostile_print").call(undefined, text);
const exit = () => native("xs_sealmeter_hostile_exit").call(undefined);

const queue = [...ONE_OF_EACH, ...ONE_OF_EACH, "good"];
let worst_ms = 0;
let last_ms = Time.ticks;

function next() {
  const name = queue.shift();
  if (name === undefined) {
    print(JSON.stringify({ worst_ms, secret: value }));
    exit();
    return;
  }
  const machine = new NeighbourMachine(name, [...ALLOWED, "patches", "sealmeter/port"], CREATION);
  const begun_ms = Time.ticks;
  let [heard, said] = [0, ""];
  last_ms = begun_ms;
  const timer = Timer.repeat(() => {
    const now_ms = Time.ticks;
    worst_ms = Math.max(worst_ms, now_ms - last_ms);
    last_ms = now_ms;
    machine.post(Uint8Array.of(1, 2, 3));
    for (let polls = 0; polls < POLLS_PER_TURN; polls++) {
      const message = machine.poll();
      if (!message) break;
      heard++;
      if (message.byteLength <= 3) said = new Uint8Array(message).join();
    }
    if (now_ms - begun_ms < TALK_MS) return;
    Timer.clear(timer);
    const { alive } = machine;
    const ending_ms = Time.ticks;
    machine.close();
    print(JSON.stringify({ name, alive, heard, said, close_ms: Time.ticks - ending_ms }));
    Timer.set(next);
  }, TURN_MS);
}

export default next;
