// The metrology unit as a whole, through its face: what it measures, seals and sends, and what it does with
// bytes that are none of its business. The clock, pairing, power cuts and sending have files of their own.
import { ed25519 } from "@noble/curves/ed25519.js";
import { bytesToNumberLE } from "@noble/curves/utils.js";
import { sha512 } from "@noble/hashes/sha2.js";
import { bytesToHex, hexToBytes } from "@noble/hashes/utils.js";
import fc from "fast-check";
import { afterEach, describe, expect, it, vi } from "vitest";
import { NorFlash } from "../../host-sim/flash.js";
import { SeededRandom } from "../../host-sim/seeded.js";
import { decodeReading } from "../../src/customer/messages.js";
import { decodeCertificate } from "../../src/proofs/certificate.js";
import { encodeConfiguration } from "../../src/trusted/authority/configuration.js";
import { EventType } from "../../src/trusted/authority/events.js";
import { decodeSecrets, encodeSecrets } from "../../src/trusted/authority/secrets.js";
import { asciiBytes, FormatError } from "../../src/trusted/encoding/bytes.js";
import { array, bstr, int } from "../../src/trusted/encoding/cbor.js";
import { decodeSign1 } from "../../src/trusted/encoding/cose.js";
import { Journal, MessageKind, RecordType } from "../../src/trusted/journal/journal.js";
import { Status } from "../../src/trusted/metrology/interval.js";
import { closeChannel } from "../../src/trusted/metrology/registers.js";
import { CommitmentKey } from "../../src/trusted/sealing/commitment.js";
import { dayKey, digest, ReadingKeys } from "../../src/trusted/sealing/keys.js";
import { padReadings, Sealer } from "../../src/trusted/sealing/sealer.js";
import { SigningKey } from "../../src/trusted/sealing/signature.js";
import { MetrologyUnit, provision } from "../../src/trusted/unit.js";
import {
  BenchMeter,
  benchImage,
  DAY_S,
  HALF_HOUR_S,
  METER_ID,
  MIDNIGHT_S,
  MJ_PER_WH,
  scriptedEntropy,
} from "../bench-meter.js";
import vector from "../vectors/sealmeter-example.json" with { type: "json" };

const FIRST = MIDNIGHT_S / HALF_HOUR_S;

const none = new Uint8Array(0);

afterEach(() => void vi.restoreAllMocks());

/** The 64 bytes that the worked example draws a key from. */
const seedOf = (name: string) => sha512(asciiBytes(`sealmeter example ${name}`));

/** The worked example's meter: its entropy is scripted in the order in which provisioning draws. */
function exampleMeter(): BenchMeter {
  const authority = seedOf("authority").slice(0, 32);
  const publicKey = ed25519.getPublicKey(authority);
  return new BenchMeter({
    entropy: scriptedEntropy(
      seedOf("agreement"),
      seedOf("signing").slice(0, 32),
      seedOf("ephemeral"),
      new Uint8Array(16),
    ),
    image: { ...benchImage(publicKey), softwareId: digest(asciiBytes("example software")) },
    parties: {
      authority: { seed: authority, publicKey },
      customer: {
        secret: bytesToNumberLE(hexToBytes(vector.customerSecret)),
        user: hexToBytes(vector.customerPublic),
      },
    },
  });
}

describe("the worked example", () => {
  it("comes out of provisioning: keys, pairing, first event and K", () => {
    const meter = exampleMeter();
    meter.run();
    expect(bytesToHex(meter.enrolment.signingKey)).toBe(vector.signingPublic);
    const certificate = decodeCertificate(
      decodeSign1(meter.enrolment.certificate, "certificate-1", 512).payload,
    );
    expect(bytesToHex(certificate.agreementKey)).toBe(vector.agreementPublic);
    expect(bytesToHex(meter.enrolment.pairing)).toBe(vector.pairing);
    expect(meter.kept(5).map(bytesToHex)).toEqual([vector.pairing]);
    expect(meter.kept(4).map(bytesToHex)[0]).toBe(vector.pairingEvent);
    expect(bytesToHex(meter.K(0))).toBe(vector.K);
  });

  it("comes out of measured energy as far as a unit can measure it: readings under their pads", () => {
    const meter = exampleMeter();
    meter.confirm();
    meter.passUntil(0);
    for (const [importWh, exportWh] of [
      [196, 0],
      [7, 1],
      [289, 0],
    ] as const) {
      meter.feed(importWh * MJ_PER_WH, exportWh * MJ_PER_WH);
      meter.pass(HALF_HOUR_S);
    }
    const padded = meter.kept(1).map((message) => bytesToHex(decodeReading(message).padded));
    const encrypted = vector.readings.map(({ channels }) => channels.map((channel) => channel.encrypted));
    expect(padded[0]).toBe(encrypted[0]?.join(""));
    expect(padded[1]?.slice(8)).toBe(encrypted[1]?.[1]);
    expect(padded[2]).toBe(encrypted[2]?.join(""));
  });

  it("comes out of a journal that holds its records: messages and both batches to the last byte", () => {
    const key = new CommitmentKey(benchImage(new Uint8Array(32)));
    const journal = new Journal(
      new NorFlash({ sectors: 16, mode: "encrypted", random: new SeededRandom(1) }),
    );
    journal.format(2);
    const context = {
      configuration: {
        meterId: METER_ID,
        intervalSeconds: vector.intervalSeconds,
        channels: ["1-0:1.8.0", "1-0:2.8.0"],
      },
      softwareId: hexToBytes(vector.softwareId),
      key,
      signer: new SigningKey(hexToBytes(vector.signingSeed), key.base),
      customerKey: () => hexToBytes(vector.K),
    };
    const sealer = new Sealer(context, journal);
    const documents: string[] = [];
    const append = vi.spyOn(journal, "appendHappening");
    for (const [sequence, { event, readings }] of [
      { event: vector.pairingEvent, readings: vector.readings },
      { event: vector.second.event, readings: vector.second.readings },
    ].entries()) {
      const message = { kind: MessageKind.EVENT, number: sequence, bytes: hexToBytes(event) };
      journal.state.eventDigest = digest(journal.state.eventDigest, message.bytes);
      journal.appendHappening(RecordType.EVENT, sequence, [message]);
      for (const { interval, status, channels, message } of readings) {
        const values = channels.map(({ reading }) => reading);
        const day = dayKey(hexToBytes(vector.K), Math.floor((interval * HALF_HOUR_S) / DAY_S));
        const padded = padReadings(values, new ReadingKeys(day), interval);
        expect(message.endsWith(bytesToHex(padded))).toBe(true);
        journal.appendInterval({ interval, status, epoch: 0, padded });
      }
      journal.state.openInterval = FIRST + 100;
      while (sealer.step(false)) {}
    }
    for (const [type, , messages] of append.mock.calls) {
      if (type === RecordType.BATCH) documents.push(...messages.map(({ bytes }) => bytesToHex(bytes)));
    }
    expect(documents).toEqual([vector.batch, vector.second.batch]);
  });
});

describe("provisioning", () => {
  const blank = () => new BenchMeter({ provisioned: false });
  const request = (meter: BenchMeter, ...changes: readonly (Uint8Array | undefined)[]) => {
    const { user } = meter.parties.customer;
    const items = [
      int(1),
      bstr(encodeConfiguration(meter.configuration)),
      bstr(user),
      int(meter.now_s),
      bstr(user),
    ];
    return array(...items.map((item, at) => changes[at] ?? item));
  };

  it("refuses a malformed request and leaves the flash untouched", () => {
    const meter = blank();
    const whole = request(meter);
    const hostile = [
      ...Array.from(whole, (_, length) => whole.subarray(0, length)),
      Uint8Array.of(...whole, 0),
      request(meter, int(0)),
      request(meter, int(2)),
      request(meter, undefined, bstr(new Uint8Array(801))),
      request(meter, undefined, undefined, bstr(new Uint8Array(32))),
      request(meter, undefined, undefined, bstr(new Uint8Array(32).fill(0xff))),
      request(meter, undefined, undefined, undefined, int(2 ** 32)),
      request(meter, undefined, undefined, undefined, undefined, bstr(new Uint8Array(32))),
    ];
    for (const bytes of hostile) expect(() => provision(meter.ports, bytes)).toThrow(FormatError);
    expect(meter.flash.programmedBytes).toBe(0);
    expect(meter.secrets.load()).toBeNull();
    meter.provision();
    meter.boot();
  });

  it("happens once in a meter's life", () => {
    const meter = new BenchMeter();
    expect(() => meter.provision()).toThrow("the meter is provisioned already");
    meter.boot();
    meter.run();
    expect(meter.eventTypes[0]).toBe(EventType.PAIRING);
  });

  it("is needed before a unit boots: neither a blank flash nor a lost store of keys will do", () => {
    const meter = blank();
    expect(() => new MetrologyUnit(meter.ports)).toThrow("the meter is not provisioned");
    const robbed = new BenchMeter();
    const stranger = blank();
    expect(() => new MetrologyUnit({ ...robbed.ports, secrets: stranger.secrets })).toThrow(
      "the meter is not provisioned",
    );
  });
});

describe("a meter whose customer's key is gone", () => {
  it("stops at the first interval that it cannot encrypt, and keeps it", () => {
    const meter = new BenchMeter();
    meter.secrets.save(encodeSecrets({ ...decodeSecrets(meter.secrets.load() ?? none), customers: [] }));
    meter.boot();
    meter.confirm();
    expect(() => meter.passUntil(HALF_HOUR_S, [1000])).toThrow("the K of an unsealed interval lives");
    meter.boot();
    expect(meter.shown_Wh).toEqual([516, 0]);
  });
});

describe("a day of a meter", () => {
  it("gives a reading an interval and seals the day, and the customer's check finds all of it", () => {
    const meter = new BenchMeter();
    meter.confirm();
    meter.passUntil(DAY_S + 60, [1000, 500]);
    expect(meter.readings.length).toBe(48);
    expect(meter.readings[0]).toEqual({
      interval: FIRST,
      epoch: 0,
      status: Status.CLOCK_SET | Status.INCOMPLETE,
      readings: [516, 258],
    });
    expect(meter.readings[1]).toMatchObject({ interval: FIRST + 1, status: 0, readings: [500, 250] });
    expect(meter.batches).toMatchObject([{ batchNumber: 0, firstInterval: FIRST, intervalCount: 48 }]);
    expect(meter.check().totals_Wh).toEqual([meter.total_Wh(0), meter.total_Wh(1)]);
  });

  it("works alike with quarter hours and eight channels", () => {
    const channels = Array.from({ length: 8 }, (_, at) => `1-0:${at + 1}.8.0`);
    const configuration = { intervalSeconds: 900, channels };
    const meter = new BenchMeter({ configuration, provisioned_s: MIDNIGHT_S + DAY_S - 3 * 900 - 60 });
    const power_W = channels.map((_, at) => 100 * at);
    meter.confirm();
    meter.passUntil(DAY_S + 60, power_W);
    expect(meter.readings.map(({ readings }) => readings[7])).toEqual([175 + 11, 175, 175]);
    expect(meter.batches).toMatchObject([{ intervalSeconds: 900, intervalCount: 3, channelCount: 8 }]);
    expect(meter.check().totals_Wh).toEqual(channels.map((_, at) => meter.total_Wh(at)));
  });

  it("does at most one commitment or signature a step, and after a step without work has none left", () => {
    const meter = new BenchMeter({ provisioned_s: MIDNIGHT_S + DAY_S - 4 * HALF_HOUR_S - 60 });
    const commit = vi.spyOn(CommitmentKey.prototype, "commit");
    const sign = vi.spyOn(SigningKey.prototype, "sign");
    let most = 0;
    const step = MetrologyUnit.prototype.step;
    vi.spyOn(MetrologyUnit.prototype, "step").mockImplementation(function (this: MetrologyUnit, now_ms) {
      const before = commit.mock.calls.length + sign.mock.calls.length;
      const busy = step.call(this, now_ms);
      most = Math.max(most, commit.mock.calls.length + sign.mock.calls.length - before);
      return busy;
    });
    meter.confirm();
    meter.passUntil(DAY_S - 3 * HALF_HOUR_S + 60, [1000]);
    meter.pair();
    meter.passUntil(DAY_S + 60, [1000]);
    expect(meter.batches.length).toBe(2);
    expect(most).toBe(1);
    const written = meter.flash.programmedBytes;
    for (let again = 0; again < 5; again++) expect(meter.unit.step(meter.uptime_ms)).toBe(false);
    expect(meter.flash.programmedBytes).toBe(written);
  });

  it("shows identity, registers, time and faults, and only registers that were persisted", () => {
    const meter = new BenchMeter();
    meter.confirm();
    meter.feed(234_567 * MJ_PER_WH, 1999 * MJ_PER_WH);
    meter.clock.advance(1000);
    meter.unit.step(meter.uptime_ms);
    const software = bytesToHex(meter.image.softwareId).slice(0, 16);
    expect(meter.unit.display(meter.uptime_ms)).toEqual([
      METER_ID,
      `software ${software}`,
      "1-0:1.8.0 000234.567 kWh",
      "1-0:2.8.0 000001.999 kWh",
      "2011-06-30T23:59:01.000Z",
    ]);
    meter.feed(MJ_PER_WH);
    meter.unit.step(meter.uptime_ms);
    expect(meter.shown_Wh).toEqual([234_567, 1999]);
    meter.pass(300);
    expect(meter.shown_Wh).toEqual([234_568, 1999]);
  });

  it("names the unit that a channel's OBIS code stands for", () => {
    const channels = ["1-0:1.8.0", "1-0:21.8.0", "1-0:3.8.0", "1-0:44.8.0", "7-0:3.0.0", "8-0:1.0.0"];
    const meter = new BenchMeter({ configuration: { channels } });
    const lines = meter.unit.display(0).slice(2, 8);
    const units = lines.map((line) => line.split(" ")[2]);
    expect(units).toEqual(["kWh", "kWh", "kvarh", "kvarh", "m3", "m3"]);
  });

  it("flags what the front end says, what it cannot have measured, and a reading above the maximum", () => {
    const meter = new BenchMeter({ configuration: { maximum_Wh: 800 } });
    meter.confirm();
    meter.passUntil(HALF_HOUR_S);
    const reports = [
      { counts: [0, 0], status: 0xff },
      { counts: [-1, 5], status: 0 },
      { counts: [1], status: 0 },
      { counts: [800 * MJ_PER_WH, 0], status: 0 },
      { counts: [801 * MJ_PER_WH, 0], status: 0 },
    ];
    for (const { counts, status } of reports) {
      meter.energy.waiting_mJ = counts;
      meter.energy.status = status;
      meter.pass(60);
      meter.energy.status = 0;
      meter.pass(HALF_HOUR_S - 60);
    }
    const { FAULT, TAMPER, INCOMPLETE } = Status;
    const statuses = meter.readings.slice(1).map(({ status }) => status);
    expect(statuses).toEqual([FAULT | TAMPER | INCOMPLETE, FAULT, FAULT, 0, FAULT]);
    expect(meter.total_Wh()).toBe(1601);
  });

  it("reports each sector that wears out once, and goes on beside it", () => {
    const meter = new BenchMeter({ provisioned_s: MIDNIGHT_S + DAY_S - 6 * HALF_HOUR_S - 60 });
    meter.confirm();
    meter.flash.stuckSector(1);
    meter.flash.stuckSector(14);
    for (let day = 1; day <= 4; day++) meter.passUntil(day * DAY_S + 60, [1000], HALF_HOUR_S / 6);
    const faults = meter.events.filter(({ type }) => type === EventType.FLASH_FAULT);
    expect(faults.map(({ detail }) => detail).sort()).toEqual([1, 14]);
    expect(meter.unit.display(meter.uptime_ms)).toContain("flash fault");
    meter.boot();
    meter.confirm();
    expect(meter.check().totals_Wh).toEqual([meter.total_Wh(0), 0]);
  });
});

describe("the self-test", () => {
  function brokenMeter(): BenchMeter {
    const image = benchImage(new BenchMeter({ provisioned: false }).parties.authority.publicKey);
    return new BenchMeter({ image: { ...image, tableB: image.tableB.slice() } });
  }
  /** Flips a bit of the table's entry 4·B, and flips it back at the second call. */
  const breakTable = ({ image }: BenchMeter) => {
    image.tableB[4 * 64] = (image.tableB[4 * 64] as number) ^ 1;
  };

  it("stops sealing when a table is broken: it measures on, says so, and takes no one's word", () => {
    const meter = brokenMeter();
    meter.confirm();
    meter.passUntil(HALF_HOUR_S, [1000]);
    breakTable(meter);
    meter.boot();
    meter.nonce = new Uint8Array(16);
    meter.run();
    meter.receive(meter.answer());
    meter.button.press();
    meter.pass(2 * HALF_HOUR_S, [1000]);
    expect(meter.nonce).toEqual(new Uint8Array(16));
    expect(meter.unit.receiveLocal(array(int(4), bstr(meter.parties.customer.user)))).toBe(false);
    expect(meter.unit.display(meter.uptime_ms)).toContain("self-test 5 failed: not sealing");
    expect(meter.unit.display(meter.uptime_ms)).toContain("time unconfirmed");
    expect(meter.shown_Wh[0]).toBe(516 + 1000);
    expect(meter.readings.length).toBe(1);
    const last = meter.events.at(-1);
    expect(last).toMatchObject({ type: EventType.SELF_TEST_FAILED, time_s: null, detail: 5 });

    breakTable(meter);
    meter.boot();
    meter.confirm();
    meter.passUntil(DAY_S + 60, [1000]);
    expect(meter.total_Wh()).toBe(meter.check().totals_Wh[0]);
    expect(meter.total_Wh()).toBe(24_016);
  });

  it("keeps a closed interval that the log lacks until a later test passes", () => {
    const meter = brokenMeter();
    meter.confirm();
    meter.passUntil(HALF_HOUR_S - 300, [1000]);
    meter.pass(240, [1000], 240);
    const journal = new Journal(meter.flash);
    journal.recover();
    for (const channel of journal.state.channels) closeChannel(channel);
    const { openInterval } = journal.state;
    Object.assign(journal.state, { closedInterval: openInterval, openInterval: openInterval + 1 });
    journal.writeState();

    breakTable(meter);
    meter.boot();
    meter.confirm({ nonce: meter.nonce ?? new Uint8Array(16) });
    meter.pass(2 * HALF_HOUR_S, [1000]);
    breakTable(meter);
    meter.boot();
    meter.confirm();
    meter.passUntil(DAY_S + 60);
    expect(meter.readings[0]?.interval).toBe(openInterval);
    expect(meter.total_Wh()).toBe(meter.shown_Wh[0]);
    meter.check();
  });
});

describe("what comes from the network", () => {
  it("waits in one place, and is refused while that is taken", () => {
    const meter = new BenchMeter();
    meter.run();
    expect(meter.unit.receive(meter.uptime_ms, Uint8Array.of(1))).toBe(true);
    expect(meter.unit.receive(meter.uptime_ms, Uint8Array.of(2))).toBe(false);
    meter.run();
    expect(meter.unit.receive(meter.uptime_ms, Uint8Array.of(3))).toBe(true);
  });

  it("is copied: what the sender does with its bytes afterwards changes nothing", () => {
    const meter = new BenchMeter();
    meter.run();
    const frame = meter.answer();
    meter.unit.receive(meter.uptime_ms, frame);
    frame.fill(0);
    meter.run();
    expect(meter.unit.display(meter.uptime_ms)).not.toContain("time unconfirmed");
  });

  it.each([
    ["nothing", new Uint8Array(0)],
    ["an action that does not exist", array(int(4), int(1), int(1))],
    ["no action", array(int(0), int(1))],
    ["no action, followed by a sequence", Uint8Array.of(...array(int(0), int(1)), 5)],
    ["an acknowledgement of a kind that is not stored", array(int(1), int(2), int(0))],
    ["an acknowledgement of the time", array(int(1), int(7), int(0))],
    ["an acknowledgement with a range", array(int(1), int(1), int(0), int(1))],
    ["a request without a range", array(int(2), int(1), int(0))],
    ["a sequence of 33 bits", array(int(1), int(1), int(2 ** 32))],
    ["trailing bytes", Uint8Array.of(...array(int(1), int(4), int(0)), 0)],
    ["an empty document", array(int(3), bstr(new Uint8Array(0)))],
    ["a document of junk", array(int(3), bstr(new Uint8Array(100)))],
    ["a document of 513 bytes", array(int(3), bstr(new Uint8Array(513)))],
    ["a document and more", array(int(3), bstr(new Uint8Array(10)), int(1))],
    ["a frame of 521 bytes", new Uint8Array(521)],
    ["a long frame", new Uint8Array(100_000)],
  ])("counts %s and does nothing else", (_, frame) => {
    const meter = new BenchMeter();
    meter.run();
    const shown = meter.unit.display(meter.uptime_ms);
    meter.receive(frame);
    expect(meter.unit.display(meter.uptime_ms)).toEqual([...shown, "1 messages refused"]);
    expect(meter.eventTypes).toEqual([EventType.PAIRING, EventType.POWER_DOWN, EventType.POWER_UP]);
  });

  it("costs no reading, whatever it is", () => {
    const meter = new BenchMeter({ provisioned_s: MIDNIGHT_S + DAY_S - 10 * HALF_HOUR_S - 60 });
    meter.confirm();
    const item = fc.oneof(
      fc.nat(7).map(int),
      fc.nat(0xffffffff).map(int),
      fc.uint8Array({ maxLength: 520 }).map(bstr),
    );
    const frames = fc.oneof(
      fc.uint8Array({ maxLength: 600 }),
      fc.array(item, { maxLength: 5 }).map((items) => array(...items)),
    );
    for (const frame of fc.sample(frames, { numRuns: 500, seed: 1 })) {
      meter.clock.advance(30_000);
      meter.feed(MJ_PER_WH);
      meter.receive(frame);
    }
    meter.passUntil(DAY_S + 60);
    expect(meter.check().totals_Wh).toEqual([500, 0]);
  });

  it("does not keep the unit from sealing, pairing or asking the time, even without a pause", () => {
    const meter = new BenchMeter({ provisioned_s: MIDNIGHT_S + DAY_S - 2 * HALF_HOUR_S - 60 });
    meter.confirm();
    meter.passUntil(DAY_S, [1000]);
    const flooded = new BenchMeter({ provisioned_s: MIDNIGHT_S + DAY_S - 2 * HALF_HOUR_S - 60 });
    flooded.confirm();
    flooded.passUntil(DAY_S - 60, [1000]);
    flooded.button.press();
    flooded.clock.advance(60_000);
    for (let step = 0; step < 100; step++) {
      flooded.unit.receive(flooded.uptime_ms, Uint8Array.of(0));
      expect(flooded.unit.step(flooded.uptime_ms)).toBe(true);
    }
    flooded.takeAll();
    expect(flooded.batches.length).toBe(1);
    expect(flooded.unit.receiveLocal(array(int(4), bstr(flooded.parties.customer.user)))).toBe(true);
  });
});

describe("events", () => {
  it("of a loose contact are written eight times a day singly, and then as one count", () => {
    const meter = new BenchMeter();
    for (let cut = 0; cut < 20; cut++) {
      meter.boot();
      meter.run();
    }
    meter.confirm();
    const count = (type: number) => meter.eventTypes.filter((other) => other === type).length;
    expect([count(EventType.POWER_UP), count(EventType.POWER_DOWN)]).toEqual([8, 8]);
    meter.passUntil(60);
    const last = meter.events.slice(-2);
    expect(last).toMatchObject([
      { type: EventType.POWER_UP, detail: 13 },
      { type: EventType.POWER_DOWN, detail: 13 },
    ]);
    meter.passUntil(DAY_S + 60);
    meter.check();
  });
});
