import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createLocalJWKSet, decodeProtectedHeader, type JWTVerifyOptions, jwtVerify } from "jose";
import { afterAll, expect, test } from "vitest";
import { createClock } from "../kernel/clock.ts";
import { createOidc, type Oidc, openTokenKey } from "./open-oidc.ts";

const realClock = createClock();
const folder = mkdtempSync(join(tmpdir(), "oidc-"));
afterAll(() => {
  realClock.stop();
  rmSync(folder, { recursive: true });
});

const issuer = "http://127.0.0.1/oidc";

async function openOidc(path?: string, clock = realClock): Promise<Oidc> {
  return createOidc({ key: await openTokenKey(path), issuer, clock });
}

const claims = { audience: "http://127.0.0.1:5001/send-mail", email: "tasks@demo.iam.gserviceaccount.com" };

const verify = (oidc: Oidc, token: string, options: JWTVerifyOptions = {}) =>
  jwtVerify(token, createLocalJWKSet(oidc.jwks() as never), {
    issuer,
    audience: claims.audience,
    algorithms: ["RS256"],
    ...options,
  });

test("a minted token verifies with the published key and carries Google's claims", async () => {
  const oidc = await openOidc();
  const token = await oidc.mintIdToken(claims);
  const { payload } = await verify(oidc, token);
  expect(payload).toMatchObject({
    iss: issuer,
    aud: claims.audience,
    email: claims.email,
    email_verified: true,
  });
  expect(payload.azp).toBe(payload.sub);
  expect(payload.sub).toMatch(/^\d{21}$/);
  expect((payload.exp ?? 0) - (payload.iat ?? 0)).toBe(3600);
  expect(decodeProtectedHeader(token)).toMatchObject({ alg: "RS256", kid: oidc.jwks().keys[0]?.kid });
  expect(oidc.jwks().keys[0]).not.toHaveProperty("d");
});

test("a token for another audience or from another issuer's key is refused", async () => {
  const oidc = await openOidc();
  const stranger = await openOidc();
  const token = await oidc.mintIdToken({ ...claims, audience: "http://127.0.0.1/other" });
  await expect(verify(oidc, token)).rejects.toMatchObject({ code: "ERR_JWT_CLAIM_VALIDATION_FAILED" });
  await expect(verify(oidc, await stranger.mintIdToken(claims))).rejects.toMatchObject({
    code: "ERR_JWKS_NO_MATCHING_KEY",
  });
});

test("the key outlives the process, readable by its owner only", async () => {
  const path = join(folder, "keys", "oidc.json");
  const first = await openOidc(path);
  const token = await first.mintIdToken(claims);
  const second = await openOidc(path);
  expect(second.jwks()).toEqual(first.jwks());
  await verify(second, token);
  expect(statSync(path).mode & 0o077).toBe(0);
});

test("a token is minted anew once it is five minutes old, and never for other claims", async () => {
  const moving = createClock();
  const oidc = await openOidc(undefined, moving);
  const first = await oidc.mintIdToken(claims);
  expect(await oidc.mintIdToken(claims)).toBe(first);
  expect(await oidc.mintIdToken({ ...claims, subject: "1" })).not.toBe(first);
  moving.advance(5 * 60 * 1000);
  const second = await oidc.mintIdToken(claims);
  expect(second).not.toBe(first);
  await verify(oidc, second, { currentDate: new Date(moving.now()) });
  moving.stop();
});
