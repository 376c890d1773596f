// What differs from board to board and from site to site: pins, the meter's pulse constants, the network. The
// values come from the manifest's `config` and from the command line of mcconfig. Whoever builds the image
// writes them, so a wrong one is an error at boot with its name, never a guess.
import config from "mc/config";

/** Highest GPIO of any chip. */
const PIN_MAX = 48;
/** GPIO 34 to 39 of the ESP32 have no pull-up: an open contact there would read as anything. */
const PULLED_UP_MAX = 33;
/** Voltage and current of each element. */
const ELEMENT_PINS = [
  "voltage1Pin",
  "current1Pin",
  "voltage2Pin",
  "current2Pin",
  "voltage3Pin",
  "current3Pin",
];
/**
 * Settings that name a pin. Of two that name the same the later one is wrong, and the local port, which has to
 * say so, comes first.
 */
const PINS = [
  "localReceivePin",
  "localTransmitPin",
  "importPin",
  "exportPin",
  "gasPin",
  "chipDataPin",
  "chipClockPin",
  ...ELEMENT_PINS,
  "buttonPin",
  "lampPin",
  "testOutputPin",
  "coverPin",
  "magnetPin",
  "reversedPin",
  "voltagePin",
  "mainsFailPin",
  "relayClosePin",
  "relayOpenPin",
  "relaySensePin",
  "selectPin",
  "displayDataPin",
  "displayClockPin",
];
/** A display and a metering chip are two devices of one bus: its wires may be named twice, both of them. */
const SHARED_PINS: Readonly<Record<string, string>> = {
  displayDataPin: "chipDataPin",
  displayClockPin: "chipClockPin",
};

export interface LocalSettings {
  readonly port: number;
  readonly receive: number;
  readonly transmit: number;
}

export interface ChipSettings {
  readonly data: number;
  readonly clock: number;
  /** What no register of this board exceeds. */
  readonly countsPerSecondMax: number;
  /** Table 6 of the ADE7953's data sheet: 0 to 4 for gains of 1 to 16, 5 for 22. */
  readonly gainCodes: { readonly voltage: number; readonly currentA: number; readonly currentB: number };
}

export interface WaveformSettings {
  readonly rate_Hz: number;
  readonly pins: readonly number[];
}

export interface PinSetting {
  readonly name: string;
  /** -1: nothing is connected. */
  readonly pin: number;
}

export interface InputSettings {
  /** In the order of the unit's tamper inputs, from 1 on. */
  readonly tamper: readonly PinSetting[];
  readonly mainsFail: PinSetting;
}

export interface RelaySettings {
  /** The coil that closes; of a contactor its only one. */
  readonly close: number;
  /** The coil that opens, or -1: a contactor, which is closed while its pin is high. */
  readonly open: number;
  /** Low while there is voltage behind the contacts; -1: nothing looks. */
  readonly sense: number;
}

export interface DisplaySettings {
  readonly data: number;
  readonly clock: number;
}

export interface NetworkSettings {
  readonly ssid: string;
  readonly password: string;
  readonly broker: string;
  readonly brokerPort: number;
  readonly user: string;
  readonly userPassword: string;
  readonly nameServer: string;
  readonly timeServer: string;
  /** TCP port of the local stream; 0: there is none. */
  readonly localStreamPort: number;
}

/** Pins of the pulse inputs that are connected, in the order in which the meter's configuration numbers them. */
export const pulsePins = () =>
  ["importPin", "exportPin", "gasPin"].map((name) => pin(name, -1)).filter((at) => at >= 0);

/** Of the port to the installer; a debug build leaves UART 0 to the debugger. */
export const localSettings = (): LocalSettings => ({
  port: whole("localPort", 0, 2),
  receive: pin("localReceivePin", 0),
  transmit: pin("localTransmitPin", 0),
});

export const buttonPin = () => pin("buttonPin", 0);
/** Where pulses of measured energy are shown; -1: nowhere. */
export const testOutputPin = () => pin("testOutputPin", -1);
/** -1: there is no lamp. */
export const lampPin = () => pin("lampPin", -1);

/** The metering chip on its two wires, or null where there is none. */
export function chipSettings(): ChipSettings | null {
  const [data, clock] = [pin("chipDataPin", -1), pin("chipClockPin", -1)];
  if (data < 0 || clock < 0) return null;
  return {
    data,
    clock,
    countsPerSecondMax: whole("chipCountsPerSecond", 1, 206_900),
    gainCodes: {
      voltage: whole("chipVoltageGain", 0, 4),
      currentA: whole("chipCurrentGain", 0, 5),
      currentB: whole("chipNeutralGain", 0, 4),
    },
  };
}

/** Of the chip's own converter: pins of voltage and current, element by element; null where nothing is sampled. */
export function waveformSettings(): WaveformSettings | null {
  const pins = ELEMENT_PINS.map((name) => pin(name, -1));
  const used = pins.findIndex((at) => at < 0);
  const connected = pins.slice(0, used < 0 ? pins.length : used);
  if (connected.length === 0) return null;
  if (connected.length % 2 !== 0)
    throw new Error(`config ${ELEMENT_PINS[connected.length]}: an element has two pins`);
  return { rate_Hz: whole("sampleRate", 2_000, 16_000), pins: connected };
}

/** Contacts to ground; each of them needs the chip's own pull-up. */
export function inputSettings(): InputSettings {
  const input = (name: string): PinSetting => ({ name, pin: pin(name, -1, PULLED_UP_MAX) });
  return {
    tamper: ["coverPin", "magnetPin", "reversedPin", "voltagePin"].map(input),
    mainsFail: input("mainsFailPin"),
  };
}

/** The contacts in the supply, or null where there are none. */
export function relaySettings(): RelaySettings | null {
  const close = pin("relayClosePin", -1);
  const [open, sense] = [pin("relayOpenPin", -1), pin("relaySensePin", -1, PULLED_UP_MAX)];
  if (close >= 0 && selectSetting().pin < 0)
    throw new Error("config selectPin: what a relay has opened, a button closes");
  if (close >= 0) return { close, open, sense };
  if (open >= 0 || sense >= 0) throw new Error("config relayClosePin: a relay has a pin that closes it");
  return null;
}

/** The button that turns the display's page and, held, closes the contacts; a contact to ground. */
export const selectSetting = (): PinSetting => ({
  name: "selectPin",
  pin: pin("selectPin", -1, PULLED_UP_MAX),
});

/** The display on its two wires, or null where there is none. */
export function displaySettings(): DisplaySettings | null {
  const [data, clock] = [pin("displayDataPin", -1), pin("displayClockPin", -1)];
  if (data < 0 || clock < 0) return null;
  const shared = Object.entries(SHARED_PINS).filter(
    ([name, other]) => Number(config[name]) === Number(config[other]),
  );
  if (shared.length === 1) throw new Error("config displayDataPin: a bus is shared by both its wires");
  return { data, clock };
}

export const networkSettings = (): NetworkSettings => ({
  ssid: text("ssid", 32),
  password: text("password", 63),
  broker: text("broker", 253),
  brokerPort: whole("brokerPort", 1, 65_535),
  user: text("brokerUser", 64),
  userPassword: text("brokerPassword", 128),
  nameServer: text("nameServer", 15),
  timeServer: text("timeServer", 253),
  localStreamPort: whole("localStreamPort", 0, 65_535),
});

/** A pin that no other setting has and that is not the flash's: neither the SDK nor the chip would refuse it. */
function pin(name: string, min: number, max = PIN_MAX): number {
  const value = whole(name, min, max);
  if (value < 0) return value;
  if (value >= whole("flashPinFirst", 0, PIN_MAX) && value <= whole("flashPinLast", 0, PIN_MAX)) {
    throw new Error(`config ${name}: GPIO ${value} is the flash's`);
  }
  const other = PINS.slice(0, PINS.indexOf(name)).find(
    (earlier) => earlier !== SHARED_PINS[name] && Number(config[earlier]) === value,
  );
  if (other) throw new Error(`config ${name}: GPIO ${value} is ${other} already`);
  return value;
}

/** Values of the command line come as text. */
function whole(name: string, min: number, max: number): number {
  const given = config[name];
  const value = given === "" ? Number.NaN : Number(given ?? Number.NaN);
  if (!Number.isInteger(value) || value < min || value > max) {
    throw new Error(`config ${name}: expected a whole number from ${min} to ${max}`);
  }
  return value;
}

function text(name: string, lengthMax: number): string {
  const value = config[name];
  if (typeof value !== "string" || value.length > lengthMax) {
    throw new Error(`config ${name}: expected at most ${lengthMax} characters`);
  }
  return value;
}
