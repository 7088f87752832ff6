import { appHandle } from "../identity/app.ts";
import { latestAtOf } from "../chat/log/crowd-times.ts";
import type { ChatHead } from "../chat/log/head.ts";
import { isSignal, readsRef } from "../chat/store.ts";
import { storedAs } from "../platform/stored.ts";
import { READ_MS_MAX, within } from "../platform/within.ts";
import type { Beside, Migration } from "./migration.ts";

type Found = Beside["found"];

const storedOldHead = storedAs<ChatHead>();

/**
 * Chats were archived and pinned for all of their members at once, in the head.
 *
 * Expand: what the head says holds for each member who has not said otherwise. Contract: when this has run,
 * it stands with each of them, and no head says anything.
 */
export const ownArchive: Migration = {
  name: "own-archive",
  documents: (firestore) => firestore.collectionGroup("chats"),
  change(document) {
    const head = storedOldHead(document);
    if (head === undefined || isSignal(document.id) || head.status === "deleted") return undefined;
    return head.archived || head.pinned ? { archived: false, pinned: false } : undefined;
  },
  async besides(document) {
    const head = storedOldHead(document);
    const app = document.ref.parent.parent?.id;
    if (head === undefined || app === undefined || head.members.length === 0) return [];
    const { firestore } = document.ref;
    const refs = head.members.map((member) => readsRef(appHandle(firestore, app), member));
    const found = await within(READ_MS_MAX, firestore.getAll(...refs));
    return found.flatMap((reads) => notesOf(head, reads) ?? []);
  },
};

/** What a member has said themselves stays. */
function notesOf(head: ChatHead, found: Found): Beside | undefined {
  const chat = String(head.number);
  const note = (kind: string): unknown =>
    (found.get(kind) as Readonly<Record<string, unknown>> | undefined)?.[chat];
  const archived = { through: head.lastNumber, at: latestAtOf(head) };
  const notes = [
    ...(head.archived && note("archived") === undefined ? [["archived", archived] as const] : []),
    ...(head.pinned && note("pinned") === undefined ? [["pinned", head.number] as const] : []),
  ];
  if (notes.length === 0) return undefined;
  // Of a document that is there only these fields change; a new one has them whole.
  const data = found.exists
    ? Object.fromEntries(notes.map(([kind, value]) => [`${kind}.${chat}`, value]))
    : Object.fromEntries(notes.map(([kind, value]) => [kind, { [chat]: value }]));
  return { found, data };
}
