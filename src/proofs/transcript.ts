// What prover and verifier have said so far, and the challenges that follow from it: Merlin v1.0 (merlin.cool)
// over the STROBE-128 of STROBE v1.0.2 (strobe.sourceforge.io), as dalek's bulletproofs use it. Whatever a proof
// is about must be appended before the first challenge; nothing here can tell whether it was.
import { keccakP } from "@noble/hashes/sha3.js";
import { swap32IfBE } from "@noble/hashes/utils.js";
import { asciiBytes } from "../trusted/encoding/bytes.js";
import { bytesOf } from "../trusted/sealing/edwards.js";
import { WIDE_BYTES, wideScalar } from "./scalars.js";

/** As many random bytes as asked for, from a source fit for keys. */
export type Entropy = (length: number) => Uint8Array;

const STATE_BYTES = 200;
/** Bytes of the sponge that take input: 200 - 128/4 - 2. */
const RATE = 166;
/** The flags of an operation. */
const I = 1;
const A = 2;
const C = 4;
const M = 16;
const ENTROPY_BYTES = 32;
/** Bytes of a blinding scalar, as of a reading's opening: modulo l they are uniform but for 2^-132. */
const NONCE_BYTES = 48;

/** The four operations of STROBE-128 that Merlin needs. */
class Strobe {
  private readonly state: Uint8Array;
  private readonly words: Uint32Array;
  private at = 0;
  private begin = 0;

  constructor(other?: Strobe) {
    this.words = other ? other.words.slice() : new Uint32Array(STATE_BYTES / 4);
    this.state = new Uint8Array(this.words.buffer);
    if (other) [this.at, this.begin] = [other.at, other.begin];
    else this.initialize();
  }

  private initialize(): void {
    this.state.set([1, RATE + 2, 1, 0, 1, 96]);
    this.state.set(asciiBytes("STROBEv1.0.2"), 6);
    this.permute();
    this.metadata(asciiBytes("Merlin v1.0"));
  }

  /** Says what comes next: each of `parts` continues the same operation. */
  metadata(...parts: readonly Uint8Array[]): void {
    this.start(M | A);
    for (const part of parts) this.absorb(part);
  }

  data(bytes: Uint8Array): void {
    this.start(A);
    this.absorb(bytes);
  }

  /** Takes a secret; what comes out afterwards cannot be foreseen without it. */
  key(bytes: Uint8Array): void {
    this.start(A | C);
    for (const byte of bytes) {
      this.state[this.at] = byte;
      this.advance();
    }
  }

  output(length: number): Uint8Array {
    this.start(I | A | C);
    const out = new Uint8Array(length);
    for (let k = 0; k < length; k++) {
      out[k] = this.state[this.at] ?? 0;
      this.state[this.at] = 0;
      this.advance();
    }
    return out;
  }

  private start(flags: number): void {
    const before = this.begin;
    this.begin = this.at + 1;
    this.absorb(Uint8Array.of(before, flags));
    if ((flags & C) !== 0 && this.at !== 0) this.finish();
  }

  private absorb(bytes: Uint8Array): void {
    for (const byte of bytes) {
      this.mix(this.at, byte);
      this.advance();
    }
  }

  private advance(): void {
    this.at++;
    if (this.at === RATE) this.finish();
  }

  private finish(): void {
    this.mix(this.at, this.begin);
    this.mix(this.at + 1, 0x04);
    this.mix(RATE + 1, 0x80);
    this.permute();
    this.at = 0;
    this.begin = 0;
  }

  private mix(at: number, byte: number): void {
    this.state[at] = (this.state[at] ?? 0) ^ byte;
  }

  private permute(): void {
    swap32IfBE(this.words);
    keccakP(this.words);
    swap32IfBE(this.words);
  }
}

/** A prover's source of blinding scalars, uniform in [0, l). */
export interface Nonces {
  scalars(count: number): bigint[];
  scalar(): bigint;
}

/** An unsigned integer below 2^53 as Merlin writes it. */
const littleEndian = (value: number, width: number) => bytesOf(BigInt(value)).subarray(0, width);

/** The transcript of one proof, or of several that follow each other. Labels are ASCII. */
export class Transcript {
  private readonly strobe: Strobe;

  /** @param label names the protocol that the proof is part of; a prover's and a verifier's must be the same. */
  constructor(label: string);
  /** A transcript that has seen what `other` has, and goes on by itself. */
  constructor(other: Transcript);
  constructor(from: string | Transcript) {
    this.strobe = from instanceof Transcript ? new Strobe(from.strobe) : new Strobe();
    if (typeof from === "string") this.append("dom-sep", asciiBytes(from));
  }

  /** @param message below 2^32 bytes. */
  append(label: string, message: Uint8Array): void {
    this.strobe.metadata(asciiBytes(label), littleEndian(message.length, 4));
    this.strobe.data(message);
  }

  /** An unsigned integer below 2^53, as 8 bytes little-endian. */
  appendUint(label: string, value: number): void {
    this.append(label, littleEndian(value, 8));
  }

  /** A scalar in [0, l), as 32 bytes little-endian. */
  appendScalar(label: string, scalar: bigint): void {
    this.append(label, bytesOf(scalar));
  }

  challengeBytes(label: string, length: number): Uint8Array {
    this.strobe.metadata(asciiBytes(label), littleEndian(length, 4));
    return this.strobe.output(length);
  }

  /** A scalar in [0, l) that nobody can foresee who has not fixed all that was appended. */
  challenge(label: string): bigint {
    return wideScalar(this.challengeBytes(label, WIDE_BYTES));
  }

  /**
   * Scalars for blinding, from the transcript, the secrets and the entropy together: they stay secret while any
   * one of the last two does, and are not repeated for another statement even if the entropy is. The
   * transcript is left as it was.
   * @param secrets scalars in [0, l).
   */
  nonces(secrets: readonly bigint[], entropy: Entropy): Nonces {
    const strobe = new Strobe(this.strobe);
    const witness = new Uint8Array(32 * secrets.length);
    secrets.forEach((secret, at) => {
      witness.set(bytesOf(secret), 32 * at);
    });
    strobe.metadata(asciiBytes("witness"), littleEndian(witness.length, 4));
    strobe.key(witness);
    strobe.metadata(asciiBytes("rng"));
    strobe.key(entropy(ENTROPY_BYTES));
    return new StrobeNonces(strobe);
  }
}

class StrobeNonces implements Nonces {
  private readonly strobe: Strobe;

  constructor(strobe: Strobe) {
    this.strobe = strobe;
  }

  scalars(count: number): bigint[] {
    const length = count * NONCE_BYTES;
    this.strobe.metadata(littleEndian(length, 4));
    const bytes = this.strobe.output(length);
    return Array.from({ length: count }, (_, at) =>
      wideScalar(bytes.subarray(at * NONCE_BYTES, (at + 1) * NONCE_BYTES)),
    );
  }

  scalar(): bigint {
    const [scalar = 0n] = this.scalars(1);
    return scalar;
  }
}
