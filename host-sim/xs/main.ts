// The scenario as a board's program.
import { runScenario } from "../scenario.js";
import { boardHost, plan, printCosts } from "./board-scenario.js";

runScenario(plan, boardHost);
printCosts();
