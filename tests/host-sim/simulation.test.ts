// Whole meters in virtual time. The pinned digests say that the same seed gives the same bytes on every
// machine and engine; they change with what a meter stores or sends, and then must be meant to.
import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex } from "@noble/hashes/utils.js";
import { describe, expect, it } from "vitest";
import { Device } from "../../host-sim/device.js";
import { HeadEnd } from "../../host-sim/head-end.js";
import { householdTrace } from "../../host-sim/household.js";
import { buildImage, trustedBundle } from "../../host-sim/image.js";
import { drawParties, enrol } from "../../host-sim/parties.js";
import { SeededEntropy, TraceEnergy } from "../../host-sim/ports.js";
import { SeededRandom } from "../../host-sim/seeded.js";
import {
  createWorld,
  householdConfiguration,
  pairedKey,
  rememberFlash,
  rollBack,
  runUntil,
  type SimulationOptions,
  simulate,
  type World,
} from "../../host-sim/simulation.js";
import type { Trace } from "../../host-sim/trace.js";
import { checkMeter, type MeterRecord } from "../../src/customer/check.js";
import { decodePairing } from "../../src/customer/messages.js";
import { decodeStatement } from "../../src/proofs/batch.js";
import { signWithKey } from "../../src/proofs/signed.js";
import { EventType } from "../../src/trusted/authority/events.js";
import { encodeShare } from "../../src/trusted/blinding/share.js";
import { FormatError } from "../../src/trusted/encoding/bytes.js";
import { array, bstr, CborReader, int, tstr } from "../../src/trusted/encoding/cbor.js";
import { decodeSign1 } from "../../src/trusted/encoding/cose.js";
import { MILLIJOULES_PER_WH } from "../../src/trusted/metrology/registers.js";
import { digest } from "../../src/trusted/sealing/keys.js";

const DAY_S = 86_400;
const START_S = 1_767_225_600; // 1 January 2026, 00:00 UTC
const METER_ID = "SM-0001";

function optionsOf(days: number, changes: Partial<SimulationOptions> = {}): SimulationOptions {
  const trace = householdTrace({ seed: 1, start_s: START_S, days, step_s: 1800, utcOffset_h: 0 });
  return { trace, meterId: METER_ID, intervalSeconds: 1800, seed: 1, tick_ms: 30_000, ...changes };
}

const TOPICS = ["reading", "event", "pairing", "batch"] as const;
const hashOf = (bytes: Uint8Array) => bytesToHex(sha256(bytes)).slice(0, 16);

/** Digests of all that a world's meter stored and sent. */
function digestsOf({ flash, headEnd }: World): Record<string, string> {
  const messages = TOPICS.map((topic) => [topic, hashOf(headEnd.sequence(topic))]);
  return { flash: hashOf(flash.image()), ...Object.fromEntries(messages) };
}

/** The same, as a meter with this seed would live if its software never changed: the pins outlive the code. */
function pinnedLife(seed: number, flashMode: "plain" | "encrypted") {
  const options = optionsOf(2, { seed, flashMode });
  const world = createWorld(options);
  world.image.softwareId.fill(0x55);
  runUntil(world, options, START_S + 2 * DAY_S + 3600);
  return digestsOf(world);
}

const recordOf = ({ enrolment, headEnd }: World): MeterRecord => ({
  certificate: enrolment.certificate,
  batches: headEnd.messages("batch"),
  readings: headEnd.sequence("reading"),
  events: headEnd.sequence("event"),
  pairings: headEnd.messages("pairing"),
});

function check(world: World) {
  const { payload } = decodeSign1(world.enrolment.pairing, "pairing-1", 512);
  const { epoch, ephemeral } = decodePairing(payload);
  const keys = { meterId: METER_ID, epoch, K: pairedKey(world, ephemeral, epoch) };
  return checkMeter(recordOf(world), keys, world.parties.authority.publicKey);
}

/** Whole Wh of a channel of a trace. */
const traceWh = ({ rows }: Trace, channel: number) =>
  Math.floor(rows.reduce((sum, row) => sum + (row?.[channel] ?? 0), 0) / MILLIJOULES_PER_WH);

describe("a simulation", () => {
  const [plain, encrypted] = [pinnedLife(1, "plain"), pinnedLife(1, "encrypted")];

  it("gives these bytes, on every machine", () => {
    const messages = {
      reading: "4b1aa9005d438fe9",
      event: "853cd503f515d36a",
      pairing: "c8ce5a65f0d401c1",
      batch: "75715a7afe51b020",
    };
    expect(plain).toEqual({ flash: "b08d271c73e9d939", ...messages });
    expect(encrypted).toEqual({ flash: "8727bcb532c508e0", ...messages });
  });

  it("gives the same messages from plain and encrypted flash, and other bytes from another seed", () => {
    const { flash: plainFlash, ...plainMessages } = plain;
    const { flash: encryptedFlash, ...encryptedMessages } = encrypted;
    expect(encryptedMessages).toEqual(plainMessages);
    expect(encryptedFlash).not.toBe(plainFlash);
    const other = pinnedLife(2, "plain");
    for (const [name, hash] of Object.entries(other)) expect(hash).not.toBe(plain[name]);
  });

  it("seals the trace's energy to the last whole Wh, and the customer can check it", () => {
    const whole = optionsOf(2).trace;
    const trace = { ...whole, rows: whole.rows.slice(0, 70) };
    const progress: number[] = [];
    const options = optionsOf(2, { trace, progress: (done_s, total_s) => progress.push(done_s / total_s) });
    const { totals_Wh, provisional, gaps } = check(simulate(options));
    expect([provisional, gaps]).toEqual([[], []]);
    expect(totals_Wh).toEqual([traceWh(trace, 0), traceWh(trace, 1)]);
    expect(progress.at(-1)).toBe(1);
  });

  it("loses nothing in a day without uplink", () => {
    const outages = [[START_S + DAY_S / 3, START_S + 1.5 * DAY_S]] as const;
    const [undisturbed, disturbed] = [simulate(optionsOf(3)), simulate(optionsOf(3, { outages }))];
    for (const topic of ["reading", "batch"] as const) {
      expect(disturbed.headEnd.messages(topic).length).toBe(undisturbed.headEnd.messages(topic).length);
    }
    expect(check(disturbed).totals_Wh).toEqual(check(undisturbed).totals_Wh);
    expect(disturbed.headEnd.messages("event").length).toBe(undisturbed.headEnd.messages("event").length);
  });

  it("leaves out the intervals in which its trace has no power, and none of the energy", () => {
    const whole = optionsOf(2).trace;
    const trace = { ...whole, rows: whole.rows.map((row, at) => (at >= 20 && at < 30 ? null : row)) };
    const shown: number[] = [];
    const watch = ({ device }: World) => shown.push(device.display().length);
    const world = simulate(optionsOf(2, { trace, watch }));
    const { gaps, totals_Wh } = check(world);
    // The interval in which the power fails was begun: it has a reading.
    expect(gaps).toEqual([{ first: START_S / 1800 + 21, last: START_S / 1800 + 29 }]);
    expect(totals_Wh).toEqual([traceWh(trace, 0), traceWh(trace, 1)]);
    expect(shown).toContain(0);
    expect(world.headEnd.duplicates).toBeLessThan(5);
    expect(world.headEnd.bytes).toBeGreaterThan(86 * 30);
  });

  it("forks where the flash is rolled back: two batches of one number, with different digests", () => {
    const options = optionsOf(2);
    const world = createWorld(options);
    runUntil(world, options, START_S + DAY_S / 2);
    const before = rememberFlash(world);
    runUntil(world, options, START_S + DAY_S + 3600);
    const rows = options.trace.rows.map((row) => row?.map((mJ) => mJ + MILLIJOULES_PER_WH) ?? null);
    const forged = { ...options, trace: { ...options.trace, rows } };
    const fork = rollBack(world, forged, before);
    runUntil(fork, forged, START_S + DAY_S + 3600);
    const digests = [world, fork].map(({ headEnd }) => {
      const { payload } = decodeSign1(headEnd.messages("batch")[0] ?? new Uint8Array(0), "batch-1", 512);
      expect(decodeStatement(payload).batchNumber).toBe(0);
      return bytesToHex(digest(payload));
    });
    expect(digests[0]).not.toBe(digests[1]);
    expect(() => {
      const batches = [...world.headEnd.messages("batch"), ...fork.headEnd.messages("batch")];
      const { epoch, ephemeral } = decodePairing(
        decodeSign1(world.enrolment.pairing, "pairing-1", 512).payload,
      );
      const keys = { meterId: METER_ID, epoch, K: pairedKey(world, ephemeral, epoch) };
      checkMeter({ ...recordOf(world), batches }, keys, world.parties.authority.publicKey);
    }).toThrow();
  });
});

describe("a device", () => {
  it("pairs at its local port while the button's window is open", () => {
    const options = optionsOf(1);
    const world = createWorld(options);
    const { device, parties, headEnd } = world;
    const request = array(int(4), bstr(parties.customer.user));
    expect([device.powered, device.display(), device.receiveLocal(request)]).toEqual([false, [], false]);
    device.run();
    runUntil(world, options, START_S + 600);
    device.button.press();
    device.run();
    expect(device.receiveLocal(request)).toBe(true);
    device.button.press();
    runUntil(world, options, START_S + 700);
    expect(headEnd.messages("pairing").length).toBe(2);
    expect(device.steps).toBeGreaterThan(20);
  });

  it("says so when its unit does not come to rest", () => {
    const options = optionsOf(1);
    const { clock, image, flash, secrets, headEnd } = createWorld(options);
    const uplink = {
      publish: () => true,
      poll: () => ({ kind: "command", payload: Uint8Array.of(1) }) as const,
      restart: () => {},
    };
    const entropy = new SeededEntropy(new SeededRandom(1));
    const energy = () => new TraceEnergy(options.trace, clock);
    const { meterId } = options;
    const flooded = new Device({ clock, image, flash, secrets, entropy, energy, uplink, meterId });
    flooded.powerUp();
    expect(() => flooded.run()).toThrow("still busy after 100000 steps");
    expect(headEnd.messages("event")).toEqual([]);
  });
});

describe("the head end", () => {
  const event = (sequence: number) =>
    array(int(1), tstr(METER_ID), int(sequence), int(START_S), int(EventType.CLOCK_SET), Uint8Array.of(0xf6));
  function listening() {
    const commands: Uint8Array[] = [];
    const { network } = drawParties(new SeededRandom(1));
    const sendCommand = (document: Uint8Array) => void commands.push(document);
    const headEnd = new HeadEnd({
      meterId: METER_ID,
      networkSeed: network.seed,
      time_s: () => START_S,
      sendCommand,
    });
    return { headEnd, commands, network };
  }

  it("keeps each message once, by its number, in whatever order they come", () => {
    const { headEnd } = listening();
    for (const sequence of [2, 0, 2, 1]) headEnd.deliver("sealmeter/1/SM-0001/event", event(sequence));
    expect(headEnd.messages("event")).toEqual([event(0), event(1), event(2)]);
    expect(headEnd.sequence("event").length).toBe(3 * event(0).length);
    expect([headEnd.duplicates, headEnd.bytes]).toEqual([1, 4 * event(0).length]);
  });

  it("keeps the shares of an interval apart by their rosters, in the order in which they came", () => {
    const { headEnd } = listening();
    const share = (interval: number, rosterNumber: number) =>
      encodeShare(
        { meterId: METER_ID, interval, groupId: "street-1", rosterNumber, status: 0 },
        new Uint8Array(8),
      );
    const sent = [share(7, 1), share(8, 1), share(7, 2), share(8, 1)];
    for (const message of sent) headEnd.deliver("sealmeter/1/SM-0001/share", message);
    expect(headEnd.shares).toEqual(sent.slice(0, 3));
    expect(headEnd.duplicates).toBe(1);
  });

  it("answers a request for the time with its own, signed", () => {
    const { headEnd, commands, network } = listening();
    const nonce = new Uint8Array(16).fill(7);
    headEnd.deliver("sealmeter/1/SM-0001/time", array(int(1), tstr(METER_ID), bstr(nonce)));
    const payload = Uint8Array.of(
      ...[0xa5, 1, ...tstr(METER_ID), 2, 0, 3, 0xf6, 4, 1, 5],
      ...array(bstr(nonce), int(START_S)),
    );
    expect(commands).toEqual([signWithKey("command-1", payload, network.seed)]);
  });

  it("takes nothing that no meter sends", () => {
    const { headEnd } = listening();
    expect(() => headEnd.deliver("sealmeter/1/SM-0001/gossip", event(0))).toThrow("no topic");
    expect(() => headEnd.deliver("sealmeter/1/SM-0001/event", event(0).slice(0, 5))).toThrow(FormatError);
    expect(() => headEnd.deliver("sealmeter/1/SM-0001/time", event(0))).toThrow(FormatError);
    expect(() => headEnd.deliver("sealmeter/1/SM-0001/share", event(0))).toThrow(FormatError);
    expect(() => headEnd.deliver("sealmeter/1/SM-0001/batch", event(0))).toThrow(FormatError);
  });
});

describe("the bench of the authority", () => {
  const random = new SeededRandom(1);
  const parties = drawParties(random);

  it("draws the same parties from the same seed, all with keys of their own", () => {
    expect(drawParties(new SeededRandom(1))).toEqual(parties);
    const { authority, supplier, network, aggregator, customer } = parties;
    const keys = [authority, supplier, network, aggregator].map(({ publicKey }) => bytesToHex(publicKey));
    expect(new Set([...keys, bytesToHex(customer.user)]).size).toBe(5);
  });

  it("certifies no meter that does not hold its keys", () => {
    const options = optionsOf(1);
    const configuration = householdConfiguration(options, parties);
    const { device } = createWorld(options);
    expect(() => device.provision(new Uint8Array(0))).toThrow(FormatError);
    const genuine = createWorld({ ...options, seed: 2 });
    const answer = (proof: Uint8Array) => {
      const { payload } = decodeSign1(genuine.enrolment.certificate, "certificate-1", 512);
      const reader = new CborReader(payload, "certificate");
      reader.map(9);
      reader.key(1).text(32);
      const [signingKey, agreementKey] = [reader.key(2).bytes(32), reader.key(3).bytes(32)];
      const keys = [signingKey, agreementKey, proof, genuine.enrolment.pairing];
      return array(int(1), tstr(METER_ID), ...keys.map(bstr));
    };
    const claim = () =>
      enrol(parties, random, configuration, new Uint8Array(32), START_S, () => answer(new Uint8Array(32)));
    expect(claim).toThrow("the meter does not hold its agreement key");
  });
});

describe("an image", () => {
  const authorityKey = new Uint8Array(32);

  it("is identified by the trusted room's built code and its tables, not by the authority's key", () => {
    const image = buildImage(authorityKey, 2);
    expect(buildImage(new Uint8Array(32).fill(1), 2).softwareId).toEqual(image.softwareId);
    expect(buildImage(authorityKey, 3).softwareId).not.toEqual(image.softwareId);
    expect([image.tableWindow, image.tableB.length]).toEqual([2, 128 * 4 * 64]);
  });

  it("is built from the trusted room and noble alone", () => {
    const bundle = new TextDecoder().decode(trustedBundle());
    expect(bundle).toContain("sealmeter/1/user");
    expect(bundle).not.toMatch(/\bimport\b|\brequire\(/);
  });
});
