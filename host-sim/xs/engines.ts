// The scenario on an engine: started on a blank chip, its plug pulled in the middle of a program, started
// again on what is left, and every file and cell compared with what Node left for the same seed.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SECTOR_BYTES } from "../../src/trusted/ports.js";
import type { CreditWork } from "../credit-month.js";
import { buildRv32, type Rv32Variant, runRv32 } from "../rv32/image.js";
import { FLASH_SECTORS } from "../scenario.js";
import { encodeInput } from "../scenario-input.js";
import { runXs, type XsBits } from "./engine.js";
import { fullChip } from "./full-journal.js";
import { bundleProgram, creditModule, MAIN_MODULE, type ProgramName, unitModule } from "./programs.js";
import type { CreditReference, Reference, RunFiles } from "./reference.js";

/** Arena of the unit's whole machine, bytes: built-ins in RAM, and in read-only memory as a device has them. */
export const ARENA_BYTES = { ram: 256 * 1024, rom: 208 * 1024 } as const;
/** With the simulated uplink, trace and outbox of the scenario in the same machine. */
const SCENARIO_ARENA_BYTES = { ram: 284 * 1024, rom: 264 * 1024 } as const;
/** What credit and display add to it. */
const CREDIT_BYTES = 80 * 1024;
/** What Linux gives beyond the board: its unit's machine keeps built-ins, journal and neighbours in one arena. */
const LINUX_MORE_BYTES = 48 * 1024;
/** Slots and pointers of a 64-bit engine are twice as large. */
const xsArena = (bits: XsBits, arenaBytes: number) => (bits === 32 ? 1 : 2) * (arenaBytes + LINUX_MORE_BYTES);

/** What a piece of work cost at most. */
export interface Cost {
  readonly instructions: number;
  readonly computrons: number;
}

/** What the scenario's program prints at its end (main.ts), of its second power-up. */
export interface ScenarioCosts {
  /** A step of the unit, and how many there were. */
  readonly step: Cost & { readonly times: number };
  /** Instructions of all steps in which an interval closes, and of those in between that only measure: medians. */
  readonly closing: number;
  readonly idle: number;
  /** Bytes: most and last in use after a garbage collection. */
  readonly heap: number;
  readonly live: number;
}

/** One power-up of a board. */
interface Start {
  readonly exitCode: number | null;
  readonly stdout: string;
}

export interface EngineRun extends RunFiles {
  readonly costs: ScenarioCosts;
}

/** Where a run differs from the reference; byte -1 is a file that is missing or too much. */
export interface Difference {
  readonly file: string;
  readonly byte: number;
}

/** Programs with credit. */
const ON_CREDIT: readonly ProgramName[] = ["credit", "prepaid", "boot-credit"];

/** What a board is given of a reference. */
type Given = Pick<Reference, "input" | "tables">;

const inputOf = ({ input }: Given) => encodeInput(input);
const romsOf = (reference: Given) =>
  new Map(Object.entries({ ...reference.tables, input: inputOf(reference) }));

/** Modules that a program has beside its own: a board has no room for one that it does not import. */
async function modulesOf(program: ProgramName): Promise<Map<string, Uint8Array>> {
  const modules = new Map([unitModule(), [MAIN_MODULE, await bundleProgram(program)]]);
  return ON_CREDIT.includes(program) ? modules.set(...(await creditModule())) : modules;
}

/** @throws Error for an exit code that is not `expected`, with the board's last words. */
function requireEnd({ exitCode, stdout }: Start, expected: number | null): void {
  if (exitCode === expected) return;
  const end = exitCode === null ? "the plug was pulled" : `exit code ${exitCode}`;
  throw new Error(`the board ended otherwise than the scenario does (${end}): ${stdout.trim().slice(-500)}`);
}

/** What a program that came to its end has printed last, as JSON. */
function resultOf<T>(end: Start): T {
  requireEnd(end, 0);
  return JSON.parse(end.stdout.trim().split("\n").at(-1) ?? "") as T;
}

async function inFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), "sealmeter-"));
  try {
    return await work(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The scenario on XS on Linux. @throws EngineMissing; Error if it does not end as the scenario does. */
export async function scenarioOnXs(bits: XsBits, reference: Reference): Promise<EngineRun> {
  const isPrepaid = reference.input.tariffs.length > 0;
  const modules = await modulesOf(isPrepaid ? "prepaid" : "main");
  return inFolder(async (folder) => {
    const arenaBytes = xsArena(bits, SCENARIO_ARENA_BYTES.ram + (isPrepaid ? CREDIT_BYTES : 0));
    const roms = romsOf(reference);
    const start = () =>
      runXs({ bits, arenaBytes, sectors: FLASH_SECTORS, modules, main: MAIN_MODULE, roms, folder });
    requireEnd(start(), null);
    const end = start();
    return { files: end.files, cells: end.flash, costs: resultOf<ScenarioCosts>(end) };
  });
}

/** An image of the board with one program in its flash. @throws EngineMissing */
export async function imageOf(program: ProgramName, variant: Rv32Variant, { tables }: Given) {
  return buildRv32({ variant, modules: await modulesOf(program), main: MAIN_MODULE, tables });
}

/** A board with a program in its flash: where its chip is kept, and a power-up of it. */
interface Rv32Board {
  readonly flash: string;
  readonly start: () => ReturnType<typeof runRv32>;
}

async function onRv32<T>(
  program: ProgramName,
  variant: Rv32Variant,
  arenaBytes: number,
  reference: Given,
  work: (board: Rv32Board) => Promise<T>,
): Promise<T> {
  const image = await imageOf(program, variant, reference);
  return inFolder((folder) => {
    const [flash, out] = [join(folder, "flash"), join(folder, "files")];
    const options = { flash, sectors: FLASH_SECTORS, input: inputOf(reference), out, arenaBytes };
    return work({ flash, start: () => runRv32(image, options) });
  });
}

/** The scenario on the bare board. @throws Error if it does not end as the scenario does. */
export function scenarioOnRv32(variant: Rv32Variant, reference: Reference): Promise<EngineRun> {
  return onRv32("main", variant, SCENARIO_ARENA_BYTES[variant], reference, async ({ flash, start }) => {
    requireEnd(await start(), null);
    const end = await start();
    const cells = readFileSync(flash).subarray(0, reference.cells.length);
    return { files: end.files, cells: new Uint8Array(cells), costs: resultOf<ScenarioCosts>(end) };
  });
}

/** What single operations cost on an engine, by name (operations.ts). */
export type OperationCosts = Readonly<Record<string, Cost>>;

export async function operationsOnXs(bits: XsBits, reference: Reference): Promise<OperationCosts> {
  const arenaBytes = xsArena(bits, ARENA_BYTES.ram);
  const modules = await modulesOf("operations");
  return resultOf(
    runXs({ bits, arenaBytes, sectors: 1, modules, main: MAIN_MODULE, roms: romsOf(reference) }),
  );
}

export function operationsOnRv32(variant: Rv32Variant, reference: Reference): Promise<OperationCosts> {
  return onRv32("operations", variant, ARENA_BYTES[variant], reference, async ({ start }) =>
    resultOf(await start()),
  );
}

/** What an interval's share costs on rv32, in instructions, and its bytes with their frame (blinding.ts). */
export interface ShareCost {
  readonly statistics: readonly number[];
  readonly instructions: number;
  /** The dearest step. */
  readonly step: number;
  readonly bytes: number;
}

export interface BlindingCosts {
  /** With so many members: the first share, all pairings included, and then one of each choice of statistics. */
  readonly costs: readonly { members: number; pairing: ShareCost; shares: readonly ShareCost[] }[];
  /** Bytes: most and last in use after a garbage collection. */
  readonly heap: number;
  readonly live: number;
}

export function blindingOnRv32(variant: Rv32Variant, reference: Reference): Promise<BlindingCosts> {
  return onRv32("blinding", variant, ARENA_BYTES[variant], reference, async ({ start }) =>
    resultOf(await start()),
  );
}

/** What credit costs on an engine (credit.ts). */
export interface CreditCosts {
  /** Of each piece of work: how often it was done, all its instructions, and the dearest. */
  readonly costs: Readonly<Record<CreditWork, Cost & { readonly times: number; readonly all: number }>>;
  /** Bytes that a decoded tariff keeps in use: one by the time of use, and the largest that a meter takes. */
  readonly tariffs: { readonly timeOfUse: number; readonly largest: number };
  readonly heap: number;
  readonly live: number;
}

export interface CreditRun extends Pick<RunFiles, "files"> {
  readonly costs: CreditCosts;
}

/** The weeks on credit on XS on Linux, in the arena that a unit's machine has. */
export async function creditOnXs(bits: XsBits, reference: CreditReference): Promise<CreditRun> {
  const arenaBytes = xsArena(bits, ARENA_BYTES.ram);
  const modules = await modulesOf("credit");
  const end = runXs({ bits, arenaBytes, sectors: 1, modules, main: MAIN_MODULE, roms: romsOf(reference) });
  return { files: end.files, costs: resultOf(end) };
}

export function creditOnRv32(variant: Rv32Variant, reference: CreditReference): Promise<CreditRun> {
  return onRv32("credit", variant, ARENA_BYTES[variant], reference, async ({ start }) => {
    const end = await start();
    return { files: end.files, costs: resultOf<CreditCosts>(end) };
  });
}

/** What a start on a full journal costs on rv32, in instructions, and what the machine holds (boot.ts). */
export interface BootCosts {
  /** From power-up to the first line of the program: modules loaded. */
  readonly load: number;
  readonly recovery: number;
  /** From power-up to the first measured energy. */
  readonly firstEnergy: number;
  /** Bytes of the arena: most and last in use after a garbage collection. */
  readonly heap: number;
  readonly live: number;
}

/** Bytes that a unit's machine of 32 bits holds at rest on a full journal, and what credit adds. */
export interface Held {
  readonly unit: number;
  readonly credit: number;
}

export async function heldOnXs(reference: Reference): Promise<Held> {
  const cells = fullChip(reference);
  const live = async (program: ProgramName) => {
    const modules = await modulesOf(program);
    return inFolder(async (folder) => {
      writeFileSync(join(folder, "flash"), cells);
      const arenaBytes = xsArena(32, ARENA_BYTES.ram + CREDIT_BYTES);
      const roms = romsOf(reference);
      const run = { bits: 32, arenaBytes, sectors: FLASH_SECTORS, modules, main: MAIN_MODULE, roms } as const;
      return resultOf<BootCosts>(runXs({ ...run, folder })).live;
    });
  };
  const unit = await live("boot");
  return { unit, credit: (await live("boot-credit")) - unit };
}

export function bootOnRv32(variant: Rv32Variant, reference: Reference): Promise<BootCosts> {
  return onRv32("boot", variant, ARENA_BYTES[variant], reference, async ({ flash, start }) => {
    const cells = new Uint8Array(2 ** Math.ceil(Math.log2(FLASH_SECTORS * SECTOR_BYTES))).fill(0xff);
    cells.set(fullChip(reference));
    writeFileSync(flash, cells);
    return resultOf(await start());
  });
}

/** The unit beside this network machine, for an engine of 32 bits: what it recorded. */
export async function guardedOnXs(network: Uint8Array, reference: Reference): Promise<RunFiles & Start> {
  const { files, flash, exitCode, stdout } = runXs({
    bits: 32,
    arenaBytes: xsArena(32, ARENA_BYTES.ram),
    sectors: FLASH_SECTORS,
    modules: (await modulesOf("guarded")).set("network", network),
    main: MAIN_MODULE,
    roms: romsOf(reference),
  });
  return { files, cells: flash, exitCode, stdout };
}

/** Every file and the chip, where they differ first. */
export const differences = (expected: RunFiles, actual: RunFiles): readonly Difference[] => [
  ...fileDifferences(expected.files, actual.files),
  ...differing("flash", expected.cells, actual.cells),
];

/** The same of files alone. */
export function fileDifferences(expected: RunFiles["files"], actual: RunFiles["files"]): Difference[] {
  const names = new Set([...expected.keys(), ...actual.keys()]);
  return [...names].sort().flatMap((file) => differing(file, expected.get(file), actual.get(file)));
}

function differing(file: string, expected?: Uint8Array, actual?: Uint8Array): Difference[] {
  if (!expected || !actual) return [{ file, byte: -1 }];
  if (Buffer.compare(expected, actual) === 0) return [];
  const byte = expected.findIndex((value, at) => value !== actual[at]);
  return [{ file, byte: byte < 0 ? expected.length : byte }];
}
