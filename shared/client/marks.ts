import type { Api } from "./api.ts";
import { isTransient } from "./api-error.ts";
import type { Environment } from "./environment.ts";

/**
 * Tells others how far one has read, what has arrived, and that one is typing; seldom enough not to eat up
 * the person's quota.
 */
export interface Marks {
  read(chat: number, number: number): void;
  delivered(chat: number, number: number): void;
  typing(chat: number): void;
  /** What was being typed is given up. */
  stopTyping(chat: number): void;
  /** A message ends typing; what is typed after it is told at once. */
  written(chat: number): void;
  close(): void;
}

/** One request for marks in so long, whatever the number of chats. */
export const MARK_MS = 2_000;
/** For so long the server counts somebody as typing. */
const COUNTED_MS = 6_000;
/** Whoever goes on typing says so twice in that time. */
export const TYPING_MS = 3_000;

interface ChatMarks {
  readonly number: number;
  readonly delivered: number;
}

const NONE: ChatMarks = { number: 0, delivered: 0 };

export function createMarks({ env, api }: { readonly env: Environment; readonly api: Api }): Marks {
  const wanted = new Map<number, ChatMarks>();
  const told = new Map<number, ChatMarks>();
  const typed = new Map<number, number>();
  let sentMs = Number.NEGATIVE_INFINITY;
  let isBusy = false;
  let cancel: (() => void) | undefined;
  let isClosed = false;

  const plan = (): void => {
    if (isBusy || isClosed || cancel !== undefined || wanted.size === 0) return;
    const waitMs = sentMs + MARK_MS - env.now();
    if (waitMs <= 0) return void flush();
    cancel = env.after(waitMs, () => {
      cancel = undefined;
      void flush();
    });
  };

  const flush = async (): Promise<void> => {
    const [next] = wanted;
    if (next === undefined) return;
    const [chat, marks] = next;
    wanted.delete(chat);
    isBusy = true;
    sentMs = env.now();
    const before = told.get(chat) ?? NONE;
    told.set(chat, marks);
    try {
      const read = marks.number > before.number ? { number: marks.number } : {};
      const delivered = marks.delivered > Math.max(marks.number, before.delivered);
      const body = { ...read, ...(delivered ? { delivered: marks.delivered } : {}) };
      if (Object.keys(body).length > 0)
        await api.put(`/chats/${chat}/read`, body, { background: true, tries: 1 });
    } catch (cause) {
      if (isTransient(cause)) {
        told.set(chat, before);
        want(chat, marks);
      }
    }
    isBusy = false;
    plan();
  };

  const want = (chat: number, { number, delivered }: ChatMarks): void => {
    const known = wanted.get(chat) ?? told.get(chat) ?? NONE;
    if (number <= known.number && delivered <= known.delivered) return;
    const marks = {
      number: Math.max(number, known.number),
      delivered: Math.max(number, delivered, known.delivered),
    };
    wanted.set(chat, marks);
    plan();
  };

  return {
    read: (chat, number) => want(chat, { number, delivered: number }),
    delivered: (chat, number) => want(chat, { number: 0, delivered: number }),
    typing(chat) {
      if (env.now() - (typed.get(chat) ?? Number.NEGATIVE_INFINITY) < TYPING_MS) return;
      typed.set(chat, env.now());
      api.post(`/chats/${chat}/typing`, undefined, { background: true }).catch(() => undefined);
    },
    stopTyping(chat) {
      const sinceMs = env.now() - (typed.get(chat) ?? Number.NEGATIVE_INFINITY);
      typed.delete(chat);
      // Nobody is told any more by then.
      if (sinceMs >= COUNTED_MS) return;
      api.delete(`/chats/${chat}/typing`, { background: true, tries: 1 }).catch(() => undefined);
    },
    written: (chat) => void typed.delete(chat),
    close() {
      isClosed = true;
      cancel?.();
    },
  };
}
