// Replaces what both machines share, and changes a message after it was posted. Says which patches took: none.
import { post } from "sealmeter/port";

const takes = (patch) => {
  try {
    patch();
    return 1;
  } catch {
    return 0;
  }
};

export default function () {
  const took =
    takes(() => {
      Uint8Array.prototype.at = () => 99;
    }) +
    takes(() => {
      Array.prototype.push = () => 99;
    }) +
    takes(() => {
      Object.prototype.evil = true;
    });
  const message = Uint8Array.of(took, 7);
  post(message);
  message.fill(77);
}
