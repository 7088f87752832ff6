import { decodeJwt } from "jose";
import { describe, expect, test } from "vitest";
import { FACTOR_FRESH_MS, FACTOR_REMOVAL_MS, RECOVERY_CODES } from "../../../shared/identity/factor.ts";
import { FAILURES_MAX } from "../../../shared/identity/lockout.ts";
import { SETTING_RIGHTS } from "../../../shared/identity/settings-rights.ts";
import { CODE_TRIES_MAX, CODE_TTL_MS } from "../../../shared/identity/sign-in-code.ts";
import { STEP_SECONDS, stepAt, totp } from "../../../shared/identity/totp.ts";
import type { ApiClient } from "../../../shared/testing/api-client.ts";
import { type Person, readCode } from "../../../shared/testing/start-system.ts";
import { useSystem } from "../../../shared/testing/use-system.ts";

const factor = "/v1/apps/demo/me/factor";
const proof = "/v1/apps/demo/auth/sessions/current/factor";

const system = useSystem();

const BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const decoded = (text: string): Buffer => {
  const bits = Array.from(text, (letter) => BASE32.indexOf(letter).toString(2).padStart(5, "0")).join("");
  return Buffer.from((bits.match(/.{8}/g) ?? []).map((byte) => Number.parseInt(byte, 2)));
};
/** What the authenticator app shows; each code is good once, so time moves on first. */
const nextCode = (secret: string): string => {
  system.suite.kernel.clock.advance(2 * STEP_SECONDS * 1000);
  return totp(decoded(secret), stepAt(system.suite.kernel.clock.now()));
};
const withToken = (token: string): ApiClient => system.client({ authorization: `Bearer ${token}` });

async function admin(email: string): Promise<Person> {
  const person = await system.signIn(email);
  await system.operator.patch(`/v1/apps/demo/users/${person.id}`, { role: "admin" });
  const { refreshToken } = person.session;
  const { body } = await system.client().post("/v1/apps/demo/auth/refresh", { refreshToken });
  return { ...person, session: body, api: withToken(body.accessToken) };
}

/** A sign-in code, mailed just now. */
async function freshCode(email: string): Promise<{ challenge: string; code: string }> {
  const { body } = await system.client().post("/v1/apps/demo/auth/codes", { email });
  await system.settle();
  return { challenge: body.challenge, code: readCode(system, email) };
}

async function withFactor(email: string): Promise<{ ada: Person; secret: string; recoveryCodes: string[] }> {
  const ada = await admin(email);
  const begun = await ada.api.post(factor, await freshCode(email));
  expect([begun.status, begun.body.uri.startsWith("otpauth://totp/demo")]).toEqual([201, true]);
  const { secret } = begun.body;
  const on = await ada.api.put(factor, { code: nextCode(secret) });
  expect(on.status).toBe(200);
  return { ada, secret, recoveryCodes: on.body.recoveryCodes };
}

test("sensitive actions wait for a proof, which the token then carries for a while", async () => {
  const bob = await system.signIn("bob@example.test");
  const { ada, secret } = await withFactor("ada@example.test");
  const promote = (api: ApiClient, role: string) => api.patch(`/v1/apps/demo/users/${bob.id}`, { role });
  const refused = await promote(ada.api, "viewer");
  expect([refused.status, refused.body.code]).toEqual([403, "factor_required"]);
  const proved = await ada.api.post(proof, { code: nextCode(secret) });
  expect(proved.status).toBe(201);
  expect(proved.body.refreshToken).toBeUndefined();
  const { mfa } = decodeJwt(proved.body.accessToken);
  expect(Math.abs(Number(mfa) * 1000 - system.suite.kernel.clock.now())).toBeLessThan(10_000);
  expect((await promote(withToken(proved.body.accessToken), "viewer")).status).toBe(200);
  const { refreshToken } = ada.session;
  const { body } = await system.client().post("/v1/apps/demo/auth/refresh", { refreshToken });
  expect((await promote(withToken(body.accessToken), "member")).status).toBe(200);
  system.suite.kernel.clock.advance(FACTOR_FRESH_MS + 1);
  expect((await promote(withToken(body.accessToken), "viewer")).body.code).toBe("factor_required");
});

test("a code is good once, and another's not at all", async () => {
  const { ada, secret } = await withFactor("once@example.test");
  const other = await withFactor("other@example.test");
  const code = nextCode(secret);
  expect((await other.ada.api.post(proof, { code })).status).toBe(401);
  expect((await ada.api.post(proof, { code })).status).toBe(201);
  expect((await ada.api.post(proof, { code })).status).toBe(401);
});

test("recovery codes are good once each, however they are typed", async () => {
  const { ada, recoveryCodes } = await withFactor("lost@example.test");
  expect(new Set(recoveryCodes).size).toBe(RECOVERY_CODES);
  const [first = "", second = ""] = recoveryCodes;
  expect((await ada.api.post(proof, { code: first.toUpperCase().replaceAll("-", " ") })).status).toBe(201);
  expect((await ada.api.post(proof, { code: first })).status).toBe(401);
  const both = [ada.api.post(proof, { code: second }), ada.api.post(proof, { code: second })];
  expect((await Promise.all(both)).map(({ status }) => status).sort((a, b) => a - b)).toEqual([201, 401]);
  expect((await ada.api.get(factor)).body).toMatchObject({
    enabled: true,
    recoveryCodesLeft: RECOVERY_CODES - 2,
  });
});

test("guessing locks the proof, also for the right code", async () => {
  const { ada, secret } = await withFactor("guessed@example.test");
  for (let tries = 0; tries < FAILURES_MAX; tries += 1) await ada.api.post(proof, { code: "000000" });
  expect((await ada.api.post(proof, { code: nextCode(secret) })).status).toBe(401);
});

test("a factor can't be replaced or removed without its proof, and is not stored readably", async () => {
  const { ada, secret, recoveryCodes } = await withFactor("kept@example.test");
  expect((await ada.api.post(factor, await freshCode(ada.email))).status).toBe(409);
  expect((await ada.api.delete(factor)).body.code).toBe("factor_required");
  const stored = await system.deps.firestore.doc(`apps/demo/factors/${ada.id}`).get();
  for (const hidden of [secret, ...recoveryCodes])
    expect(JSON.stringify(stored.data())).not.toContain(hidden);
  const { body } = await ada.api.post(proof, { code: nextCode(secret) });
  const api = withToken(body.accessToken);
  expect((await api.delete(factor)).status).toBe(204);
  expect((await api.get(factor)).body.enabled).toBe(false);
});

describe("a stolen access token", () => {
  test("enrols nothing without a code that was mailed just now to the person", async () => {
    const victim = await system.signIn("stolen@example.test");
    const thief = await system.signIn("thief@example.test");
    const own = await freshCode(thief.email);
    expect((await victim.api.post(factor)).status).toBe(400);
    expect((await victim.api.post(factor, { challenge: own.challenge, code: "000000" })).status).toBe(401);
    // A right code, of a mailbox that is not the person's.
    expect((await victim.api.post(factor, await freshCode(thief.email))).status).toBe(401);
    expect((await victim.api.put(factor, { code: "123456" })).status).toBe(404);
    expect((await victim.api.get(factor)).body.enabled).toBe(false);
  });

  test("enrols nothing with a code that has been used or has expired", async () => {
    const victim = await system.signIn("used@example.test");
    const used = await freshCode(victim.email);
    expect((await system.client().post("/v1/apps/demo/auth/sessions", used)).status).toBe(201);
    expect((await victim.api.post(factor, used)).status).toBe(401);
    const late = await freshCode(victim.email);
    system.suite.kernel.clock.advance(CODE_TTL_MS + 1);
    expect((await victim.api.post(factor, late)).status).toBe(401);
  });

  test("guesses codes no better than at the sign-in", async () => {
    const victim = await system.signIn("guessing@example.test");
    const { challenge, code } = await freshCode(victim.email);
    const wrong = { challenge, code: code === "123456" ? "654321" : "123456" };
    for (let tries = 0; tries < CODE_TRIES_MAX; tries += 1)
      expect((await victim.api.post(factor, wrong)).status).toBe(401);
    expect((await victim.api.post(factor, { challenge, code })).status).toBe(401);
  });

  test("enrols in peace whose code it is, also when the reply is lost", async () => {
    const ada = await system.signIn("honest@example.test");
    const sent = await freshCode(ada.email);
    const typed = { ...sent, code: `${sent.code.slice(0, 3)} ${sent.code.slice(3)}` };
    expect((await ada.api.post(factor, typed)).status).toBe(201);
    const again = await ada.api.post(factor, sent);
    expect(again.status).toBe(201);
    expect((await ada.api.put(factor, { code: nextCode(again.body.secret) })).status).toBe(200);
    expect((await system.client().post("/v1/apps/demo/auth/sessions", sent)).status).toBe(401);
  });

  test("takes no factor away with a proof older than five minutes", async () => {
    const { ada, secret } = await withFactor("removal@example.test");
    const { body } = await ada.api.post(proof, { code: nextCode(secret) });
    const api = withToken(body.accessToken);
    system.suite.kernel.clock.advance(FACTOR_REMOVAL_MS + 1);
    expect((await api.delete(factor)).body.code).toBe("factor_required");
    expect((await api.get(factor)).body.enabled).toBe(true);
  });

  test("locks only its own session out of the proof, and not its owner's others", async () => {
    const { ada, secret } = await withFactor("shared@example.test");
    const stolen = await system.signIn(ada.email);
    for (let tries = 0; tries < FAILURES_MAX; tries += 1) await stolen.api.post(proof, { code: "000000" });
    expect((await stolen.api.post(proof, { code: nextCode(secret) })).status).toBe(401);
    expect((await ada.api.post(proof, { code: nextCode(secret) })).status).toBe(201);
  });
});

test("an app may demand a second factor of everyone", async () => {
  const carol = await admin("carol@example.test");
  const bob = await system.signIn("bob@example.test");
  await system.operator.patch("/v1/apps/demo", { settings: { secondFactor: "required" } });
  const change = () => carol.api.patch(`/v1/apps/demo/users/${bob.id}`, { role: "viewer" });
  expect((await change()).body.code).toBe("factor_required");
  await system.operator.patch("/v1/apps/demo", { settings: { secondFactor: "optional" } });
  expect((await change()).status).toBe(200);
});

test("settings that guard others wait for the owner's proof, and switching the factor off does too", async () => {
  const { ada, secret } = await withFactor("owner@example.test");
  await system.operator.patch(`/v1/apps/demo/users/${ada.id}`, { role: "owner" });
  const { refreshToken } = ada.session;
  const { body: fresh } = await system.client().post("/v1/apps/demo/auth/refresh", { refreshToken });
  const owner = withToken(fresh.accessToken);
  const guarded = Object.entries(SETTING_RIGHTS).filter(([, { factor: isGuarded }]) => isGuarded);
  const values: Readonly<Record<string, unknown>> = {
    allowedOrigins: [],
    claims: { tenant: null },
    moderation: { mode: "after" },
    secondFactor: "optional",
    registration: { guests: false },
  };
  expect(guarded.map(([name]) => name).sort()).toEqual(Object.keys(values).sort());
  const change = (api: ApiClient, name: string) =>
    api.patch("/v1/apps/demo", { settings: { [name]: values[name] } });
  for (const [name] of guarded) expect((await change(owner, name)).body.code).toBe("factor_required");
  expect((await owner.patch("/v1/apps/demo", { name: "demo" })).status).toBe(200);
  const { body } = await owner.post(proof, { code: nextCode(secret) });
  for (const [name] of guarded) expect((await change(withToken(body.accessToken), name)).status).toBe(200);
});
