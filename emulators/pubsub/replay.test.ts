import type { CreateSubscriptionOptions } from "@google-cloud/pubsub";
import { status } from "@grpc/grpc-js";
import { afterAll, beforeAll, expect, test } from "vitest";
import { protoTime } from "../kernel/proto-time.ts";
import { type PubSubUnderTest, startPubSub } from "./testing.ts";

let suite: PubSubUnderTest;
beforeAll(async () => {
  suite = await startPubSub();
});
afterAll(() => suite[Symbol.asyncDispose]());

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

async function replayed(options: CreateSubscriptionOptions = {}, topicRetentionSeconds = 0) {
  const client = suite.client();
  const name = `projects/${client.projectId}/topics/events`;
  await suite.publisher.createTopic({
    name,
    ...(topicRetentionSeconds === 0 ? {} : { messageRetentionDuration: { seconds: topicRetentionSeconds } }),
  });
  const topic = client.topic(name, { messageOrdering: true });
  const [subscription] = await topic.createSubscription("reader", options);
  return {
    client,
    topic,
    subscription,
    /** Publishes one after the other, a minute apart. */
    async publish(texts: readonly string[], orderingKey = "") {
      for (const text of texts) {
        await topic.publishMessage({ data: Buffer.from(text), orderingKey });
        suite.kernel.clock.advance(MINUTE_MS);
      }
    },
    /** Pulls what is there and acknowledges it. */
    async drain(): Promise<string[]> {
      const texts: string[] = [];
      for (;;) {
        const request = { subscription: subscription.name, maxMessages: 100, returnImmediately: true };
        const [{ receivedMessages = [] }] = await suite.subscriber.pull(request);
        if (!receivedMessages?.length) return texts;
        for (const { message } of receivedMessages) {
          texts.push(Buffer.from(message?.data as Uint8Array).toString());
        }
        const ackIds = receivedMessages.map(({ ackId }) => ackId ?? "");
        await suite.subscriber.acknowledge({ subscription: subscription.name, ackIds });
      }
    },
    seek: (target: { snapshot: string } | { timeMs: number }) =>
      suite.subscriber.seek({
        subscription: subscription.name,
        ...("snapshot" in target ? target : { time: protoTime(target.timeMs) }),
      }),
    snapshotName: (id: string) => `projects/${client.projectId}/snapshots/${id}`,
    depth: () => suite.pubsub.snapshot(client.projectId).subscriptions[0],
  };
}

test("seeking back brings back what is retained, in order", async () => {
  const reader = await replayed({ retainAckedMessages: true, enableMessageOrdering: true });
  await reader.publish(["1", "2"], "key");
  const betweenMs = suite.kernel.clock.now() - 1;
  await reader.publish(["3", "4"], "key");
  expect(await reader.drain()).toEqual(["1", "2", "3", "4"]);
  await reader.seek({ timeMs: betweenMs });
  expect(await reader.drain()).toEqual(["3", "4"]);
  await reader.seek({ timeMs: 0 });
  expect(await reader.drain()).toEqual(["1", "2", "3", "4"]);
});

test("seeking forward acknowledges what lies before, also what a subscriber holds", async () => {
  const reader = await replayed();
  await reader.publish(["1", "2"]);
  const request = { subscription: reader.subscription.name, maxMessages: 1 };
  await suite.subscriber.pull(request);
  await reader.seek({ timeMs: suite.kernel.clock.now() });
  await reader.publish(["3"]);
  expect(await reader.drain()).toEqual(["3"]);
});

test("without retention an acknowledged message doesn't come back", async () => {
  const reader = await replayed();
  await reader.publish(["1", "2"]);
  await reader.drain();
  await reader.seek({ timeMs: 0 });
  expect(await reader.drain()).toEqual([]);
});

test("a topic's retention lets a later subscription see earlier messages, through its filter", async () => {
  const reader = await replayed({}, 3600);
  await reader.topic.publishMessage({ data: Buffer.from("no"), attributes: {} });
  await reader.topic.publishMessage({ data: Buffer.from("yes"), attributes: { kind: "a" } });
  const [late] = await reader.topic.createSubscription("late", { filter: "attributes:kind" });
  expect((await late.getMetadata())[0]).toMatchObject({ topicMessageRetentionDuration: { seconds: "3600" } });
  await suite.subscriber.seek({ subscription: late.name, time: protoTime(0) });
  const [{ receivedMessages }] = await suite.subscriber.pull({ subscription: late.name, maxMessages: 10 });
  expect(receivedMessages?.map(({ message }) => message?.attributes)).toEqual([{ kind: "a" }]);
});

test("a snapshot brings back what was unacknowledged then and all that came since", async () => {
  const reader = await replayed();
  await reader.publish(["1", "2"]);
  const snapshot = reader.snapshotName("before");
  const [created] = await suite.subscriber.createSnapshot({
    name: snapshot,
    subscription: reader.subscription.name,
    labels: { a: "b" },
  });
  expect(created).toMatchObject({ name: snapshot, topic: reader.topic.name, labels: { a: "b" } });
  expect(await reader.drain()).toEqual(["1", "2"]);
  await reader.publish(["3"]);
  expect(await reader.drain()).toEqual(["3"]);
  await reader.seek({ snapshot });
  expect(await reader.drain()).toEqual(["1", "2", "3"]);
  const [other] = await reader.topic.createSubscription("other");
  await suite.subscriber.seek({ subscription: other.name, snapshot });
  expect(suite.pubsub.snapshot(reader.client.projectId).subscriptions[1]).toMatchObject({ backlog: 3 });
});

test("snapshots are listed, changed, deleted, and expire", async () => {
  const reader = await replayed();
  const names = ["one", "two"].map(reader.snapshotName);
  for (const name of names) {
    await suite.subscriber.createSnapshot({ name, subscription: reader.subscription.name });
  }
  const project = `projects/${reader.client.projectId}`;
  const list = async () => (await suite.subscriber.listSnapshots({ project }))[0].map(({ name }) => name);
  expect(await list()).toEqual(names);
  const [ofTopic] = await suite.publisher.listTopicSnapshots({ topic: reader.topic.name });
  expect(ofTopic).toEqual(names);
  const again = suite.subscriber.createSnapshot({
    name: names[0] ?? "",
    subscription: reader.subscription.name,
  });
  await expect(again).rejects.toMatchObject({ code: status.ALREADY_EXISTS });
  await suite.subscriber.updateSnapshot({
    snapshot: { name: names[0] ?? "", labels: { a: "b" } },
    updateMask: { paths: ["labels"] },
  });
  const [changed] = await suite.subscriber.getSnapshot({ snapshot: names[0] ?? "" });
  expect(changed.labels).toEqual({ a: "b" });
  await suite.subscriber.deleteSnapshot({ snapshot: names[0] ?? "" });
  expect(await list()).toEqual(names.slice(1));
  suite.kernel.clock.advance(7 * DAY_MS + MINUTE_MS);
  expect(await list()).toEqual([]);
});

test("a snapshot of too old a backlog, or of another topic, is refused", async () => {
  const reader = await replayed();
  const stranger = await replayed();
  await reader.publish(["old"]);
  const snapshot = stranger.snapshotName("other");
  await suite.subscriber.createSnapshot({ name: snapshot, subscription: stranger.subscription.name });
  await expect(reader.seek({ snapshot })).rejects.toMatchObject({ code: status.INVALID_ARGUMENT });
  suite.kernel.clock.advance(7 * DAY_MS - 50 * MINUTE_MS);
  const request = { name: reader.snapshotName("late"), subscription: reader.subscription.name };
  await expect(suite.subscriber.createSnapshot(request)).rejects.toMatchObject({
    code: status.FAILED_PRECONDITION,
  });
});

test("a message outlives its subscription's retention by no more than a minute", async () => {
  const reader = await replayed({ messageRetentionDuration: { seconds: 600 }, enableMessageOrdering: true });
  await reader.publish(["1"], "key");
  suite.kernel.clock.advance(5 * MINUTE_MS);
  await reader.publish(["2"], "key");
  expect(reader.depth()).toMatchObject({ backlog: 2 });
  suite.kernel.clock.advance(5 * MINUTE_MS);
  expect(reader.depth()).toMatchObject({ backlog: 1 });
  expect(await reader.drain()).toEqual(["2"]);
});
