// Never ends its turn.
import Timer from "timer";

export default function () {
  Timer.set(() => {
    for (;;);
  }, 30);
}
