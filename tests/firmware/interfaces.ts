/// <reference path="../../firmware/embedded.d.ts" />
/// <reference path="../../firmware/modules.d.ts" />
// The compiler's word that the fakes are what the firmware is told of each module (firmware/*.d.ts): if an option,
// an argument or a result differs, this file does not compile. Nothing of it runs.
import type { networkPlatform, unitPlatform } from "../../host-sim/ecma419/platform.js";

interface UnitInterfaces {
  Resource: typeof import("Resource");
  "embedded:io/digital": typeof import("embedded:io/digital");
  "embedded:io/i2c": typeof import("embedded:io/i2c");
  "embedded:io/serial": typeof import("embedded:io/serial");
  "embedded:storage/flash": Pick<typeof import("embedded:storage/flash"), "default">;
  "mc/config": typeof import("mc/config");
  "sealmeter/entropy": typeof import("sealmeter/entropy");
  "sealmeter/image": typeof import("sealmeter/image");
  "sealmeter/neighbour": typeof import("sealmeter/neighbour");
  "sealmeter/pulse": typeof import("sealmeter/pulse");
  "sealmeter/watchdog": typeof import("sealmeter/watchdog");
  "sealmeter/waveform": typeof import("sealmeter/waveform");
  time: typeof import("time");
  timer: OpaqueTimers;
}

/** UDP, TLS and the resolver are only named by the firmware: they are held to what MQTT and NTP do with them. */
interface NetworkInterfaces {
  Resource: typeof import("Resource");
  "embedded:io/socket/listener": typeof import("embedded:io/socket/listener");
  "embedded:io/socket/tcp": typeof import("embedded:io/socket/tcp");
  "embedded:network/mqtt/client": typeof import("embedded:network/mqtt/client");
  "embedded:network/ntp/client": typeof import("embedded:network/ntp/client");
  "mc/config": typeof import("mc/config");
  "sealmeter/image": typeof import("sealmeter/image");
  "sealmeter/port": typeof import("sealmeter/port");
  "sealmeter/station": typeof import("sealmeter/station");
  time: typeof import("time");
  timer: OpaqueTimers;
}

type Timers = typeof import("timer")["default"];
/** A timer has nothing but its identity, which the declaration marks with a brand. */
interface OpaqueTimers {
  default: { [Name in keyof Timers]: (...given: Parameters<Timers[Name]>) => unknown };
}

export const unitFakes: (modules: ReturnType<typeof unitPlatform>["modules"]) => UnitInterfaces = (modules) =>
  modules;
export const networkFakes: (modules: ReturnType<typeof networkPlatform>) => NetworkInterfaces = (modules) =>
  modules;
