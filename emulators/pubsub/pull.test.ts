import type { CreateSubscriptionOptions } from "@google-cloud/pubsub";
import { status } from "@grpc/grpc-js";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type PubSubUnderTest, startPubSub } from "./testing.ts";

let suite: PubSubUnderTest;
beforeAll(async () => {
  suite = await startPubSub();
});
afterAll(() => suite[Symbol.asyncDispose]());

interface Given {
  readonly text: string;
  readonly ackId: string;
  readonly attempt: number;
}

/** A topic with a subscription that is pulled by hand. */
async function pulled(options: CreateSubscriptionOptions = {}) {
  const client = suite.client();
  const [topic] = await client.createTopic("events");
  topic.setPublishOptions({ messageOrdering: true });
  const [{ name }] = await topic.createSubscription("reader", options);
  return {
    client,
    topic,
    name,
    async publish(texts: readonly string[], orderingKey = "") {
      await Promise.all(texts.map((text) => topic.publishMessage({ data: Buffer.from(text), orderingKey })));
    },
    /** What is there now. */
    async pull(maxMessages = 100): Promise<Given[]> {
      const request = { subscription: name, maxMessages, returnImmediately: true };
      const [{ receivedMessages }] = await suite.subscriber.pull(request);
      return (receivedMessages ?? []).map(({ message, ackId, deliveryAttempt }) => ({
        text: Buffer.from(message?.data as Uint8Array).toString(),
        ackId: ackId ?? "",
        attempt: deliveryAttempt ?? 0,
      }));
    },
    acknowledge: (...given: Given[]) =>
      suite.subscriber.acknowledge({ subscription: name, ackIds: given.map(({ ackId }) => ackId) }),
    modify: (ackDeadlineSeconds: number, ...given: Given[]) =>
      suite.subscriber.modifyAckDeadline({
        subscription: name,
        ackIds: given.map(({ ackId }) => ackId),
        ackDeadlineSeconds,
      }),
    depth: () => suite.pubsub.snapshot(client.projectId).subscriptions[0],
  };
}
const texts = (given: readonly Given[]): string[] => given.map(({ text }) => text);
const only = (given: readonly Given[]): Given => {
  expect(given).toHaveLength(1);
  return given[0] as Given;
};

test("a pulled message is gone once it is acknowledged", async () => {
  const reader = await pulled();
  await reader.publish(["a", "b", "c"]);
  const given = await reader.pull(2);
  expect(given).toHaveLength(2);
  await reader.acknowledge(...given);
  expect(reader.depth()).toMatchObject({ backlog: 1, outstanding: 0 });
  await reader.acknowledge(only(await reader.pull()));
  expect(reader.depth()).toMatchObject({ backlog: 0 });
  await reader.acknowledge(...given);
});

test("a Pull waits for a first message", async () => {
  const reader = await pulled();
  const pull = suite.subscriber.pull({ subscription: reader.name, maxMessages: 5 });
  await reader.publish(["late"]);
  const [{ receivedMessages }] = await pull;
  expect(receivedMessages).toHaveLength(1);
});

test("a message comes again once its deadline has passed, and not before", async () => {
  const reader = await pulled({ ackDeadlineSeconds: 20 });
  await reader.publish(["a"]);
  await reader.pull();
  suite.kernel.clock.advance(19_000);
  expect(await reader.pull()).toEqual([]);
  suite.kernel.clock.advance(1_000);
  await suite.pubsub.idle(reader.client.projectId);
  only(await reader.pull());
});

test("a deadline can be moved, and 0 gives the message back", async () => {
  const reader = await pulled();
  await reader.publish(["a"]);
  const given = only(await reader.pull());
  await reader.modify(600, given);
  suite.kernel.clock.advance(599_000);
  await suite.pubsub.idle(reader.client.projectId);
  expect(await reader.pull()).toEqual([]);
  await reader.modify(0, given);
  only(await reader.pull());
  await expect(reader.modify(601, given)).rejects.toMatchObject({ code: status.INVALID_ARGUMENT });
});

test("without exactly-once delivery a late acknowledgement still counts", async () => {
  const reader = await pulled();
  await reader.publish(["a"]);
  const given = only(await reader.pull());
  suite.kernel.clock.advance(10_000);
  await suite.pubsub.idle(reader.client.projectId);
  await reader.acknowledge(given);
  expect(await reader.pull()).toEqual([]);
});

test("attempts are counted where there is a dead letter policy, and the last one forwards", async () => {
  const client = suite.client();
  const [topic] = await client.createTopic("events");
  const [dead] = await client.createTopic("dead");
  await dead.createSubscription("inspection");
  const [{ name }] = await topic.createSubscription("reader", {
    deadLetterPolicy: { deadLetterTopic: dead.name, maxDeliveryAttempts: 5 },
  });
  await topic.publishMessage({ data: Buffer.from("a") });
  const attempts: number[] = [];
  for (let attempt = 1; attempt <= 5; attempt += 1) {
    const [{ receivedMessages }] = await suite.subscriber.pull({ subscription: name, maxMessages: 1 });
    attempts.push(receivedMessages?.[0]?.deliveryAttempt ?? 0);
    const ackIds = [receivedMessages?.[0]?.ackId ?? ""];
    await suite.subscriber.modifyAckDeadline({ subscription: name, ackIds, ackDeadlineSeconds: 0 });
  }
  expect(attempts).toEqual([1, 2, 3, 4, 5]);
  const backlogs = suite.pubsub.snapshot(client.projectId).subscriptions.map(({ backlog }) => backlog);
  expect(backlogs).toEqual([1, 0]);
});

test("a retry policy delays what was given back", async () => {
  const seconds = (count: number) => ({ seconds: count });
  const retryPolicy = { minimumBackoff: seconds(10), maximumBackoff: seconds(20) };
  const reader = await pulled({ retryPolicy });
  await reader.publish(["a"]);
  for (const waitSeconds of [10, 20, 20]) {
    await reader.modify(0, only(await reader.pull()));
    suite.kernel.clock.advance(waitSeconds * 1000 - 200);
    expect(await reader.pull()).toEqual([]);
    suite.kernel.clock.advance(200);
  }
});

test("an ordering key's messages come in order, together, and again from the one that failed", async () => {
  const reader = await pulled({ enableMessageOrdering: true });
  await reader.publish(["1", "2", "3", "4"], "key");
  const given = await reader.pull(3);
  expect(texts(given)).toEqual(["1", "2", "3"]);
  // The fourth waits for those before it.
  expect(await reader.pull()).toEqual([]);
  const [first, second, third] = given as [Given, Given, Given];
  await reader.acknowledge(first, third);
  await reader.modify(0, second);
  const again = await reader.pull();
  expect(texts(again)).toEqual(["2", "3", "4"]);
  await reader.acknowledge(...again);
  expect(reader.depth()).toMatchObject({ backlog: 0 });
});

test("an acknowledgement out of order waits for the earlier ones", async () => {
  const reader = await pulled({ enableMessageOrdering: true });
  await reader.publish(["1", "2", "3"], "key");
  const [first, second, third] = (await reader.pull(3)) as [Given, Given, Given];
  await reader.acknowledge(second, third);
  expect(reader.depth()).toMatchObject({ outstanding: 1 });
  await reader.acknowledge(first);
  expect(reader.depth()).toMatchObject({ backlog: 0 });
});

test("ordering keys don't wait for each other, and messages without a key for nobody", async () => {
  const reader = await pulled({ enableMessageOrdering: true });
  await reader.publish(["a1", "a2"], "a");
  expect(texts(await reader.pull(1))).toEqual(["a1"]);
  await reader.publish(["b1", "b2"], "b");
  await reader.publish(["-"]);
  expect(texts(await reader.pull()).sort()).toEqual(["-", "b1", "b2"]);
});

test("with exactly-once delivery an acknowledgement after the deadline fails and says which", async () => {
  const reader = await pulled({ enableExactlyOnceDelivery: true });
  await reader.publish(["a", "b"]);
  const [late, timely] = (await reader.pull()) as [Given, Given];
  await reader.modify(60, timely);
  suite.kernel.clock.advance(10_000);
  await expect(reader.acknowledge(late, timely)).rejects.toMatchObject({
    code: status.FAILED_PRECONDITION,
    errorInfoMetadata: { [late.ackId]: "PERMANENT_FAILURE_INVALID_ACK_ID" },
  });
  // The valid one has been acknowledged all the same.
  expect(texts(await reader.pull())).toEqual([late.text]);
  await expect(reader.modify(10, timely)).rejects.toMatchObject({ code: status.FAILED_PRECONDITION });
});

test("a malformed acknowledgement id is refused", async () => {
  const reader = await pulled();
  const request = { subscription: reader.name, ackIds: ["nonsense"] };
  await expect(suite.subscriber.acknowledge(request)).rejects.toMatchObject({
    code: status.INVALID_ARGUMENT,
  });
});

test("a push subscription, a detached one and an unknown one can't be pulled", async () => {
  const reader = await pulled();
  await reader.publish(["a"]);
  await reader.client.detachSubscription("reader");
  await expect(reader.pull()).rejects.toMatchObject({ code: status.FAILED_PRECONDITION });
  expect(reader.depth()).toMatchObject({ backlog: 0 });
  const pushed = await pulled({ pushConfig: { pushEndpoint: "http://127.0.0.1:1/" } });
  await expect(pushed.pull()).rejects.toMatchObject({ code: status.FAILED_PRECONDITION });
  const unknown = { subscription: "projects/none/subscriptions/none", maxMessages: 1 };
  await expect(suite.subscriber.pull(unknown)).rejects.toMatchObject({ code: status.NOT_FOUND });
});
