import type { File, FileCreated, Purpose } from "../files/contract.ts";
import type { Api } from "./api.ts";
import { ApiError } from "./api-error.ts";
import { backoffMs, type Environment, pause } from "./environment.ts";

/** What is sent at once of a large file: a multiple of 256 KiB, as Cloud Storage wants it. */
export const UPLOAD_PART_BYTES = 2 * 1024 * 1024;
/** Failures in a row after which an upload is given up, to be begun anew by the person. */
const FAILURES_MAX = 8;

/** An upload in parts that has begun: it can go on from here after a reload, for as long as a day. */
export interface BegunUpload {
  readonly file: File;
  /** The session's address, which lets in whoever has it. */
  readonly session: string;
}

export interface UploadOptions {
  readonly name: string;
  /** It is to be a person's picture or the app's logo, or chats are to come out of it. */
  readonly purpose?: Purpose;
  /** Called with how many bytes have arrived; a small file arrives at once. */
  onProgress?(sent: number): void;
  /** Called once an upload in parts has begun. */
  onBegin?(begun: BegunUpload): void;
  /** Goes on with what has begun; how much has arrived, the bucket says. */
  readonly begun?: BegunUpload;
  /** Ends the upload; what has arrived is removed by the server in time. */
  readonly signal?: AbortSignal;
}

/**
 * Uploads a file straight to the bucket and resolves with it as the server knows it then: it is checked, and
 * can be sent with a message already. A small file is sent whole. A large one is sent in parts; after a cut
 * connection the bucket says how much has arrived, and the rest follows.
 * @throws ApiError when the file may not be, or when the bucket can't be reached for long
 */
export async function uploadFile(
  { api, env }: { readonly api: Api; readonly env: Environment },
  content: Blob,
  options: UploadOptions,
): Promise<File> {
  const { begun, onProgress = () => undefined, onBegin, signal } = options;
  if (begun !== undefined) {
    await sendParts(env, content, { session: begun.session, isSure: false, onProgress, signal });
    return begun.file;
  }
  const { name, purpose } = options;
  const type = content.type === "" ? "application/octet-stream" : content.type;
  const announced = { name, type, size: content.size, ...(purpose === undefined ? {} : { purpose }) };
  const { file, upload } = await api.post<FileCreated>("/files", announced, { key: env.randomId() });
  const { resumable } = upload;
  const attempt = attempts(env, signal);
  if (resumable === undefined) {
    const { url, method, headers } = upload;
    await attempt(async () => {
      const response = await env.fetch(url, { method, headers, body: content, ...signalOf(signal) });
      // The first try may have arrived, without a word of it.
      if (!response.ok && response.status !== 412) throw failureOf(response);
      return true;
    });
    onProgress(content.size);
    return file;
  }
  const { url, method, headers } = resumable;
  const session = await attempt(async () => {
    const response = await env.fetch(url, { method, headers, ...signalOf(signal) });
    if (!response.ok) throw failureOf(response);
    return response.headers.get("location") ?? undefined;
  });
  if (session === undefined) throw new ApiError(0, { detail: "The upload could not be begun." });
  onBegin?.({ file, session });
  await sendParts(env, content, { session, isSure: true, onProgress, signal });
  return file;
}

interface Sending {
  readonly session: string;
  /** Nothing has been sent yet. */
  readonly isSure: boolean;
  onProgress(sent: number): void;
  readonly signal: AbortSignal | undefined;
}

async function sendParts(
  env: Environment,
  content: Blob,
  { session, isSure: isNew, onProgress, signal }: Sending,
): Promise<void> {
  let sent = 0;
  let isSure = isNew;
  await attempts(
    env,
    signal,
  )(async () => {
    if (!isSure) sent = await arrived(env, session, content.size, signal);
    isSure = false;
    while (sent < content.size) {
      const end = Math.min(sent + UPLOAD_PART_BYTES, content.size);
      const range = `bytes ${sent}-${end - 1}/${content.size}`;
      sent = await put(env, session, content.slice(sent, end), { range, size: content.size, signal });
      onProgress(sent);
    }
    return true;
  });
}

/** How much of a session has arrived. */
const arrived = (
  env: Environment,
  session: string,
  size: number,
  signal: AbortSignal | undefined,
): Promise<number> => put(env, session, undefined, { range: `bytes */${size}`, size, signal });

/** One request of a session: how much has arrived after it. */
async function put(
  env: Environment,
  session: string,
  body: Blob | undefined,
  {
    range,
    size,
    signal,
  }: { readonly range: string; readonly size: number; readonly signal: AbortSignal | undefined },
): Promise<number> {
  const response = await env.fetch(session, {
    method: "PUT",
    headers: { "content-range": range },
    ...(body === undefined ? {} : { body }),
    ...signalOf(signal),
  });
  if (response.ok) return size;
  // "Resume Incomplete": the range says up to where, and is missing where nothing has arrived.
  if (response.status !== 308) throw failureOf(response);
  const [, last] = /^bytes=0-(\d+)$/.exec(response.headers.get("range") ?? "") ?? [];
  return last === undefined ? 0 : Number(last) + 1;
}

const failureOf = ({ status }: Response): ApiError =>
  new ApiError(status, { detail: `The file could not be uploaded (${status}).` });

const signalOf = (signal: AbortSignal | undefined): { readonly signal?: AbortSignal } =>
  signal === undefined ? {} : { signal };

/** Tries again while the way or the bucket fails; what is refused is refused. */
function attempts(env: Environment, signal: AbortSignal | undefined) {
  return async <T>(work: () => Promise<T>): Promise<T> => {
    for (let failures = 1; ; failures += 1) {
      try {
        return await work();
      } catch (cause) {
        const isRefused = cause instanceof ApiError && !cause.isTransient;
        if (signal?.aborted === true || isRefused || failures === FAILURES_MAX) {
          throw cause instanceof ApiError
            ? cause
            : new ApiError(0, { detail: "The file could not be uploaded." }, 0, cause);
        }
        await pause(env, backoffMs(env, failures), signal);
      }
    }
  };
}
