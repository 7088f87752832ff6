import { chatHandle } from "../chat/chat-handle.ts";
import { messagesOf } from "../chat/store.ts";
import { usageAddition } from "../chat/usage.ts";
import type { App } from "../identity/app.ts";
import type { AppDirectory } from "../identity/app-directory.ts";
import type { Deps } from "../platform/deps.ts";
import { GRPC, grpcCode } from "../platform/errors.ts";
import { Timestamp } from "../platform/firestore-values.ts";
import { derivedId } from "../platform/ids.ts";
import type { Conversation } from "../platform/models/compose-turns.ts";
import { READ_MS_MAX, within } from "../platform/within.ts";
import { addOutcomes } from "../rollout/outcome.ts";
import { type AnswerMessage, storedAnswerMessage } from "./claim-answer.ts";
import { askWhole, type WholeAnswer } from "./ask-whole.ts";
import { appSpending, isAppExhausted } from "./budget.ts";
import { ANSWER_MS_MAX, type ShadowTask } from "./contract.ts";
import { readHistory, roomOf } from "./history.ts";
import { hasBudget } from "./plan-answer.ts";
import { costOf, hasPrice, priceOf } from "./price.ts";

/** How long it is known that a shadow has run: longer than any queue repeats it. */
const SHADOW_TTL_MS = 7 * 24 * 3600 * 1000;

/**
 * Asks the model that runs in the shadow what the other has answered, and counts how it did. What it says is
 * not kept. Counted once, however often it runs. Costs what the history costs, 2 reads, 1 model call, 1
 * commit of 3 writes.
 * @throws when Firestore fails: call it again
 */
export async function shadowAnswer(
  deps: Deps & { readonly apps: AppDirectory },
  app: App,
  { chat, answer, model, trial }: ShadowTask,
): Promise<{ outcome: string }> {
  const done = app.collection("shadows").doc(derivedId("shadow", String(chat), answer, model));
  const [found, before] = await within(
    READ_MS_MAX,
    deps.firestore.getAll(messagesOf(chatHandle(app, chat)).doc(answer), done),
  );
  const message = storedAnswerMessage(found);
  if (message?.status !== "complete" || before?.exists === true) return { outcome: "nothing to compare" };
  const settings = await deps.apps.settingsOf(app);
  if (await isAppExhausted(deps, app, settings)) return { outcome: "not paid for" };
  if (hasBudget(settings) && !hasPrice(settings, model)) return { outcome: "not paid for" };
  const { conversation } = await readHistory(deps, chatHandle(app, chat), message, {
    instructions: [settings.assistant.systemPrompt, message.answer.instructions],
    room: roomOf(deps.models.catalog, model),
  });
  const run = await runModel(deps, model, conversation, message.answer.lane);
  const costMicros = costOf(priceOf(settings, model), run);
  const nowMs = deps.clock.now();
  const day = new Date(nowMs).toISOString().slice(0, 10);
  const batch = deps.firestore.batch();
  batch.create(done, {
    at: Timestamp.fromMillis(nowMs),
    expireAt: Timestamp.fromMillis(nowMs + SHADOW_TTL_MS),
  });
  const { ok, latencyMs, firstTokenMs } = run;
  const shadowDiffers = run.text !== message.body.text;
  const outcome = { kind: "answered" as const, ...trial, ok, latencyMs, firstTokenMs, shadowDiffers };
  addOutcomes(batch, app, chat, { outcomes: [{ ...outcome, language: message.answer.language }], nowMs });
  const { inputTokens, outputTokens } = run;
  const usage = usageAddition(chatHandle(app, chat), day, { inputTokens, outputTokens, costMicros });
  batch.set(usage.ref, usage.fields, { merge: true });
  const spending = appSpending(app, settings, day, costMicros);
  if (spending !== undefined) batch.set(spending.ref, spending.fields, { merge: true });
  try {
    await within(READ_MS_MAX, batch.commit());
  } catch (cause) {
    if (grpcCode(cause) !== GRPC.alreadyExists) throw cause;
  }
  return { outcome: ok ? "compared" : "failed" };
}

/** A failure in the shadow is counted and thrown to nobody. */
async function runModel(
  deps: Deps,
  model: string,
  conversation: Conversation,
  lane: AnswerMessage["answer"]["lane"],
): Promise<Omit<WholeAnswer, "finish"> & { ok: boolean }> {
  const tokensMax = deps.models.catalog.of(model).outputTokensMax;
  const startedMs = performance.now();
  try {
    const whole = await askWhole(deps, { model, conversation, tokensMax, lane, msMax: ANSWER_MS_MAX[lane] });
    return { ...whole, ok: true };
  } catch (cause) {
    deps.log.error("A model in the shadow did not answer.", cause, { model });
    const latencyMs = Math.round(performance.now() - startedMs);
    return { ok: false, text: "", inputTokens: 0, outputTokens: 0, latencyMs, firstTokenMs: undefined };
  }
}
