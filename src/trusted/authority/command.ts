// Signed commands to a meter. Roles come from the trust anchor whose key verifies, counters are kept per
// anchor, and a command takes effect once or not at all: what it changes, its counter and the event that is its
// receipt are one record. Here is what each kind may do; nothing is changed here.

import { FormatError, sameBytes } from "../encoding/bytes.js";
import { array, bstr, CborReader, int, map, NIL, tstr } from "../encoding/cbor.js";
import { decodeSign1 } from "../encoding/cose.js";
import { type Message, MessageKind } from "../journal/journal.js";
import type { MeterState } from "../journal/state.js";
import { DAY_SECONDS, U32_MAX } from "../metrology/interval.js";
import type { CompanionAnswer, Ports } from "../ports.js";
import type { FixedBaseTable } from "../sealing/fixed-base.js";
import { digest } from "../sealing/keys.js";
import { keyId, type SigningKey, verifyDocument } from "../sealing/signature.js";
import {
  type Configuration,
  changeConfiguration,
  encodeConfiguration,
  readMeterId,
  readRevokedPeers,
  readUpdate,
} from "./configuration.js";
import { EventType, type Occurrence } from "./events.js";

/** Largest signed document that a unit takes, bytes. */
export const DOCUMENT_BYTES_MAX = 512;
export const NONCE_BYTES = 16;
/** A register statement is due at most this often, days: more would show a household's weeks. */
const STATEMENT_EVERY_DAYS = 28;

/** In the order of their counters in the state. */
export const ROLES = ["authority", "supplier", "network", "aggregator"] as const;
export type Role = (typeof ROLES)[number];

/** 5 top-up, 6 credit tariff and 7 credit settings are the credit logic's to understand. */
export const CommandKind = {
  TIME: 1,
  CONFIGURATION: 2,
  REGISTER_STATEMENT: 3,
  LOAD_SWITCH: 4,
  REVOKED_PEERS: 8,
  UPDATE: 9,
} as const;
const CREDIT = [5, 6, 7] as const;

const SENT_BY: Readonly<Record<Role, readonly number[]>> = {
  authority: [CommandKind.TIME, CommandKind.CONFIGURATION, CommandKind.REVOKED_PEERS, CommandKind.UPDATE],
  supplier: [CommandKind.REGISTER_STATEMENT, CommandKind.LOAD_SWITCH, ...CREDIT],
  network: [CommandKind.TIME, CommandKind.LOAD_SWITCH],
  aggregator: [],
};

/**
 * A command that an anchor has signed. `notAfter_s` is Unix time after which it must not be obeyed, s, or null; the
 * reader stands before the arguments.
 */
export type Command = Readonly<ReturnType<typeof decodeCommand>>;

/**
 * Finds the trust anchor that has signed a document.
 * @param base the table of B.
 * @throws FormatError for bytes that are no envelope of this type, or one that no anchor has signed.
 */
export function authenticate(
  bytes: Uint8Array,
  type: "command-1" | "roster-1",
  keyOf: (role: Role) => Uint8Array,
  base: FixedBaseTable,
) {
  const document = decodeSign1(bytes, type, DOCUMENT_BYTES_MAX);
  const role = ROLES.find((name) => sameBytes(document.kid, keyId(keyOf(name))));
  if (!role || !verifyDocument(type, document, keyOf(role), base))
    throw new FormatError("document is signed by no anchor");
  return { role, payload: document.payload };
}

/**
 * Takes the payload of a verified command apart, up to its arguments.
 * @throws FormatError for a malformed command, one for another meter, or a kind that `role` may not send.
 */
export function decodeCommand(payload: Uint8Array, role: Role, meterId: string) {
  const reader = new CborReader(payload, "command");
  reader.map(5);
  if (readMeterId(reader.key(1)) !== meterId) reader.refuse("command for another meter");
  const counter = reader.key(2).uint(U32_MAX);
  const notAfter_s = reader.key(3).nil() ? null : reader.uint(U32_MAX);
  const kind = reader.key(4).uint(255);
  if (!SENT_BY[role].includes(kind)) reader.refuse(`kind ${kind} is not for the ${role} to send`);
  reader.key(5);
  return { role, counter, notAfter_s, kind, reader };
}

/** The arguments of kind 1: the meter's nonce, and Unix time at which it was answered, s. */
export function readTimeAnswer({ counter, notAfter_s, reader }: Command) {
  if (counter !== 0 || notAfter_s !== null) reader.refuse("a time answer has counter 0 and no notAfter");
  reader.array(2);
  const answer = { nonce: reader.bytes(NONCE_BYTES), unix_s: reader.uint(U32_MAX) };
  reader.end();
  return answer;
}

/** What a command does: all of it is one record. */
export interface Effect {
  readonly change: Partial<MeterState>;
  readonly configuration?: Configuration;
  readonly events: readonly Occurrence[];
  readonly documents?: readonly Message[];
}

/** What a command is judged by. */
export interface Circumstances extends Pick<Ports, "image" | "companion"> {
  readonly state: MeterState;
  readonly configuration: Configuration;
  readonly signer: SigningKey;
  /** Null while the clock is unconfirmed. */
  readonly time_s: number | null;
}

/**
 * What a command of any kind but 1 does now.
 * @param receipt detail of the event that is its receipt.
 * @throws FormatError when it is out of its turn, too late, malformed, or not to be obeyed now.
 */
export function effectOf(command: Command, receipt: Uint8Array, circumstances: Circumstances): Effect {
  const { role, counter, notAfter_s, reader } = command;
  const { state, configuration, time_s } = circumstances;
  if (counter !== (state.counters[ROLES.indexOf(role)] as number) + 1)
    reader.refuse("counter out of its turn");
  if (notAfter_s !== null && (time_s === null || time_s > notAfter_s))
    reader.refuse("too late, or time unknown");
  const effect = actionOf(command, circumstances);
  reader.end();
  const changed = effect.configuration ?? configuration;
  const counters = ROLES.map((name, at) => {
    if (name === role) return counter;
    // A new anchor begins with its own counter.
    const renewed = name !== "authority" && !sameBytes(changed[name], configuration[name]);
    return renewed ? 0 : (state.counters[at] as number);
  });
  const events: Occurrence[] = [[EventType.COMMAND_ACCEPTED, receipt], ...effect.events];
  return { ...effect, change: { ...effect.change, counters }, events };
}

function actionOf({ kind, reader }: Command, circumstances: Circumstances): Effect {
  const { state, configuration, companion, image, time_s } = circumstances;
  switch (kind) {
    case CommandKind.CONFIGURATION:
      return reconfigure(changeConfiguration(configuration, reader));
    case CommandKind.REVOKED_PEERS:
      return reconfigure({ ...configuration, revokedPeers: readRevokedPeers(reader) });
    case CommandKind.UPDATE: {
      const update = readUpdate(reader);
      const floor = Math.max(image.version, configuration.update?.version ?? 0);
      if (update.version <= floor) reader.refuse("no way back to an older version");
      return reconfigure({ ...configuration, update });
    }
    case CommandKind.REGISTER_STATEMENT:
      return stateRegisters(reader, circumstances);
    default: {
      const answer = companion?.command(state.companion.slice(), kind, reader.rest(), time_s);
      return answer ? effectOfAnswer(answer, state) : reader.refuse("refused by the credit logic");
    }
  }
}

/** What the credit logic wants kept, and the events that tell of it: neither has a balance in it. */
export function effectOfAnswer(answer: CompanionAnswer, state: MeterState): Effect {
  const { companion, loadSwitch, crossed } = answer;
  const events: Occurrence[] = [];
  if (loadSwitch !== state.loadSwitch) events.push([EventType.LOAD_SWITCH, int(loadSwitch)]);
  if (crossed) events.push([EventType.CREDIT, NIL]);
  return { change: { companion, loadSwitch }, events };
}

/** The new configuration is stored with the event that tells of it. */
const reconfigure = (configuration: Configuration): Effect => ({
  change: {},
  configuration,
  events: [[EventType.CONFIGURATION, NIL]],
  documents: [{ kind: MessageKind.CONFIGURATION, number: 0, bytes: encodeConfiguration(configuration) }],
});

/** The registers at the beginning of the open interval, signed: for who cannot or will not bill. */
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
    events: [[EventType.REGISTER_STATEMENT, bstr(digest(bytes))]],
    documents: [{ kind: MessageKind.REGISTER, number: interval, bytes }],
  };
}
