import { afterAll, beforeAll, expect, test } from "vitest";
import { type PubSubUnderTest, pushedTexts, startPubSub } from "./testing.ts";

const MESSAGES = 200;

let suite: PubSubUnderTest;
beforeAll(async () => {
  suite = await startPubSub();
});
afterAll(() => suite[Symbol.asyncDispose]());

async function pushMany(withPhysics: boolean): Promise<string[]> {
  const client = suite.client();
  if (withPhysics) suite.kernel.physics.turnOn(client.projectId);
  suite.target.received.length = 0;
  const [topic] = await client.createTopic("events");
  await topic.createSubscription("to-function", {
    pushConfig: { pushEndpoint: `${suite.target.url}/on-event` },
  });
  const texts = Array.from({ length: MESSAGES }, (_, index) => `message ${index}`);
  await Promise.all(texts.map((text) => topic.publishMessage({ data: Buffer.from(text) })));
  await suite.pubsub.idle(client.projectId);
  const pushed = pushedTexts(suite.target.received);
  expect(new Set(pushed)).toEqual(new Set(texts));
  return pushed;
}

test("with physics a few acknowledged pushes come again", async () => {
  const doubled = (await pushMany(true)).length - MESSAGES;
  expect(doubled).toBeGreaterThan(0);
  expect(doubled).toBeLessThan(MESSAGES / 5);
});

test("without physics each push comes once", async () => {
  expect(await pushMany(false)).toHaveLength(MESSAGES);
});
