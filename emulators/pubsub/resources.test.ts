import { status } from "@grpc/grpc-js";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type PubSubUnderTest, startPubSub } from "./testing.ts";

let suite: PubSubUnderTest;
beforeAll(async () => {
  suite = await startPubSub();
});
afterAll(() => suite[Symbol.asyncDispose]());

test("a topic is created once, listed in its project, changed by mask, and deleted", async () => {
  const client = suite.client();
  const [topic] = await client.createTopic("events");
  await expect(client.createTopic("events")).rejects.toMatchObject({ code: status.ALREADY_EXISTS });
  await suite.client().createTopic("events");
  expect((await client.getTopics())[0].map(({ name }) => name)).toEqual([topic.name]);
  await topic.setMetadata({ labels: { team: "a" }, messageRetentionDuration: { seconds: 600 } });
  const [metadata] = await topic.getMetadata();
  expect(metadata).toMatchObject({ labels: { team: "a" }, messageRetentionDuration: { seconds: "600" } });
  await topic.delete();
  expect(await topic.exists()).toEqual([false]);
});

test("a subscription has the service's defaults and keeps what it was given", async () => {
  const client = suite.client();
  const [topic] = await client.createTopic("events");
  const [dead] = await client.createTopic("dead");
  const [subscription] = await topic.createSubscription("reader", {
    filter: "attributes:a",
    labels: { team: "a" },
    enableMessageOrdering: true,
    retryPolicy: { minimumBackoff: { seconds: 1 } },
    deadLetterPolicy: { deadLetterTopic: dead.name },
  });
  const [metadata] = await subscription.getMetadata();
  expect(metadata).toMatchObject({
    topic: topic.name,
    ackDeadlineSeconds: 10,
    filter: "attributes:a",
    labels: { team: "a" },
    enableMessageOrdering: true,
    messageRetentionDuration: { seconds: "604800" },
    expirationPolicy: { ttl: { seconds: "2678400" } },
    retryPolicy: { minimumBackoff: { seconds: "1" }, maximumBackoff: { seconds: "600" } },
    deadLetterPolicy: { maxDeliveryAttempts: 5 },
    state: "ACTIVE",
  });
});

test("an update changes what its mask names and nothing else", async () => {
  const client = suite.client();
  const [topic] = await client.createTopic("events");
  const [{ name }] = await topic.createSubscription("reader", { ackDeadlineSeconds: 30, labels: { a: "b" } });
  const [updated] = await suite.subscriber.updateSubscription({
    subscription: { name, ackDeadlineSeconds: 60, labels: {} },
    updateMask: { paths: ["ack_deadline_seconds"] },
  });
  expect(updated).toMatchObject({ ackDeadlineSeconds: 60, labels: { a: "b" } });
  for (const paths of [[], ["topic"], ["filter"], ["enable_message_ordering"]]) {
    const update = suite.subscriber.updateSubscription({ subscription: { name }, updateMask: { paths } });
    await expect(update).rejects.toMatchObject({ code: status.INVALID_ARGUMENT });
  }
});

test("subscriptions are listed by project and by topic, page by page", async () => {
  const client = suite.client();
  const [topic] = await client.createTopic("events");
  const names = ["one", "three", "two"].map((id) => `projects/${client.projectId}/subscriptions/${id}`);
  for (const id of ["one", "two", "three"]) await topic.createSubscription(id);
  expect((await client.getSubscriptions())[0].map(({ name }) => name)).toEqual(names);
  const project = `projects/${client.projectId}`;
  const [page, , { nextPageToken }] = await suite.subscriber.listSubscriptions(
    { project, pageSize: 2 },
    { autoPaginate: false },
  );
  expect(page.map(({ name }) => name)).toEqual(names.slice(0, 2));
  const [rest] = await suite.subscriber.listSubscriptions(
    { project, pageSize: 2, pageToken: nextPageToken ?? "" },
    { autoPaginate: false },
  );
  expect(rest.map(({ name }) => name)).toEqual(names.slice(2));
  const [attached] = await topic.getSubscriptions();
  expect(attached.map(({ name }) => name)).toEqual(names);
});

test("a deleted topic leaves its subscriptions without one, and a new one doesn't adopt them", async () => {
  const client = suite.client();
  const [topic] = await client.createTopic("events");
  const [subscription] = await topic.createSubscription("reader");
  await topic.publishMessage({ data: Buffer.from("old") });
  await topic.delete();
  expect((await subscription.getMetadata())[0].topic).toBe("_deleted-topic_");
  const [again] = await client.createTopic("events");
  await again.publishMessage({ data: Buffer.from("new") });
  const request = { subscription: subscription.name, maxMessages: 10 };
  const [{ receivedMessages }] = await suite.subscriber.pull(request);
  expect(receivedMessages?.map(({ message }) => Buffer.from(message?.data as Uint8Array).toString())).toEqual(
    ["old"],
  );
});

const name = "projects/p/subscriptions/reader";
const topic = "projects/p/topics/absent";
type Refusal = [string, object, keyof typeof status];
const refusals: Refusal[] = [
  ["an unknown topic", {}, "NOT_FOUND"],
  ["a malformed name", { name: "projects/p/subscriptions/1" }, "INVALID_ARGUMENT"],
  ["a reserved name", { name: "projects/p/subscriptions/google" }, "INVALID_ARGUMENT"],
  ["a deadline of 9 s", { ackDeadlineSeconds: 9 }, "INVALID_ARGUMENT"],
  ["a deadline of 601 s", { ackDeadlineSeconds: 601 }, "INVALID_ARGUMENT"],
  ["a retention of 9 min", { messageRetentionDuration: { seconds: 540 } }, "INVALID_ARGUMENT"],
  ["a relative endpoint", { pushConfig: { pushEndpoint: "/push" } }, "INVALID_ARGUMENT"],
  ["a bad filter", { filter: "kind = a" }, "INVALID_ARGUMENT"],
  [
    "backoffs the wrong way round",
    { retryPolicy: { minimumBackoff: { seconds: 60 }, maximumBackoff: { seconds: 1 } } },
    "INVALID_ARGUMENT",
  ],
  [
    "4 delivery attempts",
    { deadLetterPolicy: { deadLetterTopic: topic, maxDeliveryAttempts: 4 } },
    "INVALID_ARGUMENT",
  ],
  [
    "exactly-once pushes",
    { enableExactlyOnceDelivery: true, pushConfig: { pushEndpoint: "http://127.0.0.1/" } },
    "INVALID_ARGUMENT",
  ],
  ["an export to BigQuery", { bigqueryConfig: { table: "a.b.c" } }, "UNIMPLEMENTED"],
  ["a transform", { messageTransforms: [{ javascriptUdf: { functionName: "f" } }] }, "UNIMPLEMENTED"],
];
test.each(refusals)("a subscription with %s is refused", async (_, fields, code) => {
  const create = suite.subscriber.createSubscription({ name, topic, ...fields });
  await expect(create).rejects.toMatchObject({ code: status[code] });
});

test("a message beyond a limit is refused with its whole request", async () => {
  const client = suite.client();
  const [created] = await client.createTopic("events");
  // The stub below the client: the client divides messages among requests that are within the limits.
  await suite.publisher.initialize();
  const stub = (await suite.publisher.publisherStub) as unknown as {
    publish(request: object, done: (error: Error | null, answer: { messageIds: string[] }) => void): void;
  };
  const publish = (...messages: object[]) =>
    new Promise<{ messageIds: string[] }>((resolve, reject) => {
      stub.publish({ topic: created.name, messages }, (error, answer) =>
        error === null ? resolve(answer) : reject(error),
      );
    });
  const data = Buffer.from("x");
  const attributes = Object.fromEntries(Array.from({ length: 101 }, (_, index) => [`k${index}`, "v"]));
  for (const messages of [
    [],
    [{}],
    [{ data }, { data: Buffer.alloc(10_000_001) }],
    [{ data: Buffer.alloc(6_000_000) }, { data: Buffer.alloc(6_000_000) }],
    Array.from({ length: 1001 }, () => ({ data })),
    [{ data, attributes }],
    [{ data, attributes: { "": "v" } }],
    [{ data, attributes: { ["k".repeat(257)]: "v" } }],
    [{ data, attributes: { k: "v".repeat(1025) } }],
    [{ data, attributes: { googKey: "v" } }],
    [{ data, orderingKey: "k".repeat(1025) }],
    [
      { data, orderingKey: "a" },
      { data, orderingKey: "b" },
    ],
  ]) {
    await expect(publish(...messages)).rejects.toMatchObject({ code: status.INVALID_ARGUMENT });
  }
  const { messageIds } = await publish({ attributes: { k: "v" } }, { data: Buffer.alloc(1_000_000) });
  expect(new Set(messageIds).size).toBe(2);
});

test("publishing to a topic that doesn't exist fails", async () => {
  const publish = suite.publisher.publish({ topic, messages: [{ data: Buffer.from("x") }] });
  await expect(publish).rejects.toMatchObject({ code: status.NOT_FOUND });
});

test("what isn't served says so", async () => {
  const client = suite.client();
  const kmsKeyName = "projects/p/locations/l/keyRings/r/cryptoKeys/k";
  await expect(client.createTopic({ name: "with-key", kmsKeyName })).rejects.toMatchObject({
    code: status.UNIMPLEMENTED,
  });
});
