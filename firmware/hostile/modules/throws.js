// Throws where nobody catches.
import Timer from "timer";

export default function () {
  Timer.set(() => {
    throw new Error("nobody catches this");
  }, 30);
}
