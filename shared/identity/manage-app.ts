import type { Deps } from "../platform/deps.ts";
import { AppError, GRPC, grpcCode } from "../platform/errors.ts";
import { Timestamp } from "../platform/firestore.ts";
import { derivedId, fingerprint, randomId } from "../platform/ids.ts";
import { READ_MS_MAX, within } from "../platform/within.ts";
import { deriveApiToken } from "./api-token.ts";
import { type App, appHandle } from "./app.ts";
import { APP_ID_CHARS_MAX, type App as AppView, DEFAULT_SETTINGS } from "./contract.ts";
import { type AppHead, apiTokenRef, readDocument } from "./store.ts";

/**
 * Creates an app with its first API token. Idempotent under `requestKey`; the token is shown again only
 * to the same request. 1 commit, 2 writes.
 * @throws AppError `conflict` when the id is taken
 */
export async function createApp(
  deps: Deps,
  draft: { readonly name: string; readonly id?: string | undefined },
  requestKey: string | undefined,
): Promise<{ app: AppView; token: string; replayed: boolean }> {
  const nonce = requestKey === undefined ? randomId() : derivedId("create-app", requestKey);
  const app = appHandle(deps.firestore, draft.id ?? idFromName(draft.name, nonce));
  const print = fingerprint("create-app", nonce, JSON.stringify(draft));
  const tokenId = derivedId("first-token", app.id, nonce);
  const { token, stored } = deriveApiToken(deps, app, tokenId);
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
  try {
    await within(READ_MS_MAX, batch.commit());
    return { app: appView(head), token, replayed: false };
  } catch (cause) {
    if (grpcCode(cause) !== GRPC.alreadyExists) throw cause;
    const { data } = await readDocument<AppHead>(app.ref);
    if (data?.fingerprint === print) return { app: appView(data), token, replayed: true };
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
export async function readApp(app: App): Promise<AppView> {
  const { data } = await readDocument<AppHead>(app.ref);
  if (data === undefined || data.status !== "open") throw noSuchApp();
  return appView(data);
}

export const noSuchApp = (): AppError => new AppError("not_found", "There is no such app.");

const appView = (head: AppHead): AppView => ({
  id: head.id,
  name: head.name,
  chatsCount: head.lastChatNumber,
  settings: head.settings,
  createdAt: head.createdAt.toDate().toISOString(),
});

/** For how long an instance believes that an app exists, for callers without a token of its own. */
export const APP_CACHE_MS = 60_000;
const APPS_CACHED_MAX = 10_000;

export interface KnownApps {
  /** One read, at most once in APP_CACHE_MS for each app. @throws AppError `not_found` */
  demand(app: App): Promise<void>;
}

export function openKnownApps(deps: Pick<Deps, "clock">): KnownApps {
  const knownUntilMs = new Map<string, number>();
  return {
    async demand(app) {
      if ((knownUntilMs.get(app.id) ?? 0) > deps.clock.now()) return;
      await readApp(app);
      if (knownUntilMs.size >= APPS_CACHED_MAX) knownUntilMs.clear();
      knownUntilMs.set(app.id, deps.clock.now() + APP_CACHE_MS);
    },
  };
}
