import { createHmac } from "node:crypto";
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

test("an account is made, found by each of its identifiers, changed and deleted", async () => {
  const created = await admin.createUser({
    uid: "ada",
    email: "Ada@Example.com",
    phoneNumber: "+15555550100",
    password: "lovelace",
    displayName: "Ada",
    photoURL: "https://example.com/ada.png",
  });
  expect(created).toMatchObject({
    uid: "ada",
    email: "ada@example.com",
    emailVerified: false,
    disabled: false,
  });
  expect(created.metadata.lastRefreshTime).toBeNull();
  expect((await admin.getUserByEmail("ada@example.com")).uid).toBe("ada");
  expect((await admin.getUserByPhoneNumber("+15555550100")).uid).toBe("ada");
  expect(created.providerData.map(({ providerId }) => providerId)).toEqual(["password", "phone"]);
  const updated = await admin.updateUser("ada", {
    displayName: null,
    phoneNumber: null,
    emailVerified: true,
    providerToLink: { providerId: "google.com", uid: "g1" },
  });
  expect(updated).toMatchObject({ displayName: undefined, phoneNumber: undefined, emailVerified: true });
  expect((await admin.getUserByProviderUid("google.com", "g1")).uid).toBe("ada");
  const unlinked = await admin.updateUser("ada", { providersToUnlink: ["google.com"] });
  expect(unlinked.providerData.map(({ providerId }) => providerId)).toEqual(["password"]);
  await admin.deleteUser("ada");
  expect(await code(admin.getUser("ada"))).toBe("auth/user-not-found");
});

test("what is taken, absent or malformed has the code that the kit knows", async () => {
  await admin.createUser({ uid: "taken", email: "taken@example.com", phoneNumber: "+15555550101" });
  expect(await code(admin.createUser({ uid: "taken" }))).toBe("auth/uid-already-exists");
  expect(await code(admin.createUser({ email: "taken@example.com" }))).toBe("auth/email-already-exists");
  expect(await code(admin.createUser({ phoneNumber: "+15555550101" }))).toBe(
    "auth/phone-number-already-exists",
  );
  expect(await code(admin.updateUser("absent", { emailVerified: true }))).toBe("auth/user-not-found");
  expect(await code(admin.deleteUser("absent"))).toBe("auth/user-not-found");
  const many = await admin.getUsers([{ uid: "taken" }, { email: "taken@example.com" }, { uid: "absent" }]);
  expect([many.users.length, many.notFound]).toEqual([1, [{ uid: "absent" }]]);
});

test("accounts are listed in pages and deleted in batches", async () => {
  const uids = ["page-1", "page-2", "page-3"];
  await Promise.all(uids.map((uid) => admin.createUser({ uid, password: "password" })));
  const page = await admin.listUsers(2, "page-1");
  expect(page.users.map(({ uid }) => uid)).toEqual(["page-2", "page-3"]);
  expect(page.pageToken).toBe("page-3");
  expect(page.users[0]?.passwordHash?.length).toBeGreaterThan(0);
  const gone = await admin.deleteUsers([...uids, "absent"]);
  expect(gone).toMatchObject({ successCount: 4, failureCount: 0 });
});

test("imported accounts keep their passwords, providers and times", async () => {
  const key = Buffer.from("secret");
  const salt = Buffer.from("salt");
  const passwordHash = createHmac("sha256", key).update("imported").update(salt).digest();
  const imported = await admin.importUsers(
    [
      {
        uid: "imported",
        email: "imported@example.com",
        passwordHash,
        passwordSalt: salt,
        metadata: {
          creationTime: "Thu, 01 Jan 2015 00:00:00 GMT",
          lastSignInTime: "Fri, 01 Jan 2016 00:00:00 GMT",
        },
        providerData: [{ providerId: "google.com", uid: "g-imported", email: "imported@example.com" }],
        customClaims: { level: 3 },
      },
      { uid: "clash", email: "taken@example.com" },
    ],
    { hash: { algorithm: "HMAC_SHA256", key } },
  );
  expect(imported).toMatchObject({ successCount: 1, failureCount: 1, errors: [{ index: 1 }] });
  const user = await admin.getUserByProviderUid("google.com", "g-imported");
  expect(user).toMatchObject({ uid: "imported", customClaims: { level: 3 } });
  expect(user.metadata.creationTime).toBe("Thu, 01 Jan 2015 00:00:00 GMT");
  const signedIn = await suite.call("accounts:signInWithPassword", {
    email: "imported@example.com",
    password: "imported",
  });
  expect(signedIn.localId).toBe("imported");
  const answer = await fetch(
    `${suite.url}/identitytoolkit.googleapis.com/v1/projects/demo/accounts:batchCreate`,
    {
      method: "POST",
      headers: { authorization: "Bearer owner" },
      body: JSON.stringify({ hashAlgorithm: "WHIRLPOOL", users: [{ localId: "b", passwordHash: "AA" }] }),
    },
  );
  expect(answer.status).toBe(501);
});

test("a password that Firebase's own scrypt hashed is imported and signs in", async () => {
  // Derived by the published tool's steps from "imported", "pepper" and the key below.
  const passwordHash = Buffer.from("Qwp8eluU2oXaWFjasJ693YFjyuiWbg3KTQ7K", "base64");
  const hash = {
    algorithm: "SCRYPT" as const,
    key: Buffer.from("the signer key of a project"),
    saltSeparator: Buffer.from("|"),
    rounds: 4,
    memoryCost: 8,
  };
  const email = "scrypt@example.com";
  const user = { uid: "scrypt", email, passwordHash, passwordSalt: Buffer.from("pepper") };
  expect(await admin.importUsers([user], { hash })).toMatchObject({ successCount: 1 });
  const signIn = (password: string) => suite.call("accounts:signInWithPassword", { email, password });
  expect((await signIn("imported")).localId).toBe("scrypt");
  await expect(signIn("another")).rejects.toThrow("INVALID_PASSWORD");
});

test("a password that bcrypt hashed is imported and signs in", async () => {
  const text = "$2a$06$abcdefghijklmnopqrstuuYSehug.FhufE6vO0cs3zCk3e32UwBIG";
  const email = "bcrypt@example.com";
  const user = { uid: "bcrypt", email, passwordHash: Buffer.from(text) };
  const hash = { algorithm: "BCRYPT" as const };
  expect(await admin.importUsers([user], { hash })).toMatchObject({ successCount: 1 });
  const signIn = (password: string) => suite.call("accounts:signInWithPassword", { email, password });
  expect((await signIn("imported")).localId).toBe("bcrypt");
  await expect(signIn("another")).rejects.toThrow("INVALID_PASSWORD");
  await admin.importUsers([{ ...user, passwordHash: Buffer.from(text.replace("$06$", "$15$")) }], { hash });
  await expect(signIn("imported")).rejects.toThrow("cost 15");
});

test("second factors are kept, and stop a sign-in without one", async () => {
  const factor = { phoneNumber: "+15555550199", displayName: "work", factorId: "phone" as const };
  const user = await admin.createUser({
    email: "mfa@example.com",
    emailVerified: true,
    password: "password",
    multiFactor: { enrolledFactors: [factor] },
  });
  expect(user.multiFactor?.enrolledFactors[0]).toMatchObject(factor);
  const signIn = await suite.call("accounts:signInWithPassword", {
    email: "mfa@example.com",
    password: "password",
  });
  expect([signIn.idToken, signIn.mfaInfo[0].phoneInfo]).toEqual([undefined, "+*******0199"]);
  const updated = await admin.updateUser(user.uid, { multiFactor: { enrolledFactors: null } });
  expect(updated.multiFactor).toBeUndefined();
});

test("links from mails reset passwords, verify addresses and sign in", async () => {
  await admin.createUser({ uid: "mailed", email: "mailed@example.com", password: "old password" });
  const settings = { url: "https://app.example.com/done" };
  const codeIn = (link: string): string => new URL(link).searchParams.get("oobCode") ?? "";
  const reset = await admin.generatePasswordResetLink("mailed@example.com", settings);
  expect(new URL(reset).searchParams.get("continueUrl")).toBe(settings.url);
  await suite.call("accounts:resetPassword", { oobCode: codeIn(reset), newPassword: "new password" });
  await expect(
    suite.call("accounts:resetPassword", { oobCode: codeIn(reset), newPassword: "once again" }),
  ).rejects.toThrow("INVALID_OOB_CODE");
  await suite.call("accounts:signInWithPassword", { email: "mailed@example.com", password: "new password" });
  await admin.updateUser("mailed", { emailVerified: false });
  const verify = await admin.generateEmailVerificationLink("mailed@example.com");
  await suite.call("accounts:update", { oobCode: codeIn(verify) });
  expect((await admin.getUser("mailed")).emailVerified).toBe(true);
  const change = await admin.generateVerifyAndChangeEmailLink("mailed@example.com", "moved@example.com");
  await suite.call("accounts:update", { oobCode: codeIn(change) });
  expect((await admin.getUser("mailed")).email).toBe("moved@example.com");
  const enter = await admin.generateSignInWithEmailLink("moved@example.com", settings);
  const entered = await suite.call("accounts:signInWithEmailLink", {
    email: "moved@example.com",
    oobCode: codeIn(enter),
  });
  expect(entered).toMatchObject({ localId: "mailed", isNewUser: false });
  const late = await admin.generatePasswordResetLink("moved@example.com");
  suite.kernel.clock.advance(3601_000);
  await expect(suite.call("accounts:resetPassword", { oobCode: codeIn(late) })).rejects.toThrow(
    "EXPIRED_OOB_CODE",
  );
  const { oobCodes } = (await (await fetch(`${suite.url}/emulator/v1/projects/demo/oobCodes`)).json()) as {
    oobCodes: unknown[];
  };
  expect(oobCodes).toMatchObject([
    { email: "moved@example.com", requestType: "PASSWORD_RESET", oobLink: late },
  ]);
});

test("tenants have people and providers of their own", async () => {
  const tenants = admin.tenantManager();
  const tenant = await tenants.createTenant({
    displayName: "Acme",
    emailSignInConfig: { enabled: true, passwordRequired: true },
  });
  expect(tenant.tenantId).toMatch(/^acme-/);
  const inTenant = tenants.authForTenant(tenant.tenantId);
  const user = await inTenant.createUser({ uid: "same", email: "same@example.com", password: "password" });
  expect(user.tenantId).toBe(tenant.tenantId);
  expect(await code(admin.getUser("same"))).toBe("auth/user-not-found");
  const body = { email: "same@example.com", password: "password", tenantId: tenant.tenantId };
  const { idToken } = await suite.call("accounts:signInWithPassword", body);
  expect((await inTenant.verifyIdToken(idToken)).firebase.tenant).toBe(tenant.tenantId);
  const oidc = {
    providerId: "oidc.acme",
    clientId: "client",
    issuer: "https://idp.example.com",
    enabled: true,
    displayName: "Acme",
  };
  await inTenant.createProviderConfig(oidc);
  expect(await inTenant.getProviderConfig("oidc.acme")).toMatchObject(oidc);
  expect((await inTenant.listProviderConfigs({ type: "oidc" })).providerConfigs).toHaveLength(1);
  expect(await code(admin.getProviderConfig("oidc.acme"))).toBe("auth/configuration-not-found");
  const renamed = await tenants.updateTenant(tenant.tenantId, { displayName: "Acme Two" });
  expect(renamed).toMatchObject({ displayName: "Acme Two", emailSignInConfig: { enabled: true } });
  expect((await tenants.listTenants()).tenants).toHaveLength(1);
  await tenants.deleteTenant(tenant.tenantId);
  expect(await code(tenants.getTenant(tenant.tenantId))).toBe("auth/tenant-not-found");
});
