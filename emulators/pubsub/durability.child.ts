import { startPubSub } from "./testing.ts";

// Publishes until it is killed, acknowledges a part first, and tells its parent what has been answered.
const suite = await startPubSub(process.argv[2]);
const client = suite.client("crash");
const [topic] = await client.createTopic("events");
const [pulled] = await topic.createSubscription("pulled");
// Nothing listens there, and the first backoff is longer than this process lives.
const retryPolicy = { minimumBackoff: { seconds: 600 }, maximumBackoff: { seconds: 600 } };
await topic.createSubscription("pushed", {
  pushConfig: { pushEndpoint: "http://127.0.0.1:1/" },
  retryPolicy,
});

const publish = (texts: readonly string[]) =>
  Promise.all(texts.map((text) => topic.publishMessage({ data: Buffer.from(text) })));
const published: string[] = [];
const acknowledged: string[] = [];
while (published.length < 64) {
  const texts = Array.from({ length: 8 }, (_, index) => String(published.length + index));
  await publish(texts);
  published.push(...texts);
  const request = { subscription: pulled.name, maxMessages: 1 };
  const [{ receivedMessages }] = await suite.subscriber.pull(request);
  const [first] = receivedMessages ?? [];
  await suite.subscriber.acknowledge({ subscription: pulled.name, ackIds: [first?.ackId ?? ""] });
  acknowledged.push(Buffer.from(first?.message?.data as Uint8Array).toString());
}
process.send?.({ published, acknowledged });
// The parent then kills this process in the middle of writes.
for (;;) await publish(["more"]);
