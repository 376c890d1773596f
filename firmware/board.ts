// What is on this board, opened once at power-up: the ports that the metrology unit needs, the credit logic beside it
// where the board has contacts to switch the supply with, and what a person sees and presses. Settings say which;
// one that is wrong is an error here, before anything runs.
import Resource from "Resource";
import I2C from "embedded:io/i2c";
import { authorityKey, softwareId, tableWindow, version } from "sealmeter/image";
import { PulseCounter } from "sealmeter/pulse";
import { WaveformInput } from "sealmeter/waveform";
import { CreditCompanion } from "../src/credit/companion.js";
import { withContacts } from "../src/credit/contacts.js";
import type { Button, Image, Ports } from "../src/trusted/ports.js";
import { ADE7953 } from "./ade7953.js";
import { BoardFrontEnd } from "./front-end.js";
import { boardInputs } from "./inputs.js";
import { Panel } from "./panel.js";
import {
  hardwareEntropy,
  hardwareWatchdog,
  PartitionFlash,
  PinButton,
  PinTestOutput,
  type Uptime,
} from "./ports.js";
import { PinRelay } from "./relay.js";
import { FlashSecretStore } from "./secret-store.js";
import {
  buttonPin,
  chipSettings,
  inputSettings,
  pulsePins,
  relaySettings,
  testOutputPin,
  waveformSettings,
} from "./settings.js";
import { FlashTariffStore, TARIFF_SECTORS } from "./tariff-store.js";

/** Sectors of two partitions; firmware/partitions-*.csv says the same. */
const JOURNAL_SECTORS = 576;
const SECRET_SECTORS = 4;

const hexBytes = (hex: string) =>
  Uint8Array.from({ length: hex.length / 2 }, (_, at) => Number.parseInt(hex.slice(2 * at, 2 * at + 2), 16));

/** The tables stay in flash: typed arrays over the image's resources, which are 4-byte aligned. */
const image = (): Image => ({
  softwareId: hexBytes(softwareId),
  version,
  authorityKey: hexBytes(authorityKey),
  tableWindow,
  tableB: new Uint8Array(new Resource("tableB.bin")),
  tableBlinding: new Uint8Array(new Resource("tableBlinding.bin")),
});

export interface Board {
  readonly ports: Ports;
  readonly panel: Panel;
  /** Null without a relay: nothing could be switched off, so there is no credit, and commands 4 to 7 are refused. */
  readonly credit: CreditCompanion | null;
}

/** Opens all that the settings name. Energy counts from this call on. @throws Error naming what is wrong. */
export function openBoard(uptime: Uptime): Board {
  const panel = new Panel(uptime);
  const credit = boardCredit(panel.closing);
  const inputs = boardInputs(inputSettings(), uptime);
  const ports: Ports = {
    image: image(),
    flash: new PartitionFlash("journal", JOURNAL_SECTORS),
    secrets: new FlashSecretStore(new PartitionFlash("secrets", SECRET_SECTORS)),
    entropy: hardwareEntropy,
    energy: boardFrontEnd(uptime),
    button: new PinButton(buttonPin()),
    watchdog: hardwareWatchdog,
    ...(testOutputPin() >= 0 && { testOutput: new PinTestOutput(testOutputPin()) }),
    ...(inputs && { inputs }),
    ...(credit && { companion: credit, inputs: withContacts(credit, inputs) }),
  };
  return { ports, panel, credit };
}

/** What of the three kinds of front ends is connected. */
function boardFrontEnd(uptime: Uptime): BoardFrontEnd {
  const [chip, waveform] = [chipSettings(), waveformSettings()];
  const now_ms = () => uptime.now_ms();
  const pulses = pulsePins().map((pin) => new PulseCounter(pin));
  const driver = chip && {
    sensor: { io: I2C, data: chip.data, clock: chip.clock },
    registers: ["activeA", "reactiveA"] as const,
    countsPerSecondMax: chip.countsPerSecondMax,
    gainCodes: chip.gainCodes,
    now_ms,
  };
  const cycles = waveform && new WaveformInput(waveform.rate_Hz, waveform.pins);
  return new BoardFrontEnd(now_ms, pulses, driver && new ADE7953(driver), cycles);
}

function boardCredit(closing: Button): CreditCompanion | null {
  const relay = relaySettings();
  if (!relay) return null;
  const tariffs = new FlashTariffStore(new PartitionFlash("credit", TARIFF_SECTORS));
  return new CreditCompanion({ relay: new PinRelay(relay), tariffs, closing });
}
