// The local stream as its server: what a gateway in the home hears, what a slow or hostile one can do, and that
// nothing but a request to pair ever comes through. The unit behind it counts everything that reaches it.
import { bytesToHex } from "@noble/hashes/utils.js";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { drawParties } from "../../host-sim/parties.js";
import { SeededRandom } from "../../host-sim/seeded.js";
import { FrameRing } from "../../src/meter/frame-ring.js";
import type { LocalConnection } from "../../src/meter/local-connection.js";
import {
  decodeItem,
  FRAME_BYTES_MAX,
  FrameReader,
  frame,
  pairingRequest,
} from "../../src/meter/local-frames.js";
import { LocalStream } from "../../src/meter/local-stream.js";
import { Outbox } from "../../src/meter/outbox.js";
import { signWithKey } from "../../src/proofs/signed.js";
import { FormatError } from "../../src/trusted/encoding/bytes.js";
import { array, bstr, int, map, NIL, tstr } from "../../src/trusted/encoding/cbor.js";

const METER_ID = "SM-0001";
const [READING, SHARE, BATCH, EVENT, PAIRING, REGISTER, TIME] = [1, 2, 3, 4, 5, 6, 7] as const;
const MINUTE_MS = 60_000;
const RING_BYTES = 8_192;
const U = new Uint8Array(32).fill(0x5a);

const reading = (interval: number, status = 0) =>
  array(int(1), tstr(METER_ID), int(0), int(interval), int(status), bstr(new Uint8Array(8).fill(interval)));
const event = (sequence: number, type: number, detail: Uint8Array = NIL) =>
  array(int(1), tstr(METER_ID), int(sequence), NIL, int(type), detail);
const given = (kind: number, message: Uint8Array, number = 0) => ({ kind, sequence: int(number), message });

/** A unit's door that counts what comes through it, and answers when a test says. */
class CountingDoor {
  readonly requests: string[] = [];
  answer: boolean | null = null;
  isOpen = true;

  receiveLocal(request: Uint8Array): boolean {
    if (this.isOpen) this.requests.push(bytesToHex(request));
    return this.isOpen;
  }

  pairingAnswer(): boolean | null {
    const { answer } = this;
    this.answer = null;
    return answer;
  }
}

function served(ringBytes = RING_BYTES) {
  const door = new CountingDoor();
  const wan = { connected: false, waiting: 0 };
  const stream = new LocalStream({
    meterId: METER_ID,
    door,
    isConnected: () => wan.connected,
    waiting: () => wan.waiting,
    ringBytes,
  });
  return { door, wan, stream, connect: () => gateway(stream.connect()) };
}

/** A gateway's end: puts together what it is given. */
function gateway(connection: LocalConnection | null) {
  if (!connection) throw new Error("there is no place");
  const frames = new FrameReader();
  const hear = (room = 1_000_000) => {
    const items: Uint8Array[] = [];
    for (let piece = connection.take(room); piece; piece = connection.take(room))
      items.push(...frames.push(piece));
    return items.map(decodeItem);
  };
  const messages = (room?: number) =>
    hear(room).flatMap((heard) =>
      heard.kind === "message" ? [[heard.messageKind, heard.message] as const] : [],
    );
  return { connection, hear, messages };
}

describe("a gateway that connects", () => {
  it("hears the status, what has gone by, oldest first, and then each message as it comes", () => {
    const { stream, connect } = served();
    stream.observe(given(READING, reading(7, 32), 7));
    stream.observe(given(BATCH, Uint8Array.of(9, 9), 3));
    const { connection, hear } = connect();
    const [status, ...rest] = hear();
    expect(status).toMatchObject({ kind: "status", status: { meterId: METER_ID, lastBatch: 3 } });
    expect(rest.map((item) => item.kind === "message" && item.messageKind)).toEqual([READING, BATCH]);
    stream.observe(given(EVENT, event(0, 1)));
    expect(hear()).toEqual([{ kind: "message", messageKind: EVENT, message: event(0, 1) }]);
    expect([hear(), connection.isOpen]).toEqual([[], true]);
  });

  it("hears the same bytes whatever room there is, and whenever messages come", () => {
    const pieces = fc.array(fc.record({ length: fc.integer({ min: 1, max: 600 }), room: fc.nat(700) }), {
      maxLength: 40,
    });
    fc.assert(
      fc.property(pieces, (steps) => {
        const { stream, connect } = served(64 * 1024);
        const { messages } = connect();
        const [sent, heard]: [Uint8Array[], Uint8Array[]] = [[], []];
        for (const { length, room } of steps) {
          const message = new Uint8Array(length).fill(sent.length);
          sent.push(message);
          stream.observe(given(BATCH, message));
          heard.push(...messages(room).map(([, bytes]) => bytes));
        }
        heard.push(...messages().map(([, bytes]) => bytes));
        expect(heard).toEqual(sent);
      }),
      { numRuns: 50 },
    );
  });

  it("hears no share, no register statement and no request for the time", () => {
    const { stream, connect } = served();
    for (const kind of [SHARE, REGISTER, TIME, 0, 8]) stream.observe(given(kind, Uint8Array.of(kind)));
    stream.observe(given(PAIRING, Uint8Array.of(PAIRING)));
    expect(connect().messages()).toEqual([[PAIRING, Uint8Array.of(PAIRING)]]);
  });

  it("is told whether the WAN is there, what waits for it, the last reading and the switch", () => {
    const { stream, wan, connect } = served();
    Object.assign(wan, { connected: true, waiting: 5 });
    stream.observe(given(READING, reading(7, 32), 7));
    stream.observe(given(EVENT, event(1, 10, int(0)), 1));
    stream.observe(given(EVENT, event(2, 8, bstr(U)), 2));
    stream.step(90_500);
    expect(connect().hear()[0]).toEqual({
      kind: "status",
      status: {
        meterId: METER_ID,
        uptime_s: 90,
        connected: true,
        waiting: 5,
        lastReading: { interval: 7, status: 32 },
        lastBatch: null,
        loadSwitch: 0,
      },
    });
  });

  it("is told again when the WAN or the switch changes, and once a minute otherwise", () => {
    const { stream, wan, connect } = served();
    const { hear } = connect();
    const statuses = (from_ms: number, to_ms: number) => {
      let count = 0;
      for (let now_ms = from_ms; now_ms < to_ms; now_ms += 1_000) {
        stream.step(now_ms);
        count += hear().filter(({ kind }) => kind === "status").length;
      }
      return count;
    };
    hear();
    expect(statuses(0, 60_000)).toBe(0);
    expect(statuses(60_000, 240_000)).toBe(3);
    wan.connected = true;
    expect(statuses(240_000, 241_000)).toBe(1);
    stream.observe(given(EVENT, event(1, 10, int(1)), 1));
    expect(statuses(241_000, 300_000)).toBe(1);
    wan.waiting = 9;
    expect(statuses(300_000, 301_000)).toBe(0);
  });
});

describe("the ring", () => {
  it("keeps the newest whole frames that fit", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: FRAME_BYTES_MAX }), { maxLength: 30 }), (lengths) => {
        const ring = new FrameRing(5_000);
        lengths.forEach((length, at) => void ring.add(new Uint8Array(length).fill(at)));
        const kept: Uint8Array[] = [];
        for (let at = ring.start; at < ring.end; at = ring.endOf(at))
          kept.push(ring.copy(at, ring.endOf(at)));
        const all = lengths.map((length, at) => frame(new Uint8Array(length).fill(at)));
        let fitting = 0;
        for (let bytes = 0; fitting < all.length; fitting++) {
          bytes += all.at(-1 - fitting)?.length ?? 0;
          if (bytes > 5_000) break;
        }
        expect(kept).toEqual(all.slice(all.length - fitting));
      }),
      { numRuns: 30 },
    );
  });

  it("takes no frame above the largest, and is no smaller than that", () => {
    expect(() => new FrameRing(FRAME_BYTES_MAX + 1)).toThrow();
    expect(() => new FrameRing(8_192).add(new Uint8Array(FRAME_BYTES_MAX + 1))).toThrow();
  });
});

describe("a slow gateway", () => {
  it("is dropped when what it was to read next is gone, and costs the other one nothing", () => {
    const { stream, connect } = served();
    const [slow, quick] = [connect(), connect()];
    slow.connection.take(10);
    let heard = quick.messages().length;
    for (let interval = 0; interval < 400; interval++) {
      stream.observe(given(READING, reading(interval), interval));
      heard += quick.messages().length;
    }
    expect([slow.connection.isOpen, slow.connection.take(100), stream.refused]).toEqual([false, null, 1]);
    expect([quick.connection.isOpen, heard]).toEqual([true, 400]);
  });

  it("is dropped when it takes nothing for a minute, but not when nothing is there to take", () => {
    const { stream, connect } = served();
    const { connection, hear } = connect();
    hear();
    for (let now_ms = 0; now_ms < 50_000; now_ms += 5_000) stream.step(now_ms);
    expect(connection.isOpen).toBe(true);
    stream.observe(given(READING, reading(1), 1));
    stream.step(50_000);
    stream.step(109_000);
    expect(connection.isOpen).toBe(true);
    hear();
    stream.observe(given(READING, reading(2), 2));
    stream.step(110_000);
    stream.step(169_000);
    expect(connection.isOpen).toBe(true);
    stream.step(170_000);
    expect([connection.isOpen, stream.connect() !== null]).toEqual([false, true]);
  });

  it("does not keep a third one out once it is gone", () => {
    const { stream, connect } = served();
    const { connection } = connect();
    connect();
    expect([stream.connect(), stream.refused]).toEqual([null, 1]);
    connection.close();
    expect(stream.connect()).not.toBeNull();
  });
});

describe("a request to pair", () => {
  it("is passed on as it is, in whatever pieces it comes, and answered to who asked", () => {
    const { door, stream, connect } = served();
    const [asking, other] = [connect(), connect()];
    asking.hear();
    other.hear();
    for (const byte of pairingRequest(U)) asking.connection.receive(Uint8Array.of(byte));
    expect(door.requests).toEqual([bytesToHex(array(int(4), bstr(U)))]);
    stream.step(1_000);
    expect(asking.hear()).toEqual([]);
    door.answer = true;
    stream.step(2_000);
    expect(asking.hear()).toEqual([{ kind: "pairing answer", taken: true }]);
    expect(other.hear()).toEqual([]);
  });

  it("is refused while another is with the unit, or the way to it is taken", () => {
    const { door, connect } = served();
    const [first, second] = [connect(), connect()];
    for (const { hear, connection } of [first, second]) {
      hear();
      connection.receive(pairingRequest(U));
    }
    expect([first.hear(), second.hear()]).toEqual([[], [{ kind: "pairing answer", taken: false }]]);
    expect(door.requests.length).toBe(1);
    const closed = served();
    closed.door.isOpen = false;
    const { connection, hear } = closed.connect();
    hear();
    connection.receive(pairingRequest(U));
    expect(hear()).toEqual([{ kind: "pairing answer", taken: false }]);
  });

  it("reaches the unit four times a minute at most, however many connections ask", () => {
    const { door, stream } = served();
    for (let now_ms = 0; now_ms < 3 * MINUTE_MS; now_ms += 100) {
      door.answer = false;
      stream.step(now_ms);
      const connection = stream.connect();
      connection?.receive(pairingRequest(U));
      connection?.close();
    }
    expect(door.requests.length).toBe(12);
    expect(stream.refused).toBeGreaterThan(1_000);
  });
});

describe("whatever else a gateway sends", () => {
  const { supplier, network } = drawParties(new SeededRandom(5));
  const order = map([1, tstr(METER_ID)], [2, int(1)], [3, NIL], [4, int(4)], [5, int(0)]);
  const commands = [supplier, network].map(({ seed }) => signWithKey("command-1", order, seed));
  /** Each a frame that the unit would take, or the link's request for it. */
  const hostile = commands.flatMap((document) => {
    const received = array(int(3), bstr(document));
    return [document, received, Uint8Array.of(2, ...received), Uint8Array.of(4, ...received)];
  });
  const framed = fc.oneof(
    fc.uint8Array({ maxLength: 80 }),
    fc.constantFrom(...hostile, ...hostile.map(frame)),
    fc.constantFrom(array(int(1), int(1), int(9)), array(int(2), int(1), int(0), int(9)), NIL).map(frame),
    fc.constant(pairingRequest(U)),
    fc.tuple(fc.nat(37), fc.nat(255)).map(([at, byte]) => {
      const request = pairingRequest(U);
      request[at] = byte;
      return request;
    }),
  );

  it("ends its connection, and nothing but requests to pair reaches the unit", () => {
    fc.assert(
      fc.property(fc.array(framed, { minLength: 1, maxLength: 4 }), fc.nat(60), (sent, cut) => {
        const received: Uint8Array[] = [];
        const door = new CountingDoor();
        const live = new LocalStream({
          meterId: METER_ID,
          door,
          isConnected: () => false,
          waiting: () => 0,
          ringBytes: RING_BYTES,
        });
        const unit = {
          take: () => null,
          receive: (bytes: Uint8Array) => received.push(bytes) > 0,
          receiveLocal: () => false,
          offerTariff: (bytes: Uint8Array) => received.push(bytes) > 0,
        };
        const outbox = new Outbox(unit, { publish: () => true, poll: () => null }, METER_ID, (one) =>
          live.observe(one),
        );
        const connection = live.connect();
        const all = Buffer.concat(sent);
        for (const piece of [all.subarray(0, cut), all.subarray(cut)]) {
          connection?.receive(piece);
          live.step(0);
          outbox.step();
        }
        expect(received).toEqual([]);
        for (const request of door.requests) expect(request).toMatch(/^82045820[0-9a-f]{64}$/);
        // It lives exactly as long as all that came is the beginning of requests.
        let isRequest = true;
        for (const [at, byte] of all.entries()) {
          const place = at % 38;
          if (place < 6 && byte !== pairingRequest(U)[place]) isRequest = false;
        }
        const asked = Math.floor(all.length / 38);
        if (!isRequest) expect([connection?.isOpen, live.refused]).toEqual([false, 1]);
        else if (asked <= 4) expect([connection?.isOpen, live.refused]).toEqual([true, 0]);
      }),
      { numRuns: 500 },
    );
  });

  it("a closed connection takes and gives nothing any more", () => {
    const { door, connect } = served();
    const { connection, hear } = connect();
    connection.receive(Uint8Array.of(1));
    connection.receive(pairingRequest(U));
    expect([connection.isOpen, hear(), door.requests]).toEqual([false, [], []]);
  });
});

describe("a gateway's reader", () => {
  it.each([
    ["a frame without content", [0, 0]],
    ["a frame above the largest", [0x10, 0x69]],
  ])("refuses %s", (_, bytes) => {
    expect(() => new FrameReader().push(Uint8Array.from(bytes))).toThrow(FormatError);
  });

  it.each([
    ["no pair", Uint8Array.of(0x81, 1)],
    ["a message of kind 0", array(int(0), bstr(U))],
    ["a message without content", array(int(1), bstr(new Uint8Array(0)))],
    ["an answer that is neither yes nor no", array(int(9), int(2))],
    ["a status of another version", array(int(8), map([1, int(2)]))],
    ["an item that goes on", Uint8Array.of(...array(int(9), int(1)), 0)],
    ["an item of an unknown kind", array(int(10), int(1))],
  ])("refuses %s", (_, item) => {
    expect(() => decodeItem(item)).toThrow(FormatError);
  });

  it("finds the frames however the stream is cut, and throws nothing but FormatError at any bytes", () => {
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ minLength: 1, maxLength: 50 }), { maxLength: 10 }),
        fc.nat(9),
        (items, step) => {
          const all = Buffer.concat(items.map(frame));
          const reader = new FrameReader();
          const found: Uint8Array[] = [];
          for (let at = 0; at < all.length; at += step + 1)
            found.push(...reader.push(all.subarray(at, at + step + 1)));
          expect(found).toEqual(items);
          for (const item of items) {
            try {
              decodeItem(item);
            } catch (error) {
              expect(error).toBeInstanceOf(FormatError);
            }
          }
        },
      ),
      { numRuns: 100 },
    );
  });
});
