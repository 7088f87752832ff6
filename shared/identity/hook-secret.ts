import type { Deps } from "../platform/deps.ts";
import { Timestamp } from "../platform/firestore-values.ts";
import { newWebhookSecret } from "../platform/outgoing/sign-webhook.ts";
import { addRequest, resultOf } from "../platform/request-record.ts";
import type { App } from "./app.ts";
import type { Caller } from "./caller.ts";
import { announceApp, withApp } from "./change-app.ts";
import type { HookSecretCreated } from "./contract.ts";
import { ownRecord } from "./own-request.ts";
import type { Principal } from "./principal.ts";
import { addSecurityEvent, securityEventsOf } from "./security-event.ts";
import type { StoredHookSecret } from "./store.ts";

/**
 * Makes the secret that requests to the app's moderation hook are signed with; the one before signs beside it
 * for as long as is asked, and any older one no more. Idempotent under `requestKey`. One transaction: 1 read,
 * 3 writes; 1 read and 1 write more with a key.
 * @throws AppError `not_found`, `idempotency_key_reused`
 */
export async function createHookSecret(
  deps: Deps,
  app: App,
  by: Principal,
  {
    overlapSeconds,
    requestKey,
    caller,
  }: { readonly overlapSeconds: number; readonly requestKey: string | undefined; readonly caller: Caller },
): Promise<{ created: HookSecretCreated; replayed: boolean }> {
  const record = ownRecord(deps, app, by, { kind: "hook-secret", body: { overlapSeconds }, requestKey });
  return withApp(deps, app, async (transaction, head) => {
    if (record !== undefined) {
      const first = resultOf<HookSecretCreated>(deps, record, await transaction.get(record.ref));
      if (first !== undefined) return { created: first, replayed: true };
    }
    const nowMs = deps.clock.now();
    const at = Timestamp.fromMillis(nowMs);
    const [before] = head.hookSecrets ?? [];
    const endsAt = Timestamp.fromMillis(nowMs + overlapSeconds * 1000);
    const secret = newWebhookSecret();
    const sealed = deps.keys.seal(SECRET_USE, app.id, secret);
    const kept = before === undefined || overlapSeconds === 0 ? [] : [{ ...before, endsAt }];
    transaction.update(app.ref, { hookSecrets: [{ sealed, createdAt: at, endsAt: null }, ...kept] });
    announceApp(deps, app, transaction);
    addSecurityEvent(deps, transaction, securityEventsOf(app), {
      event: { kind: "hook-secret-created", actor: by.id, caller, details: { overlapSeconds } },
    });
    const created: HookSecretCreated = {
      secret,
      createdAt: at.toDate().toISOString(),
      previousUntil: kept.length === 0 ? null : endsAt.toDate().toISOString(),
    };
    if (record !== undefined) addRequest(deps, transaction, record, created);
    return { created, replayed: false };
  });
}

const SECRET_USE = "hook-secret";

/** The secrets that sign at this time, the newest first. */
export const openHookSecrets = (
  { keys, clock }: Pick<Deps, "keys" | "clock">,
  app: App,
  stored: readonly StoredHookSecret[],
): string[] =>
  stored
    .filter(({ endsAt }) => endsAt === null || endsAt.toMillis() > clock.now())
    .map(({ sealed }) => keys.open(SECRET_USE, app.id, sealed));
