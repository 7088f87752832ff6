import type { Message } from "../kernel/rpc.ts";
import { StatusError } from "../kernel/status-error.ts";
import { REQUEST_BYTES_MAX, TRANSFORMS_PER_WRITE_MAX } from "./limits.ts";
import {
  checkWritable,
  type DocumentPath,
  type FieldPath,
  parseDocumentName,
  parseFieldPath,
} from "./path.ts";
import { type Micros, microsOf } from "./time.ts";
import { type FieldTransform, parseTransform } from "./transform.ts";
import { checkFieldNames, type Fields, readEntry, type Value } from "./value.ts";
import { WireReader } from "./wire.ts";

export type Precondition =
  | { readonly type: "exists"; readonly exists: boolean }
  | { readonly type: "updateTime"; readonly updateTime: Micros };

/** A write as requested, validated as far as possible without the document. */
export interface Write {
  readonly kind: "update" | "delete" | "verify";
  readonly path: DocumentPath;
  /** The document's full name. */
  readonly name: string;
  readonly fields: Fields;
  /** undefined: the fields replace all there were. */
  readonly mask: readonly FieldPath[] | undefined;
  readonly transforms: readonly FieldTransform[];
  readonly precondition: Precondition | undefined;
}

const invalid = (message: string): StatusError => new StatusError("INVALID_ARGUMENT", message);

export function parseWrites(messages: readonly Message[], database: string): Write[] {
  return messages.map((message) => parseWrite(message, database));
}

export function parseWrite(message: Message, database: string): Write {
  const precondition = parsePrecondition(message.currentDocument);
  const transforms: FieldTransform[] = (message.updateTransforms ?? []).map(parseTransform);
  switch (message.operation) {
    case "update": {
      const { name } = message.update;
      const path = pathIn(database, name);
      const fields = parseFields(message.update.fields);
      for (const value of fields.values()) checkReferences(value, database);
      const mask = parseMask(message.updateMask, true);
      checkTransforms(transforms);
      return { kind: "update", path, name, fields, mask, transforms, precondition };
    }
    case "transform": {
      const name = message.transform.document;
      const own: FieldTransform[] = (message.transform.fieldTransforms ?? []).map(parseTransform);
      if (own.length === 0) throw invalid("A document transform must name at least one field.");
      checkTransforms(own);
      const path = pathIn(database, name);
      return { kind: "update", path, name, fields: new Map(), mask: [], transforms: own, precondition };
    }
    case "delete":
    case "verify": {
      const kind = message.operation;
      if (message.updateMask || transforms.length > 0) {
        throw invalid(`A ${kind} takes neither a mask nor transforms.`);
      }
      const name = message[kind];
      const path = pathIn(database, name);
      return { kind, path, name, fields: new Map(), mask: undefined, transforms, precondition };
    }
    default:
      throw invalid("A write must have its operation set.");
  }
}

function pathIn(database: string, name: unknown): DocumentPath {
  const path = parseDocumentName(name);
  if (path.database === database) return path;
  throw invalid(`Document name "${String(name)}" is not in the database "${database}".`);
}

/** Reads the entries of `Document.fields`. */
function parseFields(entries: readonly Uint8Array[] | undefined): Fields {
  const fields: Fields = new Map();
  for (const entry of entries ?? []) readEntry(new WireReader(entry), fields, 0);
  checkFieldNames(fields, false);
  return fields;
}

/** Documents refer to documents of their own database only. */
function checkReferences(value: Value, database: string): void {
  if (value.type === "reference") pathIn(database, value.name);
  else if (value.type === "array") for (const element of value.values) checkReferences(element, database);
  else if (value.type === "map") for (const inner of value.fields.values()) checkReferences(inner, database);
}

export function parseMask(message: Message, forWriting = false): FieldPath[] | undefined {
  if (message === null || message === undefined) return undefined;
  const paths: FieldPath[] = (message.fieldPaths ?? []).map(parseFieldPath);
  return forWriting ? paths.map(checkWritable) : paths;
}

function parsePrecondition(message: Message): Precondition | undefined {
  switch (message?.conditionType) {
    case "exists":
      return { type: "exists", exists: message.exists };
    case "updateTime":
      return { type: "updateTime", updateTime: microsOf(message.updateTime) };
    default:
      return undefined;
  }
}

function checkTransforms(transforms: readonly FieldTransform[]): void {
  if (transforms.length > TRANSFORMS_PER_WRITE_MAX) {
    throw invalid(`A write has at most ${TRANSFORMS_PER_WRITE_MAX} transforms.`);
  }
}

/** Refuses a request beyond Firestore's size, which is counted over the values it carries. */
export function checkRequestSize(messages: readonly Message[]): void {
  let size = 0;
  for (const { update } of messages) {
    for (const entry of update?.fields ?? []) size += entry.length;
  }
  if (size > REQUEST_BYTES_MAX) {
    throw invalid(`Request payload size exceeds the limit: ${REQUEST_BYTES_MAX} bytes.`);
  }
}
