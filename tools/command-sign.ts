// sealmeter command sign: from the words that people write to the document that a meter obeys.
import { Argument, type Command } from "commander";
import { KINDS, type KindName, signCommand } from "../src/supplier/command.js";
import { U32_MAX } from "../src/trusted/metrology/interval.js";
import { digest } from "../src/trusted/sealing/keys.js";
import { print, readHexKey, toHex, utc, wholeNumber, writeFile } from "./command-line.js";
import { WORDINGS } from "./command-words.js";
import { instant } from "./instant.js";

interface Options {
  readonly meter: string;
  readonly counter: number;
  readonly notAfter?: number;
  readonly key: string;
  readonly out: string;
  readonly json?: boolean;
}

const COUNTER = wholeNumber(0, U32_MAX);
const NAMES = Object.keys(KINDS);
const isKind = (name: string): name is KindName => NAMES.includes(name);

/** One kind's line in the help: its words, who may sign it, what it does. */
function describe(name: KindName): string {
  const { usage, says } = WORDINGS[name];
  return `  ${`${name} ${usage}`.trim()}\n      ${says} (${KINDS[name].senders.join(" or ")})`;
}

/** One kind's example: what it is told, under the key of the first who may sign it. */
function exampleOf(name: KindName): string {
  const [sender] = KINDS[name].senders;
  const terms = name === "time" ? "--counter 0" : "--counter 1 --not-after 2026-02-01";
  const words = `sealmeter command sign ${WORDINGS[name].example}`;
  return `  $ ${words} \\\n      --meter SM-0001 ${terms} --key out/bench/${sender}.key --out ${name}.cbor`;
}

const HELP = `
Kinds, their words, and whose key a meter takes them from:
${NAMES.filter(isKind).map(describe).join("\n")}

Examples:
${NAMES.filter(isKind).map(exampleOf).join("\n")}`;

export function addCommandSign(group: Command): void {
  group
    .command("sign")
    .description("sign a command, to be sent over any network")
    .addArgument(new Argument("<kind>", "what to do").choices(NAMES))
    .argument("[words...]", "the kind's own words, see below")
    .requiredOption("--meter <id>", "the meter's id")
    .requiredOption("--counter <n>", "one more than the meter accepted last of this key", COUNTER)
    .option("--not-after <date>", "refused after this time; of a day, after its last second in UTC", instant)
    .requiredOption("--key <file>", "the sender's secret key")
    .requiredOption("--out <file>", "where the signed command goes")
    .option("--json", "print the result as JSON")
    .addHelpText("after", HELP)
    .action(runSign);
}

function runSign(kind: string, words: readonly string[], options: Options): void {
  if (!isKind(kind)) throw new RangeError(`${kind}: no kind of command`);
  const { meter: meterId, counter, notAfter: notAfter_s = null, out } = options;
  const order = WORDINGS[kind].parse(words);
  const document = signCommand({ ...order, meterId, counter, notAfter_s }, readHexKey(options.key));
  writeFile(out, document);
  const { number, senders } = KINDS[kind];
  const notAfter = notAfter_s === null ? null : utc(notAfter_s);
  const name = toHex(digest(document));
  const result = { meterId, kind, number, counter, notAfter, senders, digest: name, bytes: document.length };
  print(options.json, result, [
    `${kind} for ${meterId}, counter ${counter}${notAfter === null ? "" : `, not after ${notAfter}`}`,
    `${document.length} bytes, to be signed by the ${senders.join(" or the ")}; digest ${name}`,
    `in ${out}`,
  ]);
}
