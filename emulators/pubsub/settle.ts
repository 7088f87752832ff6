import type { Backlog, DeliveryRow } from "./backlog.ts";
import type { DeadLetters } from "./dead-letters.ts";
import { HELD, LEASED, type Registry, WAITING } from "./state.ts";
import type { Subscription } from "./subscription.ts";

/** Names one delivery of one message to a subscriber. */
export interface AckId {
  readonly message: number;
  readonly lease: number;
}

/** Callbacks for what settling changes. */
export interface SettleListener {
  /** The subscription may have something to deliver. */
  ready(subscription: Subscription): void;
  /** These messages are no longer in a subscriber's hands. */
  released(subscription: Subscription, messages: readonly number[]): void;
}

/**
 * Applies what subscribers report about messages. Synchronous, for use inside `database.write`. Each function
 * returns whether the id still names the current delivery; without exactly-once delivery the subscriber does
 * not learn this.
 */
export interface Settlement {
  acknowledge(subscription: Subscription, id: AckId): boolean;
  /** Gives the message back: it failed, for the given reason. */
  reject(subscription: Subscription, id: AckId, reason: string): boolean;
  extend(subscription: Subscription, id: AckId, deadlineMs: number): boolean;
  /** Takes back what subscribers have held beyond their deadline. */
  expire(subscription: Subscription): void;
}

interface SettlementDeps {
  readonly backlog: Backlog;
  readonly registry: Registry;
  readonly deadLetters: DeadLetters;
  readonly now: () => number;
  readonly listener: SettleListener;
}

export function createSettlement(deps: SettlementDeps): Settlement {
  const { backlog, registry, deadLetters, now, listener } = deps;

  /** The delivery, if the id names the latest of its message and its deadline hasn't passed. */
  const current = (subscription: Subscription, { message, lease }: AckId): DeliveryRow | undefined => {
    const row = backlog.find(subscription, message);
    const isCurrent = row?.lease === lease && row.state === LEASED && row.dueMs > now();
    return isCurrent ? row : undefined;
  };

  /** A message that no longer exists has no holder. */
  const releaseAbsent = (subscription: Subscription, { message }: AckId): false => {
    if (backlog.find(subscription, message) === undefined) listener.released(subscription, [message]);
    return false;
  };

  const finish = (subscription: Subscription, row: DeliveryRow): void => {
    backlog.finish(subscription, row);
    listener.released(subscription, [row.message]);
    if (row.orderingKey !== "") listener.ready(subscription);
  };

  const fail = (subscription: Subscription, row: DeliveryRow, reason: string): void => {
    const { deadLetter, retry } = subscription.settings;
    const target = deadLetter && registry.topic(deadLetter.topic);
    if (deadLetter !== undefined && target !== undefined && row.attempts >= deadLetter.attemptsMax) {
      for (const receiver of deadLetters.forward(subscription, row, target, reason)) listener.ready(receiver);
      finish(subscription, row);
      return;
    }
    const takenBack = backlog.putBack(subscription, row, now() + backoffMs(retry, row.attempts));
    listener.released(subscription, [row.message, ...takenBack]);
    listener.ready(subscription);
  };

  return {
    acknowledge(subscription, id) {
      const row = current(subscription, id) ?? late(subscription, id);
      if (row === undefined) return releaseAbsent(subscription, id);
      if (!backlog.mustBeHeld(subscription, row)) {
        finish(subscription, row);
        return true;
      }
      backlog.hold(subscription, row);
      listener.released(subscription, [row.message]);
      return true;
    },
    reject(subscription, id, reason) {
      const row = current(subscription, id);
      if (row === undefined) return releaseAbsent(subscription, id);
      fail(subscription, row, reason);
      return true;
    },
    extend(subscription, id, deadlineMs) {
      const row = current(subscription, id);
      if (row === undefined) return false;
      backlog.extend(subscription, row, deadlineMs);
      listener.ready(subscription);
      return true;
    },
    expire(subscription) {
      for (const row of backlog.expired(subscription, now())) {
        // Failing an earlier message of its key may have taken this one back already.
        const still = backlog.find(subscription, row.message);
        if (still?.state === LEASED) fail(subscription, still, "The acknowledgement deadline passed.");
      }
    },
  };

  /**
   * Without exactly-once delivery a late acknowledgement still counts, unless the message has been
   * given out again or must come again for the sake of its key's order.
   */
  function late(subscription: Subscription, { message, lease }: AckId): DeliveryRow | undefined {
    if (subscription.settings.exactlyOnce) return undefined;
    const row = backlog.find(subscription, message);
    if (row?.lease !== lease || row.state === HELD) return undefined;
    const isUnordered = row.orderingKey === "";
    return row.state === LEASED || (row.state === WAITING && isUnordered) ? row : undefined;
  }
}

/** Beyond so many the longest backoff is reached, and doubling on would leave the numbers. */
const DOUBLINGS_MAX = 30;

const backoffMs = (retry: Subscription["settings"]["retry"], attempts: number): number =>
  retry === undefined ? 0 : Math.min(retry.minMs * 2 ** Math.min(attempts - 1, DOUBLINGS_MAX), retry.maxMs);

/** The id as it goes over the wire. */
export const formatAckId = ({ message, lease }: AckId): string =>
  `${message.toString(36)}.${lease.toString(36)}`;

/** Undefined for an id that this emulator has not issued. */
export function parseAckId(text: string): AckId | undefined {
  const found = /^([0-9a-z]{1,11})\.([0-9a-z]{1,11})$/.exec(text);
  if (found === null) return undefined;
  return { message: Number.parseInt(found[1] as string, 36), lease: Number.parseInt(found[2] as string, 36) };
}
