// The border between the two machines, and the far end of the uplink: each side may be handed anything by the
// other. The unit's side answers or does not, and restarts its neighbour; the network side refuses; the head
// end refuses. Nothing else is thrown, and nothing that comes in malformed goes out on a topic.
import { concatBytes } from "@noble/hashes/utils.js";
import { answer, LINK_BYTES_MAX, Request, UnitLink } from "../../src/meter/link.js";
import { Outbox } from "../../src/meter/outbox.js";
import { Supervisor } from "../../src/meter/supervisor.js";
import { FormatError } from "../../src/trusted/encoding/bytes.js";
import { array, bstr, int } from "../../src/trusted/encoding/cbor.js";
import { HeadEnd } from "../head-end.js";
import type { SeededRandom } from "../seeded.js";
import type { Corpus } from "./corpus.js";
import type { Mutator } from "./mutator.js";
import { type Attack, attempt, type Target } from "./target.js";

const TOPICS = "reading batch event pairing time register share command constructor __proto__ toString".split(
  " ",
);
const POSTED_MAX = 4;
/** Tags of requests that are followed by bytes. */
const GIVING = [Request.RECEIVE, Request.PAIR, Request.TARIFF];
/** A unit that takes whatever it is given. */
const willing = { receive: () => true, receiveLocal: () => true, offerTariff: () => true };

const isFormatError = (error: unknown) => error instanceof FormatError;

/** The unit's side of the link, under requests: none may be answered but the five that there are. */
function linkAttack(corpus: Corpus, mutator: Mutator): Attack {
  const originals = [
    Uint8Array.of(Request.TAKE),
    Uint8Array.of(Request.ALIVE),
    ...corpus.pool.map((one) => concatBytes(Uint8Array.of(mutator.pick(GIVING)), one)),
  ];
  const takes = () => mutator.oneIn(2);
  const unit = {
    take: () => mutator.pick(corpus.pool),
    receive: takes,
    receiveLocal: takes,
    offerTariff: takes,
  };
  return {
    shoot() {
      const bytes = mutator.mutate(mutator.pick(originals));
      return attempt(
        bytes,
        false,
        () => {
          const answered = answer(unit, bytes);
          const isRequest =
            bytes.length <= LINK_BYTES_MAX &&
            (GIVING.some((tag) => tag === bytes[0]) ||
              (bytes.length === 1 && (bytes[0] === Request.TAKE || bytes[0] === Request.ALIVE)));
          if ((answered !== null) !== isRequest) return "accepted";
          return isRequest ? "valid" : "refused";
        },
        () => false,
      );
    },
  };
}

/** The supervisor and a neighbour that speaks nonsense: it is restarted and never more. */
function supervisorAttack(corpus: Corpus, mutator: Mutator): Attack {
  let next: Uint8Array | null = null;
  let now_ms = 0;
  const unit = { ...willing, take: () => mutator.pick(corpus.pool), networkRestarted: () => {} };
  const poll = () => {
    const message = next;
    next = null;
    return message;
  };
  const supervisor = new Supervisor(unit, { start() {}, stop() {}, post: () => mutator.oneIn(8), poll });
  return {
    shoot() {
      const bytes = mutator.mutate(
        concatBytes(Uint8Array.of(mutator.random.below(6)), mutator.pick(corpus.pool)),
      );
      next = bytes;
      now_ms += 1_000_000;
      return attempt(
        bytes,
        false,
        () => {
          const { faults } = supervisor;
          for (let step = 0; step < POSTED_MAX; step++) supervisor.step(now_ms);
          return supervisor.faults > faults ? "refused" : "valid";
        },
        () => false,
      );
    },
  };
}

/** The network side of the link and the outbox behind it, under answers and frames of a unit that is none. */
function outboxAttack(corpus: Corpus, mutator: Mutator): Attack {
  const frames = corpus.pool.map((one, at) => array(int(1 + (at % 6)), int(at), bstr(one)));
  return {
    shoot() {
      const bytes = mutator.mutate(mutator.pick(frames));
      return attempt(
        bytes,
        false,
        () => {
          let sent = 0;
          const link = new UnitLink(() => {});
          link.hear(mutator.mutate(concatBytes(Uint8Array.of(mutator.random.below(6)), bytes)));
          link.step();
          let given: Uint8Array | null = bytes;
          const take = () => {
            const frame = given;
            given = null;
            return frame;
          };
          const uplink = { publish: () => ++sent > 0, poll: () => null };
          new Outbox({ ...willing, take }, uplink, corpus.meter.meterId).step();
          return sent === 0 || isFrame(bytes) ? "valid" : "accepted";
        },
        isFormatError,
      );
    },
  };
}

/** `[kind, sequence, message]` in its one encoding. */
function isFrame(bytes: Uint8Array): boolean {
  const first = bytes[1] ?? 0xff;
  return bytes[0] === 0x83 && first >= 1 && first <= 7;
}

/** The head end, which keeps what any meter may send and is told nonsense by anyone. */
function headEndAttack(corpus: Corpus, mutator: Mutator): Attack {
  const { meter } = corpus;
  let commands = 0;
  const headEnd = new HeadEnd({
    meterId: meter.meterId,
    networkSeed: meter.parties.network.seed,
    time_s: () => meter.now_s,
    sendCommand: () => void commands++,
  });
  return {
    shoot() {
      const bytes = mutator.mutate(mutator.pick(corpus.pool));
      const topic = mutator.pick(TOPICS);
      return attempt(
        bytes,
        false,
        () => {
          headEnd.deliver(`sealmeter/1/${meter.meterId}/${topic}`, bytes);
          return "valid";
        },
        (error) =>
          isFormatError(error) || (error instanceof Error && error.message.startsWith("head end: no topic")),
      );
    },
  };
}

export function networkTargets(corpus: Corpus, mutatorOf: (random: SeededRandom) => Mutator): Target[] {
  const attacks = {
    "link requests": linkAttack,
    supervisor: supervisorAttack,
    "link and outbox": outboxAttack,
    "head end": headEndAttack,
  };
  return Object.entries(attacks).map(([name, attack]) => ({
    name,
    share: 10,
    begin: (random) => attack(corpus, mutatorOf(random)),
  }));
}
