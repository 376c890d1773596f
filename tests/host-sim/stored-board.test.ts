import { describe, expect, it } from "vitest";
import { FLASH_SECTORS } from "../../host-sim/simulation.js";
import {
  decodeBoard,
  encodeBoard,
  RECEIVED_MAX,
  requireSoftware,
  type StoredBoard,
} from "../../host-sim/stored-board.js";
import { FormatError } from "../../src/trusted/encoding/bytes.js";
import { SECTOR_BYTES } from "../../src/trusted/ports.js";
import { cutOrExtended, nonCanonical, strictly, survivors } from "../mutants.js";

const cells = new Uint8Array(FLASH_SECTORS * SECTOR_BYTES).fill(0xff);
cells[3 * SECTOR_BYTES + 5] = 0;
cells[cells.length - 1] = 0;

const board: StoredBoard = {
  meterId: "SM-0001",
  seed: 7,
  powerUps: 2,
  now_ms: 1_767_225_600_000,
  softwareId: new Uint8Array(32).fill(9),
  loads: [{ channel: "1-0:1.8.0", power_W: 500 }],
  secrets: Uint8Array.of(1, 2, 3),
  cells,
  received: [
    { topic: "event", message: Uint8Array.of(4) },
    { topic: "share", message: Uint8Array.of(5) },
  ],
  supply: { closed: true, tariffs: [null, Uint8Array.of(6)], offered: Uint8Array.of(7) },
};

/** The same with an erased flash: short enough to be spoiled everywhere. */
const small = encodeBoard({ ...board, cells: cells.slice().fill(0xff) });

describe("a board's file", () => {
  it("gives the board back, and takes no place for what is erased", () => {
    const file = encodeBoard(board);
    const { cells: read, ...rest } = decodeBoard(file);
    const { cells: written, ...others } = board;
    expect(rest).toEqual(others);
    expect(Buffer.compare(read, written)).toBe(0);
    expect(file.length).toBeLessThan(2 * SECTOR_BYTES + 200);
  });

  it.each([
    ["without a load switch", null],
    ["with an open one and no tariff", { closed: false, tariffs: [null, null], offered: null }],
  ] satisfies [string, StoredBoard["supply"]][])("gives a board back %s", (_, supply) => {
    expect(decodeBoard(encodeBoard({ ...board, supply })).supply).toEqual(supply);
  });

  it("that is cut, extended or in other words is refused", () => {
    expect(survivors(cutOrExtended(small), decodeBoard)).toEqual([]);
    expect(survivors(nonCanonical(small), strictly(decodeBoard, encodeBoard))).toEqual([]);
  });

  it("keeps a bounded number of messages", () => {
    const received = Array.from({ length: RECEIVED_MAX + 1 }, () => ({ topic: "event", message: cells }));
    expect(() => encodeBoard({ ...board, received })).toThrow(RangeError);
  });

  it("is of the software that wrote it", () => {
    expect(() => requireSoftware(board, new Uint8Array(32).fill(9))).not.toThrow();
    expect(() => requireSoftware(board, new Uint8Array(32))).toThrow(FormatError);
  });
});
