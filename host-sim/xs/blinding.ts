// What a unit's shares cost on an engine, by the number of members and the statistics: pairing with all of them once,
// then an interval's share in steps, with the roster's keys known.
import { Blinder } from "../../src/trusted/blinding/blinder.js";
import { addMember, storePages } from "../../src/trusted/blinding/members.js";
import type { Standing } from "../../src/trusted/blinding/memory.js";
import { encodeMember } from "../../src/trusted/blinding/roster.js";
import { assert } from "../../src/trusted/encoding/bytes.js";
import { Journal } from "../../src/trusted/journal/journal.js";
import { U32_MAX } from "../../src/trusted/metrology/interval.js";
import { CommitmentKey } from "../../src/trusted/sealing/commitment.js";
import { add, bytesOf } from "../../src/trusted/sealing/edwards.js";
import { encodeRistretto } from "../../src/trusted/sealing/encodings.js";
import { digest, scalarFrom } from "../../src/trusted/sealing/keys.js";
import { chip, readInput } from "./natives.js";

const INTERVAL_S = 900;
const FIRST = 1_455_168;
const MEMBERS = [10, 40, 128];
/** Of the chip's journal: enough for what is stored here. */
const SECTORS = 72;
const STEPS_MAX = 10_000;
const CHANNELS = [0, 1];
const SHARES: readonly (readonly number[])[] = [[1], [1, 2], [1, 2, 3]];

const { image } = readInput();
const key = new CommitmentKey(image);
const journal = new Journal({ ...chip, sectors: SECTORS });
const agreement = scalarFrom(Uint8Array.from({ length: 64 }, (_, at) => 7 * at + 1));
const own = { meterId: "M", X: encodeRistretto(key.base.multiply(bytesOf(agreement))) };
const base = key.base.multiply(Uint8Array.of(1));

/** A roster whose other members have multiples of B for keys; the meter is in their middle. */
function storeRoster(members: number): Standing {
  const place = Math.floor(members / 2);
  const S = digest(own.X);
  const pages: Uint8Array[] = [];
  let point = base;
  for (let member = 0; member < members; member++) {
    point = add(point, base);
    const peer = { meterId: `SM-${10_000_000 + member}`, X: encodeRistretto(point) };
    const { meterId, X } = member === place ? own : peer;
    addMember(pages, S, member, encodeMember(meterId, X));
  }
  const range = { firstInterval: FIRST, lastInterval: U32_MAX };
  const terms = { rosterNumber: 1, groupId: "street-1", statistics: [1], channels: CHANNELS };
  const places = { own: place, place: storePages(journal, 1, pages) };
  return { S, anchor: own.X, memberCount: members, ...range, ...terms, ...places };
}

/** What a share costs: all pairings, and then each choice of statistics with the keys in hand. */
function measure(members: number) {
  journal.format(CHANNELS.length);
  const standing = storeRoster(members);
  const blinder = new Blinder({
    journal,
    rosters: { memory: { nextNumber: 2, standing: [standing], repairs: [] } },
    configuration: { meterId: own.meterId, intervalSeconds: INTERVAL_S },
    key,
    own,
    agreement,
    customerKey: () => own.X,
  });
  let interval = FIRST;
  const share = (statistics: readonly number[]) => {
    Object.assign(standing, { statistics });
    journal.appendInterval({ interval, status: 0, epoch: 0, padded: new Uint8Array(4 * CHANNELS.length) });
    interval++;
    const cost = { statistics, instructions: 0, step: 0, bytes: 0 };
    for (let step = 0, isBusy = true; isBusy && step < STEPS_MAX; step++) {
      const before = board.instructions();
      isBusy = blinder.step(interval * INTERVAL_S);
      const taken = board.instructions() - before;
      cost.instructions += taken;
      cost.step = Math.max(cost.step, taken);
    }
    const frame = blinder.take();
    assert(frame !== null, "a share was made");
    return { ...cost, bytes: frame.length };
  };
  return { members, pairing: share([1]), shares: SHARES.map(share) };
}

const costs = MEMBERS.map(measure);
board.print(JSON.stringify({ costs, heap: board.heap(), live: board.collect() }));
