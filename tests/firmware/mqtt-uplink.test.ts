// The MQTT transport on the board, watched from inside: a network machine of the test's own that prints what the
// transport hears. What is too long is dropped, and of what waits commands keep their order and tariffs give way.
import { describe, expect, it } from "vitest";
import { bundle } from "../../host-sim/ecma419/bundle.js";
import { NETWORK_MODULES } from "../../host-sim/ecma419/platform.js";
import { topicOf } from "../../src/meter/outbox.js";
import { METER_ID, Site } from "./site.js";

/** Connects as the real one does, asks the unit for messages so as to be let live, and polls every ten seconds. */
const LISTENER = `
  import { poll, post } from "sealmeter/port";
  import { join, isOnline } from "sealmeter/station";
  import { built_s } from "sealmeter/image";
  import Time from "time";
  import Timer from "timer";
  import { MqttUplink } from "./firmware/mqtt-uplink.js";
  import { networkSettings } from "./firmware/settings.js";
  export default () => {
    const settings = networkSettings();
    const uplink = new MqttUplink(settings, "${METER_ID}");
    Time.set(built_s + 86400);
    join(settings.ssid, settings.password);
    const waiting = Timer.repeat(() => {
      if (!isOnline()) return;
      Timer.clear(waiting);
      uplink.connect();
    }, 1000);
    Timer.repeat(() => {
      post(Uint8Array.of(1));
      while (poll());
      for (let event = uplink.poll(); event; event = uplink.poll()) {
        trace(event.kind + " " + event.payload.length + " " + event.payload[0]);
      }
    }, 10_000);
  };`;

describe("the MQTT transport", () => {
  it("hears commands in order and the newest tariff, each up to its own length", async () => {
    const site = await Site.open({ provisioned: false });
    const source = await bundle({
      machine: "network",
      entry: "",
      modules: NETWORK_MODULES,
      source: LISTENER,
    });
    site.board.options.networkPrograms.set("network", source);
    site.provision();
    site.run(60);
    expect(site.broker.connected).toEqual([METER_ID]);
    const send = (name: string, length: number, first: number) =>
      site.broker.publish(topicOf(METER_ID, name), new Uint8Array(length).fill(first));
    send("tariff", 601, 1);
    send("command", 600, 2);
    send("command", 601, 3);
    send("tariff", 2001, 4);
    send("tariff", 2000, 5);
    send("command", 1, 6);
    send("other", 1, 7);
    site.run(20);
    const heard = site.board.traces.map((text) => text.split(": ")[1]);
    expect(heard.filter((text) => text?.startsWith("command"))).toEqual(["command 600 2", "command 1 6"]);
    // The first was still waiting when the last one came.
    expect(heard.filter((text) => text?.startsWith("tariff"))).toEqual(["tariff 2000 5"]);
    expect(site.board.incidents).toEqual([]);
  });
});
