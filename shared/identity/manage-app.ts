import type { Deps } from "../platform/deps.ts";
import { AppError, GRPC, grpcCode } from "../platform/errors.ts";
import { Timestamp } from "../platform/firestore-values.ts";
import { randomId } from "../platform/ids.ts";
import { commitOnce, requestRecord, systemRequestsOf } from "../platform/request-record.ts";
import { newApiToken } from "./api-token.ts";
import { type App, appHandle } from "./app.ts";
import type { Caller } from "./caller.ts";
import { APP_ID_CHARS_MAX, type App as AppView, DEFAULT_SETTINGS } from "./contract.ts";
import { claimHome } from "./homes.ts";
import { addSecurityEvent, securityEventsOf } from "./security-event.ts";
import type { Principal } from "./principal.ts";
import { appView } from "./settings-rights.ts";
import { appVersion } from "./settings.ts";
import { type AppHead, apiTokenRef, readDocument, type StoredApiToken, storedAppHead } from "./store.ts";

/**
 * Creates an app with its first API token. Idempotent under `requestKey`: for REQUEST_KEPT_MS the same
 * request is shown the same app and token, from a sealed copy. 1 commit, 4 writes; 1 write more in the
 * directory of cells where there are any.
 * @throws AppError `conflict` when the id is taken, `idempotency_key_reused`
 */
export async function createApp(
  deps: Deps,
  draft: { readonly name: string; readonly id?: string | undefined },
  requestKey: string | undefined,
  { by, caller }: { readonly by: Principal; readonly caller: Caller },
): Promise<{ app: AppView; token: string; replayed: boolean }> {
  const app = appHandle(deps.firestore, draft.id ?? idFromName(draft.name, randomId()));
  await claimHome(deps, app.id);
  const { id: tokenId, token, stored: drawn } = newApiToken(deps, app);
  const stored: StoredApiToken = { ...drawn, name: "First token", scopes: ["*"], createdBy: "operator" };
  // Without a key too: under an id that was chosen, only a record tells our own app from somebody else's.
  const name = ["create-app", requestKey ?? randomId()];
  const record = requestRecord(deps, systemRequestsOf(deps.firestore), name, draft);
  const head: AppHead = {
    id: app.id,
    name: draft.name,
    settings: DEFAULT_SETTINGS,
    status: "open",
    lastChatNumber: 0,
    createdAt: Timestamp.fromMillis(deps.clock.now()),
  };
  const batch = deps.firestore.batch();
  batch.create(app.ref, { ...head });
  batch.create(apiTokenRef(app, tokenId), { ...stored });
  addSecurityEvent(deps, batch, securityEventsOf(app), {
    event: { kind: "app-created", actor: by.id, caller },
  });
  try {
    const first = { app: appView(head, by), token };
    const { result, replayed } = await commitOnce(deps, batch, record, first);
    return { ...result, replayed };
  } catch (cause) {
    if (grpcCode(cause) !== GRPC.alreadyExists) throw cause;
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
export async function readApp(app: App, reader: Principal): Promise<{ app: AppView; version: string }> {
  const head = await readOpenApp(app);
  return { app: appView(head, reader), version: appVersion(head) };
}

/** One read; also of an app that is moving. @throws AppError `not_found` */
export async function readOpenApp(app: App): Promise<AppHead> {
  const { data } = await readDocument(app.ref, storedAppHead);
  if (data === undefined || (data.status !== "open" && data.status !== "moving")) throw noSuchApp();
  return data;
}

/** @throws AppError `not_found`; `unavailable` while the app is moving */
export function demandOpen({ status }: Pick<AppHead, "status">): void {
  if (status === "moving") throw isMoving();
  if (status !== "open") throw noSuchApp();
}

const MOVING_SECONDS = 30;

/** Nothing is changed in an app that is on its way to another cell. */
export const isMoving = (): AppError =>
  new AppError("unavailable", "The app is being moved; it can be read, and is changed again soon.", {
    retryAfterSeconds: MOVING_SECONDS,
  });

export const noSuchApp = (): AppError => new AppError("not_found", "There is no such app.");
