// "Resource": data of the image, mapped from flash. On the device it is a host buffer that typed arrays can view
// and nobody can write; here it is an ArrayBuffer of the machine's world, and `changed` tells who wrote to it.
import { sameBytes } from "../../src/trusted/encoding/bytes.js";
import type { Machine } from "./machine.js";
import { bufferOf, toInteger } from "./realm.js";

export type Resources = ReadonlyMap<string, Uint8Array>;

export function resourceModule({ realm }: Machine, resources: Resources) {
  const given: { readonly path: string; readonly buffer: ArrayBuffer }[] = [];
  class Resource extends realm.ArrayBuffer {
    /** @throws URIError when the image has no such data. */
    constructor(path: string) {
      const bytes = resources.get(path);
      if (!bytes) throw new realm.URIError(`Resource not found: ${path}`);
      super(bytes.length);
      new Uint8Array(this).set(bytes);
      given.push({ path, buffer: this });
    }
    static exists(path: string): boolean {
      return resources.has(path);
    }
    /** A copy; unlike an ArrayBuffer's, a negative place is the beginning. */
    override slice(begin?: number, end?: number): ArrayBuffer {
      const [from, to] = [Math.max(0, toInteger(begin ?? 0)), toInteger(end ?? this.byteLength)];
      return bufferOf(
        realm,
        new Uint8Array(this, 0, Math.min(Math.max(from, to), this.byteLength)).subarray(from),
      );
    }
  }
  const changed = () =>
    given
      .filter(
        ({ path, buffer }) => !sameBytes(new Uint8Array(buffer), resources.get(path) ?? new Uint8Array(0)),
      )
      .map(({ path }) => path);
  return { module: { default: Resource }, changed };
}
