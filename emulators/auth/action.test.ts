import { afterAll, expect, test } from "vitest";
import { startAuth } from "./testing.ts";

const suite = await startAuth();
afterAll(() => suite[Symbol.asyncDispose]());
const { admin } = suite;
const email = "ada@example.com";
await admin.createUser({ uid: "ada", email, password: "first-password" });

const open = (link: string): Promise<Response> => fetch(link, { redirect: "manual" });
const follow = async (link: string): Promise<[number, Record<string, string>]> => {
  const answer = await open(link);
  const { authEmulator } = (await answer.json()) as { authEmulator: Record<string, string> };
  return [answer.status, authEmulator];
};

test("the link that proves an address does so once", async () => {
  const link = await admin.generateEmailVerificationLink(email);
  expect(await follow(link)).toMatchObject([200, { email }]);
  expect((await admin.getUser("ada")).emailVerified).toBe(true);
  expect(await follow(link)).toMatchObject([400, { error: expect.any(String) as unknown }]);
});

test("the link to another address moves the account there", async () => {
  await admin.createUser({ uid: "mover", email: "old@example.com" });
  const link = await admin.generateVerifyAndChangeEmailLink("old@example.com", "new@example.com");
  expect(await follow(link)).toMatchObject([200, { email: "new@example.com" }]);
  expect(await admin.getUser("mover")).toMatchObject({ email: "new@example.com", emailVerified: true });
});

test("the link to a new password wants one, and sets it once", async () => {
  const link = await admin.generatePasswordResetLink(email);
  expect(await follow(link)).toMatchObject([
    400,
    { error: expect.stringContaining("newPassword") as unknown },
  ]);
  expect(await follow(`${link}&newPassword=short`)).toMatchObject([
    400,
    { error: expect.stringContaining("WEAK_PASSWORD") as unknown },
  ]);
  expect(await follow(`${link}&newPassword=second-password`)).toMatchObject([200, { email }]);
  await suite.call("accounts:signInWithPassword", { email, password: "second-password" });
  expect((await follow(`${link}&newPassword=third-password`))[0]).toBe(400);
});

test("a link goes on where it was made to, and one to sign in takes its code along", async () => {
  const url = "https://app.example.com/finish?own=1";
  const verifying = await open(await admin.generateEmailVerificationLink(email, { url }));
  expect([verifying.status, verifying.headers.get("location")]).toEqual([303, url]);
  const link = await admin.generateSignInWithEmailLink(email, { url, handleCodeInApp: true });
  const target = new URL((await open(link)).headers.get("location") ?? "");
  expect(target.origin + target.pathname).toBe("https://app.example.com/finish");
  expect(Object.fromEntries(target.searchParams)).toMatchObject({ own: "1", mode: "signIn", lang: "en" });
  const oobCode = target.searchParams.get("oobCode");
  const signedIn = await suite.call("accounts:signInWithEmailLink", { email, oobCode });
  expect(signedIn.localId).toBe("ada");
});

test("a code is good for its own kind of link, and for its time", async () => {
  const link = await admin.generatePasswordResetLink(email);
  expect(await follow(link.replace("mode=resetPassword", "mode=verifyEmail"))).toMatchObject([
    400,
    { error: "INVALID_OOB_CODE" },
  ]);
  expect((await follow(link.replace("mode=resetPassword", "mode=other")))[0]).toBe(400);
  suite.kernel.clock.advance(3600_000);
  expect(await follow(`${link}&newPassword=too-late-now`)).toMatchObject([
    400,
    { error: "EXPIRED_OOB_CODE" },
  ]);
});

test("the emulator says that it is up", async () => {
  const answer = await fetch(suite.url);
  expect(await answer.json()).toEqual({ authEmulator: { ready: true } });
});
