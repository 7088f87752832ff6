import { chatHandle } from "../chat-handle.ts";
import { appHandle } from "../../identity/app.ts";
import type { Firestore } from "../../platform/firestore.ts";
import { Timestamp } from "../../platform/firestore-values.ts";
import { READ_MS_MAX, within } from "../../platform/within.ts";
import { CHANGE_SHARDS, type ChatDeps } from "../log/chat-log.ts";
import type { ChatChanged } from "../contract.ts";
import { readProgress, headOf } from "../store.ts";

/** Changes younger than this are left to their own events. */
export const GRACE_MS = 30_000;
/**
 * Where a first run begins, and how far a run looks back behind the last: no change is missed by a late
 * commit.
 */
export const LOOK_BACK_MS = 10 * 60 * 1000;
const PAGE = 200;

export interface Reconciled {
  readonly examined: number;
  /** Changes whose event was lost, published again by this run. */
  readonly announced: number;
}

/**
 * Finds chats that were changed but not handled, because an instance died between commit and publish or
 * Pub/Sub did not answer, and publishes their change again. Cheap when nothing happens: one query a shard.
 * Idempotent; a run that is cut short is continued by the next, which looks at the same time again.
 * @throws when Firestore fails; the next run continues
 */
export async function reconcileChanges(deps: ChatDeps): Promise<Reconciled> {
  const { firestore, clock } = deps;
  const until = clock.now() - GRACE_MS;
  const mark = firestore.collection("system").doc("reconcile");
  const through = (await within(READ_MS_MAX, mark.get())).get("through") as Timestamp | undefined;
  const from = (through?.toMillis() ?? until) - LOOK_BACK_MS;
  const total = { examined: 0, announced: 0 };
  for (let shard = 0; shard < CHANGE_SHARDS; shard += 1) {
    for await (const change of listChanges(firestore, shard, from, until)) {
      total.examined += 1;
      const app = appHandle(firestore, change.app);
      const { head, progress } = await readProgress(firestore, chatHandle(app, change.chat));
      if (head === undefined || progress.revision >= head.revision) continue;
      await deps.publisher.publish("chat-changes", { ...change, revision: head.revision });
      total.announced += 1;
    }
  }
  await within(READ_MS_MAX, mark.set({ through: Timestamp.fromMillis(until) }));
  return total;
}

/** Chats changed between two moments. One query a page. The one place that looks across apps. */
export async function* listChanges(
  firestore: Firestore,
  shard: number,
  fromMs: number,
  untilMs: number,
): AsyncGenerator<ChatChanged> {
  let query = firestore
    .collectionGroup("chats")
    .where("shard", "==", shard)
    .where("changedAt", ">", Timestamp.fromMillis(fromMs))
    .where("changedAt", "<=", Timestamp.fromMillis(untilMs))
    .orderBy("changedAt")
    .limit(PAGE);
  for (;;) {
    const found = await within(READ_MS_MAX, query.get());
    for (const document of found.docs) {
      const { number, revision } = headOf(document);
      yield { app: document.ref.parent.parent?.id ?? "", chat: number, revision };
    }
    const last = found.docs.at(-1);
    if (last === undefined || found.size < PAGE) return;
    query = query.startAfter(last);
  }
}
