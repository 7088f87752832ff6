import { type Message, PubSub, type Subscription } from "@google-cloud/pubsub";
import { status } from "@grpc/grpc-js";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type PubSubUnderTest, startPubSub } from "./testing.ts";

let suite: PubSubUnderTest;
beforeAll(async () => {
  suite = await startPubSub();
});
afterAll(() => suite[Symbol.asyncDispose]());

/** Collects what arrives, in the order of arrival, and acknowledges it. */
function collect(subscription: Subscription, onArrival: () => void = () => undefined): string[] {
  const texts: string[] = [];
  subscription.on("message", (message: Message) => {
    texts.push(message.data.toString());
    message.ack();
    onArrival();
  });
  return texts;
}

/** Resolves once it has been called so often. */
function countdown(count: number): { readonly called: () => void; readonly reached: Promise<void> } {
  const { promise: reached, resolve } = Promise.withResolvers<void>();
  let left = count;
  const called = (): void => {
    left -= 1;
    if (left === 0) resolve();
  };
  return { called, reached };
}

const data = (text: string) => ({ data: Buffer.from(text) });

test("Google's client finds the emulator by the variable, with the project it is given", async () => {
  process.env["PUBSUB_EMULATOR_HOST"] = suite.address;
  const client = new PubSub({ projectId: "found-by-variable" });
  const [topic] = await client.createTopic("events");
  expect(topic.name).toBe("projects/found-by-variable/topics/events");
  await client.close();
  delete process.env["PUBSUB_EMULATOR_HOST"];
});

test.each(["p", "My_Project", "example.com:team-1", "123456"])(
  "the project %s needs no setting up",
  async (id) => {
    const client = suite.client(id);
    const [topic] = await client.createTopic("events");
    await topic.createSubscription("reader");
    expect((await client.getSubscriptions())[0].map(({ name }) => name)).toEqual([
      `projects/${id}/subscriptions/reader`,
    ]);
  },
);

test("every subscription gets every message, and the subscribers of one share them", async () => {
  const [topic] = await suite.client().createTopic("shared");
  const [alone] = await topic.createSubscription("alone");
  await topic.createSubscription("shared");
  const options = {
    flowControl: { maxMessages: 1, allowExcessMessages: false },
    streamingOptions: { maxStreams: 1 },
  };
  const sharers = [1, 2].map(() => topic.subscription("shared", options));
  const arrivals = countdown(40);
  const everything = collect(alone, arrivals.called);
  const shares = sharers.map((sharer) => collect(sharer, arrivals.called));
  const sent = Array.from({ length: 20 }, (_, index) => String(index));
  await Promise.all(sent.map((text) => topic.publishMessage(data(text))));
  await arrivals.reached;
  expect(everything.toSorted()).toEqual(sent.toSorted());
  expect(shares.flat().toSorted()).toEqual(sent.toSorted());
  expect(Math.min(...shares.map(({ length }) => length))).toBeGreaterThan(0);
  await Promise.all([alone, ...sharers].map((each) => each.close()));
});

test("after a failed publish an ordering key stands still until it is resumed", async () => {
  const client = suite.client();
  const [created] = await client.createTopic("ordered");
  const [subscription] = await created.createSubscription("ordered", { enableMessageOrdering: true });
  const topic = client.topic("ordered", { messageOrdering: true });
  const publish = (text: string) => topic.publishMessage({ ...data(text), orderingKey: "k" });
  await publish("1");
  suite.kernel.faults.add({
    service: "pubsub",
    method: "Publish",
    match: created.name,
    kind: "before",
    code: "PERMISSION_DENIED",
  });
  topic.setPublishOptions({ batching: { maxMessages: 1 }, messageOrdering: true });
  const outcomes = await Promise.allSettled([publish("lost"), publish("held back")]);
  expect(outcomes).toMatchObject([
    { status: "rejected", reason: { code: status.PERMISSION_DENIED } },
    { status: "rejected" },
  ]);
  topic.resumePublishing("k");
  await publish("2");
  const arrivals = countdown(2);
  const texts = collect(subscription, arrivals.called);
  await arrivals.reached;
  expect(texts).toEqual(["1", "2"]);
  await subscription.close();
});

test("nine megabytes arrive as they were sent", async () => {
  const [topic] = await suite.client().createTopic("large");
  const [subscription] = await topic.createSubscription("large");
  const bytes = Buffer.alloc(9_000_000, "0123456789");
  await topic.publishMessage({ data: bytes });
  const message = await new Promise<Message>((resolve) => subscription.once("message", resolve));
  expect(message.data.equals(bytes)).toBe(true);
  await subscription.close();
});

test("a subscription that isn't there fails the subscriber with NOT_FOUND", async () => {
  const subscription = suite.client().subscription("nowhere");
  const failed = new Promise((resolve) => subscription.on("error", resolve));
  subscription.on("message", () => undefined);
  expect(await failed).toMatchObject({ code: status.NOT_FOUND });
  await subscription.close();
});
