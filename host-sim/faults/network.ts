// Between the unit and the head end: a transport that loses and repeats, and a network side that lies while it is told
// to. All that it can spoil is delivery.
import type { UnitSide } from "../../src/meter/outbox.js";
import type { Uplink, UplinkEvent } from "../../src/meter/uplink.js";
import { array, int } from "../../src/trusted/encoding/cbor.js";
import type { Dice } from "./dice.js";
import { Kind } from "./message-model.js";
import { KIND_SHARE } from "./share-model.js";

/** Loses one message in so many, and as many acknowledgements. */
const LOSES_ONE_OF = 12;

/** A transport over another that loses messages and acknowledgements while `isLossy`. */
export class LossyUplink implements Uplink {
  readonly #inner: Uplink & { restart(): void };
  readonly #dice: Dice;
  readonly #lost: UplinkEvent[] = [];
  readonly #unheard = new Set<number>();
  isLossy = false;

  constructor(inner: Uplink & { restart(): void }, dice: Dice) {
    this.#inner = inner;
    this.#dice = dice;
  }

  publish(id: number, topic: string, payload: Uint8Array): boolean {
    if (this.isLossy && this.#dice.chance(1, LOSES_ONE_OF)) {
      this.#lost.push({ kind: "lost", id });
      return true;
    }
    const taken = this.#inner.publish(id, topic, payload);
    if (taken && this.isLossy && this.#dice.chance(1, LOSES_ONE_OF)) this.#unheard.add(id);
    return taken;
  }

  poll(): UplinkEvent | null {
    const event = this.#lost.shift() ?? this.#inner.poll();
    if (event?.kind !== "delivered" || !this.#unheard.delete(event.id)) return event;
    return { kind: "lost", id: event.id };
  }

  /** What it held is forgotten with the power. */
  restart(): void {
    this.#lost.length = 0;
    this.#unheard.clear();
    this.#inner.restart();
  }
}

export const acknowledgement = (kind: number, number: number) => array(int(1), int(kind), int(number));
export const sendAgain = (kind: number, first: number, last: number) =>
  array(int(2), int(kind), int(first), int(last));

const sequenceOf = ([interval, rosterNumber]: readonly [number, number]) =>
  array(int(interval), int(rosterNumber));
/** Of a standing roster's shares up to one. */
export const acknowledgeShares = (last: readonly [number, number]) =>
  array(int(1), int(KIND_SHARE), sequenceOf(last));
/** Shares, all from an interval on. */
export const sharesAgain = (first: readonly [number, number], last: readonly [number, number]) =>
  array(int(2), int(KIND_SHARE), sequenceOf(first), sequenceOf(last));

const KINDS = [Kind.READING, Kind.BATCH, Kind.EVENT, Kind.PAIRING, Kind.REGISTER];
/** How a lying network side deals with one frame in so many: dropped, or given to the unit twice. */
const LIES_ONE_OF = 6;

/** A network side that hides frames, repeats and withholds what goes to the unit, and makes up requests. */
export class LyingSide implements UnitSide {
  readonly #unit: UnitSide;
  readonly #dice: Dice;
  lies = false;

  constructor(unit: UnitSide, dice: Dice) {
    this.#unit = unit;
    this.#dice = dice;
  }

  take(): Uint8Array | null {
    const frame = this.#unit.take();
    return frame && this.#tells() ? this.#unit.take() : frame;
  }

  receive(bytes: Uint8Array): boolean {
    if (this.#tells()) return true;
    return this.#unit.receive(bytes);
  }

  receiveLocal(bytes: Uint8Array): boolean {
    return !this.#tells() && this.#unit.receiveLocal(bytes);
  }

  offerTariff(document: Uint8Array): boolean {
    return !this.#tells() && this.#unit.offerTariff(document);
  }

  /** A request that no honest network side would make. @param numberOf a number that is about right for a kind. */
  invent(numberOf: (kind: number) => number): Uint8Array {
    const kind = this.#dice.pick(KINDS);
    const number = this.#dice.pick([numberOf(kind), numberOf(kind) + 1, 0, 0xffffffff, numberOf(kind) + 50]);
    if (this.#dice.chance(1, 2)) return acknowledgement(kind, number);
    return sendAgain(kind, Math.max(0, number - this.#dice.between(0, 100)), number);
  }

  #tells(): boolean {
    return this.lies && this.#dice.chance(1, LIES_ONE_OF);
  }
}
