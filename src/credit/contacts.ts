// The load switch's contacts as the unit's tamper input 5, beside whatever else a device senses.
import type { Inputs } from "../trusted/ports.js";

/** Bit of tamper input 5: the load switch's contacts are not where they were put. */
const CONTACTS = 16;

/** The port with input 5 as the load switch has it. @param inputs the board's others. */
export const withContacts = (contacts: { readonly tampered: boolean }, inputs: Inputs | null): Inputs => ({
  tamper: () => (inputs?.tamper() ?? 0) | (contacts.tampered ? CONTACTS : 0),
  mainsFailing: () => inputs?.mainsFailing() ?? false,
});
