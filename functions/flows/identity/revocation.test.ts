import { decodeJwt } from "jose";
import { describe, expect, test, vi } from "vitest";
import { FRESH_MS_MAX, STALE_MS_MAX } from "../../../shared/identity/revocations.ts";
import type { ApiClient } from "../../../shared/testing/api-client.ts";
import type { Person } from "../../../shared/testing/start-system.ts";
import { useInstance, useSystem } from "../../../shared/testing/use-system.ts";

const auth = "/v1/apps/demo/auth";
const me = "/v1/apps/demo/me";
const revocations = "/v1/operator/revocations";

const system = useSystem();
const elsewhere = useInstance(system);

const refresh = async (person: Person) =>
  system.client().post(`${auth}/refresh`, { refreshToken: person.session.refreshToken });
const withToken = (token: string): ApiClient => system.client({ authorization: `Bearer ${token}` });

/** A person whose token both instances have accepted and remember. */
async function known(email: string): Promise<Person> {
  const person = await system.signIn(email);
  expect((await person.api.get(me)).status).toBe(200);
  expect((await elsewhere.as(person).get(me)).status).toBe(200);
  return person;
}

async function expectEnded(person: Person): Promise<void> {
  for (const api of [person.api, elsewhere.as(person)]) {
    await expect.poll(async () => (await api.get(me)).body.code, { interval: 5 }).toBe("token_revoked");
  }
}

describe("the operator revokes", () => {
  test("one token; its session goes on", async () => {
    const ada = await known("jti@example.test");
    const id = decodeJwt(ada.session.accessToken).jti;
    const { status, body } = await system.operator.post(revocations, { scope: "token", id });
    expect([status, body.scope, body.id]).toEqual([201, "token", id]);
    await expectEnded(ada);
    const fresh = await refresh(ada);
    expect((await withToken(fresh.body.accessToken).get(me)).status).toBe(200);
  });

  test("one session; the person's other one goes on", async () => {
    const [one, two] = [await known("sid@example.test"), await known("sid@example.test")];
    await system.operator.post(revocations, { scope: "session", id: one.session.sessionId });
    await expectEnded(one);
    expect((await refresh(one)).body.code).toBe("session_ended");
    expect((await two.api.get(me)).status).toBe(200);
    expect((await refresh(two)).status).toBe(200);
  });

  test("all sessions of a person, and a new sign-in is good at once", async () => {
    const ada = await known("user@example.test");
    await system.operator.post(revocations, { scope: "user", id: ada.id });
    await expectEnded(ada);
    expect((await refresh(ada)).status).toBe(401);
    const again = await system.signIn("user@example.test");
    expect((await again.api.get(me)).status).toBe(200);
    expect((await refresh(again)).status).toBe(200);
  });

  test("all of an app, and of no other", async () => {
    const app = await system.createApp("Revoked");
    const there = await system.signIn("there@example.test", app.id);
    const here = await known("here@example.test");
    await system.operator.post(revocations, { scope: "app", id: app.id });
    const path = `/v1/apps/${app.id}/me`;
    await expect.poll(async () => (await there.api.get(path)).status, { interval: 5 }).toBe(401);
    expect((await here.api.get(me)).status).toBe(200);
  });

  test("only what was issued before the time that is named", async () => {
    const ada = await known("past@example.test");
    const past = new Date(system.suite.kernel.clock.now() - 3600_000).toISOString();
    await system.operator.post(revocations, { scope: "all", issuedBefore: past });
    const later = await known("later@example.test");
    expect((await later.api.get(me)).status).toBe(200);
    expect((await ada.api.get(me)).status).toBe(200);
    const future = new Date(system.suite.kernel.clock.now() + 3600_000).toISOString();
    const { status } = await system.operator.post(revocations, { scope: "all", issuedBefore: future });
    expect(status).toBe(400);
  });

  test("once for a repeated request, and not another thing under the same key", async () => {
    const key = { "idempotency-key": "revoke-1" };
    const ada = await known("repeated@example.test");
    const wish = { scope: "user", id: ada.id };
    const first = await system.operator.post(revocations, wish, key);
    const again = await system.operator.post(revocations, wish, key);
    expect([again.status, again.body]).toEqual([201, first.body]);
    expect(again.headers.get("idempotency-replayed")).toBe("true");
    const other = await system.operator.post(revocations, { scope: "user", id: "someone" }, key);
    expect([other.status, other.body.code]).toEqual([422, "idempotency_key_reused"]);
  });

  test("everything", async () => {
    const ada = await known("all@example.test");
    await system.operator.post(revocations, { scope: "all" });
    await expectEnded(ada);
    expect((await refresh(ada)).status).toBe(401);
  });

  test.each([
    {},
    { scope: "planet" },
    { scope: "user" },
    { scope: "all", id: "x" },
    { scope: "user", id: "a/b" },
  ])("not %j", async (body) => {
    expect((await system.operator.post(revocations, body)).status).toBe(400);
  });
});

describe("access tokens end with", () => {
  test("a sign-out", async () => {
    const ada = await known("out@example.test");
    await ada.api.delete(`${auth}/sessions/current`);
    await expectEnded(ada);
  });

  test("a sign-out everywhere", async () => {
    const [one, two] = [await known("everywhere@example.test"), await known("everywhere@example.test")];
    await one.api.delete(`${auth}/sessions`);
    await expectEnded(one);
    await expectEnded(two);
    expect((await refresh(two)).status).toBe(401);
  });

  test("a refresh token used twice", async () => {
    const ada = await known("twice@example.test");
    const fresh = await refresh(ada);
    system.suite.kernel.clock.advance(11_000);
    expect((await refresh(ada)).status).toBe(401);
    await expect
      .poll(async () => (await withToken(fresh.body.accessToken).get(me)).body.code, { interval: 5 })
      .toBe("token_revoked");
    const { body } = await system.operator.get("/v1/apps/demo/security-events?kind=refresh-token-reused");
    expect(body.data[0]).toMatchObject({ subject: ada.id, actor: null });
  });

  test("a change of role; a refresh gives the new one", async () => {
    const ada = await known("role@example.test");
    const path = `/v1/apps/demo/users/${ada.id}`;
    expect((await system.operator.patch(path, { role: "viewer" })).body.role).toBe("viewer");
    await expectEnded(ada);
    const fresh = await refresh(ada);
    const api = withToken(fresh.body.accessToken);
    expect((await api.get(me)).body.role).toBe("viewer");
    expect((await api.post("/v1/apps/demo/chats", { kind: "group" })).status).toBe(403);
  });

  test("the deletion of the app or of an API token", async () => {
    const app = await system.createApp("Short-lived");
    const path = `/v1/apps/${app.id}`;
    const second = (await system.operator.post(`${path}/tokens`)).body;
    const [old, fresh] = [withToken(app.token), withToken(second.token)];
    expect([(await old.get(path)).status, (await fresh.get(path)).status]).toEqual([200, 200]);
    const id = app.token.split("_")[2];
    expect((await system.operator.delete(`${path}/tokens/${id}`)).status).toBe(204);
    await expect.poll(async () => (await old.get(path)).status, { interval: 5 }).toBe(401);
    expect((await fresh.get(path)).status).toBe(200);
    const ada = await system.signIn("ada@example.test", app.id);
    expect((await system.operator.delete(path)).status).toBe(204);
    await expect.poll(async () => (await ada.api.get(`${path}/me`)).status, { interval: 5 }).toBe(401);
    expect((await system.client().post(`${path}/auth/codes`, { email: "a@example.test" })).status).toBe(404);
    expect((await fresh.get(path)).status).toBe(404);
  });
});

describe("when Firestore is lost", () => {
  test("privileged routes refuse once the list is old, others later, and all of them serve again after", async () => {
    const admin = await system.signIn("admin@example.test");
    await system.operator.patch(`/v1/apps/demo/users/${admin.id}`, { role: "admin" });
    const { body } = await refresh(admin);
    const api = withToken(body.accessToken);
    const statuses = async (): Promise<number[]> => [
      (await api.get("/v1/apps/demo/users/nobody")).status,
      (await api.get("/v1/apps/demo/security-events?limit=0")).status,
    ];
    expect(await statuses()).toEqual([404, 400]);
    // The age of the list is what the monotonic clock says, not the clock that tests and operators may set.
    const present = performance.now.bind(performance);
    let aheadMs = 0;
    const monotonic = vi.spyOn(performance, "now").mockImplementation(() => present() + aheadMs);
    const lost = { service: "firestore", kind: "before", code: "PERMISSION_DENIED", count: 1_000 } as const;
    system.fault({ ...lost, method: "RunQuery" });
    system.fault({ ...lost, method: "Listen" });
    try {
      expect(await statuses()).toEqual([404, 400]);
      aheadMs += FRESH_MS_MAX + 1;
      expect(await statuses()).toEqual([404, 503]);
      aheadMs += STALE_MS_MAX;
      expect(await statuses()).toEqual([503, 503]);
      system.clearFaults();
      expect(await statuses()).toEqual([404, 400]);
    } finally {
      system.clearFaults();
      monotonic.mockRestore();
    }
  });
});
