// The firmware's own natives between the two machines, "sealmeter/neighbour" and "sealmeter/port": two queues of
// copied bytes, polled from both ends, and a machine that can be ended whatever it is doing. The second machine
// runs beside the first and never inside a call of it.
import type { Machine } from "./machine.js";
import { bufferOf, bytesOf } from "./realm.js";

/** Messages and bytes of one that each queue holds, at most (firmware/native/neighbour.c). */
export const LINK_QUEUE = 8;
export const LINK_BYTES_MAX = 4_200;

/** What the second machine is made with. */
export interface Creation {
  readonly static: number;
}

/** The queues of one second machine, and what became of it. */
export interface Link {
  readonly toUnit: Uint8Array[];
  readonly toNetwork: Uint8Array[];
  machine: Machine | null;
  /** False once it has aborted or was ended. */
  alive: boolean;
}

const push = (queue: Uint8Array[], bytes: Uint8Array): boolean => {
  if (queue.length >= LINK_QUEUE || bytes.length > LINK_BYTES_MAX) return false;
  queue.push(bytes.slice());
  return true;
};

const shift = ({ realm }: Machine, queue: Uint8Array[]): ArrayBuffer | undefined => {
  const bytes = queue.shift();
  return bytes && bufferOf(realm, bytes);
};

/** @param spawn begins a machine over the link that runs from a later moment on; throws when there is no memory. */
export function neighbourModule(
  machine: Machine,
  spawn: (link: Link, module: string, allowed: readonly string[], creation: Creation) => void,
  powered: () => void,
) {
  const { realm } = machine;
  let there: object | null = null;
  return {
    default: class NeighbourMachine {
      readonly #link: Link = { toUnit: [], toNetwork: [], machine: null, alive: true };
      constructor(module: string, allowed: readonly string[], creation: Creation) {
        powered();
        if (there) throw new realm.Error("there is one neighbour already");
        spawn(this.#link, module, allowed, creation);
        there = this;
      }
      post(bytes: Uint8Array): boolean {
        powered();
        return this.#link.alive && push(this.#link.toNetwork, bytesOf(realm, bytes));
      }
      poll(): ArrayBuffer | undefined {
        powered();
        return shift(machine, this.#link.toUnit);
      }
      get alive(): boolean {
        powered();
        return this.#link.alive;
      }
      close(): void {
        powered();
        this.#link.alive = false;
        this.#link.machine?.delete();
        if (there === this) there = null;
      }
    },
  };
}

export function portModule(machine: Machine, link: Link) {
  return {
    post: (bytes: Uint8Array): boolean => push(link.toUnit, bytesOf(machine.realm, bytes)),
    poll: (): ArrayBuffer | undefined => shift(machine, link.toNetwork),
  };
}
