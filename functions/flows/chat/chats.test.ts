import { describe, expect, test } from "vitest";
import { MEMBERS_MAX, TAGS_MAX, TITLE_CHARS_MAX } from "../../../shared/chat/contract.ts";
import { type Person, startSystem } from "../../../shared/testing/start-system.ts";
import { usePeople, useSystem } from "../../../shared/testing/use-system.ts";

const system = useSystem();
const [ada, bob] = usePeople(system, "ada@example.test", "bob@example.test");

const chats = "/v1/apps/demo/chats";
const create = async (body: object = { kind: "group" }, by = ada) => (await by.api.post(chats, body)).body;

describe("creating a chat", () => {
  test("numbers count up from one, whoever creates", async () => {
    await using own = await startSystem();
    const cleo = await own.signIn("cleo@example.test");
    const numbers: number[] = [];
    for (let index = 0; index < 3; index += 1) {
      const { status, body } = await cleo.api.post(chats, { kind: "group", title: `Chat ${index}` });
      expect(status).toBe(201);
      numbers.push(body.number);
    }
    expect(numbers).toEqual([1, 2, 3]);
    const { body } = await own.operator.get("/v1/apps/demo");
    expect(body.chatsCount).toBe(3);
  });

  test("twenty at once get twenty numbers without a gap", async () => {
    await using own = await startSystem();
    const cleo = await own.signIn("cleo@example.test");
    const made = await Promise.all(Array.from({ length: 20 }, () => cleo.api.post(chats, { kind: "group" })));
    const numbers = made.map(({ body }) => body.number).sort((a, b) => a - b);
    expect(numbers).toEqual(Array.from({ length: 20 }, (_, index) => index + 1));
  });

  test("the answer is the chat, as it is read afterwards", async () => {
    const chat = await create({ kind: "group", title: "Plans", members: [bob.id], tags: ["work"] });
    expect(chat).toMatchObject({
      kind: "group",
      title: "Plans",
      members: [ada.id, bob.id],
      tags: ["work"],
      revision: 1,
      messagesCount: 0,
      unreadCount: 0,
      archived: false,
      pinned: false,
    });
    const { body } = await bob.api.get(`${chats}/${chat.number}`);
    expect(body).toEqual(chat);
  });

  test("a repeated request with the same key is the same chat, with another body it is refused", async () => {
    const key = { "idempotency-key": '"chat-1"' };
    const first = await ada.api.post(chats, { kind: "group", title: "Once" }, key);
    const again = await ada.api.post(chats, { kind: "group", title: "Once" }, key);
    expect([again.status, again.body.number]).toEqual([201, first.body.number]);
    expect(again.headers.get("idempotency-replayed")).toBe("true");
    const other = await ada.api.post(chats, { kind: "group", title: "Twice" }, key);
    expect([other.status, other.body.code]).toEqual([422, "idempotency_key_reused"]);
    const someoneElse = await bob.api.post(chats, { kind: "group", title: "Once" }, key);
    expect(someoneElse.body.number).not.toBe(first.body.number);
  });

  test("two people have one direct chat, whoever asks and however often", async () => {
    const first = await ada.api.post(chats, { kind: "direct", members: [bob.id] });
    const again = await bob.api.post(chats, { kind: "direct", members: [ada.id] });
    expect([first.status, again.status]).toEqual([201, 200]);
    expect(again.body.number).toBe(first.body.number);
    const storm = await Promise.all(
      Array.from({ length: 5 }, () => ada.api.post(chats, { kind: "direct", members: [bob.id] })),
    );
    expect(new Set(storm.map(({ body }) => body.number))).toEqual(new Set([first.body.number]));
    expect((await ada.api.delete(`${chats}/${first.body.number}`)).status).toBe(204);
    const fresh = await ada.api.post(chats, { kind: "direct", members: [bob.id] });
    expect([fresh.status, fresh.body.number === first.body.number]).toEqual([201, false]);
  });

  test.each([
    ["no kind", {}, "kind"],
    ["an unknown kind", { kind: "party" }, "kind"],
    ["a direct chat with oneself", { kind: "direct" }, "members"],
    ["an unknown member", { kind: "group", members: ["nobody"] }, "members"],
    ["too many members", { kind: "group", members: Array(MEMBERS_MAX + 1).fill("x") }, "members"],
    ["too long a title", { kind: "group", title: "x".repeat(TITLE_CHARS_MAX + 1) }, "title"],
    ["a title with a line break", { kind: "group", title: "a\nb" }, "title"],
    ["too many tags", { kind: "group", tags: Array.from({ length: TAGS_MAX + 1 }, String) }, "tags"],
    ["a number of its own", { kind: "group", number: 7 }, "number"],
  ])("%s is refused", async (_, body, path) => {
    const answer = await ada.api.post(chats, body);
    expect(answer.status).toBe(400);
    expect(answer.body.errors[0].path).toBe(path);
  });
});

describe("listing chats", () => {
  test("pages have everything once, latest activity first", async () => {
    await using own = await startSystem();
    const cleo = await own.signIn("cleo@example.test");
    for (let index = 0; index < 7; index += 1)
      await cleo.api.post(chats, { kind: "group", title: `${index}` });
    await cleo.api.post(`${chats}/2/messages`, { text: "Up to the top" });
    const numbers: number[] = [];
    for (let next: string | null = ""; next !== null;) {
      const { body } = await cleo.api.get(`${chats}?limit=3${next === "" ? "" : `&cursor=${next}`}`);
      numbers.push(...body.data.map(({ number }: { number: number }) => number));
      next = body.next;
      expect(body.hasMore).toBe(next !== null);
    }
    expect(numbers).toEqual([2, 7, 6, 5, 4, 3, 1]);
  });

  test("filters by kind, archived and time", async () => {
    await using own = await startSystem();
    const cleo = await own.signIn("cleo@example.test");
    await cleo.api.post(chats, { kind: "group" });
    await cleo.api.post(chats, { kind: "assistant" });
    await cleo.api.patch(`${chats}/1`, { archived: true });
    const numbersOf = async (query: string): Promise<number[]> =>
      (await cleo.api.get(`${chats}?${query}`)).body.data.map(({ number }: { number: number }) => number);
    expect(await numbersOf("kind=assistant")).toEqual([2]);
    expect(await numbersOf("archived=true")).toEqual([1]);
    expect(await numbersOf("archived=false&kind=group")).toEqual([]);
    const later = new Date(own.deps.clock.now() + 60_000).toISOString();
    expect(await numbersOf(`from=${later}`)).toEqual([]);
    expect((await numbersOf(`to=${later}`)).length).toBe(2);
  });

  test("a cursor of another list or with a flipped character is refused", async () => {
    await create();
    await create();
    const { body } = await ada.api.get(`${chats}?limit=1`);
    expect((await ada.api.get(`${chats}?limit=1&cursor=${body.next}`)).status).toBe(200);
    expect((await bob.api.get(`${chats}?limit=1&cursor=${body.next}`)).status).toBe(400);
    expect((await ada.api.get(`${chats}?limit=1&kind=group&cursor=${body.next}`)).status).toBe(400);
    expect((await ada.api.get(`${chats}?limit=1&cursor=X${body.next.slice(1)}`)).status).toBe(400);
  });

  test("comes with the latest message and what is unread", async () => {
    const chat = await create({ kind: "group", members: [bob.id] });
    for (const text of ["one", "two", "three"])
      await ada.api.post(`${chats}/${chat.number}/messages`, { text });
    const seenBy = async (person: Person) =>
      (await person.api.get(chats)).body.data.find(
        ({ number }: { number: number }) => number === chat.number,
      );
    expect(await seenBy(ada)).toMatchObject({ unreadCount: 0, latest: { number: 3, text: "three" } });
    expect(await seenBy(bob)).toMatchObject({ unreadCount: 3, messagesCount: 3 });
    expect((await bob.api.put(`${chats}/${chat.number}/read`, { number: 2 })).status).toBe(204);
    expect(await seenBy(bob)).toMatchObject({ unreadCount: 1 });
    expect((await bob.api.put(`${chats}/${chat.number}/read`, { number: 1 })).status).toBe(204);
    expect(await seenBy(bob)).toMatchObject({ unreadCount: 1 });
    expect((await bob.api.put(`${chats}/${chat.number}/read`, { number: 4 })).status).toBe(400);
  });
});

describe("changing a chat", () => {
  test("moves the revision by one, and one more where a group is told of its name, for every reader", async () => {
    const chat = await create({ kind: "group", members: [bob.id] });
    const change = { title: "Renamed", tags: ["a", "b"] };
    const { status, body } = await bob.api.patch(`${chats}/${chat.number}`, change);
    expect(status).toBe(200);
    expect(body).toMatchObject({ ...change, revision: chat.revision + 2 });
    expect((await ada.api.get(`${chats}/${chat.number}`)).body).toMatchObject(change);
    const tagged = await bob.api.patch(`${chats}/${chat.number}`, { tags: ["c"] });
    expect(tagged.body.revision).toBe(chat.revision + 3);
  });

  test("with If-Match is refused when someone else was faster", async () => {
    const chat = await create();
    const { headers } = await ada.api.get(`${chats}/${chat.number}`);
    const condition = { "if-match": headers.get("etag") ?? "" };
    expect((await ada.api.patch(`${chats}/${chat.number}`, { title: "1" }, condition)).status).toBe(200);
    expect((await ada.api.patch(`${chats}/${chat.number}`, { title: "2" }, condition)).status).toBe(412);
    expect((await ada.api.delete(`${chats}/${chat.number}`, condition)).status).toBe(412);
  });

  test("an unchanged chat is not sent again", async () => {
    const chat = await create();
    const { headers } = await ada.api.get(`${chats}/${chat.number}`);
    const known = { "if-none-match": headers.get("etag") ?? "" };
    const cost = await system.meter(async () => {
      expect((await ada.api.get(`${chats}/${chat.number}`, known)).status).toBe(304);
    });
    expect(cost).toMatchObject({ rpcs: { "firestore.BatchGetDocuments": 1 }, billed: { reads: 1 } });
    await ada.api.patch(`${chats}/${chat.number}`, { title: "New" });
    expect((await ada.api.get(`${chats}/${chat.number}`, known)).status).toBe(200);
  });

  test("nothing to change and unknown fields are refused", async () => {
    const chat = await create();
    expect((await ada.api.patch(`${chats}/${chat.number}`, {})).status).toBe(400);
    expect((await ada.api.patch(`${chats}/${chat.number}`, { members: [] })).status).toBe(400);
  });
});

describe("deleting a chat", () => {
  test("it is gone for everyone at once, and its messages in the background", async () => {
    const chat = await create({ kind: "group", members: [bob.id] });
    for (const text of ["one", "two"]) await ada.api.post(`${chats}/${chat.number}/messages`, { text });
    expect((await ada.api.delete(`${chats}/${chat.number}`)).status).toBe(204);
    for (const person of [ada, bob]) {
      expect((await person.api.get(`${chats}/${chat.number}`)).status).toBe(404);
      expect((await person.api.get(`${chats}/${chat.number}/messages`)).status).toBe(404);
      expect((await person.api.post(`${chats}/${chat.number}/messages`, { text: "?" })).status).toBe(404);
    }
    await system.settle();
    const left = await system.deps.firestore.collection(`apps/demo/chats/${chat.number}/messages`).get();
    expect(left.size).toBe(0);
  });

  test("only its creator may, and repeating it finds nothing", async () => {
    const chat = await create({ kind: "group", members: [bob.id] });
    expect((await bob.api.delete(`${chats}/${chat.number}`)).status).toBe(403);
    expect((await ada.api.delete(`${chats}/${chat.number}`)).status).toBe(204);
    expect((await ada.api.delete(`${chats}/${chat.number}`)).status).toBe(404);
  });
});

test("an API token acts for its app, in every chat of it, and in no other app", async () => {
  const app = await system.createApp("Served");
  const other = await system.createApp("Other");
  const server = system.client({ authorization: `Bearer ${app.token}` });
  const person = await system.signIn("someone@example.test", app.id);
  const { body: chat } = await person.api.post(`/v1/apps/${app.id}/chats`, { kind: "group" });
  const posted = await server.post(`/v1/apps/${app.id}/chats/${chat.number}/messages`, {
    text: "From the server",
  });
  expect(posted.status).toBe(201);
  expect((await person.api.get(`/v1/apps/${app.id}/chats/${chat.number}/messages`)).body.data).toHaveLength(
    1,
  );
  expect((await server.get(`/v1/apps/${app.id}/chats`)).body.data).toHaveLength(1);
  expect((await server.get(`/v1/apps/${other.id}/chats`)).status).toBe(401);
  expect((await server.post("/v1/apps", { name: "More" })).status).toBe(401);
});

test("an app is created once for each key, and an id is given once", async () => {
  const key = { "idempotency-key": "app-1" };
  const first = await system.operator.post("/v1/apps", { name: "My App" }, key);
  const again = await system.operator.post("/v1/apps", { name: "My App" }, key);
  expect(again.body).toEqual(first.body);
  expect(first.body.app.id).toMatch(/^my-app-[a-z0-9]{6}$/);
  expect((await system.operator.post("/v1/apps", { name: "x", id: "demo" })).status).toBe(409);
});

test("people of an app are listed, their addresses only to themselves and administrators", async () => {
  const { body } = await ada.api.get("/v1/apps/demo/users?limit=100");
  const me = body.data.find(({ id }: { id: string }) => id === ada.id);
  const other = body.data.find(({ id }: { id: string }) => id === bob.id);
  expect([me.email, other.email, other.name]).toEqual([ada.email, undefined, "bob"]);
  const renamed = await bob.api.patch("/v1/apps/demo/me", { name: "Robert", timeZone: "Europe/Berlin" });
  expect(renamed.body).toMatchObject({ name: "Robert", timeZone: "Europe/Berlin" });
  expect((await ada.api.get(`/v1/apps/demo/users/${bob.id}`)).body.name).toBe("Robert");
  expect((await bob.api.patch("/v1/apps/demo/me", { timeZone: "Mars/Base" })).status).toBe(400);
  expect((await bob.api.patch("/v1/apps/demo/me", { role: "owner" })).status).toBe(400);
});
