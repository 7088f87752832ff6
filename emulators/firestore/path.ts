import { StatusError } from "../kernel/status-error.ts";
import { FIELD_PATH_BYTES_MAX, ID_BYTES_MAX, NAME_BYTES_MAX, PATH_SEGMENTS_MAX } from "./limits.ts";

const invalid = (message: string): StatusError => new StatusError("INVALID_ARGUMENT", message);

/** A document's place: its database, the path of its collection in there, and its id. */
export interface DocumentPath {
  /** `projects/{project}/databases/{database}`. */
  readonly database: string;
  /** The collection's path, such as `chats/7/messages`. */
  readonly collection: string;
  readonly id: string;
}

/** What a query or listing starts from: the database's root, or a document. */
export interface ParentPath {
  readonly database: string;
  /** The document's path, such as `chats/7`; "" for the root. */
  readonly document: string;
}

const DATABASE = /^projects\/[^/]+\/databases\/[^/]+$/;
const RESOURCE = /^(projects\/[^/]+\/databases\/[^/]+)\/documents(?:\/(.*))?$/s;
const RESERVED_ID = /^__.*__$/s;
const NUMERIC_ID = /^__id(0|-?[1-9]\d{0,18})__$/;

export function parseDatabase(name: unknown): string {
  if (typeof name === "string" && DATABASE.test(name)) return name;
  throw invalid(`Invalid database name "${shown(name)}": expected projects/{project}/databases/{database}.`);
}

export function parseParent(name: unknown): ParentPath {
  const match = typeof name === "string" ? RESOURCE.exec(name) : null;
  if (match === null) throw invalid(`Invalid parent "${shown(name)}": expected a database's documents.`);
  const document = match[2] ?? "";
  if (document !== "" && checkedSegments(document).length % 2 !== 0) {
    throw invalid(`Invalid parent "${shown(name)}": it names a collection, not a document.`);
  }
  return { database: match[1] as string, document };
}

export function parseDocumentName(name: unknown): DocumentPath {
  const match = typeof name === "string" ? RESOURCE.exec(name) : null;
  const path = match?.[2];
  if (match === null || path === undefined || path === "") {
    throw invalid(`Document name "${shown(name)}" is not of the form projects/…/databases/…/documents/….`);
  }
  const segments = checkedSegments(path);
  if (segments.length % 2 !== 0) {
    throw invalid(`Document name "${shown(name)}" has an odd number of segments: it names a collection.`);
  }
  const slash = path.lastIndexOf("/");
  return { database: match[1] as string, collection: path.slice(0, slash), id: path.slice(slash + 1) };
}

function checkedSegments(path: string): string[] {
  if (path.length * 3 > NAME_BYTES_MAX && Buffer.byteLength(path) > NAME_BYTES_MAX) {
    throw invalid(`A document's name is longer than ${NAME_BYTES_MAX} bytes.`);
  }
  const segments = path.split("/");
  if (segments.length > PATH_SEGMENTS_MAX)
    throw invalid(`A path has more than ${PATH_SEGMENTS_MAX} segments.`);
  for (const [i, segment] of segments.entries()) {
    if (i % 2 === 0) checkId(segment);
    else checkDocumentId(segment);
  }
  return segments;
}

/** Refuses what cannot be a document's id. An id of Datastore mode, a number, can be one. */
export function checkDocumentId(id: string): void {
  if (numberOf(id) === undefined) checkId(id);
}

/** Refuses what cannot be a collection's id. */
export function checkId(id: string): void {
  if (id === "") throw invalid("A resource id is empty.");
  if (id.includes("/")) throw invalid(`The resource id "${shown(id)}" contains a slash.`);
  if (id === "." || id === "..") throw invalid(`The resource id "${id}" is not allowed.`);
  if (id.charCodeAt(0) === 95 && RESERVED_ID.test(id)) {
    throw invalid(`Resource id "${shown(id)}" is invalid because it is reserved.`);
  }
  if (id.length * 3 > ID_BYTES_MAX && Buffer.byteLength(id) > ID_BYTES_MAX) {
    throw invalid(`Resource id "${shown(id)}" is longer than ${ID_BYTES_MAX} bytes.`);
  }
}

const SHOWN_CHARS_MAX = 200;
const shown = (name: unknown): string => String(name).slice(0, SHOWN_CHARS_MAX);

/** The last part of a collection's path: the id that collection groups go by. */
export const groupOf = (collection: string): string => collection.slice(collection.lastIndexOf("/") + 1);

export const documentName = (database: string, path: string): string => `${database}/documents/${path}`;

/** The number that an id stands for: `__id7__` is 7. */
function numberOf(id: string): bigint | undefined {
  const digits = id.charCodeAt(0) === 95 ? NUMERIC_ID.exec(id)?.[1] : undefined;
  if (digits === undefined) return undefined;
  const number = BigInt(digits);
  return BigInt.asIntN(64, number) === number ? number : undefined;
}

const NUMBER_MARK = 2;
const NUMBER_BYTES = 10;

/**
 * A segment as bytes that sort as Firestore sorts ids: numeric ids first, by number, then all others
 * by UTF-8. A zero byte is escaped, so that a terminator can sort before every continuation.
 */
export function segmentKey(segment: string): Buffer {
  const number = numberOf(segment);
  if (number !== undefined) {
    const key = Buffer.alloc(NUMBER_BYTES);
    key[1] = NUMBER_MARK;
    key.writeBigUInt64BE(BigInt.asUintN(64, number + 2n ** 63n), 2);
    return key;
  }
  const bytes = Buffer.from(segment);
  return bytes.includes(0) ? escapeZeros(bytes) : bytes;
}

const isNumber = (key: Uint8Array, at: number): boolean => key[at] === 0 && key[at + 1] === NUMBER_MARK;

/** The segment that `segmentKey` turned into this key. */
export function segmentOfKey(key: Uint8Array): string {
  if (!isNumber(key, 0)) return unescapeZeros(key).toString();
  const number = Buffer.from(key.buffer, key.byteOffset, key.length).readBigUInt64BE(2);
  return `__id${number - 2n ** 63n}__`;
}

function escapeZeros(bytes: Uint8Array): Buffer {
  const escaped: number[] = [];
  for (const byte of bytes) {
    escaped.push(byte);
    if (byte === 0) escaped.push(0xff);
  }
  return Buffer.from(escaped);
}

function unescapeZeros(bytes: Uint8Array): Buffer {
  if (!bytes.includes(0)) return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const plain: number[] = [];
  for (let at = 0; at < bytes.length; at += 1) {
    plain.push(bytes[at] as number);
    if (bytes[at] === 0) at += 1;
  }
  return Buffer.from(plain);
}

const TERMINATOR = Buffer.from([0, 1]);

/** A path as bytes that sort segment by segment; a parent's key is a prefix of its children's. */
export function pathKey(path: string): Buffer {
  if (path === "") return Buffer.alloc(0);
  const parts: Buffer[] = [];
  for (const segment of path.split("/")) parts.push(segmentKey(segment), TERMINATOR);
  return Buffer.concat(parts);
}

/** The path that `pathKey` turned into this key. */
export function pathOfKey(key: Uint8Array): string {
  const segments: string[] = [];
  let start = 0;
  let at = 0;
  while (at < key.length) {
    if (at === start && isNumber(key, at)) at += NUMBER_BYTES;
    else if (key[at] !== 0) at += 1;
    else if (key[at + 1] !== 1) at += 2;
    else {
      segments.push(segmentOfKey(key.subarray(start, at)));
      at += 2;
      start = at;
    }
  }
  return segments.join("/");
}

/** A path to a field: `a.b` or, where a name is not simple, with backquotes: a.`b-c`. */
export interface FieldPath {
  readonly names: readonly string[];
  /** The path in its one canonical spelling. */
  readonly text: string;
}

const SIMPLE_NAME = /^[a-zA-Z_][a-zA-Z_0-9]*$/;
const QUOTED_OR_SIMPLE = /`((?:[^`\\]|\\.)*)`|([^.`]+)/sy;

export const NAME_FIELD = "__name__";

export function fieldPathOf(names: readonly string[]): FieldPath {
  return { names, text: names.map(quotedName).join(".") };
}

export function quotedName(name: string): string {
  return SIMPLE_NAME.test(name) ? name : `\`${name.replace(/[\\`]/g, "\\$&")}\``;
}

export function parseFieldPath(text: unknown): FieldPath {
  if (typeof text !== "string" || text === "") throw invalid("A field path is empty.");
  if (text.length * 3 > FIELD_PATH_BYTES_MAX && Buffer.byteLength(text) > FIELD_PATH_BYTES_MAX) {
    throw invalid(`A field path is longer than ${FIELD_PATH_BYTES_MAX} bytes.`);
  }
  if (SIMPLE_NAME.test(text)) return { names: [text], text };
  const names: string[] = [];
  let at = 0;
  for (;;) {
    QUOTED_OR_SIMPLE.lastIndex = at;
    const match = QUOTED_OR_SIMPLE.exec(text);
    if (match === null) throw invalid(`Invalid property path "${shown(text)}".`);
    const [whole, quoted, simple] = match;
    if (simple !== undefined && !SIMPLE_NAME.test(simple)) {
      throw invalid(`Invalid property path "${shown(text)}": quote "${shown(simple)}" with backquotes.`);
    }
    const name = simple ?? (quoted as string).replace(/\\(.)/gs, "$1");
    if (name === "") throw invalid(`Invalid property path "${shown(text)}": a name is empty.`);
    names.push(name);
    at += whole.length;
    if (at === text.length) return fieldPathOf(names);
    if (text[at] !== ".") throw invalid(`Invalid property path "${shown(text)}".`);
    at += 1;
  }
}

/** Refuses reserved names, as paths that are written to must. */
export function checkWritable(path: FieldPath): FieldPath {
  for (const name of path.names) {
    if (name.charCodeAt(0) === 95 && RESERVED_ID.test(name)) {
      throw invalid(`Invalid property path "${shown(path.text)}": "${shown(name)}" is reserved.`);
    }
  }
  return path;
}
