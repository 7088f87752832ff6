import { expect, test } from "vitest";
import { upkeepId } from "../../../shared/platform/upkeep.ts";
import { EventStream } from "../../../shared/testing/event-stream.ts";
import { startSystem } from "../../../shared/testing/start-system.ts";
import { startChat } from "../../../shared/testing/use-system.ts";

test("settings that change while a page of changes is being read are told with it", async () => {
  await using system = await startSystem();
  const ada = await system.signIn("ada@example.test");
  const { body } = await ada.api.post("/v1/apps/demo/chats", { kind: "group", title: "Before" });
  const path = `/v1/apps/demo/chats/${body.number}`;
  await using stream = await EventStream.open(`${system.url}${path}/events`, ada);
  await using all = await EventStream.open(`${system.url}/v1/apps/demo/events`, ada);
  await Promise.all([stream.reached, all.reached]);
  const queries = (): number =>
    system.suite.kernel.meter.read({ project: system.project }).rpcs["firestore.RunQuery"] ?? 0;
  const before = queries();
  const { promise: until, resolve: release } = Promise.withResolvers<void>();
  system.fault({ service: "firestore", method: "RunQuery", kind: "slow", until, count: 2 });
  await ada.api.post(`${path}/messages`, { text: "One" });
  await expect.poll(queries).toBeGreaterThan(before);
  await ada.api.patch(path, { title: "After" });
  await ada.api.post(`${path}/messages`, { text: "Two" });
  release();
  for (const each of [stream, all]) {
    await each.until((events) => events.filter(({ event }) => event === "message.created").length === 3);
    await each.until((events) => events.some(({ data }) => data.title === "After"));
  }
});

test("a reader who leaves while the past is being read leaves nothing open behind", async () => {
  await using system = await startSystem({ instances: 1 });
  const ada = await system.signIn("ada@example.test");
  const [left, watched] = [await startChat(ada.api, { texts: ["Before"] }), await startChat(ada.api)];
  await using witness = await EventStream.open(`${system.url}${watched.path}/events`, ada);
  await witness.reached;
  /** Tells the witness something: by then this instance has heard of everything before it. */
  const tellWitness = async (text: string): Promise<void> => {
    await ada.api.post(`${watched.path}/messages`, { text });
    await witness.until((events) => events.some(({ data }) => data.message?.text === text));
  };
  const queries = (): number =>
    system.suite.kernel.meter.read({ requestId: upkeepId(system.project) }).rpcs["firestore.RunQuery"] ?? 0;
  await system.settle();
  const before = queries();
  const { promise: until, resolve: release } = Promise.withResolvers<void>();
  system.fault({ service: "firestore", method: "RunQuery", kind: "slow", until });
  const leaving = new AbortController();
  const headers = { authorization: `Bearer ${ada.session.accessToken}` };
  const response = await fetch(`${system.url}${left.path}/events?after=0`, {
    headers,
    signal: leaving.signal,
  });
  await expect.poll(queries).toBeGreaterThan(before);
  leaving.abort();
  await expect(response.text()).rejects.toThrow("aborted");
  release();
  await tellWitness("The past has been read.");
  const then = queries();
  await ada.api.post(`${left.path}/messages`, { text: "To nobody" });
  await tellWitness("Nobody has been told.");
  // The witness's own.
  expect(queries() - then).toBe(1);
});
