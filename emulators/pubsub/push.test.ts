import type { CreateSubscriptionOptions, Topic } from "@google-cloud/pubsub";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { type PubSubUnderTest, pushBody, pushedTexts, startPubSub } from "./testing.ts";

let suite: PubSubUnderTest;
beforeAll(async () => {
  suite = await startPubSub();
});
beforeEach(() => {
  suite.target.answer(200);
  suite.target.received.length = 0;
});
afterAll(() => suite[Symbol.asyncDispose]());

interface Pushed {
  readonly topic: Topic;
  readonly project: string;
  readonly subscription: string;
  idle(): Promise<void>;
}

/** A topic with a push subscription, in a project of its own. */
async function pushed(options: CreateSubscriptionOptions = {}): Promise<Pushed> {
  const client = suite.client();
  const project = client.projectId;
  const [topic] = await client.createTopic("events");
  const [subscription] = await topic.createSubscription("to-function", {
    pushConfig: { pushEndpoint: `${suite.target.url}/on-event` },
    ...options,
  });
  return { topic, project, subscription: subscription.name, idle: () => suite.pubsub.idle(project) };
}
const publish = (topic: Topic, text: string) => topic.publishMessage({ data: Buffer.from(text) });
const seconds = (count: number) => ({ seconds: count, nanos: 0 });

test("a published message is pushed in Google's format", async () => {
  const { topic, project, subscription, idle } = await pushed();
  const id = await topic.publishMessage({
    data: Buffer.from("hello"),
    attributes: { kind: "a", requestId: "r7" },
  });
  await idle();
  expect(suite.target.received).toHaveLength(1);
  const [request] = suite.target.received;
  expect(request).toMatchObject({ method: "POST", path: "/on-event" });
  expect(request?.headers["content-type"]).toBe("application/json");
  expect(request?.headers.authorization).toBeUndefined();
  const { publishTime } = pushBody(request).message;
  expect(pushBody(request)).toEqual({
    message: {
      data: Buffer.from("hello").toString("base64"),
      attributes: { kind: "a", requestId: "r7" },
      messageId: id,
      message_id: id,
      publishTime,
      publish_time: publishTime,
    },
    subscription,
  });
  expect(suite.kernel.meter.read({ project }).publishes).toBe(1);
  expect(suite.kernel.meter.read({ requestId: "r7" }).rpcs).toEqual({ "pubsub.Push": 1 });
});

test("a push carries an identity token, for the endpoint unless an audience is given", async () => {
  const email = "push@demo.iam.gserviceaccount.com";
  const pushEndpoint = `${suite.target.url}/on-event`;
  for (const audience of [undefined, "the-function"]) {
    const oidcToken = { serviceAccountEmail: email, ...(audience === undefined ? {} : { audience }) };
    const { topic, idle } = await pushed({ pushConfig: { pushEndpoint, oidcToken } });
    await publish(topic, "x");
    await idle();
    const token = suite.target.received.at(-1)?.headers.authorization?.replace("Bearer ", "") ?? "";
    expect(JSON.parse(token)).toEqual({ email, audience: audience ?? pushEndpoint });
  }
});

test.each([102, 200, 201, 202, 204])("%i acknowledges", async (status) => {
  const { topic, project, idle } = await pushed();
  suite.target.answer((_, response) => {
    if (status === 102) response.writeProcessing();
    response.writeHead(status === 102 ? 200 : status).end();
  });
  await publish(topic, "x");
  await idle();
  expect(suite.pubsub.snapshot(project).subscriptions[0]).toMatchObject({ backlog: 0 });
});

test("a failed push is repeated after the retry policy's backoff, which doubles", async () => {
  const retryPolicy = { minimumBackoff: seconds(10), maximumBackoff: seconds(30) };
  const { topic, idle } = await pushed({ retryPolicy });
  suite.target.answer(500);
  await publish(topic, "x");
  await idle();
  let arrived = 1;
  for (const waitSeconds of [10, 20, 30, 30]) {
    suite.kernel.clock.advance(waitSeconds * 1000 - 500);
    await idle();
    expect(suite.target.received).toHaveLength(arrived);
    suite.kernel.clock.advance(500);
    await idle();
    arrived += 1;
    expect(suite.target.received).toHaveLength(arrived);
  }
});

test("without a retry policy the subscription pauses as a whole, from 100 ms on", async () => {
  const { topic, idle } = await pushed();
  suite.target.answer(500);
  await publish(topic, "poison");
  await idle();
  suite.target.answer(200);
  await publish(topic, "healthy");
  await idle();
  expect(pushedTexts(suite.target.received)).toEqual(["poison"]);
  suite.kernel.clock.advance(100);
  await idle();
  expect(pushedTexts(suite.target.received).slice(1).sort()).toEqual(["healthy", "poison"]);
});

test("with a retry policy a poison message doesn't hold up its neighbours", async () => {
  const { topic, project, idle } = await pushed({ retryPolicy: { minimumBackoff: seconds(10) } });
  suite.target.answer((request, response) => {
    response.writeHead(pushedTexts([request])[0] === "poison" ? 500 : 200).end();
  });
  await Promise.all(["a", "poison", "b", "c"].map((text) => publish(topic, text)));
  await idle();
  expect(pushedTexts(suite.target.received).sort()).toEqual(["a", "b", "c", "poison"]);
  expect(suite.pubsub.snapshot(project).subscriptions[0]).toMatchObject({ backlog: 1, outstanding: 0 });
});

test("a message that keeps failing goes to the dead letter topic, with where it comes from", async () => {
  const client = suite.client();
  const [topic] = await client.createTopic("events");
  const [deadLetters] = await client.createTopic("dead-letters");
  const [inspection] = await deadLetters.createSubscription("inspection");
  await topic.createSubscription("to-function", {
    pushConfig: { pushEndpoint: suite.target.url },
    retryPolicy: { minimumBackoff: seconds(1), maximumBackoff: seconds(1) },
    deadLetterPolicy: { deadLetterTopic: deadLetters.name, maxDeliveryAttempts: 5 },
  });
  suite.target.answer(500);
  const id = await topic.publishMessage({ data: Buffer.from("poison"), attributes: { kind: "a" } });
  for (let attempt = 1; attempt <= 7; attempt += 1) {
    await suite.pubsub.idle(client.projectId);
    suite.kernel.clock.advance(1000);
  }
  expect(suite.target.received.map((request) => pushBody(request).deliveryAttempt)).toEqual([1, 2, 3, 4, 5]);

  const forwarded = await new Promise<{ data: Buffer; attributes: object }>((resolve) => {
    inspection.on("message", (message) => {
      message.ack();
      resolve(message);
    });
  });
  expect(forwarded.data.toString()).toBe("poison");
  expect(forwarded.attributes).toEqual({
    kind: "a",
    CloudPubSubDeadLetterSourceDeliveryCount: "5",
    CloudPubSubDeadLetterSourceDeliveryErrorMessage: "The endpoint answered 500.",
    CloudPubSubDeadLetterSourceSubscription: "to-function",
    CloudPubSubDeadLetterSourceSubscriptionProject: client.projectId,
    CloudPubSubDeadLetterSourceTopicPublishTime: expect.stringMatching(/Z$/),
  });
  const { subscriptions, deadLetters: records } = suite.pubsub.snapshot(client.projectId);
  expect(subscriptions.find(({ name }) => name.endsWith("to-function"))).toMatchObject({ backlog: 0 });
  expect(records).toMatchObject([{ messageId: id, attempts: 5, deadLetterTopic: deadLetters.name }]);
});

test("a push that outlasts the acknowledgement deadline counts as failed", async () => {
  const { topic, project, idle } = await pushed({
    ackDeadlineSeconds: 20,
    retryPolicy: { minimumBackoff: seconds(10) },
  });
  const aborted = new Promise((resolve) => {
    suite.target.answer((_, response) => response.on("close", resolve));
  });
  await publish(topic, "x");
  await suite.target.arrived(1);
  suite.kernel.clock.advance(20_000);
  await aborted;
  await idle();
  expect(suite.pubsub.snapshot(project).subscriptions[0]).toMatchObject({ backlog: 1, outstanding: 0 });
  suite.target.answer(200);
  suite.kernel.clock.advance(10_000);
  await idle();
  expect(suite.pubsub.snapshot(project).subscriptions[0]).toMatchObject({ backlog: 0 });
});

test.each([
  { kind: "before", arrivals: 1 },
  { kind: "drop", arrivals: 1 },
  { kind: "after", arrivals: 2 },
  { kind: "twice", arrivals: 2 },
  { kind: "hang", arrivals: 1 },
  { kind: "slow", ms: 5000, arrivals: 1 },
] as const)("a push under '$kind' arrives in the end", async ({ kind, arrivals, ...plan }) => {
  const { topic, subscription, project, idle } = await pushed({ ackDeadlineSeconds: 10 });
  suite.kernel.faults.add({ service: "pubsub", method: "Push", match: subscription, kind, ...plan });
  await publish(topic, "x");
  if (kind === "hang") suite.kernel.clock.advance(10_000);
  if (kind === "slow") suite.kernel.clock.advance(5_000);
  await idle();
  suite.kernel.clock.advance(100);
  await idle();
  expect(suite.target.received).toHaveLength(arrivals);
  expect(suite.pubsub.snapshot(project).subscriptions[0]).toMatchObject({ backlog: 0 });
});

test("a filter lets through what it matches and forgets the rest", async () => {
  const { topic, project, idle } = await pushed({ filter: 'attributes.kind = "a" AND NOT attributes:skip' });
  await topic.publishMessage({ data: Buffer.from("1"), attributes: { kind: "a" } });
  await topic.publishMessage({ data: Buffer.from("2"), attributes: { kind: "b" } });
  await topic.publishMessage({ data: Buffer.from("3"), attributes: { kind: "a", skip: "" } });
  await idle();
  expect(pushedTexts(suite.target.received)).toEqual(["1"]);
  expect(suite.pubsub.snapshot(project).subscriptions[0]).toMatchObject({ backlog: 0 });
});

test("messages of an ordering key are pushed one by one, in order, also over failures", async () => {
  const client = suite.client();
  const [topic] = await client.createTopic("events");
  topic.setPublishOptions({ messageOrdering: true });
  const retryPolicy = { minimumBackoff: seconds(1), maximumBackoff: seconds(1) };
  await topic.createSubscription("to-function", {
    pushConfig: { pushEndpoint: suite.target.url },
    enableMessageOrdering: true,
    retryPolicy,
  });
  let failures = 2;
  const running = new Map<string, number>();
  let most = 0;
  suite.target.answer((request, response) => {
    const key = pushBody(request).message.orderingKey ?? "";
    running.set(key, (running.get(key) ?? 0) + 1);
    most = Math.max(most, running.get(key) ?? 0);
    setImmediate(() => {
      running.set(key, (running.get(key) ?? 0) - 1);
      const fails = key === "a" && pushedTexts([request])[0] === "a2" && failures-- > 0;
      response.writeHead(fails ? 500 : 200).end();
    });
  });
  const texts = [1, 2, 3, 4, 5].flatMap((index) => [`a${index}`, `b${index}`]);
  await Promise.all(
    texts.map((text) => topic.publishMessage({ data: Buffer.from(text), orderingKey: text[0] as string })),
  );
  await suite.pubsub.idle(client.projectId);
  const seen = (key: string) => pushedTexts(suite.target.received).filter((text) => text.startsWith(key));
  expect(seen("b")).toEqual(["b1", "b2", "b3", "b4", "b5"]);
  expect(seen("a")).toEqual(["a1", "a2"]);
  for (let round = 0; round < 2; round += 1) {
    suite.kernel.clock.advance(1000);
    await suite.pubsub.idle(client.projectId);
  }
  expect(seen("a")).toEqual(["a1", "a2", "a2", "a2", "a3", "a4", "a5"]);
  expect(most).toBe(1);
});

test("an unwrapped push has the data as body and, if asked, the rest as headers", async () => {
  const pushEndpoint = `${suite.target.url}/raw`;
  const { topic, subscription, idle } = await pushed({
    pushConfig: { pushEndpoint, noWrapper: { writeMetadata: true } },
  });
  const id = await topic.publishMessage({
    data: Buffer.from('{"a":1}'),
    attributes: { "Content-Type": "application/json", kind: "a", "no header": "x", host: "evil" },
  });
  await idle();
  const [request] = suite.target.received;
  expect(request?.body.toString()).toBe('{"a":1}');
  expect(request?.headers).toMatchObject({
    "content-type": "application/json",
    kind: "a",
    host: suite.target.url.replace("http://", ""),
    "x-goog-pubsub-subscription-name": subscription,
    "x-goog-pubsub-message-id": id,
  });
});

test("no more than the window is pushed at once, and the window grows with success", async () => {
  const { topic, project } = await pushed();
  const answers: (() => void)[] = [];
  suite.target.answer((_, response) => answers.push(() => response.end()));
  await Promise.all(Array.from({ length: 40 }, (_, index) => publish(topic, String(index))));
  await suite.target.arrived(10);
  expect(suite.pubsub.snapshot(project).subscriptions[0]).toMatchObject({ outstanding: 10, backlog: 40 });
  for (const answer of answers.splice(0)) answer();
  await suite.target.arrived(30);
  expect(suite.pubsub.snapshot(project).subscriptions[0]).toMatchObject({ outstanding: 20, backlog: 30 });
  suite.target.answer(200);
  for (const answer of answers) answer();
  await suite.pubsub.idle(project);
  expect(suite.target.received).toHaveLength(40);
});

test("a subscription whose endpoint is taken away keeps its messages until it has one again", async () => {
  const { topic, project, subscription, idle } = await pushed();
  const client = suite.client(project);
  await client.subscription(subscription).modifyPushConfig({});
  await publish(topic, "x");
  await idle();
  expect(suite.target.received).toHaveLength(0);
  await client.subscription(subscription).modifyPushConfig({ pushEndpoint: suite.target.url });
  await idle();
  expect(pushedTexts(suite.target.received)).toEqual(["x"]);
});
