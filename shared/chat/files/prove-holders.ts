import type { StoredFile } from "../../files/store.ts";
import { fileRef } from "../../files/store.ts";
import type { App } from "../../identity/app.ts";
import { userRef } from "../../identity/store.ts";
import type { Deps } from "../../platform/deps.ts";
import { FieldPath, FieldValue } from "../../platform/firestore-values.ts";
import { READ_MS_MAX, within } from "../../platform/within.ts";
import { chatHandle } from "../chat-handle.ts";
import { scheduledRef, storedScheduled } from "../scheduled/store.ts";
import { findMessage } from "../store.ts";
import type { Place } from "./attach-files.ts";

/**
 * Takes away what a file notes of messages that do not hold it: there should be none, as both change in one
 * commit, except of scheduled ones, which expire. A note is taken away only after its message was read, so
 * whatever changes meanwhile is noted anew. 1 query and 1 read for each note, 1 write for each that is taken
 * away.
 * @returns how many were
 */
export async function proveHolders(
  app: App,
  id: string,
  stored: StoredFile,
  { log }: Pick<Deps, "log">,
): Promise<number> {
  let wrong = 0;
  for (const place of ["chats", "hidden"] as const satisfies readonly Place[]) {
    for (const [chat, numbers] of Object.entries(stored[place] ?? {})) {
      for (const number of numbers) {
        const found = await findMessage(chatHandle(app, Number(chat)), number);
        const isHeld =
          place === "hidden"
            ? found?.stored.hidden === true && found.stored.status !== "deleted"
            : (found?.stored.body.files ?? []).some((file) => file.id === id);
        if (isHeld) continue;
        wrong += 1;
        log.warn("A file has noted a message that does not hold it.", {
          app: app.id,
          file: id,
          chat,
          number,
        });
        const field = new FieldPath(place, chat);
        await within(READ_MS_MAX, fileRef(app, id).update(field, FieldValue.arrayRemove(number)));
      }
    }
  }
  await forgetSent(app, id, stored);
  return wrong + ((await isShown(app, id, stored)) ? 0 : 1);
}

/**
 * Takes away that it is shown as a picture, where it is not: whoever names an address of another place as
 * theirs has let go of it.
 */
async function isShown(app: App, id: string, { shownAs, createdBy }: StoredFile): Promise<boolean> {
  if (shownAs === undefined) return true;
  const ref = shownAs === "logo" ? app.ref : userRef(app, createdBy);
  const owner = await within(READ_MS_MAX, ref.get());
  if (owner.get("pictureFile") === id) return true;
  const gone = { shownAs: FieldValue.delete(), released: true };
  await within(READ_MS_MAX, fileRef(app, id).update(gone));
  return false;
}

/** Scheduled messages that could not be sent are forgotten in time, without a word to their files. */
async function forgetSent(app: App, id: string, { scheduled = [] }: StoredFile): Promise<void> {
  for (const each of scheduled) {
    const found = storedScheduled(await within(READ_MS_MAX, scheduledRef(app, each).get()));
    if (found?.open === true) continue;
    const gone = { scheduled: FieldValue.arrayRemove(each), released: true };
    await within(READ_MS_MAX, fileRef(app, id).update(gone));
  }
}
