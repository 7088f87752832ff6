import { fileView } from "../../files/file-view.ts";
import { heldBy, unsentUntil } from "../../files/held-by.ts";
import { HELD_LOOK_MS } from "../../files/limits.ts";
import { fileRef, inFileTransaction, readFile, type StoredFile, storedFile } from "../../files/store.ts";
import type { App } from "../../identity/app.ts";
import { AppError } from "../../platform/errors.ts";
import { Timestamp } from "../../platform/firestore-values.ts";
import { type ChatHandle, chatHandle } from "../chat-handle.ts";
import type { ChatDeps } from "../log/chat-log.ts";
import { advance } from "../log/head.ts";
import { findMessage, type FoundMessage, serverTime } from "../store.ts";

/**
 * Shows a file as it is now in all messages that hold it and are not hidden: each that shows it otherwise
 * changes, and its readers are told. Done again, it changes nothing. 2 reads, 1 write, and 1 query and 1 read
 * for each message; 1 commit with 2 writes and 1 publish for each that changes.
 * @throws when Firestore fails; call it again
 */
export async function showFile(deps: ChatDeps, app: App, id: string): Promise<void> {
  const { stored } = await readFile(app, id);
  if (stored?.status === undefined) return;
  for (const [chat, numbers] of Object.entries(stored.chats)) {
    for (const number of numbers) await showIn(deps, chatHandle(app, Number(chat)), number, { id, stored });
  }
  await noteShown(deps, app, id, stored);
}

/** Whoever has attached it since has seen it as it is: that commit stands only on the file as it was read. */
const noteShown = (deps: ChatDeps, app: App, id: string, shown: StoredFile): Promise<void> =>
  inFileTransaction(deps.firestore, async (transaction) => {
    const ref = fileRef(app, id);
    const now = storedFile(await transaction.get(ref));
    if (now?.stale !== true || now.status !== shown.status || now.status === "deleted") return;
    const dueAt = heldBy(now) > 0 ? Timestamp.fromMillis(deps.clock.now() + HELD_LOOK_MS) : unsentUntil(now);
    transaction.update(ref, { stale: false, dueAt });
  });

async function showIn(
  deps: ChatDeps,
  chat: ChatHandle,
  number: number,
  { id, stored }: { readonly id: string; readonly stored: StoredFile },
): Promise<void> {
  const view = fileView(id, stored);
  const at = Timestamp.fromMillis(deps.clock.now());
  let found: FoundMessage | undefined;
  const change = deps.chatLog.chats.change<void>(chat.ref, {
    async prepare() {
      found = await findMessage(chat, number);
    },
    decide(head) {
      const { files = [] } = found?.stored.body ?? {};
      const next = files.map((file) => (file.id === id ? view : file));
      const isSame = JSON.stringify(next) === JSON.stringify(files);
      if (head.status !== "open" || found === undefined || isSame) {
        return { head, create: [], bytes: 0, result: undefined };
      }
      const moved = advance(head, at, {});
      const { ref, stored: message, updateTime } = found;
      const fields = Object.entries({
        body: { ...message.body, files: next },
        revision: moved.revision,
        changedAt: serverTime(),
      });
      return {
        head: moved,
        create: [],
        update: [{ ref, fields, lastUpdateTime: updateTime }],
        bytes: JSON.stringify(message.body).length * 3,
        result: undefined,
      };
    },
  });
  await change.catch((cause: unknown) => {
    // A chat that is gone shows nothing.
    if (!(cause instanceof AppError && cause.code === "not_found")) throw cause;
  });
}
