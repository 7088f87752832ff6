import { type App as AdminApp, deleteApp, initializeApp } from "firebase-admin/app";
import { type Auth, getAuth } from "firebase-admin/auth";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { useSystem } from "../../../shared/testing/use-system.ts";
import { unsignedToken } from "../../../shared/testing/unsigned-token.ts";

/** Every way in through another identity provider, on one emulator of it. */

const exchange = "/v1/apps/demo/auth/sessions/exchange";

let kit: AdminApp;
let accounts: Auth;
const system = useSystem();
beforeAll(async () => {
  kit = initializeApp({ projectId: system.project }, system.project);
  accounts = getAuth(kit);
});
afterAll(async () => {
  await deleteApp(kit);
});

const idToken = (uid: string, claims: object = {}): string => unsignedToken(system, uid, claims);

const sendToken = (token: string, more: object = {}) =>
  system.client().post(exchange, { idToken: token, ...more });
const refresh = (refreshToken: string) =>
  system.client().post("/v1/apps/demo/auth/refresh", { refreshToken });

test("an identity token makes a session, of the same person as the mailed code for the address", async () => {
  const { uid } = await accounts.createUser({ email: "ada@sso.test", emailVerified: true });
  const { status, body } = await sendToken(idToken(uid, { email: "ada@sso.test", name: "Ada L." }));
  expect(status).toBe(201);
  expect(body.user).toMatchObject({ name: "Ada L.", email: "ada@sso.test", role: "member" });
  expect((await system.signIn("Ada@sso.test")).id).toBe(body.user.id);
  expect((await refresh(body.refreshToken)).status).toBe(200);
});

test("an identity token lets in whom the app lets in: nobody uninvited, disabled or removed", async () => {
  const user = (id: string) => `/v1/apps/demo/users/${id}`;
  const register = (mode: string) =>
    system.operator.patch("/v1/apps/demo", { settings: { registration: { mode } } });
  const invite = async (draft: object) =>
    (await system.operator.post("/v1/apps/demo/invitations", draft)).body.code;
  await register("invited");
  const { uid } = await accounts.createUser({ email: "hal@sso.test", emailVerified: true });
  const token = () => idToken(uid, { email: "hal@sso.test" });
  const refused = await sendToken(token());
  expect([refused.status, refused.body.code]).toEqual([403, "not_admitted"]);
  const joined = await sendToken(token(), { invitation: await invite({ role: "viewer" }) });
  expect([joined.status, joined.body.user.role]).toEqual([201, "viewer"]);
  expect((await sendToken(token())).status).toBe(201);
  const { id } = joined.body.user;
  await system.operator.put(`${user(id)}/disabled`);
  expect((await sendToken(token())).status).toBe(403);
  expect((await refresh(joined.body.refreshToken)).status).toBe(401);
  await system.operator.delete(`${user(id)}/disabled`);
  await system.operator.delete(user(id));
  expect((await sendToken(token())).status).toBe(403);
  await invite({ email: "hal@sso.test", role: "member" });
  const back = await sendToken(token());
  expect([back.status, back.body.user.id, back.body.user.role]).toEqual([201, id, "member"]);
  await register("open");
});

test("an address that nobody vouches for opens no account", async () => {
  await system.signIn("victim@sso.test");
  const { uid } = await accounts.createUser({ email: "victim@sso.test" });
  const token = idToken(uid, { email: "victim@sso.test", email_verified: false });
  expect((await sendToken(token)).body.code).toBe("token_invalid");
});

test.each<[string, object]>([
  ["of another project", { aud: "other", iss: "https://securetoken.google.com/other" }],
  ["of another issuer", { iss: "https://issuer.example" }],
  ["expired", { exp: 1_000 }],
  ["of nobody", { sub: "" }],
  ["without an address", { email: undefined }],
])("a token %s is refused", async (_, claims) => {
  const { uid } = await accounts.createUser({});
  const { status, body } = await sendToken(idToken(uid, { email: `${uid}@sso.test`, ...claims }));
  expect([status, body.code]).toEqual([401, "token_invalid"]);
});

test("claims are mapped by each app's settings, and an owner is not made by a claim", async () => {
  const claims = {
    email: "upn",
    name: "display",
    vouched: "upn",
    role: "groups",
    roles: { staff: "admin", guests: "viewer" },
  };
  await system.operator.patch("/v1/apps/demo", { settings: { claims } });
  const { uid } = await accounts.createUser({});
  const mapped = { upn: "grace@sso.test", display: "Grace", groups: ["guests", "staff"] };
  const { body } = await sendToken(idToken(uid, mapped));
  expect(body.user).toMatchObject({ email: "grace@sso.test", name: "Grace", role: "admin" });
  const later = await sendToken(idToken(uid, { ...mapped, groups: "owner" }));
  expect(later.body.user.role).toBe("member");
  const tenant = { settings: { claims: { tenant: "acme" } } };
  await system.operator.patch("/v1/apps/demo", tenant);
  expect((await sendToken(idToken(uid, mapped))).status).toBe(401);
  await system.operator.patch("/v1/apps/demo", {
    settings: { claims: { email: "email", name: "name", role: null, tenant: null, vouched: null } },
  });
});

/** What revokeRefreshTokens does, a little later: it counts in whole seconds. */
async function signOutThere(uid: string): Promise<void> {
  const host = system.env.FIREBASE_AUTH_EMULATOR_HOST;
  const path = `identitytoolkit.googleapis.com/v1/projects/${system.project}/accounts:update`;
  const validSince = String(Math.ceil(system.suite.kernel.clock.now() / 1000) + 2);
  const { status } = await fetch(`http://${host}/${path}`, {
    method: "POST",
    headers: { authorization: "Bearer owner", "content-type": "application/json" },
    body: JSON.stringify({ localId: uid, validSince }),
  });
  expect(status).toBe(200);
}

test("who is disabled, deleted or signed out there gets no session, and those there are end", async () => {
  const ends: ((uid: string) => Promise<unknown>)[] = [
    (uid) => accounts.updateUser(uid, { disabled: true }),
    (uid) => accounts.deleteUser(uid),
    signOutThere,
  ];
  for (const [index, end] of ends.entries()) {
    const email = `ended-${index}@sso.test`;
    const { uid } = await accounts.createUser({ email, emailVerified: true });
    const token = idToken(uid, { email });
    const { status, body } = await sendToken(token);
    expect(status).toBe(201);
    await end(uid);
    expect((await refresh(body.refreshToken)).body.code).toBe("session_ended");
    expect((await sendToken(token)).status).toBe(401);
  }
});

test("a repeated request gets the same session, and the cookie works here too", async () => {
  const { uid } = await accounts.createUser({ email: "again@sso.test", emailVerified: true });
  const token = idToken(uid, { email: "again@sso.test" });
  const key = { "idempotency-key": "exchange-1" };
  const first = await system.client().post(exchange, { idToken: token }, key);
  const again = await system.client().post(exchange, { idToken: token }, key);
  expect(again.body.sessionId).toBe(first.body.sessionId);
  const browser = await sendToken(token, { transport: "cookie" });
  expect(browser.body.refreshToken).toBeUndefined();
  expect(browser.headers.get("set-cookie")).toMatch(/^__session=sbr_.*HttpOnly; Secure; SameSite=Strict/);
});

test("when the provider can't be reached, nobody gets in and nobody is thrown out", async () => {
  const { uid } = await accounts.createUser({ email: "away@sso.test", emailVerified: true });
  const { body } = await sendToken(idToken(uid, { email: "away@sso.test" }));
  system.suite.kernel.faults.add({
    service: "auth",
    method: "accounts.lookup",
    kind: "before",
    count: 100,
    match: system.project,
  });
  expect((await refresh(body.refreshToken)).status).toBe(503);
  system.clearFaults();
  expect((await refresh(body.refreshToken)).status).toBe(200);
});

describe("an account is bound to issuer and subject", () => {
  const exchangeFor = async (uid: string, claims: object, headers = {}) =>
    system.client().post(exchange, { idToken: idToken(uid, claims) }, headers);

  test("later exchanges find it whatever the address there is now", async () => {
    const { uid } = await accounts.createUser({});
    const first = await exchangeFor(uid, { email: "before@bound.test" });
    const moved = await exchangeFor(uid, { email: "after@bound.test" });
    const without = await exchangeFor(uid, { email: undefined });
    const unverified = await exchangeFor(uid, { email: "other@bound.test", email_verified: false });
    for (const { body } of [moved, without, unverified]) expect(body.user.id).toBe(first.body.user.id);
    expect(moved.body.user.email).toBe("before@bound.test");
    // The new address is nobody's here: who signs in with it is somebody else.
    expect((await system.signIn("after@bound.test")).id).not.toBe(first.body.user.id);
  });

  test("an address that was given to somebody else there does not open the account of who had it", async () => {
    const old = await accounts.createUser({});
    const first = await exchangeFor(old.uid, { email: "post@bound.test" });
    const successor = await accounts.createUser({});
    const { status, body } = await exchangeFor(successor.uid, { email: "Post@bound.test" });
    expect([status, body.code]).toEqual([409, "conflict"]);
    expect((await exchangeFor(old.uid, {})).body.user.id).toBe(first.body.user.id);
  });

  test("a verified address links the account that has it, once, and it is written down", async () => {
    const known = await system.signIn("linked@bound.test");
    const { uid } = await accounts.createUser({});
    const { body } = await exchangeFor(uid, { email: "linked@bound.test" });
    expect(body.user.id).toBe(known.id);
    const events = await system.operator.get("/v1/apps/demo/security-events?kind=identity-linked&limit=100");
    const ofKnown = events.body.data.filter((each: { subject: string }) => each.subject === known.id);
    expect(ofKnown).toHaveLength(1);
  });

  test("an address that only folds to another's is not that mailbox", async () => {
    await system.signIn("mike@bound.test");
    const { uid } = await accounts.createUser({});
    for (const email of ["mi\u212ae@bound.test", "\uff4dike@bound.test"]) {
      expect((await exchangeFor(uid, { email })).body.code).toBe("token_invalid");
    }
    const { body } = await exchangeFor(uid, { email: "MIKE@bound.test" });
    expect(body.user.email).toBe("mike@bound.test");
  });

  test("two exchanges at once make one account", async () => {
    const { uid } = await accounts.createUser({});
    const both = await Promise.all([
      exchangeFor(uid, { email: "both@bound.test" }),
      exchangeFor(uid, { email: "both@bound.test" }),
    ]);
    expect(both.map(({ status }) => status)).toEqual([201, 201]);
    expect(both[0]?.body.user.id).toBe(both[1]?.body.user.id);
  });

  test("the same key gives nothing of a session that has ended, and is refused for somebody else", async () => {
    const { uid } = await accounts.createUser({});
    const other = await accounts.createUser({});
    const key = { "idempotency-key": "bound-1" };
    const first = await exchangeFor(uid, { email: "ended@bound.test" }, key);
    const stranger = await exchangeFor(other.uid, { email: "stranger@bound.test" }, key);
    expect([stranger.status, stranger.body.code]).toEqual([422, "idempotency_key_reused"]);
    const api = system.client({ authorization: `Bearer ${first.body.accessToken}` });
    expect((await api.delete("/v1/apps/demo/auth/sessions/current")).status).toBe(204);
    const again = await exchangeFor(uid, { email: "ended@bound.test" }, key);
    expect([again.status, again.body.code]).toEqual([401, "session_ended"]);
    expect((await exchangeFor(uid, { email: "ended@bound.test" })).status).toBe(201);
  });
});

describe("the app says whose word counts", () => {
  const set = (claims: object) => system.operator.patch("/v1/apps/demo", { settings: { claims } });

  test("a mapped claim is vouched for only if the owner says so, whatever email_verified says", async () => {
    await system.signIn("boss@word.test");
    const { uid } = await accounts.createUser({});
    const claims = { email: "own@word.test", nick: "boss@word.test", email_verified: true };
    await set({ email: "nick" });
    expect((await sendToken(idToken(uid, claims))).body.code).toBe("token_invalid");
    // Vouching for one claim vouches for no other.
    await set({ email: "nick", vouched: "upn" });
    expect((await sendToken(idToken(uid, claims))).body.code).toBe("token_invalid");
    const saml = { ...claims, firebase: { sign_in_provider: "saml.acme", identities: {} } };
    expect((await sendToken(idToken(uid, saml))).body.code).toBe("token_invalid");
    await set({ vouched: "nick" });
    expect((await sendToken(idToken(uid, claims))).body.user.email).toBe("boss@word.test");
    await set({ email: "email", vouched: null });
  });

  test("only an owner says so, and which providers are taken", async () => {
    const admin = await system.signIn("admin@word.test");
    await system.operator.patch(`/v1/apps/demo/users/${admin.id}`, { role: "admin" });
    const { body } = await refresh(admin.session.refreshToken);
    const api = system.client({ authorization: `Bearer ${body.accessToken}` });
    for (const claims of [{ vouched: "nick" }, { providers: ["password"] }]) {
      expect((await api.patch("/v1/apps/demo", { settings: { claims } })).status).toBe(403);
    }
  });

  test("providers that are not listed open nothing", async () => {
    const { uid } = await accounts.createUser({});
    const by = (provider: string) =>
      sendToken(
        idToken(uid, {
          email: "provided@word.test",
          firebase: { sign_in_provider: provider, identities: {} },
        }),
      );
    await set({ providers: ["microsoft.com", "saml.acme"] });
    expect((await by("google.com")).status).toBe(401);
    expect((await by("anonymous")).status).toBe(401);
    expect((await by("microsoft.com")).status).toBe(201);
    await set({ providers: null });
    expect((await by("google.com")).status).toBe(201);
  });

  test("a role that is taken away there ends here at once, and is written down", async () => {
    await set({ role: "groups", roles: { staff: "admin" } });
    const { uid } = await accounts.createUser({});
    const token = (groups: string[]) => idToken(uid, { email: "staff@word.test", groups });
    const before = await sendToken(token(["staff"]));
    expect(before.body.user.role).toBe("admin");
    const old = system.client({ authorization: `Bearer ${before.body.accessToken}` });
    expect((await old.get("/v1/apps/demo/usage")).status).toBe(200);
    const after = await sendToken(token([]));
    expect(after.body.user.role).toBe("member");
    await expect.poll(async () => (await old.get("/v1/apps/demo/usage")).status, { interval: 5 }).toBe(401);
    const fresh = system.client({ authorization: `Bearer ${after.body.accessToken}` });
    expect((await fresh.get("/v1/apps/demo/me")).status).toBe(200);
    expect((await fresh.get("/v1/apps/demo/usage")).status).toBe(403);
    const events = await system.operator.get("/v1/apps/demo/security-events?kind=role-changed");
    expect(events.body.data[0]).toMatchObject({
      actor: null,
      subject: before.body.user.id,
      details: { from: "admin", to: "member" },
    });
    await set({ role: null, roles: {} });
  });
});

describe("tenants of Identity Platform", () => {
  test("have accounts of their own, which end sessions here when they end there", async () => {
    const tenants = accounts.tenantManager();
    const { tenantId } = await tenants.createTenant({ displayName: "Acme" });
    const inTenant = tenants.authForTenant(tenantId);
    const { uid } = await inTenant.createUser({ email: "ada@tenant.test", emailVerified: true });
    const token = (claims: object = {}) =>
      idToken(uid, {
        email: "ada@tenant.test",
        firebase: { identities: {}, sign_in_provider: "google.com", tenant: tenantId },
        ...claims,
      });
    const { status, body } = await sendToken(token());
    expect(status).toBe(201);
    expect((await refresh(body.refreshToken)).status).toBe(200);
    // The same uid in the project itself is another subject.
    await accounts.createUser({ uid });
    expect((await sendToken(idToken(uid, { email: "elsewhere@tenant.test" }))).body.user.id).not.toBe(
      body.user.id,
    );
    const current = (await sendToken(token())).body.refreshToken;
    await inTenant.updateUser(uid, { disabled: true });
    expect((await refresh(current)).body.code).toBe("session_ended");
    expect((await sendToken(token())).status).toBe(401);
  });

  test.each(["no-such-tenant", "../../x", "", "a/b", "x".repeat(500)])(
    "one named %j opens nothing",
    async (tenant) => {
      const { uid } = await accounts.createUser({});
      const firebase = { identities: {}, sign_in_provider: "google.com", tenant };
      const { status } = await sendToken(idToken(uid, { email: `${uid}@tenant.test`, firebase }));
      expect(status).toBe(401);
    },
  );
});

test("an address that was given to somebody else there is theirs once an admin has unbound the account", async () => {
  const email = "reception@sso.test";
  const first = await accounts.createUser({ email, emailVerified: true });
  const before = await sendToken(idToken(first.uid, { email }));
  const { id } = before.body.user;
  const second = `${first.uid}-successor`;
  await accounts.updateUser(first.uid, { email: "left@sso.test" });
  await accounts.createUser({ uid: second, email, emailVerified: true });
  const successor = () => sendToken(idToken(second, { email }));
  expect((await successor()).status).toBe(409);
  const path = `/v1/apps/demo/users/${id}/identities`;
  const member = await system.signIn("no-admin@sso.test");
  expect((await member.api.delete(path)).status).toBe(403);
  expect((await system.operator.delete(path)).status).toBe(204);
  expect((await system.operator.delete(path)).status).toBe(204);
  // Nobody stays in who came by the old binding, and the old subject has no way back to the account.
  expect((await refresh(before.body.refreshToken)).status).toBe(401);
  const old = system.client({ authorization: `Bearer ${before.body.accessToken}` });
  await expect.poll(async () => (await old.get("/v1/apps/demo/me")).status, { interval: 5 }).toBe(401);
  const after = await successor();
  expect([after.status, after.body.user.id]).toEqual([201, id]);
  const left = await sendToken(idToken(first.uid, { email: "left@sso.test" }));
  expect([left.status, left.body.user.id === id]).toEqual([201, false]);
  expect((await sendToken(idToken(first.uid, { email }))).body.user.id).toBe(left.body.user.id);
  const { body: events } = await system.operator.get("/v1/apps/demo/security-events?kind=identity-unlinked");
  expect(events.data).toMatchObject([{ actor: "operator", subject: id, details: { providers: 1 } }]);
});
