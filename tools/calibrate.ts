// sealmeter calibrate: a simulated front end on a reference source, and what comes of it as a meter takes it.
import type { Command } from "commander";
import { type CalibrationPoints, calibrate } from "../host-sim/waveform/calibration.js";
import { MODELS, RATED } from "../host-sim/waveform/models.js";
import { TEST_PULSES } from "../host-sim/waveform/test-points.js";
import { CHANNELS_MAX } from "../src/trusted/authority/configuration.js";
import { type Calibration, encodeCalibration } from "../src/trusted/metrology/calibration.js";
import { quantityOf } from "../src/trusted/metrology/waveform.js";
import { print, table, toHex, UsageError, wholeNumber, writeFile } from "./command-line.js";

interface Options {
  readonly model: string;
  readonly elements: number;
  readonly seed: number;
  readonly points: number;
  readonly channels: string;
  readonly testPulses: number;
  readonly out?: string;
  readonly cbor?: string;
  readonly json?: boolean;
}

const PULSES_MAX = 100_000;

const EXAMPLES = `
Examples:
  $ sealmeter calibrate --model a-shunt --seed 7
  $ sealmeter calibrate --model b --elements 3 --out out/calibration.json --cbor out/calibration.cbor
  $ sealmeter command sign configuration calibration=out/calibration.cbor \\
      --meter SM-0001 --counter 1 --key out/bench/authority.key --out out/calibrate.cbor

The source gives ${RATED.voltage_V} V, ${RATED.basic_A} A and ${RATED.frequency_Hz} Hz: at cos phi 1 and at 0.5 inductive (--points 2), or at 0.5
inductive alone, active and reactive (--points 1). The file of --cbor is the value of field 14 of a configuration;
without it the value is printed in hex.`;

export function addCalibrate(program: Command): void {
  program
    .command("calibrate")
    .description("calibrate a simulated front end against a reference source")
    .option("--model <name>", `which front end: ${[...MODELS.keys()].join(", ")}`, "a-shunt")
    .option("--elements <n>", "its elements: 1, or 3 where the model has them", wholeNumber(1, 3), 1)
    .option("--seed <n>", "which unit", wholeNumber(0, 0xffffffff), 1)
    .option("--points <n>", "loads that it is calibrated at: 1 or 2", wholeNumber(1, 2), 2)
    .option("--channels <list>", "the meter's channels, OBIS codes", "1-0:1.8.0,1-0:2.8.0")
    .option("--test-pulses <n>", "of the test output, a kWh", wholeNumber(0, PULSES_MAX), TEST_PULSES)
    .option("--out <file>", "where the calibration goes, as JSON")
    .option("--cbor <file>", "where it goes as a configuration command takes it")
    .option("--json", "print the result as JSON")
    .addHelpText("after", EXAMPLES)
    .action(runCalibrate);
}

function runCalibrate(options: Options): void {
  const { model, elements, seed, points, testPulses, out, cbor } = options;
  const found = MODELS.get(model);
  if (found === undefined)
    throw new UsageError(`there is no model '${model}'; there are ${[...MODELS.keys()].join(", ")}`);
  if (!found.elements.includes(elements))
    throw new UsageError(`${model} is built with ${found.elements.join(" or ")} elements, not ${elements}`);
  const channels = channelsOf(options.channels, elements);
  const specimen = { model: found.frontEnd, elements, seed };
  const count: CalibrationPoints = points === 1 ? 1 : 2;
  const { calibration: waveform, uncertainty, seconds } = calibrate(specimen, count);
  const calibration: Calibration = { sources: channels.map(() => null), waveform, testPulses };
  const encoded = encodeCalibration(calibration);
  if (out !== undefined) writeFile(out, `${JSON.stringify(calibration, null, 2)}\n`);
  if (cbor !== undefined) writeFile(cbor, encoded);
  const hex = toHex(encoded);
  const rows = waveform.elements.map(({ gain, delay_ns }, at) => [
    `${at + 1}`,
    `${gain}`,
    `${delay_ns}`,
    `${(uncertainty[at] ?? 0).toFixed(4)} %`,
  ]);
  print(options.json, { model, seed, points, seconds, uncertainty, channels, calibration, cbor: hex }, [
    `${found.frontEnd.name}, unit of seed ${seed}: ${seconds.toFixed(0)} s at ${points === 1 ? "one load" : "two loads"}`,
    ...table([["element", "gain, 2^-40 mJ", "delay, ns", "known to"], ...rows]),
    ...(out === undefined ? [] : [`calibration in ${out}`]),
    cbor === undefined ? `field 14 of a configuration: ${hex}` : `field 14 of a configuration in ${cbor}`,
  ]);
}

/** @throws UsageError for a code that is no quantity of these elements. */
function channelsOf(list: string, elements: number): readonly string[] {
  const channels = list.split(",").map((code) => code.trim());
  for (const code of channels) {
    const quantity = quantityOf(code);
    if (quantity === null || (quantity.element ?? 0) >= elements)
      throw new UsageError(
        `"${code}" is no quantity that a waveform of ${elements} element${elements === 1 ? "" : "s"} has`,
      );
  }
  if (new Set(channels).size < channels.length || channels.length > CHANNELS_MAX)
    throw new UsageError(`channels are at most ${CHANNELS_MAX}, each once`);
  return channels;
}
