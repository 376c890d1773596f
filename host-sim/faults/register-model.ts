// Registers as metrology law sees them: never above the energy that has flowed, never falling, and never behind it
// by more than a power cut may take (EN 50470-1: 1e-6 of m·Un·Imax kWh; less where the mains' failing was told).
import { holds } from "./violation.js";

const MJ_PER_WH = 3_600_000;
/** 1e-6 kWh for each V·A of an element, mJ. */
const LOSS_MJ_PER_VA = 3600;
/** What lies between two steps of the unit, ms, where the loss is to be within the standard's. */
const STEP_MS = 1000;

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);

export class RegisterModel {
  readonly #allowed_mJ: number;
  /** Energy that has flowed past the front end while it was powered, by channel. */
  readonly #flowed_mJ: number[];
  /** What was shown last, and at the last power-up; what had flowed then. */
  #shown_Wh: readonly number[];
  #base: { readonly shown_Wh: readonly number[]; readonly flowed_mJ: readonly number[] };
  /** Since the last step began: the time, and the energy of all channels. */
  #open = { ms: 0, mJ: 0 };
  /** What had flowed when a failing supply was told of; null while the mains are there. */
  #warned_mJ: number | null = null;
  /** What the last power cut may have taken, to be seen at the next power-up. */
  #losable_mJ = 0;

  constructor(channels: number, voltAmperes: number) {
    this.#allowed_mJ = LOSS_MJ_PER_VA * voltAmperes;
    this.#flowed_mJ = new Array<number>(channels).fill(0);
    this.#shown_Wh = new Array<number>(channels).fill(0);
    this.#base = { shown_Wh: this.#shown_Wh, flowed_mJ: [...this.#flowed_mJ] };
  }

  get shown_Wh(): readonly number[] {
    return this.#shown_Wh;
  }

  flow(energy_mJ: readonly number[], ms: number): void {
    for (const [channel, mJ] of energy_mJ.entries()) {
      this.#flowed_mJ[channel] = (this.#flowed_mJ[channel] as number) + mJ;
    }
    this.#open = { ms: this.#open.ms + ms, mJ: this.#open.mJ + sum(energy_mJ) };
  }

  /** A front end that reports nonsense has lost what it measured. */
  spoil(energy_mJ: readonly number[]): void {
    this.flow(
      energy_mJ.map((mJ) => -mJ),
      0,
    );
  }

  stepped(shown_Wh: readonly number[], mainsFailing: boolean): void {
    this.#see(shown_Wh, this.#allowed_mJ);
    this.#open = { ms: 0, mJ: 0 };
    if (!mainsFailing) this.#warned_mJ = null;
    else this.#warned_mJ ??= sum(this.#flowed_mJ);
  }

  cut(): void {
    const late_mJ = this.#open.ms > STEP_MS ? this.#open.mJ : 0;
    this.#losable_mJ = this.#allowed_mJ + late_mJ;
    if (this.#warned_mJ !== null) {
      this.#losable_mJ = Math.min(this.#losable_mJ, sum(this.#flowed_mJ) - this.#warned_mJ);
    }
    this.#open = { ms: 0, mJ: 0 };
    this.#warned_mJ = null;
  }

  booted(shown_Wh: readonly number[]): void {
    this.#see(shown_Wh, this.#losable_mJ);
    this.#base = { shown_Wh, flowed_mJ: [...this.#flowed_mJ] };
  }

  /** What was persisted lies within a Wh of what is shown. */
  #see(shown_Wh: readonly number[], losable_mJ: number): void {
    let missing_mJ = 0;
    for (const [channel, Wh] of shown_Wh.entries()) {
      const before_Wh = this.#shown_Wh[channel] as number;
      holds(Wh >= before_Wh, "a register never falls", () => `channel ${channel}: ${before_Wh} to ${Wh} Wh`);
      const base_Wh = this.#base.shown_Wh[channel] as number;
      const since_mJ = (this.#flowed_mJ[channel] as number) - (this.#base.flowed_mJ[channel] as number);
      holds(Wh * MJ_PER_WH < (base_Wh + 1) * MJ_PER_WH + since_mJ, "no energy is made up", () => {
        return `channel ${channel}: ${Wh} Wh after ${base_Wh} Wh and ${since_mJ} mJ`;
      });
      holds(Wh * MJ_PER_WH <= (this.#flowed_mJ[channel] as number), "no energy is made up", () => {
        return `channel ${channel}: ${Wh} Wh of ${this.#flowed_mJ[channel]} mJ in all`;
      });
      missing_mJ += (base_Wh - Wh - 1) * MJ_PER_WH + since_mJ;
    }
    holds(missing_mJ <= losable_mJ, "a power cut takes what the standard allows", () => {
      return `at least ${missing_mJ} mJ are not in the registers, of ${losable_mJ} mJ that may be missing`;
    });
    this.#shown_Wh = shown_Wh;
  }
}
