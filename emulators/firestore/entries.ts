import type { CompositeIndex, GroupIndexes, IndexCatalog } from "./catalog.ts";
import { fieldAt } from "./fields.ts";
import { inverted, valueKey } from "./key.ts";
import { quotedName } from "./path.ts";
import type { Collection } from "./store.ts";
import type { Fields, Value } from "./value.ts";

/** One row of an index: its key, and the document that has it. */
export interface Entry {
  readonly key: Buffer;
  readonly id: Buffer;
}

/** What the number at the beginning of a key counts. */
export const DATABASE_SCOPE = 1;
export const GROUP_SCOPE = 2;
export const COLLECTION_SCOPE = 3;

const PREFIX_BYTES = 8;

/** The beginning of all keys of one index in one scope. */
export function keyPrefix(scope: number, id: number, slot: number): Buffer {
  const prefix = Buffer.allocUnsafe(PREFIX_BYTES);
  prefix[0] = scope;
  prefix.writeUInt32BE(id, 1);
  prefix.writeUIntBE(slot, 5, 3);
  return prefix;
}

/** The beginning of all keys of one scope. */
export const scopePrefix = (scope: number, id: number): Buffer => keyPrefix(scope, id, 0).subarray(0, 5);

/** A document as its entries name it: by id within its collection, by path within group and database. */
export interface EntryTarget {
  readonly collection: Collection;
  readonly id: Buffer;
  readonly path: Buffer;
}

export function entryTarget(collection: Collection, collectionKey: Buffer, id: Buffer): EntryTarget {
  return { collection, id, path: Buffer.concat([collectionKey, id, Buffer.from([0, 1])]) };
}

/** Makes the entries of documents of one collection. */
export class EntryMaker {
  private readonly catalog: IndexCatalog;
  private readonly indexes: GroupIndexes;
  private readonly collection: Collection;
  private readonly prefixes = new Map<string, Buffer>();

  constructor(catalog: IndexCatalog, collection: Collection) {
    this.catalog = catalog;
    this.collection = collection;
    this.indexes = catalog.group(collection.group);
  }

  /** The entries of a document's top-level field, of everything inside it, and of its elements. */
  ofField(target: EntryTarget, name: string, value: Value, out: Entry[]): void {
    this.addField(target, quotedName(name), value, out);
  }

  private addField(target: EntryTarget, path: string, value: Value, out: Entry[]): void {
    const { collection: own, collectionGroup: group } = this.indexing(path);
    const key = valueKey(value);
    if (own.asc || own.desc) out.push({ key: this.key("ordered", path, key), id: target.id });
    if (group.asc || group.desc) out.push({ key: this.key("group ordered", path, key), id: target.path });
    if (value.type === "array" && (own.contains || group.contains)) {
      for (const element of elementKeys(value.values)) {
        if (own.contains) out.push({ key: this.key("contains", path, element), id: target.id });
        if (group.contains) out.push({ key: this.key("group contains", path, element), id: target.path });
      }
    }
    if (value.type === "timestamp" && this.indexes.ttl.some(({ text }) => text === path)) {
      out.push({ key: this.key("ttl", path, key), id: target.path });
    }
    if (value.type !== "map") return;
    for (const [name, inner] of value.fields) {
      this.addField(target, `${path}.${quotedName(name)}`, inner, out);
    }
  }

  private indexing(
    path: string,
  ): Record<"collection" | "collectionGroup", ReturnType<GroupIndexes["field"]>> {
    return {
      collection: this.indexes.field(path, "COLLECTION"),
      collectionGroup: this.indexes.field(path, "COLLECTION_GROUP"),
    };
  }

  private key(kind: Parameters<IndexCatalog["fieldSlot"]>[0], path: string, value: Buffer): Buffer {
    const name = `${kind}:${path}`;
    let prefix = this.prefixes.get(name);
    if (prefix === undefined) {
      const slot = this.catalog.fieldSlot(kind, path);
      prefix =
        kind === "ordered" || kind === "contains"
          ? keyPrefix(COLLECTION_SCOPE, this.collection.id, slot)
          : keyPrefix(GROUP_SCOPE, this.collection.groupId, slot);
      this.prefixes.set(name, prefix);
    }
    return Buffer.concat([prefix, value]);
  }

  /** The entries of a document in the composite indexes; none where a field is missing. */
  ofComposites(target: EntryTarget, fields: Fields, out: Entry[]): void {
    for (const index of this.indexes.composites) {
      const byGroup = index.scope === "COLLECTION_GROUP";
      const prefix = byGroup
        ? keyPrefix(GROUP_SCOPE, this.collection.groupId, index.slot)
        : keyPrefix(COLLECTION_SCOPE, this.collection.id, index.slot);
      for (const suffix of compositeKeys(index, fields)) {
        out.push({ key: Buffer.concat([prefix, suffix]), id: byGroup ? target.path : target.id });
      }
    }
  }
}

/** The distinct elements of an array, as `array-contains` looks for them. */
function elementKeys(values: readonly Value[]): Buffer[] {
  const seen = new Map<string, Buffer>();
  for (const value of values) {
    const key = valueKey(value);
    seen.set(key.toString("latin1"), key);
  }
  return [...seen.values()];
}

/** One key, or one per element where the index is on an array's elements. */
function compositeKeys(index: CompositeIndex, fields: Fields): Buffer[] {
  let keys: Buffer[] = [Buffer.alloc(0)];
  for (const { path, mode } of index.fields) {
    const value = fieldAt(fields, path);
    if (value === undefined) return [];
    if (mode !== "contains") {
      const key = mode === "desc" ? inverted(valueKey(value)) : valueKey(value);
      keys = keys.map((head) => Buffer.concat([head, key]));
    } else if (value.type === "array") {
      const elements = elementKeys(value.values);
      keys = keys.flatMap((head) => elements.map((element) => Buffer.concat([head, element])));
    } else return [];
  }
  return keys;
}

/** How many entries Firestore would count: two for the orders of each field, one for each element. */
export function countEntries(indexes: GroupIndexes, fields: Fields): number {
  let count = 0;
  const visit = (path: string, value: Value): void => {
    const indexing = indexes.field(path, "COLLECTION");
    count += Number(indexing.asc) + Number(indexing.desc);
    if (value.type === "array" && indexing.contains) count += value.values.length;
    if (value.type !== "map") return;
    for (const [name, inner] of value.fields) visit(`${path}.${quotedName(name)}`, inner);
  };
  for (const [name, value] of fields) visit(quotedName(name), value);
  for (const index of indexes.composites) count += compositeKeys(index, fields).length;
  return count;
}
