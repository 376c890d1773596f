// What the unit may cost on the meter's engine: each figure beside the budget of the design and the limit that
// a change must not pass unseen. Figures are deterministic: instructions retired, computrons, bytes.
import type { CreditWork } from "../credit-month.js";
import type { Rv32Size } from "../rv32/image.js";
import type { BootCosts, CreditCosts, Held, OperationCosts, ScenarioCosts } from "./engines.js";

export interface Figure {
  readonly name: string;
  readonly unit: "M instructions" | "K computrons" | "KB";
  readonly measured: number;
  /** What the design asks for; absent where it names none. */
  readonly budget?: number;
  /** What is asserted. */
  readonly limit: number;
}

const MILLION = 1_000_000;
const KB = 1024;
/** Free room that a machine needs besides what lives, so that collections stay rare, KB. */
const HEADROOM_KB = 32;

const instructions = (name: string, measured: number, budget: number, limit = budget): Figure => ({
  name,
  unit: "M instructions",
  measured: measured / MILLION,
  budget,
  limit,
});

const costOf = (costs: OperationCosts, name: string) => {
  const cost = costs[name];
  if (!cost) throw new Error(`operations.ts measures no "${name}"`);
  return cost;
};

/** Figures of the bare board with built-ins in read-only memory, as a device has them. */
export function rv32Figures(
  operations: OperationCosts,
  boot: BootCosts,
  scenario: ScenarioCosts,
  size: Rv32Size,
): readonly Figure[] {
  const of = (name: string) => costOf(operations, name).instructions;
  const image = (size.text + size.rodata + size.rom) / KB;
  return [
    instructions("commit one reading, opening and pad included", of("commit one reading"), 70),
    instructions("sign a batch", of("Ed25519 sign"), 100),
    instructions("verify a command", of("Ed25519 verify"), 240),
    instructions("pair one peer", of("ristretto255 DH"), 120),
    instructions(
      "close an interval: 2 channels, tree, journal, a share with 10 peers",
      scenario.closing,
      300,
    ),
    {
      name: "a step that only measures",
      unit: "M instructions",
      measured: scenario.idle / MILLION,
      limit: 3,
    },
    instructions("the dearest step", scenario.step.instructions, 250),
    instructions("recovery of a journal of 13 months", boot.recovery, 60, 130),
    instructions("power-up to the first measured energy, on that journal", boot.firstEnergy, 300),
    {
      name: "heap of the unit's machine, 32 KB of headroom included",
      unit: "KB",
      measured: boot.live / KB + HEADROOM_KB,
      budget: 144,
      limit: 202,
    },
    {
      name: "image: text, read-only data, tables, built-ins",
      unit: "KB",
      measured: image,
      budget: 1024,
      limit: 1024,
    },
  ];
}

/** The same work in the engine's own measure, on 32-bit Linux: no budget of the design, only limits. */
export function computronFigures(operations: OperationCosts): readonly Figure[] {
  const figure = (name: string, limit: number): Figure => ({
    name,
    unit: "K computrons",
    measured: costOf(operations, name).computrons / 1000,
    limit,
  });
  return [
    figure("commit one reading", 750),
    figure("Ed25519 sign", 1300),
    figure("Ed25519 verify", 1900),
    figure("ristretto255 DH", 1060),
    figure("SHA-512 of 64 B", 130),
    figure("HMAC-SHA-256", 140),
  ];
}

/** Credit and display on the bare board, with built-ins in read-only memory. */
export function creditFigures({ costs, tariffs }: CreditCosts): readonly Figure[] {
  const work = (name: CreditWork, limit: number): Figure => ({
    name: `credit: ${name}`,
    unit: "M instructions",
    measured: costs[name].instructions / MILLION,
    limit,
  });
  return [
    work("a look", 2.5),
    work("an interval closed", 2.5),
    // The dearest step of the unit is as dear.
    work("a tariff ordered", 150),
    work("a page drawn", 7),
    {
      name: "credit: a tariff by the time of use, decoded",
      unit: "KB",
      measured: tariffs.timeOfUse / KB,
      limit: 4,
    },
    {
      name: "credit: the largest list of prices, decoded",
      unit: "KB",
      measured: tariffs.largest / KB,
      limit: 9,
    },
  ];
}

/** What credit, load switch and display hold in the unit's machine before there is a tariff, on 32-bit Linux. */
export const heldFigures = ({ credit }: Held): readonly Figure[] => [
  { name: "credit and display beside the unit", unit: "KB", measured: credit / KB, limit: 64 },
];

/** Rows of a table: figure, measured, budget, and whether it keeps its limit. */
export const budgetRows = (figures: readonly Figure[]) =>
  figures.map(({ name, unit, measured, budget, limit }) => {
    const verdict =
      measured > limit ? "OVER THE LIMIT" : budget !== undefined && measured > budget ? "missed" : "kept";
    return [
      name,
      `${measured.toFixed(1)} ${unit}`,
      budget === undefined ? `limit ${limit}` : `${budget}`,
      verdict,
    ];
  });

export const overLimit = (figures: readonly Figure[]) =>
  figures.filter(({ measured, limit }) => measured > limit);
