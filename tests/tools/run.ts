// Runs command lines in this process, as tools/sealmeter.mjs does in one of their own, and keeps what they say.
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { main } from "../../tools/sealmeter.js";

export interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** One command line after another: standard output and the exit code are the process's own. */
export async function run(...args: string[]): Promise<Outcome> {
  const [writeOut, writeErr, exitCode] = [process.stdout.write, process.stderr.write, process.exitCode];
  const said = { out: "", err: "" };
  const keep = (stream: "out" | "err") => (chunk: string | Uint8Array) => {
    said[stream] += typeof chunk === "string" ? chunk : Buffer.from(chunk).toString();
    return true;
  };
  process.stdout.write = keep("out");
  process.stderr.write = keep("err");
  process.exitCode = undefined;
  try {
    await main(["node", "sealmeter", ...args]);
    return { code: Number(process.exitCode ?? 0), ...said };
  } finally {
    process.stdout.write = writeOut;
    process.stderr.write = writeErr;
    process.exitCode = exitCode;
  }
}

/** Runs what must succeed. @throws Error with what it said otherwise. */
export async function ok(...args: string[]): Promise<string> {
  const { code, out, err } = await run(...args);
  if (code !== 0) throw new Error(`sealmeter ${args.join(" ")}: exit code ${code}: ${err}`);
  return out;
}

/** A temporary folder with a meter of three days in it, and what its customer and supplier made of it. */
export class Scene {
  readonly root = mkdtempSync(join(tmpdir(), "sealmeter-"));
  readonly home = this.path("home");
  readonly meter = join(this.home, "SM-0001");
  readonly key = join(this.home, "customer", "SM-0001.json");
  readonly authority = join(this.home, "authority.pub");
  readonly tariff = this.path("tariff.cbor");
  readonly bill = this.path("bill.cbor");
  readonly reading = this.path("reading.cbor");

  /** Simulates; the other documents follow from it by their own commands. */
  async build(...simulateOptions: string[]): Promise<this> {
    await ok("simulate", "--out", this.home, "--days", "3", "--utc-offset", "1", ...simulateOptions);
    const supplierKey = join(this.home, "supplier.key");
    await ok("tariff", "sign", EXAMPLE_TARIFF, "--key", supplierKey, "--out", this.tariff);
    await ok("bill", ...this.customerOf(), ...this.terms(), "--out", this.bill);
    return this;
  }

  path(name: string): string {
    return join(this.root, name);
  }

  /** The arguments of the customer's commands, for this meter's folder or an altered one. */
  customerOf(meter = this.meter): string[] {
    return [meter, "--key", this.key, "--authority", this.authority];
  }

  /** The tariff and the days of the bill. */
  terms(from = "2026-01-02", to = "2026-01-03"): string[] {
    return ["--tariff", this.tariff, "--from", from, "--to", to];
  }

  supplierOf(bill = this.bill): string[] {
    return [bill, "--tariff", this.tariff, "--authority", this.authority];
  }

  /** A copy of the meter's folder for `alter` to spoil. */
  altered(name: string, alter: (meter: string) => void): string {
    const copy = this.path(name);
    cpSync(this.meter, copy, { recursive: true });
    alter(copy);
    return copy;
  }

  remove(): void {
    rmSync(this.root, { recursive: true, force: true });
  }
}

export const EXAMPLE_TARIFF = "docs/examples/time-of-use.json";
