// A JavaScript world of its own, as each XS machine has: its own intrinsics, the language's globals and the few
// that XS adds, and nothing of Node. Code reaches the outside only through the modules that it is given. Source
// text is never compiled at run time, as on a device, which has no parser.
import vm from "node:vm";

type Bytes = ArrayBufferLike | ArrayBufferView;

/** What a fake needs of a world in order to answer with that world's own objects. */
export interface Realm {
  readonly name: string;
  readonly Error: ErrorConstructor;
  readonly RangeError: RangeErrorConstructor;
  readonly TypeError: TypeErrorConstructor;
  readonly SyntaxError: SyntaxErrorConstructor;
  readonly URIError: URIErrorConstructor;
  readonly Object: ObjectConstructor;
  readonly Array: ArrayConstructor;
  readonly ArrayBuffer: ArrayBufferConstructor;
  readonly Uint8Array: Uint8ArrayConstructor;
  /** Any intrinsic by name, to build what was marshalled. */
  readonly intrinsic: (name: string) => unknown;
  /** Sets a global. */
  define(name: string, value: unknown): void;
  /** Runs a script whose value is a function. */
  run(code: string, filename: string): unknown;
}

export interface RealmOptions {
  readonly name: string;
  /** What Date shows, ms: a device that nobody told the time counts from its power-up. */
  readonly now_ms: () => number;
  readonly trace: (text: string) => void;
}

/** XS has these and JavaScript has not; Math.random is an unseeded generator there and none of ours may use it. */
const PRELUDE = `(({ now_ms, trace }) => {
  const Base = Date;
  globalThis.Date = class Date extends Base {
    constructor(...fields) { if (fields.length) super(...fields); else super(now_ms()); }
    static now() { return now_ms(); }
  };
  globalThis.trace = (...texts) => trace(texts.map(String).join(""));
  Math.random = () => { throw new Error("Math.random is not for a meter"); };
  for (const name of ["WebAssembly", "console", "escape", "unescape"]) delete globalThis[name];
  const utf8 = (text) => unescape8(encodeURIComponent(text));
  const unescape8 = (text) => Uint8Array.from(
    [...text.matchAll(/%([0-9A-F]{2})|([^])/g)].map(([, hex, plain]) => hex ? parseInt(hex, 16) : plain.charCodeAt(0)));
  ArrayBuffer.fromString = (text) => utf8(String(text)).buffer;
  String.fromArrayBuffer = (buffer) => decodeURIComponent(
    [...new Uint8Array(buffer)].map((byte) => "%" + byte.toString(16).padStart(2, "0")).join(""));
  return (name) => globalThis[name];
})`;

export function makeRealm({ name, now_ms, trace }: RealmOptions): Realm {
  const context = vm.createContext(Object.create(null), {
    name,
    codeGeneration: { strings: false, wasm: false },
  });
  const run = (code: string, filename: string): unknown =>
    new vm.Script(code, { filename }).runInContext(context);
  const prelude = run(PRELUDE, "prelude") as (host: object) => (name: string) => unknown;
  const intrinsic = prelude({ now_ms, trace });
  return {
    name,
    Error: intrinsic("Error") as ErrorConstructor,
    RangeError: intrinsic("RangeError") as RangeErrorConstructor,
    TypeError: intrinsic("TypeError") as TypeErrorConstructor,
    SyntaxError: intrinsic("SyntaxError") as SyntaxErrorConstructor,
    URIError: intrinsic("URIError") as URIErrorConstructor,
    Object: intrinsic("Object") as ObjectConstructor,
    Array: intrinsic("Array") as ArrayConstructor,
    ArrayBuffer: intrinsic("ArrayBuffer") as ArrayBufferConstructor,
    Uint8Array: intrinsic("Uint8Array") as Uint8ArrayConstructor,
    intrinsic,
    define: (global, value) =>
      void Object.defineProperty(context, global, { value, writable: true, configurable: true }),
    run,
  };
}

/** A plain object of that world. */
export const objectOf = <T extends object>(realm: Realm, properties: T): T =>
  Object.assign(new realm.Object() as T, properties);

/** A copy of bytes as an ArrayBuffer of that world. */
export function bufferOf(realm: Realm, bytes: Uint8Array): ArrayBuffer {
  const buffer = new realm.ArrayBuffer(bytes.length);
  new realm.Uint8Array(buffer).set(bytes);
  return buffer;
}

const isView = (value: unknown): value is ArrayBufferView => ArrayBuffer.isView(value);

/** Whether it is an ArrayBuffer or SharedArrayBuffer of whatever world. */
export const isBuffer = (value: unknown): value is ArrayBufferLike =>
  /^\[object (Shared)?ArrayBuffer\]$/.test(Object.prototype.toString.call(value));

/**
 * The memory behind a buffer argument of a native, not copied.
 * @throws the world's TypeError for anything else, as XS does.
 */
export function bytesOf(realm: Realm, value: unknown): Uint8Array {
  if (isView(value)) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  if (isBuffer(value)) return new Uint8Array(value as Bytes as ArrayBuffer);
  throw new realm.TypeError("invalid buffer");
}

/** A native's integer argument: XS converts as ToInt32 does. */
export const toInteger = (value: unknown): number => Number(value) | 0;

/** Of an error of whatever world. */
export const messageOf = (error: unknown): string =>
  typeof error === "object" && error !== null && "message" in error ? `${error.message}` : `${error}`;
