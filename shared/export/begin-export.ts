import type { App } from "../identity/app.ts";
import type { Caller } from "../identity/caller.ts";
import { demand } from "../identity/permissions.ts";
import type { Principal } from "../identity/principal.ts";
import { addSecurityEvent, securityEventsOf } from "../identity/security-event.ts";
import type { Job } from "../jobs/contract.ts";
import { beginTransfer, recallTransfer } from "../transfers/begin-transfer.ts";
import type { NewExport } from "../transfers/contract.ts";

export const EXPORT = "export";

type BeginDeps = Parameters<typeof beginTransfer>[0];

interface ExportRequest {
  readonly draft: NewExport;
  readonly requestKey: string | undefined;
}

/**
 * Begins an export of what the caller has, or of all that an owner's app has. Idempotent under `requestKey`.
 * Costs what `beginTransfer` does, and 1 write for the security log.
 * @throws AppError `forbidden`, `conflict`, `idempotency_key_reused`
 */
export async function beginExport(
  deps: BeginDeps,
  app: App,
  by: Principal,
  { draft, requestKey, caller }: ExportRequest & { readonly caller: Caller },
): Promise<{ job: Job; replayed: boolean }> {
  if (draft.scope === "app") demand(by, "app:export");
  const details = { scope: draft.scope };
  const event = { kind: "export-begun" as const, actor: by.id, subject: by.id, caller, details };
  return beginTransfer(deps, app, by, {
    kind: EXPORT,
    input: draft,
    requestKey,
    prepare: (transaction) =>
      Promise.resolve(() => addSecurityEvent(deps, transaction, securityEventsOf(app), { event })),
  });
}

/** The job that a request began; undefined when it began none. 2 reads. */
export const recallExport = (
  deps: BeginDeps,
  app: App,
  by: Principal,
  { draft, requestKey }: ExportRequest,
): Promise<Job | undefined> => recallTransfer(deps, app, by, { kind: EXPORT, input: draft, requestKey });
