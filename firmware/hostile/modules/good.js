// Gives back what it gets.
import { poll, post } from "sealmeter/port";
import Timer from "timer";

export default function () {
  Timer.repeat(() => {
    const message = poll();
    if (message) post(new Uint8Array(message));
  }, 2);
}
