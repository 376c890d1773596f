// The interfaces of ECMA-419 and of the Moddable SDK that the firmware uses, and no others, as the ESP32
// builds of SDK 8.2.3 really behave: where its own typings promise more or less, a comment says so. The
// simulator's fakes have these shapes; `npm run firmware:check` compiles the same sources against the SDK's
// typings when the SDK is there.

/** Prints to the debugger; a release build drops it. */
declare function trace(...items: readonly unknown[]): void;

/** Bytes that live in flash: no ArrayBuffer, but a typed array may be made over them, without a copy. */
declare class HostBuffer {
  readonly byteLength: number;
}

interface Uint8ArrayConstructor {
  new (buffer: HostBuffer): Uint8Array<ArrayBuffer>;
}

declare module "embedded:storage/flash" {
  /** A partition of type `data`. Anything that fails throws an Error with no code. */
  export class Flash {
    close(): void;
    /** Erases blocks `start` to `end - 1`; one block without `end`. */
    eraseBlock(start: number, end?: number): void;
    read(byteLength: number, byteOffset: number): ArrayBuffer;
    /** Fills the buffer and returns its length. */
    read(buffer: Uint8Array, byteOffset: number): number;
    /** Clears bits; with flash encryption, offset and length must be multiples of 16. */
    write(buffer: Uint8Array, byteOffset: number): void;
    /** The ESP32 returns neither `writeAlign` nor `eraseValue`. */
    status(): { readonly size: number; readonly blockLength: number; readonly blocks: number };
  }
  const flash: {
    /** @throws Error if there is no such partition. */
    open(options: { readonly path: string; readonly mode?: "r" | "r+" }): Flash;
  };
  export default flash;
}

declare module "embedded:io/digital" {
  export default class Digital {
    static readonly InputPullUp: number;
    static readonly Output: number;
    /** A pin without a pull-up (ESP32: GPIO 34 to 39) is taken all the same, and floats. */
    constructor(options: { readonly pin: number; readonly mode: number });
    /** Of an input; an output's throws. */
    read(): 0 | 1;
    /** Of an output; an input's throws. */
    write(value: 0 | 1): void;
    close(): void;
  }
}

declare module "embedded:io/serial" {
  export default class Serial {
    /**
     * `onReadable` gives the bytes waiting, at most the FIFO's 128; `onWritable` the room in the FIFO: called
     * once after the constructor and again after each write, when the FIFO has emptied.
     */
    constructor(options: {
      readonly receive: number;
      readonly transmit: number;
      readonly baud: number;
      readonly port: number;
      readonly format: "buffer";
      readonly onReadable: (bytes: number) => void;
      readonly onWritable: (bytes: number) => void;
    });
    /** Undefined when nothing waits. */
    read(): ArrayBuffer | number | undefined;
    /** @throws Error "output full" if the bytes do not fit the FIFO; nothing is then written. */
    write(bytes: Uint8Array): void;
    close(): void;
  }
}

declare module "embedded:io/socket/tcp" {
  export default class TCP {
    /**
     * Takes a connection over from what a listener gave, which is closed by it. `onReadable` and `onWritable` come with
     * what is there, in later turns; `onError` when the other end has closed, once all that came has been read.
     */
    constructor(options: {
      readonly from: TCP;
      readonly onReadable: (bytes: number) => void;
      readonly onWritable: (bytes: number) => void;
      readonly onError: () => void;
    });
    /** Undefined when nothing waits. @throws Error if fewer bytes wait. */
    read(count: number): ArrayBuffer | undefined;
    /**
     * @returns bytes that may be written then; undefined once the connection is lost.
     * @throws Error "would block" if they do not fit.
     */
    write(bytes: Uint8Array): number | undefined;
    close(): void;
  }
}

declare module "embedded:io/socket/listener" {
  import type TCP from "embedded:io/socket/tcp";

  export default class Listener {
    /** `onReadable` is told how many connections wait. @throws Error if the port is taken. */
    constructor(options: { readonly port: number; readonly onReadable: (count: number) => void });
    /** The next connection, to be taken over by a `TCP` of one's own or closed; undefined when none waits. */
    read(): TCP | undefined;
    close(): void;
  }
}

declare module "embedded:io/socket/udp" {
  export default class UDP {
    private readonly brand: "UDP";
  }
}

declare module "embedded:io/socket/tcp/tls" {
  /** TLS 1.2 and nothing else: the class fixes protocolVersion 0x303 whatever the options say. */
  export default class TLSSocket {
    private readonly brand: "TLSSocket";
  }
}

declare module "embedded:network/dns/resolver/udp" {
  export default class Resolver {
    private readonly brand: "Resolver";
  }
}

declare module "embedded:network/ntp/client" {
  import type Resolver from "embedded:network/dns/resolver/udp";
  import type UDP from "embedded:io/socket/udp";

  export default class NTP {
    constructor(options: {
      readonly servers: string[];
      readonly socket: { io: typeof UDP };
      readonly dns: { io: typeof Resolver; servers: string[]; socket: { io: typeof UDP } };
    });
    /** Calls back once: Unix time in ms, or an Error after all servers were tried. */
    getTime(callback: (error: Error | null, time_ms?: number) => void): void;
    close(): void;
  }
}

declare module "embedded:network/mqtt/client" {
  import type Resolver from "embedded:network/dns/resolver/udp";
  import type TCP from "embedded:io/socket/tcp";
  import type TLSSocket from "embedded:io/socket/tcp/tls";
  import type UDP from "embedded:io/socket/udp";

  /** What `onControl` is given: one object (the SDK's typings say two arguments, its code passes one). */
  interface ControlMessage {
    readonly operation: number;
    readonly id?: number;
    /** Of a SUBACK: one byte for each topic, 0x80 for refused. */
    readonly payload?: readonly number[];
  }

  interface MQTTClientOptions {
    readonly host: string;
    readonly port: number;
    readonly id: string;
    readonly user?: string;
    readonly password?: string;
    readonly clean: boolean;
    /** ms */
    readonly keepAlive: number;
    readonly dns: { io: typeof Resolver; servers: string[]; socket: { io: typeof UDP } };
    readonly socket: {
      io: typeof TLSSocket;
      TCP: { io: typeof TCP };
      secure: { certificate: ArrayBuffer | HostBuffer };
    };
    /** After CONNACK and after every control message but PUBLISH. */
    readonly onControl: (message: ControlMessage) => void;
    /** Bytes of a PUBLISH: `topic` and `byteLength` with its first, `more` false with its last. All must be read. */
    readonly onReadable: (count: number, options: ReadOptions) => void;
    /** Bytes that one message and its topic may have now. */
    readonly onWritable: (count: number) => void;
    /** The connection is over; the client closes itself after this call. A QoS 1 PUBLISH read is acknowledged. */
    readonly onError: () => void;
  }

  interface ReadOptions {
    readonly topic?: string;
    readonly byteLength?: number;
    readonly more: boolean;
  }

  interface WriteOptions {
    readonly operation?: number;
    readonly id?: number;
    readonly topic: string;
    readonly QoS?: number;
    readonly items?: readonly { readonly topic: string; readonly QoS: number }[];
  }

  export default class MQTTClient {
    static readonly CONNACK: number;
    static readonly PUBACK: number;
    static readonly SUBSCRIBE: number;
    static readonly SUBACK: number;
    constructor(options: MQTTClientOptions);
    read(count: number): ArrayBuffer | undefined;
    /**
     * @returns bytes that may be written now.
     * @throws Error "overflow" if the message does not fit; an Error with no text before the connection.
     */
    write(data: Uint8Array, options: WriteOptions): number;
    close(): void;
  }
}

declare module "timer" {
  interface Timer {
    readonly brand: unique symbol;
  }
  const Timer: {
    /** Calls back after, and with `repeat` then every, so many ms: never before the running call has ended. */
    set(callback: () => void, interval_ms?: number, repeat_ms?: number): Timer;
    repeat(callback: () => void, interval_ms: number): Timer;
    clear(timer: Timer): void;
    /** Stops this machine meanwhile, and no other task of the chip. */
    delay(time_ms: number): void;
  };
  export default Timer;
}

declare module "time" {
  const Time: {
    /** Sets the system's clock, Unix seconds. */
    set(unix_s: number): void;
    /** ms since power-up as a 32-bit integer: it overflows, and is compared by `delta` alone. */
    readonly ticks: number;
    /** ms from one reading of `ticks` to another, below 2^32. */
    delta(start: number, end?: number): number;
  };
  export default Time;
}

declare module "Resource" {
  /** A file of the image, in flash, 4-byte aligned. @throws URIError if there is none of that name. */
  const Resource: { new (path: string): HostBuffer };
  export default Resource;
}

declare module "mc/config" {
  /** The manifest's `config`, with what the command line of mcconfig sets; see firmware/settings.ts. */
  const config: Record<string, unknown>;
  export default config;
}
