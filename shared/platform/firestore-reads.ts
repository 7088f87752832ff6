import { setTimeout as delay } from "node:timers/promises";
import type { DocumentData, DocumentReference, Timestamp } from "@google-cloud/firestore";
import { type Channel, Metadata, status } from "@grpc/grpc-js";
import { currentContext, REQUEST_ID_HEADER, TRACEPARENT_HEADER } from "./context.ts";
import { GRPC, grpcCode } from "./errors.ts";
import type { Channels } from "./firestore-channels.ts";
import { decodeBatchGetAnswer, encodeBatchGet, type WireAnswer } from "./firestore-wire.ts";
import { beginCallSpan, endCallSpan } from "./trace-calls.ts";
import { READ_MS_MAX } from "./within.ts";

/**
 * Reads documents by BatchGetDocuments over gRPC itself. Google's client takes more than twice as long
 * for the same call (docs/decisions/0025).
 */

const METHOD = "/google.firestore.v1.Firestore/BatchGetDocuments";

/** As often, and for the same failures, as Google's client tries a read again, with the same pauses. */
export const TRIES_MAX = 5;
const RETRIED: ReadonlySet<number | undefined> = new Set([
  GRPC.deadlineExceeded,
  GRPC.internal,
  GRPC.unavailable,
]);
const PAUSE_MS = 1_000;
const PAUSE_GROWTH = 1.5;

/** A document as it was read, or that there is none: of Google's, what is used of it. */
export interface DocumentSnapshot {
  readonly ref: DocumentReference;
  readonly id: string;
  readonly exists: boolean;
  readonly readTime: Timestamp;
  readonly updateTime?: Timestamp | undefined;
  /** Undefined where there is none. Nobody changes it, as others may be given the same. */
  data(): DocumentData | undefined;
  /** A field by its name, or by names with points between them. */
  get(field: string): unknown;
}

/** Reads documents of one database. */
export interface DocumentReads {
  /**
   * Documents as they were at one moment, in the order of the references; undefined until Google's
   * client has made a call. One RPC and a read for each.
   * @throws CallError when Firestore fails, or does not answer in READ_MS_MAX
   */
  read(refs: readonly DocumentReference[]): Promise<DocumentSnapshot[]> | undefined;
}

/** A gRPC call's failure, by its status as Google's clients have it. */
export class CallError extends Error {
  readonly code: number;

  constructor(code: number, details: string) {
    super(`${code} ${status[code]}: ${details}`);
    this.name = "CallError";
    this.code = code;
  }
}

export function openDocumentReads(channels: Channels, database: string): DocumentReads {
  const base = new Metadata();
  base.set("google-cloud-resource-prefix", database);
  base.set("x-goog-request-params", `database=${encodeURIComponent(database)}`);
  base.set("x-goog-api-client", `gl-node/${process.versions.node}`);

  const tryOnce = async (request: Buffer, documents: number, deadlineMs: number): Promise<WireAnswer[]> => {
    const taken = channels.take();
    if (taken === undefined) throw new CallError(GRPC.cancelled, "The client has been closed.");
    const span = beginCallSpan(METHOD, documents);
    const context = span?.context ?? currentContext();
    const metadata = base.clone();
    if (context !== undefined) {
      metadata.set(REQUEST_ID_HEADER, context.requestId);
      metadata.set(TRACEPARENT_HEADER, context.traceparent);
    }
    try {
      const answers = await call(taken.channel, request, metadata, deadlineMs);
      endCallSpan(span, status.OK);
      return answers;
    } catch (cause) {
      endCallSpan(span, grpcCode(cause) ?? status.UNKNOWN);
      throw cause;
    } finally {
      taken.done();
    }
  };

  const readAll = async (names: readonly string[]): Promise<WireAnswer[]> => {
    const request = encodeBatchGet(database, names);
    const deadlineMs = Date.now() + READ_MS_MAX;
    for (let tries = 1; ; tries += 1) {
      try {
        return await tryOnce(request, names.length, deadlineMs);
      } catch (cause) {
        const pauseMs = PAUSE_MS * PAUSE_GROWTH ** (tries - 1) * (0.5 + Math.random());
        const isLast = tries === TRIES_MAX || Date.now() + pauseMs >= deadlineMs;
        if (isLast || !RETRIED.has(grpcCode(cause))) throw cause;
        await delay(pauseMs);
      }
    }
  };

  const readEach = async (refs: readonly DocumentReference[]): Promise<DocumentSnapshot[]> => {
    const names = refs.map(({ path }) => `${database}/documents/${path}`);
    const answers = await readAll([...new Set(names)]);
    const byName = new Map(answers.map((answer) => [answer.document?.name, answer]));
    return refs.map((ref, index) => {
      const answer = byName.get(names[index]);
      if (answer === undefined) throw new CallError(GRPC.internal, "The answer lacks a document.");
      return snapshotOf(ref, answer);
    });
  };

  return { read: (refs) => (channels.isKnown() ? readEach(refs) : undefined) };
}

function snapshotOf(ref: DocumentReference, { document, readTime }: WireAnswer): DocumentSnapshot {
  const fields = document?.fields;
  return {
    ref,
    id: ref.id,
    exists: fields !== undefined,
    readTime,
    updateTime: document?.updateTime,
    data: () => fields,
    get: (field) => field.split(".").reduce<unknown>(memberOf, fields),
  };
}

const memberOf = (value: unknown, name: string): unknown =>
  typeof value === "object" && value !== null && Object.hasOwn(value, name)
    ? (value as Record<string, unknown>)[name]
    : undefined;

/** One attempt; resolves when the call has ended well. */
function call(
  channel: Channel,
  request: Buffer,
  metadata: Metadata,
  deadlineMs: number,
): Promise<WireAnswer[]> {
  return new Promise((resolve, reject) => {
    const answers: WireAnswer[] = [];
    const under = channel.createCall(METHOD, deadlineMs, null, null, null);
    under.start(metadata, {
      onReceiveMetadata: () => undefined,
      onReceiveMessage(message: Buffer) {
        try {
          answers.push(decodeBatchGetAnswer(message));
        } catch (cause) {
          reject(cause);
          under.cancelWithStatus(status.CANCELLED, "The answer can't be read.");
          return;
        }
        under.startRead();
      },
      onReceiveStatus({ code, details }) {
        if (code === status.OK) resolve(answers);
        else reject(new CallError(code, details));
      },
    });
    under.sendMessageWithContext({}, request);
    under.halfClose();
    under.startRead();
  });
}
