// What the network side of a meter needs from a transport (MQTT with QoS 1 on the device): hand over a
// message, hear what became of it, hear commands. It is polled and never blocks. Delivery is at least once:
// a message reported lost may have arrived all the same.

export type UplinkEvent =
  /** The other end has taken the message. */
  | { readonly kind: "delivered"; readonly id: number }
  /** The transport gave the message up without knowing whether it arrived. */
  | { readonly kind: "lost"; readonly id: number }
  /** The other end sent this; nothing about it is trusted. */
  | { readonly kind: "command"; readonly payload: Uint8Array }
  /** The other end sent this for the credit logic: a signed tariff, if the meter is lucky. */
  | { readonly kind: "tariff"; readonly payload: Uint8Array };

export interface Uplink {
  /**
   * Hands a message to the transport, which copies it; each accepted message is later reported once, as
   * delivered or lost, under `id`. False when it cannot take one now (offline, queue full).
   */
  publish(id: number, topic: string, payload: Uint8Array): boolean;
  /** The next thing that happened, or null. */
  poll(): UplinkEvent | null;
}
