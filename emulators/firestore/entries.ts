import type { CompositeIndex, GroupIndexes, IndexCatalog } from "./catalog.ts";
import { fieldAt } from "./fields.ts";
import { inverted, valueKey, valueKeyText } from "./key.ts";
import { quotedName } from "./path.ts";
import type { Collection } from "./collection-rows.ts";
import type { Fields, Value } from "./value.ts";

/**
 * One row of an index: its key, and the document that has it. The key is the index's prefix with the
 * encoded values behind it, each kept as a string of Latin-1, which takes less memory than a buffer and
 * compares faster.
 */
export interface Entry {
  readonly prefix: string;
  readonly suffix: string;
  readonly id: Buffer;
}

/** What the number at the beginning of a key counts. */
export const DATABASE_SCOPE = 1;
export const GROUP_SCOPE = 2;
export const COLLECTION_SCOPE = 3;

export const PREFIX_BYTES = 8;

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
  private readonly indexes: GroupIndexes;
  private readonly collection: Collection;
  /** The prefixes of this collection's indexes, and of its group's, by slot. */
  private readonly own = new Map<number, string>();
  private readonly group = new Map<number, string>();

  constructor(catalog: IndexCatalog, collection: Collection) {
    this.collection = collection;
    this.indexes = catalog.group(collection.group);
  }

  /** The entries of a document's top-level field, of everything inside it, and of its elements. */
  ofField(target: EntryTarget, name: string, value: Value, out: Entry[]): void {
    this.addField(target, quotedName(name), value, out);
  }

  private addField(target: EntryTarget, path: string, value: Value, out: Entry[]): void {
    const slots = this.indexes.slots(path);
    if (slots.ordered !== undefined) out.push(this.entry(target, COLLECTION_SCOPE, slots.ordered, value));
    if (slots.groupOrdered !== undefined)
      out.push(this.entry(target, GROUP_SCOPE, slots.groupOrdered, value));
    if (slots.ttl !== undefined && value.type === "timestamp") {
      out.push(this.entry(target, GROUP_SCOPE, slots.ttl, value));
    }
    // An element that an array contains twice produces the same entry twice, which is stored once.
    if (value.type === "array") {
      for (const element of value.values) {
        if (slots.contains !== undefined)
          out.push(this.entry(target, COLLECTION_SCOPE, slots.contains, element));
        if (slots.groupContains !== undefined)
          out.push(this.entry(target, GROUP_SCOPE, slots.groupContains, element));
      }
    }
    if (value.type !== "map") return;
    for (const [name, inner] of value.fields) {
      this.addField(target, `${path}.${quotedName(name)}`, inner, out);
    }
  }

  private entry(target: EntryTarget, scope: number, slot: number, value: Value): Entry {
    const byGroup = scope === GROUP_SCOPE;
    const id = byGroup ? target.path : target.id;
    return { prefix: this.prefix(byGroup, slot), suffix: valueKeyText(value), id };
  }

  private prefix(byGroup: boolean, slot: number): string {
    const known = byGroup ? this.group : this.own;
    let prefix = known.get(slot);
    if (prefix === undefined) {
      const { id, groupId } = this.collection;
      const bytes = byGroup ? keyPrefix(GROUP_SCOPE, groupId, slot) : keyPrefix(COLLECTION_SCOPE, id, slot);
      prefix = bytes.toString("latin1");
      known.set(slot, prefix);
    }
    return prefix;
  }

  /** The entries of a document in the composite indexes; none where a field is missing. */
  ofComposites(target: EntryTarget, fields: Fields, out: Entry[]): void {
    for (const index of this.indexes.composites) this.ofComposite(target, fields, index, out);
  }

  ofComposite(target: EntryTarget, fields: Fields, index: CompositeIndex, out: Entry[]): void {
    const byGroup = index.scope === "COLLECTION_GROUP";
    const prefix = this.prefix(byGroup, index.slot);
    const id = byGroup ? target.path : target.id;
    for (const key of compositeKeys(index, fields)) {
      out.push({ prefix, suffix: key.toString("latin1"), id });
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

/**
 * The entries that Firestore keeps for a document, each as a text: a change leaves those alone that there are
 * before and after it.
 */
export function entryTexts(indexes: GroupIndexes, fields: Fields): Set<string> {
  const texts = new Set<string>();
  const visit = (path: string, value: Value): void => {
    const indexing = indexes.field(path, "COLLECTION");
    if (indexing.asc) texts.add(`${path} asc ${valueKeyText(value)}`);
    if (indexing.desc) texts.add(`${path} desc ${valueKeyText(value)}`);
    if (value.type === "array" && indexing.contains) {
      for (const element of value.values) texts.add(`${path} contains ${valueKeyText(element)}`);
    }
    if (value.type !== "map") return;
    for (const [name, inner] of value.fields) visit(`${path}.${quotedName(name)}`, inner);
  };
  for (const [name, value] of fields) visit(quotedName(name), value);
  for (const index of indexes.composites) {
    for (const key of compositeKeys(index, fields)) texts.add(`${index.slot} ${key.toString("latin1")}`);
  }
  return texts;
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
