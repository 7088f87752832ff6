import type { ChatDeps } from "../chat/chat-log.ts";
import { messagesOf } from "../chat/store.ts";
import type { App } from "../identity/app.ts";
import { AppError } from "../platform/errors.ts";
import { Timestamp } from "../platform/firestore.ts";
import { READ_MS_MAX, within } from "../platform/within.ts";
import type { AnswerHub } from "./answer-hub.ts";
import { type AnswerMessage, type Claim, claimAnswer, isOpen, LEASE_MS } from "./claim-answer.ts";
import { completeAnswer, type Outcome } from "./complete-answer.ts";
import { ANSWER_MS_MAX, ANSWER_TOKENS_MAX, ATTEMPTS_MAX } from "./contract.ts";
import { readHistory } from "./history.ts";
import { isSegmentDue, SEGMENT_MS, type SegmentEnd, writeSegment } from "./segments.ts";

export type AnswerDeps = ChatDeps & { readonly answerHub: AnswerHub };

/** What is said when no model could. */
export const GIVEN_UP = "No answer could be made. You can ask again.";

/**
 * Answers a question, or finds that it is answered. One attempt at a time: what it has is kept in segments while it
 * comes, and in one commit at the end. Whoever comes after a crash begins anew, unless the model had said all.
 *
 * Costs 1 read and 1 write to begin and what the history costs; a write for each segment (see segments.ts); 1 read, 2
 * writes and 1 publish to end; one model call, none when the result is there. The instance listens to the message meanwhile.
 * @throws AppError `unavailable` while another attempt is alive; `model_failed`; both are to be tried again
 */
export async function answerMessage(
  deps: AnswerDeps,
  app: App,
  chat: number,
  id: string,
): Promise<{ outcome: string; epoch?: number }> {
  const claim = await claimAnswer(deps, app, chat, id);
  if (claim.kind === "done") return { outcome: "done before" };
  const { epoch } = claim;
  const outcome = await outcomeOf(deps, app, chat, id, claim);
  if (outcome === undefined) return { outcome: "taken over", epoch };
  const isEnded = await completeAnswer(deps, app, chat, id, epoch, outcome);
  return { outcome: isEnded ? outcome.status : "taken over", epoch };
}

async function outcomeOf(
  deps: AnswerDeps,
  app: App,
  chat: number,
  id: string,
  claim: Exclude<Claim, { kind: "done" }>,
): Promise<Outcome | undefined> {
  const model = modelOf(deps, claim.message);
  if (claim.kind === "end") {
    const text = claim.status === "failed" ? GIVEN_UP : claim.text;
    return { status: claim.status, text, model, usage: undefined };
  }
  if (claim.kind === "keep") return kept(claim.text, claim.end);
  try {
    return await ask(deps, app, chat, id, claim);
  } catch (cause) {
    if (claim.epoch < ATTEMPTS_MAX) {
      await release(deps, app, chat, id, claim.epoch);
      throw cause;
    }
    deps.log.error("An answer is given up after its last attempt.", cause, { app: app.id, chat });
    return { status: "failed", text: GIVEN_UP, model, usage: undefined };
  }
}

const kept = (text: string, { model, finish, inputTokens, outputTokens, latencyMs }: SegmentEnd) => ({
  status: finish === "stopped" ? ("stopped" as const) : ("complete" as const),
  text,
  model,
  usage: { model, inputTokens, outputTokens, costMicros: 0, latencyMs },
});

/** The one that the chat names, or that of the lane. */
function modelOf(deps: AnswerDeps, { sender, answer }: AnswerMessage): string {
  const named = "model" in sender ? sender.model : "";
  return named === "" ? deps.config.laneModels[answer.lane] : named;
}

/** Whoever is next need not wait for the lease to run out. */
async function release(deps: AnswerDeps, app: App, chat: number, id: string, epoch: number): Promise<void> {
  const ref = messagesOf(app, chat).doc(id);
  try {
    const found = await within(READ_MS_MAX, ref.get());
    const { answer } = (found.data() ?? {}) as Partial<AnswerMessage>;
    if (answer?.epoch !== epoch || found.updateTime === undefined) return;
    const past = Timestamp.fromMillis(deps.clock.now() - LEASE_MS);
    await within(
      READ_MS_MAX,
      ref.update({ "answer.leaseUntil": past }, { lastUpdateTime: found.updateTime }),
    );
  } catch (cause) {
    deps.log.error("A lease could not be given back; it runs out.", cause);
  }
}

async function ask(
  deps: AnswerDeps,
  app: App,
  chat: number,
  id: string,
  { epoch, message }: Extract<Claim, { kind: "ask" }>,
): Promise<Outcome | undefined> {
  const startedMs = performance.now();
  const ending = watchForEnd(deps, app, chat, id, epoch);
  const limit = setTimeout(() => ending.end("late"), ANSWER_MS_MAX[message.answer.lane]);
  const model = modelOf(deps, message);
  const writer = segmentWriter(deps, app, chat, id, epoch);
  let end: SegmentEnd | undefined;
  try {
    const turns = await readHistory(app, chat, message);
    let finish = "stop";
    let usage = { inputTokens: 0, outputTokens: 0 };
    try {
      for await (const piece of deps.models.stream({
        model,
        turns,
        maxTokens: ANSWER_TOKENS_MAX,
        signal: ending.signal,
      })) {
        if ("text" in piece) writer.add(piece.text);
        else if ("finish" in piece) ({ finish } = piece);
        else usage = piece;
      }
    } catch (cause) {
      // Of an answer that was stopped, what has been said counts; of others a broken one is tried again.
      if (ending.reason() !== "stopped") throw cause;
      finish = "stopped";
    }
    if (ending.reason() === "taken over") return undefined;
    end = { model, finish, ...usage, latencyMs: Math.round(performance.now() - startedMs) };
    await writer.close(end);
  } finally {
    clearTimeout(limit);
    ending.stop();
    writer.stop();
  }
  return kept(writer.text(), end);
}

/** Hears when somebody stops the answer, or another attempt takes over, and ends the model's call then. */
function watchForEnd(deps: AnswerDeps, app: App, chat: number, id: string, epoch: number) {
  const controller = new AbortController();
  let reason: "stopped" | "taken over" | "late" | undefined;
  const end = (why: NonNullable<typeof reason>): void => {
    reason ??= why;
    controller.abort();
  };
  const stop = deps.upkeep.run(() =>
    messagesOf(app, chat)
      .doc(id)
      .onSnapshot(
        (snapshot) => {
          const message = snapshot.data() as AnswerMessage | undefined;
          if (message === undefined || !isOpen(message) || message.answer.epoch > epoch) end("taken over");
          else if (message.answer.stop && message.answer.epoch === epoch) end("stopped");
        },
        (cause) => deps.log.error("An answer can't be stopped: its message is not heard.", cause),
      ),
  );
  return { signal: controller.signal, end, stop, reason: () => reason };
}

/** Keeps what comes, in segments, one write at a time; and lets readers here have it at once. */
function segmentWriter(deps: AnswerDeps, app: App, chat: number, id: string, epoch: number) {
  const path = messagesOf(app, chat).doc(id).path;
  let text = "";
  let written = 0;
  let index = 0;
  let lastMs = performance.now();
  let writing: Promise<void> = Promise.resolve();
  let failure: unknown;
  const write = (end?: SegmentEnd): void => {
    const segment = {
      epoch,
      index,
      offset: written,
      text: text.slice(written),
      nowMs: deps.clock.now(),
      ...(end === undefined ? {} : { end }),
    };
    index += 1;
    written = text.length;
    lastMs = performance.now();
    writing = writing
      .then(() => (failure === undefined ? writeSegment(app, chat, id, segment) : undefined))
      .catch((cause: unknown) => {
        failure = cause;
      });
  };
  const flushIfDue = (): void => {
    if (isSegmentDue(index, text.length - written, performance.now() - lastMs)) write();
  };
  // A model that pauses has said something all the same.
  const timer = setInterval(flushIfDue, SEGMENT_MS);
  return {
    text: () => text,
    add(piece: string): void {
      deps.answerHub.say(path, { epoch, offset: text.length, text: piece });
      text += piece;
      flushIfDue();
    },
    /** Nothing more is written by itself. */
    stop: () => clearInterval(timer),
    /** @throws what a write has failed with */
    async close(end: SegmentEnd): Promise<void> {
      write(end);
      await writing;
      if (failure !== undefined)
        throw new AppError("unavailable", "A part of the answer could not be kept.", {}, { cause: failure });
    },
  };
}
