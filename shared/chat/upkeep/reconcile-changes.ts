import { appHandle } from "../../identity/app.ts";
import type { CollectionReference, DocumentReference, Firestore } from "../../platform/firestore.ts";
import { Timestamp } from "../../platform/firestore-values.ts";
import { derivedId } from "../../platform/ids.ts";
import { storedAs } from "../../platform/stored.ts";
import { enqueue } from "../../platform/task.ts";
import { READ_MS_MAX, within } from "../../platform/within.ts";
import { type ChatHandle, chatHandle } from "../chat-handle.ts";
import type { ChatDeps } from "../log/chat-log.ts";
import { CHAT_CHANGES_TOPIC } from "../log/chat-log.ts";
import type { ChatHead } from "../log/head.ts";
import { readHeads, readProgressOf } from "../store.ts";
import { FORK_TASK_DELAY_MS, forkTask } from "../tasks.ts";
import { type ChangedChat, eachOf, SWEEP_PAGE, sweepChanges } from "./sweep-changes.ts";

/**
 * Where a first run begins, and how far a run looks back behind the last: no change is missed by a late
 * commit.
 */
export const LOOK_BACK_MS = 10 * 60 * 1000;
/** What is still not done is set going again after this, then after twice as long, up to AGAIN_MS_MAX. */
export const AGAIN_MS = 5 * 60 * 1000;
export const AGAIN_MS_MAX = 60 * 60 * 1000;
/** Chats that were behind and are looked at again in one run, those that have waited longest first. */
export const BEHIND_MAX = 20_000;
/** Calls under way at once. */
const AT_ONCE = 50;

export interface Reconciled {
  readonly examined: number;
  /** Changes whose event was lost, published again by this run. */
  readonly announced: number;
  /** Copies that nobody had finished, enqueued again. */
  readonly copying: number;
  /** Shards in which the next run has to go on. */
  readonly left: number;
}

/** A chat that was found behind. It is looked at until it is no longer: an outage may outlast its event. */
interface Behind {
  readonly app: string;
  readonly chat: number;
  /** How often it was set going. */
  readonly tries: number;
  readonly nextAt: Timestamp;
}
const storedBehind = storedAs<Behind>();

const behindOf = (firestore: Firestore): CollectionReference =>
  firestore.collection("system").doc("reconcile").collection("behind");
const behindRef = (firestore: Firestore, app: string, chat: number): DocumentReference =>
  behindOf(firestore).doc(derivedId("behind", app, String(chat)));

/**
 * Finds chats that were changed but not handled, because an instance died between commit and publish or a
 * service did not answer, and sets the work going again: a change is published, a copy enqueued. What is
 * behind is noted until it has caught up, so that no outage is too long. Idempotent; a run that is cut short
 * is continued by the next.
 *
 * Costs 1 read and 1 query for each shard and 1 query more; for each 200 changed chats 1 query, a call for
 * each app and 400 reads; for each chat behind 1 publish or task, 1 write and, once it has caught up, 1
 * delete.
 * @throws when Firestore or Pub/Sub fails; the next run continues
 */
export async function reconcileChanges(deps: ChatDeps): Promise<Reconciled> {
  const again = await reconcileBehind(deps);
  const swept = await sweepChanges(
    deps,
    {
      name: "reconcile",
      lookBackMs: LOOK_BACK_MS,
      firstMs: (untilMs) => untilMs,
      look: (changed) => reconcile(deps, changed),
    },
    NOTHING,
  );
  return {
    examined: again.examined + swept.examined,
    announced: again.announced + swept.announced,
    copying: again.copying + swept.copying,
    left: swept.left,
  };
}

type Counts = Record<"examined" | "announced" | "copying", number>;
const NOTHING: Counts = { examined: 0, announced: 0, copying: 0 };

async function reconcile(deps: ChatDeps, changed: readonly ChangedChat[]): Promise<Counts> {
  const found = await unfinishedOf(deps, changed);
  const nextAt = Timestamp.fromMillis(deps.clock.now() + AGAIN_MS);
  const batch = deps.firestore.batch();
  // Noted first: whoever dies between the two finds it by the note.
  for (const { app, head } of found) {
    const behind: Behind = { app, chat: head.number, tries: 1, nextAt };
    batch.set(behindRef(deps.firestore, app, head.number), behind);
  }
  if (found.length > 0) await within(READ_MS_MAX, batch.commit());
  return { ...(await setGoing(deps, found)), examined: changed.length };
}

/**
 * Looks again at what was behind and is due. 1 query and 2 reads for each, and what it takes to set it going.
 */
async function reconcileBehind(deps: ChatDeps): Promise<Counts> {
  const total = { ...NOTHING };
  for (let pages = 0; pages * SWEEP_PAGE < BEHIND_MAX; pages += 1) {
    const now = deps.clock.now();
    const due = behindOf(deps.firestore).where("nextAt", "<=", Timestamp.fromMillis(now)).orderBy("nextAt");
    const { docs } = await within(READ_MS_MAX, due.limit(SWEEP_PAGE).get());
    const noted = docs.map((document) => ({ ref: document.ref, behind: storedBehind(document) }));
    const heads = await headsOf(
      deps.firestore,
      noted.map(({ behind }) => behind),
    );
    const found = await unfinishedOf(deps, heads);
    const left = new Set(found.map(({ app, head }) => behindRef(deps.firestore, app, head.number).path));
    const batch = deps.firestore.batch();
    for (const { ref, behind } of noted) {
      const waitMs = Math.min(AGAIN_MS * 2 ** behind.tries, AGAIN_MS_MAX);
      const next = { tries: behind.tries + 1, nextAt: Timestamp.fromMillis(now + waitMs) };
      if (left.has(ref.path)) batch.update(ref, next);
      else batch.delete(ref);
    }
    if (noted.length > 0) await within(READ_MS_MAX, batch.commit());
    const going = await setGoing(deps, found);
    total.examined += noted.length;
    total.announced += going.announced;
    total.copying += going.copying;
    if (noted.length < SWEEP_PAGE) break;
  }
  return total;
}

async function headsOf(firestore: Firestore, noted: readonly Behind[]): Promise<ChangedChat[]> {
  const byApp = Map.groupBy(noted, ({ app }) => app);
  const found = await eachOf([...byApp], AT_ONCE, async ([app, chats]) => {
    const heads = await readHeads(
      appHandle(firestore, app),
      chats.map(({ chat }) => chat),
    );
    return heads.map((head) => ({ app, head }));
  });
  return found.flat();
}

/** Those with something left to do. A read for each, in a call for each app. */
async function unfinishedOf(deps: ChatDeps, changed: readonly ChangedChat[]): Promise<ChangedChat[]> {
  const byApp = Map.groupBy(changed, ({ app }) => app);
  const found = await eachOf([...byApp], AT_ONCE, async ([app, chats]) => {
    const progress = await readProgressOf(
      appHandle(deps.firestore, app),
      chats.map(({ head }) => head),
    );
    return chats.filter(
      ({ head }) => isCopyLate(deps, head) || (progress.get(head.number) ?? 0) < head.revision,
    );
  });
  return found.flat();
}

/** Both the request and the task have had their time. */
const isCopyLate = ({ clock }: ChatDeps, { status, createdAt }: ChatHead): boolean =>
  status === "copying" && createdAt.toMillis() + 2 * FORK_TASK_DELAY_MS < clock.now();

async function setGoing(deps: ChatDeps, found: readonly ChangedChat[]): Promise<Omit<Counts, "examined">> {
  const copies = found.filter(({ head }) => isCopyLate(deps, head));
  await eachOf(found, AT_ONCE, async ({ app, head }) => {
    const chat: ChatHandle = chatHandle(appHandle(deps.firestore, app), head.number);
    if (isCopyLate(deps, head)) await enqueueCopy(deps, chat);
    else {
      const event = { app, chat: head.number, revision: head.revision };
      await deps.publisher.publish(CHAT_CHANGES_TOPIC, event);
    }
  });
  return { announced: found.length - copies.length, copying: copies.length };
}

/** Under a name of this quarter of an hour: that of a task that was given up is taken for a day. */
const enqueueCopy = async (deps: ChatDeps, { app, number }: ChatHandle): Promise<void> =>
  enqueue(
    deps,
    forkTask,
    { app: app.id, chat: number },
    { occasion: Math.floor(deps.clock.now() / COPY_AGAIN_MS), notBefore: deps.clock.now() },
  );

const COPY_AGAIN_MS = 15 * 60 * 1000;
