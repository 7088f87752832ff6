import { AvroError, createReader, type Reader } from "./avro-reader.ts";

/**
 * Avro, as far as messages are checked against it: avro.apache.org/docs/1.11.1/specification. Schemas are
 * parsed to closures, so that a check walks the message once and builds nothing.
 */

interface Avro {
  /** How unions name it in JSON. */
  readonly name: string;
  /** Throws where the value, parsed from Avro's JSON encoding, isn't of the type. */
  json(value: unknown, at: string): void;
  /** Reads one value of the type, or throws. */
  read(reader: Reader): void;
}

export interface AvroSchema {
  checkJson(text: string): void;
  checkBinary(bytes: Uint8Array): void;
}

export function parseAvro(definition: string): AvroSchema {
  const type = parseType(parseJson(definition), new Map(), "");
  return {
    checkJson: (text) => type.json(parseJson(text), "message"),
    checkBinary(bytes) {
      const reader = createReader(bytes);
      type.read(reader);
      if (reader.rest() > 0) throw new AvroError("There are bytes behind the message.");
    },
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new AvroError("It is no JSON.");
  }
}

type Names = Map<string, Avro>;
type Definition = Readonly<Record<string, unknown>>;

const NAME = /^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*$/;

function parseType(given: unknown, names: Names, space: string): Avro {
  if (Array.isArray(given)) return unionOf(given.map((branch) => parseType(branch, names, space)));
  if (typeof given === "string") {
    const known = PRIMITIVES[given] ?? names.get(fullName(given, space)) ?? names.get(given);
    if (known === undefined) throw new AvroError(`Unknown type ${given}.`);
    return known;
  }
  if (typeof given !== "object" || given === null)
    throw new AvroError("A type is a name, an object or an array.");
  const definition = given as Definition;
  switch (definition["type"]) {
    case "record":
    case "error":
      return recordOf(definition, names, space);
    case "enum":
      return enumOf(definition, names, space);
    case "fixed":
      return fixedOf(definition, names, space);
    case "array":
      return arrayOf(parseType(definition["items"], names, space));
    case "map":
      return mapOf(parseType(definition["values"], names, space));
    default:
      return parseType(definition["type"], names, space);
  }
}

const fullName = (name: string, space: string): string =>
  name.includes(".") || space === "" ? name : `${space}.${name}`;

/** Names the type before its parts are parsed, since they may refer to it. */
function named(definition: Definition, names: Names, space: string): { name: string; space: string } {
  const { name: given, namespace } = definition;
  if (typeof given !== "string" || !NAME.test(given))
    throw new AvroError(`Invalid name ${JSON.stringify(given)}.`);
  const name = fullName(given, typeof namespace === "string" ? namespace : space);
  if (names.has(name) || PRIMITIVES[name] !== undefined) throw new AvroError(`The name ${name} is taken.`);
  return { name, space: name.includes(".") ? name.slice(0, name.lastIndexOf(".")) : "" };
}

function recordOf(definition: Definition, names: Names, outer: string): Avro {
  const { name, space } = named(definition, names, outer);
  const fields: { readonly name: string; readonly type: Avro }[] = [];
  const record: Avro = {
    name,
    json(value, at) {
      const object = objectOf(value, at);
      const stray = Object.keys(object).find((key) => !fields.some((field) => field.name === key));
      if (stray !== undefined) throw new AvroError(`${at} has the field ${stray}, which the schema lacks.`);
      for (const field of fields) {
        if (!Object.hasOwn(object, field.name)) throw new AvroError(`${at} lacks the field ${field.name}.`);
        field.type.json(object[field.name], `${at}.${field.name}`);
      }
    },
    read: (reader) => reader.deeper(() => fields.forEach((field) => field.type.read(reader))),
  };
  names.set(name, record);
  if (!Array.isArray(definition["fields"])) throw new AvroError(`The record ${name} has no fields.`);
  for (const field of definition["fields"] as Definition[]) {
    const fieldName = field?.["name"];
    if (
      typeof fieldName !== "string" ||
      !NAME.test(fieldName) ||
      fields.some((known) => known.name === fieldName)
    )
      throw new AvroError(`The record ${name} has a field without a name of its own.`);
    fields.push({ name: fieldName, type: parseType(field?.["type"], names, space) });
  }
  return record;
}

function enumOf(definition: Definition, names: Names, outer: string): Avro {
  const { name } = named(definition, names, outer);
  const symbols = definition["symbols"];
  if (!Array.isArray(symbols) || !symbols.every((symbol) => typeof symbol === "string" && NAME.test(symbol)))
    throw new AvroError(`The enum ${name} needs symbols.`);
  const type: Avro = {
    name,
    json(value, at) {
      if (!symbols.includes(value)) throw new AvroError(`${at} is no symbol of ${name}.`);
    },
    read(reader) {
      if (symbols[Number(reader.long())] === undefined) throw new AvroError(`No symbol of ${name}.`);
    },
  };
  names.set(name, type);
  return type;
}

function fixedOf(definition: Definition, names: Names, outer: string): Avro {
  const { name } = named(definition, names, outer);
  const { size } = definition;
  if (typeof size !== "number" || !Number.isInteger(size) || size < 0)
    throw new AvroError(`${name} needs a size.`);
  const type: Avro = {
    name,
    json(value, at) {
      if (!isBytes(value) || value.length !== size) throw new AvroError(`${at} is not ${size} bytes.`);
    },
    read: (reader) => reader.skip(size),
  };
  names.set(name, type);
  return type;
}

const arrayOf = (items: Avro): Avro => ({
  name: "array",
  json(value, at) {
    if (!Array.isArray(value)) throw new AvroError(`${at} is no array.`);
    value.forEach((each, index) => items.json(each, `${at}[${index}]`));
  },
  read: (reader) => reader.blocks(() => items.read(reader)),
});

const mapOf = (values: Avro): Avro => ({
  name: "map",
  json(value, at) {
    for (const [key, each] of Object.entries(objectOf(value, at))) values.json(each, `${at}.${key}`);
  },
  read: (reader) =>
    reader.blocks(() => {
      reader.skip(Number(reader.long()));
      values.read(reader);
    }),
});

function unionOf(branches: readonly Avro[]): Avro {
  if (new Set(branches.map(({ name }) => name)).size < branches.length || branches.length === 0)
    throw new AvroError("A union has types, and each only once.");
  return {
    name: "union",
    json(value, at) {
      const entries = value === null ? [["null", null] as const] : Object.entries(objectOf(value, at));
      const [entry] = entries;
      const branch = branches.find(({ name }) => name === entry?.[0]);
      if (entry === undefined || entries.length > 1 || branch === undefined)
        throw new AvroError(`${at} names none of the union's types.`);
      branch.json(entry[1], at);
    },
    read(reader) {
      const branch = branches[Number(reader.long())];
      if (branch === undefined) throw new AvroError("No such branch of a union.");
      branch.read(reader);
    },
  };
}

function objectOf(value: unknown, at: string): Record<string, unknown> {
  if (typeof value === "object" && value !== null && !Array.isArray(value))
    return value as Record<string, unknown>;
  throw new AvroError(`${at} is no object.`);
}

const isInteger =
  (bits: bigint) =>
  (value: unknown): boolean =>
    typeof value === "number" &&
    Number.isInteger(value) &&
    BigInt(value) === BigInt.asIntN(Number(bits), BigInt(value));
/** Bytes in JSON: a text of the characters U+0000 to U+00FF. */
const isBytes = (value: unknown): value is string =>
  typeof value === "string" && Buffer.from(value, "latin1").toString("latin1") === value;

const primitive = (
  name: string,
  isOf: (value: unknown) => boolean,
  read: (reader: Reader) => void,
): [string, Avro] => [
  name,
  {
    name,
    json(value, at) {
      if (!isOf(value)) throw new AvroError(`${at} is no ${name}.`);
    },
    read,
  },
];

const isNumber = (value: unknown): boolean => typeof value === "number";

const PRIMITIVES: Readonly<Record<string, Avro | undefined>> = Object.fromEntries([
  primitive(
    "null",
    (value) => value === null,
    () => undefined,
  ),
  primitive(
    "boolean",
    (value) => typeof value === "boolean",
    (reader) => reader.boolean(),
  ),
  primitive("int", isInteger(32n), (reader) => reader.int()),
  primitive("long", isInteger(64n), (reader) => void reader.long()),
  primitive("float", isNumber, (reader) => reader.skip(4)),
  primitive("double", isNumber, (reader) => reader.skip(8)),
  primitive("bytes", isBytes, (reader) => reader.skip(Number(reader.long()))),
  primitive(
    "string",
    (value) => typeof value === "string",
    (reader) => reader.text(Number(reader.long())),
  ),
]);
