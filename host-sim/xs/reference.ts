// The scenario on Node: the same sources over a chip in memory. It makes what the other engines are given
// (the plan, the authority's request, the network operator's signed answers) and the files and cells that
// they must leave, byte for byte.

import { signCommand } from "../../src/supplier/command.js";
import { assert } from "../../src/trusted/encoding/bytes.js";
import { BLOCK_BYTES, type Flash, SECTOR_BYTES } from "../../src/trusted/ports.js";
import { liveOnCredit } from "../credit-month.js";
import { creditTariffs } from "../credit-tariffs.js";
import { PowerCut } from "../flash.js";
import { buildImage } from "../image.js";
import { drawParties, type Enrolment, enrolment, type Parties } from "../parties.js";
import { onPrepayment, prepaidOrders, UNTIMED_S } from "../prepaid.js";
import { FLASH_SECTORS, runScenario } from "../scenario.js";
import type { ScenarioInput, ScenarioPlan } from "../scenario-input.js";
import { SeededRandom } from "../seeded.js";
import { householdConfiguration } from "../simulation.js";
import { signTime } from "../time-service.js";
import { rosterDocuments } from "./roster.js";

/** 1 July 2011, 21:00 UTC: three hours before a day ends and its batch is sealed. */
const START_S = 1_309_554_000;
const INTERVAL_S = 900;
/** The plug is pulled in the second hour, within some state record. */
const CUT_AFTER_S = 4_080;
const CUT_BYTES_MAX = 300;
const METER_ID = "SM-0001";

/** The chip of the boards: NOR cells, and a plug that is pulled after a number of programmed bytes. */
export class BoardFlash implements Flash {
  readonly sectors = FLASH_SECTORS;
  readonly cells = new Uint8Array(FLASH_SECTORS * SECTOR_BYTES).fill(0xff);
  #untilCut = Number.POSITIVE_INFINITY;

  cutAfter(bytes: number): void {
    this.#untilCut = bytes;
  }

  read(address: number, into: Uint8Array): void {
    into.set(this.cells.subarray(address, address + into.length));
  }

  program(address: number, bytes: Uint8Array): void {
    assert(address % BLOCK_BYTES === 0 && bytes.length % BLOCK_BYTES === 0, "a program is of whole blocks");
    const whole = Math.min(bytes.length, this.#untilCut);
    for (let at = 0; at < whole; at++) {
      this.cells[address + at] = (this.cells[address + at] as number) & (bytes[at] as number);
    }
    this.#untilCut -= whole;
    if (whole === bytes.length) return;
    this.#untilCut = Number.POSITIVE_INFINITY;
    throw new PowerCut("the power failed during a program");
  }

  erase(sector: number): void {
    this.cells.fill(0xff, sector * SECTOR_BYTES, (sector + 1) * SECTOR_BYTES);
  }
}

/** What a run leaves: its files by name, and the chip. */
export interface RunFiles {
  readonly files: ReadonlyMap<string, Uint8Array>;
  readonly cells: Uint8Array;
}

export interface Reference extends RunFiles {
  readonly input: ScenarioInput;
  readonly tables: { readonly tableB: Uint8Array; readonly tableBlinding: Uint8Array };
  readonly parties: Parties;
  readonly enrolment: Enrolment;
}

export interface ReferenceOptions {
  readonly seed: number;
  /** Whole hours of meter time, 4 to 96: fewer reach no end of a day. */
  readonly hours: number;
  /** Members of the meter's roster besides it; 0: it has none. */
  readonly peers?: number;
  /** Whether the meter is on pre-payment, and then in no roster. */
  readonly prepaid?: boolean;
}

/** As many as the budget of an interval's close names. */
export const PEERS = 10;

/** Runs the scenario on Node. @throws Error if the plug is not pulled exactly once. */
export function runReference({
  seed,
  hours,
  prepaid = false,
  peers = prepaid ? 0 : PEERS,
}: ReferenceOptions): Reference {
  assert(Number.isInteger(hours) && hours >= 4 && hours <= 96, "the scenario takes 4 to 96 hours");
  const random = new SeededRandom(seed).fork(METER_ID);
  const parties = drawParties(random);
  const image = buildImage(parties.authority.publicKey);
  const channels = ["1-0:1.8.0", "1-0:2.8.0"];
  const trace = { start_s: START_S, step_s: INTERVAL_S, channels, rows: [] };
  const configuration = householdConfiguration(
    { trace, meterId: METER_ID, intervalSeconds: INTERVAL_S },
    parties,
  );
  const flash = new BoardFlash();
  const parts = new Map<string, Uint8Array[]>();
  const answers: [Uint8Array, Uint8Array][] = [];
  const host = {
    image,
    flash,
    cutAfter: (bytes: number) => flash.cutAfter(bytes),
    write: (file: string, bytes: Uint8Array) => {
      parts.set(file, [...(parts.get(file) ?? []), bytes.slice()]);
    },
    answerTime: (nonce: Uint8Array, time_s: number) => {
      if (prepaid && time_s > plan.cut_s && time_s < plan.cut_s + UNTIMED_S) return null;
      const document = signTime(METER_ID, nonce, time_s, parties.network.seed);
      answers.push([nonce, document]);
      return document;
    },
  };
  const plan: Omit<ScenarioPlan, "request"> = {
    seed,
    meterId: METER_ID,
    start_s: START_S,
    cut_s: START_S + CUT_AFTER_S,
    end_s: START_S + hours * 3600,
    cutBytes: random.fork("cut").below(CUT_BYTES_MAX),
  };
  const bench = enrolment(parties, random, configuration, image.softwareId, START_S - 60);
  const { request } = bench;
  const filesOf = (file: string) => joined(parts.get(file) ?? []);
  const certified = () => bench.certify(filesOf("answer"));
  let orders: readonly Uint8Array[] | null = null;
  const tariffs = prepaid ? creditTariffs(parties.supplier) : [];
  const [tariff] = tariffs;
  const order = (at: number) => {
    if (tariff) orders ??= signedOrders(tariff.digest, parties.supplier.seed, plan.end_s);
    if (orders) return orders[at] ?? null;
    if (peers === 0) return null;
    const { certificate } = certified();
    const options = { parties, random: random.fork("roster"), certificate, peers, start_s: START_S };
    orders ??= rosterDocuments(options);
    return orders[at] ?? null;
  };
  const whole = { ...plan, request };
  const run = () => {
    const bare = { ...host, order };
    runScenario(whole, tariff ? onPrepayment(whole, tariff, bare) : bare);
  };
  runUntilCut(run);
  run();
  const { softwareId, version, authorityKey, tableWindow, tableB, tableBlinding } = image;
  return {
    input: {
      plan: whole,
      image: { softwareId, version, authorityKey, tableWindow },
      answers,
      orders: orders ?? [],
      tariffs,
    },
    tables: { tableB, tableBlinding },
    files: new Map([...parts.keys()].map((file) => [file, filesOf(file)])),
    cells: flash.cells,
    parties,
    enrolment: certified(),
  };
}

const signedOrders = (digest: Uint8Array, seed: Uint8Array, notAfter_s: number) =>
  prepaidOrders(digest).map((order, at) =>
    signCommand({ ...order, meterId: METER_ID, counter: at + 1, notAfter_s }, seed),
  );

function runUntilCut(run: () => void): void {
  try {
    run();
  } catch (error) {
    if (error instanceof PowerCut) return;
    throw error;
  }
  throw new Error("the plug was not pulled");
}

export type CreditReference = Pick<Reference, "input" | "tables" | "files">;

/** The weeks on credit on Node: what the boards are given for it, and the files that they must leave. */
export function creditReference({ parties, input, tables }: Reference): CreditReference {
  const tariffs = creditTariffs(parties.supplier);
  const parts = new Map<string, Uint8Array[]>();
  liveOnCredit({
    tariffs,
    write: (file, bytes) => void parts.set(file, [...(parts.get(file) ?? []), bytes.slice()]),
    measured: (_, run) => run(),
  });
  const files = new Map([...parts].map(([file, each]) => [file, joined(each)]));
  return { tables, input: { ...input, answers: [], orders: [], tariffs }, files };
}

const joined = (parts: readonly Uint8Array[]) => Uint8Array.from(Buffer.concat(parts));
