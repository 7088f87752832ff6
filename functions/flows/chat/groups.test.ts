import { describe, expect, test } from "vitest";
import { type Chat, type Message, PINNED_MESSAGES_MAX } from "../../../shared/chat/contract.ts";
import type { Person } from "../../../shared/testing/start-system.ts";
import {
  settleRounds,
  startChat,
  stayAtOneInstance,
  usePeople,
  useSystem,
} from "../../../shared/testing/use-system.ts";

/** What a group is judged by: who may do what in it, whom it names, threads, pins, what it is told. */
const system = useSystem();
const [ada, bob, carol] = usePeople(system, "ada@groups.test", "bob@groups.test", "carol@groups.test");

const groupOf = async (...texts: string[]): Promise<string> =>
  (await startChat(ada.api, { members: [bob, carol], title: "Tea", texts })).path;
const seen = async (by: Person, path: string): Promise<Chat> => (await by.api.get(path)).body;
const messagesOf = async (by: Person, path: string, query = "after=0"): Promise<Message[]> =>
  (await by.api.get(`${path}/messages?${query}`)).body.data;

describe("administrators and rules", () => {
  test("whoever creates a group administers it, and makes others do so", async () => {
    const path = await groupOf();
    expect(await seen(bob, path)).toMatchObject({ admins: [ada.id], rules: { remove: "admins" } });
    const role = (by: Person, of: Person, name: string) =>
      by.api.put(`${path}/members/${of.id}/role`, { role: name });
    expect((await role(bob, bob, "admin")).status).toBe(403);
    expect((await role(ada, bob, "admin")).body.admins).toEqual([ada.id, bob.id]);
    expect((await role(ada, bob, "admin")).status).toBe(200);
    expect((await role(bob, ada, "member")).body.admins).toEqual([bob.id]);
    expect((await role(bob, bob, "member")).status).toBe(409);
    expect((await role(bob, bob, "owner")).status).toBe(400);
    const stranger = await system.signIn("stranger@groups.test");
    expect((await role(bob, stranger, "admin")).status).toBe(404);
    expect((await role(stranger, stranger, "admin")).status).toBe(404);
  });

  test("each rule holds for members and not for administrators, of the group or of the app", async () => {
    const path = await groupOf("One");
    const rules = { rename: "admins", add: "admins", remove: "admins", pin: "admins", write: "admins" };
    expect((await bob.api.patch(path, { rules })).status).toBe(403);
    expect((await ada.api.patch(path, { rules })).body.rules).toEqual(rules);
    const dave = await system.signIn("dave@groups.test");
    const doing = (by: Person): (() => Promise<{ status: number }>)[] => [
      () => by.api.patch(path, { title: `By ${by.email}` }),
      () => by.api.put(`${path}/members/${dave.id}`),
      () => by.api.delete(`${path}/members/${dave.id}`),
      () => by.api.put(`${path}/messages/1/pin`),
      () => by.api.post(`${path}/messages`, { text: "Hello" }),
    ];
    const before = await seen(ada, path);
    for (const act of doing(bob)) expect((await act()).status).toBe(403);
    expect(await seen(ada, path)).toEqual(before);
    for (const act of doing(ada)) expect((await act()).status).toBeLessThan(300);
    const admin = await system.signInAs("admin", "app-admin@groups.test");
    await ada.api.put(`${path}/members/${admin.id}`);
    for (const act of doing(admin)) expect((await act()).status).toBeLessThan(300);
    // Reacting is not writing, and everybody may leave.
    expect((await bob.api.put(`${path}/messages/1/reactions/${encodeURIComponent("👍")}`)).status).toBe(200);
    expect((await bob.api.delete(`${path}/members/${bob.id}`)).status).toBe(204);
  });

  test("one rule is changed and the others stay", async () => {
    const path = await groupOf();
    await ada.api.patch(path, { rules: { pin: "admins" } });
    const { body } = await ada.api.patch(path, { rules: { write: "admins" } });
    expect(body.rules).toMatchObject({ pin: "admins", write: "admins", rename: "everyone" });
    expect((await ada.api.patch(path, { rules: { fly: "admins" } })).status).toBe(400);
    const { path: alone } = await startChat(ada.api, { kind: "assistant" });
    expect((await ada.api.patch(alone, { rules: { pin: "admins" } })).status).toBe(409);
  });

  test("when the last administrator leaves, the longest of the members is one", async () => {
    const path = await groupOf();
    await ada.api.delete(`${path}/members/${ada.id}`);
    expect((await seen(bob, path)).admins).toEqual([bob.id]);
  });

  test("of a group from before there were any, whoever created it", async () => {
    const path = await groupOf();
    const { FieldValue } = await import("@google-cloud/firestore");
    const head = system.deps.firestore.doc(`apps/demo/chats/${path.split("/").at(-1)}`);
    await head.update({ admins: FieldValue.delete(), rules: FieldValue.delete() });
    expect(await seen(bob, path)).toMatchObject({ admins: [ada.id], rules: { rename: "everyone" } });
    expect((await bob.api.delete(`${path}/members/${carol.id}`)).status).toBe(403);
    expect((await ada.api.put(`${path}/members/${bob.id}/role`, { role: "admin" })).body.admins).toEqual([
      ada.id,
      bob.id,
    ]);
  });
});

describe("a group is told", () => {
  test("who joined, left, was removed, and what it is called: unread to nobody, moving nothing", async () => {
    const path = await groupOf("One");
    await bob.api.put(`${path}/read`, { number: 1 });
    const before = await seen(bob, path);
    const dave = await system.signIn("dave-2@groups.test");
    await bob.api.put(`${path}/members/${dave.id}`);
    await ada.api.patch(path, { title: "Coffee" });
    await dave.api.delete(`${path}/members/${dave.id}`);
    await ada.api.delete(`${path}/members/${carol.id}`);
    expect((await messagesOf(bob, path)).slice(1)).toMatchObject([
      { number: 2, role: "system", sender: { id: bob.id }, event: { type: "joined", user: dave.id } },
      { number: 3, sender: { id: ada.id }, event: { type: "renamed", title: "Coffee" } },
      { number: 4, sender: { id: dave.id }, event: { type: "left", user: dave.id } },
      { number: 5, sender: { id: ada.id }, event: { type: "removed", user: carol.id } },
    ]);
    const after = await seen(bob, path);
    expect(after).toMatchObject({ unreadCount: 0, messagesCount: 5, latest: before.latest });
    expect(after.latestAt).toBe(before.latestAt);
    await system.settle();
    expect((await bob.api.get("/v1/apps/demo/notifications")).body.data).toEqual([]);
    const { body: next } = await ada.api.post(`${path}/messages`, { text: "Six" });
    expect(next).toMatchObject({ number: 6, parent: 5 });
    expect((await seen(bob, path)).unreadCount).toBe(1);
  });

  test("nothing where nothing changed, and what it was told stays as it is", async () => {
    const path = await groupOf();
    await ada.api.patch(path, { title: "Tea" });
    await ada.api.put(`${path}/members/${bob.id}`);
    expect(await messagesOf(ada, path)).toEqual([]);
    await ada.api.patch(path, { title: "Coffee" });
    expect((await ada.api.patch(`${path}/messages/1`, { text: "No" })).status).toBe(409);
    expect((await bob.api.post(`${path}/messages`, { text: "Re", replyTo: 1 })).status).toBe(400);
  });
});

describe("a mention", () => {
  test("names people by range, or is found by all, id or name", async () => {
    const path = await groupOf();
    const post = async (draft: object): Promise<Message> =>
      (await ada.api.post(`${path}/messages`, draft)).body;
    const { name } = (await bob.api.get("/v1/apps/demo/me")).body;
    expect((await post({ text: `Hi @${name}, and @All!` })).mentions).toEqual([
      { start: 3, end: 4 + name.length, user: bob.id },
      { start: 10 + name.length, end: 14 + name.length, user: "all" },
    ]);
    expect((await post({ text: `@${carol.id}` })).mentions).toEqual([
      { start: 0, end: 1 + carol.id.length, user: carol.id },
    ]);
    const mentions = [{ start: 0, end: 4, user: bob.id }];
    expect((await post({ text: "Bobo", mentions })).mentions).toEqual(mentions);
    for (const text of ["mail me at x@bob.test", `@${name}x`, "@ bob", "@nobody", "a@all"]) {
      expect(await post({ text })).not.toHaveProperty("mentions");
    }
    expect(await post({ text: "@all", mentions: [] })).not.toHaveProperty("mentions");
  });

  test.each([
    ["outside the text", [{ start: 0, end: 9, user: "all" }]],
    ["empty", [{ start: 1, end: 1, user: "all" }]],
    [
      "over one another",
      [
        { start: 0, end: 3, user: "all" },
        { start: 2, end: 4, user: "all" },
      ],
    ],
    ["of a stranger", [{ start: 0, end: 4, user: "stranger" }]],
    ["of too many", Array.from({ length: 51 }, () => ({ start: 0, end: 1, user: "all" }))],
  ])("%s is refused", async (_, mentions) => {
    const path = await groupOf();
    expect((await ada.api.post(`${path}/messages`, { text: "Name", mentions })).status).toBe(400);
  });

  test("shows in the chat until it is read, at no more cost", async () => {
    stayAtOneInstance(system);
    const path = await groupOf("One");
    const cost = await system.meterRequest(() =>
      ada.api.post(`${path}/messages`, { text: "Bob?", mentions: [{ start: 0, end: 3, user: bob.id }] }),
    );
    expect(cost.billed).toEqual({ reads: 0, writes: 2, deletes: 0 });
    expect([(await seen(bob, path)).mentioned, (await seen(carol, path)).mentioned]).toEqual([true, false]);
    await bob.api.put(`${path}/read`, { number: 2 });
    expect((await seen(bob, path)).mentioned).toBe(false);
    await ada.api.post(`${path}/messages`, { text: "@all" });
    expect([(await seen(bob, path)).mentioned, (await seen(carol, path)).mentioned]).toEqual([true, true]);
    await ada.api.delete(`${path}/messages/3`);
    expect((await seen(bob, path)).mentioned).toBe(false);
  });

  test("follows an edit", async () => {
    const path = await groupOf("Plain");
    const { body } = await ada.api.patch(`${path}/messages/1`, { text: "@all look" });
    expect(body.mentions).toEqual([{ start: 0, end: 4, user: "all" }]);
    expect((await seen(bob, path)).mentioned).toBe(true);
    expect((await ada.api.patch(`${path}/messages/1`, { text: "Plain again" })).body).not.toHaveProperty(
      "mentions",
    );
  });

  test("is notified as such, through a mute where the app has it so, and not at the level none", async () => {
    const path = await groupOf();
    await bob.api.put(`/v1/apps/demo/devices/phone`, { pushToken: "mention-phone:token" });
    const pushes = () =>
      system.suite.push
        .list({ project: system.project, limit: 1000 })
        .filter(
          ({ token, data }) => token === "mention-phone:token" && data["chat"] === path.split("/").at(-1),
        ).length;
    const post = async (text: string): Promise<void> => {
      await ada.api.post(`${path}/messages`, { text });
      await settleRounds(system);
    };
    await bob.api.patch(path, { notify: "mentions" });
    await post("Not for Bob");
    expect(pushes()).toBe(0);
    await post("@all: for Bob");
    expect(pushes()).toBe(1);
    expect((await bob.api.get("/v1/apps/demo/notifications?limit=1")).body.data[0].kind).toBe("mention");
    await bob.api.put(`${path}/mute`, { until: null });
    await post("@all: through the mute");
    expect(pushes()).toBe(2);
    await system.operator.patch("/v1/apps/demo", { settings: { notifications: { mentions: false } } });
    await post("@all: muted");
    expect(pushes()).toBe(2);
    await system.operator.patch("/v1/apps/demo", { settings: { notifications: { mentions: true } } });
    await bob.api.patch(path, { notify: "none" });
    await post("@all: none");
    expect(pushes()).toBe(2);
  });
});

describe("a thread", () => {
  test("gathers replies under the message that it began with, which counts them", async () => {
    const path = await groupOf("Root", "Beside");
    const reply = async (by: Person, text: string, replyTo: number): Promise<Message> =>
      (await by.api.post(`${path}/messages`, { text, replyTo })).body;
    expect(await reply(bob, "First", 1)).toMatchObject({ number: 3, replyTo: 1, thread: 1 });
    expect(await reply(ada, "To the reply", 3)).toMatchObject({ number: 4, replyTo: 3, thread: 1 });
    const { body: root } = await ada.api.get(`${path}/messages/1`);
    expect(root.replies).toEqual({
      count: 2,
      latest: { number: 4, sender: { id: ada.id }, createdAt: expect.any(String) },
    });
    const texts = async (query: string) => (await messagesOf(carol, path, query)).map(({ text }) => text);
    expect(await texts("thread=1")).toEqual(["To the reply", "First"]);
    expect(await texts("thread=1&after=0")).toEqual(["First", "To the reply"]);
    expect(await texts("thread=1&before=4")).toEqual(["First"]);
    expect(await texts("thread=2")).toEqual([]);
    const { body: page } = await carol.api.get(`${path}/messages?thread=1&limit=1`);
    expect(page).toMatchObject({ hasMore: true, prev: null });
    const { body: older } = await carol.api.get(`${path}/messages?thread=1&limit=1&cursor=${page.next}`);
    expect(older).toMatchObject({ hasMore: false, next: null, data: [{ number: 3 }] });
    const { body: newer } = await carol.api.get(`${path}/messages?thread=1&limit=1&cursor=${older.prev}`);
    expect(newer.data).toMatchObject([{ number: 4 }]);
    expect((await carol.api.get(`${path}/messages?thread=1&branch=main`)).status).toBe(400);
  });

  test("has its own unread, which reading the chat or the thread takes away", async () => {
    const path = await groupOf("Root");
    for (const text of ["a", "b", "c"]) await bob.api.post(`${path}/messages`, { text, replyTo: 1 });
    const unread = async () => (await carol.api.get(`${path}/messages/1/thread`)).body.unreadCount;
    expect(await unread()).toBe(3);
    expect((await carol.api.put(`${path}/messages/1/thread/read`, { number: 3 })).status).toBe(204);
    expect(await unread()).toBe(1);
    await carol.api.put(`${path}/messages/1/thread/read`, { number: 2 });
    expect(await unread()).toBe(1);
    await carol.api.put(`${path}/read`, { number: 4 });
    expect(await unread()).toBe(0);
    expect((await carol.api.put(`${path}/messages/1/thread/read`, { number: 99 })).status).toBe(400);
    expect((await carol.api.get(`${path}/messages/99/thread`)).status).toBe(404);
  });

  test("counts what stands, whichever of its replies are deleted", async () => {
    const path = await groupOf("Root");
    for (const text of ["a", "b", "c"]) await bob.api.post(`${path}/messages`, { text, replyTo: 1 });
    const replies = async () => (await ada.api.get(`${path}/messages/1`)).body.replies;
    await bob.api.delete(`${path}/messages/4`);
    expect(await replies()).toMatchObject({ count: 2, latest: { number: 3 } });
    await bob.api.delete(`${path}/messages/2`);
    await bob.api.delete(`${path}/messages/2`);
    expect(await replies()).toMatchObject({ count: 1, latest: { number: 3 } });
    await bob.api.delete(`${path}/messages/3`);
    expect(await replies()).toBeUndefined();
    expect((await carol.api.get(`${path}/messages/1/thread`)).body).toMatchObject({
      count: 0,
      unreadCount: 0,
    });
  });

  test("replies at once are all counted, and told to whoever follows the changes", async () => {
    const path = await groupOf("Root");
    const since = (await seen(ada, path)).revision;
    await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        (index % 2 === 0 ? ada : bob).api.post(`${path}/messages`, { text: `${index}`, replyTo: 1 }),
      ),
    );
    expect((await ada.api.get(`${path}/messages/1`)).body.replies.count).toBe(20);
    const { body } = await carol.api.get(`${path}/changes?since=${since}&limit=100`);
    expect(body.data.map(({ number }: Message) => number).sort((a: number, b: number) => a - b)).toEqual(
      Array.from({ length: 21 }, (_, index) => index + 1),
    );
    expect((await messagesOf(carol, path, "thread=1&limit=100")).length).toBe(20);
  });
});

describe("a pinned message", () => {
  test("is pinned for everybody, once, until the pin is taken off or it is deleted", async () => {
    const path = await groupOf("One", "Two");
    const { status, body } = await bob.api.put(`${path}/messages/2/pin`);
    expect([status, body.pinned]).toEqual([200, { by: bob.id, at: expect.any(String) }]);
    const { revision } = await seen(carol, path);
    await ada.api.put(`${path}/messages/2/pin`);
    await ada.api.put(`${path}/messages/1/pin`);
    expect(await seen(carol, path)).toMatchObject({ pinnedMessages: [2, 1], revision: revision + 2 });
    expect((await ada.api.delete(`${path}/messages/2/pin`)).body).not.toHaveProperty("pinned");
    await ada.api.delete(`${path}/messages/1`);
    expect((await seen(carol, path)).pinnedMessages).toEqual([]);
    expect((await ada.api.put(`${path}/messages/1/pin`)).status).toBe(409);
    expect((await ada.api.put(`${path}/messages/9/pin`)).status).toBe(404);
  });

  test("there are at most PINNED_MESSAGES_MAX", async () => {
    const path = await groupOf("One");
    const head = system.deps.firestore.doc(`apps/demo/chats/${path.split("/").at(-1)}`);
    const numbers = Array.from({ length: PINNED_MESSAGES_MAX }, (_, index) => index + 2);
    await head.update({ pinnedMessages: numbers });
    const elsewhere = await system.anotherInstance();
    expect((await elsewhere.as(ada).put(`${path}/messages/1/pin`)).status).toBe(400);
    await elsewhere[Symbol.asyncDispose]();
  });
});
