import { type ChatHandle, chatHandle } from "../chat/chat-handle.ts";
import type { Followers } from "../chat/upkeep/catch-up.ts";
import type { ChatHead } from "../chat/log/head.ts";
import type { Row } from "../chat/branches/read-path.ts";
import type { Companion, Progress } from "../chat/store.ts";
import type { App } from "../identity/app.ts";
import type { Deps } from "../platform/deps.ts";
import { enqueue } from "../platform/task.ts";
import { READ_MS_MAX, within } from "../platform/within.ts";
import { entryBytes, entryId, entryOf } from "./entry.ts";
import { entriesOf } from "./store.ts";
import { indexTask } from "./tasks.ts";

/** Where a chat's progress says for which members and tags its entries were written. */
const FACETS_NOTE = "searchFacetsRevision";

const DELETES_MAX = 300;

/**
 * What search does when a chat has changed. The entries of changed messages are written in the commit that
 * records them as handled, so there is one for each handled message and it says what that says: no event can
 * be too late or come twice.
 */
export const searchFollower = (deps: Deps): Followers => ({
  companion,
  note: (head) => ({ [FACETS_NOTE]: facetsRevisionOf(head) }),
  changed: (app, head, _messages, progress) => renew(deps, app, head, progress),
  purged: (app, { number }) => forgetEntries(deps, chatHandle(app, number)),
});

/** A number in any case, so that a chat of before there were entries is told from one that has them. */
const facetsRevisionOf = ({ facetsRevision = 0 }: ChatHead): number => facetsRevision;

/** The entry of a message. One write. */
export function companion(app: App, head: ChatHead, { id, stored }: Row): Companion {
  const data = entryOf(head, id, stored);
  return { ref: entriesOf(app).doc(entryId(head.number, stored)), data, bytes: entryBytes(data) };
}

/**
 * When the members or tags of a chat have changed, or it has messages from before there were entries, they
 * are written anew by a task, before what made that necessary is recorded. Costs nothing otherwise, 1 task
 * then.
 */
async function renew(deps: Deps, app: App, head: ChatHead, progress: Progress): Promise<void> {
  const isIndexed = progress.countedNumber > 0;
  if (!isIndexed || head.status !== "open" || progress[FACETS_NOTE] === facetsRevisionOf(head)) return;
  await enqueue(deps, indexTask, {
    app: app.id,
    chat: head.number,
    cause: `facets-${facetsRevisionOf(head)}`,
    after: 0,
  });
}

/** Removes the entries of a deleted chat. A query and a delete for each. Idempotent. */
async function forgetEntries({ firestore }: Deps, chat: ChatHandle): Promise<void> {
  const query = entriesOf(chat.app).where("chat", "==", chat.number).select().limit(DELETES_MAX);
  for (;;) {
    const found = await within(READ_MS_MAX, query.get());
    if (found.empty) return;
    const batch = firestore.batch();
    for (const document of found.docs) batch.delete(document.ref);
    await within(READ_MS_MAX, batch.commit());
  }
}
