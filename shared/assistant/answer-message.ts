import { type ChatHandle } from "../chat/chat-handle.ts";
import type { ChatDeps } from "../chat/log/chat-log.ts";
import type { Served } from "../chat/contract.ts";
import type { App } from "../identity/app.ts";
import type { AppDirectory } from "../identity/app-directory.ts";
import type { AppSettings } from "../identity/contract.ts";
import { AppError } from "../platform/errors.ts";
import { tryEnqueue } from "../platform/task.ts";
import type { Rollouts } from "../rollout/rollouts.ts";
import type { AnswerHub } from "./answer-hub.ts";
import { type Answering, askModels, type Plan, planAnswer } from "./ask-models.ts";
import { cachedAnswerRef, keepAnswer, readCachedAnswer } from "./cached-answer.ts";
import type { Circuits } from "./circuits.ts";
import { type AnswerMessage, type Claim, claimAnswer, leaveAnswer, type Planned } from "./claim-answer.ts";
import { completeAnswer, type Outcome } from "./complete-answer.ts";
import { ATTEMPTS_MAX, WAIT_MS_MAX } from "./contract.ts";
import { costOf, priceOf } from "./price.ts";
import type { SegmentEnd } from "./segments.ts";
import { answerTasks, shadowTask, summarizeTask } from "./tasks.ts";
import { waitForModel } from "./wait-for-model.ts";

export type AnswerDeps = ChatDeps & {
  readonly answerHub: AnswerHub;
  readonly apps: AppDirectory;
  readonly circuits: Circuits;
  readonly rollouts: Rollouts;
};

/** What is said when no model could. */
export const GIVEN_UP = "No answer could be made. You can ask again.";
export const EXHAUSTED = "The budget for today is used up. You can ask again after midnight (UTC).";

/**
 * Answers a question, or finds that it is answered. One attempt at a time: what it has is kept in segments
 * while it comes, and in one commit at the end. Whoever comes after a crash begins anew, unless the model had
 * said all. While no model can be asked, an earlier answer to the same question stands in, or the question
 * waits and its asker is told.
 *
 * `claimed`: the answer as the commit of its question has claimed it for this instance, which then costs
 * nothing to begin. Otherwise 1 read and 1 write to begin; what history and budgets cost; a write for each
 * segment (see segments.ts); 1 read, 2 writes and 1 publish to end; one model call, none when the result is
 * there; a write where the answer is kept for the same question; a task where another attempt is alive. The
 * instance listens to the message meanwhile.
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
  const plan = (message: AnswerMessage) => planAnswer(deps, answering, message);
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
  if (ended === "waiting" || ended === "taken over") return { outcome: ended, epoch: claim.epoch };
  const { outcome, epoch } = ended;
  const trials = claimed !== undefined && claim.kind === "ask" ? claim.plan.trials : undefined;
  const isEnded = await completeAnswer(deps, { chat, id, epoch }, { ...outcome, trials });
  if (!isEnded) return { outcome: "taken over", epoch };
  tellEnd(deps, chat.app, claim.message, outcome);
  if (claim.kind === "ask" && outcome.status === "complete") {
    if (outcome.served?.as !== "cached") await keepForLater(deps, answering, claim, outcome);
    await enqueueFollowUps(deps, answering, claim);
  }
  const served = outcome.served === undefined ? {} : { served: outcome.served.as };
  return { outcome: outcome.status, epoch, model: outcome.model, ...served };
}

/** What a complete answer sets off. Never throws. */
async function enqueueFollowUps(
  deps: AnswerDeps,
  { chat, id }: Answering,
  { message, plan }: { readonly message: AnswerMessage; readonly plan: Plan },
): Promise<void> {
  const { branch, number } = message;
  if (plan.isLong)
    await tryEnqueue(deps, summarizeTask, { app: chat.app.id, chat: chat.number, branch, number });
  if (plan.shadow !== undefined) {
    await tryEnqueue(deps, shadowTask, { app: chat.app.id, chat: chat.number, answer: id, ...plan.shadow });
  }
}

/** For metrics of tokens and cost, in millionths of the app's currency. */
function tellEnd({ log }: AnswerDeps, app: App, { answer }: AnswerMessage, outcome: Outcome): void {
  const { status, model, usage, served } = outcome;
  log.info("An answer ended.", {
    event: "answer.ended",
    app: app.id,
    lane: answer.lane,
    status,
    model,
    served: served?.as,
    servedReason: served?.reason,
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
    : { kind: "instead", epoch, message, plan };
}

type Ended = { readonly outcome: Outcome; readonly epoch: number } | "waiting" | "taken over";

async function endOf(
  deps: AnswerDeps,
  answering: Answering,
  claim: Exclude<Claim<Plan>, { kind: "done" | "alive" }>,
): Promise<Ended> {
  const { message, epoch } = claim;
  switch (claim.kind) {
    case "end": {
      const isFailed = claim.status === "failed";
      const text = isFailed ? GIVEN_UP : claim.text;
      const outcome = { status: claim.status, text, model: modelOf(message), usage: undefined };
      return { outcome: isFailed ? { ...outcome, served: { as: "none" as const } } : outcome, epoch };
    }
    case "keep":
      return { outcome: kept(answering.settings, claim.text, claim.end), epoch };
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
  const said = await askModels(deps, { chat, id, message, plan, attempt: claim.attempt }, claim.epoch);
  if (said.kind === "taken over") return "taken over";
  if (said.kind === "said") return { outcome: kept(settings, said.text, said.end), epoch: said.epoch };
  const cached = await cachedOutcome(deps, answering, claim, said.served);
  if (cached !== undefined) return { outcome: cached, epoch: said.epoch };
  if (said.cause === undefined || claim.attempt < ATTEMPTS_MAX) {
    await leaveAnswer(deps, chat, id, said.epoch);
    throw said.cause instanceof Error
      ? said.cause
      : new AppError("unavailable", "No model is asked at the moment.");
  }
  deps.log.error("An answer is given up after its last attempt.", said.cause, {
    app: chat.app.id,
    chat: chat.number,
  });
  const outcome = { status: "failed" as const, text: GIVEN_UP, model: claim.plan.models[0] ?? "" };
  return {
    outcome: { ...outcome, usage: undefined, served: { ...said.served, as: "none" } },
    epoch: said.epoch,
  };
}

/** What becomes of an answer that no model is asked for: the budget is used up, or every circuit is open. */
async function withoutModel(
  deps: AnswerDeps,
  answering: Answering,
  claim: Extract<Claim<Plan>, { kind: "instead" }>,
): Promise<Ended> {
  const { message, plan, epoch } = claim;
  const { chat, id } = answering;
  const [first = ""] = plan.models;
  const failed = { status: "failed" as const, model: first, usage: undefined };
  if (plan.isExhausted) {
    const served = { as: "none" as const, reason: "budget_exhausted" as const };
    return { outcome: { ...failed, text: EXHAUSTED, served }, epoch };
  }
  const served = { reason: "circuit_open" as const, insteadOf: first };
  const cached = await cachedOutcome(deps, answering, claim, served);
  if (cached !== undefined) return { outcome: cached, epoch };
  if (deps.clock.now() - message.createdAt.toMillis() > WAIT_MS_MAX) {
    return { outcome: { ...failed, text: GIVEN_UP, served: { as: "none", ...served } }, epoch };
  }
  await waitForModel(deps, { chat, id, message, models: plan.models, served: { as: "queued", ...served } });
  return "waiting";
}

async function cachedOutcome(
  deps: AnswerDeps,
  { chat, settings }: Answering,
  { message, plan }: { readonly message: AnswerMessage; readonly plan: Plan },
  why: Omit<Served, "as">,
): Promise<Outcome | undefined> {
  const ref = cachedAnswerRef(chat.app, settings, message.answer.asker, plan.turns);
  const cached = ref === undefined ? undefined : await readCachedAnswer(ref, deps.clock.now());
  if (cached === undefined) return undefined;
  const { model, text } = cached;
  return { status: "complete", text, model, usage: undefined, served: { as: "cached", ...why } };
}

async function keepForLater(
  deps: AnswerDeps,
  { chat, settings }: Answering,
  { message, plan }: { readonly message: AnswerMessage; readonly plan: Plan },
  outcome: Outcome,
): Promise<void> {
  const { asker } = message.answer;
  const ref = cachedAnswerRef(chat.app, settings, asker, plan.turns);
  if (ref === undefined) return;
  try {
    await keepAnswer(ref, settings, { asker, nowMs: deps.clock.now() }, outcome);
  } catch (cause) {
    deps.log.error("An answer was not kept for the same question.", cause, { app: chat.app.id });
  }
}

const modelOf = ({ sender }: AnswerMessage): string => ("model" in sender ? sender.model : "");

function kept(settings: AppSettings, text: string, end: SegmentEnd): Outcome {
  const { model, finish, inputTokens, outputTokens, latencyMs, firstTokenMs, served } = end;
  const costMicros = costOf(priceOf(settings, model), { inputTokens, outputTokens });
  return {
    status: finish === "stopped" ? "stopped" : "complete",
    text,
    model,
    usage: { model, inputTokens, outputTokens, costMicros, latencyMs, firstTokenMs },
    served,
  };
}
