import type { Message } from "../chat/contract.ts";
import type { Api } from "./api.ts";
import { ApiError, isTransient } from "./api-error.ts";
import { backoffMs, type Environment, pause } from "./environment.ts";

/**
 * Changes of messages that show before the server has confirmed them. Those of one message are made in their
 * order; one that is refused, or can't be made for GIVE_UP_MS, is taken back and its promise rejects.
 */
export interface PendingChanges {
  /**
   * `from`: the message that was edited, where it may have changed since.
   * @throws EditConflict when another device has written other text meanwhile
   */
  edit(number: number, text: string, from?: Message): Promise<void>;
  /** Deletes it for everyone. `keepalive`: the page is going away and can't wait for the answer. */
  remove(number: number, keepalive?: boolean): Promise<void>;
  /** Adds one's reaction, or takes it back. */
  react(number: number, emoji: string, isPresent: boolean): Promise<void>;
  /** Pins it for everybody in the chat, or takes the pin away. */
  pin(number: number, isPinned: boolean): Promise<void>;
  /** The message as it will be. */
  shown(message: Message): Message;
  close(): void;
}

/** Two texts for one message; the person chooses. Editing from `theirs` replaces it. */
export class EditConflict extends Error {
  readonly theirs: Message;

  constructor(theirs: Message, cause: unknown) {
    super("The message has been changed on another device meanwhile.", { cause });
    this.name = "EditConflict";
    this.theirs = theirs;
  }
}

export const GIVE_UP_MS = 60_000;

interface Change {
  readonly number: number;
  apply(message: Message): Message;
  /** Answers with the message as it then is, where the API tells. */
  make(): Promise<Message | undefined>;
}

export interface PendingChangesOptions {
  readonly env: Environment;
  readonly api: Api;
  /** Of the chat's messages. */
  readonly path: string;
  readonly me: string;
  /** The message as the server has it, as far as is known. */
  current(number: number): Message | undefined;
  take(message: Message): void;
  onChange(): void;
}

export function createPendingChanges(options: PendingChangesOptions): PendingChanges {
  const { env, api, path, me, onChange } = options;
  const waiting = new Map<number, Change[]>();
  const turns = new Map<number, Promise<void>>();
  /** Deleted here, and the tombstone is still on its way; a deletion answers with no message. */
  const deleted = new Set<number>();
  /** The text that an edit made here has given a message last. */
  const edited = new Map<number, string>();
  const ending = new AbortController();

  const attempt = async (change: Change): Promise<void> => {
    const startedMs = env.now();
    for (let failures = 1; ; failures += 1) {
      try {
        const message = await change.make();
        if (message === undefined) deleted.add(change.number);
        else options.take(message);
        return;
      } catch (cause) {
        const isOver = ending.signal.aborted || env.now() - startedMs > GIVE_UP_MS;
        if (isOver || !isTransient(cause)) throw cause;
        await pause(env, backoffMs(env, failures), ending.signal);
      }
    }
  };

  const queue = (change: Change): Promise<void> => {
    const { number } = change;
    waiting.set(number, [...(waiting.get(number) ?? []), change]);
    onChange();
    const made = (turns.get(number) ?? Promise.resolve())
      .then(() => attempt(change))
      .finally(() => {
        const rest = (waiting.get(number) ?? []).filter((other) => other !== change);
        if (rest.length > 0) waiting.set(number, rest);
        else waiting.delete(number);
        onChange();
      });
    const turn = made.catch(() => undefined);
    turns.set(number, turn);
    void turn.then(() => {
      if (turns.get(number) === turn) turns.delete(number);
    });
    return made;
  };

  return {
    edit(number, text, from = options.current(number)) {
      const key = env.randomId();
      const editedAt = new Date(env.now()).toISOString();
      const make = async (known: Message | undefined): Promise<Message> => {
        const headers = known === undefined ? {} : { "if-match": `"${known.revision}"` };
        try {
          const message = await api.patch<Message>(`${path}/${number}`, { text }, { key, headers });
          edited.set(number, text);
          return message;
        } catch (cause) {
          if (!(cause instanceof ApiError) || cause.status !== 412) throw cause;
          const theirs = await api.get<Message>(`${path}/${number}`, { background: true });
          options.take(theirs);
          if (theirs.status !== "deleted") {
            if (theirs.text === text) return theirs;
            // A reaction is a change too, and so is an edit made here before this one.
            if (theirs.text === known?.text || theirs.text === edited.get(number)) return make(theirs);
          }
          throw new EditConflict(theirs, cause);
        }
      };
      return queue({
        number,
        apply: (message) => ({ ...message, text, parts: withText(message, text), editedAt }),
        make: () => make(from),
      });
    },
    remove: (number, keepalive = false) =>
      queue({
        number,
        apply: tombstone,
        make: () => api.delete(`${path}/${number}`, { keepalive }).then(() => undefined),
      }),
    react(number, emoji, isPresent) {
      const to = `${path}/${number}/reactions/${encodeURIComponent(emoji)}`;
      return queue({
        number,
        apply: (message) => withReaction(message, emoji, me, isPresent),
        make: async () => (await api.request<Message>(isPresent ? "PUT" : "DELETE", to)).data,
      });
    },
    pin(number, isPinned) {
      const pinned = { by: me, at: new Date(env.now()).toISOString() };
      return queue({
        number,
        apply: ({ pinned: _, ...message }) => (isPinned ? { ...message, pinned } : message),
        make: async () =>
          (await api.request<Message>(isPinned ? "PUT" : "DELETE", `${path}/${number}/pin`)).data,
      });
    },
    shown(message) {
      if (message.status === "deleted") return message;
      const changes = waiting.get(message.number) ?? [];
      if (deleted.has(message.number)) return tombstone(message);
      return changes.reduce((shown, change) => change.apply(shown), message);
    },
    close: () => ending.abort(),
  };
}

const withText = ({ parts }: Message, text: string): Message["parts"] => [
  ...parts.filter(({ type }) => type !== "text"),
  { type: "text", text },
];

function tombstone({ editedAt: _, ...message }: Message): Message {
  return { ...message, status: "deleted", text: "", parts: [], reactions: {} };
}

function withReaction(message: Message, emoji: string, person: string, isPresent: boolean): Message {
  const others = (message.reactions[emoji] ?? []).filter((id) => id !== person);
  const people = isPresent ? [...others, person] : others;
  const { [emoji]: _, ...rest } = message.reactions;
  return { ...message, reactions: people.length === 0 ? rest : { ...message.reactions, [emoji]: people } };
}
