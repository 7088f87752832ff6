import { beforeEach, describe, expect, test } from "vitest";
import { UNREAD_MS } from "../../../shared/notify/tasks.ts";
import type { Person } from "../../../shared/testing/start-system.ts";
import { settleRounds, stayAtOneInstance, useSystem } from "../../../shared/testing/use-system.ts";

/** Ada has blocked Eve. */

const chats = "/v1/apps/demo/chats";
const blocks = "/v1/apps/demo/me/blocks";

let ada: Person;
let bob: Person;
let eve: Person;
let rounds = 0;

const system = useSystem();
beforeEach(async () => {
  rounds += 1;
  ada = await system.signIn(`ada-${rounds}@example.test`);
  bob = await system.signIn(`bob-${rounds}@example.test`);
  eve = await system.signIn(`eve-${rounds}@example.test`);
});

const direct = (by: Person, to: { readonly id: string }) =>
  by.api.post(chats, { kind: "direct", members: [to.id] });
const write = (by: Person, chat: number, text = "Hello") =>
  by.api.post(`${chats}/${chat}/messages`, { text });
const block = (by: Person, whom: { readonly id: string }) => by.api.put(`${blocks}/${whom.id}`);
const unblock = (by: Person, whom: Person) => by.api.delete(`${blocks}/${whom.id}`);

describe("a direct chat with who has blocked one", () => {
  test("can't be opened, and they look as absent as who is not there", async () => {
    expect((await block(ada, eve)).status).toBe(200);
    const bare = ({ status, body }: Awaited<ReturnType<typeof direct>>) => [
      status,
      body.code,
      body.detail,
      body.errors,
    ];
    expect(bare(await direct(eve, ada))).toEqual(bare(await direct(eve, { id: "nobody" })));
    expect((await unblock(ada, eve)).status).toBe(204);
    expect((await direct(eve, ada)).status).toBe(201);
  });

  test("takes nothing more from them: no message, edit, reaction or sign of typing", async () => {
    const { body: chat } = await direct(eve, ada);
    await write(eve, chat.number, "Before");
    await write(ada, chat.number, "Stop it");
    await block(ada, eve);
    const path = `${chats}/${chat.number}`;
    const { body: before } = await ada.api.get(path);
    const absent = await write(eve, 999_999);
    const bare = (body: Record<string, unknown>) => ({ ...body, instance: "", requestId: "" });
    for (const call of [
      () => write(eve, chat.number),
      () => eve.api.patch(`${path}/messages/1`, { text: "Changed" }),
      () => eve.api.put(`${path}/messages/2/reactions/${encodeURIComponent("👍")}`),
      () => eve.api.post(`${path}/typing`),
    ]) {
      const cost = await system.meter(async () => {
        const { status, body } = await call();
        expect([status, bare(body)]).toEqual([404, bare(absent.body)]);
      });
      expect(cost.billed.writes).toBe(0);
    }
    expect((await eve.api.get(path)).status).toBe(200);
    expect((await direct(eve, ada)).body.number).toBe(chat.number);
    expect((await ada.api.get(path)).body).toEqual(before);
    expect((await write(ada, chat.number, "Last word")).status).toBe(201);
    await unblock(ada, eve);
    expect((await write(eve, chat.number)).status).toBe(201);
  });

  test("is shut on every instance, also on one that remembers it", async () => {
    await using elsewhere = await system.anotherInstance();
    const { body: chat } = await direct(eve, ada);
    const post = () => elsewhere.as(eve).post(`${chats}/${chat.number}/messages`, { text: "Still there?" });
    expect((await post()).status).toBe(201);
    await block(ada, eve);
    expect((await post()).status).toBe(404);
  });

  test("that they opened themselves keeps the block from its beginning", async () => {
    await block(ada, eve);
    const { status, body: chat } = await direct(ada, eve);
    expect(status).toBe(201);
    expect((await write(eve, chat.number)).status).toBe(404);
  });

  test("stays shut by the other when both have blocked and one takes it back", async () => {
    const { body: chat } = await direct(eve, ada);
    await block(ada, eve);
    await block(eve, ada);
    await unblock(ada, eve);
    expect((await write(eve, chat.number)).status).toBe(201);
    expect((await write(ada, chat.number)).status).toBe(404);
  });

  test("costs an append no more than before", async () => {
    stayAtOneInstance(system);
    const { body: chat } = await direct(ada, eve);
    await block(ada, eve);
    await write(ada, chat.number);
    const cost = await system.meterRequest(() => write(ada, chat.number));
    expect(cost.billed).toEqual({ reads: 0, writes: 2, deletes: 0 });
  });
});

describe("in a group", () => {
  const groupOf = async (...members: Person[]): Promise<number> =>
    (await bob.api.post(chats, { kind: "group", members: members.map(({ id }) => id) })).body.number;
  const toldOf = async ({ api }: Person): Promise<string[]> =>
    (await api.get("/v1/apps/demo/notifications")).body.data.map(
      ({ excerpt }: { excerpt: string }) => excerpt,
    );

  test("their messages stay to be read, and bring no notification, push or excerpt", async () => {
    const chat = await groupOf(ada, eve);
    const token = `${system.project}-${rounds}:token`;
    await ada.api.put("/v1/apps/demo/devices/phone", { pushToken: token, platform: "android" });
    const pushes = () =>
      system.suite.push
        .list({ project: system.project, limit: 1000 })
        .filter((push) => push.token === token)
        .map(({ notification }) => notification?.body);
    await block(ada, eve);
    await write(eve, chat, "Look at me");
    await settleRounds(system);
    expect([await toldOf(ada), pushes()]).toEqual([[], []]);
    expect(await toldOf(bob)).toEqual(["Look at me"]);
    const { body } = await ada.api.get(`${chats}/${chat}/messages`);
    expect(body.data[0].text).toBe("Look at me");
    // Both are there when the first is told of.
    const { promise: until, resolve: release } = Promise.withResolvers<void>();
    system.fault({ service: "pubsub", method: "Push", kind: "held", until, count: 2 });
    await write(bob, chat, "Ignore her");
    await write(eve, chat, "You can't");
    release();
    await settleRounds(system);
    expect(await toldOf(ada)).toEqual(["Ignore her"]);
    expect(pushes()).toEqual(["New message"]);
    await unblock(ada, eve);
    await write(eve, chat, "Friends?");
    await settleRounds(system);
    expect(pushes()).toEqual(["Friends?", "New message"]);
  });
});

test("a message that was there before the block is not mailed about after it", async () => {
  const { body: chat } = await direct(eve, ada);
  await write(eve, chat.number);
  await system.settle();
  await block(ada, eve);
  system.suite.kernel.clock.advance(UNREAD_MS + 1_000);
  await system.settle();
  const mails = system.suite.mail.list({ to: ada.email, limit: 10 });
  expect(mails.some(({ subject }) => subject.includes("wrote"))).toBe(false);
});

test("blocks are one's own: listed, found, repeated and taken back by nobody else", async () => {
  expect((await ada.api.get(`${blocks}/${eve.id}`)).status).toBe(404);
  const first = await block(ada, eve);
  const again = await block(ada, eve);
  expect(again.body).toEqual(first.body);
  expect((await ada.api.get(blocks)).body.data).toEqual([first.body]);
  expect((await ada.api.get(`${blocks}/${eve.id}`)).body.user).toBe(eve.id);
  expect((await eve.api.get(blocks)).body.data).toEqual([]);
  expect((await unblock(eve, ada)).status).toBe(204);
  expect((await ada.api.get(blocks)).body.data).toHaveLength(1);
  expect((await block(ada, ada)).status).toBe(400);
  expect((await block(ada, { id: "nobody" })).status).toBe(404);
});

describe("who may open a direct chat", () => {
  const contact = (to: string) => system.operator.patch("/v1/apps/demo", { settings: { contact: to } });

  test("is the app's choice; administrators always may, and a chat there is stays", async () => {
    const { body: kept } = await direct(ada, eve);
    await contact("nobody");
    expect((await direct(ada, bob)).body.code).toBe("forbidden");
    expect((await direct(ada, eve)).body.number).toBe(kept.number);
    await system.operator.patch(`/v1/apps/demo/users/${bob.id}`, { role: "admin" });
    bob = await system.signIn(bob.email);
    expect((await direct(bob, ada)).status).toBe(201);
    await contact("shared-chats");
    const carol = await system.signIn(`carol-${rounds}@example.test`);
    expect((await direct(carol, ada)).status).toBe(403);
    await ada.api.post(chats, { kind: "group", members: [carol.id] });
    expect((await direct(carol, ada)).status).toBe(201);
    await contact("anyone");
  });
});

describe("an owner in other people's direct chats", () => {
  const events = async (): Promise<{ actor: string; subject: string }[]> =>
    (await system.operator.get("/v1/apps/demo/security-events?kind=read-as-outsider&limit=100")).body.data;

  test("leaves a trace, once an hour for each chat, whatever they do there", async () => {
    const { body: chat } = await direct(ada, eve);
    await write(ada, chat.number);
    const owner = await system.signIn(`owner-${rounds}@example.test`);
    await system.operator.patch(`/v1/apps/demo/users/${owner.id}`, { role: "owner" });
    const { api } = await system.signIn(owner.email);
    const before = (await events()).length;
    for (const path of ["", "/messages", "/messages/1", "/changes", "/reads"]) {
      expect((await api.get(`${chats}/${chat.number}${path}`)).status).toBe(200);
    }
    const added = (await events()).slice(0, -before || undefined);
    expect(added).toMatchObject([{ actor: owner.id, subject: `chat_${chat.number}` }]);
    system.suite.kernel.clock.advance(3600_000);
    const fresh = await system.signIn(owner.email);
    expect((await fresh.api.get(`${chats}/${chat.number}`)).status).toBe(200);
    expect(await events()).toHaveLength(before + 2);
  });

  test("leaves one by a stream and a search too, none in groups, and members leave none", async () => {
    const { body: chat } = await direct(ada, eve);
    const { body: group } = await ada.api.post(chats, { kind: "group" });
    const owner = await system.signIn(`owner2-${rounds}@example.test`);
    await system.operator.patch(`/v1/apps/demo/users/${owner.id}`, { role: "owner" });
    const { session, api } = await system.signIn(owner.email);
    const before = (await events()).length;
    expect((await api.get(`${chats}/${group.number}`)).status).toBe(200);
    expect((await ada.api.get(`${chats}/${chat.number}`)).status).toBe(200);
    expect(await events()).toHaveLength(before);
    const over = new AbortController();
    const stream = await fetch(`${system.url}${chats}/${chat.number}/events`, {
      headers: { authorization: `Bearer ${session.accessToken}` },
      signal: over.signal,
    });
    expect(stream.status).toBe(200);
    await expect.poll(async () => (await events()).length).toBe(before + 1);
    over.abort();
  });

  test("is shown nothing when the trace can't be written", async () => {
    const { body: chat } = await direct(ada, eve);
    const owner = await system.signIn(`owner3-${rounds}@example.test`);
    await system.operator.patch(`/v1/apps/demo/users/${owner.id}`, { role: "owner" });
    const { api } = await system.signIn(owner.email);
    system.fault({ service: "firestore", method: "Commit", kind: "before", code: "INTERNAL", count: 50 });
    expect((await api.get(`${chats}/${chat.number}`)).status).toBe(503);
    system.clearFaults();
    expect((await api.get(`${chats}/${chat.number}`)).status).toBe(200);
  });
});

describe("a direct chat that is opened at the very moment of a block", () => {
  /** Holds a commit until the test lets it go, and says when it has come. */
  const gate = (skip = 0) => {
    const { promise, resolve: letGo } = Promise.withResolvers<void>();
    const { promise: come, resolve: comes } = Promise.withResolvers<void>();
    system.suite.kernel.faults.add({
      service: "firestore",
      method: "Commit",
      match: system.project,
      kind: "held",
      skip,
      get until() {
        comes();
        return promise;
      },
    });
    return { come, letGo };
  };
  const opened = async (number: number): Promise<number> => (await write(eve, number)).status;

  test("is not there when the block is stored first", async () => {
    const { come, letGo } = gate();
    const creating = direct(eve, ada);
    await come;
    expect((await block(ada, eve)).status).toBe(200);
    letGo();
    expect((await creating).status).toBe(400);
    expect((await ada.api.get(chats)).body.data).toEqual([]);
    expect((await eve.api.get(chats)).body.data).toEqual([]);
    await unblock(ada, eve);
    expect((await direct(eve, ada)).status).toBe(201);
  });

  test("is not there, or takes nothing from them, when it comes while the block is being stored", async () => {
    const { come, letGo } = gate();
    const blocking = block(ada, eve);
    await come;
    const creating = direct(eve, ada);
    letGo();
    expect((await blocking).status).toBe(200);
    const { status, body } = await creating;
    const mayWrite = status === 201 && (await opened(body.number)) !== 404;
    expect([status === 201 || status === 400, mayWrite]).toEqual([true, false]);
    expect((await ada.api.get(chats)).body.data).toHaveLength(status === 201 ? 1 : 0);
  });

  test("takes nothing from them when the chat is stored first", async () => {
    const { body } = await direct(eve, ada);
    // The block stands; that the chat's head says so is still under way, and so is the reply.
    const { come, letGo } = gate(1);
    const blocking = block(ada, eve);
    await come;
    letGo();
    expect((await blocking).status).toBe(200);
    expect(await opened(body.number)).toBe(404);
    expect((await write(ada, body.number)).status).toBe(201);
  });

  test("is not there either when the two had one that is deleted at that moment", async () => {
    const { body: old } = await direct(eve, ada);
    const { come, letGo } = gate(1);
    expect((await eve.api.delete(`${chats}/${old.number}`)).status).toBe(204);
    const creating = direct(eve, ada);
    await come;
    await block(ada, eve);
    letGo();
    expect((await creating).status).toBe(400);
    expect((await ada.api.get(chats)).body.data).toEqual([]);
  });

  test("is open when a block is taken back at that moment, to whomever it was closed", async () => {
    await block(ada, eve);
    const { come, letGo } = gate();
    const creating = direct(ada, eve);
    await come;
    expect((await unblock(ada, eve)).status).toBe(204);
    letGo();
    const { status, body } = await creating;
    expect(status).toBe(201);
    expect(await opened(body.number)).toBe(201);
  });
});
