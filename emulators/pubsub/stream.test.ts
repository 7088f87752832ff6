import type { CreateSubscriptionOptions, Message, SubscriptionOptions } from "@google-cloud/pubsub";
import { status } from "@grpc/grpc-js";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type PubSubUnderTest, startPubSub } from "./testing.ts";

let suite: PubSubUnderTest;
beforeAll(async () => {
  suite = await startPubSub();
});
afterAll(() => suite[Symbol.asyncDispose]());

interface Subscriber extends AsyncDisposable {
  readonly project: string;
  publish(texts: readonly string[], orderingKey?: string): Promise<void>;
  /** Resolves with the next so many messages; none of them is settled. */
  next(count: number): Promise<Message[]>;
  depth(): { backlog: number; outstanding: number } | undefined;
}

/** Google's subscriber, which opens streams and settles over unary calls. */
async function subscribed(
  options: CreateSubscriptionOptions = {},
  streaming: SubscriptionOptions = {},
): Promise<Subscriber> {
  const client = suite.client();
  const [topic] = await client.createTopic("events");
  topic.setPublishOptions({ messageOrdering: true });
  await topic.createSubscription("reader", options);
  const subscription = client.subscription("reader", streaming);
  const arrived: Message[] = [];
  let wake = Promise.withResolvers<void>();
  subscription.on("message", (message: Message) => {
    arrived.push(message);
    wake.resolve();
    wake = Promise.withResolvers();
  });
  return {
    project: client.projectId,
    async publish(texts, orderingKey = "") {
      await Promise.all(texts.map((text) => topic.publishMessage({ data: Buffer.from(text), orderingKey })));
    },
    async next(count) {
      while (arrived.length < count) await wake.promise;
      return arrived.splice(0, count);
    },
    depth: () => suite.pubsub.snapshot(client.projectId).subscriptions[0],
    [Symbol.asyncDispose]: () => subscription.close(),
  };
}
const text = (message: Message): string => message.data.toString();

test("a subscriber is sent what is published, and an acknowledgement ends it", async () => {
  const reader = await subscribed();
  await reader.publish(["a", "b"]);
  const messages = await reader.next(2);
  expect(messages.map(text).sort()).toEqual(["a", "b"]);
  for (const message of messages) message.ack();
  // Closing sends what the client has gathered.
  await reader[Symbol.asyncDispose]();
  expect(reader.depth()).toMatchObject({ backlog: 0 });
});

test("what a subscriber rejects is sent again", async () => {
  await using reader = await subscribed();
  await reader.publish(["a"]);
  const [first] = await reader.next(1);
  first?.nack();
  const [again] = await reader.next(1);
  expect(again?.id).toBe(first?.id);
  await again?.ackWithResponse();
});

test("a subscriber is never sent more than it allows at once", async () => {
  await using reader = await subscribed(
    {},
    { flowControl: { maxMessages: 3 }, streamingOptions: { maxStreams: 1 } },
  );
  await reader.publish(["1", "2", "3", "4", "5"]);
  const first = await reader.next(3);
  expect(reader.depth()).toMatchObject({ backlog: 5, outstanding: 3 });
  await Promise.all(first.map((message) => message.ackWithResponse()));
  for (const message of await reader.next(2)) await message.ackWithResponse();
});

test("with exactly-once delivery the subscriber hears that its acknowledgement counts, or comes too late", async () => {
  await using reader = await subscribed({ enableExactlyOnceDelivery: true });
  await reader.publish(["a"]);
  const [first] = await reader.next(1);
  suite.kernel.clock.advance(600_000);
  const [again] = await reader.next(1);
  await expect(first?.ackWithResponse()).rejects.toMatchObject({ errorCode: "INVALID" });
  expect(await again?.ackWithResponse()).toBe("SUCCESS");
  expect(reader.depth()).toMatchObject({ backlog: 0 });
});

test("an ordering key's messages are sent in order", async () => {
  await using reader = await subscribed({ enableMessageOrdering: true });
  const numbers = Array.from({ length: 50 }, (_, index) => String(index));
  await reader.publish(numbers, "key");
  const seen: string[] = [];
  while (seen.length < numbers.length) {
    const [message] = await reader.next(1);
    seen.push(text(message as Message));
    message?.ack();
  }
  expect(seen).toEqual(numbers);
});

test("a subscriber that closes gives back what it held", async () => {
  const reader = await subscribed();
  await reader.publish(["a"]);
  await reader.next(1);
  await reader[Symbol.asyncDispose]();
  expect(reader.depth()).toMatchObject({ backlog: 1 });
});

test("streams of a subscription that is deleted end with NOT_FOUND", async () => {
  const client = suite.client();
  const [topic] = await client.createTopic("events");
  const [subscription] = await topic.createSubscription("reader");
  const failed = new Promise((resolve) => subscription.on("error", resolve));
  const arrived = new Promise((resolve) => subscription.on("message", resolve));
  await topic.publishMessage({ data: Buffer.from("a") });
  await arrived;
  await suite.subscriber.deleteSubscription({ subscription: subscription.name });
  expect(await failed).toMatchObject({ code: status.NOT_FOUND });
});

test("acknowledgements over the stream are confirmed, and keep-alives answered", async () => {
  const client = suite.client();
  const [topic] = await client.createTopic("events");
  const [{ name }] = await topic.createSubscription("reader", { enableExactlyOnceDelivery: true });
  const stream = suite.subscriber.streamingPull();
  const answers = stream[Symbol.asyncIterator]();
  const next = async () => (await answers.next()).value;
  stream.write({ subscription: name, streamAckDeadlineSeconds: 10, protocolVersion: 1 });
  expect(await next()).toMatchObject({ subscriptionProperties: { exactlyOnceDeliveryEnabled: true } });
  await topic.publishMessage({ data: Buffer.from("a") });
  const { receivedMessages } = await next();
  const ackId = receivedMessages[0].ackId;
  stream.write({ modifyDeadlineAckIds: [ackId], modifyDeadlineSeconds: [30] });
  expect(await next()).toMatchObject({ modifyAckDeadlineConfirmation: { ackIds: [ackId] } });
  stream.write({ ackIds: [ackId] });
  expect(await next()).toMatchObject({ acknowledgeConfirmation: { ackIds: [ackId] } });
  stream.write({ ackIds: [ackId] });
  expect(await next()).toMatchObject({ acknowledgeConfirmation: { invalidAckIds: [ackId] } });
  stream.write({});
  expect(await next()).toMatchObject({ subscriptionProperties: {} });
  stream.write({ modifyDeadlineAckIds: [ackId], modifyDeadlineSeconds: [] });
  await expect(next()).rejects.toMatchObject({ code: status.INVALID_ARGUMENT });
});
