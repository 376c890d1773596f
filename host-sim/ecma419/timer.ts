// The SDK's "timer" and "time" modules over virtual time: repeating without drift, a one-shot gone after it has
// fired, and errors where the natives find no timer in what they are given.
import type { Machine, MachineTimer } from "./machine.js";
import { toInteger } from "./realm.js";

/** What the firmware holds in its hand: it can only be given back. */
type Handle = object;
type Callback = (timer: Handle) => void;

/** `import Timer from "timer"` of one machine. */
export function timerModule(machine: Machine) {
  const { realm } = machine;
  const known = new WeakMap<object, MachineTimer>();
  const add = (callback: Callback, first_ms: number, repeat_ms: number): Handle => {
    if (typeof callback !== "function") throw new realm.TypeError("callback is no function");
    const handle: Handle = new realm.Object();
    const timer = machine.addTimer(Math.max(0, first_ms), repeat_ms, (record) => {
      callback(handle);
      if (record.repeat_ms === 0) known.delete(handle);
    });
    known.set(handle, timer);
    return handle;
  };
  const Timer = {
    set: (callback: Callback, delay_ms?: number, repeat_ms?: number): Handle =>
      add(callback, toInteger(delay_ms ?? 0), toInteger(repeat_ms ?? 0)),
    repeat: (callback: Callback, interval_ms: number): Handle =>
      add(callback, toInteger(interval_ms), toInteger(interval_ms)),
    /** Without an interval it rests until it is scheduled again. @throws SyntaxError for what is no timer. */
    schedule(handle: Handle, delay_ms?: number, repeat_ms?: number): void {
      const timer = known.get(handle);
      if (!timer) throw new realm.SyntaxError("C: xsGetHostData: not a host object");
      if (delay_ms === undefined) machine.unschedule(timer);
      else machine.reschedule(timer, Math.max(0, toInteger(delay_ms)), toInteger(repeat_ms ?? 0));
    },
    /** Anything that is no living timer is passed over. */
    clear(handle?: Handle | null): void {
      const timer = handle && known.get(handle);
      if (!timer) return;
      known.delete(handle);
      machine.removeTimer(timer);
    },
    /** Stops the machine meanwhile. */
    delay(time_ms: number): void {
      machine.spend(Math.max(0, toInteger(time_ms)));
    },
  };
  return { default: Timer };
}

/** `import Time from "time"`: ticks wrap as a signed 32-bit count of ms. */
export function timeModule(machine: Machine) {
  const ticks = () => machine.look_ms() | 0;
  const Time = {
    get ticks(): number {
      return ticks();
    },
    delta: (start: number, end?: number): number => ((end ?? ticks()) - start) | 0,
    /** Sets the chip's clock, Unix seconds. */
    set(unix_s: number): void {
      machine.systemTime.set(unix_s >>> 0);
    },
  };
  return { default: Time };
}
