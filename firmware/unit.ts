// The unit's machine, the first of the two on the device: the certified metrology unit over what is on the board, with
// credit and display beside it; the local port; and the supervisor of the network machine.
// It measures first, and nothing here waits for anything. After a fault of its own the device shows it and
// restarts; when it hangs the watchdog restarts it, and the unit records that it was the watchdog.

import Digital from "embedded:io/digital";
import Timer from "timer";
import { Supervisor } from "../src/meter/supervisor.js";
import type { Ports } from "../src/trusted/ports.js";
import { MetrologyUnit, provision } from "../src/trusted/unit.js";
import { type Board, openBoard } from "./board.js";
import { LocalPort } from "./local-port.js";
import { NetworkMachine } from "./network-machine.js";
import { hardwareWatchdog, Uptime } from "./ports.js";
import { lampPin, localSettings } from "./settings.js";

/** Between two turns, ms: far below the 3 s that a front end may go unread. */
const TURN_MS = 20;
/** A turn ends after the step that passes this, so that messages and the other machine have their turn. */
const TURN_BUDGET_MS = 200;
/** Between two looks at what the meter shows, ms. */
const SHOW_MS = 1_000;
/** From a fault to the restart, ms: a restart costs an erase, and one that fails must not wear the flash out. */
const RESTART_MS = 60_000;
/** The same for a fault that comes before the flash is touched: a setting, a pin, a partition. */
const BOARD_RESTART_MS = 5_000;

const hexText = (bytes: Uint8Array) =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

interface Fault {
  readonly error: unknown;
  readonly until_ms: number;
}

interface Running {
  readonly unit: MetrologyUnit;
  readonly supervisor: Supervisor;
}

/** Blinks while the unit lives, if the board has a lamp. */
class Lamp {
  readonly #digital = lampPin() < 0 ? null : new Digital({ pin: lampPin(), mode: Digital.Output });
  #lit: 0 | 1 = 0;

  toggle(): void {
    this.#lit = this.#lit === 0 ? 1 : 0;
    this.#digital?.write(this.#lit);
  }
}

class UnitMachine {
  readonly #uptime = new Uptime();
  readonly #local = new LocalPort(localSettings(), (word, argument) => this.#serve(word, argument));
  /** Null after a fault of the board or its settings. */
  #board: Board | null = null;
  #lamp: Lamp | null = null;
  /** Null until the meter is provisioned. */
  #running: Running | null = null;
  #fault: Fault | null = null;
  #shown = "";
  #shown_ms = Number.NEGATIVE_INFINITY;

  constructor() {
    this.#guard(BOARD_RESTART_MS, () => {
      this.#board = openBoard(this.#uptime);
      this.#lamp = new Lamp();
    });
    this.#guard(RESTART_MS, () => {
      if (this.#board && !this.#fault) this.#start(this.#board);
    });
  }

  /** Does what there is to do, for TURN_BUDGET_MS and a step at most. @throws to restart the device. */
  turn(): void {
    this.#guard(RESTART_MS, () => this.#run());
    const now_ms = this.#uptime.now_ms();
    const isTapped = this.#board?.panel.turn() ?? false;
    if (isTapped || now_ms - this.#shown_ms >= SHOW_MS) this.#show(now_ms, isTapped);
    if (this.#fault) this.#awaitRestart(this.#fault, now_ms);
  }

  /**
   * While the fault is shown the unit's watchdog is fed in its place: this restart is not the watchdog's, and
   * must not be taken for it. From its time on it is not: if the throw did not restart the device, the
   * watchdog would.
   */
  #awaitRestart({ error, until_ms }: Fault, now_ms: number): void {
    if (now_ms > until_ms) throw error;
    hardwareWatchdog.feed();
  }

  /** What throws is a fault of this program or of the flash: the unit stops, and says so until the restart. */
  #guard(restart_ms: number, work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#running = null;
      this.#fault = { error, until_ms: this.#uptime.now_ms() + restart_ms };
    }
  }

  #run(): void {
    const begun_ms = this.#uptime.now_ms();
    let busy = this.#running !== null;
    for (let now_ms = begun_ms; busy && now_ms - begun_ms < TURN_BUDGET_MS; now_ms = this.#uptime.now_ms()) {
      busy = this.#step(now_ms);
    }
  }

  /** A step of the unit, then of the supervisor; both are bounded. @returns whether the unit may have more. */
  #step(now_ms: number): boolean {
    const running = this.#running;
    if (!running) return false;
    const busy = running.unit.step(now_ms);
    const heard = running.supervisor.step(now_ms);
    return busy || heard;
  }

  #start({ ports, credit }: Board): void {
    const unit = bootUnit(ports);
    if (!unit) return;
    const uptime = this.#uptime;
    const side = {
      take: () => unit.take(uptime.now_ms()),
      receive: (bytes: Uint8Array) => unit.receive(uptime.now_ms(), bytes),
      receiveLocal: (bytes: Uint8Array) => unit.receiveLocal(bytes),
      offerTariff: (document: Uint8Array) => credit?.offer(document) ?? false,
      networkRestarted: () => unit.networkRestarted(),
    };
    // The first line of the display is the meter's id.
    const [meterId = ""] = unit.display(uptime.now_ms());
    this.#running = { unit, supervisor: new Supervisor(side, new NetworkMachine(meterId)) };
  }

  #serve(word: string, argument: Uint8Array): string {
    if (word === "show") {
      this.#shown = "";
      this.#show(this.#uptime.now_ms(), false);
      return "ok";
    }
    if (word === "provision") {
      if (this.#running || !this.#board || this.#fault)
        throw new Error(this.#fault ? this.#trouble() : "the meter is provisioned already");
      const { ports } = this.#board;
      const answer = provision(ports, argument);
      // What was counted before there was a meter is nobody's.
      ports.energy.read();
      this.#start(this.#board);
      return `ok ${hexText(answer)}`;
    }
    if (word !== "pair") throw new Error("the words are: show, provision, pair");
    if (!this.#running) throw new Error("the meter is not provisioned");
    if (!this.#running.unit.receiveLocal(argument)) throw new Error("the pairing window is not open");
    return "ok";
  }

  /** Why there is no unit to show. */
  #trouble(): string {
    if (!this.#fault) return "not provisioned";
    const { error } = this.#fault;
    return `stopped: ${error instanceof Error ? error.message : "unknown fault"}`;
  }

  /**
   * Shows what the meter shows: on the display, and at the local port when it changed; and blinks: the unit is alive.
   * What is not the unit's stands apart.
   */
  #show(now_ms: number, isTapped: boolean): void {
    this.#shown_ms = now_ms;
    const lines = this.#running?.unit.display(now_ms) ?? [this.#trouble()];
    const creditLines = this.#running ? (this.#board?.credit?.lines() ?? []) : [];
    this.#board?.panel.show(now_ms, lines, creditLines, isTapped);
    // The time changes each second; without it a quiet meter is silent.
    const shown = lines.filter((line) => !/^\d{4}-/.test(line)).join("\n");
    if (shown !== this.#shown) this.#local.show([...lines, ...creditLines.map((line) => `| ${line}`)]);
    this.#shown = shown;
    this.#lamp?.toggle();
  }
}

/** Null while the meter is blank; anything else that is wrong with its stores is an error. */
function bootUnit(ports: Ports): MetrologyUnit | null {
  try {
    return new MetrologyUnit(ports);
  } catch (error) {
    if (error instanceof Error && error.message === "the meter is not provisioned") return null;
    throw error;
  }
}

/** What Moddable calls once the module is loaded. */
export default function main(): void {
  const machine = new UnitMachine();
  Timer.repeat(() => machine.turn(), TURN_MS);
}
