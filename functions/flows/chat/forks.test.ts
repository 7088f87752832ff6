import { expect, test } from "vitest";
import type { Message } from "../../../shared/chat/contract.ts";
import { finishFork } from "../../../shared/chat/branches/fork-chat.ts";
import { chatHandle } from "../../../shared/chat/chat-handle.ts";
import { openChatLog } from "../../../shared/chat/log/chat-log.ts";
import { appHandle } from "../../../shared/identity/app.ts";
import type { Firestore, WriteBatch } from "../../../shared/platform/firestore.ts";
import { FORK_TASK_DELAY_MS } from "../../../shared/chat/tasks.ts";
import type { Person } from "../../../shared/testing/start-system.ts";
import { isCloud } from "../../../shared/testing/start-system.ts";
import { startChat, stayAtOneInstance, usePeople, useSystem } from "../../../shared/testing/use-system.ts";

const system = useSystem();
const [ada, bob] = usePeople(system, "ada@forks.test", "bob@forks.test");

const chats = "/v1/apps/demo/chats";
const chatWith = async (...texts: string[]): Promise<string> =>
  (await startChat(ada.api, { title: "Source", model: "emulated-small", members: [bob], texts })).path;
const messagesIn = async (person: Person, chat: number): Promise<Message[]> =>
  (await person.api.get(`${chats}/${chat}/messages?after=0&limit=100`)).body.data;

test("a fork is a chat of one's own with what led to a message, numbered anew", async () => {
  const chat = await chatWith("1", "2", "3");
  await ada.api.post(`${chat}/messages`, { text: "2b", after: 1, replyTo: 1 });
  await ada.api.post(`${chat}/messages`, { text: "3b" });
  await ada.api.put(`${chat}/messages/4/reactions/${encodeURIComponent("👍")}`);
  const { status, body } = await bob.api.post(`${chat}/forks`, { at: 4 });
  expect(status).toBe(201);
  expect(body).toMatchObject({
    kind: "group",
    title: "Source",
    members: [bob.id],
    messagesCount: 2,
    unreadCount: 0,
    activeBranch: "main",
    latest: { number: 2, text: "2b" },
  });
  const copied = await messagesIn(bob, body.number);
  expect(copied).toMatchObject([
    { number: 1, parent: null, text: "1", sender: { id: ada.id } },
    { number: 2, parent: 1, text: "2b", replyTo: 1, reactions: {}, branch: "main" },
  ]);
  const { body: next } = await bob.api.post(`${chats}/${body.number}/messages`, { text: "On my own" });
  expect(next).toMatchObject({ number: 3, parent: 2, revision: body.revision + 1 });
  const { body: changes } = await bob.api.get(`${chats}/${body.number}/changes`);
  expect(changes.data.map(({ number }: Message) => number)).toEqual([1, 2, 3]);
  expect((await ada.api.get(`${chats}/${body.number}`)).status).toBe(404);
  expect((await bob.api.get(chats)).body.data[0].number).toBe(body.number);
});

test("a repeated request is one fork; another under the same key is refused", async () => {
  const chat = await chatWith("1", "2");
  const key = { "idempotency-key": "fork" };
  const answers = await Promise.all([1, 2].map(() => ada.api.post(`${chat}/forks`, { at: 1 }, key)));
  expect(new Set(answers.map(({ body }) => body.number)).size).toBe(1);
  expect((await ada.api.post(`${chat}/forks`, { at: 2 }, key)).status).toBe(422);
});

test("what is not there can't be forked", async () => {
  const chat = await chatWith("1");
  const { status, body } = await ada.api.post(`${chat}/forks`, { at: 2 });
  expect([status, body.errors[0].path]).toEqual([400, "at"]);
});

test("a fork that was cut off is seen by nobody, and finished by its task", async () => {
  const texts = Array.from({ length: 12 }, (_, index) => `message ${index}`);
  const chat = await chatWith(...texts);
  const { body: before } = await system.operator.get("/v1/apps/demo");
  // The queries that fail are the fork's own.
  await system.settle();
  system.fault({
    service: "firestore",
    method: "RunQuery",
    kind: "before",
    code: "PERMISSION_DENIED",
    skip: 1,
    count: Number.POSITIVE_INFINITY,
  });
  expect((await ada.api.post(`${chat}/forks`, { at: 12 })).status).toBeGreaterThanOrEqual(500);
  system.clearFaults();
  const number = before.chatsCount + 1;
  expect((await ada.api.get(`${chats}/${number}`)).status).toBe(404);
  const { body: list } = await ada.api.get(chats);
  expect(list.data.map((each: { number: number }) => each.number)).not.toContain(number);
  system.suite.kernel.clock.advance(FORK_TASK_DELAY_MS);
  await system.settle();
  expect((await messagesIn(ada, number)).map(({ text }) => text)).toEqual(texts);
  expect((await ada.api.get(`${chats}/${number}`)).body.members).toEqual([ada.id]);
});

/** The system's Firestore, of which batches are committed when the gate is opened. */
function gatedFirestore(gate: Promise<void>, onHeld: () => void): Firestore {
  const { firestore } = system.deps;
  const held = (batch: WriteBatch): WriteBatch => {
    const commit = batch.commit.bind(batch);
    batch.commit = async () => {
      onHeld();
      await gate;
      return commit();
    };
    return batch;
  };
  return new Proxy(firestore, {
    get(target, name) {
      if (name === "batch") return () => held(target.batch());
      const value: unknown = Reflect.get(target, name);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

test("an attempt that was held up brings nothing back that was deleted in the fork since", async () => {
  const chat = await chatWith("kept", "secret");
  await system.settle();
  const { body: before } = await system.operator.get("/v1/apps/demo");
  const cutOff = { service: "firestore", method: "RunQuery", kind: "before", skip: 1 } as const;
  system.fault({ ...cutOff, code: "PERMISSION_DENIED", count: Number.POSITIVE_INFINITY });
  expect((await ada.api.post(`${chat}/forks`, { at: 2 })).status).toBeGreaterThanOrEqual(500);
  system.clearFaults();
  const number = before.chatsCount + 1;
  const gate = Promise.withResolvers<void>();
  const isHeld = Promise.withResolvers<void>();
  const deps = { ...system.deps, firestore: gatedFirestore(gate.promise, isHeld.resolve) };
  const fork = chatHandle(appHandle(system.deps.firestore, "demo"), number);
  const late = finishFork({ ...deps, chatLog: openChatLog(system.deps) }, fork);
  await isHeld.promise;
  system.suite.kernel.clock.advance(FORK_TASK_DELAY_MS);
  await system.settle();
  expect((await ada.api.delete(`${chats}/${number}/messages/2`)).status).toBe(204);
  gate.resolve();
  await late;
  const copied = await messagesIn(ada, number);
  expect(copied.map(({ status, text }) => [status, text])).toEqual([
    ["complete", "kept"],
    ["deleted", ""],
  ]);
});

test("copied messages count where they were written only", async () => {
  const usage = async (): Promise<number> => {
    const { body } = await system.operator.get("/v1/apps/demo/usage");
    return body.data.reduce((sum: number, { messages }: { messages: number }) => sum + messages, 0);
  };
  const chat = await chatWith("1", "2", "3");
  await system.settle();
  const before = await usage();
  await ada.api.post(`${chat}/forks`, { at: 3 });
  await system.settle();
  expect(await usage()).toBe(before);
});

test("costs a write for each message, a read for all of a block, and three commits", async () => {
  stayAtOneInstance(system);
  const chat = await chatWith("1", "2", "3", "4", "5");
  await system.settle();
  const cost = await system.meterRequest(() => ada.api.post(`${chat}/forks`, { at: 5 }));
  // Where another instance has made chats of late, the number is taken first, and its promise deleted.
  const apart = isCloud ? cost.billed.deletes : 0;
  expect(cost.billed).toEqual({
    // The newest messages, and a query for what has changed since.
    reads: 3 + 2 + 1 + 1,
    writes: 2 + 5 + 1 + apart,
    deletes: apart,
  });
  expect(cost.rpcs["firestore.Commit"]).toBe(3 + apart);
  expect(cost.tasks).toBe(1);
});
