// What the metrology unit needs from outside, and all that it gets: flash, a store for its keys, entropy,
// energy, a button. Every port is synchronous and polled: nothing outside ever calls into the unit, and a
// port's answer is bounded. The same interfaces are met by the ESP32, by the bare-metal image and by the
// simulator.

/** Bytes in a flash sector, the unit of erasing. */
export const SECTOR_BYTES = 4096;
/** Alignment and granularity of programming (flash encryption works on 16-byte blocks). */
export const BLOCK_BYTES = 16;

/** NOR flash holding the journal. Addresses are byte offsets in the journal's partition. */
export interface Flash {
  /** Number of sectors of SECTOR_BYTES. */
  readonly sectors: number;
  /** Fills `into` with the bytes at `address`. What an erased or torn block reads as is undefined. */
  read(address: number, into: Uint8Array): void;
  /** Writes `bytes` to blocks erased before; address and length are multiples of BLOCK_BYTES. */
  program(address: number, bytes: Uint8Array): void;
  erase(sector: number): void;
}

/** Keys live here and never in the journal. Replacing is atomic: after a power cut the old or the new set. */
export interface SecretStore {
  /** The living set, or null when nothing was ever saved; at most 1,024 bytes. */
  load(): Uint8Array | null;
  save(secrets: Uint8Array): void;
}

/** Hardware entropy, fit for keys. */
export interface Entropy {
  fill(into: Uint8Array): void;
}

/** What a front end measured since it was last read. */
export interface EnergyIncrement {
  /** Energy per channel, in the order of the configuration: whole mJ, not negative. */
  readonly energy_mJ: readonly number[];
  /** Quality flags of design section 3 that the front end raises (INCOMPLETE, TAMPER, FAULT), else 0. */
  readonly status: number;
}

/** A front end; it tolerates 3 s without being read. */
export interface EnergySource {
  read(): EnergyIncrement;
}

/** The pairing button. */
export interface Button {
  /** Whether it was pressed since the last call. */
  pressed(): boolean;
}

/** The parts of the installed image that are data, made at build time. */
export interface Image {
  /** SHA-256 over the unit's built code and tables: its software identity (WELMEC 7.2). */
  readonly softwareId: Uint8Array;
  /** The authority's Ed25519 public key, 32 bytes. */
  readonly authorityKey: Uint8Array;
  /** Window width of both tables, bits: 3 to 6. */
  readonly tableWindow: number;
  /** Fixed-base tables of B and of B~ (sealing/fixed-base.ts). */
  readonly tableB: Uint8Array;
  readonly tableBlinding: Uint8Array;
}

export interface Ports {
  readonly image: Image;
  readonly flash: Flash;
  readonly secrets: SecretStore;
  readonly entropy: Entropy;
  readonly energy: EnergySource;
  readonly button: Button;
}
