// The driver of the display over the model of its controller: what is wanted is what one sees, whatever the bus does
// and however often the display is unplugged, and no call takes longer than a transfer.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { PICTURE_BYTES, SSD1306, WIDTH } from "../../firmware/ssd1306.js";
import { I2cLine } from "../../host-sim/ecma419/i2c.js";
import { SSD1306Model } from "../../host-sim/ssd1306.js";

const PAGES = PICTURE_BYTES / WIDTH;
/** Settings, all pages, and on. */
const START_STEPS = 1 + PAGES + 1;
const RETRY_MS = 5_000;
const REFRESH_MS = 60_000;

/** Pictures of which no two bytes next to each other are the same, and each turned or mirrored is another. */
const picture = (seed: number) =>
  Uint8Array.from({ length: PICTURE_BYTES }, (_, at) => (at * 29 + seed * 101 + (at >> 7)) & 0xff);

class Bench {
  readonly line = new I2cLine();
  readonly model = new SSD1306Model();
  now_ms = 1000;
  readonly driver: SSD1306;

  constructor() {
    this.line.attach(this.model);
    const { line } = this;
    this.driver = new SSD1306({
      display: {
        io: class {
          readonly #address: number;
          constructor({ address }: { readonly address: number }) {
            this.#address = address;
          }
          write(bytes: Uint8Array): void {
            line.transfer(this.#address, bytes, 0);
          }
          close(): void {}
        },
        data: 21,
        clock: 22,
      },
      now_ms: () => this.now_ms,
    });
  }

  step(steps: number): void {
    for (let done = 0; done < steps; done++) {
      this.now_ms += 20;
      const before = this.line.transfers;
      this.driver.step();
      expect(this.line.transfers - before).toBeLessThanOrEqual(1);
    }
  }

  static showing(seed: number): Bench {
    const bench = new Bench();
    bench.driver.show(picture(seed));
    bench.step(START_STEPS);
    return bench;
  }
}

describe("the driver of the display", () => {
  it("shows the picture upright and unmirrored, with nothing that the controller does not know", () => {
    const bench = Bench.showing(1);
    expect(bench.model.picture()).toEqual(picture(1));
    expect(bench.model.unknown).toBe(0);
  });

  it("is dark until the whole picture is there: memory holds noise at power-up", () => {
    const bench = new Bench();
    bench.driver.show(picture(1));
    bench.step(START_STEPS - 1);
    expect(bench.model.picture()).toBeNull();
  });

  it("sends the pages that have changed and no others, a page a call", () => {
    const bench = Bench.showing(1);
    const changed = picture(1);
    for (const page of [2, 7]) changed.set([0, 1], page * WIDTH + 60);
    const { data } = bench.model;
    bench.driver.show(changed);
    bench.step(20);
    expect(bench.model.picture()).toEqual(changed);
    expect(bench.model.data - data).toBe(2 * WIDTH);
  });

  it("sends nothing while nothing changes, until it sends all again", () => {
    const bench = Bench.showing(1);
    const { transfers } = bench.line;
    bench.step((REFRESH_MS - 1000) / 20);
    expect(bench.line.transfers).toBe(transfers);
    bench.step(2000 / 20);
    expect(bench.line.transfers).toBe(transfers + START_STEPS);
  });

  it("keeps its picture on the glass while it sends all again", () => {
    const bench = Bench.showing(1);
    bench.step((REFRESH_MS - 1000) / 20);
    for (let step = 0; step < 2000 / 20; step++) {
      bench.step(1);
      expect(bench.model.picture()).not.toBeNull();
    }
    expect(bench.model.picture()).toEqual(picture(1));
  });

  it("goes on without a display, asks seldom, and has one that comes later showing within its time", () => {
    const bench = new Bench();
    bench.model.powered = false;
    bench.driver.show(picture(1));
    bench.step(60_000 / 20);
    expect(bench.line.transfers).toBeLessThanOrEqual(1 + 60_000 / RETRY_MS);
    bench.model.powerUp();
    bench.step(RETRY_MS / 20 + START_STEPS);
    expect(bench.model.picture()).toEqual(picture(1));
  });

  it("finds a display that lost its power for a moment", () => {
    const bench = Bench.showing(1);
    bench.model.powerUp();
    expect(bench.model.picture()).toBeNull();
    bench.step(REFRESH_MS / 20 + START_STEPS);
    expect(bench.model.picture()).toEqual(picture(1));
  });

  it("writes a page that broke off again", () => {
    for (const kind of ["nack", "cut"] as const) {
      const bench = Bench.showing(1);
      bench.driver.show(picture(2));
      bench.line.disturb(3, { kind, byte: 70 });
      bench.step(RETRY_MS / 20 + 2 * START_STEPS);
      expect(bench.model.picture()).toEqual(picture(2));
    }
  });

  it("on a bus with noise is right a while after the noise, whatever was changed meanwhile", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(0x1ff), { minLength: 5, maxLength: 40 }), fc.nat(255), (noise, seed) => {
        const bench = Bench.showing(1);
        let byte = 0;
        bench.line.noise = () => (byte++ % 31 === 0 ? (noise[byte % noise.length] ?? 0) : 0);
        for (let change = 0; change < 4; change++) {
          bench.driver.show(picture(seed + change));
          bench.step(RETRY_MS / 20);
        }
        bench.line.noise = null;
        bench.step((RETRY_MS + REFRESH_MS) / 20 + 2 * START_STEPS);
        expect(bench.model.picture()).toEqual(picture(seed + 3));
      }),
      { numRuns: 6 },
    );
  });

  it("takes a copy of the picture", () => {
    const bench = new Bench();
    const mine = picture(1);
    bench.driver.show(mine);
    mine.fill(0);
    bench.step(START_STEPS);
    expect(bench.model.picture()).toEqual(picture(1));
  });
});
