/**
 * The built-in household: a seeded load model for whoever has no trace of their own. A family at 52 degrees
 * north with a heat pump, an electric car and 4 kWp of solar panels, simulated minute by minute.
 *
 * It is made to look like a home to a meter (base load, spikes, cycles, nights, seasons, export at noon),
 * not to forecast one; the figures are round numbers of ours. Appliances draw from streams of their own,
 * so changing one leaves the others as they were.
 *
 * The same options give the same whole mJ on every engine. JavaScript fixes +, -, *, / and rounding to the
 * last bit, but not Math.cos and Math.sqrt: these are used only to fill small tables rounded to millionths,
 * far coarser than engines differ, and power is rounded to whole watts before it is summed.
 */

import { SeededRandom } from "./seeded.js";
import { EXPORT_OBIS, IMPORT_OBIS, type Trace, utcOffsetSeconds } from "./trace.js";

export interface HouseholdOptions {
  /** A whole number from 0 to 2^53 - 1: which household, and which weather. */
  readonly seed: number;
  /** Unix seconds, UTC, of the start: a multiple of 60, from 0 to 2^32 - 1. */
  readonly start_s: number;
  /** How long, 1 to 1,100 days. More days continue fewer days: the start stays the same. */
  readonly days: number;
  /** Seconds a row covers: a multiple of 60 that divides 3,600. */
  readonly step_s: number;
  /** Hours, -14 to 14 in whole minutes, that the household's clock is ahead of UTC. */
  readonly utcOffset_h: number;
}

/** What lies behind a trace: mean power in whole W of each minute from the start, never negative. */
export interface HouseholdMinutes {
  /** All consumption but the car's. */
  readonly home_W: Int32Array;
  readonly car_W: Int32Array;
  readonly solar_W: Int32Array;
}

/**
 * The household as a meter sees it: consumption minus solar power, netted each minute into import or export
 * and summed to rows of two channels.
 *
 * @throws RangeError if an option is outside its range
 */
export function householdTrace(options: HouseholdOptions): Trace {
  const { home_W, car_W, solar_W } = householdMinutes(options);
  const rowMinutes = options.step_s / 60;
  const rows: number[][] = [];
  for (let from = 0; from < home_W.length; from += rowMinutes) {
    let import_mJ = 0;
    let export_mJ = 0;
    for (let minute = from; minute < from + rowMinutes; minute++) {
      const net_mJ = (at(home_W, minute) + at(car_W, minute) - at(solar_W, minute)) * 60_000;
      if (net_mJ > 0) import_mJ += net_mJ;
      else export_mJ -= net_mJ;
    }
    rows.push([import_mJ, export_mJ]);
  }
  return { start_s: options.start_s, step_s: options.step_s, channels: [IMPORT_OBIS, EXPORT_OBIS], rows };
}

/**
 * The parts of {@link householdTrace}, to draw or to check them.
 *
 * @throws RangeError if an option is outside its range
 */
export function householdMinutes(options: HouseholdOptions): HouseholdMinutes {
  checkOptions(options);
  const localStart_min = (options.start_s + utcOffsetSeconds(options.utcOffset_h)) / 60;
  const firstDay = Math.floor(localStart_min / DAY_MIN);
  // Whole local days are simulated and the part asked for is cut out.
  const from = localStart_min - firstDay * DAY_MIN;
  const to = from + options.days * DAY_MIN;
  const dayCount = Math.ceil(to / DAY_MIN);

  const random = new SeededRandom(options.seed, "household");
  const sky = simulateSky(random.fork("sky"), firstDay, dayCount);
  const days = planDays(random.fork("days"), firstDay, dayCount);
  const home_W = new Int32Array(dayCount * DAY_MIN);
  const car_W = new Int32Array(dayCount * DAY_MIN);
  addBaseLoad(home_W, random.fork("base load"));
  addFridge(home_W, random.fork("fridge"));
  addLighting(home_W, random.fork("lighting"), days, sky);
  addScreens(home_W, random.fork("screens"), days);
  addMeals(home_W, random.fork("meals"), days);
  addWashing(home_W, random.fork("washing"), days);
  addHeatPump(home_W, random.fork("heat pump"), sky);
  addCar(car_W, random.fork("car"), days);
  return {
    home_W: home_W.slice(from, to),
    car_W: car_W.slice(from, to),
    solar_W: solarPower(sky).slice(from, to),
  };
}

function checkOptions({ start_s, days, step_s, utcOffset_h }: HouseholdOptions): void {
  if (!Number.isInteger(start_s / 60) || start_s < 0 || start_s > 0xffff_ffff) {
    throw new RangeError(`a household starts on a whole minute from 0 to 2^32 - 1 s, not at ${start_s} s`);
  }
  if (!Number.isInteger(days) || days < 1 || days > 1_100) {
    throw new RangeError(`a household runs for 1 to 1,100 whole days, not ${days}`);
  }
  if (!Number.isInteger(step_s / 60) || !Number.isInteger(3_600 / step_s) || step_s < 0) {
    throw new RangeError(`a household's rows are whole minutes that divide an hour, not ${step_s} s`);
  }
  if (!Number.isInteger(utcOffsetSeconds(utcOffset_h) / 60)) {
    throw new RangeError(`a household's UTC offset is in whole minutes, not ${utcOffset_h} h`);
  }
}

// ---- calendar ----

const DAY_MIN = 1_440;

/** A day of the people in the house; the minutes count from its local midnight. */
interface DayPlan {
  readonly weekend: boolean;
  readonly wake: number;
  /** From here to `back` nobody is at home; equal to it if somebody always is. */
  readonly leave: number;
  readonly back: number;
  readonly dinner: number;
  readonly bed: number;
}

function planDays(random: SeededRandom, firstDay: number, dayCount: number): DayPlan[] {
  const days: DayPlan[] = [];
  for (let day = firstDay; day < firstDay + dayCount; day++) {
    // 1 January 1970 was a Thursday.
    const weekday = (day + 3) % 7;
    const weekend = weekday >= 5;
    const wake = (weekend ? 480 : 390) + spread(random, 40);
    const out = weekend ? random.below(3) === 0 : random.below(5) !== 0;
    const leave = wake + 75 + spread(random, 20);
    const back = out ? leave + (weekend ? 200 : 540) + spread(random, 60) : leave;
    const dinner = Math.max(back + 20, 1_090 + spread(random, 40));
    days.push({ weekend, wake, leave, back, dinner, bed: 1_365 + spread(random, 45) });
  }
  return days;
}

// ---- sun and weather ----

/** Cosine of 1/1440ths of a turn, in millionths: a minute of the day, or of the year's circle. */
const COSINE = Array.from({ length: DAY_MIN }, (_, part) =>
  millionths(Math.cos((part * 2 * Math.PI) / DAY_MIN)),
);

function cosine(part: number): number {
  return COSINE[((part % DAY_MIN) + DAY_MIN) % DAY_MIN] ?? 0;
}

/** 1/1440ths of the year's circle since 1 January, good to a day or two until 2100. */
function season(day: number): number {
  return Math.floor((((4 * day) % 1_461) * DAY_MIN) / 1_461);
}

/** Days as parts of the year's circle. */
function yearParts(days: number): number {
  return Math.round((days * DAY_MIN) / 365.25);
}

// Latitude 52 degrees north, and panels facing south at 35 degrees: for the sun they are what a flat roof is
// 35 degrees further south.
const LATITUDE = { sine: 0.788011, cosine: 0.615661 };
const PANEL = { sine: 0.292372, cosine: 0.956305 };
const AXIS_TILT_SINE = 0.397777;

interface Sky {
  /** Sine of the sun's height of each minute; negative at night. */
  readonly height: Float64Array;
  /** Power of the panels under a clear sky, W, of each minute. */
  readonly clear_W: Float64Array;
  /** What clouds let through of each minute, in thousandths. */
  readonly through: Int32Array;
  /** Outdoor temperature in tenths of a degree Celsius of each hour. */
  readonly outdoor_dC: Int32Array;
}

function simulateSky(random: SeededRandom, firstDay: number, dayCount: number): Sky {
  const sky: Sky = {
    height: new Float64Array(dayCount * DAY_MIN),
    clear_W: new Float64Array(dayCount * DAY_MIN),
    through: new Int32Array(dayCount * DAY_MIN),
    outdoor_dC: new Int32Array(dayCount * 24),
  };
  const clouds = random.fork("clouds");
  const air = random.fork("air");
  let clearness = 450 + spread(clouds, 350);
  let warmer_dC = spread(air, 40);
  let through = clearness;
  for (let day = 0; day < dayCount; day++) {
    const year = season(firstDay + day);
    // Weather persists: a day keeps much of the day before, of a brighter mean in summer than in winter.
    const usual = 450 - Math.round(210 * cosine(year + yearParts(10)));
    clearness = clamp(usual + Math.round((clearness - usual) * 0.6) + spread(clouds, 550), 60, 1_000);
    warmer_dC = Math.round(warmer_dC * 0.8) + spread(air, 40);
    placeSun(sky, day, year);
    through = placeClouds(sky, day, through, clearness, clouds);
    placeAir(sky, day, year, clearness, warmer_dC);
  }
  return sky;
}

/** The sun's path of a day, from the declination and the hour angle; noon is at 12:00 local time. */
function placeSun(sky: Sky, day: number, year: number): void {
  // Lowest at the winter solstice, ten days before the year's start.
  const sine = -AXIS_TILT_SINE * cosine(year + yearParts(10));
  const declination = { sine, cosine: millionths(Math.sqrt(1 - sine * sine)) };
  for (let minute = 0; minute < DAY_MIN; minute++) {
    const toNoon = -cosine(minute);
    const height = LATITUDE.sine * declination.sine + LATITUDE.cosine * declination.cosine * toNoon;
    sky.height[day * DAY_MIN + minute] = height;
    if (height <= 0) continue;
    const facing = Math.max(0, PANEL.sine * declination.sine + PANEL.cosine * declination.cosine * toNoon);
    // The lower the sun, the more air its beam crosses; the second term is the light of the blue sky. 15 % is
    // lost to heat, wiring and the inverter.
    const share = (facing * height) / (height + 0.15) + 0.12 * height;
    sky.clear_W[day * DAY_MIN + minute] = 4_000 * 0.85 * share;
  }
}

/** Clouds pass in blocks of five minutes; returns what the last of them lets through, in thousandths. */
function placeClouds(sky: Sky, day: number, before: number, clearness: number, random: SeededRandom): number {
  // Clear and overcast days are steady; in between, sun and cloud take turns.
  const unrest = 20 + Math.round((clearness * (1_000 - clearness)) / 800);
  let through = before;
  for (let block = 0; block < DAY_MIN / 5; block++) {
    through = clamp(through + Math.round((clearness - through) / 6) + spread(random, unrest), 40, 1_000);
    const from = day * DAY_MIN + block * 5;
    sky.through.fill(through, from, from + 5);
  }
  return through;
}

function placeAir(sky: Sky, day: number, year: number, clearness: number, warmer_dC: number): void {
  // Coldest around 22 January; a clear day is warmer at three and colder before dawn.
  const mean_dC = 105 - 73 * cosine(year - yearParts(22)) + warmer_dC;
  const swing_dC = 20 + clearness / 25;
  for (let hour = 0; hour < 24; hour++) {
    sky.outdoor_dC[day * 24 + hour] = Math.round(mean_dC + swing_dC * cosine(hour * 60 - 900));
  }
}

function solarPower(sky: Sky): Int32Array {
  return Int32Array.from(sky.clear_W, (clear_W, minute) =>
    // Below 10 W the inverter sleeps.
    clear_W < 10 ? 0 : Math.round((clear_W * at(sky.through, minute)) / 1_000),
  );
}

// ---- appliances ----

/** What is always on: router, standby, ventilation. 1.7 to 2.6 kWh a day. */
function addBaseLoad(home_W: Int32Array, random: SeededRandom): void {
  const always_W = 65 + random.below(40);
  for (let hour = 0; hour < home_W.length / 60; hour++) {
    add(home_W, hour * 60, 60, always_W + random.below(12));
  }
}

/** A compressor of 90 W that runs a third of the time. About 0.7 kWh a day. */
function addFridge(home_W: Int32Array, random: SeededRandom): void {
  let minute = random.below(45);
  while (minute < home_W.length) {
    const on = 12 + random.below(7);
    add(home_W, minute, on, 90);
    minute += on + 24 + random.below(14);
  }
}

/** Lamps of the rooms in use while it is dark outside. About 0.4 kWh a day in June, 1.0 in December. */
function addLighting(home_W: Int32Array, random: SeededRandom, days: readonly DayPlan[], sky: Sky): void {
  for (const [day, plan] of days.entries()) {
    for (let minute = 0; minute < DAY_MIN; minute += 15) {
      const lamps_W = 70 + 20 * random.below(6);
      const from = day * DAY_MIN + minute;
      const dark = (sky.height[from] ?? 0) < 0.08;
      if (dark && atHome(plan, minute)) add(home_W, from, 15, lamps_W);
    }
  }
}

/** Computers when somebody stays at home on a working day, television in the evening. About 0.6 kWh a day. */
function addScreens(home_W: Int32Array, random: SeededRandom, days: readonly DayPlan[]): void {
  for (const [day, plan] of days.entries()) {
    const midnight = day * DAY_MIN;
    const computers_W = 70 + random.below(60);
    const television_W = 110 + random.below(60);
    if (!plan.weekend && plan.leave === plan.back) add(home_W, midnight + 540, 450, computers_W);
    const evening = plan.dinner + 45 + random.below(30);
    add(home_W, midnight + evening, plan.bed - evening, television_W);
  }
}

/** Kettle, toaster, hob and oven at meal times. About 1.3 kWh a day. */
function addMeals(home_W: Int32Array, random: SeededRandom, days: readonly DayPlan[]): void {
  for (const [day, plan] of days.entries()) {
    const midnight = day * DAY_MIN;
    const breakfast = midnight + plan.wake + 15 + random.below(15);
    add(home_W, breakfast, 3 + random.below(2), 2_200);
    add(home_W, breakfast + 5, 4, 900);
    if (atHome(plan, 750)) {
      const lunch = midnight + 735 + random.below(40);
      add(home_W, lunch, plan.weekend ? 18 + random.below(10) : 6, 1_100);
    }
    addCooking(home_W, random, midnight + plan.dinner);
    add(home_W, midnight + plan.dinner + 80 + random.below(60), 3, 2_200);
  }
}

/** A dinner: a hob that switches on and off, and on two days of five an oven. */
function addCooking(home_W: Int32Array, random: SeededRandom, dinner: number): void {
  const hob_W = 1_300 + 100 * random.below(6);
  const hob = 18 + random.below(25);
  for (let minute = 0; minute < hob; minute++) {
    if (minute < 6 || random.below(2) === 0) add(home_W, dinner + minute, 1, hob_W);
  }
  if (random.below(5) >= 2) return;
  const oven = 35 + random.below(25);
  for (let minute = 0; minute < oven; minute++) {
    if (minute < 10 || minute % 5 < 2) add(home_W, dinner - 15 + minute, 1, 2_300);
  }
}

/** Washing machine, dryer and dishwasher. About 1.3 kWh a day. */
function addWashing(home_W: Int32Array, random: SeededRandom, days: readonly DayPlan[]): void {
  for (const [day, plan] of days.entries()) {
    const midnight = day * DAY_MIN;
    // Every draw is made every day, so that what one day does leaves the next as it was.
    const washes = random.below(100) < (plan.weekend ? 75 : 35);
    const dries = random.below(2) === 0;
    const begins = midnight + (plan.weekend ? 560 + random.below(300) : plan.back + 15 + random.below(60));
    const dishes = random.below(100) < 75;
    const dishesAt = midnight + plan.dinner + 60 + random.below(70);
    if (washes) {
      add(home_W, begins, 18, 2_000);
      add(home_W, begins + 18, 52, 180);
      add(home_W, begins + 70, 8, 420);
    }
    if (washes && dries) add(home_W, begins + 90, 75, 700);
    if (dishes) {
      add(home_W, dishesAt, 16, 1_900);
      add(home_W, dishesAt + 16, 40, 60);
      add(home_W, dishesAt + 56, 12, 1_900);
    }
  }
}

// Of 1,400 W electrical; it rests until 12 minutes of work have come together, as short runs wear it out.
const HEAT_PUMP_W = 1_400;
const HEAT_PUMP_RUN_MIN = 12;

/** Rooms warm below 15.5 degrees outside and cool above 23, and hot water. 1 to 7 kWh a day by season. */
function addHeatPump(home_W: Int32Array, random: SeededRandom, sky: Sky): void {
  // Work that is due, in W times minutes. It is whole, so that no rounding gathers in it.
  let due = 0;
  let running = false;
  let waterAt = 0;
  for (let minute = 0; minute < home_W.length; minute++) {
    due += roomPower(at(sky.outdoor_dC, Math.floor(minute / 60)), minute % DAY_MIN);
    if (minute % DAY_MIN === 0) waterAt = minute + 720 + random.below(150);
    if (minute === waterAt) due += HEAT_PUMP_W * 45;
    if (due >= HEAT_PUMP_W * HEAT_PUMP_RUN_MIN) running = true;
    if (due < HEAT_PUMP_W) running = false;
    if (!running) continue;
    add(home_W, minute, 1, HEAT_PUMP_W);
    due -= HEAT_PUMP_W;
  }
}

/** The mean electrical power in whole W that keeps the rooms as they should be. */
function roomPower(outdoor_dC: number, minuteOfDay: number): number {
  if (outdoor_dC > 230) return Math.round((outdoor_dC - 230) * 4);
  if (outdoor_dC >= 155) return 0;
  // 75 W/K of heat loss; heat for each unit of electricity falls from 4.3 at 15 degrees to 2.5 at -12.
  const performance = Math.max(2, 3.3 + outdoor_dC / 150);
  const night = minuteOfDay < 300 || minuteOfDay >= 1_350;
  return Math.round(((155 - outdoor_dC) * 7.5 * (night ? 0.6 : 1)) / performance);
}

/** The car charges at 7 kW on about a third of the nights, 8 to 30 kWh each, often past midnight. */
function addCar(car_W: Int32Array, random: SeededRandom, days: readonly DayPlan[]): void {
  for (const [day, plan] of days.entries()) {
    const needed = random.below(100) < (plan.weekend ? 25 : 38);
    const begins = day * DAY_MIN + 1_350 + random.below(150);
    const minutes = 70 + random.below(190);
    if (needed) add(car_W, begins, minutes, 7_000);
  }
}

function atHome(plan: DayPlan, minute: number): boolean {
  return minute >= plan.wake && minute < plan.bed && (minute < plan.leave || minute >= plan.back);
}

// ---- arithmetic ----

/** Adds power to `minutes` minutes, as far as they lie within the simulated days. */
function add(power_W: Int32Array, from: number, minutes: number, watts: number): void {
  const end = Math.min(from + minutes, power_W.length);
  for (let minute = from; minute < end; minute++) power_W[minute] = at(power_W, minute) + watts;
}

function at(series: Int32Array, index: number): number {
  return series[index] ?? 0;
}

/** A whole number from -most to most, the small ones more often: the mean of three throws. */
function spread(random: SeededRandom, most: number): number {
  const throws = random.below(2 * most + 1) + random.below(2 * most + 1) + random.below(2 * most + 1);
  return Math.round(throws / 3) - most;
}

function clamp(value: number, least: number, most: number): number {
  return Math.min(Math.max(value, least), most);
}

function millionths(value: number): number {
  return Math.round(value * 1e6) / 1e6;
}
