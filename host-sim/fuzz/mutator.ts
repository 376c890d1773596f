// Spoils a message. Bytes are flipped, cut, stretched and spliced blindly; CBOR is said otherwise (what
// RFC 8949 section 4.2.1 forbids), and changed where a decoder has to look; signed documents lend each other
// their parts; keys and signatures become those that a careless verifier takes. All chance comes from one
// generator, so that a mutant is a seed.
import { concatBytes } from "@noble/hashes/utils.js";
import type { SeededRandom } from "../seeded.js";
import { encodeItems, encodeTree, flatten, head, type Item, Major, parseTree, widthOf } from "./cbor-tree.js";
import { HOSTILE_32, signatureMutants } from "./hostile-points.js";

const BYTES_INTERESTING = [
  0, 1, 0x17, 0x18, 0x1b, 0x1f, 0x20, 0x40, 0x5f, 0x7f, 0x80, 0x9f, 0xa0, 0xbf, 0xd2,
];
const BREAK = Uint8Array.of(0xff);
/** A header that says more than there is: 4 GB, 2^53, 2^64 - 1. */
const ARGUMENTS_HUGE = [0xffffffffn, 1n << 53n, (1n << 64n) - 1n];
const BOMB_DEPTHS = [30, 500, 6000];
const EXTENSION_MAX = 40;
const FLIPS_MAX = 4;
const KEY_BYTES = 32;
const SIGNATURE_BYTES = 64;
const TYPES = "certificate batch pairing register command tariff roster revocation".split(" ");

/** What stands for another item: null, undefined, booleans, floats, NaN, empty containers, big numbers, tags. */
const ODD_ITEMS = [
  "f6 f7 f5 f4 f90000 f97e00 fa3f800000 fb3ff0000000000000 fb7ff8000000000000 f800 fc ff 40 60 80 a0 5fff 7fff 9fff",
  "bfff 1bffffffffffffffff 3bffffffffffffffff 1b0020000000000000 c249010000000000000000 c001 d82440 d9d9f780 1818",
  "1a00000001 1900ff 00 20 17 1818 18ff 190100 1a00010000 1affffffff 1b0000000100000000",
].flatMap((line) => line.split(" ").map((hex) => Uint8Array.from(Buffer.from(hex, "hex"))));

/** Deterministic encoding allows none of these: whatever signs it, the document is to be refused. */
type Spoil = (item: Item) => Uint8Array | null;

const NON_CANONICAL: readonly Spoil[] = [
  // A head longer than needed.
  (item) => {
    const width = widthOf(item.argument);
    if (item.major === Major.SIMPLE || width === 8) return null;
    const body = encodeTree(item).slice(1 + width);
    return concatBytes(head(item.major, bodyLengthOf(item), width === 0 ? 1 : 2 * width), body);
  },
  // An indefinite length.
  (item) => {
    const { major, items } = item;
    if (major < Major.BYTES || major > Major.MAP) return null;
    const start = Uint8Array.of((major << 5) | 31);
    const body = major >= Major.ARRAY ? encodeItems(items) : encodeTree(item);
    return concatBytes(start, body, BREAK);
  },
  // Keys out of order.
  ({ major, argument, items }) => {
    const [key, value, nextKey, nextValue, ...rest] = items;
    if (major !== Major.MAP || !key || !value || !nextKey || !nextValue) return null;
    return concatBytes(head(major, argument), encodeItems([nextKey, nextValue, key, value, ...rest]));
  },
  // A key twice, and once in the place of another.
  ({ major, argument, items }) =>
    major === Major.MAP && argument > 0
      ? concatBytes(head(major, argument + 1), encodeItems([...items, ...items.slice(-2)]))
      : null,
  ({ major, argument, items }) =>
    major === Major.MAP && argument > 1
      ? concatBytes(head(major, argument), encodeItems([...items.slice(0, 2), ...items.slice(0, -2)]))
      : null,
  // Map entries that no reader asks for.
  ({ major, argument, items }) =>
    major === Major.MAP
      ? concatBytes(head(major, argument + 1), encodeItems(items), Uint8Array.of(0x18, 0x63, 0))
      : null,
  // A map with an entry less than its head says, and a float where an integer belongs.
  ({ major, argument, items }) =>
    major === Major.MAP && argument > 0
      ? concatBytes(head(major, argument), encodeItems(items.slice(0, -2)))
      : null,
  ({ major }) => (major === Major.UINT ? Uint8Array.of(0xfa, 0x3f, 0x80, 0, 0) : null),
];

function bodyLengthOf(item: Item): number {
  const isString = item.major === Major.BYTES || item.major === Major.TEXT;
  return isString ? item.content.length : item.argument;
}

export class Mutator {
  readonly random: SeededRandom;
  /** Where splices and foreign parts come from. */
  readonly #pool: readonly Uint8Array[];
  readonly #trees = new Map<Uint8Array, readonly Item[]>();

  constructor(random: SeededRandom, pool: readonly Uint8Array[]) {
    this.random = random;
    this.#pool = pool;
  }

  pick<T>(of: readonly T[]): T {
    return of[this.random.below(of.length)] as T;
  }

  /** True once in `times`. */
  oneIn(times: number): boolean {
    return this.random.below(times) === 0;
  }

  bytes(length: number): Uint8Array {
    const out = new Uint8Array(length);
    this.random.fill(out);
    return out;
  }

  /** Another message than this one, by one or a few of all ways. */
  mutate(message: Uint8Array): Uint8Array {
    let out = message;
    for (let more = true; more; more = this.oneIn(6)) out = this.#spoil(out);
    return out;
  }

  /** A change that leaves the message's form as it is: a document still reaches the check of its signature. */
  mutateContent(message: Uint8Array): Uint8Array {
    const items = this.#itemsOf(message);
    const target = items.length > 0 ? this.pick(items) : null;
    if (!target || target.items.length > 0) return this.#flip(message);
    return this.#rewrite(message, items, target, () => this.#otherContent(target));
  }

  /** The message said in a way that deterministic encoding forbids, or null if it cannot be. */
  nonCanonical(message: Uint8Array): Uint8Array | null {
    const items = this.#itemsOf(message);
    if (items.length === 0) return null;
    const target = this.pick(items);
    const spoiled = this.pick(NON_CANONICAL)(target);
    return spoiled && this.#rewrite(message, items, target, () => spoiled);
  }

  #spoil(message: Uint8Array): Uint8Array {
    const way = this.random.below(10);
    if (way < 4) return this.#spoilBytes(message);
    if (way === 4) return this.mutateContent(message);
    if (way === 5) return this.nonCanonical(message) ?? this.#flip(message);
    return this.#spoilTree(message);
  }

  #spoilBytes(message: Uint8Array): Uint8Array {
    const { length } = message;
    const [from, to] = [this.random.below(length + 1), this.random.below(length + 1)].sort((a, b) => a - b);
    const [before, part, after] = [message.slice(0, from), message.slice(from, to), message.slice(to)];
    const ways: readonly (() => Uint8Array)[] = [
      () => this.#flip(message),
      () => this.#flip(message),
      () => this.#setByte(message),
      () => before,
      () => after,
      () => concatBytes(before, after),
      () => concatBytes(before, part, part, after),
      () => concatBytes(message, this.bytes(1 + this.random.below(EXTENSION_MAX))),
      () => concatBytes(message, Uint8Array.of(this.pick(BYTES_INTERESTING))),
      () => concatBytes(before, this.bytes(1 + this.random.below(EXTENSION_MAX)), after),
      () => concatBytes(before, this.bytes(part.length), after),
      () => concatBytes(before, new Uint8Array(part.length).fill(this.pick([0, 0xff])), after),
      () => concatBytes(before, this.#tail(this.pick(this.#pool))),
      () => concatBytes(this.pick(this.#pool), message),
      () => concatBytes(message, message),
    ];
    return this.pick(ways)();
  }

  #tail(other: Uint8Array): Uint8Array {
    return other.slice(this.random.below(other.length + 1));
  }

  #flip(message: Uint8Array): Uint8Array {
    const out = message.length > 0 ? message.slice() : new Uint8Array(1);
    for (let flips = 1 + this.random.below(FLIPS_MAX); flips > 0; flips--) {
      const at = this.random.below(out.length);
      out[at] = (out[at] as number) ^ (1 << this.random.below(8));
    }
    return out;
  }

  #setByte(message: Uint8Array): Uint8Array {
    const out = message.length > 0 ? message.slice() : new Uint8Array(1);
    const at = this.random.below(out.length);
    out[at] = this.pick([
      ...BYTES_INTERESTING,
      ((out[at] as number) + 1) & 0xff,
      ((out[at] as number) + 255) & 0xff,
    ]);
    return out;
  }

  /** Changes the form: an item is another, more, fewer, deeper, or of another document. */
  #spoilTree(message: Uint8Array): Uint8Array {
    const items = this.#itemsOf(message);
    if (items.length === 0) return this.#spoilBytes(message);
    const target = this.pick(items);
    return this.#rewrite(message, items, target, () => this.#otherForm(target));
  }

  #otherForm(target: Item): Uint8Array {
    const { major, argument, items } = target;
    const whole = encodeTree(target);
    const body = whole.slice(1 + widthOf(argument));
    const at = this.random.below(Math.max(1, items.length));
    const without = items.filter((_, place) => place !== at);
    const ways: readonly (() => Uint8Array)[] = [
      () => this.pick(ODD_ITEMS),
      () => concatBytes(head(this.random.below(7), bodyLengthOf(target)), body),
      () => concatBytes(head(major, Math.max(0, bodyLengthOf(target) + this.pick([-1, 1, 2, 256]))), body),
      () => concatBytes(head(major, this.pick(ARGUMENTS_HUGE), 8), body),
      () => concatBytes(head(major, bodyLengthOf(target), this.pick([1, 2, 4, 8])), body),
      () => this.#bomb(body),
      () => concatBytes(head(Major.TAG, this.pick([0, 2, 17, 18, 19, 24, 98, 55799])), whole),
      () => concatBytes(whole, whole),
      () => new Uint8Array(0),
      () => encodeTree(this.#foreign()),
      () => concatBytes(head(Major.BYTES, whole.length), whole),
      () => concatBytes(head(major, without.length), encodeItems(without)),
      () => concatBytes(head(major, items.length + 1), encodeItems([...items, this.#foreign()])),
      () => concatBytes(head(major, argument), encodeItems([...items].reverse())),
      () =>
        concatBytes(
          head(major, argument),
          encodeItems(items.map((item, place) => (place === at ? this.#foreign() : item))),
        ),
    ];
    return this.pick(ways)();
  }

  #bomb(body: Uint8Array): Uint8Array {
    const [nesting] = this.pick([[0x81], [0xa1], [0x9f], [0xd2], [0x5f]]);
    return concatBytes(new Uint8Array(this.pick(BOMB_DEPTHS)).fill(nesting as number), body);
  }

  /** Another content of the same form: number, text, key or signature. */
  #otherContent({ major, argument, content }: Item): Uint8Array {
    if (major === Major.UINT || major === Major.NEGATIVE) {
      const near = this.pick([
        argument + 1,
        Math.max(0, argument - 1),
        argument ^ 1,
        0,
        1,
        255,
        65536,
        0xffffffff,
      ]);
      return head(major, near >= 0 ? near : 0);
    }
    if (major === Major.TEXT) return this.#text(content);
    if (major !== Major.BYTES) return this.pick(ODD_ITEMS);
    const other = this.#otherBytes(content);
    return concatBytes(head(Major.BYTES, other.length), other);
  }

  #text(content: Uint8Array): Uint8Array {
    const text = Buffer.from(content).toString("latin1");
    const ways: readonly (() => string)[] = [
      () => `sealmeter/${this.pick(TYPES)}-1`,
      () => text.replace(/1$/, this.pick(["2", "0", "", "11"])),
      () => text.toLowerCase(),
      () => `${text} `,
      () => `${text}\0`,
      () => text.slice(0, -1),
      () =>
        this.pick(["../../etc", "SM-0002", "\u00c3\u00a4", "__proto__", "constructor", "A".repeat(33), ""]),
    ];
    const other = Buffer.from(this.pick(ways)(), "latin1");
    return concatBytes(head(Major.TEXT, other.length), other);
  }

  #otherBytes(content: Uint8Array): Uint8Array {
    if (content.length === SIGNATURE_BYTES && !this.oneIn(3)) {
      return this.oneIn(2) ? this.pick(signatureMutants)(content) : this.#foreignBytes(SIGNATURE_BYTES);
    }
    if (content.length === KEY_BYTES && !this.oneIn(3)) {
      return this.oneIn(2) ? this.pick(HOSTILE_32) : this.#foreignBytes(KEY_BYTES);
    }
    return this.oneIn(3) ? this.#foreignBytes(content.length) : this.#flip(content);
  }

  /** A byte string of this length out of another document: its signature, its key, its kid. */
  #foreignBytes(length: number): Uint8Array {
    const found = this.#itemsOf(this.pick(this.#pool)).filter(
      ({ major, content }) => major === Major.BYTES && content.length === length,
    );
    return found.length > 0 ? this.pick(found).content : this.bytes(length);
  }

  #foreign(): Item {
    const items = this.#itemsOf(this.pick(this.#pool));
    const number = {
      major: Major.UINT,
      argument: this.random.below(300),
      content: new Uint8Array(0),
      items: [],
    };
    return items.length > 0 ? this.pick(items) : number;
  }

  /** All items of a message, or none; those of the pool are kept. */
  #itemsOf(message: Uint8Array): readonly Item[] {
    const known = this.#trees.get(message);
    if (known) return known;
    const tree = parseTree(message);
    const items = tree ? flatten(tree) : [];
    if (this.#pool.includes(message)) this.#trees.set(message, items);
    return items;
  }

  #rewrite(message: Uint8Array, items: readonly Item[], target: Item, write: () => Uint8Array): Uint8Array {
    const [root] = items;
    return root ? encodeTree(root, target, write) : message;
  }
}
