import type { z } from "zod";
import type { Deps } from "../platform/deps.ts";
import { AppError } from "../platform/errors.ts";
import type { Transaction } from "../platform/firestore.ts";
import { within } from "../platform/within.ts";
import type { App } from "./app.ts";
import { APP_STALE_MS_MAX, type AppDirectory } from "./app-directory.ts";
import type { Caller } from "./caller.ts";
import type { AppChange, App as AppView } from "./contract.ts";
import { demandOpen, noSuchApp } from "./manage-app.ts";
import type { Principal } from "./principal.ts";
import { addRevocation } from "./revocation.ts";
import { accessTokensEndMs } from "./revoke.ts";
import { addSecurityEvent, securityEventsOf } from "./security-event.ts";
import { SESSION_TTL_MS } from "./session-lifetime.ts";
import { appView, demandSettings } from "./settings-rights.ts";
import { appVersion, changedSettings, completeSettings } from "./settings.ts";
import { type AppHead, TRANSACTION_MS_MAX, storedAppHead } from "./store.ts";

/**
 * Changes name and settings, each by who may (settings-rights.ts); every instance hears of it at once. One
 * transaction: 1 read, 3 writes.
 * @throws AppError `not_found`, `precondition_failed`, `factor_required`, `forbidden`, also for a limit
 * lifted by anyone but the operator
 */
export async function changeApp(
  deps: Deps & { readonly apps: AppDirectory },
  app: App,
  by: Principal,
  {
    change,
    caller,
    expected,
  }: {
    readonly change: z.infer<typeof AppChange>;
    readonly caller: Caller;
    /** Whether the app's version is the one that the caller has seen. */
    readonly expected?: ((version: string) => boolean) | undefined;
  },
): Promise<{ app: AppView; version: string }> {
  await demandSettings(deps, app, by, change);
  const { personPerMinute, roles, ...limits } = change.settings?.limits ?? {};
  const lifted = [personPerMinute, ...Object.values(limits), ...Object.values(roles ?? {})].includes(null);
  if (lifted && by.kind !== "operator") {
    throw new AppError("forbidden", "Only the operator may lift a limit altogether.");
  }
  const hook = change.settings?.moderation?.url;
  if (hook) deps.outgoing.demandUrl(hook, "settings.moderation.url");
  return withApp(deps, app, async (transaction, head) => {
    if (expected?.(appVersion(head)) === false) {
      throw new AppError("precondition_failed", "The app has been changed since you read it.");
    }
    if (hook && head.hookSecrets === undefined) throw unsigned();
    const next: AppHead = {
      ...head,
      name: change.name ?? head.name,
      settings: changedSettings(completeSettings(head.settings), change.settings ?? {}),
    };
    transaction.update(app.ref, { name: next.name, settings: next.settings });
    announceApp(deps, app, transaction);
    addSecurityEvent(deps, transaction, securityEventsOf(app), {
      event: {
        kind: "app-changed",
        actor: by.id,
        caller,
        details: { fields: [...Object.keys(change), ...Object.keys(change.settings ?? {})].join(", ") },
      },
    });
    return { app: appView(next, by), version: appVersion(next) };
  });
}

/**
 * Closes an app: it is found by nobody any more, and its access and refresh tokens end everywhere within
 * seconds. Its data stays until it is erased. One transaction: 1 read, 4 writes.
 * @throws AppError `not_found`
 */
export async function deleteApp(deps: Deps, app: App, by: Principal, caller: Caller): Promise<void> {
  await withApp(deps, app, async (transaction) => {
    const now = deps.clock.now();
    transaction.update(app.ref, { status: "deleted" });
    announceApp(deps, app, transaction);
    addRevocation(deps.firestore, transaction, {
      scope: "app",
      id: app.id,
      ends: "sessions",
      beforeMs: now,
      expireMs: now + SESSION_TTL_MS,
    });
    addSecurityEvent(deps, transaction, securityEventsOf(app), {
      event: { kind: "app-deleted", actor: by.id, caller },
    });
  });
}

/** A hook could not tell our requests from anybody's. */
const unsigned = (): AppError =>
  new AppError("invalid_request", "Make a secret first.", {
    errors: [{ path: "settings.moderation.url", message: "needs POST …/moderation/secrets before it" }],
  });

/**
 * One transaction on an open app, whose head has been read. @throws AppError `not_found`; `unavailable` while
 * it is moving
 */
export async function withApp<T>(
  deps: Deps,
  app: App,
  work: (transaction: Transaction, head: AppHead) => Promise<T>,
): Promise<T> {
  return within(
    TRANSACTION_MS_MAX,
    deps.firestore.runTransaction(async (transaction) => {
      const head = storedAppHead(await transaction.get(app.ref));
      if (head === undefined) throw noSuchApp();
      demandOpen(head);
      return work(transaction, head);
    }),
  );
}

/** Has every instance read the app again. The entry outlives what any instance may remember by itself. */
export function announceApp(deps: Deps, app: App, transaction: Transaction): void {
  const now = deps.clock.now();
  addRevocation(deps.firestore, transaction, {
    scope: "settings",
    id: app.id,
    ends: "tokens",
    beforeMs: now,
    expireMs: Math.max(accessTokensEndMs(now), now + APP_STALE_MS_MAX),
  });
}
