import type { Chat } from "../chat/contract.ts";
import { isTransient } from "./api-error.ts";
import { backoffMs, type Environment, type KeyValueStore } from "./environment.ts";

/**
 * What the person has begun to write in a chat, or in one of its threads, on all their devices. It is kept
 * on the server once typing pauses, and here until the server has it. What another device has written comes
 * in unless somebody is typing here: then the last to type has the last word.
 */
export interface UnsentText {
  readonly text: string;
  /** The field holds this now. */
  write(text: string): void;
  /** It has been sent, and is begun no more. */
  clear(): void;
  /** The chat may tell of other text. */
  look(): void;
  /** Keeps at once what waits. `keepalive`: the page is going away. */
  flush(keepalive?: boolean): void;
  close(): void;
}

/** The server is told when typing pauses for so long. */
export const PAUSE_MS = 1_000;
/** Whoever has typed within this time is typing, and nothing is changed under their hands. */
export const TYPING_MS = 5_000;
/** An echo that has not come within this time was told together with a later one. */
const ECHO_MS = 30_000;

export interface UnsentTextOptions {
  readonly env: Environment;
  readonly store: KeyValueStore;
  /** The store's key for it: of one app, one person, and one chat or thread. */
  readonly key: string;
  /** What has been told of it; undefined before anything was. */
  told(): Pick<Chat, "draft"> | undefined;
  /** Has the server keep it. @throws ApiError */
  put(text: string, keepalive: boolean): Promise<unknown>;
  /** A list, and what is told of one's own chats, has only the beginning of a long text. @throws ApiError */
  readWhole(): Promise<Pick<Chat, "draft">>;
  /** Another device has changed it. */
  onText(text: string): void;
}

export function createUnsentText(options: UnsentTextOptions): UnsentText {
  const { env, store, key } = options;
  const kept = store.read(key);
  let text = kept ?? "";
  /** What the server has, as far as is known; undefined before the chat has been read. */
  let onServer: string | undefined;
  let isDirty = kept !== undefined;
  let typedMs = Number.NEGATIVE_INFINITY;
  /** What was sent and not yet told back: an echo is nothing new. */
  let echoes: { readonly sent: string; readonly ms: number }[] = [];
  let sending: Promise<void> | undefined;
  let failures = 0;
  let cancel: (() => void) | undefined;
  let isClosed = false;
  /** When the text came that was told last. */
  let toldAt = "";

  const keepHere = (): void => {
    try {
      if (isDirty) store.write(key, text);
      else store.remove(key);
    } catch {
      // Where the store is full or forbidden, a reload without a network loses the text.
    }
  };

  const plan = (ms: number): void => {
    cancel?.();
    cancel = isClosed ? undefined : env.after(ms, () => flush());
  };

  const put = async (sent: string, keepalive: boolean): Promise<void> => {
    const echo = { sent, ms: env.now() };
    echoes.push(echo);
    try {
      await options.put(sent, keepalive);
      onServer = sent;
      failures = 0;
      if (text === sent) isDirty = false;
    } catch (cause) {
      echoes = echoes.filter((other) => other !== echo);
      // Refused for good: it stays where it was typed.
      if (!isTransient(cause)) isDirty = false;
      failures += 1;
    }
    keepHere();
  };

  const flush = (keepalive = false): void => {
    cancel?.();
    cancel = undefined;
    if (!isDirty || sending !== undefined || (isClosed && failures > 0)) return;
    if (text === (onServer ?? options.told()?.draft?.text ?? "")) {
      isDirty = false;
      keepHere();
      return;
    }
    sending = put(text, keepalive).finally(() => {
      sending = undefined;
      if (isClosed) flush(true);
      else if (isDirty) plan(failures === 0 ? PAUSE_MS : backoffMs(env, failures));
      else look();
    });
  };

  const adopt = (next: string): void => {
    onServer = next;
    if (text === next) return;
    text = next;
    options.onText(next);
  };

  const readWhole = async (at: string): Promise<void> => {
    const { draft } = await options.readWhole();
    if (draft?.updatedAt === at && !isDirty && !isClosed) adopt(draft.text);
  };

  const look = (): void => {
    const known = options.told();
    if (known === undefined || isClosed) return;
    const { text: told = "", updatedAt = "", cut } = known.draft ?? {};
    if (updatedAt === toldAt && onServer !== undefined) return;
    echoes = echoes.filter(({ ms }) => ms + ECHO_MS > env.now());
    const echo = echoes.findIndex(({ sent }) => (cut === true ? sent.startsWith(told) : sent === told));
    if (echo !== -1) {
      echoes = echoes.slice(echo + 1);
      toldAt = updatedAt;
      return;
    }
    if (isDirty || sending !== undefined) return;
    const waitMs = typedMs + TYPING_MS - env.now();
    if (waitMs > 0 && text !== "") {
      cancel?.();
      cancel = env.after(waitMs, look);
      return;
    }
    toldAt = updatedAt;
    if (cut === true) void readWhole(updatedAt).catch(() => undefined);
    else adopt(told);
  };

  const write = (next: string): void => {
    if (next === text) return;
    text = next;
    isDirty = true;
    typedMs = env.now();
    keepHere();
    plan(PAUSE_MS);
  };

  if (isDirty) plan(0);
  else look();
  return {
    get text() {
      return text;
    },
    write,
    clear() {
      write("");
      typedMs = Number.NEGATIVE_INFINITY;
      flush();
    },
    look,
    flush,
    close() {
      flush(true);
      isClosed = true;
      cancel?.();
    },
  };
}
