import { describe, expect, test } from "vitest";
import { type Person, startSystem } from "../../../shared/testing/start-system.ts";
import { useInstance, useRole, useSystem } from "../../../shared/testing/use-system.ts";

/** People who are disabled or removed, and their sessions as they see them. */

const me = "/v1/apps/demo/me";
const user = (person: { readonly id: string }) => `/v1/apps/demo/users/${person.id}`;

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
    expect(body.data[0]).toMatchObject({ text: "I was here", sender: { id: eve.id } });
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
