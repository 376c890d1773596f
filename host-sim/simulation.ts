// One meter's life in virtual time: enrolled on the bench, powered where the trace has energy, its uplink
// failing when told to. The same options give the same bytes on every machine.

import { CreditCompanion } from "../src/credit/companion.js";
import type { MeterRecord, PairedKeys } from "../src/customer/check.js";
import { decodePairing } from "../src/customer/messages.js";
import { verifySigned } from "../src/proofs/signed.js";
import { Role } from "../src/trusted/authority/certificate.js";
import type { Configuration } from "../src/trusted/authority/configuration.js";
import { agree } from "../src/trusted/authority/pairing.js";
import { DAY_SECONDS } from "../src/trusted/metrology/interval.js";
import type { Button, Image } from "../src/trusted/ports.js";
import { bytesOf } from "../src/trusted/sealing/edwards.js";
import { customerKey } from "../src/trusted/sealing/keys.js";
import { VirtualClock } from "./clock.js";
import { Device } from "./device.js";
import { type FlashSnapshot, NorFlash } from "./flash.js";
import { frontEndOver, type SimulatedFrontEnd } from "./front-ends.js";
import { HeadEnd } from "./head-end.js";
import { buildImage } from "./image.js";
import { drawParties, type Enrolment, enrol, type Parties } from "./parties.js";
import { MemorySecretStore, MemoryTariffStore, SeededEntropy } from "./ports.js";
import { BistableRelay } from "./relay.js";
import { SeededRandom } from "./seeded.js";
import type { Trace } from "./trace.js";
import { MemoryUplink } from "./uplink.js";

/** Sectors of the journal's partition: 2.25 MB. */
export const FLASH_SECTORS = 576;
/** The meter is provisioned this long before its trace begins. */
const BENCH_S = 60;
/** Time for the last messages to be sent and acknowledged. */
const FLUSH_MS = 120_000;

export interface SimulationOptions {
  readonly trace: Trace;
  readonly meterId: string;
  readonly intervalSeconds: number;
  readonly seed: number;
  readonly flashMode?: "plain" | "encrypted";
  /** What the meter measures with; by default the trace itself. */
  readonly frontEnd?: SimulatedFrontEnd;
  /** Times without uplink, `[from_s, to_s)` Unix seconds, ascending. */
  readonly outages?: readonly (readonly [number, number])[];
  /** Time between steps of the unit, ms: a divisor of the interval. By default as the front end wants it. */
  readonly tick_ms?: number;
  /** Whether the meter has a load switch, and with it credit. */
  readonly hasSwitch?: boolean;
  readonly progress?: (done_s: number, total_s: number) => void;
  /** Called at every step of the simulation, to look or to interfere. */
  readonly watch?: (world: World) => void;
}

/** Where a meter is put up: who it obeys and what it is told when it is enrolled. */
export interface Site {
  readonly parties: Parties;
  readonly image: Image;
  readonly configuration: Configuration;
  /** What it is certified for, of Role. */
  readonly role: number;
}

/** What outlives the power of a load switch and of credit. */
export interface Supply {
  readonly relay: BistableRelay;
  readonly tariffs: MemoryTariffStore;
}

/** Everything there is while a simulation runs, and when it has ended. */
export interface World extends Site {
  readonly clock: VirtualClock;
  readonly flash: NorFlash;
  readonly secrets: MemorySecretStore;
  readonly supply: Supply | null;
  readonly device: Device;
  readonly uplink: MemoryUplink;
  readonly headEnd: HeadEnd;
  readonly enrolment: Enrolment;
}

/** A single-phase household meter of 100 A for the channels of a trace. */
export function householdConfiguration(
  {
    trace,
    meterId,
    intervalSeconds,
    frontEnd,
  }: Pick<SimulationOptions, "trace" | "meterId" | "intervalSeconds" | "frontEnd">,
  parties: Parties,
): Configuration {
  const [nominal_V, maximum_A] = [230, 100];
  return {
    meterId,
    intervalSeconds,
    channels: trace.channels,
    maximum_Wh: Math.floor((nominal_V * maximum_A * intervalSeconds) / 3600),
    elements: 1,
    nominal_V,
    maximum_A,
    supplier: parties.supplier.publicKey,
    network: parties.network.publicKey,
    aggregator: parties.aggregator.publicKey,
    minGroup: 10,
    revokedPeers: [],
    update: null,
    calibration: frontEnd?.calibration ?? null,
  };
}

/** A household of its own, with parties that nobody else has. */
function ownSite(options: SimulationOptions): Site {
  const parties = drawParties(new SeededRandom(options.seed).fork(options.meterId));
  const image = buildImage(parties.authority.publicKey);
  return { parties, image, configuration: householdConfiguration(options, parties), role: Role.HOUSEHOLD };
}

/** Makes the world and enrols the meter; nothing is powered yet. */
export function createWorld(options: SimulationOptions, site = ownSite(options)): World {
  const { trace, meterId, seed } = options;
  const { parties, image, configuration, role } = site;
  const random = new SeededRandom(seed).fork(meterId);
  const clock = new VirtualClock((trace.start_s - BENCH_S) * 1000);
  const secrets = new MemorySecretStore(random.fork("secrets"));
  const supply = options.hasSwitch ? { relay: new BistableRelay(), tariffs: new MemoryTariffStore() } : null;
  const attached = attach(options, { clock, parties, image, secrets, supply });
  const now_s = Math.floor(clock.now_ms / 1000);
  const provision = (request: Uint8Array) => attached.device.provision(request);
  const enrolment = enrol(parties, random, configuration, image.softwareId, now_s, provision, role);
  return { ...site, clock, secrets, supply, enrolment, ...attached };
}

/** A device and the head end at the other end of its uplink. */
function attach(
  {
    trace,
    meterId,
    seed,
    flashMode = "encrypted",
    outages = [],
    frontEnd = frontEndOver("trace", trace),
  }: SimulationOptions,
  {
    clock,
    parties,
    image,
    secrets,
    supply,
  }: Pick<World, "clock" | "parties" | "image" | "secrets" | "supply">,
): Pick<World, "flash" | "device" | "uplink" | "headEnd"> {
  const random = new SeededRandom(seed).fork(meterId);
  const flash = new NorFlash({ sectors: FLASH_SECTORS, mode: flashMode, random: random.fork("flash") });
  const uplink = new MemoryUplink({
    clock,
    random: random.fork("uplink"),
    outages: outages.map(([from_s, to_s]) => [from_s * 1000, to_s * 1000]),
    deliver: (topic, message) => headEnd.deliver(topic, message),
  });
  const headEnd = new HeadEnd({
    meterId,
    networkSeed: parties.network.seed,
    time_s: () => Math.floor(clock.now_ms / 1000),
    sendCommand: (document) => void uplink.sendCommand(document),
  });
  const entropy = new SeededEntropy(random.fork("entropy"));
  const energy = () => frontEnd.make(clock);
  const parts = { clock, image, flash, secrets, entropy, energy, uplink, meterId };
  const device = new Device({ ...parts, ...(supply && { supply: switchedBy(supply) }) });
  return { flash, device, uplink, headEnd };
}

/** The load switch of a device, and the real credit logic behind it. */
export const switchedBy = ({ relay, tariffs }: Supply) => ({
  relay,
  credit: (closing: Button) => new CreditCompanion({ relay, tariffs, closing }),
});

/** What a thief of the flash chip has: its content at a moment, and the same meter's keys in the seal. */
export interface RolledBack {
  readonly snapshot: FlashSnapshot;
  readonly now_ms: number;
}

export const rememberFlash = ({ flash, clock }: World): RolledBack => ({
  snapshot: flash.snapshot(),
  now_ms: clock.now_ms,
});

/** The same meter with the flash of an earlier moment, measuring another trace from then on. */
export function rollBack(world: World, options: SimulationOptions, { snapshot, now_ms }: RolledBack): World {
  const clock = new VirtualClock(now_ms);
  const attached = attach(options, { ...world, clock });
  attached.flash.restore(snapshot);
  return { ...world, clock, ...attached };
}

/** Runs the meter until `end_s`, powered where the trace has power. */
export function runUntil(world: World, options: SimulationOptions, end_s: number): void {
  const { trace, frontEnd = frontEndOver("trace", trace), watch, progress } = options;
  const { tick_ms = frontEnd.tick_ms } = options;
  const { clock, device } = world;
  const from_s = trace.start_s;
  while (clock.now_ms < end_s * 1000) {
    const row = Math.floor((clock.now_ms / 1000 - from_s) / trace.step_s);
    const power = trace.rows[row] !== null;
    if (power && !device.powered) device.powerUp();
    device.run();
    clock.advance(Math.min(tick_ms, end_s * 1000 - clock.now_ms));
    const next = Math.floor((clock.now_ms / 1000 - from_s) / trace.step_s);
    if (device.powered && trace.rows[next] === null) {
      device.run();
      device.powerDown();
    }
    watch?.(world);
    progress?.(clock.now_ms / 1000 - from_s, end_s - from_s);
  }
}

/**
 * Runs a whole trace. Where it does not end with a UTC day, the meter is unplugged at its end and powered up
 * again on the next day, so that its last day is sealed too.
 */
export function simulate(options: SimulationOptions, site = ownSite(options)): World {
  const world = createWorld(options, site);
  const { trace } = options;
  const end_s = trace.start_s + trace.rows.length * trace.step_s;
  runUntil(world, options, end_s);
  const { clock, device } = world;
  device.run();
  if (end_s % DAY_SECONDS !== 0 && device.powered) device.powerDown();
  if (!device.powered) {
    clock.advance((DAY_SECONDS - (end_s % DAY_SECONDS)) * 1000);
    device.powerUp();
  }
  const flushed_ms = clock.now_ms + FLUSH_MS;
  while (clock.now_ms < flushed_ms) {
    device.run();
    clock.advance(1000);
  }
  return world;
}

/** K of the world's customer, from u and the meter's pairing. */
export function pairedKey(
  { parties, configuration }: World,
  ephemeral: Uint8Array,
  epoch: number,
): Uint8Array {
  const { secret, user } = parties.customer;
  return customerKey(agree(secret, ephemeral), { meterId: configuration.meterId, epoch, user, ephemeral });
}

/** What the meter of a simulated world has sent. */
export function recordOf({ headEnd, enrolment }: World): MeterRecord {
  return {
    certificate: enrolment.certificate,
    batches: headEnd.messages("batch"),
    readings: headEnd.sequence("reading"),
    events: headEnd.sequence("event"),
    pairings: headEnd.messages("pairing"),
  };
}

/** What the customer of a simulated world keeps. */
export function customerOf(world: World): PairedKeys {
  const { parties, enrolment, configuration, role } = world;
  const { secret, user } = parties.customer;
  const payload = verifySigned("pairing-1", enrolment.pairing, enrolment.signingKey, 512);
  const { epoch, ephemeral } = decodePairing(payload);
  const K = pairedKey(world, ephemeral, epoch);
  return { meterId: configuration.meterId, epoch, K, user, userSecret: bytesOf(secret), role };
}
