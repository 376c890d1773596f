// sealmeter tariff sign: from the tariff that people write to the document that the supplier signs.
import type { Command } from "commander";
import { encodeTariff } from "../src/tariff/document.js";
import { signTariff } from "../src/tariff/signed-tariff.js";
import { parseTariff } from "../src/tariff/source.js";
import { digest } from "../src/trusted/sealing/keys.js";
import { inFile, print, readHexKey, readText, toHex, writeFile } from "./command-line.js";

interface Options {
  readonly key: string;
  readonly out: string;
  readonly json?: boolean;
}

const EXAMPLE =
  "\nExample:\n  $ sealmeter tariff sign docs/examples/time-of-use.json --key out/home/supplier.key --out tariff.cbor";

export function addTariff(program: Command): void {
  program
    .command("tariff")
    .description("work on tariffs")
    .addHelpText("after", EXAMPLE)
    .command("sign")
    .description("sign a tariff written as JSON (docs/examples)")
    .argument("<file>", "the tariff as JSON")
    .requiredOption("--key <file>", "the supplier's secret key")
    .requiredOption("--out <file>", "where the signed tariff goes")
    .option("--json", "print the result as JSON")
    .addHelpText("after", EXAMPLE)
    .action(runSign);
}

function runSign(file: string, options: Options): void {
  const tariff = inFile(file, () => parseTariff(readText(file)));
  const payload = inFile(file, () => encodeTariff(tariff));
  const document = signTariff(payload, readHexKey(options.key));
  writeFile(options.out, document);
  const result = {
    name: tariff.name,
    currency: tariff.currency,
    digest: toHex(digest(payload)),
    bytes: document.length,
  };
  print(options.json, result, [
    `tariff "${tariff.name}" in ${tariff.currency}, ${document.length} bytes, signed`,
    `digest ${result.digest}`,
    `in ${options.out}`,
  ]);
}
