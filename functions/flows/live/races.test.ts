import { setTimeout as pause } from "node:timers/promises";
import { expect, test } from "vitest";
import { upkeepId } from "../../../shared/platform/upkeep.ts";
import { EventStream } from "../../../shared/testing/event-stream.ts";
import { startSystem } from "../../../shared/testing/start-system.ts";

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
  system.fault({ service: "firestore", method: "RunQuery", kind: "slow", ms: 400, count: 2 });
  await ada.api.post(`${path}/messages`, { text: "One" });
  await expect.poll(queries).toBeGreaterThan(before);
  await ada.api.patch(path, { title: "After" });
  await ada.api.post(`${path}/messages`, { text: "Two" });
  for (const each of [stream, all]) {
    await each.until((events) => events.filter(({ event }) => event === "message.created").length === 2);
    await each.until((events) => events.some(({ data }) => data.title === "After"));
  }
});

test("a reader who leaves while the past is being read leaves nothing open behind", async () => {
  await using system = await startSystem();
  const ada = await system.signIn("ada@example.test");
  const { body } = await ada.api.post("/v1/apps/demo/chats", { kind: "group" });
  const path = `/v1/apps/demo/chats/${body.number}`;
  await ada.api.post(`${path}/messages`, { text: "Before" });
  await system.settle();
  const upkeep = (rpc: string): number =>
    system.suite.kernel.meter.read({ requestId: upkeepId(system.project) }).rpcs[rpc] ?? 0;
  const before = upkeep("firestore.RunQuery");
  system.fault({ service: "firestore", method: "RunQuery", kind: "slow", ms: 500 });
  const leaving = new AbortController();
  const headers = { authorization: `Bearer ${ada.session.accessToken}` };
  const response = await fetch(`${system.url}${path}/events?after=0`, { headers, signal: leaving.signal });
  await expect.poll(() => upkeep("firestore.RunQuery")).toBeGreaterThan(before);
  leaving.abort();
  await expect(response.text()).rejects.toThrow("aborted");
  await pause(700);
  const queries = upkeep("firestore.RunQuery");
  await ada.api.post(`${path}/messages`, { text: "To nobody" });
  await system.settle();
  await pause(200);
  expect(upkeep("firestore.RunQuery")).toBe(queries);
});
