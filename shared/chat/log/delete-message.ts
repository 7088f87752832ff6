import type { Spend } from "../../identity/spend.ts";
import { holds } from "../../identity/permissions.ts";
import { AppError } from "../../platform/errors.ts";
import type { DocumentReference } from "../../platform/firestore.ts";
import { FieldValue, Timestamp } from "../../platform/firestore-values.ts";
import { editRefs, type FoundMessage, latestReply, serverTime } from "../store.ts";
import { letGoOf } from "../files/attach-files.ts";
import { encodeBody } from "./body.ts";
import {
  demandExpected,
  type Expected,
  findAccessible,
  isOwn,
  latestWith,
  type MessageAddress,
} from "./change-message.ts";
import type { ChatDeps } from "./chat-log.ts";
import { access, advance } from "./head.ts";
import type { StoredMessage } from "./message.ts";
import { withSilent } from "./silent.ts";
import { withoutReply } from "./thread.ts";

/**
 * Deletes a message for everyone: its number stays, what it said is gone, edits included. Deleting it again
 * changes nothing. It leaves the pinned messages, and the count of its thread. Costs 1 query (2 for an edited
 * message), 1 read, 1 commit, 2 writes, 1 for each file, 1 delete for each edit, 1 publish; for a reply 1
 * query, 1 read and 1 write more.
 * @throws AppError `not_found`, `forbidden` to anyone but its sender and administrators
 */
export async function deleteMessage(
  deps: ChatDeps,
  address: MessageAddress,
  {
    expected,
    spend = () => Promise.resolve(),
  }: { readonly expected?: Expected; readonly spend?: Spend } = {},
): Promise<void> {
  const { chat, number, principal } = address;
  const at = Timestamp.fromMillis(deps.clock.now());
  let found: FoundMessage;
  let edits: readonly DocumentReference[] = [];
  let hasSpent = false;
  let latest: StoredMessage | undefined;
  await deps.chatLog.chats.change<void>(chat.ref, {
    async prepare() {
      found = await findAccessible(deps, address);
      const { thread } = found.stored;
      latest = thread && (await latestReply(chat, thread, number));
      if (found.stored.editedAt === undefined) return;
      // Each edit is read and deleted.
      if (!hasSpent) await spend(2 * (found.stored.edits ?? 0));
      hasSpent = true;
      edits = await editRefs(found.ref);
    },
    decide(head) {
      access(head, principal);
      const { ref, stored, updateTime } = found;
      if (!isOwn(head, stored, principal) && !holds(principal, "message:delete-any")) {
        throw new AppError("forbidden", "Only who sent it may delete it.");
      }
      if (stored.status === "deleted") return { head, create: [], bytes: 0, result: undefined };
      demandExpected(stored, expected);
      const pinned = head.pinnedMessages ?? [];
      const next = advance(head, at, {
        ...latestWith(head, number, ""),
        ...(pinned.includes(number) ? { pinnedMessages: pinned.filter((one) => one !== number) } : {}),
        silent: withSilent(head.silent, number),
        ...(stored.answer?.leaseUntil == null
          ? {}
          : { answering: (head.answering ?? []).filter((id) => id !== ref.id) }),
      });
      const emptied = {
        ...(stored.answer?.leaseUntil == null ? {} : { "answer.leaseUntil": null }),
        body: encodeBody({ text: "" }),
        status: "deleted",
        silent: true,
        reactions: {},
        metadata: {},
        revision: next.revision,
        changedAt: serverTime(),
      };
      const gone = FieldValue.delete();
      const fields = Object.entries({ ...emptied, editedAt: gone, pinned: gone });
      const deletion = { ref, fields, lastUpdateTime: updateTime };
      const root = stored.thread === undefined ? undefined : withoutReply(next, chat, stored.thread, latest);
      return {
        head: root?.head ?? next,
        create: [],
        update: root === undefined ? [deletion] : [deletion, root.update],
        merge: letGoOf(chat, number, stored.body.files, at),
        remove: edits,
        bytes: 0,
        result: undefined,
      };
    },
  });
}
