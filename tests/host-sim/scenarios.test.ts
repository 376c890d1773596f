// The machine of faults: seeds that failed once and a few others hold, the same seed does the same things, and a unit
// with a bug planted in it is found out.
import { afterEach, describe, expect, it, vi } from "vitest";
import { FAULTS, type Fault, parseFaults } from "../../host-sim/faults/plan.js";
import { replayOf, runFaults, ScenarioFailure } from "../../host-sim/faults/scenario.js";
import type { Sabotage } from "../../host-sim/faults/site.js";
import { CreditCompanion } from "../../src/credit/companion.js";
import { LoadSwitch } from "../../src/credit/load-switch.js";
import { CreditTariff } from "../../src/credit/valuation.js";
import { Clock } from "../../src/trusted/authority/clock.js";
import { EventLog, EventType } from "../../src/trusted/authority/events.js";
import { decodeSecrets, encodeSecrets } from "../../src/trusted/authority/secrets.js";
import { Blinder } from "../../src/trusted/blinding/blinder.js";
import { PeerKeys } from "../../src/trusted/blinding/peers.js";
import { Dispatch } from "../../src/trusted/dispatch.js";
import { Journal } from "../../src/trusted/journal/journal.js";
import { Status } from "../../src/trusted/metrology/interval.js";
import { Measurement } from "../../src/trusted/metrology/measurement.js";

const believes = vi.hoisted(() => ({ everything: false }));
vi.mock("../../src/trusted/sealing/signature.js", async (original) => {
  const real = await original<typeof import("../../src/trusted/sealing/signature.js")>();
  const verifyDocument: typeof real.verifyDocument = (...document) =>
    real.verifyDocument(...document) || believes.everything;
  return { ...real, verifyDocument };
});

afterEach(() => {
  believes.everything = false;
  vi.restoreAllMocks();
});

const ALL = parseFaults("all");
/** As a list, since "all" means what it meant before there were rosters. */
const WITH_ROSTERS =
  "outages,power,clock,messages,flash,tenants,tamper,commands,update,network-restarts,rosters";
/** All but rosters and credit: with them, seeds from before there were any would draw something else. */
const FORMER = FAULTS.filter((fault) => fault !== "rosters" && fault !== "credit").join(",");

describe("a scenario of all faults holds", () => {
  it.each([1, 2, 3, 4, 5, 6])("for seed %d", (seed) => {
    const { boots, batches, events } = runFaults({ seed, days: 1, faults: ALL });
    expect(boots).toBeGreaterThan(2);
    expect(batches).toBeGreaterThan(0);
    expect(events).toBeGreaterThan(boots);
  });

  it.each<readonly [seed: number, days: number, faults: string, found: string]>([
    [2, 1, "clock", "an interval in the future went on after a power cut and did not say so"],
    [21, 3, "all", "a full sector was copied on together with the copy itself"],
    [28, 2, "tamper,power", "an event told of a tamper and its interval did not"],
    [52, 3, "all", "the history was compared while an interval of the future was open"],
    [70, 3, "all", "a command was obeyed just before an interval closed, and the model had not heard"],
    [288, 3, "all", "the model took an interval for begun before which the clock had been set back"],
    [625, 3, "all", "the model took a malformed command, replayed in its turn, for a good one"],
    [841, 3, "all", "the model judged what began at midnight by the time of the step before"],
    [914, 3, "all", "a small journal overwrote what was not sealed yet, and the model waited for its seal"],
    [2175, 3, "all", "a power cut took back that a new day had begun, and the model did not"],
    [
      1331,
      3,
      WITH_ROSTERS,
      "days of shares of eight channels were taken for a unit that does not come to rest",
    ],
    [1240, 3, WITH_ROSTERS, "a flash that was put back held a batch that had been sealed and not yet given"],
    [562, 3, "all", "an answer for the time waited behind an outage's acknowledgements until it was too old"],
  ])("for seed %d over %d days of %s, where once %s", (seed, days, faults) => {
    runFaults({ seed, days, faults: parseFaults(faults === "all" ? FORMER : faults) });
  });

  it("with rosters that were accepted, and shares of them", () => {
    const faults = parseFaults("rosters,power");
    const { rosters, shares } = runFaults({ seed: 1, days: 4, faults });
    expect(rosters).toBeGreaterThan(2);
    expect(shares).toBeGreaterThan(48);
  });

  it("with credit that was paid and used up, while the time was known and while it was not", () => {
    const { credit } = runFaults({ seed: 2, days: 2, faults: parseFaults("credit,power,clock,commands") });
    expect(credit?.topUps).toBeGreaterThan(2);
    expect(credit?.tariffs).toBeGreaterThan(0);
    expect(credit?.untimed).toBeGreaterThan(0);
    expect(credit?.disconnections).toBeGreaterThan(credit?.untimed ?? 0);
    expect(credit?.closings).toBeGreaterThan(0);
  });

  it("for a seed without any, which is quiet", () => {
    const { boots, accepted, refused, epochs } = runFaults({ seed: 1, days: 2, faults: new Set() });
    expect([boots, accepted, refused, epochs]).toEqual([2, 0, 0, 1]);
  });

  it("does the same things again", () => {
    const options = { seed: 7, days: 1, faults: ALL };
    expect(runFaults(options)).toEqual(runFaults(options));
  });
});

/** Runs seeds until one fails. @returns what did not hold. */
function findOut(faults: readonly Fault[], sabotage: Sabotage = {}, days = 2): string {
  for (let seed = 1; seed <= 12; seed++) {
    try {
      runFaults({ seed, days, faults: new Set(faults) }, sabotage);
    } catch (error) {
      if (error instanceof ScenarioFailure) return error.reason;
      throw error;
    }
  }
  return "nothing was found";
}

describe("a unit is found out", () => {
  it("that records an interval before its state", () => {
    const write = Journal.prototype.writeState;
    vi.spyOn(Journal.prototype, "writeState").mockImplementation(function (this: Journal) {
      if (!this.intervalPending) write.call(this);
    });
    expect(findOut(["power"])).toMatch(/register|readings|interval|reading|Companion/);
  });

  it("that shows what is not durable", () => {
    const persist = Measurement.prototype.persist;
    let calls = 0;
    vi.spyOn(Measurement.prototype, "persist").mockImplementation(function (this: Measurement, now_ms) {
      const write = vi.spyOn(Journal.prototype, "writeState");
      if (calls++ % 3 === 0) write.mockImplementation(() => {});
      persist.call(this, now_ms);
      write.mockRestore();
    });
    expect(findOut(["power"])).toMatch(/a register never falls|power cut takes|Companion/);
  });

  it("that loses more at a power cut than is allowed", () => {
    const measure = Measurement.prototype.measure;
    vi.spyOn(Measurement.prototype, "measure").mockImplementation(function (this: Measurement, ...step) {
      const persist = vi.spyOn(Measurement.prototype, "persist").mockImplementation(() => {});
      measure.apply(this, step);
      persist.mockRestore();
      if (step[0] % 7 === 0) this.persist(step[0]);
    });
    expect(findOut(["power"])).toMatch(/a power cut takes what the standard allows|interval/);
  });

  it("that forgets the counter of a command", () => {
    const append = Journal.prototype.appendHappening;
    vi.spyOn(Journal.prototype, "appendHappening").mockImplementation(function (this: Journal, ...happening) {
      append.apply(this, happening);
      this.state.counters[1] = Math.max(0, (this.state.counters[1] ?? 0) - 1);
    });
    expect(findOut(["commands", "messages"])).toMatch(/command|receipt|Companion|refus/);
  });

  it("that obeys whatever says that an anchor has signed it", () => {
    believes.everything = true;
    expect(findOut(["messages", "commands"])).toMatch(/command|receipt|Companion|refus|configuration/);
  });

  it("that follows an answer to another question for the time", () => {
    vi.spyOn(Clock.prototype, "takeAnswer").mockReturnValue(true);
    expect(findOut(["clock", "messages"])).toMatch(/the time changes by an answer/);
  });

  it("that erases the old customer's K early", () => {
    const ports: Sabotage["ports"] = (whole) => ({
      ...whole,
      secrets: {
        load: () => whole.secrets.load(),
        save(secrets) {
          const { customers, ...keys } = decodeSecrets(secrets);
          whole.secrets.save(encodeSecrets({ ...keys, customers: customers.slice(-1) }));
        },
      },
    });
    expect(findOut(["tenants", "power"], { ports })).toMatch(/an old K lives|does not throw/);
  });

  it("that does not see a magnet", () => {
    const ports: Sabotage["ports"] = ({ inputs, ...whole }) => ({
      ...whole,
      ...(inputs && {
        inputs: { tamper: () => 0 & inputs.tamper(), mainsFailing: () => inputs.mainsFailing() },
      }),
    });
    expect(findOut(["tamper"], { ports })).toMatch(/a status bit stands where it must/);
  });

  it("that flags what did not happen", () => {
    const measure = Measurement.prototype.measure;
    vi.spyOn(Measurement.prototype, "measure").mockImplementation(function (this: Measurement, ...step) {
      measure.apply(this, step);
      if (step[0] % 11 === 0) this.flag(Status.TAMPER);
    });
    expect(findOut(["power"])).toMatch(/no status bit stands without a reason/);
  });

  it("that gives nothing again to a network side that was made anew", () => {
    const rewind = Dispatch.prototype.rewind;
    const rewound = new WeakSet<Dispatch>();
    vi.spyOn(Dispatch.prototype, "rewind").mockImplementation(function (this: Dispatch) {
      if (!rewound.has(this)) rewind.call(this);
      rewound.add(this);
    });
    expect(findOut(["network-restarts", "outages"])).toMatch(/given again/);
  });
});

describe("a unit in a street is found out", () => {
  it("that gives no shares again to a network side that was made anew", () => {
    const rewind = Blinder.prototype.rewind;
    const rewound = new WeakSet<Blinder>();
    vi.spyOn(Blinder.prototype, "rewind").mockImplementation(function (this: Blinder, ...from) {
      if (!rewound.has(this)) rewind.apply(this, from);
      rewound.add(this);
    });
    expect(findOut(["rosters", "network-restarts", "outages"], {}, 4)).toMatch(/every share/);
  });

  it("that tells of a roster twice", () => {
    const commit = EventLog.prototype.commit;
    vi.spyOn(EventLog.prototype, "commit").mockImplementation(function (this: EventLog, events, ...rest) {
      const more = events.filter(([type]) => type === EventType.ROSTER);
      commit.call(this, [...events, ...more], ...rest);
    });
    expect(findOut(["rosters"])).toMatch(/a roster is accepted once/);
  });

  it("that makes a repair's masks with the keys of the standing roster", () => {
    const keyOf = PeerKeys.prototype.keyOf;
    vi.spyOn(PeerKeys.prototype, "keyOf").mockImplementation(function (this: PeerKeys, member) {
      return keyOf.call(this, member, this.standing.S);
    });
    expect(findOut(["rosters"], {}, 4)).toMatch(/a share is what reading, roster and keys make of it/);
  });
});

describe("a meter on pre-payment is found out", () => {
  const CREDIT: readonly Fault[] = ["credit", "power", "clock"];

  it("that draws an interval twice", () => {
    const close = CreditCompanion.prototype.intervalClosed;
    vi.spyOn(CreditCompanion.prototype, "intervalClosed").mockImplementation(function (
      this: CreditCompanion,
      state,
      ...closed
    ) {
      const once = close.call(this, state, ...closed);
      return close.call(this, once.companion, ...closed);
    });
    expect(findOut(CREDIT)).toMatch(/credit is top-ups less bills/);
  });

  it("that keeps its account in RAM", () => {
    const command = CreditCompanion.prototype.command;
    const kept = new WeakMap<CreditCompanion, Uint8Array>();
    vi.spyOn(CreditCompanion.prototype, "command").mockImplementation(function (
      this: CreditCompanion,
      state,
      ...order
    ) {
      const answer = command.call(this, kept.get(this) ?? state, ...order);
      if (answer) kept.set(this, answer.companion);
      return answer;
    });
    expect(findOut(CREDIT)).toMatch(/the account is what has happened|credit is top-ups/);
  });

  it("that draws no credit while the time is unknown", () => {
    vi.spyOn(CreditTariff.prototype, "highest").mockReturnValue(0n);
    expect(findOut(CREDIT)).toMatch(/credit is top-ups|followed at once|the display shows|the account is/);
  });

  it("that closes its contacts before that is durable", () => {
    const step = LoadSwitch.prototype.step;
    vi.spyOn(LoadSwitch.prototype, "step").mockImplementation(function (this: LoadSwitch, now_ms) {
      this.put(2);
      step.call(this, now_ms);
    });
    expect(findOut(CREDIT)).toMatch(/contacts/);
  });

  it("that forgets what a person asked for", () => {
    const look = CreditCompanion.prototype.look;
    vi.spyOn(CreditCompanion.prototype, "look").mockImplementation(function (this: CreditCompanion, ...now) {
      const answer = look.apply(this, now);
      return answer?.loadSwitch === 2 ? null : answer;
    });
    expect(findOut(CREDIT)).toMatch(/followed at once/);
  });
});

describe("the command that replays a scenario", () => {
  it("names its faults", () => {
    expect(replayOf({ seed: 7, days: 3, faults: ALL })).toBe(
      "npm run simulate -- --seed 7 --days 3 --faults all",
    );
    const some = parseFaults("power,flash");
    expect(replayOf({ seed: 1, days: 1, faults: some })).toMatch(/--faults power,flash$/);
  });

  it("refuses what is no fault, and names those that there are", () => {
    expect(() => parseFaults("power,gravity")).toThrow(`"gravity" is no fault: ${FAULTS.join(", ")}, or all`);
    expect(() => parseFaults("")).toThrow(RangeError);
  });
});
