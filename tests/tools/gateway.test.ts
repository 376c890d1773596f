// A home gateway end to end: a simulated meter's local stream at a port of this computer, and the command at it. The
// meter's day is over before the command begins, but for what a test lets happen meanwhile.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { householdTrace } from "../../host-sim/household.js";
import { LocalPortServer, localStreamOf } from "../../host-sim/local-port.js";
import { createWorld, customerOf, recordOf, runUntil, type World } from "../../host-sim/simulation.js";
import { Gateway } from "../../src/customer/gateway.js";
import { encodeMessage, frame, pairingRequest } from "../../src/meter/local-frames.js";
import type { LocalStream } from "../../src/meter/local-stream.js";
import { verifyCertificate } from "../../src/proofs/certificate.js";
import { FormatError } from "../../src/trusted/encoding/bytes.js";
import { encodeCustomer } from "../../tools/meter-directory.js";
import { ok, run } from "./run.js";

const METER_ID = "SM-0001";
const START_S = 1_767_225_600;
const HOUR_S = 3600;
const RUN_S = 25 * HOUR_S;

const root = mkdtempSync(join(tmpdir(), "sealmeter-gateway-"));
const file = (name: string) => join(root, name);
const trace = householdTrace({ seed: 3, start_s: START_S, days: 2, step_s: 900, utcOffset_h: 1 });
const options = { trace, meterId: METER_ID, seed: 3, intervalSeconds: 1800 };

let world: World;
let stream: LocalStream;
let server: LocalPortServer;
let pump: NodeJS.Timeout;
let uptime_ms = 0;

beforeAll(async () => {
  world = createWorld(options);
  stream = localStreamOf({ device: world.device, uplink: world.uplink, meterId: METER_ID });
  runUntil(world, options, START_S + RUN_S);
  server = await LocalPortServer.listen(stream, 0);
  pump = setInterval(() => {
    uptime_ms += 1_000;
    server.step(uptime_ms);
  }, 20);
  writeFileSync(file("certificate.cbor"), world.enrolment.certificate);
  writeFileSync(file("authority.pub"), Buffer.from(world.parties.authority.publicKey).toString("hex"));
  writeFileSync(file("key.json"), encodeCustomer(customerOf(world)));
});

afterAll(async () => {
  clearInterval(pump);
  await server.close();
  rmSync(root, { recursive: true });
});

const at = () => `127.0.0.1:${server.port}`;
const trusted = () => ["--certificate", file("certificate.cbor"), "--authority", file("authority.pub")];
const gateway = (...words: string[]) => run("gateway", at(), ...trusted(), ...words);

describe("sealmeter gateway", () => {
  it("shows every reading, says that the day is sealed, and keeps what the customer's check accepts", async () => {
    const words = ["--key", file("key.json"), "--out", file("kept"), "--for", "2"];
    const { code, out } = await gateway(...words);
    expect(code).toBe(0);
    const lines = out.split("\n");
    expect(lines[0]).toBe(`${METER_ID}: connected, 0 messages wait`);
    expect(lines.filter((line) => / kWh/.test(line)).length).toBe(49);
    expect(out).toContain("batch 0: 48 intervals are as the meter has sealed them");
    expect(out).not.toContain("unproved");
    // It goes on with what is there.
    const result = JSON.parse((await gateway(...words, "--json")).out);
    expect([result.readings.length, result.sealedBatches, result.unproved]).toEqual([49, [0], []]);
    const authority = ["--authority", file("authority.pub"), "--json"];
    const checked = await ok("check", join(file("kept"), METER_ID), "--key", file("key.json"), ...authority);
    expect(JSON.parse(checked)).toMatchObject({ batches: 1, intervals: 48, provisionalIntervals: 1 });
  });

  it("is bad use with another meter's key, without a meter, or at no address", async () => {
    writeFileSync(file("other.json"), encodeCustomer({ ...customerOf(world), meterId: "SM-0002" }));
    expect((await gateway("--key", file("other.json"), "--for", "1")).code).toBe(2);
    expect((await run("gateway", "127.0.0.1:1", ...trusted(), "--key", file("key.json"))).err).toContain(
      "no connection",
    );
    expect((await run("gateway", "127.0.0.1:0", ...trusted(), "--key", file("key.json"))).err).toContain(
      "HOST:PORT",
    );
  });
});

describe("sealmeter gateway --pair", () => {
  it("pairs a new key with the meter's button, and the key opens what follows", async () => {
    const key = file("new.json");
    const paired = gateway("--pair", "--key", key, "--for", "30", "--json");
    // The first press must come before the request: it is sent with the connection.
    world.device.button.press();
    world.device.run();
    for (let waited = 0; waited < 200 && !world.device.display().join().includes("pair with"); waited++)
      await new Promise((resolve) => setTimeout(resolve, 20));
    const { U } = JSON.parse(readFileSync(key, "utf8"));
    expect(JSON.parse(readFileSync(key, "utf8")).K).toBeUndefined();
    world.device.button.press();
    runUntil(world, options, START_S + RUN_S + 2 * HOUR_S);
    const { code, out } = await paired;
    expect(code).toBe(0);
    const { epoch, shown } = JSON.parse(out);
    expect([epoch, shown]).toEqual([1, expect.stringMatching(/^[0-9a-f]{16}$/)]);
    expect(JSON.parse(readFileSync(key, "utf8"))).toMatchObject({ meterId: METER_ID, epoch: 1, U });
    const heard = JSON.parse((await gateway("--key", key, "--for", "2", "--json")).out);
    expect([heard.readings.length, heard.unproved]).toEqual([2, []]);
    expect((await gateway("--pair", "--key", key)).err).toContain("is paired already");
  });

  it("is refused by a meter whose button nobody presses, and keeps the key for the next time", async () => {
    const key = file("early.json");
    const { code, err } = await gateway("--pair", "--key", key, "--for", "1");
    expect([code, err]).toEqual([1, expect.stringContaining("has not paired within 1 s")]);
    const before = readFileSync(key, "utf8");
    await gateway("--pair", "--key", key, "--for", "1");
    expect(readFileSync(key, "utf8")).toBe(before);
  });
});

describe("the port", () => {
  it("ends whoever sends anything but a request, and keeps a third one out", async () => {
    const open = () =>
      new Promise<{ socket: ReturnType<typeof connect>; ended: Promise<void> }>((resolve) => {
        const socket = connect(server.port, "127.0.0.1", () => resolve({ socket, ended }));
        const ended = new Promise<void>((end) => socket.on("close", () => end()).on("error", () => {}));
        socket.resume();
      });
    const [first, second] = [await open(), await open()];
    const third = await open();
    await third.ended;
    first.socket.write(frame(Uint8Array.of(0x82, 3, 0x41, 0)));
    await first.ended;
    second.socket.destroy();
    await second.ended;
    const fourth = await open();
    fourth.socket.destroy();
    await fourth.ended;
    expect(stream.refused).toBe(2);
  });
});

describe("a gateway", () => {
  const fresh = () => {
    const certificate = verifyCertificate(world.enrolment.certificate, world.parties.authority.publicKey);
    return new Gateway({ certificate, revocation: null }, customerOf(world));
  };
  const message = (kind: number, bytes: Uint8Array) => frame(encodeMessage(kind, bytes));
  const readings = () => world.headEnd.messages("reading");
  const batch = () => recordOf(world).batches[0] ?? new Uint8Array(0);

  it("says that a batch is unproved while a reading of it is missing or another, and seals it when it comes", () => {
    const one = fresh();
    const [first = new Uint8Array(0), ...rest] = readings().slice(0, 48);
    for (const bytes of rest) one.hear(message(1, bytes));
    expect(one.hear(message(3, batch()))).toMatchObject([{ kind: "unproved" }]);
    const spoiled = first.slice();
    spoiled[spoiled.length - 1] = (spoiled.at(-1) ?? 0) ^ 1;
    expect(one.hear(message(1, spoiled)).map(({ kind }) => kind)).toEqual(["reading", "unproved"]);
    expect(one.hear(message(1, first)).map(({ kind }) => kind)).toEqual(["reading", "sealed"]);
  });

  it("believes no batch or pairing that its meter has not signed", () => {
    const one = fresh();
    const pairing = recordOf(world).pairings[0] ?? new Uint8Array(0);
    for (const [kind, bytes] of [
      [3, batch()],
      [5, pairing],
    ] as const) {
      const forged = bytes.slice();
      forged[forged.length - 1] = (forged.at(-1) ?? 0) ^ 1;
      expect(one.hear(message(kind, forged))).toMatchObject([{ kind: "unproved" }]);
    }
    expect(one.record(world.enrolment.certificate)).toMatchObject({ batches: [], pairings: [] });
  });

  it("throws at what no meter sends, and passes over kinds that it does not know", () => {
    expect(() => fresh().hear(message(1, Uint8Array.of(1)))).toThrow(FormatError);
    expect(() => fresh().hear(pairingRequest(new Uint8Array(32)))).toThrow(FormatError);
    expect(fresh().hear(message(6, Uint8Array.of(1)))).toEqual([]);
  });
});
