import { type ChatHandle, chatHandle } from "../chat/chat-handle.ts";
import { CHAT_CHANGES_TOPIC } from "../chat/log/chat-log.ts";
import type { ChatChanged } from "../chat/contract.ts";
import { type ChangedChat, eachOf, sum, sweepChanges } from "../chat/upkeep/sweep-changes.ts";
import { messagesOf, readProgress } from "../chat/store.ts";
import { appHandle } from "../identity/app.ts";
import type { Deps } from "../platform/deps.ts";
import type { Query } from "../platform/firestore.ts";
import { AggregateField } from "../platform/firestore-values.ts";
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
  /** Shards in which the next run has to go on. */
  readonly left: number;
}

/** Chats that are looked at at once in a shard. */
const AT_ONCE = 4;

/**
 * Proves the index of what has changed since the last audit: messages are numbered without gaps and each has
 * one entry with its revision, so a chat's entries are right when there are as many as messages and their
 * revisions have the same sum. What is behind is announced again, what is wrong is written anew by a task.
 *
 * Costs 1 query for each page of changes, and for each changed chat 2 reads and 2 aggregations (a read for
 * each 1000). Idempotent; a run that is cut short is continued by the next.
 * @throws when Firestore fails
 */
export async function auditIndex(deps: Deps): Promise<AuditedIndex> {
  const look = async (changed: readonly ChangedChat[]): Promise<Counts> =>
    sum(
      await eachOf(changed, AT_ONCE, async ({ app, head }) => {
        const finding = await auditChat(deps, { app, chat: head.number });
        return { ...NOTHING, chats: 1, ...(finding === "right" ? {} : { [finding]: 1 }) };
      }),
      NOTHING,
    );
  return sweepChanges(deps, { name: "auditSearch", look }, NOTHING);
}

type Counts = Record<"chats" | "behind" | "wrong", number>;
const NOTHING: Counts = { chats: 0, behind: 0, wrong: 0 };

async function auditChat(
  deps: Deps,
  { app: appId, chat }: Pick<ChatChanged, "app" | "chat">,
): Promise<"right" | "behind" | "wrong"> {
  const app = appHandle(deps.firestore, appId);
  const { head, progress } = await readProgress(chatHandle(app, chat));
  if (head === undefined || head.status === "copying") return "right";
  if (progress.revision < head.revision) {
    await deps.publisher.publish(CHAT_CHANGES_TOPIC, { app: appId, chat, revision: head.revision });
    return "behind";
  }
  if (head.status !== "open" || (await isRight(chatHandle(app, chat), progress.revision))) return "right";
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
async function isRight(chat: ChatHandle, revision: number): Promise<boolean> {
  const [messages, entries] = await Promise.all([
    tally(messagesOf(chat)),
    tally(entriesOf(chat.app).where("chat", "==", chat.number)),
  ]);
  if (messages.count === entries.count && messages.revisions === entries.revisions) return true;
  return (await readProgress(chat)).progress.revision !== revision;
}

async function tally(query: Query): Promise<{ count: number; revisions: number }> {
  const aggregate = query.aggregate({
    count: AggregateField.count(),
    revisions: AggregateField.sum("revision"),
  });
  const { count, revisions } = (await within(READ_MS_MAX, aggregate.get())).data();
  return { count, revisions };
}
