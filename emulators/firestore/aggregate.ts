import type { Message } from "../kernel/rpc.ts";
import { StatusError } from "../kernel/status-error.ts";
import type { FoundDocument } from "./found-document.ts";
import { AGGREGATIONS_MAX } from "./limits.ts";
import { type FieldPath, parseFieldPath } from "./path.ts";
import type { Query } from "./query.ts";
import { integerValue, NULL_VALUE, type Value } from "./value.ts";

/** One aggregation of a query, fed with the results one by one. */
export interface Aggregation {
  readonly alias: string;
  /** For a count: up to how many. Undefined where the aggregation reads a field. */
  readonly countMost: number | undefined;
  /** The field it looks at. */
  readonly path: FieldPath | undefined;
  add(found: FoundDocument): void;
  /** Counts results without reading them. */
  addCount(results: number): void;
  result(): Value;
}

const INT64_MAX = 2n ** 63n - 1n;
const INT64_MIN = -(2n ** 63n);

const invalid = (message: string): StatusError => new StatusError("INVALID_ARGUMENT", message);

export function parseAggregations(messages: readonly Message[]): Aggregation[] {
  if (messages.length === 0) throw invalid("An aggregation query has at least one aggregation.");
  if (messages.length > AGGREGATIONS_MAX) {
    throw invalid(`maximum number of aggregations is ${AGGREGATIONS_MAX}.`);
  }
  let unnamed = 0;
  const seen = new Set<string>();
  return messages.map((message) => {
    const alias: string = message.alias === "" ? `field_${++unnamed}` : message.alias;
    if (seen.has(alias)) throw invalid(`The alias "${alias}" is used more than once.`);
    seen.add(alias);
    return parseAggregation(message, alias);
  });
}

function parseAggregation(message: Message, alias: string): Aggregation {
  switch (message.operator) {
    case "count": {
      const upTo = message.count.upTo?.value;
      const most = upTo === undefined || upTo === null ? Number.POSITIVE_INFINITY : Number(upTo);
      if (most <= 0) throw invalid("count.up_to must be greater than zero.");
      return counting(alias, most);
    }
    case "sum":
      return summing(alias, parseFieldPath(message.sum.field?.fieldPath), (sum) => sum.total());
    case "avg":
      return summing(alias, parseFieldPath(message.avg.field?.fieldPath), (sum) => sum.average());
    default:
      throw invalid("An aggregation must have its operator set.");
  }
}

function counting(alias: string, most: number): Aggregation {
  let count = 0;
  return {
    alias,
    countMost: most,
    path: undefined,
    add: () => {
      count += 1;
    },
    addCount: (results) => {
      count += results;
    },
    result: () => integerValue(BigInt(Math.min(count, most))),
  };
}

const pathsOf = (aggregations: readonly Aggregation[]): FieldPath[] =>
  aggregations.flatMap(({ path }) => path ?? []);

/** Documents that lack a field of any aggregation are left out of all of them. */
export function isAggregated(found: FoundDocument, aggregations: readonly Aggregation[]): boolean {
  return aggregations.every(({ path }) => path === undefined || found.valueAt(path) !== undefined);
}

/**
 * The query whose results are aggregated: by the orders there are and then by the aggregated fields, which
 * is what a limit goes by, and which leaves out documents that lack one of them.
 */
export function aggregatedQuery(query: Query, aggregations: readonly Aggregation[]): Query {
  const ownOrders = query.orders.slice(0, -1);
  const cuts = Math.max(query.start?.keys.length ?? 0, query.end?.keys.length ?? 0);
  // A cursor that names a document says where it stands in the orders there are.
  const isFixed = cuts > ownOrders.length || query.collection === undefined || query.nearest !== undefined;
  if (isFixed) return query;
  const fields = new Map(pathsOf(aggregations).map((path) => [path.text, path]));
  for (const { path } of ownOrders) fields.delete(path.text);
  const { direction = "asc" } = query.orders.at(-1) ?? {};
  const added = [...fields.values()]
    .sort((one, other) => (one.text < other.text ? -1 : 1))
    .map((path) => ({ path, direction }));
  return { ...query, orders: [...ownOrders, ...added, ...query.orders.slice(-1)] };
}

/**
 * From this magnitude on, doubles are summed separately: a sum of two could become infinite before a third
 * one reduces it.
 */
const HUGE = 2 ** 960;
const HUGE_SCALE = 2 ** 64;

/** Adds doubles with Neumaier's compensation. */
class DoubleSum {
  private sum = 0;
  private compensation = 0;

  add(value: number): void {
    const sum = this.sum + value;
    if (Number.isFinite(sum)) {
      this.compensation +=
        Math.abs(this.sum) >= Math.abs(value) ? this.sum - sum + value : value - sum + this.sum;
    }
    this.sum = sum;
  }

  get total(): number {
    return this.sum + this.compensation;
  }
}

/** Adds integers exactly, and doubles among themselves. */
class Sum {
  private integers = 0n;
  private readonly doubles = new DoubleSum();
  private readonly huge = new DoubleSum();
  private anyDouble = false;
  private count = 0;

  add(value: Value | undefined): void {
    if (value?.type === "integer") {
      this.integers += value.value;
      this.count += 1;
    } else if (value?.type === "double") {
      if (Math.abs(value.value) < HUGE) this.doubles.add(value.value);
      else this.huge.add(value.value / HUGE_SCALE);
      this.anyDouble = true;
      this.count += 1;
    }
  }

  private asDouble(): number {
    return Number(this.integers) + this.doubles.total + this.huge.total * HUGE_SCALE;
  }

  total(): Value {
    const fits = this.integers <= INT64_MAX && this.integers >= INT64_MIN;
    return !this.anyDouble && fits ? integerValue(this.integers) : { type: "double", value: this.asDouble() };
  }

  average(): Value {
    return this.count === 0 ? NULL_VALUE : { type: "double", value: this.asDouble() / this.count };
  }
}

function summing(alias: string, path: FieldPath, result: (sum: Sum) => Value): Aggregation {
  const sum = new Sum();
  return {
    alias,
    countMost: undefined,
    path,
    add: (found) => sum.add(found.valueAt(path)),
    addCount: () => undefined,
    result: () => result(sum),
  };
}
