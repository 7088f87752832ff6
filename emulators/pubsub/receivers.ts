import type { Clock } from "../kernel/clock.ts";
import type { Database } from "../kernel/database.ts";
import type { StatusError } from "../kernel/status-error.ts";
import type { Backlog, Delivery } from "./backlog.ts";
import * as limits from "./limits.ts";
import { bytesOf } from "./message.ts";
import type { Subscription } from "./subscription.ts";

/** A puller: a stream, or one Pull that waits. */
export interface Receiver {
  /** How much it can take now; nothing where a bound is 0. */
  room(): { readonly messages: number; readonly bytes: number };
  readonly ackDeadlineMs: number;
  /** Called when these messages have been leased to it; they take up its room from now on. */
  reserve(deliveries: readonly Delivery[]): void;
  /** Called with the reserved messages once the lease is on disk. */
  give(deliveries: readonly Delivery[], subscription: Subscription): void;
  /** Called when the lease could not be stored: the reserved messages do not come. */
  cancel(deliveries: readonly Delivery[], cause: unknown): void;
  /** Called when messages that it holds have been settled or taken back; "all" after a seek. */
  released(messages: readonly number[] | "all"): void;
  /** Called when the subscription is deleted or no longer delivers to pullers. */
  fail(error: StatusError): void;
}

export interface Receivers {
  /** Returns what removes the receiver; messages it holds stay with it until their deadline. */
  add(subscription: Subscription, receiver: Receiver): () => void;
  /** Gives out what is due, in turns, as far as there is room. */
  pump(subscription: Subscription): void;
  released(subscription: Subscription, messages: readonly number[] | "all"): void;
  failAll(subscriptionId: number, error: StatusError): void;
}

interface ReceiversDeps {
  readonly clock: Clock;
  readonly database: Database;
  readonly backlog: Backlog;
  /** Called when the disk refused what was to be given out. */
  readonly refused: (subscription: Subscription) => void;
}

export function createReceivers({ clock, database, backlog, refused }: ReceiversDeps): Receivers {
  const bySubscription = new Map<number, Set<Receiver>>();

  /**
   * Leases what the receiver has room for and gives it out once that is on disk; false where nothing is due.
   */
  const serve = (subscription: Subscription, receiver: Receiver): boolean => {
    const room = receiver.room();
    if (room.messages <= 0 || room.bytes <= 0) return false;
    const nowMs = clock.now();
    let deliveries: Delivery[] = [];
    const kept = database.write(() => {
      deliveries = backlog.lease(subscription, {
        nowMs,
        deadlineMs: nowMs + receiver.ackDeadlineMs,
        messagesMax: Math.min(room.messages, limits.BATCH_MESSAGES_MAX),
        bytesMax: Math.min(room.bytes, limits.BATCH_BYTES_MAX),
        runMessagesMax: Math.min(room.messages, limits.RUN_MESSAGES_MAX),
      });
    });
    if (deliveries.length > 0) receiver.reserve(deliveries);
    kept.then(
      () => deliveries.length > 0 && receiver.give(deliveries, subscription),
      (cause: unknown) => {
        if (deliveries.length > 0) receiver.cancel(deliveries, cause);
        refused(subscription);
      },
    );
    return deliveries.length > 0;
  };

  return {
    add(subscription, receiver) {
      const receivers = bySubscription.get(subscription.id) ?? new Set();
      bySubscription.set(subscription.id, receivers.add(receiver));
      return () => {
        receivers.delete(receiver);
        if (receivers.size === 0) bySubscription.delete(subscription.id);
      };
    },
    pump(subscription) {
      const receivers = bySubscription.get(subscription.id);
      if (receivers === undefined) return;
      let gave = true;
      while (gave) {
        gave = false;
        const inTurn = [...receivers];
        for (const receiver of inTurn) {
          if (!serve(subscription, receiver)) continue;
          gave = true;
          // A receiver that was served goes to the end of the line.
          if (receivers.delete(receiver)) receivers.add(receiver);
        }
      }
    },
    released(subscription, messages) {
      for (const receiver of bySubscription.get(subscription.id) ?? []) receiver.released(messages);
    },
    failAll(subscriptionId, error) {
      const failing = [...(bySubscription.get(subscriptionId) ?? [])];
      for (const receiver of failing) receiver.fail(error);
    },
  };
}

/** Counts what a stream holds against the bounds that its client set; 0 or less means no bound. */
export function createFlowControl(messagesMax: number, bytesMax: number) {
  const held = new Map<number, number>();
  let heldBytes = 0;
  const boundless = Number.MAX_SAFE_INTEGER;
  return {
    room: () => ({
      messages: (messagesMax > 0 ? messagesMax : boundless) - held.size,
      bytes: (bytesMax > 0 ? bytesMax : boundless) - heldBytes,
    }),
    reserve(deliveries: readonly Delivery[]) {
      for (const { message } of deliveries) {
        const bytes = bytesOf(message);
        held.set(message.id, bytes);
        heldBytes += bytes;
      }
    },
    released(messages: readonly number[] | "all") {
      if (messages === "all") {
        held.clear();
        heldBytes = 0;
        return;
      }
      for (const message of messages) {
        heldBytes -= held.get(message) ?? 0;
        held.delete(message);
      }
    },
  };
}
