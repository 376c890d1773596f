import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { EXAMPLE_TARIFF, ok, run, Scene } from "./run.js";

const scene = new Scene();
const ledger = scene.path("answers.json");
const out = scene.path("made.cbor");

/** One half hour of the billed day costs what no other does. */
const odd = scene.path("odd.cbor");

beforeAll(async () => {
  await scene.build();
  const source = JSON.parse(readFileSync(EXAMPLE_TARIFF, "utf8"));
  const [policy] = Object.values<{ bands: unknown[] }>(source.energy);
  policy?.bands.unshift({ hours: ["12:00-12:30"], rate: "0.31" });
  writeFileSync(scene.path("odd.json"), JSON.stringify(source));
  const supplierKey = join(scene.home, "supplier.key");
  await ok("tariff", "sign", scene.path("odd.json"), "--key", supplierKey, "--out", odd);
});
afterAll(() => scene.remove());
beforeEach(() => {
  for (const path of [ledger, out]) rmSync(path, { force: true });
});

const bill = (tariff: string, ...more: string[]) => {
  const period = ["--from", "2026-01-02", "--to", "2026-01-03"];
  return run("bill", ...scene.customerOf(), "--tariff", tariff, ...period, "--out", out, ...more);
};

describe("a bill that gives a reading away", () => {
  it("is made with a warning where no ledger is kept", async () => {
    const { code, out: said } = await bill(odd);
    expect(code).toBe(0);
    expect(said).toMatch(/warning: the bill gives the reading of channel 0 at 2026-01-02T11:00:00Z away: /);
    const { disclosure } = JSON.parse((await bill(odd, "--json")).out);
    expect(disclosure).toMatchObject({ pinned: 1, pinnedTogether: 1 });
  });

  it("is refused by the ledger, and neither made nor recorded", async () => {
    const { code, out: said, err } = await bill(odd, "--ledger", ledger);
    expect([code, said]).toEqual([1, ""]);
    expect(err).toMatch(
      /^refused: the bill gives the reading of channel 0 at 2026-01-02T11:00:00Z away: .+\n$/,
    );
    expect([existsSync(out), existsSync(ledger)]).toEqual([false, false]);
  });

  it("is made and recorded for a customer who confirms", async () => {
    expect((await bill(odd, "--ledger", ledger, "--confirm")).code).toBe(0);
    expect(JSON.parse(readFileSync(ledger, "utf8")).answers.length).toBe(1);
    expect((await bill(odd, "--ledger", ledger)).code).toBe(0);
  });

  it("is refused after another bill of the day, whoever got that", async () => {
    expect((await bill(scene.tariff, "--ledger", ledger, "--asker", "grid operator")).code).toBe(0);
    expect(statSync(ledger).mode & 0o077).toBe(0);
    expect((await bill(odd, "--ledger", ledger)).code).toBe(1);
  });

  it("cannot be confirmed to nobody", async () => {
    const { code, err } = await bill(odd, "--confirm");
    expect([code, err]).toEqual([2, "error: --confirm needs a --ledger\n"]);
  });
});

describe("a ledger file", () => {
  it.each([
    ["that is no JSON", "{", "not JSON"],
    ["that holds something else", "[]", "stored disclosure ledger: it is no object"],
    [
      "of another meter",
      '{"version":1,"meterId":"SM-0002","epoch":0,"intervalSeconds":1800,"channels":2,"answers":[]}',
      "stored disclosure ledger: it is of SM-0002, epoch 0, instead of SM-0001, epoch 0",
    ],
  ])("%s is bad input, and left as it is", async (_, content, what) => {
    writeFileSync(ledger, content);
    const { code, err } = await bill(scene.tariff, "--ledger", ledger);
    expect(code).toBe(2);
    expect(err).toContain(`${ledger}: ${what}`);
    expect([readFileSync(ledger, "utf8"), existsSync(out)]).toEqual([content, false]);
  });

  it("remembers a disclosed reading, once", async () => {
    const disclose = (interval: number) =>
      run(
        "disclose",
        ...scene.customerOf(),
        "--interval",
        `${interval}`,
        "--channel",
        "0",
        "--out",
        out,
        "--ledger",
        ledger,
      );
    const { readings } = JSON.parse(await ok("readings", ...scene.customerOf(), "--json"));
    const { interval } = readings[5];
    expect((await disclose(interval)).code).toBe(0);
    expect((await disclose(interval)).code).toBe(0);
    expect(JSON.parse(readFileSync(ledger, "utf8")).answers).toMatchObject([
      { kind: "reading", asker: "supplier" },
    ]);
  });
});
