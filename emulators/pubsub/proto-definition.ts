import protobuf from "protobufjs";

/** Something that is no definition that Pub/Sub takes, or not of it; the message says where. */
export class ProtoError extends Error {}

export interface ProtoDefinition {
  checkJson(text: string): void;
  checkBinary(bytes: Uint8Array): void;
}

/** As protobuf's own readers have it: github.com/protocolbuffers/protobuf, default recursion limit. */
const DEPTH_MAX = 100;

/**
 * A definition in the proto language with one message at the top and no imports:
 * cloud.google.com/pubsub/docs/schemas#schema_types.
 */
export function parseProto(definition: string): ProtoDefinition {
  const type = parseType(definition);
  return {
    checkJson(text) {
      let value: unknown;
      try {
        value = JSON.parse(text);
      } catch {
        throw new ProtoError("It is no JSON.");
      }
      checkMessage(type, value, "message", 0);
    },
    checkBinary(bytes) {
      try {
        checkWire(type, protobuf.Reader.create(bytes), bytes.length, 0);
      } catch (cause) {
        throw cause instanceof ProtoError
          ? cause
          : new ProtoError(`Malformed message: ${(cause as Error).message}`);
      }
    },
  };
}

function parseType(definition: string): protobuf.Type {
  let parsed: protobuf.IParserResult;
  try {
    parsed = protobuf.parse(definition, new protobuf.Root(), { keepCase: true });
    parsed.root.resolveAll();
  } catch (cause) {
    throw new ProtoError(`Malformed definition: ${(cause as Error).message}`);
  }
  if ((parsed.imports ?? []).length > 0 || (parsed.weakImports ?? []).length > 0)
    throw new ProtoError("A definition can't import others.");
  const types = messagesOf(parsed.root);
  const [type] = types;
  if (type === undefined || types.length > 1)
    throw new ProtoError(`A definition has exactly one message at its top, not ${types.length}.`);
  return type;
}

/** The messages at the top: below namespaces, but not within messages. */
const messagesOf = (space: protobuf.NamespaceBase): protobuf.Type[] =>
  space.nestedArray.flatMap((each) => {
    if (each instanceof protobuf.Type) return [each];
    return each instanceof protobuf.Namespace ? messagesOf(each) : [];
  });

/** protobuf.dev/programming-guides/json: names in either spelling, numbers also as texts, bytes in base64. */
function checkMessage(type: protobuf.Type, value: unknown, at: string, depth: number): void {
  if (depth > DEPTH_MAX) throw new ProtoError("The message is nested too deep.");
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new ProtoError(`${at} is no object.`);
  for (const [name, given] of Object.entries(value)) {
    const field = type.fieldsArray.find((each) => each.name === name || camelCase(each.name) === name);
    if (field === undefined) throw new ProtoError(`${at} has the field ${name}, which the schema lacks.`);
    if (given !== null) checkField(field, given, `${at}.${name}`, depth);
  }
  for (const { name, required } of type.fieldsArray) {
    if (required && !Object.hasOwn(value, name) && !Object.hasOwn(value, camelCase(name)))
      throw new ProtoError(`${at} lacks the field ${name}.`);
  }
}

const camelCase = (name: string): string =>
  name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());

function checkField(field: protobuf.Field, value: unknown, at: string, depth: number): void {
  if (field instanceof protobuf.MapField) {
    if (typeof value !== "object" || Array.isArray(value)) throw new ProtoError(`${at} is no object.`);
    for (const [key, each] of Object.entries(value as object)) checkValue(field, each, `${at}.${key}`, depth);
    return;
  }
  if (!field.repeated) return checkValue(field, value, at, depth);
  if (!Array.isArray(value)) throw new ProtoError(`${at} is no array.`);
  value.forEach((each, index) => checkValue(field, each, `${at}[${index}]`, depth));
}

function checkValue(field: protobuf.Field, value: unknown, at: string, depth: number): void {
  const { resolvedType } = field;
  if (resolvedType instanceof protobuf.Type) return checkMessage(resolvedType, value, at, depth + 1);
  if (resolvedType instanceof protobuf.Enum) {
    const fits =
      typeof value === "string" ? Object.hasOwn(resolvedType.values, value) : Number.isInteger(value);
    if (!fits) throw new ProtoError(`${at} is no value of ${resolvedType.name}.`);
    return;
  }
  if (!isScalar(field.type, value)) throw new ProtoError(`${at} is no ${field.type}.`);
}

function isScalar(type: string, value: unknown): boolean {
  switch (type) {
    case "string":
      return typeof value === "string";
    case "bytes":
      return typeof value === "string" && /^[A-Za-z0-9+/_-]*={0,2}$/.test(value);
    case "bool":
      return typeof value === "boolean";
    case "float":
    case "double":
      return (
        typeof value === "number" ||
        (typeof value === "string" && /^(-?Infinity|NaN|-?\d+(\.\d+)?([eE][+-]?\d+)?)$/.test(value))
      );
    default:
      return isInteger(type, value);
  }
}

function isInteger(type: string, value: unknown): boolean {
  const isText = typeof value === "string" && /^-?\d+$/.test(value);
  if (!isText && !Number.isInteger(value)) return false;
  const number = BigInt(value as string | number);
  const bits = type.endsWith("32") ? 32 : 64;
  const unsigned = type.startsWith("u") || type.startsWith("fixed");
  return number === (unsigned ? BigInt.asUintN(bits, number) : BigInt.asIntN(bits, number));
}

/** Wire types: protobuf.dev/programming-guides/encoding. */
const LENGTH_DELIMITED = 2;

/** Every field must be known and of its type's form; nested messages are read likewise. */
function checkWire(type: protobuf.Type, reader: protobuf.Reader, end: number, depth: number): void {
  if (depth > DEPTH_MAX) throw new ProtoError("The message is nested too deep.");
  while (reader.pos < end) {
    const tag = reader.uint32();
    const field = type.fieldsById[tag >>> 3];
    const wireType = tag & 7;
    if (field === undefined)
      throw new ProtoError(`The message has the field number ${tag >>> 3}, which the schema lacks.`);
    const { resolvedType } = field;
    const nested = resolvedType instanceof protobuf.Type && !(field instanceof protobuf.MapField);
    const own = nested || field instanceof protobuf.MapField ? LENGTH_DELIMITED : wireTypeOf(field);
    const packed = field.repeated && !nested && wireType === LENGTH_DELIMITED;
    if (wireType !== own && !packed) throw new ProtoError(`The field ${field.name} is of another type.`);
    if (!nested) {
      reader.skipType(wireType);
      continue;
    }
    const length = reader.uint32();
    if (length > end - reader.pos) throw new ProtoError("The message ends too early.");
    checkWire(resolvedType, reader, reader.pos + length, depth + 1);
  }
  if (reader.pos > end) throw new ProtoError("The message ends too early.");
}

const wireTypeOf = ({ type, resolvedType }: protobuf.Field): number =>
  resolvedType instanceof protobuf.Enum ? 0 : ((protobuf.types.basic as Record<string, number>)[type] ?? 0);
