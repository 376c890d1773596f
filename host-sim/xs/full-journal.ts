// A chip as it is after 13 months in the field, made in a second: the unit is provisioned, and the journal is
// then filled with records of the right sizes, whose contents nobody can open. What a restart costs on it is
// what it costs on any.
import { Journal, MessageKind, RecordType } from "../../src/trusted/journal/journal.js";
import { DAY_SECONDS, intervalAt } from "../../src/trusted/metrology/interval.js";
import { provision } from "../../src/trusted/unit.js";
import { ScriptedButton, SeededEntropy } from "../ports.js";
import { storesOf } from "../scenario.js";
import { SeededRandom } from "../seeded.js";
import { BoardFlash, type Reference } from "./reference.js";

const DAYS = 396;
const INTERVAL_S = 900;
const PER_DAY = DAY_SECONDS / INTERVAL_S;
const CHANNELS = 2;
/** A batch document and an event message as they are on the wire, bytes. */
const BATCH_BYTES = 274;
const EVENT_BYTES = 60;

/** The cells; the meter is that of the reference, its last record an hour before the power comes back. */
export function fullChip({ input, tables }: Reference): Uint8Array {
  const { plan, image } = input;
  const flash = new BoardFlash();
  const { journal: partition, secrets } = storesOf(flash);
  const random = new SeededRandom(plan.seed).fork("full journal");
  const energy = { read: () => ({ counts: [0, 0], status: 0 }) };
  const ports = { image: { ...image, ...tables }, flash: partition, secrets, energy };
  provision({ ...ports, entropy: new SeededEntropy(random), button: new ScriptedButton() }, plan.request);
  const journal = new Journal(partition);
  journal.recover();
  const drawn = (length: number) => {
    const bytes = new Uint8Array(length);
    random.fill(bytes);
    return bytes;
  };
  const { state } = journal;
  const first = intervalAt(plan.start_s, INTERVAL_S);
  for (let day = 0; day < DAYS; day++) {
    for (let at = 0; at < PER_DAY; at++) {
      const interval = first + day * PER_DAY + at;
      Object.assign(state, { closedInterval: interval, openInterval: interval + 1 });
      journal.writeState();
      journal.appendInterval({ interval, status: 0, epoch: 0, padded: drawn(4 * CHANNELS) });
    }
    Object.assign(state, { sealedTo: first + (day + 1) * PER_DAY, batchDigest: drawn(32) });
    const batch = { kind: MessageKind.BATCH, number: day, bytes: drawn(BATCH_BYTES) };
    journal.appendHappening(RecordType.BATCH, day, [batch]);
    state.eventDigest = drawn(32);
    const event = { kind: MessageKind.EVENT, number: state.nextEvent, bytes: drawn(EVENT_BYTES) };
    journal.appendHappening(RecordType.EVENT, event.number, [event]);
    state.lastTime_s = plan.start_s + (day + 1) * DAY_SECONDS;
  }
  journal.writeState();
  return flash.cells;
}
