// What a meter is told when it is provisioned: who it is, what it measures, whom it obeys. Interval length
// and channels are fixed for life; the authority can change the rest by command.
import { bytesToHex } from "@noble/hashes/utils.js";
import { array, bstr, CborReader, int, map, orNil, tstr } from "../encoding/cbor.js";
import {
  type Calibration,
  type CountSource,
  encodeCalibration,
  readCalibration,
} from "../metrology/calibration.js";
import { INTERVAL_SECONDS, U32_MAX } from "../metrology/interval.js";
import { quantityOf } from "../metrology/waveform.js";

export const METER_ID = /^[A-Z0-9][A-Z0-9-]{0,31}$/;
/** OBIS code of a register (IEC 62056-6-1) without its billing-period field: A-B:C.D.E. */
export const OBIS = /^\d{1,3}-\d{1,3}:\d{1,3}\.\d{1,3}\.\d{1,3}$/;
export const CHANNELS_MAX = 8;
const OBIS_CHARACTERS_MAX = 19;
const KEY_BYTES = 32;
/** Revoked peers: H(X)[0..8] each. */
const PEER_BYTES = 8;
const PEERS_MAX = 32;
/** Largest encoded configuration, bytes: with all revoked peers, an update and a calibration. */
export const CONFIGURATION_BYTES_MAX = 1000;

/** Software that the authority has approved to replace what runs. */
export interface Update {
  /** SHA-256 of the image that the loader installs. */
  readonly imageDigest: Uint8Array;
  readonly softwareId: Uint8Array;
  /** u32. */
  readonly version: number;
}

export interface Configuration {
  readonly meterId: string;
  /** 900 or 1,800. */
  readonly intervalSeconds: number;
  /** OBIS codes of the channels, 1 to 8, distinct. */
  readonly channels: readonly string[];
  /** Readings above this are flagged, Wh; never more than fuse rating x interval. */
  readonly maximum_Wh: number;
  /** Measuring elements m, nominal voltage and maximum current: they bound what a power cut may lose. */
  readonly elements: number;
  readonly nominal_V: number;
  readonly maximum_A: number;
  /** Trust anchors: Ed25519 public keys, each another. The authority's is part of the image. */
  readonly supplier: Uint8Array;
  readonly network: Uint8Array;
  readonly aggregator: Uint8Array;
  /** Least members of a roster. */
  readonly minGroup: number;
  /** H(X)[0..8] of peers that no roster may name, ascending, at most 32. */
  readonly revokedPeers: readonly Uint8Array[];
  readonly update: Update | null;
  /** Null for a front end whose counts are the channels' energies in mJ. */
  readonly calibration: Calibration | null;
}

/**
 * The next item, a meterId.
 * @throws FormatError for a text that is not one: ids go into topics and paths.
 */
export function readMeterId(reader: CborReader): string {
  const meterId = reader.text(32);
  return METER_ID.test(meterId) ? meterId : reader.refuse(`"${meterId}" is no meter id`);
}

/** The next item, an interval length. @throws FormatError unless it is 900 or 1,800. */
export function readIntervalSeconds(reader: CborReader): number {
  const seconds = reader.uint(86_400);
  return INTERVAL_SECONDS.includes(seconds) ? seconds : reader.refuse(`${seconds} s is no interval length`);
}

/** The next item, the channels' OBIS codes. @throws FormatError for a malformed or repeated code. */
export function readChannels(reader: CborReader): string[] {
  const channels = Array.from({ length: reader.array(1, CHANNELS_MAX) }, () =>
    reader.text(OBIS_CHARACTERS_MAX),
  );
  const valid = channels.every((code) => OBIS.test(code)) && new Set(channels).size === channels.length;
  return valid ? channels : reader.refuse(`"${channels.join(" ")}" are no distinct OBIS codes`);
}

/** The next item, a list of revoked peers. @throws FormatError unless they ascend. */
export function readRevokedPeers(reader: CborReader): Uint8Array[] {
  const peers = Array.from({ length: reader.array(0, PEERS_MAX) }, () => reader.bytes(PEER_BYTES));
  const names = peers.map(bytesToHex);
  const ascends = names.join() === [...new Set(names)].sort().join();
  return ascends ? peers : reader.refuse("revoked peers do not ascend");
}

/** The next item, an update `[image digest, softwareId, version]`. */
export function readUpdate(reader: CborReader): Update {
  reader.array(3);
  return { imageDigest: reader.bytes(32), softwareId: reader.bytes(32), version: reader.uint(U32_MAX) };
}

const encodeUpdate = ({ imageDigest, softwareId, version }: Update) =>
  array(bstr(imageDigest), bstr(softwareId), int(version));

/** How a field of the configuration is read and written. */
const field = <Name extends keyof Configuration>(
  name: Name,
  read: (reader: CborReader) => Configuration[Name],
  write: (value: Configuration[Name]) => Uint8Array,
) => ({
  read: (reader: CborReader, into: object) => Object.assign(into, { [name]: read(reader) }),
  write: (configuration: Configuration) => write(configuration[name]),
});
const readKey = (reader: CborReader) => reader.bytes(KEY_BYTES);

/** The fields in the order of their keys, from 1 on. */
const FIELDS = [
  field("meterId", readMeterId, tstr),
  field("intervalSeconds", readIntervalSeconds, int),
  field("channels", readChannels, (channels) => array(...channels.map(tstr))),
  field("maximum_Wh", (reader) => reader.uint(U32_MAX), int),
  field("elements", (reader) => reader.uint(3), int),
  field("nominal_V", (reader) => reader.uint(1000), int),
  field("maximum_A", (reader) => reader.uint(1000), int),
  field("supplier", readKey, bstr),
  field("network", readKey, bstr),
  field("aggregator", readKey, bstr),
  field("minGroup", (reader) => reader.uint(128), int),
  field("revokedPeers", readRevokedPeers, (peers) => array(...peers.map(bstr))),
  field(
    "update",
    (reader) => (reader.nil() ? null : readUpdate(reader)),
    (update) => orNil(update && encodeUpdate(update)),
  ),
  field(
    "calibration",
    (reader) => (reader.nil() ? null : readCalibration(reader)),
    (calibration) => orNil(calibration && encodeCalibration(calibration)),
  ),
];
/** Keys of the fields that a configuration command may change: maximum, anchors, least group, calibration. */
const CHANGEABLE: readonly number[] = [4, 8, 9, 10, 11, 14];

/** At most CONFIGURATION_BYTES_MAX. */
export const encodeConfiguration = (configuration: Configuration) =>
  map(...FIELDS.map(({ write }, at) => [at + 1, write(configuration)] as const));

/** @throws FormatError for a malformed document or a value out of its range. */
export function decodeConfiguration(bytes: Uint8Array): Configuration {
  const reader = new CborReader(bytes, "configuration");
  reader.map(FIELDS.length);
  const fields = FIELDS.reduce((into, { read }, at) => read(reader.key(at + 1), into), {});
  reader.end();
  return checked(fields as Configuration, reader);
}

/**
 * The configuration with the fields of a command's `{field: value}`, at least one, in it.
 * @throws FormatError for a field that no command changes, or a value out of its range.
 */
export function changeConfiguration(configuration: Configuration, reader: CborReader): Configuration {
  const changed = { ...configuration };
  let last = 0;
  for (let left = reader.map(1, CHANGEABLE.length); left > 0; left--) {
    const key = reader.uint(FIELDS.length);
    if (key <= last || !CHANGEABLE.includes(key)) reader.refuse(`field ${key} is not to be changed here`);
    FIELDS[key - 1]?.read(reader, changed);
    last = key;
  }
  return checked(changed, reader);
}

/** Whether each channel has a source: a count, or a quantity of an element that there is. */
function isCalibrated(
  { sources, waveform }: Calibration,
  channels: readonly string[],
  elements: number,
): boolean {
  const isMeasured = (source: CountSource | null, at: number) => {
    const quantity = quantityOf(channels[at] as string);
    return source !== null || (waveform !== null && quantity !== null && (quantity.element ?? 0) < elements);
  };
  const hasElements = waveform === null || waveform.elements.length === elements;
  return hasElements && sources.length === channels.length && sources.every(isMeasured);
}

function checked(configuration: Configuration, reader: CborReader): Configuration {
  const { elements, nominal_V, maximum_A, intervalSeconds, maximum_Wh, minGroup } = configuration;
  const fuse_Wh = (elements * nominal_V * maximum_A * intervalSeconds) / 3600;
  if (fuse_Wh === 0 || maximum_Wh > fuse_Wh) reader.refuse("maximum above fuse rating x interval");
  if (minGroup < 3) reader.refuse("least group below 3");
  const { calibration, channels } = configuration;
  if (calibration && !isCalibrated(calibration, channels, elements))
    reader.refuse("calibration of other channels");
  const anchors = [configuration.supplier, configuration.network, configuration.aggregator];
  if (new Set(anchors.map(bytesToHex)).size < anchors.length) reader.refuse("two roles with one key");
  return configuration;
}
