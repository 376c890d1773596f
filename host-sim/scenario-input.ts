// What a board is given to run the scenario with, as bytes.
import { CREDIT_TARIFF_BYTES_MAX } from "../src/credit/ports.js";
import { array, bstr, CborReader, int, tstr } from "../src/trusted/encoding/cbor.js";
import type { Image } from "../src/trusted/ports.js";

/** Answers to requests for the time in one input, and documents for the meter, at most. */
const ANSWERS_MAX = 64;
export const ORDERS_MAX = 32;
/** Signed tariffs, at most. */
const TARIFFS_MAX = 4;

export interface ScenarioPlan {
  readonly seed: number;
  readonly meterId: string;
  /** Unix seconds; a multiple of 900. The power fails for the first time at cut_s or within minutes of it. */
  readonly start_s: number;
  readonly cut_s: number;
  readonly end_s: number;
  /** Bytes that are still programmed after cut_s. */
  readonly cutBytes: number;
  /** The provisioning request of the authority (src/trusted/authority/provisioning.ts). */
  readonly request: Uint8Array;
}

/** A plan with the signed answers to the requests for the time that it will see, as bytes for a board. */
export interface ScenarioInput {
  readonly plan: ScenarioPlan;
  readonly image: Omit<Image, "tableB" | "tableBlinding">;
  readonly answers: readonly (readonly [nonce: Uint8Array, document: Uint8Array])[];
  /** Documents that the head end sends to the meter in its first hour: a roster, and its members' certificates. */
  readonly orders: readonly Uint8Array[];
  /** Signed tariffs for meters on pre-payment, each with H of its payload. */
  readonly tariffs: readonly Offered[];
}

/** A tariff as its supplier signed it, and H of its payload, which a command names. */
export interface Offered {
  readonly document: Uint8Array;
  readonly digest: Uint8Array;
}

export function encodeInput({ plan, image, answers, orders, tariffs }: ScenarioInput): Uint8Array {
  const numbers = [
    plan.seed,
    plan.start_s,
    plan.cut_s,
    plan.end_s,
    plan.cutBytes,
    image.tableWindow,
    image.version,
  ];
  return array(
    array(...numbers.map(int)),
    tstr(plan.meterId),
    ...[plan.request, image.softwareId, image.authorityKey].map(bstr),
    array(...answers.map((pair) => array(...pair.map(bstr)))),
    array(...orders.map(bstr)),
    array(...tariffs.map(({ document, digest }) => array(bstr(document), bstr(digest)))),
  );
}

/** @throws FormatError for what `encodeInput` did not write. */
export function decodeInput(bytes: Uint8Array): ScenarioInput {
  const reader = new CborReader(bytes, "scenario");
  reader.array(8);
  reader.array(7);
  const number = () => reader.uint(0xffffffff);
  const [seed, start_s, cut_s, end_s] = [number(), number(), number(), number()];
  const [cutBytes, tableWindow, version] = [number(), number(), number()];
  const meterId = reader.text(32);
  const request = reader.bytes(1, 1024);
  const [softwareId, authorityKey] = [reader.bytes(32), reader.bytes(32)];
  const answers = Array.from({ length: reader.array(0, ANSWERS_MAX) }, () => {
    reader.array(2);
    return [reader.bytes(16), reader.bytes(1, 512)] as const;
  });
  const orders = Array.from({ length: reader.array(0, ORDERS_MAX) }, () => reader.bytes(1, 512));
  const tariffs = Array.from({ length: reader.array(0, TARIFFS_MAX) }, () => {
    reader.array(2);
    return { document: reader.bytes(1, CREDIT_TARIFF_BYTES_MAX), digest: reader.bytes(32) };
  });
  reader.end();
  const plan = { seed, meterId, start_s, cut_s, end_s, cutBytes, request };
  return { plan, image: { softwareId, version, authorityKey, tableWindow }, answers, orders, tariffs };
}
