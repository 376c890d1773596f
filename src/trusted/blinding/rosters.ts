// The unit's rosters: takes one that its aggregator has signed and the certificates of its members, one a message,
// and accepts it when it holds all of them and every rule is kept. Until then nothing of it is stored, so nothing
// that never completes costs flash; who sends a roster again begins it anew.
import { sha256 } from "@noble/hashes/sha2.js";
import { type Certificate, Role, readCertificate } from "../authority/certificate.js";
import { DOCUMENT_BYTES_MAX } from "../authority/command.js";
import { type EventLog, EventType } from "../authority/events.js";
import { sameBytes } from "../encoding/bytes.js";
import { bstr } from "../encoding/cbor.js";
import { decodeSign1 } from "../encoding/cose.js";
import { type Journal, MessageKind } from "../journal/journal.js";
import { intervalStart_s, U32_MAX } from "../metrology/interval.js";
import { isZero } from "../sealing/edwards.js";
import { decodeRistretto } from "../sealing/encodings.js";
import type { FixedBaseTable } from "../sealing/fixed-base.js";
import { digest } from "../sealing/keys.js";
import { keyId, verifyDocument } from "../sealing/signature.js";
import { addMember, copyPages, hasKey, storePages } from "./members.js";
import * as memories from "./memory.js";
import { demand } from "./memory.js";
import { decodeRoster, encodeMember, isRepair, type Member, type Roster } from "./roster.js";

/** A revoked peer is named by the first bytes of H(X). */
const PEER_BYTES = 8;

/** What a unit needs to judge rosters. */
export interface RosterContext {
  readonly journal: Journal;
  readonly events: EventLog;
  readonly authorityKey: Uint8Array;
  /** The table of B. */
  readonly base: FixedBaseTable;
  /** This unit as a member. */
  readonly own: Member;
}

/** A standing roster whose members are coming in. */
interface Candidate {
  readonly roster: Roster;
  readonly S: Uint8Array;
  readonly anchor: Uint8Array;
  readonly membersDigest: Uint8Array;
  /** Of the members so far. */
  readonly hash: ReturnType<typeof sha256.create>;
  readonly pages: Uint8Array[];
  count: number;
  lastId: string;
  /** The unit's own place among them, or -1. */
  own: number;
}

export class Rosters {
  readonly #context: RosterContext;
  #candidate: Candidate | null = null;
  memory: memories.RosterMemory;

  constructor(context: RosterContext) {
    this.#context = context;
    const stored = context.journal.rosters();
    this.memory = stored ? memories.decodeRosters(stored) : { nextNumber: 0, standing: [], repairs: [] };
  }

  /**
   * Takes the payload of a roster that the aggregator's anchor has signed. A repair is accepted at once; of a
   * standing roster the members' certificates must follow. One that was accepted before changes nothing.
   * @throws FormatError with the rule that it breaks.
   */
  offer(payload: Uint8Array, anchor: Uint8Array, moment: memories.Moment): void {
    const roster = decodeRoster(payload);
    const S = digest(payload);
    const memory = memories.forget(this.memory, moment);
    if ([...memory.standing, ...memory.repairs].some((known) => sameBytes(known.S, S))) return;
    const { terms, rosterNumber, firstInterval } = roster;
    if (isRepair(terms)) {
      memories.checkRepair({ roster, ...terms }, anchor, memory, moment);
      const lastInterval = roster.lastInterval as number;
      const repair = { S, rosterNumber, firstInterval, lastInterval, mask: terms.mask };
      this.#accept({ ...memory, repairs: [...memory.repairs, repair] }, repair);
      return;
    }
    memories.checkStanding(roster, memory, moment);
    demand(rosterNumber >= (this.#candidate?.roster.rosterNumber ?? 0), "overtaken by a higher number");
    const none = { hash: sha256.create(), pages: [], count: 0, lastId: "", own: -1 };
    this.#candidate = { roster, S, anchor, membersDigest: terms.membersDigest, ...none };
  }

  /**
   * Takes the certificate of the next member; one that came before is passed over. With the last one the roster is
   * accepted, or dropped.
   * @throws FormatError for a certificate that no member can have, or with the rule that the roster breaks.
   */
  admit(bytes: Uint8Array, moment: memories.Moment): void {
    const candidate = this.#candidate;
    demand(candidate !== null, "certificate of no roster");
    const document = decodeSign1(bytes, "certificate-1", DOCUMENT_BYTES_MAX);
    const certificate = readCertificate(document.payload);
    if (certificate.meterId <= candidate.lastId) return;
    const { authorityKey, base } = this.#context;
    // The key id is a hint, but with another it were another document by the same signature.
    const isNamed = sameBytes(document.kid, keyId(authorityKey));
    const isSigned = isNamed && verifyDocument("certificate-1", document, authorityKey, base);
    demand(isSigned, "certificate is not the authority's");
    this.#checkMember(certificate, candidate, moment);
    const { meterId, agreementKey } = certificate;
    const encoded = encodeMember(meterId, agreementKey);
    if (meterId === this.#context.own.meterId) candidate.own = candidate.count;
    addMember(candidate.pages, candidate.S, candidate.count, encoded);
    candidate.hash.update(encoded);
    candidate.lastId = meterId;
    candidate.count++;
    if (candidate.count === candidate.roster.memberCount) this.#complete(candidate, moment);
  }

  /** Moves the members of one roster out of the log's way; false if none is in it. */
  keepMembers(): boolean {
    const { journal } = this.#context;
    const standing = this.memory.standing.find(({ place }) => journal.log.isInTheWay(place));
    if (!standing) return false;
    standing.place = copyPages(journal, standing);
    journal.keep(MessageKind.ROSTERS, memories.encodeRosters(this.memory));
    return true;
  }

  #checkMember(
    certificate: Certificate,
    { roster, pages }: Candidate,
    { configuration }: memories.Moment,
  ): void {
    const {
      meterId,
      agreementKey: X,
      role,
      notBefore_s,
      notAfter_s,
      intervalSeconds,
      channels,
    } = certificate;
    const { own } = this.#context;
    const first_s = intervalStart_s(roster.firstInterval, roster.intervalSeconds);
    demand(role === Role.HOUSEHOLD, "a member is no household's meter");
    demand(
      notBefore_s <= first_s && first_s < notAfter_s,
      "a member's certificate is not valid at its beginning",
    );
    demand(!isZero(decodeRistretto(X).X), "a member's key is the identity");
    const name = digest(X).subarray(0, PEER_BYTES);
    demand(!configuration.revokedPeers.some((revoked) => sameBytes(revoked, name)), "a member is revoked");
    demand(!pages.some((page) => hasKey(page, X)), "a key under two ids");
    const isOwn = meterId === own.meterId;
    demand(isOwn === sameBytes(X, own.X), "this meter's id or key with another");
    const isMine =
      intervalSeconds === configuration.intervalSeconds && `${channels}` === `${configuration.channels}`;
    demand(!isOwn || isMine, "this meter's certificate is for other channels or intervals");
  }

  /** Judges the roster again, now that its members are known: it must still begin on a day to come. */
  #complete(
    { roster, S, anchor, membersDigest, hash, own, pages }: Candidate,
    moment: memories.Moment,
  ): void {
    this.#candidate = null;
    const { groupId, rosterNumber, memberCount, firstInterval, statistics } = roster;
    const { journal, events } = this.#context;
    demand(sameBytes(anchor, moment.configuration.aggregator), "signed by an aggregator of before");
    demand(sameBytes(hash.digest(), membersDigest), "members are not those of its digest");
    demand(own >= 0, "without this meter");
    const memory = memories.forget(this.memory, moment);
    const channels = memories.checkStanding(roster, memory, moment);
    demand(events.hasRoom(EventType.ROSTER), "enough for today");
    const place = storePages(journal, rosterNumber, pages);
    const lastInterval = roster.lastInterval ?? U32_MAX;
    const terms = { groupId, rosterNumber, memberCount, firstInterval, lastInterval, statistics, channels };
    const standing = { S, anchor, ...terms, own, place };
    this.#accept({ ...memory, standing: [...memories.begun(memory, moment), standing] }, standing);
  }

  /** What was accepted and the event that tells of it are one record. */
  #accept(memory: memories.RosterMemory, { S, rosterNumber }: memories.Standing | memories.Repair): void {
    const { events } = this.#context;
    demand(events.hasRoom(EventType.ROSTER), "enough for today");
    const accepted = { ...memory, nextNumber: rosterNumber + 1 };
    const bytes = memories.encodeRosters(accepted);
    events.commit([[EventType.ROSTER, bstr(S)]], [{ kind: MessageKind.ROSTERS, number: 0, bytes }]);
    this.memory = accepted;
    if (this.#candidate && this.#candidate.roster.rosterNumber <= rosterNumber) this.#candidate = null;
  }
}
