import { beforeAll, describe, expect, test } from "vitest";
import type { ApiClient } from "../../../shared/testing/api-client.ts";
import type { Person } from "../../../shared/testing/start-system.ts";
import { usePeople, useRole, useSystem } from "../../../shared/testing/use-system.ts";

/** An app's own server: its people, sessions for them, and what it does in their name. */

const users = "/v1/apps/demo/users";
const chats = "/v1/apps/demo/chats";
const me = "/v1/apps/demo/me";

let server: ApiClient;
const system = useSystem({ instances: 1 });
beforeAll(async () => {
  server = await withScopes();
});
const [ada] = usePeople(system, "ada@example.test");
const owner = useRole(system, "owner");
const admin = useRole(system, "admin");

async function withScopes(scopes?: string[], by: ApiClient = system.operator): Promise<ApiClient> {
  const { status, body } = await by.post("/v1/apps/demo/tokens", scopes === undefined ? {} : { scopes });
  expect(status).toBe(201);
  return system.client({ authorization: `Bearer ${body.token}` });
}

const acting = ({ id }: { readonly id: string }) => ({ "x-acting-for": id });

describe("people", () => {
  test("are created once under the server's own name for them, also by requests at the same time", async () => {
    const draft = { externalId: "crm-1", email: "crm1@example.test", name: "Crm One" };
    const made = await Promise.all([server.post(users, draft), server.post(users, draft)]);
    expect(made.map(({ status }) => status).sort((a, b) => a - b)).toEqual([200, 201]);
    expect(made[0]?.body.id).toBe(made[1]?.body.id);
    expect(made[0]?.body).toMatchObject({ externalId: "crm-1", name: "Crm One", role: "member" });
    const again = await server.post(users, { externalId: "crm-1", name: "Other", role: "viewer" });
    expect([again.status, again.body.name, again.body.role]).toEqual([200, "Crm One", "member"]);
  });

  test("are the same people who sign in with the address", async () => {
    const { body } = await server.post(users, { email: "later@example.test" });
    expect((await system.signIn("later@example.test")).id).toBe(body.id);
    const named = await server.post(users, { externalId: "crm-later", email: "later@example.test" });
    expect([named.status, named.body.id, named.body.externalId]).toEqual([200, body.id, "crm-later"]);
    const other = await server.post(users, { externalId: "crm-other", email: "later@example.test" });
    expect(other.status).toBe(409);
  });

  test("come in whatever the registration says, and never come back once removed", async () => {
    await system.operator.patch("/v1/apps/demo", { settings: { registration: { mode: "invited" } } });
    const { status, body } = await server.post(users, { externalId: "crm-2" });
    expect(status).toBe(201);
    expect(body.email).toBeUndefined();
    await system.operator.patch("/v1/apps/demo", { settings: { registration: { mode: "open" } } });
    await system.operator.delete(`${users}/${body.id}`);
    expect((await server.post(users, { externalId: "crm-2" })).status).toBe(409);
    expect((await server.post(`${users}/${body.id}/sessions`)).status).toBe(404);
  });

  test("have no role that the server's token does not cover", async () => {
    expect((await server.post(users, { externalId: "boss", role: "owner" })).status).toBe(403);
    expect((await server.post(users, { externalId: "boss", role: "admin" })).status).toBe(403);
    expect((await server.post(users, { email: owner.email })).status).toBe(403);
    expect((await admin.api.post(users, { externalId: "boss", role: "owner" })).status).toBe(403);
    const full = await withScopes(["*"]);
    expect((await full.post(users, { externalId: "boss", role: "owner" })).status).toBe(201);
    for (const draft of [{}, { name: "Nobody" }, { externalId: "" }, { externalId: "x", id: "y" }]) {
      expect((await server.post(users, draft)).status).toBe(400);
    }
  });
});

describe("a session for a person", () => {
  test("is theirs in all, and the same again under the key as long as it stands", async () => {
    const path = `${users}/${ada.id}/sessions`;
    const headers = { "idempotency-key": "session" };
    const { status, body } = await server.post(path, undefined, headers);
    expect([status, body.user.id]).toEqual([201, ada.id]);
    const api = system.client({ authorization: `Bearer ${body.accessToken}` });
    expect((await api.get(me)).status).toBe(200);
    const again = await server.post(path, undefined, headers);
    expect([again.body.sessionId, again.headers.get("idempotency-replayed")]).toEqual([
      body.sessionId,
      "true",
    ]);
    await api.delete("/v1/apps/demo/auth/sessions/current");
    expect((await server.post(path, undefined, headers)).body.code).toBe("session_ended");
    const { body: events } = await owner.api.get("/v1/apps/demo/security-events?kind=session-created");
    expect(events.data[0].subject).toBe(ada.id);
  });

  test("is given out for nobody above the token, nor by those who may not", async () => {
    const session = (by: ApiClient, person: Person) => by.post(`${users}/${person.id}/sessions`);
    expect((await session(server, owner)).status).toBe(403);
    expect((await session(server, admin)).status).toBe(403);
    expect((await session(admin.api, ada)).status).toBe(403);
    expect((await session(await withScopes(["*"], admin.api), ada)).status).toBe(403);
    expect((await session(await withScopes(["user:create"]), ada)).status).toBe(403);
    // It covers less than a member is.
    expect((await session(await withScopes(["user:act-for", "chat:read"]), ada)).status).toBe(403);
    expect((await session(await withScopes(["*"]), owner)).status).toBe(201);
  });
});

describe("in a person's name", () => {
  test("a server writes and reads as they would, and it is written down once an hour", async () => {
    const { body: chat } = await server.post(chats, { kind: "group", title: "Hers" }, acting(ada));
    expect(chat.createdBy).toBe(ada.id);
    const path = `${chats}/${chat.number}`;
    const { body: message } = await server.post(`${path}/messages`, { text: "Hello" }, acting(ada));
    expect(message.sender).toEqual({ id: ada.id });
    expect((await ada.api.get(`${path}/messages`)).body.data[0].text).toBe("Hello");
    expect((await server.get(me, acting(ada))).body.id).toBe(ada.id);
    const { body: events } = await owner.api.get("/v1/apps/demo/security-events?kind=acted-for");
    expect(events.data.filter(({ subject }: { subject: string }) => subject === ada.id)).toHaveLength(1);
    const cost = await system.meterRequest(() => server.get(me, acting(ada)));
    expect(cost.billed).toEqual({ reads: 1, writes: 0, deletes: 0 });
  });

  test("has the person's rights and none of its own beside them", async () => {
    const { body: other } = await owner.api.post(chats, { kind: "group" });
    const path = `${chats}/${other.number}`;
    expect((await server.get(path)).status).toBe(200);
    expect((await server.get(path, acting(ada))).status).toBe(404);
    const viewer = await system.signIn("viewer@example.test");
    await system.operator.patch(`${users}/${viewer.id}`, { role: "viewer" });
    await expect
      .poll(async () => (await server.post(chats, { kind: "group" }, acting(viewer))).status, { interval: 5 })
      .toBe(403);
  });

  test("has none of the person's rights that the token has no scope for", async () => {
    const reader = await withScopes(["user:act-for", "chat:read"]);
    expect((await reader.get(chats, acting(ada))).status).toBe(200);
    expect((await reader.post(chats, { kind: "group" }, acting(ada))).status).toBe(403);
    expect((await server.patch("/v1/apps/demo", { name: "x" }, acting(owner))).status).toBe(403);
    expect((await server.patch(me, { name: "x" }, acting(owner))).status).toBe(403);
    expect((await server.post("/v1/apps/demo/tokens", {}, acting(owner))).status).toBe(403);
  });

  test("nobody enrols a factor, takes a ticket or ends sessions", async () => {
    const full = await withScopes(["*"]);
    for (const call of [
      () => full.post(`${me}/factor`, undefined, acting(ada)),
      () => full.get(`${me}/factor`, acting(ada)),
      () => full.post("/v1/apps/demo/tickets", undefined, acting(ada)),
      () => full.delete("/v1/apps/demo/auth/sessions", acting(ada)),
      () => full.post("/v1/apps/demo/invitations/inv_x/accept", undefined, acting(ada)),
    ]) {
      expect((await call()).status).toBe(403);
    }
  });

  test("is refused to people, to tokens without the scope, and for who is not there", async () => {
    expect((await owner.api.get(me, acting(ada))).status).toBe(403);
    expect((await (await withScopes(["chat:read"])).get(chats, acting(ada))).status).toBe(403);
    const other = await system.createApp("Other");
    const stranger = await system.signIn("stranger@example.test", other.id);
    for (const id of [stranger.id, "nobody", "__x__", "a/b", "."]) {
      expect((await server.get(chats, acting({ id }))).status).toBe(404);
    }
    await system.operator.put(`${users}/${ada.id}/disabled`);
    await expect.poll(async () => (await server.get(chats, acting(ada))).status, { interval: 5 }).toBe(404);
    await system.operator.delete(`${users}/${ada.id}/disabled`);
  });
});

describe("as a bot or the app itself", () => {
  test("a server with the scope writes, and no model answers that", async () => {
    const { body: chat } = await server.post(chats, { kind: "assistant", members: [admin.id] });
    const path = `${chats}/${chat.number}/messages`;
    const bot = await server.post(path, { text: "Build is green", sender: { bot: "CI" } });
    expect([bot.status, bot.body.sender.bot, bot.body.answer]).toEqual([201, "CI", undefined]);
    const notice = await server.post(path, { text: "Maintenance at noon", role: "system" });
    expect([notice.status, notice.body.role, notice.body.answer]).toEqual([201, "system", undefined]);
    const { body } = await admin.api.get(`${chats}/${chat.number}`);
    expect(body.latest.text).toBe("Maintenance at noon");
  });

  test("nobody else does", async () => {
    const { body: chat } = await owner.api.post(chats, { kind: "group" });
    const path = `${chats}/${chat.number}/messages`;
    for (const draft of [{ sender: { bot: "CI" } }, { role: "system" }]) {
      expect((await owner.api.post(path, { text: "x", ...draft })).status).toBe(400);
      const plain = await withScopes(["chat:any", "message:write"]);
      expect((await plain.post(path, { text: "x", ...draft })).status).toBe(403);
      expect((await server.post(path, { text: "x", ...draft }, acting(owner))).status).toBe(400);
    }
    for (const draft of [{ role: "assistant" }, { sender: { id: owner.id } }, { sender: { bot: "" } }]) {
      expect((await server.post(path, { text: "x", ...draft })).status).toBe(400);
    }
  });
});
