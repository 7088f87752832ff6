import type { App } from "../../identity/app.ts";
import type { AppSettings, User } from "../../identity/contract.ts";
import { holds } from "../../identity/permissions.ts";
import type { Principal } from "../../identity/principal.ts";
import { viewFor } from "../../identity/profile.ts";
import type { Spend } from "../../identity/spend.ts";
import { findUsers, isPresent, readUsers, type StoredUser } from "../../identity/store.ts";
import { decodeCursor, encodeCursor } from "../../platform/cursor.ts";
import { READ_MS_MAX, within } from "../../platform/within.ts";
import type { NameWanted } from "../../words/name-keys.ts";
import type { Page } from "../contract.ts";
import type { ChatDeps } from "../log/chat-log.ts";
import { blocksIn, readsRef } from "../store.ts";
import { listContactIds, seesAll } from "./list-contacts.ts";

/**
 * Where only people of shared chats are seen: people who are read at once to be looked at. And those who are
 * looked at for one page.
 */
export const USERS_AT_ONCE = 100;
export const USERS_LOOKED_AT_MAX = 500;

interface Account {
  readonly id: string;
  readonly stored: StoredUser;
}

/**
 * The users whose name, or address where the reader may see it, is one that is looked for, in the order of
 * their ids: of those whom the reader sees by the app's directory. Whoever was removed is left out, and for
 * people also who is disabled or has blocked them. Their keys find them, whatever the size of the app; where
 * only people of shared chats are seen, all of those are looked at. A page looks at USERS_LOOKED_AT_MAX users
 * and may hold fewer than there are, and say how to go on. 1 query and 1 read for each user looked at, 1 for
 * each found, 1 for oneself.
 */
export async function findContacts(
  deps: ChatDeps,
  app: App,
  reader: Principal,
  query: {
    readonly q: string;
    readonly wanted: NameWanted;
    readonly directory: AppSettings["directory"];
    readonly cursor?: string | undefined;
    readonly limit: number;
    readonly spend: Spend;
  },
): Promise<Page<User>> {
  const { q, wanted, directory, cursor, limit, spend } = query;
  const { isNamed } = wanted;
  const scope = ["users-found", app.id, reader.id, q];
  const after = cursor === undefined ? undefined : String(decodeCursor(deps.keys, scope, cursor)[0]);
  const isAdmin = holds(reader, "user:change");
  const isFound = ({ id, stored }: Account): boolean => {
    if (!isPresent(stored) || (stored.status !== undefined && !isAdmin)) return false;
    const { name, email = "" } = viewFor(reader, id, stored);
    return isNamed(name) || isNamed(email);
  };
  const pages = seesAll(reader, directory)
    ? keyedPages(deps, app, reader, { wanted, size: limit + 1 })
    : await contactPages(deps, app, reader, directory);
  const { users, goOnAfter } = await lookThrough(pages, { after, limit, isFound, spend });
  const shown = isAdmin ? users : await withoutBlockers(deps, app, reader, users);
  return {
    data: shown.map(({ id, stored }) => viewFor(reader, id, stored)),
    hasMore: goOnAfter !== undefined,
    next: goOnAfter === undefined ? null : encodeCursor(deps.keys, scope, [goOnAfter]),
    prev: null,
  };
}

interface UserPage {
  readonly users: readonly Account[];
  /** The last one that was looked for, whether or not they are there; undefined at the end. */
  readonly last: string | undefined;
}
interface UserPages {
  readonly size: number;
  after(id: string | undefined): Promise<UserPage>;
}

/**
 * Those whose keys say that they may be looked for. People find themselves by their address too, though they
 * look at no other's.
 */
function keyedPages(
  { firestore }: ChatDeps,
  app: App,
  reader: Principal,
  { wanted: { keys }, size }: { readonly wanted: NameWanted; readonly size: number },
): UserPages {
  const withAddress = holds(reader, "user:change");
  const own = withAddress || reader.kind !== "person" ? [] : [reader.id];
  return {
    size,
    async after(afterId) {
      const [found, self] = await Promise.all([
        findUsers(app, { keys, withAddress }, { afterId, limit: size }),
        readUsers(firestore, app, own),
      ]);
      const last = found.length < size ? undefined : found.at(-1)?.id;
      const isHere = ({ id }: Account): boolean =>
        (afterId === undefined || id > afterId) && (last === undefined || id < last);
      const byId = new Map([...self.filter(isHere), ...found].map((user) => [user.id, user]));
      return { users: [...byId.values()].sort((a, b) => (a.id < b.id ? -1 : 1)), last };
    },
  };
}

/** All whom the reader sees where only people of shared chats are seen. */
async function contactPages(
  { firestore }: ChatDeps,
  app: App,
  reader: Principal,
  directory: AppSettings["directory"],
): Promise<UserPages> {
  const ids = await listContactIds(app, reader, directory);
  return {
    size: USERS_AT_ONCE,
    async after(afterId = "") {
      const page = ids.filter((id) => id > afterId).slice(0, USERS_AT_ONCE);
      const users = await readUsers(firestore, app, page);
      return { users, last: page.length < USERS_AT_ONCE ? undefined : page.at(-1) };
    },
  };
}

async function lookThrough(
  pages: UserPages,
  {
    after,
    limit,
    isFound,
    spend,
  }: {
    readonly after: string | undefined;
    readonly limit: number;
    readonly isFound: (user: Account) => boolean;
    readonly spend: Spend;
  },
): Promise<{ readonly users: readonly Account[]; readonly goOnAfter: string | undefined }> {
  const users: Account[] = [];
  let reached = after;
  for (let looked = 0; looked < USERS_LOOKED_AT_MAX; looked += pages.size) {
    // As many as are asked for are in what the request says that it costs.
    const more = looked === 0 ? pages.size - limit - 1 : pages.size;
    if (more > 0) await spend(more);
    const page = await pages.after(reached);
    for (const user of page.users) {
      // There is one more than fits, so there is a next page.
      if (users.length === limit && isFound(user)) return { users, goOnAfter: users.at(-1)?.id };
      if (isFound(user)) users.push(user);
    }
    reached = page.last;
    if (reached === undefined) return { users, goOnAfter: undefined };
  }
  return { users, goOnAfter: reached };
}

/** 1 read for each. */
async function withoutBlockers(
  { firestore }: ChatDeps,
  app: App,
  reader: Principal,
  users: readonly Account[],
): Promise<readonly Account[]> {
  if (users.length === 0) return users;
  const reads = await within(READ_MS_MAX, firestore.getAll(...users.map(({ id }) => readsRef(app, id))));
  return users.filter((_, index) => !blocksIn(reads[index]).has(reader.id));
}
