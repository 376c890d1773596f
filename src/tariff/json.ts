// A place in JSON text: what stands there, read as what is expected there or refused by its path. Decimals
// become integers digit by digit, never by way of a float, and nothing is guessed.
import { FormatError } from "../trusted/encoding/bytes.js";

const TEXT_CHARACTERS_MAX = 4_000_000;
const SHOWN_CHARACTERS_MAX = 40;
/** Decimal places of a percentage in parts per million. */
const PERCENT_PLACES = 4;
const DECIMAL = /^(-?)(0|[1-9]\d{0,11})(?:\.(\d+))?$/;

/** @throws FormatError for text that is too long, or no JSON. */
export function parseJson(text: string): unknown {
  if (text.length > TEXT_CHARACTERS_MAX) {
    throw new FormatError(`$: more than ${TEXT_CHARACTERS_MAX} characters`);
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new FormatError(`$: not JSON: ${error instanceof Error ? error.message : "unreadable"}`);
  }
}

/** A decimal text times 10^places if that is an integer within [min, max]. */
function scale(text: string, places: number, min: number, max: number): number | null {
  const [, sign, whole, fraction = ""] = DECIMAL.exec(text) ?? [];
  if (whole === undefined || fraction.length > places) return null;
  const size = BigInt(whole + fraction.padEnd(places, "0"));
  const value = sign === "-" ? -size : size;
  return value >= BigInt(min) && value <= BigInt(max) ? Number(value) : null;
}

/** Leaves out what is within what is shown: text may be nested deeper than the stack is. */
const withoutDepths = (name: string, inner: unknown) =>
  name !== "" && inner instanceof Object ? "..." : inner;

/** A place in the JSON: what stands there, and how to name it. */
export class JsonNode {
  readonly #value: unknown;
  readonly #path: string;
  /** The last step of the path, if it is a field. */
  readonly name: string;

  constructor(value: unknown, path: string, name = "") {
    this.#value = value;
    this.#path = path;
    this.name = name;
  }

  refuse(expected: string): never {
    const found = this.#value === undefined ? "nothing" : JSON.stringify(this.#value, withoutDepths);
    const shown = found.length > SHOWN_CHARACTERS_MAX ? `${found.slice(0, SHOWN_CHARACTERS_MAX)}...` : found;
    throw new FormatError(`${this.#path}: expected ${expected}, found ${shown}`);
  }

  get isText(): boolean {
    return typeof this.#value === "string";
  }

  get isList(): boolean {
    return Array.isArray(this.#value);
  }

  has(name: string): boolean {
    return Object.hasOwn(this.#object(), name);
  }

  /** An object with all `needed` fields and none beyond the `optional`. */
  fields(needed: readonly string[], optional: readonly string[] = []): void {
    const names = Object.keys(this.#object());
    const missing = needed.find((name) => !names.includes(name));
    if (missing !== undefined) this.refuse(`a field "${missing}"`);
    const unknown = names.find((name) => !needed.includes(name) && !optional.includes(name));
    if (unknown !== undefined) this.refuse(`no field ${JSON.stringify(unknown)}`);
  }

  field(name: string): JsonNode {
    return new JsonNode(this.#object()[name], `${this.#path}.${name}`, name);
  }

  /** The fields of an object whose names are data, `min` to `max` of them. */
  entries(min: number, max: number): JsonNode[] {
    const entries = Object.entries(this.#object());
    if (entries.length < min || entries.length > max) this.refuse(`an object of ${min} to ${max} fields`);
    return entries.map(
      ([name, value]) => new JsonNode(value, `${this.#path}[${JSON.stringify(name)}]`, name),
    );
  }

  items(min: number, max: number): JsonNode[] {
    const value = this.#value;
    if (!Array.isArray(value) || value.length < min || value.length > max) {
      return this.refuse(`a list of ${min} to ${max}`);
    }
    return value.map((item: unknown, at) => new JsonNode(item, `${this.#path}[${at}]`));
  }

  text(expected: string): string {
    return typeof this.#value === "string" ? this.#value : this.refuse(expected);
  }

  match(pattern: RegExp, expected: string): string {
    return pattern.test(this.text(expected)) ? this.text(expected) : this.refuse(expected);
  }

  /** The words of a text, each as a place of its own. */
  words(): JsonNode[] {
    const words = this.text('one or more decimals such as "0.2874 0.2791"').split(" ");
    return words.map((word, at) => new JsonNode(word, `${this.#path} word ${at + 1}`));
  }

  /** A decimal text times 10^places, an integer within [min, max]. */
  decimal(places: number, min: number, max: number): number {
    const [low, high] = [min, max].map((bound) => bound / 10 ** places);
    const expected = `a decimal in quotes from ${low} to ${high} of at most ${places} places such as "0.2874"`;
    return scale(this.text(expected), places, min, max) ?? this.refuse(expected);
  }

  /** A percentage in parts per million, within [min, max]. */
  percent(min: number, max: number): number {
    const [low, high] = [min, max].map((bound) => bound / 10 ** PERCENT_PLACES);
    const expected = `a percentage from ${low} to ${high} of at most ${PERCENT_PLACES} places such as "19 %"`;
    const text = this.text(expected);
    if (!text.endsWith("%")) this.refuse(expected);
    return scale(text.slice(0, -1).trimEnd(), PERCENT_PLACES, min, max) ?? this.refuse(expected);
  }

  /** A whole number, not in quotes; zero, which no field takes, for anything else. */
  wholeNumber(): number {
    return Number.isSafeInteger(this.#value) ? Number(this.#value) : 0;
  }

  #object(): Record<string, unknown> {
    const value = this.#value;
    if (typeof value !== "object" || value === null || Array.isArray(value)) return this.refuse("an object");
    return value as Record<string, unknown>;
  }
}
