import { type ChatHandle, chatHandle } from "../chat-handle.ts";
import type { App } from "../../identity/app.ts";
import { AppError } from "../../platform/errors.ts";
import { type Blocks, blocksNear, isFew, openBlocks } from "../blocks/read-blocks.ts";
import type { Entry } from "../blocks/block.ts";
import { mainBranch, type PathRange, pathOf } from "./branch.ts";
import type { ChatHead } from "../log/head.ts";
import type { StoredMessage } from "../log/message.ts";
import { listMessages, readBranch } from "../store.ts";

export interface Row {
  readonly id: string;
  readonly stored: StoredMessage;
  /** As clients are shown it, where that is remembered. */
  readonly json?: string;
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

type From = { readonly before: number } | { readonly after: number };

/**
 * Messages along a path, from a number on: newest first before it, or oldest first after it. Costs a read for
 * the newest messages together, and one for each block of older ones; 1 query and a read for each change
 * that these lack. Where there are no blocks, or only a few messages are wanted, a query for each branch that
 * the page touches, and for one it may only reach to; a read for each message.
 */
export async function listAlong(
  chat: ChatHandle,
  path: readonly PathRange[],
  from: From,
  limit: number,
): Promise<Row[]> {
  const near = takeWindow(cut(path, from), "before" in from, limit);
  const blocks = isFew(near) ? undefined : await openBlocks(chat, { near });
  return listAlongIn(chat, blocks, path, from, limit);
}

/** The same, out of blocks that are open already. */
export async function listAlongIn(
  chat: ChatHandle,
  blocks: Blocks | undefined,
  path: readonly PathRange[],
  from: From,
  limit: number,
): Promise<Row[]> {
  if (blocks === undefined) return listOneByOne(chat, cut(path, from), from, limit);
  const { entries, left } = await entriesAlong(blocks, path, from, limit);
  const wanted = entries.slice(0, limit);
  const rows = await blocks.rows(wanted);
  if (left === undefined || wanted.length === limit) return rows;
  return [...rows, ...(await listOneByOne(chat, cut(path, left), left, limit - wanted.length))];
}

/**
 * A branch may be thin among the others: what is looked through is as wide as the page, then twice and four
 * times as wide.
 */
const WINDOWS_MAX = 3;
/** A path may lie all over the chat: so many blocks are read at once. */
const BLOCKS_AT_ONCE = 8;

/** `left`: from where on the rest is to be read otherwise; undefined when this is all. */
async function entriesAlong(
  blocks: Blocks,
  path: readonly PathRange[],
  from: From,
  limit: number,
): Promise<{ entries: Entry[]; left: From | undefined }> {
  const isDown = "before" in from;
  const entries: Entry[] = [];
  let left = from;
  for (let windows = 0; entries.length < limit; windows += 1) {
    const window = takeWindow(cut(path, left), isDown, limit * 2 ** windows);
    const end = window.at(-1);
    if (end === undefined) return { entries, left: undefined };
    const found = windows < WINDOWS_MAX ? await blocks.entries(window) : undefined;
    if (found === undefined) return { entries, left };
    const onPath = found.filter((entry) => isOnPath(window, entry));
    entries.push(...(isDown ? onPath.reverse() : onPath));
    left = isDown ? { before: end.after + 1 } : { after: end.through };
  }
  return { entries, left: undefined };
}

/** The ranges that come first, of so many numbers together and of so many blocks. */
function takeWindow(ahead: readonly PathRange[], isDown: boolean, width: number): PathRange[] {
  const window: PathRange[] = [];
  const blocks = new Set<number>();
  let left = width;
  for (const { branch, after, through } of ahead) {
    const range = isDown
      ? { branch, after: Math.max(after, through - left), through }
      : { branch, after, through: Math.min(through, after + left) };
    for (const block of blocksNear(range)) blocks.add(block);
    if (left === 0 || (window.length > 0 && blocks.size > BLOCKS_AT_ONCE)) break;
    window.push(range);
    left -= range.through - range.after;
  }
  return window;
}

function isOnPath(path: readonly PathRange[], { number, branch }: Entry): boolean {
  return path.some((range) => range.branch === branch && range.after < number && number <= range.through);
}

async function listOneByOne(chat: ChatHandle, ahead: PathRange[], from: From, limit: number): Promise<Row[]> {
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
function cut(path: readonly PathRange[], from: From): PathRange[] {
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
