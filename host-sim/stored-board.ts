// A simulated board while it lies unpowered, as one file: what outlives its power (flash cells, the living set
// of secrets, contacts, tariffs), the moment in virtual time, what it is connected to, and all that it has sent so far. Wear and
// the traces of torn writes are not kept: a board is stored when it has come to rest.
import { CREDIT_TARIFF_BYTES_MAX } from "../src/credit/ports.js";
import { CHANNELS_MAX, readMeterId } from "../src/trusted/authority/configuration.js";
import { assert, FormatError, sameBytes } from "../src/trusted/encoding/bytes.js";
import { array, bstr, CborReader, int, map, orNil, tstr } from "../src/trusted/encoding/cbor.js";
import { U32_MAX } from "../src/trusted/metrology/interval.js";
import { SECTOR_BYTES } from "../src/trusted/ports.js";
import { FLASH_SECTORS } from "./simulation.js";

const FORMAT = 2;
const ERASED = 0xff;
const SECRETS_BYTES_MAX = 1024;
/** Power of a channel, W, at most: three elements of 1,000 V and 1,000 A. */
const POWER_MAX_W = 3_000_000;
/** Messages kept, at most: more than a year of quarter hours. */
export const RECEIVED_MAX = 65_536;
const TOPICS = ["reading", "batch", "event", "pairing", "register", "share"];
const TOPIC_CHARACTERS_MAX = 16;
const NOW_MAX_MS = U32_MAX * 1000;
const MESSAGE_BYTES_MAX = 4096;

/** A message that arrived at the far end of the uplink, and the last part of its topic. */
export interface Received {
  readonly topic: string;
  readonly message: Uint8Array;
}

/** A steady flow of energy into one channel. */
export interface Load {
  /** OBIS code of the channel. */
  readonly channel: string;
  /** Whole W (or what the channel counts, an hour). */
  readonly power_W: number;
}

/** What outlives the power of a load switch and of credit, and what the network keeps for them. */
export interface StoredSupply {
  /** Where the armature of the relay lies. */
  readonly closed: boolean;
  /** By slot of the tariff store. */
  readonly tariffs: readonly [Uint8Array | null, Uint8Array | null];
  /** The signed tariff that was sent last: handed over at each power-up, as a broker does with a retained message. */
  readonly offered: Uint8Array | null;
}

export interface StoredBoard {
  readonly meterId: string;
  /** Seed of all chance on the board, u32. */
  readonly seed: number;
  /** How often it was powered up: each time it draws other bytes. */
  readonly powerUps: number;
  /** Virtual time, UTC, ms since 1970. */
  readonly now_ms: number;
  /** The software that it ran last. */
  readonly softwareId: Uint8Array;
  /** One a channel, in the order of its configuration. */
  readonly loads: readonly Load[];
  readonly secrets: Uint8Array;
  /** Physical bytes of its flash, FLASH_SECTORS sectors. */
  readonly cells: Uint8Array;
  /** What it has sent, each message once, as it arrived. */
  readonly received: readonly Received[];
  /** Null without a load switch. */
  readonly supply: StoredSupply | null;
}

/** The file, deterministic CBOR; sectors that are erased take no place. Asserts that the flash is whole. */
export function encodeBoard(board: StoredBoard): Uint8Array {
  assert(board.cells.length === FLASH_SECTORS * SECTOR_BYTES, "a board has its whole flash");
  if (board.received.length > RECEIVED_MAX)
    throw new RangeError(`a board's file keeps ${RECEIVED_MAX} messages, and it has sent more`);
  return map(
    [1, int(FORMAT)],
    [2, tstr(board.meterId)],
    [3, int(board.seed)],
    [4, int(board.powerUps)],
    [5, int(board.now_ms)],
    [6, bstr(board.softwareId)],
    [7, array(...board.loads.map(({ channel, power_W }) => array(tstr(channel), int(power_W))))],
    [8, bstr(board.secrets)],
    [9, array(...sectorsOf(board.cells))],
    [10, array(...board.received.map(({ topic, message }) => array(tstr(topic), bstr(message))))],
    [11, orNil(board.supply && encodeSupply(board.supply))],
  );
}

function encodeSupply({ closed, tariffs, offered }: StoredSupply): Uint8Array {
  const documents = [...tariffs, offered].map((document) => orNil(document && bstr(document)));
  return array(int(closed ? 1 : 0), ...documents);
}

function sectorsOf(cells: Uint8Array): Uint8Array[] {
  return Array.from({ length: FLASH_SECTORS }, (_, sector) => sector).flatMap((sector) => {
    const bytes = cells.subarray(sector * SECTOR_BYTES, (sector + 1) * SECTOR_BYTES);
    return bytes.every((byte) => byte === ERASED) ? [] : [array(int(sector), bstr(bytes))];
  });
}

/** @throws FormatError for bytes that are no board's file. */
export function decodeBoard(bytes: Uint8Array): StoredBoard {
  const reader = new CborReader(bytes, "board");
  reader.map(11);
  if (reader.key(1).uint(0xff) !== FORMAT) reader.refuse("format of another version");
  const board = {
    meterId: readMeterId(reader.key(2)),
    seed: reader.key(3).uint(U32_MAX),
    powerUps: reader.key(4).uint(U32_MAX),
    now_ms: reader.key(5).uint(NOW_MAX_MS),
    softwareId: reader.key(6).bytes(32),
    loads: readLoads(reader.key(7)),
    secrets: reader.key(8).bytes(1, SECRETS_BYTES_MAX),
    cells: readCells(reader.key(9)),
    received: readReceived(reader.key(10)),
    supply: readSupply(reader.key(11)),
  };
  reader.end();
  return board;
}

const readLoads = (reader: CborReader) =>
  Array.from({ length: reader.array(1, CHANNELS_MAX) }, () => {
    reader.array(2);
    return { channel: reader.text(19), power_W: reader.uint(POWER_MAX_W) };
  });

function readCells(reader: CborReader): Uint8Array {
  const cells = new Uint8Array(FLASH_SECTORS * SECTOR_BYTES).fill(ERASED);
  const length = reader.array(0, FLASH_SECTORS);
  for (let read = 0, least = 0; read < length; read++) {
    reader.array(2);
    const sector = reader.uint(FLASH_SECTORS - 1);
    if (sector < least) reader.refuse("sectors out of order");
    least = sector + 1;
    cells.set(reader.bytes(SECTOR_BYTES), sector * SECTOR_BYTES);
  }
  return cells;
}

const readReceived = (reader: CborReader) =>
  Array.from({ length: reader.array(0, RECEIVED_MAX) }, () => {
    reader.array(2);
    const topic = reader.text(TOPIC_CHARACTERS_MAX);
    if (!TOPICS.includes(topic)) reader.refuse(`no topic "${topic}"`);
    return { topic, message: reader.bytes(1, MESSAGE_BYTES_MAX) };
  });

function readSupply(reader: CborReader): StoredSupply | null {
  if (reader.nil()) return null;
  reader.array(4);
  const readTariff = () => (reader.nil() ? null : reader.bytes(1, CREDIT_TARIFF_BYTES_MAX));
  return { closed: reader.uint(1) === 1, tariffs: [readTariff(), readTariff()], offered: readTariff() };
}

/** @throws FormatError when the board last ran other software: its stores are that software's. */
export function requireSoftware({ softwareId }: StoredBoard, expected: Uint8Array): void {
  if (sameBytes(softwareId, expected)) return;
  throw new FormatError("the board runs other software than this: provision another");
}
