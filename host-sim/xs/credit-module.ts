// Credit and display as a module of their own for the boards' programs, beside the unit's.
export { CreditCompanion } from "../../src/credit/companion.js";
export { CreditTariff } from "../../src/credit/valuation.js";
export { Display } from "../../src/display/display.js";
