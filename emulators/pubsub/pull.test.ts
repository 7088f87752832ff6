import type { CreateSubscriptionOptions, Message, Subscription, Topic } from "@google-cloud/pubsub";
import { status } from "@grpc/grpc-js";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type PubSubUnderTest, startPubSub } from "./testing.ts";

let suite: PubSubUnderTest;
beforeAll(async () => {
  suite = await startPubSub();
});
afterAll(() => suite[Symbol.asyncDispose]());

interface Pulled {
  readonly topic: Topic;
  readonly subscription: Subscription;
  publish(...texts: string[]): Promise<string[]>;
  /** What Pull gives: text and acknowledgement id. */
  pull(max?: number): Promise<{ text: string; ackId: string; attempt: number }[]>;
  acknowledge(...ackIds: string[]): Promise<unknown>;
  modify(seconds: number, ...ackIds: string[]): Promise<unknown>;
  backlog(): number | undefined;
}

async function pulled(options: CreateSubscriptionOptions = {}, orderingKey = ""): Promise<Pulled> {
  const client = suite.client();
  const [topic] = await client.createTopic("events");
  topic.setPublishOptions({ messageOrdering: orderingKey !== "" });
  const [subscription] = await topic.createSubscription("reader", options);
  const { v1 } = await import("@google-cloud/pubsub");
  void v1;
  const subscriber = await subscriberOf(client);
  const { name } = subscription;
  return {
    topic,
    subscription,
    publish: (...texts) =>
      Promise.all(texts.map((text) => topic.publishMessage({ data: Buffer.from(text), orderingKey }))),
    async pull(max = 100) {
      const [{ receivedMessages }] = await subscriber.pull({
        subscription: name,
        maxMessages: max,
        returnImmediately: true,
      });
      return (receivedMessages ?? []).map(({ message, ackId, deliveryAttempt }) => ({
        text: Buffer.from(message?.data as Uint8Array).toString(),
        ackId: ackId ?? "",
        attempt: deliveryAttempt ?? 0,
      }));
    },
    acknowledge: (...ackIds) => subscriber.acknowledge({ subscription: name, ackIds }),
    modify: (seconds, ...ackIds) =>
      subscriber.modifyAckDeadline({ subscription: name, ackIds, ackDeadlineSeconds: seconds }),
    backlog: () => suite.pubsub.snapshot(client.projectId).subscriptions[0]?.backlog,
  };
}
