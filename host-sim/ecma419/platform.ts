// Which modules each of the two machines of the board is given, and over what: the lists that the programs are
// built with, and the fakes behind them. The interfaces are those of firmware/*.d.ts; tests/firmware/interfaces.ts
// has the compiler hold these to them.
import type { Entropy } from "../../src/trusted/ports.js";
import type { NorFlash, PowerCut } from "../flash.js";
import type { Packet } from "./broker.js";
import { flashModule } from "./flash.js";
import { type I2cLine, i2cModule } from "./i2c.js";
import type { Internet } from "./internet.js";
import type { Machine } from "./machine.js";
import { mqttModule } from "./mqtt.js";
import { type Creation, type Link, neighbourModule, portModule } from "./neighbour.js";
import { networkModules, type TlsSession } from "./network.js";
import { digitalModule, type Pins, pulseModule } from "./pins.js";
import { bytesOf, messageOf, objectOf } from "./realm.js";
import { type Resources, resourceModule } from "./resource.js";
import { type SerialLine, serialModule } from "./serial.js";
import { timeModule, timerModule } from "./timer.js";
import { type TaskWatchdog, watchdogModule } from "./watchdog.js";
import { type CycleQueue, waveformModule } from "./waveform.js";

/** What each of the two machines may import: specifiers and the names that they export. */
export const UNIT_MODULES = {
  Resource: ["default"],
  "embedded:io/digital": ["default"],
  "embedded:io/i2c": ["default"],
  "embedded:io/serial": ["default"],
  "embedded:storage/flash": ["default"],
  "mc/config": ["default"],
  "sealmeter/entropy": ["fill"],
  "sealmeter/image": ["softwareId", "version", "authorityKey", "tableWindow", "built_s"],
  "sealmeter/neighbour": ["default"],
  "sealmeter/pulse": ["PulseCounter", "ContactCounter"],
  "sealmeter/watchdog": ["restarted", "feed"],
  "sealmeter/waveform": ["WaveformInput"],
  time: ["default"],
  timer: ["default"],
} as const;
export const NETWORK_MODULES = {
  Resource: ["default"],
  "embedded:io/socket/listener": ["default"],
  "embedded:io/socket/tcp": ["default"],
  "embedded:io/socket/tcp/tls": ["default"],
  "embedded:io/socket/udp": ["default"],
  "embedded:network/dns/resolver/udp": ["default"],
  "embedded:network/mqtt/client": ["default"],
  "embedded:network/ntp/client": ["default"],
  "mc/config": ["default"],
  "sealmeter/image": ["softwareId", "version", "authorityKey", "tableWindow", "built_s"],
  "sealmeter/port": ["post", "poll"],
  "sealmeter/station": ["join", "isOnline"],
  time: ["default"],
  timer: ["default"],
} as const;

/** The constants of the built image. */
export interface BuiltImage {
  readonly softwareId: string;
  readonly version: number;
  readonly authorityKey: string;
  readonly tableWindow: number;
  readonly built_s: number;
}

/** What of the board the unit's modules work on. */
export interface UnitParts {
  readonly partitions: ReadonlyMap<string, NorFlash>;
  readonly resources: Resources;
  readonly image: BuiltImage;
  readonly config: Readonly<Record<string, unknown>>;
  readonly entropy: Entropy;
  readonly pins: Pins;
  /** The task watchdog, and whether the chip started after it. */
  readonly reset: { readonly watchdog: TaskWatchdog; readonly restarted: boolean };
  readonly line: (port: number) => SerialLine;
  readonly i2c: I2cLine;
  readonly waveform: CycleQueue;
  /** Throws when there is no power, or the chip has restarted. */
  readonly powered: () => void;
  readonly failed: (cut: PowerCut) => never;
  readonly spawn: (link: Link, module: string, allowed: readonly string[], creation: Creation) => void;
}

/** The unit's modules, and which resources were written to. */
export function unitPlatform(machine: Machine, parts: UnitParts) {
  const { image, config, entropy, pins, line, powered } = parts;
  const resource = resourceModule(machine, parts.resources);
  const fill = (into: Uint8Array): void => {
    powered();
    const bytes = bytesOf(machine.realm, into);
    try {
      entropy.fill(bytes);
    } catch (error) {
      throw new machine.realm.Error(messageOf(error));
    }
  };
  const modules = {
    Resource: resource.module,
    "embedded:io/digital": digitalModule(machine, pins, powered),
    "embedded:io/i2c": i2cModule(machine, pins, parts.i2c, powered),
    "embedded:io/serial": serialModule(machine, pins, { used: new Set<number>(), line, powered }),
    "embedded:storage/flash": flashModule(machine, parts.partitions, powered, parts.failed),
    "mc/config": { default: objectOf(machine.realm, { ...config }) },
    "sealmeter/entropy": { fill },
    "sealmeter/image": image,
    "sealmeter/neighbour": neighbourModule(machine, parts.spawn, powered),
    "sealmeter/pulse": pulseModule(machine, pins, powered),
    "sealmeter/watchdog": watchdogModule(machine, parts.reset, powered),
    "sealmeter/waveform": waveformModule(machine, pins, parts.waveform, powered),
    time: timeModule(machine),
    timer: timerModule(machine),
  };
  return { modules, changed: resource.changed };
}

export interface NetworkParts {
  readonly resources: Resources;
  readonly image: BuiltImage;
  readonly config: Readonly<Record<string, unknown>>;
  readonly internet: Internet<Packet>;
  readonly handshakes: TlsSession[];
  readonly link: Link;
}

/** All modules that the network machine could be given. */
export function networkPlatform(machine: Machine, parts: NetworkParts) {
  const { resources, image, config, internet, handshakes, link } = parts;
  const { TCP, Listener, UDP, Resolver, TLSSocket, NTP } = networkModules(machine, internet, handshakes);
  const station = {
    join: (ssid: string, password: string): void => internet.join(ssid, password),
    isOnline: (): boolean => internet.online,
  };
  return {
    Resource: resourceModule(machine, resources).module,
    "embedded:io/socket/listener": { default: Listener },
    "embedded:io/socket/tcp": { default: TCP },
    "embedded:io/socket/tcp/tls": { default: TLSSocket },
    "embedded:io/socket/udp": { default: UDP },
    "embedded:network/dns/resolver/udp": { default: Resolver },
    "embedded:network/mqtt/client": mqttModule(machine),
    "embedded:network/ntp/client": { default: NTP },
    "mc/config": { default: objectOf(machine.realm, { ...config }) },
    "sealmeter/image": image,
    "sealmeter/port": portModule(machine, link),
    "sealmeter/station": station,
    time: timeModule(machine),
    timer: timerModule(machine),
  };
}
