import { type ChatHandle, chatHandle } from "../chat-handle.ts";
import { type App, appHandle } from "../../identity/app.ts";
import { completeSettings } from "../../identity/settings.ts";
import { type AppHead, storedAppHead } from "../../identity/store.ts";
import { FieldPath, Timestamp } from "../../platform/firestore-values.ts";
import { READ_MS_MAX, within } from "../../platform/within.ts";
import { deletedHead } from "../log/change-chat.ts";
import type { ChatDeps } from "../log/chat-log.ts";
import { latestAtOf } from "../log/crowd-times.ts";

const DAY_MS = 24 * 3600 * 1000;
const PAGE = 100;
/** Chats that one run expires; the next goes on. */
export const EXPIRED_MAX = 5_000;

export interface Expired {
  readonly apps: number;
  /** Chats that had reached the end of their time. */
  readonly expired: number;
}

/**
 * Deletes the chats whose last activity is longer ago than their app keeps them; the background then removes
 * everything in them. Temporary chats have a time of their own. Idempotent. Costs 1 read for each app, 1
 * query for each app and time that is set, and for each chat that is due 1 read and 1 commit.
 * @throws when Firestore fails; the next run continues
 */
export async function expireChats(deps: ChatDeps): Promise<Expired> {
  const total = { apps: 0, expired: 0 };
  for await (const { app, head } of eachApp(deps)) {
    total.apps += 1;
    const { chatsDays, temporaryDays } = completeSettings(head.settings).retention;
    for (const [temporary, days] of [
      [true, temporaryDays],
      [false, chatsDays],
    ] as const) {
      if (days !== null)
        total.expired += await expireIn(deps, app, temporary, { days, most: EXPIRED_MAX - total.expired });
    }
    if (total.expired >= EXPIRED_MAX) return total;
  }
  return total;
}

async function expireIn(
  deps: ChatDeps,
  app: App,
  temporary: boolean,
  { days, most }: { readonly days: number; readonly most: number },
): Promise<number> {
  const before = Timestamp.fromMillis(deps.clock.now() - days * DAY_MS);
  const due = app
    .collection("chats")
    .where("temporary", "==", temporary)
    .where("status", "==", "open")
    .where("updatedAt", "<", before)
    .orderBy("updatedAt")
    .limit(PAGE);
  for (let count = 0; ;) {
    const found = await within(READ_MS_MAX, due.get());
    for (const document of found.docs) {
      if (count >= most) return count;
      count += await expire(deps, chatHandle(app, Number(document.id)), before);
    }
    if (found.size < PAGE) return count;
  }
}

/** Unless somebody has written in it meanwhile. */
async function expire(deps: ChatDeps, chat: ChatHandle, before: Timestamp): Promise<number> {
  const at = Timestamp.fromMillis(deps.clock.now());
  const { result } = await deps.chatLog.chats.change<number>(chat.ref, {
    decide(head) {
      const isDue = head.status === "open" && latestAtOf(head).valueOf() < before.valueOf();
      if (!isDue) return { head, create: [], bytes: 0, result: 0 };
      return { ...deletedHead(deps, chat.app, head, at), bytes: 0, result: 1 };
    },
  });
  return result;
}

async function* eachApp({ firestore }: ChatDeps): AsyncGenerator<{ app: App; head: AppHead }> {
  let query = firestore.collection("apps").orderBy(FieldPath.documentId()).limit(PAGE);
  for (;;) {
    const found = await within(READ_MS_MAX, query.get());
    for (const document of found.docs) {
      const head = storedAppHead(document);
      if (head.status === "open") yield { app: appHandle(firestore, document.id), head };
    }
    const last = found.docs.at(-1);
    if (last === undefined || found.size < PAGE) return;
    query = query.startAfter(last);
  }
}
