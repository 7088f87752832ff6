import { StatusError } from "../kernel/status-error.ts";
import { valueKey } from "./key.ts";
import { checkWritable, type FieldPath, parseFieldPath } from "./path.ts";
import type { Micros } from "./time.ts";
import { decodeArray, decodeValue, integerValue, NULL_VALUE, type Value } from "./value.ts";

/** The new value of a field, and the result that the response reports. */
interface Transformed {
  readonly value: Value;
  readonly result: Value;
}

export interface FieldTransform {
  readonly path: FieldPath;
  apply(current: Value | undefined, now: Micros): Transformed;
}

interface TransformMessage {
  readonly fieldPath?: string;
  readonly transformType?: string;
  readonly setToServerValue?: number;
  readonly increment?: Uint8Array;
  readonly maximum?: Uint8Array;
  readonly minimum?: Uint8Array;
  readonly appendMissingElements?: Uint8Array;
  readonly removeAllFromArray?: Uint8Array;
}

type NumberValue = Extract<Value, { type: "integer" | "double" }>;

const REQUEST_TIME = 1;
const INT64_MAX = 2n ** 63n - 1n;
const INT64_MIN = -(2n ** 63n);

const invalid = (message: string): StatusError => new StatusError("INVALID_ARGUMENT", message);

export function parseTransform(message: TransformMessage): FieldTransform {
  const path = checkWritable(parseFieldPath(message.fieldPath));
  switch (message.transformType) {
    case "setToServerValue":
      if (message.setToServerValue !== REQUEST_TIME) throw invalid("Unknown server value in a transform.");
      return { path, apply: (_current, now) => same(serverTime(now)) };
    case "increment":
      return numeric(path, message.increment, add);
    case "maximum":
      return numeric(path, message.maximum, (current, operand) => larger(current, operand));
    case "minimum":
      return numeric(path, message.minimum, (current, operand) => smaller(current, operand));
    case "appendMissingElements":
      return append(path, decodeArray(message.appendMissingElements ?? new Uint8Array()));
    case "removeAllFromArray":
      return remove(path, decodeArray(message.removeAllFromArray ?? new Uint8Array()));
    default:
      throw invalid(`The transform of "${path.text}" must have its type set.`);
  }
}

const same = (value: Value): Transformed => ({ value, result: value });

/** The time of the request, which is given with millisecond precision only. */
function serverTime(now: Micros): Value {
  const millis = Math.floor(now / 1000);
  const seconds = Math.floor(millis / 1000);
  return { type: "timestamp", seconds, nanos: (millis - seconds * 1000) * 1e6 };
}

const isNumber = (value: Value | undefined): value is NumberValue =>
  value?.type === "integer" || value?.type === "double";

const asDouble = (value: NumberValue): number => Number(value.value);

function numeric(
  path: FieldPath,
  operandBytes: Uint8Array | undefined,
  combine: (current: NumberValue, operand: NumberValue) => Value,
): FieldTransform {
  const operand = decodeValue(operandBytes ?? new Uint8Array());
  if (!isNumber(operand)) throw invalid(`The transform of "${path.text}" takes an integer or a double.`);
  return { path, apply: (current) => same(isNumber(current) ? combine(current, operand) : operand) };
}

function add(current: NumberValue, operand: NumberValue): Value {
  if (current.type === "integer" && operand.type === "integer") {
    const sum = current.value + operand.value;
    return integerValue(sum > INT64_MAX ? INT64_MAX : sum < INT64_MIN ? INT64_MIN : sum);
  }
  return { type: "double", value: asDouble(current) + asDouble(operand) };
}

const isNan = (value: NumberValue): boolean => value.type === "double" && Number.isNaN(value.value);

/** Keys compare integers with doubles exactly, and equal ones keep the stored value. */
function larger(current: NumberValue, operand: NumberValue): Value {
  if (isNan(current)) return current;
  if (isNan(operand)) return operand;
  return Buffer.compare(valueKey(operand), valueKey(current)) > 0 ? operand : current;
}

/** NaN sorts before every number, and is the minimum as it is the maximum. */
function smaller(current: NumberValue, operand: NumberValue): Value {
  return Buffer.compare(valueKey(operand), valueKey(current)) < 0 ? operand : current;
}

const keyText = (value: Value): string => valueKey(value).toString("latin1");

function append(path: FieldPath, elements: readonly Value[]): FieldTransform {
  return {
    path,
    apply(current) {
      const values = current?.type === "array" ? [...current.values] : [];
      const present = new Set(values.map(keyText));
      for (const element of elements) {
        const key = keyText(element);
        if (present.has(key)) continue;
        present.add(key);
        values.push(element);
      }
      return { value: { type: "array", values }, result: NULL_VALUE };
    },
  };
}

function remove(path: FieldPath, elements: readonly Value[]): FieldTransform {
  const gone = new Set(elements.map(keyText));
  return {
    path,
    apply(current) {
      const values =
        current?.type === "array" ? current.values.filter((value) => !gone.has(keyText(value))) : [];
      return { value: { type: "array", values }, result: NULL_VALUE };
    },
  };
}
