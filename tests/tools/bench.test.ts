// A board between commands: what it keeps over power cuts, what it makes of what is no command, and what the
// command line refuses to do with it.
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Bench } from "../../host-sim/bench.js";
import { FLASH_SECTORS } from "../../host-sim/simulation.js";
import { decodeBoard, encodeBoard, type StoredBoard } from "../../host-sim/stored-board.js";
import { decodeEvents } from "../../src/customer/messages.js";
import { SECTOR_BYTES } from "../../src/trusted/ports.js";
import { openBench, storeBench } from "../../tools/bench-directory.js";
import { UsageError } from "../../tools/command-line.js";
import { BenchScene } from "./bench-scene.js";
import { ok, run } from "./run.js";

const scene = new BenchScene();
const stranger = new BenchScene();
const junk = scene.path("junk");

beforeAll(async () => {
  await Promise.all([scene.build("--seed", "5"), stranger.build("--seed", "6")]);
  writeFileSync(junk, "no command");
});
afterAll(() => {
  scene.remove();
  stranger.remove();
});

const boardOf = (folder: string) => decodeBoard(Uint8Array.from(readFileSync(join(folder, "board.cbor"))));
const eventsOf = (folder: string) =>
  decodeEvents(Uint8Array.from(readFileSync(join(folder, "SM-0001", "events.cbor"))));
const everyFile = (folder: string) =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name)).toString("base64"));

describe("a board that is sent", () => {
  it("what is no document says nothing of it and lives on", async () => {
    const { code, said, err } = await scene.send(scene.board(), junk);
    expect([code, said.outcome, said.sent.events]).toEqual([1, "unanswered", []]);
    expect(err).toBe(
      `refused: ${junk}: the meter says nothing of it: signed by no key that it knows, or too many today\n`,
    );
    expect(said.display).toContain("1 messages refused");
  });

  it("a command under a stranger's key says nothing of it", async () => {
    const command = await stranger.sign("register-statement", { by: "supplier", counter: 1 });
    const { code, said } = await scene.send(scene.board(), command);
    expect([code, said.outcome]).toEqual([1, "unanswered"]);
  });

  it("an answer about the time that it has not asked for refuses it, and keeps its time", async () => {
    const words = `time ${"0f".repeat(16)} 2026-03-01T00:00:00Z`;
    const { code, said } = await scene.order(scene.board(), words, { by: "network", counter: 0 });
    expect([code, said.outcome]).toEqual([1, "refused"]);
    expect(said.display.join(" ")).toContain("2026-01-01T00:00:");
  });

  it("nothing longer than a network carries", async () => {
    const long = scene.path("long");
    writeFileSync(long, new Uint8Array(4097));
    const { code, err } = await run("command", "send", scene.board(), long);
    expect([code, err]).toEqual([2, `error: ${long}: longer than the 4096 bytes that are read\n`]);
  });

  it("something in words for people says what it did and shows", async () => {
    const { code, out } = await run("command", "send", scene.board(), junk);
    expect(code).toBe(1);
    expect(out).toMatch(/^unanswered\nit sent nothing\nit shows\n {2}SM-0001\n {2}software [0-9a-f]{16}\n/);
  });
});

describe("a stored board", () => {
  it("goes on where it was: its time, its registers and its events, each of them once", async () => {
    const board = scene.board();
    const { said } = await scene.send(board, junk, "--advance", "86400");
    expect(said.time > "2026-01-02T00:00:00Z").toBe(true);
    const again = await scene.send(board, junk);
    expect(again.said.time > said.time).toBe(true);
    const [before, after] = [said, again.said].map(
      ({ display }) => display.find((line) => line.includes("kWh")) ?? "",
    );
    expect(before).toMatch(/^1-0:1\.8\.0 00001[12]\.\d{3} kWh$/);
    expect((after ?? "") >= (before ?? "")).toBe(true);
    const sequences = eventsOf(board).map(({ message }) => message.sequence);
    expect(sequences).toEqual(sequences.map((_, at) => at));
    expect(boardOf(board).powerUps).toBe(2);
  });

  it("seals its days, and the customer checks them to the last Wh", async () => {
    const board = scene.board();
    await scene.send(board, junk, "--advance", `${2 * 86_400}`);
    const key = join(board, "customer", "SM-0001.json");
    const trust = ["--key", key, "--authority", join(board, "authority.pub"), "--json"];
    const checked = JSON.parse(await ok("check", join(board, "SM-0001"), ...trust));
    expect(JSON.stringify(checked)).toContain("24000");
  });

  it("asks for the time with another nonce after each power-up", async () => {
    const board = scene.board();
    const nonces = new Set<string>();
    for (let powerUp = 0; powerUp < 3; powerUp++) {
      const { image, networkSeed, board: stored } = openBench(board);
      const bench = new Bench({ ...stored, powerUps: stored.powerUps + powerUp }, image, networkSeed);
      const deliver = bench.headEnd.deliver.bind(bench.headEnd);
      bench.headEnd.deliver = (topic, message) => {
        if (topic.endsWith("time")) nonces.add(Buffer.from(message).toString("hex"));
        deliver(topic, message);
      };
      bench.device.powerUp();
      bench.settle();
    }
    expect(nonces.size).toBe(3);
  });

  it("does the same again when the same is done to a copy of it", async () => {
    const boards = [scene.board(), scene.board()];
    for (const board of boards) await scene.send(board, junk, "--advance", "7200");
    const [one, other] = boards.map(everyFile);
    expect(other).toEqual(one);
  });

  it("is for its owner alone, and nothing half-written lies beside it", async () => {
    const board = scene.board();
    await scene.send(board, junk);
    expect(statSync(join(board, "board.cbor")).mode & 0o777).toBe(0o600);
    expect(readdirSync(board).filter((name) => name.includes("partial"))).toEqual([]);
  });

  it("is left as it was when another command has used it meanwhile", async () => {
    const board = scene.board();
    const opened = openBench(board);
    const bench = Bench.powerUp(opened.board, opened.image, opened.networkSeed);
    await scene.send(board, junk);
    const before = everyFile(board);
    expect(() => storeBench(board, opened, bench)).toThrow(UsageError);
    expect(() => storeBench(board, opened, bench)).toThrow("another command has used the board meanwhile");
    expect(everyFile(board)).toEqual(before);
  });
});

const junkBytes = Uint8Array.of(1);
const erased = new Uint8Array(FLASH_SECTORS * SECTOR_BYTES).fill(0xff);

/** Spoils the board's file by these changes. */
const spoilBoard = (changes: Partial<StoredBoard>) => (folder: string) =>
  writeFileSync(join(folder, "board.cbor"), encodeBoard({ ...boardOf(folder), ...changes }));

describe("a folder that is refused, and left as it is:", () => {
  it.each<[what: string, spoil: (folder: string) => void, why: string]>([
    ["no folder", (folder) => rmSync(folder, { recursive: true }), "board.cbor: cannot be read (ENOENT)"],
    ["no operator's key", (folder) => rmSync(join(folder, "network.key")), "network.key: cannot be read"],
    [
      "no certificate",
      (folder) => rmSync(join(folder, "SM-0001", "certificate.cbor")),
      "certificate.cbor: cannot",
    ],
    [
      "a board that is none",
      (folder) => writeFileSync(join(folder, "board.cbor"), "x"),
      "board.cbor: board: ",
    ],
    [
      "a board of other software",
      spoilBoard({ softwareId: new Uint8Array(32) }),
      "board.cbor: the board runs other software than this: provision another",
    ],
    ["an erased flash", spoilBoard({ cells: erased }), "board.cbor: board: does not start ("],
    ["other secrets", spoilBoard({ secrets: Uint8Array.of(0) }), "board.cbor: board: does not start ("],
    [
      "a channel less",
      spoilBoard({ loads: [{ channel: "1-0:1.8.0", power_W: 1 }] }),
      "channels are not those",
    ],
    [
      "an event that is none",
      spoilBoard({ received: [{ topic: "event", message: junkBytes }] }),
      "board.cbor: event",
    ],
    [
      "an unknown topic",
      spoilBoard({ received: [{ topic: "gossip", message: junkBytes }] }),
      'no topic "gossip"',
    ],
  ])("%s", async (_, spoil, why) => {
    const board = scene.board();
    spoil(board);
    const before = existsSync(board) ? everyFile(board) : null;
    const { code, out, err } = await run("command", "send", board, junk);
    expect([code, out]).toEqual([2, ""]);
    expect(existsSync(board) ? everyFile(board) : null).toEqual(before);
    expect(err).toMatch(/^error: .*\n$/);
    expect(err).toContain(why);
  });

  it("a certificate of another authority is refused as evidence is", async () => {
    const board = scene.board();
    writeFileSync(join(board, "authority.pub"), readFileSync(join(stranger.board(), "authority.pub")));
    const { code, err } = await run("command", "send", board, junk);
    expect(code).toBe(1);
    expect(err).toContain("certificate.cbor: certificate-1: signed by another key");
  });

  it.each([
    ["--advance -1", ["--advance", "-1"]],
    ["--advance more than 396 days", ["--advance", "34214401"]],
  ])("%s", async (_, options) => {
    const { code, err } = await run("command", "send", scene.board(), junk, ...options);
    expect(code).toBe(2);
    expect(err).toContain("a whole number from 0 to 34214400");
  });
});
