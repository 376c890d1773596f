// The unit's ports and a run's input over the natives of the host, for every program that runs on a board.
import type { Flash, Image } from "../../src/trusted/ports.js";
import { decodeInput, type ScenarioInput } from "../scenario-input.js";

/** The whole chip. */
export const chip: Flash = {
  sectors: board.sectors(),
  read: (address, into) => board.read(address, into),
  program: (address, bytes) => board.program(address, bytes),
  erase: (sector) => board.erase(sector),
};

/** What the board was given, and its image with the tables in place. */
export function readInput(): Pick<ScenarioInput, "plan" | "answers" | "tariffs"> & { readonly image: Image } {
  const { plan, answers, tariffs, image } = decodeInput(new Uint8Array(board.rom("input")));
  const [tableB, tableBlinding] = [
    new Uint8Array(board.rom("tableB")),
    new Uint8Array(board.rom("tableBlinding")),
  ];
  return { plan, answers, tariffs, image: { ...image, tableB, tableBlinding } };
}

/** A document of the input; read anew each time, since a board has no room to keep them all. */
export const readOrder = (at: number) => decodeInput(new Uint8Array(board.rom("input"))).orders[at] ?? null;
