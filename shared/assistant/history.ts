import type { ChatHandle } from "../chat/chat-handle.ts";
import { type PathRange, pathOf } from "../chat/branches/branch.ts";
import { listAlong } from "../chat/branches/read-path.ts";
import { MAIN_BRANCH } from "../chat/log/head.ts";
import type { StoredMessage } from "../chat/log/message.ts";
import { readBranch } from "../chat/store.ts";
import type { Deps } from "../platform/deps.ts";
import type { ModelCatalog } from "../platform/models/catalog.ts";
import { composeTurns, type Conversation, countTokens, type Room } from "../platform/models/compose-turns.ts";
import type { Attached, Turn } from "../platform/models/contract.ts";
import { awaitFiles, type GivenFiles, readAttached } from "./read-attached.ts";
import { readSummary } from "./summaries.ts";

/** Messages looked at, at most. */
export const HISTORY_MESSAGES_MAX = 60;
/** From here on a conversation is summarised, which has time to be made before anything is left out. */
export const LONG_MESSAGES = 40;
/** Of the room that a model has for the conversation: fuller than this, and it is summarised. */
const LONG_SHARE = 0.6;

/** What models are given, and whether its older part had better be summarised. */
export interface History {
  readonly conversation: Conversation;
  readonly isLong: boolean;
  /** The question has been deleted: there is nothing to answer. */
  readonly isTakenBack: boolean;
}

/** How much of a conversation a model takes. Pure. */
export const roomOf = (catalog: ModelCatalog, model: string): Room => {
  const { windowTokens, outputTokensMax, systemRole, images } = catalog.of(model);
  return { windowTokens, outputTokens: outputTokensMax, systemRole, images };
};

/** The room of the model with the smallest window. Pure. */
export const smallestRoom = (catalog: ModelCatalog, models: readonly string[]): Room =>
  models
    .map((model) => roomOf(catalog, model))
    .reduce((least, room) => (room.windowTokens < least.windowTokens ? room : least));

/** The way to an answer. One read for a branch other than the main one. */
export async function readAnswerPath(
  chat: ChatHandle,
  { branch, number }: Pick<StoredMessage, "branch" | "number">,
): Promise<PathRange[]> {
  const begun = branch === MAIN_BRANCH ? undefined : await readBranch(chat, branch);
  const lineage = begun?.stored.lineage ?? [];
  return pathOf({ id: branch, lineage, lastNumber: number });
}

/**
 * What was said on the way to an answer, oldest first: instructions, then the messages themselves, whole.
 * Only where they do not fit into `room` a summary of what is older stands before them. Costs 1 read for the
 * branch, 1 query for each branch on the way, 1 read for each message, what its files take (readAttached),
 * and in a conversation that is too long 1 query and up to 5 reads.
 * @throws AppError `unavailable` while files of the question are being checked
 */
export async function readHistory(
  deps: Pick<Deps, "firestore" | "bucket" | "clock" | "log">,
  chat: ChatHandle,
  answer: StoredMessage,
  {
    instructions,
    room,
  }: { readonly instructions: readonly (string | null | undefined)[]; readonly room: Room },
): Promise<History> {
  const path = await readAnswerPath(chat, answer);
  const rows = await listAlong(chat, path, { before: answer.number }, HISTORY_MESSAGES_MAX);
  const messages = rows.map(({ stored }) => stored);
  const [question] = messages;
  if (question !== undefined) await awaitFiles(deps, chat.app, question);
  const given = await readAttached(deps, chat.app, messages, room);
  const turns = messages
    .map((message) => turnOf(message, given))
    .filter((turn) => turn !== undefined)
    .toReversed();
  const system = instructions.filter((text) => typeof text === "string");
  const { left } = composeTurns({ system, turns }, room);
  const isWhole = left === 0 && rows.length < HISTORY_MESSAGES_MAX;
  const summary = isWhole ? undefined : await readSummary(chat, path, answer.number);
  const isLong =
    rows.length >= LONG_MESSAGES || countTokens(turns) > (room.windowTokens - room.outputTokens) * LONG_SHARE;
  const spoken = summary === undefined ? system : [...system, summaryText(summary.text)];
  const isTakenBack = rows[0]?.stored.status === "deleted";
  return { conversation: { system: spoken, turns }, isLong, isTakenBack };
}

export const summaryText = (text: string): string =>
  `What was said earlier in this conversation, in short: ${text}`;

/**
 * A message as a turn of the conversation, with what is given of its files and the names of the others;
 * undefined for a message without text. Pure.
 */
export function turnOf({ role, status, body }: StoredMessage, given: GivenFiles = NONE): Turn | undefined {
  if (status === "deleted" || status === "queued" || status === "streaming" || status === "failed")
    return undefined;
  const files = (body.files ?? []).map(({ id, name, type }) =>
    [`[File: ${name} (${type})]`, given.get(id)?.text].filter(Boolean).join("\n"),
  );
  const parts = [body.quote && `> ${body.quote.text}`, body.forward?.text, body.text, ...files].filter(
    Boolean,
  );
  const content = parts.join("\n\n");
  if (content === "") return undefined;
  const attached = (body.files ?? []).flatMap(({ id }): Attached[] => {
    const file = given.get(id);
    return file === undefined ? [] : [file.attached];
  });
  return {
    role: role === "assistant" ? "assistant" : role === "system" ? "system" : "user",
    content,
    ...(attached.length === 0 ? {} : { attached }),
  };
}

const NONE: GivenFiles = new Map();
