import type { App } from "../identity/app.ts";
import type { AppDirectory } from "../identity/app-directory.ts";
import type { AppSettings } from "../identity/contract.ts";
import type { Principal } from "../identity/principal.ts";
import type { Deps } from "../platform/deps.ts";
import { AppError } from "../platform/errors.ts";
import { Timestamp } from "../platform/firestore-values.ts";
import { randomId } from "../platform/ids.ts";
import {
  addRequest,
  recallRequest,
  type RequestRecord,
  requestRecord,
  resultOf,
} from "../platform/request-record.ts";
import { type File, type FileCreated, type NewFile, RESUMABLE_BYTES_MIN, type Upload } from "./contract.ts";
import { fileView } from "./file-view.ts";
import { UPLOAD_LOOK_MS, UPLOAD_URL_MS } from "./limits.ts";
import { uploadName } from "./object-names.ts";
import {
  fileRef,
  fileUsageRef,
  inFileTransaction,
  storedFileUsage,
  type StoredFile,
  sumFileUsage,
} from "./store.ts";

type UploadDeps = Pick<Deps, "firestore" | "bucket" | "keys" | "clock"> & { readonly apps: AppDirectory };

interface UploadRequest {
  readonly draft: NewFile;
  readonly requestKey: string | undefined;
}

/** What somebody has begun to upload is counted by the day (UTC), and forgotten when nobody asks any more. */
const USAGE_KEPT_MS = 3 * 24 * 3600 * 1000;

/**
 * Takes note of a file and says how its bytes get into the bucket: by one PUT that is bound to the type, to
 * exactly the announced size, to the checksum where one is given, and to there being nothing under its name.
 * Idempotent under `requestKey`: a repetition names the same file, with addresses that are good from now on.
 * Costs 1 aggregation (a read for each 1000 people who upload on the day), 1 transaction with 1 read and 2
 * writes, 1 read and 1 write more with a key, and the signing of one or two addresses.
 * @throws AppError `invalid_request` for more bytes than the app takes, `quota_exceeded`,
 * `idempotency_key_reused`
 */
export async function beginUpload(
  deps: UploadDeps,
  app: App,
  owner: Principal,
  { draft, requestKey }: UploadRequest,
): Promise<{ created: FileCreated; replayed: boolean }> {
  const { files: limits } = await deps.apps.settingsOf(app);
  demandSize(draft, limits);
  const record = recordOf(deps, app, owner, { draft, requestKey });
  const nowMs = deps.clock.now();
  const id = randomId();
  const stored: StoredFile = {
    name: draft.name,
    type: draft.type,
    size: draft.size,
    sha256: draft.sha256 ?? null,
    createdBy: owner.id,
    ...(draft.purpose === undefined ? {} : { purpose: draft.purpose }),
    status: "pending",
    chats: {},
    dueAt: Timestamp.fromMillis(nowMs + UPLOAD_LOOK_MS),
    createdAt: Timestamp.fromMillis(nowMs),
  };
  const day = new Date(nowMs).toISOString().slice(0, 10);
  const ofAll = await sumFileUsage(app, day);
  const usageRef = fileUsageRef(app, day, owner.id);
  const { file, replayed } = await inFileTransaction(deps.firestore, async (transaction) => {
    const refs = [usageRef, ...(record === undefined ? [] : [record.ref])];
    const [foundUsage, foundRecord] = await transaction.getAll(...refs);
    const before = record && foundRecord && resultOf<File>(deps, record, foundRecord);
    if (before !== undefined) return { file: before, replayed: true };
    const usage = storedFileUsage(foundUsage);
    demandQuota(limits, draft, { ofPerson: usage ?? NOTHING, ofAll, nowMs });
    const view = fileView(id, stored);
    transaction.create(fileRef(app, id), { ...stored });
    transaction.set(usageRef, {
      day,
      bytes: (usage?.bytes ?? 0) + draft.size,
      files: (usage?.files ?? 0) + 1,
      expireAt: Timestamp.fromMillis(nowMs + USAGE_KEPT_MS),
    });
    if (record !== undefined) addRequest(deps, transaction, record, view);
    return { file: view, replayed: false };
  });
  return { created: { file, upload: await signUpload(deps, app, file, draft) }, replayed };
}

/** The file that a request announced, to be uploaded from now on; undefined for none. 1 read. */
export async function recallUpload(
  deps: UploadDeps,
  app: App,
  owner: Principal,
  { draft, requestKey }: UploadRequest & { readonly requestKey: string },
): Promise<FileCreated | undefined> {
  const record = recordOf(deps, app, owner, { draft, requestKey });
  const file = record && (await recallRequest<File>(deps, record));
  return file && { file, upload: await signUpload(deps, app, file, draft) };
}

const recordOf = (
  deps: Pick<Deps, "keys">,
  app: App,
  owner: Principal,
  { draft, requestKey }: UploadRequest,
): RequestRecord | undefined =>
  requestRecord(deps, app.collection("requests"), ["create-file", app.id, owner.id, requestKey], draft);

const NOTHING = { bytes: 0, files: 0 };

/** @throws AppError `invalid_request` */
function demandSize({ size, purpose }: NewFile, { bytesMax }: AppSettings["files"]): void {
  // The contract bounds what is brought in.
  if (size <= bytesMax || purpose === "import") return;
  throw new AppError("invalid_request", "Some fields are not valid; see errors.", {
    errors: [{ path: "size", message: `must be at most ${bytesMax}: this app takes no larger files` }],
  });
}

/**
 * What all have begun is summed before the transaction: requests at the same moment may together go beyond it
 * by what they bring.
 * @throws AppError `quota_exceeded`
 */
function demandQuota(
  limits: AppSettings["files"],
  { size }: NewFile,
  {
    ofPerson,
    ofAll,
    nowMs,
  }: {
    readonly ofPerson: typeof NOTHING;
    readonly ofAll: typeof NOTHING;
    readonly nowMs: number;
  },
): void {
  const isOver =
    ofPerson.bytes + size > limits.personBytesPerDay ||
    ofPerson.files + 1 > limits.personFilesPerDay ||
    ofAll.bytes + size > limits.appBytesPerDay ||
    ofAll.files + 1 > limits.appFilesPerDay;
  if (!isOver) return;
  const retryAfterSeconds = Math.ceil((DAY_MS - (nowMs % DAY_MS)) / 1000);
  throw new AppError("quota_exceeded", "No more files can be uploaded today.", { retryAfterSeconds });
}

const DAY_MS = 24 * 3600 * 1000;

async function signUpload(
  { bucket, clock }: Pick<Deps, "bucket" | "clock">,
  app: App,
  { id }: Pick<File, "id">,
  { type, size, sha256 }: NewFile,
): Promise<Upload> {
  const atMs = clock.now();
  const expiresMs = atMs + UPLOAD_URL_MS;
  const common = {
    "content-type": type,
    // Nothing is ever written over: an address that is used again is refused.
    "x-goog-if-generation-match": "0",
    "x-goog-content-length-range": `${size},${size}`,
  };
  const name = uploadName(app, id);
  const whole = { ...common, ...(sha256 === undefined ? {} : { "x-goog-content-sha256": sha256 }) };
  const begin = { ...common, "x-goog-resumable": "start" };
  const [url, resumableUrl] = await Promise.all([
    bucket.sign({ method: "PUT", name, headers: whole, atMs, expiresMs }),
    size > RESUMABLE_BYTES_MIN
      ? bucket.sign({ method: "POST", name, headers: begin, atMs, expiresMs })
      : undefined,
  ]);
  return {
    url,
    method: "PUT",
    headers: whole,
    expiresAt: new Date(expiresMs).toISOString(),
    ...(resumableUrl === undefined
      ? {}
      : { resumable: { url: resumableUrl, method: "POST", headers: begin } }),
  };
}
