// The natives that the host in C gives to a program on XS (host.c).

interface Board {
  /** A part of the image or of the run's input, in place in read-only memory. Throws on an unknown name. */
  rom(name: "tableB" | "tableBlinding" | "input"): ArrayBuffer;
  /** Sectors of 4,096 bytes of the chip. */
  sectors(): number;
  read(address: number, into: Uint8Array): void;
  /** Clears bits; address and length are multiples of 16. */
  program(address: number, bytes: Uint8Array): void;
  erase(sector: number): void;
  /** Pulls the plug after this many more bytes of programming; negative disarms. */
  cutAfter(bytes: number): void;
  /** Appends to a file of the run. */
  write(file: string, bytes: Uint8Array): void;
  print(text: string): void;
  /** Instructions retired since power-up on RV32, else 0. */
  instructions(): number;
  /** XS's own meter since power-up where it is compiled in, else 0. */
  computrons(): number;
  /** Most bytes that were in use after a garbage collection so far. */
  heap(): number;
  /** Collects garbage; bytes in use after it. */
  collect(): number;
}

declare const board: Board;

/** The second machine, of the network side (neighbour.c): Linux only. */
interface SecondMachine {
  /** Makes it anew and has it run a module; false if the arena is too small for that. */
  start(arenaBytes: number, module: string): boolean;
  /** Queues a copy; false if it is full or dead. */
  post(bytes: Uint8Array): boolean;
  /** Lets it work, at most so many computrons: beyond that, or after any fault, it is dead. */
  run(computronsMax: number): "idle" | "dead";
  poll(): Uint8Array | undefined;
  /** Why the last one died, or an empty text. */
  reason(): string;
  stop(): void;
}

declare const neighbour: SecondMachine;
