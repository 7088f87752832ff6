import type { DocumentSnapshot, QueryDocumentSnapshot } from "./firestore.ts";

/**
 * Reads documents of one stored type. What only our own code writes is taken at its word: nothing is checked,
 * and reading costs nothing. Each type has one reader, beside its definition.
 */
export interface StoredReader<T> {
  (found: QueryDocumentSnapshot): T;
  /** Undefined when there is no such document. */
  (found: DocumentSnapshot | undefined): T | undefined;
}

export const storedAs = <T>(): StoredReader<T> =>
  ((found: DocumentSnapshot | undefined) => found?.data()) as StoredReader<T>;

/** Of a document that is known to exist. */
export function demandStored<T>(stored: T | undefined): T {
  if (stored === undefined) throw new Error("A document that was found is there.");
  return stored;
}
