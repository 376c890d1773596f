// A street's folder for the tests of `aggregate`: what meters of a model street would have sent in a day.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { concatBytes } from "@noble/hashes/utils.js";
import type { ModelStreet } from "../../host-sim/model-street.js";
import type { KeptRoster } from "../../src/aggregation/rosters.js";
import { toHex } from "../../tools/command-line.js";

/** A share to be sent: by which meter of the street, under which roster, for which interval of the day. */
export interface Sending {
  readonly meter: number;
  readonly kept: KeptRoster;
  readonly at: number;
}

/** What a meter's file holds in place of a share; none withholds it. */
export type Send = (message: Uint8Array, sending: Sending) => readonly Uint8Array[];

/** Writes the folder of a street whose rosters are kept already, with `intervals` of its first day. */
export function writeStreet(
  directory: string,
  street: ModelStreet,
  { intervals = 48, send = (message) => [message] }: { intervals?: number; send?: Send } = {},
): void {
  mkdirSync(join(directory, "rosters"), { recursive: true });
  writeFileSync(join(directory, "authority.pub"), `${toHex(street.authorityKey)}\n`);
  writeFileSync(join(directory, "aggregator.pub"), `${toHex(street.aggregatorKey)}\n`);
  for (const { document, members, roster, standing } of street.rosters.all) {
    const path = join(directory, "rosters", `${roster.rosterNumber}`.padStart(5, "0"));
    writeFileSync(`${path}.cbor`, document);
    const lines = members.map(({ meterId }) => `${meterId}\n`).join("");
    if (standing === null) writeFileSync(`${path}.members`, lines);
  }
  street.meters.forEach(({ meterId, document }, meter) => {
    const folder = join(directory, meterId);
    mkdirSync(join(folder, "batches"), { recursive: true });
    writeFileSync(join(folder, "certificate.cbor"), document);
    for (const [at, batch] of street.batchesOf(meter, 1).entries()) {
      writeFileSync(join(folder, "batches", `${`${at}`.padStart(6, "0")}.cbor`), batch);
    }
    const shares = street.rosters.of(meterId).flatMap((kept) => {
      const { firstInterval, lastInterval } = kept.roster;
      return Array.from({ length: intervals }, (_, at) => at).flatMap((at) => {
        const interval = street.firstOf(0) + at;
        const isOf = interval >= firstInterval && interval <= (lastInterval ?? interval);
        if (!isOf || !street.hasPower(meter, interval)) return [];
        const message = street.shareOf(kept, kept.places.get(meterId) ?? 0, interval);
        return send(message, { meter, kept, at });
      });
    });
    writeFileSync(join(folder, "shares.cbor"), concatBytes(...shares.reverse()));
  });
  const feeder = street.enrol(9998, { role: 1 });
  mkdirSync(join(directory, feeder.meterId));
  writeFileSync(join(directory, feeder.meterId, "certificate.cbor"), feeder.document);
}
