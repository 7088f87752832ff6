import { type ChatHandle, chatHandle } from "../chat-handle.ts";
import type { App } from "../../identity/app.ts";
import { AppError } from "../../platform/errors.ts";
import { mainBranch, type PathRange, pathOf } from "./branch.ts";
import type { ChatHead } from "../log/head.ts";
import type { StoredMessage } from "../log/message.ts";
import { listMessages, readBranch } from "../store.ts";

export interface Row {
  readonly id: string;
  readonly stored: StoredMessage;
}

/**
 * The path to the end of a branch: one read for a branch other than a chat's only one. @throws AppError
 * `not_found`
 */
export async function readPath(app: App, head: ChatHead, branch: string): Promise<PathRange[]> {
  const isOnly = head.branchesCount === 1 && branch === head.activeBranch;
  const stored = isOnly ? mainBranch(head) : (await readBranch(chatHandle(app, head.number), branch))?.stored;
  if (stored === undefined) throw noSuchBranch();
  const lastNumber = branch === head.activeBranch ? head.tip : stored.lastNumber;
  return pathOf({ ...stored, lastNumber });
}

export const noSuchBranch = (): AppError => new AppError("not_found", "There is no such branch.");

/**
 * Messages along a path, from a number on: newest first before it, or oldest first after it. Costs a query
 * for each branch that the page touches, and for one it may only reach to; a read for each message.
 */
export async function listAlong(
  chat: ChatHandle,
  path: readonly PathRange[],
  from: { readonly before: number } | { readonly after: number },
  limit: number,
): Promise<Row[]> {
  const ahead = cut(path, from);
  const rows: Row[] = [];
  while (rows.length < limit && ahead.length > 0) {
    const wanted = limit - rows.length;
    const pages = await Promise.all(
      takeUntilWide(ahead, wanted).map(({ branch, after, through }) =>
        listMessages(chat, {
          branch,
          after,
          before: through + 1,
          order: "before" in from ? "desc" : "asc",
          limit: wanted,
        }),
      ),
    );
    rows.push(...pages.flat());
  }
  return rows.slice(0, limit);
}

/** The ranges that lie ahead, in the order of reading. */
function cut(path: readonly PathRange[], from: { before: number } | { after: number }): PathRange[] {
  const ranges =
    "before" in from
      ? path.map((range) => ({ ...range, through: Math.min(range.through, from.before - 1) })).reverse()
      : path.map((range) => ({ ...range, after: Math.max(range.after, from.after) }));
  return ranges.filter(({ after, through }) => after < through);
}

/**
 * A range holds at most as many messages as numbers, so further ones are asked for at once if it can't
 * suffice.
 */
function takeUntilWide(ranges: PathRange[], wanted: number): PathRange[] {
  let width = 0;
  const end = ranges.findIndex(({ after, through }) => {
    width += through - after;
    return width >= wanted;
  });
  return ranges.splice(0, end === -1 ? ranges.length : end + 1);
}
