import { isThere, readFile, type StoredFile } from "../../files/store.ts";
import { noSuchFile } from "../../files/no-such-file.ts";
import type { App } from "../../identity/app.ts";
import type { Principal } from "../../identity/principal.ts";
import { AppError } from "../../platform/errors.ts";
import { type ChatHandle, chatHandle } from "../chat-handle.ts";
import type { ChatDeps } from "../log/chat-log.ts";
import { access, type ChatHead } from "../log/head.ts";
import { isVisible } from "../log/sight.ts";
import { readAccessible } from "../read/read-messages.ts";
import { findMessage } from "../store.ts";

/**
 * A head that was read or moved here so lately is not read again: the pictures of a page are loaded at once.
 * Whoever is removed by another instance can ask this one for an address for so much longer.
 */
export const HEAD_TRUSTED_MS = 5_000;
/** Chats that are looked into, where the caller names none that holds the file. */
const CHATS_LOOK_MAX = 10;
/** Messages of one chat that are looked at, where only their times say whether somebody sees them. */
const MESSAGES_LOOK_MAX = 5;

/**
 * A file that the caller may load: their own, or one of a message that they may read. 1 read where the head
 * of the chat `chat` was seen here within HEAD_TRUSTED_MS and shows it, 2 otherwise; without `chat` up to
 * CHATS_LOOK_MAX more; 1 more where a newcomer's sight depends on when the message was written.
 * @throws AppError `not_found`
 */
export async function accessFile(
  deps: ChatDeps,
  app: App,
  principal: Principal,
  { id, chat }: { readonly id: string; readonly chat?: number | undefined },
): Promise<StoredFile> {
  const { stored } = await readFile(app, id);
  if (!isThere(stored)) throw noSuchFile();
  if (stored.createdBy === principal.id) return stored;
  for (const [holder, numbers] of orderOf(deps, app, stored, chat)) {
    if (await showsOne(deps, principal, holder, numbers)) return stored;
  }
  throw noSuchFile();
}

/** The chats that hold it: first the one that was named, then those whose heads are known. */
function orderOf(
  { chatLog }: ChatDeps,
  app: App,
  { chats }: StoredFile,
  named: number | undefined,
): (readonly [ChatHandle, readonly number[]])[] {
  const rank = ({ number, ref }: ChatHandle): number =>
    number === named ? 0 : chatLog.chats.known(ref) === undefined ? 2 : 1;
  return Object.entries(chats)
    .filter(([, numbers]) => numbers.length > 0)
    .map(([chat, numbers]) => [chatHandle(app, Number(chat)), numbers] as const)
    .sort(([a], [b]) => rank(a) - rank(b))
    .slice(0, CHATS_LOOK_MAX);
}

/** What an instance remembers may refuse whom another has just let in: that is not the last word. */
async function showsOne(
  deps: ChatDeps,
  principal: Principal,
  chat: ChatHandle,
  numbers: readonly number[],
): Promise<boolean> {
  const recent = deps.chatLog.chats.recent(chat.ref, HEAD_TRUSTED_MS);
  const isShown = (head: ChatHead | undefined): Promise<boolean> =>
    head === undefined ? Promise.resolve(false) : showsIn(head, principal, chat, numbers);
  if (recent !== undefined && (await isShown(await accessible(() => access(recent, principal))))) return true;
  return isShown(await accessible(() => readAccessible(deps, chat, principal)));
}

async function showsIn(
  head: ChatHead,
  principal: Principal,
  chat: ChatHandle,
  numbers: readonly number[],
): Promise<boolean> {
  const sight = head.sees?.[principal.id];
  if (sight === undefined) return true;
  if ("after" in sight) return numbers.some((number) => number > sight.after);
  // The newest first: whoever came later sees those.
  for (const number of numbers.toSorted((a, b) => b - a).slice(0, MESSAGES_LOOK_MAX)) {
    const found = await findMessage(chat, number);
    if (found !== undefined && isVisible(head, principal.id, found.stored)) return true;
  }
  return false;
}

async function accessible(head: () => ChatHead | Promise<ChatHead>): Promise<ChatHead | undefined> {
  try {
    return await head();
  } catch (cause) {
    if (cause instanceof AppError && cause.code === "not_found") return undefined;
    throw cause;
  }
}
