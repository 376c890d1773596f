// The model of the ADE7953 against its data sheet (Rev. C): what a driver may rely on, and what it may not.
import { describe, expect, it } from "vitest";
import { ADE7953Model, type EnergyName, type Power } from "../../host-sim/ade7953.js";
import { I2cLine } from "../../host-sim/ecma419/i2c.js";

const FULL_PPM = 1_000_000;
const none: Power = { activeA: 0, activeB: 0, reactiveA: 0, reactiveB: 0 };

/** A chip that has started, and the bus to it. */
function started(model = new ADE7953Model()) {
  const line = new I2cLine();
  line.attach(model);
  model.powerUp();
  model.advance(66);
  const pointer = (register: number) => [register >> 8, register & 0xff];
  const read = (register: number, bytes: number) =>
    line.transfer(0x38, Uint8Array.from(pointer(register)), bytes).reduce((all, byte) => all * 256 + byte, 0);
  const write = (register: number, ...bytes: readonly number[]) =>
    void line.transfer(0x38, Uint8Array.from([...pointer(register), ...bytes]), 0);
  return { model, line, read, write };
}

describe("the bus of the ADE7953", () => {
  it("is silent until 66 ms after power-up, then raises the reset flag", () => {
    const { model, line } = started();
    model.powerUp();
    model.advance(65);
    expect(() => line.transfer(0x38, Uint8Array.of(1, 2), 2)).toThrow("no acknowledge");
    model.advance(1);
    expect([...line.transfer(0x38, Uint8Array.of(1, 2), 2)]).toEqual([0x80, 0x04]);
    expect(model.peek(0x22d) & (1 << 20)).not.toBe(0);
  });

  it("answers at 0x38 and nowhere else", () => {
    const { line } = started();
    expect(() => line.transfer(0x39, Uint8Array.of(1, 2), 2)).toThrow("no acknowledge");
  });

  it("gives a register of 24 bits in 24 and in 32, where the sign is repeated", () => {
    const { model, read } = started();
    model.power = { ...none, activeA: -FULL_PPM };
    model.advance(10);
    model.corrupt(0x004, 0x40);
    expect(read(0x21e, 3)).toBe(0x1000000 - 2069);
    expect(read(0x31e, 4)).toBe(2 ** 32 - 2069);
  });

  it("stores what came whole and nothing of what did not", () => {
    const { line, read, write } = started();
    write(0x007, 2);
    expect(read(0x007, 1)).toBe(2);
    line.disturb(0, { kind: "cut", byte: 4 });
    expect(() => write(0x101, 0x12, 0x34)).toThrow("cut");
    expect(read(0x101, 2)).toBe(0);
    expect(() => write(0x007, 3, 3)).toThrow("no acknowledge");
    expect(read(0x007, 1)).toBe(2);
  });

  it("tells of the last operation that succeeded, by its width", () => {
    const { line, read, write } = started();
    write(0x101, 0x12, 0x34);
    expect([read(0x0fd, 1), read(0x1fe, 2), read(0x1ff, 2)]).toEqual([0xca, 0x101, 0x1234]);
    expect(read(0x203, 3)).toBe(0x00e419);
    expect([read(0x0fd, 1), read(0x1fe, 2), read(0x2ff, 3)]).toEqual([0x35, 0x203, 0x00e419]);
    line.disturb(0, { kind: "cut", byte: 5 });
    expect(() => read(0x101, 2)).toThrow("cut");
    expect(read(0x1fe, 2)).toBe(0x203);
  });

  it("counts reads of the last-operation registers as operations where the test says so", () => {
    const { read } = started(new ADE7953Model({ lastReadsCount: true }));
    read(0x203, 3);
    expect([read(0x1fe, 2), read(0x1fe, 2), read(0x2ff, 3)]).toEqual([0x203, 0x1fe, 0x00e419]);
  });
});

describe("the registers of the ADE7953", () => {
  it("read with reset by default, and lose the energy of a read that broke off", () => {
    const { model, line, read, write } = started();
    model.power = { ...none, activeA: FULL_PPM };
    model.advance(1000);
    line.disturb(0, { kind: "cut", byte: 5 });
    expect(() => read(0x21e, 3)).toThrow("cut");
    expect(read(0x21e, 3)).toBe(0);
    write(0x004, 0);
    model.advance(1000);
    expect([read(0x21e, 3), read(0x21e, 3)]).toEqual([206_900, 206_900]);
  });

  it("write 0x120 only directly after its key", () => {
    const { read, write } = started();
    write(0x120, 0, 0x30);
    expect(read(0x120, 2)).toBe(0);
    write(0x0fe, 0xad);
    read(0x102, 2);
    write(0x120, 0, 0x30);
    expect(read(0x120, 2)).toBe(0);
    write(0x0fe, 0xad);
    write(0x120, 0, 0x30);
    expect(read(0x120, 2)).toBe(0x30);
  });

  it("are protected by width, but for the protection itself", () => {
    const { read, write } = started();
    write(0x040, 0b010);
    write(0x101, 0, 1);
    write(0x007, 1);
    expect([read(0x101, 2), read(0x007, 1)]).toEqual([0, 1]);
    write(0x040, 0);
    write(0x101, 0, 1);
    expect(read(0x101, 2)).toBe(1);
  });

  it("have a checksum, ones while off, the data sheet's for the defaults, another after any change", () => {
    const { model, read, write } = started();
    expect(read(0x37f, 4)).toBe(0xffffffff);
    write(0x102, 0x81, 0x04);
    expect(read(0x37f, 4)).toBe(0x48739163);
    for (const [register, bit] of [
      [0x004, 0x40],
      [0x109, 0x100],
      [0x282, 0x400000],
      [0x297, 0x000001],
    ] as const) {
      model.corrupt(register, bit);
      expect(read(0x37f, 4)).not.toBe(0x48739163);
      model.corrupt(register, bit);
      expect(read(0x37f, 4)).toBe(0x48739163);
    }
    expect(read(0x22e, 3) & (1 << 21)).not.toBe(0);
    expect(read(0x22d, 3)).toBe(0);
  });

  it("are as after power-up after a software reset", () => {
    const { model, read, write } = started();
    write(0x007, 2);
    write(0x102, 0x80, 0x84);
    expect(() => read(0x102, 2)).toThrow("no acknowledge");
    model.advance(40);
    expect([read(0x102, 2), read(0x007, 1), read(0x004, 1)]).toEqual([0x8004, 0, 0x40]);
  });
});

describe("the energy of the ADE7953", () => {
  const registers = { activeA: 0x21e, activeB: 0x21f, reactiveA: 0x220, reactiveB: 0x221 } as const;
  const counted = (model: ADE7953Model, name: EnergyName) => model.peek(registers[name]);

  it("is 206,900 counts a second at full scale, signed, and runs round in 40.5 s", () => {
    const { model } = started();
    model.power = { activeA: FULL_PPM, activeB: -FULL_PPM, reactiveA: FULL_PPM / 2, reactiveB: 12_345 };
    model.advance(1000);
    expect(counted(model, "activeA")).toBe(206_900);
    expect(counted(model, "activeB")).toBe(0x1000000 - 206_900);
    expect(counted(model, "reactiveA")).toBe(103_450);
    // 0.012345 x 206,900.
    expect(counted(model, "reactiveB")).toBe(2554);
    model.advance(39_544);
    expect(counted(model, "activeA")).toBeLessThan(0x800000);
    model.advance(1);
    expect(counted(model, "activeA")).toBeGreaterThanOrEqual(0x800000);
    expect(model.peek(0x22d) & 0b1001).toBe(0b1001);
  });

  it("is the same however time is cut", () => {
    const [whole, cut] = [started().model, started().model];
    for (const { model, steps } of [
      { model: whole, steps: [100_000] },
      { model: cut, steps: Array.from({ length: 10_000 }, () => 10) },
    ]) {
      model.power = { ...none, activeA: 777 };
      for (const step of steps) model.advance(step);
    }
    expect(counted(cut, "activeA")).toBe(counted(whole, "activeA"));
  });

  it("stops below one ten-thousandth of full scale, unless no-load is off", () => {
    const { model } = started();
    model.power = { ...none, activeA: 99 };
    model.advance(100_000);
    expect(counted(model, "activeA")).toBe(0);
    expect(model.peek(0x22d) & (1 << 6)).not.toBe(0);
    model.corrupt(0x001, 1);
    model.advance(100_000);
    expect(counted(model, "activeA")).toBe(2048);
  });

  it("follows the gains, the accumulation modes and line-cycle mode", () => {
    const { model } = started();
    model.power = { ...none, activeA: -1000, reactiveA: 1000 };
    const step = () => {
      const before = { ...model.counts };
      model.advance(10_000);
      return [model.counts.activeA - before.activeA, model.counts.reactiveA - before.reactiveA];
    };
    expect(step()).toEqual([-2069, 2069]);
    model.corrupt(0x008, 1);
    expect(step()).toEqual([-4138, 4138]);
    model.corrupt(0x008, 1);
    model.corrupt(0x282, 0x600000);
    expect([...step(), ...step()]).toEqual([-1034, 2069, -1035, 2069]);
    model.corrupt(0x282, 0x600000);
    // Positive only, antitamper; then absolute.
    model.corrupt(0x201, 0b010001);
    expect(step()).toEqual([0, -2069]);
    model.corrupt(0x201, 0b010011);
    expect(step().map(Math.abs)).toEqual([2069, 2069]);
    model.corrupt(0x004, 0b101);
    expect(step()).toEqual([0, 0]);
  });
});
