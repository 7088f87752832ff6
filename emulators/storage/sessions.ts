import { randomBytes } from "node:crypto";
import { newBlobId } from "./blobs.ts";
import { accessBucket, type StorageCore } from "./core.ts";
import { type Reply, type StorageRequest, headerOf, json } from "./exchange.ts";
import { StatusError } from "../kernel/status-error.ts";
import { invalid, noSuchUpload, storageError } from "./failure.ts";
import { createHasher, type Hasher } from "./hashes.ts";
import { CHUNK_BYTES, OBJECT_BYTES_MAX, SESSION_MS } from "./limits.ts";
import { type ByteRange, claimsOf, requireClaims, requireSize } from "./receive.ts";
import type { StoredObject, StoredUpload } from "./state.ts";
import { versionHeaders } from "./version-headers.ts";
import { type Creation, createVersion } from "./versions.ts";
import { objectView } from "./views.ts";

/** What the request that started the session contained. */
export interface SessionPlan extends Pick<
  Creation,
  "given" | "conditions" | "predefinedAcl" | "customerKey" | "kmsKeyName"
> {
  /** Which API's words the response uses. */
  readonly api: "json" | "xml";
  /** The origin of the page that started it, from which a browser may continue it. */
  readonly origin?: string | undefined;
  /** The sizes that the object may have. */
  readonly sizes?: ByteRange | undefined;
  /** The size announced at the start. */
  readonly size?: number | undefined;
}

export interface Sessions {
  start(bucket: string, name: string, plan: SessionPlan): Promise<string>;
  /** PUT sends bytes, or queries how many have arrived. DELETE cancels the upload. */
  carryOn(request: StorageRequest, id: string): Promise<Reply>;
  planOf(id: string): SessionPlan | undefined;
}

/** Resumable uploads: a session is a row and a blob that grows, so it outlives the process. */
export function createSessions(core: StorageCore): Sessions {
  const { state, kernel } = core;
  /** Hashes of what has arrived, for as long as the process lives; read again from the blob after that. */
  const hashers = new Map<string, Hasher>();
  /** One request at a time per session: the next waits until the one before has let go of the blob. */
  const turns = new Map<string, Promise<unknown>>();

  const inTurn = async <T>(id: string, work: () => Promise<T>): Promise<T> => {
    const before = turns.get(id) ?? Promise.resolve();
    const mine = before.then(work, work);
    turns.set(id, mine);
    try {
      return await mine;
    } finally {
      if (turns.get(id) === mine) turns.delete(id);
    }
  };

  const access = (id: string): StoredUpload => {
    const upload = state.upload(id);
    if (upload === undefined || upload.kind !== "resumable") throw noSuchUpload();
    if (upload.createdMs + SESSION_MS <= kernel.clock.now()) {
      throw storageError({
        status: 410,
        reason: "gone",
        xmlCode: "NoSuchUpload",
        message: "The upload session has expired.",
      });
    }
    return upload;
  };

  const cancel = async (id: string): Promise<Reply> => {
    const upload = access(id);
    const blobs = await state.database.write(() => state.removeUpload(upload.id));
    hashers.delete(id);
    await core.release(blobs);
    return { status: 499, statusMessage: "Client Closed Request", headers: { "content-type": "text/plain" } };
  };

  return {
    async start(bucket, name, plan) {
      const id = randomBytes(48).toString("base64url");
      const upload: StoredUpload = {
        id,
        kind: "resumable",
        bucket,
        name,
        createdMs: kernel.clock.now(),
        blob: newBlobId(),
        plan,
        received: 0,
        done: undefined,
      };
      await state.database.write(() => state.putUpload(upload));
      return id;
    },
    carryOn: (request, id) =>
      inTurn(id, async () => {
        if (request.method === "DELETE") return cancel(id);
        const upload = access(id);
        if (upload.done !== undefined) return JSON.parse(upload.done) as Reply;
        const range = parseContentRange(headerOf(request, "content-range"), request);
        const total = range.total ?? (upload.plan as SessionPlan).size;
        if (range.start === undefined) {
          return upload.received === total && range.total !== undefined
            ? finish(core, hashers, request, upload)
            : incomplete(request, upload);
        }
        const { upload: grown, bodyBytes } = await append(core, hashers, { request, upload, range });
        const end = range.start + bodyBytes;
        if (range.end !== undefined && end !== range.end + 1) {
          throw invalid(
            `Invalid request. There were ${bodyBytes} byte(s) in the request body. There should have been ${range.end + 1 - range.start} byte(s) (starting at offset ${range.start} and ending at offset ${range.end}) according to the Content-Range header.`,
          );
        }
        const isLast = range.total !== undefined ? end === range.total : range.end === undefined;
        return isLast && grown.received === end
          ? finish(core, hashers, request, grown)
          : incomplete(request, grown);
      }),
    planOf: (id) => state.upload(id)?.plan as SessionPlan | undefined,
  };
}

interface ContentRange {
  /** Undefined: the request only queries the state. */
  readonly start: number | undefined;
  /** The last byte; undefined: as far as the body goes. */
  readonly end: number | undefined;
  /** Undefined: not known yet. */
  readonly total: number | undefined;
}

function parseContentRange(text: string | undefined, request: StorageRequest): ContentRange {
  // Without the header the request holds the whole object.
  if (text === undefined) return { start: 0, end: undefined, total: lengthOf(request) };
  const [, range, start, end, total] = /^bytes (\*|(\d+)-(\d+|\*))\/(\d+|\*)$/.exec(text.trim()) ?? [];
  if (range === undefined) throw invalid(`Failed to parse Content-Range header: ${text}`);
  const number = (part: string | undefined): number | undefined =>
    part === undefined || part === "*" ? undefined : Number(part);
  return { start: number(start), end: number(end), total: number(total) };
}

const lengthOf = (request: StorageRequest): number | undefined => {
  const length = headerOf(request, "content-length");
  return length === undefined ? undefined : Number(length);
};

/** 308, with the bytes that need not be sent again. */
function incomplete(request: StorageRequest, { id, received }: StoredUpload): Reply {
  const headers = {
    "x-guploader-uploadid": id,
    ...(received === 0 ? {} : { range: `bytes=0-${received - 1}` }),
  };
  // Pages can't tell a 308 from a redirect, so they may ask for another status in a header.
  return headerOf(request, "x-guploader-no-308") === "yes"
    ? { status: 200, headers: { ...headers, "x-http-status-code-override": "308" } }
    : { status: 308, statusMessage: "Resume Incomplete", headers };
}

interface ReceivedChunk {
  readonly request: StorageRequest;
  readonly upload: StoredUpload;
  readonly range: ContentRange;
}

/** Adds the body to the blob. What is kept of a chunk that is not the last ends at a multiple of 256 KiB. */
async function append(
  core: StorageCore,
  hashers: Map<string, Hasher>,
  { request, upload, range }: ReceivedChunk,
): Promise<{ upload: StoredUpload; bodyBytes: number }> {
  const start = range.start ?? 0;
  if (start > upload.received) {
    throw storageError({
      status: 416,
      reason: "requestedRangeNotSatisfiable",
      xmlCode: "InvalidRange",
      message: `Expected bytes from ${upload.received} on.`,
    });
  }
  const hasher = hashers.get(upload.id) ?? createHasher();
  const hashing = hasher.size() === upload.received;
  const sink = await core.blobs.write(upload.blob, upload.received);
  let bodyBytes = 0;
  let broken: Error | undefined;
  try {
    for await (const chunk of request.body) {
      // Bytes that had arrived before are skipped: the caller did not learn of them.
      const fresh = chunk.subarray(Math.min(Math.max(upload.received - start - bodyBytes, 0), chunk.length));
      bodyBytes += chunk.length;
      if (start + bodyBytes > OBJECT_BYTES_MAX)
        throw invalid("The object exceeds the maximum size of 5 TiB.");
      if (hashing) hasher.update(fresh);
      await sink.write(fresh);
    }
  } catch (cause) {
    broken = cause instanceof Error ? cause : new Error(String(cause));
  }
  const end = Math.max(start + bodyBytes, upload.received);
  const isWhole =
    broken === undefined && (range.total === undefined ? range.end === undefined : end === range.total);
  // Bytes kept so far are never given up, even where they end within a chunk.
  const received = isWhole ? end : Math.max(upload.received, end - (end % CHUNK_BYTES));
  if (hashing && received === hasher.size()) hashers.set(upload.id, hasher);
  else hashers.delete(upload.id);
  await sink.finish(received);
  const grown = { ...upload, received };
  await core.state.database.write(() => core.state.putUpload(grown));
  if (broken !== undefined) throw broken;
  return { upload: grown, bodyBytes };
}

/** Makes the received bytes the object. A finished session gives the same reply to repeated requests. */
async function finish(
  core: StorageCore,
  hashers: Map<string, Hasher>,
  request: StorageRequest,
  upload: StoredUpload,
): Promise<Reply> {
  const { state } = core;
  const plan = upload.plan as SessionPlan;
  const known = hashers.get(upload.id);
  hashers.delete(upload.id);
  const digests = (known?.size() === upload.received ? known : await rehash(core, upload)).digests();
  try {
    requireClaims(claimsOf(request, plan.given), digests);
    if (plan.sizes !== undefined) requireSize(digests.size, plan.sizes);
    const { replaced, answer } = await state.database.write(() => {
      const creation = { ...plan, bucket: upload.bucket, name: upload.name };
      const created = createVersion(core, { ...creation, content: { ...digests, blob: upload.blob } });
      const finished = answerOf(core, request, plan, created.object);
      // Only the object refers to the blob from here on.
      state.putUpload({ ...upload, blob: "", done: JSON.stringify(finished) });
      return { replaced: created.replaced, answer: finished };
    });
    await core.release(replaced);
    return answer;
  } catch (cause) {
    // A session that cannot succeed any more is deleted with its bytes.
    if (cause instanceof StatusError) {
      await core.release(await state.database.write(() => state.removeUpload(upload.id)));
    }
    throw cause;
  }
}

function answerOf(
  core: StorageCore,
  request: StorageRequest,
  { api, customerKey }: SessionPlan,
  object: StoredObject,
): Reply {
  if (api === "xml") return { status: 200, headers: versionHeaders(object) };
  return json(
    request,
    objectView(request, accessBucket(core, object.bucket).resource, object, { key: customerKey }),
  );
}

async function rehash(core: StorageCore, { blob, received }: StoredUpload): Promise<Hasher> {
  const hasher = createHasher();
  if (received > 0)
    for await (const chunk of await core.blobs.read(blob, 0, received)) hasher.update(chunk as Buffer);
  return hasher;
}
