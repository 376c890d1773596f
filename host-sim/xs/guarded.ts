// The unit beside a network machine that nobody trusts: an hour of metering while the neighbour does what it
// likes, then everything that the unit has recorded, asked for again. What comes out must not depend on the
// neighbour. The requests for the time are answered here, so that every neighbour meets the same unit.
import { type Neighbour, Supervisor } from "../../src/meter/supervisor.js";
import { asciiBytes, assert, sameBytes } from "../../src/trusted/encoding/bytes.js";
import { array, bstr, CborReader, int } from "../../src/trusted/encoding/cbor.js";
import type { Entropy } from "../../src/trusted/ports.js";
import { MetrologyUnit, provision } from "../../src/trusted/unit.js";
import { VirtualClock } from "../clock.js";
import { ScriptedButton, SeededEntropy, TraceEnergy } from "../ports.js";
import { FIRST_POWER_UP, seededTrace, storesOf } from "../scenario.js";
import { SeededRandom } from "../seeded.js";
import { chip, readInput } from "./natives.js";

/** Memory of the network machine on a 32-bit engine (docs/performance.md). */
const ARENA_BYTES = 98_304;
/** Work that the network machine may do in a turn. */
const COMPUTRONS = 2_000_000;
const TURN_MS = 2_000;
/** Steps of the unit in a turn, and at the end, at most. */
const STEPS_PER_TURN = 8;
const STEPS_MAX = 10_000;
/** What is asked for at the end: kind, and the file that it goes to. */
const KEPT: readonly (readonly [kind: number, file: string])[] = [
  [1, "reading"],
  [3, "batch"],
  [4, "event"],
  [5, "pairing"],
];

class MachineNeighbour implements Neighbour {
  #alive = false;

  start(): void {
    this.#alive = neighbour.start(ARENA_BYTES, "network");
  }

  post(bytes: Uint8Array): boolean {
    return this.#alive && neighbour.post(bytes);
  }

  poll(): Uint8Array | null | undefined {
    return neighbour.poll() ?? (this.#alive ? null : undefined);
  }

  stop(): void {
    neighbour.stop();
    this.#alive = false;
  }

  /** Its turn. */
  run(): void {
    this.#alive = this.#alive && neighbour.run(COMPUTRONS) === "idle";
  }
}

const { plan, image, answers } = readInput();
const { journal, secrets } = storesOf(chip);
const clock = new VirtualClock(plan.start_s * 1000);
const seeded = new SeededEntropy(new SeededRandom(plan.seed).fork(FIRST_POWER_UP));
/** The signed answer to the request for the time that the unit is about to make. */
let answer: Uint8Array | null = null;
const entropy: Entropy = {
  fill(into) {
    seeded.fill(into);
    answer = answers.find(([nonce]) => sameBytes(nonce, into))?.[1] ?? answer;
  },
};
const ports = {
  image,
  flash: journal,
  secrets,
  entropy,
  energy: new TraceEnergy(seededTrace(plan), clock),
  button: new ScriptedButton(),
};
board.write("answer", provision(ports, plan.request));
const unit = new MetrologyUnit(ports);
const uptime_ms = () => clock.now_ms - plan.start_s * 1000;

function deliver(frame: Uint8Array): void {
  for (let steps = 0; !unit.receive(uptime_ms(), frame); steps++) {
    assert(steps < STEPS_MAX, "the unit's place becomes free");
    unit.step(uptime_ms());
  }
}

function rest(): void {
  for (let steps = 0; steps < STEPS_MAX && unit.step(uptime_ms()); steps++);
}

function messageOf(frame: Uint8Array): Uint8Array {
  const reader = new CborReader(frame, "unit's message");
  reader.array(3);
  reader.uint(7);
  reader.uint(0xffffffff);
  return reader.bytes(1, 4096);
}

const machine = new MachineNeighbour();
const side = {
  take: () => unit.take(uptime_ms()),
  networkRestarted: () => unit.networkRestarted(),
  receive: (bytes: Uint8Array) => unit.receive(uptime_ms(), bytes),
  receiveLocal: (bytes: Uint8Array) => unit.receiveLocal(bytes),
  offerTariff: () => false,
};
const supervisor = new Supervisor(side, machine);
for (; clock.now_ms < plan.end_s * 1000; clock.advance(TURN_MS)) {
  for (let step = 0; step < STEPS_PER_TURN && unit.step(uptime_ms()); step++);
  if (answer) deliver(array(int(3), bstr(answer)));
  answer = null;
  machine.run();
  supervisor.step(uptime_ms());
}
machine.stop();
rest();
for (const [kind, file] of KEPT) {
  deliver(array(int(2), int(kind), int(0), int(0xffffffff)));
  rest();
  for (let frame = unit.take(uptime_ms()); frame; frame = unit.take(uptime_ms())) {
    if (frame[1] === kind) board.write(file, messageOf(frame));
  }
}
board.write("display", asciiBytes(unit.display(uptime_ms()).slice(0, 4).join(" | ")));
board.print(JSON.stringify({ faults: supervisor.faults }));
