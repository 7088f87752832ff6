import type { Message } from "../chat/contract.ts";
import type { Api } from "./api.ts";
import { ApiError } from "./api-error.ts";
import type { Environment } from "./environment.ts";
import { createEventParser } from "./event-parser.ts";
import { SILENCE_MS_MAX, textOf } from "./event-stream.ts";
import type { Draft } from "./outbox.ts";

/** One try of sending a draft. Resolves with the message as soon as the server has it. @throws ApiError */
export type PostMessage = (draft: Draft) => Promise<Message>;

export interface PostMessageOptions {
  readonly env: Environment;
  readonly api: Api;
  /** Whether a model answers in this chat. */
  isAnswered(chat: number): boolean;
  /** What the answer's stream tells, the question's own event included. */
  onEvent(chat: number, event: string, data: Readonly<Record<string, unknown>>): void;
}

/**
 * Where a model answers, the request stays open and brings the answer's words as they come, on the shortest
 * way there is. Should it break off nothing is lost: the answer goes on, and the chat's own stream tells it
 * too.
 */
export function createPostMessage(options: PostMessageOptions): PostMessage & { readonly close: () => void } {
  const { env, api, isAnswered, onEvent } = options;
  const ending = new AbortController();

  const ask: PostMessage = async ({ chat, key, message: body }) => {
    const line = new AbortController();
    const hangUp = (): void => line.abort();
    let cancel = env.after(SILENCE_MS_MAX, hangUp);
    const heard = (): void => {
      cancel();
      cancel = env.after(SILENCE_MS_MAX, hangUp);
    };
    try {
      const response = await api.open(pathOf(chat), { method: "POST", body, key, signal: line.signal });
      if (!isStream(response)) {
        // The message was there already: this was not the first try.
        const message = (await response.json()) as Message;
        cancel();
        return message;
      }
      heard();
      return await readAnswer(response, {
        heard,
        end: () => cancel(),
        tell(event, data) {
          // A question that has not come through is not to be lost because somebody leaves.
          if (event === "message.created") ending.signal.addEventListener("abort", hangUp, { once: true });
          if (!ending.signal.aborted) onEvent(chat, event, data);
        },
      });
    } catch (cause) {
      cancel();
      if (cause instanceof ApiError) throw cause;
      throw new ApiError(0, { detail: "The server can't be reached." }, 0, cause);
    }
  };
  const post: PostMessage = (draft) =>
    isAnswered(draft.chat)
      ? ask(draft)
      : api.post<Message>(pathOf(draft.chat), draft.message, { key: draft.key, tries: 1 });
  return Object.assign(post, { close: () => ending.abort() });
}

const pathOf = (chat: number): string => `/chats/${chat}/messages`;

const isStream = (response: Response): boolean =>
  /^text\/event-stream\b/.test(response.headers.get("content-type") ?? "");

interface Listener {
  heard(): void;
  end(): void;
  tell(event: string, data: Readonly<Record<string, unknown>>): void;
}

/** Resolves with the question, which comes first; goes on telling until the stream ends. */
function readAnswer(response: Response, { heard, end, tell }: Listener): Promise<Message> {
  const { promise, resolve, reject } = Promise.withResolvers<Message>();
  const parser = createEventParser(({ event, data }) => {
    const told = JSON.parse(data) as Readonly<Record<string, unknown>>;
    tell(event, told);
    if (event === "message.created") resolve(told["message"] as Message);
  });
  const read = async (): Promise<void> => {
    try {
      for await (const text of textOf(response)) {
        heard();
        parser.push(text);
      }
    } finally {
      end();
    }
    // Without effect once the question has come.
    reject(new ApiError(0, { detail: "The answer was cut off." }));
  };
  read().catch(reject);
  return promise;
}
