import { type ChatHandle } from "../chat-handle.ts";
import type { History } from "../../identity/contract.ts";
import { holds } from "../../identity/permissions.ts";
import type { Principal } from "../../identity/principal.ts";
import { usersExist } from "../../identity/store.ts";
import { AppError } from "../../platform/errors.ts";
import { FieldValue, Timestamp } from "../../platform/firestore-values.ts";
import type { ChatDeps } from "./chat-log.ts";
import { type Chat, MEMBERS_MAX } from "../contract.ts";
import { access, advanceSettings, type ChatHead, chatView } from "./head.ts";
import { leavingSignal } from "./signal.ts";
import type { Sight } from "./sight.ts";
import { readOwnStates, readsRef } from "../store.ts";

/**
 * Makes a user of the app a member of a group. Any member may. Nothing that was said before is unread to
 * them; `history` says what of it they see. Adding a member again changes nothing. Costs 2 reads, 1 commit, 1
 * write, 1 publish, however long the chat is.
 * @throws AppError `not_found`, `conflict` for a chat that is no group, `invalid_request` when it is full
 */
export async function addMember(
  deps: ChatDeps,
  chat: ChatHandle,
  principal: Principal,
  { userId, history }: { readonly userId: string; readonly history: History },
): Promise<Chat> {
  if (!(await usersExist(deps.firestore, chat.app, [userId])))
    throw new AppError("not_found", "There is no such user.");
  const at = Timestamp.fromMillis(deps.clock.now());
  const head = await changeGroup(deps, chat, principal, (before) => {
    const { members, lastNumber } = before;
    if (members.includes(userId)) return undefined;
    if (members.length >= MEMBERS_MAX) {
      throw new AppError("invalid_request", `A chat has at most ${MEMBERS_MAX} members.`);
    }
    const sight = sightOf(history, before, at);
    return {
      members: [...members, userId],
      joined: { ...before.joined, [userId]: lastNumber },
      sees: sight === undefined ? without(before.sees, userId) : { ...before.sees, [userId]: sight },
    };
  });
  return chatView(head, principal.id, (await readOwnStates(chat.app, principal.id)).of(chat.number));
}

const DAY_MS = 24 * 3600 * 1000;

function sightOf(history: History, { lastNumber }: ChatHead, at: Timestamp): Sight | undefined {
  if (history === "all") return undefined;
  if (history === "none") return { after: lastNumber };
  return { since: Timestamp.fromMillis(at.toMillis() - history.days * DAY_MS) };
}

/**
 * Ends a membership: one's own at any time, another's for who created the chat or administers the app.
 * From this commit on the person is refused. Costs 1 commit, 3 writes, 1 publish.
 * @throws AppError `not_found`, `forbidden`, `conflict` for a chat that is no group
 */
export async function removeMember(
  deps: ChatDeps,
  chat: ChatHandle,
  principal: Principal,
  userId: string,
): Promise<void> {
  await changeGroup(deps, chat, principal, (before) => {
    const mayRemove =
      userId === principal.id || before.createdBy === principal.id || holds(principal, "app:change");
    if (!mayRemove) throw new AppError("forbidden", "Only who created a chat may remove others from it.");
    if (!before.members.includes(userId)) return undefined;
    return {
      members: before.members.filter((id) => id !== userId),
      sent: without(before.sent, userId),
      joined: without(before.joined, userId),
      sees: without(before.sees, userId),
    };
  });
}

const without = <T>(map: Readonly<Record<string, T>> = {}, key: string): Record<string, T> => {
  const { [key]: _gone, ...rest } = map;
  return rest;
};

/** `change` says what is new of the head; undefined: nothing. */
async function changeGroup(
  deps: ChatDeps,
  chat: ChatHandle,
  principal: Principal,
  change: (head: ChatHead) => Partial<ChatHead> | undefined,
): Promise<ChatHead> {
  const at = Timestamp.fromMillis(deps.clock.now());
  const { result } = await deps.chatLog.chats.change<ChatHead>(chat.ref, {
    decide(head) {
      access(head, principal);
      if (head.kind !== "group") throw new AppError("conflict", "Only groups change their members.");
      const changed = change(head);
      if (changed === undefined) return { head, create: [], bytes: 0, result: head };
      const next = advanceSettings(head, at, changed);
      const gone = head.members.filter((id) => !next.members.includes(id));
      const create = gone.length === 0 ? [] : [leavingSignal(deps, chat.app, head, gone)];
      // What was unread to them in it counts no more.
      const merge = gone.map((id) => ({
        ref: readsRef(chat.app, id),
        data: { unread: { [String(chat.number)]: FieldValue.delete() } },
      }));
      return { head: next, create, merge, bytes: 0, result: next };
    },
  });
  return result;
}
