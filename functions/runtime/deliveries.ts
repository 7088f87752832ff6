import type { DeliveredBy } from "../../shared/jobs/replay.ts";
import manifest from "../manifest.json" with { type: "json" };

/** What delivers to a function, and how often it tries. */
interface Delivery {
  readonly by: DeliveredBy;
  readonly attemptsMax: number;
}

/** By function. What a subscription without dead letters delivers is tried until it succeeds. */
const deliveries: ReadonlyMap<string, Delivery> = new Map([
  ...Object.values(manifest.subscriptions).map((subscription): [string, Delivery] => {
    const attemptsMax = "maxDeliveryAttempts" in subscription ? subscription.maxDeliveryAttempts : Infinity;
    return [subscription.function, { by: { topic: subscription.topic }, attemptsMax }];
  }),
  ...Object.entries(manifest.queues).map(([queue, { function: name, maxAttempts }]): [string, Delivery] => [
    name,
    { by: { queue }, attemptsMax: maxAttempts },
  ]),
]);

export const deliveredBy = (name: string): DeliveredBy | undefined => deliveries.get(name)?.by;

/** After so many attempts nobody delivers it any more. */
export const attemptsMaxOf = (name: string): number => deliveries.get(name)?.attemptsMax ?? Infinity;
