import type { File } from "../../files/contract.ts";
import { fileView } from "../../files/file-view.ts";
import { heldBy } from "../../files/held-by.ts";
import { FILE_MESSAGES_MAX } from "../../files/limits.ts";
import { uploadName } from "../../files/object-names.ts";
import { fileRef, isThere, readFiles, type StoredFile } from "../../files/store.ts";
import type { App } from "../../identity/app.ts";
import type { Principal } from "../../identity/principal.ts";
import type { Deps } from "../../platform/deps.ts";
import { AppError } from "../../platform/errors.ts";
import { FieldPath, FieldValue, Timestamp } from "../../platform/firestore-values.ts";
import type { Decision } from "../../platform/head-change.ts";
import type { ChatHandle } from "../chat-handle.ts";
import type { ChatHead } from "../log/head.ts";

/**
 * A file and the messages that hold it name each other, and both change in one commit: the message its body,
 * the file its entry for the message. So a file is kept for exactly as long as a message shows it, and who
 * may load it follows from who may read those messages.
 */
export interface Attachable {
  readonly id: string;
  readonly view: File;
  readonly updateTime: Timestamp | undefined;
}

/** Where a file notes a message: among those by which it is loaded, or those that are hidden. */
export type Place = "chats" | "hidden";

type Updates = NonNullable<Decision<ChatHead, unknown>["update"]>;
type Merges = NonNullable<Decision<ChatHead, unknown>["merge"]>;

/**
 * The files that a message is to hold: those that its sender has uploaded, and those of the message that it
 * forwards, as far as they are still there. 1 read for each, and 1 call to the bucket for one that nobody has
 * begun to check.
 * @throws AppError `invalid_request` for a file that is not the sender's, was refused or has not been
 * uploaded; `conflict` beyond FILE_MESSAGES_MAX
 */
export async function readAttachable(
  deps: Pick<Deps, "firestore" | "bucket">,
  app: App,
  sender: Principal,
  { own, forwarded }: { readonly own: readonly string[]; readonly forwarded: readonly string[] },
): Promise<readonly Attachable[]> {
  const ids = [...new Set([...own, ...forwarded])];
  const found = await readFiles(deps.firestore, app, ids);
  const attachable: Attachable[] = [];
  for (const { id, stored, updateTime } of found) {
    if (own.includes(id)) await demandUsable(deps, app, sender, { id, stored });
    if (!isThere(stored)) continue;
    if (heldBy(stored) >= FILE_MESSAGES_MAX) {
      throw new AppError("conflict", `A file is in at most ${FILE_MESSAGES_MAX} messages; upload it anew.`);
    }
    attachable.push({ id, view: fileView(id, stored), updateTime });
  }
  return attachable;
}

async function demandUsable(
  { bucket }: Pick<Deps, "bucket">,
  app: App,
  sender: Principal,
  { id, stored }: { readonly id: string; readonly stored: StoredFile | undefined },
): Promise<void> {
  if (!isThere(stored) || stored.createdBy !== sender.id || stored.purpose !== undefined) {
    throw notValid("must be files that you have uploaded");
  }
  if (stored.status === "refused") throw notValid("must not be files that were refused");
  if (stored.status !== "pending") return;
  if ((await bucket.stat(uploadName(app, id))) === undefined)
    throw notValid("must have been uploaded before");
}

const notValid = (message: string): AppError =>
  new AppError("invalid_request", "Some fields are not valid; see errors.", {
    errors: [{ path: "files", message }],
  });

/** Notes a message at its files, on condition that they are as they were read. 1 write for each. */
export const attachedTo = (
  { app, number: chat }: ChatHandle,
  message: number,
  files: readonly Attachable[],
  place: Place,
): Updates =>
  files.map(({ id, updateTime }) => ({
    ref: fileRef(app, id),
    fields: [[new FieldPath(place, String(chat)), FieldValue.arrayUnion(message)]],
    lastUpdateTime: updateTime,
  }));

type Held = readonly File[] | undefined;

/**
 * The same of a message that is copied with its files. What has gone meanwhile leaves an entry of nothing,
 * which `tend-files` removes.
 */
export const alsoHeldBy = (
  { app, number: chat }: ChatHandle,
  message: number,
  files: Held = [],
  at: Timestamp,
): Merges =>
  files.map(({ id }) => ({
    ref: fileRef(app, id),
    data: { chats: { [String(chat)]: FieldValue.arrayUnion(message) }, stale: true, dueAt: at },
  }));

/**
 * A message is deleted: its files are looked at soon, and removed if no other holds them. 1 write for each.
 */
export const letGoOf = (
  { app, number: chat }: ChatHandle,
  message: number,
  files: Held = [],
  at: Timestamp,
): Merges =>
  files.map(({ id }) => {
    const gone = { [String(chat)]: FieldValue.arrayRemove(message) };
    return { ref: fileRef(app, id), data: { chats: gone, hidden: gone, released: true, dueAt: at } };
  });

/** A message is hidden, or shown again: nobody loads its files by it while it is. 1 write for each. */
export const movedTo = (
  { app, number: chat }: ChatHandle,
  message: number,
  { files = [], place, at }: { readonly files: Held; readonly place: Place; readonly at: Timestamp },
): Merges =>
  files.map(({ id }) => {
    const other = place === "chats" ? "hidden" : "chats";
    return {
      ref: fileRef(app, id),
      data: {
        [place]: { [String(chat)]: FieldValue.arrayUnion(message) },
        [other]: { [String(chat)]: FieldValue.arrayRemove(message) },
        // What was withheld shows it as it was then.
        stale: true,
        dueAt: at,
      },
    };
  });
