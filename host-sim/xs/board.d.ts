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
