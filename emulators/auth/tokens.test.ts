import { X509Certificate } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createRemoteJWKSet, decodeProtectedHeader, importX509, jwtVerify } from "jose";
import { afterAll, expect, test } from "vitest";
import { startAuth } from "./testing.ts";

const suite = await startAuth();
afterAll(() => suite[Symbol.asyncDispose]());
const { admin } = suite;

const code = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => "done",
    (cause: { code: string }) => cause.code,
  );
const signUp = (name: string, signed = false) =>
  (signed ? suite.callSigned : suite.call)("accounts:signUp", {
    email: `${name}@example.com`,
    password: "password",
    returnSecureToken: true,
  });

test("a token from the service's own path verifies with the published certificates and keys", async () => {
  const { idToken, localId } = await signUp("signed", true);
  const options = { issuer: "https://securetoken.google.com/demo", audience: "demo", algorithms: ["RS256"] };
  const jwks = createRemoteJWKSet(
    new URL(`${suite.url}/service_accounts/v1/jwk/securetoken@system.gserviceaccount.com`),
  );
  const { payload } = await jwtVerify(idToken, jwks, options);
  expect(payload).toMatchObject({
    sub: localId,
    user_id: localId,
    email: "signed@example.com",
    email_verified: false,
    firebase: { identities: { email: ["signed@example.com"] }, sign_in_provider: "password" },
  });
  expect(payload.auth_time).toBe(payload.iat);
  const certificates = await fetch(
    `${suite.url}/robot/v1/metadata/x509/securetoken@system.gserviceaccount.com`,
  );
  const byKid = (await certificates.json()) as Record<string, string>;
  const pem = byKid[decodeProtectedHeader(idToken).kid ?? ""] ?? "";
  expect(certificates.headers.get("cache-control")).toContain("max-age=");
  const certificate = new X509Certificate(pem);
  expect([certificate.verify(certificate.publicKey), certificate.subject]).toEqual([
    true,
    "CN=securetoken.system.gserviceaccount.com",
  ]);
  await jwtVerify(idToken, await importX509(pem, "RS256"), options);
  await expect(suite.call("accounts:lookup", { idToken: `${idToken.slice(0, -4)}AAAA` })).rejects.toThrow(
    "INVALID_ID_TOKEN",
  );
});

test("the admin kit in emulator mode accepts the tokens of its path, and sees who is disabled or revoked", async () => {
  const { idToken, localId } = await signUp("checked");
  expect((await admin.verifyIdToken(idToken, true)).uid).toBe(localId);
  await admin.updateUser(localId, { disabled: true });
  expect(await code(admin.verifyIdToken(idToken, true))).toBe("auth/user-disabled");
  await expect(
    suite.call("accounts:signInWithPassword", { email: "checked@example.com", password: "password" }),
  ).rejects.toThrow("USER_DISABLED");
  await admin.updateUser(localId, { disabled: false });
  expect(await code(admin.verifyIdToken(idToken, true))).toBe("done");
  await admin.updateUser(localId, { password: "other password" });
  suite.kernel.clock.advance(2000);
  await admin.updateUser(localId, { password: "third password" });
  expect(await code(admin.verifyIdToken(idToken, true))).toBe("auth/id-token-revoked");
  await expect(suite.call("accounts:lookup", { idToken })).rejects.toThrow("TOKEN_EXPIRED");
});

test("a refresh token gives new ID tokens with the claims of the moment, until it is revoked", async () => {
  const { refreshToken, localId } = await signUp("refreshed");
  const refresh = () => suite.call("token", { grant_type: "refresh_token", refresh_token: refreshToken });
  await admin.setCustomUserClaims(localId, { role: "editor" });
  const first = await refresh();
  expect(first).toMatchObject({
    user_id: localId,
    project_id: "demo",
    token_type: "Bearer",
    expires_in: "3600",
  });
  expect((await admin.verifyIdToken(first.id_token)).role).toBe("editor");
  expect(await code(admin.setCustomUserClaims(localId, { big: "x".repeat(1001) }))).toBe(
    "auth/claims-too-large",
  );
  const validSince = Math.floor(suite.kernel.clock.now() / 1000) + 1;
  const headers = { "content-type": "application/json", authorization: "Bearer owner" };
  const body = JSON.stringify({ localId, validSince });
  await fetch(`${suite.url}/v1/projects/demo/accounts:update`, { method: "POST", headers, body });
  await expect(refresh()).rejects.toThrow("TOKEN_EXPIRED");
  const unknown = suite.call("token", { grant_type: "refresh_token", refresh_token: "x" });
  await expect(unknown).rejects.toThrow("INVALID_REFRESH_TOKEN");
});

test("a custom token signs its person in, or up, with its claims", async () => {
  const token = await admin.createCustomToken("custom-person", { plan: "gold" });
  const first = await suite.call("accounts:signInWithCustomToken", { token, returnSecureToken: true });
  const again = await suite.call("accounts:signInWithCustomToken", { token });
  expect([first.isNewUser, again.isNewUser]).toEqual([true, false]);
  const claims = await admin.verifyIdToken(first.idToken);
  expect(claims).toMatchObject({
    uid: "custom-person",
    plan: "gold",
    firebase: { sign_in_provider: "custom" },
  });
  await expect(suite.call("accounts:signInWithCustomToken", { token: "nonsense" })).rejects.toThrow(
    "INVALID_CUSTOM_TOKEN",
  );
});

test("any provider signs in with the claims that the request brings, and joins the account it vouches for", async () => {
  const idp = (providerId: string, claims: object, more: object = {}) =>
    suite.call("accounts:signInWithIdp", {
      postBody: new URLSearchParams({ providerId, id_token: JSON.stringify(claims) }).toString(),
      requestUri: "http://localhost",
      returnSecureToken: true,
      ...more,
    });
  const google = await idp("google.com", {
    sub: "g-9",
    email: "ida@example.com",
    email_verified: true,
    name: "Ida",
  });
  expect(google).toMatchObject({
    isNewUser: true,
    displayName: "Ida",
    federatedId: "https://accounts.google.com/g-9",
  });
  const microsoft = await idp("microsoft.com", {
    sub: "m-9",
    email: "ida@example.com",
    email_verified: true,
  });
  expect([microsoft.localId, microsoft.isNewUser]).toEqual([google.localId, false]);
  const { firebase } = await admin.verifyIdToken(microsoft.idToken);
  expect(firebase).toMatchObject({
    sign_in_provider: "microsoft.com",
    identities: { "google.com": ["g-9"], "microsoft.com": ["m-9"], email: ["ida@example.com"] },
  });
  const unproven = await idp("oidc.other", { sub: "o-9", email: "ida@example.com" });
  expect([unproven.needConfirmation, unproven.idToken]).toEqual([true, undefined]);
  const linked = await idp("oidc.other", { sub: "o-9", group: "a" }, { idToken: google.idToken });
  expect(linked.localId).toBe(google.localId);
  const decoded = await admin.verifyIdToken(linked.idToken);
  expect(decoded.firebase.sign_in_attributes).toMatchObject({ group: "a" });
  const stranger = await signUp("stranger");
  await expect(idp("google.com", { sub: "g-9" }, { idToken: stranger.idToken })).rejects.toThrow(
    "FEDERATED_USER_ID_ALREADY_LINKED",
  );
  const saml = JSON.stringify({
    assertion: { subject: { nameId: "sam@example.com" }, attributeStatements: { dept: ["x"] } },
  });
  const post = new URLSearchParams({ providerId: "saml.corp", SAMLResponse: saml }).toString();
  const sam = await suite.call("accounts:signInWithIdp", { postBody: post, requestUri: "http://localhost" });
  expect(sam).toMatchObject({ email: "sam@example.com", providerId: "saml.corp" });
  await expect(
    suite.call("accounts:signInWithIdp", {
      postBody: "providerId=google.com&id_token=x",
      requestUri: "http://x",
    }),
  ).rejects.toThrow("INVALID_IDP_RESPONSE");
});

test("people sign up anonymously, then keep their account with a password", async () => {
  const anonymous = await suite.call("accounts:signUp", { returnSecureToken: true });
  const claims = await admin.verifyIdToken(anonymous.idToken);
  expect(claims.firebase.sign_in_provider).toBe("anonymous");
  const kept = await suite.call("accounts:update", {
    idToken: anonymous.idToken,
    email: "kept@example.com",
    password: "password",
  });
  expect([kept.localId, typeof kept.refreshToken]).toEqual([anonymous.localId, "string"]);
  await expect(signUp("kept")).rejects.toThrow("EMAIL_EXISTS");
  await expect(
    suite.call("accounts:update", { idToken: kept.idToken, customAttributes: "{}" }),
  ).rejects.toThrow("OPERATION_NOT_ALLOWED");
  await expect(suite.call("accounts:signUp", { email: "w@example.com", password: "short" })).rejects.toThrow(
    "WEAK_PASSWORD",
  );
  const absent = suite.call("accounts:signInWithPassword", { email: "absent@example.com", password: "x" });
  await expect(absent).rejects.toThrow("EMAIL_NOT_FOUND");
  const wrong = suite.call("accounts:signInWithPassword", { email: "kept@example.com", password: "wrong" });
  await expect(wrong).rejects.toThrow("INVALID_PASSWORD");
  await suite.call("accounts:delete", { idToken: kept.idToken });
  expect(await code(admin.getUser(kept.localId))).toBe("auth/user-not-found");
});

test("a session cookie outlives its ID token, and is revoked with the account's tokens", async () => {
  const { idToken, localId } = await signUp("cookie");
  const cookie = await admin.createSessionCookie(idToken, { expiresIn: 3600_000 });
  expect(await admin.verifySessionCookie(cookie)).toMatchObject({
    uid: localId,
    iss: "https://session.firebase.google.com/demo",
  });
  suite.kernel.clock.advance(2000);
  await admin.updateUser(localId, { password: "changed" });
  expect(await code(admin.verifySessionCookie(cookie, true))).toBe("auth/session-cookie-revoked");
});

test("callers without a key or a token are refused, what is not served says so", async () => {
  const post = (path: string, headers = {}) =>
    fetch(`${suite.url}${path}`, { method: "POST", body: "{}", headers });
  expect((await post("/v1/accounts:signUp")).status).toBe(403);
  expect((await post("/v1/projects/demo/accounts:query")).status).toBe(401);
  expect((await post("/v1/accounts/mfaEnrollment:start?key=k")).status).toBe(501);
  expect((await post("/v1/nothing?key=k")).status).toBe(404);
  suite.kernel.faults.add({ service: "auth", method: "accounts.lookup", kind: "before" });
  expect((await post("/v1/accounts:lookup?key=k")).status).toBe(503);
});

test("accounts, refresh tokens and the signing key outlive the process", async () => {
  const folder = mkdtempSync(join(tmpdir(), "auth-"));
  const path = join(folder, "auth.sqlite");
  const first = await startAuth(path);
  const { refreshToken, localId } = await first.callSigned("accounts:signUp", {
    email: "a@example.com",
    password: "password",
  });
  const jwks = first.auth.jwks();
  await first[Symbol.asyncDispose]();
  const second = await startAuth(path);
  expect(second.auth.jwks()).toEqual(jwks);
  const { user_id } = await second.callSigned("token", {
    grant_type: "refresh_token",
    refresh_token: refreshToken,
  });
  expect(user_id).toBe(localId);
  await second.call("accounts:signInWithPassword", { email: "a@example.com", password: "password" });
  await second[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});
