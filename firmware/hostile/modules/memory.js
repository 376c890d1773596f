// Fills its memory with objects.
import Timer from "timer";

export default function () {
  const kept = [];
  Timer.set(() => {
    for (;;) kept.push({ length: kept.length });
  }, 30);
}
