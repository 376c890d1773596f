import { describe, expect, it } from "vitest";
import { Circuit, COMMITTED_MAX, MULTIPLIERS_MAX } from "../../src/proofs/constraints/circuit.js";
import {
  decodeGeneralBill,
  encodeGeneralBill,
  type GeneralBill,
  proveGeneralBill,
  verifyGeneralBill,
} from "../../src/proofs/general-bill.js";
import { decodeLinearBill, encodeLinearBill, verifyLinearBill } from "../../src/proofs/linear-bill.js";
import { encodeProvedBill, verifyProvedBill } from "../../src/proofs/proved-bill.js";
import { VerificationError } from "../../src/proofs/signed.js";
import type { Expression } from "../../src/tariff/charge.js";
import { billLines } from "../../src/tariff/evaluate.js";
import { FormatError } from "../../src/trusted/encoding/bytes.js";
import { LEAF_BYTES } from "../../src/trusted/sealing/batch.js";
import { example, signBatch, signCertificate } from "../example.js";
import { cutOrExtended, flipBit, isRefused, nonCanonical, survivors } from "../mutants.js";
import {
  billOf,
  DAY,
  IMPORT,
  INTERVALS_A_DAY,
  JULY,
  meterOf,
  PROVING,
  planOf,
  signedTariff,
} from "./billing.js";

const NEXT_DAY = DAY + INTERVALS_A_DAY;

/** Blocks on the total, a table and a demand, so that sums and single readings are both committed values. */
const CHARGE: Expression = {
  kind: "sum",
  parts: [
    {
      kind: "blocks",
      of: { kind: "energy", obis: IMPORT, during: [] },
      per: "period",
      steps: [{ upTo: 250, rate: 10_000 }],
      rate: 50_000,
    },
    {
      kind: "by-reading",
      obis: IMPORT,
      during: [],
      ranges: [
        { below_Wh: 102, rate: 0 },
        { below_Wh: 1024, rate: 1_000 },
      ],
    },
    {
      kind: "blocks",
      of: { kind: "demand", obis: IMPORT, during: [], below_Wh: 1024 },
      per: "period",
      steps: [],
      rate: 100_000,
    },
  ],
};
const TARIFF = signedTariff({ charge: CHARGE });
/** Two days of the same four readings. */
const METER = meterOf([planOf(DAY, 4), planOf(NEXT_DAY, 4)]);

const generalBillOf = (meter = METER, tariff = TARIFF, from = DAY, to = DAY + 4): GeneralBill =>
  proveGeneralBill(meter, example.certificateBytes, tariff, { from, to }, PROVING);

const verify = (bill: GeneralBill, tariff = TARIFF) =>
  verifyGeneralBill(bill, { authorityKey: example.authorityKey, tariff });

const BILL = generalBillOf();
const OTHER_DAY = generalBillOf(METER, TARIFF, NEXT_DAY, NEXT_DAY + 4);

const UNPROVED = "the total is not proved of the readings which the meter sealed";

/** A bill with another T, and lines that follow from it. */
const withTotal = (bill: GeneralBill, energy: bigint): GeneralBill => ({
  ...bill,
  lines: billLines(JULY, energy, 1),
});

describe("a general bill", () => {
  it("is accepted, and shows its verifier the lines and no more", () => {
    // Import 100 to 103, export 7 to 10 Wh; the highest half-hour is 206 W.
    const linear = 406n * 300_000n - 34n * 80_000n;
    const charge = 250n * 10_000n + 156n * 50_000n + (102n + 103n) * 1_000n + 206n * 100_000n;
    expect(verify(BILL)).toEqual({
      meterId: example.keys.meterId,
      epoch: 0,
      from: DAY,
      to: DAY + 4,
      intervalSeconds: 1800,
      standingDays: 1,
      lines: billLines(JULY, linear + charge, 1),
      readings: 8,
      absentIntervals: 0,
      statusUnion: 0,
    });
  });

  it("is no larger than a linear one by more than a proof of some 1,000 bytes", () => {
    expect(BILL.proof.length).toBe(961);
    const linear = encodeLinearBill(billOf(METER, signedTariff(), DAY, DAY + 4));
    expect(encodeGeneralBill(BILL).length - linear.length).toBe(5 + 961 - 2 - 32);
  });

  it("counts no interval without power", () => {
    const bill = generalBillOf(METER, TARIFF, DAY + 2, NEXT_DAY + 1);
    expect(verify(bill)).toMatchObject({ readings: 6, absentIntervals: 44 });
    expect(bill.lines.energy).toBe(
      305n * 300_000n - 26n * 80_000n + 250n * 10_000n + 55n * 50_000n + 205n * 1_000n + 206n * 100_000n,
    );
  });

  it("may be of a time in which the meter was off throughout", () => {
    const bill = generalBillOf(METER, TARIFF, DAY + 10, DAY + 20);
    expect(bill.lines.energy).toBe(0n);
    expect(verify(bill)).toMatchObject({ readings: 0, absentIntervals: 10 });
    expect(() => verify({ ...bill, lines: billLines(JULY, -1n, 0) })).toThrow(UNPROVED);
  });

  it("may be of a tariff that prices nothing but by its charge", () => {
    const tariff = signedTariff({ charge: CHARGE, energy: [] });
    const bill = generalBillOf(METER, tariff);
    expect(verify(bill, tariff).lines.energy).toBe(
      250n * 10_000n + 156n * 50_000n + 205n * 1_000n + 206n * 100_000n,
    );
  });

  it("hides its readings by blinding that is new in every proof", () => {
    const again = generalBillOf();
    expect(again.lines).toEqual(BILL.lines);
    expect(again.proof).not.toEqual(BILL.proof);
  });

  it("is not made for a reading beyond what the tariff can bill, and names its interval", () => {
    const meter = meterOf([
      planOf(DAY, 2, {
        readings: [
          [100, 0],
          [1024, 0],
        ],
      }),
    ]);
    const reason = `interval ${DAY + 1} (2011-07-01T00:30:00Z): the reading of ${IMPORT} is not below 1024 Wh`;
    expect(() => generalBillOf(meter, TARIFF, DAY, DAY + 2)).toThrow(reason);
    expect(() => generalBillOf(meter, TARIFF, DAY, DAY + 2)).toThrow(VerificationError);
  });
});

describe("a proof", () => {
  it.each([1n, -1n, 2n ** 79n])("is of no total that is off by %d nano-currency", (off) => {
    expect(() => verify(withTotal(BILL, BILL.lines.energy + off))).toThrow(UNPROVED);
  });

  it("is of no total from 2^80 on, before it is reduced modulo l", () => {
    for (const energy of [2n ** 80n, -(2n ** 80n)]) {
      expect(() => verify(withTotal(BILL, energy))).toThrow("the total is 2^80 nano-currency or more");
    }
  });

  it("is of its own period only, though another day has the same readings", () => {
    expect(OTHER_DAY.lines).toEqual(BILL.lines);
    expect(verify(OTHER_DAY).readings).toBe(8);
    expect(() => verify({ ...OTHER_DAY, proof: BILL.proof })).toThrow(UNPROVED);
    expect(() => verify({ ...BILL, batches: OTHER_DAY.batches })).toThrow(/is in no batch/);
    // A longer period with the same readings in it.
    const longer = generalBillOf(METER, TARIFF, DAY, DAY + 5);
    expect(() => verify({ ...longer, proof: BILL.proof })).toThrow(UNPROVED);
  });

  it("is of its own tariff only, though another makes the same total", () => {
    const other = signedTariff({ charge: CHARGE, name: "Also July" });
    expect(() => verify(BILL, other)).toThrow("the bill is for another tariff");
    expect(() => verify({ ...BILL, tariffDigest: other.digest }, other)).toThrow(UNPROVED);
  });

  it("is of its own meter only, though another has the same readings and openings", () => {
    const [batch] = METER.batches;
    const statement = batch?.statement ?? example.batches[0]?.statement;
    const meterId = "SM-0002";
    const document = signBatch({ ...statement, meterId });
    const certificate = signCertificate({ meterId });
    const stolen = {
      ...BILL,
      meterId,
      certificate,
      batches: [{ document, leaves: batch?.leafBytes ?? new Uint8Array(0) }],
    };
    // Everything but the proof is in order: it is what is refused.
    expect(() => verify(stolen)).toThrow(UNPROVED);
  });

  it("is of its own epoch, lines and batches only", () => {
    const { lines } = BILL;
    expect(() =>
      verify({ ...BILL, lines: { ...lines, vat: lines.vat - 1n, total: lines.total - 1n } }),
    ).toThrow("the lines do not follow from the total");
    expect(() => verify({ ...BILL, epoch: 1 })).toThrow("is of epoch 0, the bill of epoch 1");
    const longer = generalBillOf(METER, TARIFF, DAY, NEXT_DAY + 4);
    const short = { ...longer, batches: longer.batches.slice(0, 1) };
    expect(() => verify(short)).toThrow(/is in no batch/);
    // One batch more than needed is another statement, too.
    expect(() => verify({ ...BILL, batches: longer.batches })).toThrow(UNPROVED);
  });

  it("is refused with other leaves", () => {
    const [batch] = BILL.batches;
    const leaves = flipBit(batch?.leaves ?? new Uint8Array(LEAF_BYTES), 8 * LEAF_BYTES - 3);
    const document = batch?.document ?? new Uint8Array(0);
    expect(() => verify({ ...BILL, batches: [{ document, leaves }] })).toThrow(
      "leaves are not under the signed root",
    );
  });

  it("is refused cut, extended or altered in any byte", () => {
    const { proof } = BILL;
    for (const wrong of [
      proof.slice(0, -1),
      proof.slice(0, -64),
      Uint8Array.of(...proof, 0),
      new Uint8Array(0),
    ]) {
      expect(() => verify({ ...BILL, proof: wrong })).toThrow(FormatError);
    }
    const bits = Array.from({ length: proof.length / 32 }, (_, at) => 8 * 32 * at + (at % 8) + 8);
    const accepted = bits.filter((bit) => !isRefused(() => verify({ ...BILL, proof: flipBit(proof, bit) })));
    expect(accepted).toEqual([]);
  });

  it("is about at most 2^17 committed values, and a statement of more is refused", () => {
    // As many as a bill has leaves: with a sum beside them there is one too many, through no fault of the program.
    const circuit = new Circuit();
    for (let at = 0; at < COMMITTED_MAX; at++) circuit.commit();
    expect(() => circuit.commit()).toThrow(VerificationError);
  });

  it("has at most 2^16 multipliers, and a statement of more is refused", () => {
    const circuit = new Circuit();
    for (let at = 0; at < MULTIPLIERS_MAX; at++) circuit.allocate();
    expect(() => circuit.allocate()).toThrow(VerificationError);
  });
});

describe("bills of the two kinds", () => {
  const trust = { authorityKey: example.authorityKey, tariff: TARIFF };
  const plain = signedTariff();
  const linear = billOf(METER, plain, DAY, DAY + 4);

  it("are told apart by the verifier's tariff", () => {
    expect(verifyProvedBill(encodeProvedBill(BILL), trust).lines).toEqual(BILL.lines);
    expect(verifyProvedBill(encodeProvedBill(linear), { ...trust, tariff: plain }).lines).toEqual(
      linear.lines,
    );
  });

  it("do not pass for one another", () => {
    const bytes = encodeLinearBill({ ...linear, tariffDigest: TARIFF.digest });
    expect(() => verifyProvedBill(bytes, trust)).toThrow("the bill is linear, and the tariff has a charge");
    const general = () => verifyProvedBill(encodeGeneralBill(BILL), { ...trust, tariff: plain });
    expect(general).toThrow("the bill is general, and the tariff has no charge");
    expect(general).toThrow(VerificationError);
    expect(() => verifyProvedBill(bytes.slice(1), trust)).toThrow(FormatError);
    expect(() => decodeLinearBill(encodeGeneralBill(BILL))).toThrow(FormatError);
  });

  it("are not made or verified of a tariff of the other kind", () => {
    const reason = "the tariff has a charge, of which a linear bill proves nothing";
    expect(() => billOf(METER, TARIFF, DAY, DAY + 4)).toThrow(reason);
    expect(() => verifyLinearBill({ ...linear, tariffDigest: TARIFF.digest }, trust)).toThrow(reason);
    expect(() => generalBillOf(METER, plain)).toThrow("the tariff has no charge: its bills are linear");
    expect(() => verify({ ...BILL, tariffDigest: plain.digest }, plain)).toThrow("the tariff has no charge");
  });

  it("are not made of a tariff that prices no channel of the meter", () => {
    const gas = signedTariff({
      energy: [],
      charge: {
        kind: "blocks",
        of: { kind: "energy", obis: "7-0:3.0.0", during: [] },
        per: "day",
        steps: [],
        rate: 1,
      },
    });
    const reason = "the tariff prices no channel of this meter";
    expect(() => generalBillOf(METER, gas)).toThrow(reason);
    expect(() => verify({ ...BILL, tariffDigest: gas.digest }, gas)).toThrow(reason);
  });
});

describe("the general bill's codec", () => {
  const bytes = encodeGeneralBill(BILL);

  it("gives back the bill", () => {
    expect(decodeGeneralBill(bytes)).toEqual(BILL);
  });

  it("refuses every truncation and extension, and whatever else says the same", () => {
    expect(survivors([...cutOrExtended(bytes), ...nonCanonical(bytes)], decodeGeneralBill)).toEqual([]);
  });

  it("refuses proofs of other kinds, and of more than 4,096 bytes", () => {
    const hex = Buffer.from(bytes).toString("hex");
    const mark = "0982015903c1";
    expect(hex.split(mark).length).toBe(2);
    const changed = (to: string) => Buffer.from(hex.replace(mark, to), "hex");
    expect(() => decodeGeneralBill(changed("0982005903c1"))).toThrow("a proof of no known kind");
    expect(() => decodeGeneralBill(changed("0982025903c1"))).toThrow(FormatError);
    expect(() => encodeGeneralBill({ ...BILL, proof: new Uint8Array(4097) })).toThrow(
      /byte string of length 4097/,
    );
  });
});
