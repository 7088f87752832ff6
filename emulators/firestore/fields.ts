import { type FieldPath, NAME_FIELD } from "./path.ts";
import type { StoredDocument } from "./store.ts";
import type { Micros } from "./time.ts";
import { type Fields, readFields, type Value } from "./value.ts";
import { writeFields } from "./write-value.ts";
import { WireReader, WireWriter } from "./wire.ts";

/** The number of `fields` in `google.firestore.v1.Document`: fields are kept as they stand there. */
const DOCUMENT_FIELDS = 2;
const writer = new WireWriter();

/** A document's fields as kept: the entries of `Document.fields`, with tags, ordered by name. */
export function encodeFields(fields: Fields): Buffer {
  writer.reset();
  writeFields(writer, DOCUMENT_FIELDS, fields);
  return writer.finish();
}

export function decodeFields(bytes: Uint8Array): Fields {
  return readFields(new WireReader(bytes), DOCUMENT_FIELDS, 0, false);
}

const decoded = new WeakMap<StoredDocument, Fields>();

/** The fields of a stored document. All readers of the same row share one decoding. */
export function fieldsOf(document: StoredDocument): Fields {
  let fields = decoded.get(document);
  if (fields === undefined) {
    fields = decodeFields(document.fields);
    decoded.set(document, fields);
  }
  return fields;
}

/** A row for fields that are already decoded. */
export function storedFields(
  fields: Fields,
  bytes: Buffer,
  created: Micros,
  updated: Micros,
): StoredDocument {
  const document = { created, updated, fields: bytes };
  decoded.set(document, fields);
  return document;
}

export function fieldAt(fields: Fields, path: FieldPath): Value | undefined {
  let value: Value | undefined = fields.get(path.names[0] as string);
  for (let depth = 1; depth < path.names.length; depth += 1) {
    if (value?.type !== "map") return undefined;
    value = value.fields.get(path.names[depth] as string);
  }
  return value;
}

/** Sets (or with undefined deletes) the field at `path` in a copy that shares what stays the same. */
export function withField(fields: Fields, path: FieldPath, value: Value | undefined, depth = 0): Fields {
  const name = path.names[depth] as string;
  const copy = new Map(fields);
  if (depth === path.names.length - 1) {
    if (value === undefined) copy.delete(name);
    else copy.set(name, value);
    return copy;
  }
  const inner = fields.get(name);
  // A value that is not a map is replaced by a map, unless the path is to be deleted.
  if (inner?.type !== "map" && value === undefined) return fields;
  const nested = withField(inner?.type === "map" ? inner.fields : new Map(), path, value, depth + 1);
  copy.set(name, { type: "map", fields: nested });
  return copy;
}

/** Only the fields that the mask names. */
export function projected(fields: Fields, mask: readonly FieldPath[]): Fields {
  let result: Fields = new Map();
  for (const path of mask) {
    if (path.text === NAME_FIELD) continue;
    const value = fieldAt(fields, path);
    if (value !== undefined) result = withField(result, path, value);
  }
  return result;
}
