import { type ChatHandle } from "../chat-handle.ts";
import type { DocumentReference } from "../../platform/firestore.ts";
import { Timestamp } from "../../platform/firestore-values.ts";
import { derivedId } from "../../platform/ids.ts";
import { type ForkPoint, turnedTo } from "../branches/branch.ts";
import type { Lane } from "../contract.ts";
import { advance, type ChatHead } from "./head.ts";
import type { StoredAnswer, StoredMessage, StoredTrial } from "./message.ts";
import { messagesOf } from "../store.ts";

/**
 * An answer that nobody has begun within this time, counted from the question, is looked for by the schedule.
 */
export const UNCLAIMED_MS = 60_000;

/** A question whose answer has been queued for the background. */
export interface QueuedQuestion {
  readonly id: string;
  readonly number: number;
  readonly lane: Lane;
  /** The answer as it was queued. */
  readonly stored: QueuedAnswer;
}

export type QueuedAnswer = StoredMessage & { readonly answer: StoredAnswer };

/** How a question is to be answered, as far as it tells by itself. */
export interface Classified {
  readonly lane: Lane;
  readonly language?: string | undefined;
  /** Versions of the classifier that are being compared by it. */
  readonly trials?: readonly StoredTrial[] | undefined;
  /** For how many milliseconds the answer is claimed for the instance that appends the question. */
  readonly claimMs?: number | undefined;
}

/** The document of a question's answer: the first, or that of a request for another. */
export const answerRef = (chat: ChatHandle, questionId: string, again = ""): DocumentReference =>
  messagesOf(chat).doc(derivedId("answer", questionId, again));

/**
 * The rule of queueing an answer, pure: its place, right after its question or on a branch of its own, and
 * the head that lists it.
 */
export function decideAnswer(
  head: ChatHead,
  question: Pick<StoredMessage, "number" | "fingerprint">,
  asking: {
    readonly id: string;
    readonly classified: Classified;
    readonly asker: string;
    readonly createdAt: Timestamp;
    readonly turns: ForkPoint | undefined;
  },
): { next: ChatHead; stored: QueuedAnswer } {
  const { id, classified, asker, createdAt, turns } = asking;
  const { lane, language, trials = [], claimMs } = classified;
  const leaseUntil = Timestamp.fromMillis(createdAt.toMillis() + (claimMs ?? UNCLAIMED_MS));
  const number = head.lastNumber + 1;
  const branch = turns === undefined ? head.activeBranch : `b${number}`;
  const next = advance(head, createdAt, {
    lastNumber: number,
    tip: number,
    answering: [...(head.answering ?? []), id],
    ...(turns === undefined ? {} : turnedTo(head, branch, createdAt)),
  });
  const stored = {
    number,
    revision: head.revision + 1,
    createdRevision: head.revision + 1,
    branch,
    parent: question.number,
    sender: { model: head.model ?? "" },
    role: "assistant" as const,
    body: { text: "" },
    status: claimMs === undefined ? ("queued" as const) : ("streaming" as const),
    answer: {
      ...(claimMs === undefined ? { epoch: 0 } : { epoch: 1, attempts: 1 }),
      lane,
      asker,
      leaseUntil,
      ...(language === undefined ? {} : { language }),
      ...(head.instructions == null ? {} : { instructions: head.instructions }),
      ...(head.temperature == null ? {} : { temperature: head.temperature }),
      ...(trials.length === 0 ? {} : { trials }),
    },
    fingerprint: question.fingerprint,
    createdAt,
  };
  return { next, stored };
}
