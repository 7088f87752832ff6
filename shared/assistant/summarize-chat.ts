import { type ChatHandle, chatHandle } from "../chat/chat-handle.ts";
import type { PathRange } from "../chat/branches/branch.ts";
import type { StoredMessage } from "../chat/log/message.ts";
import { listAlong } from "../chat/branches/read-path.ts";
import { usageAddition } from "../chat/usage.ts";
import type { App } from "../identity/app.ts";
import type { AppDirectory } from "../identity/app-directory.ts";
import type { AppSettings } from "../identity/contract.ts";
import type { Deps } from "../platform/deps.ts";
import { GRPC, grpcCode } from "../platform/errors.ts";
import { estimateTokens } from "../platform/models/estimate-tokens.ts";
import { READ_MS_MAX, within } from "../platform/within.ts";
import type { Circuits } from "./circuits.ts";
import { appSpending, isAppExhausted } from "./budget.ts";
import { askQuickModels, type Said } from "./ask-quick-models.ts";
import type { SummaryTask } from "./contract.ts";
import { HISTORY_MESSAGES_MAX, readAnswerPath, smallestRoom, summaryText, turnOf } from "./history.ts";
import { newSummary, readSummary, type Summary, summaryRef } from "./summaries.ts";

/**
 * What is newest stays whole: so much of the smallest room that the app's models have, and so many messages.
 */
const WHOLE_SHARE = 0.5;
const WHOLE_MESSAGES = 20;
/** What a model is given to summarise at once. */
const CHUNK_TOKENS = 4_000;
const CHUNK_MESSAGES = 100;
/** A task summarises so many chunks; the next answer's task does the rest. */
const CHUNKS_MAX = 10;
export const SUMMARY_TOKENS_MAX = 500;

const INSTRUCTIONS =
  "Summarize this conversation for somebody who goes on with it: facts, names, numbers, decisions, open questions. " +
  "At most 200 words, in the language of the conversation.";

export type SummaryDeps = Deps & { readonly apps: AppDirectory; readonly circuits: Circuits };

/**
 * Summarises what lies on the way to an answer and is not of its newest part, in chunks, each with the
 * summary before it. Repeated, it finds the summaries there. Each chunk costs 2 queries and a read for each
 * message, 1 model call, and 1 commit of 2 writes, which counts what it took as the app's.
 * @throws AppError `unavailable`, `model_failed`: call it again
 */
export async function summarizeChat(
  deps: SummaryDeps,
  app: App,
  { chat, branch, number }: SummaryTask,
): Promise<{ summaries: number }> {
  const settings = await deps.apps.settingsOf(app);
  if (await isAppExhausted(deps, app, settings)) return { summaries: 0 };
  const path = await readAnswerPath(chatHandle(app, chat), { branch, number });
  const whole = wholeTokens(deps, settings);
  const before = await firstOfWhole(chatHandle(app, chat), path, number, whole);
  for (let summaries = 0; summaries < CHUNKS_MAX; summaries += 1) {
    const summary = await readSummary(chatHandle(app, chat), path, before);
    const chunk = await readChunk(chatHandle(app, chat), path, summary, before);
    const last = chunk.at(-1);
    if (last === undefined) return { summaries };
    const said = await summarize(deps, settings, summary, chunk);
    await keep(deps, { chat: chatHandle(app, chat), settings }, last, said);
  }
  return { summaries: CHUNKS_MAX };
}

function wholeTokens({ config, models }: SummaryDeps, { assistant }: AppSettings): number {
  const ids = [...assistant.fast, ...assistant.slow, config.laneModels.fast, config.laneModels.slow];
  const { windowTokens, outputTokens } = smallestRoom(models.catalog, ids);
  return Math.floor((windowTokens - outputTokens) * WHOLE_SHARE);
}

/** The number from which on everything is given to models whole. */
async function firstOfWhole(
  chat: ChatHandle,
  path: readonly PathRange[],
  number: number,
  tokensMax: number,
): Promise<number> {
  const rows = await listAlong(chat, path, { before: number }, HISTORY_MESSAGES_MAX);
  let tokens = 0;
  const first = rows.find(({ stored }, index) => {
    tokens += estimateTokens(turnOf(stored)?.content ?? "");
    return index > 0 && (tokens > tokensMax || index >= WHOLE_MESSAGES);
  });
  return first === undefined ? 0 : first.stored.number + 1;
}

async function readChunk(
  chat: ChatHandle,
  path: readonly PathRange[],
  summary: Summary | undefined,
  before: number,
): Promise<StoredMessage[]> {
  const rows = await listAlong(chat, path, { after: summary?.upTo ?? 0 }, CHUNK_MESSAGES);
  const older = rows.map(({ stored }) => stored).filter((stored) => stored.number < before);
  let tokens = 0;
  const end = older.findIndex((stored, index) => {
    tokens += estimateTokens(turnOf(stored)?.content ?? "");
    return tokens > CHUNK_TOKENS && index > 0;
  });
  return end < 0 ? older : older.slice(0, end);
}

/** By the first of the quick models that answers. */
async function summarize(
  deps: SummaryDeps,
  settings: AppSettings,
  summary: Summary | undefined,
  chunk: readonly StoredMessage[],
): Promise<Said> {
  const said = chunk.map((message) => turnOf(message)).filter((turn) => turn !== undefined);
  const conversation = {
    system: [INSTRUCTIONS, ...(summary === undefined ? [] : [summaryText(summary.text)])],
    turns: [...said, { role: "user" as const, content: INSTRUCTIONS }],
  };
  return askQuickModels(deps, settings, conversation, SUMMARY_TOKENS_MAX);
}

async function keep(
  deps: SummaryDeps,
  { chat, settings }: { readonly chat: ChatHandle; readonly settings: AppSettings },
  { branch, number }: StoredMessage,
  { text, ...counted }: Said,
): Promise<void> {
  const nowMs = deps.clock.now();
  const day = new Date(nowMs).toISOString().slice(0, 10);
  const batch = deps.firestore.batch();
  batch.create(summaryRef(chat, branch, number), { ...newSummary(branch, number, text, nowMs) });
  const usage = usageAddition(chat, day, counted);
  batch.set(usage.ref, usage.fields, { merge: true });
  const spending = appSpending(chat.app, settings, day, counted.costMicros);
  if (spending !== undefined) batch.set(spending.ref, spending.fields, { merge: true });
  try {
    await within(READ_MS_MAX, batch.commit());
  } catch (cause) {
    if (grpcCode(cause) !== GRPC.alreadyExists) throw cause;
  }
}
