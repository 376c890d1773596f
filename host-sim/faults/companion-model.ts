// What a Companion keeps, as far as the unit has made it durable: each of its answers is a record, written whole or
// not at all, in the order in which they were given. After a power cut the unit may hold the answers of its last step
// up to any of them. What an answer should have been is not for here to say.
import { bytesToHex } from "@noble/hashes/utils.js";
import { sameBytes } from "../../src/trusted/encoding/bytes.js";
import { COMPANION_BYTES, SWITCH_CLOSED } from "../../src/trusted/journal/state.js";
import type { CompanionAnswer } from "../../src/trusted/ports.js";
import { holds } from "./violation.js";

/** What the unit keeps of a Companion. */
export type Kept = Pick<CompanionAnswer, "companion" | "loadSwitch">;

interface Answered extends Kept {
  readonly byCommand: boolean;
  /** Called once the answer is durable. */
  readonly adopt: () => void;
}

const same = (one: Kept, other: Kept) =>
  sameBytes(one.companion, other.companion) && one.loadSwitch === other.loadSwitch;

const shown = ({ companion, loadSwitch }: Kept) => `${bytesToHex(companion)}, switch ${loadSwitch}`;

export class CompanionModel {
  #durable: Kept = { companion: new Uint8Array(COMPANION_BYTES), loadSwitch: SWITCH_CLOSED };
  /** Answers of this step. */
  #answers: Answered[] = [];
  /** Those of the step in which the power failed. */
  #doubtful: readonly Answered[] | null = null;
  /** What came of the command in this step that it was asked about. */
  judged: "taken" | "refused" | null = null;

  get loadSwitch(): number {
    return this.#durable.loadSwitch;
  }

  /** It is asked, with the state that the unit holds for it. */
  asked(state: Uint8Array): void {
    const { companion } = this.#answers.at(-1) ?? this.#durable;
    holds(sameBytes(state, companion), "the Companion's state is what it last was", () => {
      return `${bytesToHex(state)} for ${bytesToHex(companion)}`;
    });
  }

  /** It has answered, otherwise than to a command. */
  answered({ companion, loadSwitch }: CompanionAnswer, adopt: () => void = () => {}): void {
    this.#answers.push({ companion: companion.slice(), loadSwitch, byCommand: false, adopt });
  }

  /** It was asked about a command. @param answer null where it has refused it. */
  judge(answer: CompanionAnswer | null, adopt: () => void = () => {}): void {
    this.judged = answer ? "taken" : "refused";
    if (!answer) return;
    const { companion, loadSwitch } = answer;
    this.#answers.push({ companion: companion.slice(), loadSwitch, byCommand: true, adopt });
  }

  stepped(): void {
    this.#adopt(this.#answers);
    this.#answers = [];
  }

  /** The power failed; it may have failed again before anything could be seen. */
  cut(): void {
    this.#doubtful ??= this.#answers;
    this.#answers = [];
    this.judged = null;
  }

  /** What the unit holds after a restart. @param isObeyed whether the command of the last step has taken effect. */
  restarted(found: Kept, isObeyed: boolean): void {
    const answers = this.#doubtful ?? [];
    this.#doubtful = null;
    for (let count = answers.length; count > 0; count--) {
      const last = answers[count - 1] as Answered;
      if (last.byCommand !== isObeyed || !same(last, found)) continue;
      this.#adopt(answers.slice(0, count));
      return;
    }
  }

  compare(found: Kept): void {
    holds(same(found, this.#durable), "the Companion's state is what was accepted", () => {
      return `${shown(found)} for ${shown(this.#durable)}`;
    });
  }

  #adopt(answers: readonly Answered[]): void {
    for (const { adopt } of answers) adopt();
    this.#durable = answers.at(-1) ?? this.#durable;
  }
}
