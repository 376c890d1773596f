// What a user can try on a board from the command line, and what a meter must then do.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { verifyCertificate } from "../../src/proofs/certificate.js";
import { verifyRegisterStatement } from "../../src/supplier/register-statement.js";
import { readHexKey } from "../../tools/command-line.js";
import { BenchScene, type Sent } from "./bench-scene.js";
import { ok, run } from "./run.js";

const scene = new BenchScene();
beforeAll(() => scene.build("--seed", "3"));
afterAll(() => scene.remove());

const ACCEPTED = 8;
const REFUSED = 9;
const REGISTER_STATEMENT = 16;

/** The outcome and the exit code, and the receipts that name the document. */
const summary = ({ code, said }: Sent) => {
  const naming = said.sent.events.filter(
    ({ type, detail }) => detail === said.digest && [ACCEPTED, REFUSED].includes(type),
  );
  return [said.outcome, code, ...naming.map(({ type }) => type)];
};
const accepted = ["accepted", 0, ACCEPTED];
const refused = ["refused", 1, REFUSED];

describe("a command from the command line", () => {
  it("is accepted once; replayed, it is refused over any number of power cuts", async () => {
    const board = scene.board();
    const file = await scene.sign("configuration minGroup=12", { by: "authority", counter: 1 });
    expect(summary(await scene.send(board, file))).toEqual(accepted);
    expect(summary(await scene.send(board, file))).toEqual(refused);
    expect(summary(await scene.send(board, file, "--advance", "3600"))).toEqual(refused);
  });

  it("is refused of a counter that leaves a gap, and the counter is not used by that", async () => {
    const board = scene.board();
    const by = "authority";
    expect(summary(await scene.order(board, "configuration minGroup=12", { by, counter: 2 }))).toEqual(
      refused,
    );
    expect(summary(await scene.order(board, "configuration minGroup=12", { by, counter: 1 }))).toEqual(
      accepted,
    );
    expect(summary(await scene.order(board, "configuration minGroup=13", { by, counter: 3 }))).toEqual(
      refused,
    );
    expect(summary(await scene.order(board, "configuration minGroup=13", { by, counter: 2 }))).toEqual(
      accepted,
    );
  });

  it.each([
    ["configuration minGroup=12", "supplier"],
    ["configuration minGroup=12", "network"],
    ["revoked-peers none", "supplier"],
    ["register-statement", "authority"],
    ["register-statement", "network"],
    ["top-up 1", "network"],
    ["load-switch open", "authority"],
  ])("%s is refused of the %s", async (words, by) => {
    expect(summary(await scene.order(scene.board(), words, { by, counter: 1 }))).toEqual(refused);
  });

  it("is not taken of the aggregator", async () => {
    const { said } = await scene.order(scene.board(), "register-statement", { by: "aggregator", counter: 1 });
    expect(said.outcome).not.toBe("accepted");
  });

  it("is refused after its time, by the meter's own clock, and accepted before", async () => {
    const [early, late] = [scene.board(), scene.board()];
    const notAfter = "2026-01-01T06:00:00Z";
    const file = await scene.sign("revoked-peers none", { by: "authority", counter: 1, notAfter });
    expect(summary(await scene.send(early, file))).toEqual(accepted);
    expect(summary(await scene.send(late, file, "--advance", "21600"))).toEqual(refused);
  });

  it("for another meter is refused", async () => {
    const options = { by: "authority", counter: 1, meter: "SM-0002" };
    expect(summary(await scene.order(scene.board(), "configuration minGroup=12", options))).toEqual(refused);
  });

  it("is counted for each key by itself", async () => {
    const board = scene.board();
    expect(summary(await scene.order(board, "revoked-peers none", { by: "authority", counter: 1 }))).toEqual(
      accepted,
    );
    expect(summary(await scene.order(board, "register-statement", { by: "supplier", counter: 1 }))).toEqual(
      accepted,
    );
    expect(summary(await scene.order(board, "revoked-peers none", { by: "authority", counter: 2 }))).toEqual(
      accepted,
    );
  });

  it("asks for a register statement, which verifies, says what was measured and is sent once", async () => {
    const board = scene.board();
    const file = await scene.sign("register-statement", { by: "supplier", counter: 1 });
    const first = await scene.send(board, file, "--advance", "7200");
    expect(summary(first)).toEqual(accepted);
    const { events, registers } = first.said.sent;
    expect(events.map(({ type }) => type)).toContain(REGISTER_STATEMENT);
    expect(registers).toHaveLength(1);
    const [{ interval, registers: values } = { interval: 0, registers: [] }] = registers;
    const document = Uint8Array.from(
      readFileSync(join(board, "SM-0001", `register-${`${interval}`.padStart(10, "0")}.cbor`)),
    );
    const certificate = verifyCertificate(
      readFileSync(join(board, "SM-0001", "certificate.cbor")),
      readHexKey(join(board, "authority.pub")),
    );
    const statement = verifyRegisterStatement(document, { certificate, revocation: null });
    expect(statement).toMatchObject({ interval, registers: values });
    // Two hours of 500 W, as they stood when an interval began.
    expect(values[0]).toBeGreaterThan(400);
    expect(values[0]).toBeLessThanOrEqual(1000);
    expect(values[1]).toBe(0);
    expect((await scene.send(board, file)).said.sent.registers).toEqual([]);
  });

  it("hands the meter to another supplier, whom it obeys then and the last one no more", async () => {
    const [board, other] = [scene.board(), await new BenchScene().build("--seed", "4")];
    const theirs = join(other.board(), "supplier");
    const words = `configuration supplier=${theirs}.pub`;
    expect(summary(await scene.order(board, words, { by: "authority", counter: 1 }))).toEqual(accepted);
    const last = await scene.order(board, "register-statement", { by: "supplier", counter: 1 });
    expect(last.said.outcome).not.toBe("accepted");
    const terms = ["--meter", "SM-0001", "--counter", "1", "--key", `${theirs}.key`];
    const ask = scene.path("theirs.cbor");
    await ok("command", "sign", "register-statement", ...terms, "--out", ask);
    expect(summary(await scene.send(board, ask))).toEqual(accepted);
    other.remove();
  });
});

describe("a board with a load switch", () => {
  const prepaid = new BenchScene();
  beforeAll(() => prepaid.build("--seed", "3", "--switch"));
  afterAll(() => prepaid.remove());
  const by = "supplier";

  /** Sends the words as the supplier's next commands. */
  const orders = async (board: string, ...words: string[]) => {
    for (const [at, word] of words.entries())
      expect(summary(await prepaid.order(board, word, { by, counter: at + 1 }))).toEqual(accepted);
  };

  it("draws credit by a tariff that was sent before, opens, is armed by a top-up and closed by a person", async () => {
    const board = prepaid.board();
    const tariff = prepaid.path("tariff.cbor");
    const key = join(board, "supplier.key");
    await ok("tariff", "sign", "docs/examples/time-of-use.json", "--key", key, "--out", tariff);
    const offered = await prepaid.send(board, tariff);
    expect([offered.code, offered.said.outcome, offered.said.credit]).toEqual([0, "offered", []]);
    await orders(board, `credit-tariff ${tariff}`, "top-up 1000000", "credit-settings mode=prepayment");
    // Half a kilowatt for a day costs more than twice as much.
    const usedUp = await prepaid.send(board, tariff, "--advance", "86400");
    expect(usedUp.said.display).toContain("load switch open");
    expect(usedUp.said.credit).toContain("credit is used up");
    const shown = (sent: Sent) => sent.said.display.filter((line) => line.includes("1.8.0"));
    const top = await prepaid.order(board, "top-up 9000000", { by, counter: 4 });
    expect(summary(top)).toEqual(accepted);
    expect(top.said.credit).toContain("hold the button to close");
    const waiting = await prepaid.send(board, tariff, "--advance", "3600");
    expect([waiting.said.display.includes("load switch ready"), shown(waiting)]).toEqual([
      true,
      shown(usedUp),
    ]);
    const closed = await prepaid.send(board, tariff, "--hold-button");
    expect(closed.said.display).toContain("load switch closed");
    const lives = await prepaid.send(board, tariff, "--advance", "3600");
    expect(shown(lives)).not.toEqual(shown(closed));
  });

  it("refuses a tariff by name that nobody has sent, and a board without a switch has no such button", async () => {
    const board = prepaid.board();
    const words = `credit-tariff ${"ab".repeat(32)}`;
    expect(summary(await prepaid.order(board, words, { by, counter: 1 }))).toEqual(refused);
    const file = await scene.sign("register-statement", { by, counter: 1 });
    const { code, err } = await run("command", "send", scene.board(), file, "--hold-button");
    expect([code, err]).toEqual([2, expect.stringContaining("has no load switch to be closed by a button")]);
  });
});
