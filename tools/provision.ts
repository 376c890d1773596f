// sealmeter provision: the authority's bench with a simulated board. It enrols a blank meter and leaves what each
// party holds, and the board itself, so that `command send` can try commands on it.
import { type Command, Option } from "commander";
import { enrolBoard } from "../host-sim/bench.js";
import { buildImage } from "../host-sim/image.js";
import { drawParties } from "../host-sim/parties.js";
import { SeededRandom } from "../host-sim/seeded.js";
import { METER_ID } from "../src/trusted/authority/configuration.js";
import { readBenchConfiguration } from "./bench-configuration.js";
import { writeBench } from "./bench-directory.js";
import { print, toHex, UsageError, utc, wholeNumber } from "./command-line.js";
import { assertNew } from "./meter-directory.js";

/** When the board is first powered up, Unix seconds: the same for every board, so that a seed says all. */
const START_S = Date.UTC(2026, 0, 1) / 1000;

interface Options {
  readonly out: string;
  readonly config?: string;
  readonly meter: string;
  readonly seed: number;
  readonly interval: "900" | "1800";
  readonly switch?: boolean;
  readonly json?: boolean;
}

const HELP = `
The configuration is JSON; what it leaves out is a household's:
  {"channels": ["1-0:1.8.0", "1-0:2.8.0"], "elements": 1, "nominal_V": 230, "maximum_A": 100,
   "maximum_Wh": 11500, "minGroup": 10, "load_W": [500, 0]}
maximum_Wh flags a reading, load_W is the steady load on each channel. The board's time begins at ${utc(START_S)}.

Example:
  $ sealmeter provision --out out/bench --meter SM-0001 --seed 7
  $ sealmeter provision --out out/prepaid --switch`;

export function addProvision(program: Command): void {
  program
    .command("provision")
    .description("enrol a blank simulated board, to try commands on it")
    .requiredOption("--out <dir>", "new folder for the board and what the parties hold")
    .option("--config <file>", "what the board measures, as JSON (default: a household's)")
    .option("--meter <id>", "the meter's id", "SM-0001")
    .option("--seed <n>", "seed of all chance: keys, nonces", wholeNumber(0, 0xffffffff), 1)
    .addOption(
      new Option("--interval <seconds>", "length of an interval").choices(["900", "1800"]).default("1800"),
    )
    .option("--switch", "with a load switch, and so with pre-payment")
    .option("--json", "print the result as JSON")
    .addHelpText("after", HELP)
    .action(runProvision);
}

function runProvision(options: Options): void {
  const { out, config, meter: meterId, seed, interval, switch: hasSwitch = false, json } = options;
  if (!METER_ID.test(meterId)) throw new UsageError(`--meter ${meterId}: is no meter id (SM-0001)`);
  assertNew(out);
  const intervalSeconds = Number(interval);
  const { loads, ...measured } = readBenchConfiguration(config, intervalSeconds);
  const parties = drawParties(new SeededRandom(seed).fork(meterId));
  const image = buildImage(parties.authority.publicKey);
  const configuration = {
    ...measured,
    meterId,
    intervalSeconds,
    supplier: parties.supplier.publicKey,
    network: parties.network.publicKey,
    aggregator: parties.aggregator.publicKey,
    // Commands 8 and 9 fill these.
    revokedPeers: [],
    update: null,
    calibration: null,
  };
  const { board, enrolment } = enrolBoard({
    configuration,
    seed,
    start_s: START_S,
    loads,
    parties,
    image,
    hasSwitch,
  });
  writeBench(out, board, { parties, enrolment });
  const [signingKey, softwareId] = [enrolment.signingKey, image.softwareId].map(toHex);
  const result = {
    meterId,
    directory: out,
    time: utc(START_S),
    signingKey,
    softwareId,
    loadSwitch: hasSwitch,
    ...measured,
  };
  print(json, result, [
    `${meterId} is enrolled; its signing key is ${signingKey}`,
    `${measured.channels.join(" ")}, at most ${measured.maximum_Wh} Wh in ${interval} s${hasSwitch ? ", behind a load switch" : ""}; not powered yet`,
    `in ${out}`,
  ]);
}
