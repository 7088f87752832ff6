import { chatHandle } from "../chat/chat-handle.ts";
import { storedAs } from "../platform/stored.ts";
import type { ChatHead } from "../chat/log/head.ts";
import { headOf } from "../chat/store.ts";
import type { App } from "../identity/app.ts";
import { noSuchApp } from "../identity/manage-app.ts";
import { storedAppHead } from "../identity/store.ts";
import type { Deps } from "../platform/deps.ts";
import { AppError, GRPC, grpcCode } from "../platform/errors.ts";
import { FieldValue, Timestamp } from "../platform/firestore-values.ts";
import { derivedId, randomId } from "../platform/ids.ts";
import { enqueue } from "../platform/task.ts";
import { READ_MS_MAX, within } from "../platform/within.ts";
import type { Rebuild, RebuildTask } from "./contract.ts";
import { indexChat, TASK_MESSAGES } from "./index-chat.ts";
import { rebuildRef } from "./store.ts";
import { indexTask } from "./tasks.ts";

/** Chats are done side by side in so many ranges of their numbers. */
export const REBUILD_LANES = 8;
const CHATS_PAGE = 50;

/** How far one range of chats has been done. */
interface Lane {
  /** Counts the tasks; each does one step. */
  readonly step: number;
  /** The chats of the range: after the one, through the other. */
  readonly after: number;
  readonly through: number;
  /** Messages of the chat behind `after` that have been done. */
  readonly message: number;
  readonly done: boolean;
}

interface StoredRebuild {
  readonly id: string;
  readonly lanes: Readonly<Record<string, Lane>>;
  readonly chats: number;
  readonly messages: number;
  readonly createdAt: Timestamp;
  readonly updatedAt: Timestamp;
}
export const storedRebuild = storedAs<StoredRebuild>();

/**
 * Has the entries of all chats of an app written anew by tasks. Searches go on meanwhile: each entry is
 * replaced by another that is as complete. With the same key it is the same rebuild. 1 read, 1 write,
 * REBUILD_LANES tasks.
 * @throws AppError `not_found`
 */
export async function beginRebuild(deps: Deps, app: App, requestKey: string | undefined): Promise<Rebuild> {
  const head = storedAppHead(await within(READ_MS_MAX, app.ref.get()));
  if (head?.status !== "open") throw noSuchApp();
  const id = requestKey === undefined ? randomId() : derivedId("rebuild", app.id, requestKey);
  const now = Timestamp.fromMillis(deps.clock.now());
  const lanes = lanesOf(head.lastChatNumber);
  const begun: StoredRebuild = { id, lanes, chats: 0, messages: 0, createdAt: now, updatedAt: now };
  try {
    await within(READ_MS_MAX, rebuildRef(app, id).create(begun));
  } catch (cause) {
    if (grpcCode(cause) !== GRPC.alreadyExists) throw cause;
  }
  // Tasks are enqueued even if the rebuild exists, since a first request may have been cut short.
  await Promise.all(
    Object.keys(lanes).map((lane) =>
      enqueue(deps, indexTask, { app: app.id, rebuild: id, lane: Number(lane), step: 1 }),
    ),
  );
  return readRebuild(app, id);
}

function lanesOf(lastChat: number): Record<string, Lane> {
  const size = Math.ceil(lastChat / REBUILD_LANES);
  const lanes: Record<string, Lane> = {};
  for (let lane = 0; lane < REBUILD_LANES; lane += 1) {
    const after = Math.min(lastChat, lane * size);
    const through = Math.min(lastChat, after + size);
    lanes[lane] = { step: 1, after, through, message: 0, done: after >= through };
  }
  return lanes;
}

/** One read. @throws AppError `not_found` */
export async function readRebuild(app: App, id: string): Promise<Rebuild> {
  const stored = storedRebuild(await within(READ_MS_MAX, rebuildRef(app, id).get()));
  if (stored === undefined) throw new AppError("not_found", "There is no such rebuild.");
  const { chats, messages, lanes } = stored;
  return {
    id,
    state: Object.values(lanes).every(({ done }) => done) ? "completed" : "running",
    progress: { chats, messages },
    createdAt: stored.createdAt.toDate().toISOString(),
    updatedAt: stored.updatedAt.toDate().toISOString(),
  };
}

/**
 * Does the next step of one range of chats, records how far it has come, and has the next task go on. A step
 * that was recorded is not done again; one that was cut short is, from its beginning.
 * @throws as `indexChat`
 */
export async function runRebuildTask(
  deps: Deps,
  app: App,
  { rebuild, lane: name, step }: RebuildTask,
): Promise<{ chats: number; messages: number }> {
  const ref = rebuildRef(app, rebuild);
  const stored = storedRebuild(await within(READ_MS_MAX, ref.get()));
  const lane = stored?.lanes[name];
  if (lane === undefined || lane.done) return { chats: 0, messages: 0 };
  if (lane.step === step) {
    const { next, chats, messages } = await doStep(deps, app, lane);
    const isOurs = await within(
      READ_MS_MAX,
      deps.firestore.runTransaction(async (transaction) => {
        const now = storedRebuild(await transaction.get(ref));
        if (now?.lanes[name]?.step !== step) return false;
        transaction.update(ref, {
          [`lanes.${name}`]: next,
          chats: FieldValue.increment(chats),
          messages: FieldValue.increment(messages),
          updatedAt: Timestamp.fromMillis(deps.clock.now()),
        });
        return true;
      }),
    );
    if (!next.done) await enqueue(deps, indexTask, { app: app.id, rebuild, lane: name, step: next.step });
    return isOurs ? { chats, messages } : { chats: 0, messages: 0 };
  }
  // A step that was recorded may have died before it enqueued the next.
  await enqueue(deps, indexTask, { app: app.id, rebuild, lane: name, step: lane.step });
  return { chats: 0, messages: 0 };
}

/** About TASK_MESSAGES messages further. */
async function doStep(
  deps: Deps,
  app: App,
  lane: Lane,
): Promise<{ next: Lane; chats: number; messages: number }> {
  let { after, message } = lane;
  let chats = 0;
  let messages = 0;
  while (after < lane.through && messages < TASK_MESSAGES) {
    for (const head of await readHeads(deps, app, after, lane.through)) {
      if (head?.status === "open") {
        const indexed = await indexChat(
          deps,
          chatHandle(app, head.number),
          message,
          TASK_MESSAGES - messages,
        );
        messages += indexed.messages;
        if (!indexed.done) {
          return { next: { ...lane, step: lane.step + 1, after, message: indexed.through }, chats, messages };
        }
        chats += 1;
      }
      after += 1;
      message = 0;
    }
  }
  return {
    next: { ...lane, step: lane.step + 1, after, message: 0, done: after >= lane.through },
    chats,
    messages,
  };
}

/** Numbers have no gaps, so the next chats are known by theirs. A read for each. */
async function readHeads(
  deps: Deps,
  app: App,
  after: number,
  through: number,
): Promise<(ChatHead | undefined)[]> {
  const count = Math.min(CHATS_PAGE, through - after);
  if (count <= 0) return [];
  const refs = Array.from({ length: count }, (_, index) => chatHandle(app, after + 1 + index).ref);
  return (await within(READ_MS_MAX, deps.firestore.getAll(...refs))).map(headOf);
}
