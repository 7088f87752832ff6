import type { Deps } from "../platform/deps.ts";
import { AppError } from "../platform/errors.ts";
import { Timestamp } from "../platform/firestore-values.ts";
import { type NewestFirst, newestFirst } from "../platform/newest-first.ts";
import { commitOnce } from "../platform/request-record.ts";
import { READ_MS_MAX, within } from "../platform/within.ts";
import { newApiToken, TOKEN_DEPTH_MAX, tokenDepth } from "./api-token.ts";
import type { App } from "./app.ts";
import type { Caller } from "./caller.ts";
import type { ApiToken, ApiTokenCreated, NewApiToken } from "./contract.ts";
import { ownRecord, recallOwn } from "./own-request.ts";
import { holds, isPermission, PERSONAL, rightsOf } from "./permissions.ts";
import type { Principal } from "./principal.ts";
import { addRevocation } from "./revocation.ts";
import { accessTokensEndMs } from "./revoke.ts";
import { addSecurityEvent, securityEventsOf } from "./security-event.ts";
import { apiTokenRef, readDocument, type StoredApiToken, storedApiToken } from "./store.ts";

const wrongScope = (message: string): AppError =>
  new AppError("invalid_request", "The scopes do not fit.", { errors: [{ path: "scopes", message }] });

/**
 * The scopes of a token that this principal asks for: none that they do not hold. Without a wish, those of
 * the role `service` that they hold.
 * @throws AppError `invalid_request` for what no token can have, `forbidden` for what the maker does not hold
 */
function scopesFor(maker: Principal, wanted: readonly string[] | undefined): string[] {
  if (wanted === undefined) return [...rightsOf("service")].filter((permission) => holds(maker, permission));
  for (const scope of wanted) {
    if (scope === "*") continue;
    if (!isPermission(scope)) throw wrongScope("must be names of permissions, or *");
    if (PERSONAL.has(scope)) throw wrongScope(`${scope} is for people only`);
    if (!holds(maker, scope)) {
      throw new AppError("forbidden", "A token may do nothing that its maker may not.");
    }
  }
  return [...new Set(wanted)];
}

/**
 * Makes another API token, beside those there are: servers change over one by one, then the old token is
 * deleted. It may do what its scopes name and its maker holds at each use, and ends with its maker.
 * Idempotent under `requestKey`: for REQUEST_KEPT_MS the same request is shown the same token, dead or alive;
 * a deleted token never lives again. 2 writes, 1 more with a key, and a read for each token between its maker
 * and a person.
 * @throws AppError `forbidden`, `invalid_request`, `idempotency_key_reused`
 */
export async function createApiToken(
  deps: Deps,
  app: App,
  by: Principal,
  {
    draft,
    requestKey,
    caller,
  }: { readonly draft: NewApiToken; readonly requestKey: string | undefined; readonly caller: Caller },
): Promise<{ created: ApiTokenCreated; replayed: boolean }> {
  const { id, token, stored: drawn } = newApiToken(deps, app);
  const expiresMs = draft.expiresAt === undefined ? undefined : Date.parse(draft.expiresAt);
  if (expiresMs !== undefined && expiresMs <= deps.clock.now()) {
    throw new AppError("invalid_request", "The token would have expired already.", {
      errors: [{ path: "expiresAt", message: "must be in the future" }],
    });
  }
  if ((await tokenDepth(app, by)) > TOKEN_DEPTH_MAX) {
    throw new AppError("forbidden", "Tokens that were made by tokens make no more of them.");
  }
  const stored: StoredApiToken = {
    ...drawn,
    name: draft.name,
    scopes: scopesFor(by, draft.scopes),
    createdBy: by.id,
    ...(expiresMs === undefined ? {} : { expiresAt: Timestamp.fromMillis(expiresMs) }),
  };
  const record = ownRecord(deps, app, by, { kind: "api-token", body: draft, requestKey });
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
  const first: ApiTokenCreated = { ...view(id, stored), token };
  const { result: created, replayed } = await commitOnce(deps, batch, record, first);
  return { created, replayed };
}

/** The token that a request made, dead or alive; undefined when it made none. 1 read. */
export const recallApiToken = (
  deps: Deps,
  app: App,
  by: Principal,
  { draft, requestKey }: { readonly draft: NewApiToken; readonly requestKey: string },
): Promise<ApiTokenCreated | undefined> =>
  recallOwn(deps, app, by, { kind: "api-token", body: draft, requestKey });

const view = (id: string, stored: StoredApiToken): ApiToken => ({
  id,
  name: stored.name ?? "API token",
  scopes: [...(stored.scopes ?? rightsOf("service"))],
  createdBy: stored.createdBy ?? "operator",
  createdAt: stored.createdAt.toDate().toISOString(),
  lastUsedAt: stored.lastUsedAt?.toDate().toISOString() ?? null,
  ...(stored.expiresAt === undefined ? {} : { expiresAt: stored.expiresAt.toDate().toISOString() }),
});

/**
 * A page of API tokens, newest first: all for those who may end any, otherwise one's own. One query, one read
 * for each.
 */
export function listApiTokens(
  deps: Deps,
  app: App,
  reader: Principal,
  page: { readonly cursor?: string | undefined; readonly limit: number },
): Promise<NewestFirst<ApiToken>> {
  const all = app.collection("tokens");
  const isAny = holds(reader, "token:any");
  return newestFirst(
    deps,
    isAny ? all : all.where("createdBy", "==", reader.id),
    {
      field: "createdAt",
      scope: ["tokens", app.id, isAny ? "" : reader.id],
      view: (document) => view(document.id, storedApiToken(document)),
    },
    page,
  );
}

/**
 * Ends an API token, one's own or, for those who may, any. It is refused everywhere within seconds, with all
 * that it has made. 1 read, 2 writes, 1 delete.
 * @throws AppError `not_found`
 */
export async function deleteApiToken(
  deps: Deps,
  app: App,
  by: Principal,
  { id, caller }: { readonly id: string; readonly caller: Caller },
): Promise<void> {
  const { data } = await readDocument(apiTokenRef(app, id), storedApiToken);
  const isTheirs = data?.createdBy === by.id || holds(by, "token:any");
  if (data === undefined || !isTheirs) {
    throw new AppError("not_found", "There is no such API token.");
  }
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
