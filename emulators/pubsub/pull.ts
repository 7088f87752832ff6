import type { Kernel } from "../kernel/kernel.ts";
import type { Message, Unary } from "../kernel/rpc.ts";
import { protoTime } from "../kernel/proto-time.ts";
import { StatusError } from "../kernel/status-error.ts";
import type { Delivery } from "./backlog.ts";
import type { PubSubCore } from "./core.ts";
import { errorWithInfo } from "./error-info.ts";
import * as limits from "./limits.ts";
import type { Receiver } from "./receivers.ts";
import { formatAckId, parseAckId } from "./settle.ts";
import { accessSubscription } from "./subscriber.ts";
import type { Subscription } from "./subscription.ts";

/** The service's error for an id whose delivery is over; clients parse this text. */
const INVALID_ACK_ID = "PERMANENT_FAILURE_INVALID_ACK_ID";

/** The subscription, if it can be pulled from. */
export function accessPulled(core: PubSubCore, name: unknown): Subscription {
  const subscription = accessSubscription(core, name);
  if (subscription.message.detached)
    throw new StatusError("FAILED_PRECONDITION", "The subscription is detached.");
  if (subscription.settings.push !== undefined) {
    throw new StatusError("FAILED_PRECONDITION", "This is a push subscription.");
  }
  return subscription;
}

/** google.pubsub.v1.ReceivedMessage. */
export function receivedMessage(subscription: Subscription, { message, lease, attempt }: Delivery): Message {
  const { id, publishMs, data, attributes, orderingKey } = message;
  return {
    ackId: formatAckId({ message: id, lease }),
    message: { data, attributes, messageId: String(id), publishTime: protoTime(publishMs), orderingKey },
    deliveryAttempt: subscription.settings.deadLetter === undefined ? 0 : attempt,
  };
}

/** What became of the ids of one request. */
export interface AckOutcome {
  readonly done: string[];
  readonly invalid: string[];
}

export interface AckRequest {
  readonly ackIds: readonly string[];
  readonly deadlineSeconds?: readonly number[] | undefined;
}

/** Acknowledges the ids, or moves their deadline (0 seconds: gives them back), and is on disk then. */
export function settleAcks(
  { clock }: Kernel,
  { database, settlement }: PubSubCore,
  subscription: Subscription,
  { ackIds, deadlineSeconds }: AckRequest,
): Promise<AckOutcome> {
  const ids = ackIds.map((text) => {
    const id = parseAckId(text);
    if (id === undefined) throw new StatusError("INVALID_ARGUMENT", "An acknowledgement id is malformed.");
    return id;
  });
  return database.write(() => {
    const outcome: AckOutcome = { done: [], invalid: [] };
    ids.forEach((id, index) => {
      const seconds = deadlineSeconds?.[index];
      let settled: boolean;
      if (seconds === undefined) settled = settlement.acknowledge(subscription, id);
      else if (seconds === 0)
        settled = settlement.reject(subscription, id, "The subscriber gave the message back.");
      else settled = settlement.extend(subscription, id, clock.now() + seconds * 1000);
      (settled ? outcome.done : outcome.invalid).push(ackIds[index] as string);
    });
    return outcome;
  });
}

export function checkDeadlines(seconds: readonly number[]): void {
  if (seconds.every((each) => each >= 0 && each <= limits.ACK_DEADLINE_SECONDS_MAX)) return;
  throw new StatusError("INVALID_ARGUMENT", "An acknowledgement deadline is from 0 to 600 seconds.");
}

/** Pull, Acknowledge and ModifyAckDeadline. */
export function pullCalls(kernel: Kernel, core: PubSubCore): Record<string, Unary> {
  const checkIds = (ackIds: readonly string[]): void => {
    if (ackIds.length > 0 && ackIds.length <= limits.ACK_IDS_MAX) return;
    throw new StatusError(
      "INVALID_ARGUMENT",
      `A request has from 1 to ${limits.ACK_IDS_MAX} acknowledgement ids.`,
    );
  };

  /** A subscriber learns that an id came too late only with exactly-once delivery. */
  const tellInvalid = ({ settings }: Subscription, { invalid }: AckOutcome): void => {
    if (!settings.exactlyOnce || invalid.length === 0) return;
    const metadata = Object.fromEntries(invalid.map((id) => [id, INVALID_ACK_ID]));
    const message = "Some acknowledgement ids are no longer valid.";
    throw errorWithInfo("FAILED_PRECONDITION", message, { reason: "INVALID_ACK_IDS", metadata });
  };

  return {
    Pull({ subscription: name, maxMessages, returnImmediately }, call) {
      const subscription = accessPulled(core, name);
      if (!(maxMessages > 0)) throw new StatusError("INVALID_ARGUMENT", "max_messages must be positive.");
      return pullOnce(kernel, core, subscription, {
        messagesMax: maxMessages,
        immediately: returnImmediately === true,
        signal: call.signal,
      });
    },
    async Acknowledge({ subscription: name, ackIds }) {
      const subscription = accessSubscription(core, name);
      checkIds(ackIds);
      tellInvalid(subscription, await settleAcks(kernel, core, subscription, { ackIds }));
      return {};
    },
    async ModifyAckDeadline({ subscription: name, ackIds, ackDeadlineSeconds }) {
      const subscription = accessSubscription(core, name);
      checkIds(ackIds);
      const seconds = ackIds.map(() => ackDeadlineSeconds ?? 0);
      checkDeadlines(seconds);
      tellInvalid(
        subscription,
        await settleAcks(kernel, core, subscription, { ackIds, deadlineSeconds: seconds }),
      );
      return {};
    },
  };
}

interface PullOptions {
  readonly messagesMax: number;
  readonly immediately: boolean;
  readonly signal: AbortSignal;
}

/** Waits for a first message as long as the caller does, within bounds. */
function pullOnce(
  { clock }: Kernel,
  { receivers, loop }: PubSubCore,
  subscription: Subscription,
  { messagesMax, immediately, signal }: PullOptions,
): Promise<Message> {
  return new Promise((resolve, reject) => {
    let open = true;
    const end = (): void => {
      open = false;
      remove();
      disarm();
    };
    const receiver: Receiver = {
      ackDeadlineMs: subscription.settings.ackDeadlineMs,
      room: () => ({ messages: open && !signal.aborted ? messagesMax : 0, bytes: limits.BATCH_BYTES_MAX }),
      reserve: end,
      give(deliveries, current) {
        resolve({ receivedMessages: deliveries.map((each) => receivedMessage(current, each)) });
      },
      cancel: (_, cause) => reject(cause),
      released: () => undefined,
      fail(error) {
        end();
        reject(error);
      },
    };
    const remove = receivers.add(subscription, receiver);
    const giveUp = (): void => {
      end();
      resolve({ receivedMessages: [] });
    };
    const disarm = clock.at(clock.now() + limits.PULL_WAIT_MS, giveUp);
    signal.addEventListener("abort", () => open && giveUp(), { once: true });
    if (!immediately) return loop.ready(subscription);
    loop.look(subscription);
    // A receiver that is still in the line got nothing; one that has left waits for its lease.
    if (open) giveUp();
  });
}
