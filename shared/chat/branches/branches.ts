import { type ChatHandle } from "../chat-handle.ts";
import type { Principal } from "../../identity/principal.ts";
import { decodeCursor, encodeCursor } from "../../platform/cursor.ts";
import { Timestamp } from "../../platform/firestore-values.ts";
import { branchView, leaveBranch, mainBranch } from "./branch.ts";
import type { ChatDeps } from "../log/chat-log.ts";
import type { Branch, BranchListQuery, Chat, Page } from "../contract.ts";
import { access, advanceSettings, type ChatHead, chatView } from "../log/head.ts";
import { readAccessible } from "../read/read-messages.ts";
import { noSuchBranch } from "./read-path.ts";
import { type FoundBranch, listBranches, readBranch, readOwnStates } from "../store.ts";

/**
 * The chat's branches, in the order in which they began. Costs 1 document and 1 query, none for a chat that
 * was never branched.
 * @throws AppError `not_found`, `invalid_request`
 */
export async function readBranches(
  deps: ChatDeps,
  chat: ChatHandle,
  principal: Principal,
  { cursor, limit }: BranchListQuery,
): Promise<Page<Branch>> {
  const scope = ["branches", chat.app.id, principal.id, String(chat.number)];
  const after = cursor === undefined ? -1 : Number(decodeCursor(deps.keys, scope, cursor)[0]);
  const head = await readAccessible(deps, chat, principal);
  const found = head.branchesCount === 1 ? [mainBranch(head)] : await listBranches(chat, after, limit + 1);
  const page = found.slice(0, limit);
  const last = page.at(-1);
  const hasMore = found.length > limit && last !== undefined;
  return {
    data: page.map((branch) => branchView(branch, head)),
    hasMore,
    next: hasMore ? encodeCursor(deps.keys, scope, [last.number]) : null,
    prev: null,
  };
}

/**
 * Makes a branch the one that the chat shows and goes on with. Costs 2 documents, 1 commit, 3 writes, 1
 * publish. Switching to the active branch changes nothing.
 * @throws AppError `not_found`, `unavailable`
 */
export async function switchBranch(
  deps: ChatDeps,
  chat: ChatHandle,
  principal: Principal,
  branch: string,
): Promise<Chat> {
  const at = Timestamp.fromMillis(deps.clock.now());
  let target: FoundBranch | undefined;
  const [{ result }, own] = await Promise.all([
    deps.chatLog.chats.change<ChatHead>(chat.ref, {
      async prepare() {
        target = await readBranch(chat, branch);
      },
      decide(head) {
        access(head, principal);
        if (branch === head.activeBranch) return { head, create: [], bytes: 0, result: head };
        if (target === undefined) throw noSuchBranch();
        const { ref, stored, updateTime } = target;
        const next = advanceSettings(head, at, { activeBranch: branch, tip: stored.lastNumber });
        const left = leaveBranch(chat.app, head);
        // On condition that it still ends there: it may have been active, and grown, since it was read.
        const entered = {
          ref,
          fields: [["lastNumber", stored.lastNumber]] as const,
          lastUpdateTime: updateTime,
        };
        return { head: next, create: left.create, update: [...left.update, entered], bytes: 0, result: next };
      },
    }),
    readOwnStates(chat.app, principal.id),
  ]);
  return chatView(result, principal.id, own.of(chat.number));
}
