import type { Message } from "../kernel/rpc.ts";
import { StatusError } from "../kernel/status-error.ts";
import { disjunctions, type Filter, inequalityFields, type Leaf, parseFilter } from "./filter.ts";
import { inverted, nameKey, successor, valueKey } from "./key.ts";
import { NEAREST_LIMIT_MAX, QUERY_COMPONENTS_MAX } from "./limits.ts";
import { checkId, type FieldPath, NAME_FIELD, type ParentPath, parseFieldPath } from "./path.ts";
import { decodeValue, type Value, vectorOf } from "./value.ts";

export type Direction = "asc" | "desc";

export interface Order {
  readonly path: FieldPath;
  readonly direction: Direction;
}

/** A place in the order of the results: `values` as their keys, names as the keys of their paths. */
export interface Cursor {
  readonly keys: readonly Buffer[];
  readonly before: boolean;
}

export interface Nearest {
  readonly path: FieldPath;
  readonly vector: readonly number[];
  readonly measure: "EUCLIDEAN" | "COSINE" | "DOT_PRODUCT";
  readonly limit: number;
  readonly resultField: FieldPath | undefined;
  readonly threshold: number | undefined;
}

/** A structured query, validated and with all that it implies made explicit. */
export interface Query {
  readonly parent: ParentPath;
  /** undefined: documents of all collections below the parent. */
  readonly collection: string | undefined;
  readonly allDescendants: boolean;
  readonly filter: Filter | undefined;
  /** The filter as an "or" of "and"s; a query without a filter has one empty "and". */
  readonly conjuncts: readonly (readonly Leaf[])[];
  /** Complete: the last order is by name. */
  readonly orders: readonly Order[];
  readonly start: Cursor | undefined;
  readonly end: Cursor | undefined;
  readonly offset: number;
  readonly limit: number | undefined;
  /** undefined: whole documents. */
  readonly select: readonly FieldPath[] | undefined;
  readonly nearest: Nearest | undefined;
}

const invalid = (message: string): StatusError => new StatusError("INVALID_ARGUMENT", message);
const DESCENDING = 2;
const NAME_PATH: FieldPath = { names: [NAME_FIELD], text: NAME_FIELD };
/** Ends a name in a sort key, so that a document's name is no prefix of those below it. */
const NAME_END = Buffer.from([0, 0]);

export function parseQuery(parent: ParentPath, message: Message): Query {
  if (message === null || message === undefined) throw invalid("A query is missing.");
  const from = message.from ?? [];
  if (from.length !== 1) throw invalid("A query must select from exactly one collection.");
  const collection: string | undefined = from[0].collectionId === "" ? undefined : from[0].collectionId;
  if (collection !== undefined) checkId(collection);
  const filter = parseFilter(message.where, parent.database);
  const conjuncts = disjunctions(filter);
  const orders = completeOrders(message.orderBy ?? [], filter);
  if (collection === undefined) checkKindless(filter, orders);
  const components = orders.length + conjuncts.reduce((most, leaves) => Math.max(most, leaves.length), 0);
  if (components > QUERY_COMPONENTS_MAX) {
    throw invalid(`A query has at most ${QUERY_COMPONENTS_MAX} filters and orders.`);
  }
  const limit = message.limit?.value;
  if (limit !== undefined && limit < 0) throw invalid("limit is negative.");
  if (message.offset < 0) throw invalid("offset is negative.");
  return {
    parent,
    collection,
    allDescendants: from[0].allDescendants === true,
    filter,
    conjuncts,
    orders,
    start: parseCursor(message.startAt, orders, parent.database),
    end: parseCursor(message.endAt, orders, parent.database),
    offset: message.offset ?? 0,
    limit,
    select: parseSelect(message.select),
    nearest: parseNearest(message.findNearest),
  };
}

function checkKindless(filter: Filter | undefined, orders: readonly Order[]): void {
  const fields = [...(filter === undefined ? [] : allFields(filter)), ...orders.map(({ path }) => path.text)];
  if (fields.some((field) => field !== NAME_FIELD)) {
    throw invalid("A collection id is required for filters and orders on anything but the name.");
  }
}

function allFields(filter: Filter): string[] {
  return filter.type === "leaf" ? [filter.path.text] : filter.filters.flatMap(allFields);
}

/**
 * The orders asked for, then the fields of inequalities by name, then the document's name, each in
 * the direction of the last order asked for.
 */
function completeOrders(messages: readonly Message[], filter: Filter | undefined): Order[] {
  const orders: Order[] = messages.map((order) => ({
    path: parseFieldPath(order.field?.fieldPath),
    direction: order.direction === DESCENDING ? "desc" : "asc",
  }));
  const seen = new Set<string>();
  for (const { path } of orders) {
    if (seen.has(path.text)) throw invalid(`The order by "${path.text}" is given more than once.`);
    seen.add(path.text);
  }
  const direction = orders.at(-1)?.direction ?? "asc";
  for (const path of inequalityFields(filter)) {
    if (seen.has(path.text) || path.text === NAME_FIELD) continue;
    orders.push({ path, direction });
  }
  const name = orders.findIndex(({ path }) => path.text === NAME_FIELD);
  if (name === -1) return [...orders, { path: NAME_PATH, direction }];
  // Names are unique, so nothing behind them orders anything.
  return orders.slice(0, name + 1);
}

function parseCursor(message: Message, orders: readonly Order[], database: string): Cursor | undefined {
  if (message === null || message === undefined) return undefined;
  const values: Uint8Array[] = message.values ?? [];
  if (values.length === 0) return undefined;
  if (values.length > orders.length) throw invalid("A cursor has more values than the query has orders.");
  const keys = values.map((bytes, i) => {
    const value = decodeValue(bytes);
    return (orders[i] as Order).path.text === NAME_FIELD ? nameKey(value, database) : valueKey(value);
  });
  return { keys, before: message.before === true };
}

function parseSelect(message: Message): FieldPath[] | undefined {
  if (message === null || message === undefined) return undefined;
  const fields: Message[] = message.fields ?? [];
  if (fields.length === 0) return undefined;
  return fields.map((field) => parseFieldPath(field.fieldPath));
}

const MEASURES = [undefined, "EUCLIDEAN", "COSINE", "DOT_PRODUCT"] as const;

function parseNearest(message: Message): Nearest | undefined {
  if (message === null || message === undefined) return undefined;
  const vector = message.queryVector?.length > 0 ? vectorOf(decodeValue(message.queryVector)) : undefined;
  if (vector === undefined || vector.length === 0) throw invalid("findNearest needs a query vector.");
  const measure = MEASURES[message.distanceMeasure as number];
  if (measure === undefined) throw invalid("findNearest needs a distance measure.");
  const limit = message.limit?.value ?? 0;
  if (limit < 1 || limit > NEAREST_LIMIT_MAX) {
    throw invalid(`findNearest needs a limit from 1 to ${NEAREST_LIMIT_MAX}.`);
  }
  return {
    path: parseFieldPath(message.vectorField?.fieldPath),
    vector,
    measure,
    limit,
    resultField: message.distanceResultField ? parseFieldPath(message.distanceResultField) : undefined,
    threshold: message.distanceThreshold?.value,
  };
}

/** One part of a sort key: a value's key, turned around where the order descends. */
function orderedPart(key: Buffer, order: Order): Buffer {
  const isName = order.path.text === NAME_FIELD;
  const part = isName ? Buffer.concat([key, NAME_END]) : key;
  return order.direction === "desc" ? inverted(part) : part;
}

/**
 * A document's place in the results as bytes: keys compare as the results are ordered. undefined
 * when a field that the query orders by is missing, which keeps the document out.
 */
export function sortKey(
  query: Query,
  path: Buffer,
  valueAt: (path: FieldPath) => Value | undefined,
): Buffer | undefined {
  const parts: Buffer[] = [];
  for (const order of query.orders) {
    if (order.path.text === NAME_FIELD) {
      parts.push(orderedPart(path, order));
      continue;
    }
    const value = valueAt(order.path);
    if (value === undefined) return undefined;
    parts.push(orderedPart(valueKey(value), order));
  }
  return Buffer.concat(parts);
}

/** Whether a place is between the query's cursors. */
export function withinCursors(query: Query, key: Buffer): boolean {
  const { start, end } = query;
  if (start !== undefined && Buffer.compare(key, cursorPlace(query, start, start.before)) < 0) return false;
  return end === undefined || Buffer.compare(key, cursorPlace(query, end, end.before)) < 0;
}

function cursorPlace(query: Query, cursor: Cursor, before: boolean): Buffer {
  const parts = cursor.keys.map((key, i) => orderedPart(key, query.orders[i] as Order));
  const place = Buffer.concat(parts);
  return before ? place : successor(place);
}
