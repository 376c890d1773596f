// A street's files as `aggregate` and `readings` write them, and copies with something changed.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ok } from "./run.js";

export class StreetFiles {
  readonly root = mkdtempSync(join(tmpdir(), "sealmeter-street-"));
  readonly aggregates = this.path("street", "aggregates.csv");
  readonly feeder = this.path("street", "feeder.csv");

  /** A street in which half of a household's load is bypassed from 60 % of the days on. */
  async build(members: number, days: number): Promise<void> {
    const size = ["--members", `${members}`, "--days", `${days}`];
    await ok("losses-trial", "--seeds", "1", ...size, "--out", this.path("street"));
  }

  path(...names: string[]): string {
    return join(this.root, ...names);
  }

  /** A copy of one of the files whose lines, the header first, are changed. */
  altered(original: string, change: (lines: string[]) => string[]): string {
    const path = this.path("altered.csv");
    const lines = readFileSync(original, "utf8").trimEnd().split("\n");
    writeFileSync(path, `${change(lines).join("\n")}\n`);
    return path;
  }

  remove(): void {
    rmSync(this.root, { recursive: true, force: true });
  }
}

/** Replaces cells, by their position, of the rows below the header that `of` picks. */
export const cells =
  (
    changes: Readonly<Record<number, string>>,
    of: (row: readonly string[], at: number) => boolean = () => true,
  ) =>
  (lines: string[]): string[] =>
    lines.map((line, at) => {
      const row = line.split(",");
      return at > 0 && of(row, at) ? row.map((cell, column) => changes[column] ?? cell).join(",") : line;
    });
