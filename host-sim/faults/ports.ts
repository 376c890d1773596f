// The ports of a unit that stands at a faulty site. What they tell the unit they tell the model first: so it knows
// what the unit knows, and when. Faults are set from outside; no port draws by itself.
import { bytesToHex } from "@noble/hashes/utils.js";
import type {
  FrontEnd,
  FrontEndReading,
  Inputs,
  Loader,
  MonotonicCounter,
  RealTimeClock,
  SecretStore,
  Watchdog,
} from "../../src/trusted/ports.js";
import type { VirtualClock } from "../clock.js";
import { PowerCut } from "../flash.js";
import { holds } from "./violation.js";

/** A front end in front of a load that the scenario sets, and its faults. */
export class SiteFrontEnd implements FrontEnd {
  readonly #heard: (status: number, isReport: boolean) => void;
  readonly #spoiled: (energy_mJ: readonly number[]) => void;
  #waiting_mJ: number[];
  /** Flags that it raises until they are changed. */
  status = 0;
  /** What it reports next instead of what it has measured, which is then lost. */
  nonsense: FrontEndReading | null = null;

  constructor(
    channels: number,
    heard: (status: number, isReport: boolean) => void,
    spoiled: (energy_mJ: readonly number[]) => void,
  ) {
    this.#waiting_mJ = new Array<number>(channels).fill(0);
    this.#heard = heard;
    this.#spoiled = spoiled;
  }

  flow(energy_mJ: readonly number[]): void {
    this.#waiting_mJ = this.#waiting_mJ.map((waiting, at) => waiting + (energy_mJ[at] as number));
  }

  /** What was not read goes with the power. */
  powerUp(): void {
    this.#waiting_mJ.fill(0);
    this.nonsense = null;
  }

  read(): FrontEndReading {
    const energy_mJ = this.#waiting_mJ;
    this.#waiting_mJ = energy_mJ.map(() => 0);
    const { nonsense } = this;
    this.nonsense = null;
    if (nonsense) this.#spoiled(energy_mJ);
    this.#heard(nonsense?.status ?? this.status, nonsense === null);
    return nonsense ?? { counts: energy_mJ, status: this.status };
  }
}

/** A clock that runs on without power: more or less well. */
export class DriftingClock implements RealTimeClock {
  readonly #clock: VirtualClock;
  readonly #heard: (unix_s: number | null) => void;
  #set: { readonly unix_ms: number; readonly true_ms: number } | null = null;
  /** Parts per million that it goes too fast. */
  drift_ppm = 0;

  constructor(clock: VirtualClock, heard: (unix_s: number | null) => void) {
    this.#clock = clock;
    this.#heard = heard;
  }

  /** Its battery is empty: it must be set again. */
  stop(): void {
    this.#set = null;
  }

  /** It is off by this from now on, s. */
  shift(by_s: number): void {
    if (this.#set) this.#set = { ...this.#set, unix_ms: this.#set.unix_ms + 1000 * by_s };
  }

  read(): number | null {
    const set = this.#set;
    const passed_ms = set ? this.#clock.now_ms - set.true_ms : 0;
    const unix_s = set
      ? Math.floor((set.unix_ms + passed_ms + Math.round((passed_ms * this.drift_ppm) / 1e6)) / 1000)
      : null;
    this.#heard(unix_s);
    return unix_s;
  }

  set(unix_s: number): void {
    this.#set = { unix_ms: unix_s * 1000, true_ms: this.#clock.now_ms };
  }
}

/** Bit of the load switch's contacts among the tamper inputs. */
const CONTACTS = 16;

/** Tamper inputs and the mains' failing. */
export class SiteInputs implements Inputs {
  readonly #heard: (tamper: number | null, failing: boolean | null) => void;
  active = 0;
  failing = false;
  /** What the load switch's contacts make of it. */
  contacts: () => boolean = () => false;

  constructor(heard: (tamper: number | null, failing: boolean | null) => void) {
    this.#heard = heard;
  }

  tamper(): number {
    const active = this.contacts() ? this.active | CONTACTS : this.active;
    this.#heard(active, null);
    return active;
  }

  mainsFailing(): boolean {
    this.#heard(null, this.failing);
    return this.failing;
  }
}

export class SiteWatchdog implements Watchdog {
  restarted = false;
  fed = 0;

  feed(): void {
    this.fed++;
  }
}

/** A fuse row: it only rises; writing it may be what the power fails in. */
export class FuseCounter implements MonotonicCounter {
  #value = 0;
  /** Whether the next rise is cut: before it has taken, or after. */
  cut: "before" | "after" | null = null;

  read(): number {
    return this.#value;
  }

  advance(value: number): void {
    holds(value >= this.#value, "the counter that cannot be rolled back never falls", () => {
      return `${value} after ${this.#value}`;
    });
    if (value === this.#value) return;
    const { cut } = this;
    this.cut = null;
    if (cut === "before") throw new PowerCut("the power failed before a counter was raised");
    this.#value = value;
    if (cut === "after") throw new PowerCut("the power failed after a counter was raised");
  }
}

/** The loader restarted into the image that was approved. */
export class Restarted extends Error {
  override readonly name = "Restarted";
}

/** Holds the images that were brought to it, by their digest, hex. */
export class SiteLoader implements Loader {
  readonly #heard: (imageDigest: Uint8Array) => void;
  readonly images = new Set<string>();
  /** The image that it has installed and restarts into. */
  installed: string | null = null;

  constructor(heard: (imageDigest: Uint8Array) => void) {
    this.#heard = heard;
  }

  install(imageDigest: Uint8Array): void {
    this.#heard(imageDigest);
    const name = bytesToHex(imageDigest);
    if (!this.images.has(name)) return;
    this.installed = name;
    throw new Restarted(name);
  }
}

/** Watches what is saved. */
export class WatchedSecrets implements SecretStore {
  readonly #store: SecretStore;
  readonly #saved: (secrets: Uint8Array) => void;

  constructor(store: SecretStore, saved: (secrets: Uint8Array) => void) {
    this.#store = store;
    this.#saved = saved;
  }

  load(): Uint8Array | null {
    return this.#store.load();
  }

  save(secrets: Uint8Array): void {
    this.#store.save(secrets);
    this.#saved(secrets);
  }
}
