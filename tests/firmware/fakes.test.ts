// The fakes themselves: what they refuse, return and leave out as the ESP32 builds of the SDK do, so that firmware
// which passes over them has met what it will meet on the chip.
import { describe, expect, it } from "vitest";
import { VirtualClock } from "../../host-sim/clock.js";
import { Broker, type Packet } from "../../host-sim/ecma419/broker.js";
import { flashModule } from "../../host-sim/ecma419/flash.js";
import { type I2cDevice, I2cLine, i2cModule } from "../../host-sim/ecma419/i2c.js";
import { Internet } from "../../host-sim/ecma419/internet.js";
import { Machine } from "../../host-sim/ecma419/machine.js";
import { type ClientOptions, mqttModule } from "../../host-sim/ecma419/mqtt.js";
import { neighbourModule, portModule, RING_BYTES, Ring } from "../../host-sim/ecma419/neighbour.js";
import { networkModules, type TlsSession } from "../../host-sim/ecma419/network.js";
import { digitalModule, Pins, pulseModule } from "../../host-sim/ecma419/pins.js";
import { resourceModule } from "../../host-sim/ecma419/resource.js";
import { Scheduler } from "../../host-sim/ecma419/scheduler.js";
import { SerialLine, serialModule } from "../../host-sim/ecma419/serial.js";
import { socketModules, Visitor } from "../../host-sim/ecma419/sockets.js";
import { timeModule, timerModule } from "../../host-sim/ecma419/timer.js";
import { TaskWatchdog, UNIT_LIMIT_MS, watchdogModule } from "../../host-sim/ecma419/watchdog.js";
import { NorFlash } from "../../host-sim/flash.js";
import { SeededRandom } from "../../host-sim/seeded.js";

const NOW_MS = 1_767_225_600_000;
const powered = () => {};

/** A machine without a program, whose natives a test calls itself. */
function bench(queueLength = 10) {
  const scheduler = new Scheduler(new VirtualClock(NOW_MS));
  const aborted: string[] = [];
  const machine = new Machine({
    name: "bench",
    scheduler,
    code: "((platform) => ({}))",
    modules: () => ({}),
    abort: (_, error) => void aborted.push((error as Error).message),
    systemTime: { now_ms: () => scheduler.now_ms, set: () => {} },
    trace: () => {},
    pace: { turn_ms: 1, look_ms: 0 },
    queueLength,
    turned: null,
  });
  machine.start();
  const run = (time_ms: number) => scheduler.runUntil(scheduler.now_ms + time_ms);
  return { scheduler, machine, run, aborted };
}

describe("the flash", () => {
  const random = new SeededRandom(1);
  const journal = new NorFlash({ sectors: 4, mode: "encrypted", random });
  const { machine } = bench();
  const never = (): never => {
    throw new Error("no power was cut");
  };
  const { default: flash } = flashModule(machine, new Map([["journal", journal]]), powered, never);

  it("opens partitions of type data by their label, and nothing else", () => {
    expect(() => flash.open({ path: "other" })).toThrow("can't find partition");
    expect(() => flash.open({ path: "journal", mode: "w" })).toThrow("invalid mode");
    expect(() => flash.open({ path: "journal", format: "number" })).toThrow("unsupported");
    expect([...flash]).toEqual(["journal"]);
  });

  it("tells its size and neither writeAlign nor eraseValue", () => {
    const status = flash.open({ path: "journal" }).status();
    expect(Object.entries(status)).toEqual([
      ["size", 16_384],
      ["blockLength", 4096],
      ["blocks", 4],
    ]);
  });

  it("erases blocks from one up to another, one without the other, and none beyond the end", () => {
    const partition = flash.open({ path: "journal", mode: "r+" });
    partition.eraseBlock(0, 2);
    partition.eraseBlock(3);
    expect([...journal.eraseCounts]).toEqual([1, 1, 0, 1]);
    for (const [from, to] of [
      [4, 5],
      [-1, 0],
      [2, 1],
    ] as const) {
      expect(() => partition.eraseBlock(from, to)).toThrow("erase failed");
    }
  });

  it("gives an ArrayBuffer for a number and a length for a buffer, of the machine's own world", () => {
    const partition = flash.open({ path: "journal", mode: "r+" });
    partition.write(new Uint8Array(32).fill(7), 16);
    const read = partition.read(8, 20);
    expect(read).toBeInstanceOf(machine.realm.ArrayBuffer);
    expect([...new Uint8Array(read)]).toEqual(new Array(8).fill(7));
    const into = new Uint8Array(24);
    expect(partition.read(into.subarray(4, 20), 32)).toBe(16);
    expect(into).toEqual(Uint8Array.from({ length: 24 }, (_, at) => (at >= 4 && at < 20 ? 7 : 0)));
    expect(() => partition.read(into, 16_384 - 8)).toThrow("read failed");
  });

  it("takes whole aligned blocks of 16 bytes, from who may write, while it is open", () => {
    const partition = flash.open({ path: "journal", mode: "r+" });
    expect(() => partition.write(new Uint8Array(16), 8)).toThrow("write failed");
    expect(() => partition.write(new Uint8Array(15), 64)).toThrow("write failed");
    expect(() => partition.write(new Uint8Array(16), 16_384)).toThrow("write failed");
    const readOnly = flash.open({ path: "journal", mode: "r" });
    expect(() => readOnly.write(new Uint8Array(16), 64)).toThrow("read-only");
    expect(() => readOnly.eraseBlock(0)).toThrow("read-only");
    partition.close();
    expect(() => partition.status()).toThrow(machine.realm.SyntaxError);
  });
});

describe("timers", () => {
  it("fire in the order of their making, never within a call, repeating without drift", () => {
    const { machine, run } = bench();
    const { default: Timer } = timerModule(machine);
    const { default: Time } = timeModule(machine);
    const fired: string[] = [];
    Timer.set(() => fired.push(`b ${Time.ticks}`), 20);
    Timer.set(() => Timer.set(() => fired.push(`late ${Time.ticks}`)), 20);
    const repeating = Timer.repeat(() => {
      machine.spend(7);
      fired.push(`r ${Time.ticks - 7}`);
    }, 20);
    expect(fired).toEqual([]);
    run(65);
    expect(fired).toEqual(["b 20", "r 20", "late 27", "r 40", "r 60"]);
    Timer.clear(repeating);
    Timer.clear(repeating);
    Timer.clear(null);
    run(100);
    expect(fired.length).toBe(5);
  });

  it("rest when they are scheduled without a time, and must be timers", () => {
    const { machine, run } = bench();
    const { default: Timer } = timerModule(machine);
    let fired = 0;
    const timer = Timer.repeat(() => fired++, 10);
    run(25);
    Timer.schedule(timer);
    run(100);
    expect(fired).toBe(2);
    Timer.schedule(timer, 5, 50);
    run(60);
    expect(fired).toBe(4);
    expect(() => Timer.schedule({}, 1)).toThrow(machine.realm.SyntaxError);
  });

  it("whose callback throws end the machine", () => {
    const { machine, run, aborted } = bench();
    timerModule(machine).default.set(() => {
      throw new Error("gone");
    });
    run(10);
    expect(aborted).toEqual(["gone"]);
  });

  it("count ms in 32 bits that overflow", () => {
    const { machine } = bench();
    const { default: Time } = timeModule(machine);
    expect(Time.delta(0x7fff_ffff, -0x8000_0000)).toBe(1);
  });
});

describe("pins", () => {
  it("have one user each, exist, and drive if they can", () => {
    const { machine } = bench();
    const pins = new Pins("esp32");
    const { default: Digital } = digitalModule(machine, pins, powered);
    const { PulseCounter, ContactCounter } = pulseModule(machine, pins, powered);
    const lamp = new Digital({ pin: 2, mode: Digital.Output });
    expect(() => new Digital({ pin: 2, mode: Digital.Output })).toThrow("in use");
    expect(() => new Digital({ pin: 24, mode: Digital.Output })).toThrow("invalid pin");
    expect(() => new Digital({ pin: 6, mode: Digital.Output })).toThrow("invalid pin");
    expect(() => new Digital({ pin: 34, mode: Digital.Output })).toThrow("input only");
    expect(() => new Digital({ pin: 4, mode: 99 })).toThrow(machine.realm.RangeError);
    lamp.write(1);
    expect(pins.at(2).level).toBe(1);
    lamp.close();
    expect(() => lamp.write(0)).toThrow(machine.realm.SyntaxError);
    const counter = new PulseCounter(2);
    expect(() => new ContactCounter(2)).toThrow("no contact counter for the pin");
    pins.pulse(2, 2 ** 32 - 1);
    pins.pulse(2, 3);
    expect(counter.read()).toBe(2);
  });

  it("are pulled up as inputs, but for those that have no pull-up and float", () => {
    const { machine } = bench();
    const pins = new Pins("esp32");
    const { default: Digital } = digitalModule(machine, pins, powered);
    const input = new Digital({ pin: 13, mode: Digital.InputPullUp });
    expect(input.read()).toBe(1);
    pins.ground(13, true);
    expect(input.read()).toBe(0);
    expect(() => input.write(1)).toThrow("can't write input");
    expect(() => new Digital({ pin: 2, mode: Digital.Output }).read()).toThrow("can't read output");
    expect(new Digital({ pin: 34, mode: Digital.InputPullUp }).read()).toBe(0);
    input.close();
    expect(() => input.read()).toThrow(machine.realm.SyntaxError);
  });

  it("have eight pulse counters on an ESP32, and a contact takes 10 ms to be one", () => {
    const { machine } = bench();
    const pins = new Pins("esp32");
    const { PulseCounter, ContactCounter } = pulseModule(machine, pins, powered);
    for (const pin of [2, 4, 5, 12, 13, 14, 15, 16]) new PulseCounter(pin);
    expect(() => new PulseCounter(17)).toThrow("no pulse counter for the pin");
    const contact = new ContactCounter(18);
    pins.close(18, 9);
    pins.close(18, 10);
    expect(contact.read()).toBe(1);
  });
});

describe("the task watchdog", () => {
  const watched = () => {
    const { scheduler, machine, run } = bench();
    const bitten: string[] = [];
    const watchdog = new TaskWatchdog(scheduler, 60_000, (why) => void bitten.push(why));
    watchdog.add("main", scheduler.now_ms);
    const unit = watchdogModule(machine, { watchdog, restarted: false }, powered);
    const loop = (time_ms: number) => {
      for (let passed_ms = 0; passed_ms < time_ms; passed_ms += 100) {
        run(100);
        watchdog.report("main", scheduler.now_ms);
      }
    };
    return { bitten, unit, loop, run };
  };

  it("watches the main loop alone until the unit reports, for as long as the options say", () => {
    const { bitten, loop, run } = watched();
    loop(120_000);
    run(59_000);
    expect(bitten).toEqual([]);
    run(1000);
    expect(bitten).toEqual(["task watchdog: main"]);
  });

  it("bites when the loop goes round without the unit", () => {
    const { bitten, unit, loop } = watched();
    unit.feed();
    loop(UNIT_LIMIT_MS - 200);
    unit.feed();
    loop(UNIT_LIMIT_MS - 200);
    expect(bitten).toEqual([]);
    loop(400);
    expect(bitten).toEqual(["task watchdog: unit"]);
  });

  it("finds a turn that took too long at its end", () => {
    const { scheduler, machine } = bench();
    const bitten: string[] = [];
    const watchdog = new TaskWatchdog(scheduler, 60_000, (why) => void bitten.push(why));
    watchdog.add("main", scheduler.now_ms);
    machine.spend(60_000);
    watchdog.report("main", machine.at_ms);
    expect(bitten).toEqual(["task watchdog: main"]);
  });
});

describe("a serial port", () => {
  const open = (machine: Machine, line: SerialLine, heard: number[], rooms: number[]) => {
    const pins = new Pins("esp32");
    const { default: Serial } = serialModule(machine, pins, { used: new Set(), line: () => line, powered });
    const [onReadable, onWritable] = [
      (bytes: number) => heard.push(bytes),
      (room: number) => rooms.push(room),
    ];
    const options = {
      receive: 3,
      transmit: 1,
      baud: 115_200,
      port: 0,
      format: "buffer",
      onReadable,
      onWritable,
    };
    expect(() => new Serial({ ...options, baud: 0 })).toThrow("invalid baud");
    expect(() => new Serial({ ...options, port: 3 })).toThrow("invalid port");
    expect(() => new Serial({ ...options, transmit: 34 })).toThrow("uart failed");
    const serial = new Serial(options);
    expect(() => new Serial(options)).toThrow("in use");
    return serial;
  };

  it("takes 128 bytes at once, tells when it has room again, and sends at its speed", () => {
    const { machine, run, scheduler } = bench();
    const [line, rooms] = [new SerialLine(scheduler), [] as number[]];
    const serial = open(machine, line, [], rooms);
    run(5);
    expect(rooms).toEqual([128]);
    serial.write(new Uint8Array(100).fill(65));
    expect(() => serial.write(new Uint8Array(29))).toThrow("output full");
    run(5);
    expect(line.received.length).toBeLessThan(60);
    run(20);
    expect(line.received).toBe("A".repeat(100));
    expect(rooms.length).toBe(2);
  });

  it("loses what comes while nobody reads, beyond 128 bytes", () => {
    const { machine, run, scheduler } = bench();
    const [line, heard] = [new SerialLine(scheduler), [] as number[]];
    const serial = open(machine, line, heard, []);
    line.send("x".repeat(300));
    run(100);
    expect(heard[0]).toBeGreaterThanOrEqual(120);
    expect(serial.read()?.byteLength).toBe(128);
    expect(serial.read()).toBeUndefined();
    expect(() => serial.close()).not.toThrow();
    expect(() => serial.read()).toThrow(machine.realm.SyntaxError);
  });
});

describe("an I2C bus", () => {
  /** Keeps what it is told, and answers with it. */
  class Memory implements I2cDevice {
    readonly address: number = 0x50;
    written: number[] = [];
    start = () => true;
    write = (byte: number) => this.written.push(byte) <= 4;
    read = () => this.written.shift() ?? 0xff;
    end = () => {};
  }
  const at = { data: 21, clock: 22, hz: 100_000, address: 0x50 };

  it("is shared by devices of different addresses, and by nothing else", () => {
    const { machine } = bench();
    const pins = new Pins("esp32");
    const { default: I2C } = i2cModule(machine, pins, new I2cLine(), powered);
    const { default: Digital } = digitalModule(machine, pins, powered);
    const [first, second] = [new I2C(at), new I2C({ ...at, address: 0x51 })];
    expect(() => new I2C(at)).toThrow("duplicate address");
    expect(() => new Digital({ pin: 21, mode: Digital.Output })).toThrow("in use");
    first.close();
    expect(pins.at(21).used).toBe(true);
    second.close();
    expect(pins.at(21).used).toBe(false);
    expect(() => first.write(Uint8Array.of(1))).toThrow(machine.realm.SyntaxError);
  });

  it("refuses options that cannot be", () => {
    const { machine } = bench();
    const { default: I2C } = i2cModule(machine, new Pins("esp32"), new I2cLine(), powered);
    const refused = (changed: object) => expect(() => new I2C({ ...at, ...changed }));
    refused({ address: undefined }).toThrow("address required");
    refused({ address: 128 }).toThrow("invalid address");
    refused({ clock: 34 }).toThrow("unusable pins");
    refused({ data: 6 }).toThrow("inUse");
    refused({ hz: 0 }).toThrow("invalid hz");
    refused({ timeout: -2 }).toThrow(machine.realm.RangeError);
  });

  it("carries bytes both ways in the time that they take, and fails without saying of what", () => {
    const { machine } = bench();
    const line = new I2cLine();
    const { default: I2C } = i2cModule(machine, new Pins("esp32"), line, powered);
    const memory = new Memory();
    line.attach(memory);
    const i2c = new I2C(at);
    i2c.write(Uint8Array.of(7));
    expect([...new Uint8Array(i2c.writeRead(Uint8Array.of(8), 3))]).toEqual([7, 8, 0xff]);
    const before = machine.at_ms;
    for (let times = 0; times < 100; times++) expect([...new Uint8Array(i2c.read(1))]).toEqual([0xff]);
    // 2 bytes of 9 bits, and the frame's 2: 0.2 ms each, and the clock has whole ones.
    expect(Math.abs(machine.at_ms - before - 20)).toBeLessThanOrEqual(1);
    expect(() => i2c.write(Uint8Array.of(1, 2, 3, 4, 5))).toThrow("write failed");
    line.state = "open";
    expect(() => i2c.read(1)).toThrow("read failed");
    expect(() => i2c.writeRead(Uint8Array.of(8), 1)).toThrow("writeRead failed");
    line.state = "ones";
    expect([...new Uint8Array(i2c.writeRead(Uint8Array.of(8), 2))]).toEqual([0xff, 0xff]);
  });

  it("does to a transfer what it is told, once", () => {
    const line = new I2cLine();
    const memory = new Memory();
    line.attach(memory);
    let heard = 0;
    line.disturb(1, { kind: "flip", byte: 1, bits: 0x0f });
    line.disturb(1, { kind: "meanwhile", byte: 2, happens: () => heard++ });
    line.disturb(2, { kind: "cut", byte: 1 });
    for (const byte of [0x10, 0x20]) line.transfer(0x50, Uint8Array.of(byte, 0), 0);
    expect(memory.written).toEqual([0x10, 0, 0x2f, 0]);
    expect(heard).toBe(1);
    memory.written = [];
    expect(() => line.transfer(0x50, Uint8Array.of(1, 2), 0)).toThrow("cut");
    expect(memory.written).toEqual([1]);
    line.disturb(0, { kind: "nack", byte: 0 });
    expect(() => line.transfer(0x50, Uint8Array.of(1, 2), 0)).toThrow("no acknowledge");
    line.disturb(0, { kind: "nack", byte: 0 });
    line.calm();
    expect(() => line.transfer(0x50, Uint8Array.of(1, 2), 0)).not.toThrow();
    line.noise = () => 0x100;
    expect(() => line.transfer(0x50, Uint8Array.of(1, 2), 0)).toThrow("no acknowledge");
  });
});

describe("data of the image", () => {
  it("is an ArrayBuffer of the machine's world, and writing to it is found out", () => {
    const { machine } = bench();
    const { module, changed } = resourceModule(machine, new Map([["table.bin", Uint8Array.of(1, 2, 3, 4)]]));
    const { default: Resource } = module;
    expect(() => new Resource("other.bin")).toThrow(machine.realm.URIError);
    const resource = new Resource("table.bin");
    expect([...new Uint8Array(resource.slice(-5, 2))]).toEqual([1, 2]);
    expect(changed()).toEqual([]);
    new Uint8Array(resource)[0] = 9;
    expect(changed()).toEqual(["table.bin"]);
  });
});

describe("the ring between the machines", () => {
  it("holds 4,608 bytes with a length of two before each message, and copies", () => {
    const { machine } = bench();
    const ring = new Ring();
    const bytes = new Uint8Array(RING_BYTES - 2).fill(5);
    expect(ring.put(new Uint8Array(RING_BYTES - 1))).toBe(false);
    expect(ring.put(bytes)).toBe(true);
    expect(ring.put(new Uint8Array(0))).toBe(false);
    bytes.fill(6);
    expect(new Uint8Array(ring.take(machine) ?? new ArrayBuffer(0))[0]).toBe(5);
    expect(ring.take(machine)).toBeUndefined();
  });

  it("ends with the machine, of which there is one, with memory enough", () => {
    const { machine } = bench();
    const { default: Neighbour } = neighbourModule(machine, () => {}, powered);
    const creation = {
      static: 98_304,
      chunk: { initial: 1024, incremental: 0 },
      heap: { initial: 64, incremental: 0 },
      stack: 64,
      keys: { initial: 16, incremental: 0 },
      nativeStack: 4096,
    };
    expect(() => new Neighbour("network", [], { ...creation, static: 100 })).toThrow("creation is too small");
    const neighbour = new Neighbour("network", ["network"], creation);
    expect(() => new Neighbour("network", ["network"], creation)).toThrow("there is a neighbour already");
    expect(neighbour.alive).toBe(true);
    neighbour.close();
    expect(() => neighbour.poll()).toThrow(machine.realm.SyntaxError);
    expect(() => new Neighbour("network", ["network"], creation)).not.toThrow();
    const link = { toUnit: new Ring(), toNetwork: new Ring(), machine: null, alive: true };
    expect(portModule(machine, link).poll()).toBeUndefined();
  });
});

/** A machine whose listener hands its sockets to `taken`, online. */
function listening(taken: (socket: object) => void) {
  const base = bench();
  const internet = new Internet<Packet>(base.scheduler);
  internet.join(internet.ssid, internet.password);
  base.run(5000);
  const { TCP, Listener } = socketModules(base.machine, internet);
  const listener = new Listener({ port: 7, onReadable: () => void taken(listener.read() ?? {}) });
  return { ...base, internet, TCP, Listener, listener };
}

describe("the TCP listener", () => {
  it("hands over what waits, tells of an end once all is read, and refuses what does not fit", () => {
    const said: unknown[] = [];
    const taken: object[] = [];
    const { internet, run, TCP, Listener, machine } = listening((socket) => void taken.push(socket));
    expect(() => new Listener({ port: 7, onReadable: () => {} })).toThrow("socket bind");
    const visitor = new Visitor(internet, 7);
    visitor.send(Uint8Array.of(1, 2, 3));
    visitor.close();
    run(500);
    const from = taken[0] ?? {};
    const socket = new TCP({
      from,
      onReadable: (count) => said.push(`readable ${count}`),
      onWritable: (room) => said.push(room > 5000 ? "writable" : room),
      onError: () => said.push("error"),
    });
    expect(() => new TCP({ from, onReadable() {}, onWritable() {}, onError() {} })).toThrow("invalid from");
    run(500);
    expect(said).toEqual(["writable", "readable 3"]);
    expect(() => socket.read(4)).toThrow("invalid");
    expect(socket.read(3)?.byteLength).toBe(3);
    expect(socket.read(1)).toBeUndefined();
    run(100);
    expect([said.at(-1), socket.write(Uint8Array.of(1))]).toEqual(["error", undefined]);
    socket.close();
    expect(() => socket.read(1)).toThrow(machine.realm.SyntaxError);
  });

  it("gives room for what the other end has taken, and no connection without a listener", () => {
    const taken: object[] = [];
    const { internet, run, TCP, listener } = listening((socket) => void taken.push(socket));
    const visitor = new Visitor(internet, 7);
    visitor.takes = false;
    run(500);
    let room = 0;
    const onWritable = (now: number) => {
      room = now;
    };
    const socket = new TCP({ from: taken[0] ?? {}, onReadable() {}, onWritable, onError() {} });
    run(500);
    expect(() => socket.write(new Uint8Array(room + 1))).toThrow("would block");
    expect(socket.write(new Uint8Array(room))).toBe(0);
    run(5000);
    expect([visitor.heard.length, visitor.ended]).toEqual([room, false]);
    socket.close();
    listener.close();
    const late = new Visitor(internet, 7);
    run(500);
    expect([visitor.ended, late.ended]).toEqual([true, true]);
  });
});

/** A client and the broker that it may reach, online. */
function mqtt(changes: Partial<ClientOptions> = {}) {
  const base = bench();
  const { machine, scheduler, run } = base;
  const internet = new Internet<Packet>(scheduler);
  const handshakes: TlsSession[] = [];
  const published: string[] = [];
  const authority = Uint8Array.of(1, 2, 3);
  const broker = new Broker({
    identity: { authority, notBefore_ms: 0, notAfter_ms: 2 * NOW_MS },
    scheduler,
    user: "u",
    password: "p",
    deliver: (topic, payload) => void published.push(`${topic} ${payload.length}`),
  });
  internet.servers.set("broker:8883", broker);
  internet.names.add("broker");
  internet.join(internet.ssid, internet.password);
  run(5000);
  const { default: MQTTClient } = mqttModule(machine);
  const { TCP, UDP, Resolver, TLSSocket } = networkModules(machine, internet, handshakes);
  const heard: unknown[] = [];
  const options: ClientOptions = {
    host: "broker",
    port: 8883,
    id: "meter",
    user: "u",
    password: "p",
    clean: true,
    keepAlive: 60_000,
    dns: { io: Resolver, servers: ["192.0.2.53"], socket: { io: UDP } },
    socket: { io: TLSSocket, TCP: { io: TCP }, secure: { certificate: authority } },
    onControl: (message) => heard.push({ ...message }),
    onError: () => heard.push("error"),
    ...changes,
  };
  const client = () => new MQTTClient(options);
  return { ...base, internet, broker, handshakes, published, heard, client, MQTTClient };
}

describe("the MQTT client", () => {
  it("speaks TLS 1.2 whatever it is told, and needs the host and classes that it is given", () => {
    const { client, run, handshakes, MQTTClient } = mqtt();
    client();
    run(6000);
    expect(handshakes).toEqual([{ serverName: "broker", protocolVersion: 0x303, port: 8883 }]);
    expect(() => new MQTTClient({} as ClientOptions)).toThrow("host required");
  });

  it("writes after CONNACK, as much as there is room for, and reports acknowledgements", () => {
    const { client, run, heard, published } = mqtt();
    const one = client();
    expect(() => one.write(Uint8Array.of(1), { topic: "a" })).toThrow();
    run(6000);
    expect(heard).toEqual([{ operation: 2, returnCode: 0 }]);
    const room = one.write(Uint8Array.of(1), { topic: "a", QoS: 1, id: 7 });
    expect(room).toBeGreaterThan(5000);
    expect(() => one.write(new Uint8Array(room + 3), { topic: "a" })).toThrow("overflow");
    expect(() => one.write(null, { topic: "a" })).toThrow();
    run(200);
    expect(published).toEqual(["a 1"]);
    expect(heard.at(-1)).toEqual({ operation: 4, id: 7 });
  });

  it("shows a message in pieces, the topic with the first, and acknowledges it before it is read whole", () => {
    const pieces: unknown[] = [];
    const { client, run, broker } = mqtt({
      onReadable(this: { read(count: number): unknown }, count, options) {
        pieces.push([count, { ...options }]);
        this.read(count);
      },
    } as Partial<ClientOptions>);
    const one = client();
    run(6000);
    one.write(null, { operation: 8, items: [{ topic: "c", QoS: 1 }] });
    run(200);
    broker.publish("c", new Uint8Array(450));
    run(500);
    expect(pieces).toEqual([
      [200, { topic: "c", byteLength: 450, QoS: 1, more: true }],
      [200, { more: true }],
      [50, { more: false }],
    ]);
    run(300);
    expect(broker.subscriptions("meter")).toEqual([{ topic: "c", QoS: 1 }]);
  });

  it("stops at a message that nobody reads, and at one without content for good", () => {
    let shown = 0;
    const { client, run, broker, heard } = mqtt({ onReadable: () => void shown++ });
    const one = client();
    run(6000);
    one.write(null, { operation: 8, items: [{ topic: "c", QoS: 0 }] });
    run(200);
    broker.publish("c", Uint8Array.of(1));
    broker.publish("c", Uint8Array.of(2));
    run(1000);
    expect(shown).toBe(1);
    expect(one.read(9)?.byteLength).toBe(1);
    run(10);
    expect(shown).toBe(2);
    one.read(1);
    broker.publish("c", new Uint8Array(0));
    run(200_000);
    expect(heard.at(-1)).toBe("error");
  });

  it("ends without a callback of its own when it is closed, and with one when the broker turns it away", () => {
    const rejected = mqtt({ password: "wrong" });
    rejected.client();
    rejected.run(6000);
    expect(rejected.heard).toEqual(["error"]);
    const closed = mqtt();
    const one = closed.client();
    closed.run(6000);
    one.close();
    closed.run(10_000);
    expect(closed.heard).toEqual([{ operation: 2, returnCode: 0 }]);
    expect(closed.broker.connected).toEqual([]);
    expect(() => one.write(Uint8Array.of(1), { topic: "a" })).toThrow();
  });

  it("ends its machine when it is closed before the name is resolved", () => {
    const { client, run, aborted } = mqtt();
    client().close();
    run(6000);
    expect(aborted).toEqual(["cannot coerce undefined to object"]);
  });

  it("gives a silent connection up after one and a half times its keepalive", () => {
    const { client, run, heard, internet } = mqtt();
    client();
    run(6000);
    internet.setUp(false);
    run(80_000);
    expect(heard).not.toContain("error");
    run(30_000);
    expect(heard.at(-1)).toBe("error");
  });
});

describe("a machine's queue", () => {
  it("takes so many messages and no more until they are delivered", () => {
    const { machine, run } = bench(3);
    const delivered: number[] = [];
    expect([1, 2, 3, 4].map((one) => machine.post(() => delivered.push(one)))).toEqual([
      true,
      true,
      true,
      false,
    ]);
    run(5);
    expect(delivered).toEqual([1, 2, 3]);
    machine.delete();
    expect(machine.post(() => {})).toBe(false);
  });

  it("is of a world without Node, text compiled at run time, or chance", () => {
    const { machine } = bench();
    for (const name of ["process", "require", "console", "setTimeout", "TextEncoder", "WebAssembly"]) {
      expect(machine.realm.intrinsic(name)).toBeUndefined();
    }
    expect(() => machine.realm.run("Math.random()", "test")).toThrow();
    expect(() => machine.realm.run("new Function('1')", "test")).toThrow();
    expect(machine.realm.run("String.fromArrayBuffer(ArrayBuffer.fromString('zähler €'))", "test")).toBe(
      "zähler €",
    );
  });
});
