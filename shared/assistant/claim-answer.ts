import { type ChatHandle } from "../chat/chat-handle.ts";
import { storedAs } from "../platform/stored.ts";
import type { QueuedAnswer } from "../chat/log/append-answer.ts";
import type { LostUsage, StoredMessage } from "../chat/log/message.ts";
import { messagesOf } from "../chat/store.ts";
import type { Deps } from "../platform/deps.ts";
import type { DocumentSnapshot } from "../platform/firestore.ts";
import { Timestamp } from "../platform/firestore-values.ts";
import { claimLease } from "../platform/lease.ts";
import { READ_MS_MAX, within } from "../platform/within.ts";
import { ATTEMPTS_MAX } from "./contract.ts";
import { addLost, isLost, NOTHING_LOST } from "./lost-usage.ts";
import { readSegments, type SegmentEnd } from "../chat/log/segments.ts";

/** How long an attempt is trusted to be alive after its last sign: a claim, a renewal or a segment. */
export const LEASE_MS = 30_000;

export type AnswerMessage = QueuedAnswer;
export const storedAnswerMessage = storedAs<AnswerMessage>();

/** What is to be done about an answer by whoever has claimed it. */
export type Claim<Plan> =
  /** Nothing: it is finished, or gone. */
  | { readonly kind: "done" }
  /** Come again: another attempt is alive until then, unless it gives a sign. */
  | {
      readonly kind: "alive";
      readonly epoch: number;
      readonly message: AnswerMessage;
      readonly untilMs: number;
    }
  /** Carry out the plan. */
  | {
      readonly kind: "ask";
      readonly epoch: number;
      readonly attempt: number;
      readonly message: AnswerMessage;
      readonly plan: Plan;
    }
  /** Store what an attempt before has brought to its end, and paid for. */
  | {
      readonly kind: "keep";
      readonly epoch: number;
      readonly message: AnswerMessage;
      readonly text: string;
      readonly thinking: string;
      readonly end: SegmentEnd;
    }
  /** Let it go: stopped, or tried too often. */
  | {
      readonly kind: "end";
      readonly epoch: number;
      readonly message: AnswerMessage;
      readonly text: string;
      readonly status: "stopped" | "failed";
      readonly unpaid: string;
    }
  /** What the plan says instead of an attempt. */
  | {
      readonly kind: "instead";
      readonly epoch: number;
      readonly message: AnswerMessage;
      readonly plan: Plan;
      /** What an attempt had said and thought that has died, which nobody has counted yet. */
      readonly unpaid: string;
    };

/** How an attempt is to be made, decided before it is claimed. */
export interface Planned<Plan> {
  readonly plan: Plan;
  /** False when nothing is to be asked of a model now. */
  readonly isAttempt: boolean;
  /** To be stored with the claim. */
  readonly fields: Readonly<Record<string, unknown>>;
  /** What the attempt before has said in vain, priced; stored with the claim. */
  lostIn?(text: string): LostUsage;
}

/**
 * Claims an answer for one attempt, unless another is alive. Costs 1 read and 1 write and
 * what planning costs; for a later attempt also 1 query and a read for each segment of the one before.
 * @throws what `plan` throws
 */
export async function claimAnswer<Plan>(
  deps: Pick<Deps, "clock">,
  chat: ChatHandle,
  id: string,
  plan: (message: AnswerMessage) => Promise<Planned<Plan>>,
): Promise<Claim<Plan>> {
  const ref = messagesOf(chat).doc(id);
  for (;;) {
    const found = await within(READ_MS_MAX, ref.get());
    const message = storedAnswerMessage(found);
    if (message === undefined || !isOpen(message)) return { kind: "done" };
    const { epoch, stop, leaseUntil, left: leftEpoch } = message.answer;
    const left = epoch === 0 ? NOTHING : await readSegments(chat, id, epoch);
    if (left.end !== undefined) {
      return { kind: "keep", epoch, message, text: left.text, thinking: left.thinking, end: left.end };
    }
    const aliveUntilMs = Math.max(leaseUntil?.toMillis() ?? 0, left.lastMs + LEASE_MS);
    if (epoch > 0 && leftEpoch !== epoch && aliveUntilMs > deps.clock.now()) {
      return { kind: "alive", epoch, message, untilMs: aliveUntilMs };
    }
    // An attempt that could end itself has said what it cost.
    const unpaid = leftEpoch === epoch ? "" : left.thinking + left.text;
    if (stop) return { kind: "end", epoch, message, text: left.text, status: "stopped", unpaid };
    if (attemptsAt(message) >= ATTEMPTS_MAX) {
      return { kind: "end", epoch, message, text: "", status: "failed", unpaid };
    }
    const planned = await plan(message);
    if (!planned.isAttempt) return { kind: "instead", epoch, message, plan: planned.plan, unpaid };
    const attempt = attemptsAt(message) + 1;
    const died = unpaid === "" ? undefined : planned.lostIn?.(unpaid);
    const lost = died === undefined ? undefined : addLost(message.answer.lost ?? NOTHING_LOST, died);
    const fields = {
      ...planned.fields,
      ...(lost === undefined ? {} : { "answer.lost": lost }),
      "answer.attempts": attempt,
    };
    if (await takeEpoch(deps, found, epoch + 1, fields)) {
      const answer = lost === undefined ? message.answer : { ...message.answer, lost };
      const asked = { ...message, answer };
      return { kind: "ask", epoch: epoch + 1, attempt, message: asked, plan: planned.plan };
    }
  }
}

const NOTHING = { text: "", thinking: "", end: undefined, lastMs: 0 };

const attemptsAt = ({ answer }: AnswerMessage): number => answer.attempts ?? answer.epoch;

/** Counts every attempt, those that were put off too: a later one has a higher serial. */
export const serialAt = (message: AnswerMessage): number =>
  attemptsAt(message) + (message.answer.delays ?? 0);

export const isOpen = ({ status }: Pick<StoredMessage, "status">): boolean =>
  status === "queued" || status === "streaming";

/**
 * Begins a new epoch for an attempt that goes on to another model. The text of the first model is void from
 * then on, and readers are told so. 1 read and 1 write.
 * @returns false when the answer is no longer this attempt's
 */
export async function nextEpoch(
  deps: Pick<Deps, "clock">,
  chat: ChatHandle,
  id: string,
  epoch: number,
): Promise<boolean> {
  const ref = messagesOf(chat).doc(id);
  for (;;) {
    const found = await within(READ_MS_MAX, ref.get());
    const message = storedAnswerMessage(found);
    if (message === undefined || !isOpen(message) || message.answer.epoch !== epoch) return false;
    if (await takeEpoch(deps, found, epoch + 1)) return true;
  }
}

/** @returns false when somebody else was faster */
async function takeEpoch(
  deps: Pick<Deps, "clock">,
  found: DocumentSnapshot,
  epoch: number,
  fields: Readonly<Record<string, unknown>> = {},
): Promise<boolean> {
  const change = {
    ...fields,
    status: "streaming",
    "answer.epoch": epoch,
    "answer.leaseUntil": Timestamp.fromMillis(deps.clock.now() + LEASE_MS),
  };
  return (await claimLease(found, change)) !== undefined;
}

/**
 * Says that the attempt is alive although nothing has been kept of late. 1 read and 1 write.
 * @returns false when the answer is no longer this attempt's
 * @throws when Firestore fails
 */
export async function renewAnswer(
  deps: Pick<Deps, "clock">,
  chat: ChatHandle,
  id: string,
  epoch: number,
): Promise<boolean> {
  const ref = messagesOf(chat).doc(id);
  for (;;) {
    const found = await within(READ_MS_MAX, ref.get());
    const message = storedAnswerMessage(found);
    if (message === undefined || !isOpen(message) || message.answer.epoch > epoch) return false;
    const leaseUntil = Timestamp.fromMillis(deps.clock.now() + LEASE_MS);
    if ((await claimLease(found, { "answer.leaseUntil": leaseUntil })) !== undefined) return true;
  }
}

/**
 * Gives the lease back, so that the next attempt need not wait for its end, and says what the attempt has
 * cost. 1 read and 1 write; never throws.
 */
export async function leaveAnswer(
  deps: Pick<Deps, "clock" | "log">,
  chat: ChatHandle,
  id: string,
  { epoch, lost }: { readonly epoch: number; readonly lost: LostUsage },
): Promise<void> {
  const ref = messagesOf(chat).doc(id);
  try {
    const found = await within(READ_MS_MAX, ref.get());
    const answer = storedAnswerMessage(found)?.answer;
    if (answer?.epoch !== epoch) return;
    const change = {
      "answer.left": epoch,
      "answer.leaseUntil": Timestamp.fromMillis(deps.clock.now()),
      ...(isLost(lost) ? { "answer.lost": addLost(answer.lost ?? NOTHING_LOST, lost) } : {}),
    };
    await claimLease(found, change);
  } catch (cause) {
    deps.log.error("A lease could not be given back; it runs out.", cause);
  }
}
