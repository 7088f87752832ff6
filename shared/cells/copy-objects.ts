import { KEPT } from "../files/object-names.ts";
import type { Bucket } from "../platform/bucket.ts";
import type { Cell, Cells } from "../platform/cells.ts";

/**
 * The kept objects of an app's files. An object is never written over by another, so one of the same name and
 * size is the same.
 */
export const OBJECTS_PAGE = 100;
const prefixOf = (app: string): string => `${KEPT}${app}/`;

interface Page {
  readonly seen: number;
  readonly changed: number;
  /** Where the next page begins; undefined when this was the last. */
  readonly next: string | undefined;
}

/** Copies what is missing in the other cell. 2 calls, and 1 for each object that is copied. Repeatable. */
export async function copyObjects(
  { cells, bucket }: { readonly cells: Cells; readonly bucket: Bucket },
  to: Cell,
  app: string,
  after: string | undefined,
): Promise<Page> {
  const page = { limit: OBJECTS_PAGE, after };
  const here = await bucket.list(prefixOf(app), page);
  const there = await cells.bucketOf(to).list(prefixOf(app), page);
  const sizes = new Map(there.map(({ name, size }) => [name, size]));
  const missing = here.filter(({ name, size }) => sizes.get(name) !== size);
  for (const { name } of missing) await bucket.copyTo(to.bucket, name);
  return { seen: here.length, changed: missing.length, next: nextOf(here) };
}

/** 1 call, and 1 for each object. Repeatable. */
export async function removeObjects(bucket: Bucket, app: string, after: string | undefined): Promise<Page> {
  const here = await bucket.list(prefixOf(app), { limit: OBJECTS_PAGE, after });
  for (const { name } of here) await bucket.remove(name);
  return { seen: here.length, changed: here.length, next: nextOf(here) };
}

const nextOf = (page: readonly { readonly name: string }[]): string | undefined =>
  page.length === OBJECTS_PAGE ? page.at(-1)?.name : undefined;
