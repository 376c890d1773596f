// Frames that a network side could hand to a unit: junk, spoiled copies of good ones, and what comes as deep as
// the check of a signature, among it commands and rosters that an anchor did sign and that are not to be obeyed.
import { ed25519 } from "@noble/curves/ed25519.js";
import { concatBytes } from "@noble/hashes/utils.js";
import { readCertificate } from "../../src/trusted/authority/certificate.js";
import { CommandKind, ROLES, type Role } from "../../src/trusted/authority/command.js";
import { sameBytes } from "../../src/trusted/encoding/bytes.js";
import { array, bstr, CborReader, int, map, NIL, tstr } from "../../src/trusted/encoding/cbor.js";
import { decodeSign1, isOfType, type Sign1, toBeSigned } from "../../src/trusted/encoding/cose.js";
import { keyId } from "../../src/trusted/sealing/signature.js";
import type { Corpus } from "./corpus.js";
import { deepDocument } from "./documents.js";
import { type FuzzedMeter, frameOf, isOneOf, type Order } from "./meter.js";
import type { Mutator } from "./mutator.js";

const DRAWS_MAX = 8;
const FRAME_BYTES_MAX = 520;
const OVERSIZE_MAX = 6_000;
const DOCUMENT_BYTES_MAX = 512;
const STORED_KINDS = [1, 3, 4, 5, 6];
const SHARE = 2;
const ANCHORED = ["command-1", "roster-1"] as const;
const NONCE_BYTES = 16;

/** Which roles may send a kind, said again: a fault in the unit's own table must show. */
const ALLOWED: Readonly<Record<number, readonly Role[]>> = {
  1: ["network", "authority"],
  2: ["authority"],
  3: ["supplier"],
  4: ["supplier", "network"],
  5: ["supplier"],
  6: ["supplier"],
  7: ["supplier"],
  8: ["authority"],
  9: ["authority"],
};

const bytes32 = (fill: number) => bstr(new Uint8Array(32).fill(fill));

/** Arguments that no command of a kind may have. */
const MALFORMED: Readonly<Record<number, readonly Uint8Array[]>> = {
  2: [
    NIL,
    map(),
    map([2, int(900)]),
    map([3, array(tstr("1-0:1.8.0"))]),
    map([4, int(11_501)]),
    map([4, NIL]),
    map([5, int(3)]),
    map([11, int(2)]),
    map([11, int(129)]),
    map([8, bstr(new Uint8Array(31))]),
    map([8, bytes32(7)], [9, bytes32(7)]),
    concatBytes(map([8, bytes32(7)], [9, bytes32(8)]), int(0)),
    concatBytes(Uint8Array.of(0xa2), int(11), int(12), int(4), int(4000)),
    concatBytes(Uint8Array.of(0xa2), int(4), int(4000), int(4), int(4000)),
    map([12, array()]),
    map([13, NIL]),
  ],
  3: [int(0), map(), array(), bstr(new Uint8Array(0))],
  4: [
    NIL,
    int(2),
    int(-1),
    array(int(1)),
    bstr(Uint8Array.of(1)),
    concatBytes(int(1), int(1)),
    new Uint8Array(0),
  ],
  5: [NIL, new Uint8Array(0), concatBytes(int(1), NIL), tstr("1")],
  6: [NIL, bytes32(1)],
  7: [NIL, map([1, int(1)])],
  8: [
    NIL,
    array(bstr(new Uint8Array(7))),
    array(bstr(new Uint8Array(8).fill(2)), bstr(new Uint8Array(8).fill(1))),
    array(bstr(new Uint8Array(8)), bstr(new Uint8Array(8))),
    concatBytes(array(), NIL),
    array(...Array.from({ length: 33 }, (_, at) => bstr(new Uint8Array(8).fill(at)))),
  ],
  9: [
    NIL,
    array(bytes32(1), bytes32(2)),
    array(bytes32(1), bytes32(2), int(1)),
    array(bytes32(1), bytes32(2), int(0)),
    array(bytes32(1), bytes32(2), int(2 ** 33)),
    array(bytes32(1), bytes32(2), int(9), NIL),
    array(bstr(new Uint8Array(33)), bytes32(2), int(9)),
  ],
};

/** Commands that the unit would obey now, if they were shown to it as they are: one of each kind and role. */
export function freshOrders(): Order[] {
  return [
    { by: "authority", kind: 2, argument: map([4, int(3000)], [11, int(12)]) },
    { by: "authority", kind: 2, argument: map([8, bytes32(9)]) },
    { by: "authority", kind: 8, argument: array(bstr(new Uint8Array(8))) },
    { by: "authority", kind: 9, argument: array(bytes32(1), bytes32(2), int(7)) },
    { by: "supplier", kind: 4, argument: int(1) },
    { by: "network", kind: 4, argument: int(0) },
    { by: "supplier", kind: 5, argument: int(1) },
    { by: "supplier", kind: 6, argument: int(0) },
    { by: "supplier", kind: 7, argument: int(1) },
  ];
}

/** A command that is signed by an anchor and yet not to be obeyed. */
function badOrder(mutator: Mutator, meter: FuzzedMeter, isFar: boolean): Order {
  const role = mutator.pick(ROLES);
  const allowed = Object.keys(ALLOWED)
    .map(Number)
    .filter((kind) => kind > 1 && ALLOWED[kind]?.includes(role));
  const fresh = mutator.pick(freshOrders());
  const { counter } = meter.nextOf(fresh);
  const nonce = bstr(meter.nonce);
  const ways: readonly (() => Order)[] = [
    () => ({ ...fresh, counter: mutator.pick([0, counter - 1, counter + 1, counter + 256, 0xffffffff]) }),
    () => ({ ...fresh, meterId: mutator.pick(["SM-0002", "SM-0001-", "SM-000", "A"]) }),
    () => ({
      ...fresh,
      by: mutator.pick(ROLES.filter((one) => !ALLOWED[fresh.kind]?.includes(one))),
      counter,
    }),
    () => ({ ...fresh, kind: mutator.pick([0, 10, 23, 24, 255]) }),
    () => ({ ...fresh, notAfter_s: mutator.pick([0, 1, meter.now_s - 60]) }),
    ...Array.from({ length: 8 }, () => () => badArgument(mutator, role, allowed, fresh)),
    () => ({ by: role, kind: CommandKind.TIME, counter: 1, argument: array(nonce, int(meter.now_s)) }),
    () => ({
      by: "network",
      kind: CommandKind.TIME,
      counter: 0,
      notAfter_s: meter.now_s,
      argument: array(nonce, int(meter.now_s)),
    }),
    () => ({
      by: mutator.pick(["supplier", "aggregator"]),
      kind: CommandKind.TIME,
      counter: 0,
      argument: array(nonce, int(meter.now_s)),
    }),
    () => ({
      by: "network",
      kind: CommandKind.TIME,
      counter: 0,
      argument: array(bstr(mutator.bytes(NONCE_BYTES)), int(meter.now_s)),
    }),
    () => ({
      by: "network",
      kind: CommandKind.TIME,
      counter: 0,
      argument: array(bstr(mutator.bytes(15)), int(meter.now_s)),
    }),
    () => ({
      by: "network",
      kind: CommandKind.TIME,
      counter: 0,
      argument: array(nonce, int(meter.now_s), NIL),
    }),
    () => ({
      by: "network",
      kind: CommandKind.TIME,
      counter: 0,
      argument: array(isFar ? nonce : bstr(new Uint8Array(NONCE_BYTES)), int(0xfffffff0)),
    }),
    () => ({ by: "supplier", kind: CommandKind.REGISTER_STATEMENT }),
  ];
  return mutator.pick(ways)();
}

function badArgument(mutator: Mutator, role: Role, allowed: readonly number[], fresh: Order): Order {
  const kind = allowed.length > 0 ? mutator.pick(allowed) : fresh.kind;
  const by = allowed.length > 0 ? role : fresh.by;
  return { by, kind, argument: mutator.pick(MALFORMED[kind] ?? [NIL]) };
}

/** A few small numbers behind the head of an array, of whatever length that says. */
function shortFrame(mutator: Mutator): Uint8Array {
  const numbers = Array.from({ length: mutator.random.below(6) }, () => int(mutator.random.below(10)));
  return concatBytes(Uint8Array.of(0x80 + mutator.random.below(6)), ...numbers);
}

/** `[1, kind, sequence]` or `[2, kind, first, last]` in their one encoding; a share's sequence is two numbers. */
export function isDelivery(frame: Uint8Array): boolean {
  try {
    const reader = new CborReader(frame, "frame");
    const items = reader.array(3, 4);
    reader.key(items - 2);
    const kind = reader.uint();
    if (kind !== SHARE && !STORED_KINDS.includes(kind)) return false;
    for (let left = items - 2; left > 0; left--) {
      if (kind === SHARE) reader.array(2);
      for (let parts = kind === SHARE ? 2 : 1; parts > 0; parts--) reader.uint(0xffffffff);
    }
    reader.end();
    return true;
  } catch {
    return false;
  }
}

export interface FrameOptions {
  /** Frames that the unit would obey as they are: those are never handed over. */
  readonly fresh: readonly Uint8Array[];
  /** Whether an anchor may say times here that are too far away: the nonce is gone then. */
  readonly isFar: boolean;
  /** Whether the street's roster waits in the unit for those of its members that have not come. */
  readonly waits: boolean;
}

/** A document whose signature the unit would check, and the key that it would be checked against. */
interface Sealed extends Sign1 {
  readonly type: "command-1" | "roster-1" | "certificate-1";
  readonly publicKey: Uint8Array;
}

/** What the meter of a corpus may be handed, drawn by a mutator. */
export class HostileFrames {
  readonly #corpus: Corpus;
  readonly #meter: FuzzedMeter;
  readonly #mutator: Mutator;
  readonly #options: FrameOptions;
  /** With what would complete or replace the roster that waits. */
  readonly #fresh: readonly Uint8Array[];
  readonly #known: readonly Uint8Array[];
  /** Rosters and certificates that came or could come. */
  readonly #street: readonly Uint8Array[];

  constructor(corpus: Corpus, mutator: Mutator, options: FrameOptions) {
    this.#corpus = corpus;
    this.#meter = corpus.meter;
    this.#mutator = mutator;
    this.#options = options;
    const { accepted, repair, waiting, came, missing } = corpus.meter.street;
    this.#street = [accepted, repair, waiting, ...came, ...missing].map(frameOf);
    this.#fresh = [...options.fresh, ...[repair, waiting, ...missing].map(frameOf)];
    const deliveries = STORED_KINDS.flatMap((kind) => [
      array(int(1), int(kind), int(3)),
      array(int(2), int(kind), int(0), int(9)),
    ]);
    this.#known = [...options.fresh, ...corpus.meter.obeyed, ...deliveries, ...this.#shareDeliveries()];
  }

  #shareDeliveries(): Uint8Array[] {
    const [first, last] = [0, -1].map((at) => {
      const intervals = [...this.#corpus.shares.keys()];
      return array(int(intervals.at(at) as number), int(1));
    }) as [Uint8Array, Uint8Array];
    const again = array(int(2), int(SHARE), first, last);
    return [array(int(1), int(SHARE), last), again, array(int(2), int(SHARE), last, first)];
  }

  /** One that does not come to a signature. */
  cheap(): Uint8Array {
    const mutator = this.#mutator;
    const { pool } = this.#corpus;
    const [fresh, known] = [mutator.pick(this.#options.fresh), mutator.pick(this.#known)];
    const ways: readonly (() => Uint8Array)[] = [
      () => mutator.mutate(fresh),
      () => mutator.mutate(known),
      () => mutator.mutate(known),
      () => frameOf(mutator.mutate(documentIn(fresh))),
      () => frameOf(mutator.mutate(documentIn(fresh))),
      () => mutator.mutate(mutator.pick(this.#street)),
      () => frameOf(mutator.mutate(documentIn(mutator.pick(this.#street)))),
      () => mutator.pick(this.#street),
      () => frameOf(mutator.pick(pool)),
      () => mutator.mutate(frameOf(mutator.pick(pool))),
      () => mutator.pick(pool),
      () => mutator.bytes(mutator.random.below(FRAME_BYTES_MAX)),
      () => mutator.bytes(FRAME_BYTES_MAX + 1 + mutator.random.below(OVERSIZE_MAX)),
      () => mutator.mutateContent(known),
      () => shortFrame(mutator),
    ];
    for (let draw = 0; draw < DRAWS_MAX; draw++) {
      const frame = mutator.pick(ways)();
      if (!this.isDeep(frame)) return frame;
    }
    return fresh.slice(0, -1);
  }

  /** One that should. */
  deep(): Uint8Array {
    const mutator = this.#mutator;
    const ways = mutator.oneIn(3) ? this.#deepRosters() : this.#deepCommands();
    for (let draw = 0; draw < DRAWS_MAX; draw++) {
      const frame = mutator.pick(ways)();
      if (!isOneOf(frame, this.#fresh)) return frame;
    }
    return this.cheap();
  }

  #deepCommands(): readonly (() => Uint8Array)[] {
    const mutator = this.#mutator;
    const meter = this.#meter;
    const { foreignCommands, pool } = this.#corpus;
    const { fresh, isFar } = this.#options;
    const kind = { type: "command-1" as const, ...meter.signerOf(mutator.pick(ROLES)) };
    return [
      () => mutator.mutateContent(mutator.pick(fresh)),
      () => frameOf(mutator.mutateContent(documentIn(mutator.pick(fresh)))),
      () => frameOf(deepDocument(mutator, documentIn(mutator.pick(fresh)), kind, pool)),
      () => frameOf(deepDocument(mutator, documentIn(mutator.pick(fresh)), kind, pool)),
      () => mutator.pick(meter.obeyed),
      () => mutator.pick(foreignCommands),
      () => meter.command(badOrder(mutator, meter, isFar)),
      () => meter.command(badOrder(mutator, meter, isFar)),
      () => meter.command(badOrder(mutator, meter, isFar)),
    ];
  }

  #deepRosters(): readonly (() => Uint8Array)[] {
    const mutator = this.#mutator;
    const { pool } = this.#corpus;
    const { repair, waiting, missing, unlawful, usurped, unfit } = this.#meter.street;
    const roster = mutator.pick([repair, waiting]);
    const aggregator = { type: "roster-1" as const, ...this.#meter.signerOf("aggregator") };
    const authority = { type: "certificate-1" as const, ...this.#meter.signerOf("authority") };
    return [
      () => frameOf(mutator.mutateContent(roster)),
      () => frameOf(deepDocument(mutator, roster, aggregator, pool)),
      () => frameOf(mutator.pick(unlawful)),
      () => frameOf(mutator.pick(unlawful)),
      () => frameOf(mutator.pick(usurped)),
      () => frameOf(mutator.mutateContent(mutator.pick(missing))),
      () => frameOf(deepDocument(mutator, mutator.pick(missing), authority, pool)),
      () => frameOf(mutator.pick(unfit)),
    ];
  }

  /** Whether the unit would check a signature of it. */
  isDeep(frame: Uint8Array): boolean {
    return this.#sealedIn(frame) !== null;
  }

  /** Whether an anchor has signed it as a command or roster, by another implementation of the same strict rules. */
  isAuthentic(frame: Uint8Array): boolean {
    const sealed = this.#sealedIn(frame);
    if (!sealed || sealed.type === "certificate-1") return false;
    const { type, payload, signature, publicKey } = sealed;
    try {
      return ed25519.verify(signature, toBeSigned(type, payload), publicKey, { zip215: false });
    } catch {
      return false;
    }
  }

  /** Whether it is nothing to refuse: a delivery, or what the unit has had before of its rosters. */
  isIdle(frame: Uint8Array): boolean {
    if (isDelivery(frame)) return true;
    if (!this.#options.waits) return false;
    const { accepted, lastId } = this.#meter.street;
    const id = memberIdIn(frame);
    return isOneOf(frame, [frameOf(accepted)]) || (id !== null && id <= lastId);
  }

  #sealedIn(frame: Uint8Array): Sealed | null {
    try {
      const document = documentIn(frame);
      const id = memberIdIn(frame);
      if (id !== null) {
        const { publicKey } = this.#meter.signerOf("authority");
        const isNext = this.#options.waits && id > this.#meter.street.lastId;
        const parts = decodeSign1(document, "certificate-1", DOCUMENT_BYTES_MAX);
        return isNext && sameBytes(keyId(publicKey), parts.kid)
          ? { ...parts, type: "certificate-1", publicKey }
          : null;
      }
      const type = ANCHORED.find((one) => isOfType(document, one));
      if (!type) return null;
      const parts = decodeSign1(document, type, DOCUMENT_BYTES_MAX);
      const role = ROLES.find((one) => sameBytes(keyId(this.#meter.signerOf(one).publicKey), parts.kid));
      return role ? { ...parts, type, publicKey: this.#meter.signerOf(role).publicKey } : null;
    } catch {
      return null;
    }
  }
}

/** The document in a frame `[3, document]`. @throws FormatError */
function documentIn(frame: Uint8Array): Uint8Array {
  const reader = new CborReader(frame, "frame");
  reader.array(2);
  const document = reader.key(3).bytes(1, DOCUMENT_BYTES_MAX);
  reader.end();
  return document;
}

/** The meter that a certificate in a frame is of, whoever has signed it; null if it holds none. */
function memberIdIn(frame: Uint8Array): string | null {
  try {
    const { payload } = decodeSign1(documentIn(frame), "certificate-1", DOCUMENT_BYTES_MAX);
    return readCertificate(payload).meterId;
  } catch {
    return null;
  }
}
