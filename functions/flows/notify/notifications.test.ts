import { beforeAll, describe, expect, test } from "vitest";
import { GRACE_MS } from "../../../shared/chat/upkeep/sweep-changes.ts";
import { ONLINE_MS } from "../../../shared/live/presence.ts";
import { LOOK_AGAIN_MS } from "../../../shared/notify/tasks.ts";
import { EventStream } from "../../../shared/testing/event-stream.ts";
import type { Person } from "../../../shared/testing/start-system.ts";
import { settleRounds, startChat, useSystem } from "../../../shared/testing/use-system.ts";

const notifications = "/v1/apps/demo/notifications";
const chats = "/v1/apps/demo/chats";

interface Item {
  readonly id: string;
  readonly kind: string;
  readonly chat: number;
  readonly message: number;
  readonly excerpt: string;
  readonly read: boolean;
}

let ada: Person;
let bob: Person;
let people = 0;

/** Two who know nothing of the tests before. */
async function newPair(): Promise<void> {
  people += 1;
  ada = await system.signIn(`ada-${people}@example.test`);
  bob = await system.signIn(`bob-${people}@example.test`);
}
const system = useSystem();
beforeAll(async () => {
  await newPair();
});

const groupOf = async (...members: readonly Person[]): Promise<number> =>
  (await startChat(ada.api, { members })).number;

async function post(by: Person, chat: number, text: string, rest: object = {}): Promise<number> {
  const { status, body } = await by.api.post(`${chats}/${chat}/messages`, { text, ...rest });
  expect(status).toBe(201);
  return body.number;
}

const list = async (of: Person, query = ""): Promise<Item[]> => {
  const { status, body } = await of.api.get(`${notifications}${query}`);
  expect(status).toBe(200);
  return body.data;
};
const messagesOf = async (of: Person, chat: number): Promise<number[]> =>
  (await list(of)).filter((item) => item.chat === chat).map(({ message }) => message);

describe("a new message", () => {
  test("is a notification to each member but the sender, with what it says by now", async () => {
    const carol = await system.signIn("carol@example.test");
    const chat = await groupOf(bob, carol);
    const number = await post(ada, chat, "Tea at four?");
    await system.settle();
    for (const person of [bob, carol]) {
      expect(await list(person)).toMatchObject([
        {
          id: `${chat}.${number}`,
          kind: "message",
          chat,
          message: number,
          sender: { id: ada.id },
          excerpt: "Tea at four?",
          read: false,
        },
      ]);
    }
    expect(await list(ada)).toEqual([]);
    await ada.api.patch(`${chats}/${chat}/messages/${number}`, { text: "Tea at five?" });
    expect((await list(bob)).map(({ excerpt }) => excerpt)).toEqual(["Tea at five?"]);
    await ada.api.delete(`${chats}/${chat}/messages/${number}`);
    await system.settle();
    expect(await list(bob)).toEqual([]);
  });

  test("that answers one's own is told as a reply", async () => {
    const chat = await groupOf(bob);
    const asked = await post(bob, chat, "Who comes?");
    const number = await post(ada, chat, "I do", { replyTo: asked });
    await settleRounds(system);
    expect((await list(bob)).find(({ id }) => id === `${chat}.${number}`)).toMatchObject({ kind: "reply" });
  });

  test("is told once, however often its task is delivered, at once and late", async () => {
    const chat = await groupOf(bob);
    system.fault({ service: "tasks", method: "Dispatch", kind: "twice", count: 3 });
    const number = await post(ada, chat, "Once");
    await settleRounds(system);
    system.clearFaults();
    const task = { app: "demo", chat, number };
    for (const id of ["late", "later"]) {
      await system.deps.tasks.enqueue({
        queue: "notifications",
        function: "notify-members",
        id: [id, String(chat)],
        payload: task,
      });
    }
    const cost = await system.meter(() => settleRounds(system));
    expect(cost.billed.writes).toBe(0);
    expect(await messagesOf(bob, chat)).toEqual([number]);
  });

  test.each(["before", "after"] as const)(
    "is told although every kind of write fails once %s it is applied",
    async (kind) => {
      const chat = await groupOf(bob);
      await system.settle();
      for (let skip = 0; skip < 5; skip += 1) {
        const fault = { service: "firestore", method: "Commit", kind, code: "UNAVAILABLE", skip: skip * 2 };
        system.fault(fault);
      }
      const key = { "idempotency-key": `fault-${kind}` };
      const path = `${chats}/${chat}/messages`;
      while ((await ada.api.post(path, { text: "Through all that" }, key)).status !== 201);
      await system.settle();
      system.clearFaults();
      await settleRounds(system);
      expect(await messagesOf(bob, chat)).toEqual([1]);
    },
  );

  test("is told although its event was lost, once the reconciler has found it", async () => {
    const chat = await groupOf(bob);
    await settleRounds(system);
    const lost = { service: "pubsub", method: "Publish", kind: "before", code: "PERMISSION_DENIED" } as const;
    system.fault({ ...lost, count: 10_000 });
    await post(ada, chat, "Unannounced");
    system.clearFaults();
    await settleRounds(system);
    expect(await messagesOf(bob, chat)).toEqual([]);
    system.suite.kernel.clock.advance(GRACE_MS + 1_000);
    await system.runSchedule("reconcile");
    await settleRounds(system);
    expect(await messagesOf(bob, chat)).toEqual([1]);
  });

  test("in a crowd of messages is told in a few rounds, and none is left out", async () => {
    const chat = await groupOf(bob);
    const cost = await system.meter(async () => {
      await Promise.all(Array.from({ length: 40 }, (_, index) => post(ada, chat, `${index}`)));
      await settleRounds(system);
    });
    expect(await messagesOf(bob, chat)).toEqual(Array.from({ length: 40 }, (_, index) => 40 - index));
    const documents = await system.deps.firestore
      .collection("apps/demo/notifications")
      .where("chat", "==", chat)
      .get();
    expect(documents.size).toBeLessThanOrEqual(3);
    expect(cost.rpcs["tasks.Dispatch"]).toBeLessThanOrEqual(4);
  });

  test("in a chat of one's own costs no task", async () => {
    const { body } = await ada.api.post(chats, { kind: "group" });
    const cost = await system.meter(() => post(ada, body.number, "Note to self"));
    expect(cost.tasks).toBe(0);
  });

  test("a fork brings none of the messages that it copies", async () => {
    const chat = await groupOf(bob);
    const number = await post(ada, chat, "Original");
    await settleRounds(system);
    const before = (await list(bob)).length;
    expect((await bob.api.post(`${chats}/${chat}/forks`, { at: number })).status).toBe(201);
    await settleRounds(system);
    expect(await list(bob)).toHaveLength(before);
  });
});

describe("who is online", () => {
  test("sees it live and is not told; whoever has gone just before is told soon after", async () => {
    await newPair();
    const chat = await groupOf(bob);
    await settleRounds(system);
    const stream = await EventStream.open(`${system.url}/v1/apps/demo/events`, bob);
    await stream.reached;
    await system.settle();
    system.suite.kernel.clock.advance(1_000);
    await post(ada, chat, "Are you there?");
    await system.settle();
    expect(await list(bob)).toEqual([]);
    await stream[Symbol.asyncDispose]();
    system.suite.kernel.clock.advance(LOOK_AGAIN_MS + 1_000);
    await system.settle();
    expect(await messagesOf(bob, chat)).toEqual([1]);
  });

  test("and has come back since has seen it", async () => {
    await newPair();
    const chat = await groupOf(bob);
    const beat = (onlineFor: number) =>
      system.deps.firestore.doc(`apps/demo/presence/${bob.id}`).set({
        onlineUntil: new Date(system.deps.clock.now() + onlineFor),
        lastSeenAt: new Date(system.deps.clock.now()),
      });
    await beat(ONLINE_MS);
    system.suite.kernel.clock.advance(1_000);
    await post(ada, chat, "Are you there?");
    await system.settle();
    system.suite.kernel.clock.advance(LOOK_AGAIN_MS - 10_000);
    await beat(ONLINE_MS);
    system.suite.kernel.clock.advance(11_000);
    await system.settle();
    expect(await list(bob)).toEqual([]);
  });
});

test("a deleted chat leaves no notification, no mute and no trace of its rounds", async () => {
  await newPair();
  const chat = await groupOf(bob);
  await bob.api.put(`${chats}/${chat}/mute`, { until: null });
  const number = await post(ada, chat, "Gone soon");
  await settleRounds(system);
  expect(await messagesOf(bob, chat)).toEqual([number]);
  const { firestore } = system.deps;
  const left = async () => [
    (await firestore.collection("apps/demo/notifications").where("chat", "==", chat).get()).size,
    (await firestore.doc(`apps/demo/chats/${chat}/progress/notifications`).get()).exists,
    (await firestore.doc(`apps/demo/reads/${bob.id}`).get()).get(`muted.${chat}`),
  ];
  expect(await left()).toEqual([1, true, null]);
  expect((await ada.api.delete(`${chats}/${chat}`)).status).toBe(204);
  await system.settle();
  expect(await left()).toEqual([0, false, undefined]);
  await system.deps.tasks.enqueue({
    queue: "notifications",
    function: "notify-members",
    id: ["too-late", String(chat)],
    payload: { app: "demo", chat, number },
  });
  await system.settle();
  expect(await left()).toEqual([0, false, undefined]);
});

test("a round of many costs what it says", async () => {
  await newPair();
  const members = await Promise.all(
    Array.from({ length: 8 }, (_, index) => system.signIn(`member-${index}@example.test`)),
  );
  const chat = await groupOf(...members);
  await settleRounds(system);
  await post(ada, chat, "First");
  await settleRounds(system);
  const [online, reader] = members;
  await reader?.api.put(`${chats}/${chat}/read`, { number: 1 });
  await system.deps.firestore.doc(`apps/demo/presence/${online?.id}`).set({
    onlineUntil: new Date(system.deps.clock.now() + ONLINE_MS),
    lastSeenAt: new Date(system.deps.clock.now() + 60_000),
  });
  const number = await post(ada, chat, "Second");
  await settleRounds(system);
  // As if nobody had been told of the second message.
  await system.deps.firestore.doc(`apps/demo/chats/${chat}/progress/notifications`).update({ number: 1 });
  const noted = { unread: { [String(chat)]: { count: 1, through: 1 } } };
  await Promise.all(
    members.map(({ id: user }) =>
      system.deps.firestore.doc(`apps/demo/reads/${user}`).set(noted, { merge: true }),
    ),
  );
  const task = { app: "demo", chat, number };
  const id = ["again", String(chat)];
  const cost = await system.meter(() =>
    system.deps.tasks.enqueue({ queue: "notifications", function: "notify-members", id, payload: task }),
  );
  // Head and progress, and the head again; two documents for each of nine members; two more for the seven who
  // have not read. A notification for each of those, and how many messages are unread to them, and to the one
  // who was there and left them unread.
  expect(cost.billed).toEqual({ reads: 3 + 9 * 2 + 7 * 2, writes: 2 + 7 * 2 + 1, deletes: 0 });
});

test("an answer is told of when it is whole, to who asked and is away", async () => {
  await newPair();
  const { body: chat } = await ada.api.post(chats, { kind: "assistant", title: "Questions" });
  await post(ada, chat.number, "What is tea?");
  await settleRounds(system);
  expect(await list(ada)).toMatchObject([{ kind: "answer", chat: chat.number, message: 2, read: false }]);
});
