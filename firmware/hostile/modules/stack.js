// Calls itself for ever.
import Timer from "timer";

export default function () {
  const call = (depth) => call(depth + 1) + 1;
  Timer.set(() => call(0), 30);
}
