import { type Bucket, COMPOSED_MAX } from "../../platform/bucket.ts";
import type { ExportObjects } from "./object-names.ts";

/** How far parts have been made one object. */
export interface Joining {
  /** Parts are level 0; of COMPOSED_MAX of a level one of the next is made. */
  readonly level: number;
  /** The next of the level above to be made. */
  readonly index: number;
  /** Objects of this level. */
  readonly count: number;
}

export const beginJoining = (parts: number): Joining => ({ level: 0, index: 0, count: parts });

/**
 * Makes the next object of up to COMPOSED_MAX others; undefined once it was the whole, `to`. 1 call to the
 * bucket. Idempotent: what is there already stands.
 * @throws when a part is not there, and neither is the whole
 */
export async function joinNext(
  bucket: Bucket,
  objects: ExportObjects,
  { level, index, count }: Joining,
  { to, type }: { readonly to: string; readonly type: string },
): Promise<Joining | undefined> {
  const nameOf = (each: number): string => (level === 0 ? objects.part(each) : objects.joined(level, each));
  const first = index * COMPOSED_MAX;
  const sources = Array.from({ length: Math.min(COMPOSED_MAX, count - first) }, (_, each) =>
    nameOf(first + each),
  );
  const isWhole = count <= COMPOSED_MAX;
  const name = isWhole ? to : objects.joined(level + 1, index);
  try {
    await bucket.compose(sources, name, type);
  } catch (cause) {
    // Another has done so, and removed the parts since.
    if ((await bucket.stat(name)) === undefined) throw cause;
  }
  if (isWhole) return undefined;
  const above = Math.ceil(count / COMPOSED_MAX);
  return index + 1 < above
    ? { level, index: index + 1, count }
    : { level: level + 1, index: 0, count: above };
}
