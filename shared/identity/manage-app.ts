import type { Deps } from "../platform/deps.ts";
import { AppError, GRPC, grpcCode } from "../platform/errors.ts";
import { Timestamp } from "../platform/firestore-values.ts";
import { derivedId, fingerprint, randomId } from "../platform/ids.ts";
import { READ_MS_MAX, within } from "../platform/within.ts";
import { deriveApiToken } from "./api-token.ts";
import { type App, appHandle } from "./app.ts";
import type { Caller } from "./caller.ts";
import { APP_ID_CHARS_MAX, type App as AppView, DEFAULT_SETTINGS } from "./contract.ts";
import { addSecurityEvent, securityEventsOf } from "./security-event.ts";
import type { Principal } from "./principal.ts";
import { appView } from "./settings-rights.ts";
import { type AppHead, apiTokenRef, readDocument, type StoredApiToken, storedAppHead } from "./store.ts";

/**
 * Creates an app with its first API token. Idempotent under `requestKey`; the token is shown again only
 * to the same request. 1 commit, 3 writes.
 * @throws AppError `conflict` when the id is taken
 */
export async function createApp(
  deps: Deps,
  draft: { readonly name: string; readonly id?: string | undefined },
  requestKey: string | undefined,
  { by, caller }: { readonly by: Principal; readonly caller: Caller },
): Promise<{ app: AppView; token: string; replayed: boolean }> {
  const nonce = requestKey === undefined ? randomId() : derivedId("create-app", requestKey);
  const app = appHandle(deps.firestore, draft.id ?? idFromName(draft.name, nonce));
  const print = fingerprint("create-app", nonce, JSON.stringify(draft));
  const tokenId = derivedId("first-token", app.id, nonce);
  const { token, hash, createdAt } = deriveApiToken(deps, app, tokenId);
  const stored: StoredApiToken = {
    hash,
    createdAt,
    name: "First token",
    scopes: ["*"],
    createdBy: "operator",
  };
  const head: AppHead = {
    id: app.id,
    name: draft.name,
    settings: DEFAULT_SETTINGS,
    status: "open",
    lastChatNumber: 0,
    fingerprint: print,
    createdAt: Timestamp.fromMillis(deps.clock.now()),
  };
  const batch = deps.firestore.batch();
  batch.create(app.ref, { ...head });
  batch.create(apiTokenRef(app, tokenId), { ...stored });
  addSecurityEvent(deps, batch, securityEventsOf(app), {
    event: { kind: "app-created", actor: by.id, caller },
  });
  try {
    await within(READ_MS_MAX, batch.commit());
    return { app: appView(head, by), token, replayed: false };
  } catch (cause) {
    if (grpcCode(cause) !== GRPC.alreadyExists) throw cause;
    const { data } = await readDocument(app.ref, storedAppHead);
    if (data?.fingerprint === print) return { app: appView(data, by), token, replayed: true };
    if (draft.id === undefined)
      throw new AppError("idempotency_key_reused", "This Idempotency-Key was used before.");
    throw new AppError("conflict", "An app with this id exists already.");
  }
}

const SUFFIX_CHARS = 6;

/** "My App" → "my-app-x7k2p9": readable, and unique by its ending. */
function idFromName(name: string, nonce: string): string {
  const slug = name
    .normalize("NFKD")
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^[^a-z]+|-+$/g, "")
    .slice(0, APP_ID_CHARS_MAX - SUFFIX_CHARS - 1);
  return `${slug === "" ? "app" : slug.replace(/-+$/, "")}-${nonce.slice(0, SUFFIX_CHARS)}`;
}

/** One read. @throws AppError `not_found` */
export async function readApp(app: App, reader: Principal): Promise<AppView> {
  return appView(await readOpenApp(app), reader);
}

/** One read. @throws AppError `not_found` */
export async function readOpenApp(app: App): Promise<AppHead> {
  const { data } = await readDocument(app.ref, storedAppHead);
  if (data === undefined || data.status !== "open") throw noSuchApp();
  return data;
}

export const noSuchApp = (): AppError => new AppError("not_found", "There is no such app.");
