import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { status } from "@grpc/grpc-js";
import { afterEach, beforeEach, expect, test } from "vitest";
import { DISK_RETRY_MS } from "../kernel/insistent-write.ts";
import { refuseFlushes } from "../kernel/testing/refusing-file.ts";
import { type PubSubUnderTest, pushedTexts, startPubSub } from "./testing.ts";

let folder: string;
let suite: PubSubUnderTest;
const topic = "projects/full/topics/events";
const subscription = "projects/full/subscriptions/reader";

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "pubsub-"));
  suite = await startPubSub(join(folder, "pubsub.sqlite"));
  await suite.publisher.createTopic({ name: topic });
});
afterEach(async () => {
  await suite[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

const refuse = (): (() => void) =>
  refuseFlushes(join(folder, "pubsub.sqlite"), ["messages", "deliveries", "subscriptions"]);

/** Google's client would publish again by itself; here each answer counts. */
const publish = (text: string): Promise<unknown> =>
  suite.publisher.publish({ topic, messages: [{ data: Buffer.from(text) }] }, { retry: { retryCodes: [] } });

async function pull(returnImmediately = true): Promise<{ text: string; ackId: string }[]> {
  const request = { subscription, maxMessages: 10, returnImmediately };
  const [{ receivedMessages }] = await suite.subscriber.pull(request, { retry: { retryCodes: [] } });
  return (receivedMessages ?? []).map(({ message, ackId }) => ({
    text: Buffer.from(message?.data as Uint8Array).toString(),
    ackId: ackId ?? "",
  }));
}

test("what the disk refuses is answered with UNAVAILABLE, and what was there before is delivered later", async () => {
  await suite.subscriber.createSubscription({ name: subscription, topic, enableExactlyOnceDelivery: true });
  await publish("before");
  const accept = refuse();
  await expect(publish("refused")).rejects.toMatchObject({ code: status.UNAVAILABLE });
  await expect(pull()).rejects.toMatchObject({ code: status.UNAVAILABLE });
  const other = { name: `${subscription}2`, topic };
  await expect(
    suite.subscriber.createSubscription(other, { retry: { retryCodes: [] } }),
  ).rejects.toMatchObject({ code: status.UNAVAILABLE });
  await expect(suite.subscriber.getSubscription({ subscription: other.name })).rejects.toMatchObject({
    code: status.NOT_FOUND,
  });
  accept();
  const received = await pull();
  expect(received.map(({ text }) => text)).toEqual(["before"]);
  await suite.subscriber.acknowledge({ subscription, ackIds: received.map(({ ackId }) => ackId) });
  expect(suite.pubsub.snapshot("full").subscriptions).toMatchObject([{ name: subscription, backlog: 0 }]);
});

test("a stream is sent nothing on a lease that the disk refused, and everything once after that", async () => {
  await suite.subscriber.createSubscription({ name: subscription, topic });
  await publish("before");
  const accept = refuse();
  const reader = suite.client("full").subscription("reader");
  const texts: string[] = [];
  const acknowledged = new Promise<void>((resolve) =>
    reader.on("message", (message) => {
      texts.push(message.data.toString());
      message.ack();
      resolve();
    }),
  );
  await expect(pull()).rejects.toMatchObject({ code: status.UNAVAILABLE });
  expect(texts).toEqual([]);
  accept();
  suite.kernel.clock.advance(DISK_RETRY_MS);
  await acknowledged;
  await reader.close();
  expect(texts).toEqual(["before"]);
});

test("a push that is answered while the disk refuses counts once there is space, and is not made again", async () => {
  const answers: (() => void)[] = [];
  suite.target.answer((_, response) => answers.push(() => response.end()));
  const pushConfig = { pushEndpoint: suite.target.url };
  await suite.subscriber.createSubscription({ name: subscription, topic, pushConfig });
  await publish("one");
  await suite.target.arrived(1);
  const accept = refuse();
  for (const answer of answers) answer();
  await expect(publish("refused")).rejects.toMatchObject({ code: status.UNAVAILABLE });
  accept();
  suite.kernel.clock.advance(DISK_RETRY_MS);
  await suite.pubsub.idle("full");
  suite.target.answer(200);
  await publish("two");
  await suite.pubsub.idle("full");
  expect(pushedTexts(suite.target.received)).toEqual(["one", "two"]);
  expect(suite.pubsub.snapshot("full").subscriptions).toMatchObject([{ backlog: 0 }]);
});
