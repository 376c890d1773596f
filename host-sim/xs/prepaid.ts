// The scenario of a meter on pre-payment as a board's program.
import { assert } from "../../src/trusted/encoding/bytes.js";
import { onPrepayment } from "../prepaid.js";
import { runScenario } from "../scenario.js";
import { boardHost, plan, printCosts, tariffs } from "./board-scenario.js";

/** In a job of its own: while a module is being run its names take the stack, one slot each. */
void Promise.resolve().then(() => {
  const [tariff] = tariffs;
  assert(tariff !== undefined, "the input has a tariff");
  runScenario(plan, onPrepayment(plan, tariff, boardHost));
  printCosts();
});
