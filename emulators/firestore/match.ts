import { fieldAt, fieldsOf } from "./fields.ts";
import { matchesFilter, type Subject } from "./filter.ts";
import { type FieldPath, groupOf, pathKey } from "./path.ts";
import { type Query, sortKey, withinCursors } from "./query.ts";
import type { StoredDocument } from "./store.ts";
import type { Value } from "./value.ts";

/** Whether documents of a collection can be among a query's results, its limit aside. */
export function reaches(query: Query, collection: string): boolean {
  const { parent, collection: id, allDescendants } = query;
  const below = parent.document === "" ? "" : `${parent.document}/`;
  if (!allDescendants && id !== undefined) return collection === below + id;
  if (!collection.startsWith(below)) return false;
  if (id !== undefined) return groupOf(collection) === id;
  return allDescendants || !collection.slice(below.length).includes("/");
}

/** One state of a document, as many queries look at it. */
export class DocumentSubject implements Subject {
  readonly path: Buffer;
  readonly document: StoredDocument;

  constructor(path: string, document: StoredDocument) {
    this.path = pathKey(path);
    this.document = document;
  }

  valueAt(path: FieldPath): Value | undefined {
    return fieldAt(fieldsOf(this.document), path);
  }

  /** The document's place in the query's results; undefined when it is not among them. */
  placeIn(query: Query): Buffer | undefined {
    if (!matchesFilter(query.filter, this)) return undefined;
    const key = sortKey(query, this.path, (field) => this.valueAt(field));
    return key !== undefined && withinCursors(query, key) ? key : undefined;
  }
}
