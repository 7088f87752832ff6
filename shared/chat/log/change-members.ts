import { type ChatHandle } from "../chat-handle.ts";
import { holds } from "../../identity/permissions.ts";
import type { Principal } from "../../identity/principal.ts";
import { usersExist } from "../../identity/store.ts";
import { AppError } from "../../platform/errors.ts";
import { Timestamp } from "../../platform/firestore-values.ts";
import type { ChatDeps } from "./chat-log.ts";
import { type Chat, MEMBERS_MAX } from "../contract.ts";
import { access, advanceSettings, type ChatHead, chatView } from "./head.ts";
import { leavingSignal } from "./signal.ts";
import { readMarks } from "../store.ts";

/**
 * Makes a user of the app a member of a group. Any member may. Adding a member again changes nothing.
 * Costs 2 reads, 1 commit, 1 write, 1 publish.
 * @throws AppError `not_found`, `conflict` for a chat that is no group, `invalid_request` when it is full
 */
export async function addMember(
  deps: ChatDeps,
  chat: ChatHandle,
  principal: Principal,
  userId: string,
): Promise<Chat> {
  if (!(await usersExist(deps.firestore, chat.app, [userId])))
    throw new AppError("not_found", "There is no such user.");
  const head = await changeMembers(deps, chat, principal, (members) => {
    if (members.includes(userId)) return members;
    if (members.length >= MEMBERS_MAX) {
      throw new AppError("invalid_request", `A chat has at most ${MEMBERS_MAX} members.`);
    }
    return [...members, userId];
  });
  return chatView(head, principal.id, (await readMarks(chat.app, principal.id))(chat.number));
}

/**
 * Ends a membership: one's own at any time, another's for who created the chat or administers the app.
 * From this commit on the person is refused. Costs 1 commit, 2 writes, 1 publish.
 * @throws AppError `not_found`, `forbidden`, `conflict` for a chat that is no group
 */
export async function removeMember(
  deps: ChatDeps,
  chat: ChatHandle,
  principal: Principal,
  userId: string,
): Promise<void> {
  await changeMembers(deps, chat, principal, (members, head) => {
    const mayRemove =
      userId === principal.id || head.createdBy === principal.id || holds(principal, "app:change");
    if (!mayRemove) throw new AppError("forbidden", "Only who created a chat may remove others from it.");
    return members.includes(userId) ? members.filter((id) => id !== userId) : members;
  });
}

async function changeMembers(
  deps: ChatDeps,
  chat: ChatHandle,
  principal: Principal,
  change: (members: readonly string[], head: ChatHead) => readonly string[],
): Promise<ChatHead> {
  const at = Timestamp.fromMillis(deps.clock.now());
  const { result } = await deps.chatLog.chats.change<ChatHead>(chat.ref, {
    decide(head) {
      access(head, principal);
      if (head.kind !== "group") throw new AppError("conflict", "Only groups change their members.");
      const members = change(head.members, head);
      if (members === head.members) return { head, create: [], bytes: 0, result: head };
      const gone = head.members.filter((id) => !members.includes(id));
      const create = gone.length === 0 ? [] : [leavingSignal(deps, chat.app, head, gone)];
      const next = advanceSettings(head, at, { members });
      return { head: next, create, bytes: 0, result: next };
    },
  });
  return result;
}
