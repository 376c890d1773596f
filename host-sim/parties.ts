// The parties around a simulated meter, their keys drawn from the seed: the authority that certifies it, the
// supplier, the network operator and the aggregator that it obeys, and the customer who pairs with it.

import { ed25519 } from "@noble/curves/ed25519.js";
import { encodeCertificate } from "../src/proofs/certificate.js";
import { BASE } from "../src/proofs/generators.js";
import { signWithKey, verifySigned } from "../src/proofs/signed.js";
import { Role } from "../src/trusted/authority/certificate.js";
import { type Configuration, encodeConfiguration } from "../src/trusted/authority/configuration.js";
import { agree, randomScalar } from "../src/trusted/authority/pairing.js";
import { possessionProof } from "../src/trusted/authority/provisioning.js";
import { sameBytes } from "../src/trusted/encoding/bytes.js";
import { array, bstr, CborReader, int } from "../src/trusted/encoding/cbor.js";
import { DAY_SECONDS } from "../src/trusted/metrology/interval.js";
import { SeededEntropy } from "./ports.js";
import type { SeededRandom } from "./seeded.js";

/** A signing party: an Ed25519 seed and its public key, 32 bytes each. */
export interface Signer {
  readonly seed: Uint8Array;
  readonly publicKey: Uint8Array;
}

/** The customer's pairing key u and its public point U. */
export interface Customer {
  readonly secret: bigint;
  readonly user: Uint8Array;
}

export interface Parties {
  readonly authority: Signer;
  readonly supplier: Signer;
  readonly network: Signer;
  readonly aggregator: Signer;
  readonly customer: Customer;
}

function drawSigner(random: SeededRandom, name: string): Signer {
  const seed = new Uint8Array(32);
  random.fork(name).fill(seed);
  return { seed, publicKey: ed25519.getPublicKey(seed) };
}

export function drawParties(random: SeededRandom): Parties {
  const secret = randomScalar(new SeededEntropy(random.fork("customer")));
  return {
    authority: drawSigner(random, "authority"),
    supplier: drawSigner(random, "supplier"),
    network: drawSigner(random, "network"),
    aggregator: drawSigner(random, "aggregator"),
    customer: { secret, user: BASE.multiply(secret).toBytes() },
  };
}

/** Years that a certificate of the simulation is valid for. */
const VALID_YEARS = 15;
const YEAR_S = 31_557_600;

export interface Enrolment {
  readonly signingKey: Uint8Array;
  readonly certificate: Uint8Array;
  readonly pairing: Uint8Array;
}

/**
 * What the bench asks of a blank meter, and how the authority certifies it by its answer.
 * @param unix_s the bench's time; the first interval is the one after it.
 */
export function enrolment(
  parties: Parties,
  random: SeededRandom,
  configuration: Configuration,
  softwareId: Uint8Array,
  unix_s: number,
) {
  const challenge = randomScalar(new SeededEntropy(random.fork("challenge")));
  const point = BASE.multiply(challenge).toBytes();
  const stored = encodeConfiguration(configuration);
  const request = array(int(1), bstr(stored), bstr(parties.customer.user), int(unix_s), bstr(point));
  const certify = (answer: Uint8Array): Enrolment => {
    const reader = new CborReader(answer, "provisioning answer");
    reader.array(6);
    reader.key(1);
    const meterId = reader.text(32);
    const [signingKey, agreementKey, proof] = [reader.bytes(32), reader.bytes(32), reader.bytes(32)];
    const pairing = reader.bytes(1, 512);
    reader.end();
    const expected = possessionProof(agree(challenge, agreementKey), meterId, signingKey);
    if (!sameBytes(proof, expected)) throw new Error("the meter does not hold its agreement key");
    verifySigned("pairing-1", pairing, signingKey, 512);
    const notBefore_s = unix_s - (unix_s % DAY_SECONDS);
    const payload = encodeCertificate({
      meterId,
      signingKey,
      agreementKey,
      softwareId,
      intervalSeconds: configuration.intervalSeconds,
      channels: configuration.channels,
      notBefore_s,
      notAfter_s: notBefore_s + VALID_YEARS * YEAR_S,
      role: Role.HOUSEHOLD,
    });
    const certificate = signWithKey("certificate-1", payload, parties.authority.seed);
    return { signingKey, certificate, pairing };
  };
  return { request, certify };
}

/**
 * Provisions a meter as the authority does on the bench: hands in the configuration and a challenge, checks
 * that the meter holds the keys it names, and certifies them.
 * @param unix_s the bench's time; the first interval is the one after it.
 * @param provision the meter's own provisioning.
 */
export function enrol(
  parties: Parties,
  random: SeededRandom,
  configuration: Configuration,
  softwareId: Uint8Array,
  unix_s: number,
  provision: (request: Uint8Array) => Uint8Array,
): Enrolment {
  const { request, certify } = enrolment(parties, random, configuration, softwareId, unix_s);
  return certify(provision(request));
}
