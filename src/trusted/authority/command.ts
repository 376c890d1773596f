// Signed commands to a meter. Roles come from the trust anchor whose key verifies, counters are kept per
// anchor, and a command takes effect once or not at all: what it changes, its counter and the event that is its
// receipt are one record. Here is what each kind may do; nothing is changed here.

import { sameBytes } from "../encoding/bytes.js";
import { array, CborReader, int, map, tstr } from "../encoding/cbor.js";
import { decodeSign1, type Sign1 } from "../encoding/cose.js";
import { type Message, MessageKind } from "../journal/journal.js";
import type { MeterState } from "../journal/state.js";
import { DAY_SECONDS, U32_MAX } from "../metrology/interval.js";
import type { Companion, Image } from "../ports.js";
import { digest } from "../sealing/keys.js";
import { keyId, type SigningKey } from "../sealing/signature.js";
import {
  type Configuration,
  changeConfiguration,
  readMeterId,
  readRevokedPeers,
  readUpdate,
} from "./configuration.js";
import { Detail, EventType } from "./events.js";

/** Largest signed document that a unit takes, bytes. */
export const DOCUMENT_BYTES_MAX = 512;
export const NONCE_BYTES = 16;
/** A register statement is due at most this often, days: more would show a household's weeks. */
const STATEMENT_EVERY_DAYS = 28;

/** In the order of their counters in the state. */
export const ROLES = ["authority", "supplier", "network", "aggregator"] as const;
export type Role = (typeof ROLES)[number];

export const CommandKind = {
  TIME: 1,
  CONFIGURATION: 2,
  REGISTER_STATEMENT: 3,
  LOAD_SWITCH: 4,
  TOP_UP: 5,
  CREDIT_TARIFF: 6,
  CREDIT_SETTINGS: 7,
  REVOKED_PEERS: 8,
  UPDATE: 9,
} as const;

const ALLOWED: Readonly<Record<number, readonly Role[]>> = {
  [CommandKind.TIME]: ["network", "authority"],
  [CommandKind.CONFIGURATION]: ["authority"],
  [CommandKind.REGISTER_STATEMENT]: ["supplier"],
  [CommandKind.LOAD_SWITCH]: ["supplier", "network"],
  [CommandKind.TOP_UP]: ["supplier"],
  [CommandKind.CREDIT_TARIFF]: ["supplier"],
  [CommandKind.CREDIT_SETTINGS]: ["supplier"],
  [CommandKind.REVOKED_PEERS]: ["authority"],
  [CommandKind.UPDATE]: ["authority"],
};

export interface Command {
  readonly counter: number;
  /** Unix time after which it must not be obeyed, s, or null. */
  readonly notAfter_s: number | null;
  readonly kind: number;
  /** Stands before the arguments. */
  readonly reader: CborReader;
}

/** The trust anchor that a document claims to be signed by: a hint, to be verified. */
export function claimedRole(document: Sign1, keyOf: (role: Role) => Uint8Array): Role | null {
  return ROLES.find((role) => sameBytes(document.kid, keyId(keyOf(role)))) ?? null;
}

/** @throws FormatError for bytes that are not a command's envelope. */
export const decodeEnvelope = (bytes: Uint8Array) => decodeSign1(bytes, "command-1", DOCUMENT_BYTES_MAX);

/**
 * Takes the payload of a verified command apart, up to its arguments.
 * @throws FormatError for a malformed command, one for another meter, or a kind that `role` may not send.
 */
export function decodeCommand(payload: Uint8Array, meterId: string, role: Role): Command {
  const reader = new CborReader(payload, "command");
  reader.map(5);
  if (readMeterId(reader.key(1)) !== meterId) reader.refuse("command for another meter");
  const counter = reader.key(2).uint(U32_MAX);
  const notAfter_s = reader.key(3).nil() ? null : reader.uint(U32_MAX);
  const kind = reader.key(4).uint(255);
  if (!ALLOWED[kind]?.includes(role)) reader.refuse(`kind ${kind} is not for the ${role} to send`);
  reader.key(5);
  return { counter, notAfter_s, kind, reader };
}

/** The arguments of kind 1: the meter's nonce, and Unix time at which it was answered. */
export function readTimeAnswer({ counter, notAfter_s, reader }: Command): {
  nonce: Uint8Array;
  unix_s: number;
} {
  if (counter !== 0 || notAfter_s !== null) reader.refuse("a time answer has counter 0 and no notAfter");
  reader.array(2);
  const answer = { nonce: reader.bytes(NONCE_BYTES), unix_s: reader.uint(U32_MAX) };
  reader.end();
  return answer;
}

/** What a command does, beside its own event and counter. */
export interface Effect {
  readonly change?: Partial<MeterState>;
  readonly configuration?: Configuration;
  /** Types and details of events. */
  readonly events?: readonly (readonly [number, Uint8Array])[];
  readonly documents?: readonly Message[];
}

/** What a command is judged by. */
export interface Circumstances {
  readonly state: MeterState;
  readonly configuration: Configuration;
  readonly image: Image;
  readonly signer: SigningKey;
  readonly companion: Companion | undefined;
  /** Null while the clock is unconfirmed. */
  readonly time_s: number | null;
}

/**
 * What a command of any kind but 1 does now.
 * @throws FormatError when it is out of its turn, too late, malformed, or not to be obeyed now.
 */
export function effectOf(command: Command, role: Role, circumstances: Circumstances): Effect {
  const { counter, notAfter_s, kind, reader } = command;
  const { state, time_s } = circumstances;
  if (counter !== (state.counters[ROLES.indexOf(role)] as number) + 1)
    reader.refuse("counter out of its turn");
  if (notAfter_s !== null && (time_s === null || time_s > notAfter_s))
    reader.refuse("too late, or time unknown");
  if (kind >= CommandKind.LOAD_SWITCH && kind <= CommandKind.CREDIT_SETTINGS) {
    const answer = circumstances.companion?.command(state.companion, kind, reader.rest());
    if (!answer) return reader.refuse("refused");
    const { state: companion, loadSwitch } = answer;
    const moved = [EventType.LOAD_SWITCH, Detail.number(loadSwitch)] as const;
    return {
      change: { companion, loadSwitch },
      events: loadSwitch === state.loadSwitch ? [] : [moved],
    };
  }
  const effect =
    kind === CommandKind.REGISTER_STATEMENT
      ? stateRegisters(reader, circumstances)
      : reconfigure(kind, reader, circumstances);
  reader.end();
  return effect;
}

/** The registers at the beginning of the open interval, signed: what is neither billed nor summed comes to light. */
function stateRegisters(reader: CborReader, { state, configuration, signer, time_s }: Circumstances): Effect {
  if (!reader.nil()) reader.refuse("a register statement has no arguments");
  const day = time_s === null ? 0 : Math.floor(time_s / DAY_SECONDS);
  if (day < state.statementDay + STATEMENT_EVERY_DAYS) reader.refuse("a register statement is not due");
  const interval = state.openInterval;
  const registers = state.channels.map(({ register_Wh }) => int(register_Wh));
  const payload = map([1, tstr(configuration.meterId)], [2, int(interval)], [3, array(...registers)]);
  const bytes = signer.signDocument("register-1", payload);
  return {
    change: { statementDay: day, statementInterval: interval },
    events: [[EventType.REGISTER_STATEMENT, Detail.digest(digest(bytes))]],
    documents: [{ kind: MessageKind.REGISTER, number: interval, bytes }],
  };
}

/** A new anchor begins with its own counter. */
function reconfigure(
  kind: number,
  reader: CborReader,
  { state, configuration, image }: Circumstances,
): Effect {
  let changed: Configuration;
  if (kind === CommandKind.CONFIGURATION) {
    changed = changeConfiguration(configuration, reader);
  } else if (kind === CommandKind.REVOKED_PEERS) {
    changed = { ...configuration, revokedPeers: readRevokedPeers(reader) };
  } else {
    const update = readUpdate(reader);
    const floor = Math.max(image.version, configuration.update?.version ?? 0);
    if (update.version <= floor) reader.refuse("no way back to an older version");
    changed = { ...configuration, update };
  }
  const counters = state.counters.map((counter, at) => {
    const role = ROLES[at];
    const renewed = role && role !== "authority" && !sameBytes(changed[role], configuration[role]);
    return renewed ? 0 : counter;
  });
  return { change: { counters }, configuration: changed, events: [[EventType.CONFIGURATION, Detail.none]] };
}
