// What happens to a meter on pre-payment in a scenario: its supplier sets credit up and tops it up, its customer lets it
// run out, presses the button, blocks the network and pulls the plug, and contacts fail. Each is one action of the
// driver's course.
import type { Order } from "./command-model.js";
import type { CreditOffice, OfferedTariff } from "./credit-office.js";
import type { CreditSite } from "./credit-site.js";
import type { Dice } from "./dice.js";
import type { Fault } from "./plan.js";
import type { Site } from "./site.js";

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
/** Credit that runs out in hours at full load, nano-currency. */
const MUCH = 100_000_000_000n;

/** What the driver lends: its time, its ways into the unit, and its power cuts. */
export interface Course {
  readonly fine: (ms: number) => void;
  readonly pass: (ms: number) => void;
  readonly hand: (order: Order) => void;
  readonly mayCommand: () => boolean;
  /** The power fails within what is written next; and does not, after all. */
  readonly arm: () => void;
  readonly disarm: () => void;
  /** The plug is pulled for a while. */
  readonly darken: () => void;
  /** Does something that may end in the dark. @returns whether the device runs. */
  readonly guard: (work: () => void) => boolean;
  readonly powerUp: () => void;
  readonly log: (action: string) => void;
}

type Action = readonly [string, () => void];

export class CreditCourse {
  readonly #site: Site;
  readonly #credit: CreditSite;
  readonly #office: CreditOffice;
  readonly #dice: Dice;
  readonly #course: Course;

  constructor(site: Site, credit: CreditSite, office: CreditOffice, dice: Dice, course: Course) {
    this.#site = site;
    this.#credit = credit;
    this.#office = office;
    this.#dice = dice;
    this.#course = course;
  }

  #has(fault: Fault): boolean {
    return this.#site.plan.faults.has(fault);
  }

  actions(): readonly Action[] {
    if (!this.#credit.model.prepayment) return [1, 2, 3].map(() => ["pre-payment", () => this.#begin()]);
    const flash: Action[] = this.#has("flash") ? [["tariff rots", () => this.#rot()]] : [];
    return [
      ["tariff", () => this.#changeTariff()],
      ["tariff", () => this.#changeTariff()],
      ["tariffs", () => this.#offer()],
      ["top-up", () => this.#topUp()],
      ["top-up", () => this.#topUp()],
      ["credit settings", () => this.#settings()],
      ["credit settings", () => this.#settings()],
      ["load switch", () => this.#order()],
      ["closing button", () => this.#close()],
      ["closing button", () => this.#close()],
      ["credit runs out", () => this.#runOut()],
      ["blocked network", () => this.#block()],
      ["contacts", () => this.#jam()],
      ["post-payment", () => this.#end()],
      ...flash,
    ];
  }

  #begin(): void {
    const { tariff } = this.#credit.model;
    if (!tariff || this.#dice.chance(1, 3)) this.#name(this.#handIn(this.#office.tariff()));
    this.#send(this.#office.mode(true));
    this.#send(this.#office.topUp());
    if (this.#dice.chance(1, 2)) this.#send(this.#office.settings());
  }

  #end(): void {
    if (this.#dice.chance(1, 3)) this.#send(this.#office.mode(false));
  }

  /** Sends a command; sometimes the power fails about when it is obeyed, and it is sent again. */
  #send(order: Order): void {
    const course = this.#course;
    if (!course.mayCommand()) return;
    course.log(order.name);
    const isCut = this.#has("power") && this.#dice.chance(1, 4);
    if (isCut) course.arm();
    const isRunning = course.guard(() => {
      course.hand(order);
      course.fine(this.#dice.between(2, 5) * SECOND);
      course.disarm();
    });
    if (!isRunning) course.powerUp();
    if (!this.#site.powered || !(isCut || this.#dice.chance(1, 10))) return;
    course.log(`${order.name}, again`);
    course.hand(order);
    course.fine(2 * SECOND);
  }

  /** By the network machine's hand, or over the network, where it may be lost. */
  #handIn(tariff: OfferedTariff): OfferedTariff {
    this.#course.log(`"${tariff.name}" is handed in`);
    if (this.#dice.chance(3, 4)) {
      this.#credit.offer(tariff.document, tariff.isUsable);
      return tariff;
    }
    this.#site.link.sendTariff(tariff.document);
    this.#course.fine(this.#dice.between(1, 4) * SECOND);
    return tariff;
  }

  /** A command names a tariff; the power may fail while it is stored. */
  #name(tariff: OfferedTariff): void {
    const { tariffs } = this.#credit;
    if (this.#has("power") && this.#dice.chance(1, 3)) {
      tariffs.cut = this.#dice.pick(["before", "torn", "after"]);
    }
    this.#send(this.#office.change(tariff));
    tariffs.cut = null;
  }

  #changeTariff(): void {
    const { published } = this.#office;
    const isOld = published.length > 0 && this.#dice.chance(1, 3);
    const tariff = isOld ? this.#dice.pick(published) : this.#office.tariff();
    if (this.#dice.chance(5, 6)) this.#handIn(tariff);
    if (this.#dice.chance(1, 8)) this.#spoil(tariff);
    this.#name(tariff);
    if (this.#dice.chance(1, 4)) this.#name(this.#handIn(this.#office.tariff()));
  }

  /** Whoever may send tariffs sends many, and some that are none. */
  #offer(): void {
    for (let count = this.#dice.between(1, 4); count > 0; count--) {
      const tariff = this.#dice.chance(1, 2) ? this.#office.tariff() : this.#office.unusable();
      this.#handIn(tariff);
      if (this.#dice.chance(1, 2)) this.#spoil(tariff);
      if (!tariff.isUsable && this.#dice.chance(1, 4)) this.#name(tariff);
      this.#course.fine(SECOND);
    }
  }

  #spoil({ document }: OfferedTariff): void {
    const dice = this.#dice;
    const bit = dice.between(0, 8 * document.length - 1);
    const flipped = document.map((byte, at) => (at === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte));
    const choices: readonly (readonly [Uint8Array, boolean | null])[] = [
      [flipped, null],
      [document.slice(0, dice.between(0, document.length - 1)), false],
      [Uint8Array.of(...document, 0), false],
      [dice.bytes(dice.between(0, 5000)), false],
    ];
    const [spoiled, isUsable] = dice.pick(choices);
    this.#credit.offer(spoiled, isUsable);
  }

  #topUp(): void {
    const count = this.#dice.pick([1, 1, 2, 6]);
    for (let left = count; left > 0; left--) this.#send(this.#office.topUp());
    this.#maybeClose();
  }

  #settings(): void {
    const office = this.#office;
    const { prepayment } = this.#credit.model;
    const choices = [
      () => office.settings(),
      () => office.settings(),
      () => office.protection(false),
      () => office.protection(this.#dice.chance(1, 2)),
      () => office.mode(prepayment),
    ];
    this.#send(this.#dice.pick(choices)());
  }

  #order(): void {
    this.#send(this.#office.loadSwitch(this.#dice.pick(["open", "arm"])));
    this.#course.pass(this.#dice.between(0, 10) * MINUTE);
    if (this.#dice.chance(3, 4)) this.#send(this.#office.loadSwitch("arm"));
    this.#maybeClose();
  }

  #maybeClose(): void {
    if (this.#dice.chance(3, 4)) this.#close();
  }

  /** Somebody holds the button; the power may fail as it closes, or while the contacts move. */
  #close(): void {
    const course = this.#course;
    course.fine(this.#dice.pick([SECOND, 12 * SECOND]));
    this.#credit.isHeld = true;
    if (this.#has("power") && this.#dice.chance(1, 4)) course.arm();
    course.fine(this.#dice.between(1, 14) * SECOND);
    course.disarm();
    if (this.#has("power") && this.#dice.chance(1, 4)) course.darken();
  }

  /** All that the meter is made for is switched on until there is no credit left, or a few hours. */
  #runOut(): void {
    const { model } = this.#credit;
    if (model.balance > MUCH) return;
    this.#load();
    for (let left = this.#dice.between(2, 16); left > 0 && model.level < 3; left--) {
      this.#course.pass(15 * MINUTE);
    }
    if (this.#has("power") && this.#dice.chance(1, 2)) this.#course.arm();
    this.#course.fine(this.#dice.between(5, 40) * SECOND);
    this.#course.disarm();
  }

  #load(): void {
    const { voltAmperes, plan } = this.#site;
    this.#site.power_W = plan.channels.map((_, channel) => (channel === 0 ? voltAmperes : 0));
  }

  /** A customer blocks the network and pulls the plug, so that nobody knows the time, and heats. */
  #block(): void {
    const site = this.#site;
    const course = this.#course;
    const { operator } = site;
    site.rtc.stop();
    site.operator = () => {};
    this.#load();
    if (site.powered) site.powerDown(false);
    site.clock.advance(this.#dice.between(3, 60) * SECOND);
    course.powerUp();
    course.guard(() => {
      for (let left = this.#dice.between(1, 8); left > 0; left--) {
        course.pass(this.#dice.between(1, 40) * MINUTE);
        if (this.#dice.chance(1, 6)) this.#credit.isHeld = true;
      }
    });
    site.operator = operator;
  }

  #jam(): void {
    const { relay } = this.#credit;
    relay.jam = this.#dice.pick(["welded", "stuck open", null, null]);
    relay.backFed = this.#dice.chance(1, 4);
    this.#course.fine(this.#dice.between(1, 20) * SECOND);
    if (this.#dice.chance(1, 2)) this.#course.pass(this.#dice.between(0, HOUR));
    if (this.#dice.chance(3, 4)) this.#credit.mend();
  }

  /** The tariff in force is found to be lost at the next power-up, and handed in again, at once or later. */
  #rot(): void {
    const { tariff } = this.#credit.model;
    if (!tariff) return;
    this.#credit.rot();
    this.#course.darken();
    this.#course.powerUp();
    if (this.#dice.chance(1, 2)) this.#course.pass(this.#dice.between(1, 90) * MINUTE);
    if (this.#site.powered && this.#dice.chance(3, 4)) this.#credit.offer(tariff.document, true);
  }
}
