// What a meter is told when it is provisioned: who it is, what it measures, whom it obeys. Interval length
// and channels are fixed for life; the authority can change the rest.
import { array, bstr, CborReader, int, map, tstr } from "../encoding/cbor.js";
import { INTERVAL_SECONDS } from "../metrology/interval.js";

export const METER_ID = /^[A-Z0-9][A-Z0-9-]{0,31}$/;
/** OBIS code of a register (IEC 62056-6-1) without its billing-period field: A-B:C.D.E. */
export const OBIS = /^\d{1,3}-\d{1,3}:\d{1,3}\.\d{1,3}\.\d{1,3}$/;
export const CHANNELS_MAX = 8;
const OBIS_CHARACTERS_MAX = 19;
const KEY_BYTES = 32;

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
  /** Trust anchors: Ed25519 public keys. The authority's is part of the image. */
  readonly supplier: Uint8Array;
  readonly network: Uint8Array;
  readonly aggregator: Uint8Array;
  /** Least members of a roster. */
  readonly minGroup: number;
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

export function encodeConfiguration(configuration: Configuration): Uint8Array {
  return map(
    [1, tstr(configuration.meterId)],
    [2, int(configuration.intervalSeconds)],
    [3, array(...configuration.channels.map(tstr))],
    [4, int(configuration.maximum_Wh)],
    [5, int(configuration.elements)],
    [6, int(configuration.nominal_V)],
    [7, int(configuration.maximum_A)],
    [8, bstr(configuration.supplier)],
    [9, bstr(configuration.network)],
    [10, bstr(configuration.aggregator)],
    [11, int(configuration.minGroup)],
  );
}

/** @throws FormatError for a malformed document or a value out of its range. */
export function decodeConfiguration(bytes: Uint8Array): Configuration {
  const reader = new CborReader(bytes, "configuration");
  reader.map(11);
  const configuration = {
    meterId: readMeterId(reader.key(1)),
    intervalSeconds: readIntervalSeconds(reader.key(2)),
    channels: readChannels(reader.key(3)),
    maximum_Wh: reader.key(4).uint(0xffffffff),
    elements: reader.key(5).uint(3),
    nominal_V: reader.key(6).uint(1000),
    maximum_A: reader.key(7).uint(1000),
    supplier: reader.key(8).bytes(KEY_BYTES),
    network: reader.key(9).bytes(KEY_BYTES),
    aggregator: reader.key(10).bytes(KEY_BYTES),
    minGroup: reader.key(11).uint(128),
  };
  reader.end();
  const { elements, nominal_V, maximum_A, intervalSeconds, maximum_Wh } = configuration;
  const fuse_Wh = (elements * nominal_V * maximum_A * intervalSeconds) / 3600;
  if (fuse_Wh === 0 || maximum_Wh > fuse_Wh) reader.refuse("maximum above fuse rating x interval");
  if (configuration.minGroup < 3) reader.refuse("least group below 3");
  return configuration;
}
