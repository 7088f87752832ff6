import { deleteApp, initializeApp } from "firebase-admin/app";
import { getAuth } from "firebase-admin/auth";
import { afterAll, expect, test } from "vitest";
import { startAuth } from "./testing.ts";

// The emulator's own project is "demo".
const suite = await startAuth();
const app = initializeApp({ projectId: "elsewhere" }, "elsewhere");
const admin = getAuth(app);
afterAll(async () => {
  await deleteApp(app);
  await suite[Symbol.asyncDispose]();
});

const post = async (path: string, body: object) => {
  const answer = await fetch(`${suite.url}/identitytoolkit.googleapis.com/v1/${path}`, {
    method: "POST",
    body: JSON.stringify(body),
  });
  return (await answer.json()) as Record<string, string>;
};
const password = "password";

test("somebody whom only another project knows signs in there, by password and by custom token", async () => {
  const email = "only@example.com";
  const { uid } = await admin.createUser({ email, password });
  const byPassword = await suite.call("accounts:signInWithPassword", { email, password });
  const token = await admin.createCustomToken(uid);
  const byToken = await suite.call("accounts:signInWithCustomToken", { token });
  for (const { idToken } of [byPassword, byToken])
    expect(await admin.verifyIdToken(idToken, true)).toMatchObject({ uid, aud: "elsewhere" });
  const refreshed = await suite.call("token", {
    grant_type: "refresh_token",
    refresh_token: byPassword.refreshToken,
  });
  expect((await admin.verifyIdToken(refreshed.id_token)).uid).toBe(uid);
});

test("an ID token's audience and a mail's code tell the project", async () => {
  const email = "telling@example.com";
  const { uid } = await admin.createUser({ email, password });
  const { idToken } = await suite.call("accounts:signInWithPassword", { email, password });
  await suite.call("accounts:update", { idToken, displayName: "Changed" });
  expect((await admin.getUser(uid)).displayName).toBe("Changed");
  const link = new URL(await admin.generateEmailVerificationLink(email));
  await suite.call("accounts:update", { oobCode: link.searchParams.get("oobCode") });
  expect((await admin.getUser(uid)).emailVerified).toBe(true);
});

test("a key that is the id of a project with people in it names that project", async () => {
  await admin.createUser({ uid: "first" });
  const { localId } = await post("accounts:signUp?key=elsewhere", { email: "new@example.com", password });
  expect((await admin.getUser(localId ?? "")).email).toBe("new@example.com");
  const other = await post("accounts:signUp?key=any", { email: "own@example.com", password });
  expect((await suite.admin.getUser(other["localId"] ?? "")).email).toBe("own@example.com");
});

test("the emulator's own project comes first, and nobody is found by guessing between several", async () => {
  const email = "shared@example.com";
  await admin.createUser({ email, password: "theirs-only" });
  const third = initializeApp({ projectId: "third" }, "third");
  await getAuth(third).createUser({ email, password });
  await expect(suite.call("accounts:signInWithPassword", { email, password })).rejects.toThrow(
    "EMAIL_NOT_FOUND",
  );
  const { uid } = await suite.admin.createUser({ email, password });
  const signedIn = await suite.call("accounts:signInWithPassword", { email, password });
  expect(signedIn.localId).toBe(uid);
  await deleteApp(third);
});

test("a tenant of another project is found there", async () => {
  const { tenantId } = await admin.tenantManager().createTenant({ displayName: "their-tenant" });
  const inTenant = admin.tenantManager().authForTenant(tenantId);
  const { uid } = await inTenant.createUser({ email: "in@example.com", password });
  const token = await inTenant.createCustomToken(uid);
  const { idToken } = await suite.call("accounts:signInWithCustomToken", { token, tenantId });
  expect((await inTenant.verifyIdToken(idToken)).uid).toBe(uid);
});
