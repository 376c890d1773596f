// What a user may say of a board on the bench, as JSON: what it measures and its limits. The rest of a
// configuration comes from elsewhere: its id and interval from the command line, its anchors from the parties.
import type { Load } from "../host-sim/stored-board.js";
import { EXPORT_OBIS, IMPORT_OBIS } from "../host-sim/trace.js";
import { CHANNELS_MAX, type Configuration, OBIS } from "../src/trusted/authority/configuration.js";
import { readJson, UsageError } from "./command-line.js";

export type BenchConfiguration = Pick<
  Configuration,
  "channels" | "elements" | "nominal_V" | "maximum_A" | "maximum_Wh" | "minGroup"
> & { readonly loads: readonly Load[] };

const FIELDS = ["channels", "elements", "nominal_V", "maximum_A", "maximum_Wh", "minGroup", "load_W"];
/** A household's: single phase, 100 A, import and export, half a kilowatt drawn. */
const CHANNELS = [IMPORT_OBIS, EXPORT_OBIS];
const [ELEMENTS, NOMINAL_V, MAXIMUM_A, MIN_GROUP, LOAD_W] = [1, 230, 100, 10, 500];
/** The bounds of a configuration (docs/protocol.md, "Provisioning and pairing"). */
const [ELEMENTS_MAX, VOLTS_MAX, AMPERES_MAX] = [3, 1000, 1000];
const [GROUP_MIN, GROUP_MAX] = [3, 128];
const HOUR_S = 3_600;

/** The fields of a file, with the file's name for errors. */
class Fields {
  readonly #path: string;
  readonly #values: Readonly<Record<string, unknown>>;

  constructor(path: string, parsed: unknown) {
    this.#path = path;
    if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed))
      throw new UsageError(`${path}: is no JSON object`);
    this.#values = { ...parsed };
    const unknown = Object.keys(this.#values).find((name) => !FIELDS.includes(name));
    if (unknown !== undefined)
      throw new UsageError(`${path}: "${unknown}" is no field of a board (${FIELDS.join(", ")})`);
  }

  refuse(name: string, why: string): never {
    throw new UsageError(`${this.#path}: "${name}" ${why}`);
  }

  whole(name: string, { min, max, otherwise }: { min: number; max: number; otherwise: number }): number {
    const value = this.#values[name];
    return value === undefined ? otherwise : this.#wholeOf(name, value, min, max);
  }

  channels(): readonly string[] {
    const value = this.#values.channels;
    if (value === undefined) return CHANNELS;
    const codes = this.#list("channels", value).map((code, at) =>
      typeof code === "string" && OBIS.test(code)
        ? code
        : this.refuse(`channels[${at}]`, 'is no OBIS code such as "1-0:1.8.0"'),
    );
    if (codes.length < 1 || codes.length > CHANNELS_MAX) this.refuse("channels", "are 1 to 8 OBIS codes");
    return new Set(codes).size === codes.length ? codes : this.refuse("channels", "name a channel twice");
  }

  /** One number a channel; by default the first channel has a load. */
  loads(channels: readonly string[], max_W: number): readonly Load[] {
    const value = this.#values.load_W ?? channels.map((_, at) => (at === 0 ? Math.min(LOAD_W, max_W) : 0));
    const powers = this.#list("load_W", value);
    if (powers.length !== channels.length)
      this.refuse("load_W", `has ${powers.length} numbers for ${channels.length} channels`);
    return channels.map((channel, at) => ({
      channel,
      power_W: this.#wholeOf(`load_W[${at}]`, powers[at], 0, max_W),
    }));
  }

  #list(name: string, value: unknown): readonly unknown[] {
    return Array.isArray(value) ? value : this.refuse(name, "is no list");
  }

  #wholeOf(name: string, value: unknown, min: number, max: number): number {
    const isInRange = typeof value === "number" && Number.isInteger(value) && value >= min && value <= max;
    return isInRange ? value : this.refuse(name, `is no whole number from ${min} to ${max}`);
  }
}

/**
 * Reads a board's configuration; what is left out is a household's.
 * @param path of the JSON file, or undefined for a household's.
 * @throws UsageError naming the file and the field that is wrong.
 */
export function readBenchConfiguration(
  path: string | undefined,
  intervalSeconds: number,
): BenchConfiguration {
  const fields = new Fields(path ?? "", path === undefined ? {} : readJson(path));
  const channels = fields.channels();
  const elements = fields.whole("elements", { min: 1, max: ELEMENTS_MAX, otherwise: ELEMENTS });
  const nominal_V = fields.whole("nominal_V", { min: 1, max: VOLTS_MAX, otherwise: NOMINAL_V });
  const maximum_A = fields.whole("maximum_A", { min: 1, max: AMPERES_MAX, otherwise: MAXIMUM_A });
  const fuse_W = elements * nominal_V * maximum_A;
  const fuse_Wh = Math.floor((fuse_W * intervalSeconds) / HOUR_S);
  return {
    channels,
    elements,
    nominal_V,
    maximum_A,
    maximum_Wh: fields.whole("maximum_Wh", { min: 0, max: fuse_Wh, otherwise: fuse_Wh }),
    minGroup: fields.whole("minGroup", { min: GROUP_MIN, max: GROUP_MAX, otherwise: MIN_GROUP }),
    loads: fields.loads(channels, fuse_W),
  };
}
