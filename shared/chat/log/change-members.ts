import { type ChatHandle } from "../chat-handle.ts";
import type { History } from "../../identity/contract.ts";
import type { Principal } from "../../identity/principal.ts";
import { usersExist } from "../../identity/store.ts";
import { AppError } from "../../platform/errors.ts";
import { FieldValue, Timestamp } from "../../platform/firestore-values.ts";
import type { ChatDeps } from "./chat-log.ts";
import { type Chat, type ChatEvent, type GroupRole, MEMBERS_MAX } from "../contract.ts";
import { withEvent } from "./event-message.ts";
import { adminsAfter, adminsOf, demandGroupAdmin, demandInGroup } from "./group-rules.ts";
import { access, advanceSettings, type ChatHead, chatView } from "./head.ts";
import { leavingSignal } from "./signal.ts";
import type { Sight } from "./sight.ts";
import { readOwnStates, readsRef } from "../store.ts";

/**
 * Makes a user of the app a member of a group, by whom its rules allow. Nothing that was said before is
 * unread to them; `history` says what of it they see. Adding a member again changes nothing. Costs 2 reads, 1
 * commit, 2 writes, 1 publish, however long the chat is.
 * @throws AppError `not_found`, `forbidden`, `conflict` for a chat that is no group, `invalid_request` when
 * it is full
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
    demandInGroup(before, principal, "add");
    if (members.length >= MEMBERS_MAX) {
      throw new AppError("invalid_request", `A chat has at most ${MEMBERS_MAX} members.`);
    }
    const sight = sightOf(history, before, at);
    const change = {
      members: [...members, userId],
      joined: { ...before.joined, [userId]: lastNumber },
      sees: sight === undefined ? without(before.sees, userId) : { ...before.sees, [userId]: sight },
    };
    return { change, event: { type: "joined", user: userId } };
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
 * Ends a membership: one's own at any time, another's by whom the group's rules allow. From this commit on
 * the person is refused. Costs 1 commit, 4 writes, 1 publish.
 * @throws AppError `not_found`, `forbidden`, `conflict` for a chat that is no group
 */
export async function removeMember(
  deps: ChatDeps,
  chat: ChatHandle,
  principal: Principal,
  userId: string,
): Promise<void> {
  await changeGroup(deps, chat, principal, (before) => {
    const isOwn = userId === principal.id;
    if (!isOwn) demandInGroup(before, principal, "remove");
    if (!before.members.includes(userId)) return undefined;
    const members = before.members.filter((id) => id !== userId);
    const change = {
      members,
      admins: adminsAfter(before, members),
      mentioned: without(before.mentioned, userId),
      sent: without(before.sent, userId),
      joined: without(before.joined, userId),
      sees: without(before.sees, userId),
    };
    return { change, event: { type: isOwn ? "left" : "removed", user: userId } };
  });
}

/**
 * Makes a member an administrator of the group, or no longer one. Administrators may. Doing it again changes
 * nothing. Costs 1 commit, 1 write, 1 publish, and 1 read.
 * @throws AppError `not_found` for who is no member, `forbidden`, `conflict` for the last administrator
 */
export async function changeGroupRole(
  deps: ChatDeps,
  chat: ChatHandle,
  principal: Principal,
  { userId, role }: { readonly userId: string; readonly role: GroupRole["role"] },
): Promise<Chat> {
  const head = await changeGroup(deps, chat, principal, (before) => {
    demandGroupAdmin(before, principal);
    if (!before.members.includes(userId)) throw new AppError("not_found", "There is no such member.");
    const admins = adminsOf(before);
    if (admins.includes(userId) === (role === "admin")) return undefined;
    if (role === "admin") return { change: { admins: [...admins, userId] } };
    if (admins.length === 1) throw new AppError("conflict", "A group keeps at least one administrator.");
    return { change: { admins: admins.filter((id) => id !== userId) } };
  });
  return chatView(head, principal.id, (await readOwnStates(chat.app, principal.id)).of(chat.number));
}

const without = <T>(map: Readonly<Record<string, T>> = {}, key: string): Record<string, T> => {
  const { [key]: _gone, ...rest } = map;
  return rest;
};

interface GroupChange {
  /** What is new of the head. */
  readonly change: Partial<ChatHead>;
  /** What its members are told of it. */
  readonly event?: ChatEvent;
}

/** `change` says what is to be changed; undefined: nothing. */
async function changeGroup(
  deps: ChatDeps,
  chat: ChatHandle,
  principal: Principal,
  change: (head: ChatHead) => GroupChange | undefined,
): Promise<ChatHead> {
  const at = Timestamp.fromMillis(deps.clock.now());
  const { result } = await deps.chatLog.chats.change<ChatHead>(chat.ref, {
    decide(head) {
      access(head, principal);
      if (head.kind !== "group") throw new AppError("conflict", "Only groups change their members.");
      const changed = change(head);
      if (changed === undefined) return { head, create: [], bytes: 0, result: head };
      const advanced = advanceSettings(head, at, changed.change);
      const told =
        changed.event === undefined
          ? undefined
          : withEvent(chat, advanced, { event: changed.event, by: principal.id, at });
      const next = told?.head ?? advanced;
      const gone = head.members.filter((id) => !next.members.includes(id));
      const create = [
        ...(told === undefined ? [] : [told.create]),
        ...(gone.length === 0 ? [] : [leavingSignal(deps, chat.app, head, gone)]),
      ];
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
