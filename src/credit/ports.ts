// What the credit logic needs of its device, beside the metrology unit: contacts that switch the supply, a button
// to close them, and a place for the tariff that credit is drawn by. All are synchronous and polled.

/**
 * Largest signed tariff that a meter takes, bytes: what it takes decoded comes out of the unit's machine
 * (docs/performance.md). Four days of prices by the quarter-hour fit, or eighteen by the hour.
 */
export const CREDIT_TARIFF_BYTES_MAX = 2_000;

/** The contacts that carry the supply. */
export interface Relay {
  /** Drives them; a bistable relay stays where it was put, without power too. */
  drive(closed: boolean): void;
  /** Whether current can flow, as sensed behind the contacts; null where nothing senses it. */
  feedback(): boolean | null;
}

/**
 * Two places for signed tariffs: one for that in force, one for the next, so that a power cut leaves the one that the
 * unit's state names. What rots is found by the digest.
 */
export interface TariffStore {
  /** What was saved last, or null; at most CREDIT_TARIFF_BYTES_MAX bytes. */
  load(slot: 0 | 1): Uint8Array | null;
  /** @returns false when it could not be stored; what the slot holds then is not told. */
  save(slot: 0 | 1, document: Uint8Array): boolean;
}
