// The unit's machine as the device has it, with a journal of 13 months in its flash: what booting costs until
// the first energy is measured, and what the machine holds when it has come to rest, with what a device may have
// beside the unit.
import { Supervisor } from "../../src/meter/supervisor.js";
import { assert } from "../../src/trusted/encoding/bytes.js";
import type { Ports } from "../../src/trusted/ports.js";
import { MetrologyUnit } from "../../src/trusted/unit.js";
import { ScriptedButton, SeededEntropy } from "../ports.js";
import { storesOf } from "../scenario.js";
import { SeededRandom } from "../seeded.js";
import { chip, readInput } from "./natives.js";

const STEPS_MAX = 1_000;
const TURN_MS = 1_000;

/**
 * Starts the unit, lets it come to rest, and prints what that took (BootCosts).
 * @param devices besides those that every meter has.
 */
export function boot(devices: Pick<Ports, "companion"> = {}): void {
  const loaded = board.instructions();
  const { image } = readInput();
  const { journal, secrets } = storesOf(chip);
  let read = false;
  const unit = new MetrologyUnit({
    image,
    flash: journal,
    secrets,
    entropy: new SeededEntropy(new SeededRandom(1)),
    energy: {
      read() {
        read = true;
        return { counts: [1_000_000, 0], status: 0 };
      },
    },
    button: new ScriptedButton(),
    ...devices,
  });
  const recovered = board.instructions();
  unit.step(0);
  assert(read, "the first step measures");
  const measured = board.instructions();
  const silent = { start: () => {}, post: () => true, poll: () => null, stop: () => {} };
  const side = {
    take: () => unit.take(0),
    receive: (bytes: Uint8Array) => unit.receive(0, bytes),
    receiveLocal: (bytes: Uint8Array) => unit.receiveLocal(bytes),
    offerTariff: () => false,
    networkRestarted: () => unit.networkRestarted(),
  };
  const supervisor = new Supervisor(side, silent);
  let now_ms = 0;
  for (let step = 0; step < STEPS_MAX && unit.step(now_ms); step++) supervisor.step(now_ms);
  for (; now_ms < 60 * TURN_MS; now_ms += TURN_MS) unit.step(now_ms);
  board.print(
    JSON.stringify({
      load: loaded,
      recovery: recovered - loaded,
      firstEnergy: measured,
      heap: board.heap(),
      live: board.collect(),
    }),
  );
}
