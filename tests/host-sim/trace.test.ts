import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseTrace, type Trace, TraceError, type TraceOptions } from "../../host-sim/trace.js";

const KWH_MJ = 3_600_000_000;
const LONDON = "LCLid,stdorToU,DateTime,KWH/hh (per half hour) ";

/** A file of these lines, read as `t.csv` in UTC with gaps refused unless the test says otherwise. */
function read(lines: readonly string[], options: Partial<TraceOptions> = {}): Trace {
  return parseTrace(`${lines.join("\n")}\n`, "t.csv", { utcOffset_h: 0, gaps: "refuse", ...options });
}

function stampOf(time_s: number): string {
  return new Date(time_s * 1_000).toISOString().slice(0, 19);
}

/** 1234567 with 6 places is "1.234567". */
function decimal(digits: bigint, places: number): string {
  const padded = digits.toString().padStart(places + 1, "0");
  return places === 0 ? padded : `${padded.slice(0, -places)}.${padded.slice(-places)}`;
}

describe("a trace in the plain layout", () => {
  it("gives start, step, channels and whole mJ", () => {
    const trace = read([
      "timestamp,import_kWh,export_kWh",
      "2024-01-01 00:00,0.5,0",
      "2024-01-01 00:15,1,0.25",
      "2024-01-01 00:30,-0.0,.125",
    ]);
    expect(trace).toEqual({
      start_s: Date.UTC(2024, 0, 1) / 1_000,
      step_s: 900,
      channels: ["1-0:1.8.0", "1-0:2.8.0"],
      rows: [
        [0.5 * KWH_MJ, 0],
        [KWH_MJ, 0.25 * KWH_MJ],
        [0, 0.125 * KWH_MJ],
      ],
    });
  });

  it("has one channel without an export column", () => {
    const trace = read(["timestamp,import_kWh", "2024-01-01 00:00,1", "2024-01-01 01:00,2"]);
    expect(trace.channels).toEqual(["1-0:1.8.0"]);
    expect(trace.rows).toEqual([[KWH_MJ], [2 * KWH_MJ]]);
  });

  it.each([
    ["Windows line ends", "timestamp,import_kWh\r\n2024-01-01 00:00,1\r\n2024-01-01 01:00,2\r\n"],
    ["a byte order mark", "\ufefftimestamp,import_kWh\n2024-01-01 00:00,1\n2024-01-01 01:00,2\n"],
    ["quoted cells", '"timestamp","import_kWh"\n"2024-01-01 00:00","1"\n"2024-01-01 01:00","2"\n'],
    ["blanks around cells", "timestamp , import_kWh\n 2024-01-01 00:00 , 1 \n2024-01-01 01:00,\t2\n"],
    ["blank lines", "\ntimestamp,import_kWh\n\n2024-01-01 00:00,1\n\n2024-01-01 01:00,2\n\n"],
    ["no line feed at the end", "timestamp,import_kWh\n2024-01-01 00:00,1\n2024-01-01 01:00,2"],
  ])("reads the same with %s", (_, csv) => {
    const trace = parseTrace(csv, "t.csv", { utcOffset_h: 0, gaps: "refuse" });
    expect(trace).toMatchObject({ step_s: 3_600, rows: [[KWH_MJ], [2 * KWH_MJ]] });
  });

  it("gives back the energies that a file was written from", () => {
    // 36 mJ are 10^-5 Wh, so multiples of 36 mJ can be written in full.
    const times36_mJ = fc.integer({ min: 0, max: 1e12 });
    fc.assert(
      fc.property(
        fc.array(fc.tuple(times36_mJ, times36_mJ), { minLength: 2, maxLength: 50 }),
        fc.integer({ min: 60, max: 3_600 }),
        fc.integer({ min: 0, max: 4e9 }),
        (rows, step_s, start_s) => {
          const lines = rows.map((row, at) => {
            const kWh = row.map((times36) => decimal(BigInt(times36), 8));
            return [stampOf(start_s + at * step_s), ...kWh].join();
          });
          const trace = read(["timestamp,import_kWh,export_kWh", ...lines]);
          expect(trace.start_s).toBe(start_s);
          expect(trace.step_s).toBe(step_s);
          expect(trace.rows).toEqual(rows.map((row) => row.map((times36) => times36 * 36)));
        },
      ),
    );
  });
});

describe("columns chosen by name", () => {
  const stamps = ["2024-01-01 00:00", "2024-01-01 00:30"];

  it.each([
    ["Wh", "1000", KWH_MJ],
    ["kWh", "1", KWH_MJ],
    ["W", "2000", KWH_MJ],
    ["kW", "2", KWH_MJ],
  ])("take %s: %s over half an hour is a kWh", (unit, written, energy_mJ) => {
    const lines = stamps.map((stamp) => `${stamp},${written}`);
    const trace = read([",load", ...lines], { columns: `import=load:${unit}` });
    expect(trace.rows).toEqual([[energy_mJ], [energy_mJ]]);
  });

  it("are found wherever they stand, whatever their names hold", () => {
    const lines = stamps.map((stamp) => `x,3,${stamp},2`);
    const trace = read(['id,"Grid: out, kWh",DATETIME,Grid (in)', ...lines], {
      columns: "import=Grid (in):kWh,export=Grid: out, kWh:kWh",
    });
    expect(trace.rows[0]).toEqual([2 * KWH_MJ, 3 * KWH_MJ]);
  });

  it("leave the first column for stamps unless another is named timestamp, DateTime or time", () => {
    for (const [header, row] of [
      ["when,load", (stamp: string) => `${stamp},1`],
      ["load,Time", (stamp: string) => `1,${stamp}`],
      ["load,datetime", (stamp: string) => `1,${stamp}`],
      ["load,TIMESTAMP", (stamp: string) => `1,${stamp}`],
    ] as const) {
      expect(read([header, ...stamps.map(row)], { columns: "import=load:kWh" }).step_s).toBe(1_800);
    }
  });

  it.each([
    ["load:kW"],
    ["import=load"],
    ["import=load:MW"],
    ["import=load:kw"],
    ["export=load:kW"],
    ["import=load:kW,export=load"],
    [""],
  ])("refuse %j with the way to write it", (columns) => {
    expect(() => read(["t,load", ...stamps.map((stamp) => `${stamp},1`)], { columns })).toThrow(
      new TraceError(
        "t.csv",
        1,
        `${JSON.stringify(columns)} does not read --columns import=NAME:UNIT[,export=NAME:UNIT] with units Wh, kWh, W or kW, for example --columns import=GC:kW,export=GG:kW`,
      ),
    );
  });

  it("refuse a name that is not there, or there twice", () => {
    expect(() => read(["t,a,a"], { columns: "import=b:kW" })).toThrow(
      new TraceError("t.csv", 1, 'no column is named "b"; the columns are "t", "a", "a"'),
    );
    expect(() => read(["t,a,a"], { columns: "import=a:kW" })).toThrow(
      new TraceError("t.csv", 1, 'more than one column is named "a"; the columns are "t", "a", "a"'),
    );
  });
});

describe("rounding to whole mJ", () => {
  it.each([
    // 10^-8 kW are 0.01 mJ a second: 1 mJ in 100 s.
    ["0.00000001", 1],
    ["0.000000005", 1],
    ["0.00000000499999999999999999", 0],
    ["0.000000015", 2],
    ["0.000000024999999999999999", 2],
    ["1e-8", 1],
    ["1.5E-08", 2],
    ["0.48200000000000004", 48_200_000],
    ["0.45399999999999996", 45_400_000],
    ["+2e1", 2_000_000_000],
  ])("takes %s kW over 100 s as %d mJ", (written, energy_mJ) => {
    const trace = read(["t,p", `2024-01-01 00:00:00,${written}`, `2024-01-01 00:01:40,0`], {
      columns: "import=p:kW",
    });
    expect(trace.rows[0]).toEqual([energy_mJ]);
  });

  it("is never off by more than half a mJ, and up when exactly between", () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: 0n, max: 10n ** 20n }),
        fc.integer({ min: 11, max: 25 }),
        fc.constantFrom(["Wh", 3_600_000n] as const, ["W", 900_000n] as const),
        (digits, places, [unit, mJ]) => {
          const written = decimal(digits, places);
          const trace = read(["t,p", `2024-01-01 00:00,${written}`, "2024-01-01 00:15,0"], {
            columns: `import=p:${unit}`,
          });
          const one = 10n ** BigInt(places);
          const error = BigInt(trace.rows[0]?.[0] ?? -1) * one - digits * mJ;
          expect(2n * error > -one && 2n * error <= one).toBe(true);
        },
      ),
    );
  });

  it("holds the largest energy that a whole number of mJ can be, and refuses the next", () => {
    const rows = (written: string) => ["t,p", `2024-01-01 00:00,${written}`, "2024-01-01 00:15,0"];
    // 2^53 - 1 mJ and 2^53 mJ in Wh, to 24 places.
    const most = decimal((BigInt(Number.MAX_SAFE_INTEGER) * 10n ** 24n) / 3_600_000n + 1n, 24);
    const beyond = decimal((2n ** 53n * 10n ** 24n) / 3_600_000n + 1n, 24);
    expect(read(rows(most), { columns: "import=p:Wh" }).rows[0]).toEqual([Number.MAX_SAFE_INTEGER]);
    expect(() => read(rows(beyond), { columns: "import=p:Wh" })).toThrow(
      new TraceError("t.csv", 2, `2024-01-01 00:00: p is absurd: "${beyond}" is over 2,501 MWh in a row`),
    );
  });
});

describe("stamps", () => {
  const start = (stamp: string, utcOffset_h = 0) =>
    read([LONDON, `A,Std,${stamp},0`], { utcOffset_h }).start_s - Date.UTC(2012, 9, 12) / 1_000;

  it.each([
    ["2012-10-12 00:30", 1_800],
    ["2012-10-12T00:30", 1_800],
    ["2012-10-12 00:30:15", 1_815],
    ["2012-10-12 00:30:00.0000000", 1_800],
    ["2012-10-12T00:30:00Z", 1_800],
    ["2012-10-12T00:30:00+02:00", -5_400],
    ["2012-10-12 00:30-03:30", 14_400],
  ])("read %s", (stamp, offset_s) => {
    expect(start(stamp)).toBe(offset_s);
  });

  it("without a zone are ahead of UTC by the offset; with one they ignore it", () => {
    expect(start("2012-10-12 00:30", 10)).toBe(1_800 - 36_000);
    expect(start("2012-10-12 00:30", -3.5)).toBe(1_800 + 12_600);
    expect(start("2012-10-12 00:30", 2.05)).toBe(1_800 - 123 * 60);
    expect(start("2012-10-12 00:30Z", 10)).toBe(1_800);
  });

  it("exist on 29 February of leap years", () => {
    expect(start("2012-02-29 00:00")).toBe(-226 * 86_400);
  });

  it.each([15, -14.5, 0.0001, Number.NaN])("refuse an offset of %d hours", (utcOffset_h) => {
    expect(() => start("2012-10-12 00:30", utcOffset_h)).toThrow(
      new RangeError(`a UTC offset is -14 to 14 hours in whole seconds, not ${utcOffset_h} h`),
    );
  });
});

describe("the Low Carbon London layout", () => {
  it("is known by its header and its stamps, with half hours even in a single row", () => {
    expect(read([LONDON, "MAC000002,Std,2012-10-12 00:30:00.0000000, 0.25 "])).toEqual({
      start_s: Date.UTC(2012, 9, 12, 0, 30) / 1_000,
      step_s: 1_800,
      channels: ["1-0:1.8.0"],
      rows: [[0.25 * KWH_MJ]],
    });
  });

  it("may have more columns to the right", () => {
    const trace = read([
      `${LONDON},Acorn,Acorn_grouped`,
      "M,Std,2012-10-12 00:30:00.0000000,1,ACORN-A,Affluent",
    ]);
    expect(trace.rows).toEqual([[KWH_MJ]]);
  });

  const three = [
    LONDON,
    "M1,Std,2012-10-12 00:30:00.0000000,1",
    "M2,ToU,2012-10-12 00:30:00.0000000,2",
    "M2,ToU,2012-10-12 01:00:00.0000000,3",
    "M3,ToU,2012-10-12 00:30:00.0000000,Null",
  ];

  it("gives the household asked for, whatever the others hold", () => {
    expect(read(three, { household: "M2" }).rows).toEqual([[2 * KWH_MJ], [3 * KWH_MJ]]);
  });

  it.each([
    [
      "several without a choice",
      three,
      undefined,
      'name one of the households; the file holds 3: "M1", "M2", "M3"',
    ],
    ["one that is not there", three, "M4", 'household "M4" is not here; the file holds 3: "M1", "M2", "M3"'],
    [
      "one of more than five",
      [LONDON, ..."ABCDEF".split("").map((id) => `${id},Std,2012-10-12 00:30:00,1`)],
      undefined,
      'name one of the households; the file holds 6: "A", "B", "C", "D", "E", ...',
    ],
    [
      "one in another layout",
      ["timestamp,import_kWh"],
      "M1",
      'household "M1" was asked for, but this layout names none',
    ],
  ])("refuses to guess a household: %s", (_, lines, household, what) => {
    expect(() => read(lines, household === undefined ? {} : { household })).toThrow(
      new TraceError("t.csv", 1, what),
    );
  });

  it("drops Null rows between the half hours if gaps are absent, for some files have them", () => {
    const lines = [
      LONDON,
      "M,Std,2012-12-18 15:00:00.0000000,1",
      "M,Std,2012-12-18 15:13:44.0000000,Null",
      "M,Std,2012-12-18 15:30:00.0000000,2",
    ];
    expect(read(lines, { gaps: "absent" }).rows).toEqual([[KWH_MJ], [2 * KWH_MJ]]);
  });
});

describe("a file that is not a trace is refused with its line", () => {
  const head = ["timestamp,import_kWh,export_kWh", "2024-01-01 00:00,1,0", "2024-01-01 00:30,1,0"];

  it.each([
    [
      "a gap",
      "2024-01-01 01:30,1,0",
      "a gap: 1 row is missing after line 3 (--gaps absent takes it as no power)",
    ],
    [
      "a long gap",
      "2024-01-02 00:30,1,0",
      "a gap: 47 rows are missing after line 3 (--gaps absent takes it as no power)",
    ],
    ["a duplicate", "2024-01-01 00:30,1,0", "the stamp is already on line 3"],
    ["a stamp before", "2024-01-01 00:00,1,0", "the stamp lies before that of line 3 (2024-01-01 00:30)"],
    ["a step too short", "2024-01-01 00:45,1,0", "900 s after line 3, but a row covers 1800 s"],
    ["a step and a half", "2024-01-01 01:15,1,0", "2700 s after line 3, but a row covers 1800 s"],
    ["a negative", "2024-01-01 01:00,-0.001,0", 'import_kWh is negative: "-0.001"'],
    ["a negative export", "2024-01-01 01:00,1,-2", 'export_kWh is negative: "-2"'],
    ["an empty cell", "2024-01-01 01:00,,0", "import_kWh is empty (--gaps absent takes it as no power)"],
    ["a blank cell", "2024-01-01 01:00,1,  ", "export_kWh is empty (--gaps absent takes it as no power)"],
    ["a Null", "2024-01-01 01:00,Null,0", "import_kWh is Null (--gaps absent takes it as no power)"],
    ["a word", "2024-01-01 01:00,abc,0", 'import_kWh is not a number: "abc"'],
    ["NaN", "2024-01-01 01:00,NaN,0", 'import_kWh is not a number: "NaN"'],
    ["infinity", "2024-01-01 01:00,Infinity,0", 'import_kWh is not a number: "Infinity"'],
    ["a hexadecimal", "2024-01-01 01:00,0x10,0", 'import_kWh is not a number: "0x10"'],
    ["a decimal comma", '2024-01-01 01:00,"1,5",0', 'import_kWh is not a number: "1,5"'],
    ["a lone point", "2024-01-01 01:00,.,0", 'import_kWh is not a number: "."'],
    ["a lone exponent", "2024-01-01 01:00,e5,0", 'import_kWh is not a number: "e5"'],
    ["a huge number", "2024-01-01 01:00,1e99,0", 'import_kWh is absurd: "1e99" is over 2,501 MWh in a row'],
    [
      "a very long cell",
      `2024-01-01 01:00,${"7".repeat(1_000)},0`,
      `import_kWh is not a number: "${"7".repeat(40)}..."`,
    ],
    ["a terminal escape", "2024-01-01 01:00,\u001b[2J,0", 'import_kWh is not a number: "\\u001b[2J"'],
  ])("%s", (_, row, what) => {
    const stamp = row.slice(0, 16);
    expect(() => read([...head, row])).toThrow(new TraceError("t.csv", 4, `${stamp}: ${what}`));
  });

  it.each([
    ["no stamp", ",1,0", '"" is not a stamp like 2012-10-12 00:30:00'],
    ["a date alone", "2024-01-01,1,0", '"2024-01-01" is not a stamp like 2012-10-12 00:30:00'],
    [
      "a date of another order",
      "01/02/2024 00:30,1,0",
      '"01/02/2024 00:30" is not a stamp like 2012-10-12 00:30:00',
    ],
    ["30 February", "2024-02-30 00:00,1,0", '"2024-02-30 00:00" is not a date and time that exists'],
    [
      "29 February of a common year",
      "2023-02-29 00:00,1,0",
      '"2023-02-29 00:00" is not a date and time that exists',
    ],
    ["month 13", "2024-13-01 00:00,1,0", '"2024-13-01 00:00" is not a date and time that exists'],
    ["day 0", "2024-01-00 00:00,1,0", '"2024-01-00 00:00" is not a date and time that exists'],
    ["24 o'clock", "2024-01-01 24:00,1,0", '"2024-01-01 24:00" is not a date and time that exists'],
    ["minute 60", "2024-01-01 00:60,1,0", '"2024-01-01 00:60" is not a date and time that exists'],
    ["a leap second", "2024-01-01 00:00:60,1,0", '"2024-01-01 00:00:60" is not a date and time that exists'],
    [
      "a zone of 15 hours",
      "2024-01-01 00:00+15:00,1,0",
      '"2024-01-01 00:00+15:00" is not a date and time that exists',
    ],
    ["half a second", "2024-01-01 00:00:00.5,1,0", '"2024-01-01 00:00:00.5" is not on a whole second'],
    ["the year 1969", "1969-12-31 23:59,1,0", '"1969-12-31 23:59" is before 1970'],
    ["the year 99", "0099-01-01 00:00,1,0", '"0099-01-01 00:00" is not a date and time that exists'],
    ["a cell too few", "2024-01-01 01:00,1", "2 cells where the header has 3"],
    ["a cell too many", "2024-01-01 01:00,1,0,0", "4 cells where the header has 3"],
  ])("%s", (_, row, what) => {
    expect(() => read([...head, row])).toThrow(new TraceError("t.csv", 4, what));
  });

  it.each([
    [
      "a first step of 30 s",
      "2024-01-01 00:00:30",
      "the second row is 30 s after the first; a row covers 60 to 3600 s",
    ],
    [
      "a first step of 2 h",
      "2024-01-01 02:00:00",
      "the second row is 7200 s after the first; a row covers 60 to 3600 s",
    ],
  ])("%s", (_, second, what) => {
    expect(() => read(["timestamp,import_kWh", "2024-01-01 00:00,1", `${second},1`])).toThrow(
      new TraceError("t.csv", 3, `${second}: ${what}`),
    );
  });

  it("a quote that is never closed", () => {
    expect(() => read([...head, '2024-01-01 01:00,"1,0'])).toThrow(/^t\.csv:4: Quote Not Closed/);
  });

  it("a quote in the middle of a cell", () => {
    expect(() => read([...head, '2024-01-01 01:00,1"0,0'])).toThrow(/^t\.csv:4: Invalid Opening Quote/);
  });

  it("nothing at all", () => {
    expect(() => parseTrace("", "t.csv", { utcOffset_h: 0, gaps: "refuse" })).toThrow(
      new TraceError("t.csv", 1, "the file is empty"),
    );
  });

  it("a header alone", () => {
    expect(() => read(["timestamp,import_kWh"])).toThrow(
      new TraceError("t.csv", 1, "there are no rows below the header"),
    );
  });

  it("one row, which does not tell its length", () => {
    expect(() => read(["timestamp,import_kWh", "2024-01-01 00:00,1"])).toThrow(
      new TraceError("t.csv", 2, "2024-01-01 00:00: one row alone does not tell how long a row is"),
    );
  });

  it("an unknown layout, with the columns found and the way to name them", () => {
    for (const header of [
      ",GC,GG",
      "timestamp",
      "timestamp,import_kWh,export_kWh,more",
      "stamp,import_kWh",
    ]) {
      const found = header.split(",").map((column) => JSON.stringify(column));
      expect(() => read([header])).toThrow(
        new TraceError(
          "t.csv",
          1,
          `this layout is not known. The columns are ${found.join(", ")}; say which to read with --columns import=NAME:UNIT[,export=NAME:UNIT] with units Wh, kWh, W or kW, for example --columns import=GC:kW,export=GG:kW`,
        ),
      );
    }
  });

  it("more than 64 MB", () => {
    expect(() => read([" ".repeat(64_000_000)])).toThrow(
      new TraceError("t.csv", 1, "the file is longer than 64000000 bytes"),
    );
  });

  it("more than 2,000,000 rows", () => {
    expect(() => read(new Array<string>(2_000_002).fill("1,2"))).toThrow(
      new TraceError("t.csv", 2_000_002, "the file has over 2000000 rows"),
    );
  });
});

describe("gaps taken as absent", () => {
  const absent = (...rows: string[]) =>
    read(["timestamp,import_kWh,export_kWh", "2024-01-01 00:00,1,0", "2024-01-01 00:30,1,0", ...rows], {
      gaps: "absent",
    }).rows.slice(2);

  it("become rows without power", () => {
    expect(absent("2024-01-01 02:00,2,0")).toEqual([null, null, [2 * KWH_MJ, 0]]);
  });

  it.each([
    ["an empty import", "2024-01-01 01:00,,0"],
    ["an empty export", "2024-01-01 01:00,1,"],
    ["two empty cells", "2024-01-01 01:00,,"],
    ["a Null", "2024-01-01 01:00,Null,0"],
    ["a null", "2024-01-01 01:00,null,0"],
  ])("make one row without power of %s", (_, row) => {
    expect(absent(row, "2024-01-01 01:30,2,0")).toEqual([null, [2 * KWH_MJ, 0]]);
  });

  it("drop rows that repeat their predecessor", () => {
    expect(
      absent(
        "2024-01-01 00:30,1,0",
        "2024-01-01 00:30:00,1,0",
        "2024-01-01 01:00,Null,0",
        "2024-01-01 01:00,,0",
      ),
    ).toEqual([null]);
  });

  it.each([
    ["another value for the same stamp", "2024-01-01 00:30,2,0", "contradicts line 3 of the same stamp"],
    ["a Null for the same stamp", "2024-01-01 00:30,Null,0", "contradicts line 3 of the same stamp"],
    ["a stamp before", "2024-01-01 00:00,1,0", "the stamp lies before that of line 3 (2024-01-01 00:30)"],
    ["a value off the grid", "2024-01-01 00:45,1,0", "900 s after line 3, but a row covers 1800 s"],
    ["a negative", "2024-01-01 01:00,-1,0", 'import_kWh is negative: "-1"'],
    ["a negative beside a Null", "2024-01-01 01:00,Null,-1", 'export_kWh is negative: "-1"'],
    ["a word", "2024-01-01 01:00,n/a,0", 'import_kWh is not a number: "n/a"'],
    ["over 400 days", "2025-02-04 01:00,1,0", "a gap of over 400 days after line 3 (2024-01-01 00:30)"],
  ])("still refuse %s", (_, row, what) => {
    expect(() => absent(row)).toThrow(new TraceError("t.csv", 4, `${row.slice(0, 16)}: ${what}`));
  });

  it("may last 400 days", () => {
    expect(absent("2025-02-04 00:30,1,0")).toHaveLength(400 * 48);
  });

  it("count towards the 2,000,000 rows of a trace", () => {
    const lines = ["timestamp,import_kWh", "2000-01-01 00:00,1", "2000-01-01 00:01,1"];
    for (const year of [2001, 2002, 2003, 2004]) lines.push(`${year}-01-01 00:00,1`);
    expect(() => read(lines, { gaps: "absent" })).toThrow(
      new TraceError("t.csv", 7, "2004-01-01 00:00: the trace has over 2000000 rows"),
    );
  });

  it("leave every row that is there where it was", () => {
    const row = fc.option(fc.integer({ min: 0, max: 5_000 }), { nil: null });
    const bare = fc.constantFrom("missing", "empty");
    fc.assert(
      fc.property(fc.array(fc.tuple(row, bare), { maxLength: 60 }), (middle) => {
        const all = [[1, "empty"] as const, [2, "empty"] as const, ...middle, [3, "empty"] as const];
        const lines = all.flatMap(([Wh, how], at) =>
          Wh === null && how === "missing" ? [] : [`${stampOf(at * 900)},${Wh ?? ""}`],
        );
        const trace = read(["t,load", ...lines], { columns: "import=load:Wh", gaps: "absent" });
        expect(trace.rows).toEqual(all.map(([Wh]) => (Wh === null ? null : [Wh * 3_600_000])));
      }),
    );
  });
});

// The file is not ours to publish: whoever has it gives its path.
const ausgrid = process.env.SEALMETER_AUSGRID ?? "";

describe.skipIf(ausgrid === "")(
  "a real year, if SEALMETER_AUSGRID gives the path of the Ausgrid file",
  () => {
    it("is 17,568 half hours of consumption and generation from 1 July 2011 in Sydney", () => {
      const trace = parseTrace(readFileSync(ausgrid, "utf8"), "ausgrid.csv", {
        columns: "import=GC:kW,export=GG:kW",
        utcOffset_h: 10,
        gaps: "refuse",
      });
      expect(trace).toMatchObject({ start_s: Date.UTC(2011, 5, 30, 14) / 1_000, step_s: 1_800 });
      expect(trace.rows).toHaveLength(17_568);
      expect(trace.rows[3]).toEqual([0.482 * 1_800 * 1_000_000, 0]);
      // Sums of the file's columns, times half an hour: 5,938.369 kWh and 1,296.404 kWh.
      const total = (channel: number) =>
        trace.rows.reduce((sum, row) => sum + (row?.[channel] ?? Number.NaN), 0);
      expect([total(0), total(1)]).toEqual([5_938.369 * KWH_MJ, 1_296.404 * KWH_MJ]);
    });
  },
);
