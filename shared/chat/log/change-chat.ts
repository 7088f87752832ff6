import { type ChatHandle, chatHandle } from "../chat-handle.ts";
import type { App } from "../../identity/app.ts";
import { demand, holds } from "../../identity/permissions.ts";
import type { Principal } from "../../identity/principal.ts";
import { AppError } from "../../platform/errors.ts";
import { Timestamp } from "../../platform/firestore-values.ts";
import type { Decision } from "../../platform/head-change.ts";
import { changedMetadata, isSameMetadata } from "../../platform/metadata.ts";
import type { ChatDeps } from "./chat-log.ts";
import {
  type Chat,
  type ChatChange,
  type CommonChange,
  type GroupRules,
  partsOfChange,
} from "../contract.ts";
import { changeOwn } from "../own/change-own.ts";
import { withEvent } from "./event-message.ts";
import { demandGroupAdmin, demandInGroup, rulesOf } from "./group-rules.ts";
import { NO_CHAT, pairProof } from "./pair.ts";
import { access, advanceSettings, type ChatHead, chatView } from "./head.ts";
import { leavingSignal } from "./signal.ts";
import { messagesOf, readOwnStates, serverTime } from "../store.ts";
import { encodeBody } from "./body.ts";

/** What the caller believes the chat's revision to be; the change is refused when it is another. */
export type Expected = ((revision: number) => boolean) | undefined;

/**
 * Changes a chat for everybody (title, tags, model …), for the caller alone (archived, pinned …), or both.
 * A change to what already is moves nothing. For everybody it costs 1 commit, 1 write, 1 publish and 1 read,
 * and 1 more when the head is not remembered; for the caller alone 2 reads, 1 commit and 2 writes.
 * @throws AppError `not_found`, `forbidden`, `precondition_failed`, `unavailable`
 */
export async function changeChat(
  deps: ChatDeps,
  chat: ChatHandle,
  principal: Principal,
  { change, expected }: { readonly change: ChatChange; readonly expected: Expected },
): Promise<Chat> {
  const { common, own } = partsOfChange(change);
  const isCommon = Object.keys(common).length > 0;
  if (isCommon) demand(principal, "chat:change");
  const changed = isCommon
    ? await changeCommon(deps, chat, principal, { change: common, expected })
    : undefined;
  return changed === undefined || Object.keys(own).length > 0
    ? changeOwn(deps, chat, principal, own)
    : changed;
}

async function changeCommon(
  deps: ChatDeps,
  chat: ChatHandle,
  principal: Principal,
  { change, expected }: { readonly change: CommonChange; readonly expected: Expected },
): Promise<Chat> {
  const at = Timestamp.fromMillis(deps.clock.now());
  const [{ result }, own] = await Promise.all([
    deps.chatLog.chats.change<ChatHead>(chat.ref, {
      decide: (head) => {
        demandExpected(access(head, principal), expected);
        const wanted = changeOf(head, change);
        if (isSame(head, wanted)) return { head, create: [], bytes: 0, result: head };
        const isRenamed = change.title !== undefined && change.title !== head.title;
        if (isRenamed) demandInGroup(head, principal, "rename");
        if (change.rules !== undefined) demandRulesOf(head, principal);
        const next = advanceSettings(head, at, wanted);
        if (!isRenamed || head.kind !== "group") return { head: next, create: [], bytes: 0, result: next };
        const event = { type: "renamed" as const, title: change.title ?? "" };
        const told = withEvent(chat, next, { event, by: principal.id, at });
        return { head: told.head, create: [told.create], bytes: 0, result: told.head };
      },
    }),
    readOwnStates(chat.app, principal.id),
  ]);
  return chatView(result, principal.id, own.of(chat.number));
}

/** A title that a person gives stays theirs; without one the chat may be given one again. */
function changeOf(head: ChatHead, { rules, metadata, ...change }: CommonChange): Partial<ChatHead> {
  const changed = metadata === undefined ? head.metadata : changedMetadata(head.metadata, metadata);
  return {
    ...(change as Partial<ChatHead>),
    ...(rules === undefined ? {} : { rules: { ...rulesOf(head), ...(rules as Partial<GroupRules>) } }),
    ...(change.title === undefined ? {} : { titleBy: change.title === "" ? null : ("person" as const) }),
    ...(changed === undefined || isSameMetadata(head.metadata, changed) ? {} : { metadata: changed }),
  };
}

/** @throws AppError `conflict` for a chat that is no group, `forbidden` */
function demandRulesOf(head: ChatHead, principal: Principal): void {
  if (head.kind !== "group") throw new AppError("conflict", "Only groups have rules.");
  demandGroupAdmin(head, principal);
}

/** Whose title it is does not count: the same title stays whose it was. */
const isSame = (head: ChatHead, { titleBy: _by, rules, ...change }: Partial<ChatHead>): boolean =>
  (rules === undefined || JSON.stringify(rules) === JSON.stringify(rulesOf(head))) &&
  Object.entries(change).every(
    ([name, value]) => JSON.stringify(value) === JSON.stringify(head[name as keyof ChatHead] ?? null),
  );

/**
 * Deletes a chat for everyone: from this commit on it is gone, and the background deletes its messages.
 * Costs 1 commit, 2 writes (and 1 delete for a direct chat), 1 publish.
 * @throws AppError `not_found`, `forbidden` unless the caller created it or administers the app
 */
export async function deleteChat(
  deps: ChatDeps,
  chat: ChatHandle,
  principal: Principal,
  expected: Expected,
): Promise<void> {
  const at = Timestamp.fromMillis(deps.clock.now());
  await deps.chatLog.chats.change<void>(chat.ref, {
    decide: (head) => {
      demandExpected(access(head, principal), expected);
      if (head.createdBy !== principal.id && !holds(principal, "app:change") && principal.kind === "person") {
        throw new AppError("forbidden", "Only who created a chat may delete it.");
      }
      return { ...deletedHead(deps, chat.app, head, at), bytes: 0, result: undefined };
    },
  });
}

/**
 * The head of a deleted chat: it keeps its number and revision, and nothing of anyone once it has been
 * purged.
 */
export function deletedHead(
  deps: Pick<ChatDeps, "clock">,
  app: App,
  head: ChatHead,
  at: Timestamp,
): Pick<Decision<ChatHead, unknown>, "head" | "create" | "update"> {
  const emptied = {
    title: "",
    members: [],
    tags: [],
    latest: null,
    sent: {},
    joined: {},
    sees: {},
    mentioned: {},
    admins: [],
    pinnedMessages: [],
    metadata: {},
    createdBy: "",
    model: null,
  };
  const next = advanceSettings(head, at, { ...emptied, status: "deleted", leavers: head.members });
  return {
    head: next,
    create: [leavingSignal(deps, app, head, head.members)],
    update: [
      ...(head.answering ?? []).map((id) => endedAnswer(chatHandle(app, head.number), id, next.revision)),
      ...(head.kind === "direct"
        ? [{ ref: pairProof(app, head.members).ref, fields: Object.entries({ chat: NO_CHAT }) }]
        : []),
    ],
  };
}

/** Whoever makes or reads an answer listens to its message, and so hears at once that the chat is gone. */
const endedAnswer = (chat: ChatHandle, id: string, revision: number) => ({
  ref: messagesOf(chat).doc(id),
  fields: Object.entries({
    status: "deleted",
    body: encodeBody({ text: "" }),
    "answer.leaseUntil": null,
    revision,
    changedAt: serverTime(),
  }),
});

function demandExpected(head: ChatHead, expected: Expected): void {
  if (expected !== undefined && !expected(head.revision)) {
    throw new AppError("precondition_failed", "The chat has been changed since you read it.");
  }
}
