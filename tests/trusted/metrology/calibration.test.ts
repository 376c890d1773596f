// Calibration as part of the signed configuration: what comes back, and what no meter takes.
import { describe, expect, it } from "vitest";
import {
  type Configuration,
  changeConfiguration,
  decodeConfiguration,
  encodeConfiguration,
} from "../../../src/trusted/authority/configuration.js";
import { FormatError } from "../../../src/trusted/encoding/bytes.js";
import { CborReader, int, map } from "../../../src/trusted/encoding/cbor.js";
import { type Calibration, encodeCalibration } from "../../../src/trusted/metrology/calibration.js";

const element = { gain: 14_400_000, delay_ns: 0 };
const source = { input: 0, isBackward: false, numerator: 3_600_000_000, denominator: 1000, maxPerSecond: 16 };
const waveform = { samplesPerSecond: 4000, starting_mW: 4600, elements: [element] };

const configuration: Configuration = {
  meterId: "SM-0001",
  intervalSeconds: 900,
  channels: ["1-0:1.8.0", "1-0:2.8.0", "7-0:3.0.0"],
  maximum_Wh: 1000,
  elements: 1,
  nominal_V: 230,
  maximum_A: 60,
  supplier: new Uint8Array(32).fill(1),
  network: new Uint8Array(32).fill(2),
  aggregator: new Uint8Array(32).fill(3),
  minGroup: 10,
  revokedPeers: [],
  update: null,
  calibration: { sources: [null, null, source], waveform, testPulses: 1000 },
};

const withCalibration = (calibration: Calibration, rest: Partial<Configuration> = {}) =>
  decodeConfiguration(encodeConfiguration({ ...configuration, ...rest, calibration }));

describe("a calibration", () => {
  it("has a source for each channel: a count, or a quantity of an element", () => {
    expect(
      withCalibration({ sources: [null, source, source], waveform, testPulses: 0 }).calibration?.testPulses,
    ).toBe(0);
    const refused: [Calibration, Partial<Configuration>?][] = [
      [{ sources: [null, null], waveform, testPulses: 0 }],
      [{ sources: [null, null, source, source], waveform, testPulses: 0 }],
      [{ sources: [null, null, null], waveform, testPulses: 0 }],
      [{ sources: [null, null, source], waveform: null, testPulses: 0 }],
      [
        {
          sources: [null, null, source],
          waveform: { ...waveform, elements: [element, element] },
          testPulses: 0,
        },
      ],
      [{ sources: [null, null, source], waveform, testPulses: 0 }, { elements: 3 }],
      [
        { sources: [null, null, source], waveform, testPulses: 0 },
        { channels: ["1-0:1.8.0", "1-0:41.8.0", "7-0:3.0.0"] },
      ],
    ];
    for (const [calibration, rest] of refused) {
      expect(() => withCalibration(calibration, rest)).toThrow("calibration of other channels");
    }
  });

  it("is refused with a value out of its range", () => {
    const spoiled: Calibration[] = [
      { sources: [null, null, { ...source, denominator: 0 }], waveform, testPulses: 0 },
      { sources: [null, null, { ...source, input: 16 }], waveform, testPulses: 0 },
      { sources: [null, null, { ...source, maxPerSecond: 2 ** 32 }], waveform, testPulses: 0 },
      { sources: [null, null, source], waveform: { ...waveform, samplesPerSecond: 1999 }, testPulses: 0 },
      { sources: [null, null, source], waveform: { ...waveform, samplesPerSecond: 16_001 }, testPulses: 0 },
      { sources: [null, null, source], waveform: { ...waveform, elements: [] }, testPulses: 0 },
      {
        sources: [null, null, source],
        waveform: { ...waveform, elements: [{ gain: 1, delay_ns: 1_000_001 }] },
        testPulses: 0,
      },
      { sources: [null, null, source], waveform, testPulses: 100_001 },
    ];
    for (const calibration of spoiled) expect(() => withCalibration(calibration)).toThrow(FormatError);
  });

  it("may be changed by a configuration command, and only to one for the meter's channels", () => {
    const change = (calibration: Calibration) =>
      changeConfiguration(
        configuration,
        new CborReader(map([14, encodeCalibration(calibration)]), "arguments"),
      );
    const better = {
      sources: [null, null, source],
      waveform: { ...waveform, starting_mW: 3000 },
      testPulses: 500,
    };
    expect(change(better)).toEqual({ ...configuration, calibration: better });
    expect(() => change({ ...better, sources: [source] })).toThrow("calibration of other channels");
    expect(() => changeConfiguration(configuration, new CborReader(map([14, int(1)]), "arguments"))).toThrow(
      FormatError,
    );
  });
});
