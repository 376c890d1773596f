// sealmeter command: signed commands to a meter, made and tried out.
import type { Command } from "commander";
import { addCommandSend } from "./command-send.js";
import { addCommandSign } from "./command-sign.js";

const EXAMPLES = `
Examples:
  $ sealmeter command sign register-statement --meter SM-0001 --counter 1 \\
      --key out/bench/supplier.key --out ask.cbor
  $ sealmeter command send out/bench ask.cbor`;

export function addCommand(program: Command): void {
  const group = program
    .command("command")
    .description("signed commands to a meter")
    .addHelpText("after", EXAMPLES);
  addCommandSign(group);
  addCommandSend(group);
}
