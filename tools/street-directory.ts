// The files of a street as its aggregator has them, the same bytes as on the wire:
//   DIR/authority.pub  aggregator.pub  rosters/00001.cbor 00001.members ...
//   DIR/<meterId>/certificate.cbor  certificate-00001.cbor ...  batches/000000.cbor ...  shares.cbor
// A standing roster names its members by a digest: NNNNN.members lists them, a meterId a line, and must give it.
import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { type Enrolled, enrolMeter } from "../src/aggregation/enrolment.js";
import { Rosters, type SignedRoster, verifyRoster } from "../src/aggregation/rosters.js";
import type { Trust } from "../src/proofs/batch.js";
import { type Revocation, verifyRenewals, verifyRevocation } from "../src/proofs/certificate.js";
import { METER_ID } from "../src/trusted/authority/configuration.js";
import { isRepair, MEMBERS_MAX } from "../src/trusted/blinding/roster.js";
import { FormatError } from "../src/trusted/encoding/bytes.js";
import { inFile, readFile, readHexKey, readText, UsageError } from "./command-line.js";
import { BATCH_NAME, namesIn, RENEWAL_NAME, readDocuments } from "./meter-directory.js";

const ROSTER_NAME = /^\d{5,10}\.cbor$/;
/** Meters of a street that are read, at most. */
const METERS_MAX = 2 ** 14;
/** Largest roster, certificate or batch, bytes, with room for what is no such document. */
const DOCUMENT_BYTES_MAX = 4096;
const REVOCATION_BYTES_MAX = 2 ** 19;

/** A street whose rosters and members' certificates are verified. Shares and batches are read meter by meter. */
export interface Street {
  readonly directory: string;
  readonly rosters: Rosters;
  /** Every folder with a certificate, members or not, ascending. */
  readonly meterIds: readonly string[];
  /** Those of the meters that are in a roster. */
  readonly members: ReadonlyMap<string, Enrolled>;
  readonly authorityKey: Uint8Array;
  readonly revocation: Revocation | null;
}

/**
 * Reads a street's rosters and the certificates of their members.
 * @param revocationFile signed by the authority; null: nothing is revoked. It speaks of batches: a roster that was
 *   accepted stands, whatever is revoked later.
 * @throws UsageError for files that are missing, FormatError for malformed ones, VerificationError for what the
 *   authority or the aggregator has not signed, or members that do not give their roster's digest.
 */
export function readStreet(directory: string, revocationFile: string | null): Street {
  const [authorityKey, aggregatorKey] = ["authority.pub", "aggregator.pub"].map((name) =>
    readHexKey(join(directory, name)),
  ) as [Uint8Array, Uint8Array];
  const revocation =
    revocationFile === null
      ? null
      : inFile(revocationFile, () =>
          verifyRevocation(readFile(revocationFile, REVOCATION_BYTES_MAX), authorityKey),
        );
  const rosters = new Rosters();
  const members = new Map<string, Enrolled>();
  const enrol = (meterId: string): Enrolled => {
    const path = join(directory, meterId, "certificate.cbor");
    const document = readFile(path, DOCUMENT_BYTES_MAX);
    const member = members.get(meterId) ?? inFile(path, () => enrolMeter(document, authorityKey, null));
    if (member.meterId !== meterId) throw new FormatError(`${path}: is of ${member.meterId}`);
    members.set(meterId, member);
    return member;
  };
  for (const path of rosterPaths(directory)) {
    const signed = inFile(path, () => verifyRoster(readFile(path, DOCUMENT_BYTES_MAX), aggregatorKey));
    inFile(path, () => keep(rosters, signed, path, enrol));
  }
  return { directory, rosters, meterIds: metersIn(directory), members, authorityKey, revocation };
}

/** The roster documents by number. */
function rosterPaths(directory: string): string[] {
  const folder = join(directory, "rosters");
  const names = namesIn(folder).filter((name) => ROSTER_NAME.test(name));
  if (names.length === 0) throw new UsageError(`${folder}: holds no roster`);
  return names
    .sort((a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10))
    .map((name) => join(folder, name));
}

function keep(
  rosters: Rosters,
  signed: SignedRoster,
  path: string,
  enrol: (meterId: string) => Enrolled,
): void {
  const { rosterNumber, terms } = signed.roster;
  if (!path.endsWith(`${rosterNumber}`.padStart(5, "0").concat(".cbor"))) {
    throw new FormatError(`is roster ${rosterNumber}`);
  }
  if (isRepair(terms)) rosters.addRepair(signed);
  else rosters.addStanding(signed, readMembers(path.replace(/cbor$/, "members")).map(enrol));
}

/** The meter ids of a .members file. */
function readMembers(path: string): string[] {
  const meterIds = readText(path)
    .split("\n")
    .filter((line) => line !== "");
  const isList = meterIds.length <= MEMBERS_MAX && meterIds.every((line) => METER_ID.test(line));
  if (!isList) throw new UsageError(`${path}: not at most ${MEMBERS_MAX} meter ids, one a line`);
  return meterIds;
}

function metersIn(directory: string): string[] {
  const meterIds = namesIn(directory).filter(
    (name) => METER_ID.test(name) && existsSync(join(directory, name, "certificate.cbor")),
  );
  if (meterIds.length > METERS_MAX) throw new UsageError(`${directory}: more than ${METERS_MAX} meters`);
  return meterIds.sort();
}

/** A meter's sequence of share messages; empty if there is none. */
export function readShares({ directory }: Street, meterId: string): Uint8Array {
  const path = join(directory, meterId, "shares.cbor");
  return existsSync(path) ? readFile(path) : new Uint8Array(0);
}

/** A member's batches as they came, none of them looked at: what is wrong with one is its meter's fault alone. */
export function readBatches({ directory }: Street, meterId: string): Uint8Array[] {
  const folder = join(directory, meterId, "batches");
  const isThere = existsSync(folder) && statSync(folder).isDirectory();
  return isThere ? readDocuments(folder, BATCH_NAME, () => {}) : [];
}

/** Whom to believe about a member's batches. @throws VerificationError for a renewal that is none. */
export function trustIn(street: Street, { meterId, certificate }: Enrolled): Trust {
  const { authorityKey, revocation } = street;
  const folder = join(street.directory, meterId);
  const documents = readDocuments(folder, RENEWAL_NAME, () => {});
  const renewals = inFile(folder, () => verifyRenewals(documents, certificate, authorityKey));
  return { certificate, renewals, revocation };
}
