import type { Clock } from "../kernel/clock.ts";
import type { Database } from "../kernel/database.ts";
import { DISK_RETRY_MS } from "../kernel/insistent-write.ts";
import { StatusError } from "../kernel/status-error.ts";
import type { Backlog } from "./backlog.ts";
import type { Pusher } from "./push.ts";
import type { Receivers } from "./receivers.ts";
import type { Settlement } from "./settle.ts";
import { NO_DEADLINE_MS, type Registry } from "./state.ts";
import type { Subscription } from "./subscription.ts";

/** Delivers messages after a publish, an acknowledgement, a deadline or a change. */
export interface DeliveryLoop {
  /** Delivers from the subscription once everything written so far is on disk. */
  ready(subscription: Subscription): void;
  /** Delivers from it now. */
  look(subscription: Subscription): void;
  /** Delivers from it a little later, because the disk has failed. */
  refused(subscription: Subscription): void;
  /** Resolves once no push of the project is under way or due. Pullers are not waited for. */
  idle(project: string): Promise<void>;
  close(): void;
}

interface LoopDeps {
  readonly clock: Clock;
  readonly database: Database;
  readonly registry: Registry;
  readonly backlog: Backlog;
  readonly settlement: Settlement;
  readonly pusher: Pusher;
  readonly receivers: Receivers;
}

export function createDeliveryLoop(deps: LoopDeps): DeliveryLoop {
  const { clock, database, registry, backlog, settlement, pusher, receivers } = deps;
  const alarms = new Map<number, () => void>();
  let waiting = new Set<number>();
  const refusals = new Set<number>();
  let turned = Promise.withResolvers<void>();
  let closed = false;

  const look = (id: number): void => {
    alarms.get(id)?.();
    alarms.delete(id);
    const subscription = registry.subscriptionById(id);
    if (subscription === undefined) {
      pusher.forget(id);
      receivers.failAll(id, new StatusError("NOT_FOUND", "The subscription has been deleted."));
      return;
    }
    if (subscription.message.detached) {
      receivers.failAll(id, new StatusError("FAILED_PRECONDITION", "The subscription is detached."));
      return;
    }
    if ((backlog.nextDeadlineMs(subscription) ?? NO_DEADLINE_MS) <= clock.now()) {
      database.write(() => settlement.expire(subscription)).catch(() => refused(subscription));
    }
    if (subscription.settings.push === undefined) receivers.pump(subscription);
    else pusher.pump(subscription);
    const atMs = nextLookMs(subscription);
    if (atMs !== undefined)
      alarms.set(
        id,
        clock.at(atMs, () => ready(subscription)),
      );
  };

  /** The next moment at which time alone changes something. */
  const nextLookMs = (subscription: Subscription): number | undefined => {
    const nowMs = clock.now();
    const moments: number[] = [];
    const deadlineMs = backlog.nextDeadlineMs(subscription);
    if (deadlineMs !== undefined && deadlineMs < NO_DEADLINE_MS) moments.push(deadlineMs);
    const dueMs = backlog.nextDueMs(subscription);
    const pausedUntilMs = pusher.pausedUntilMs(subscription);
    // Messages that are due and still here wait for room or for a puller; time alone changes nothing for
    // them.
    if (dueMs !== undefined && Math.max(dueMs, pausedUntilMs) > nowMs)
      moments.push(Math.max(dueMs, pausedUntilMs));
    return moments.length === 0 ? undefined : Math.min(...moments);
  };

  const lookAtAll = (): void => {
    if (closed) return;
    const ids = waiting;
    waiting = new Set();
    for (const id of ids) look(id);
    turned.resolve();
    turned = Promise.withResolvers();
  };

  function ready({ id }: Subscription): void {
    if (closed) return;
    const isFirst = waiting.size === 0;
    waiting.add(id);
    if (!isFirst) return;
    // This happens after a failure of the disk too, as what was there before is still to be delivered.
    database.settled().then(lookAtAll, lookAtAll);
  }

  function refused(subscription: Subscription): void {
    if (closed || refusals.has(subscription.id)) return;
    refusals.add(subscription.id);
    clock.at(clock.now() + DISK_RETRY_MS, () => {
      refusals.delete(subscription.id);
      ready(subscription);
    });
  }

  const isBusy = (project: string): boolean =>
    registry.subscriptions(project).some((subscription) => {
      if (waiting.has(subscription.id) || pusher.underway(subscription) > 0) return true;
      if (subscription.settings.push === undefined) return false;
      const dueMs = backlog.nextDueMs(subscription);
      return dueMs !== undefined && Math.max(dueMs, pusher.pausedUntilMs(subscription)) <= clock.now();
    });

  return {
    ready,
    look: ({ id }) => look(id),
    refused,
    async idle(project) {
      for (;;) {
        if (closed || !isBusy(project)) return;
        await turned.promise;
      }
    },
    close() {
      closed = true;
      for (const cancel of alarms.values()) cancel();
      turned.resolve();
    },
  };
}
