import { type ChatHandle, chatHandle } from "../chat/chat-handle.ts";
import type { PathRange } from "../chat/branches/branch.ts";
import type { StoredMessage } from "../chat/log/message.ts";
import { listAlong } from "../chat/branches/read-path.ts";
import { usageAddition } from "../chat/usage.ts";
import type { App } from "../identity/app.ts";
import type { AppDirectory } from "../identity/app-directory.ts";
import type { Deps } from "../platform/deps.ts";
import { AppError, GRPC, grpcCode, toAppError } from "../platform/errors.ts";
import type { Turn } from "../platform/model.ts";
import { READ_MS_MAX, within } from "../platform/within.ts";
import type { Circuits } from "./circuits.ts";
import { FIRST_WORD_MS_MAX, type SummaryTask } from "./contract.ts";
import { countTokens, HISTORY_MESSAGES_MAX, readAnswerPath, summaryTurn, turnOf } from "./history.ts";
import { costOf, priceOf } from "./price.ts";
import { newSummary, readSummary, type Summary, summaryRef } from "./summaries.ts";

/** What is newest stays whole. */
export const WHOLE_TOKENS = 2_000;
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
  const path = await readAnswerPath(chatHandle(app, chat), { branch, number });
  const before = await firstOfWhole(chatHandle(app, chat), path, number);
  for (let summaries = 0; summaries < CHUNKS_MAX; summaries += 1) {
    const summary = await readSummary(chatHandle(app, chat), path, before);
    const chunk = await readChunk(chatHandle(app, chat), path, summary, before);
    const last = chunk.at(-1);
    if (last === undefined) return { summaries };
    const said = await summarize(deps, app, summary, chunk);
    await keep(deps, chatHandle(app, chat), last, said);
  }
  return { summaries: CHUNKS_MAX };
}

/** The number from which on everything is given to models whole. */
async function firstOfWhole(chat: ChatHandle, path: readonly PathRange[], number: number): Promise<number> {
  const rows = await listAlong(chat, path, { before: number }, HISTORY_MESSAGES_MAX);
  let tokens = 0;
  const first = rows.find(({ stored }, index) => {
    tokens += countTokens(turnOf(stored)?.content ?? "");
    return tokens > WHOLE_TOKENS || index >= WHOLE_MESSAGES;
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
    tokens += countTokens(turnOf(stored)?.content ?? "");
    return tokens > CHUNK_TOKENS && index > 0;
  });
  return end < 0 ? older : older.slice(0, end);
}

interface Said {
  readonly text: string;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly costMicros: number;
}

/** By the first of the quick models that answers. */
async function summarize(
  deps: SummaryDeps,
  app: App,
  summary: Summary | undefined,
  chunk: readonly StoredMessage[],
): Promise<Said> {
  const settings = await deps.apps.settingsOf(app);
  const { fast } = settings.assistant;
  const models = fast.length > 0 ? fast : [deps.config.laneModels.fast];
  const said = chunk.map(turnOf).filter((turn) => turn !== undefined);
  const turns: Turn[] = [
    { role: "system", content: INSTRUCTIONS },
    ...(summary === undefined ? [] : [summaryTurn(summary.text)]),
    ...said,
    { role: "user", content: INSTRUCTIONS },
  ];
  let failure = new AppError("unavailable", "No model is asked at the moment.");
  for (const model of models) {
    try {
      const ran = await deps.circuits.run(model, () => complete(deps, model, turns));
      if (ran.isRefused) continue;
      const costMicros = costOf(priceOf(settings, model), ran.value);
      return { ...ran.value, costMicros };
    } catch (cause) {
      failure = toAppError(cause);
    }
  }
  throw failure;
}

async function complete(
  { models }: SummaryDeps,
  model: string,
  turns: readonly Turn[],
): Promise<Omit<Said, "costMicros">> {
  let text = "";
  let usage = { inputTokens: 0, outputTokens: 0 };
  const call = {
    model,
    turns,
    maxTokens: SUMMARY_TOKENS_MAX,
    firstMsMax: FIRST_WORD_MS_MAX.slow,
    signal: new AbortController().signal,
  };
  for await (const piece of models.stream(call)) {
    if ("text" in piece) text += piece.text;
    else if ("inputTokens" in piece) usage = piece;
  }
  return { text, ...usage };
}

async function keep(
  deps: SummaryDeps,
  chat: ChatHandle,
  { branch, number }: StoredMessage,
  { text, ...counted }: Said,
): Promise<void> {
  const nowMs = deps.clock.now();
  const day = new Date(nowMs).toISOString().slice(0, 10);
  const batch = deps.firestore.batch();
  batch.create(summaryRef(chat, branch, number), { ...newSummary(branch, number, text, nowMs) });
  const usage = usageAddition(chat, day, counted);
  batch.set(usage.ref, usage.fields, { merge: true });
  try {
    await within(READ_MS_MAX, batch.commit());
  } catch (cause) {
    if (grpcCode(cause) !== GRPC.alreadyExists) throw cause;
  }
}
