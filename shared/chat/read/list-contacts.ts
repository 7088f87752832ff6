import type { App } from "../../identity/app.ts";
import type { AppSettings, User } from "../../identity/contract.ts";
import { holds } from "../../identity/permissions.ts";
import type { Principal } from "../../identity/principal.ts";
import { listProfiles, readUser, viewFor } from "../../identity/profile.ts";
import { isPresent, readUsers } from "../../identity/store.ts";
import { decodeCursor, encodeCursor } from "../../platform/cursor.ts";
import { AppError } from "../../platform/errors.ts";
import type { ChatDeps } from "../log/chat-log.ts";
import type { Page } from "../contract.ts";
import { listHeads } from "./list-heads.ts";
import { shareChat } from "./share-chat.ts";

/** Where only people of shared chats are seen, those of so many of the reader's latest chats. */
export const CONTACT_CHATS_MAX = 100;

/** Servers and administrators see everybody, whatever the app's directory shows to people. */
export const seesAll = (reader: Principal, directory: AppSettings["directory"]): boolean =>
  directory === "everyone" || reader.kind !== "person" || holds(reader, "user:change");

/**
 * A page of the users whom the reader sees by the app's directory, in the order of their ids. One query, one
 * read for each; where only people of shared chats are seen, also one for each of CONTACT_CHATS_MAX chats.
 */
export async function listContacts(
  deps: ChatDeps,
  app: App,
  reader: Principal,
  query: {
    readonly directory: AppSettings["directory"];
    readonly cursor?: string | undefined;
    readonly limit: number;
  },
): Promise<Page<User>> {
  const { directory, cursor, limit } = query;
  if (seesAll(reader, directory)) return listProfiles(deps, app, reader, { cursor, limit });
  const scope = ["contacts", app.id, reader.id];
  const after = cursor === undefined ? "" : String(decodeCursor(deps.keys, scope, cursor)[0]);
  const ids = await listContactIds(app, reader, directory);
  const left = ids.filter((id) => id > after);
  const page = left.slice(0, limit);
  const last = page.at(-1);
  const hasMore = left.length > limit && last !== undefined;
  const users = await readUsers(deps.firestore, app, page);
  return {
    data: users
      .filter(({ stored }) => isPresent(stored))
      .map(({ id, stored }) => viewFor(reader, id, stored)),
    hasMore,
    next: hasMore ? encodeCursor(deps.keys, scope, [last]) : null,
    prev: null,
  };
}

/** The reader and the people of their latest chats, in the order of their ids. 1 query. */
export async function listContactIds(
  app: App,
  reader: Principal,
  directory: AppSettings["directory"],
): Promise<string[]> {
  const heads =
    directory === "admins" ? [] : (await listHeads(app, reader.id, { limit: CONTACT_CHATS_MAX })).heads;
  return [...new Set([reader.id, ...heads.flatMap(({ members }) => members)])].sort();
}

/** Whether the reader sees somebody by the app's directory. No read where it is open to all; else 1 query. */
export const seesUser = async (
  app: App,
  reader: Principal,
  { id, directory }: { readonly id: string; readonly directory: AppSettings["directory"] },
): Promise<boolean> => seesAll(reader, directory) || shareChat(app, reader.id, id);

/**
 * One user, as far as the reader sees them: where the directory is not open to all, people of shared chats. 1
 * read; else also one query.
 * @throws AppError `not_found`
 */
export async function readContact(
  app: App,
  reader: Principal,
  { id, directory }: { readonly id: string; readonly directory: AppSettings["directory"] },
): Promise<User> {
  if (!(await seesUser(app, reader, { id, directory }))) {
    throw new AppError("not_found", "There is no such user.");
  }
  return readUser(app, reader, id);
}
