import { type App, appHandle } from "../identity/app.ts";
import { readOpenApp } from "../identity/manage-app.ts";
import { completeSettings } from "../identity/settings.ts";
import type { Deps } from "../platform/deps.ts";
import { AppError } from "../platform/errors.ts";
import type { DocumentSnapshot } from "../platform/firestore.ts";
import { Timestamp } from "../platform/firestore-values.ts";
import { recoverEach } from "../platform/recover.ts";
import { READ_MS_MAX, within } from "../platform/within.ts";
import { auditBucket } from "./audit-bucket.ts";
import type { ShowFile } from "./check/check-file.ts";
import type { FileUploaded } from "./contract.ts";
import { heldBy, unsentUntil } from "./held-by.ts";
import { HELD_LOOK_MS, UPLOAD_LOOK_MS, UPLOAD_MS_MAX } from "./limits.ts";
import { keptName, keptPrefix, uploadName } from "./object-names.ts";
import { dueFiles, fileRef, inFileTransaction, type StoredFile, storedFile } from "./store.ts";

export type TendDeps = Pick<Deps, "firestore" | "bucket" | "publisher" | "clock" | "log">;

/** What is known of the messages that hold a file. */
export interface FileMessages {
  readonly show: ShowFile;
  /** Takes away what the file notes of messages that do not hold it; how many. */
  prove(app: App, id: string, stored: StoredFile): Promise<number>;
}

type Tending = TendDeps & FileMessages & { readonly keptMs: (app: App) => Promise<number> };

/** Objects that are deleted by one run at one file. */
const LIST_PAGE = 100;

/** Of everything that is uploaded the bucket tells this topic. */
export const FILE_UPLOADS_TOPIC = "file-uploads";

/**
 * Looks at every file whose time has come: tells anew of an upload of which nobody has been told or whose
 * check has died, shows in messages what they do not show yet, and removes what never came, was never sent,
 * was deleted, or is held by no message any more. Idempotent. 2 reads and a write for each, 1 query for each
 * 500, and what is asked of the bucket and of messages.
 * @throws when Firestore or the bucket fails; the next run continues
 */
export async function tendFiles(deps: TendDeps, messages: FileMessages): Promise<Tended> {
  const tending: Tending = { ...deps, ...messages, keptMs: openKeptMs() };
  const counts = { tended: 0, recovered: 0, removed: 0, wrong: 0 };
  const due = dueFiles(deps.firestore, deps.clock.now());
  const { isCut } = await recoverEach(due, async (document) => {
    const app = document.ref.parent.parent?.id;
    if (app === undefined) return;
    counts[await tend(tending, appHandle(deps.firestore, app), document)] += 1;
  });
  const { strays } = await auditBucket(deps);
  return { ...counts, wrong: counts.wrong + strays, isCut };
}

/** What a run has come to. */
interface Tended {
  /** Files at which there was nothing to do yet. */
  readonly tended: number;
  /** Uploads of which nobody had been told, or whose check had died. */
  readonly recovered: number;
  readonly removed: number;
  /** Files without bytes, bytes without a file, and notes of messages that do not hold their file. */
  readonly wrong: number;
  /** Whether there was no time for the rest. */
  readonly isCut: boolean;
}

type Done = "tended" | "recovered" | "removed" | "wrong";

async function tend(deps: Tending, app: App, document: DocumentSnapshot): Promise<Done> {
  const stored = storedFile(document);
  // A message has let go of what was gone already, or a copy of it has come late.
  if (stored?.status === undefined) return remove(deps, app, document.id);
  switch (stored.status) {
    case "pending":
    case "checking":
      return lookForUpload(deps, app, document.id, stored);
    case "ready":
    case "refused":
      return lookAtChecked(deps, app, document.id, stored);
    case "deleted":
      return bury(deps, app, document.id, stored);
  }
}

/** What was uploaded is told of again; what has not come yet may still come. */
async function lookForUpload(deps: Tending, app: App, id: string, stored: StoredFile): Promise<Done> {
  const nowMs = deps.clock.now();
  const name = uploadName(app, id);
  const found = await deps.bucket.stat(name);
  const endsMs = stored.createdAt.toMillis() + UPLOAD_MS_MAX;
  if (found === undefined && nowMs >= endsMs) {
    const isGone = await change(deps, app, id, (now) => (isPending(now) ? EXPIRED : undefined));
    return isGone ? bury(deps, app, id, stored) : "tended";
  }
  if (found !== undefined) {
    const event: FileUploaded = { name, generation: found.generation };
    await deps.publisher.publish(FILE_UPLOADS_TOPIC, event);
  }
  const nextMs = found === undefined ? Math.min(endsMs, nowMs + 12 * UPLOAD_LOOK_MS) : nowMs + UPLOAD_LOOK_MS;
  await change(deps, app, id, (now) =>
    isPending(now) ? { dueAt: Timestamp.fromMillis(nextMs) } : undefined,
  );
  return found === undefined ? "tended" : "recovered";
}

const isPending = ({ status }: StoredFile): boolean => status === "pending" || status === "checking";

const EXPIRED = { status: "deleted", refusal: "expired" } as const;

/**
 * A file goes when its app wants to keep none for longer, with the last message that held it, or when it was
 * never sent; of the others it is seen to that messages show them as they are.
 */
async function lookAtChecked(deps: Tending, app: App, id: string, stored: StoredFile): Promise<Done> {
  const nowMs = deps.clock.now();
  const keptMs = await deps.keptMs(app);
  // A picture is kept for as long as it is shown.
  const endsMs = (of: StoredFile, isHeld: boolean): number => {
    if (of.shownAs !== undefined) return Number.POSITIVE_INFINITY;
    if (isHeld) return of.createdAt.toMillis() + keptMs;
    return of.released === true && of.keptUntil === undefined ? nowMs : unsentUntil(of).toMillis();
  };
  let isGone = false;
  await change(deps, app, id, (now) => {
    if (isPending(now) || now.status === "deleted") return undefined;
    const isHeld = heldBy(now) > 0;
    const until = endsMs(now, isHeld);
    isGone = until <= nowMs;
    return isGone
      ? { ...EXPIRED, refusal: isHeld ? "expired" : "deleted" }
      : { dueAt: Timestamp.fromMillis(Math.min(until, nowMs + HELD_LOOK_MS)) };
  });
  if (isGone) return bury(deps, app, id, stored);
  const isLost = stored.status === "ready" && (await noteIfLost(deps, app, id, stored));
  if (stored.stale === true || isLost) await deps.show(app, id);
  const wrong = await deps.prove(app, id, stored);
  return isLost || wrong > 0 ? "wrong" : "tended";
}

/**
 * A file whose bytes are not there is said to be lost; what has happened to them is for people to find out.
 */
async function noteIfLost(deps: Tending, app: App, id: string, stored: StoredFile): Promise<boolean> {
  const { generation = "" } = stored;
  if ((await deps.bucket.stat(keptName(app, id, generation))) !== undefined) return false;
  deps.log.error("The bytes of a file are gone.", new Error("There is no such object."), {
    app: app.id,
    file: id,
  });
  return change(deps, app, id, (now) =>
    now.status === "ready" && now.generation === generation
      ? { status: "refused", refusal: "lost", stale: true }
      : undefined,
  );
}

/**
 * How long each app keeps files, asked once a run: what an instance remembers may be older than the last.
 * Those of an app that is gone are gone with it.
 */
function openKeptMs(): (app: App) => Promise<number> {
  const known = new Map<string, Promise<number>>();
  const read = async (app: App): Promise<number> => {
    try {
      const { filesDays } = completeSettings((await readOpenApp(app)).settings).retention;
      return filesDays === null ? Number.POSITIVE_INFINITY : filesDays * DAY_MS;
    } catch (cause) {
      if (cause instanceof AppError && cause.code === "not_found") return 0;
      throw cause;
    }
  };
  return (app) => {
    const before = known.get(app.id) ?? read(app);
    known.set(app.id, before);
    return before;
  };
}

const DAY_MS = 24 * 3600 * 1000;

/** Messages that held it show that it is gone; then its bytes go, and it itself. */
async function bury(deps: Tending, app: App, id: string, stored: StoredFile): Promise<Done> {
  if (heldBy(stored) > 0) await deps.show(app, id);
  return remove(deps, app, id);
}

/** The bytes go first: a death in between leaves a file that is looked at again. */
async function remove({ bucket }: Tending, app: App, id: string): Promise<Done> {
  for (;;) {
    const objects = await bucket.list(keptPrefix(app, id), { limit: LIST_PAGE });
    for (const { name } of objects) await bucket.remove(name);
    if (objects.length < LIST_PAGE) break;
  }
  await bucket.remove(uploadName(app, id));
  await within(READ_MS_MAX, fileRef(app, id).delete());
  return "removed";
}

/** Writes what follows from a file as it is now; false where nothing does. 1 read, 1 write. */
const change = (
  { firestore }: Pick<Deps, "firestore">,
  app: App,
  id: string,
  decide: (now: StoredFile) => Partial<StoredFile> | undefined,
): Promise<boolean> =>
  inFileTransaction(firestore, async (transaction) => {
    const ref = fileRef(app, id);
    const now = storedFile(await transaction.get(ref));
    const fields = now && decide(now);
    if (fields === undefined) return false;
    transaction.update(ref, { ...fields });
    return true;
  });
