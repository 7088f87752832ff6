import { type App as AdminApp, deleteApp, initializeApp } from "firebase-admin/app";
import { type Auth, getAuth } from "firebase-admin/auth";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type System, startSystem } from "../../../shared/testing/start-system.ts";

const exchange = "/v1/apps/demo/auth/sessions/exchange";

let system: System;
let kit: AdminApp;
let accounts: Auth;
beforeAll(async () => {
  system = await startSystem();
  kit = initializeApp({ projectId: system.project }, system.project);
  accounts = getAuth(kit);
});
afterAll(async () => {
  await deleteApp(kit);
  await system[Symbol.asyncDispose]();
});

const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");

/** An ID token as the emulator gives them to SDKs: the admin kit takes only unsigned ones there. */
function idToken(uid: string, claims: object = {}): string {
  const now = Math.ceil(system.suite.kernel.clock.now() / 1000);
  const payload = {
    iss: `https://securetoken.google.com/${system.project}`,
    aud: system.project,
    auth_time: now,
    iat: now,
    exp: now + 3600,
    sub: uid,
    user_id: uid,
    email_verified: true,
    firebase: { identities: {}, sign_in_provider: "google.com" },
    ...claims,
  };
  return `${part({ alg: "none", typ: "JWT" })}.${part(payload)}.`;
}

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
