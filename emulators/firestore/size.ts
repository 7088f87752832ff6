import type { Fields, Value } from "./value.ts";

/** Sizes as the documentation's "Storage size calculations" gives them. */
const DOCUMENT_OVERHEAD = 32;
const NAME_OVERHEAD = 16;

const textSize = (bytes: number): number => bytes + 1;

/** The size of a document's name: every segment of its path, and a fixed part. */
function nameSize(path: string): number {
  return Buffer.byteLength(path) + 1 + NAME_OVERHEAD;
}

export function documentSize(path: string, fields: Fields): number {
  return nameSize(path) + fieldsSize(fields) + DOCUMENT_OVERHEAD;
}

function fieldsSize(fields: Fields): number {
  let size = 0;
  for (const [name, value] of fields) size += textSize(Buffer.byteLength(name)) + valueSize(value);
  return size;
}

function valueSize(value: Value): number {
  switch (value.type) {
    case "null":
    case "boolean":
      return 1;
    case "integer":
    case "double":
    case "timestamp":
      return 8;
    case "geoPoint":
      return 16;
    case "string":
      return textSize(value.utf8.length);
    case "bytes":
      return value.bytes.length;
    case "reference":
      return nameSize(value.name.replace(/^projects\/[^/]+\/databases\/[^/]+\/documents\//, ""));
    case "array":
      return value.values.reduce((size, element) => size + valueSize(element), 0);
    case "map":
      return fieldsSize(value.fields) + DOCUMENT_OVERHEAD;
  }
}

/** The path of the first text or bytes longer than `bytesMax`; undefined where there is none. */
export function longValue(fields: Fields, bytesMax: number): string | undefined {
  for (const [name, value] of fields) {
    if (lengthOf(value) > bytesMax) return name;
    const inside = value.type === "map" ? longValue(value.fields, bytesMax) : undefined;
    if (inside !== undefined) return `${name}.${inside}`;
  }
  return undefined;
}

/** Bytes of the longest text or bytes that a value is, or that its array holds. */
function lengthOf(value: Value): number {
  if (value.type === "string") return value.utf8.length;
  if (value.type === "bytes") return value.bytes.length;
  return value.type === "array"
    ? value.values.reduce((most, element) => Math.max(most, lengthOf(element)), 0)
    : 0;
}
