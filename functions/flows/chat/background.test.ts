import { describe, expect, test } from "vitest";
import { CATCH_UP_MESSAGES } from "../../../shared/chat/upkeep/catch-up.ts";
import { GRACE_MS } from "../../../shared/chat/upkeep/sweep-changes.ts";
import { startChat, usePeople, useSystem } from "../../../shared/testing/use-system.ts";

const system = useSystem();
const [ada] = usePeople(system, "ada@example.test");

const chats = "/v1/apps/demo/chats";

async function messagesCounted(): Promise<number> {
  const { body } = await system.operator.get("/v1/apps/demo/usage");
  return body.data.reduce((sum: number, day: { messages: number }) => sum + day.messages, 0);
}

async function chatWith(count: number): Promise<number> {
  const { number, path } = await startChat(ada.api);
  const posts = Array.from({ length: count }, (_, index) =>
    ada.api.post(`${path}/messages`, { text: `${index}` }),
  );
  await Promise.all(posts);
  return number;
}

const publish = (chat: number, revision: number) =>
  system.deps.publisher.publish("chat-changes", { app: "demo", chat, revision });

describe("on-chat-changed", () => {
  test("counts every message of the day once", async () => {
    const before = await messagesCounted();
    await chatWith(12);
    await system.settle();
    expect(await messagesCounted()).toBe(before + 12);
  });

  test("events five times, shuffled, late and unknown change nothing more", async () => {
    const chat = await chatWith(5);
    await system.settle();
    const before = await messagesCounted();
    const revisions = [1, 2, 3, 4, 5, 6].flatMap((revision) => Array(5).fill(revision) as number[]);
    for (let index = 0; index < revisions.length; index += 1) {
      await publish(chat, revisions[(index * 7) % revisions.length] ?? 1);
    }
    await publish(999_999, 3);
    await system.settle();
    expect(await messagesCounted()).toBe(before);
  });

  test("two deliveries at the same time count once", async () => {
    const before = await messagesCounted();
    for (let index = 0; index < 20; index += 1) {
      system.fault({ service: "pubsub", method: "Push", kind: "twice" });
    }
    await chatWith(20);
    await system.settle();
    system.clearFaults();
    expect(await messagesCounted()).toBe(before + 20);
  });

  test("an event about something handled already costs two reads", async () => {
    const chat = await chatWith(1);
    const cost = await system.meter(() => publish(chat, 2));
    expect(cost.billed).toEqual({ reads: 2, writes: 0, deletes: 0 });
  });

  test("a backlog larger than one commit is handled whole", async () => {
    const before = await messagesCounted();
    system.fault({
      service: "pubsub",
      method: "Publish",
      kind: "before",
      code: "PERMISSION_DENIED",
      count: 10_000,
    });
    const chat = await chatWith(CATCH_UP_MESSAGES + 20);
    system.clearFaults();
    await publish(chat, 2);
    await system.settle();
    expect(await messagesCounted()).toBe(before + CATCH_UP_MESSAGES + 20);
  });

  test("what can never be handled goes to the dead letters, and its neighbours flow", async () => {
    const before = system.logs.length;
    await system.deps.publisher.publish("chat-changes", { app: "demo", chat: "not a number" });
    const chat = await chatWith(1);
    await system.settle();
    const lines = system.logs.slice(before).filter((line) => line.function === "on-chat-changed");
    expect(lines.map(({ outcome }) => outcome)).toContain("invalid_request");
    expect((await ada.api.get(`${chats}/${chat}`)).body.messagesCount).toBe(1);
  });
});

describe("reconcile", () => {
  test("makes good an event that was lost between commit and publish", async () => {
    const before = await messagesCounted();
    system.fault({
      service: "pubsub",
      method: "Publish",
      kind: "before",
      code: "PERMISSION_DENIED",
      count: 10_000,
    });
    const { body: chat } = await ada.api.post(chats, { kind: "group" });
    const posted = await ada.api.post(`${chats}/${chat.number}/messages`, { text: "Unannounced" });
    expect(posted.status).toBe(201);
    system.clearFaults();
    await system.settle();
    expect(await messagesCounted()).toBe(before);
    system.suite.kernel.clock.advance(GRACE_MS + 1_000);
    await system.runSchedule("reconcile");
    await system.settle();
    expect(await messagesCounted()).toBe(before + 1);
    expect(system.logs.findLast((line) => line.function === "reconcile")).toMatchObject({ announced: 1 });
  });

  test("finds nothing when nothing is lost, at a query for each shard", async () => {
    await chatWith(3);
    await system.settle();
    system.suite.kernel.clock.advance(GRACE_MS + 1_000);
    await system.runSchedule("reconcile");
    expect(system.logs.findLast((line) => line.function === "reconcile")).toMatchObject({ announced: 0 });
  });

  test("fails as a whole when it can't publish, and the next run does the work", async () => {
    const before = await messagesCounted();
    system.fault({
      service: "pubsub",
      method: "Publish",
      kind: "before",
      code: "PERMISSION_DENIED",
      count: 10_000,
    });
    await chatWith(2);
    system.suite.kernel.clock.advance(GRACE_MS + 1_000);
    await expect(system.runSchedule("reconcile")).rejects.toThrow("reconcile ended with 5");
    system.clearFaults();
    await system.runSchedule("reconcile");
    await system.settle();
    expect(await messagesCounted()).toBe(before + 2);
  });
});
