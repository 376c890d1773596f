// Network machines gone wrong, as sources for XS: each is run beside the unit in the place of the real one.
// `unit` is all that they have of it (host-sim/xs/neighbour.c).

/** Request tags of src/meter/link.ts. */
const [TAKE, RECEIVE, PAIR, TARIFF] = [1, 2, 4, 5];

/** What goes before the real network side and changes the world that it runs in. */
export const MEDDLING: Readonly<Record<string, string>> = {
  "patches the prototypes of its machine": `
    for (const { prototype } of [Object, Array, Function, Uint8Array, ArrayBuffer, Map, Promise, String, Number]) {
      for (const name of ["toString", "valueOf", "then", "get", "set", "slice", "length"]) {
        try { Object.defineProperty(prototype, name, { get() { return () => 0; }, set() {} }); } catch {}
      }
    }
    globalThis.Uint8Array = globalThis.Object = globalThis.JSON = null;`,
  "changes what it has sent and received": `
    const post = unit.postMessage;
    const kept = [];
    unit.postMessage = (bytes) => {
      const taken = post(bytes);
      kept.push(bytes);
      for (const each of kept) each.fill(255);
      return taken;
    };`,
};

/** Programs in the place of the network side that the supervisor must restart. */
export const FATAL: Readonly<Record<string, string>> = {
  "does nothing": ";",
  "throws at once": `throw new Error("no");`,
  "loops for ever at once": "for (;;);",
  "loops for ever when it is spoken to": `
    unit.onidle = () => unit.postMessage(Uint8Array.of(${TAKE}));
    unit.onmessage = () => { for (;;); };`,
  "takes all memory": "const all = []; unit.onidle = () => { for (;;) all.push(new Uint8Array(1000)); };",
  "takes all memory with one string": `unit.onidle = () => { let all = "x"; for (;;) all += all; };`,
  "recurses without end": "unit.onidle = () => { const deeper = () => deeper() + 1; deeper(); };",
  "recurses in the engine's own code": `
    unit.onidle = () => { let deep = []; for (let at = 0; at < 1e6; at++) deep = [deep]; deep.toString(); };`,
  "has jobs without end":
    "unit.onidle = () => { const again = () => Promise.resolve().then(again); again(); };",
  "backtracks in a regular expression": `unit.onidle = () => /^(a+)+$/.test("a".repeat(40) + "b");`,
};

/** Programs in its place that a bounded queue and a bounded unit are enough against. */
export const NUISANCES: Readonly<Record<string, string>> = {
  "floods with requests": `unit.onidle = () => { while (unit.postMessage(Uint8Array.of(${TAKE}))); };`,
  "floods with junk for the unit": `
    let seed = 1;
    unit.onidle = () => {
      const junk = new Uint8Array(4000).map(() => (seed = (seed * 1103515245 + 12345) & 0x7fffffff) >> 16);
      junk[0] = ${RECEIVE};
      while (unit.postMessage(junk));
    };`,
  "acknowledges what it never delivers": `
    unit.onmessage = (bytes) => {
      if (bytes[0] !== ${TAKE} || bytes.length < 4) return;
      for (const kind of [1, 3, 4, 5]) {
        unit.postMessage(Uint8Array.of(${RECEIVE}, 0x83, 1, kind, 0x1a, 0xff, 0xff, 0xff, 0xff));
        unit.postMessage(Uint8Array.of(${RECEIVE}, 0x83, 1, kind, 0));
      }
    };
    unit.onidle = () => unit.postMessage(Uint8Array.of(${TAKE}));`,
  "asks for everything again and again": `
    unit.onidle = () => {
      unit.postMessage(Uint8Array.of(${RECEIVE}, 0x84, 2, 1, 0, 0x1a, 0xff, 0xff, 0xff, 0xff));
      unit.postMessage(Uint8Array.of(${TAKE}));
    };`,
  "asks to pair and offers tariffs without end": `
    const pairing = new Uint8Array(37).fill(0xa5);
    pairing.set([${PAIR}, 0x82, 4, 0x58, 0x20]);
    const tariff = new Uint8Array(4001).fill(0xa5);
    tariff[0] = ${TARIFF};
    unit.onidle = () => { while (unit.postMessage(pairing) && unit.postMessage(tariff)); };`,
  "sends documents that nobody signed": `
    const document = new Uint8Array(400).fill(0xa5);
    document.set([${RECEIVE}, 0x82, 3, 0x59, 0x01, 0x8a]);
    unit.onidle = () => { while (unit.postMessage(document)); };`,
};
