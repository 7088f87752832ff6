import { describe, expect, test } from "vitest";
import type { Branch, Message } from "../../../shared/chat/contract.ts";
import { isWhole } from "../../../shared/testing/sweep.ts";
import { startChat, stayAtOneInstance, usePeople, useSystem } from "../../../shared/testing/use-system.ts";

/** Branches beside those that a test looks at. */
const OTHERS = isWhole ? 500 : 100;

const system = useSystem();
const [ada, bob] = usePeople(system, "ada@branches.test", "bob@branches.test");

const chatWith = async (...texts: string[]): Promise<string> =>
  (await startChat(ada.api, { model: "emulated-small", texts })).path;
const post = async (chat: string, text: string, after?: number): Promise<Message> => {
  const { status, body } = await ada.api.post(`${chat}/messages`, { text, after });
  expect(status).toBe(201);
  return body;
};
const textsOf = async (url: string): Promise<string[]> =>
  (await ada.api.get(url)).body.data.map(({ text }: Message) => text);
const branchesOf = async (chat: string): Promise<Branch[]> =>
  (await ada.api.get(`${chat}/branches`)).body.data;

describe("a message after another than the last", () => {
  test("begins a branch, which the chat then shows and goes on with", async () => {
    const chat = await chatWith("1", "2", "3");
    const turned = await post(chat, "2b", 1);
    expect(turned).toMatchObject({ number: 4, parent: 1, branch: "b4" });
    expect(await post(chat, "3b")).toMatchObject({ number: 5, parent: 4, branch: "b4" });
    expect(await textsOf(`${chat}/messages`)).toEqual(["3b", "2b", "1"]);
    expect(await textsOf(`${chat}/messages?branch=main`)).toEqual(["3", "2", "1"]);
    expect((await ada.api.get(chat)).body).toMatchObject({
      activeBranch: "b4",
      branchesCount: 2,
      messagesCount: 5,
      revision: 7,
    });
    expect(await branchesOf(chat)).toMatchObject([
      { id: "main", parent: null, after: null, lastNumber: 3, active: false },
      { id: "b4", parent: "main", after: 1, lastNumber: 5, active: true },
    ]);
  });

  test("may be the first: the chat then begins anew", async () => {
    const chat = await chatWith("1", "2");
    expect(await post(chat, "1b", 0)).toMatchObject({ parent: null, branch: "b3" });
    expect(await textsOf(`${chat}/messages`)).toEqual(["1b"]);
    expect((await branchesOf(chat))[1]).toMatchObject({ id: "b3", parent: null, after: null });
  });

  test("the last of the active branch is simply followed", async () => {
    const chat = await chatWith("1", "2");
    expect(await post(chat, "3", 2)).toMatchObject({ parent: 2, branch: "main" });
    expect(await branchesOf(chat)).toHaveLength(1);
    const empty = await chatWith();
    expect(await post(empty, "1", 0)).toMatchObject({ parent: null, branch: "main" });
  });

  test("one that there is not is refused", async () => {
    const chat = await chatWith("1");
    const { status, body } = await ada.api.post(`${chat}/messages`, { text: "x", after: 2 });
    expect([status, body.errors[0].path]).toEqual([400, "after"]);
    expect((await ada.api.post(`${chat}/messages`, { text: "x", after: -1 })).status).toBe(400);
  });

  test("a repetition under the same key is one branch", async () => {
    const chat = await chatWith("1", "2");
    const key = { "idempotency-key": "turn" };
    const answers = await Promise.all(
      [1, 2, 3].map(() => ada.api.post(`${chat}/messages`, { text: "2b", after: 1 }, key)),
    );
    expect(new Set(answers.map(({ body }) => body.number))).toEqual(new Set([3]));
    expect(await branchesOf(chat)).toHaveLength(2);
  });

  test("many at once are as many branches, each whole", async () => {
    const chat = await chatWith("1", "2");
    await Promise.all(Array.from({ length: 12 }, (_, index) => post(chat, `turn ${index}`, 1)));
    const branches = await branchesOf(chat);
    expect(branches.map(({ id }) => id)).toEqual([
      "main",
      ...Array.from({ length: 12 }, (_, i) => `b${i + 3}`),
    ]);
    for (const { id } of branches.slice(1)) {
      expect(await textsOf(`${chat}/messages?branch=${id}`)).toEqual([expect.stringMatching("turn"), "1"]);
    }
  });
});

describe("the active branch", () => {
  test("is switched for everyone, and goes on where it ended", async () => {
    const chat = await chatWith("1", "2", "3");
    await post(chat, "2b", 1);
    const switched = await ada.api.put(`${chat}/branch`, { branch: "main" });
    expect(switched.body).toMatchObject({ activeBranch: "main", revision: 7 });
    expect(await post(chat, "4")).toMatchObject({ number: 5, parent: 3, branch: "main" });
    expect(await textsOf(`${chat}/messages`)).toEqual(["4", "3", "2", "1"]);
    await ada.api.put(`${chat}/branch`, { branch: "b4" });
    expect(await textsOf(`${chat}/messages`)).toEqual(["2b", "1"]);
    expect((await branchesOf(chat))[0]).toMatchObject({ id: "main", lastNumber: 5 });
  });

  test("switching to it again moves nothing; to one that there is not is not found", async () => {
    const chat = await chatWith("1");
    expect((await ada.api.put(`${chat}/branch`, { branch: "main" })).body.revision).toBe(2);
    expect((await ada.api.put(`${chat}/branch`, { branch: "b7" })).status).toBe(404);
    expect((await ada.api.put(`${chat}/branch`, { branch: "x" })).status).toBe(400);
    expect((await bob.api.get(`${chat}/branches`)).status).toBe(404);
  });

  test("switches and appends at once leave every path whole", async () => {
    const chat = await chatWith("1", "2");
    await post(chat, "2b", 1);
    const second = await system.anotherInstance();
    const elsewhere = second.as(ada);
    await Promise.all(
      Array.from({ length: 8 }, (_, index) => [
        ada.api.put(`${chat}/branch`, { branch: index % 2 === 0 ? "main" : "b3" }),
        elsewhere.post(`${chat}/messages`, { text: `m${index}` }),
      ]).flat(),
    );
    const all: Message[] = (await ada.api.get(`${chat}/changes`)).body.data;
    for (const { id, lastNumber } of await branchesOf(chat)) {
      const page: Message[] = (await ada.api.get(`${chat}/messages?branch=${id}`)).body.data;
      expect(page[0]?.number).toBe(lastNumber);
      expect(page.map(({ parent }) => parent)).toEqual([...page.slice(1).map(({ number }) => number), null]);
      const own = all.filter(({ branch }) => branch === id).map(({ number }) => number);
      expect(page.map(({ number }) => number)).toEqual(expect.arrayContaining(own));
    }
    await second[Symbol.asyncDispose]();
  });
});

describe("pages along a branch", () => {
  test("pass from branch to branch, both ways and around a message", async () => {
    const chat = await chatWith("1", "2", "3", "4", "5");
    await post(chat, "4b", 3);
    await post(chat, "5b");
    await post(chat, "6c", 6);
    await post(chat, "7c");
    const path = ["7c", "6c", "4b", "3", "2", "1"];
    expect(await textsOf(`${chat}/messages`)).toEqual(path);
    const walked: string[] = [];
    for (let url: string | null = `${chat}/messages?limit=2`; url !== null;) {
      const { body }: { body: { data: Message[]; next: string | null } } = await ada.api.get(url);
      walked.push(...body.data.map(({ text }) => text));
      url = body.next === null ? null : `${chat}/messages?limit=2&cursor=${body.next}`;
    }
    expect(walked).toEqual(path);
    expect(await textsOf(`${chat}/messages?after=2&limit=3`)).toEqual(["3", "4b", "6c"]);
    expect(await textsOf(`${chat}/messages?around=6&limit=3`)).toEqual(["6c", "4b", "3"]);
    expect(await textsOf(`${chat}/messages?before=6&limit=2`)).toEqual(["3", "2"]);
  });

  test(`cost the same beside ${OTHERS} other branches`, async () => {
    stayAtOneInstance(system);
    const chat = await chatWith("1", "2", "3", "4");
    const number = chat.split("/").at(-1);
    for (let from = 0; from < OTHERS; from += 25) {
      const many = Math.min(25, OTHERS - 1 - from);
      await Promise.all(Array.from({ length: many }, (_, index) => post(chat, `turn ${from + index}`, 2)));
    }
    await post(chat, `turn ${OTHERS - 1}`, 2);
    await post(chat, "end");
    await system.settle();
    // The head, the branch, and the newest messages together, and a block for others that the path goes
    // through, however many lie between.
    const page = await system.meterRequest(async () => {
      expect(await textsOf(`${chat}/messages`)).toEqual(["end", `turn ${OTHERS - 1}`, "2", "1"]);
    });
    const older = isWhole ? 1 : 0;
    expect(page.billed).toEqual({ reads: 3 + older, writes: 0, deletes: 0 });
    expect(page.rpcs["firestore.RunQuery"]).toBeUndefined();
    // What is newest and that block are remembered by now.
    const main = await system.meterRequest(() => ada.api.get(`${chat}/messages?branch=main`));
    expect(main.billed).toEqual({ reads: 2, writes: 0, deletes: 0 });
    const list = await system.meterRequest(() => ada.api.get(`${chat}/branches?limit=10`));
    expect(list.billed).toEqual({ reads: 1 + 11, writes: 0, deletes: 0 });
    const turn = await system.meterRequest(() => post(chat, "another", 2));
    expect(turn.billed).toEqual({ reads: 1, writes: 4, deletes: 0 });
    const switched = await system.meterRequest(() => ada.api.put(`${chat}/branch`, { branch: "main" }));
    expect(switched.billed).toEqual({ reads: 2, writes: 3, deletes: 0 });
    const all: string[] = [];
    for (let url: string | null = `${chat}/branches?limit=100`; url !== null;) {
      const { body }: { body: { data: Branch[]; next: string | null } } = await ada.api.get(url);
      all.push(...body.data.map(({ id }) => id));
      url = body.next === null ? null : `${chat}/branches?limit=100&cursor=${body.next}`;
    }
    expect(all).toHaveLength(OTHERS + 2);
    await ada.api.delete(chat);
    await system.settle();
    const left = await system.deps.firestore.collection(`apps/demo/chats/${number}/branches`).get();
    expect(left.size).toBe(0);
  });
});
