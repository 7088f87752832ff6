import type { DocumentSnapshot, Firestore, Query } from "../platform/firestore.ts";

/**
 * A change of stored documents that runs while old and new code serve: first code that reads both forms is
 * deployed (expand), then the migration brings old documents into the new form, then the old form is
 * forgotten (contract).
 */
export interface Migration {
  readonly name: string;
  /** The documents it looks at, in no order of its own: those of a collection or of a collection group. */
  documents(firestore: Firestore): Query;
  /**
   * What has to change in a document; undefined when it has the new form. Pure. It is written only while the
   * document is as it was read, so it is never based on anything old.
   */
  change(document: DocumentSnapshot): Readonly<Record<string, unknown>> | undefined;
  /**
   * What other documents take on with a change, in the commit of it: each only while it is as it was read, or
   * still missing. Reads what it needs.
   */
  besides?(document: DocumentSnapshot): Promise<readonly Beside[]>;
  /**
   * What is done for a document that `change` says something of, where that is more than writing a change:
   * a part of a few seconds, from where the part before has come, null at first. Answers where to go on; null
   * when it is done. Doing a part twice must be doing it once.
   */
  work?(document: DocumentSnapshot, at: string | null): Promise<string | null>;
}

export interface Beside {
  readonly found: DocumentSnapshot;
  readonly data: Readonly<Record<string, unknown>>;
}
