import type { App } from "../identity/app.ts";
import { TRANSACTION_MS_MAX } from "../identity/store.ts";
import type {
  DocumentReference,
  DocumentSnapshot,
  Firestore,
  Query,
  Transaction,
} from "../platform/firestore.ts";
import { AggregateField, FieldPath, Timestamp } from "../platform/firestore-values.ts";
import { storedAs } from "../platform/stored.ts";
import { READ_MS_MAX, within } from "../platform/within.ts";
import type { File, Purpose, Refusal } from "./contract.ts";

/** A file, whose bytes lie in the bucket. */
export interface StoredFile {
  readonly name: string;
  /** As it was announced; once the file is ready, what it is. */
  readonly type: string;
  readonly size: number;
  readonly sha256: string | null;
  /** Whose it is. */
  readonly createdBy: string;
  readonly purpose?: Purpose;
  /** It is somebody's picture, or the app's: whoever has its address is shown it. */
  readonly shownAs?: Purpose;
  /** `deleted`: nobody finds it any more, and `tend-files` removes what it has left. */
  readonly status: File["status"] | "deleted";
  readonly refusal?: Refusal;
  /** Of the upload that is being checked or was: what is kept of it is named by that. */
  readonly generation?: string;
  /** Until when the check under way is trusted to be alive; null once it has ended. */
  readonly leaseUntil?: Timestamp | null;
  /** The check that was begun last. */
  readonly check?: string;
  /** How often a check was begun. */
  readonly checks?: number;
  readonly image?: File["image"];
  /** Of an image: the size of the picture that models are given. */
  readonly picture?: { readonly width: number; readonly height: number };
  /** Text was taken out of it, which lies beside it; and whether not all of it was. */
  readonly hasText?: true;
  readonly isTextCut?: true;
  /** The messages that hold it, by chat: a message and its entry here come and go in one commit. */
  readonly chats: Readonly<Record<string, readonly number[]>>;
  /** The same of messages that are hidden: nobody loads it by them, and it is kept. */
  readonly hidden?: Readonly<Record<string, readonly number[]>>;
  /** Messages that are to be sent at a time of their own, by their ids: it is kept for them. */
  readonly scheduled?: readonly string[];
  /** Messages may still show it as it was before. */
  readonly stale?: boolean;
  /** A message has let go of it: if none is left, nobody waits whether it will be sent. */
  readonly released?: boolean;
  /** Until when it is kept although no message holds it; a day where nothing is said. */
  readonly keptUntil?: Timestamp;
  /** When `tend-files` looks at it. */
  readonly dueAt: Timestamp;
  readonly createdAt: Timestamp;
}
export const storedFile = storedAs<StoredFile>();

/** Whether there is such a file; an entry of nothing is what a message has left at one that had gone. */
export const isThere = (stored: StoredFile | undefined): stored is StoredFile =>
  stored !== undefined && stored.status !== undefined && stored.status !== "deleted";

export const fileRef = (app: App, id: string): DocumentReference => app.collection("files").doc(id);

/** One read. */
export async function readFile(
  app: App,
  id: string,
): Promise<{ readonly found: DocumentSnapshot; readonly stored: StoredFile | undefined }> {
  const found = await within(READ_MS_MAX, fileRef(app, id).get());
  return { found, stored: storedFile(found) };
}

/** A person's next file after one, in the order of ids. 1 query, 1 read. */
export async function fileAfter(
  app: App,
  person: string,
  after: string | undefined,
): Promise<{ readonly id: string; readonly stored: StoredFile } | undefined> {
  let query = app.collection("files").where("createdBy", "==", person).orderBy(FieldPath.documentId());
  if (after !== undefined) query = query.startAfter(after);
  const [found] = (await within(READ_MS_MAX, query.limit(1).get())).docs;
  return found && { id: found.id, stored: storedFile(found) };
}

export interface FoundFile {
  readonly id: string;
  readonly stored: StoredFile | undefined;
  readonly updateTime: Timestamp | undefined;
}

/** One read for each, in the order asked for. */
export async function readFiles(
  firestore: Firestore,
  app: App,
  ids: readonly string[],
): Promise<readonly FoundFile[]> {
  if (ids.length === 0) return [];
  const found = await within(READ_MS_MAX, firestore.getAll(...ids.map((id) => fileRef(app, id))));
  return found.map((snapshot) => ({
    id: snapshot.id,
    stored: storedFile(snapshot),
    updateTime: snapshot.updateTime,
  }));
}

/** What somebody has begun to upload on a day. */
export interface FileUsage {
  readonly day: string;
  readonly bytes: number;
  readonly files: number;
  readonly expireAt: Timestamp;
}
export const storedFileUsage = storedAs<FileUsage>();

export const fileUsageRef = (app: App, day: string, personId: string): DocumentReference =>
  app.collection("fileUsage").doc(`${day}.${personId}`);

/** What all of an app have begun to upload on a day. 1 aggregation: a read for each 1000 people. */
export async function sumFileUsage(app: App, day: string): Promise<{ bytes: number; files: number }> {
  const query = app
    .collection("fileUsage")
    .where("day", "==", day)
    .aggregate({ bytes: AggregateField.sum("bytes"), files: AggregateField.sum("files") });
  const { bytes, files } = (await within(READ_MS_MAX, query.get())).data();
  return { bytes, files };
}

/** What `tend-files` is to look at, over all apps, the longest due first. */
export const dueFiles = (firestore: Firestore, nowMs: number): Query =>
  firestore.collectionGroup("files").where("dueAt", "<=", Timestamp.fromMillis(nowMs)).orderBy("dueAt");

export const inFileTransaction = <T>(
  firestore: Firestore,
  work: (transaction: Transaction) => Promise<T>,
): Promise<T> => within(TRANSACTION_MS_MAX, firestore.runTransaction(work));
