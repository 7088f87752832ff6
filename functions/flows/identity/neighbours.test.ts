import { type App as AdminApp, deleteApp, initializeApp } from "firebase-admin/app";
import { type Auth, getAuth } from "firebase-admin/auth";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { INVITATIONS_PER_DAY } from "../../../shared/identity/mail-cap.ts";
import { type Person, type System, startSystem } from "../../../shared/testing/start-system.ts";
import { unsignedToken } from "../../../shared/testing/unsigned-token.ts";

/** Attacks that are like known ones and are not these: docs/security.md says which stand beside which. */

const path = "/v1/apps/demo";

let system: System;
let kit: AdminApp;
let accounts: Auth;
let owner: Person;
let admin: Person;
let member: Person;
beforeAll(async () => {
  system = await startSystem();
  kit = initializeApp({ projectId: system.project }, `neighbours-${system.project}`);
  accounts = getAuth(kit);
  owner = await withRole("owner");
  admin = await withRole("admin");
  member = await system.signIn("member@neighbours.test");
});
afterAll(async () => {
  await deleteApp(kit);
  await system[Symbol.asyncDispose]();
});

async function withRole(role: string, email = `${role}@neighbours.test`): Promise<Person> {
  const { id } = await system.signIn(email);
  await system.operator.patch(`${path}/users/${id}`, { role });
  return system.signIn(email);
}

const idToken = (uid: string, claims: object): string => unsignedToken(system, uid, claims);
const exchange = (token: string) =>
  system.client().post(`${path}/auth/sessions/exchange`, { idToken: token });
const mailsTo = (email: string) => system.suite.mail.list({ to: email, limit: 100 });
const bearer = (token: string) => system.client({ authorization: `Bearer ${token}` });

describe("a key that is used for something else (S1)", () => {
  test("an invitation's key makes no link for another role or address, and shows none to another", async () => {
    const headers = { "idempotency-key": "same-key" };
    const post = (by: Person, body: object) => by.api.post(`${path}/invitations`, body, headers);
    const first = await post(owner, { role: "viewer" });
    expect(first.status).toBe(201);
    expect((await post(owner, { role: "owner" })).status).toBe(422);
    expect((await post(owner, { role: "viewer", email: "victim@neighbours.test" })).status).toBe(422);
    expect((await post(admin, { role: "viewer" })).body.code).not.toBe(first.body.code);
    await owner.api.delete(`${path}/invitations/${first.body.id}`);
    expect((await post(owner, { role: "viewer" })).body.code).toBe(first.body.code);
    const accepted = await member.api.post(`${path}/invitations/${first.body.code}/accept`);
    expect(accepted.status).toBe(404);
  });

  test("a hook's secret is shown again to its own request only, and no longer signs once it was replaced", async () => {
    const post = (by: Person, key: string) =>
      by.api.post(`${path}/moderation/secrets`, { overlapSeconds: 0 }, { "idempotency-key": key });
    const first = await post(owner, "secret-key");
    const other = await withRole("owner", "second-owner@neighbours.test");
    const second = await post(other, "secret-key");
    expect([second.status, second.body.secret === first.body.secret]).toEqual([201, false]);
    expect((await post(owner, "secret-key")).body.secret).toBe(first.body.secret);
    const stored = await system.deps.firestore.doc("apps/demo").get();
    expect(stored.get("hookSecrets")).toHaveLength(1);
  });
});

describe("rights that would grow (S3)", () => {
  test("an admin makes nobody an owner, be it by a user whom a server creates, a role, or a mapping", async () => {
    const attempts = [
      await admin.api.post(`${path}/users`, { externalId: "puppet", role: "owner" }),
      await admin.api.patch(`${path}/users/${admin.id}`, { role: "owner" }),
      await admin.api.patch(`${path}/users/${member.id}`, { role: "owner" }),
      await admin.api.post(`${path}/invitations`, { role: "owner" }),
      await admin.api.patch(path, { settings: { claims: { role: "role", roles: { x: "admin" } } } }),
      await admin.api.patch(path, { settings: { moderation: { url: null } } }),
      await admin.api.post(`${path}/users/${owner.id}/sessions`),
      await admin.api.delete(`${path}/users/${owner.id}/identities`),
    ];
    expect(attempts.map(({ status }) => status)).toEqual(attempts.map(() => 403));
  });

  test("a token gives out no session of somebody who may more than it", async () => {
    const scopes = ["user:create", "user:act-for", "user:read"];
    const { body } = await system.operator.post(`${path}/tokens`, { scopes });
    const server = bearer(body.token);
    for (const person of [owner, admin]) {
      expect((await server.post(`${path}/users/${person.id}/sessions`)).status).toBe(403);
    }
    const raised = await server.post(`${path}/users`, { externalId: "raised", role: "admin" });
    expect(raised.status).toBe(403);
  });
});

describe("what an identity provider takes away (S9)", () => {
  test("takes the person's API tokens along, and gives them back with the role", async () => {
    await system.operator.patch(path, {
      settings: { claims: { role: "job", roles: { boss: "admin" } } },
    });
    const { uid } = await accounts.createUser({ email: "boss@neighbours.test", emailVerified: true });
    const email = "boss@neighbours.test";
    const boss = await exchange(idToken(uid, { email, job: "boss" }));
    expect(boss.body.user.role).toBe("admin");
    const made = await bearer(boss.body.accessToken).post(`${path}/tokens`, { scopes: ["*"] });
    const token = bearer(made.body.token);
    const mayList = async () => (await token.get(`${path}/reports`)).status;
    expect(await mayList()).toBe(200);
    await exchange(idToken(uid, { email, job: "clerk" }));
    await expect.poll(mayList, { interval: 5 }).toBe(403);
    await exchange(idToken(uid, { email, job: "boss" }));
    await expect.poll(mayList, { interval: 5 }).toBe(200);
    await system.operator.patch(path, { settings: { claims: { role: null, roles: {} } } });
  });

  test("a role by the name of what every object has is none", async () => {
    await system.operator.patch(path, {
      settings: { claims: { role: "constructor", roles: { boss: "admin" } } },
    });
    for (const value of ["constructor", "toString", "hasOwnProperty", ["valueOf"], {}, 1, null]) {
      const uid = `proto-${JSON.stringify(value).replaceAll(/\W/g, "")}`;
      await accounts.createUser({ uid, email: `${uid.toLowerCase()}@neighbours.test`, emailVerified: true });
      const claims = { email: `${uid.toLowerCase()}@neighbours.test`, constructor: value };
      expect((await exchange(idToken(uid, claims))).body.user.role).toBe("member");
    }
    await system.operator.patch(path, { settings: { claims: { role: null, roles: {} } } });
  });
});

describe("mails that nobody wanted (S7, S14)", () => {
  test("invitations to one address are bounded by the day, whoever invites, and leave its codes alone", async () => {
    const email = "bombed@neighbours.test";
    for (const by of [owner, admin, owner, admin, owner]) {
      const { status, body } = await by.api.post(`${path}/invitations`, { email });
      expect([status, body.code === ""]).toEqual([201, false]);
      await system.settle();
    }
    expect(mailsTo(email)).toHaveLength(INVITATIONS_PER_DAY);
    const person = await system.signIn(email);
    expect(person.id).toBeTruthy();
    system.suite.kernel.clock.advance(25 * 3_600_000);
    await system.operator.post(`${path}/invitations`, { email });
    await system.settle();
    system.suite.kernel.clock.advance(-25 * 3_600_000);
    expect(mailsTo(email).filter(({ subject }) => !/\d{6}/.test(subject))).toHaveLength(
      INVITATIONS_PER_DAY + 1,
    );
  });

  test("an address is one, however it is written", async () => {
    await system.operator.patch(path, { settings: { limits: { codesPerDay: 4 } } });
    const spellings = [
      "Many@Neighbours.test",
      "many@NEIGHBOURS.TEST",
      " many@neighbours.test ",
      "ｍany@neighbours.test",
    ];
    for (const email of [...spellings, ...spellings]) {
      expect((await system.client().post(`${path}/auth/codes`, { email })).status).toBe(202);
    }
    await system.settle();
    expect(mailsTo("many@neighbours.test").length).toBeLessThanOrEqual(4);
    await system.operator.patch(path, { settings: { limits: { codesPerDay: null } } });
  });

  test("no word of an app's or a person's stands in a mail that lets somebody in", async () => {
    const words = "URGENT https://evil.example/login";
    await system.operator.patch(path, { name: words });
    await owner.api.patch(`${path}/me`, { name: words });
    await owner.api.post(`${path}/invitations`, { email: "phished@neighbours.test" });
    await system.client().post(`${path}/auth/codes`, { email: "phished@neighbours.test" });
    await system.settle();
    const mails = mailsTo("phished@neighbours.test");
    expect(mails).toHaveLength(2);
    expect(JSON.stringify(mails)).not.toMatch(/URGENT|evil/);
    await system.operator.patch(path, { name: "demo" });
    await owner.api.patch(`${path}/me`, { name: "Owner" });
  });
});

describe("what others are told of a person (S10, S18)", () => {
  test("neither address nor standing, in the list, alone, and in what happens in a chat", async () => {
    const watched = await system.signIn("watched@neighbours.test");
    await member.api.post(`${path}/reports`, { user: watched.id, reason: "Loud" });
    const { body: reports } = await admin.api.get(`${path}/reports?limit=100`);
    const report = reports.data.find(({ user }: { user: string }) => user === watched.id);
    await admin.api.patch(`${path}/reports/${report.id}`, { decision: "warn" });
    const { body: chat } = await member.api.post(`${path}/chats`, { kind: "group", members: [watched.id] });
    const seen = [
      (await member.api.get(`${path}/users?limit=100`)).body.data,
      (await member.api.get(`${path}/users/${watched.id}`)).body,
      (await member.api.get(`${path}/chats/${chat.number}`)).body,
      (await member.api.get(`${path}/chats/${chat.number}/reads`)).body,
    ];
    expect(JSON.stringify(seen)).not.toMatch(/watched@|warnedAt|quietHours|"status"|externalId|blockedBy/);
    for (const route of ["security-events", "reports", "tokens", "invitations", "usage"]) {
      expect([route, (await member.api.get(`${path}/${route}`)).status]).toEqual([route, 403]);
    }
  });
});

describe("what an attacker writes where it is logged (S11)", () => {
  test("stands in no line: tokens and addresses in paths, keys, conditions, origins and media types", async () => {
    const { accessToken, refreshToken } = member.session;
    const { body } = await system.operator.post(`${path}/tokens`, {});
    const before = system.logs.length;
    for (const secret of [accessToken, refreshToken, body.token, "someone@neighbours.test"]) {
      const anyone = system.client();
      await anyone.get(`/v1/${encodeURIComponent(secret)}`);
      await anyone.get(`${path}/users/${encodeURIComponent(secret)}`);
      await anyone.get(`${path}/chats?cursor=${encodeURIComponent(secret)}`);
      await member.api.get(`${path}/chats/${encodeURIComponent(secret)}`);
      for (const header of [
        "idempotency-key",
        "if-match",
        "if-none-match",
        "origin",
        "referer",
        "traceparent",
      ]) {
        await member.api.post(`${path}/chats`, { kind: "group" }, { [header]: secret });
      }
      await anyone.post(`${path}/auth/codes`, { email: secret, [secret.slice(0, 60)]: 1 });
    }
    await system.settle();
    const lines = JSON.stringify(system.logs.slice(before));
    for (const secret of [accessToken, refreshToken, body.token, "someone@neighbours.test"]) {
      expect(lines).not.toContain(secret);
      expect(lines).not.toContain(encodeURIComponent(secret));
    }
  });
});

describe("models by the names of what every object has (S4)", () => {
  test.each(["constructor", "toString", "__proto__", "hasOwnProperty"])(
    "%s is a model of no chat, and under a budget nothing is spent on it as a lane's",
    async (name) => {
      const change = (assistant: object) => system.operator.patch(path, { settings: { assistant } });
      const chosen = await member.api.post(`${path}/chats`, { kind: "assistant", model: name });
      const { body: chat } = await member.api.post(`${path}/chats`, { kind: "assistant" });
      const changed = await member.api.patch(`${path}/chats/${chat.number}`, { model: name });
      expect([chosen.status, changed.status]).toEqual([400, 400]);
      const budgets = { appPerDay: null, personPerDay: 1_000 };
      expect((await change({ budgets, fast: [name], slow: [name] })).status).toBe(200);
      const messages = `${path}/chats/${chat.number}/messages`;
      const { body: question } = await member.api.post(messages, { text: "Hi" });
      await system.settle();
      const { body: answer } = await member.api.get(`${messages}/${question.answer.number}`);
      expect([name, answer.status, answer.usage]).toEqual([name, "failed", undefined]);
      await change({ budgets: { appPerDay: null, personPerDay: null }, fast: [], slow: [] });
    },
  );
});
