// Fills its memory with buffers.
import Timer from "timer";

export default function () {
  const kept = [];
  Timer.set(() => {
    for (;;) kept.push(new Uint8Array(1_000));
  }, 30);
}
