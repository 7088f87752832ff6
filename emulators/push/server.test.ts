import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { createKernel } from "../kernel/kernel.ts";
import { type LoopbackServer, serveLoopback } from "../kernel/loopback.ts";
import { openPush, type PushServer } from "./server.ts";

const kernel = createKernel();
const folder = mkdtempSync(join(tmpdir(), "push-"));
const path = join(folder, "push.sqlite");
let push: PushServer;
let server: LoopbackServer;

async function open(): Promise<void> {
  push = openPush(kernel, { path });
  server = await serveLoopback(0, push.listener);
}
async function close(): Promise<void> {
  await server.close();
  push.close();
}
beforeAll(open);
afterEach(() => kernel.faults.clear());
afterAll(async () => {
  await close();
  kernel.clock.stop();
  rmSync(folder, { recursive: true });
});

const call = async (method: string, at: string, body?: string) => {
  const answer = await fetch(`http://127.0.0.1:${server.port}${at}`, { method, body: body ?? null });
  return { status: answer.status, body: JSON.parse(await answer.text()), headers: answer.headers };
};
const send = (message: unknown, rest: object = {}, project = "p") =>
  call("POST", `/v1/projects/${project}/messages:send`, JSON.stringify({ message, ...rest }));
const errorCodeOf = (body: { error: { details: { errorCode?: string }[] } }) =>
  body.error.details.map(({ errorCode }) => errorCode)[0];

const message = {
  token: "phone:1",
  notification: { title: "Ada", body: "Tea?" },
  data: { user: "bob", chat: "7" },
  android: { collapse_key: "chat-7", ttl: "3600s", notification: { tag: "chat-7" } },
  apns: { headers: { "apns-collapse-id": "chat-7" } },
};

describe("messages:send", () => {
  test("keeps the message and answers with its name; a restart changes nothing", async () => {
    const { status, body } = await send(message);
    expect(status).toBe(200);
    expect(body.name).toMatch(/^projects\/p\/messages\/[\w-]+$/);
    await close();
    await open();
    const [kept] = push.list({ user: "bob" });
    expect(kept).toMatchObject({ name: body.name, token: "phone:1", user: "bob", collapseKey: "chat-7" });
    expect(kept?.notification).toEqual({ title: "Ada", body: "Tea?" });
    expect(push.list({ user: "nobody" })).toEqual([]);
    expect(push.list({ project: "other" })).toEqual([]);
  });

  test("takes fields in camel case too, and lists the newest first", async () => {
    await send({ token: "t", data: { user: "carol" }, android: { collapseKey: "first" } });
    await send({ token: "t", data: { user: "carol" }, android: { collapseKey: "second" } });
    expect(push.list({ user: "carol" }).map(({ collapseKey }) => collapseKey)).toEqual(["second", "first"]);
  });

  test("a message that is only to be validated is not kept", async () => {
    const { status } = await send({ token: "t", data: { user: "dan" } }, { validate_only: true });
    expect([status, push.list({ user: "dan" })]).toEqual([200, []]);
  });

  test.each([
    ["no target", { notification: { title: "x" } }],
    ["two targets", { token: "t", topic: "x" }],
    ["an unknown field", { token: "t", text: "x" }],
    ["a number in data", { token: "t", data: { chat: 7 } }],
    ["a reserved key", { token: "t", data: { "google.x": "y" } }],
    ["a duration without unit", { token: "t", android: { ttl: "60" } }],
    ["a duration over four weeks", { token: "t", android: { ttl: "2419201s" } }],
    ["a long collapse id", { token: "t", apns: { headers: { "apns-collapse-id": "x".repeat(65) } } }],
    ["more than 4 KB", { token: "t", data: { text: "x".repeat(4096) } }],
    ["no message", undefined],
  ])("refuses %s", async (_, invalid) => {
    const { status, body } = await send(invalid);
    expect([status, body.error.status, errorCodeOf(body)]).toEqual([
      400,
      "INVALID_ARGUMENT",
      "INVALID_ARGUMENT",
    ]);
  });

  test("names the token where that is what is wrong", async () => {
    const { status, body } = await send({ token: "not a token" });
    expect(status).toBe(400);
    expect(body.error.details[1].fieldViolations[0].field).toBe("message.token");
  });

  test("a token that was unregistered is not found, in its project only", async () => {
    await call("DELETE", `/emulator/v1/projects/p/tokens/${encodeURIComponent("old:phone")}`);
    const { status, body } = await send({ token: "old:phone" });
    expect([status, body.error.status, errorCodeOf(body)]).toEqual([404, "NOT_FOUND", "UNREGISTERED"]);
    expect((await send({ token: "old:phone" }, {}, "other")).status).toBe(200);
  });

  test("topics and conditions are not served, and say so", async () => {
    expect((await send({ topic: "news" })).status).toBe(501);
    expect((await send({ condition: "'a' in topics" })).status).toBe(501);
    expect((await call("GET", "/v1/projects/p/messages:send")).status).toBe(404);
    expect((await call("POST", "/v1/projects/p/messages:send", "{")).status).toBe(400);
    expect((await call("POST", "/v1/projects/p/messages:send", "x".repeat(70_000))).status).toBe(413);
  });
});

describe("faults", () => {
  const plan = { service: "push", method: "Send" } as const;
  const count = () => push.list({ user: "eve" }).length;
  const toEve = () => send({ token: "eve:phone", data: { user: "eve" } });

  test("a quota that is used up answers 429 and when to come again; nothing is kept", async () => {
    kernel.faults.add({ ...plan, kind: "before", code: "RESOURCE_EXHAUSTED", match: "eve:phone" });
    const { status, body, headers } = await toEve();
    expect([status, errorCodeOf(body), headers.get("retry-after")]).toEqual([429, "QUOTA_EXCEEDED", "1"]);
    expect(count()).toBe(0);
  });

  test("after: kept and failed; twice: kept twice; drop: no answer", async () => {
    kernel.faults.add({ ...plan, kind: "after" });
    expect((await toEve()).status).toBe(503);
    expect(count()).toBe(1);
    kernel.faults.add({ ...plan, kind: "twice" });
    expect((await toEve()).status).toBe(200);
    expect(count()).toBe(3);
    kernel.faults.add({ ...plan, kind: "drop" });
    await expect(toEve()).rejects.toThrow("fetch failed");
    expect(count()).toBe(3);
  });
});

test("only programs and pages of this machine are answered", async () => {
  const answer = await fetch(`http://127.0.0.1:${server.port}/v1/projects/p/messages:send`, {
    method: "POST",
    headers: { origin: "https://evil.example" },
    body: "{}",
  });
  expect(answer.status).toBe(403);
});
