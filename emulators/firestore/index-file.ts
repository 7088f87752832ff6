import { type FieldPath, NAME_FIELD, parseFieldPath } from "./path.ts";

/** `firestore.indexes.json`, as the Firebase tools write it. */
export interface IndexFile {
  readonly indexes?: readonly IndexFileIndex[];
  readonly fieldOverrides?: readonly IndexFileOverride[];
}
export interface IndexFileIndex {
  readonly collectionGroup: string;
  readonly queryScope?: string;
  readonly fields: readonly IndexFileField[];
}
export interface IndexFileField {
  readonly fieldPath: string;
  readonly order?: string;
  readonly arrayConfig?: string;
  readonly vectorConfig?: unknown;
}
export interface IndexFileOverride {
  readonly collectionGroup: string;
  readonly fieldPath: string;
  readonly ttl?: boolean;
  readonly indexes?: readonly {
    readonly order?: string;
    readonly arrayConfig?: string;
    readonly queryScope?: string;
  }[];
}

export type Scope = "COLLECTION" | "COLLECTION_GROUP";
export type Mode = "asc" | "desc" | "contains";

export interface IndexField {
  readonly path: FieldPath;
  readonly mode: Mode;
}

/** A composite index. Its documents' names always ascend: one written the other way is turned around. */
export interface IndexDefinition {
  readonly group: string;
  readonly scope: Scope;
  readonly fields: readonly IndexField[];
}

/** Which single-field indexes a field has. */
export interface FieldIndexing {
  readonly asc: boolean;
  readonly desc: boolean;
  readonly contains: boolean;
}

export interface FieldOverride {
  readonly path: FieldPath;
  readonly collection: FieldIndexing;
  readonly collectionGroup: FieldIndexing;
  /** Whether the field says when its document expires. */
  readonly ttl: boolean;
}

const scopeOf = (text: string | undefined): Scope =>
  text === "COLLECTION_GROUP" || text === "COLLECTION_RECURSIVE" ? "COLLECTION_GROUP" : "COLLECTION";

const flipped = (mode: Mode): Mode => (mode === "asc" ? "desc" : mode === "desc" ? "asc" : mode);

/** Reads the composite indexes; those on vectors are left out, since vectors are compared one by one. */
export function parseIndexes(file: IndexFile): IndexDefinition[] {
  const definitions: IndexDefinition[] = [];
  for (const index of file.indexes ?? []) {
    if (index.fields.some((field) => field.vectorConfig !== undefined)) continue;
    const fields = index.fields.map((field): IndexField => {
      const mode =
        field.arrayConfig === "CONTAINS" ? "contains" : field.order === "DESCENDING" ? "desc" : "asc";
      return { path: parseFieldPath(field.fieldPath), mode };
    });
    definitions.push(normalIndex(index.collectionGroup, scopeOf(index.queryScope), fields));
  }
  return definitions;
}

/** Brings an index into the form in which names ascend; the name itself is left away. */
export function normalIndex(group: string, scope: Scope, fields: readonly IndexField[]): IndexDefinition {
  const named = fields.filter(({ path }) => path.text !== NAME_FIELD);
  const written = fields.find(({ path }) => path.text === NAME_FIELD)?.mode;
  // Unless written out, the name goes the way of the last field that is ordered.
  const direction = written ?? named.findLast(({ mode }) => mode !== "contains")?.mode ?? "asc";
  const turned =
    direction === "desc" ? named.map(({ path, mode }) => ({ path, mode: flipped(mode) })) : [...named];
  return { group, scope, fields: turned };
}

const NOT_INDEXED: FieldIndexing = { asc: false, desc: false, contains: false };

export function parseOverrides(file: IndexFile): Map<string, FieldOverride[]> {
  const overrides = new Map<string, FieldOverride[]>();
  for (const override of file.fieldOverrides ?? []) {
    const indexing: Record<Scope, FieldIndexing> = { COLLECTION: NOT_INDEXED, COLLECTION_GROUP: NOT_INDEXED };
    for (const index of override.indexes ?? []) {
      const scope = scopeOf(index.queryScope);
      indexing[scope] = {
        asc: indexing[scope].asc || index.order === "ASCENDING",
        desc: indexing[scope].desc || index.order === "DESCENDING",
        contains: indexing[scope].contains || index.arrayConfig === "CONTAINS",
      };
    }
    // A TTL policy without a word on indexes leaves the automatic ones as they are.
    const automatic = override.indexes === undefined;
    const list = overrides.get(override.collectionGroup) ?? [];
    list.push({
      path: override.fieldPath === "*" ? { names: ["*"], text: "*" } : parseFieldPath(override.fieldPath),
      collection: automatic ? { asc: true, desc: true, contains: true } : indexing.COLLECTION,
      collectionGroup: indexing.COLLECTION_GROUP,
      ttl: override.ttl === true,
    });
    overrides.set(override.collectionGroup, list);
  }
  return overrides;
}
