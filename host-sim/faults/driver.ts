// The scenario's course: quiet stretches, and between them something that goes wrong, drawn from the seed among what
// is switched on. Stretches are stepped coarsely, and finely around every power cut. At the end all faults end, and
// what must then be true of the whole history is for the audit to say.
import { array, bstr, int } from "../../src/trusted/encoding/cbor.js";
import { decodeMessages, RecordType } from "../../src/trusted/journal/journal.js";
import { type Found, placeOf, sequenceOf } from "../../src/trusted/journal/sector-ring.js";
import { DAY_SECONDS, Status } from "../../src/trusted/metrology/interval.js";
import { SECTOR_BYTES } from "../../src/trusted/ports.js";
import type { FlashSnapshot } from "../flash.js";
import { PowerCut } from "../flash.js";
import { COMMANDS_A_DAY, CONFIGURATIONS_A_DAY, type Order } from "./command-model.js";
import { CreditCourse } from "./credit-course.js";
import { CreditOffice } from "./credit-office.js";
import type { Dice } from "./dice.js";
import { acknowledgeShares, sharesAgain } from "./network.js";
import { Office } from "./office.js";
import type { Fault } from "./plan.js";
import { Restarted } from "./ports.js";
import { type Delivery, RosterOffice } from "./roster-office.js";
import { imageDigest, type Site } from "./site.js";
import { holds } from "./violation.js";

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/** After a question for the time the answer is awaited in small steps, ms. */
const AWAIT_MS = 8 * SECOND;
const AWAIT_STEP_MS = 2 * SECOND;
/** Bytes written after which an armed cut comes: within a record, a few, or a sector's erase. */
const CUT_BYTES = [40, 400, 3000, 12_000];
/** Power cuts in a row while the unit boots, at most. */
const BOOT_CUTS_MAX = 4;
const ACTIONS_MAX = 10_000;
/** Sectors that wear out, at most. */
const WORN_MAX = 2;
/** The action after which a thief has read the flash. */
const REMEMBER_AT = 20;
/** A cut that never comes. */
const NEVER = Number.MAX_SAFE_INTEGER;

interface Late {
  readonly due_ms: number;
  readonly document: Uint8Array;
}

export class Driver {
  readonly #site: Site;
  readonly #office: Office;
  readonly #aggregator: RosterOffice;
  readonly #credit: CreditCourse | null;
  readonly #dice: Dice;
  readonly #log: (action: string) => void;
  #end_ms: number;
  #awaitUntil_ms = 0;
  readonly #late: Late[] = [];
  /** Documents on their way or seen by the network, to be replayed. */
  readonly #seen: Uint8Array[] = [];
  #resetting = false;
  /** Bits that have rotted, each of which may cost a record. */
  rotten = 0;
  /** What a thief has read of the flash, to put it back at the end. */
  remembered: FlashSnapshot | null = null;
  /** The last midnight, which all that was recorded before is sealed at. */
  midnight_s = 0;

  constructor(site: Site, log: (action: string) => void) {
    this.#site = site;
    this.#dice = site.dice.fork("driver");
    this.#office = new Office(site, site.dice.fork("office"));
    this.#aggregator = new RosterOffice(site, this.#office, site.dice.fork("aggregator"));
    this.#log = log;
    this.#credit = this.#creditCourse();
    this.#end_ms = site.clock.now_ms + site.plan.days * DAY;
  }

  #creditCourse(): CreditCourse | null {
    const site = this.#site;
    if (!site.credit) return null;
    const dice = site.dice.fork("credit");
    const office = new CreditOffice(site, this.#office, dice.fork("office"));
    return new CreditCourse(site, site.credit, office, dice, {
      fine: (ms) => this.#fine(ms),
      pass: (ms) => this.#pass(ms),
      hand: ({ document }) => {
        this.#seen.push(document);
        this.#hand(array(int(3), bstr(document)));
      },
      mayCommand: () => this.#mayCommand(),
      arm: () => this.#arm(),
      disarm: () => site.flash.cutAfter(NEVER),
      darken: () => this.#darken(),
      guard: (work) => this.#guard(work),
      powerUp: () => this.#powerUp(),
      log: (action) => this.#log(action),
    });
  }

  #has(fault: Fault): boolean {
    return this.#site.plan.faults.has(fault);
  }

  run(): void {
    const { clock } = this.#site;
    this.#site.operator = (nonce) => this.#answer(nonce);
    this.#powerUp();
    for (let action = 0; action < ACTIONS_MAX && clock.now_ms < this.#end_ms; action++) {
      this.#change();
      this.#quiet();
      this.#do(this.#dice.pick(this.#actions()));
      if (action === REMEMBER_AT && this.#has("flash")) this.remembered = this.#site.flash.snapshot();
    }
    this.#finish();
  }

  /** What may happen next: each a name and what is done. Power cuts come oftenest. */
  #actions(): readonly (readonly [string, () => void])[] {
    const { plan } = this.#site;
    const power: [string, () => void][] = [
      ["power cut", () => this.#cutBetween()],
      ["power cut in a write", () => this.#cutInWrite()],
      ["power cut in a write", () => this.#cutInWrite()],
      ["power cut as an interval closes", () => this.#cutInClose()],
      ["power cut as an interval closes", () => this.#cutInClose()],
      ["load step and power cut", () => this.#cutAfterLoadStep()],
      ...(plan.has.inputs ? [["brown-out", () => this.#brownOut()] as [string, () => void]] : []),
      ...(plan.has.watchdog ? [["watchdog", () => this.#reset()] as [string, () => void]] : []),
      ...(plan.has.counter
        ? [["power cut as the counter rises", () => this.#cutCounter()] as [string, () => void]]
        : []),
    ];
    const byFault: Readonly<Record<Fault, readonly (readonly [string, () => void])[]>> = {
      power,
      outages: [["lossy link", () => this.#lose()]],
      clock: [
        ["question for the time", () => this.#askAgain()],
        ["clock without power", () => this.#disturbRtc()],
      ],
      messages: [
        ["spoiled documents", () => this.#spoil()],
        ["replays", () => this.#replay()],
        ["lying network side", () => this.#lie()],
        ["made-up requests", () => this.#invent()],
      ],
      flash: [["worn flash", () => this.#wear()]],
      tenants: [
        ["pairing", () => this.#pair()],
        ["pairing", () => this.#pair()],
      ],
      tamper: [
        ["tamper", () => this.#tamper()],
        ["front end", () => this.#disturbFrontEnd()],
      ],
      commands: [
        ["command", () => this.#command()],
        ["command", () => this.#command()],
        ["command and power cut", () => this.#commandInCut()],
        ["improper command", () => this.#improper()],
      ],
      update: [["update", () => this.#update()]],
      "network-restarts": [["network side restarts", () => this.#restartNetwork()]],
      credit: this.#credit?.actions() ?? [],
      rosters: [
        ["standing roster", () => this.#sendStanding()],
        ["standing roster", () => this.#sendStanding()],
        ["repair", () => this.#sendRepair()],
        ["repair", () => this.#sendRepair()],
        ["improper roster", () => this.#improperRoster()],
        ["request for shares", () => this.#askForShares()],
      ],
    };
    const chosen = Object.entries(byFault).filter(([fault]) => this.#has(fault as Fault));
    return [["nothing", () => {}], ...chosen.flatMap(([, actions]) => actions)];
  }

  #do([name, action]: readonly [string, () => void]): void {
    if (!this.#site.powered) this.#powerUp();
    this.#log(name);
    this.#guard(action);
    this.#office.follow();
  }

  /** Runs what may end in the dark. @returns whether the device is still running. */
  #guard(work: () => void): boolean {
    const site = this.#site;
    try {
      work();
      return site.powered;
    } catch (error) {
      if (error instanceof Restarted) {
        this.#log(`installed ${error.message}`);
        site.powerDown(true, false);
        site.install(site.commands.configuration.update?.version ?? site.version);
        return false;
      }
      if (!(error instanceof PowerCut)) throw error;
      this.#log(error.message);
      this.#resetting = site.plan.has.watchdog && this.#dice.chance(1, 8);
      site.powerDown(true, !this.#resetting);
      return false;
    }
  }

  // Time

  /** Steps finely for so long, ms. */
  #fine(ms: number): void {
    const { clock } = this.#site;
    for (const end_ms = clock.now_ms + ms; clock.now_ms < end_ms; ) this.#tick(this.#dice.between(50, 990));
  }

  #tick(ms: number): void {
    const { clock, messages, link } = this.#site;
    const asked = messages.questions;
    this.#site.tick(ms);
    if (messages.questions > asked && link.online) this.#awaitUntil_ms = clock.now_ms + AWAIT_MS;
    while (this.#late[0] && this.#late[0].due_ms <= clock.now_ms) {
      const { document } = this.#late.shift() as Late;
      link.sendCommand(document);
    }
  }

  /** Passes time, as coarsely as can be. */
  #pass(ms: number): void {
    const { clock } = this.#site;
    const coarse_ms = this.#dice.between(20, 60) * SECOND;
    for (const end_ms = clock.now_ms + ms; clock.now_ms < end_ms; ) {
      const awaits = clock.now_ms < this.#awaitUntil_ms;
      this.#tick(Math.min(awaits ? AWAIT_STEP_MS : coarse_ms, end_ms - clock.now_ms));
    }
  }

  #quiet(): void {
    if (!this.#site.powered) this.#powerUp();
    const ms = this.#dice.pick([5 * SECOND, 2 * MINUTE, 20 * MINUTE, HOUR, 2 * HOUR]);
    this.#guard(() => this.#pass(this.#dice.between(1, ms)));
  }

  /** Sometimes the load changes: nothing, a standby, a kettle, or all that the meter is made for. */
  #change(): void {
    const { voltAmperes, plan } = this.#site;
    if (this.#dice.chance(1, 2)) return;
    let left_W = this.#dice.pick([0, 3, 400, 3000, voltAmperes]);
    this.#site.power_W = plan.channels.map(() => {
      const own_W = this.#dice.between(0, left_W);
      left_W -= own_W;
      return own_W;
    });
  }

  /** Until a few seconds before the open interval ends, by the unit's clock. */
  #approach(): void {
    const { shown, plan } = this.#site;
    if (shown.time_s === null) return;
    const left_s = plan.intervalSeconds - (shown.time_s % plan.intervalSeconds);
    if (left_s > 6) this.#pass((left_s - 5) * SECOND);
  }

  // Power

  #powerUp(): void {
    const site = this.#site;
    let cuts = this.#has("power") && this.#dice.chance(1, 4) ? this.#dice.between(1, BOOT_CUTS_MAX) : 0;
    if (!this.#resetting) site.clock.advance(this.#dice.between(3, 20) * SECOND);
    for (; !site.powered; cuts--) {
      const cutAfter = cuts > 0 ? this.#dice.between(0, this.#dice.pick(CUT_BYTES)) : null;
      this.#log(`power-up${cutAfter === null ? "" : `, to fail after ${cutAfter} bytes`}`);
      const watchdog = this.#resetting;
      this.#resetting = false;
      this.#guard(() => {
        site.powerUp({ watchdog, cutAfter });
        this.#fine(this.#dice.between(1, 30) * SECOND);
        site.flash.cutAfter(NEVER);
      });
    }
  }

  /** The plug is pulled between two steps of the unit, or while one works. */
  #cutBetween(): void {
    this.#fine(this.#dice.between(1, 6) * SECOND);
    this.#darken();
  }

  #darken(): void {
    const { clock } = this.#site;
    this.#site.advance(this.#dice.between(0, 900));
    this.#site.powerDown(false);
    const ms = this.#dice.pick([10 * SECOND, 10 * MINUTE, HOUR, 5 * HOUR]);
    const dark_ms = this.#dice.chance(1, 60) ? this.#dice.between(8, 12) * DAY : this.#dice.between(0, ms);
    if (dark_ms > DAY) this.#end_ms += dark_ms;
    this.#log(`dark for ${Math.round(dark_ms / SECOND)} s`);
    clock.advance(dark_ms);
  }

  #cutInWrite(): void {
    this.#fine(3 * SECOND);
    this.#arm();
    this.#fine(this.#dice.between(1, 60) * SECOND);
    this.#site.flash.cutAfter(NEVER);
  }

  #arm(): void {
    this.#site.flash.cutAfter(this.#dice.between(0, this.#dice.pick(CUT_BYTES)));
  }

  #cutInClose(): void {
    this.#approach();
    this.#fine(2 * SECOND);
    this.#arm();
    this.#fine(12 * SECOND);
    this.#site.flash.cutAfter(NEVER);
  }

  #cutAfterLoadStep(): void {
    const { voltAmperes, plan } = this.#site;
    this.#site.power_W = plan.channels.map(() => 0);
    this.#fine(this.#dice.between(1, 5) * SECOND);
    this.#site.power_W = plan.channels.map((_, channel) => (channel === 0 ? voltAmperes : 0));
    if (this.#dice.chance(1, 2)) this.#arm();
    this.#fine(this.#dice.between(0, 6) * SECOND);
    this.#darken();
  }

  #brownOut(): void {
    const { inputs } = this.#site;
    this.#fine(2 * SECOND);
    inputs.failing = true;
    if (this.#dice.chance(1, 4)) this.#arm();
    this.#fine(this.#dice.between(0, 3000));
    if (this.#dice.chance(1, 2)) {
      this.#darken();
      return;
    }
    inputs.failing = false;
    this.#site.flash.cutAfter(NEVER);
    this.#fine(2 * SECOND);
  }

  #reset(): void {
    this.#fine(2 * SECOND);
    this.#resetting = true;
    this.#site.powerDown(false, false);
  }

  #cutCounter(): void {
    this.#site.counter.cut = this.#dice.pick(["before", "after"]);
  }

  // The clock

  /** The network operator answers a question for the time, or whatever becomes of the answer. */
  #answer(nonce: Uint8Array): void {
    const { link, clock } = this.#site;
    const answer = this.#timeFor(nonce);
    const late = this.#has("clock") && this.#dice.chance(1, 12);
    this.#seen.push(answer.document);
    if (!late) link.sendCommand(answer.document);
    else
      this.#late.push({
        due_ms: clock.now_ms + this.#dice.between(1, 60) * SECOND,
        document: answer.document,
      });
  }

  #timeFor(nonce: Uint8Array): Order {
    const { now_s } = this.#site;
    const office = this.#office;
    if (!this.#has("clock") || this.#dice.chance(3, 5)) return office.time(nonce, now_s);
    const sign = this.#dice.pick([-1, 1]);
    const choices = [
      () => office.time(nonce, now_s + sign * this.#dice.between(2, 9)),
      () => office.time(nonce, now_s + sign * this.#dice.between(2, 9)),
      () => office.time(nonce, now_s + sign * this.#dice.between(10, 600)),
      () => office.time(nonce, now_s + sign * this.#dice.between(600, 7200)),
      () => office.time(nonce, now_s + this.#dice.between(1, 2) * DAY_SECONDS),
      () => office.time(nonce, this.#dice.pick([0, now_s - 40 * DAY_SECONDS, now_s + 60 * DAY_SECONDS])),
      () => office.time(this.#dice.bytes(16), now_s),
      () => office.time(nonce, now_s, "authority"),
      () => office.time(nonce, now_s + sign * this.#dice.between(1, 36) * 3600, "authority"),
    ];
    return this.#dice.pick(choices)();
  }

  /** The unit asks every six hours; a power cycle makes it ask at once. */
  #askAgain(): void {
    this.#fine(SECOND);
    this.#site.powerDown(false);
    this.#site.clock.advance(this.#dice.between(3, 90) * SECOND);
  }

  #disturbRtc(): void {
    const { rtc } = this.#site;
    const choices = [
      () => rtc.stop(),
      () => rtc.shift(this.#dice.between(-120, 120)),
      () => rtc.shift(this.#dice.between(-7200, 7200)),
      () => {
        rtc.drift_ppm = this.#dice.pick([0, 20, -200, -1_000_000]);
      },
    ];
    this.#dice.pick(choices)();
    if (this.#dice.chance(1, 2)) this.#askAgain();
  }

  // Messages

  #send(document: Uint8Array): void {
    this.#seen.push(document);
    const { link } = this.#site;
    if (this.#dice.chance(1, 2)) link.sendCommand(document);
    else this.#hand(array(int(3), bstr(document)));
  }

  /** Gives the unit a frame as its network machine would. */
  #hand(frame: Uint8Array): void {
    for (let tries = 0; tries < 20 && !this.#site.receive(frame); tries++) this.#tick(300);
  }

  #spoil(): void {
    for (let count = this.#dice.between(1, 4); count > 0; count--) {
      const whole = this.#dice.chance(1, 2) ? this.#office.improper() : this.#office.proper(false);
      const { name, document } = this.#office.spoiled(whole);
      this.#log(name);
      if (name === "junk" && this.#dice.chance(1, 2)) this.#hand(document);
      else this.#send(document);
      this.#fine(SECOND);
    }
  }

  #replay(): void {
    for (let count = this.#dice.between(1, 3); count > 0 && this.#seen.length > 0; count--) {
      this.#hand(array(int(3), bstr(this.#dice.pick(this.#seen).slice(0, 512))));
      this.#fine(SECOND);
    }
  }

  #lie(): void {
    this.#site.lie(!this.#site.lies);
    this.#log(this.#site.lies ? "lies from now on" : "lies no more");
  }

  #invent(): void {
    for (let count = this.#dice.between(1, 4); count > 0; count--) {
      this.#site.inventRequest();
      this.#fine(SECOND);
    }
  }

  #lose(): void {
    this.#site.uplink.isLossy = this.#dice.chance(1, 2);
  }

  #restartNetwork(): void {
    this.#site.restartNetwork();
    this.#fine(3 * SECOND);
  }

  // Flash

  /** A sector wears out, two at most; or a bit rots in a record that was sealed and acknowledged. */
  #wear(): void {
    const { flash, plan, worn } = this.#site;
    if (this.#dice.chance(1, 2)) {
      this.#rot();
      return;
    }
    if (worn.size === WORN_MAX || this.#dice.chance(1, 2)) return;
    const sector = this.#dice.between(0, plan.sectors - 1);
    this.#log(`sector ${sector} wears out`);
    flash.stuckSector(sector);
    worn.add(sector);
  }

  /** Only what nobody needs any more: the journal promises that rot costs the record that it is in. */
  #rot(): void {
    const { flash, messages, plan } = this.#site;
    const { log } = this.#site.peek();
    const isDone = (record: Found) => {
      const { type, number } = record;
      if (type === RecordType.INTERVAL)
        return number < messages.sealedTo && messages.isAcknowledged(1, number);
      const carried = decodeMessages(record);
      return carried.length > 0 && carried.every((one) => messages.isAcknowledged(one.kind, one.number));
    };
    const old: Found[] = [];
    for (let found = log.find(log.start); found; found = log.find(found.next)) {
      if (sequenceOf(found.place) < log.tail && isDone(found)) old.push(found);
    }
    if (old.length === 0) return;
    const { place, next } = this.#dice.pick(old);
    const sequence = sequenceOf(place);
    const offset = place - placeOf(sequence, 0) + this.#dice.between(0, next - place - 1);
    const address = (sequence % plan.logSectors) * SECTOR_BYTES + offset;
    this.#log(`a bit rots at ${address}`);
    flash.rotBit(address, this.#dice.between(0, 7));
    this.rotten++;
  }

  // Tenants

  #pair(): void {
    const site = this.#site;
    const { user } = this.#dice.pick(site.customers);
    site.button.press();
    this.#fine(SECOND);
    const isWellFormed = this.#dice.chance(5, 6);
    const request = isWellFormed ? array(int(4), bstr(user)) : array(int(4), bstr(user.slice(1)));
    if (!site.unit.receiveLocal(request)) {
      if (!isWellFormed) site.commands.refuse(0);
      return;
    }
    this.#log("asks to pair");
    if (this.#dice.chance(1, 6)) return;
    if (this.#has("power") && this.#dice.chance(1, 4)) {
      site.secrets.cutAtNextSave(this.#dice.pick(["before", "torn", "between"]));
    } else if (this.#has("power") && this.#dice.chance(1, 3)) this.#arm();
    site.button.press();
    this.#fine(2 * SECOND);
    site.flash.cutAfter(NEVER);
  }

  // Tamper and front end

  #tamper(): void {
    const { inputs, plan, frontEnd } = this.#site;
    if (plan.has.inputs) inputs.active = this.#dice.between(0, 15);
    else frontEnd.status = this.#dice.pick([0, Status.TAMPER]);
    this.#fine(this.#dice.between(1, 10) * SECOND);
    if (this.#dice.chance(1, 2)) this.#pass(this.#dice.between(1, HOUR));
    if (this.#dice.chance(4, 5)) inputs.active = 0;
  }

  #disturbFrontEnd(): void {
    const { frontEnd, plan } = this.#site;
    frontEnd.status = this.#dice.pick([0, 0, Status.INCOMPLETE, Status.FAULT, 0xff]);
    const zeros = plan.channels.map(() => 0);
    const nonsense = [
      [],
      [...zeros, 0],
      [-1],
      [0.5],
      [Number.NaN],
      [Number.POSITIVE_INFINITY],
      [2 ** 53],
      [4e12],
    ];
    if (this.#dice.chance(1, 2)) {
      const counts = this.#dice.pick(nonsense).concat(zeros.slice(1));
      const isOne =
        counts.length !== plan.channels.length ||
        counts.some((mJ) => !(mJ >= 0 && mJ <= 3.6e12 && Number.isInteger(mJ)));
      if (isOne) frontEnd.nonsense = { counts, status: 0 };
    }
    this.#fine(this.#dice.between(1, 10) * SECOND);
    if (this.#dice.chance(4, 5)) frontEnd.status = 0;
  }

  // Commands

  #mayConfigure(): boolean {
    return this.#mayCommand() && this.#site.commands.configuredToday < CONFIGURATIONS_A_DAY;
  }

  #mayCommand(): boolean {
    return this.#site.commands.acceptedToday < COMMANDS_A_DAY;
  }

  #command(): void {
    for (let count = this.#dice.between(1, 3); count > 0 && this.#mayCommand(); count--) {
      const order = this.#office.proper(false);
      this.#log(order.name);
      this.#send(order.document);
      this.#fine(this.#dice.between(2, 4) * SECOND);
      this.#office.follow();
    }
  }

  /** The power fails about when the command is obeyed; afterwards it is given again. */
  #commandInCut(): void {
    if (!this.#mayCommand()) return;
    this.#fine(2 * SECOND);
    const order = this.#office.proper(this.#has("update"));
    this.#log(`${order.name}, cut`);
    if (this.#has("power")) this.#arm();
    const isRunning = this.#guard(() => {
      this.#hand(array(int(3), bstr(order.document)));
      this.#fine(3 * SECOND);
      this.#site.flash.cutAfter(NEVER);
    });
    if (!isRunning) this.#powerUp();
    this.#office.follow();
    if (!this.#site.powered) return;
    this.#log(`${order.name}, again`);
    this.#hand(array(int(3), bstr(order.document)));
    this.#fine(2 * SECOND);
  }

  #improper(): void {
    for (let count = this.#dice.between(1, 3); count > 0; count--) {
      const order = this.#office.improper();
      this.#log(order.name);
      this.#send(order.document);
      this.#fine(2 * SECOND);
    }
  }

  #update(): void {
    const { loader, plan, flash, version } = this.#site;
    if (version > 1 && this.#dice.chance(1, 3)) {
      this.#downgrade();
      return;
    }
    if (!this.#mayConfigure() || this.#dice.chance(1, 2)) return;
    const order = this.#office.update();
    this.#log(order.name);
    const update = order.changes.update;
    if (update && this.#dice.chance(3, 4))
      loader.images.add(Buffer.from(imageDigest(update.version)).toString("hex"));
    if (plan.has.loader && this.#has("power") && this.#dice.chance(1, 3)) this.#arm();
    this.#send(order.document);
    this.#fine(this.#dice.between(3, 30) * SECOND);
    flash.cutAfter(NEVER);
  }

  /** Someone starts the old software: it measures on, and neither records nor seals. */
  #downgrade(): void {
    const site = this.#site;
    const { version } = site;
    this.#fine(SECOND);
    site.powerDown(false);
    site.clock.advance(this.#dice.between(3, 7200) * SECOND);
    this.#log("downgrade");
    site.version = version - 1;
    const isRunning = this.#guard(() => {
      site.powerUp();
      this.#pass(this.#dice.between(1, HOUR));
    });
    if (isRunning) site.powerDown(false);
    site.version = version;
    site.clock.advance(5 * SECOND);
  }

  // Rosters

  /** All of it, mostly; who has not heard in time that it was accepted sends all of it again. */
  #sendStanding(): void {
    const delivery = this.#dice.chance(1, 6) ? this.#aggregator.incomplete() : this.#aggregator.standing();
    const [fault] = this.#dice.pick([["whole"], ["whole"], ["lost"], ["late"], ["spoiled"], ["swapped"]]);
    this.#log(`${delivery.order.name}, ${fault}`);
    const documents = this.#onTheWay(delivery, fault as string);
    this.#sendAll(documents.slice(0, 1));
    if (fault === "late") this.#pass(this.#dice.between(1, 2 * HOUR));
    this.#sendInCut(documents.slice(1));
    if (!this.#dice.chance(2, 3)) return;
    this.#log(`${delivery.order.name}, again`);
    this.#sendAll(this.#onTheWay(delivery, "whole"));
  }

  /** What of a delivery arrives. */
  #onTheWay({ order, certificates }: Delivery, fault: string): Uint8Array[] {
    const documents = [order, ...certificates].map(({ document }) => document);
    const at = this.#dice.between(0, certificates.length - 1);
    const certificate = certificates[at] as Order;
    if (fault === "lost") documents.splice(1 + at, 1);
    if (fault === "swapped") documents.push(...documents.splice(1 + at, 1));
    if (fault !== "spoiled") return documents;
    const spoiled = this.#site.made({ ...certificate, ...this.#office.spoiled(certificate) });
    documents.splice(1 + at, 1, spoiled.document.slice(0, 512));
    return documents;
  }

  /** The power may fail about when they are looked at. */
  #sendInCut(documents: readonly Uint8Array[]): void {
    this.#fine(3 * SECOND);
    if (this.#has("power") && this.#dice.chance(1, 6)) this.#arm();
    this.#sendAll(documents);
    this.#site.flash.cutAfter(NEVER);
  }

  #sendAll(documents: readonly Uint8Array[]): void {
    const { link } = this.#site;
    const byLink = this.#dice.chance(1, 2);
    this.#seen.push(...documents);
    for (const document of documents) {
      if (byLink) link.sendCommand(document);
      else this.#hand(array(int(3), bstr(document)));
    }
    this.#fine(this.#dice.between(2, 10) * SECOND);
  }

  #sendRepair(): void {
    const order = this.#aggregator.repair();
    if (!order) return;
    this.#log(order.name);
    this.#sendInCut([order.document]);
    if (this.#dice.chance(1, 4)) this.#sendAll([order.document]);
  }

  #improperRoster(): void {
    for (let count = this.#dice.between(1, 3); count > 0; count--) {
      const order = this.#aggregator.improper();
      this.#log(order.name);
      this.#send(order.document);
      this.#fine(2 * SECOND);
    }
  }

  /** Shares are asked for again; only a lying network side says that some have arrived. */
  #askForShares(): void {
    const [interval, rosterNumber] = this.#site.shares.newest;
    const some = [this.#dice.pick([0, interval, Math.max(0, interval - 5)]), rosterNumber] as const;
    if (this.#has("messages") && this.#dice.chance(1, 3)) {
      const said = this.#dice.pick([interval, interval + 1, 0xffffffff]);
      this.#hand(acknowledgeShares([said, this.#dice.pick([rosterNumber, rosterNumber + 1])]));
    } else this.#hand(sharesAgain(some, [interval, rosterNumber]));
    this.#fine(SECOND);
  }

  // The end

  /** Faults end, the time is true, the link is up, and the day comes to its end. */
  #finish(): void {
    const site = this.#site;
    this.#log("the end: no more faults");
    site.lie(false);
    site.uplink.isLossy = false;
    site.operator = (nonce) => {
      site.link.sendCommand(this.#office.time(nonce, site.now_s, "authority").document);
    };
    this.#late.length = 0;
    this.#office.follow();
    this.#end_ms = NEVER;
    this.#settle();
    const left_ms = site.lastOutage_ms - site.clock.now_ms;
    if (left_ms > 0) this.#insist(() => this.#pass(left_ms));
    this.#correctTime();
    const { open } = site.intervals;
    const isHeard = site.plan.has.companion && open !== null;
    const over_s = isHeard ? (open + 1) * site.plan.intervalSeconds : this.#farthest_s();
    const midnight_s = Math.ceil(Math.max(site.now_s + HOUR / SECOND, over_s) / DAY_SECONDS) * DAY_SECONDS;
    this.midnight_s = midnight_s;
    this.#insist(() => this.#pass((midnight_s - 600 - site.now_s) * SECOND));
    site.power_W = site.plan.channels.map(() => 0);
    this.#insist(() => this.#pass((midnight_s + 120 - site.now_s) * SECOND));
  }

  /** A meter asks for the time at power-up. While the link catches up with what waited, a question may be lost. */
  #correctTime(): void {
    const site = this.#site;
    const isTrue = () => Math.abs((site.shown.time_s ?? 0) - site.now_s) < 5;
    for (let tries = 0; tries < 50 && (tries === 0 || !isTrue()); tries++) {
      if (site.powered) site.powerDown(false);
      site.clock.advance(10 * SECOND);
      this.#settle();
      this.#insist(() => this.#pass(2 * MINUTE));
    }
    holds(isTrue(), "the authority can set the time", () => `it is ${site.shown.time_s} at ${site.now_s}`);
    this.#log("the time is true");
  }

  /** Without a Companion nobody hears which interval is open: no set goes farther than two days. */
  #farthest_s(): number {
    return this.#site.now_s + 2 * DAY_SECONDS;
  }

  #settle(): void {
    const { inputs, frontEnd, flash, counter } = this.#site;
    flash.cutAfter(NEVER);
    counter.cut = null;
    inputs.active = 0;
    inputs.failing = false;
    frontEnd.status = 0;
    this.#site.credit?.mend();
    this.#insist(() => {});
  }

  /** Does what must be done though an update may still restart the device. */
  #insist(work: () => void): void {
    const site = this.#site;
    for (let tries = 0; tries < 10; tries++) {
      if (!site.powered) {
        site.clock.advance(5 * SECOND);
        if (!this.#guard(() => site.powerUp())) continue;
      }
      if (this.#guard(work)) return;
    }
    throw new Error("the meter does not stay on");
  }

  /** Passes a minute without faults. */
  wait(): void {
    this.#insist(() => this.#pass(MINUTE));
  }

  /** Gives the unit a request of an honest network side. */
  request(frame: Uint8Array): void {
    this.#insist(() => this.#hand(frame));
  }
}
