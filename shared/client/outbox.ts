import type { Message, NewMessage } from "../chat/contract.ts";
import { ApiError } from "./api-error.ts";
import { backoffMs, type Environment, type KeyValueStore, pause } from "./environment.ts";
import type { PostMessage } from "./post-message.ts";

/**
 * A message on its way. Its key is the Idempotency-Key of every try, so it arrives once at most. `pending`:
 * it waits for its turn or for the network; `failed`: the server refuses it, and the person decides.
 */
export interface Draft {
  readonly key: string;
  readonly chat: number;
  readonly message: NewMessage;
  readonly createdAt: string;
  readonly state: "pending" | "sending" | "failed";
  /** Why it failed. */
  readonly error: string;
}

/** Messages on their way, for each chat in the order in which they were written, kept over reloads. */
export interface Outbox {
  of(chat: number): readonly Draft[];
  add(chat: number, message: NewMessage): Draft;
  retry(key: string): void;
  discard(key: string): void;
  /** Tries at once what waits for the network. */
  wake(): void;
  /** Forgets what waits: the person has signed out. */
  clear(): void;
  close(): void;
}

export interface OutboxOptions {
  readonly env: Environment;
  readonly post: PostMessage;
  readonly store: KeyValueStore;
  /** What the store's keys begin with: of one app and one person. */
  readonly prefix: string;
  onSent(draft: Draft, message: Message): void;
  onChange(chat: number): void;
}

interface Entry extends Draft {
  /** Place in the line. */
  readonly order: number;
}

export function createOutbox(options: OutboxOptions): Outbox {
  const { env, post, store, prefix, onChange } = options;
  /**
   * Entries are kept one by one, so that two tabs don't overwrite each other's; a key that both send is one
   * message.
   */
  let entries = readEntries(store, prefix);
  let order = entries.at(-1)?.order ?? 0;
  const sending = new Set<number>();
  let alarm = new AbortController();
  let isClosed = false;

  const put = (entry: Entry): void => {
    const isNew = !entries.some(({ key }) => key === entry.key);
    entries = isNew ? [...entries, entry] : entries.map((other) => (other.key === entry.key ? entry : other));
    // While it is being sent the store still says that it waits: a reload sends it again.
    if (entry.state !== "sending") write(entry);
    onChange(entry.chat);
  };
  const write = (entry: Entry): void => {
    try {
      store.write(prefix + entry.key, JSON.stringify(entry));
    } catch {
      // A full or forbidden store costs the message its life over a reload, and nothing else.
    }
  };
  const drop = (entry: Entry): void => {
    entries = entries.filter(({ key }) => key !== entry.key);
    store.remove(prefix + entry.key);
  };

  /** Sends one. Answers with how long to wait before going on, undefined to stop. */
  const send = async (entry: Entry, failures: number): Promise<number | undefined> => {
    put({ ...entry, state: "sending", error: "" });
    try {
      const message = await post(entry);
      drop(entry);
      options.onSent(entry, message);
      onChange(entry.chat);
      return 0;
    } catch (cause) {
      if (isClosed || !entries.some(({ key }) => key === entry.key)) return 0;
      const error = cause instanceof ApiError ? cause : new ApiError(0, {}, 0, cause);
      const isSignedOut = error.status === 401;
      const waits = error.isTransient || isSignedOut;
      put({ ...entry, state: waits ? "pending" : "failed", error: waits ? "" : error.message });
      if (isSignedOut) return undefined;
      return waits ? Math.max(error.retryAfterSeconds * 1000, backoffMs(env, failures + 1)) : 0;
    }
  };

  const work = async (chat: number): Promise<void> => {
    if (sending.has(chat) || isClosed) return;
    sending.add(chat);
    let failures = 0;
    for (;;) {
      const entry = entries.find((other) => other.chat === chat && other.state === "pending");
      if (entry === undefined || isClosed) break;
      const waitMs = await send(entry, failures);
      if (waitMs === undefined) break;
      failures = waitMs === 0 ? 0 : failures + 1;
      if (waitMs > 0) await pause(env, waitMs, alarm.signal);
    }
    sending.delete(chat);
  };
  const workAll = (): void => {
    for (const chat of new Set(entries.map((entry) => entry.chat))) void work(chat);
  };
  workAll();

  const find = (key: string): Entry | undefined => entries.find((entry) => entry.key === key);
  return {
    of: (chat) => entries.filter((entry) => entry.chat === chat),
    add(chat, message) {
      order = Math.max(order + 1, env.now());
      const createdAt = new Date(env.now()).toISOString();
      const entry: Entry = {
        key: env.randomId(),
        chat,
        message,
        createdAt,
        order,
        state: "pending",
        error: "",
      };
      put(entry);
      void work(chat);
      return entry;
    },
    retry(key) {
      const entry = find(key);
      if (entry?.state !== "failed") return;
      put({ ...entry, state: "pending", error: "" });
      void work(entry.chat);
    },
    discard(key) {
      const entry = find(key);
      if (entry === undefined) return;
      drop(entry);
      onChange(entry.chat);
    },
    wake() {
      alarm.abort();
      alarm = new AbortController();
      workAll();
    },
    clear() {
      for (const entry of entries) drop(entry);
    },
    close() {
      isClosed = true;
      alarm.abort();
    },
  };
}

function readEntries(store: KeyValueStore, prefix: string): Entry[] {
  const found = store.keys().flatMap((key): Entry[] => {
    if (!key.startsWith(prefix)) return [];
    try {
      return [JSON.parse(store.read(key) ?? "") as Entry];
    } catch {
      // Nobody could send what can't be read.
      store.remove(key);
      return [];
    }
  });
  return found.sort((a, b) => a.order - b.order);
}
