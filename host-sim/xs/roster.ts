// A roster for the scenario that runs on every engine: neighbours that are there by their keys alone, and what the
// head end sends to the meter, signed by the parties of the run.
import { encodeRoster, membersDigest } from "../../src/aggregation/roster.js";
import { decodeCertificate, encodeCertificate } from "../../src/proofs/certificate.js";
import { BASE } from "../../src/proofs/generators.js";
import { signWithKey } from "../../src/proofs/signed.js";
import { randomScalar } from "../../src/trusted/authority/pairing.js";
import { Statistic } from "../../src/trusted/blinding/roster.js";
import { decodeSign1 } from "../../src/trusted/encoding/cose.js";
import { DAY_SECONDS } from "../../src/trusted/metrology/interval.js";
import type { Parties } from "../parties.js";
import { SeededEntropy } from "../ports.js";
import type { SeededRandom } from "../seeded.js";

export interface RosterOptions {
  readonly parties: Parties;
  readonly random: SeededRandom;
  /** The meter's own, COSE_Sign1. */
  readonly certificate: Uint8Array;
  /** Members besides the meter. */
  readonly peers: number;
  /** The roster begins with the next UTC day. */
  readonly start_s: number;
}

/** The roster of sums over all channels, then the certificates of its members, half of them before the meter. */
export function rosterDocuments({
  parties,
  random,
  certificate,
  peers,
  start_s,
}: RosterOptions): Uint8Array[] {
  const own = decodeCertificate(decodeSign1(certificate, "certificate-1", 512).payload);
  const entropy = new SeededEntropy(random);
  const others = Array.from({ length: peers }, (_, at) => {
    const meterId = `${at < peers / 2 ? "A" : "Z"}-${`${at}`.padStart(3, "0")}`;
    const agreementKey = BASE.multiply(randomScalar(entropy)).toBytes();
    const payload = encodeCertificate({ ...own, meterId, agreementKey });
    const document = signWithKey("certificate-1", payload, parties.authority.seed);
    return { meterId, X: agreementKey, document };
  });
  const self = { meterId: own.meterId, X: own.agreementKey, document: certificate };
  const members = [...others, self].sort((a, b) => (a.meterId < b.meterId ? -1 : 1));
  const roster = encodeRoster({
    groupId: "street-1",
    rosterNumber: 1,
    memberCount: members.length,
    firstInterval: (Math.floor(start_s / DAY_SECONDS) + 1) * (DAY_SECONDS / own.intervalSeconds),
    lastInterval: null,
    statistics: [Statistic.SUM],
    intervalSeconds: own.intervalSeconds,
    channels: own.channels,
    terms: { membersDigest: membersDigest(members) },
  });
  const document = signWithKey("roster-1", roster, parties.aggregator.seed);
  return [document, ...members.map((member) => member.document)];
}
