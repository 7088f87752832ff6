import type { Chat, OwnChange } from "../chat/contract.ts";
import type { Api } from "./api.ts";
import { type ChatHeads, type Own, ownOf } from "./chat-heads.ts";
import type { Environment } from "./environment.ts";

/** How the person arranges their chats: it shows at once, and is taken back where the server refuses it. */
export interface Arrangement {
  /** @throws ApiError */
  arrange(chat: number, change: OwnChange): Promise<void>;
  /** Until that time, or until `unmute`. @throws ApiError */
  mute(chat: number, until: string | null): Promise<void>;
  /** @throws ApiError */
  unmute(chat: number): Promise<void>;
}

export interface ArrangementOptions {
  readonly env: Pick<Environment, "now" | "randomId">;
  readonly api: Api;
  readonly heads: ChatHeads;
}

export function createArrangement({ env, api, heads }: ArrangementOptions): Arrangement {
  /** The changes of one chat are made in their order. */
  const turns = new Map<number, Promise<void>>();

  const readAgain = async (chat: number): Promise<void> => {
    const asOf = heads.moment();
    heads.take(await api.get<Chat>(`/chats/${chat}`, { background: true }), asOf);
  };

  const change = (chat: number, apply: (own: Own) => Own, make: () => Promise<void>): Promise<void> => {
    const known = heads.get(chat);
    if (known !== undefined) heads.takeOwn({ chat, ...apply(ownOf(known)) });
    const made = (turns.get(chat) ?? Promise.resolve()).then(make).catch(async (cause: unknown) => {
      await readAgain(chat).catch(() => undefined);
      throw cause;
    });
    const turn = made.catch(() => undefined);
    turns.set(chat, turn);
    void turn.then(() => {
      if (turns.get(chat) === turn) turns.delete(chat);
    });
    return made;
  };

  return {
    arrange: (chat, wanted) =>
      change(
        chat,
        (own) => arranged(own, wanted, env.now()),
        async () => {
          const asOf = heads.moment();
          heads.take(await api.patch<Chat>(`/chats/${chat}`, wanted, { key: env.randomId() }), asOf);
        },
      ),
    mute: (chat, until) =>
      change(
        chat,
        (own) => ({ ...own, mute: { until } }),
        () => api.put(`/chats/${chat}/mute`, { until }),
      ),
    unmute: (chat) =>
      change(
        chat,
        ({ mute: _, ...own }) => own,
        () => api.delete(`/chats/${chat}/mute`),
      ),
  };
}

/** As the server arranges it: a place pins a chat, and a pin without one comes last. */
function arranged(own: Own, change: OwnChange, nowMs: number): Own {
  const { order, pinned = order === undefined ? undefined : true, ...rest } = change;
  const next = { ...own, ...(rest as Partial<Own>) };
  if (pinned === undefined) return next;
  const { order: before, ...unpinned } = next;
  return pinned ? { ...unpinned, pinned, order: order ?? before ?? nowMs } : { ...unpinned, pinned };
}
