import type { ChatHandle } from "../chat/chat-handle.ts";
import type { GivenFile, Served } from "../chat/contract.ts";
import type { LostUsage } from "../chat/log/message.ts";
import type { AppSettings } from "../identity/contract.ts";
import {
  type Composed,
  composeTurns,
  type Conversation,
  imagesOf,
  type Room,
} from "../platform/models/compose-turns.ts";
import { type FinishReason, ModelFailure, type ModelUsage, type Turn } from "../platform/models/contract.ts";
import { estimateTokens } from "../platform/models/estimate-tokens.ts";
import type { AnswerDeps } from "./answer-message.ts";
import { type AnswerMessage, nextEpoch } from "./claim-answer.ts";
import { ANSWER_MS_MAX } from "./contract.ts";
import { roomOf } from "./history.ts";
import { addLost, lostIn, NOTHING_LOST } from "./lost-usage.ts";
import type { Plan } from "./plan-answer.ts";
import { openSegmentWriter, type SegmentWriter } from "./segment-writer.ts";
import type { SegmentEnd } from "../chat/log/segments.ts";
import { type Ending, watchForEnd } from "./watch-for-end.ts";

/** What models are requested: an answer, as planned. */
export interface ModelRequest {
  readonly chat: ChatHandle;
  /** The answer's message. */
  readonly id: string;
  readonly message: AnswerMessage;
  readonly settings: AppSettings;
  readonly plan: Plan;
  /** Which attempt this is (serialAt). */
  readonly serial: number;
}

/** What has come of a request. Each carries the epoch that it ended in. */
export type ModelResult =
  | {
      readonly kind: "said";
      readonly epoch: number;
      readonly text: string;
      readonly thinking: string;
      readonly end: SegmentEnd;
      readonly lost: LostUsage;
    }
  /** Another attempt goes on. */
  | { readonly kind: "taken over" }
  /** The message or its chat has been deleted; `lost` is to be paid all the same. */
  | { readonly kind: "gone"; readonly lost: LostUsage }
  /** This instance ends; another is to begin anew. */
  | { readonly kind: "leaving"; readonly epoch: number; readonly lost: LostUsage }
  | {
      readonly kind: "unsaid";
      readonly epoch: number;
      readonly served: Omit<Served, "as">;
      /** Of the first model; undefined when no model was asked. */
      readonly failure: ModelFailure | undefined;
      /** A model had begun to speak. */
      readonly hasSpoken: boolean;
      readonly lost: LostUsage;
    };

/** A question that is too long for a model is given to it once more, in so much of the room. */
const SHORTER = 0.5;
/** A provider's counts that are so many times what was given or allowed, and more, are no counts. */
const SANE_TIMES = 5;
const SANE_TOKENS = 1_000;

/**
 * Asks the models one after the other until one has answered. Where one breaks off in the middle, the next
 * begins a new epoch, so that readers let go what the first has said; that costs a write. Each model is
 * called once, and once more with less when it finds the question too long.
 * @throws AppError `unavailable` when what a model said could not be kept
 */
export async function askModels(
  deps: AnswerDeps,
  request: ModelRequest,
  firstEpoch: number,
): Promise<ModelResult> {
  const { chat, id, message, plan } = request;
  const [first = ""] = plan.models;
  const progress: Progress = { epoch: firstEpoch, hasSpoken: false, lost: NOTHING_LOST };
  let reason: Served["reason"];
  let failure: ModelFailure | undefined;
  const ending = watchForEnd(deps, request, () => progress.epoch);
  const limit = setTimeout(() => ending.end("late"), ANSWER_MS_MAX[message.answer.lane]);
  try {
    for (const model of plan.models) {
      const served: Served =
        model === first ? { as: "chosen" } : { as: "fallback", reason, insteadOf: first };
      const said = await askModel(deps, request, { model, served, ending, progress });
      if (ending.reason() === "taken over") return { kind: "taken over" };
      if (ending.reason() === "gone") return { kind: "gone", lost: progress.lost };
      if (said.kind === "said") return said;
      if (ending.reason() === "leaving") {
        return { kind: "leaving", epoch: progress.epoch, lost: progress.lost };
      }
      reason ??= said.kind === "refused" ? "circuit_open" : "model_failed";
      if (said.kind === "failed") {
        failure ??= said.failure;
        const { retryAfterMs, owner } = said.failure;
        // A provider that says when it may be called again is believed; one question's refusal holds up no
        // other.
        if (retryAfterMs !== undefined && owner === "provider")
          await deps.circuits.hold(model, deps.clock.now() + retryAfterMs);
      }
      if (ending.reason() === "late") break;
      if (said.kind === "failed" && said.hasBegun && model !== plan.models.at(-1)) {
        const isOurs = await nextEpoch(deps, chat, id, progress.epoch);
        if (!isOurs) return { kind: "taken over" };
        progress.epoch += 1;
      }
    }
  } finally {
    clearTimeout(limit);
    ending.stop();
  }
  const { epoch, hasSpoken, lost } = progress;
  return { kind: "unsaid", epoch, served: { reason, insteadOf: first }, failure, hasSpoken, lost };
}

/** How far an attempt has come, over all its models. */
interface Progress {
  epoch: number;
  hasSpoken: boolean;
  lost: LostUsage;
}

interface ModelTurn {
  readonly model: string;
  readonly served: Served;
  readonly ending: Ending;
  readonly progress: Progress;
}

type Said =
  | Extract<ModelResult, { kind: "said" }>
  /** Its circuit is open: it was not called. */
  | { readonly kind: "refused" }
  | { readonly kind: "failed"; readonly failure: ModelFailure; readonly hasBegun: boolean };

async function askModel(deps: AnswerDeps, request: ModelRequest, turn: ModelTurn): Promise<Said> {
  const room = roomOf(deps.models.catalog, turn.model);
  const composed = composeTurns(request.plan.conversation, room);
  const said = await callOnce(deps, request, turn, { ...composed, outputTokens: room.outputTokens });
  if (said.kind !== "failed" || said.hasBegun || turn.ending.reason() !== undefined) return said;
  const { conversation } = request.plan;
  // A question about a picture can't be answered without it; one that comes later in the chat can.
  if (said.failure.kind === "images" && !isAboutImages(conversation)) {
    const blind = composeTurns(conversation, { ...room, images: false });
    return callOnce(deps, request, turn, { ...blind, outputTokens: room.outputTokens });
  }
  if (said.failure.kind !== "too_long") return said;
  const less = lessThan(room, composed.inputTokens, said.failure.windowTokens);
  const { outputTokens } = less;
  return callOnce(deps, request, turn, { ...composeTurns(conversation, less), outputTokens });
}

const isAboutImages = ({ turns }: Conversation): boolean => {
  const question = turns.at(-1);
  return question !== undefined && imagesOf(question).length > 0;
};

/** What of its files a model is given. Pure. */
const givenIn = (turns: readonly Turn[]): GivenFile[] =>
  turns
    .flatMap(({ attached = [] }) => attached)
    .map((each) => ({
      file: each.file,
      as: each.as,
      ...(each.as === "text" && each.cut === true ? { cut: true as const } : {}),
    }));

/**
 * What a model may be given that found this too long; `windowTokens`: the window that its provider told.
 * Pure.
 */
function lessThan(room: Room, inputTokens: number, windowTokens: number | undefined): Room {
  const outputTokens = Math.ceil(Math.min(room.outputTokens, (windowTokens ?? room.outputTokens) * SHORTER));
  const inputMax = windowTokens === undefined ? Infinity : (windowTokens - outputTokens) * TOLD_SHARE;
  const input = Math.min(inputTokens * SHORTER, inputMax);
  return { ...room, outputTokens, windowTokens: Math.floor(input) + outputTokens };
}

/** The provider's tokenizer counts otherwise than our estimate. */
const TOLD_SHARE = 0.8;

interface Given extends Composed {
  /** What the answer may take. */
  readonly outputTokens: number;
}

/** One call to one model. @throws AppError `unavailable` when what it said could not be kept */
async function callOnce(
  deps: AnswerDeps,
  request: ModelRequest,
  { model, served, ending, progress }: ModelTurn,
  composed: Given,
): Promise<Said> {
  const { chat, id, settings } = request;
  const startedMs = performance.now();
  const elapsedMs = (): number => Math.round(performance.now() - startedMs);
  const writer = openSegmentWriter(deps, chat, id, progress.epoch);
  let firstTokenMs: number | undefined;
  let hasBegun = false;
  const noteBegin = (): void => {
    firstTokenMs ??= elapsedMs();
    hasBegun = true;
    progress.hasSpoken = true;
  };
  const given = givenIn(composed.turns);
  try {
    const ran = await deps.circuits.run(model, () =>
      listen(deps, request, { model, composed, signal: ending.signal, writer, noteBegin }),
    );
    if (ran.isRefused) return { kind: "refused" };
    const { finish, usage } = ran.value;
    const end = {
      model,
      finish,
      ...tokensOf(usage, composed, writer),
      latencyMs: elapsedMs(),
      firstTokenMs,
      served,
      ...(given.length === 0 ? {} : { given }),
    };
    await writer.close(end);
    const { epoch, lost } = progress;
    return { kind: "said", epoch, text: writer.text(), thinking: writer.thinking(), end, lost };
  } catch (cause) {
    if (ending.reason() === "stopped") {
      // A provider whose call is cut off reports no usage, but charges for what it has said.
      const end = {
        model,
        finish: "stopped" as const,
        ...tokensOf({}, composed, writer),
        latencyMs: elapsedMs(),
        firstTokenMs,
        served,
        ...(given.length === 0 ? {} : { given }),
      };
      await writer.close(end);
      const { epoch, lost } = progress;
      return { kind: "said", epoch, text: writer.text(), thinking: writer.thinking(), end, lost };
    }
    const isLate = ending.reason() === "late";
    if (!(cause instanceof ModelFailure) && !ending.signal.aborted) throw cause;
    if (hasBegun)
      progress.lost = addLost(progress.lost, lostIn(settings, model, tokensOf({}, composed, writer)));
    const failure =
      cause instanceof ModelFailure
        ? cause
        : new ModelFailure("silent", isLate ? "The answer took too long." : "The call was ended.");
    if (ending.reason() === undefined || isLate) tellFailure(deps, request, model, failure);
    return { kind: "failed", failure, hasBegun };
  } finally {
    writer.stop();
  }
}

/** The operator's failures alert; what the asker has done wrong is no error of the system. */
function tellFailure(
  { log }: AnswerDeps,
  { chat }: ModelRequest,
  model: string,
  failure: ModelFailure,
): void {
  const facts = { app: chat.app.id, chat: chat.number, model, failure: failure.kind };
  if (failure.owner === "operator") {
    log.error("A model can't be used as it is configured.", failure, {
      ...facts,
      event: "model.misconfigured",
    });
  } else if (failure.owner === "asker") log.info("A model refused a question.", facts);
  else log.error("A model did not answer.", failure, facts);
}

interface Listening {
  readonly model: string;
  readonly composed: Given;
  readonly signal: AbortSignal;
  readonly writer: SegmentWriter;
  noteBegin(): void;
}

async function listen(
  deps: AnswerDeps,
  { message, plan }: ModelRequest,
  { model, composed, signal, writer, noteBegin }: Listening,
): Promise<{ finish: FinishReason; usage: ModelUsage }> {
  let finish: FinishReason = "stop";
  let usage: ModelUsage = {};
  for await (const piece of deps.models.stream({
    model,
    turns: composed.turns,
    maxTokens: Math.min(composed.outputTokens, plan.tokensAffordable ?? Infinity),
    temperature: plan.temperature,
    lane: message.answer.lane,
    signal,
  })) {
    if (piece.kind === "text") {
      noteBegin();
      writer.add(piece.text);
    } else if (piece.kind === "thinking") {
      noteBegin();
      writer.think(piece.text);
    } else if (piece.kind === "finish") finish = piece.reason;
    else if (piece.kind === "usage") ({ usage } = piece);
  }
  return { finish, usage };
}

const isSane = (told: number, own: number): boolean => told <= own * SANE_TIMES + SANE_TOKENS;

/** What the call took: as the provider says, where that can be true, else by our own count. */
function tokensOf(
  usage: ModelUsage,
  { inputTokens, outputTokens }: Given,
  writer: SegmentWriter,
): Pick<SegmentEnd, "inputTokens" | "outputTokens" | "cachedTokens" | "thinkingTokens"> {
  const thought = estimateTokens(writer.thinking());
  const spoken = estimateTokens(writer.text()) + thought;
  // No tokens for a text that is there can't be true.
  const isTold =
    usage.outputTokens !== undefined &&
    (usage.outputTokens > 0 || spoken === 0) &&
    isSane(usage.outputTokens, Math.max(outputTokens, spoken));
  // Nor can none for a thought that is there.
  const thinkingTokens = usage.thinkingTokens || thought;
  const isInputTold = usage.inputTokens !== undefined && isSane(usage.inputTokens, inputTokens);
  const input = isInputTold ? (usage.inputTokens ?? inputTokens) : inputTokens;
  const output = isTold ? (usage.outputTokens ?? spoken) : spoken;
  return {
    inputTokens: input,
    outputTokens: output,
    ...(usage.cachedTokens === undefined ? {} : { cachedTokens: Math.min(usage.cachedTokens, input) }),
    ...(thinkingTokens === 0 ? {} : { thinkingTokens: Math.min(thinkingTokens, Math.max(output, thought)) }),
  };
}
