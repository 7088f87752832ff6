import type { Deps } from "../platform/deps.ts";
import { AppError } from "../platform/errors.ts";
import { commitOnce, requestRecord } from "../platform/request-record.ts";
import { READ_MS_MAX, within } from "../platform/within.ts";
import { newApiToken } from "./api-token.ts";
import type { App } from "./app.ts";
import type { Caller } from "./caller.ts";
import type { ApiTokenCreated } from "./contract.ts";
import type { Principal } from "./principal.ts";
import { addRevocation } from "./revocation.ts";
import { accessTokensEndMs } from "./revoke.ts";
import { addSecurityEvent, securityEventsOf } from "./security-event.ts";
import { apiTokenRef, readDocument, storedApiToken } from "./store.ts";

/**
 * Makes another API token, beside those there are: servers change over one by one, then the old token is
 * deleted. Idempotent under `requestKey`: for REQUEST_KEPT_MS the same request is shown the same token, from
 * a sealed copy, dead or alive; a deleted token never lives again. 2 writes, 1 more with a key.
 * @throws AppError `idempotency_key_reused`
 */
export async function createApiToken(
  deps: Deps,
  app: App,
  by: Principal,
  { requestKey, caller }: { readonly requestKey: string | undefined; readonly caller: Caller },
): Promise<{ created: ApiTokenCreated; replayed: boolean }> {
  const { id, token, stored } = newApiToken(deps, app);
  const record =
    requestKey === undefined
      ? undefined
      : requestRecord(deps, app.collection("requests"), ["api-token", app.id, by.id, requestKey], {});
  const batch = deps.firestore.batch();
  batch.create(apiTokenRef(app, id), { ...stored });
  addSecurityEvent(deps, batch, securityEventsOf(app), {
    event: {
      kind: "api-token-created",
      actor: by.id,
      subject: `token_${id}`,
      caller,
    },
  });
  const first: ApiTokenCreated = { id, token, createdAt: stored.createdAt.toDate().toISOString() };
  const { result: created, replayed } = await commitOnce(deps, batch, record, first);
  return { created, replayed };
}

/**
 * Deletes an API token; it is refused everywhere within seconds. 1 read, 3 writes. @throws AppError
 * `not_found`
 */
export async function deleteApiToken(
  deps: Deps,
  app: App,
  by: Principal,
  { id, caller }: { readonly id: string; readonly caller: Caller },
): Promise<void> {
  const { data } = await readDocument(apiTokenRef(app, id), storedApiToken);
  if (data === undefined) throw new AppError("not_found", "There is no such API token.");
  const now = deps.clock.now();
  const batch = deps.firestore.batch();
  batch.delete(apiTokenRef(app, id));
  addRevocation(deps.firestore, batch, {
    scope: "api-token",
    id: `${app.id}/${id}`,
    ends: "tokens",
    beforeMs: now,
    expireMs: accessTokensEndMs(now),
  });
  addSecurityEvent(deps, batch, securityEventsOf(app), {
    event: {
      kind: "api-token-deleted",
      actor: by.id,
      subject: `token_${id}`,
      caller,
    },
  });
  await within(READ_MS_MAX, batch.commit());
}
