// The flash layouts of the boards: partitions lie apart and within the chip, applications where the chip can map
// them, and journal, keys and tariffs have the size that the unit asks for and are encrypted.
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { TARIFF_SECTORS } from "../../firmware/tariff-store.js";
import { SECTOR_BYTES } from "../../src/trusted/ports.js";

/** Application partitions begin at multiples of this (ESP-IDF, "Partition Tables"). */
const APP_ALIGNMENT = 0x10000;
/** The partition table lies here, in one sector (sdkconfig.defaults). */
const TABLE_END = 0x11000;

const text = (name: string) => readFileSync(new URL(`../../firmware/${name}`, import.meta.url), "utf8");

function partitions(name: string) {
  return text(name)
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => line.split(",").map((field) => field.trim()))
    .map(([label, type, subtype, offset, size, flags]) => ({
      label,
      type,
      subtype,
      offset: Number(offset),
      end: Number(offset) + Number(size),
      flags,
    }));
}

/** A constant of the board's wiring. */
const sectors = (name: string) => Number(new RegExp(`const ${name} = (\\d+);`).exec(text("board.ts"))?.[1]);

describe.each([
  ["partitions-4mb.csv", 4],
  ["partitions-8mb.csv", 8],
])("%s", (name, flash_MB) => {
  const table = partitions(name);

  it("has partitions that lie apart, behind the partition table and within the flash", () => {
    let end = TABLE_END;
    for (const partition of table) {
      expect(partition.offset).toBeGreaterThanOrEqual(end);
      expect(partition.offset % (partition.type === "app" ? APP_ALIGNMENT : SECTOR_BYTES)).toBe(0);
      end = partition.end;
    }
    expect(end).toBe(flash_MB * 2 ** 20);
  });

  it.each([
    ["journal", sectors("JOURNAL_SECTORS")],
    ["secrets", sectors("SECRET_SECTORS")],
    ["credit", TARIFF_SECTORS],
  ])("gives the %s its sectors, as data and encrypted", (label, count) => {
    const partition = table.find((candidate) => candidate.label === label);
    expect(partition).toMatchObject({ type: "data", flags: "encrypted" });
    expect((partition?.end ?? 0) - (partition?.offset ?? 0)).toBe(count * SECTOR_BYTES);
  });

  it("has two slots for applications where the flash has room for updates, else one", () => {
    expect(table.filter(({ type }) => type === "app").length).toBe(flash_MB === 8 ? 2 : 1);
    expect(table.some(({ subtype }) => subtype === "ota")).toBe(flash_MB === 8);
  });
});

it("puts the partition table where the layouts expect it", () => {
  expect(text("sdkconfig.defaults")).toMatch(/^CONFIG_PARTITION_TABLE_OFFSET=0x10000$/m);
});
