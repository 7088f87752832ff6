import type { FieldIndexing, FieldOverride, IndexDefinition, IndexFile, Mode, Scope } from "./index-file.ts";
import { parseIndexes, parseOverrides } from "./index-file.ts";
import { type FieldPath, fieldPathOf, parseFieldPath } from "./path.ts";
import type { Store } from "./store.ts";

/** A composite index with the number its entries carry. */
export interface CompositeIndex extends IndexDefinition {
  readonly slot: number;
}

/** What is indexed in the collections of one group. */
export interface GroupIndexes {
  readonly composites: readonly CompositeIndex[];
  field(path: string, scope: Scope): FieldIndexing;
  /** Inside a write: the slots in which a field has entries. */
  slots(path: string): FieldSlots;
  readonly ttl: readonly FieldPath[];
}

/** The slots of one field's indexes; undefined where it has no such index. */
interface FieldSlots {
  readonly ordered: number | undefined;
  readonly contains: number | undefined;
  readonly groupOrdered: number | undefined;
  readonly groupContains: number | undefined;
  readonly ttl: number | undefined;
}

const AUTOMATIC: Record<Scope, FieldIndexing> = {
  COLLECTION: { asc: true, desc: true, contains: true },
  COLLECTION_GROUP: { asc: false, desc: false, contains: false },
};

/** Slots remembered by definition; the map starts over beyond that. */
const SLOTS_CACHED_MAX = 50_000;

/** The kind of a single-field index: ordered or by element, per collection or per group. */
type FieldIndexKind = "ordered" | "contains" | "group ordered" | "group contains" | "ttl";

/**
 * Knows which indexes exist. An index file decides this as in production, for its own project, and in other
 * projects for the collection groups that it names. Everywhere else an index is created when a query first
 * needs it.
 */
export class IndexCatalog {
  private readonly file: IndexFile | undefined;
  private readonly project: string | undefined;
  private readonly fileGroups: ReadonlySet<string>;
  private readonly store: Store;
  private readonly definitions = new Map<string, CompositeIndex[]>();
  private readonly overrides: Map<string, FieldOverride[]>;
  private readonly groups = new Map<string, GroupIndexes>();
  private readonly slots = new Map<string, number>();

  /** `project` is the project of the index file; undefined means that it is for all projects. */
  constructor(store: Store, file: IndexFile | undefined, project?: string) {
    this.store = store;
    this.file = file;
    this.project = project;
    this.overrides = file === undefined ? new Map() : parseOverrides(file);
    for (const definition of file === undefined ? [] : parseIndexes(file)) this.define(definition);
    this.fileGroups = this.groupNames();
    for (const definition of this.madeEarlier()) this.define(definition);
    store.onForget(() => {
      this.slots.clear();
      this.groups.clear();
    });
  }

  /** Whether an index that a query of this database lacks is made; otherwise the query is refused. */
  makesMissing(database: string, group: string): boolean {
    if (this.file === undefined) return true;
    const isOwn = this.project === undefined || database.startsWith(`projects/${this.project}/`);
    return !isOwn && !this.fileGroups.has(group);
  }

  /**
   * The indexes that a query of this database may use: what was made for other projects is not among them.
   */
  plannedWith(database: string, group: string): GroupIndexes {
    if (this.fileGroups.has(group) || this.makesMissing(database, group)) return this.group(group);
    return groupIndexes([], [], (kind, path) => this.fieldSlot(kind, path));
  }

  group(name: string): GroupIndexes {
    let indexes = this.groups.get(name);
    if (indexes === undefined) {
      const slotOf = (kind: FieldIndexKind, path: string): number => this.fieldSlot(kind, path);
      indexes = groupIndexes(this.definitions.get(name) ?? [], this.overrides.get(name) ?? [], slotOf);
      this.groups.set(name, indexes);
    }
    return indexes;
  }

  /** The groups that have an index or exemption of their own. */
  groupNames(): Set<string> {
    return new Set([...this.definitions.keys(), ...this.overrides.keys()]);
  }

  /** Groups whose documents may expire, with the fields that say when. */
  expiring(): { readonly group: string; readonly field: FieldPath }[] {
    return [...this.overrides.keys()].flatMap((group) =>
      this.group(group).ttl.map((field) => ({ group, field })),
    );
  }

  /** Adds an index. The caller must create its entries. */
  define(definition: IndexDefinition): CompositeIndex {
    const index = { ...definition, slot: this.slot(`composite:${serialized(definition)}`) };
    const list = this.definitions.get(definition.group) ?? [];
    if (!list.some(({ slot }) => slot === index.slot)) list.push(index);
    this.definitions.set(definition.group, list);
    this.groups.delete(definition.group);
    return index;
  }

  /** Also makes single-field indexes for a collection group, where missing indexes are made. */
  defineGroupField(group: string, path: FieldPath): void {
    const list = this.overrides.get(group) ?? [];
    const all = { asc: true, desc: true, contains: true };
    list.push({ path, collection: all, collectionGroup: all, ttl: false });
    this.overrides.set(group, list);
    this.groups.delete(group);
    this.slot(`made:${JSON.stringify([group, path.names])}`);
  }

  /**
   * The index definitions that a group's entries were created from. When they change, the entries are
   * rebuilt.
   */
  fingerprint(group: string): string {
    const composites = (this.definitions.get(group) ?? []).map(serialized).sort();
    const overrides = (this.overrides.get(group) ?? []).map((override) =>
      JSON.stringify([override.path.text, override.collection, override.collectionGroup, override.ttl]),
    );
    return JSON.stringify([composites, overrides.sort()]);
  }

  /** Inside a write: the slot of a single-field index, made when it is new. */
  fieldSlot(kind: FieldIndexKind, path: string): number {
    return this.slot(`${kind}:${path}`);
  }

  /** The slot of a single-field index; 0, which has no entries, while no document has the field. */
  findFieldSlot(kind: FieldIndexKind, path: string): number {
    return this.findSlot(`${kind}:${path}`) ?? 0;
  }

  /** The number that stands for an index in the keys of its entries. */
  private slot(definition: string): number {
    const found = this.findSlot(definition);
    if (found !== undefined) return found;
    const insert = this.store.statement("INSERT INTO slots (definition) VALUES (?)");
    return this.remember(definition, Number(insert.run(definition).lastInsertRowid));
  }

  private findSlot(definition: string): number | undefined {
    const known = this.slots.get(definition);
    if (known !== undefined) return known;
    const found = this.store.statement("SELECT id FROM slots WHERE definition = ?").get(definition) as
      | { id: number }
      | undefined;
    return found === undefined ? undefined : this.remember(definition, found.id);
  }

  private remember(definition: string, slot: number): number {
    if (this.slots.size >= SLOTS_CACHED_MAX) this.slots.clear();
    this.slots.set(definition, slot);
    return slot;
  }

  /** The indexes that queries needed before the last start, except for groups that the index file covers. */
  private madeEarlier(): IndexDefinition[] {
    const rows = this.store.statement("SELECT definition FROM slots").all() as { definition: string }[];
    for (const { definition } of rows) {
      if (!definition.startsWith("made:")) continue;
      const [group, names] = JSON.parse(definition.slice("made:".length)) as [string, string[]];
      if (!this.fileGroups.has(group)) this.defineGroupField(group, fieldPathOf(names));
    }
    return rows
      .filter(({ definition }) => definition.startsWith("composite:"))
      .map(({ definition }) => deserialized(definition.slice("composite:".length)))
      .filter(({ group }) => !this.fileGroups.has(group));
  }
}

function serialized(definition: IndexDefinition): string {
  const fields = definition.fields.map(({ path, mode }) => [path.text, mode]);
  return JSON.stringify([definition.group, definition.scope, fields]);
}

function deserialized(text: string): IndexDefinition {
  const [group, scope, fields] = JSON.parse(text) as [string, Scope, [string, Mode][]];
  return { group, scope, fields: fields.map(([path, mode]) => ({ path: parseFieldPath(path), mode })) };
}

function groupIndexes(
  composites: readonly CompositeIndex[],
  overrides: readonly FieldOverride[],
  slotOf: (kind: FieldIndexKind, path: string) => number,
): GroupIndexes {
  const byPath = new Map(overrides.map((override) => [override.path.text, override]));
  const known = new Map<string, FieldOverride | undefined>();

  /** A field's own override, or the nearest one of a map that holds it, or the group's default. */
  const overrideOf = (path: string): FieldOverride | undefined => {
    if (known.has(path)) return known.get(path);
    const { names } = parseFieldPath(path);
    let found: FieldOverride | undefined;
    for (let depth = names.length; depth > 0 && found === undefined; depth -= 1) {
      found = byPath.get(fieldPathOf(names.slice(0, depth)).text);
    }
    found ??= byPath.get("*");
    if (known.size >= SLOTS_CACHED_MAX) known.clear();
    known.set(path, found);
    return found;
  };

  const ttl = overrides.filter((override) => override.ttl).map(({ path }) => path);
  const field = (path: string, scope: Scope): FieldIndexing => {
    if (overrides.length === 0) return AUTOMATIC[scope];
    const override = overrideOf(path);
    if (override === undefined) return AUTOMATIC[scope];
    return scope === "COLLECTION" ? override.collection : override.collectionGroup;
  };
  const slots = new Map<string, FieldSlots>();
  const makeSlots = (path: string): FieldSlots => {
    const own = field(path, "COLLECTION");
    const group = field(path, "COLLECTION_GROUP");
    const slot = (kind: FieldIndexKind, wanted: boolean): number | undefined =>
      wanted ? slotOf(kind, path) : undefined;
    return {
      ordered: slot("ordered", own.asc || own.desc),
      contains: slot("contains", own.contains),
      groupOrdered: slot("group ordered", group.asc || group.desc),
      groupContains: slot("group contains", group.contains),
      ttl: slot(
        "ttl",
        ttl.some(({ text }) => text === path),
      ),
    };
  };
  return {
    composites,
    ttl,
    field,
    slots(path) {
      let found = slots.get(path);
      if (found === undefined) {
        if (slots.size >= SLOTS_CACHED_MAX) slots.clear();
        found = makeSlots(path);
        slots.set(path, found);
      }
      return found;
    },
  };
}
