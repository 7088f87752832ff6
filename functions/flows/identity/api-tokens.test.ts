import { beforeAll, describe, expect, test } from "vitest";
import { PERMISSIONS, PERSONAL, rightsOf } from "../../../shared/identity/permissions.ts";
import type { Person } from "../../../shared/testing/start-system.ts";
import { usePeople, useRole, useSystem } from "../../../shared/testing/use-system.ts";

const tokens = "/v1/apps/demo/tokens";

const system = useSystem({ instances: 1 });
const owner = useRole(system, "owner");
const admin = useRole(system, "admin");
const [ada] = usePeople(system, "ada@example.test");
beforeAll(async () => {
  await ada.api.post("/v1/apps/demo/chats", {
    kind: "direct",
    members: [(await system.signIn("bob@example.test")).id],
  });
});

const as = (token: string) => system.client({ authorization: `Bearer ${token}` });
const mint = async (by: Person, draft: object = {}) => {
  const { status, body } = await by.api.post(tokens, draft);
  expect(status).toBe(201);
  return { ...body, api: as(body.token) };
};

describe("a token holds nothing that its maker does not", () => {
  test("an admin's token reads nobody's direct chats, whatever scopes it was made with", async () => {
    for (const draft of [{}, { scopes: ["*"] }, { scopes: ["chat:read", "message:read"] }]) {
      const { api } = await mint(admin, draft);
      expect((await api.get("/v1/apps/demo/chats/1")).status).toBe(404);
      expect((await api.get("/v1/apps/demo/chats/1/messages")).status).toBe(404);
    }
    const { api } = await mint(owner);
    expect((await api.get("/v1/apps/demo/chats/1")).status).toBe(200);
  });

  test.each(Object.keys(PERMISSIONS))(
    "%s goes into a token of those who hold it, and of no other",
    async (scope) => {
      for (const [person, role] of [
        [owner, "owner"],
        [admin, "admin"],
      ] as const) {
        const { status } = await person.api.post(tokens, { scopes: [scope] });
        const holds = (rightsOf(role) as ReadonlySet<string>).has(scope);
        expect(status).toBe(PERSONAL.has(scope) ? 400 : holds ? 201 : 403);
      }
    },
  );

  test("scopes that there are not, none at all, and a date in the past are refused", async () => {
    const past = new Date(system.suite.kernel.clock.now() - 1).toISOString();
    for (const draft of [
      { scopes: ["app:everything"] },
      { scopes: ["constructor:x"] },
      { scopes: ["constructor"] },
      { scopes: [] },
      { expiresAt: past },
      { scope: "*" },
    ]) {
      expect((await owner.api.post(tokens, draft)).status).toBe(400);
    }
  });

  test("a token with one scope does that and nothing else", async () => {
    const { api } = await mint(owner, { scopes: ["user:read"] });
    expect((await api.get("/v1/apps/demo/users")).status).toBe(200);
    expect((await api.get("/v1/apps/demo")).status).toBe(403);
    expect((await api.get("/v1/apps/demo/chats")).status).toBe(403);
  });

  test("a token made by a token has no more than that one, and ends with it", async () => {
    const parent = await mint(owner, { scopes: ["token:manage", "user:read", "chat:read"] });
    expect((await parent.api.post(tokens, { scopes: ["app:change"] })).status).toBe(403);
    const { body } = await parent.api.post(tokens, { scopes: ["*"] });
    const child = as(body.token);
    expect((await child.get("/v1/apps/demo/users")).status).toBe(200);
    expect((await child.get("/v1/apps/demo/security-events")).status).toBe(403);
    expect((await owner.api.delete(`${tokens}/${parent.id}`)).status).toBe(204);
    await expect.poll(async () => (await child.get("/v1/apps/demo/users")).status, { interval: 5 }).toBe(401);
  });

  test("tokens make tokens only so deep", async () => {
    let { api } = await mint(owner, { scopes: ["token:manage"] });
    for (let depth = 1; depth <= 3; depth += 1) {
      const { status, body } = await api.post(tokens, { scopes: ["*"] });
      expect(status).toBe(201);
      api = as(body.token);
    }
    expect((await api.post(tokens, { scopes: ["*"] })).status).toBe(403);
  });
});

describe("a token follows its maker's rights", () => {
  test("it shrinks when the maker is demoted, on every instance, and grows again with them", async () => {
    const maker = await system.signInAs("owner", "maker@example.test");
    const token = await mint(maker, { scopes: ["*"] });
    const seesAny = async () => (await token.api.get("/v1/apps/demo/chats/1")).status;
    expect(await seesAny()).toBe(200);
    const path = `/v1/apps/demo/users/${maker.id}`;
    await system.operator.patch(path, { role: "member" });
    await expect.poll(seesAny, { interval: 5 }).toBe(404);
    expect((await token.api.get("/v1/apps/demo/security-events")).status).toBe(403);
    await system.operator.patch(path, { role: "owner" });
    await expect.poll(seesAny, { interval: 5 }).toBe(200);
  });

  test("it expires", async () => {
    const expiresAt = new Date(system.suite.kernel.clock.now() + 60_000).toISOString();
    const { api, ...made } = await mint(owner, { expiresAt });
    expect(made.expiresAt).toBe(expiresAt);
    expect((await api.get("/v1/apps/demo")).status).toBe(200);
    system.suite.kernel.clock.advance(60_001);
    expect((await api.get("/v1/apps/demo")).body.code).toBe("token_expired");
  });
});

describe("the list of tokens", () => {
  test("shows an owner all and an admin their own, with maker and last use, and never a secret", async () => {
    const mine = await mint(admin, { name: "Mine", scopes: ["user:read"] });
    const theirs = await mint(owner, { name: "Theirs" });
    await mine.api.get("/v1/apps/demo/users");
    const listed = async (by: Person) => (await by.api.get(`${tokens}?limit=100`)).body.data;
    const all = await listed(owner);
    expect(all.map(({ id }: { id: string }) => id)).toEqual(expect.arrayContaining([mine.id, theirs.id]));
    expect(JSON.stringify(all)).not.toMatch(/sbk_|hash/);
    const own = await listed(admin);
    expect(new Set(own.map(({ createdBy }: { createdBy: string }) => createdBy))).toEqual(
      new Set([admin.id]),
    );
    const used = async () =>
      (await listed(admin)).find(({ id }: { id: string }) => id === mine.id).lastUsedAt;
    await expect.poll(used).not.toBeNull();
    expect(own.find(({ id }: { id: string }) => id === mine.id)).toMatchObject({
      name: "Mine",
      scopes: ["user:read"],
    });
    expect((await admin.api.delete(`${tokens}/${theirs.id}`)).status).toBe(404);
    expect((await owner.api.delete(`${tokens}/${mine.id}`)).status).toBe(204);
    expect((await listed(admin)).some(({ id }: { id: string }) => id === mine.id)).toBe(false);
  });

  test("a use is noted at most once an hour, and costs the request no operation", async () => {
    const { api } = await mint(owner);
    await api.get("/v1/apps/demo/chats/1");
    const cost = await system.meter(async () => {
      for (let times = 0; times < 3; times += 1) await api.get("/v1/apps/demo/chats/999999");
    });
    expect(cost.billed).toEqual({ reads: 3 * 2, writes: 0, deletes: 0 });
  });
});

test("a deleted token is not brought back by repeating the request that made it", async () => {
  const headers = { "idempotency-key": "rotation" };
  const { body } = await owner.api.post(tokens, { name: "Server" }, headers);
  const again = await owner.api.post(tokens, { name: "Server" }, headers);
  expect([again.status, again.body.token]).toEqual([201, body.token]);
  expect((await owner.api.post(tokens, { name: "Other" }, headers)).status).toBe(422);
  await owner.api.delete(`${tokens}/${body.id}`);
  system.suite.kernel.clock.advance(3600_000);
  const fresh = await system.signIn("owner@example.test");
  const late = await fresh.api.post(tokens, { name: "Server" }, headers);
  expect([late.headers.get("idempotency-replayed"), late.body.token]).toEqual(["true", body.token]);
  expect((await as(body.token).get("/v1/apps/demo")).status).toBe(401);
});

test("a token that is not known costs one read, and then none", async () => {
  const unknown = as(`sbk_demo_${"a".repeat(26)}_${"b".repeat(43)}`);
  expect((await unknown.get("/v1/apps/demo")).status).toBe(401);
  const cost = await system.meter(async () => expect((await unknown.get("/v1/apps/demo")).status).toBe(401));
  expect(cost.billed.reads).toBe(0);
});
