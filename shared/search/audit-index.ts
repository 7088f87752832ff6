import { type ChatHandle, chatHandle } from "../chat/chat-handle.ts";
import { CHANGE_SHARDS, CHAT_CHANGES_TOPIC } from "../chat/log/chat-log.ts";
import type { ChatChanged } from "../chat/contract.ts";
import { GRACE_MS, listChanges } from "../chat/upkeep/reconcile-changes.ts";
import { messagesOf, readProgress } from "../chat/store.ts";
import { appHandle } from "../identity/app.ts";
import type { Deps } from "../platform/deps.ts";
import type { Query } from "../platform/firestore.ts";
import { AggregateField, Timestamp } from "../platform/firestore-values.ts";
import { enqueue } from "../platform/task.ts";
import { READ_MS_MAX, within } from "../platform/within.ts";
import { entriesOf } from "./store.ts";
import { indexTask } from "./tasks.ts";

export interface AuditedIndex {
  readonly chats: number;
  /** Chats with changes that had not been handled; they have been announced again. */
  readonly behind: number;
  /** Chats whose entries were not those of their messages; they are written anew. */
  readonly wrong: number;
}

/**
 * Proves the index of what has changed since the last audit: messages are numbered without gaps and each has
 * one entry with its revision, so a chat's entries are right when there are as many as messages and their
 * revisions have the same sum. What is behind is announced again, what is wrong is written anew by a task.
 *
 * Costs 1 query for each page of changes, and for each changed chat 2 reads and 2 aggregations (a read for
 * each 1000). Idempotent; a run that is cut short is done again by the next.
 * @throws when Firestore fails
 */
export async function auditIndex(deps: Deps): Promise<AuditedIndex> {
  const { firestore, clock } = deps;
  const until = clock.now() - GRACE_MS;
  const mark = firestore.collection("system").doc("auditSearch");
  const through = (await within(READ_MS_MAX, mark.get())).get("through") as Timestamp | undefined;
  const total = { chats: 0, behind: 0, wrong: 0 };
  for (let shard = 0; shard < CHANGE_SHARDS; shard += 1) {
    for await (const change of listChanges(firestore, shard, through?.toMillis() ?? 0, until)) {
      total.chats += 1;
      const finding = await auditChat(deps, change);
      if (finding !== "right") total[finding] += 1;
    }
  }
  await within(READ_MS_MAX, mark.set({ through: Timestamp.fromMillis(until) }));
  return total;
}

async function auditChat(
  deps: Deps,
  { app: appId, chat }: ChatChanged,
): Promise<"right" | "behind" | "wrong"> {
  const app = appHandle(deps.firestore, appId);
  const { head, progress } = await readProgress(deps.firestore, chatHandle(app, chat));
  if (head === undefined || head.status === "copying") return "right";
  if (progress.revision < head.revision) {
    await deps.publisher.publish(CHAT_CHANGES_TOPIC, { app: appId, chat, revision: head.revision });
    return "behind";
  }
  if (head.status !== "open" || (await isRight(deps, chatHandle(app, chat), progress.revision)))
    return "right";
  deps.log.error("The search entries of a chat are not those of its messages.", undefined, {
    app: appId,
    chat,
  });
  const cause = `audit-${deps.clock.now()}`;
  await enqueue(deps, indexTask, { app: appId, chat, cause, after: 0 });
  return "wrong";
}

/**
 * Whether there is an entry for each message as it is; also when the chat has moved while it was looked at.
 */
async function isRight(deps: Deps, chat: ChatHandle, revision: number): Promise<boolean> {
  const [messages, entries] = await Promise.all([
    tally(messagesOf(chat)),
    tally(entriesOf(chat.app).where("chat", "==", chat.number)),
  ]);
  if (messages.count === entries.count && messages.revisions === entries.revisions) return true;
  return (await readProgress(deps.firestore, chat)).progress.revision !== revision;
}

async function tally(query: Query): Promise<{ count: number; revisions: number }> {
  const aggregate = query.aggregate({
    count: AggregateField.count(),
    revisions: AggregateField.sum("revision"),
  });
  const { count, revisions } = (await within(READ_MS_MAX, aggregate.get())).data();
  return { count, revisions };
}
