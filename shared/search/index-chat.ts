import { type ChatHandle, chatHandle } from "../chat/chat-handle.ts";
import { COMPANION_BYTES_MAX } from "../chat/upkeep/catch-up.ts";
import type { ChatHead } from "../chat/log/head.ts";
import type { Row } from "../chat/branches/read-path.ts";
import { headOf, listMessages, progressRef, readProgress } from "../chat/store.ts";
import type { App } from "../identity/app.ts";
import type { Deps } from "../platform/deps.ts";
import { AppError } from "../platform/errors.ts";
import type { Timestamp } from "../platform/firestore-values.ts";
import { enqueue } from "../platform/task.ts";
import { READ_MS_MAX, within } from "../platform/within.ts";
import type { IndexChatTask } from "./contract.ts";
import { entryBytes, entryId, entryOf, type StoredEntry } from "./entry.ts";
import { entriesOf } from "./store.ts";
import { indexTask } from "./tasks.ts";

/** Messages read and written at once. */
const PAGE = 200;
/** Messages that one task does; the next goes on, so that a task cut short repeats little. */
export const TASK_MESSAGES = 4_000;
/** How often a page is tried while the chat goes on being written in. */
const COLLISIONS_MAX = 20;
const COLLISION_MS_MAX = 50;

export interface Indexed {
  readonly messages: number;
  /** The last message that has been done. */
  readonly through: number;
  /** Nothing is left to do in this chat. */
  readonly done: boolean;
}

/**
 * Writes the entries of a chat's messages after a number anew, from the messages and the chat's head as they
 * are. Any page may be written again. Costs 4 reads for each PAGE messages, and 1 read and 1 write for each
 * of them.
 * @throws AppError `unavailable` while the chat changes too fast; AppError or Google's when Firestore fails:
 * call it again
 */
export async function indexChat(deps: Deps, chat: ChatHandle, after: number, most: number): Promise<Indexed> {
  let through = after;
  let messages = 0;
  while (messages < most) {
    const page = await indexPage(deps, chat, through);
    messages += page.count;
    if (page.count === 0) return { messages, through, done: true };
    through = page.through;
  }
  return { messages, through, done: false };
}

/**
 * Does the task, and leaves the rest to another. A change of members meanwhile sets off a task of its own,
 * from the beginning.
 * @throws as `indexChat`
 */
export async function runIndexTask(deps: Deps, app: App, task: IndexChatTask): Promise<Indexed> {
  const indexed = await indexChat(deps, chatHandle(app, task.chat), task.after, TASK_MESSAGES);
  if (!indexed.done) await enqueue(deps, indexTask, { ...task, after: indexed.through });
  return indexed;
}

/**
 * One page, in a transaction that fails unless head and progress are what the entries were made from: so none
 * is older than what a catch-up has written, and none comes after those of a deleted chat were removed.
 */
async function indexPage(
  deps: Deps,
  chat: ChatHandle,
  after: number,
): Promise<{ count: number; through: number }> {
  for (let collisions = 0; collisions < COLLISIONS_MAX; collisions += 1) {
    const { head, found } = await readProgress(chat);
    if (head === undefined || head.status !== "open") return { count: 0, through: after };
    const rows = await listMessages(chat, { after, order: "asc", limit: PAGE });
    const entries = fitting(head, rows);
    const last = entries.at(-1);
    if (last === undefined) return { count: 0, through: after };
    if (await writePage(deps, chat.app, head, { progressTime: found.updateTime, entries })) {
      return { count: entries.length, through: last.number };
    }
    await new Promise((resolve) => setTimeout(resolve, Math.random() * COLLISION_MS_MAX));
  }
  throw new AppError("unavailable", "The chat changes too fast to be indexed.", { retryAfterSeconds: 1 });
}

/** Entries of the first messages that fit into one commit. */
function fitting(head: ChatHead, rows: readonly Row[]): StoredEntry[] {
  const entries: StoredEntry[] = [];
  let bytes = 0;
  for (const { id, stored } of rows) {
    const entry = entryOf(head, id, stored);
    bytes += entryBytes(entry);
    if (bytes > COMPANION_BYTES_MAX && entries.length > 0) break;
    entries.push(entry);
  }
  return entries;
}

const isSame = (a: Timestamp | undefined, b: Timestamp | undefined): boolean =>
  a === b || (a !== undefined && b !== undefined && a.isEqual(b));

/** Whether nothing had changed, and the entries are written. */
async function writePage(
  deps: Deps,
  app: App,
  of: ChatHead,
  {
    progressTime,
    entries,
  }: { readonly progressTime: Timestamp | undefined; readonly entries: readonly StoredEntry[] },
): Promise<boolean> {
  return within(
    READ_MS_MAX,
    deps.firestore.runTransaction(async (transaction) => {
      const [found, progress] = await transaction.getAll(
        chatHandle(app, of.number).ref,
        progressRef(chatHandle(app, of.number)),
      );
      const head = found && headOf(found);
      if (head?.status !== "open" || head.facetsRevision !== of.facetsRevision) return false;
      if (!isSame(progress?.updateTime, progressTime)) return false;
      for (const entry of entries) {
        const id = entryId(entry.chat, { number: entry.number, createdAt: entry.at });
        transaction.set(entriesOf(app).doc(id), entry);
      }
      return true;
    }),
  );
}
