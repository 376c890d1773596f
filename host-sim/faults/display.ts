// What the meter shows, as a person reads it: the legally relevant result, and the model's only way to registers.

export interface Shown {
  /** By channel. */
  readonly registers_Wh: readonly number[];
  /** Null while the time is unconfirmed. */
  readonly time_s: number | null;
  /** Messages refused since power-up. */
  readonly refused: number;
  /** Number of the self-test that failed, or 0. */
  readonly failed: number;
}

const numberIn = (lines: readonly string[], pattern: RegExp) => {
  for (const line of lines) {
    const found = pattern.exec(line);
    if (found) return Number(found[1]);
  }
  return 0;
};

export function readDisplay(lines: readonly string[], channels: number): Shown {
  const registers_Wh = lines.slice(2, 2 + channels).map((line) => {
    const [whole = "", part = ""] = (line.split(" ")[1] ?? "").split(".");
    return Number(whole) * 1000 + Number(part);
  });
  const time = lines[2 + channels] ?? "";
  const more = lines.slice(3 + channels);
  return {
    registers_Wh,
    time_s: time === "time unconfirmed" ? null : Date.parse(time) / 1000,
    refused: numberIn(more, /^(\d+) messages refused$/),
    failed: numberIn(more, /^self-test (\d+) failed/),
  };
}
