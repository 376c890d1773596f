// The good documents that mutants are made from: everything that two meters of one authority have sent and
// obeyed, and what their customer and supplier make of it. One of each kind at least; made once a process.
import { bytesToHex } from "@noble/hashes/utils.js";
import { type CheckedMeter, checkMeter, type MeterRecord } from "../../src/customer/check.js";
import { encodeCertificate, encodeRevocation, verifyCertificate } from "../../src/proofs/certificate.js";
import { makeDisclosedReading } from "../../src/proofs/disclosed-reading.js";
import { encodeGeneralBill, proveGeneralBill } from "../../src/proofs/general-bill.js";
import { fastGroup } from "../../src/proofs/group/wasm.js";
import { encodeLinearBill, proveLinearBill } from "../../src/proofs/linear-bill.js";
import { signWithKey } from "../../src/proofs/signed.js";
import type { Expression } from "../../src/tariff/charge.js";
import { encodeTariff, type SignedTariff, type Tariff } from "../../src/tariff/document.js";
import { signTariff, verifyTariff } from "../../src/tariff/signed-tariff.js";
import { CommandKind } from "../../src/trusted/authority/command.js";
import { encodeConfiguration } from "../../src/trusted/authority/configuration.js";
import { decodeSecrets } from "../../src/trusted/authority/secrets.js";
import { encodeRosters } from "../../src/trusted/blinding/memory.js";
import { decodeRoster, isRepair } from "../../src/trusted/blinding/roster.js";
import { array, bstr, int } from "../../src/trusted/encoding/cbor.js";
import type { DocumentType } from "../../src/trusted/encoding/cose.js";
import { decodeSign1 } from "../../src/trusted/encoding/cose.js";
import { MessageKind } from "../../src/trusted/journal/journal.js";
import { FuzzedMeter, INTERVAL_S } from "./meter.js";

/** Largest payload of the corpus' own documents. */
const PAYLOAD_MAX = 65_536;

export interface Corpus {
  readonly meter: FuzzedMeter;
  readonly other: FuzzedMeter;
  /** The meter as its customer of each epoch checked it. */
  readonly checked: readonly CheckedMeter[];
  readonly record: MeterRecord & { readonly renewals: readonly Uint8Array[] };
  readonly K: readonly Uint8Array[];
  readonly signingSeed: Uint8Array;
  readonly tariff: SignedTariff;
  readonly certificates: readonly Uint8Array[];
  /** For software that the meters do not run yet; the meter's own first. */
  readonly renewals: readonly Uint8Array[];
  readonly batches: readonly Uint8Array[];
  readonly pairings: readonly Uint8Array[];
  /** The meter's own first. */
  readonly registers: readonly Uint8Array[];
  readonly readings: readonly Uint8Array[];
  readonly events: readonly Uint8Array[];
  readonly tariffs: readonly Uint8Array[];
  readonly revocations: readonly Uint8Array[];
  readonly bills: readonly Uint8Array[];
  /** Under a tariff with a charge, the second of `tariffs`. */
  readonly charged: SignedTariff;
  readonly generalBills: readonly Uint8Array[];
  readonly disclosed: readonly Uint8Array[];
  /** In force, about to be accepted, and a repair; and what a unit remembers of some. */
  readonly rosters: readonly Uint8Array[];
  readonly memories: readonly Uint8Array[];
  /** The meter's shares by their interval, hex. */
  readonly shares: ReadonlyMap<number, string>;
  /** A provisioning request, and commands of the other meter, in frames. */
  readonly request: Uint8Array;
  readonly foreignCommands: readonly Uint8Array[];
  /** All of the above: what splices and foreign parts come from. */
  readonly pool: readonly Uint8Array[];
}

export const payloadOf = (type: DocumentType, document: Uint8Array) =>
  decodeSign1(document, type, PAYLOAD_MAX).payload;

/** Rates of both channels, by day and night. */
function tariffOf(from_s: number): Tariff {
  const hours = { weekdays: 0x7f, months: 0xfff };
  const bands = [{ ...hours, fromMinute: 60, toMinute: 120, rate: 250_000 }];
  const price_s = INTERVAL_S;
  const prices = Array.from({ length: 200 }, (_, at) => 1000 * (at % 7) - 2000);
  return {
    name: "Fuzzed",
    currency: "EUR",
    notBefore_s: from_s,
    notAfter_s: from_s + 200 * INTERVAL_S,
    offsets: [{ from_s: 0, offset_s: 0 }],
    energy: [
      { obis: "1-0:1.8.0", policy: { kind: "time-of-use", rate: 300_000, bands } },
      { obis: "1-0:2.8.0", policy: { kind: "dynamic", start_s: from_s, price_s, prices } },
    ],
    standing: 300_000_000,
    levies: [
      { kind: "proportional", name: "Concession", ppm: 16_600 },
      { kind: "per-day", name: "Metering", amount: 54_800_000 },
    ],
    vat_ppm: 190_000,
  };
}

/** Blocks of both channels and the highest import, beside the rates. */
const CHARGE: Expression = {
  kind: "sum",
  parts: [
    {
      kind: "blocks",
      of: {
        kind: "max",
        parts: ["1-0:1.8.0", "1-0:2.8.0"].map((obis) => ({ kind: "energy", obis, during: [] })),
      },
      per: "period",
      steps: [{ upTo: 1000, rate: 100_000 }],
      rate: 200_000,
    },
    {
      kind: "blocks",
      of: { kind: "demand", obis: "1-0:1.8.0", during: [], below_Wh: 2 ** 16 },
      per: "period",
      steps: [],
      rate: 4_000_000,
    },
  ],
};

/** The whole of what was sealed in an epoch. */
function periodOf({ batches }: CheckedMeter) {
  const [first, last] = [batches[0]?.statement, batches.at(-1)?.statement];
  if (!first || !last) throw new Error("an epoch without batches");
  // Of the second epoch a gap at the beginning: its first batch comes bare, to prove it.
  return { from: first.firstInterval + 1, to: last.firstInterval + last.intervalCount };
}

const billsOf = (
  certificate: Uint8Array,
  tariff: SignedTariff,
  checked: readonly CheckedMeter[],
): Uint8Array[] =>
  checked.map((meter) => encodeLinearBill(proveLinearBill(meter, certificate, tariff, periodOf(meter))));

/** Of the first epoch. The blinding is no secret here. */
function generalBillsOf(
  certificate: Uint8Array,
  tariff: SignedTariff,
  checked: readonly CheckedMeter[],
): Uint8Array[] {
  const proving = { group: fastGroup(), entropy: (length: number) => new Uint8Array(length) };
  return checked
    .slice(0, 1)
    .map((meter) =>
      encodeGeneralBill(proveGeneralBill(meter, certificate, tariff, periodOf(meter), proving)),
    );
}

function disclosedOf(certificate: Uint8Array, { batches }: CheckedMeter): Uint8Array[] {
  return batches.flatMap(({ document, leafBytes, intervals }) =>
    intervals.slice(0, 2).map(({ readings, openings }, at) =>
      makeDisclosedReading({
        certificate,
        batch: document,
        leaves: leafBytes,
        leafIndex: 2 * at,
        reading: readings[0] ?? 0,
        opening: openings[0] ?? 0n,
      }),
    ),
  );
}

function renewalOf({ enrolment, parties }: FuzzedMeter): Uint8Array {
  const { authority } = parties;
  const certificate = verifyCertificate(enrolment.certificate, authority.publicKey);
  const payload = encodeCertificate({ ...certificate, softwareId: new Uint8Array(32).fill(2) });
  return signWithKey("certificate-1", payload, authority.seed);
}

/** What the meter remembers of rosters, and what it would of a repair that it had accepted. */
function memoriesOf(meter: FuzzedMeter): Uint8Array[] {
  const memory = meter.durable().rosters;
  const { terms, ...repair } = decodeRoster(payloadOf("roster-1", meter.street.repair));
  const { firstInterval, rosterNumber } = repair;
  const mask = isRepair(terms) ? terms.mask : new Uint8Array(2);
  const lastInterval = repair.lastInterval ?? firstInterval;
  const S = new Uint8Array(32).fill(7);
  const repairs = [{ S, rosterNumber, firstInterval, lastInterval, mask }];
  return [memory, { ...memory, repairs }].map(encodeRosters);
}

const sharesIn = ({ given }: FuzzedMeter) =>
  given
    .filter(({ kind }) => kind === MessageKind.SHARE)
    .map(({ sequence, message }) => [sequence, bytesToHex(message)] as const);

export function makeCorpus(seed: number): Corpus {
  const meter = FuzzedMeter.lived(seed, "SM-0001");
  const other = FuzzedMeter.lived(seed, "SM-0002", meter.parties);
  const { authority, supplier, customer } = meter.parties;
  const renewal = renewalOf(meter);
  const record = { ...meter.record(), renewals: [renewal] };
  const K = [0, 1].map((epoch) => meter.K(epoch));
  const checked = K.map((key, epoch) =>
    checkMeter(record, { meterId: meter.meterId, epoch, K: key }, authority.publicKey),
  );
  const { certificate } = record;
  const from_s = (checked[0]?.pairing.firstInterval ?? 0) * INTERVAL_S;
  const signedTariff = signTariff(encodeTariff(tariffOf(from_s)), supplier.seed);
  const tariff = verifyTariff(signedTariff, supplier.publicKey);
  const signedCharge = signTariff(encodeTariff({ ...tariffOf(from_s), charge: CHARGE }), supplier.seed);
  const charged = verifyTariff(signedCharge, supplier.publicKey);
  const revoked = [other, meter].map(({ meterId, enrolment }, at) => {
    return { meterId, signingKey: enrolment.signingKey, lastGoodBatchNumber: 7 * at };
  });
  const revocation = encodeRevocation({ issuedAt_s: from_s, revoked });
  const { configuration } = meter;
  const stored = encodeConfiguration({
    ...configuration,
    revokedPeers: [new Uint8Array(8)],
    update: null,
    calibration: null,
  });
  const documents = {
    certificates: [certificate, other.enrolment.certificate],
    renewals: [renewal, renewalOf(other)],
    batches: [...record.batches, ...other.record().batches],
    pairings: [...record.pairings, ...other.record().pairings],
    registers: [...meter.messages(6), ...other.messages(6)],
    readings: [...meter.messages(1)],
    events: [...meter.messages(4)],
    tariffs: [signedTariff, signedCharge],
    revocations: [signWithKey("revocation-1", revocation, authority.seed)],
    bills: billsOf(certificate, tariff, checked),
    generalBills: generalBillsOf(certificate, charged, checked),
    rosters: [meter.street.accepted, meter.street.waiting, meter.street.repair],
    memories: memoriesOf(meter),
    disclosed: checked.flatMap((one) => disclosedOf(certificate, one)),
    foreignCommands: [
      ...other.obeyed,
      other.command({ by: "network", kind: CommandKind.LOAD_SWITCH, argument: int(1) }),
    ],
    request: array(int(1), bstr(stored), bstr(customer.user), int(from_s), bstr(other.parties.customer.user)),
  };
  const { request, ...lists } = documents;
  const shares = new Map(sharesIn(meter));
  const pool = [...Object.values(lists).flat(), request, ...meter.obeyed];
  const { signingSeed } = decodeSecrets(meter.secrets.load() ?? new Uint8Array(0));
  return { meter, other, checked, record, K, signingSeed, tariff, charged, ...documents, shares, pool };
}
