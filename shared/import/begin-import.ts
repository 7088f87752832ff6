import { fileRef, isThere, storedFile, type StoredFile } from "../files/store.ts";
import type { App } from "../identity/app.ts";
import type { Principal } from "../identity/principal.ts";
import type { Job } from "../jobs/contract.ts";
import { AppError } from "../platform/errors.ts";
import { Timestamp } from "../platform/firestore-values.ts";
import { beginTransfer, recallTransfer } from "../transfers/begin-transfer.ts";
import type { NewImport } from "../transfers/contract.ts";
import { RESULT_KEPT_MS } from "../transfers/tell-of.ts";

export const IMPORT = "import";

type BeginDeps = Parameters<typeof beginTransfer>[0];

interface ImportRequest {
  readonly draft: NewImport;
  readonly requestKey: string | undefined;
}

/**
 * Begins to bring in what a file of the caller's holds, which is kept for it. Idempotent under `requestKey`.
 * Costs what `beginTransfer` does, 1 read and 1 write.
 * @throws AppError `invalid_request` for a file that is not the caller's or was refused; `conflict` for one
 * that has not been checked yet, and beyond what one may have under way; `idempotency_key_reused`
 */
export function beginImport(
  deps: BeginDeps,
  app: App,
  by: Principal,
  { draft, requestKey }: ImportRequest,
): Promise<{ job: Job; replayed: boolean }> {
  const ref = fileRef(app, draft.file);
  return beginTransfer(deps, app, by, {
    kind: IMPORT,
    input: draft,
    requestKey,
    async prepare(transaction) {
      demandReady(storedFile(await transaction.get(ref)), by);
      const dueAt = Timestamp.fromMillis(deps.clock.now() + RESULT_KEPT_MS);
      return () => transaction.update(ref, { dueAt });
    },
  });
}

/** The job that a request began; undefined when it began none. 2 reads. */
export const recallImport = (
  deps: BeginDeps,
  app: App,
  by: Principal,
  { draft, requestKey }: ImportRequest,
): Promise<Job | undefined> => recallTransfer(deps, app, by, { kind: IMPORT, input: draft, requestKey });

/** @throws AppError `invalid_request`, `conflict` */
export function demandReady(stored: StoredFile | undefined, by: Principal): StoredFile {
  if (!isThere(stored) || stored.createdBy !== by.id || stored.status === "refused") {
    throw new AppError("invalid_request", "Some fields are not valid; see errors.", {
      errors: [{ path: "file", message: "must be a file that you have uploaded" }],
    });
  }
  if (stored.status === "ready") return stored;
  throw new AppError("conflict", "The file has not been checked yet; try again in a moment.");
}
