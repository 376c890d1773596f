// The words in which a person writes a command on the command line, one kind after the other: what they are, an
// example, and what they mean. Whether the values are such as a meter takes is not decided here but where they
// are encoded (src/supplier/command.ts).
import { decodeCertificate } from "../src/proofs/certificate.js";
import {
  type ConfigurationChanges,
  decodeCalibration,
  type KindName,
  type Order,
  peerName,
} from "../src/supplier/command.js";
import { readTariff } from "../src/tariff/document.js";
import { decodeSign1 } from "../src/trusted/encoding/cose.js";
import { digest } from "../src/trusted/sealing/keys.js";
import { fromHex, inFile, readFile, readHexKey, toHex, UsageError } from "./command-line.js";
import {
  CREDIT_SETTING_FORMS,
  CREDIT_SETTING_WORDS,
  isCreditSetting,
  parseCreditSetting,
} from "./credit-words.js";
import { INSTANT_FORMS, parseInstant } from "./instant.js";

export interface Wording {
  /** The words after the kind, for the help. */
  readonly usage: string;
  readonly says: string;
  /** Words of an example. */
  readonly example: string;
  /** @throws UsageError or FormatError for words that are none of this kind. */
  readonly parse: (words: readonly string[]) => Order;
}

/** Largest certificate that is read, bytes, with room for what is no such document. */
const CERTIFICATE_BYTES_MAX = 4096;
const HEX_32 = /^[0-9a-f]{64}$/;

/** Exactly as many words as there are names for them. */
function only(words: readonly string[], ...names: readonly string[]): readonly string[] {
  if (words.length === names.length) return words;
  const wanted = names.length === 0 ? "no further words" : names.join(" ");
  throw new UsageError(`expected ${wanted} after the kind, not ${words.length} words`);
}

/** FIELD=VALUE words by field, each once and of those known. */
function fieldsOf(words: readonly string[], isKnown: (field: string) => boolean, known: string) {
  const fields = new Map<string, string>();
  for (const word of words) {
    const [, field, value] = /^([^=]+)=(.+)$/.exec(word) ?? [];
    if (field === undefined || value === undefined || !isKnown(field))
      throw new UsageError(`"${word}": expected FIELD=VALUE with a field of ${known}`);
    if (fields.has(field)) throw new UsageError(`"${word}": ${field} is given twice`);
    fields.set(field, value);
  }
  return fields;
}

function whole(what: string, text: string): number {
  if (/^\d{1,20}$/.test(text)) return Number(text);
  throw new UsageError(`${what}: "${text}" is not a whole number`);
}

function hexBytes(what: string, text: string, bytes: number): Uint8Array {
  if (text.length === 2 * bytes && /^[0-9a-f]*$/.test(text)) return fromHex(text);
  throw new UsageError(`${what}: "${text}" is not ${bytes} bytes in lower-case hex`);
}

/** 32 bytes in hex, or those that come of a file. */
const hexOrFile = (text: string, ofFile: (path: string) => Uint8Array) =>
  HEX_32.test(text) ? fromHex(text) : ofFile(text);

function parseTime(words: readonly string[]): Order {
  const [nonce = "", time = ""] = only(words, "NONCE", "TIME");
  const unix_s = parseInstant(time);
  if (unix_s === null) throw new UsageError(`TIME: "${time}" is not ${INSTANT_FORMS}`);
  return { kind: "time", nonce: hexBytes("NONCE", nonce, 16), unix_s };
}

const CHANGEABLE = ["maximum_Wh", "supplier", "network", "aggregator", "minGroup", "calibration"] as const;
/** Largest calibration that is read, bytes: no command would hold it. */
const CALIBRATION_BYTES_MAX = 512;

function parseConfiguration(words: readonly string[]): Order {
  const isKnown = (field: string) => CHANGEABLE.some((known) => known === field);
  const fields = fieldsOf(words, isKnown, CHANGEABLE.join(", "));
  const changes: { -readonly [Field in keyof ConfigurationChanges]: ConfigurationChanges[Field] } = {};
  for (const name of ["maximum_Wh", "minGroup"] as const) {
    const text = fields.get(name);
    if (text !== undefined) changes[name] = whole(name, text);
  }
  for (const name of ["supplier", "network", "aggregator"] as const) {
    const text = fields.get(name);
    if (text !== undefined) changes[name] = hexOrFile(text, readHexKey);
  }
  const calibration = fields.get("calibration");
  if (calibration !== undefined)
    changes.calibration = inFile(calibration, () =>
      decodeCalibration(readFile(calibration, CALIBRATION_BYTES_MAX)),
    );
  return { kind: "configuration", changes };
}

function parseLoadSwitch(words: readonly string[]): Order {
  const [action] = words;
  if (words.length === 1 && (action === "open" || action === "arm")) return { kind: "load-switch", action };
  throw new UsageError(`expected "open" or "arm" after load-switch`);
}

function parseTopUp(words: readonly string[]): Order {
  const [amount = ""] = only(words, "AMOUNT");
  return { kind: "top-up", amount: whole("AMOUNT", amount) };
}

function parseCreditTariff(words: readonly string[]): Order {
  const [text = ""] = only(words, "TARIFF");
  const digest = hexOrFile(text, (path) => inFile(path, () => readTariff(readFile(path)).digest));
  return { kind: "credit-tariff", digest };
}

function parseCreditSettings(words: readonly string[]): Order {
  const settings = new Map<number, number>();
  for (const [field, text] of fieldsOf(words, isCreditSetting, CREDIT_SETTING_WORDS)) {
    const [number, value] = parseCreditSetting(field, text);
    if (settings.has(number)) throw new UsageError(`"${field}=${text}": setting ${number} is given twice`);
    settings.set(number, value);
  }
  return { kind: "credit-settings", settings };
}

/** Names of peers ascend on the wire; a person need not know them, nor sort them. */
function parseRevokedPeers(words: readonly string[]): Order {
  if (words.length === 0) throw new UsageError(`expected the peers after revoked-peers, or "none"`);
  if (words.length === 1 && words[0] === "none") return { kind: "revoked-peers", peers: [] };
  const names = new Set(words.map((word) => (/^[0-9a-f]{16}$/.test(word) ? word : nameInCertificate(word))));
  return { kind: "revoked-peers", peers: [...names].sort().map(fromHex) };
}

/** The authority signs this list itself: that the certificate is its own is not looked at. */
const nameInCertificate = (path: string) =>
  inFile(path, () => {
    const document = readFile(path, CERTIFICATE_BYTES_MAX);
    const { payload } = decodeSign1(document, "certificate-1", CERTIFICATE_BYTES_MAX);
    return toHex(peerName(decodeCertificate(payload).agreementKey));
  });

const UPDATE_FIELDS = ["image", "software", "version"];

function parseSoftwareUpdate(words: readonly string[]): Order {
  const fields = fieldsOf(words, (field) => UPDATE_FIELDS.includes(field), UPDATE_FIELDS.join(", "));
  const [image, software, version] = UPDATE_FIELDS.map((field) => fields.get(field));
  if (image === undefined || software === undefined || version === undefined)
    throw new UsageError(`expected ${UPDATE_FIELDS.map((field) => `${field}=...`).join(" ")}`);
  return {
    kind: "software-update",
    image: hexOrFile(image, (path) => digest(readFile(path))),
    softwareId: hexBytes("software", software, 32),
    version: whole("version", version),
  };
}

export const WORDINGS: Readonly<Record<KindName, Wording>> = {
  time: {
    usage: "NONCE TIME",
    says: "answer the meter's request for the time; counter 0, no --not-after",
    example: `time ${"0f".repeat(16)} 2026-01-02T12:00:00Z`,
    parse: parseTime,
  },
  configuration: {
    usage: "FIELD=VALUE...",
    says: `change ${CHANGEABLE.join(", ")}; keys are files or hex, a calibration a file of calibrate --cbor`,
    example: "configuration supplier=other-supplier.pub minGroup=12",
    parse: parseConfiguration,
  },
  "register-statement": {
    usage: "",
    says: "ask for the signed registers",
    example: "register-statement",
    parse: (words) => {
      only(words);
      return { kind: "register-statement" };
    },
  },
  "load-switch": {
    usage: "open|arm",
    says: "open the load switch, or let a person close it",
    example: "load-switch open",
    parse: parseLoadSwitch,
  },
  "top-up": {
    usage: "AMOUNT",
    says: "add credit, millionths of the currency, at most 100,000 of it",
    example: "top-up 20000000",
    parse: parseTopUp,
  },
  "credit-tariff": {
    usage: "TARIFF",
    says: "draw credit by this tariff: the signed file, or its digest",
    example: "credit-tariff tariff.cbor",
    parse: parseCreditTariff,
  },
  "credit-settings": {
    usage: "NAME=VALUE...",
    says: `set pre-payment; ${CREDIT_SETTING_FORMS}`,
    example: "credit-settings mode=prepayment emergency=10 protected-from=16:00 protected-to=09:00",
    parse: parseCreditSettings,
  },
  "revoked-peers": {
    usage: "PEER...|none",
    says: "peers that the meter shares sums with no more: certificates, or names of 8 bytes",
    example: "revoked-peers other/SM-0002/certificate.cbor",
    parse: parseRevokedPeers,
  },
  "software-update": {
    usage: "image=IMAGE software=ID version=N",
    says: "take this image, a file or its digest",
    example: `software-update image=image.bin software=${"ab".repeat(32)} version=2`,
    parse: parseSoftwareUpdate,
  },
};
