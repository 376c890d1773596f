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
export function readInput(): Pick<ScenarioInput, "plan" | "answers" | "orders"> & { readonly image: Image } {
  const { plan, answers, orders, image } = decodeInput(new Uint8Array(board.rom("input")));
  const [tableB, tableBlinding] = [
    new Uint8Array(board.rom("tableB")),
    new Uint8Array(board.rom("tableBlinding")),
  ];
  return { plan, answers, orders, image: { ...image, tableB, tableBlinding } };
}
