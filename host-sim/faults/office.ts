// Who sends documents to the meter: the roles that it obeys, those that it no longer obeys, and strangers; and what
// becomes of a document on the way. Signing is deterministic, so a document made twice is the same.
import { bytesToHex } from "@noble/hashes/utils.js";
import { makeCommitmentKey } from "../../src/proofs/generators.js";
import type { Configuration } from "../../src/trusted/authority/configuration.js";
import { asciiBytes } from "../../src/trusted/encoding/bytes.js";
import { array, bstr, int, map, NIL, orNil, tstr } from "../../src/trusted/encoding/cbor.js";
import type { DocumentType } from "../../src/trusted/encoding/cose.js";
import { digest } from "../../src/trusted/sealing/keys.js";
import { SigningKey } from "../../src/trusted/sealing/signature.js";
import { drawParties, type Signer } from "../parties.js";
import { CONFIGURATIONS_A_DAY, type Order, SENDERS, type Sender } from "./command-model.js";
import { AMOUNT_MAX } from "./companion.js";
import type { Dice } from "./dice.js";
import { imageDigest, METER_ID, type Site } from "./site.js";

const { base } = makeCommitmentKey();

/** What a document says; what is left out is what the meter expects of its sender next. */
export interface Draft {
  readonly by: Sender;
  readonly kind: number;
  readonly argument: Uint8Array;
  readonly isWellFormed?: boolean;
  readonly changes?: Partial<Configuration>;
  readonly answer?: { readonly nonce: Uint8Array; readonly unix_s: number };
  readonly counter?: number;
  readonly notAfter_s?: number | null;
  readonly meterId?: string;
  readonly signer?: Signer;
  readonly name?: string;
}

const KIND_NAMES = [
  "",
  "time",
  "configuration",
  "register statement",
  "load switch",
  "top-up",
  "tariff",
  "settings",
  "revoked peers",
  "update",
] as const;

export class Office {
  readonly #site: Site;
  readonly #dice: Dice;
  /** Who holds each role now; the model knows whom the meter obeys. */
  readonly #holders: Record<Sender, Signer>;
  /** Keys that held a role once. */
  readonly #former: Signer[] = [];
  readonly #stranger: Signer;
  readonly #keys = new Map<string, SigningKey>();
  #successors = 0;
  #updates = 1;

  constructor(site: Site, dice: Dice) {
    this.#site = site;
    this.#dice = dice;
    const { authority, supplier, network, aggregator } = site.parties;
    this.#holders = { authority, supplier, network, aggregator };
    this.#stranger = drawParties(dice.random.fork("stranger")).supplier;
  }

  /** Signs a draft and has the model know the document. */
  draft(draft: Draft): Order {
    const { by, kind, argument, meterId = METER_ID, isWellFormed = true } = draft;
    const signer = draft.signer ?? this.#holders[by];
    const counter = draft.counter ?? this.#site.commands.counters[by] + 1;
    const notAfter_s = draft.notAfter_s ?? null;
    const payload = map(
      [1, tstr(meterId)],
      [2, int(counter)],
      [3, orNil(notAfter_s === null ? null : int(notAfter_s))],
      [4, int(kind)],
      [5, argument],
    );
    return this.#site.made({
      name: `${draft.name ?? KIND_NAMES[kind] ?? `kind ${kind}`} by ${by}, counter ${counter}`,
      document: this.sign(signer, "command-1", payload),
      isAuthentic: true,
      signer: bytesToHex(signer.publicKey),
      isForThisMeter: meterId === METER_ID,
      kind,
      counter,
      notAfter_s,
      argument,
      isWellFormed,
      changes: draft.changes ?? {},
      answer: draft.answer ?? null,
    });
  }

  /** As RFC 8032 says, over the tables of the unit's own signatures: three times as fast. */
  sign({ seed }: Signer, type: DocumentType, payload: Uint8Array): Uint8Array {
    const name = bytesToHex(seed);
    const key = this.#keys.get(name) ?? new SigningKey(seed, base);
    this.#keys.set(name, key);
    return key.signDocument(type, payload);
  }

  /** Who holds a role now. */
  holder(role: Sender): Signer {
    return this.#holders[role];
  }

  /** An answer to a question for the time. */
  time(nonce: Uint8Array, unix_s: number, by: "network" | "authority" = "network"): Order {
    const answer = { nonce, unix_s };
    return this.draft({ by, kind: 1, counter: 0, argument: array(bstr(nonce), int(unix_s)), answer });
  }

  /** A command that is to be obeyed, as far as its sender knows; the update must be switched on for kind 9. */
  proper(mayUpdate: boolean): Order {
    const dice = this.#dice;
    const choices = [
      () => this.draft({ by: "supplier", kind: 5, argument: int(dice.between(1, AMOUNT_MAX)) }),
      () =>
        this.draft({ by: dice.pick(["supplier", "network"]), kind: 4, argument: int(dice.between(0, 1)) }),
      () => this.draft({ by: "supplier", kind: 6, argument: bstr(dice.bytes(32)) }),
      () => this.draft({ by: "supplier", kind: 7, argument: map([1, int(dice.between(0, 99))]) }),
      () => this.draft({ by: "supplier", kind: 3, argument: NIL }),
    ];
    const changing = [
      () => this.#revocation(),
      () => this.#reconfiguration(),
      ...(mayUpdate ? [() => this.update()] : []),
    ];
    const mayChange = this.#site.commands.configuredToday < CONFIGURATIONS_A_DAY;
    return dice.pick(mayChange ? [...choices, ...changing] : choices)();
  }

  #revocation(): Order {
    const peers = Array.from({ length: this.#dice.between(0, 32) }, () => this.#dice.bytes(8));
    peers.sort((a, b) => (bytesToHex(a) < bytesToHex(b) ? -1 : 1));
    const changes = { revokedPeers: peers };
    return this.draft({ by: "authority", kind: 8, argument: array(...peers.map(bstr)), changes });
  }

  /** A new maximum, least group, or holder of a role. */
  #reconfiguration(): Order {
    const { maximum_A, nominal_V, elements, intervalSeconds } = this.#site.plan;
    const maximum_Wh = Math.floor((elements * nominal_V * maximum_A * intervalSeconds) / 3600);
    if (this.#dice.chance(1, 3)) {
      const changes = { maximum_Wh: this.#dice.between(1, maximum_Wh) };
      return this.draft({ by: "authority", kind: 2, argument: map([4, int(changes.maximum_Wh)]), changes });
    }
    if (this.#dice.chance(1, 3)) {
      const drawn = this.#dice.between(3, 128);
      // Where there are rosters, one that the street can still make.
      const changes = { minGroup: this.#site.plan.faults.has("rosters") ? 3 + (drawn % 2) : drawn };
      return this.draft({ by: "authority", kind: 2, argument: map([11, int(changes.minGroup)]), changes });
    }
    return this.succeed(this.#dice.pick(["supplier", "network", "aggregator"]));
  }

  /** Another takes a role over. */
  succeed(role: "supplier" | "network" | "aggregator"): Order {
    const parties = drawParties(this.#dice.random.fork(`successor ${this.#successors++}`));
    const key = parties[role].publicKey;
    const field = { supplier: 8, network: 9, aggregator: 10 }[role];
    const changes = { [role]: key };
    this.#candidates.set(bytesToHex(key), parties[role]);
    return this.draft({ by: "authority", kind: 2, argument: map([field, bstr(key)]), changes });
  }

  readonly #candidates = new Map<string, Signer>();

  /** Follows what the meter has in force: who was appointed signs from now on. */
  follow(): void {
    const { configuration } = this.#site.commands;
    for (const role of ["supplier", "network", "aggregator"] as const) {
      const candidate = this.#candidates.get(bytesToHex(configuration[role]));
      if (!candidate || candidate === this.#holders[role]) continue;
      this.#former.push(this.#holders[role]);
      this.#holders[role] = candidate;
    }
  }

  /** Software of a higher version than any approved. */
  update(): Order {
    this.#updates = Math.max(this.#updates, this.#site.version) + 1;
    const version = this.#updates;
    const update = {
      imageDigest: imageDigest(version),
      softwareId: digest(asciiBytes(`software ${version}`)),
      version,
    };
    const argument = array(bstr(update.imageDigest), bstr(update.softwareId), int(version));
    return this.draft({ by: "authority", kind: 9, argument, changes: { update } });
  }

  /** A document that must have no effect, though a role has signed it. */
  improper(): Order {
    const dice = this.#dice;
    const by = dice.pick(SENDERS);
    const last = this.#site.commands.counters[by];
    const counter = dice.pick([last, Math.max(0, last - 1), last + 2, 0xffffffff]);
    const kind = dice.between(2, 9);
    // Its turn may come, when it is replayed: an argument for the Companion it then judges, others are malformed.
    const outOfTurn = { kind, argument: int(1), isWellFormed: kind >= 4 && kind <= 7 };
    const former = this.#former.length > 0 ? dice.pick(this.#former) : this.#stranger;
    const topUp = { by: "supplier", kind: 5, argument: int(1) } as const;
    const choices = [
      () => this.draft({ by, ...outOfTurn, counter, name: "wrong counter" }),
      () => this.draft({ ...topUp, by: "aggregator", name: "wrong role" }),
      () => this.draft({ ...topUp, by: "network", name: "wrong role" }),
      () => this.draft({ by: "supplier", kind: 2, argument: map([11, int(5)]), name: "wrong role" }),
      () =>
        this.draft({
          by,
          kind: dice.pick([0, 10, 255]),
          argument: NIL,
          isWellFormed: false,
          name: "no kind",
        }),
      () => this.draft({ ...topUp, meterId: "SM-0002", name: "another meter" }),
      () => this.draft({ ...topUp, notAfter_s: 1_000_000_000, name: "too late" }),
      () => this.draft({ ...topUp, argument: int(0), name: "refused by the Companion" }),
      () => this.draft({ ...topUp, argument: dice.bytes(20), name: "malformed argument" }),
      () =>
        this.draft({
          by: "supplier",
          kind: 3,
          argument: int(0),
          isWellFormed: false,
          name: "malformed argument",
        }),
      () =>
        this.draft({
          by: "authority",
          kind: 2,
          argument: map([2, int(900)]),
          isWellFormed: false,
          name: "fixed",
        }),
      () =>
        this.draft({
          by: "authority",
          kind: 8,
          argument: dice.bytes(9),
          isWellFormed: false,
          name: "malformed",
        }),
      () => this.draft({ ...topUp, signer: former, name: "former holder" }),
      () => this.draft({ ...topUp, signer: this.#stranger, name: "stranger" }),
      () => this.#downgrade(),
    ];
    return dice.pick(choices)();
  }

  #downgrade(): Order {
    const { version } = this.#site;
    const update = { imageDigest: imageDigest(version), softwareId: digest(asciiBytes("old")), version };
    const argument = array(bstr(update.imageDigest), bstr(update.softwareId), int(version));
    return this.draft({ by: "authority", kind: 9, argument, changes: { update }, name: "downgrade" });
  }

  /** A document spoiled on its way. Its signature, or its form, holds no more. */
  spoiled({ document, name }: Order): { readonly name: string; readonly document: Uint8Array } {
    const dice = this.#dice;
    const bit = dice.between(0, 8 * document.length - 1);
    const flipped = document.map((byte, at) => (at === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte));
    const choices = [
      { name: `mutated ${name}`, document: flipped },
      { name: `truncated ${name}`, document: document.slice(0, dice.between(0, document.length - 1)) },
      { name: `lengthened ${name}`, document: Uint8Array.of(...document, 0) },
      { name: "junk", document: dice.bytes(dice.between(0, 700)) },
    ];
    return dice.pick(choices);
  }
}
