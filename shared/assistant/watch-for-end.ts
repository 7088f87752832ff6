import type { ChatHandle } from "../chat/chat-handle.ts";
import { messagesOf } from "../chat/store.ts";
import type { AnswerDeps } from "./answer-message.ts";
import { isOpen, LEASE_MS, renewAnswer, serialAt, storedAnswerMessage } from "./claim-answer.ts";

/** Why an attempt's calls end before the model has said all. */
export type EndReason = "stopped" | "taken over" | "gone" | "late" | "leaving";

/**
 * How long an instance that has been told to end goes on with an answer that may be nearly there. After that
 * another begins it anew, while this one still has the time to say so.
 */
export const LEAVING_MS = 4_000;

export interface Ending {
  /** Aborts with the first reason; ends the model's call. */
  readonly signal: AbortSignal;
  end(why: EndReason): void;
  reason(): EndReason | undefined;
  stop(): void;
}

interface Attempt {
  readonly chat: ChatHandle;
  readonly id: string;
  /** Which attempt this is (serialAt). */
  readonly serial: number;
}

/**
 * Listens to the answer's message while models are asked: hears when somebody stops the answer, deletes it,
 * or another attempt takes over; and heeds it when the instance is told to end. Renews the lease by time,
 * since a model may think or be loaded for longer than a lease lasts: 1 read and 1 write every half of
 * LEASE_MS.
 */
export function watchForEnd(deps: AnswerDeps, { chat, id, serial }: Attempt, epoch: () => number): Ending {
  const controller = new AbortController();
  let reason: EndReason | undefined;
  const end: Ending["end"] = (why) => {
    reason ??= why;
    controller.abort();
  };
  const unlisten = deps.upkeep.run(() =>
    messagesOf(chat)
      .doc(id)
      .onSnapshot(
        (snapshot) => {
          const message = storedAnswerMessage(snapshot);
          if (message === undefined || message.status === "deleted") end("gone");
          else if (!isOpen(message) || serialAt(message) > serial) end("taken over");
          else if (message.answer.stop) end("stopped");
        },
        (cause) => deps.log.error("An answer can't be stopped: its message is not heard.", cause),
      ),
  );
  const renewal = setInterval(() => {
    renewAnswer(deps, chat, id, epoch()).then(
      (isOurs) => isOurs || end("taken over"),
      (cause: unknown) => deps.log.error("A lease could not be renewed; it is tried again.", cause),
    );
  }, LEASE_MS / 2);
  let leaving: NodeJS.Timeout | undefined;
  const unheed = deps.upkeep.onEnding(() => {
    leaving = setTimeout(() => end("leaving"), LEAVING_MS);
  });
  return {
    signal: controller.signal,
    end,
    reason: () => reason,
    stop() {
      clearInterval(renewal);
      clearTimeout(leaving);
      unheed();
      unlisten();
    },
  };
}
