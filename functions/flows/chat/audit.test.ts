import { expect, test } from "vitest";
import { FieldValue } from "../../../shared/platform/firestore-values.ts";
import { GRACE_MS } from "../../../shared/chat/upkeep/sweep-changes.ts";
import { startChat, usePeople, useSystem } from "../../../shared/testing/use-system.ts";

const system = useSystem();
const [ada] = usePeople(system, "ada@audit.test");

const chats = "/v1/apps/demo/chats";
async function chatWith(...texts: string[]): Promise<number> {
  const { number } = await startChat(ada.api, { texts });
  await system.settle();
  return number;
}

/** What the next run finds. */
async function audited(): Promise<Record<string, unknown>> {
  system.suite.kernel.clock.advance(GRACE_MS + 1_000);
  const before = system.logs.length;
  await system.runSchedule("audit");
  const line = system.logs.slice(before).find((each) => each.function === "audit" && "missing" in each);
  return line ?? {};
}
const at = (chat: number) => system.deps.firestore.doc(`apps/demo/chats/${chat}`);

test("what is right is found right, and looked at once", async () => {
  await chatWith("one", "two");
  expect(await audited()).toMatchObject({ chats: 1, apps: 1, repaired: 0, missing: 0 });
  expect(await audited()).toMatchObject({ chats: 0, apps: 0, repaired: 0, missing: 0 });
});

test("a head that is behind its messages is brought up to them, and goes on from there", async () => {
  const chat = await chatWith("one", "two", "three");
  await at(chat).update({ lastNumber: 1, tip: 1, revision: 2 });
  expect(await audited()).toMatchObject({ repaired: 1, missing: 0 });
  const elsewhere = await system.anotherInstance();
  const { status, body } = await elsewhere.as(ada).post(`${chats}/${chat}/messages`, { text: "four" });
  expect([status, body.number, body.parent]).toEqual([201, 4, 3]);
  await elsewhere[Symbol.asyncDispose]();
  await audited();
});

test("a message that is not there any more is reported", async () => {
  const chat = await chatWith("one", "two", "three");
  const [second] = (await at(chat).collection("messages").where("number", "==", 2).get()).docs;
  await second?.ref.delete();
  expect(await audited()).toMatchObject({ repaired: 0, missing: 1 });
  expect(system.logs.some(({ severity, chat: of }) => severity === "ERROR" && of === chat)).toBe(true);
});

test("an app's count of chats is brought up to the chats that there are", async () => {
  const chat = await chatWith("one");
  await system.deps.firestore.doc("apps/demo").update({ lastChatNumber: chat - 1 });
  expect(await audited()).toMatchObject({ repaired: 1, missing: 0 });
  expect((await system.operator.get("/v1/apps/demo")).body.chatsCount).toBe(chat);
});

test("what unread counts rest on is proved, and repaired from the messages", async () => {
  const chat = await chatWith("one", "two", "three", "four");
  const bob = await system.signIn("bob@audit.test");
  await ada.api.put(`${chats}/${chat}/members/${bob.id}`);
  await ada.api.post(`${chats}/${chat}/messages`, { text: "six" });
  await ada.api.delete(`${chats}/${chat}/messages/2`);
  await ada.api.delete(`${chats}/${chat}/messages/6`);
  expect(await audited()).toMatchObject({ repaired: 0, missing: 0 });
  const right = (await at(chat).get()).get("silent");
  expect(right).toEqual([2, 2, 5, 6]);
  const unread = async () => {
    const elsewhere = await system.anotherInstance();
    const { body } = await elsewhere.as(bob).get(`${chats}/${chat}`);
    await elsewhere[Symbol.asyncDispose]();
    return body.unreadCount;
  };
  for (const wrong of [[], [2, 2, 4, 6], [2, 2, 6, 6]]) {
    await at(chat).update({ silent: wrong, changedAt: FieldValue.serverTimestamp() });
    expect(await audited()).toMatchObject({ repaired: 1, missing: 0 });
    expect((await at(chat).get()).get("silent")).toEqual(right);
    expect(await unread()).toBe(0);
  }
});
