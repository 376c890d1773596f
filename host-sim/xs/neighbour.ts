// The well-behaved network machine: the network side of the meter as the device has it, link and outbox, over
// an uplink that takes everything at once. It is what hostile ones are compared with.
import { UnitLink } from "../../src/meter/link.js";
import { Outbox } from "../../src/meter/outbox.js";
import type { UplinkEvent } from "../../src/meter/uplink.js";

/** The global of a neighbour's machine (neighbour.c). */
declare const unit: {
  postMessage(bytes: Uint8Array): boolean;
  onmessage?: (bytes: Uint8Array) => void;
  onidle?: () => void;
};

const events: UplinkEvent[] = [];
const uplink = {
  publish(id: number): boolean {
    events.push({ kind: "delivered", id });
    return true;
  },
  poll: () => events.shift() ?? null,
};
const link = new UnitLink((request) => void unit.postMessage(request));
const outbox = new Outbox(link, uplink, "SM-0001");
unit.onmessage = (bytes) => void link.hear(bytes);
unit.onidle = () => {
  outbox.step();
  link.step();
};
