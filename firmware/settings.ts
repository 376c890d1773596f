// What differs from board to board and from site to site: pins, the meter's pulse constants, the network. The
// values come from the manifest's `config` and from the command line of mcconfig. Whoever builds the image
// writes them, so a wrong one is an error at boot with its name, never a guess.
import config from "mc/config";

export interface LocalSettings {
  readonly port: number;
  readonly receive: number;
  readonly transmit: number;
}

export interface PulseSettings {
  readonly pin: number;
  /** Pulses that the counted meter gives in a kWh. */
  readonly pulsesPer_kWh: number;
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
}

/** Import, then export if its pin is set; a board has one or two inputs. */
export function pulseSettings(): PulseSettings[] {
  const input = (name: string) => ({
    pin: whole(`${name}Pin`, -1, 48),
    pulsesPer_kWh: whole(`${name}PulsesPerKWh`, 1, 1_000_000),
  });
  return [input("import"), input("export")].filter(({ pin }) => pin >= 0);
}

/** Of the port to the installer; a debug build leaves UART 0 to the debugger. */
export const localSettings = (): LocalSettings => ({
  port: whole("localPort", 0, 2),
  receive: whole("localReceivePin", 0, 48),
  transmit: whole("localTransmitPin", 0, 48),
});

export const buttonPin = () => whole("buttonPin", 0, 48);
/** -1: there is no lamp. */
export const lampPin = () => whole("lampPin", -1, 48);

export const networkSettings = (): NetworkSettings => ({
  ssid: text("ssid", 32),
  password: text("password", 63),
  broker: text("broker", 253),
  brokerPort: whole("brokerPort", 1, 65_535),
  user: text("brokerUser", 64),
  userPassword: text("brokerPassword", 128),
  nameServer: text("nameServer", 15),
  timeServer: text("timeServer", 253),
});

/** Values of the command line come as text. */
function whole(name: string, min: number, max: number): number {
  const value = Number(config[name] ?? Number.NaN);
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
