import { eachConcurrently } from "../../platform/each-concurrently.ts";
import type { Deps } from "../../platform/deps.ts";
import type { DocumentReference, DocumentSnapshot, Firestore, Query } from "../../platform/firestore.ts";
import { FieldPath, Timestamp } from "../../platform/firestore-values.ts";
import { claimLease, type Lease, writeLease } from "../../platform/lease.ts";
import { storedAs } from "../../platform/stored.ts";
import { READ_MS_MAX, within } from "../../platform/within.ts";
import { CHANGE_SHARDS, CROWD_SHARDS } from "../log/chat-log.ts";
import type { ChatHead } from "../log/head.ts";
import { headOf } from "../store.ts";

/** Changes younger than this are left to their own events. */
export const GRACE_MS = 30_000;
/**
 * A run of a schedule stops after this, well before its function's time is over, and the next run goes on
 * where it stopped.
 */
export const SWEEP_MS_MAX = 420_000;
/** Chats handled between two notes of how far a run has come. */
export const SWEEP_PAGE = 200;
/** Each is looked through by itself. */
export const SWEEP_SHARDS = CHANGE_SHARDS + CROWD_SHARDS;
/** A page takes less; who takes longer is taken for dead. */
export const SWEEP_LEASE_MS = 120_000;

/** A chat that has changed, as it was when that was found. */
export interface ChangedChat {
  readonly app: string;
  readonly head: ChatHead;
}

/** Something that looks at each chat that has changed since it has looked last. */
export interface Sweep<Total extends Readonly<Record<string, number>>> {
  /** Names the documents that say how far it has come. */
  readonly name: string;
  /** How far a new run looks back behind the last: no change is missed by a late commit. */
  readonly lookBackMs?: number;
  /** Where the first run of all begins. By default with the oldest change. */
  firstMs?(untilMs: number): number;
  /** Looks at some. May be done again for the same. @throws to end the run; the next begins with them */
  look(changed: readonly ChangedChat[]): Promise<Total>;
  /** Where changes come from; by default the chats themselves. */
  page?(shard: number, range: Range): Promise<Page>;
}

/** Of changes, in their order: those after `fromMs`, or after a chat, up to `untilMs`. */
export interface Range {
  readonly fromMs: number;
  readonly after: Place | null;
  readonly untilMs: number;
}

/** A changed chat in the order of changes. */
export interface Place {
  readonly changedAt: Timestamp;
  readonly path: string;
}

export interface Page {
  readonly changed: readonly ChangedChat[];
  /** Where the next begins; undefined when this is the last. */
  readonly next: Place | undefined;
}

/** How far a sweep has come in one shard. */
interface Progress {
  /** Everything that changed up to here has been looked at. */
  readonly through?: Timestamp;
  /** Of a run under way, or cut short: up to where it goes, and the last chat of it. */
  readonly until?: Timestamp | null;
  readonly fromMs?: number;
  readonly after?: Place | null;
  readonly leaseUntil?: Timestamp | null;
}
const storedProgress = storedAs<Progress>();

/** What a run has done; `left` counts the shards in which the next run has to go on. */
export type Swept<Total> = Total & { readonly left: number };

/**
 * Looks at every chat that has changed, in all shards at once, and notes after each page how far it has come:
 * a run that is killed or out of time is continued by the next, and of two at the same time one does each
 * shard. Costs 1 read and 1 query for each shard, and where something has changed 2 writes, and 1 query, a
 * read for each chat and 1 write for each page, besides what looking costs.
 * @throws when Firestore fails, or what `look` throws; the next run continues
 */
export async function sweepChanges<Total extends Readonly<Record<string, number>>>(
  deps: Pick<Deps, "firestore" | "clock">,
  sweep: Sweep<Total>,
  nothing: Total,
): Promise<Swept<Total>> {
  const endMs = performance.now() + SWEEP_MS_MAX;
  const shards = Array.from({ length: SWEEP_SHARDS }, (_, shard) => shard);
  const results = await Promise.allSettled(
    shards.map((shard) => sweepShard(deps, sweep, shard, { nothing, endMs })),
  );
  const failed = results.find((result) => result.status === "rejected");
  // What the other shards have done is noted; they are not done again.
  if (failed !== undefined) throw failed.reason;
  const done = results.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
  return {
    ...sum(
      done.map(({ total }) => total),
      nothing,
    ),
    left: done.filter(({ isDone }) => !isDone).length,
  };
}

async function sweepShard<Total extends Readonly<Record<string, number>>>(
  deps: Pick<Deps, "firestore" | "clock">,
  sweep: Sweep<Total>,
  shard: number,
  { nothing, endMs }: { readonly nothing: Total; readonly endMs: number },
): Promise<{ total: Total; isDone: boolean }> {
  const found = await within(READ_MS_MAX, markOf(deps.firestore, sweep.name, shard).get());
  const known = storedProgress(found) ?? {};
  if ((known.leaseUntil?.toMillis() ?? 0) > deps.clock.now()) return { total: nothing, isDone: false };
  const range = await rangeOf(deps, sweep, known);
  const read = sweep.page ?? ((of: number, at: Range) => readPage(deps.firestore, of, at));
  let page = await read(shard, range);
  // Nothing has changed: nothing has to be noted either, but by the first run.
  if (page.changed.length === 0 && known.until == null && found.exists)
    return { total: nothing, isDone: true };
  const until = Timestamp.fromMillis(range.untilMs);
  const begun = { until, fromMs: range.fromMs, after: range.after, leaseUntil: leaseEnd(deps) };
  const lease = await claimLease(found, begun);
  if (lease === undefined) return { total: nothing, isDone: false };
  let total = nothing;
  for (;;) {
    total = sum([total, await lookHeld(deps, sweep, page, lease)], nothing);
    if (page.next === undefined) break;
    const isOver = performance.now() > endMs;
    const leaseUntil = isOver ? null : leaseEnd(deps);
    const isOurs = await writeLease(lease, { after: page.next, leaseUntil });
    if (isOver || !isOurs) return { total, isDone: false };
    page = await read(shard, { ...range, after: page.next });
  }
  const isOurs = await writeLease(lease, { through: until, until: null, after: null, leaseUntil: null });
  return { total, isDone: isOurs };
}

/** A run that fails leaves the lease to the next. */
async function lookHeld<Total extends Readonly<Record<string, number>>>(
  deps: Pick<Deps, "clock">,
  sweep: Sweep<Total>,
  { changed }: Page,
  lease: Lease,
): Promise<Total> {
  try {
    return await sweep.look(changed);
  } catch (cause) {
    await writeLease(lease, { leaseUntil: Timestamp.fromMillis(deps.clock.now()) }).catch(() => undefined);
    throw cause;
  }
}

async function rangeOf<Total extends Readonly<Record<string, number>>>(
  deps: Pick<Deps, "firestore" | "clock">,
  { name, lookBackMs = 0, firstMs = () => 0 }: Sweep<Total>,
  { through, until, fromMs, after }: Progress,
): Promise<Range> {
  if (until != null) return { fromMs: fromMs ?? 0, after: after ?? null, untilMs: until.toMillis() };
  const untilMs = deps.clock.now() - GRACE_MS;
  const lastMs = (through ?? (await throughOfOld(deps.firestore, name)))?.toMillis();
  return { fromMs: (lastMs ?? firstMs(untilMs)) - lookBackMs, after: null, untilMs };
}

const leaseEnd = ({ clock }: Pick<Deps, "clock">): Timestamp =>
  Timestamp.fromMillis(clock.now() + SWEEP_LEASE_MS);

const sweepsOf = (firestore: Firestore, name: string): DocumentReference =>
  firestore.collection("system").doc(name);

export const markOf = (firestore: Firestore, name: string, shard: number): DocumentReference =>
  sweepsOf(firestore, name).collection("shards").doc(String(shard));

/** Before sweeps had shards one document said how far all had come. */
const throughOfOld = async (firestore: Firestore, name: string): Promise<Timestamp | undefined> =>
  (await within(READ_MS_MAX, sweepsOf(firestore, name).get())).get("through") as Timestamp | undefined;

/** Chats changed in one shard of all apps: the one place that looks across apps. 1 query. */
async function readPage(
  firestore: Firestore,
  shard: number,
  { fromMs, after, untilMs }: Range,
): Promise<Page> {
  const changedAt = shard < CHANGE_SHARDS ? "changedAt" : "stampedAt";
  let query: Query = firestore
    .collectionGroup("chats")
    .where("shard", "==", shard)
    .where(changedAt, ">", Timestamp.fromMillis(fromMs))
    .where(changedAt, "<=", Timestamp.fromMillis(untilMs))
    .orderBy(changedAt)
    .orderBy(FieldPath.documentId())
    .limit(SWEEP_PAGE);
  if (after !== null) query = query.startAfter(after.changedAt, firestore.doc(after.path));
  const { docs } = await within(READ_MS_MAX, query.get());
  const last: DocumentSnapshot | undefined = docs.length < SWEEP_PAGE ? undefined : docs.at(-1);
  return {
    changed: docs.map((document) => ({
      app: document.ref.parent.parent?.id ?? "",
      head: headOf(document),
    })),
    next: last && { changedAt: last.get(changedAt) as Timestamp, path: last.ref.path },
  };
}

/** Adds up counts of the same names as those in `nothing`. */
export const sum = <Total extends Readonly<Record<string, number>>>(
  counts: readonly Total[],
  nothing: Total,
): Total =>
  Object.fromEntries(
    Object.keys(nothing).map((name) => [name, counts.reduce((total, each) => total + (each[name] ?? 0), 0)]),
  ) as Total;

/** What comes of each, so many at once, in their order. */
export async function eachOf<T, R>(
  list: readonly T[],
  atOnce: number,
  work: (each: T) => Promise<R>,
): Promise<R[]> {
  const results: R[] = [];
  await eachConcurrently(atOnce, list.entries(), async ([index, each]) => {
    results[index] = await work(each);
  });
  return results;
}
