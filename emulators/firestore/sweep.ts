import type { Kernel } from "../kernel/kernel.ts";
import { projectOf } from "../kernel/rpc.ts";
import { GROUP_SCOPE, keyPrefix } from "./entries.ts";
import { findByPath } from "./found-document.ts";
import { valueKey } from "./key.ts";
import { READ_TIME_WINDOW_MS, TTL_SWEEP_MS, VERSIONS_KEPT_MAX } from "./limits.ts";
import { type FieldPath, parseDocumentName } from "./path.ts";
import { TTL_DELAY_MS } from "./physics.ts";
import { EntryScan, FIRST } from "./scan.ts";
import type { FirestoreState } from "./state.ts";
import type { DatabaseRow } from "./collection-rows.ts";
import { timestampOf } from "./time.ts";
import type { Write } from "./write-parse.ts";

/** Expired documents deleted, or old versions dropped, before others get their turn. */
const SWEEP_BATCH = 500;
/** What a transaction holds for longer is left to the next sweep, so that the others need not wait for it. */
const PATIENCE_MS = 500;
/** That one comes so soon. */
const AGAIN_MS = 1_000;
/** A sweep that takes longer begins anew, as the clock may have been moved meanwhile. */
const PASS_MS = 1_000;

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/**
 * Deletes expired documents and old versions: at once, and every minute from then on. Each by itself: after
 * hours have passed at once there may be versions by the hundred thousand, and nobody waits for those.
 */
export function startSweeping(kernel: Kernel, state: FirestoreState): () => void {
  const stops = [
    repeatedly(kernel, (stopped) => sweepExpired(kernel, state, stopped)),
    repeatedly(kernel, (stopped) => dropOldVersions(kernel, state, stopped)),
  ];
  return () => {
    for (const stop of stops) stop();
  };
}

/** @param work tells whether it has left something that it could not do now */
function repeatedly(kernel: Kernel, work: (stopped: () => boolean) => Promise<boolean>): () => void {
  let stopped = false;
  let cancelAlarm = (): void => undefined;
  const sweep = async (): Promise<void> => {
    // The clock may be moved while this goes on: the next time is counted from its beginning.
    const begunMs = kernel.clock.now();
    let isLeft = false;
    try {
      isLeft = await work(() => stopped);
    } catch (cause) {
      if (!stopped) console.error(cause);
    }
    if (stopped) return;
    const fromMs = Math.min(begunMs, kernel.clock.now());
    cancelAlarm = kernel.clock.at(fromMs + (isLeft ? AGAIN_MS : TTL_SWEEP_MS), () => void sweep());
  };
  cancelAlarm = kernel.clock.at(kernel.clock.now(), () => void sweep());
  return () => {
    stopped = true;
    cancelAlarm();
  };
}

/** The newest databases come first: those of test files that have ended leave theirs behind in a process. */
async function sweepExpired(kernel: Kernel, state: FirestoreState, stopped: () => boolean): Promise<boolean> {
  const groups = state.catalog
    .expiring()
    .flatMap(({ group, field }) =>
      state.store.groupsNamed(group).map(({ id, database }) => ({ groupId: id, database, field })),
    )
    .toSorted((a, b) => b.database.id - a.database.id);
  const endMs = performance.now() + PASS_MS;
  let isLeft = false;
  for (const group of groups) {
    state.settler.settleGroup(group.groupId);
    for (let seen = SWEEP_BATCH; !stopped() && seen === SWEEP_BATCH;) {
      const batch = await sweepBatch(kernel, state, group);
      isLeft ||= batch.isLeft;
      seen = batch.isLeft ? 0 : batch.seen;
      await nextTurn();
    }
    if (stopped()) return false;
    if (performance.now() > endMs) return true;
  }
  return isLeft;
}

interface ExpiringGroup {
  readonly database: DatabaseRow;
  readonly groupId: number;
  readonly field: FieldPath;
}

/**
 * Deletes a batch of a group's expired documents.
 * @returns how many it looked at, and whether some of them could not be deleted
 */
async function sweepBatch(
  kernel: Kernel,
  state: FirestoreState,
  { database, groupId, field }: ExpiringGroup,
): Promise<{ readonly seen: number; readonly isLeft: boolean }> {
  const delayMs = kernel.physics.holdsIn(projectOf(database.name)) ? TTL_DELAY_MS : 0;
  const now = { type: "timestamp", ...timestampOf((kernel.clock.now() - delayMs) * 1000) } as const;
  const prefix = keyPrefix(GROUP_SCOPE, groupId, state.catalog.findFieldSlot("ttl", field.text));
  const high = { suffix: Buffer.concat([valueKey(now), Buffer.alloc(1)]), id: Buffer.alloc(0) };
  const scan = new EntryScan(state.store, prefix, [{ low: FIRST, high }]);
  const deletions: Promise<boolean>[] = [];
  let seen = 0;
  for (let row = scan.next(); row !== undefined && seen < SWEEP_BATCH; row = scan.next()) {
    seen += 1;
    const found = findByPath(state.store, database, row.id);
    if (found === undefined) continue;
    // Whoever moved the expiry meanwhile keeps the document: the delete holds for this version only.
    const deletion = deletionOf(found.name, found.document.updated);
    deletions.push(
      state
        .commit(database, [deletion], undefined, () => AbortSignal.timeout(PATIENCE_MS))
        .then(
          () => {
            kernel.meter.bill({ project: projectOf(database.name) }, { deletes: 1 });
            return true;
          },
          () => false,
        ),
    );
  }
  const isLeft = (await Promise.all(deletions)).includes(false);
  state.settler.settleGroup(groupId);
  return { seen, isLeft };
}

function deletionOf(name: string, updateTime: number): Write {
  return {
    kind: "delete",
    path: parseDocumentName(name),
    name,
    fields: new Map(),
    mask: undefined,
    transforms: [],
    precondition: { type: "updateTime", updateTime },
  };
}

/** Drops versions that no read may ask for: those of an hour ago, or of before many others. */
async function dropOldVersions(
  kernel: Kernel,
  state: FirestoreState,
  stopped: () => boolean,
): Promise<false> {
  const { store } = state;
  const oldest = (kernel.clock.now() - READ_TIME_WINDOW_MS) * 1000;
  const last = store.statement("SELECT max(sequence) AS n FROM versions").get() as { n: number | null };
  const surplus = (last.n ?? 0) - VERSIONS_KEPT_MAX;
  // Entries follow the versions, so none may go before its entries are made.
  state.settler.settleAll();
  const select = store.statement("SELECT sequence, time FROM versions ORDER BY sequence LIMIT ?");
  const remove = store.statement("DELETE FROM versions WHERE sequence <= ?");
  while (!stopped()) {
    const rows = select.all(SWEEP_BATCH) as { sequence: number; time: number }[];
    const due = rows.filter(({ sequence, time }) => time < oldest || sequence <= surplus);
    const latest = due.at(-1);
    if (latest === undefined) return false;
    await store.write(() => {
      remove.run(latest.sequence);
      state.forgetVersions(Math.max(state.versionsFrom, ...due.map(({ time }) => time)));
    });
    if (due.length < SWEEP_BATCH) return false;
    await nextTurn();
  }
  return false;
}
