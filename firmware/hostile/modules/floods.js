// Posts the largest and the smallest message for ever.
import { post } from "sealmeter/port";
import Timer from "timer";

const largest = new Uint8Array(4_200);
const smallest = new Uint8Array(0);

export default function () {
  Timer.set(() => {
    for (;;) {
      post(largest);
      post(smallest);
    }
  }, 30);
}
