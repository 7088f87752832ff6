import { Readable } from "node:stream";
import type { Bucket as StorageBucket, Storage } from "@google-cloud/storage";
import type { GoogleAuth } from "google-auth-library";
import type { Config, StorageSigner } from "./config.ts";
import { currentContext, REQUEST_ID_HEADER, TRACEPARENT_HEADER } from "./context.ts";
import { lazy } from "./lazy.ts";
import { inSpan } from "./trace.ts";
import { READ_MS_MAX, within } from "./within.ts";

/** The bucket of files. Addresses that are signed here are all that clients ever see of it. */
export interface Bucket {
  /**
   * An address for one request, made exactly with these headers. Signed with a key that is at hand, or by one
   * call of the IAM API.
   */
  sign(request: SignedRequest): Promise<string>;
  /** Size and generation of an object; undefined where there is none. One call. */
  stat(name: string): Promise<ObjectFacts | undefined>;
  /** The bytes of an object, or of a generation of it, from `start` to `end`, both included. */
  read(name: string, range: ObjectRange): Promise<Readable>;
  /** Writes an object, over what is there. */
  write(name: string, bytes: Uint8Array, type: string): Promise<void>;
  /**
   * Writes an object that bears `notes` (8 KiB at most), unless there is one under its name; whether it did.
   * A repetition of a write that was done finds its own object there.
   */
  writeOnce(name: string, bytes: Uint8Array, kept: KeptOnce): Promise<boolean>;
  /**
   * Makes an object of the bytes of others, one after the other, unless there is one under its name. No byte
   * passes through here. @throws for more than COMPOSED_MAX sources, or one that is not there
   */
  compose(sources: readonly string[], to: string, type: string): Promise<void>;
  /** Copies a generation within the bucket, over what is there: no byte passes through here. */
  copy(from: { readonly name: string; readonly generation: string }, to: string, type: string): Promise<void>;
  /** Copies an object with all that is said of it to another bucket, over what is there. */
  copyTo(bucket: string, name: string): Promise<void>;
  /** Deletes an object, or only a generation of it; nothing where there is none. */
  remove(name: string, generation?: string): Promise<void>;
  /** Objects of a prefix in the order of their names, the first after one, no more than `limit`. */
  list(
    prefix: string,
    page: { readonly limit: number; readonly after?: string | undefined },
  ): Promise<readonly ListedObject[]>;
  /** Asks for the bucket. @throws when it does not answer, or is not there */
  check(): Promise<void>;
}

export interface SignedRequest {
  readonly method: "GET" | "PUT" | "POST";
  readonly name: string;
  /** In lower case; the client has to send them all. */
  readonly headers?: Readonly<Record<string, string>>;
  /** What the reply is to say of itself. */
  readonly query?: Readonly<Record<string, string>>;
  readonly atMs: number;
  readonly expiresMs: number;
}

export interface ObjectRange {
  readonly generation?: string;
  readonly start?: number;
  readonly end?: number;
}

export interface ObjectFacts {
  readonly size: number;
  readonly generation: string;
  /** Of the bytes: MD5, or CRC32C of what was made of others. */
  readonly checksum: string;
  /** How whoever wrote it says that it is packed; absent for most. */
  readonly encoding?: string;
  /** What whoever wrote it once has noted at it. */
  readonly notes?: Readonly<Record<string, string>>;
}

/** What is written once: its type, and what is noted at it. */
export interface KeptOnce {
  readonly type: string;
  readonly notes: Readonly<Record<string, string>>;
}

/** Objects that Cloud Storage makes one of in one call (quotas, "Composition"). */
export const COMPOSED_MAX = 32;

export interface ListedObject extends Pick<ObjectFacts, "size" | "generation"> {
  readonly name: string;
  readonly createdMs: number;
}

/** How long one call to Cloud Storage may take, its repetitions included. */
const CALL_SECONDS_MAX = 20;
const RETRIES_MAX = 3;
/** And reading an object whole, which a check does in its time. */
const READ_SECONDS_MAX = 100;

const ACTIONS = { GET: "read", PUT: "write", POST: "resumable" } as const;

export function openBucket(config: Pick<Config, "filesBucket" | "storageSigner">): Bucket {
  const client = lazy<StorageBucket>(async () => {
    const { IdempotencyStrategy, Storage } = await import("@google-cloud/storage");
    const storage: Storage = new Storage({
      ...(config.storageSigner === undefined ? {} : { authClient: await authOf(config.storageSigner) }),
      retryOptions: {
        autoRetry: true,
        maxRetries: RETRIES_MAX,
        totalTimeout: CALL_SECONDS_MAX,
        // Each call leads to the same, however often it is made.
        idempotencyStrategy: IdempotencyStrategy.RetryAlways,
      },
    });
    storage.interceptors.push({ request: withContext });
    return storage.bucket(config.filesBucket);
  });
  const call = <T>(method: string, work: (bucket: StorageBucket) => Promise<T>): Promise<T> =>
    inSpan(`storage ${method}`, "client", { "rpc.system": "storage", "rpc.method": method }, async () =>
      work(await client.get()),
    );
  return {
    sign: ({ method, name, headers, query, atMs, expiresMs }) =>
      call("sign", async (bucket) => {
        const { "content-type": contentType, ...extensionHeaders } = headers ?? {};
        const signing = bucket.file(name).getSignedUrl({
          version: "v4",
          action: ACTIONS[method],
          accessibleAt: atMs,
          expires: expiresMs,
          ...(contentType === undefined ? {} : { contentType }),
          extensionHeaders,
          ...(query === undefined ? {} : { queryParams: query }),
        });
        return (await within(READ_MS_MAX, signing))[0];
      }),
    stat: (name) =>
      call("stat", async (bucket) => {
        try {
          const [found] = await within(READ_MS_MAX, bucket.file(name).getMetadata());
          const { size, generation, contentEncoding: encoding, metadata: notes, md5Hash, crc32c } = found;
          return {
            size: Number(size),
            generation: String(generation),
            checksum: String(md5Hash ?? crc32c),
            ...(encoding ? { encoding } : {}),
            ...(notes ? { notes: notes as Record<string, string> } : {}),
          };
        } catch (cause) {
          if (isMissing(cause)) return undefined;
          throw cause;
        }
      }),
    read: (name, range) => call("read", (bucket) => readObject(bucket, name, range)),
    write: (name, bytes, type) =>
      call("write", (bucket) =>
        bucket.file(name).save(Buffer.from(bytes), { resumable: false, metadata: metadataOf(type) }),
      ),
    writeOnce: (name, bytes, { type, notes }) =>
      call("write", (bucket) =>
        unlessThere(
          bucket.file(name).save(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength), {
            resumable: false,
            metadata: { ...metadataOf(type), metadata: { ...notes } },
            preconditionOpts: { ifGenerationMatch: 0 },
          }),
        ),
      ),
    compose: (sources, to, type) =>
      call("compose", async (bucket) => {
        const file = bucket.file(to);
        file.metadata = metadataOf(type);
        await unlessThere(bucket.combine([...sources], file, { ifGenerationMatch: 0 }));
      }),
    copy: (from, to, type) =>
      call("copy", async (bucket) => {
        const source = bucket.file(from.name, { generation: from.generation });
        await source.copy(bucket.file(to), metadataOf(type));
      }),
    copyTo: (other, name) =>
      call("copy", async (bucket) => {
        await bucket.file(name).copy(bucket.storage.bucket(other).file(name));
      }),
    remove: (name, generation) =>
      call("remove", async (bucket) => {
        const file = bucket.file(name, generation === undefined ? {} : { generation });
        await file.delete({ ignoreNotFound: true });
      }),
    list: (prefix, { limit, after }) =>
      call("list", async (bucket) => {
        const [files] = await bucket.getFiles({
          prefix,
          // Where it begins is part of it, and is known already.
          maxResults: limit + 1,
          autoPaginate: false,
          ...(after === undefined ? {} : { startOffset: after }),
        });
        const found = files.filter(({ name }) => name !== after).slice(0, limit);
        return found.map(({ name, metadata }) => ({
          name,
          size: Number(metadata.size),
          generation: String(metadata.generation),
          createdMs: Date.parse(String(metadata.timeCreated)),
        }));
      }),
    check: () =>
      call("check", async (bucket) => {
        await bucket.getFiles({ maxResults: 1, autoPaginate: false });
      }),
  };
}

/** The client's own option for this warns at each start that it will be gone. */
async function authOf(signer: StorageSigner): Promise<GoogleAuth> {
  const { GoogleAuth } = await import("google-auth-library");
  const auth = new GoogleAuth();
  auth.jsonContent = signer;
  return auth;
}

/** The service's own default would let browsers keep what they have loaded for no time at all. */
const metadataOf = (contentType: string): { contentType: string; cacheControl: string } => ({
  contentType,
  cacheControl: "private, max-age=600, no-transform",
});

/** Cloud Storage's statuses are those of HTTP, unlike those of Google's other clients. */
const isMissing = (cause: unknown): boolean => (cause as { code?: unknown } | null)?.code === 404;

/** Whether the work was done; false when there was an object under its name already. */
async function unlessThere(work: Promise<unknown>): Promise<boolean> {
  try {
    await work;
    return true;
  } catch (cause) {
    if ((cause as { code?: unknown } | null)?.code === 412) return false;
    throw cause;
  }
}

/**
 * By a request of our own: the client's stream leaves a rejection that nobody handles when its request fails,
 * which ends an instance (seen with 8.4.0). What breaks off in the middle is for the caller to read again.
 */
async function readObject(
  bucket: StorageBucket,
  name: string,
  { generation, start, end }: ObjectRange,
): Promise<Readable> {
  const { storage } = bucket;
  const path = `${storage.baseUrl}/b/${bucket.name}/o/${encodeURIComponent(name)}`;
  const uri = `${path}?alt=media${generation === undefined ? "" : `&generation=${generation}`}`;
  const range = start === undefined ? {} : { range: `bytes=${start}-${end ?? ""}` };
  for (let tries = 0; ; tries += 1) {
    const reply = await fetchAuthorised(storage, withContext({ uri, headers: range }));
    const status = reply instanceof Response ? reply.status : 0;
    if (reply instanceof Response && reply.ok && reply.body !== null) {
      return Readable.fromWeb(reply.body);
    }
    if (reply instanceof Response) await reply.body?.cancel();
    const mayPass = status === 0 || status === 429 || status >= 500;
    if (!mayPass || tries === RETRIES_MAX) {
      const cause = reply instanceof Response ? undefined : reply;
      throw new Error(`Cloud Storage has answered with ${status} to a read.`, { cause });
    }
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS * 2 ** tries));
  }
}

/** Between attempts at a read, doubled each time. */
const RETRY_MS = 200;

/** As the client would be, with its credentials. What kept it from being answered is returned. */
async function fetchAuthorised(
  storage: Storage,
  request: { readonly uri: string; readonly headers: object },
): Promise<Response | Error> {
  try {
    const headers = await new Promise<object | undefined>((resolve, reject) => {
      storage.makeAuthenticatedRequest(request, {
        onAuthenticated: (cause, authorised) =>
          cause === null ? resolve(authorised?.headers) : reject(cause),
      });
    });
    const init = { headers: new Headers(headers) };
    return await fetch(request.uri, { ...init, signal: AbortSignal.timeout(READ_SECONDS_MAX * 1000) });
  } catch (cause) {
    return cause as Error;
  }
}

/** Adds the current context to a request of the client's, whatever else that says. */
function withContext<Request>(request: Request): Request & { uri: string; headers: object } {
  const { headers, ...rest } = request as Request & { headers?: object };
  const context = currentContext();
  const own =
    context === undefined
      ? {}
      : { [REQUEST_ID_HEADER]: context.requestId, [TRACEPARENT_HEADER]: context.traceparent };
  return { ...rest, headers: { ...headers, ...own } } as Request & { uri: string; headers: object };
}
