import type { Kernel } from "../kernel/kernel.ts";
import type { Call, Message, Outgoing } from "../kernel/rpc.ts";
import { StatusError } from "../kernel/status-error.ts";
import { type DocumentPath, documentName, parseDatabase, parseDocumentName, segmentKey } from "./path.ts";
import { batchGetResponse, documentMessage, maskedFields } from "./respond.ts";
import type { FirestoreState } from "./state.ts";
import type { DatabaseRow } from "./collection-rows.ts";
import type { StoredDocument } from "./store.ts";
import { type Micros, microsOf } from "./time.ts";
import { type OptimisticReads, parseTransactionOptions, type Transaction } from "./transaction.ts";
import { parseMask } from "./write-parse.ts";

/** How a request reads: in a transaction, at a time, or simply now. */
export interface Reading {
  readonly database: DatabaseRow;
  /** A read-write transaction, whose reads lock. */
  readonly transaction: Transaction | undefined;
  /** The time to read at; undefined: now, once everything needed is locked. */
  readonly at: Micros | undefined;
  /** The id of a transaction that began with this request. */
  readonly begun: Buffer | undefined;
  /** Where an optimistic transaction records what it has read. */
  readonly optimisticReads: OptimisticReads | undefined;
}

function readingIn(database: DatabaseRow, transaction: Transaction, begun: Buffer | undefined): Reading {
  const { readTime, optimisticReads } = transaction;
  const at = readTime ?? optimisticReads?.at;
  return { database, transaction: at === undefined ? transaction : undefined, at, begun, optimisticReads };
}

export function startReading(state: FirestoreState, databaseName: string, request: Message): Reading {
  const database = state.store.databaseRow(databaseName);
  const transactions = state.transactionsOf(databaseName);
  switch (request.consistencySelector) {
    case "transaction":
      return readingIn(database, transactions.find(request.transaction), undefined);
    case "newTransaction": {
      const transaction = beginTransaction(state, database, request.newTransaction, true);
      return readingIn(database, transaction, transaction.id);
    }
    case "readTime": {
      const at = state.checkReadTime(database, microsOf(request.readTime));
      return { database, transaction: undefined, at, begun: undefined, optimisticReads: undefined };
    }
    default:
      return {
        database,
        transaction: undefined,
        at: undefined,
        begun: undefined,
        optimisticReads: undefined,
      };
  }
}

export function beginTransaction(
  state: FirestoreState,
  database: DatabaseRow,
  message: Message,
  readOnlyByDefault: boolean,
): Transaction {
  const options = parseTransactionOptions(message, readOnlyByDefault);
  if (options.readTime !== undefined) state.checkReadTime(database, options.readTime);
  return state.transactionsOf(database.name).begin(options, state.readTime(database));
}

/** When a request fails that began a transaction, no client knows the id, so the transaction ends. */
export async function endingOnFailure<T>(
  state: FirestoreState,
  reading: Reading,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (reading.begun !== undefined) state.transactionsOf(reading.database.name).rollback(reading.begun);
    throw cause;
  }
}

export function readAt(
  state: FirestoreState,
  database: DatabaseRow,
  path: DocumentPath,
  at: Micros,
): StoredDocument | undefined {
  const collection = state.store.findCollection(database, path.collection);
  if (collection === undefined) return undefined;
  const id = segmentKey(path.id);
  return database.committed > at
    ? state.store.readDocumentAt(collection.id, id, at)
    : state.store.readDocument(collection.id, id);
}

/** Locks what a read-write transaction reads; then says at which time to read. */
async function lockedTime(
  state: FirestoreState,
  reading: Reading,
  paths: readonly DocumentPath[],
  call: Call,
): Promise<Micros> {
  const { database, transaction, at, optimisticReads } = reading;
  if (optimisticReads !== undefined) {
    for (const { collection, id } of paths) {
      optimisticReads.documents.add(documentName(database.name, `${collection}/${id}`));
    }
  }
  if (transaction !== undefined) {
    const documents = paths.map(({ collection, id }) => `${collection}/${id}`);
    const { locks } = state.transactionsOf(database.name);
    if (!locks.tryAcquire(transaction, documents, "read")) {
      await locks.acquire(transaction, documents, "read", call.signal);
    }
  }
  return at ?? state.readTime(database);
}

function pathWithin(database: string, name: unknown): DocumentPath {
  const path = parseDocumentName(name);
  if (path.database === database) return path;
  throw new StatusError("INVALID_ARGUMENT", `Document name "${String(name)}" is not in "${database}".`);
}

/** What the calls of one emulator work with. */
export interface Emulator {
  readonly kernel: Kernel;
  readonly state: FirestoreState;
}

export async function batchGetDocuments(
  { kernel, state }: Emulator,
  request: Message,
  call: Call,
  { send, drained }: Outgoing,
): Promise<void> {
  const databaseName = parseDatabase(request.database);
  const names = [...new Set<string>(request.documents ?? [])];
  const paths = names.map((name) => pathWithin(databaseName, name));
  const mask = parseMask(request.mask);
  const reading = startReading(state, databaseName, request);
  await endingOnFailure(state, reading, async () => {
    const time = await lockedTime(state, reading, paths, call);
    await state.settled();
    for (const [i, path] of paths.entries()) {
      const begun = i === 0 ? reading.begun : undefined;
      const document = readAt(state, reading.database, path, time);
      const keepsUp = send(
        batchGetResponse({ name: names[i] as string, document, mask, transaction: begun, readTime: time }),
      );
      if (keepsUp) continue;
      await drained();
      if (call.signal.aborted) break;
    }
    if (names.length === 0 && reading.begun !== undefined) send({ transaction: reading.begun });
    kernel.meter.bill(call, { reads: names.length });
  });
}

export async function getDocument(
  kernel: Kernel,
  state: FirestoreState,
  request: Message,
  call: Call,
): Promise<Message> {
  const path = parseDocumentName(request.name);
  const mask = parseMask(request.mask);
  const reading = startReading(state, path.database, request);
  const time = await lockedTime(state, reading, [path], call);
  const document = readAt(state, reading.database, path, time);
  await state.settled();
  kernel.meter.bill(call, { reads: 1 });
  if (document === undefined) throw new StatusError("NOT_FOUND", `Document "${request.name}" not found.`);
  return documentMessage(request.name, document, maskedFields(document, mask));
}
