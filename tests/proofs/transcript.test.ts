import { bytesToHex } from "@noble/hashes/utils.js";
import { describe, expect, it } from "vitest";
import { Transcript } from "../../src/proofs/transcript.js";
import { asciiBytes } from "../../src/trusted/encoding/bytes.js";
import { L } from "../../src/trusted/sealing/edwards.js";
import merlin from "../vectors/merlin.json" with { type: "json" };

const zeros = (length: number) => new Uint8Array(length);

describe("Merlin transcripts", () => {
  it("give the challenge of the simple protocol of Merlin's tests", () => {
    const { label, message, challenge } = merlin.simple;
    const transcript = new Transcript(label);
    transcript.append(message.label, asciiBytes(message.text));
    expect(bytesToHex(transcript.challengeBytes(challenge.label, 32))).toBe(challenge.hex);
  });

  it("give the last challenge of the complex protocol of Merlin's tests, whose messages fill the sponge", () => {
    const { label, message, rounds, data, challenge } = merlin.complex;
    const transcript = new Transcript(label);
    transcript.append(message.label, asciiBytes(message.text));
    let last = new Uint8Array(0);
    for (let round = 0; round < rounds; round++) {
      last = transcript.challengeBytes(challenge.label, 32).slice();
      transcript.append(data.label, new Uint8Array(data.length).fill(data.byte));
      transcript.append(data.answerLabel, last);
    }
    expect(bytesToHex(last)).toBe(challenge.hex);
  });

  it("differ by label, by message and by where a message ends", () => {
    const steps: [string, string][][] = [
      [["a", "xy"]],
      [["a", "xz"]],
      [["b", "xy"]],
      [["ax", "y"]],
      [
        ["a", "x"],
        ["a", "y"],
      ],
    ];
    const challenges = steps.map((step) => {
      const transcript = new Transcript("differ");
      for (const [label, message] of step) transcript.append(label, asciiBytes(message));
      return transcript.challenge("c");
    });
    expect(new Set(challenges).size).toBe(steps.length);
    expect(challenges.every((challenge) => challenge < L)).toBe(true);
  });

  it("go on by themselves once copied", () => {
    const transcript = new Transcript("copy");
    transcript.appendUint("n", 7);
    const copy = new Transcript(transcript);
    copy.appendScalar("s", 1n);
    const untouched = new Transcript("copy");
    untouched.appendUint("n", 7);
    expect(transcript.challenge("c")).toBe(untouched.challenge("c"));
    expect(copy.challenge("c")).not.toBe(transcript.challenge("c"));
  });

  it("give blinding scalars that depend on the transcript, the secrets and the entropy each, and on nothing else", () => {
    const nonces = (label: string, secret: bigint, byte: number) =>
      new Transcript(label).nonces([secret], (length) => zeros(length).fill(byte)).scalars(2);
    const first = nonces("t", 1n, 0);
    expect(nonces("t", 1n, 0)).toEqual(first);
    const all = [first, nonces("s", 1n, 0), nonces("t", 2n, 0), nonces("t", 1n, 1)].flat();
    expect(new Set(all).size).toBe(all.length);
    const transcript = new Transcript("t");
    transcript.nonces([1n], zeros);
    expect(transcript.challenge("c")).toBe(new Transcript("t").challenge("c"));
  });
});
