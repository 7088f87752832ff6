import type { ChatHead } from "../chat/log/head.ts";
import { type StoredSignal, TYPING_MS } from "../chat/log/signal.ts";
import { Timestamp } from "../platform/firestore-values.ts";
import type { LiveEvent } from "./contract.ts";

/** What is new in a signal to somebody who knew the one before; of a new one, what still holds. */
export function signalEvents(
  before: StoredSignal | undefined,
  now: StoredSignal,
  nowMs: number,
): LiveEvent[] {
  if (now.job !== undefined) return [{ event: "job.changed", data: now.job }];
  if (now.own !== undefined) return [{ event: "chat.own", data: { chat: now.chat, ...now.own } }];
  const events: LiveEvent[] = [];
  const { number: chat, user, read = 0, delivered = 0, typingUntil } = now;
  if (read > (before?.read ?? 0) || delivered > (before?.delivered ?? 0)) {
    events.push({ event: "read", data: { chat, user, number: read, delivered: Math.max(read, delivered) } });
  }
  if (now.left && before === undefined) events.push({ event: "chat.changed", data: { chat, removed: true } });
  const untilMs = typingUntil?.toMillis() ?? 0;
  const untilMsBefore = before?.typingUntil?.toMillis() ?? 0;
  // Of typing that has ended only those are told who were told that it had begun.
  if ((untilMs > nowMs || untilMsBefore > nowMs) && untilMs !== untilMsBefore) {
    events.push({ event: "typing", data: { chat, user, until: new Date(untilMs).toISOString() } });
  }
  return events;
}

/** Nobody has to be told that they are there or typing themselves. */
export const concerns = ({ event, data }: LiveEvent, person: string): boolean =>
  event === "read" || (data as { user?: string }).user !== person;

/** Whether the person has just opened a stream. */
export const hasCome = (before: StoredSignal | undefined, now: StoredSignal): boolean =>
  (now.presentAt?.toMillis() ?? 0) > (before?.presentAt?.toMillis() ?? 0);

/** The signal once it is known what its writer has sent: whoever has sent a message types it no more. */
export function withoutSent(signal: StoredSignal, sent: ChatHead["sent"] | undefined): StoredSignal {
  const { user, typingUntil, typingAfter } = signal;
  if (typingUntil === undefined || typingAfter === undefined || (sent?.[user] ?? 0) <= typingAfter) {
    return signal;
  }
  const { typingAfter: _sent, ...rest } = signal;
  return { ...rest, typingUntil: Timestamp.fromMillis(typingUntil.toMillis() - 2 * TYPING_MS) };
}
