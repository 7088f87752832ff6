import { type ChatHandle } from "../chat/chat-handle.ts";
import { type PathRange, pathOf } from "../chat/branches/branch.ts";
import { MAIN_BRANCH } from "../chat/log/head.ts";
import type { StoredMessage } from "../chat/log/message.ts";
import { listAlong } from "../chat/branches/read-path.ts";
import { readBranch } from "../chat/store.ts";
import type { Turn } from "../platform/model.ts";
import { readSummary } from "./summaries.ts";

/** Tokens of the conversation that a model is given whole, the question included. */
export const HISTORY_TOKENS_MAX = 6_000;
/** Messages looked at, at most. */
export const HISTORY_MESSAGES_MAX = 60;
/** From here on a conversation is worth a summary, which has time to be made before anything is left out. */
export const LONG_TOKENS = 4_000;
export const LONG_MESSAGES = 40;
/** Shorter conversations are not looked up for a summary. */
const SUMMARIZED_FROM = 8;
/** What a model is given besides what messages say: who says it. */
const TOKENS_PER_TURN = 4;

/** A rough count: a token is four characters of an alphabet, or one character of a script such as Chinese. */
export function countTokens(text: string): number {
  const dense =
    text.match(/[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Hangul}\p{sc=Thai}]/gu)?.length ?? 0;
  return Math.ceil((text.length - dense) / 4) + dense;
}

export const countTurns = (turns: readonly Turn[]): number =>
  turns.reduce((sum, { content }) => sum + countTokens(content) + TOKENS_PER_TURN, 0);

/** What a model is given, and whether its older part had better be summarised. */
export interface History {
  readonly turns: readonly Turn[];
  readonly isLong: boolean;
}

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
 * What was said on the way to an answer, oldest first: the system prompt, the summary of what is older, and
 * as much as fits, whole. The question always does. Costs 1 read for the branch, 1 query for each branch on
 * the way, 1 read for each message, and in a longer conversation 1 query and a few reads for the summary.
 */
export async function readHistory(
  chat: ChatHandle,
  answer: StoredMessage,
  systemPrompt: string | null,
): Promise<History> {
  const path = await readAnswerPath(chat, answer);
  const [rows, summary] = await Promise.all([
    listAlong(chat, path, { before: answer.number }, HISTORY_MESSAGES_MAX),
    answer.number > SUMMARIZED_FROM ? readSummary(chat, path, answer.number) : undefined,
  ]);
  const turns: Turn[] = [];
  let tokens = 0;
  for (const { stored } of rows) {
    if (stored.number <= (summary?.upTo ?? 0)) break;
    const turn = turnOf(stored);
    if (turn === undefined) continue;
    tokens += countTokens(turn.content);
    if (tokens > HISTORY_TOKENS_MAX && turns.length > 0) break;
    turns.push(turn);
  }
  const isLong = tokens > LONG_TOKENS || turns.length > LONG_MESSAGES;
  const before: Turn[] = [
    ...(systemPrompt === null ? [] : [{ role: "system" as const, content: systemPrompt }]),
    ...(summary === undefined ? [] : [summaryTurn(summary.text)]),
  ];
  return { turns: [...before, ...turns.reverse()], isLong };
}

export const summaryTurn = (text: string): Turn => ({
  role: "system",
  content: `What was said earlier in this conversation, in short: ${text}`,
});

/** A message as a turn of the conversation; undefined for a message without text. Pure. */
export function turnOf({ role, status, body }: StoredMessage): Turn | undefined {
  if (status === "deleted" || status === "queued" || status === "streaming" || status === "failed")
    return undefined;
  const parts = [body.quote && `> ${body.quote.text}`, body.forward?.text, body.text].filter(Boolean);
  const content = parts.join("\n\n");
  if (content === "") return undefined;
  return { role: role === "assistant" ? "assistant" : role === "system" ? "system" : "user", content };
}
