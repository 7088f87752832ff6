import { StatusError } from "../kernel/status-error.ts";
import type { CompositeIndex, GroupIndexes, IndexCatalog } from "./catalog.ts";
import type { Leaf } from "./filter.ts";
import { type IndexField, type Mode, normalIndex, type Scope } from "./index-file.ts";
import { inverted } from "./key.ts";
import { NAME_FIELD } from "./path.ts";
import type { Direction, Order, Query } from "./query.ts";

/** One index of a plan: which entries, and the values at the beginning of their keys. */
export interface IndexUse {
  /** For composites the slot; single-field indexes go by kind and path. */
  readonly index: CompositeIndex | SingleIndex;
  readonly equal: readonly Buffer[];
}
interface SingleIndex {
  readonly kind: "ordered" | "contains";
  readonly path: string;
}

/** How the documents of one "and" are found, in the query's order. */
export interface Plan {
  readonly leaves: readonly Leaf[];
  /** A single document by name; the leaves are checked on it. */
  readonly name: Buffer | undefined;
  /** Indexes that are joined; none: all documents by name. */
  readonly indexes: readonly IndexUse[];
  /** What the keys are ordered by after their equal beginnings, without the name. */
  readonly orders: readonly Order[];
  /** Fields that are equal for all results, which therefore order nothing. */
  readonly equal: ReadonlyMap<string, Buffer>;
  readonly reverse: boolean;
  /** Whether the indexes leave comparisons to be made on the documents. */
  readonly residual: boolean;
}

const opposite = (direction: Direction): Direction => (direction === "asc" ? "desc" : "asc");
const RANGE_OPERATORS = new Set(["<", "<=", ">", ">=", "!=", "not-in"]);

export const isRange = ({ op }: Leaf): boolean => RANGE_OPERATORS.has(op);

/** Whether the range that is scanned takes care of a comparison of the field that orders it. */
const isScanned = (leaf: Leaf): boolean =>
  isRange(leaf) && (leaf.path.text !== NAME_FIELD || (leaf.op !== "!=" && leaf.op !== "not-in"));

/** What an index must be like to serve an "and" of filters under the query's orders. */
interface Demand {
  readonly equal: ReadonlyMap<string, Leaf>;
  readonly contains: Leaf | undefined;
  readonly orders: readonly Order[];
  readonly reverse: boolean;
  readonly scope: Scope;
}

export function scopeOf(query: Query): Scope {
  return query.allDescendants ? "COLLECTION_GROUP" : "COLLECTION";
}

export function planConjunct(query: Query, leaves: readonly Leaf[], catalog: IndexCatalog): Plan {
  const equalLeaves = new Map<string, Leaf>();
  for (const leaf of leaves) {
    if (leaf.op === "==" && !equalLeaves.has(leaf.path.text)) equalLeaves.set(leaf.path.text, leaf);
  }
  const contains = leaves.find(({ op }) => op === "array-contains");
  const orders = query.orders.filter(({ path }) => !equalLeaves.has(path.text) && path.text !== NAME_FIELD);
  const reverse = query.orders.at(-1)?.direction === "desc";
  const name = equalLeaves.get(NAME_FIELD)?.keys[0];
  const equal = new Map([...equalLeaves].map(([path, leaf]) => [path, leaf.keys[0] as Buffer]));
  const base = { leaves, equal, reverse };
  if (name !== undefined) return { ...base, name, indexes: [], orders: [], residual: true };

  const demand: Demand = { equal: equalLeaves, contains, orders, reverse, scope: scopeOf(query) };
  const first = orders[0]?.path.text ?? NAME_FIELD;
  const used = new Set<Leaf>([...equalLeaves.values(), ...(contains === undefined ? [] : [contains])]);
  const residual = leaves.some((leaf) => !used.has(leaf) && !(leaf.path.text === first && isScanned(leaf)));
  const nothingToDemand = equalLeaves.size === 0 && contains === undefined && orders.length === 0;
  const indexes = nothingToDemand ? [] : chooseIndexes(query, demand, catalog);
  return { ...base, name: undefined, indexes, orders, residual };
}

function chooseIndexes(query: Query, demand: Demand, catalog: IndexCatalog): IndexUse[] {
  const group = query.collection as string;
  const chosen = cover(demand, candidates(demand, catalog.plannedWith(query.parent.database, group)));
  if (chosen !== undefined) return chosen;
  throw new MissingIndexError(group, demand.scope, missingFields(demand));
}

/** Thrown when no indexes serve a query; it names the one that would. */
export class MissingIndexError extends StatusError {
  readonly group: string;
  readonly scope: Scope;
  readonly fields: readonly IndexField[];

  constructor(group: string, scope: Scope, fields: readonly IndexField[]) {
    super("FAILED_PRECONDITION", describeMissing(group, scope, fields));
    this.group = group;
    this.scope = scope;
    this.fields = fields;
  }
}

const MODE_NAMES: Record<Mode, string> = { asc: "ASCENDING", desc: "DESCENDING", contains: "CONTAINS" };

function describeMissing(group: string, scope: Scope, fields: readonly IndexField[]): string {
  const [only] = fields;
  if (only !== undefined && fields.length === 1) {
    const kind = only.mode === "contains" ? "CONTAINS" : only.mode === "desc" ? "DESC" : "ASC";
    const type = scope === "COLLECTION_GROUP" ? `COLLECTION_GROUP_${kind}` : `COLLECTION_${kind}`;
    return (
      `The query requires an index. It requires a ${type} index for collection ${group} and field ` +
      `${only.path.text}; add it to fieldOverrides in firestore.indexes.json.`
    );
  }
  const list = fields.map(({ path, mode }) => `${path.text} ${MODE_NAMES[mode]}`).join(", ");
  return (
    `The query requires an index. It requires a composite index for collection ${group} (${scope}) on ` +
    `${list}; add it to indexes in firestore.indexes.json.`
  );
}

/** The index that would serve alone: equal fields first, then the orders as the query has them. */
function missingFields(demand: Demand): IndexField[] {
  const fields: IndexField[] = [];
  for (const leaf of [...demand.equal.values()].sort((a, b) => (a.path.text < b.path.text ? -1 : 1))) {
    fields.push({ path: leaf.path, mode: "asc" });
  }
  if (demand.contains !== undefined) fields.unshift({ path: demand.contains.path, mode: "contains" });
  for (const { path, direction } of demand.orders) fields.push({ path, mode: direction });
  const last = demand.orders.at(-1);
  const nameDirection: Direction = demand.reverse ? "desc" : "asc";
  if (last !== undefined && last.direction !== nameDirection) {
    fields.push({ path: { names: [NAME_FIELD], text: NAME_FIELD }, mode: nameDirection });
  }
  return fields;
}

/** An index that fits the orders, with the filters it takes care of. */
interface Candidate {
  readonly use: IndexUse;
  readonly covers: ReadonlySet<Leaf>;
}

function candidates(demand: Demand, indexes: GroupIndexes): Candidate[] {
  const found: Candidate[] = [];
  for (const index of indexes.composites) {
    const candidate = index.scope === demand.scope ? compositeCandidate(index, demand) : undefined;
    if (candidate !== undefined) found.push(candidate);
  }
  return [...found, ...singleCandidates(demand, indexes)];
}

function compositeCandidate(index: CompositeIndex, demand: Demand): Candidate | undefined {
  const leading = index.fields.length - demand.orders.length;
  if (leading < 0) return undefined;
  const covers = new Set<Leaf>();
  const equal: Buffer[] = [];
  for (const { path, mode } of index.fields.slice(0, leading)) {
    const leaf = mode === "contains" ? demand.contains : demand.equal.get(path.text);
    if (leaf === undefined || leaf.path.text !== path.text || covers.has(leaf)) return undefined;
    covers.add(leaf);
    const key = leaf.keys[0] as Buffer;
    equal.push(mode === "desc" ? inverted(key) : key);
  }
  for (const [i, { path, direction }] of demand.orders.entries()) {
    const field = index.fields[leading + i] as IndexField;
    const wanted = demand.reverse ? opposite(direction) : direction;
    if (field.path.text !== path.text || field.mode !== wanted) return undefined;
  }
  return { use: { index, equal }, covers };
}

function singleCandidates(demand: Demand, indexes: GroupIndexes): Candidate[] {
  const found: Candidate[] = [];
  const [order, ...more] = demand.orders;
  if (order !== undefined) {
    const { path, direction } = order;
    const nameDirection = demand.reverse ? "desc" : "asc";
    const indexed = indexes.field(path.text, demand.scope)[direction];
    // Automatic indexes go one way with the field and the name; other ways take a composite one.
    if (more.length === 0 && direction === nameDirection && indexed) {
      found.push({ use: { index: { kind: "ordered", path: path.text }, equal: [] }, covers: new Set() });
    }
    return found;
  }
  for (const leaf of demand.equal.values()) {
    const indexing = indexes.field(leaf.path.text, demand.scope);
    if (indexing.asc || indexing.desc) found.push(single("ordered", leaf));
  }
  if (demand.contains !== undefined && indexes.field(demand.contains.path.text, demand.scope).contains) {
    found.push(single("contains", demand.contains));
  }
  return found;
}

const single = (kind: SingleIndex["kind"], leaf: Leaf): Candidate => ({
  use: { index: { kind, path: leaf.path.text }, equal: [leaf.keys[0] as Buffer] },
  covers: new Set([leaf]),
});

/** The fewest indexes found greedily that together take care of all equalities. */
function cover(demand: Demand, all: readonly Candidate[]): IndexUse[] | undefined {
  const open = new Set<Leaf>(demand.equal.values());
  if (demand.contains !== undefined) open.add(demand.contains);
  if (open.size === 0) {
    const plain = all.find(({ covers }) => covers.size === 0);
    return plain === undefined ? undefined : [plain.use];
  }
  const uses: IndexUse[] = [];
  while (open.size > 0) {
    let best: Candidate | undefined;
    let bestGain = 0;
    for (const candidate of all) {
      const gain = [...candidate.covers].filter((leaf) => open.has(leaf)).length;
      if (gain > bestGain) [best, bestGain] = [candidate, gain];
    }
    if (best === undefined) return undefined;
    uses.push(best.use);
    for (const leaf of best.covers) open.delete(leaf);
  }
  return uses;
}

/** The definition that a missing index needs, for where indexes are made on demand. */
export const missingDefinition = (error: MissingIndexError): ReturnType<typeof normalIndex> =>
  normalIndex(error.group, error.scope, error.fields);
