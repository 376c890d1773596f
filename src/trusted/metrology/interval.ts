// Intervals and days are counted from the Unix epoch in UTC: no leap seconds, no time zones in the meter.

/** Quality flags of an interval; every channel's leaf of it carries the same byte. */
export const Status = {
  /** Power was lost in the interval. */
  POWER_LOST: 1,
  /** The clock was set, or energy measured without knowing the time is included. */
  CLOCK_SET: 2,
  /** Estimated, or not measured over the whole interval. */
  INCOMPLETE: 4,
  TAMPER: 8,
  /** Front-end fault, or a reading above the provisioned maximum. */
  FAULT: 16,
  SWITCH_OPEN: 32,
} as const;

export const DAY_SECONDS = 86_400;
/** The interval lengths there are, seconds. */
export const INTERVAL_SECONDS: readonly number[] = [900, 1800];
export const U32_MAX = 0xffffffff;

/** Index of the interval that contains a Unix time, u32. */
export const intervalAt = (unix_s: number, intervalSeconds: number) => Math.floor(unix_s / intervalSeconds);

/** Unix time at which an interval begins, seconds. */
export const intervalStart_s = (interval: number, intervalSeconds: number) => interval * intervalSeconds;

/** Index of the UTC day that contains an interval. */
export const dayOf = (interval: number, intervalSeconds: number) =>
  Math.floor((interval * intervalSeconds) / DAY_SECONDS);
