/**
 * The front ends that accuracy is shown for, with every figure and where it is from. "Assumption" marks a
 * figure without a source: round numbers of ours, chosen on the unfavourable side of what such parts do. Data
 * sheets were read as published on the web; check them against your own copy before you rely on one.
 *
 * All are sized for a directly connected meter 5(60) A, 230 V, sampled 4,000 times a second.
 */

import type { FrontEnd } from "./sampler.js";
import type { CurrentTransformer, Divider, Shunt } from "./sensors.js";

/** What the models are sized for. */
export const RATED = { voltage_V: 230, basic_A: 5, maximum_A: 60, frequency_Hz: 50, rate_Hz: 4_000 } as const;

// ---- sensors ----

/** 3 x 330 kilohm over 2.2 kilohm: 1 to 451; 325 V peak becomes 0.72 V. */
const DIVIDER: Divider = {
  kind: "divider",
  ratio: 2_200 / 992_200,
  // Assumption: 1 % resistors.
  ratioSpread_ppm: 10_000,
  // Assumption: tracking of thin film resistors of 25 ppm/K.
  drift_ppmPerK: 10,
  // Assumption: 1 nF over 2.2 kilohm.
  lag_s: 2.2e-6,
};

/**
 * Manganin, 200 microohm: a common value of energy meter shunts, made to within 5 % (Microhm Electronics,
 * "How does Manganese-Copper Shunt Resistor Make Proper Connection in Intelligent Meter?", 2019).
 */
const SHUNT: Shunt = {
  kind: "shunt",
  resistance_ohm: 200e-6,
  ratioSpread_ppm: 50_000,
  // Assumption: manganin's 10 to 20 ppm/K and some copper of its terminals.
  drift_ppmPerK: 30,
  // Assumption: a sense loop of about 1 cm^2 twisted away to 2 nH; 0.18 degrees at 50 Hz.
  inductance_H: 2e-9,
};

/**
 * A dc tolerant transformer, 1:2500: its low permeability makes a large lead that hardly depends on current.
 * That such transformers are linear in amplitude and phase is what their makers say of them (F. Herrmann,
 * Metering International, "Current static watt-hour meters: critical combined core current transformers and
 * direct current test"). The figures are assumptions of ours.
 */
export const DC_TOLERANT_TRANSFORMER: CurrentTransformer = {
  kind: "transformer",
  turns: 2_500,
  burden_ohm: 12,
  winding_ohm: 60,
  // Assumption: 4.1 degrees, lower by 3 minutes towards Imax as the core is driven.
  errors: [
    { current_A: 0.05, ratio_ppm: 300, lead_min: 249 },
    { current_A: 5, ratio_ppm: 200, lead_min: 248 },
    { current_A: 60, ratio_ppm: 0, lead_min: 246 },
  ],
  // Assumption: 5 % of the core's inductance from unit to unit.
  leadSpread_min: 12,
  ratioSpread_ppm: 2_000,
  // Assumption: permeability with temperature is left out, copper's winding is in the lead, this is the rest.
  drift_ppmPerK: 20,
  // Assumption: L = 3.2 H holds to a half wave of 100 A rms before the rectifier, whose mean is 45 A: 18 mA.
  saturation_Vs: 0.075,
  saturated_H: 0.01,
};

/**
 * An ordinary transformer of nanocrystalline or permalloy core, 1:2500, class 0.1. Errors at 5 %, 20 %, 100 %
 * and Imax: 0.4, 0.2, 0.1, 0.1 % and 15, 13, 10, 8 minutes (limits of a maker's table for meter transformers:
 * pmlindia.com, "Energy meter CT"); we take the limits as the curve, which real ones stay below.
 */
export const ORDINARY_TRANSFORMER: CurrentTransformer = {
  kind: "transformer",
  turns: 2_500,
  burden_ohm: 12,
  winding_ohm: 60,
  errors: [
    { current_A: 0.25, ratio_ppm: -4_000, lead_min: 15 },
    { current_A: 1, ratio_ppm: -2_000, lead_min: 13 },
    { current_A: 5, ratio_ppm: -1_000, lead_min: 10 },
    { current_A: 60, ratio_ppm: -1_000, lead_min: 8 },
  ],
  // Assumption.
  leadSpread_min: 3,
  // "Turn ratio 1:2500 (+/- 2 %)" is the winding's; trimmed ones are within 0.5 %: assumption.
  ratioSpread_ppm: 5_000,
  drift_ppmPerK: 20,
  // Assumption: a sine of 72 A rms just fits (72 ohm * 72 * sqrt(2) / 2500 / (2 pi 50) = 9.3 mV s).
  saturation_Vs: 0.01,
  saturated_H: 0.01,
};

// ---- (a) external 16-bit converter ----

/** Assumption: RC of the reference circuits of metering converters, 1 kilohm and 47 nF, 1 and 5 % parts. */
const EXTERNAL_FILTER = { corner_Hz: 3_400, cornerSpread: 0.05, sinc3: true } as const;

/**
 * TI ADS131M04, a 24-bit delta-sigma converter with simultaneous sampling, of which 16 bits are used; range
 * +-1.2 V over gain (SBAS950B, "Voltage reference").
 */
const external16 = (gain: number, noise_V: number) =>
  ({
    bits: 16,
    span_V: 2.4 / gain,
    bias_V: 1.2 / gain,
    // 6 ppm of full scale typical, 36 ppm as the maker's advice for the most (TI E2E forum, "ADS131M04: Max INL
    // estimation", 886908); we take the latter of every unit.
    curve: { kind: "smooth", inl_ppm: 36 },
    // Assumption: gain 1 %, calibrated away.
    gainSpread_ppm: 10_000,
    // Assumption: 200 microvolt over the gain.
    offsetSpread_codes: (200e-6 * 65_536) / 2.4,
    noise_codes: (noise_V * gain * 65_536) / 2.4,
  }) as const;

/** Model (a), one element: ADS131M04 with a divider and a shunt. */
export const EXTERNAL_16: FrontEnd = {
  name: "external 16-bit, shunt",
  voltage: {
    sensor: DIVIDER,
    filter: EXTERNAL_FILTER,
    // Noise at gain 1, OSR 1024 (4 kSPS): 5.35 microvolt rms (ADS131M04-Q1 data sheet, table 7-1).
    ranges: [external16(1, 5.35e-6)],
    guard_codes: 0,
    sampled_s: 0,
  },
  current: {
    sensor: SHUNT,
    filter: EXTERNAL_FILTER,
    // Gain 64: +-18.75 mV, 17.0 mV at 60 A. Noise from its 80 dB of dynamic range at gain 64 and 4 kSPS (ADS131M04
    // data sheet, features): 18.75 mV / sqrt(2) / 10^4 = 1.33 microvolt rms.
    ranges: [external16(64, 1.33e-6)],
    guard_codes: 0,
    // Assumption: what is left of simultaneous sampling.
    sampled_s: 20e-9,
  },
  // Assumption: a crystal of 20 ppm and its ageing.
  clockSpread_ppm: 30,
  // Assumption: a crystal's jitter, averaged by 1,024 modulator clocks, is far below this.
  jitter_s: 1e-9,
  // Assumption, of the converter's internal reference; a similar part, MCP3903, claims 5 ppm/K (DS25048B).
  reference: { drift_ppmPerK: 15, ageing_ppmPerYear: 50 },
  // Assumption: the meter's own Wi-Fi, on another chip, is heard faintly at each beacon's interval.
  radio: { every_s: 0.1, lasts_s: 2e-3, noise_codes: 2, shift_codes: 1 },
  // Assumption: 5 ms once in six hours.
  drops: { every_s: 21_600, lasts_s: 5e-3 },
};

/**
 * Model (a) for two or three elements: as {@link EXTERNAL_16}, the currents through dc tolerant transformers. Their lead
 * of 4.1 degrees falls as the frequency rises, where the calibration's delay is an angle that rises with it: by delay
 * alone 2 % of frequency are 0.5 % of the energy at 0.5 inductive, two thirds of class 1's limit. So the board leads the
 * voltage in the same way, by a capacitor in series.
 */
export const EXTERNAL_16_TRANSFORMER: FrontEnd = {
  ...EXTERNAL_16,
  name: "external 16-bit, transformer",
  voltage: {
    ...EXTERNAL_16.voltage,
    // 1 microfarad into 44.2 kilohm: 50 Hz times the tangent of 4.1 degrees. Assumption: film of 5 %, resistor of 1 %.
    filter: { ...EXTERNAL_FILTER, coupling: { corner_Hz: 3.6, cornerSpread: 0.05 } },
  },
  current: {
    ...EXTERNAL_16.current,
    sensor: DC_TOLERANT_TRANSFORMER,
    // 85 A peak make 0.41 V over 12 ohm: gain 2, +-0.6 V. Noise 4.68 microvolt rms (table 7-1).
    ranges: [external16(2, 4.68e-6)],
  },
};

// ---- (b) 12 bits, two ranges, corrected ----

/**
 * A microcontroller's successive approximation converter: INL typically 1.7, at most 3, DNL typically 1, at
 * most 2, offset 1 to 2, gain 1.5 to 3.5 codes; SNR 62 dB typical (STM32L151/152 data sheets, table "ADC
 * accuracy"). 62 dB of a full sine of 2,048 codes peak is 1.15 codes rms.
 */
const SAR_12 = {
  bits: 12,
  span_V: 3.3,
  bias_V: 1.65,
  // Assumption: with it 40 units have an INL of 0.6 to 2.9, mostly below 2, and a DNL of up to 2 codes.
  curve: { kind: "binary", bow_codes: 1.7, unitMismatch: 0.015 },
  // What is left once calibration has found the gain of each range. Assumption.
  gainSpread_ppm: 300,
  offsetSpread_codes: 2,
  noise_codes: 1.15,
} as const;

/** Assumption: a calibration bench finds 65 points of the curve to a tenth of a code each. */
const CORRECTED = { intervals: 64, error_codes: 0.1 } as const;

/** Assumption: RC of 1.5 kHz, 5 % parts: all there is against aliases. */
const SAR_FILTER = { corner_Hz: 1_500, cornerSpread: 0.05, sinc3: false } as const;

/** Model (b): 12 bits, the current in two ranges of 1 to 16, both corrected by a table. */
export const DUAL_12: FrontEnd = {
  name: "12-bit dual range, corrected",
  voltage: {
    // 1.5 V of the range's 1.65 V at 440 V peak.
    sensor: { ...DIVIDER, ratio: 3_300 / 993_300 },
    filter: SAR_FILTER,
    ranges: [{ ...SAR_12, correction: { ...CORRECTED, countsPerCode: 16 } }],
    guard_codes: 0,
    sampled_s: 0,
  },
  current: {
    // An amplifier of 3.6 behind the burden; 85 A peak make 1.47 V.
    sensor: { ...DC_TOLERANT_TRANSFORMER, burden_ohm: 43.2, winding_ohm: 28.8 },
    filter: SAR_FILTER,
    ranges: [
      // Sixteen times the amplification: the same converter seen as one of a sixteenth of the span.
      { ...SAR_12, span_V: 3.3 / 16, bias_V: 1.65 / 16, correction: { ...CORRECTED, countsPerCode: 1 } },
      { ...SAR_12, correction: { ...CORRECTED, countsPerCode: 16 } },
    ],
    // Offsets, noise and the filter's ripple stay clear of the ends.
    guard_codes: 64,
    // Assumption: the current's conversion starts 2 microseconds after the voltage's.
    sampled_s: 2e-6,
  },
  clockSpread_ppm: 30,
  // Assumption: software or a busy bus between timer and converter.
  jitter_s: 20e-9,
  // Assumption: an external reference of 25 ppm/K.
  reference: { drift_ppmPerK: 25, ageing_ppmPerYear: 100 },
  // Assumptions, as for (a), of coarser codes.
  radio: { every_s: 0.1, lasts_s: 2e-3, noise_codes: 1, shift_codes: 0.5 },
  drops: { every_s: 21_600, lasts_s: 5e-3 },
};

// ---- (c) ESP32 ADC1 ----

/**
 * ADC1 at 11 dB. Codes of voltages as a user measured them (arduino-esp32 issue 92: 0.819 V 823, 1.641 V 1814,
 * 2.462 V 2811), and where the codes begin and end (kisel/esp32_adc_test: 0 up to 135 mV, 4095 from 3,135 mV).
 * Espressif's own measurable range at 11 dB is 150 to 2,450 mV (ESP-IDF 4.4 guide, "ADC Attenuation").
 */
const ESP32_ADC1 = {
  bits: 12,
  span_V: 3.3,
  // The middle of the straight part.
  bias_V: 1.3,
  curve: {
    kind: "measured",
    points: [
      [0.135, 0],
      [0.819, 823],
      [1.641, 1_814],
      [2.462, 2_811],
      [3.135, 4_095],
    ],
    // ESP32 series data sheet, "ADC characteristics": INL within 12, DNL within 7 codes (not looked up again).
    inl_codes: 12,
    dnl_codes: 7,
  },
  // Vref lies between 1,000 and 1,200 mV, 1,100 by design (ESP-IDF guide, "ADC conversion").
  gainSpread_ppm: 90_000,
  // Assumption.
  offsetSpread_codes: 20,
  // "The advertised 12 bits are practically 9 bit + 3 bit noise" (Arduino forum, 699190): 8 codes from end to end of
  // common readings; one standard deviation of 4 is an assumption.
  noise_codes: 4,
} as const;

/** Model (c): ESP32 ADC1 as it is, with a household's clip-on transformer. Nothing is corrected. */
export const ESP32_BARE: FrontEnd = {
  name: "ESP32 ADC1, uncorrected",
  voltage: {
    // 325 V peak make 0.72 V on either side of the bias: within the straight part.
    sensor: DIVIDER,
    filter: SAR_FILTER,
    ranges: [ESP32_ADC1],
    guard_codes: 0,
    sampled_s: 0,
  },
  current: {
    // 85 A peak make 1.05 V on either side: from 0.25 to 2.35 V.
    sensor: { ...ORDINARY_TRANSFORMER, burden_ohm: 31, winding_ohm: 41 },
    filter: SAR_FILTER,
    ranges: [ESP32_ADC1],
    guard_codes: 0,
    // The slowest that adc_continuous runs is 20 kHz (SOC_ADC_SAMPLE_FREQ_THRES_LOW of the ESP32, ESP-IDF), and the
    // two channels take turns: 50 microseconds, 0.9 degrees.
    sampled_s: 50e-6,
  },
  // Assumption.
  clockSpread_ppm: 30,
  // Assumption: clocks divided from the PLL, and arbitration.
  jitter_s: 200e-9,
  // Assumption: no figure is published; a bandgap without trimming.
  reference: { drift_ppmPerK: 100, ageing_ppmPerYear: 500 },
  // With Wi-Fi active outliers of over 1,000 codes are reported (esp-idf issue 8266). How often and how wide is an
  // assumption: 2 ms each tenth of a second (a beacon's interval).
  radio: { every_s: 0.1, lasts_s: 2e-3, noise_codes: 100, shift_codes: 100 },
  // Assumption: a DMA pool that overflows once in ten minutes for 20 ms.
  drops: { every_s: 600, lasts_s: 20e-3 },
};

/** In the order of the letters (a), (b), (c). */
export const FRONT_ENDS: readonly FrontEnd[] = [EXTERNAL_16, EXTERNAL_16_TRANSFORMER, DUAL_12, ESP32_BARE];

/** A front end with a short name, and the numbers of elements that it is built for. */
export interface Model {
  readonly frontEnd: FrontEnd;
  readonly elements: readonly number[];
}

/** The same by what the command line calls them. A shunt is not isolated from its phase, so it has one element. */
export const MODELS: ReadonlyMap<string, Model> = new Map([
  ["a-shunt", { frontEnd: EXTERNAL_16, elements: [1] }],
  ["a-transformer", { frontEnd: EXTERNAL_16_TRANSFORMER, elements: [1, 3] }],
  ["b", { frontEnd: DUAL_12, elements: [1, 3] }],
  ["c", { frontEnd: ESP32_BARE, elements: [1, 3] }],
]);
