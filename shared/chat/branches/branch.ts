import { type ChatHandle, chatHandle } from "../chat-handle.ts";
import type { App } from "../../identity/app.ts";
import { AppError } from "../../platform/errors.ts";
import type { DocumentReference } from "../../platform/firestore.ts";
import type { Timestamp } from "../../platform/firestore-values.ts";
import type { Decision } from "../../platform/head-change.ts";
import type { Branch } from "../contract.ts";
import { type ChatHead, MAIN_BRANCH } from "../log/head.ts";
import { branchesOf, findMessage, readBranch } from "../store.ts";

/**
 * A chat is a tree of messages, kept as branches: each is a run of messages that follow one another, and
 * begins after a message of another. A message's number is higher than that of any message before it on its
 * path, so a path is a list of ranges of numbers, one for each branch it passes through, and a page along it
 * costs what it shows, however many other branches there are.
 */

/** A part of a path: of this branch, the messages up to this number. */
export interface BranchRange {
  readonly branch: string;
  readonly through: number;
}

/** A branch as it is stored. The main branch is stored once there is another. */
export interface StoredBranch {
  readonly id: string;
  /** The number of its first message; 0 for the main branch. */
  readonly number: number;
  /** The message that it begins after; 0 at the chat's beginning. */
  readonly after: number;
  /** What comes before it on its path, oldest first; every range has a message at least. */
  readonly lineage: readonly BranchRange[];
  /** Its last message when it was last left. Only the active branch grows, and its end stands in the head. */
  readonly lastNumber: number;
  readonly createdBy: string;
  readonly createdAt: Timestamp;
}

/** So many turns off a turn: a path longer than this is better copied into a chat of its own. */
export const LINEAGE_MAX = 500;

/** A range of numbers on one branch: after < number <= through. */
export interface PathRange {
  readonly branch: string;
  readonly after: number;
  readonly through: number;
}

/** The path to the end of a branch, oldest first. */
export function pathOf(branch: Pick<StoredBranch, "id" | "lineage" | "lastNumber">): PathRange[] {
  let before = 0;
  return [...branch.lineage, { branch: branch.id, through: branch.lastNumber }].map((part) => {
    const after = Math.max(before, firstNumberOf(part.branch) - 1);
    before = part.through;
    return { branch: part.branch, after, through: part.through };
  });
}

/** Branches are named after their first message. */
const branchFrom = (number: number): string => `b${number}`;
const firstNumberOf = (branch: string): number => (branch === MAIN_BRANCH ? 1 : Number(branch.slice(1)));

/**
 * Branches are where a model answers. Among people everybody's view would turn with one of them.
 * @throws AppError `invalid_request`
 */
export function demandBranches({ kind, model }: Pick<ChatHead, "kind" | "model">, path: string): void {
  if (kind === "assistant" || model !== null) return;
  throw new AppError("invalid_request", "Only chats with a model have branches.", {
    errors: [{ path, message: "must be the number of the last message, or left out" }],
  });
}

/** Where a new branch begins, and what comes before it. */
export interface ForkPoint {
  readonly after: number;
  readonly lineage: readonly BranchRange[];
}

/**
 * What a branch that begins after this message has before it. 1 query and 1 read; nothing for the chat's
 * beginning.
 * @throws AppError `invalid_request` when there is no such message
 */
export async function readForkPoint(chat: ChatHandle, after: number): Promise<ForkPoint> {
  if (after === 0) return { after, lineage: [] };
  const found = await findMessage(chat, after);
  if (found === undefined) {
    throw new AppError("invalid_request", "The message to follow does not exist.", {
      errors: [{ path: "after", message: "must be the number of a message of this chat, or 0" }],
    });
  }
  const { branch } = found.stored;
  const before = branch === MAIN_BRANCH ? [] : ((await readBranch(chat, branch))?.stored.lineage ?? []);
  if (before.length >= LINEAGE_MAX) {
    throw new AppError(
      "invalid_request",
      `A path turns off at most ${LINEAGE_MAX} times; fork it into a chat.`,
    );
  }
  return { after, lineage: [...before, { branch, through: after }] };
}

type Writes = Required<Pick<Decision<ChatHead, unknown>, "create" | "update">>;

/** What to write when the chat leaves its active branch: where that branch ends. */
export function leaveBranch(app: App, head: ChatHead): Writes {
  const ref = branchesOf(chatHandle(app, head.number)).doc(head.activeBranch);
  if (head.branchesCount > 1) {
    return { create: [], update: [{ ref, fields: [["lastNumber", head.tip]] }] };
  }
  return { create: [{ ref, data: mainBranch(head) }], update: [] };
}

/**
 * The part of a head that turns to a new branch. That the chat goes on elsewhere is a change of its own, told
 * after the message.
 */
export const turnedTo = (head: ChatHead, branch: string, at: Timestamp): Partial<ChatHead> => ({
  activeBranch: branch,
  branchesCount: head.branchesCount + 1,
  revision: head.revision + 2,
  settingsRevision: head.revision + 2,
  settingsAt: at,
});

/** What to write beside a message that begins a branch; nothing beside one that does not. */
export function turningWrites(
  app: App,
  head: ChatHead,
  point: ForkPoint | undefined,
  by: { readonly id: string; readonly at: Timestamp; readonly number: number },
): Writes {
  if (point === undefined) return { create: [], update: [] };
  const left = leaveBranch(app, head);
  return { create: [...left.create, newBranch(app, head, point, by)], update: left.update };
}

/** A new branch whose first message gets this number. */
function newBranch(
  app: App,
  head: ChatHead,
  point: ForkPoint,
  by: { readonly id: string; readonly at: Timestamp; readonly number: number },
): { readonly ref: DocumentReference; readonly data: StoredBranch } {
  const id = branchFrom(by.number);
  const data = { id, number: by.number, lastNumber: by.number, createdBy: by.id, createdAt: by.at, ...point };
  return { ref: branchesOf(chatHandle(app, head.number)).doc(id), data };
}

export const branchView = (branch: StoredBranch, head: ChatHead): Branch => {
  const isActive = branch.id === head.activeBranch;
  return {
    id: branch.id,
    parent: branch.lineage.at(-1)?.branch ?? null,
    after: branch.after === 0 ? null : branch.after,
    lastNumber: isActive ? head.tip : branch.lastNumber,
    active: isActive,
    createdBy: branch.createdBy,
    createdAt: branch.createdAt.toDate().toISOString(),
  };
};

/** The main branch of a chat that has no other. */
export const mainBranch = (head: ChatHead): StoredBranch => ({
  id: MAIN_BRANCH,
  number: 0,
  after: 0,
  lineage: [],
  lastNumber: head.tip,
  createdBy: head.createdBy,
  createdAt: head.createdAt,
});
