import type { Database } from "../kernel/database.ts";
import type { Kernel } from "../kernel/kernel.ts";
import type { Deliverer, Outcome } from "../kernel/http-delivery.ts";
import { writeInTheEnd } from "../kernel/insistent-write.ts";
import type { Backlog, Delivery } from "./backlog.ts";
import * as limits from "./limits.ts";
import { doubledPush } from "./physics.ts";
import { pushRequest } from "./push-request.ts";
import type { Settlement } from "./settle.ts";
import { NO_DEADLINE_MS, type Registry } from "./state.ts";
import type { PushTarget, Subscription } from "./subscription.ts";

export interface Pusher {
  /** Pushes what is due, as far as the window allows. */
  pump(subscription: Subscription): void;
  /** When a pause of the whole subscription ends; in the past where there is none. */
  pausedUntilMs(subscription: Subscription): number;
  underway(subscription: Subscription): number;
  forget(subscriptionId: number): void;
  close(): void;
}

interface Lane {
  /** How many pushes may be under way: one more with each success, half as many with each failure. */
  window: number;
  underway: number;
  /** Failures since the last success. */
  failures: number;
  pausedUntilMs: number;
}

interface PusherDeps {
  readonly kernel: Kernel;
  readonly database: Database;
  readonly registry: Registry;
  readonly backlog: Backlog;
  readonly settlement: Settlement;
  readonly deliverer: Deliverer;
  /** Called when a push has ended and another may begin. */
  readonly ready: (subscription: Subscription) => void;
  /** Called when the disk refused what was to be pushed. */
  readonly refused: (subscription: Subscription) => void;
}

/** cloud.google.com/pubsub/docs/push#receive_push: any other status is a negative acknowledgement. */
const SUCCESSES: ReadonlySet<number | undefined> = new Set([102, 200, 201, 202, 204]);

export function createPusher(deps: PusherDeps): Pusher {
  const { kernel, database, registry, backlog, settlement, deliverer, ready, refused } = deps;
  const { clock } = kernel;
  const lanes = new Map<number, Lane>();
  let closed = false;

  const laneOf = ({ id }: Subscription): Lane => {
    let lane = lanes.get(id);
    if (lane === undefined) {
      lane = { window: limits.PUSH_WINDOW_START, underway: 0, failures: 0, pausedUntilMs: 0 };
      lanes.set(id, lane);
    }
    return lane;
  };

  const push = async (subscription: Subscription, target: PushTarget, delivery: Delivery): Promise<void> => {
    const { message, lease } = delivery;
    const lane = laneOf(subscription);
    kernel.meter.rpc(
      { project: subscription.project, requestId: message.attributes["requestId"] },
      "pubsub.Push",
    );
    const planned = kernel.faults.take("pubsub", "Push", subscription.name);
    const fault = planned ?? doubledPush(kernel.physics, subscription.project);
    const outcome = await deliverer.deliver(pushRequest(subscription, target, delivery), fault);
    if (closed) return;
    const succeeded = SUCCESSES.has(outcome.status);
    adjust(lane, subscription, succeeded);
    const settle = (): void => {
      // The current state: the subscription may have been changed or deleted meanwhile.
      const now = registry.subscriptionById(subscription.id);
      if (now === undefined) return;
      if (succeeded) settlement.acknowledge(now, { message: message.id, lease });
      else settlement.reject(now, { message: message.id, lease }, reasonOf(outcome));
    };
    await writeInTheEnd(clock, database, settle, () => closed);
  };

  const adjust = (lane: Lane, { settings }: Subscription, succeeded: boolean): void => {
    if (succeeded) {
      lane.window = Math.min(lane.window + 1, limits.PUSH_WINDOW_MAX);
      lane.failures = 0;
      lane.pausedUntilMs = 0;
      return;
    }
    lane.window = Math.max(lane.window / 2, 1);
    // With a retry policy each message waits by itself. Without one the subscription pauses as a
    // whole; failures of pushes that were under way when the pause began don't prolong it.
    if (settings.retry !== undefined || clock.now() < lane.pausedUntilMs) return;
    const pauseMs = Math.min(
      limits.PUSH_PAUSE_MS_MIN * 2 ** Math.min(lane.failures, 30),
      limits.PUSH_PAUSE_MS_MAX,
    );
    lane.failures += 1;
    lane.pausedUntilMs = clock.now() + pauseMs;
  };

  return {
    pump(subscription) {
      const target = subscription.settings.push;
      const lane = laneOf(subscription);
      const room = Math.floor(lane.window) - lane.underway;
      const nowMs = clock.now();
      if (target === undefined || room <= 0 || nowMs < lane.pausedUntilMs) return;
      // One message of an ordering key at a time: the next goes out when this one has been answered.
      const request = {
        nowMs,
        deadlineMs: NO_DEADLINE_MS,
        messagesMax: room,
        bytesMax: Number.POSITIVE_INFINITY,
      };
      let deliveries: Delivery[] = [];
      const kept = database.write(() => {
        deliveries = backlog.lease(subscription, { ...request, runMessagesMax: 0 });
      });
      lane.underway += deliveries.length;
      const pushAll = (): void => {
        for (const delivery of deliveries) {
          void push(subscription, target, delivery).finally(() => {
            lane.underway -= 1;
            if (!closed) ready(subscription);
          });
        }
      };
      // Messages are sent only after their lease is on disk.
      kept.then(pushAll, () => {
        lane.underway -= deliveries.length;
        refused(subscription);
      });
    },
    pausedUntilMs: (subscription) => lanes.get(subscription.id)?.pausedUntilMs ?? 0,
    underway: (subscription) => lanes.get(subscription.id)?.underway ?? 0,
    forget(subscriptionId) {
      lanes.delete(subscriptionId);
    },
    close() {
      closed = true;
    },
  };
}

const reasonOf = ({ status, failure }: Outcome): string => {
  if (status !== undefined) return `The endpoint answered ${status}.`;
  return failure === "deadline" ? "The acknowledgement deadline passed." : "The endpoint did not answer.";
};
