import { type App, appHandle } from "../identity/app.ts";
import { announceApp } from "../identity/change-app.ts";
import { setHome } from "../identity/homes.ts";
import { noSuchApp } from "../identity/manage-app.ts";
import { addRevocation } from "../identity/revocation.ts";
import { STALE_MS_MAX } from "../identity/revocations.ts";
import { accessTokensEndMs } from "../identity/revoke.ts";
import { type AppHead, storedAppHead, TRANSACTION_MS_MAX } from "../identity/store.ts";
import type { Stepped } from "../jobs/run-job.ts";
import type { Cell } from "../platform/cells.ts";
import type { Deps } from "../platform/deps.ts";
import { AppError, GRPC, grpcCode } from "../platform/errors.ts";
import { READ_MS_MAX, within } from "../platform/within.ts";
import { NewMove } from "./contract.ts";
import { copyObjects, removeObjects } from "./copy-objects.ts";
import { BEGINNING, copyPage, deletePage, type Place, unknownCollections } from "./store.ts";

/**
 * Moves an app to another cell (docs/cells.md). Everything is copied while the app is used; then nothing is
 * changed any more, and what has changed meanwhile is copied, until both cells hold the same; then the other
 * cell opens it, the directory names that one, and this one says where it is. What is left here is deleted a
 * day later.
 *
 * Of every line of this a repetition does the same, so it may be killed anywhere. Nobody sees two apps: the
 * other cell's is opened only when nothing has been changed here for as long as anything may take.
 */
export const MOVE = "move-app";

/** The longest that a function works on one delivery: manifest.json, which a test compares. */
export const WORK_MS_MAX = 660_000;
/**
 * From the moment when nothing is to be changed any more until nothing is: an instance may not have heard of
 * it for STALE_MS_MAX, and then goes on with what it has begun.
 */
export const QUIET_MS = STALE_MS_MAX + WORK_MS_MAX + 60_000;
/** What is left in the cell that the app has gone from is deleted then. */
export const LEFT_MS = 24 * 3600 * 1000;
/** A step's time; it stops at the next page. */
const STEP_MS = 15_000;
/** Something writes all the time when so many comparisons have found a difference. */
export const COMPARISONS_MAX = 20;

/** `copy`: while the app is used. `compare`: nothing is changed any more. `delete`: it lives elsewhere. */
interface Cursor {
  readonly phase: "copy" | "freeze" | "compare" | "open" | "delete";
  readonly place?: Place;
  /** Set once the documents are done: after which object it goes on. */
  readonly object?: string;
  /** What this round has found other than it should be. */
  readonly changed?: number;
  readonly round?: number;
}

export const moveApp =
  (deps: Deps) =>
  async (input: object, stored: string | null): Promise<Stepped> => {
    const { app: id, cell } = NewMove.parse(input);
    const app = appHandle(deps.firestore, id);
    const cursor: Cursor = stored === null ? { phase: "copy" } : JSON.parse(stored);
    const to = deps.cells.named(cell);
    if (to === deps.cells.own) return stay(deps, app);
    if (cursor.phase !== "copy" && cursor.phase !== "freeze") await demandMoving(app, cell);
    switch (cursor.phase) {
      case "copy":
        if (stored === null) await demandRoom(deps, to, id);
        return walk(deps, cursor, copying(deps, to, id), () => ({ phase: "freeze" }));
      case "freeze": {
        await demandKnown(app);
        await freeze(deps, app, cell);
        return { ...goTo({ phase: "compare" }), notBefore: deps.clock.now() + QUIET_MS };
      }
      case "compare":
        return walk(deps, cursor, copying(deps, to, id), async ({ changed, round = 1 }) => {
          if (changed === 0) return { phase: "open" };
          if (round < COMPARISONS_MAX) return { phase: "compare", round: round + 1 };
          await stay(deps, app);
          throw new AppError("conflict", "The app is changed all the time although it is moving.");
        });
      case "open":
        await openThere(deps, app, to);
        return { ...goTo({ phase: "delete" }), notBefore: deps.clock.now() + LEFT_MS };
      case "delete":
        return walk(deps, cursor, deleting(deps, id), async () => {
          await within(READ_MS_MAX, app.ref.delete());
          return undefined;
        });
    }
  };

const goTo = (cursor: Cursor | undefined, done = 0): Stepped => ({
  cursor: cursor === undefined ? null : JSON.stringify(cursor),
  done,
});

interface Walked {
  documents(place: Place): Promise<{ seen: number; changed: number; next: Place | undefined }>;
  objects(after: string | undefined): Promise<{ seen: number; changed: number; next: string | undefined }>;
}

const copying = (deps: Deps, to: Cell, app: string): Walked => ({
  documents: (place) => copyPage({ from: deps.firestore, to: deps.cells.firestoreOf(to) }, app, place),
  objects: (after) => copyObjects(deps, to, app, after),
});

const deleting = ({ firestore, bucket }: Deps, app: string): Walked => ({
  documents: async (place) => ({ ...(await deletePage(firestore, app, place)), changed: 0 }),
  objects: (after) => removeObjects(bucket, app, after),
});

/** Goes on through documents, then objects, for a step's time. `end` says what comes when all is done. */
async function walk(
  { clock }: Pick<Deps, "clock">,
  cursor: Cursor,
  { documents, objects }: Walked,
  end: (round: {
    readonly changed: number;
    readonly round: number | undefined;
  }) => Cursor | undefined | Promise<Cursor | undefined>,
): Promise<Stepped> {
  const untilMs = clock.now() + STEP_MS;
  let { place = BEGINNING, object, changed = 0 } = cursor;
  let done = 0;
  const going = (): Cursor => ({ ...cursor, place, changed, ...(object === undefined ? {} : { object }) });
  while (object === undefined) {
    const page = await documents(place);
    done += page.seen;
    changed += page.changed;
    if (page.next === undefined) object = "";
    else place = page.next;
    if (clock.now() >= untilMs) return goTo(going(), done);
  }
  for (;;) {
    const page = await objects(object === "" ? undefined : object);
    done += page.seen;
    changed += page.changed;
    if (page.next === undefined) return goTo(await end({ changed, round: cursor.round }), done);
    object = page.next;
    if (clock.now() >= untilMs) return goTo(going(), done);
  }
}

/** What a move that has gone the other way has left there would be deleted with what comes now. */
async function demandRoom({ cells }: Deps, to: Cell, app: string): Promise<void> {
  const there = await within(READ_MS_MAX, appHandle(cells.firestoreOf(to), app).ref.get());
  if (!there.exists) return;
  throw new AppError("conflict", "That cell still has something of the app: try again in a day.");
}

/** What the walk does not know would be lost. @throws AppError `conflict` */
async function demandKnown(app: App): Promise<void> {
  const unknown = await unknownCollections(app.ref.firestore, app.id);
  if (unknown.length === 0) return;
  throw new AppError("conflict", `Nobody has said how to move these collections: ${unknown.join(", ")}.`);
}

/** From now on instances hear that nothing is to be changed. 1 read, 2 writes. Idempotent. */
const freeze = (deps: Deps, app: App, cell: string): Promise<void> =>
  changeHead(deps, app, ({ status }) => (status === "open" ? { status: "moving", cell } : undefined));

/** Calls a move off that has not come to its end. What was copied is written over by the next. */
async function stay(deps: Deps, app: App): Promise<Stepped> {
  await changeHead(deps, app, (head) => {
    if (head.status === "moved") throw new AppError("conflict", "The app has moved already.");
    return head.status === "moving" ? { status: "open" } : undefined;
  });
  return { cursor: null, done: 0 };
}

/** One transaction: 1 read, and 2 writes where there is a change. @throws AppError `not_found` */
async function changeHead(
  deps: Deps,
  app: App,
  change: (head: AppHead) => Partial<AppHead> | undefined,
): Promise<void> {
  const work = deps.firestore.runTransaction(async (transaction) => {
    const head = storedAppHead(await transaction.get(app.ref));
    if (head === undefined || head.status === "deleted") throw noSuchApp();
    const changed = change(head);
    if (changed === undefined) return;
    transaction.update(app.ref, { ...changed });
    announceApp(deps, app, transaction);
  });
  await within(TRANSACTION_MS_MAX, work);
}

/** @throws AppError `conflict` when the move was called off, or another one goes elsewhere */
async function demandMoving(app: App, cell: string): Promise<void> {
  const head = storedAppHead(await within(READ_MS_MAX, app.ref.get()));
  const isOnItsWay = head?.status === "moving" || head?.status === "moved";
  if (!isOnItsWay || head.cell !== cell) throw new AppError("conflict", "The move was called off.");
}

/**
 * The other cell opens the app, the directory names it, and this one ends what is open here: streams end
 * within seconds, and clients are told where to go. In that order, each repeatable: until the last, this cell
 * answers what is read, and changes nothing.
 */
async function openThere(deps: Deps, app: App, to: Cell): Promise<void> {
  const head = storedAppHead(await within(READ_MS_MAX, app.ref.get()));
  if (head?.status === "moving") {
    const { cell: _cell, ...settled } = head;
    const there = appHandle(deps.cells.firestoreOf(to), app.id);
    await within(READ_MS_MAX, there.ref.create({ ...settled, status: "open" })).catch((cause: unknown) => {
      // It is in use there already.
      if (grpcCode(cause) !== GRPC.alreadyExists) throw cause;
    });
  }
  await setHome(deps, app.id, to.name);
  await changeHead(deps, app, ({ status }) => (status === "moving" ? { status: "moved" } : undefined));
  const nowMs = deps.clock.now();
  const batch = deps.firestore.batch();
  addRevocation(deps.firestore, batch, {
    scope: "app",
    id: app.id,
    ends: "tokens",
    beforeMs: nowMs,
    expireMs: accessTokensEndMs(nowMs),
  });
  await within(READ_MS_MAX, batch.commit());
}
