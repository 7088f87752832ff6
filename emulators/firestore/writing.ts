import { randomBytes } from "node:crypto";
import type { Kernel } from "../kernel/kernel.ts";
import type { Call, Message } from "../kernel/rpc.ts";
import { StatusError, statusNumber } from "../kernel/status-error.ts";
import { encodeFields } from "./fields.ts";
import { BATCH_WRITES_MAX } from "./limits.ts";
import {
  checkDocumentId,
  checkId,
  documentName,
  parseDatabase,
  parseDocumentName,
  parseParent,
  segmentKey,
} from "./path.ts";
import { documentMessage, maskedFields } from "./respond.ts";
import type { FirestoreState } from "./state.ts";
import type { DatabaseRow } from "./collection-rows.ts";
import type { StoredDocument } from "./store.ts";
import { type Micros, timestampOf } from "./time.ts";
import type { Transaction } from "./transaction.ts";
import type { Value } from "./value.ts";
import { writeValue } from "./write-value.ts";
import { WireWriter } from "./wire.ts";
import type { Draft, WriteOutcome } from "./write-apply.ts";
import { checkRequestSize, parseMask, parseWrite, parseWrites, type Write } from "./write-parse.ts";

const writer = new WireWriter();

function encodedValue(value: Value): Buffer {
  writer.reset();
  writeValue(writer, value);
  return writer.finish();
}

const writeResult = ({ updateTime, transformResults }: WriteOutcome): Message => ({
  updateTime: updateTime === undefined ? undefined : timestampOf(updateTime),
  transformResults: transformResults.map(encodedValue),
});

const commitResponse = ({
  outcomes,
  time,
}: {
  outcomes: readonly WriteOutcome[];
  time: Micros;
}): Message => ({
  writeResults: outcomes.map(writeResult),
  commitTime: timestampOf(time),
});

function bill(kernel: Kernel, call: Call, writes: readonly Write[]): void {
  const deletes = writes.filter(({ kind }) => kind === "delete").length;
  kernel.meter.bill(call, { writes: writes.length - deletes, deletes });
}

export async function commit(
  kernel: Kernel,
  state: FirestoreState,
  request: Message,
  call: Call,
): Promise<Message> {
  const databaseName = parseDatabase(request.database);
  checkRequestSize(request.writes);
  const writes = parseWrites(request.writes, databaseName);
  const database = state.store.databaseRow(databaseName);
  const transaction = committing(state, database, request.transaction, writes);
  const draft = await state.commit(database, writes, transaction, () => call.signal);
  bill(kernel, call, writes);
  return commitResponse(draft);
}

function committing(
  state: FirestoreState,
  database: DatabaseRow,
  id: Uint8Array | undefined,
  writes: readonly Write[],
): Transaction | undefined {
  if (id === undefined || id.length === 0) return undefined;
  const transaction = state.transactionsOf(database.name).find(id);
  if (transaction.readTime !== undefined && writes.length > 0) {
    throw new StatusError("INVALID_ARGUMENT", "Cannot modify entities in a read-only transaction.");
  }
  return transaction;
}

/** Applies each write by itself: one that is refused leaves the others alone. */
export async function batchWrite(
  kernel: Kernel,
  state: FirestoreState,
  request: Message,
  call: Call,
): Promise<Message> {
  const databaseName = parseDatabase(request.database);
  const messages: Message[] = request.writes ?? [];
  if (messages.length > BATCH_WRITES_MAX) {
    throw new StatusError("INVALID_ARGUMENT", `maximum ${BATCH_WRITES_MAX} writes allowed per request`);
  }
  checkRequestSize(messages);
  const writes = parseWrites(messages, databaseName);
  if (new Set(writes.map(({ name }) => name)).size < writes.length) {
    throw new StatusError(
      "INVALID_ARGUMENT",
      "A document cannot be written to more than once in one request.",
    );
  }
  const database = state.store.databaseRow(databaseName);
  const results = await Promise.all(
    writes.map(async (write) => {
      try {
        const draft = await state.commit(database, [write], undefined, () => call.signal);
        bill(kernel, call, [write]);
        return { result: writeResult(draft.outcomes[0] as WriteOutcome), status: { code: 0 } };
      } catch (cause) {
        if (!(cause instanceof StatusError)) throw cause;
        return { result: {}, status: { code: statusNumber(cause.code), message: cause.message } };
      }
    }),
  );
  return { writeResults: results.map(({ result }) => result), status: results.map(({ status }) => status) };
}

interface SingleWrite {
  readonly database: string;
  readonly message: Message;
}

async function commitOne(
  kernel: Kernel,
  state: FirestoreState,
  call: Call,
  { database, message }: SingleWrite,
): Promise<Draft> {
  const write = parseWrite(message, database);
  const draft = await state.commit(state.store.databaseRow(database), [write], undefined, () => call.signal);
  bill(kernel, call, [write]);
  return draft;
}

/** The document after a single write, reduced to the mask of the request. */
function answer(state: FirestoreState, name: string, draft: Draft, mask: Message): Buffer {
  const path = parseDocumentName(name);
  const [change] = draft.changes;
  const database = state.store.databaseRow(path.database);
  const document = change?.after ?? unchanged(state, database, name);
  return documentMessage(name, document, maskedFields(document, parseMask(mask)));
}

function unchanged(state: FirestoreState, database: DatabaseRow, name: string): StoredDocument {
  const { collection, id } = parseDocumentName(name);
  const found = state.store.findCollection(database, collection);
  const document = found === undefined ? undefined : state.store.readDocument(found.id, segmentKey(id));
  return document ?? { created: 0, updated: 0, fields: encodeFields(new Map()) };
}

const ID_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const ID_CHARS = 20;

function newId(): string {
  return [...randomBytes(ID_CHARS)].map((byte) => ID_ALPHABET[byte % ID_ALPHABET.length]).join("");
}

export async function createDocument(
  kernel: Kernel,
  state: FirestoreState,
  request: Message,
  call: Call,
): Promise<Message> {
  const parent = parseParent(request.parent);
  checkId(request.collectionId);
  const id = request.documentId === "" ? newId() : request.documentId;
  checkDocumentId(id);
  const below = parent.document === "" ? "" : `${parent.document}/`;
  const name = documentName(parent.database, `${below}${request.collectionId}/${id}`);
  const draft = await commitOne(kernel, state, call, {
    database: parent.database,
    message: {
      operation: "update",
      update: { name, fields: request.document?.fields ?? [] },
      currentDocument: { conditionType: "exists", exists: false },
    },
  });
  return answer(state, name, draft, request.mask);
}

export async function updateDocument(
  kernel: Kernel,
  state: FirestoreState,
  request: Message,
  call: Call,
): Promise<Message> {
  const name = request.document?.name;
  const { database } = parseDocumentName(name);
  const draft = await commitOne(kernel, state, call, {
    database,
    message: {
      operation: "update",
      update: request.document,
      updateMask: request.updateMask,
      currentDocument: request.currentDocument,
    },
  });
  return answer(state, name, draft, request.mask);
}

export async function deleteDocument(
  kernel: Kernel,
  state: FirestoreState,
  request: Message,
  call: Call,
): Promise<Message> {
  const { database } = parseDocumentName(request.name);
  const write = { operation: "delete", delete: request.name, currentDocument: request.currentDocument };
  await commitOne(kernel, state, call, { database, message: write });
  return {};
}
