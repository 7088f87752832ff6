import { createHash } from "node:crypto";
import type { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { type App, appHandle } from "../../identity/app.ts";
import type { ObjectFacts } from "../../platform/bucket.ts";
import type { Deps } from "../../platform/deps.ts";
import { AppError } from "../../platform/errors.ts";
import { Timestamp } from "../../platform/firestore-values.ts";
import { randomId } from "../../platform/ids.ts";
import type { FileUploaded, Refusal } from "../contract.ts";
import { CHECK_LEASE_MS, CHECKS_MAX, STALE_MS } from "../limits.ts";
import { heldBy, unsentUntil } from "../held-by.ts";
import { fileOfUpload, keptName, MODEL_PICTURE, PDF_TEXT, uploadName } from "../object-names.ts";
import { fileRef, inFileTransaction, readFile, type StoredFile, storedFile } from "../store.ts";
import { detectType, HEAD_BYTES } from "./detect-type.ts";
import { cleanImage, IMAGE_BYTES_MAX } from "./images.ts";
import { oneAtATime } from "./one-at-a-time.ts";
import { PDF_BYTES_MAX, readPdfText } from "./pdf-text.ts";

export type CheckDeps = Pick<Deps, "firestore" | "bucket" | "scanner" | "clock" | "log">;

/** Where the bytes are that are being checked. */
interface Upload {
  readonly app: App;
  readonly id: string;
  readonly generation: string;
}

type Outcome =
  | Pick<StoredFile, "type" | "size" | "sha256" | "image" | "picture" | "hasText" | "isTextCut">
  | { readonly refusal: Refusal };

/** Shows a file as it is now in the messages that hold it. */
export type ShowFile = (app: App, id: string) => Promise<void>;

export interface Checked {
  readonly outcome: "ready" | "refused" | "nothing";
  readonly refusal?: Refusal;
}

/**
 * Looks at what was uploaded: how many bytes, whether they are those that were announced, what they are by
 * their content. Images are written anew; everything else is kept as it is. Then the file is ready or
 * refused, and the upload is removed. Repeated, doubled, late, or begun again after a death it comes to the
 * same: a lease lets one at it, what is kept is named after the upload, and an upload that no file waits for
 * is removed.
 *
 * Costs 3 reads, 2 writes, what `show` takes where messages hold the file already, a call to the bucket for
 * its size, one for each object that is kept and one that deletes the upload; the upload is read whole for an
 * image, for a checksum, and for a scanner.
 * @throws AppError `unavailable` while another check is at it; what bucket, Firestore or scanner throw
 */
export async function checkFile(
  deps: CheckDeps,
  { name, generation }: FileUploaded,
  show: ShowFile,
): Promise<Checked> {
  const place = fileOfUpload(name);
  if (place === undefined) return NOTHING;
  const upload: Upload = { app: appHandle(deps.firestore, place.app), id: place.file, generation };
  const { stored } = await readFile(upload.app, upload.id);
  if (stored === undefined || !isAwaited(stored, upload)) {
    await deps.bucket.remove(name, generation);
    // The check may have died after its end was written.
    if (stored?.stale === true) await show(upload.app, upload.id);
    return NOTHING;
  }
  const facts = await deps.bucket.stat(name);
  // The event is late: its object has gone, and whoever has removed it knew why.
  if (facts?.generation !== generation) return NOTHING;
  const claimed = await claim(deps, upload);
  if (claimed === undefined) return NOTHING;
  const outcome = await lookAt(deps, upload, { ...claimed, facts }).catch(async (cause: unknown) => {
    // The next attempt need not wait until the lease is over.
    await writeAs(deps, upload, claimed.check, () => ({ leaseUntil: null })).catch(() => undefined);
    throw cause;
  });
  const isHeld = await settle(deps, upload, claimed.check, outcome);
  await deps.bucket.remove(name, generation);
  if (isHeld) await show(upload.app, upload.id);
  return "refusal" in outcome ? { outcome: "refused", refusal: outcome.refusal } : { outcome: "ready" };
}

const NOTHING: Checked = { outcome: "nothing" };

/** Of two uploads the first that was seen counts; its address takes no second while that is there. */
const isAwaited = ({ status, generation }: StoredFile, upload: Upload): boolean =>
  status === "pending" || (status === "checking" && generation === upload.generation);

interface Claimed {
  /** Names this check among all of the file. */
  readonly check: string;
  readonly stored: StoredFile;
}

/** Undefined where the file no longer waits for this upload. @throws AppError `unavailable` */
const claim = (deps: CheckDeps, upload: Upload): Promise<Claimed | undefined> =>
  inFileTransaction(deps.firestore, async (transaction) => {
    const ref = fileRef(upload.app, upload.id);
    const stored = storedFile(await transaction.get(ref));
    if (stored === undefined || !isAwaited(stored, upload)) return undefined;
    const nowMs = deps.clock.now();
    if (stored.leaseUntil != null && stored.leaseUntil.toMillis() > nowMs) {
      throw new AppError("unavailable", "The file is being checked.", { retryAfterSeconds: 10 });
    }
    const until = Timestamp.fromMillis(nowMs + CHECK_LEASE_MS);
    const begun = {
      status: "checking" as const,
      generation: upload.generation,
      leaseUntil: until,
      check: randomId(),
      checks: (stored.checks ?? 0) + 1,
      dueAt: until,
    };
    transaction.update(ref, begun);
    return { check: begun.check, stored: { ...stored, ...begun } };
  });

/**
 * Writes to the file, as long as the check that wants to is the last that was begun; the file as it was then.
 */
const writeAs = (
  deps: CheckDeps,
  upload: Upload,
  check: string,
  fieldsFor: (now: StoredFile) => Readonly<Record<string, unknown>>,
): Promise<StoredFile | undefined> =>
  inFileTransaction(deps.firestore, async (transaction) => {
    const ref = fileRef(upload.app, upload.id);
    const now = storedFile(await transaction.get(ref));
    if (now?.status !== "checking" || now.check !== check) return undefined;
    transaction.update(ref, fieldsFor(now));
    return now;
  });

/** Writes what came of it; true if messages hold the file and are still to show it. */
async function settle(deps: CheckDeps, upload: Upload, check: string, outcome: Outcome): Promise<boolean> {
  const soon = Timestamp.fromMillis(deps.clock.now() + STALE_MS);
  const before = await writeAs(deps, upload, check, (now) => ({
    status: "refusal" in outcome ? "refused" : "ready",
    ...outcome,
    leaseUntil: null,
    // Should they not be told now, `tend-files` does it.
    ...(heldBy(now) > 0 ? { stale: true, dueAt: soon } : { dueAt: unsentUntil(now) }),
  }));
  return before !== undefined && heldBy(before) > 0;
}

async function lookAt(
  deps: CheckDeps,
  upload: Upload,
  { stored, facts }: Pick<Claimed, "stored"> & { readonly facts: ObjectFacts },
): Promise<Outcome> {
  // What ends the process would end it again and again.
  if ((stored.checks ?? 0) > CHECKS_MAX) return { refusal: "uncheckable" };
  if (facts.size !== stored.size) return { refusal: "size_differs" };
  // Unpacked on its way to whoever loads it, it would be something else than was looked at.
  if (facts.encoding !== undefined) return { refusal: "type_differs" };
  const { app, id, generation } = upload;
  const head = await buffer(await readUpload(deps, upload, HEAD_BYTES - 1));
  // Nobody is shown what is to be brought in.
  const detected = stored.purpose === "import" ? KEPT_AS_IT_IS : await detectType(head, stored.type);
  if ("refusal" in detected) return detected;
  const refusal = await readThrough(deps, upload, stored);
  if (refusal !== undefined) return { refusal };
  if (detected.type.startsWith("image/") && detected.type !== "image/svg+xml") {
    return keepImage(deps, upload, { ...stored, type: detected.type });
  }
  if (stored.purpose !== undefined && stored.purpose !== "import") return { refusal: "image_unsupported" };
  const from = { name: uploadName(app, id), generation };
  await deps.bucket.copy(from, keptName(app, id, generation), detected.type);
  const kept = { type: detected.type, size: stored.size, sha256: stored.sha256 };
  return detected.type === PDF ? { ...kept, ...(await keepText(deps, upload, stored)) } : kept;
}

const PDF = "application/pdf";

/** A document is kept as it is; what can be read in it lies beside it, for models. */
async function keepText(
  deps: CheckDeps,
  upload: Upload,
  { size }: StoredFile,
): Promise<Pick<StoredFile, "hasText" | "isTextCut">> {
  if (size > PDF_BYTES_MAX) return {};
  const found = await oneAtATime(async () =>
    readPdfText(Uint8Array.from(await buffer(await readUpload(deps, upload)))),
  );
  if (found === undefined || found.text === "") return {};
  const { app, id, generation } = upload;
  await deps.bucket.write(keptName(app, id, generation, PDF_TEXT), Buffer.from(found.text), "text/plain");
  return { hasText: true, ...(found.isCut ? { isTextCut: true as const } : {}) };
}

const readUpload = (
  { bucket }: Pick<Deps, "bucket">,
  { app, id, generation }: Upload,
  end?: number,
): Promise<Readable> =>
  bucket.read(uploadName(app, id), { generation, ...(end === undefined ? {} : { start: 0, end }) });

/** Holds the bytes against their checksum, and has them looked through, where that is asked for. */
async function readThrough(
  deps: CheckDeps,
  upload: Upload,
  { sha256 }: StoredFile,
): Promise<Refusal | undefined> {
  if (sha256 === null && deps.scanner === undefined) return undefined;
  const hash = createHash("sha256");
  const bytes = (await readUpload(deps, upload)) as AsyncIterable<Buffer>;
  async function* hashed(): AsyncGenerator<Buffer> {
    for await (const piece of bytes) {
      hash.update(piece);
      yield piece;
    }
  }
  let isInfected = false;
  if (deps.scanner === undefined) for await (const _ of hashed());
  else isInfected = await deps.scanner.isInfected(hashed());
  if (isInfected) return "infected";
  return sha256 !== null && hash.digest("hex") !== sha256 ? "checksum_differs" : undefined;
}

async function keepImage(deps: CheckDeps, upload: Upload, found: StoredFile): Promise<Outcome> {
  const { size, sha256 } = found;
  if (size > IMAGE_BYTES_MAX) return { refusal: "image_too_large" };
  const { app, id, generation } = upload;
  const image = await cleanImage(found.type, async () => buffer(await readUpload(deps, upload)), {
    isSquare: found.purpose !== undefined,
  });
  if ("refusal" in image) return image;
  const { type, bytes, thumbnails, forModels } = image;
  await Promise.all([
    deps.bucket.write(keptName(app, id, generation), bytes, type),
    deps.bucket.write(keptName(app, id, generation, MODEL_PICTURE), forModels.bytes, "image/jpeg"),
    ...thumbnails.map((each) =>
      deps.bucket.write(keptName(app, id, generation, each.width), each.bytes, WEBP),
    ),
  ]);
  return {
    type,
    size: bytes.length,
    // That of the upload says nothing of what is kept.
    sha256: sha256 === null ? null : createHash("sha256").update(bytes).digest("hex"),
    picture: { width: forModels.width, height: forModels.height },
    image: {
      width: image.width,
      height: image.height,
      thumbnails: thumbnails.map(({ width, height }) => ({ width, height })),
    },
  };
}

const KEPT_AS_IT_IS = { type: "application/octet-stream" } as const;
const WEBP = "image/webp";
