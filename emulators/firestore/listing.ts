import { createHash } from "node:crypto";
import type { Kernel } from "../kernel/kernel.ts";
import type { Call, Message } from "../kernel/rpc.ts";
import { StatusError } from "../kernel/status-error.ts";
import { DATABASE_SCOPE, keyPrefix } from "./entries.ts";
import type { FoundDocument } from "./found-document.ts";
import { successor, valueKey } from "./key.ts";
import { PAGE_SIZE_DEFAULT, PAGE_SIZE_MAX } from "./limits.ts";
import { segmentsBelowAt } from "./listing-past.ts";
import {
  checkId,
  documentName,
  type ParentPath,
  parseFieldPath,
  parseParent,
  pathKey,
  pathOfKey,
} from "./path.ts";
import { type Cursor, parseQuery, type Query } from "./query.ts";
import { type Reading, readAt, startReading } from "./reading.ts";
import { listResponse, maskedFields } from "./respond.ts";
import { EntryScan, FIRST } from "./scan.ts";
import { NAMES_SLOT } from "./schema.ts";
import type { FirestoreState } from "./state.ts";
import type { DatabaseRow } from "./collection-rows.ts";
import type { StoredDocument } from "./store.ts";
import type { Micros } from "./time.ts";
import { parseMask } from "./write-parse.ts";

const invalid = (message: string): StatusError => new StatusError("INVALID_ARGUMENT", message);

function pageSizeOf(requested: number): number {
  if (requested < 0) throw invalid("page_size is negative.");
  return Math.min(requested === 0 ? PAGE_SIZE_DEFAULT : requested, PAGE_SIZE_MAX);
}

/** The first path in the database that is `from` or behind it, and begins with `prefix`. */
function firstPath(
  state: FirestoreState,
  database: DatabaseRow,
  prefix: Buffer,
  from: Buffer,
): Buffer | undefined {
  const names = keyPrefix(DATABASE_SCOPE, database.id, NAMES_SLOT);
  const range = {
    low: { suffix: FIRST.suffix, id: from },
    high: { suffix: FIRST.suffix, id: successor(prefix.length === 0 ? Buffer.from([0xfe]) : prefix) },
  };
  return new EntryScan(state.store, names, [range]).next()?.id;
}

/**
 * The segments that follow a path, each once: the collections below a document, or the documents
 * (existing or not) of a collection. One step of the index leads to each, whatever lies below it.
 */
export function* segmentsBelow(
  state: FirestoreState,
  database: DatabaseRow,
  path: string,
  after: string,
): Generator<{ readonly segment: string; readonly exists: boolean }> {
  if (database.id === 0) return;
  state.settler.settleDatabase(database.id);
  const prefix = pathKey(path);
  const below = path === "" ? "" : `${path}/`;
  // What stands exactly at the path is the document itself, not something below it.
  let from = after === "" ? Buffer.concat([prefix, Buffer.alloc(1)]) : successor(pathKey(`${below}${after}`));
  for (;;) {
    const found = firstPath(state, database, prefix, from);
    if (found === undefined) return;
    const segment = pathOfKey(found).slice(below.length).split("/")[0] as string;
    const key = pathKey(`${below}${segment}`);
    yield { segment, exists: found.equals(key) };
    from = successor(key);
  }
}

interface SegmentsPlace {
  readonly path: string;
  readonly at: Micros | undefined;
  readonly after: string;
}

/** As `segmentsBelow`, as of a time. */
function segmentsAt(
  state: FirestoreState,
  database: DatabaseRow,
  { path, at, after }: SegmentsPlace,
): Generator<{ readonly segment: string; readonly exists: boolean }> {
  const isPresent = at === undefined || at >= database.committed;
  return isPresent
    ? segmentsBelow(state, database, path, after)
    : segmentsBelowAt(state, database, { path, at, after });
}

export function listCollectionIds(state: FirestoreState, request: Message): Message {
  const parent = parseParent(request.parent);
  const { database, at } = startReading(state, parent.database, request);
  const size = pageSizeOf(request.pageSize === 0 ? PAGE_SIZE_MAX : request.pageSize);
  const collectionIds: string[] = [];
  for (const { segment } of segmentsAt(state, database, {
    path: parent.document,
    at,
    after: request.pageToken,
  })) {
    if (collectionIds.length === size) return { collectionIds, nextPageToken: collectionIds.at(-1) };
    collectionIds.push(segment);
  }
  return { collectionIds };
}

export async function listDocuments(
  kernel: Kernel,
  state: FirestoreState,
  request: Message,
  call: Call,
): Promise<Message> {
  const parent = parseParent(request.parent);
  const mask = parseMask(request.mask);
  const size = pageSizeOf(request.pageSize);
  if (request.showMissing && request.orderBy !== "") {
    throw invalid("show_missing cannot be combined with order_by.");
  }
  const reading = startReading(state, parent.database, request);
  const pageAt = (at: Micros): Page =>
    request.showMissing
      ? listWithMissing(state, { database: reading.database, parent, request, size, at })
      : listByQuery(state, { parent, request, size, at });
  const page = await lockedPage(state, reading, { query: listingQuery(parent, request), pageAt, call });
  await state.settled();
  kernel.meter.bill(call, { reads: Math.max(1, page.documents.length) });
  const documents = page.documents.map(({ name, document }) => ({
    name,
    document,
    fields: document === undefined ? Buffer.alloc(0) : maskedFields(document, mask),
  }));
  return listResponse(documents, page.token);
}

interface LockedPageParts {
  readonly query: Query;
  readonly pageAt: (at: Micros) => Page;
  readonly call: Call;
}

/** Lists in a read-write transaction. It locks the listed documents and guards the query against new ones. */
async function lockedPage(
  state: FirestoreState,
  { database, transaction, at, optimisticReads }: Reading,
  { query, pageAt, call }: LockedPageParts,
): Promise<Page> {
  optimisticReads?.queries.push(query);
  if (transaction === undefined) return pageAt(at ?? state.readTime(database));
  const { locks } = state.transactionsOf(database.name);
  transaction.queries.push(query);
  for (;;) {
    const page = pageAt(state.readTime(database));
    const documents = page.documents.map(({ name }) => name.slice(documentName(database.name, "").length));
    if (locks.tryAcquire(transaction, documents, "read")) return page;
    // Whoever holds one of them may be about to change it, so afterwards the listing is made again.
    await locks.acquire(transaction, documents, "read", call.signal);
  }
}

interface Page {
  readonly documents: readonly { readonly name: string; readonly document: StoredDocument | undefined }[];
  readonly token: string;
}

interface ListingWithMissing {
  readonly database: DatabaseRow;
  readonly parent: ParentPath;
  readonly request: Message;
  readonly size: number;
  readonly at: Micros;
}

function listWithMissing(
  state: FirestoreState,
  { database, parent, request, size, at }: ListingWithMissing,
): Page {
  checkId(request.collectionId);
  const collection =
    parent.document === "" ? request.collectionId : `${parent.document}/${request.collectionId}`;
  const documents: Page["documents"][number][] = [];
  let last = request.pageToken;
  for (const { segment, exists } of segmentsAt(state, database, {
    path: collection,
    at,
    after: request.pageToken,
  })) {
    if (documents.length === size) return { documents, token: last };
    const path = { database: database.name, collection, id: segment };
    const document = exists ? readAt(state, database, path, at) : undefined;
    documents.push({ name: documentName(database.name, `${collection}/${segment}`), document });
    last = segment;
  }
  return { documents, token: "" };
}

function listingQuery(parent: ParentPath, request: Message): Query {
  const orderBy = parseOrderBy(request.orderBy);
  return parseQuery(parent, { from: [{ collectionId: request.collectionId }], orderBy, offset: 0 });
}

interface ListingByQuery {
  readonly parent: ParentPath;
  readonly request: Message;
  readonly size: number;
  readonly at: Micros;
}

function listByQuery(state: FirestoreState, { parent, request, size, at }: ListingByQuery): Page {
  const query = listingQuery(parent, request);
  const start = request.pageToken === "" ? undefined : parseToken(request, query);
  const run = state.engine.run({ ...query, start }, at);
  const documents: Page["documents"][number][] = [];
  let last: FoundDocument | undefined;
  for (let found = run.next(); found !== undefined; found = run.next()) {
    if (documents.length === size)
      return { documents, token: tokenAfter(last as FoundDocument, query, request) };
    documents.push({ name: found.name, document: found.document });
    last = found;
  }
  return { documents, token: "" };
}

function parseOrderBy(text: string): Message[] {
  if (text.trim() === "") return [];
  return text.split(",").map((part) => {
    const match = /^\s*(\S+)(?:\s+(asc|desc))?\s*$/i.exec(part);
    if (match === null) throw invalid(`Invalid order_by "${text}".`);
    const { text: fieldPath } = parseFieldPath(match[1]);
    return { field: { fieldPath }, direction: match[2]?.toLowerCase() === "desc" ? 2 : 1 };
  });
}

/** Identifies the listing that a token belongs to. */
function listingMark({ parent, collectionId, orderBy }: Message): string {
  return createHash("sha256")
    .update(JSON.stringify([parent, collectionId, orderBy]))
    .digest("base64url");
}

/** A page's token is the place of its last document, in the order of the listing. */
function tokenAfter(last: FoundDocument, query: Query, request: Message): string {
  const keys = query.orders.map(({ path }) => {
    const value = last.valueAt(path);
    return value === undefined ? last.path : valueKey(value);
  });
  return [listingMark(request), ...keys.map((key) => key.toString("base64url"))].join(".");
}

function parseToken(request: Message, query: Query): Cursor {
  const [mark, ...parts] = String(request.pageToken).split(".");
  if (mark !== listingMark(request) || parts.length !== query.orders.length) {
    throw invalid("Invalid page token.");
  }
  return { keys: parts.map((part) => Buffer.from(part, "base64url")), before: false };
}
