// Bills of a model street: certificates, batches, commitments and proofs as meters and customers make them, without
// the meters. For the benches and tests of whoever verifies many.
import { concatBytes } from "@noble/hashes/utils.js";
import { decodeStatement } from "../src/proofs/batch.js";
import { type LinearBill, proveLinearBill } from "../src/proofs/linear-bill.js";
import type { OpenedBatch, OpenedMeter } from "../src/proofs/opened-meter.js";
import type { SignedTariff } from "../src/tariff/document.js";
import { decodeSign1 } from "../src/trusted/encoding/cose.js";
import { encodeLeaf } from "../src/trusted/sealing/batch.js";
import { digest } from "../src/trusted/sealing/keys.js";
import type { ModelStreet } from "./model-street.js";

const STATEMENT_BYTES_MAX = 256;

function opened(street: ModelStreet, meter: number, document: Uint8Array): OpenedBatch {
  const { payload } = decodeSign1(document, "batch-1", STATEMENT_BYTES_MAX);
  const statement = decodeStatement(payload);
  const intervals = Array.from({ length: statement.intervalCount }, (_, at) => {
    const interval = statement.firstInterval + at;
    const openings = street.openingsOf(meter, interval);
    return {
      interval,
      readings: openings.map(({ reading }) => reading),
      openings: openings.map(({ opening }) => opening),
    };
  });
  const leaves = intervals.flatMap(({ interval }) =>
    street
      .commitmentsOf(meter, interval)
      .map((C, channel) => encodeLeaf(interval, channel, street.statusOf(meter, interval), C)),
  );
  return { statement, digest: digest(payload), document, leafBytes: concatBytes(...leaves), intervals };
}

/** What the customer of a meter holds after the street's first days. */
export function openedMeter(street: ModelStreet, meter: number, days: number): OpenedMeter {
  const { certificate } = street.meters[meter] ?? street.enrol(meter);
  const batches = street.batchesOf(meter, days).map((document) => opened(street, meter, document));
  return { certificate, pairing: { epoch: 0 }, batches, otherBatches: [] };
}

/** The bill of a meter's first days. */
export function modelBill(
  street: ModelStreet,
  meter: number,
  days: number,
  tariff: SignedTariff,
): LinearBill {
  const { document } = street.meters[meter] ?? street.enrol(meter);
  const period = { from: street.firstOf(0), to: street.firstOf(days) };
  return proveLinearBill(openedMeter(street, meter, days), document, tariff, period);
}
