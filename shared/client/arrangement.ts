import type { Chat, OwnChange } from "../chat/contract.ts";
import type { Api } from "./api.ts";
import { type ChatHeads, type Own, type OwnSettings, ownOf } from "./chat-heads.ts";
import type { Environment } from "./environment.ts";

/** How the person arranges their chats: it shows at once, and is taken back where the server refuses it. */
export interface Arrangement {
  /** @throws ApiError */
  arrange(chat: number, change: OwnChange): Promise<void>;
  /** Until that time, or until `unmute`. @throws ApiError */
  mute(chat: number, until: string | null): Promise<void>;
  /** @throws ApiError */
  unmute(chat: number): Promise<void>;
  /**
   * What the person's stream tells of a chat. Shortly after a change made here it may tell of a time before
   * that, so what differs then is asked for.
   */
  take(told: OwnSettings): void;
}

/** What shows already is made even if the page goes away. */
const LASTING = { keepalive: true };
/** The stream tells everything sooner. */
const DOUBT_MS = 30_000;

export interface ArrangementOptions {
  readonly env: Pick<Environment, "now" | "randomId">;
  readonly api: Api;
  readonly heads: ChatHeads;
}

export function createArrangement({ env, api, heads }: ArrangementOptions): Arrangement {
  /** The changes of one chat are made in their order. */
  const turns = new Map<number, Promise<void>>();
  /** When a chat was changed here last. */
  const changedMs = new Map<number, number>();
  const doubted = new Set<number>();

  const readAgain = async (chat: number): Promise<void> => {
    const asOf = heads.moment();
    heads.take(await api.get<Chat>(`/chats/${chat}`, { background: true }), asOf);
  };

  const change = (
    chat: number,
    apply: (own: Own) => Own,
    make: (asOf: number) => Promise<void>,
  ): Promise<void> => {
    const known = heads.get(chat);
    if (known !== undefined) heads.takeOwn({ chat, ...apply(ownOf(known)) });
    // An answer to this change knows nothing of those that are made after it, though they may wait for it.
    const asOf = heads.moment();
    const made = (turns.get(chat) ?? Promise.resolve())
      .then(() => make(asOf))
      .catch(async (cause: unknown) => {
        await readAgain(chat).catch(() => undefined);
        throw cause;
      });
    const turn = made.catch(() => undefined);
    turns.set(chat, turn);
    void turn.then(() => {
      changedMs.set(chat, env.now());
      if (turns.get(chat) === turn) turns.delete(chat);
    });
    return made;
  };

  return {
    arrange: (chat, wanted) =>
      change(
        chat,
        (own) => arranged(own, wanted, env.now()),
        async (asOf) => {
          heads.take(
            await api.patch<Chat>(`/chats/${chat}`, wanted, { key: env.randomId(), ...LASTING }),
            asOf,
          );
        },
      ),
    mute: (chat, until) =>
      change(
        chat,
        (own) => ({ ...own, mute: { until } }),
        () => api.put(`/chats/${chat}/mute`, { until }, LASTING),
      ),
    unmute: (chat) =>
      change(
        chat,
        ({ mute: _, ...own }) => own,
        () => api.delete(`/chats/${chat}/mute`, LASTING),
      ),
    take(told) {
      const { chat } = told;
      const isDoubtful = turns.has(chat) || env.now() - (changedMs.get(chat) ?? -Infinity) < DOUBT_MS;
      if (!isDoubtful) return heads.takeOwn(told);
      const known = heads.get(chat);
      if (doubted.has(chat) || (known !== undefined && isSame(ownOf(told), ownOf(known)))) return;
      doubted.add(chat);
      void (turns.get(chat) ?? Promise.resolve()).then(async () => {
        doubted.delete(chat);
        await readAgain(chat).catch(() => heads.takeOwn(told));
      });
    },
  };
}

/** `ownOf` names the fields in one order. */
const isSame = (one: Own, other: Own): boolean => JSON.stringify(one) === JSON.stringify(other);

/** As the server arranges it: a place pins a chat, and a pin without one comes last. */
function arranged(own: Own, change: OwnChange, nowMs: number): Own {
  const { order, pinned = order === undefined ? undefined : true, ...rest } = change;
  const next = { ...own, ...(rest as Partial<Own>) };
  if (pinned === undefined) return next;
  const { order: before, ...unpinned } = next;
  return pinned ? { ...unpinned, pinned, order: order ?? before ?? nowMs } : { ...unpinned, pinned };
}
