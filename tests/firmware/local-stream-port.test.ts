// The local stream on the board: firmware/network.ts with a port set, and gateways in the house's network around it.
// What a visitor does there may cost them their connection, and nobody anything else.
import { describe, expect, it } from "vitest";
import { Visitor } from "../../host-sim/ecma419/sockets.js";
import { decodeReading } from "../../src/customer/messages.js";
import { decodeItem, FrameReader, frame, pairingRequest } from "../../src/meter/local-frames.js";
import { array, bstr, int } from "../../src/trusted/encoding/cbor.js";
import { METER_ID, Site } from "./site.js";

const PORT = 6_419;
const HOUR_S = 3600;
const withPort = () => Site.open({ config: { localStreamPort: PORT } });
const visit = (site: Site, port = PORT) => new Visitor(site.board.internet, port);
const framesOf = (visitor: Visitor) => new FrameReader().push(visitor.heard).map(decodeItem);
const messagesOf = (visitor: Visitor, kind: number) =>
  framesOf(visitor).flatMap((one) =>
    one.kind === "message" && one.messageKind === kind ? [one.message] : [],
  );
const answersOf = (visitor: Visitor) =>
  framesOf(visitor).flatMap((one) => (one.kind === "pairing answer" ? [one.taken] : []));

describe("the local stream's port", () => {
  it("is shut unless it is set", async () => {
    const site = await Site.open();
    site.runUntil(60);
    const visitor = visit(site, 0);
    site.run(5);
    expect([visitor.ended, site.board.internet.ports.size]).toEqual([true, 0]);
  });

  it("gives a gateway what has gone by and what comes, as the head end gets it", async () => {
    const site = await withPort();
    site.runUntil(HOUR_S + 60, 1000);
    const visitor = visit(site);
    site.run(10);
    expect(framesOf(visitor)[0]).toMatchObject({
      status: { meterId: METER_ID, connected: true, waiting: 0 },
    });
    site.runUntil(3 * HOUR_S + 60, 1000);
    expect(messagesOf(visitor, 1)).toEqual(site.headEnd.messages("reading"));
    expect(messagesOf(visitor, 4)).toEqual(site.headEnd.messages("event"));
    expect(messagesOf(visitor, 5)).toEqual(site.headEnd.messages("pairing"));
    expect(messagesOf(visitor, 1).map((bytes) => decodeReading(bytes).status)).toHaveLength(6);
    expect([visitor.ended, site.board.incidents]).toEqual([false, []]);
  });

  it("goes on while the broker is away, and says so", async () => {
    const site = await withPort();
    site.runUntil(300, 1000);
    const visitor = visit(site);
    site.run(5);
    site.broker.rejectsAll = true;
    site.broker.dropAll();
    site.runUntil(HOUR_S + 60, 1000);
    expect(messagesOf(visitor, 1).length).toBe(2);
    const last = framesOf(visitor)
      .filter(({ kind }) => kind === "status")
      .at(-1);
    expect(last).toMatchObject({ status: { connected: false, lastReading: { status: expect.any(Number) } } });
  });

  it("pairs while the button's window is open, and tells who asked how it went", async () => {
    const site = await withPort();
    site.runUntil(600, 1000);
    const visitor = visit(site);
    const request = pairingRequest(site.parties.customer.user);
    visitor.send(request);
    site.run(5);
    expect(answersOf(visitor)).toEqual([false]);
    site.press();
    site.run(1);
    visitor.send(request);
    site.run(5);
    expect(answersOf(visitor)).toEqual([false, true]);
    expect(site.display.join("\n")).toMatch(/pair with [0-9a-f]{16}\? press again/);
    site.press();
    site.run(5);
    site.runUntil(3 * HOUR_S, 1000);
    expect(messagesOf(visitor, 5)).toEqual(site.headEnd.messages("pairing"));
    expect(site.check(1).provisional.length).toBeGreaterThan(3);
  });

  it("ends the connection of whoever sends anything else, of which nothing reaches the unit", async () => {
    const site = await withPort();
    site.runUntil(300, 1000);
    const command = array(int(3), bstr(new Uint8Array(400).fill(0xa5)));
    for (const bytes of [command, frame(command), Uint8Array.of(0), new Uint8Array(5_000)]) {
      const visitor = visit(site);
      visitor.send(bytes);
      site.run(5);
      // The first byte of a frame alone is the beginning of a request.
      expect(visitor.ended).toBe(bytes.length > 1);
      visitor.close();
      site.run(5);
    }
    expect(site.display.join("\n")).not.toContain("refused");
    site.runUntil(HOUR_S + 60, 1000);
    expect(site.headEnd.messages("reading").length).toBe(2);
    expect(site.board.incidents).toEqual([]);
  });

  it("has two places, and gives those of who is gone or takes nothing to others", async () => {
    const site = await withPort();
    site.runUntil(300, 1000);
    const [deaf, quick] = [visit(site), visit(site)];
    deaf.takes = false;
    site.run(5);
    const third = visit(site);
    site.run(5);
    expect([deaf, quick, third].map(({ ended }) => ended)).toEqual([false, false, true]);
    quick.close();
    site.run(5);
    const fourth = visit(site);
    site.run(5);
    expect(fourth.ended).toBe(false);
    // The send buffer takes some statuses yet; then the one who takes nothing is dropped.
    site.runUntil(3 * HOUR_S, 1000);
    expect([deaf.ended, fourth.ended]).toEqual([true, false]);
    expect(site.board.incidents).toEqual([]);
  });

  it("is there again after the network machine was made anew", async () => {
    const site = await withPort();
    site.runUntil(300, 1000);
    const before = visit(site);
    site.run(5);
    site.board.network?.hang();
    site.runUntil(1_200, 1000);
    expect(before.ended).toBe(true);
    const after = visit(site);
    site.runUntil(HOUR_S + 60, 1000);
    expect(messagesOf(after, 1).length).toBe(2);
  });
});
