// The backends that every test of proofs runs on: another one is added here.
import type { Group } from "../../src/proofs/group/group.js";
import { nobleGroup } from "../../src/proofs/group/noble.js";
import { fastGroup } from "../../src/proofs/group/wasm.js";

export const GROUPS: readonly Group[] = [nobleGroup, fastGroup()];
