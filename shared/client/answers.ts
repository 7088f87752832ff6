import type { Message } from "../chat/contract.ts";
import type { Api } from "./api.ts";
import type { Environment } from "./environment.ts";

export type Rating = "up" | "down";

/** What can be done to the answers of a model. */
export interface AnswerActions {
  /** Ends an answer that is being made; what it has said stays. @throws ApiError */
  stopAnswer(number: number): Promise<void>;
  /** Has the question answered once more: beside this answer, on a branch of its own. @throws ApiError */
  regenerate(number: number): Promise<Message>;
  /** Says what one thinks of an answer; shows at once, and is taken back when it is refused. @throws ApiError */
  rate(number: number, rating: Rating): Promise<void>;
  /** What one has said of an answer, as far as this view knows: the API tells nobody's opinion. */
  ratingOf(number: number): Rating | undefined;
}

/** A chat's answers while they are made. */
export interface Answers extends AnswerActions {
  /** An event of an answer. It may be told twice, by the request that asked and by the chat's stream. */
  takeEvent(event: string, data: Readonly<Record<string, unknown>>): void;
  /** The message with what it has said so far. */
  shown(message: Message): Message;
}

export interface AnswersOptions {
  readonly env: Pick<Environment, "randomId">;
  readonly api: Api;
  /** Of the chat's messages. */
  readonly path: string;
  isKnown(number: number): boolean;
  take(message: Message): void;
  onChange(): void;
}

/** What an attempt has thought and said so far. */
interface Saying {
  readonly epoch: number;
  readonly thinking: string;
  readonly text: string;
}

const NOTHING = { thinking: "", text: "" };

interface Delta {
  readonly message: number;
  readonly epoch: number;
  readonly offset: number;
  readonly text: string;
}

/** True while an answer is not finished. */
export const isOpenAnswer = ({ status }: Pick<Message, "status">): boolean =>
  status === "queued" || status === "streaming";

export function createAnswers({ env, api, path, isKnown, take, onChange }: AnswersOptions): Answers {
  const saying = new Map<number, Saying>();
  const ratings = new Map<number, Rating>();
  const reading = new Set<number>();

  /** Its first words came before the chat's stream told of the answer. */
  const readMessage = async (number: number): Promise<void> => {
    if (isKnown(number) || reading.has(number)) return;
    reading.add(number);
    try {
      take(await api.get<Message>(`${path}/${number}`, { background: true }));
    } catch {
      // The chat's stream tells of it yet.
    } finally {
      reading.delete(number);
    }
  };

  /** Told over several ways, each without a gap and from an attempt's beginning, so the longest tells most. */
  const add = (what: "thinking" | "text", { message: number, epoch, offset, text }: Delta): void => {
    const known = saying.get(number) ?? { epoch: 0, ...NOTHING };
    if (epoch < known.epoch) return;
    const attempt = epoch > known.epoch ? { epoch, ...NOTHING } : known;
    const before = attempt[what];
    if (offset > before.length || offset + text.length <= before.length) return;
    saying.set(number, { ...attempt, [what]: before + text.slice(before.length - offset) });
    void readMessage(number);
    onChange();
  };

  return {
    takeEvent(event, data) {
      if (event === "answer.delta") add("text", data as unknown as Delta);
      else if (event === "answer.thinking") add("thinking", data as unknown as Delta);
      else if (event === "answer.reset") {
        const { message: number, epoch } = data as unknown as Delta;
        if (epoch <= (saying.get(number)?.epoch ?? 0)) return;
        saying.set(number, { epoch, ...NOTHING });
        onChange();
      } else if (event === "answer.done") {
        const message = data["message"] as Message;
        saying.delete(message.number);
        take(message);
      }
    },
    shown(message) {
      if (!isOpenAnswer(message)) return message;
      const said = saying.get(message.number);
      if (said === undefined) return message;
      const { text, thinking } = said;
      return {
        ...message,
        status: "streaming",
        text,
        parts: text === "" ? [] : [{ type: "text", text }],
        // Its tokens are counted once the answer is finished.
        ...(thinking === "" ? {} : { thinking: { text: thinking, tokens: 0 } }),
      };
    },
    stopAnswer: (number) => api.delete(`${path}/${number}/answer`),
    async regenerate(number) {
      const message = await api.post<Message>(`${path}/${number}/answer`, undefined, { key: env.randomId() });
      take(message);
      return message;
    },
    ratingOf: (number) => ratings.get(number),
    async rate(number, rating) {
      const before = ratings.get(number);
      ratings.set(number, rating);
      onChange();
      try {
        await api.put(`${path}/${number}/feedback`, { value: rating });
      } catch (cause) {
        if (ratings.get(number) === rating) {
          if (before === undefined) ratings.delete(number);
          else ratings.set(number, before);
          onChange();
        }
        throw cause;
      }
    },
  };
}
