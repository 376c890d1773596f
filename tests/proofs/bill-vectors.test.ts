import { hexToBytes } from "@noble/hashes/utils.js";
import { describe, expect, it } from "vitest";
import { parseLeaves } from "../../src/proofs/batch.js";
import { allOf } from "../../src/proofs/bill-lines.js";
import { billTranscript } from "../../src/proofs/bill-transcript.js";
import { decodeGeneralBill } from "../../src/proofs/general-bill.js";
import { Group as Element } from "../../src/proofs/generators.js";
import { HINT_BYTES } from "../../src/proofs/group/group.js";
import { fastGroup } from "../../src/proofs/group/wasm.js";
import { decodeLinearBill } from "../../src/proofs/linear-bill.js";
import { verifyProvedBill } from "../../src/proofs/proved-bill.js";
import { verifyTariff } from "../../src/tariff/signed-tariff.js";
import { flipBit, isRefused } from "../mutants.js";
import vectors from "../vectors/sealmeter-bills.json" with { type: "json" };
import { ARITHMETICS } from "./arithmetics.js";
import { makeVectors } from "./bill-vectors.js";
import { DAY, EXPORT, IMPORT } from "./billing.js";
import { type Described, type WrittenStatement, writtenStatement } from "./second-compiler.js";
import { isProved } from "./second-verifier.js";

const authorityKey = hexToBytes(vectors.authorityPublic);
const BILLS = vectors.bills.map(({ name, tariff, bill, lines }) => ({
  name,
  lines,
  bytes: hexToBytes(bill),
  trust: { authorityKey, tariff: verifyTariff(hexToBytes(tariff), hexToBytes(vectors.supplierPublic)) },
}));

/** Every so many bytes a bit is flipped. */
const STRIDE = 61;
const { from, to } = { from: DAY + 26, to: DAY + 65 };

/** Where the hints of the first batch's leaves before the period stand: two intervals of two channels. */
function unusedHints(name: string, bytes: Uint8Array): (place: number) => boolean {
  if (name !== "linear, with hints") return () => false;
  const hints = decodeLinearBill(bytes).batches[0]?.hints ?? never("hints");
  const begin = Buffer.from(bytes).indexOf(hints);
  return (place) => place >= begin && place < begin + 4 * HINT_BYTES;
}

describe.each(BILLS)("the vector of a bill: $name", ({ name, bytes, trust, lines }) => {
  it.each(ARITHMETICS)("is accepted by %s", (_, arithmetic) => {
    const verified = verifyProvedBill(bytes, trust, arithmetic);
    expect(allOf(verified.lines).map(String)).toEqual(lines);
    expect(verified).toMatchObject({ meterId: "SM-0001", from, to, standingDays: 1, readings: 72 });
    expect(verified.absentIntervals).toBe(3);
  });

  it("is refused with one bit flipped, but in a hint that nobody needs", () => {
    const places = Array.from({ length: Math.floor(bytes.length / STRIDE) }, (_, at) => STRIDE * at);
    const accepted = places.filter(
      (place) => !isRefused(() => verifyProvedBill(flipBit(bytes, 8 * place + (place % 8)), trust)),
    );
    expect(accepted).toEqual(places.filter(unusedHints(name, bytes)));
  });
});

describe("the vector of a general bill", () => {
  const { bytes, trust } = BILLS[2] ?? never("three bills");
  const { tariff } = trust.tariff;
  const bill = decodeGeneralBill(bytes);
  /** Commitments by interval and channel; the third batch has no leaves. */
  const leaves = new Map(
    bill.batches
      .slice(0, 2)
      .flatMap((batch) =>
        parseLeaves(batch.leaves).map(({ interval, channel, commitment }) => [
          `${interval} ${channel}`,
          commitment,
        ]),
      ),
  );
  const described: Described = {
    tariff: { ...tariff, charge: tariff.charge ?? never("a charge") },
    period: { from, to, intervalSeconds: 1800 },
    channels: [IMPORT, EXPORT],
    present: Array.from({ length: to - from }, (_, at) => leaves.has(`${from + at} 0`)),
  };
  const commitmentOf = (at: number, channel: number) =>
    leaves.get(`${from + at} ${channel}`) ?? never("a leaf");

  /** V by the text. */
  function commitments({ sums, readings }: WrittenStatement["values"]): Uint8Array[] {
    const added = sums.map(({ weights }) =>
      weights
        .flatMap((row, channel) =>
          row.flatMap((weight, at) =>
            weight === 0n
              ? []
              : Element.fromBytes(commitmentOf(at, channel)).multiplyUnsafe(Element.Fn.create(weight)),
          ),
        )
        .reduce((a, b) => a.add(b))
        .toBytes(),
    );
    return [...added, ...readings.map(({ at, channel }) => commitmentOf(at, channel))];
  }

  const written = (total: bigint) => (challenge: (label: string) => bigint) =>
    writtenStatement(described, total, challenge);
  const size = written(bill.lines.energy)(() => 1n);

  it("has the sizes that docs/gadgets.md tells", () => {
    const { values, first, second, constraints } = size;
    expect([values.sums.length, values.readings.length]).toEqual([3, 44]);
    expect([first, second, constraints.length]).toEqual([194, 210, 488]);
    expect(bill.proof.length).toBe(1089);
  });

  it("is proved to whoever reads docs/gadgets.md, and no other total is", () => {
    const { energy } = bill.lines;
    const V = commitments(size.values);
    const isProvedOf = (total: bigint) =>
      isProved(fastGroup(), billTranscript(bill), V, written(total), bill.proof);
    expect([energy, energy + 1n].map(isProvedOf)).toEqual([true, false]);
  });
});

function never(what: string): never {
  throw new Error(what);
}

it("the vectors are made again, byte by byte, of the same entropy", () => {
  const { note, ...made } = vectors;
  expect(note).toContain("sealmeter-example.json");
  expect(makeVectors()).toEqual(made);
});
