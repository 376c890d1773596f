// The network machine, the second of the two on the device: it joins the network, keeps the connection to the
// broker, and carries messages between it and the unit, by the link, byte arrays in and out; a home gateway may listen. It holds no key
// of the meter, no flash and no reading in clear. Whatever goes wrong here ends with this machine made anew.

import UDP from "embedded:io/socket/udp";
import Resolver from "embedded:network/dns/resolver/udp";
import NTP from "embedded:network/ntp/client";
import { built_s } from "sealmeter/image";
import { poll, post } from "sealmeter/port";
import { isOnline, join } from "sealmeter/station";
import Time from "time";
import Timer from "timer";
import { UnitLink } from "../src/meter/link.js";
import { LocalStream } from "../src/meter/local-stream.js";
import { Outbox } from "../src/meter/outbox.js";
import { LocalStreamPort } from "./local-stream-port.js";
import { MqttUplink } from "./mqtt-uplink.js";
import { type NetworkSettings, networkSettings } from "./settings.js";

/** First byte of the unit machine's greeting, as network-machine.ts sends it. */
const HELLO = 0;
const TURN_MS = 50;
/** Turns between two questions for a message while there are none: one second. */
const IDLE_TURNS = 20;
/** Answers handled in a turn, at most: there is one of each kind on its way. */
const ANSWERS_PER_TURN = 8;
const ONLINE_CHECK_MS = 1_000;
/** Memory for the newest messages, for gateways: some days of readings. */
const LOCAL_RING_BYTES = 8_192;

/** Sends and fetches for one meter. */
class Carrier {
  readonly #link = new UnitLink((request) => {
    post(request);
  });
  readonly #outbox: Outbox;
  /** For gateways of the home; null unless a port is set. */
  readonly #local: LocalStream | null;
  #idle = 0;

  constructor(settings: NetworkSettings, meterId: string) {
    const uplink = new MqttUplink(settings, meterId);
    this.#local = settings.localStreamPort === 0 ? null : this.#stream(uplink, meterId);
    this.#outbox = new Outbox(this.#link, uplink, meterId, (given) => this.#local?.observe(given));
    whenOnline(settings, () => {
      if (this.#local) new LocalStreamPort(settings.localStreamPort, this.#local);
      uplink.connect();
    });
  }

  #stream(uplink: MqttUplink, meterId: string): LocalStream {
    return new LocalStream({
      meterId,
      door: this.#link,
      isConnected: () => uplink.connected,
      waiting: () => this.#outbox.waiting,
      ringBytes: LOCAL_RING_BYTES,
    });
  }

  /** Hears the unit's answers, then lets outbox and link do what they can now. */
  turn(): void {
    let more = this.#idle++ >= IDLE_TURNS;
    for (let heard = 0; heard < ANSWERS_PER_TURN; heard++) {
      const answer = poll();
      if (!answer) break;
      more = this.#link.hear(new Uint8Array(answer)) || more;
    }
    this.#outbox.step();
    if (!more) return;
    this.#idle = 0;
    this.#link.step();
  }
}

/** Joins, waits for an address, and sets the clock by which the broker's certificate is judged. */
function whenOnline(settings: NetworkSettings, begin: () => void): void {
  // Nobody's word is taken for the time of readings: that comes signed. This one is for certificates alone,
  // and no earlier than the image.
  Time.set(built_s);
  if (settings.ssid === "") return;
  join(settings.ssid, settings.password);
  const timer = Timer.repeat(() => {
    if (!isOnline()) return;
    Timer.clear(timer);
    askTime(settings, begin);
  }, ONLINE_CHECK_MS);
}

function askTime({ timeServer, nameServer }: NetworkSettings, begin: () => void): void {
  if (timeServer === "") {
    begin();
    return;
  }
  const socket = { io: UDP };
  const dns = { io: Resolver, servers: [nameServer], socket };
  const client = new NTP({ servers: [timeServer], socket, dns });
  client.getTime((error: Error | null, time_ms?: number) => {
    const time_s = Math.floor((time_ms ?? 0) / 1000);
    if (!error && time_s > built_s) Time.set(time_s);
    // Not within its own call.
    Timer.set(() => client.close());
    begin();
  });
}

/** What the unit's machine imports and starts. */
export default function main(): void {
  const settings = networkSettings();
  let carrier: Carrier | null = null;
  Timer.repeat(() => {
    if (carrier) {
      carrier.turn();
      return;
    }
    const hello = poll();
    if (!hello) return;
    const bytes = new Uint8Array(hello);
    if (bytes[0] === HELLO) carrier = new Carrier(settings, String.fromCharCode(...bytes.subarray(1)));
  }, TURN_MS);
}
