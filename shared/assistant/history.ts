import { type PathRange, pathOf } from "../chat/branch.ts";
import type { StoredMessage } from "../chat/message.ts";
import { listAlong } from "../chat/read-path.ts";
import { readBranch } from "../chat/store.ts";
import type { App } from "../identity/app.ts";
import type { Turn } from "../platform/model.ts";

/** Tokens of the conversation that a model is given, the question included. */
export const HISTORY_TOKENS_MAX = 6_000;
/** Messages looked at, at most. */
export const HISTORY_MESSAGES_MAX = 60;

/** Roughly: four characters of an alphabet, or one of a script that writes words with one or two. */
export function countTokens(text: string): number {
  const dense =
    text.match(/[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Hangul}\p{sc=Thai}]/gu)?.length ?? 0;
  return Math.ceil((text.length - dense) / 4) + dense;
}

/**
 * What was said on the way to an answer, oldest first, as much as fits. The question always does. Costs 1 read for a branch
 * other than the main one, 1 query for each branch on the way, and 1 read for each message.
 */
export async function readHistory(app: App, chat: number, answer: StoredMessage): Promise<Turn[]> {
  const lineage = (await readBranch(app, chat, answer.branch))?.stored.lineage ?? [];
  const path: PathRange[] = pathOf({ id: answer.branch, lineage, lastNumber: answer.number });
  const rows = await listAlong(app, chat, path, { before: answer.number }, HISTORY_MESSAGES_MAX);
  const turns: Turn[] = [];
  let tokens = 0;
  for (const { stored } of rows) {
    const turn = turnOf(stored);
    if (turn === undefined) continue;
    tokens += countTokens(turn.content);
    if (tokens > HISTORY_TOKENS_MAX && turns.length > 0) break;
    turns.push(turn);
  }
  return turns.reverse();
}

function turnOf({ role, status, body }: StoredMessage): Turn | undefined {
  if (status === "deleted" || status === "queued" || status === "streaming" || status === "failed")
    return undefined;
  const parts = [body.quote && `> ${body.quote.text}`, body.forward?.text, body.text].filter(Boolean);
  const content = parts.join("\n\n");
  if (content === "") return undefined;
  return { role: role === "assistant" ? "assistant" : role === "system" ? "system" : "user", content };
}
