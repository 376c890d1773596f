import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { EXAMPLE_TARIFF, ok, run, Scene } from "./run.js";

const scene = new Scene();
const other = new Scene();

beforeAll(async () => {
  await scene.build();
  // The same keys, since they follow from the seed, and another history: the meter's flash was rolled back.
  const trace = other.path("trace.csv");
  const rows = Array.from({ length: 144 }, (_, at) => {
    return `${new Date(Date.UTC(2025, 11, 31, 23, 30 * at)).toISOString().replace(".000", "")},0.5,0`;
  });
  writeFileSync(trace, ["timestamp,import_kWh,export_kWh", ...rows, ""].join("\n"));
  await other.build("--trace", trace);
});
afterAll(() => {
  scene.remove();
  other.remove();
});

const batch = (meter: string, number: number) =>
  join(meter, "batches", `${number}`.padStart(6, "0").concat(".cbor"));
const flip = (path: string, at: number) => {
  const bytes = readFileSync(path);
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  writeFileSync(path, bytes);
};

describe("a meter's folder that was altered is never taken for the meter's", () => {
  it.each<[string, (meter: string) => void, number, string]>([
    ["a truncated batch", (meter) => truncateSync(batch(meter, 1), 100), 2, "batches/000001.cbor: batch-1: "],
    ["an empty batch", (meter) => truncateSync(batch(meter, 1), 0), 2, "batches/000001.cbor: batch-1: "],
    ["a missing batch", (meter) => rmSync(batch(meter, 1)), 1, "batch 1 of SM-0001 is missing"],
    [
      "a batch flipped in its signature",
      (meter) => flip(batch(meter, 1), 220),
      1,
      "signature does not verify",
    ],
    ["a folder for a batch", (meter) => folderAt(batch(meter, 1)), 2, "batches/000001.cbor: is a folder"],
    [
      "too long a batch",
      (meter) => writeFileSync(batch(meter, 1), "x".repeat(5000)),
      2,
      "longer than the 4096",
    ],
    [
      "no batches folder",
      (meter) => rmSync(join(meter, "batches"), { recursive: true }),
      2,
      "batches: is no folder",
    ],
    [
      "a flipped reading",
      (meter) => flip(join(meter, "readings.cbor"), 20),
      1,
      "are not those that the meter has sealed",
    ],
    [
      "events for readings",
      (meter) => copyFileSync(join(meter, "events.cbor"), join(meter, "readings.cbor")),
      2,
      "readings.cbor: readings: ",
    ],
    [
      "truncated readings",
      (meter) => truncateSync(join(meter, "readings.cbor"), 1000),
      2,
      "readings.cbor: readings: ",
    ],
    ["no readings", (meter) => truncateSync(join(meter, "readings.cbor"), 0), 1, "reading of interval"],
    [
      "no events",
      (meter) => truncateSync(join(meter, "events.cbor"), 0),
      1,
      "seals events that are not the 0 given",
    ],
    ["events cut short", (meter) => truncateSync(join(meter, "events.cbor"), 10), 2, "events.cbor: events: "],
    ["no pairing", (meter) => rmSync(join(meter, "pairing-00000.cbor")), 1, "no pairing of epoch 0"],
    [
      "a truncated pairing",
      (meter) => truncateSync(join(meter, "pairing-00000.cbor"), 50),
      2,
      "pairing-00000.cbor: ",
    ],
    [
      "a truncated certificate",
      (meter) => truncateSync(join(meter, "certificate.cbor"), 99),
      2,
      "certificate.cbor: ",
    ],
    ["a flipped certificate", (meter) => flip(join(meter, "certificate.cbor"), 250), 1, "certificate.cbor: "],
    [
      "no certificate",
      (meter) => rmSync(join(meter, "certificate.cbor")),
      2,
      "certificate.cbor: cannot be read (ENOENT)",
    ],
    [
      "readings of another history",
      (meter) => copyFileSync(join(other.meter, "readings.cbor"), join(meter, "readings.cbor")),
      1,
      "are not those that the meter has sealed",
    ],
    [
      "a batch of another history",
      (meter) => copyFileSync(batch(other.meter, 1), batch(meter, 1)),
      1,
      "does not follow batch",
    ],
    [
      "both batches of a number",
      (meter) => copyFileSync(batch(other.meter, 1), batch(meter, 7)),
      1,
      "two different batches 1 are signed",
    ],
  ])("%s", async (name, alter, code, what) => {
    const meter = scene.altered(name.replaceAll(" ", "-"), alter);
    const outcome = await run("check", ...scene.customerOf(meter));
    expect(outcome.err).toContain(what);
    expect([outcome.code, outcome.out]).toEqual([code, ""]);
    expect(outcome.err).toMatch(code === 1 ? /^refused: [^\n]+\n$/ : /^error: [^\n]+\n$/);
  });

  const folderAt = (path: string) => {
    rmSync(path);
    mkdirSync(path);
  };

  it("whatever its files are called, for their content says what they are", async () => {
    const meter = scene.altered("renamed", (copy) => {
      renameSync(batch(copy, 0), batch(copy, 9));
      renameSync(batch(copy, 1), batch(copy, 0));
    });
    expect(await ok("check", ...scene.customerOf(meter))).toBe(await ok("check", ...scene.customerOf()));
  });
});

describe("keys that are not the right ones", () => {
  const keyFile = (change: Record<string, unknown>) => {
    const path = scene.path("key.json");
    writeFileSync(path, JSON.stringify({ ...JSON.parse(readFileSync(scene.key, "utf8")), ...change }));
    return path;
  };

  it.each<[string, () => string, number, string]>([
    [
      "of another meter",
      () => keyFile({ meterId: "SM-0002" }),
      1,
      "certificate of SM-0001 instead of SM-0002",
    ],
    ["of another epoch", () => keyFile({ epoch: 1 }), 1, "no pairing of epoch 1"],
    ["with another K", () => keyFile({ K: "00".repeat(32) }), 1, "K"],
    ["with another K alone", () => keyFile({ K: "00".repeat(32), U: undefined, u: undefined }), 1, "sealed"],
    ["with another U", () => keyFile({ U: "00".repeat(32) }), 1, "U"],
    ["with a short K", () => keyFile({ K: "00" }), 2, '"K" is not 32 bytes in lower-case hex'],
    ["with an epoch in words", () => keyFile({ epoch: "0" }), 2, '"epoch" is no number from 0 to 65535'],
    ["with a path for a meter", () => keyFile({ meterId: "../x" }), 2, '"meterId" is no meter id'],
    ["that are not JSON", () => scene.authority, 2, "authority.pub: not JSON"],
    ["that are bytes", () => scene.bill, 2, "bill.cbor: not JSON"],
    ["that are a folder", () => scene.home, 2, "is a folder, not a file"],
    ["that are not there", () => scene.path("none"), 2, "cannot be read (ENOENT)"],
  ])("%s", async (_, key, code, what) => {
    const outcome = await run("check", scene.meter, "--key", key(), "--authority", scene.authority);
    expect([outcome.code, outcome.out]).toEqual([code, ""]);
    expect(outcome.err).toContain(what);
  });

  it("of an authority that did not certify the meter", async () => {
    const supplier = join(scene.home, "supplier.pub");
    for (const [command, ...args] of [
      ["check", scene.meter, "--key", scene.key],
      ["verify-bill", scene.bill, "--tariff", scene.tariff],
    ]) {
      const { code, err } = await run(command ?? "", ...args, "--authority", supplier);
      expect([code, err]).toEqual([1, expect.stringMatching(/certificate-1: signed by another key/)]);
    }
  });

  it("of an authority in upper-case hex are bad input", async () => {
    const upper = scene.path("upper.pub");
    writeFileSync(upper, readFileSync(scene.authority, "utf8").toUpperCase());
    const { code, err } = await run("check", scene.meter, "--key", scene.key, "--authority", upper);
    expect([code, err]).toEqual([2, `error: ${upper}: not 32 bytes in lower-case hex\n`]);
  });

  it.skipIf(process.getuid?.() === 0)("that may not be read are bad input (root may read all)", async () => {
    const locked = scene.path("locked.json");
    copyFileSync(scene.key, locked);
    chmodSync(locked, 0);
    const { code, err } = await run("check", scene.meter, "--key", locked, "--authority", scene.authority);
    expect([code, err]).toEqual([2, `error: ${locked}: cannot be read (EACCES)\n`]);
  });
});

describe("one reading", () => {
  const disclose = (...more: string[]) =>
    run("disclose", ...scene.customerOf(), "--out", scene.reading, ...more);
  const firstInterval = async () => {
    const { readings } = JSON.parse(await ok("readings", ...scene.customerOf(), "--json"));
    return readings[5].interval as number;
  };

  it("is opened and verified with the authority's key alone, and is what the customer reads", async () => {
    const interval = await firstInterval();
    expect((await disclose("--interval", `${interval}`, "--channel", "0")).code).toBe(0);
    const verified = JSON.parse(
      await ok("verify-reading", scene.reading, "--authority", scene.authority, "--json"),
    );
    const csv = (await ok("readings", ...scene.customerOf(), "--csv")).split("\n");
    const row = csv.find((line) => line.split(",")[1] === `${interval}`)?.split(",");
    expect(verified).toMatchObject({ interval, obis: "1-0:1.8.0", reading: Number(row?.[4]) });
  });

  it("with any byte flipped, cut or added is refused", async () => {
    const interval = await firstInterval();
    await disclose("--interval", `${interval}`, "--channel", "1");
    const bytes = readFileSync(scene.reading);
    const forged = scene.path("forged-reading.cbor");
    const spoilt = Array.from({ length: 60 }, (_, at) => {
      const copy = Buffer.from(bytes);
      const place = Math.floor((at * bytes.length) / 60);
      copy[place] = (copy[place] ?? 0) ^ (1 << (at % 8));
      return copy;
    });
    for (const content of [
      ...spoilt,
      bytes.subarray(0, -1),
      Buffer.concat([bytes, Buffer.of(0)]),
      Buffer.of(),
    ]) {
      writeFileSync(forged, content);
      const { code, out, err } = await run("verify-reading", forged, "--authority", scene.authority);
      expect([1, 2]).toContain(code);
      expect([out, err]).toEqual([
        "",
        expect.stringMatching(/^(refused|error): .*forged-reading\.cbor: [^\n]+\n$/),
      ]);
    }
  });

  it.each([
    ["that is not there", ["--interval", "1", "--channel", "0"], "--interval 1: is in no sealed batch"],
    [
      "of a channel that is not there",
      ["--interval", "", "--channel", "2"],
      "--channel 2: the meter has 2 channels",
    ],
  ])("%s is bad use", async (_, args, what) => {
    const interval = `${await firstInterval()}`;
    const { code, err } = await disclose(...args.map((arg) => arg || interval));
    expect([code, err]).toEqual([2, `error: ${what}\n`]);
  });
});

describe("a bill", () => {
  const bill = (tariff: string, from: string, to: string, out = scene.path("made.cbor")) =>
    run("bill", ...scene.customerOf(), "--tariff", tariff, "--from", from, "--to", to, "--out", out);

  it("of days that the meter does not cover is refused, naming the first interval that is missing", async () => {
    const out = scene.path("uncovered.cbor");
    // The household's days are local, an hour ahead of UTC; the last of the three is 3 January.
    const { code, err } = await bill(scene.tariff, "2026-01-02", "2026-01-05", out);
    expect(code).toBe(1);
    expect(err).toMatch(
      /^refused: interval \d+ \(2026-01-0[34]T[\d:]+Z\) is in no batch, nor between two of them\n$/,
    );
    expect(existsSync(out)).toBe(false);
  });

  it("that begins before the meter's first batch is refused at its own beginning", async () => {
    const late = scene.path("late");
    const args = ["--out", late, "--days", "2", "--from", "2026-01-03", "--utc-offset", "1"];
    await ok("simulate", ...args);
    const customer = ["--key", join(late, "customer", "SM-0001.json"), "--out", scene.path("late.cbor")];
    const { code, err } = await run(
      "bill",
      join(late, "SM-0001"),
      ...customer,
      ...scene.terms("2026-01-01", "2026-01-04"),
    );
    expect([code, err]).toEqual([
      1,
      "refused: interval 981790 (2025-12-31T23:00:00Z) is in no batch, nor between two of them\n",
    ]);
  });

  it.each([
    ["2026-01-03", "2026-01-02"],
    ["2026-01-02", "2026-01-02"],
  ])("from %s to %s is bad use", async (from, to) => {
    const { code, err } = await bill(scene.tariff, from, to);
    expect([code, err]).toEqual([2, `error: --from ${from} is not before --to ${to}\n`]);
  });

  it("of days outside the tariff's validity is bad use", async () => {
    const { code, err } = await bill(scene.tariff, "2035-01-01", "2035-01-02");
    expect(code).toBe(2);
    expect(err).toMatch(/outside the tariff's validity/);
  });

  it("whose file cannot be written leaves nothing, and an earlier file is replaced whole", async () => {
    for (const out of [scene.home, join(scene.bill, "x"), "/dev/null"]) {
      const { code, err } = await bill(scene.tariff, "2026-01-02", "2026-01-03", out);
      expect(code).toBe(2);
      expect(err).toMatch(/^error: [^\n]+\n$/);
    }
    const before = readFileSync(scene.bill);
    const again = scene.path("again.cbor");
    writeFileSync(again, "x".repeat(100_000));
    expect((await bill(scene.tariff, "2026-01-02", "2026-01-03", again)).code).toBe(0);
    expect(Buffer.compare(readFileSync(again), before)).toBe(0);
  });

  it.each([
    "currency",
    "name",
    "standingPerDay",
  ])("is not verified under a tariff of another %s", async (field) => {
    const source = JSON.parse(readFileSync(EXAMPLE_TARIFF, "utf8"));
    source[field] = { currency: "CHF", name: "another", standingPerDay: "0.0001" }[field];
    const [json, signed] = [scene.path("other.json"), scene.path("other.cbor")];
    writeFileSync(json, JSON.stringify(source));
    await ok("tariff", "sign", json, "--key", join(scene.home, "supplier.key"), "--out", signed);
    const { code, out, err } = await run(
      "verify-bill",
      scene.bill,
      "--tariff",
      signed,
      "--authority",
      scene.authority,
    );
    expect([code, out, err]).toEqual([1, "", `refused: ${scene.bill}: the bill is for another tariff\n`]);
  });

  describe("under a tariff with a charge", () => {
    const charged = scene.path("charged.cbor");
    const general = scene.path("general/bill.cbor");
    const supplierOf = (tariff: string) => [general, "--tariff", tariff, "--authority", scene.authority];
    const sign = (json: string) =>
      ok("tariff", "sign", json, "--key", join(scene.home, "supplier.key"), "--out", charged);

    it("is general, and verified by the same commands", async () => {
      await sign("docs/examples/congestion.json");
      mkdirSync(scene.path("general"));
      const made = await bill(charged, "2026-01-02", "2026-01-03", general);
      expect([made.code, made.err]).toEqual([0, ""]);
      expect(made.out).toMatch(/^proving; this takes seconds/);
      const total = /total +([\d.]+ EUR)/.exec(made.out)?.[1];
      expect(await ok("verify-bill", ...supplierOf(charged))).toContain(`${total}`);
      const folder = [
        "verify-bills",
        scene.path("general"),
        "--tariff",
        charged,
        "--authority",
        scene.authority,
      ];
      expect((await run(...folder, "--jobs", "1")).code).toBe(0);
    });

    it("is not verified under one without, nor a linear one under it", async () => {
      const under = await run("verify-bill", ...supplierOf(scene.tariff));
      expect([under.code, under.out]).toEqual([1, ""]);
      const linear = await run(
        "verify-bill",
        scene.bill,
        "--tariff",
        charged,
        "--authority",
        scene.authority,
      );
      expect([linear.code, linear.out]).toEqual([1, ""]);
      expect(linear.err).toMatch(/^refused: .*: the bill is linear, and the tariff has a charge/);
    });

    it("names the first interval with more than can be billed", async () => {
      const source = readFileSync("docs/examples/rate-by-reading.json", "utf8");
      const json = scene.path("narrow.json");
      writeFileSync(
        json,
        source.replace(/"ranges": \[[^\]]*\]/, '"ranges": [{"below": "0.001", "rate": "1"}]'),
      );
      await sign(json);
      const { code, err } = await bill(charged, "2026-01-02", "2026-01-03");
      expect([code, err]).toEqual([
        1,
        "refused: interval 981838 (2026-01-01T23:00:00Z): the reading of 1-0:1.8.0 is not below 1 Wh, the end of what the tariff can bill\n",
      ]);
    });
  });

  it("is not verified under a tariff that another supplier signed, if the supplier's key is given", async () => {
    const right = join(scene.home, "supplier.pub");
    await ok("verify-bill", ...scene.supplierOf(), "--supplier", right);
    const { code, err } = await run("verify-bill", ...scene.supplierOf(), "--supplier", scene.authority);
    expect([code, err]).toEqual([1, `refused: ${scene.tariff}: tariff-1: signed by another key\n`]);
  });

  it("with bytes flipped anywhere is never accepted and never a crash", async () => {
    const bytes = readFileSync(scene.bill);
    const forged = scene.path("forged.cbor");
    const codes = new Set<number>();
    // The beginning and the end whole, where lengths, lines and signatures are, and every so often between.
    const places = Array.from({ length: bytes.length }, (_, at) => at).filter(
      (at) => at < 60 || at > bytes.length - 140 || at % 37 === 0,
    );
    for (const [turn, place] of places.entries()) {
      const copy = Buffer.from(bytes);
      copy[place] = (copy[place] ?? 0) ^ (1 << (turn % 8));
      writeFileSync(forged, copy);
      const { code, out, err } = await run("verify-bill", ...scene.supplierOf(forged));
      codes.add(code);
      expect([place, out]).toEqual([place, ""]);
      expect(err).toMatch(/^(refused|error): .*forged\.cbor: [^\n]+\n$/);
    }
    expect(places.length).toBeGreaterThan(300);
    expect([...codes].sort()).toEqual([1, 2]);
  });

  it("that is something else is bad input", async () => {
    for (const file of [scene.tariff, scene.authority, scene.home, scene.path("none"), "/dev/zero"]) {
      const { code, err } = await run("verify-bill", ...scene.supplierOf(file));
      expect([code, err]).toEqual([2, expect.stringMatching(/^error: [^\n]+\n$/)]);
    }
  });
});

describe("the supplier's memory of batches", () => {
  const seen = scene.path("seen.json");
  const verify = (bill: string) => run("verify-bill", ...scene.supplierOf(bill), "--seen", seen);

  it("lets a bill be shown again, and refuses a fork for good, both branches of it", async () => {
    expect((await verify(scene.bill)).code).toBe(0);
    expect((await verify(scene.bill)).code).toBe(0);
    const forked = await verify(other.bill);
    expect([forked.code, forked.out]).toEqual([1, ""]);
    expect(forked.err).toMatch(/SM-0001: two different batches \d are signed\n$/);
    const { conflicts } = JSON.parse(readFileSync(seen, "utf8"));
    expect(conflicts).toEqual(
      expect.arrayContaining([["SM-0001", expect.any(Number), expect.stringContaining("two different")]]),
    );
    const honest = await verify(scene.bill);
    expect([honest.code, honest.err]).toEqual([1, expect.stringContaining("two different batches")]);
  });

  it("without which the fork alone looks right: each branch is signed", async () => {
    await ok("verify-bill", ...scene.supplierOf(other.bill));
  });

  it.each([
    ["not JSON", "{", "not JSON"],
    ["of another shape", "[]", "stored ledger: "],
    ["with a broken row", '{"batches":[["SM-0001",0]],"conflicts":[]}', "stored ledger: "],
  ])("is bad input if it is %s, and stays as it is", async (_, content, what) => {
    const broken = scene.path("broken.json");
    writeFileSync(broken, content);
    const { code, err } = await run("verify-bill", ...scene.supplierOf(), "--seen", broken);
    expect([code, err]).toEqual([2, expect.stringContaining(`${broken}: ${what}`)]);
    expect(readFileSync(broken, "utf8")).toBe(content);
  });
});

describe("a tariff", () => {
  const sign = (json: string) =>
    run(
      "tariff",
      "sign",
      json,
      "--key",
      join(scene.home, "supplier.key"),
      "--out",
      scene.path("signed.cbor"),
    );

  it.each([
    "docs/examples/time-of-use.json",
    "docs/examples/dynamic.json",
    "docs/examples/saving-rebate.json",
  ])("of %s is signed", async (file) => {
    expect((await sign(file)).code).toBe(0);
  });

  it.each([
    ["{", "JSON"],
    ["[]", "object"],
    ['{"name":"x"}', "field"],
    [`{"name":${"[".repeat(50_000)}${"]".repeat(50_000)}}`, ""],
    [readFileSync(EXAMPLE_TARIFF, "utf8").replace('"EUR"', '"euro"'), "currency"],
  ])("that is wrong names its file and the field, number %#", async (content, what) => {
    const json = scene.path("wrong.json");
    writeFileSync(json, content);
    const { code, err } = await sign(json);
    expect([code, err]).toEqual([2, expect.stringMatching(/^error: [^\n]+\n$/)]);
    expect(err).toContain(`${json}: `);
    expect(err).toContain(what);
  });
});
