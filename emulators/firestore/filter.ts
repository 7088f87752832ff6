import type { Message } from "../kernel/rpc.ts";
import { StatusError } from "../kernel/status-error.ts";
import { isNan, isNull, nameKey, typeRange, valueKey } from "./key.ts";
import { DISJUNCTIONS_MAX, NOT_IN_VALUES_MAX } from "./limits.ts";
import { type FieldPath, NAME_FIELD, parseFieldPath } from "./path.ts";
import { decodeOperand, NULL_VALUE, type Value } from "./value.ts";

export type Operator =
  | "=="
  | "<"
  | "<="
  | ">"
  | ">="
  | "!="
  | "in"
  | "not-in"
  | "array-contains"
  | "array-contains-any";

/** A comparison of a field. `keys` are the operand's keys: several for `in` and its like, else one. */
export interface Leaf {
  readonly type: "leaf";
  readonly path: FieldPath;
  readonly op: Operator;
  readonly keys: readonly Buffer[];
}
interface Composite {
  readonly type: "and" | "or";
  readonly filters: readonly Filter[];
}
export type Filter = Leaf | Composite;

const invalid = (message: string): StatusError => new StatusError("INVALID_ARGUMENT", message);

/** By number in `FieldFilter.Operator`. */
const OPERATORS: readonly (Operator | undefined)[] = [
  undefined,
  "<",
  "<=",
  ">",
  ">=",
  "==",
  "!=",
  "array-contains",
  "in",
  "array-contains-any",
  "not-in",
];
/** By number in `UnaryFilter.Operator`. */
const UNARY: readonly (readonly [Operator, Value] | undefined)[] = [
  undefined,
  undefined,
  ["==", { type: "double", value: Number.NaN }],
  ["==", NULL_VALUE],
  ["!=", { type: "double", value: Number.NaN }],
  ["!=", NULL_VALUE],
];

/** Filters may nest up to this depth, which is deeper than anybody writes by hand. */
const FILTER_DEPTH_MAX = 30;

export function parseFilter(message: Message, database: string): Filter | undefined {
  if (message === null || message === undefined) return undefined;
  const filter = parsePart(message, database, 0);
  checkCombination(filter);
  return filter;
}

function parsePart(message: Message, database: string, depth: number): Filter {
  if (depth > FILTER_DEPTH_MAX) throw invalid("The filters are nested too deeply.");
  switch (message?.filterType) {
    case "compositeFilter": {
      const { op, filters } = message.compositeFilter;
      if (op !== 1 && op !== 2) throw invalid("A composite filter must be AND or OR.");
      if (!filters?.length) throw invalid("A composite filter must have at least one filter.");
      const parts = filters.map((part: Message) => parsePart(part, database, depth + 1));
      return parts.length === 1 ? parts[0] : { type: op === 1 ? "and" : "or", filters: parts };
    }
    case "unaryFilter": {
      const unary = UNARY[message.unaryFilter.op as number];
      if (unary === undefined) throw invalid("Unknown unary operator.");
      const path = parseFieldPath(message.unaryFilter.field?.fieldPath);
      if (path.text === NAME_FIELD) throw invalid("__name__ is never null or NaN.");
      return { type: "leaf", path, op: unary[0], keys: [valueKey(unary[1])] };
    }
    case "fieldFilter":
      return parseField(message.fieldFilter, database);
    default:
      throw invalid("A filter must have its type set.");
  }
}

function parseField(message: Message, database: string): Leaf {
  const path = parseFieldPath(message.field?.fieldPath);
  const op = OPERATORS[message.op as number];
  if (op === undefined) throw invalid("Unknown filter operator.");
  const keyOf = (value: Value): Buffer =>
    path.text === NAME_FIELD ? nameKey(value, database) : valueKey(value);
  const operand = decodeOperand(message.value ?? new Uint8Array());
  if (op !== "in" && op !== "not-in" && op !== "array-contains-any") {
    if (path.text === NAME_FIELD && op === "array-contains") throw invalid("__name__ is no array.");
    return { type: "leaf", path, op, keys: [keyOf(operand)] };
  }
  if (operand.type !== "array" || operand.values.length === 0) {
    throw invalid(`'${op}' requires a non-empty ArrayValue.`);
  }
  if (path.text === NAME_FIELD && op === "array-contains-any") throw invalid("__name__ is no array.");
  if (op === "not-in" && operand.values.length > NOT_IN_VALUES_MAX) {
    throw invalid(`'NOT_IN' supports up to ${NOT_IN_VALUES_MAX} comparison values.`);
  }
  return { type: "leaf", path, op, keys: operand.values.map(keyOf) };
}

function leavesOf(filter: Filter): Leaf[] {
  return filter.type === "leaf" ? [filter] : filter.filters.flatMap(leavesOf);
}

function checkCombination(filter: Filter): void {
  const leaves = leavesOf(filter);
  const count = (...ops: Operator[]): number => leaves.filter(({ op }) => ops.includes(op)).length;
  if (count("not-in", "!=") > 1) {
    throw invalid(
      "Only a single 'NOT_EQUAL', 'NOT_IN', 'IS_NOT_NAN', or 'IS_NOT_NULL' filter is allowed in a query.",
    );
  }
  if (count("not-in") === 0) return;
  // The documentation forbids "or" beside it, too, but the service answers such queries.
  if (count("in", "array-contains-any") > 0) {
    throw invalid("NOT_IN cannot be combined with IN or ARRAY_CONTAINS_ANY.");
  }
}

/** The filter in disjunctive normal form, `in` and `array-contains-any` taken apart. */
export function disjunctions(filter: Filter | undefined): Leaf[][] {
  if (filter === undefined) return [[]];
  const all = expand(filter);
  for (const conjunct of all) {
    if (conjunct.filter(({ op }) => op === "array-contains").length > 1) {
      throw invalid("Only a single array-contains clause is allowed in a disjunction of a query.");
    }
  }
  // A list operator never matches null or NaN.
  return all.filter((conjunct) => !conjunct.some(neverMatches));
}

function neverMatches({ op, keys, path }: Leaf): boolean {
  if (path.text === NAME_FIELD) return false;
  const key = keys[0] as Buffer;
  if (op === "array-contains") return isNull(key) || isNan(key);
  return op === "not-in" && keys.some(isNull);
}

function expand(filter: Filter): Leaf[][] {
  if (filter.type === "leaf") return checkedCount(expandLeaf(filter));
  if (filter.type === "or") return checkedCount(filter.filters.flatMap(expand));
  let product: Leaf[][] = [[]];
  for (const part of filter.filters) {
    const alternatives = expand(part);
    product = checkedCount(product.flatMap((head) => alternatives.map((tail) => [...head, ...tail])));
  }
  return product;
}

function checkedCount(conjuncts: Leaf[][]): Leaf[][] {
  if (conjuncts.length > DISJUNCTIONS_MAX) {
    throw invalid(`A query has at most ${DISJUNCTIONS_MAX} disjunctions after normalization.`);
  }
  return conjuncts;
}

function expandLeaf(leaf: Leaf): Leaf[][] {
  if (leaf.op === "array-contains-any") {
    return leaf.keys.map((key) => [{ ...leaf, op: "array-contains", keys: [key] }]);
  }
  if (leaf.op !== "in") return [[leaf]];
  // `in` never matches null or NaN. Neither does `array-contains`, so such an operand becomes one of these.
  return leaf.keys.map((key) =>
    leaf.path.text !== NAME_FIELD && (isNull(key) || isNan(key))
      ? [{ ...leaf, op: "array-contains", keys: [key] }]
      : [{ ...leaf, op: "==", keys: [key] }],
  );
}

/** Fields that are compared by more than equality, by name: the implicit orders of a query. */
export function inequalityFields(filter: Filter | undefined): FieldPath[] {
  if (filter === undefined) return [];
  const found = new Map<string, FieldPath>();
  for (const { op, path } of leavesOf(filter)) {
    if (["<", "<=", ">", ">=", "!=", "not-in"].includes(op)) found.set(path.text, path);
  }
  return [...found.values()].sort((left, right) => (left.text < right.text ? -1 : 1));
}

/** What a filter looks at: a document's name and fields. */
export interface Subject {
  readonly path: Buffer;
  valueAt(path: FieldPath): Value | undefined;
}

/** Whether a document meets the filter: by the same keys, and so the same rules, as index scans. */
export function matchesFilter(filter: Filter | undefined, subject: Subject): boolean {
  if (filter === undefined) return true;
  if (filter.type !== "leaf") {
    const meets = (part: Filter): boolean => matchesFilter(part, subject);
    return filter.type === "and" ? filter.filters.every(meets) : filter.filters.some(meets);
  }
  if (filter.path.text === NAME_FIELD) return matchesName(filter, subject.path);
  const value = subject.valueAt(filter.path);
  return value !== undefined && matchesLeaf(filter, value);
}

function matchesLeaf({ op, keys }: Leaf, value: Value): boolean {
  if (op === "array-contains" || op === "array-contains-any") {
    if (value.type !== "array") return false;
    const wanted = keys.filter((key) => !isNull(key) && !isNan(key));
    return value.values.some((element) => isAmong(valueKey(element), wanted));
  }
  const key = valueKey(value);
  if (op === "in") return !isNull(key) && !isNan(key) && isAmong(key, keys);
  if (op === "not-in") return !isNull(key) && !keys.some(isNull) && !isAmong(key, keys);
  const operand = keys[0] as Buffer;
  if (op === "==") return key.equals(operand);
  if (op === "!=") return !isNull(key) && !key.equals(operand);
  const { low, high } = typeRange(operand);
  if (Buffer.compare(key, low) < 0 || Buffer.compare(key, high) >= 0) return false;
  return compares(op, Buffer.compare(key, operand));
}

const isAmong = (key: Buffer, keys: readonly Buffer[]): boolean => keys.some((other) => other.equals(key));

function compares(op: Operator, order: number): boolean {
  switch (op) {
    case "<":
      return order < 0;
    case "<=":
      return order <= 0;
    case ">":
      return order > 0;
    default:
      return order >= 0;
  }
}

function matchesName({ op, keys }: Leaf, path: Buffer): boolean {
  const operand = keys[0] as Buffer;
  switch (op) {
    case "==":
    case "in":
      return isAmong(path, keys);
    case "!=":
    case "not-in":
      return !isAmong(path, keys);
    default:
      return compares(op, Buffer.compare(path, operand));
  }
}
