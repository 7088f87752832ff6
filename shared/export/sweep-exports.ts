import { appHandle } from "../identity/app.ts";
import { storedJob } from "../jobs/jobs.ts";
import type { Deps } from "../platform/deps.ts";
import { READ_MS_MAX, within } from "../platform/within.ts";
import { transferRef } from "../transfers/store.ts";
import { isOver } from "../transfers/tell-of.ts";
import { EXPORTS, exportObjects, exportOf } from "./archive/object-names.ts";
import { removeAll } from "./keep-archive.ts";

/** Exports that one run looks at: three each of a few hundred people. */
export const SWEPT_MAX = 1_000;

/**
 * Removes what exports have left that are over: those that were cancelled or have failed, and what a worker
 * has written that did not know yet. Idempotent. 1 read and 1 call to the bucket for each export that has
 * anything there, and a call for each object that is removed.
 * @throws when Firestore or the bucket fails; the next run continues
 */
export async function sweepExports({
  firestore,
  bucket,
}: Pick<Deps, "firestore" | "bucket">): Promise<{ readonly sweptObjects: number }> {
  let sweptObjects = 0;
  let after: string | undefined;
  for (let looked = 0; looked < SWEPT_MAX; looked += 1) {
    const [found] = await bucket.list(EXPORTS, { limit: 1, after });
    if (found === undefined) break;
    const { app: appId, job } = exportOf(found.name) ?? {};
    if (appId === undefined || job === undefined) {
      after = found.name;
      continue;
    }
    const app = appHandle(firestore, appId);
    const { prefix } = exportObjects(app, job);
    const stored = storedJob(await within(READ_MS_MAX, transferRef(app, job).get()));
    if (stored === undefined || isOver(stored)) sweptObjects += await removeAll(bucket, prefix);
    after = afterAll(prefix);
  }
  return { sweptObjects };
}

/** The first name that no object under the prefix has: `0` follows `/`. */
const afterAll = (prefix: string): string => `${prefix.slice(0, -1)}0`;
