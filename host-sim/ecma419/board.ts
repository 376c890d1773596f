// A demonstration board on a computer: an ESP32 with its partitions, pins, serial lines and radio, running the
// firmware's own two programs over fakes of the classes that they import. Flash, entropy and the world outside
// outlive a loss of power; nothing else does. Time passes only when a test says so.

import type { Entropy } from "../../src/trusted/ports.js";
import type { VirtualClock } from "../clock.js";
import type { NorFlash, PowerCut } from "../flash.js";
import type { Packet } from "./broker.js";
import { I2cLine } from "./i2c.js";
import { Internet } from "./internet.js";
import { Gone, Machine, type Pace, type SystemTime } from "./machine.js";
import type { Creation, Link } from "./neighbour.js";
import type { TlsSession } from "./network.js";
import { type Chip, Pins } from "./pins.js";
import { type BuiltImage, networkPlatform, unitPlatform } from "./platform.js";
import { messageOf } from "./realm.js";
import { Scheduler } from "./scheduler.js";
import { SerialLine } from "./serial.js";
import { TaskWatchdog } from "./watchdog.js";
import { CycleQueue } from "./waveform.js";

/** From power or reset to the first line of the firmware, ms: ROM, boot loader, image validation. */
const BOOT_MS = 600;
/** Name of the task that runs the unit's machine: the SDK has put it on the task watchdog's list. */
const MAIN_TASK = "main";

export interface BoardOptions {
  readonly clock: VirtualClock;
  readonly chip: Chip;
  /** Bundled programs: the unit's, and the second machine's by the module's name. */
  readonly unitProgram: string;
  readonly networkPrograms: Map<string, string>;
  readonly partitions: ReadonlyMap<string, NorFlash>;
  readonly resources: Map<string, Uint8Array>;
  readonly image: BuiltImage;
  readonly config: Readonly<Record<string, unknown>>;
  readonly entropy: Entropy;
  /** Modules that every machine of the image finds in ROM; what else the network machine imports must be allowed. */
  readonly inRom: readonly string[];
  /** `task.queueLength` of the manifest. */
  readonly queueLength: number;
  /** The task watchdog's limit as sdkconfig has it, ms; the second machine's task is not on its list. */
  readonly watchdog_ms: number;
}

/** Something that went wrong on the board, in order. */
export interface Incident {
  readonly at_ms: number;
  readonly what: "power failed" | "chip restarted" | "network machine died";
  readonly why: string;
}

/** One second machine as it was made. */
export interface Spawned {
  readonly module: string;
  readonly allowed: readonly string[];
  readonly creation: Creation;
  readonly machine: Machine;
}

export class Board {
  readonly scheduler: Scheduler;
  readonly pins: Pins;
  readonly internet: Internet<Packet>;
  /** The two wires of the metering chip, and what a converter on the board has sampled. */
  readonly i2c = new I2cLine();
  readonly waveform = new CycleQueue();
  readonly options: BoardOptions;
  readonly incidents: Incident[] = [];
  readonly handshakes: TlsSession[] = [];
  /** Every second machine since the board was made. */
  readonly spawned: Spawned[] = [];
  /** What the machines have printed for developers. */
  readonly traces: string[] = [];
  /** How slow the chip is now, for both machines. */
  readonly pace: Pace = { turn_ms: 1, look_ms: 0 };
  readonly #lines = new Map<number, SerialLine>();
  /** Whether it was the watchdog that the chip started after, which the chip's reset reason tells. */
  #afterWatchdog = false;
  #watchdog: TaskWatchdog | null = null;
  #unit: Machine | null = null;
  #link: Link | null = null;
  #powered = false;
  /** Counts the starts of the chip: what is left of an older one does nothing. */
  #start = 0;
  #changedResources: () => readonly string[] = () => [];

  constructor(options: BoardOptions) {
    this.options = options;
    this.scheduler = new Scheduler(options.clock);
    this.pins = new Pins(options.chip);
    this.internet = new Internet(this.scheduler);
  }

  get powered(): boolean {
    return this.#powered;
  }

  /** The unit's machine, or null while there is no power or the chip starts. */
  get unit(): Machine | null {
    return this.#unit;
  }

  /** The second machine that runs now, or null. */
  get network(): Machine | null {
    return this.#link?.alive ? this.#link.machine : null;
  }

  /** What is wired to a serial port of the chip. */
  line(port: number): SerialLine {
    const line = this.#lines.get(port) ?? new SerialLine(this.scheduler);
    this.#lines.set(port, line);
    return line;
  }

  powerUp(): void {
    this.#powered = true;
    this.#afterWatchdog = false;
    for (const partition of this.options.partitions.values()) partition.powerUp();
    this.#boot();
  }

  /** Pulls the plug, also in the middle of what the chip is doing. */
  powerDown(): void {
    this.#powered = false;
    this.#end();
  }

  /** Lets time pass. @throws what the model itself finds wrong, never what the firmware throws. */
  run(time_ms: number): void {
    this.scheduler.runUntil(this.scheduler.now_ms + time_ms);
  }

  /** Resources that the unit's program has written to, which on a device it cannot. */
  get writtenResources(): readonly string[] {
    return this.#changedResources();
  }

  #end(): void {
    this.#start++;
    this.#watchdog?.stop();
    this.#watchdog = null;
    this.#link?.machine?.delete();
    this.#unit?.delete();
    this.#unit = null;
    this.#link = null;
    this.internet.leave();
  }

  #boot(): void {
    this.#end();
    const start = this.#start;
    this.scheduler.after(BOOT_MS, () => {
      if (this.#start !== start) return;
      const { unitProgram, watchdog_ms } = this.options;
      const watchdog = new TaskWatchdog(this.scheduler, watchdog_ms, (why) => this.#bite(why));
      watchdog.add(MAIN_TASK, this.scheduler.now_ms);
      this.#watchdog = watchdog;
      const unit = this.#machine("unit", unitProgram, (machine) => this.#unitModules(machine, watchdog));
      this.#unit = unit;
      unit.guard(() => unit.start());
    });
  }

  #machine(
    name: string,
    code: string,
    modules: (machine: Machine) => Readonly<Record<string, unknown>>,
  ): Machine {
    const { queueLength } = this.options;
    const watchdog = name === "unit" ? this.#watchdog : null;
    return new Machine({
      name,
      code,
      modules,
      queueLength,
      pace: this.pace,
      turned: watchdog && ((end_ms) => watchdog.report(MAIN_TASK, end_ms)),
      scheduler: this.scheduler,
      systemTime: this.#systemTime,
      abort: (machine, error) => this.#abort(machine, error),
      trace: (machine, text) => void this.traces.push(`${machine}: ${text}`),
    });
  }

  /** The chip's clock keeps what it was set to until it starts again. */
  readonly #systemTime: SystemTime = (() => {
    let [offset_ms, start] = [0, -1];
    const fresh = () => {
      if (start !== this.#start) [offset_ms, start] = [-this.scheduler.now_ms, this.#start];
    };
    return {
      now_ms: () => {
        fresh();
        return this.scheduler.now_ms + offset_ms;
      },
      set: (unix_s) => {
        fresh();
        offset_ms = unix_s * 1000 - this.scheduler.now_ms;
      },
    };
  })();

  /** XS gives up the machine: the second one is just dead, the unit's takes the chip with it. */
  #abort(machine: Machine, error: unknown): void {
    if (!this.#powered || error instanceof Gone || machine.deleted) return;
    const why = messageOf(error);
    if (machine === this.#unit) {
      this.#restart(why, false);
      return;
    }
    this.#note("network machine died", why);
    if (this.#link?.machine === machine) this.#link.alive = false;
    machine.delete();
  }

  #bite(why: string): void {
    this.#restart(why, true);
  }

  #restart(why: string, byWatchdog: boolean): void {
    this.#note("chip restarted", why);
    this.#afterWatchdog = byWatchdog;
    this.#boot();
  }

  #note(what: Incident["what"], why: string): void {
    this.incidents.push({ at_ms: this.scheduler.now_ms, what, why });
  }

  /** Called by every native of the unit's: without power nothing goes on. */
  readonly #requirePower = (): void => {
    if (!this.#powered) throw new Gone("the power is off");
  };

  #unitModules(machine: Machine, watchdog: TaskWatchdog): Readonly<Record<string, unknown>> {
    const { partitions, resources, image, config, entropy } = this.options;
    const start = this.#start;
    const powered = () => {
      this.#requirePower();
      if (this.#start !== start) throw new Gone("the chip has restarted");
    };
    this.waveform.sampling = null;
    const { modules, changed } = unitPlatform(machine, {
      ...{ partitions, resources, image, config, entropy, powered },
      pins: this.pins,
      reset: { watchdog, restarted: this.#afterWatchdog },
      line: (port) => this.line(port),
      ...{ i2c: this.i2c, waveform: this.waveform },
      failed: (cut) => this.#powerFailed(cut),
      spawn: (link, module, allowed, creation) => this.#spawn(link, module, allowed, creation),
    });
    this.#changedResources = changed;
    return modules;
  }

  /** The flash model cut the power. */
  #powerFailed(error: PowerCut): never {
    this.#note("power failed", error.message);
    this.powerDown();
    throw new Gone(error.message);
  }

  #spawn(link: Link, module: string, allowed: readonly string[], creation: Creation): void {
    const code = this.options.networkPrograms.get(module);
    if (code === undefined || !allowed.includes(module)) throw new Error(`no module ${module}`);
    const machine = this.#machine("network", code, (made) => this.#networkModules(made, link, allowed));
    link.machine = machine;
    this.#link = link;
    this.spawned.push({ module, allowed: [...allowed], creation, machine });
    this.scheduler.after(1, () => void (machine.running && machine.guard(() => machine.start())));
  }

  /** Those that lie in ROM or are allowed. */
  #networkModules(
    machine: Machine,
    link: Link,
    allowed: readonly string[],
  ): Readonly<Record<string, unknown>> {
    const { resources, image, config, inRom } = this.options;
    const { internet, handshakes } = this;
    const modules = networkPlatform(machine, { resources, image, config, internet, handshakes, link });
    const reachable = Object.entries(modules).filter(
      ([name]) => inRom.includes(name) || allowed.includes(name),
    );
    return Object.fromEntries(reachable);
  }
}
