// The unit's machine as the device has it, with a journal of 13 months in its flash: what booting costs until
// the first energy is measured, and what the machine holds when it has come to rest.
import { Supervisor } from "../../src/meter/supervisor.js";
import { assert } from "../../src/trusted/encoding/bytes.js";
import { MetrologyUnit } from "../../src/trusted/unit.js";
import { ScriptedButton, SeededEntropy } from "../ports.js";
import { storesOf } from "../scenario.js";
import { decodeInput } from "../scenario-input.js";
import { SeededRandom } from "../seeded.js";

const STEPS_MAX = 1_000;
const TURN_MS = 1_000;

const begun = { instructions: board.instructions(), computrons: board.computrons() };
const { image } = decodeInput(new Uint8Array(board.rom("input")));
const { journal, secrets } = storesOf({
  sectors: board.sectors(),
  read: (address, into) => board.read(address, into),
  program: (address, bytes) => board.program(address, bytes),
  erase: (sector) => board.erase(sector),
});
let read = false;
const unit = new MetrologyUnit({
  image: {
    ...image,
    tableB: new Uint8Array(board.rom("tableB")),
    tableBlinding: new Uint8Array(board.rom("tableBlinding")),
  },
  flash: journal,
  secrets,
  entropy: new SeededEntropy(new SeededRandom(1)),
  energy: {
    read() {
      read = true;
      return { energy_mJ: [1_000_000, 0], status: 0 };
    },
  },
  button: new ScriptedButton(),
});
const recovered = { instructions: board.instructions(), computrons: board.computrons() };
unit.step(0);
assert(read, "the first step measures");
const measured = board.instructions();
const silent = { start: () => {}, post: () => true, poll: () => null, stop: () => {} };
const side = {
  take: () => unit.take(0),
  receive: (bytes: Uint8Array) => unit.receive(0, bytes),
  networkRestarted: () => unit.networkRestarted(0),
};
const supervisor = new Supervisor(side, silent);
let now_ms = 0;
for (let step = 0; step < STEPS_MAX && unit.step(now_ms); step++) supervisor.step(now_ms);
for (; now_ms < 60 * TURN_MS; now_ms += TURN_MS) unit.step(now_ms);
board.print(
  JSON.stringify({
    load: begun.instructions,
    recovery: recovered.instructions - begun.instructions,
    recoveryComputrons: recovered.computrons - begun.computrons,
    firstEnergy: measured,
    heap: board.heap(),
    live: board.collect(),
  }),
);
