import type { Message } from "../kernel/grpc.ts";
import { RpcError } from "../kernel/rpc-error.ts";
import type { Found } from "./found.ts";
import { AGGREGATIONS_MAX } from "./limits.ts";
import { type FieldPath, parseFieldPath } from "./path.ts";
import { integerValue, NULL_VALUE, type Value } from "./value.ts";

/** One aggregation of a query, fed with the results one by one. */
export interface Aggregation {
  readonly alias: string;
  /** Where this only counts: how far; undefined where it looks at a field. */
  readonly countMost: number | undefined;
  add(found: Found): void;
  /** Counts results that nobody had to read. */
  addCount(results: number): void;
  result(): Value;
}

const INT64_MAX = 2n ** 63n - 1n;
const INT64_MIN = -(2n ** 63n);

const invalid = (message: string): RpcError => new RpcError("INVALID_ARGUMENT", message);

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
    add: () => {
      count += 1;
    },
    addCount: (results) => {
      count += results;
    },
    result: () => integerValue(BigInt(Math.min(count, most))),
  };
}

/** Adds integers exactly, and doubles among themselves with Neumaier's compensation. */
class Sum {
  private integers = 0n;
  private doubles = 0;
  private compensation = 0;
  private anyDouble = false;
  private count = 0;

  add(value: Value | undefined): void {
    if (value?.type === "integer") {
      this.integers += value.value;
      this.count += 1;
    } else if (value?.type === "double") {
      this.addDouble(value.value);
      this.anyDouble = true;
      this.count += 1;
    }
  }

  private addDouble(value: number): void {
    const sum = this.doubles + value;
    if (Number.isFinite(sum)) {
      this.compensation +=
        Math.abs(this.doubles) >= Math.abs(value) ? this.doubles - sum + value : value - sum + this.doubles;
    }
    this.doubles = sum;
  }

  private asDouble(): number {
    return Number(this.integers) + this.doubles + this.compensation;
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
    add: (found) => sum.add(found.valueAt(path)),
    addCount: () => undefined,
    result: () => result(sum),
  };
}
