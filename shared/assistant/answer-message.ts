import type { ChatHandle } from "../chat/chat-handle.ts";
import type { Served } from "../chat/contract.ts";
import type { ChatDeps } from "../chat/log/chat-log.ts";
import type { LostUsage } from "../chat/log/message.ts";
import type { App } from "../identity/app.ts";
import type { AppDirectory } from "../identity/app-directory.ts";
import { failed, kept, sum, usageOf } from "./answer-outcome.ts";
import { AppError } from "../platform/errors.ts";
import { countTokens } from "../platform/models/compose-turns.ts";
import { estimateTokens } from "../platform/models/estimate-tokens.ts";
import { tryEnqueue } from "../platform/task.ts";
import type { Rollouts } from "../rollout/rollouts.ts";
import type { AnswerHub } from "./answer-hub.ts";
import { askModels, type ModelResult } from "./ask-models.ts";
import { settleGone } from "./budget.ts";
import { cachedAnswerRef, keepAnswer, readCachedAnswer } from "./cached-answer.ts";
import type { Circuits } from "./circuits.ts";
import { type AnswerMessage, type Claim, claimAnswer, leaveAnswer, type Planned } from "./claim-answer.ts";
import { completeAnswer, type Outcome } from "./complete-answer.ts";
import { ATTEMPTS_MAX, WAIT_MS_MAX } from "./contract.ts";
import type { AnswerErrorCode } from "./failure-words.ts";
import { readHistory, smallestRoom } from "./history.ts";
import { lostIn } from "./lost-usage.ts";
import { type Answering, type Plan, planAnswer } from "./plan-answer.ts";
import { answerTasks, shadowTask, summarizeTask, titleTask } from "./tasks.ts";
import { waitForModel } from "./wait-for-model.ts";

/**
 * All that can become of one attempt, and of the answer by it: the cases are one decision, so they stand in
 * one file; what they store and pay is in those beside it.
 */

export type AnswerDeps = ChatDeps & {
  readonly answerHub: AnswerHub;
  readonly apps: AppDirectory;
  readonly circuits: Circuits;
  readonly rollouts: Rollouts;
};

/**
 * Answers a question, or finds that it is answered. One attempt at a time: what it has is kept in segments
 * while it comes, and in one commit at the end. Whoever comes after a crash begins anew, unless the model had
 * said all. While no model answers, an earlier answer to the same question stands in, or the question waits
 * and its asker is told; what the asker or the operator has to change is told at once and not tried again.
 *
 * `claimed`: the answer as the commit of its question has claimed it for this instance, which then costs
 * nothing to begin. Otherwise 1 read and 1 write to begin; what history and budgets cost; a write for each
 * segment (see segments.ts); 1 read, 2 writes and 1 publish to end; one model call, none when the result is
 * there; a write where the answer is kept for the same question; a task where another attempt is alive or
 * this instance ends meanwhile. The instance listens to the message.
 * @throws AppError `unavailable`, `model_failed`: to be tried again
 */
export async function answerMessage(
  deps: AnswerDeps,
  chat: ChatHandle,
  id: string,
  claimed?: AnswerMessage,
): Promise<{ outcome: string; epoch?: number; model?: string; served?: Served["as"] }> {
  const settings = await deps.apps.settingsOf(chat.app);
  const answering = { chat, id, settings };
  const plan = async (message: AnswerMessage): Promise<Planned<Plan>> => {
    const planned = await planAnswer(deps, answering, message);
    return { ...planned, lostIn: (text) => lostOf(answering, planned.plan, text) };
  };
  const claim =
    claimed === undefined ? await claimAnswer(deps, chat, id, plan) : claimOf(claimed, await plan(claimed));
  if (claim.kind === "done") return { outcome: "done before" };
  if (claim.kind === "alive") {
    const { lane } = claim.message.answer;
    const again = { occasion: `alive.${claim.untilMs}`, notBefore: claim.untilMs };
    await tryEnqueue(deps, answerTasks[lane], { app: chat.app.id, chat: chat.number, answer: id }, again);
    return { outcome: "alive", epoch: claim.epoch };
  }
  const ended = await endOf(deps, answering, claim);
  if (typeof ended === "string") {
    return { outcome: ended, epoch: claim.epoch };
  }
  const { outcome, epoch } = ended;
  const trials = claimed !== undefined && claim.kind === "ask" ? claim.plan.trials : undefined;
  // What an answer that failed says is ours.
  const isToJudge = settings.moderation.url !== null && outcome.status !== "failed";
  const ending = await completeAnswer(deps, { chat, id, epoch }, { ...outcome, trials, isToJudge });
  if (ending.kind !== "ended") {
    if (ending.kind === "gone") await settle(deps, answering, claim, outcome.usage?.costMicros ?? 0);
    return { outcome: ending.kind, epoch };
  }
  tellEnd(deps, chat.app, claim.message, outcome);
  if (claim.kind === "ask" && outcome.status === "complete") {
    if (isKeepable(outcome)) await keepForLater(deps, answering, claim, outcome);
    await enqueueFollowUps(deps, answering, claim, ending.isUntitled);
  }
  const served = outcome.served === undefined ? {} : { served: outcome.served.as };
  return { outcome: outcome.status, epoch, model: outcome.model, ...served };
}

/** Only what a model has said to its end may be said again. Pure. */
const isKeepable = ({ served, finishReason, text }: Outcome): boolean =>
  served?.as !== "cached" && finishReason === "stop" && text.trim() !== "";

/** What a complete answer sets off. Never throws. */
async function enqueueFollowUps(
  deps: AnswerDeps,
  { chat, id }: Answering,
  { message, plan }: { readonly message: AnswerMessage; readonly plan: Plan },
  isUntitled: boolean,
): Promise<void> {
  const { branch, number } = message;
  if (isUntitled) {
    await tryEnqueue(deps, titleTask, { app: chat.app.id, chat: chat.number, branch, titled: number });
  }
  if (plan.isLong)
    await tryEnqueue(deps, summarizeTask, { app: chat.app.id, chat: chat.number, branch, number });
  if (plan.shadow !== undefined) {
    await tryEnqueue(deps, shadowTask, { app: chat.app.id, chat: chat.number, answer: id, ...plan.shadow });
  }
}

/** For metrics of tokens and cost, in millionths of the app's currency. */
function tellEnd({ log }: AnswerDeps, app: App, { answer }: AnswerMessage, outcome: Outcome): void {
  const { status, model, usage, served, finishReason, error } = outcome;
  log.info("An answer ended.", {
    event: "answer.ended",
    app: app.id,
    lane: answer.lane,
    status,
    model,
    served: served?.as,
    servedReason: served?.reason,
    finishReason,
    failure: error?.code,
    tokens: (usage?.inputTokens ?? 0) + (usage?.outputTokens ?? 0),
    costMicros: usage?.costMicros ?? 0,
    answerMs: usage?.latencyMs,
    firstTokenMs: usage?.firstTokenMs,
  });
}

/** What the commit of the question has claimed already. Pure. */
function claimOf(message: AnswerMessage, { plan, isAttempt }: Planned<Plan>): Claim<Plan> {
  const { epoch, attempts = 1 } = message.answer;
  return isAttempt
    ? { kind: "ask", epoch, attempt: attempts, message, plan }
    : { kind: "instead", epoch, message, plan, unpaid: "" };
}

/** What an attempt has cost that died after it had said this: the question, and the text. Pure. */
function lostOf(
  { settings }: Answering,
  { models, conversation }: Pick<Plan, "models" | "conversation">,
  text: string,
): LostUsage {
  const inputTokens = estimateTokens(conversation.system.join("\n")) + countTokens(conversation.turns);
  const tokens = { inputTokens, outputTokens: estimateTokens(text) };
  return lostIn(settings, models[0] ?? "", tokens);
}

/** What all attempts have cost that came to nothing; costs what the history costs where one has died. */
async function lostBefore(
  deps: AnswerDeps,
  answering: Answering,
  claim: Extract<Claim<Plan>, { kind: "end" | "instead" }>,
): Promise<LostUsage | undefined> {
  const { message, unpaid } = claim;
  const { lost, instructions } = message.answer;
  if (unpaid === "") return lost;
  if (claim.kind === "instead") return sum(lost, lostOf(answering, claim.plan, unpaid));
  const models = [modelOf(message)];
  const { conversation } = await readHistory(deps, answering.chat, message, {
    instructions: [answering.settings.assistant.systemPrompt, instructions],
    room: smallestRoom(deps.models.catalog, models),
  });
  return sum(lost, lostOf(answering, { models, conversation }, unpaid));
}

type Ended =
  | { readonly outcome: Outcome; readonly epoch: number }
  | "waiting"
  | "taken over"
  /** The instance ends, and a task has another begin anew. */
  | "left"
  /** The message or its chat has been deleted. */
  | "gone";

async function endOf(
  deps: AnswerDeps,
  answering: Answering,
  claim: Exclude<Claim<Plan>, { kind: "done" | "alive" }>,
): Promise<Ended> {
  const { message, epoch } = claim;
  const { settings } = answering;
  switch (claim.kind) {
    case "end": {
      const lost = await lostBefore(deps, answering, claim);
      const model = modelOf(message);
      if (claim.status === "failed") {
        return { outcome: failed(message, { code: "unavailable", model, lost, settings }), epoch };
      }
      const stopped = { status: "stopped" as const, finishReason: "stopped" as const };
      const usage = usageOf(settings, undefined, lost, model);
      return { outcome: { ...stopped, text: claim.text, model, usage }, epoch };
    }
    case "keep":
      return { outcome: kept(settings, claim, message.answer.lost), epoch };
    case "instead":
      return withoutModel(deps, answering, claim);
    case "ask":
      return attempt(deps, answering, claim);
  }
}

async function attempt(
  deps: AnswerDeps,
  answering: Answering,
  claim: Extract<Claim<Plan>, { kind: "ask" }>,
): Promise<Ended> {
  const { chat, id, settings } = answering;
  const { message, plan } = claim;
  const serial = claim.attempt + (message.answer.delays ?? 0);
  const said = await askModels(deps, { chat, id, message, settings, plan, serial }, claim.epoch);
  if (said.kind === "taken over") return "taken over";
  if (said.kind === "gone") {
    await settle(deps, answering, claim, said.lost.costMicros + (message.answer.lost?.costMicros ?? 0));
    return "gone";
  }
  if (said.kind === "leaving") {
    const { epoch, lost } = said;
    await leaveAnswer(deps, chat, id, { epoch, lost });
    const payload = { app: chat.app.id, chat: chat.number, answer: id };
    await tryEnqueue(deps, answerTasks[message.answer.lane], payload, { occasion: `left.${epoch}` });
    return "left";
  }
  const lost = sum(message.answer.lost, said.lost);
  if (said.kind === "said") return { outcome: kept(settings, said, lost), epoch: said.epoch };
  return withoutAnswer(deps, answering, claim, said);
}

/** What becomes of a question that no model has answered. */
async function withoutAnswer(
  deps: AnswerDeps,
  answering: Answering,
  claim: Extract<Claim<Plan>, { kind: "ask" }>,
  said: Extract<ModelResult, { kind: "unsaid" }>,
): Promise<Ended> {
  const { chat, id } = answering;
  const { message, plan, attempt: number } = claim;
  const { failure, epoch, served, hasSpoken } = said;
  const lost = sum(message.answer.lost, said.lost);
  const model = plan.models[0] ?? "";
  if (failure?.owner === "asker") {
    const code = failure.kind as AnswerErrorCode;
    return { outcome: failed(message, { code, model, served, lost, settings: answering.settings }), epoch };
  }
  const cached = await cachedOutcome(deps, answering, claim, served, lost);
  if (cached !== undefined) return { outcome: cached, epoch };
  if (failure?.owner === "operator") {
    const why = { ...served, reason: "misconfigured" as const };
    return {
      outcome: failed(message, {
        code: "misconfigured",
        model,
        served: why,
        lost,
        settings: answering.settings,
      }),
      epoch,
    };
  }
  const isOver = deps.clock.now() - message.createdAt.toMillis() > WAIT_MS_MAX;
  if (isOver || (hasSpoken && number >= ATTEMPTS_MAX)) {
    deps.log.error("An answer is given up.", failure, { app: chat.app.id, chat: chat.number });
    return {
      outcome: failed(message, { code: "unavailable", model, served, lost, settings: answering.settings }),
      epoch,
    };
  }
  if (hasSpoken) {
    // A model that breaks off in the midst mostly says it all the next time: the queue tries soon.
    await leaveAnswer(deps, chat, id, { epoch, lost: said.lost });
    throw new AppError("model_failed", "The model did not answer.", {}, { cause: failure });
  }
  await waitForModel(deps, {
    chat,
    id,
    message,
    models: plan.models,
    served: { as: "queued", ...served },
    failed: { epoch, attempt: number, lost: said.lost },
  });
  return "waiting";
}

/**
 * What becomes of an answer that no model is asked for: there is no money, no model that may be asked, or
 * every circuit is open.
 */
async function withoutModel(
  deps: AnswerDeps,
  answering: Answering,
  claim: Extract<Claim<Plan>, { kind: "instead" }>,
): Promise<Ended> {
  const { message, plan, epoch } = claim;
  const { chat, id, settings } = answering;
  const [first = ""] = plan.models;
  const lost = await lostBefore(deps, answering, claim);
  if (plan.refusal === "taken back") {
    const stopped = { status: "stopped" as const, finishReason: "stopped" as const };
    return {
      outcome: { ...stopped, text: "", model: first, usage: usageOf(settings, undefined, lost, first) },
      epoch,
    };
  }
  if (plan.refusal !== undefined) {
    const reason = plan.refusal === "budget" ? ("budget_exhausted" as const) : ("misconfigured" as const);
    return {
      outcome: failed(message, { code: plan.refusal, model: first, served: { reason }, lost, settings }),
      epoch,
    };
  }
  const served = { reason: "circuit_open" as const, insteadOf: first };
  const cached = await cachedOutcome(deps, answering, claim, served, lost);
  if (cached !== undefined) return { outcome: cached, epoch };
  if (deps.clock.now() - message.createdAt.toMillis() > WAIT_MS_MAX) {
    return { outcome: failed(message, { code: "unavailable", model: first, served, lost, settings }), epoch };
  }
  await waitForModel(deps, { chat, id, message, models: plan.models, served: { as: "queued", ...served } });
  return "waiting";
}

async function cachedOutcome(
  deps: AnswerDeps,
  { chat, settings }: Answering,
  { message, plan }: { readonly message: AnswerMessage; readonly plan: Plan },
  why: Omit<Served, "as">,
  lost: LostUsage | undefined,
): Promise<Outcome | undefined> {
  const ref = cachedAnswerRef(chat.app, settings, message.answer.asker, plan);
  const cached = ref === undefined ? undefined : await readCachedAnswer(ref, deps.clock.now());
  if (cached === undefined) return undefined;
  const { model, text } = cached;
  const usage = usageOf(settings, undefined, lost, model);
  return { status: "complete", text, model, usage, finishReason: "stop", served: { as: "cached", ...why } };
}

async function keepForLater(
  deps: AnswerDeps,
  { chat, settings }: Answering,
  { message, plan }: { readonly message: AnswerMessage; readonly plan: Plan },
  outcome: Outcome,
): Promise<void> {
  const { asker } = message.answer;
  const ref = cachedAnswerRef(chat.app, settings, asker, plan);
  if (ref === undefined) return;
  try {
    await keepAnswer(ref, settings, { asker, nowMs: deps.clock.now() }, outcome);
  } catch (cause) {
    deps.log.error("An answer was not kept for the same question.", cause, { app: chat.app.id });
  }
}

/**
 * Pays for an answer whose message is gone, where a budget holds money for it. Never throws: what is held
 * runs out.
 */
async function settle(
  deps: AnswerDeps,
  { chat, id }: Answering,
  claim: { readonly message: AnswerMessage; readonly plan?: Plan },
  costMicros: number,
): Promise<void> {
  const { heldDay, asker } = claim.message.answer;
  const day = claim.plan?.heldDay ?? heldDay;
  if (day === undefined) return;
  try {
    await settleGone(deps, chat.app, { id, day, asker, costMicros });
  } catch (cause) {
    deps.log.error("Money that was held for an answer is not free yet.", cause, { app: chat.app.id });
  }
}

const modelOf = ({ sender }: AnswerMessage): string => ("model" in sender ? sender.model : "");
