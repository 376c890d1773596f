// The unit's machine with credit, load switch and display beside the unit, before there is a tariff (board-boot.ts).
import { CreditCompanion } from "../../src/credit/companion.js";
import { Display } from "../../src/display/display.js";
import { MemoryTariffStore, ScriptedButton } from "../ports.js";
import { BistableRelay } from "../relay.js";
import { boot } from "./board-boot.js";

const parts = { relay: new BistableRelay(), tariffs: new MemoryTariffStore(), closing: new ScriptedButton() };
const companion = new CreditCompanion(parts);
const display = new Display();
boot({ companion });
// What is shown is made anew each time: the picture and the place are what is kept.
display.step(0, [], companion.lines(), false);
