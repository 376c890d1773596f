// The link between the two machines, and the supervisor that guards it: messages pass whole and in order
// whatever the timing; a network machine that dies, falls silent, floods or speaks nonsense is restarted, and
// the unit's side does a bounded amount of work for it.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { answer, LINK_BYTES_MAX, Request, UnitLink } from "../../src/meter/link.js";
import { type GuardedUnit, type Neighbour, Supervisor } from "../../src/meter/supervisor.js";

/** A unit that gives numbered messages, and takes what it is told to take. */
class NumberedUnit implements GuardedUnit {
  given = 0;
  restarts = 0;
  readonly received: number[] = [];
  readonly pairings: number[] = [];
  readonly tariffs: number[] = [];
  takes = true;
  readonly #total: number;

  constructor(total: number) {
    this.#total = total;
  }

  take(): Uint8Array | null {
    return this.given < this.#total ? Uint8Array.of(this.given++) : null;
  }

  networkRestarted(): void {
    this.restarts++;
  }

  receive(bytes: Uint8Array): boolean {
    if (this.takes) this.received.push(bytes[0] ?? -1);
    return this.takes;
  }

  receiveLocal(bytes: Uint8Array): boolean {
    this.pairings.push(bytes[0] ?? -1);
    return this.takes;
  }

  offerTariff(document: Uint8Array): boolean {
    this.tariffs.push(document[0] ?? -1);
    return this.takes;
  }
}

describe("the link", () => {
  it("passes all messages both ways, once and in order, however requests and answers are delayed", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(5), { minLength: 200, maxLength: 200 }), (turns) => {
        const unit = new NumberedUnit(20);
        const [requests, answers]: [Uint8Array[], Uint8Array[]] = [[], []];
        const link = new UnitLink((request) => requests.push(request));
        const taken: number[] = [];
        let offered = 0;
        const settling = Array.from({ length: 600 }, (_, at) => at % 5);
        for (const [at, turn] of [...turns, ...settling].entries()) {
          if (at >= turns.length) unit.takes = true;
          if (turn === 0) link.step();
          if (turn === 1) {
            const request = requests.shift();
            const answered = request && answer(unit, request);
            if (answered) answers.push(answered);
          }
          const heard = turn === 2 ? answers.shift() : undefined;
          if (heard) link.hear(heard);
          if (turn === 3) taken.push(...(link.take() ?? []));
          if (turn === 4 && offered < 20 && link.receive(Uint8Array.of(offered))) offered++;
          if (turn === 5) unit.takes = !unit.takes;
        }
        const all = Array.from({ length: 20 }, (_, at) => at);
        expect(taken).toEqual(all);
        expect(unit.received).toEqual(all);
      }),
      { numRuns: 50 },
    );
  });

  it("answers nothing that is no request", () => {
    const unit = new NumberedUnit(1);
    const nonsense = [[], [0], [Request.TAKE, 0], [Request.ALIVE, 0], [6, 1]].map((bytes) =>
      Uint8Array.from(bytes),
    );
    for (const bytes of [...nonsense, new Uint8Array(LINK_BYTES_MAX + 1).fill(2)]) {
      expect(answer(unit, bytes)).toBeNull();
    }
    expect([unit.given, unit.received]).toEqual([0, []]);
  });

  it("gives a sign of life while its message waits to be taken", () => {
    const posted: Uint8Array[] = [];
    const link = new UnitLink((request) => posted.push(request));
    link.step();
    link.hear(Uint8Array.of(Request.TAKE, 5));
    for (let minute = 0; minute < 3; minute++) {
      link.step();
      link.step();
      const request = posted.at(-1) ?? new Uint8Array(0);
      expect([posted.length, ...request]).toEqual([2 + minute, Request.ALIVE]);
      link.hear(answer(new NumberedUnit(0), request) ?? new Uint8Array(0));
    }
    expect(link.take()).toEqual(Uint8Array.of(5));
  });

  it("copies what it is given, so that a change afterwards is not seen", () => {
    const posted: Uint8Array[] = [];
    const link = new UnitLink((request) => posted.push(request));
    const bytes = Uint8Array.of(7);
    link.receive(bytes);
    bytes[0] = 8;
    link.hear(Uint8Array.of(Request.RECEIVE, 0));
    link.step();
    expect(posted.filter(([tag]) => tag === Request.RECEIVE)).toEqual([
      Uint8Array.of(Request.RECEIVE, 7),
      Uint8Array.of(Request.RECEIVE, 7),
    ]);
  });
});

/** A link whose requests are answered by a unit when a test says. */
function linked() {
  const unit = new NumberedUnit(0);
  const posted: Uint8Array[] = [];
  const link = new UnitLink((request) => posted.push(request));
  /** Answers what was posted and lets the link go on, so often. */
  const turn = (times = 1) => {
    for (let at = 0; at < times; at++) {
      link.step();
      for (const request of posted.splice(0)) link.hear(answer(unit, request) ?? new Uint8Array(0));
    }
  };
  return { unit, posted, link, turn };
}

describe("a request to pair", () => {
  it("is given once, and what the unit says to it is told once", () => {
    const { unit, link, turn } = linked();
    for (const taken of [true, false]) {
      unit.takes = taken;
      expect(link.receiveLocal(Uint8Array.of(7))).toBe(true);
      expect(link.receiveLocal(Uint8Array.of(8))).toBe(false);
      expect(link.pairingAnswer()).toBeNull();
      turn(3);
      expect([link.pairingAnswer(), link.pairingAnswer()]).toEqual([taken, null]);
    }
    expect([unit.pairings, unit.received, unit.tariffs]).toEqual([[7, 7], [], []]);
  });
});

describe("a tariff", () => {
  it("is offered once, and a newer one takes the place of one that waits", () => {
    const { unit, posted, link, turn } = linked();
    unit.takes = false;
    for (const first of [1, 2, 3]) expect(link.offerTariff(Uint8Array.of(first))).toBe(true);
    expect(posted.filter(([tag]) => tag === Request.TARIFF)).toEqual([Uint8Array.of(Request.TARIFF, 1)]);
    turn(5);
    expect(unit.tariffs).toEqual([1, 3]);
  });

  it("is not put on its way when it is longer than the link", () => {
    const { unit, link, turn } = linked();
    expect(link.offerTariff(new Uint8Array(LINK_BYTES_MAX))).toBe(false);
    expect(link.offerTariff(new Uint8Array(LINK_BYTES_MAX - 1))).toBe(true);
    turn(2);
    expect(unit.tariffs).toEqual([0]);
  });
});

describe("what is given to the unit", () => {
  it("goes by turns, one at a time: a flood of one kind holds up no other and adds no requests", () => {
    const { unit, posted, link, turn } = linked();
    for (let at = 0; at < 30; at++) {
      link.receive(Uint8Array.of(at));
      link.receiveLocal(Uint8Array.of(at));
      link.offerTariff(Uint8Array.of(at));
      expect(posted.filter(([tag]) => tag !== Request.TAKE && tag !== Request.ALIVE).length).toBe(1);
      turn();
    }
    expect([unit.received.length, unit.pairings.length, unit.tariffs.length]).toEqual([10, 10, 10]);
  });

  it("is not held up by a unit that takes no commands", () => {
    const { unit, link, turn } = linked();
    unit.takes = false;
    link.receive(Uint8Array.of(1));
    link.receiveLocal(Uint8Array.of(2));
    link.offerTariff(Uint8Array.of(3));
    turn(6);
    expect([unit.pairings, unit.tariffs]).toEqual([[2], [3]]);
    unit.takes = true;
    turn();
    expect(unit.received.at(-1)).toBe(1);
  });
});

/** A network machine that does what a test says. */
class PlayedNeighbour implements Neighbour {
  started = 0;
  stopped = 0;
  dead = false;
  full = false;
  sends: () => Uint8Array | null = () => null;

  start(): void {
    this.started++;
    this.dead = false;
  }

  post(): boolean {
    return !this.full;
  }

  poll(): Uint8Array | null | undefined {
    return this.dead ? undefined : this.sends();
  }

  stop(): void {
    this.stopped++;
  }
}

const TAKE = Uint8Array.of(Request.TAKE);

function supervised() {
  const neighbour = new PlayedNeighbour();
  const unit = new NumberedUnit(1_000_000);
  const supervisor = new Supervisor(unit, neighbour);
  return { neighbour, unit, supervisor };
}

describe("the supervisor", () => {
  it("lets a well-behaved network machine alone for a day", () => {
    const { neighbour, unit, supervisor } = supervised();
    let due = false;
    neighbour.sends = () => {
      due = !due;
      return due ? TAKE : null;
    };
    for (let now_ms = 0; now_ms < 86_400_000; now_ms += 5_000) supervisor.step(now_ms);
    expect([neighbour.started, supervisor.faults]).toEqual([1, 0]);
    expect(unit.given).toBeGreaterThan(17_000);
  });

  it.each([
    ["is dead", (neighbour: PlayedNeighbour) => void Object.assign(neighbour, { dead: true })],
    ["speaks nonsense", (neighbour) => void Object.assign(neighbour, { sends: () => Uint8Array.of(9) })],
    ["takes no answers", (neighbour) => void Object.assign(neighbour, { full: true, sends: () => TAKE })],
    [
      "sends too much",
      (neighbour) => void Object.assign(neighbour, { sends: () => new Uint8Array(5000).fill(2) }),
    ],
  ] satisfies [
    string,
    (neighbour: PlayedNeighbour) => void,
  ][])("restarts one that %s, after a pause", (_, misbehave) => {
    const { neighbour, unit, supervisor } = supervised();
    supervisor.step(0);
    misbehave(neighbour);
    supervisor.step(1_000);
    expect([neighbour.started, neighbour.stopped, supervisor.faults]).toEqual([1, 1, 1]);
    supervisor.step(1_999);
    expect(neighbour.started).toBe(1);
    supervisor.step(2_000);
    expect([neighbour.started, unit.restarts]).toEqual([2, 2]);
  });

  it("restarts one that is silent for three minutes", () => {
    const { neighbour, supervisor } = supervised();
    supervisor.step(0);
    supervisor.step(180_000);
    expect(neighbour.stopped).toBe(0);
    supervisor.step(180_001);
    expect(neighbour.stopped).toBe(1);
  });

  it("answers four requests of a flood in a step, and ends the flood within a minute", () => {
    const { neighbour, unit, supervisor } = supervised();
    neighbour.sends = () => TAKE;
    supervisor.step(0);
    let steps = 0;
    while (neighbour.stopped === 0 && steps < 2_000) {
      const before = unit.given;
      supervisor.step(++steps);
      expect(unit.given - before).toBeLessThanOrEqual(4);
    }
    expect(steps).toBe(901);
    expect(unit.given).toBe(3_600);
  });

  it("lets twelve requests to pair and tariffs a minute reach the unit, and refuses the others unseen", () => {
    const { neighbour, unit, supervisor } = supervised();
    let sent = 0;
    const requests = [Request.PAIR, Request.TARIFF, Request.TAKE];
    neighbour.sends = () => {
      const tag = requests[sent++ % 3] ?? 0;
      return tag === Request.TAKE ? TAKE : Uint8Array.of(tag, 1);
    };
    for (let now_ms = 0; now_ms < 120_000; now_ms += 250) supervisor.step(now_ms);
    expect([supervisor.faults, unit.pairings.length + unit.tariffs.length]).toEqual([0, 24]);
    expect(unit.given).toBeGreaterThan(600);
  });

  it("waits longer with each fault, ten minutes at most, and forgets after a good hour", () => {
    const { neighbour, supervisor } = supervised();
    neighbour.sends = () => Uint8Array.of(0);
    const starts: number[] = [];
    for (let now_ms = 0; now_ms < 7_200_000; now_ms += 500) {
      const before = neighbour.started;
      supervisor.step(now_ms);
      if (neighbour.started > before) starts.push(now_ms / 1000);
    }
    const pauses = starts.slice(1).map((start_s, at) => Math.round(start_s - (starts[at] ?? 0)));
    expect(pauses.slice(0, 4)).toEqual([2, 3, 5, 9]);
    expect(Math.max(...pauses)).toBe(601);
    let [sent, now_ms] = [false, 7_200_000];
    neighbour.sends = () => {
      sent = !sent;
      return sent ? TAKE : null;
    };
    for (const end_ms = now_ms + 4_800_000; now_ms < end_ms; now_ms += 60_000) supervisor.step(now_ms);
    neighbour.dead = true;
    supervisor.step(now_ms);
    const before = neighbour.started;
    supervisor.step(now_ms + 1_000);
    expect(neighbour.started).toBe(before + 1);
  });
});
