// Commands to a meter, for the parties that send them: the authority, the supplier, the network operator. A
// command is authentic by its signature alone, so any network may carry it; the meter takes the role from the
// key that verifies and obeys each command once, by a counter that it keeps for each key (docs/protocol.md,
// "Commands and time"). Nothing is asked of a meter here and nothing is sent.
import { ed25519 } from "@noble/curves/ed25519.js";
import { bytesToHex } from "@noble/hashes/utils.js";
import { settingMax, TOP_UP_MAX } from "../credit/settings.js";
import { signWithKey } from "../proofs/signed.js";
import { DOCUMENT_BYTES_MAX, NONCE_BYTES } from "../trusted/authority/command.js";
import { type Configuration, METER_ID } from "../trusted/authority/configuration.js";
import { FormatError } from "../trusted/encoding/bytes.js";
import { array, bstr, CborReader, int, map, NIL, orNil, tstr } from "../trusted/encoding/cbor.js";
import { type Calibration, encodeCalibration, readCalibration } from "../trusted/metrology/calibration.js";
import { U32_MAX } from "../trusted/metrology/interval.js";
import { digest } from "../trusted/sealing/keys.js";

/** Who may sign a command. A meter knows each by the key that it was given for it. */
export type Sender = "authority" | "supplier" | "network";

/** A kind's number on the wire, and whose signature a meter takes for it. */
export interface Kind {
  readonly number: number;
  readonly senders: readonly Sender[];
}

export const KINDS = {
  time: { number: 1, senders: ["network", "authority"] },
  configuration: { number: 2, senders: ["authority"] },
  "register-statement": { number: 3, senders: ["supplier"] },
  "load-switch": { number: 4, senders: ["supplier", "network"] },
  "top-up": { number: 5, senders: ["supplier"] },
  "credit-tariff": { number: 6, senders: ["supplier"] },
  "credit-settings": { number: 7, senders: ["supplier"] },
  "revoked-peers": { number: 8, senders: ["authority"] },
  "software-update": { number: 9, senders: ["authority"] },
} as const satisfies Readonly<Record<string, Kind>>;

export type KindName = keyof typeof KINDS;

/** What the authority can change of a meter's configuration; what is left out stays. */
export type ConfigurationChanges = Partial<
  Pick<Configuration, "maximum_Wh" | "supplier" | "network" | "aggregator" | "minGroup"> & {
    readonly calibration: Calibration;
  }
>;

/** What a command tells the meter to do. */
export type Order =
  /** Answers the meter's own request of this nonce, 16 bytes: it was `unix_s` then. */
  | { readonly kind: "time"; readonly nonce: Uint8Array; readonly unix_s: number }
  | { readonly kind: "configuration"; readonly changes: ConfigurationChanges }
  /** Asks for the registers (register-statement.ts); a meter answers once in 28 days. */
  | { readonly kind: "register-statement" }
  /** Open cuts off at once; arm lets a person close the switch at the meter. */
  | { readonly kind: "load-switch"; readonly action: "open" | "arm" }
  /** Millionths of the currency, 1 to TOP_UP_MAX. */
  | { readonly kind: "top-up"; readonly amount: number }
  /** H of the payload of the tariff that credit is drawn by, 32 bytes. */
  | { readonly kind: "credit-tariff"; readonly digest: Uint8Array }
  /** Values by the number of the setting, within its bounds (credit/settings.ts); at least one. */
  | { readonly kind: "credit-settings"; readonly settings: ReadonlyMap<number, number> }
  /** Names of peers (`peerName`), ascending and distinct, at most 32; they replace the last list. */
  | { readonly kind: "revoked-peers"; readonly peers: readonly Uint8Array[] }
  /** H of the image, 32 bytes; the softwareId that it will have, 32 bytes; its version, u32, above the last. */
  | {
      readonly kind: "software-update";
      readonly image: Uint8Array;
      readonly softwareId: Uint8Array;
      readonly version: number;
    };

/** An order to one meter. */
export type Command = Order & {
  readonly meterId: string;
  /**
   * One more than that of the last command which the meter accepted under this signer's key, u32; the first is
   * 1. An answer about the time has 0, for its nonce is what makes it unique.
   */
  readonly counter: number;
  /** Unix seconds, u32: the meter refuses it afterwards. An answer about the time has null. */
  readonly notAfter_s: number | null;
};

/** Fields of a configuration, numbered as in the configuration itself (trusted/authority/configuration.ts). */
const FIELDS = {
  maximum_Wh: 4,
  supplier: 8,
  network: 9,
  aggregator: 10,
  minGroup: 11,
  calibration: 14,
} as const;
const GROUP_MIN = 3;
const GROUP_MAX = 128;
const DIGEST_BYTES = 32;
const PEER_NAME_BYTES = 8;
const PEERS_MAX = 32;
const OPEN = 0;
const ARM = 1;

/** What a revocation calls a peer: H(X)[0..8] of its agreement key X, which its certificate shows. */
export const peerName = (agreementKey: Uint8Array) => digest(agreementKey).slice(0, PEER_NAME_BYTES);

function refuse(why: string): never {
  throw new FormatError(`command: ${why}`);
}

function whole(what: string, value: number, min: number, max: number): Uint8Array {
  const isInRange = Number.isSafeInteger(value) && value >= min && value <= max;
  return isInRange ? int(value) : refuse(`${what} is a whole number from ${min} to ${max}, not ${value}`);
}

function bytes(what: string, value: Uint8Array, length: number): Uint8Array {
  return value.length === length ? bstr(value) : refuse(`${what} has ${length} bytes, not ${value.length}`);
}

/** A key that a meter is to obey. One that cannot sign would lock its party out for good, or let anyone in. */
function anchor(what: string, key: Uint8Array): Uint8Array {
  return isPublicKey(key) ? bstr(key) : refuse(`${what} is no Ed25519 public key`);
}

/** Canonical and not of small order; decoding throws for what is no point. */
function isPublicKey(key: Uint8Array): boolean {
  try {
    return !ed25519.Point.fromBytes(key).isSmallOrder();
  } catch {
    return false;
  }
}

/** What a meter would read back, of which it checks each value. */
function calibrated(calibration: Calibration): Uint8Array {
  const encoded = encodeCalibration(calibration);
  decodeCalibration(encoded);
  return encoded;
}

/** The value of field 14 of a configuration by itself. @throws FormatError for what no meter would take. */
export function decodeCalibration(encoded: Uint8Array): Calibration {
  const reader = new CborReader(encoded, "calibration");
  const calibration = readCalibration(reader);
  reader.end();
  return calibration;
}

function encodeChanges({ maximum_Wh, minGroup, calibration, ...anchors }: ConfigurationChanges): Uint8Array {
  const entries: [number, Uint8Array][] = [];
  if (maximum_Wh !== undefined)
    entries.push([FIELDS.maximum_Wh, whole("maximum_Wh", maximum_Wh, 0, U32_MAX)]);
  for (const name of ["supplier", "network", "aggregator"] as const) {
    const key = anchors[name];
    if (key !== undefined) entries.push([FIELDS[name], anchor(name, key)]);
  }
  if (minGroup !== undefined)
    entries.push([FIELDS.minGroup, whole("minGroup", minGroup, GROUP_MIN, GROUP_MAX)]);
  if (calibration !== undefined) entries.push([FIELDS.calibration, calibrated(calibration)]);
  return entries.length > 0 ? map(...entries) : refuse("a configuration changes at least one field");
}

function encodeSettings(settings: ReadonlyMap<number, number>): Uint8Array {
  if (settings.size === 0) refuse("credit settings are at least one");
  const entries = [...settings].sort(([a], [b]) => a - b);
  return map(...entries.map(([number, value]) => [number, encodeSetting(number, value)] as const));
}

function encodeSetting(number: number, value: number): Uint8Array {
  const max = settingMax(number);
  return max === null
    ? refuse(`there is no credit setting ${number}`)
    : whole(`setting ${number}`, value, 0, max);
}

function encodePeers(peers: readonly Uint8Array[]): Uint8Array {
  if (peers.length > PEERS_MAX) refuse(`at most ${PEERS_MAX} peers are revoked, not ${peers.length}`);
  const names = peers.map((peer) => bytes("a peer's name", peer, PEER_NAME_BYTES));
  const order = peers.map(bytesToHex);
  const ascends = order.every((name, at) => at === 0 || name > (order[at - 1] ?? ""));
  return ascends ? array(...names) : refuse("names of peers ascend and are distinct");
}

function encodeArguments(order: Order): Uint8Array {
  switch (order.kind) {
    case "time":
      return array(bytes("nonce", order.nonce, NONCE_BYTES), whole("time", order.unix_s, 0, U32_MAX));
    case "configuration":
      return encodeChanges(order.changes);
    case "register-statement":
      return NIL;
    case "load-switch":
      return int(order.action === "open" ? OPEN : ARM);
    case "top-up":
      return whole("amount", order.amount, 1, TOP_UP_MAX);
    case "credit-tariff":
      return bytes("digest of the tariff", order.digest, DIGEST_BYTES);
    case "credit-settings":
      return encodeSettings(order.settings);
    case "revoked-peers":
      return encodePeers(order.peers);
    case "software-update":
      return array(
        bytes("digest of the image", order.image, DIGEST_BYTES),
        bytes("softwareId", order.softwareId, DIGEST_BYTES),
        whole("version", order.version, 0, U32_MAX),
      );
  }
}

/**
 * The payload to be signed: `{1: meterId, 2: counter, 3: notAfter, 4: kind, 5: arguments}`.
 * @throws FormatError naming the value that no meter would take.
 */
export function encodeCommand(command: Command): Uint8Array {
  const { meterId, counter, notAfter_s, kind } = command;
  if (!METER_ID.test(meterId)) refuse(`"${meterId}" is no meter id`);
  if (kind === "time" && (counter !== 0 || notAfter_s !== null))
    refuse("an answer about the time has counter 0 and no notAfter");
  return map(
    [1, tstr(meterId)],
    [2, whole("counter", counter, kind === "time" ? 0 : 1, U32_MAX)],
    [3, orNil(notAfter_s === null ? null : whole("notAfter", notAfter_s, 0, U32_MAX))],
    [4, int(KINDS[kind].number)],
    [5, encodeArguments(command)],
  );
}

/**
 * The signed command, a COSE_Sign1 of at most 512 bytes.
 * @param seed the sender's Ed25519 seed, 32 bytes; that the meter takes this kind from its key is not checked.
 * @throws FormatError for whatever `encodeCommand` refuses, and for a document that is too long for a meter.
 */
export function signCommand(command: Command, seed: Uint8Array): Uint8Array {
  const document = signWithKey("command-1", encodeCommand(command), seed);
  if (document.length <= DOCUMENT_BYTES_MAX) return document;
  return refuse(`${document.length} bytes are more than the ${DOCUMENT_BYTES_MAX} that a meter takes`);
}
