// Provisioning, once in a meter's life, on the maker's or installer's bench: the unit makes its keys from its
// own entropy, takes its configuration and its first pairing, and proves that it holds the keys that the
// authority is about to certify. The state record is written last; before it the unit counts as blank.
import { asciiBytes } from "../encoding/bytes.js";
import { array, bstr, CborReader, int, tstr } from "../encoding/cbor.js";
import { Journal, MessageKind } from "../journal/journal.js";
import { intervalAt, Status } from "../metrology/interval.js";
import type { Ports } from "../ports.js";
import { CommitmentKey } from "../sealing/commitment.js";
import { bytesOf } from "../sealing/edwards.js";
import { encodeRistretto } from "../sealing/encodings.js";
import { digest, prf } from "../sealing/keys.js";
import { SigningKey } from "../sealing/signature.js";
import { CONFIGURATION_BYTES_MAX, decodeConfiguration } from "./configuration.js";
import { EventLog, EventType } from "./events.js";
import { agree, makePairing, randomScalar } from "./pairing.js";
import { encodeSecrets } from "./secrets.js";

const SEED_BYTES = 32;

/** What the MAC of a possession proof is over, after the label. */
export function possessionProof(shared: Uint8Array, meterId: string, signingKey: Uint8Array): Uint8Array {
  return prf(shared, asciiBytes("sealmeter/1/possession"), asciiBytes(meterId), signingKey);
}

/**
 * Provisions a blank unit.
 * @param request CBOR `[1, configuration bstr, U bstr32, unixSeconds, challenge Q bstr32]`.
 * @returns CBOR `[1, meterId, signingKey, agreementKey, possession proof, pairing document]`: the proof is
 *   PRF(encode(x·Q), label || meterId || signingKey); the pairing's signature proves the signing key.
 * @throws FormatError for a malformed request; the flash is then untouched. Error if already provisioned.
 */
export function provision(ports: Ports, request: Uint8Array): Uint8Array {
  const reader = new CborReader(request, "provisioning request");
  reader.array(5);
  reader.key(1);
  const stored = reader.bytes(1, CONFIGURATION_BYTES_MAX);
  const configuration = decodeConfiguration(stored);
  const user = reader.bytes(32);
  const unix_s = reader.uint(0xffffffff);
  const agreement = randomScalar(ports.entropy);
  const shared = agree(agreement, reader.bytes(32));
  reader.end();
  const journal = new Journal(ports.flash);
  if (journal.recover()) throw new Error("the meter is provisioned already");

  const { meterId, intervalSeconds, channels } = configuration;
  const key = new CommitmentKey(ports.image);
  const signingSeed = new Uint8Array(SEED_BYTES);
  ports.entropy.fill(signingSeed);
  const signer = new SigningKey(signingSeed, key.base);
  const firstInterval = intervalAt(unix_s, intervalSeconds) + 1;
  const pairing = makePairing(ports.entropy, key, signer, { meterId, epoch: 0, user, firstInterval });
  const customers = [{ epoch: 0, firstInterval, key: pairing.customer }];

  journal.format(channels.length);
  const { state } = journal;
  Object.assign(state, { openInterval: firstInterval, openStatus: Status.INCOMPLETE, lastTime_s: unix_s });
  Object.assign(state, { epochFirst: firstInterval, softwareVersion: ports.image.version });
  state.acknowledged[0] = firstInterval;
  const documents = [
    { kind: MessageKind.PAIRING, number: 0, bytes: pairing.document },
    { kind: MessageKind.CONFIGURATION, number: 0, bytes: stored },
  ];
  const events = new EventLog(journal, meterId);
  events.now_s = unix_s;
  events.commit([[EventType.PAIRING, bstr(digest(pairing.payload))]], documents);
  ports.secrets.save(encodeSecrets({ signingSeed, agreement: bytesOf(agreement), customers }));
  journal.writeState();
  ports.rtc?.set(unix_s);

  const agreementKey = encodeRistretto(key.base.multiply(bytesOf(agreement)));
  const proof = possessionProof(shared, meterId, signer.publicKey);
  const keys = [signer.publicKey, agreementKey, proof, pairing.document];
  return array(int(1), tstr(meterId), ...keys.map(bstr));
}
