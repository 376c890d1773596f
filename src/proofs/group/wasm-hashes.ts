// The hashes by the module in WebAssembly (assembly/sha256.ts, sha512.ts, merkle.ts).
import { assertMessage, assertTrees, countLeaves, type Hashes, ROOT_BYTES } from "./hashes.js";
import { type Machine, sharedMachine } from "./machine.js";

/** Leaves whose trees share lanes, at most: with their nodes they stay near the processor. */
const POOL_LEAVES_MAX = 4096;

class WasmHashes implements Hashes {
  readonly name = "wasm";
  readonly #machine: Machine;

  constructor(machine: Machine) {
    this.#machine = machine;
  }

  sha256(message: Uint8Array): Uint8Array {
    return this.#digest(message, 32, this.#machine.module.sha256);
  }

  sha512(message: Uint8Array): Uint8Array {
    return this.#digest(message, 64, this.#machine.module.sha512);
  }

  merkleRoots(trees: readonly Uint8Array[], leafBytes: number): Uint8Array {
    assertTrees(trees);
    const counts = trees.map((leaves) => countLeaves(leaves, leafBytes));
    const roots = new Uint8Array(trees.length * ROOT_BYTES);
    for (let begin = 0; begin < trees.length; ) {
      let end = begin;
      let count = 0;
      for (
        let next = counts[end];
        next !== undefined && count + next <= POOL_LEAVES_MAX;
        next = counts[end]
      ) {
        count += next;
        end++;
      }
      const pool = this.#pool(trees.slice(begin, end), leafBytes, counts.slice(begin, end), count);
      roots.set(pool, begin * ROOT_BYTES);
      begin = end;
    }
    return roots;
  }

  /** The roots of trees of `count` leaves in all. */
  #pool(
    trees: readonly Uint8Array[],
    leafBytes: number,
    counts: readonly number[],
    count: number,
  ): Uint8Array {
    const { module, area } = this.#machine;
    area.clear();
    const roots = area.take(trees.length * ROOT_BYTES);
    // The work area follows the leaves: the module reads beyond them.
    const at = area.putAll(trees, count * leafBytes);
    const work = area.take(module.merkleBytes(count, trees.length));
    module.merkleRoots(
      roots,
      at,
      leafBytes,
      area.putNumbers(Int32Array.from(counts)),
      trees.length,
      count,
      work,
    );
    return area.copy(roots, trees.length * ROOT_BYTES);
  }

  #digest(
    message: Uint8Array,
    size: number,
    hash: (digest: number, message: number, length: number) => void,
  ): Uint8Array {
    const { area } = this.#machine;
    assertMessage(message);
    area.clear();
    const digest = area.take(size);
    hash(digest, area.put(message), message.length);
    return area.copy(digest, size);
  }
}

let hashes: WasmHashes | undefined;

/** The fast hashes; the same ones at each call. */
export function fastHashes(): Hashes {
  hashes ??= new WasmHashes(sharedMachine());
  return hashes;
}
