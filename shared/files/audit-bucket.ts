import { appHandle } from "../identity/app.ts";
import type { ListedObject } from "../platform/bucket.ts";
import type { Deps } from "../platform/deps.ts";
import type { DocumentReference } from "../platform/firestore.ts";
import { READ_MS_MAX, within } from "../platform/within.ts";
import { fileOfKept, KEPT } from "./object-names.ts";
import { fileRef, storedFile } from "./store.ts";

/** Objects that one run looks at: a million are gone through in a week. */
export const AUDIT_PAGE = 500;
/** What is younger may belong to a check that has not been written down yet. */
export const STRAY_MS_MIN = 24 * 3600 * 1000;

interface Audited {
  /** Objects that belonged to no file, and were deleted. */
  readonly strays: number;
}

/**
 * Goes on through all that is kept in the bucket, a page a run, and deletes what belongs to no file: what a
 * check has left that died, or a file that was removed meanwhile. That files have their bytes is looked at
 * with each file (tend-files.ts). 1 read for each file of the page, 1 read and 1 write for the place, 1 call
 * to the bucket.
 * @throws when Firestore or the bucket fails; the next run looks at the same page
 */
export async function auditBucket(deps: Pick<Deps, "firestore" | "bucket" | "clock">): Promise<Audited> {
  const place = deps.firestore.collection("system").doc("files");
  const after = (await within(READ_MS_MAX, place.get())).get("auditedThrough") as string | null | undefined;
  const page = await deps.bucket.list(KEPT, { limit: AUDIT_PAGE, after: after ?? undefined });
  const strays = await straysIn(deps, page);
  for (const { name, generation } of strays) await deps.bucket.remove(name, generation);
  const last = page.length < AUDIT_PAGE ? null : (page.at(-1)?.name ?? null);
  await within(READ_MS_MAX, place.set({ auditedThrough: last }));
  return { strays: strays.length };
}

async function straysIn(
  { firestore, clock }: Pick<Deps, "firestore" | "clock">,
  page: readonly ListedObject[],
): Promise<readonly ListedObject[]> {
  const old = page.filter(({ createdMs }) => clock.now() - createdMs > STRAY_MS_MIN);
  const refs = new Map<string, DocumentReference>();
  for (const { name } of old) {
    const { app, file } = fileOfKept(name) ?? {};
    if (app !== undefined && file !== undefined)
      refs.set(`${app}/${file}`, fileRef(appHandle(firestore, app), file));
  }
  const found = refs.size === 0 ? [] : await within(READ_MS_MAX, firestore.getAll(...refs.values()));
  const generations = new Map(found.map((each) => [each.ref.path, storedFile(each)?.generation]));
  return old.filter(({ name }) => {
    const { app = "", file = "", generation } = fileOfKept(name) ?? {};
    const ref = refs.get(`${app}/${file}`);
    return ref === undefined || generations.get(ref.path) !== generation;
  });
}
