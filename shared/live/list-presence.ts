import { seesUser } from "../chat/read/list-contacts.ts";
import { blocksIn, readsRef } from "../chat/store.ts";
import type { App } from "../identity/app.ts";
import type { AppSettings } from "../identity/contract.ts";
import type { Principal } from "../identity/principal.ts";
import { isPresent, type StoredUser, storedUser, userRef } from "../identity/store.ts";
import type { Deps } from "../platform/deps.ts";
import { READ_MS_MAX, within } from "../platform/within.ts";
import type { UserPresence } from "./contract.ts";
import { presenceRef, type StoredPresence, storedPresence } from "./presence.ts";

/** What one person costs at most. */
export const PRESENCE_OPERATIONS = 4;

/**
 * Who of these people is online, in the order asked for. Whom the reader does not see by the app's directory,
 * and who is not there any more, is left out; whoever has blocked the reader is shown as one who was never
 * here. 3 reads for each, in one call; where the directory is not open to all, 1 query more for each.
 */
export async function listPresence(
  { firestore, clock }: Pick<Deps, "firestore" | "clock">,
  app: App,
  reader: Principal,
  { users, directory }: { readonly users: readonly string[]; readonly directory: AppSettings["directory"] },
): Promise<UserPresence[]> {
  const seen = await Promise.all(users.map((id) => seesUser(app, reader, { id, directory })));
  const shown = users.filter((_, index) => seen[index]);
  if (shown.length === 0) return [];
  const refs = shown.flatMap((id) => [userRef(app, id), presenceRef(app, id), readsRef(app, id)]);
  const found = await within(READ_MS_MAX, firestore.getAll(...refs));
  return shown.flatMap((id, index) => {
    const [user, presence, reads] = found.slice(3 * index, 3 * index + 3);
    const known = {
      account: storedUser(user),
      stored: storedPresence(presence),
      hasBlocked: blocksIn(reads).has(reader.id),
    };
    return presenceOf(id, known, clock.now());
  });
}

function presenceOf(
  id: string,
  {
    account,
    stored,
    hasBlocked,
  }: {
    readonly account: StoredUser | undefined;
    readonly stored: StoredPresence | undefined;
    readonly hasBlocked: boolean;
  },
  nowMs: number,
): UserPresence[] {
  if (!isPresent(account)) return [];
  if (hasBlocked) return [{ user: id, online: false, lastSeenAt: null }];
  const lastSeenMs = Math.max(account.lastSeenAt.toMillis(), stored?.lastSeenAt.toMillis() ?? 0);
  const online = (stored?.onlineUntil.toMillis() ?? 0) > nowMs;
  return [{ user: id, online, lastSeenAt: new Date(lastSeenMs).toISOString() }];
}
