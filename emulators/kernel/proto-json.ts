import protobuf from "protobufjs";
import { StatusError } from "./status-error.ts";

/**
 * The JSON form of protocol buffers ("ProtoJSON"), in which Google's REST APIs speak: int64 as text,
 * bytes as base64, times as RFC 3339, wrappers and structs as plain JSON.
 */
type Json = null | boolean | number | string | Json[] | { [name: string]: Json };
type JsonObject = Record<string, Json>;
/** A decoded message: own properties are the fields that were there. */
type Decoded = Record<string, unknown>;

interface Shape {
  fromJson(json: Json, at: string): object;
  toJson(message: Decoded, options: ToJsonOptions): Json;
}

export interface ToJsonOptions {
  /** Enum values as numbers, which Google's generated clients ask for, instead of names. */
  readonly enumNumbers?: boolean;
}

const invalid = (message: string): StatusError => new StatusError("INVALID_ARGUMENT", message);
const INTEGERS = new Set(["int32", "uint32", "sint32", "fixed32", "sfixed32"]);
const LONGS = new Set(["int64", "uint64", "sint64", "fixed64", "sfixed64"]);

/** The number -0, which JSON has and JSON.stringify does not write. */
const NEGATIVE_ZERO = (JSON as unknown as { rawJSON(text: string): Json }).rawJSON("-0");

/** Reads the JSON form of a message. A null field is an absent one. */
export function fromProtoJson(type: protobuf.Type, json: unknown): protobuf.Message {
  return type.fromObject(objectOf(type, json as Json, ""));
}

function objectOf(type: protobuf.Type, json: Json, at: string): object {
  const shape = SHAPES.get(type.fullName);
  if (shape !== undefined) return shape.fromJson(json, at);
  if (!isObject(json)) throw invalid(`Invalid JSON payload received. Expected an object at '${at}'.`);
  const object: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(json)) {
    const field = type.fields[name] ?? type.fields[camelCase(name)];
    if (field === undefined) {
      const where = at === "" ? "" : ` at '${at}'`;
      throw invalid(`Invalid JSON payload received. Unknown name "${name}"${where}: Cannot find field.`);
    }
    field.resolve();
    if (value === null && !isNullValue(field)) continue;
    object[field.name] = fieldOf(field, value, at === "" ? name : `${at}.${name}`);
  }
  return object;
}

const isObject = (json: Json | undefined): json is JsonObject =>
  typeof json === "object" && json !== null && !Array.isArray(json);
const isNullValue = ({ resolvedType }: protobuf.Field): boolean =>
  resolvedType?.fullName === ".google.protobuf.NullValue";
const camelCase = (name: string): string =>
  name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());

function fieldOf(field: protobuf.Field, json: Json, at: string): unknown {
  if (field instanceof protobuf.MapField) {
    if (!isObject(json)) throw invalid(`Invalid value at '${at}': expected an object.`);
    const entries = Object.entries(json).map(([key, value]) => [key, single(field, value, `${at}.${key}`)]);
    return Object.fromEntries(entries);
  }
  if (!field.repeated) return single(field, json, at);
  // In a query string, a repeated field that is given once is no list.
  const list = Array.isArray(json) ? json : [json];
  return list.map((value, i) => single(field, value, `${at}[${i}]`));
}

function single(field: protobuf.Field, json: Json, at: string): unknown {
  const { type, resolvedType } = field;
  if (resolvedType instanceof protobuf.Type) return objectOf(resolvedType, json, at);
  if (resolvedType instanceof protobuf.Enum) return enumNumber(resolvedType, json, at);
  return scalar(type, json, at);
}

function enumNumber(type: protobuf.Enum, json: Json, at: string): number {
  if (json === null) return 0;
  const number = typeof json === "string" ? (type.values[json] ?? Number(json)) : json;
  if (typeof number === "number" && Number.isInteger(number)) return number;
  throw invalid(`Invalid value at '${at}': ${JSON.stringify(json)} is no ${type.name}.`);
}

function scalar(type: string, json: Json, at: string): unknown {
  const refused = (): StatusError => invalid(`Invalid value at '${at}' (${type}): ${JSON.stringify(json)}.`);
  if (type === "string") {
    if (typeof json !== "string") throw refused();
    return json;
  }
  if (type === "bytes") {
    if (typeof json !== "string") throw refused();
    return Buffer.from(json, "base64");
  }
  if (type === "bool") {
    if (json !== true && json !== false && json !== "true" && json !== "false") throw refused();
    return json === true || json === "true";
  }
  if (typeof json !== "number" && typeof json !== "string") throw refused();
  if (LONGS.has(type)) {
    if (!/^-?\d+(\.0+)?$/.test(String(json))) throw refused();
    return String(json).replace(/\.0+$/, "");
  }
  const number = Number(json);
  const isNumber = json === "NaN" || (json !== "" && !Number.isNaN(number));
  if (!isNumber || (INTEGERS.has(type) && !Number.isInteger(number))) throw refused();
  return number;
}

/** The JSON form of a decoded message. */
export function toProtoJson(type: protobuf.Type, message: object, options: ToJsonOptions = {}): unknown {
  return jsonOf(type, message as Decoded, options);
}

function jsonOf(type: protobuf.Type, message: Decoded, options: ToJsonOptions): Json {
  const shape = SHAPES.get(type.fullName);
  if (shape !== undefined) return shape.toJson(message, options);
  const json: JsonObject = {};
  for (const field of type.fieldsArray) {
    if (!Object.hasOwn(message, field.name)) continue;
    const value = message[field.resolve().name];
    if (value === undefined || (value === null && !isNullValue(field))) continue;
    if (field.partOf === null && isDefault(value)) continue;
    if (field instanceof protobuf.MapField) {
      const entries = Object.entries(value as Decoded).map(([key, one]) => [
        key,
        jsonOfOne(field, one, options),
      ]);
      if (entries.length > 0) json[field.name] = Object.fromEntries(entries) as JsonObject;
    } else if (field.repeated) {
      const list = (value as unknown[]).map((one) => jsonOfOne(field, one, options));
      if (list.length > 0) json[field.name] = list;
    } else {
      json[field.name] = jsonOfOne(field, value, options);
    }
  }
  return json;
}

/** What a field without presence is when it is not there. */
function isDefault(value: unknown): boolean {
  if (typeof value === "object" && value !== null && "isZero" in value) {
    return (value as { isZero(): boolean }).isZero();
  }
  return Object.is(value, 0) || value === false || value === "";
}

function jsonOfOne(field: protobuf.Field, value: unknown, options: ToJsonOptions): Json {
  const { type, resolvedType } = field;
  if (resolvedType instanceof protobuf.Type) return jsonOf(resolvedType, value as Decoded, options);
  if (isNullValue(field)) return null;
  if (resolvedType instanceof protobuf.Enum) {
    if (options.enumNumbers === true) return value as number;
    return resolvedType.valuesById[value as number] ?? (value as number);
  }
  if (type === "bytes") return Buffer.from(value as Uint8Array).toString("base64");
  if (LONGS.has(type)) return String(value);
  if (typeof value === "number" && !Number.isFinite(value)) return String(value);
  if (Object.is(value, -0)) return NEGATIVE_ZERO;
  return value as Json;
}

const RFC3339 = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)$/i;

/** Fractions of a second with as many digits as they need: none, three, six or nine. */
function fraction(nanos: number): string {
  if (nanos === 0) return "";
  return `.${String(nanos)
    .padStart(9, "0")
    .replace(/(000){1,2}$/, "")}`;
}

const timestamp: Shape = {
  fromJson(json, at) {
    const match = typeof json === "string" ? RFC3339.exec(json) : null;
    const millis = match === null ? Number.NaN : Date.parse(`${match[1]}${match[3]}`);
    if (match === null || Number.isNaN(millis)) throw invalid(`Invalid value at '${at}': no RFC 3339 time.`);
    return { seconds: String(millis / 1000), nanos: Number((match[2] ?? "").padEnd(9, "0")) };
  },
  toJson({ seconds, nanos }) {
    const whole = new Date(Number(seconds ?? 0) * 1000).toISOString().slice(0, 19);
    return `${whole}${fraction(Number(nanos ?? 0))}Z`;
  },
};

const duration: Shape = {
  fromJson(json, at) {
    const match = typeof json === "string" ? /^(-?)(\d+)(?:\.(\d{1,9}))?s$/.exec(json) : null;
    if (match === null) throw invalid(`Invalid value at '${at}': no duration.`);
    const [, sign = "", seconds = "", digits = ""] = match;
    return { seconds: `${sign}${seconds}`, nanos: Number(`${sign}${digits.padEnd(9, "0")}`) };
  },
  toJson({ seconds, nanos }) {
    const [whole, rest] = [Number(seconds ?? 0), Number(nanos ?? 0)];
    return `${whole < 0 || rest < 0 ? "-" : ""}${Math.abs(whole)}${fraction(Math.abs(rest))}s`;
  },
};

const fieldMask: Shape = {
  fromJson(json, at) {
    if (typeof json !== "string") throw invalid(`Invalid value at '${at}': no field mask.`);
    const snake = (path: string): string => path.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
    return { paths: json === "" ? [] : json.split(",").map(snake) };
  },
  toJson: ({ paths }) => ((paths ?? []) as string[]).map(camelCase).join(","),
};

function wrapper(type: string): Shape {
  return {
    fromJson: (json, at) => ({ value: scalar(type, json, at) }),
    toJson: ({ value }) => {
      if (LONGS.has(type)) return `${(value ?? 0) as number}`;
      if (type === "bytes") return Buffer.from((value ?? []) as Uint8Array).toString("base64");
      return (value ?? (type === "bool" ? false : type === "string" ? "" : 0)) as Json;
    },
  };
}

/** `google.protobuf.Value`, which is any JSON. */
function valueOfJson(json: Json): object {
  if (json === null) return { nullValue: 0 };
  if (typeof json === "number") return { numberValue: json };
  if (typeof json === "string") return { stringValue: json };
  if (typeof json === "boolean") return { boolValue: json };
  return Array.isArray(json) ? { listValue: listOfJson(json) } : { structValue: structOfJson(json) };
}
const listOfJson = (json: Json[]): object => ({ values: json.map(valueOfJson) });
const structOfJson = (json: JsonObject): object => ({
  fields: Object.fromEntries(Object.entries(json).map(([name, value]) => [name, valueOfJson(value)])),
});

function jsonOfValue(value: Decoded): Json {
  if (Object.hasOwn(value, "structValue")) return jsonOfStruct(value.structValue as Decoded);
  if (Object.hasOwn(value, "listValue")) return jsonOfList(value.listValue as Decoded);
  const kind = ["numberValue", "stringValue", "boolValue"].find((name) => Object.hasOwn(value, name));
  return kind === undefined ? null : (value[kind] as Json);
}
const jsonOfList = ({ values }: Decoded): Json[] => ((values ?? []) as Decoded[]).map(jsonOfValue);
const jsonOfStruct = ({ fields }: Decoded): JsonObject =>
  Object.fromEntries(
    Object.entries((fields ?? {}) as Record<string, Decoded>).map(([name, value]) => [
      name,
      jsonOfValue(value),
    ]),
  );

/** The types whose JSON is not an object of their fields. */
const SHAPES: ReadonlyMap<string, Shape> = new Map<string, Shape>([
  [".google.protobuf.Timestamp", timestamp],
  [".google.protobuf.Duration", duration],
  [".google.protobuf.FieldMask", fieldMask],
  [".google.protobuf.DoubleValue", wrapper("double")],
  [".google.protobuf.FloatValue", wrapper("float")],
  [".google.protobuf.Int64Value", wrapper("int64")],
  [".google.protobuf.UInt64Value", wrapper("uint64")],
  [".google.protobuf.Int32Value", wrapper("int32")],
  [".google.protobuf.UInt32Value", wrapper("uint32")],
  [".google.protobuf.BoolValue", wrapper("bool")],
  [".google.protobuf.StringValue", wrapper("string")],
  [".google.protobuf.BytesValue", wrapper("bytes")],
  [".google.protobuf.Value", { fromJson: valueOfJson, toJson: jsonOfValue }],
  [
    ".google.protobuf.ListValue",
    { fromJson: (json) => listOfJson(json as Json[]), toJson: (message) => jsonOfList(message) },
  ],
  [
    ".google.protobuf.Struct",
    { fromJson: (json) => structOfJson(json as JsonObject), toJson: (message) => jsonOfStruct(message) },
  ],
]);
