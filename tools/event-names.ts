// The types of a meter's events in words (docs/protocol.md).
const NAMES: Readonly<Record<number, string>> = {
  1: "power up",
  2: "power down",
  3: "clock set",
  4: "tamper",
  5: "configuration changed",
  6: "roster accepted",
  7: "pairing",
  8: "command accepted",
  9: "command refused",
  10: "load switch",
  11: "credit",
  12: "flash fault",
  13: "self-test failed",
  14: "records overwritten",
  15: "clock unconfirmed",
  16: "register statement",
};

/** A type that this program does not know is called by its number. */
export const eventName = (type: number) => NAMES[type] ?? `type ${type}`;
