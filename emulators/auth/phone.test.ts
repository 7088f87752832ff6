import { afterAll, expect, test } from "vitest";
import { startAuth } from "./testing.ts";

const suite = await startAuth();
afterAll(() => suite[Symbol.asyncDispose]());
const { admin } = suite;

interface Sent {
  readonly phoneNumber: string;
  readonly sessionInfo: string;
  readonly code: string;
}

const codes = async (): Promise<Sent[]> => {
  const answer = await fetch(`${suite.url}/emulator/v1/projects/demo/verificationCodes`);
  return ((await answer.json()) as { verificationCodes: Sent[] }).verificationCodes;
};

/** Asks for a code and finds it in the list. */
async function send(phoneNumber: string): Promise<Sent> {
  const { sessionInfo } = await suite.call("accounts:sendVerificationCode", {
    phoneNumber,
    recaptchaToken: "any",
  });
  const sent = (await codes()).find((each) => each.sessionInfo === sessionInfo);
  if (sent === undefined) throw new Error("The code is not in the list.");
  return sent;
}
const signIn = (body: object) => suite.call("accounts:signInWithPhoneNumber", body);

test("a number signs up with the code that was sent, and in with the next", async () => {
  const first = await send("+15555550100");
  expect(first).toMatchObject({
    phoneNumber: "+15555550100",
    code: expect.stringMatching(/^\d{6}$/) as unknown,
  });
  const { idToken, localId, isNewUser } = await signIn(first);
  expect(isNewUser).toBe(true);
  const claims = await admin.verifyIdToken(idToken);
  expect(claims).toMatchObject({
    uid: localId,
    phone_number: "+15555550100",
    firebase: { sign_in_provider: "phone", identities: { phone: ["+15555550100"] } },
  });
  const second = await signIn(await send("+15555550100"));
  expect(second).toMatchObject({ localId, isNewUser: false, phoneNumber: "+15555550100" });
});

test("a code is good once, for its own session, and not for ever", async () => {
  const sent = await send("+15555550101");
  const other = sent.code === "000000" ? "000001" : "000000";
  await expect(signIn({ ...sent, code: other })).rejects.toThrow("INVALID_CODE");
  await expect(signIn({ ...sent, sessionInfo: "unknown" })).rejects.toThrow("INVALID_SESSION_INFO");
  await expect(signIn({ code: sent.code })).rejects.toThrow("MISSING_SESSION_INFO");
  await expect(signIn({ sessionInfo: sent.sessionInfo })).rejects.toThrow("MISSING_CODE");
  await signIn(sent);
  await expect(signIn(sent)).rejects.toThrow("INVALID_SESSION_INFO");
  const late = await send("+15555550101");
  suite.kernel.clock.advance(600_000);
  await expect(signIn(late)).rejects.toThrow("SESSION_EXPIRED");
  expect(await codes()).toEqual([]);
});

test("a number is added to the account at hand, unless it is somebody else's", async () => {
  const { idToken, localId } = await suite.call("accounts:signUp", {
    email: "linking@example.com",
    password: "password",
  });
  await signIn({ ...(await send("+15555550102")), idToken });
  expect(await admin.getUser(localId)).toMatchObject({
    email: "linking@example.com",
    phoneNumber: "+15555550102",
  });
  await signIn(await send("+15555550103"));
  const taken = signIn({ ...(await send("+15555550103")), idToken });
  await expect(taken).rejects.toThrow("PHONE_NUMBER_EXISTS");
});

test.each([{}, { phoneNumber: "5550100" }])("no code is sent to %j", async (body) => {
  await expect(suite.call("accounts:sendVerificationCode", body)).rejects.toThrow(/PHONE_NUMBER/);
});
