import { afterAll, beforeAll, expect, test } from "vitest";
import { type PubSubUnderTest, startPubSub } from "./testing.ts";

let suite: PubSubUnderTest;
beforeAll(async () => {
  suite = await startPubSub();
});
afterAll(() => suite[Symbol.asyncDispose]());

// oxlint-disable-next-line typescript/no-explicit-any -- answers are JSON, whose shape the tests state
async function call(verb: string, path: string, body?: object): Promise<[number, any]> {
  const headers = { "content-type": "application/json" };
  const content = body === undefined ? {} : { headers, body: JSON.stringify(body) };
  const answer = await fetch(`http://${suite.address}/v1/projects/rest/${path}`, {
    method: verb,
    ...content,
  });
  return [answer.status, await answer.json()];
}
const topic = "projects/rest/topics/events";

test("over REST a message is published, pulled and acknowledged", async () => {
  expect(await call("PUT", "topics/events", { labels: { a: "b" } })).toMatchObject([200, { name: topic }]);
  expect((await call("PUT", "topics/events"))[0]).toBe(409);
  expect((await call("PUT", "subscriptions/reader", { topic, ackDeadlineSeconds: 20 }))[0]).toBe(200);
  const data = Buffer.from("hello").toString("base64");
  const messages = [{ data, attributes: { k: "v" } }];
  const [, { messageIds }] = await call("POST", "topics/events:publish", { messages });
  const [, { receivedMessages }] = await call("POST", "subscriptions/reader:pull", { maxMessages: 10 });
  expect(receivedMessages).toMatchObject([
    {
      ackId: expect.any(String) as unknown,
      message: { data, attributes: { k: "v" }, messageId: messageIds[0] },
    },
  ]);
  const ackIds = [receivedMessages[0].ackId];
  expect(await call("POST", "subscriptions/reader:acknowledge", { ackIds })).toEqual([200, {}]);
  expect(suite.pubsub.snapshot("rest").subscriptions).toMatchObject([{ backlog: 0 }]);
});

test("over REST resources are listed in pages, changed by mask and deleted, and gRPC sees the same", async () => {
  await call("PUT", "topics/second");
  await call("PUT", "topics/third");
  const [, page] = await call("GET", "topics?pageSize=2");
  expect(page.topics).toHaveLength(2);
  const [, rest] = await call("GET", `topics?pageSize=2&pageToken=${page.nextPageToken}`);
  expect(rest.topics).toHaveLength(1);
  const change = { topic: { labels: { c: "d" } }, updateMask: "labels" };
  expect((await call("PATCH", "topics/second", change))[0]).toBe(200);
  const [metadata] = await suite.client("rest").topic("second").getMetadata();
  expect(metadata.labels).toEqual({ c: "d" });
  expect(await call("DELETE", "topics/second")).toEqual([200, {}]);
  expect(await call("GET", "topics/second")).toMatchObject([404, { error: { status: "NOT_FOUND" } }]);
});

test("other sites' pages are refused, pages and programs of this machine are not", async () => {
  const ask = (headers: Record<string, string>, method = "GET") =>
    fetch(`http://${suite.address}/`, { method, headers });
  expect(await (await ask({})).text()).toBe("Ok\n");
  expect((await ask({ origin: "https://evil.example.com" })).status).toBe(403);
  const own = await ask({ origin: "http://localhost:5000" }, "OPTIONS");
  expect([own.status, own.headers.get("access-control-allow-origin")]).toEqual([
    204,
    "http://localhost:5000",
  ]);
});
