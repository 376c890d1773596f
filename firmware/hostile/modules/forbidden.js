// Asks for a module that is not on its list.

import { post } from "sealmeter/port";
import { value } from "secret";

export default function () {
  post(Uint8Array.of(value));
}
