import { type ChatHandle } from "../chat/chat-handle.ts";
import type { Body, Thinking } from "../chat/log/body.ts";
import { encodeBody } from "../chat/log/body.ts";
import type { ChatDeps } from "../chat/log/chat-log.ts";
import {
  type AnswerError,
  type FinishReason,
  type GivenFile,
  LATEST_CHARS_MAX,
  type Served,
  type Usage,
} from "../chat/contract.ts";
import { advance, excerpt } from "../chat/log/head.ts";
import type { StoredTrial } from "../chat/log/message.ts";
import { messagesOf, serverTime } from "../chat/store.ts";
import { Timestamp } from "../platform/firestore-values.ts";
import { READ_MS_MAX, within } from "../platform/within.ts";
import { settlement } from "./budget.ts";
import { type AnswerMessage, isOpen, storedAnswerMessage } from "./claim-answer.ts";

/** How an attempt ends. */
export interface Outcome {
  readonly status: "complete" | "stopped" | "failed";
  readonly text: string;
  readonly thinking?: Thinking;
  readonly finishReason?: FinishReason;
  readonly error?: AnswerError;
  readonly model: string;
  readonly usage: Usage | undefined;
  readonly served?: Served | undefined;
  readonly given?: readonly GivenFile[];
  /** Versions that were compared by it, where the claim does not say so. */
  readonly trials?: readonly StoredTrial[] | undefined;
  /** The app's hook is to judge it in the background. */
  readonly isToJudge?: boolean;
}

/** Whether this call has ended it, another attempt goes on, or there is nothing left to end. */
export type Completion =
  | { readonly kind: "ended"; readonly isUntitled: boolean }
  | { readonly kind: "taken over" }
  | { readonly kind: "gone" };

/**
 * Ends an answer: text, usage and head in one commit. An attempt that is no longer the present one changes
 * nothing. Idempotent. Costs 1 read, 1 commit and 2 writes, 4 where budgets hold money for it; 1 publish.
 */
export async function completeAnswer(
  deps: ChatDeps,
  { chat, id, epoch }: { readonly chat: ChatHandle; readonly id: string; readonly epoch: number },
  outcome: Outcome,
): Promise<Completion> {
  const ref = messagesOf(chat).doc(id);
  const at = Timestamp.fromMillis(deps.clock.now());
  let message: AnswerMessage | undefined;
  let updateTime: Timestamp | undefined;
  const { result } = await deps.chatLog.chats.change<Completion>(chat.ref, {
    async prepare() {
      const found = await within(READ_MS_MAX, ref.get());
      message = storedAnswerMessage(found);
      updateTime = found.updateTime;
    },
    decide(head) {
      const unchanged = { head, create: [], bytes: 0 };
      const isGone = message === undefined || message.status === "deleted" || head.status !== "open";
      if (isGone || message === undefined) return { ...unchanged, result: { kind: "gone" } };
      const isOurs = isOpen(message) && message.answer.epoch === epoch;
      if (!isOurs) return { ...unchanged, result: { kind: "taken over" } };
      const { number, createdAt } = message;
      const sender = { model: outcome.model };
      const isLatest = number >= (head.latest?.number ?? 0);
      const latest = { number, sender, text: excerpt(outcome.text, LATEST_CHARS_MAX), createdAt };
      const next = advance(head, at, {
        answering: (head.answering ?? []).filter((each) => each !== id),
        ...(isLatest ? { latest } : {}),
      });
      const fields = Object.entries({
        status: outcome.status,
        sender,
        body: encodeBody({ text: outcome.text, thinking: outcome.thinking } satisfies Body),
        "answer.leaseUntil": null,
        "answer.endedRevision": next.revision,
        ...(outcome.usage === undefined ? {} : { "answer.usage": outcome.usage }),
        ...(outcome.given === undefined ? {} : { "answer.given": outcome.given }),
        ...(outcome.served === undefined ? {} : { "answer.served": outcome.served }),
        ...(outcome.finishReason === undefined ? {} : { "answer.finishReason": outcome.finishReason }),
        ...(outcome.error === undefined ? {} : { "answer.error": outcome.error }),
        ...(outcome.trials === undefined ? {} : { "answer.trials": outcome.trials }),
        ...(outcome.isToJudge === true ? { toJudge: next.revision } : {}),
        revision: next.revision,
        changedAt: serverTime(),
      });
      const { heldDay, asker } = message.answer;
      const costMicros = outcome.usage?.costMicros ?? 0;
      const settled =
        heldDay === undefined ? [] : settlement(chat.app, heldDay, asker, { answer: id, costMicros });
      const update = [{ ref, fields, lastUpdateTime: updateTime }, ...settled];
      return {
        head: next,
        create: [],
        update,
        bytes: (outcome.text.length + (outcome.thinking?.text.length ?? 0)) * 3,
        result: { kind: "ended", isUntitled: head.title === "" },
      };
    },
  });
  return result;
}
