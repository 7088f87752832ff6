import { StatusError } from "../kernel/status-error.ts";
import type { IndexCatalog } from "./catalog.ts";
import { countEntries, entryTexts } from "./entries.ts";
import { encodeFields, fieldAt, fieldsOf, storedFields, withField } from "./fields.ts";
import { DOCUMENT_BYTES_MAX, FIELD_VALUE_BYTES_MAX, INDEX_ENTRIES_MAX } from "./limits.ts";
import { groupOf, segmentKey } from "./path.ts";
import type { IndexSettler } from "./settle.ts";
import { documentSize, longValue } from "./size.ts";
import type { DatabaseRow } from "./collection-rows.ts";
import type { Store, StoredDocument } from "./store.ts";
import type { Micros } from "./time.ts";
import type { Fields, Value } from "./value.ts";
import type { Write } from "./write-parse.ts";

/** What a commit did to one document. */
export interface Change {
  readonly name: string;
  /** The collection's path and the document's id. */
  readonly collection: string;
  readonly id: string;
  readonly time: Micros;
  readonly before: StoredDocument | undefined;
  readonly after: StoredDocument | undefined;
}

export interface WriteOutcome {
  /** undefined after a delete. */
  readonly updateTime: Micros | undefined;
  readonly transformResults: readonly Value[];
}

/** A commit that is worked out but not yet written: its response and its changes. */
export interface Draft {
  readonly time: Micros;
  readonly outcomes: readonly WriteOutcome[];
  readonly changes: readonly Change[];
}

interface Pending {
  readonly write: Write;
  readonly before: StoredDocument | undefined;
  after: StoredDocument | undefined;
}

const refuse = (code: StatusError["code"], message: string): StatusError => new StatusError(code, message);

/** Works out the effects of commits, and writes them. */
export class Writer {
  private readonly store: Store;
  private readonly catalog: IndexCatalog;
  private readonly settler: IndexSettler;

  constructor(store: Store, catalog: IndexCatalog, settler: IndexSettler) {
    this.store = store;
    this.catalog = catalog;
    this.settler = settler;
  }

  /**
   * Applies the writes, in order, to the documents as they are, without keeping anything. Throws the
   * first refusal: then nothing of the commit happens.
   */
  draft(database: DatabaseRow, writes: readonly Write[], time: Micros): Draft {
    const pending = new Map<string, Pending>();
    const outcomes: WriteOutcome[] = [];
    for (const write of writes) {
      const key = `${write.path.collection}/${write.path.id}`;
      let entry = pending.get(key);
      if (entry === undefined) {
        const before = this.read(database, write.path.collection, write.path.id);
        entry = { write, before, after: before };
        pending.set(key, entry);
      }
      outcomes.push(this.applyTo(entry, write, key, time));
    }
    const changes: Change[] = [];
    for (const { write, before, after } of pending.values()) {
      if (before === after) continue;
      const { name, path } = write;
      changes.push({ name, collection: path.collection, id: path.id, time, before, after });
    }
    return { time, outcomes, changes };
  }

  private read(database: DatabaseRow, collection: string, id: string): StoredDocument | undefined {
    const found = this.store.findCollection(database, collection);
    return found === undefined ? undefined : this.store.readDocument(found.id, segmentKey(id));
  }

  private applyTo(entry: Pending, write: Write, path: string, time: Micros): WriteOutcome {
    const current = entry.after;
    checkPrecondition(write, current);
    if (write.kind === "verify") return { updateTime: current?.updated, transformResults: [] };
    if (write.kind === "delete") {
      entry.after = undefined;
      return { updateTime: undefined, transformResults: [] };
    }
    const { fields, results } = newFields(write, current, time);
    const bytes = encodeFields(fields);
    if (current !== undefined && current.fields.equals(bytes)) {
      return { updateTime: current.updated, transformResults: results };
    }
    this.checkLimits(write, path, fields, bytes.length);
    entry.after = storedFields(fields, bytes, current?.created ?? time, time);
    return { updateTime: time, transformResults: results };
  }

  private checkLimits(write: Write, path: string, fields: Fields, encodedBytes: number): void {
    if (encodedBytes > FIELD_VALUE_BYTES_MAX) {
      const name = longValue(fields, FIELD_VALUE_BYTES_MAX);
      if (name !== undefined) {
        throw refuse(
          "INVALID_ARGUMENT",
          `The value of property "${name}" is longer than ${FIELD_VALUE_BYTES_MAX} bytes.`,
        );
      }
    }
    // An empty map counts for eight times its encoded bytes, and no value for more; so only a
    // document of some size needs the exact sum.
    if (encodedBytes * 8 > DOCUMENT_BYTES_MAX) {
      const size = documentSize(path, fields);
      if (size > DOCUMENT_BYTES_MAX) {
        throw refuse(
          "INVALID_ARGUMENT",
          `Document '${write.name}' cannot be written because its size (${size.toLocaleString("en-US")} bytes) ` +
            `exceeds the maximum allowed size of ${DOCUMENT_BYTES_MAX.toLocaleString("en-US")} bytes.`,
        );
      }
    }
    // An entry needs at least four encoded bytes, once for the field and once in each composite index.
    const group = this.catalog.group(groupOf(write.path.collection));
    if (encodedBytes * (1 + group.composites.length) < INDEX_ENTRIES_MAX * 4) return;
    if (countEntries(group, fields) > INDEX_ENTRIES_MAX) {
      throw refuse(
        "INVALID_ARGUMENT",
        `Too many index entries for entity ${write.name}: the limit is ${INDEX_ENTRIES_MAX}.`,
      );
    }
  }

  /** How many index entries the changes take away and add. */
  entriesMoved(changes: readonly Change[]): number {
    let moved = 0;
    for (const { collection, before, after } of changes) {
      const group = this.catalog.group(groupOf(collection));
      const [old, made] = [before, after].map((document) =>
        document === undefined ? new Set<string>() : entryTexts(group, fieldsOf(document)),
      ) as [Set<string>, Set<string>];
      moved += old.symmetricDifference(made).size;
    }
    return moved;
  }

  /** Inside a write: stores the changes of the draft. */
  keep(database: DatabaseRow, draft: Draft): void {
    for (const { collection: path, id, before, after } of draft.changes) {
      const collection = this.store.ensureCollection(database, path);
      const key = segmentKey(id);
      if (after === undefined) this.store.removeDocument(collection.id, key);
      else this.store.putDocument(collection.id, key, after);
      if ((before === undefined) !== (after === undefined)) {
        this.store.resize(collection.id, after === undefined ? -1 : 1);
      }
      this.store.addVersion(collection.id, draft.time, key, before);
      this.settler.changed(collection.id, draft.time, { id: key, before, after });
    }
    if (draft.changes.length > 0) this.store.saveTime(database, draft.time);
  }
}

function checkPrecondition(write: Write, current: StoredDocument | undefined): void {
  const { precondition, name } = write;
  if (precondition === undefined) return;
  if (precondition.type === "exists" && !precondition.exists) {
    if (current !== undefined) throw refuse("ALREADY_EXISTS", `Document already exists: ${name}`);
    return;
  }
  if (current === undefined) throw refuse("NOT_FOUND", `No document to ${write.kind}: ${name}`);
  if (precondition.type === "updateTime" && current.updated !== precondition.updateTime) {
    throw refuse(
      "FAILED_PRECONDITION",
      `the stored version (${current.updated}) does not match the required base version ` +
        `(${precondition.updateTime}): ${name}`,
    );
  }
}

function newFields(
  write: Write,
  current: StoredDocument | undefined,
  time: Micros,
): { readonly fields: Fields; readonly results: readonly Value[] } {
  let fields = write.fields;
  if (write.mask !== undefined) {
    fields = current === undefined ? new Map() : fieldsOf(current);
    for (const path of write.mask) fields = withField(fields, path, fieldAt(write.fields, path));
  }
  const results: Value[] = [];
  for (const transform of write.transforms) {
    const { value, result } = transform.apply(fieldAt(fields, transform.path), time);
    fields = withField(fields, transform.path, value);
    results.push(result);
  }
  return { fields, results };
}
