import type { Store, StoredDocument } from "./store.ts";
import type { Micros } from "./time.ts";

/** A document as its entries show it, and as it is. */
export interface Unsettled {
  readonly id: Buffer;
  readonly before: StoredDocument | undefined;
  readonly after: StoredDocument | undefined;
  /** After a start: states in between, whose entries may or may not have been made. */
  readonly between?: readonly StoredDocument[];
}

/** How much work a change is: one, and one for each KiB. */
export const workOf = ({ before, after }: Unsettled): number =>
  1 + ((before?.fields.length ?? 0) + (after?.fields.length ?? 0)) / 1024;

/** A collection whose entries are behind. */
export interface Lag {
  /** The time its entries stand at. */
  readonly since: Micros;
  /** What changed, by id; undefined where only the file knows, after a start or a loss. */
  readonly changes: Map<string, Unsettled> | undefined;
}

/** The changes of a collection since a time, from the versions on disk. */
export function changesSince(store: Store, collectionId: number, since: Micros): Unsettled[] {
  const found = new Map<string, Unsettled & { between: StoredDocument[] }>();
  for (const { id, before } of store.versionsSince(collectionId, since)) {
    const known = found.get(id.toString("latin1"));
    if (known === undefined) {
      const after = store.readDocument(collectionId, id);
      found.set(id.toString("latin1"), { id, before, after, between: [] });
    } else if (before !== undefined) known.between.push(before);
  }
  return [...found.values()];
}
