import { fieldAt, fieldsOf } from "./fields.ts";
import type { Subject } from "./filter.ts";
import { type FieldPath, pathKey, pathOfKey, segmentKey, segmentOfKey } from "./path.ts";
import { type Query, sortKey } from "./query.ts";
import type { Collection, DatabaseRow } from "./collection-rows.ts";
import type { Store, StoredDocument } from "./store.ts";
import type { Fields, Value } from "./value.ts";

/** A document that a query found. Its fields are decoded at the first access. */
export class FoundDocument implements Subject {
  readonly collection: Collection;
  readonly id: Buffer;
  readonly document: StoredDocument;
  private key: Buffer | undefined;

  constructor(collection: Collection, id: Buffer, document: StoredDocument) {
    this.collection = collection;
    this.id = id;
    this.document = document;
  }

  get fields(): Fields {
    return fieldsOf(this.document);
  }

  /** The document's path as a key. */
  get path(): Buffer {
    this.key ??= Buffer.concat([pathKey(this.collection.path), this.id, Buffer.from([0, 1])]);
    return this.key;
  }

  get idText(): string {
    return segmentOfKey(this.id);
  }

  get name(): string {
    const { database, path } = this.collection;
    return `${database.name}/documents/${path}/${this.idText}`;
  }

  valueAt(path: FieldPath): Value | undefined {
    return fieldAt(this.fields, path);
  }

  /** The same document with other fields, as an answer shows it. */
  replacedBy(document: StoredDocument): FoundDocument {
    return new FoundDocument(this.collection, this.id, document);
  }

  sortKey(query: Query): Buffer | undefined {
    return sortKey(query, this.path, (path) => this.valueAt(path));
  }
}

/** The document whose path has this key. */
export function findByPath(store: Store, database: DatabaseRow, path: Buffer): FoundDocument | undefined {
  const text = pathOfKey(path);
  const slash = text.lastIndexOf("/");
  const collection = store.findCollection(database, text.slice(0, slash));
  if (collection === undefined) return undefined;
  const id = segmentKey(text.slice(slash + 1));
  const document = store.readDocument(collection.id, id);
  return document === undefined ? undefined : new FoundDocument(collection, id, document);
}
