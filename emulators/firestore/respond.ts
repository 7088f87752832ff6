import { encodeFields, fieldsOf, projected } from "./fields.ts";
import type { FieldPath } from "./path.ts";
import type { StoredDocument } from "./store.ts";
import { type Micros, timestampOf } from "./time.ts";
import { writeTimestampFields } from "./write-value.ts";
import { WireWriter } from "./wire.ts";

/**
 * Answers that carry documents, encoded by hand: a document's fields are copied as they are kept.
 * The numbers are those of the fields in `google.firestore.v1`.
 */
const writer = new WireWriter();

export function writeTime(into: WireWriter, field: number, micros: Micros): void {
  const { seconds, nanos } = timestampOf(micros);
  const start = into.open(field);
  writeTimestampFields(into, seconds, nanos);
  into.close(start);
}

/** The fields that a mask leaves of a document. */
export function maskedFields(document: StoredDocument, mask: readonly FieldPath[] | undefined): Buffer {
  return mask === undefined ? document.fields : encodeFields(projected(fieldsOf(document), mask));
}

export interface DocumentParts {
  readonly name: string;
  readonly document: StoredDocument;
  readonly fields?: Buffer | undefined;
}

/** Writes a `Document` message as field `field`, or bare where `field` is undefined. */
export function writeDocument(
  into: WireWriter,
  field: number | undefined,
  { name, document, fields = document.fields }: DocumentParts,
): void {
  const start = field === undefined ? undefined : into.open(field);
  into.stringField(1, name);
  into.raw(fields);
  writeTime(into, 3, document.created);
  writeTime(into, 4, document.updated);
  if (start !== undefined) into.close(start);
}

export function documentMessage(name: string, document: StoredDocument, fields: Buffer): Buffer {
  writer.reset();
  writeDocument(writer, undefined, { name, document, fields });
  return writer.finish();
}

export interface BatchGetParts {
  readonly name: string;
  readonly document: StoredDocument | undefined;
  readonly mask: readonly FieldPath[] | undefined;
  readonly transaction: Buffer | undefined;
  readonly readTime: Micros;
}

export function batchGetResponse({ name, document, mask, transaction, readTime }: BatchGetParts): Buffer {
  const fields = document === undefined ? undefined : maskedFields(document, mask);
  writer.reset();
  if (document === undefined) writer.stringField(2, name);
  else writeDocument(writer, 1, { name, document, fields });
  if (transaction !== undefined) writer.bytesField(3, transaction);
  writeTime(writer, 4, readTime);
  return writer.finish();
}

export interface QueryResponseParts {
  readonly name: string;
  readonly document: StoredDocument;
  readonly fields: Buffer;
  readonly skipped: number;
  readonly readTime: Micros;
}

export function queryResponse({ name, document, fields, skipped, readTime }: QueryResponseParts): Buffer {
  writer.reset();
  writeDocument(writer, 1, { name, document, fields });
  writeTime(writer, 3, readTime);
  if (skipped > 0) writer.varintField(4, skipped);
  return writer.finish();
}

/** A list of documents as field 1, and a page token as field 2: `ListDocumentsResponse`. */
export function listResponse(
  documents: readonly {
    readonly name: string;
    readonly document: StoredDocument | undefined;
    readonly fields: Buffer;
  }[],
  nextPageToken: string,
): Buffer {
  writer.reset();
  for (const { name, document, fields } of documents) {
    if (document !== undefined) {
      writeDocument(writer, 1, { name, document, fields });
      continue;
    }
    const start = writer.open(1);
    writer.stringField(1, name);
    writer.close(start);
  }
  if (nextPageToken !== "") writer.stringField(2, nextPageToken);
  return writer.finish();
}
