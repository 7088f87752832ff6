import { describe, expect, test } from "vitest";
import { type Person, startSystem } from "../../../shared/testing/start-system.ts";
import { stayAtOneInstance, useInstance, useRole, useSystem } from "../../../shared/testing/use-system.ts";

/** People who are disabled or removed, and their sessions as they see them. */

const me = "/v1/apps/demo/me";
const user = (person: { readonly id: string }) => `/v1/apps/demo/users/${person.id}`;

const HOUR_MS = 3_600_000;

const system = useSystem();
const elsewhere = useInstance(system);
const owner = useRole(system, "owner");
const admin = useRole(system, "admin");

const refresh = ({ session: { refreshToken } }: Person) =>
  system.client().post("/v1/apps/demo/auth/refresh", { refreshToken });

describe("a disabled person", () => {
  test("is refused by every instance, and after enabling goes on where they were", async () => {
    const ada = await system.signIn("ada@example.test");
    const { body: ticket } = await ada.api.post("/v1/apps/demo/tickets");
    expect((await elsewhere.as(ada).get(me)).status).toBe(200);
    expect((await admin.api.put(`${user(ada)}/disabled`)).status).toBe(204);
    await expect.poll(async () => (await ada.api.get(me)).status, { interval: 5 }).toBe(401);
    await expect.poll(async () => (await elsewhere.as(ada).get(me)).status, { interval: 5 }).toBe(401);
    expect((await refresh(ada)).body.code).toBe("session_ended");
    const opened = await system.client().get(`/v1/apps/demo/events?ticket=${ticket.ticket}`);
    expect(opened.status).toBe(401);
    await expect(system.signIn("ada@example.test")).rejects.toThrow("not_admitted");
    expect((await admin.api.get(user(ada))).body.status).toBe("disabled");
    expect((await admin.api.put(`${user(ada)}/disabled`)).status).toBe(204);
    expect((await admin.api.delete(`${user(ada)}/disabled`)).status).toBe(204);
    const fresh = await refresh(ada);
    expect(fresh.status).toBe(200);
    const api = system.client({ authorization: `Bearer ${fresh.body.accessToken}` });
    await expect.poll(async () => (await api.get(me)).status, { interval: 5 }).toBe(200);
    expect((await admin.api.get(user(ada))).body.status).toBeUndefined();
  });

  test("has no refresh in flight that outlives it", async () => {
    const ada = await system.signIn("racing@example.test");
    const [fresh] = await Promise.all([refresh(ada), admin.api.put(`${user(ada)}/disabled`)]);
    if (fresh.status !== 200) return;
    const api = system.client({ authorization: `Bearer ${fresh.body.accessToken}` });
    await expect.poll(async () => (await api.get(me)).status, { interval: 5 }).toBe(401);
  });

  test("takes their API tokens with them, for as long as it lasts", async () => {
    const maker = await system.signInAs("owner", "maker@example.test");
    const { body } = await maker.api.post("/v1/apps/demo/tokens", { scopes: ["*"] });
    const token = system.client({ authorization: `Bearer ${body.token}` });
    const status = async () => (await token.get("/v1/apps/demo")).status;
    expect(await status()).toBe(200);
    await owner.api.put(`${user(maker)}/disabled`);
    await expect.poll(status, { interval: 5 }).toBe(401);
    await owner.api.delete(`${user(maker)}/disabled`);
    await expect.poll(status, { interval: 5 }).toBe(200);
  });
});

describe("a removed person", () => {
  test("leaves their groups, keeps their messages, and is not found, nor let in, again", async () => {
    const bob = await system.signIn("bob@example.test");
    const eve = await system.signIn("eve@example.test");
    const { body: group } = await bob.api.post("/v1/apps/demo/chats", { kind: "group", members: [eve.id] });
    const chat = `/v1/apps/demo/chats/${group.number}`;
    await eve.api.post(`${chat}/messages`, { text: "I was here" });
    expect((await admin.api.delete(user(eve))).status).toBe(204);
    await expect.poll(async () => (await eve.api.get(me)).status, { interval: 5 }).toBe(401);
    expect((await refresh(eve)).status).toBe(401);
    expect((await bob.api.get(chat)).body.members).toEqual([bob.id]);
    const { body } = await bob.api.get(`${chat}/messages`);
    expect(body.data[0]).toMatchObject({ event: { type: "left", user: eve.id } });
    expect(body.data[1]).toMatchObject({ text: "I was here", sender: { id: eve.id } });
    expect((await bob.api.get(user(eve))).status).toBe(404);
    expect((await bob.api.put(`${chat}/members/${eve.id}`)).status).toBe(404);
    const { body: list } = await bob.api.get("/v1/apps/demo/users?limit=100");
    expect(list.data.some(({ id }: { id: string }) => id === eve.id)).toBe(false);
    await expect(system.signIn("eve@example.test")).rejects.toThrow("not_admitted");
    expect((await admin.api.delete(user(eve))).status).toBe(204);
    expect((await admin.api.patch(user(eve), { role: "viewer" })).status).toBe(404);
    expect((await admin.api.put(`${user(eve)}/disabled`)).status).toBe(404);
    const { body: events } = await owner.api.get("/v1/apps/demo/security-events?kind=user-removed");
    expect(events.data[0]).toMatchObject({ actor: admin.id, subject: eve.id });
  });
});

describe("what a removed person had", () => {
  const back = async (email: string, role = "owner") => {
    const { body } = await owner.api.post("/v1/apps/demo/invitations", { email, role });
    expect(body.code).toBeTruthy();
    return system.signIn(email);
  };

  test("tokens, and what these made, end for good: they don't live again when the person comes back", async () => {
    const maker = await system.signInAs("owner", "gone-maker@example.test");
    const { body: first } = await maker.api.post("/v1/apps/demo/tokens", { scopes: ["*"] });
    const token = system.client({ authorization: `Bearer ${first.token}` });
    const { body: second } = await token.post("/v1/apps/demo/tokens", { scopes: ["app:read"] });
    const grandchild = system.client({ authorization: `Bearer ${second.token}` });
    const invited = async (by: typeof maker.api, email: string) =>
      expect((await by.post("/v1/apps/demo/invitations", { email, role: "admin" })).status).toBe(201);
    await invited(maker.api, "by-person@example.test");
    await invited(token, "by-token@example.test");
    await owner.api.patch("/v1/apps/demo", { settings: { registration: { mode: "invited" } } });
    expect((await owner.api.delete(user(maker))).status).toBe(204);
    const refusedBoth = async () => {
      for (const client of [token, grandchild]) {
        await expect.poll(async () => (await client.get("/v1/apps/demo")).status, { interval: 5 }).toBe(401);
      }
    };
    await refusedBoth();
    const { body: list } = await owner.api.get("/v1/apps/demo/tokens?limit=100");
    expect(list.data.some(({ createdBy }: { createdBy: string }) => createdBy === maker.id)).toBe(false);
    const again = await back("gone-maker@example.test");
    expect(again.id).toBe(maker.id);
    await refusedBoth();
    for (const email of ["by-person@example.test", "by-token@example.test"]) {
      await expect(system.signIn(email)).rejects.toThrow();
    }
    // What they make now is good.
    const { body: third } = await again.api.post("/v1/apps/demo/tokens", { scopes: ["*"] });
    const fresh = system.client({ authorization: `Bearer ${third.token}` });
    expect((await fresh.get("/v1/apps/demo")).status).toBe(200);
    await owner.api.patch("/v1/apps/demo", { settings: { registration: { mode: "open" } } });
  });

  test("an invitation that a token made ends with the token's maker, its scope and its time", async () => {
    stayAtOneInstance(system);
    const maker = await system.signInAs("admin", "token-maker@example.test");
    const scopes = ["*"];
    const expiresAt = new Date(system.suite.kernel.clock.now() + 60_000).toISOString();
    const { body: made } = await maker.api.post("/v1/apps/demo/tokens", { scopes, expiresAt });
    const token = system.client({ authorization: `Bearer ${made.token}` });
    const invite = async () =>
      (await token.post("/v1/apps/demo/invitations", { role: "member", uses: 5 })).body.code;
    const code = await invite();
    await owner.api.patch("/v1/apps/demo", { settings: { registration: { mode: "invited" } } });
    const joins = async (email: string): Promise<boolean> => {
      const anyone = system.client();
      const { body } = await anyone.post("/v1/apps/demo/auth/codes", { email, invitation: code });
      await system.settle();
      const mailed = system.suite.mail.list({ to: email, limit: 1 }).length === 1;
      expect(body.challenge).toBeTruthy();
      return mailed;
    };
    expect(await joins("one@invited.test")).toBe(true);
    await owner.api.put(`${user(maker)}/disabled`);
    expect(await joins("two@invited.test")).toBe(false);
    await owner.api.delete(`${user(maker)}/disabled`);
    expect(await joins("three@invited.test")).toBe(true);
    system.suite.kernel.clock.advance(61_000);
    expect(await joins("four@invited.test")).toBe(false);
    system.suite.kernel.clock.advance(-61_000);
    await owner.api.patch("/v1/apps/demo", { settings: { registration: { mode: "open" } } });
  });

  test("devices, notifications and pushes are forgotten; the other keeps the direct chat", async () => {
    stayAtOneInstance(system);
    const bob = await system.signIn("bob-stays@example.test");
    const eve = await system.signIn("eve-goes@example.test");
    const { body: chat } = await eve.api.post("/v1/apps/demo/chats", { kind: "direct", members: [bob.id] });
    await eve.api.put("/v1/apps/demo/devices/phone", { pushToken: "eve:token", platform: "ios" });
    await bob.api.post(`/v1/apps/demo/chats/${chat.number}/messages`, { text: "Hello" });
    await system.settle();
    const of = async (name: string) => {
      const { docs } = await system.deps.firestore.collection(`apps/demo/${name}`).get();
      return docs.filter((document) => document.get("user") === eve.id).length;
    };
    expect([await of("notifications"), await of("pushTokens")]).toEqual([1, 1]);
    await admin.api.delete(user(eve));
    expect([await of("notifications"), await of("pushTokens")]).toEqual([0, 0]);
    expect((await system.deps.firestore.doc(`apps/demo/devices/${eve.id}`).get()).exists).toBe(false);
    const pushed = system.suite.push.list({ user: eve.id }).length;
    await bob.api.post(`/v1/apps/demo/chats/${chat.number}/messages`, { text: "Are you gone?" });
    system.suite.kernel.clock.advance(HOUR_MS);
    await system.settle();
    system.suite.kernel.clock.advance(-HOUR_MS);
    expect(system.suite.push.list({ user: eve.id })).toHaveLength(pushed);
    const mails = system.suite.mail.list({ to: "eve-goes@example.test", limit: 10 });
    expect(mails.filter(({ subject }) => !/\d{6}/.test(subject))).toEqual([]);
    expect((await bob.api.get(`/v1/apps/demo/chats/${chat.number}`)).body.messagesCount).toBe(2);
  });
});

describe("those above are out of reach", () => {
  test("an admin neither disables, nor enables, nor removes an owner", async () => {
    for (const call of [
      () => admin.api.put(`${user(owner)}/disabled`),
      () => admin.api.delete(`${user(owner)}/disabled`),
      () => admin.api.delete(user(owner)),
    ]) {
      expect((await call()).status).toBe(403);
    }
    expect((await owner.api.get(me)).status).toBe(200);
  });

  test("the last owner stays, also when the other one is disabled, and when two leave at once", async () => {
    const own = await startSystem();
    try {
      const signIn = async (email: string) => {
        const { id } = await own.signIn(email);
        await own.operator.patch(`/v1/apps/demo/users/${id}`, { role: "owner" });
        return own.signIn(email);
      };
      const first = await signIn("first@example.test");
      expect((await own.operator.delete(user(first))).status).toBe(409);
      expect((await own.operator.put(`${user(first)}/disabled`)).status).toBe(409);
      const second = await signIn("second@example.test");
      expect((await first.api.put(`${user(second)}/disabled`)).status).toBe(204);
      expect((await own.operator.patch(user(first), { role: "member" })).status).toBe(409);
      expect((await own.operator.delete(user(first))).status).toBe(409);
      await own.operator.delete(`${user(second)}/disabled`);
      const both = await Promise.all([own.operator.delete(user(first)), own.operator.delete(user(second))]);
      expect(both.map(({ status }) => status).sort((a, b) => a - b)).toEqual([204, 409]);
    } finally {
      await own[Symbol.asyncDispose]();
    }
  });
});

test("a person sees their sessions and ends each, and nobody else's", async () => {
  const first = await system.signIn("sessions@example.test");
  const second = await system.signIn("sessions@example.test");
  const { body } = await second.api.get("/v1/apps/demo/me/sessions");
  expect(body.data.map(({ id, current }: { id: string; current: boolean }) => [id, current])).toEqual([
    [second.session.sessionId, true],
    [first.session.sessionId, false],
  ]);
  expect(body.data[0]).toMatchObject({ device: "node", ip: "127.0.0.0/24" });
  const { body: page } = await second.api.get("/v1/apps/demo/me/sessions?limit=1");
  expect([page.data.length, page.hasMore]).toEqual([1, true]);
  const other = await admin.api.delete(`/v1/apps/demo/auth/sessions/${first.session.sessionId}`);
  expect(other.status).toBe(404);
  const gone = await second.api.delete(`/v1/apps/demo/auth/sessions/${first.session.sessionId}`);
  expect(gone.status).toBe(204);
  expect((await second.api.get("/v1/apps/demo/me/sessions")).body.data).toHaveLength(1);
  await expect.poll(async () => (await first.api.get(me)).status, { interval: 5 }).toBe(401);
});
