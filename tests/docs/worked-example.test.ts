// Writes docs/worked-example.md from the code, and compares every value with the independent vectors.
import { hexToBytes } from "@noble/hashes/utils.js";
import { describe, expect, it } from "vitest";
import { encodeRoster, membersDigest } from "../../src/aggregation/roster.js";
import { encodeCertificate } from "../../src/proofs/certificate.js";
import { BASE, makeCommitmentKey } from "../../src/proofs/generators.js";
import { agree, encodePairing } from "../../src/trusted/authority/pairing.js";
import { pairKey } from "../../src/trusted/blinding/pair-keys.js";
import { decodeRoster } from "../../src/trusted/blinding/roster.js";
import { encodeShare } from "../../src/trusted/blinding/share.js";
import { asciiBytes, uintBytes } from "../../src/trusted/encoding/bytes.js";
import { array, bstr, int, NIL, tstr } from "../../src/trusted/encoding/cbor.js";
import { dayOf } from "../../src/trusted/metrology/interval.js";
import { encodeLeaf, encodeStatement } from "../../src/trusted/sealing/batch.js";
import { bytesOf } from "../../src/trusted/sealing/edwards.js";
import { encodeRistretto } from "../../src/trusted/sealing/encodings.js";
import { customerKey, dayKey, digest, prf, ReadingKeys, scalarFrom } from "../../src/trusted/sealing/keys.js";
import { leafHash, MerkleFrontier } from "../../src/trusted/sealing/merkle.js";
import { padReadings } from "../../src/trusted/sealing/sealer.js";
import { SigningKey } from "../../src/trusted/sealing/signature.js";
import { example, seedOf } from "../example.js";
import { exampleOpening, type Neighbour, neighbours, shareOf } from "../street.js";
import vectors from "../vectors/sealmeter-example.json" with { type: "json" };

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");
const key = makeCommitmentKey();
const meter = new SigningKey(seedOf("signing"), key.base);
const authority = new SigningKey(seedOf("authority"), key.base);
const aggregator = new SigningKey(seedOf("aggregator"), key.base);
const { meterId, intervalSeconds } = vectors;

interface Line {
  readonly name: string;
  readonly value: string;
  /** The same value in the independent vectors, where it stands there. */
  readonly vector?: string;
}

const line = (name: string, bytes: Uint8Array, vector?: string): Line => ({
  name,
  value: hex(bytes),
  ...(vector !== undefined && { vector }),
});

function keyLines(): Line[] {
  const u = scalarFrom(hexToBytes(vectors.customerSecret));
  const e = scalarFrom(hexToBytes(vectors.ephemeralSecret));
  const [user, ephemeral] = [BASE.multiply(u).toBytes(), encodeRistretto(key.base.multiply(bytesOf(e)))];
  const shared = agree(u, ephemeral);
  const pairing = { meterId, epoch: 0, user, ephemeral, firstInterval: 727_488 };
  const payload = encodePairing(pairing);
  const event = array(int(1), tstr(meterId), int(0), int(1_309_478_340), int(7), bstr(digest(payload)));
  return [
    line("authority's public key", authority.publicKey, vectors.authorityPublic),
    line("meter's signing seed", seedOf("signing"), vectors.signingSeed),
    line("meter's signing key", meter.publicKey, vectors.signingPublic),
    line(
      "X = x·B",
      encodeRistretto(key.base.multiply(hexToBytes(vectors.agreementSecret))),
      vectors.agreementPublic,
    ),
    line(
      "certificate",
      authority.signDocument("certificate-1", encodeCertificate(example.certificate)),
      vectors.certificate,
    ),
    line("u", bytesOf(u), vectors.customerSecret),
    line("U = u·B", user, vectors.customerPublic),
    line("e", bytesOf(e), vectors.ephemeralSecret),
    line("E = e·B", ephemeral, vectors.ephemeralPublic),
    line("encode(e·U) = encode(u·E)", shared),
    line("K", customerKey(shared, pairing), vectors.K),
    line("pairing, payload", payload),
    line("pairing", meter.signDocument("pairing-1", payload), vectors.pairing),
    line("event 0, pairing", event, vectors.pairingEvent),
    line("e_1", digest(new Uint8Array(32), event), vectors.eventDigest),
  ];
}

interface VectorReading {
  readonly interval: number;
  readonly status: number;
  readonly message: string;
  readonly channels: readonly {
    readonly channel: number;
    readonly reading: number;
    readonly opening: string;
    readonly pad: string;
    readonly encrypted: string;
    readonly commitment: string;
  }[];
}

const K = hexToBytes(vectors.K);

function readingLines({ interval, status, message, channels }: VectorReading): Line[] {
  const daily = dayKey(K, dayOf(interval, intervalSeconds));
  const keys = new ReadingKeys(daily);
  const padded = padReadings(
    channels.map(({ reading }) => reading),
    keys,
    interval,
  );
  const sent = array(int(1), tstr(meterId), int(0), int(interval), int(status), bstr(padded));
  const lines = channels.flatMap((channel) => {
    const at = `interval ${interval}, channel ${channel.channel}, reading ${channel.reading}`;
    const { opening: t, pad } = keys.of(channel.channel, interval);
    const C = key.commit(channel.reading, t);
    const z = ["open1", "open2"].map((label) =>
      prf(daily, asciiBytes(label), uintBytes(channel.channel, 1), uintBytes(interval, 4)),
    );
    return [
      line(`${at}: z`, Buffer.concat(z)),
      line(`${at}: t`, bytesOf(t), channel.opening),
      line(`${at}: pad`, pad, channel.pad),
      line(`${at}: encrypted`, padded.slice(4 * channel.channel, 4 * channel.channel + 4), channel.encrypted),
      line(`${at}: C`, C, channel.commitment),
      line(`${at}: leaf`, encodeLeaf(interval, channel.channel, status, C)),
    ];
  });
  return [...lines, line(`interval ${interval}, status ${status}: message`, sent, message)];
}

interface VectorBatch {
  readonly readings: readonly VectorReading[];
  readonly leaves: readonly string[];
  readonly merkleRoot: string;
  readonly batchStatement: string;
  readonly batch: string;
}

function batchLines(batchNumber: number, batch: VectorBatch, previous: Uint8Array, events: string): Line[] {
  const frontier = new MerkleFrontier();
  const leaves = batch.readings.flatMap(({ interval, status, channels }) =>
    channels.map(({ channel, commitment }) => encodeLeaf(interval, channel, status, hexToBytes(commitment))),
  );
  for (const leaf of leaves) frontier.append(leaf);
  const payload = encodeStatement({
    meterId,
    batchNumber,
    epoch: 0,
    firstInterval: batch.readings[0]?.interval ?? 0,
    intervalSeconds,
    intervalCount: batch.readings.length,
    channelCount: 2,
    merkleRoot: frontier.root(),
    previousBatchDigest: previous,
    softwareId: hexToBytes(vectors.softwareId),
    eventDigest: hexToBytes(events),
    statusUnion: batch.readings.reduce((union, { status }) => union | status, 0),
  });
  return [
    ...leaves.map((leaf, at) => line(`leaf ${at}`, leaf, batch.leaves[at] ?? "")),
    ...leaves.map((leaf, at) => line(`hash of leaf ${at}`, leafHash(leaf))),
    line("merkleRoot", frontier.root(), batch.merkleRoot),
    line("statement", payload, batch.batchStatement),
    line("digest of the statement", digest(payload)),
    line("batch", meter.signDocument("batch-1", payload), batch.batch),
  ];
}

/** A street: its members' keys, the roster, and every share (docs/protocol.md, "Aggregation"). */
interface Street {
  readonly groupId: string;
  readonly rosterPayload: string;
  readonly S: string;
  readonly shares: readonly {
    readonly meterId: string;
    readonly readings: readonly number[];
    readonly share: string;
  }[];
}

function streetLines(street: Street, count: number): Line[] {
  const members = neighbours(count);
  const payload = hexToBytes(street.rosterPayload);
  const roster = decodeRoster(payload);
  const shares = street.shares.map(({ meterId: member, readings, share }) => {
    const own = members.findIndex((one) => one.meterId === member);
    const openings = readings.map((reading, channel) => ({
      reading,
      opening: exampleOpening(member, channel),
    }));
    const options = { roster, S: digest(payload), members, interval: vectors.aggregation.interval };
    return line(`${member}, readings ${readings.join(" ")}: share`, shareOf(options, own, openings), share);
  });
  return [
    line("roster, payload", encodeRoster(roster), street.rosterPayload),
    line("S", digest(payload), street.S),
    ...shares,
  ];
}

function aggregationLines(): Line[] {
  const { aggregation } = vectors;
  const members = neighbours(3);
  const pairs = aggregation.pairKeys.map(({ between, key: expected }) => {
    const [a, b] = between.map((name) => members.find((one) => one.meterId === name) as Neighbour);
    const pair = pairKey((a as Neighbour).agreement, a as Neighbour, b as Neighbour, "street-1");
    return line(`Kab of ${between.join(" and ")} in street-1`, pair, expected);
  });
  const payload = hexToBytes(aggregation.three.rosterPayload);
  const [first] = aggregation.three.shares;
  const names = { interval: aggregation.interval, groupId: "street-1", rosterNumber: 1, status: 0 };
  const message = encodeShare({ meterId, ...names }, hexToBytes(first?.share ?? ""));
  return [
    ...members.map(({ meterId: member, X }) => line(`X of ${member}`, X)),
    ...pairs,
    line("digest of the three members", membersDigest(members), aggregation.membersDigest),
    line(
      "roster of three, statistics 1 2 3",
      aggregator.signDocument("roster-1", payload),
      aggregation.roster,
    ),
    ...streetLines(aggregation.three, 3),
    line("message of the first share", message, aggregation.messageOfFirst),
  ];
}

function chapters(): { title: string; lines: Line[] }[] {
  const first = hexToBytes(vectors.batchDigest);
  const event = array(int(1), tstr(meterId), int(1), int(1_309_565_400), int(3), NIL);
  const chained = digest(hexToBytes(vectors.eventDigest), event);
  const { second } = vectors;
  const day = dayKey(K, vectors.day);
  return [
    { title: "Keys, certificate, pairing", lines: keyLines() },
    {
      title: `Readings of day ${vectors.day}`,
      lines: [line("Kday", day, vectors.Kday), ...vectors.readings.flatMap(readingLines)],
    },
    { title: "Batch 0", lines: batchLines(0, vectors, new Uint8Array(32), vectors.eventDigest) },
    {
      title: "Event 1 and the readings of the next day",
      lines: [
        line("event 1, clock set", event, second.event),
        line("e_2", chained, second.eventDigest),
        ...second.readings.flatMap(readingLines),
      ],
    },
    { title: "Batch 1", lines: batchLines(1, second, first, second.eventDigest) },
    { title: `A street of three in interval ${vectors.aggregation.interval}`, lines: aggregationLines() },
    { title: "A street of four with five channels", lines: streetLines(vectors.aggregation.fiveChannels, 4) },
    { title: "A repair of it without the third member", lines: streetLines(vectors.aggregation.repair, 4) },
  ];
}

function render(): string {
  const head = [
    "# The worked example",
    "",
    "Every intermediate value of [protocol.md](protocol.md) for two batches of one meter, in hex; scalars are 32 bytes",
    "little-endian. Written by tests/docs/worked-example.test.ts from the code, and compared there with the values of an",
    "independent program (tests/vectors/sealmeter-example.json).",
    "",
    `Seeds are SHA-512("sealmeter example " || name): its first 32 bytes for Ed25519, its 64 bytes little-endian mod l for`,
    `scalars. The meter is ${meterId}, intervals have ${intervalSeconds} s, the epoch is 0; softwareId is`,
    `SHA-256("example software"), \`${vectors.softwareId}\`.`,
    "",
    "The streets show arithmetic and ignore the rules of acceptance. Their meters are SM-0001 to SM-0004, whose scalars x are of the",
    `seed "agreement", of the others "agreement <meterId>"; openings are SHA-256("opening <meterId> <channel>") mod l.`,
  ];
  const body = chapters().flatMap(({ title, lines }) => [
    "",
    `## ${title}`,
    "",
    "| what | value |",
    "|---|---|",
    ...lines.map(({ name, value }) => `| ${name} | \`${value}\` |`),
  ]);
  return `${[...head, ...body].join("\n")}\n`;
}

describe("the worked example of the protocol", () => {
  it("comes out of the code as it does of an independent program", () => {
    const known = chapters().flatMap(({ lines }) => lines.filter(({ vector }) => vector !== undefined));
    expect(known.length).toBeGreaterThan(50);
    for (const { name, value, vector } of known) expect(value, name).toBe(vector);
    expect(chapters()[2]?.lines.map(({ value }) => value)).toEqual(
      expect.arrayContaining([...vectors.leafHashes, vectors.batchDigest]),
    );
  });

  it("stands in the documentation as the code gives it", async () => {
    await expect(render()).toMatchFileSnapshot("../../docs/worked-example.md");
  });
});
