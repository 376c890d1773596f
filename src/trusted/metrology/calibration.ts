// What a count, or a code of a converter, is worth: set by the authority, part of the signed configuration, so that
// no one else can make a meter count otherwise. Whole numbers only.
import { array, type CborReader, int, orNil } from "../encoding/cbor.js";
import { U32_MAX } from "./interval.js";

/** Elements (phases) of a meter, at most. */
export const ELEMENTS_MAX = 3;
/** Sources, one a channel, at most. */
const SOURCES_MAX = 8;
/** Count inputs of a front end, at most. */
const INPUTS_MAX = 16;
const PULSES_MAX = 100_000;
const DELAY_MAX_NS = 1_000_000;
/** Samples a second of each voltage and current: with fewer, harmonics are lost; with more, a quarter of a period is. */
const SAMPLES_MIN = 2_000;
const SAMPLES_MAX = 16_000;

/** One channel from counts: pulses, or a metering chip's energy register. */
export interface CountSource {
  /** Which of the front end's counts, and whether steps back are the channel's energy, as in export. */
  readonly input: number;
  readonly isBackward: boolean;
  /** A count is numerator / denominator mJ; of gas and water 3,600,000 "mJ" are 1 dm3. */
  readonly numerator: number;
  readonly denominator: number;
  /** More in a second are no energy but bounce, a storm on the line, or a broken register. */
  readonly maxPerSecond: number;
}

/** One element of a waveform front end. */
export interface ElementCalibration {
  /** Energy of a sample, in 2^-40 mJ, that the product of a voltage's and a current's code stands for. */
  readonly gain: number;
  /** How much later than the voltage the current appears in the codes, ns; negative if its sensor leads. */
  readonly delay_ns: number;
}

export interface WaveformCalibration {
  readonly samplesPerSecond: number;
  /** With this power, mW, the meter must start; below half of it nothing is counted. */
  readonly starting_mW: number;
  readonly elements: readonly ElementCalibration[];
}

export interface Calibration {
  /** Of each channel; null for one that is measured as a waveform. */
  readonly sources: readonly (CountSource | null)[];
  readonly waveform: WaveformCalibration | null;
  /** Constant of the test output, pulses a kWh of import and export. */
  readonly testPulses: number;
}

const encodeSource = ({ input, isBackward, numerator, denominator, maxPerSecond }: CountSource) =>
  array(...[input, isBackward ? 1 : 0, numerator, denominator, maxPerSecond].map(int));

function readSource(reader: CborReader): CountSource {
  reader.array(5);
  const [input, direction] = [reader.uint(INPUTS_MAX - 1), reader.uint(1)];
  const [numerator, denominator, maxPerSecond] = [reader.uint(), reader.uint(U32_MAX), reader.uint(U32_MAX)];
  if (denominator === 0) reader.refuse("a count of nothing");
  return { input, isBackward: direction === 1, numerator, denominator, maxPerSecond };
}

const encodeWaveform = ({ samplesPerSecond, starting_mW, elements }: WaveformCalibration) => {
  const items = elements.map(({ gain, delay_ns }) => array(int(gain), int(delay_ns)));
  return array(int(samplesPerSecond), int(starting_mW), array(...items));
};

function readWaveform(reader: CborReader): WaveformCalibration {
  reader.array(3);
  const samplesPerSecond = reader.uint(SAMPLES_MAX);
  if (samplesPerSecond < SAMPLES_MIN) reader.refuse("too few samples a second");
  const starting_mW = reader.uint(U32_MAX);
  const elements = Array.from({ length: reader.array(1, ELEMENTS_MAX) }, () => {
    reader.array(2);
    return { gain: reader.uint(), delay_ns: reader.int(DELAY_MAX_NS) };
  });
  return { samplesPerSecond, starting_mW, elements };
}

export const encodeCalibration = ({ sources, waveform, testPulses }: Calibration) =>
  array(
    array(...sources.map((source) => orNil(source && encodeSource(source)))),
    orNil(waveform && encodeWaveform(waveform)),
    int(testPulses),
  );

/** The next item, a calibration. @throws FormatError for a value out of its range. */
export function readCalibration(reader: CborReader): Calibration {
  reader.array(3);
  const sources = Array.from({ length: reader.array(1, SOURCES_MAX) }, () =>
    reader.nil() ? null : readSource(reader),
  );
  const waveform = reader.nil() ? null : readWaveform(reader);
  return { sources, waveform, testPulses: reader.uint(PULSES_MAX) };
}
