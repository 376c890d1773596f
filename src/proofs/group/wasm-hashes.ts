// The hashes by the module in WebAssembly (assembly/sha256.ts, sha512.ts, merkle.ts).
import { assertMessage, countLeaves, type Hashes } from "./hashes.js";
import { type Machine, sharedMachine } from "./machine.js";

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

  merkleRoot(leaves: Uint8Array, leafBytes: number): Uint8Array {
    const { module, area } = this.#machine;
    const count = countLeaves(leaves, leafBytes);
    area.clear();
    const root = area.take(32);
    // The work area follows the leaves: the module reads beyond them.
    const at = area.put(leaves);
    module.merkleRoot(root, at, leafBytes, count, area.take(module.merkleBytes(count)));
    return area.copy(root, 32);
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
