// The firmware's own natives between the two machines, "sealmeter/neighbour" and "sealmeter/port": two rings of
// copied bytes, polled from both ends, and a machine that can be ended whatever it is doing. The second machine
// runs beside the first and never inside a call of it.
import type { Machine } from "./machine.js";
import { bufferOf, bytesOf } from "./realm.js";

/** Bytes of a ring, each message with its length in two (firmware/native/neighbour.c). */
export const RING_BYTES = 4608;
const PREFIX_BYTES = 2;

/** One direction. */
export class Ring {
  readonly #messages: Uint8Array[] = [];

  get used(): number {
    return this.#messages.reduce((sum, { length }) => sum + length + PREFIX_BYTES, 0);
  }

  /** False when there is no room. The bytes are copied. */
  put(bytes: Uint8Array): boolean {
    if (this.used + bytes.length + PREFIX_BYTES > RING_BYTES) return false;
    this.#messages.push(bytes.slice());
    return true;
  }

  take({ realm }: Machine): ArrayBuffer | undefined {
    const bytes = this.#messages.shift();
    return bytes && bufferOf(realm, bytes);
  }
}

/** The rings of one second machine, and what became of it. */
export interface Link {
  readonly toUnit: Ring;
  readonly toNetwork: Ring;
  machine: Machine | null;
  /** False once it has aborted or was ended. */
  alive: boolean;
}

/** What the second machine is made with. */
export interface Creation {
  readonly static: number;
  readonly chunk: { readonly initial: number; readonly incremental: number };
  readonly heap: { readonly initial: number; readonly incremental: number };
  readonly stack: number;
  readonly keys: { readonly initial: number; readonly incremental: number };
  readonly nativeStack: number;
}

/** The least of each that the native takes. */
const CREATION: readonly (readonly [value: (creation: Creation) => number, least: number])[] = [
  [(creation) => creation.static, 16_384],
  [(creation) => creation.stack, 64],
  [(creation) => creation.nativeStack, 4096],
  [({ chunk }) => chunk.initial, 1024],
  [({ heap }) => heap.initial, 64],
  [({ keys }) => keys.initial, 16],
];
const ALLOWED_MAX = 16;
/** How long ending a machine that does not end by itself takes, ms. */
const CLOSE_MS = 220;

/** @param spawn begins a machine over the link that runs from a later moment on; throws when there is no memory. */
export function neighbourModule(
  machine: Machine,
  spawn: (link: Link, module: string, allowed: readonly string[], creation: Creation) => void,
  powered: () => void,
) {
  const { realm } = machine;
  let there: object | null = null;
  const fail = (): never => {
    throw new realm.SyntaxError("C: xsGetHostData: invalid host data");
  };
  return {
    default: class NeighbourMachine {
      #closed = false;
      readonly #link: Link = { toUnit: new Ring(), toNetwork: new Ring(), machine: null, alive: true };
      constructor(module: string, allowed: readonly string[], creation: Creation) {
        powered();
        if (there) throw new realm.Error("there is a neighbour already");
        if (!CREATION.every(([value, least]) => value(creation) >= least))
          throw new realm.RangeError("creation is too small");
        if (allowed.length > ALLOWED_MAX) throw new realm.Error("no memory for the neighbour");
        spawn(this.#link, module, allowed, creation);
        there = this;
      }
      post(bytes: Uint8Array): boolean {
        powered();
        if (this.#closed) fail();
        return this.#link.toNetwork.put(bytesOf(realm, bytes));
      }
      poll(): ArrayBuffer | undefined {
        powered();
        if (this.#closed) fail();
        return this.#link.toUnit.take(machine);
      }
      get alive(): boolean {
        powered();
        if (this.#closed) fail();
        return this.#link.alive;
      }
      close(): void {
        powered();
        this.#closed = true;
        this.#link.alive = false;
        machine.spend(CLOSE_MS);
        this.#link.machine?.delete();
        if (there === this) there = null;
      }
    },
  };
}

export function portModule(machine: Machine, link: Link) {
  return {
    post: (bytes: Uint8Array): boolean => link.toUnit.put(bytesOf(machine.realm, bytes)),
    poll: (): ArrayBuffer | undefined => link.toNetwork.take(machine),
  };
}
