import {
  type CryptoKey,
  decodeJwt,
  decodeProtectedHeader,
  exportJWK,
  generateKeyPair,
  importJWK,
  type JWK,
  SignJWT,
} from "jose";
import { beforeAll, describe, expect, test } from "vitest";
import { CLOCK_TOLERANCE_SECONDS } from "../../../shared/identity/access-token.ts";
import type { Person } from "../../../shared/testing/start-system.ts";
import { useInstance, useSystem } from "../../../shared/testing/use-system.ts";

const me = "/v1/apps/demo/me";
const rotations = "/v1/operator/keys/rotations";

const system = useSystem();
const elsewhere = useInstance(system);

const kidOf = (token: string): string => String(decodeProtectedHeader(token).kid);
const refresh = (person: Person) =>
  system.client().post("/v1/apps/demo/auth/refresh", { refreshToken: person.session.refreshToken });
const publishedKids = async (): Promise<string[]> =>
  (await system.client().get("/.well-known/jwks.json")).body.keys.map(({ kid }: { kid: string }) => kid);

describe("rotating the signing key", () => {
  test("honours the old key for the grace, then not, and whoever refreshes stays signed in", async () => {
    const ada = await system.signIn("grace@example.test");
    await elsewhere.as(ada).get(me);
    const before = kidOf(ada.session.accessToken);
    const { status, body } = await system.operator.post(rotations, { graceSeconds: 60 });
    expect(status).toBe(201);
    expect(body).toMatchObject({ graceSeconds: 60, retired: [before] });
    expect(Date.parse(body.notAfter) - Date.parse(body.createdAt)).toBe(60_000);
    expect((await ada.api.get(me)).status).toBe(200);
    expect(await publishedKids()).toEqual([body.kid, before]);
    const fresh = await refresh(ada);
    expect(kidOf(fresh.body.accessToken)).toBe(body.kid);
    system.suite.kernel.clock.advance(60_000 + 1);
    expect((await ada.api.get(me)).body.code).toBe("token_invalid");
    expect((await elsewhere.as(ada).get(me)).status).toBe(401);
    const api = system.client({ authorization: `Bearer ${fresh.body.accessToken}` });
    expect((await api.get(me)).status).toBe(200);
    expect(await publishedKids()).toEqual([body.kid]);
  });

  test("without grace refuses the old key on every instance, and accepts the new one there too", async () => {
    const ada = await system.signIn("leak@example.test");
    expect((await elsewhere.as(ada).get(me)).status).toBe(200);
    const { body } = await system.operator.post(rotations, { graceSeconds: 0 });
    await expect.poll(async () => (await ada.api.get(me)).status, { interval: 5 }).toBe(401);
    await expect.poll(async () => (await elsewhere.as(ada).get(me)).status, { interval: 5 }).toBe(401);
    const fresh = await refresh(ada);
    expect(kidOf(fresh.body.accessToken)).toBe(body.kid);
    const session = { ...ada.session, accessToken: fresh.body.accessToken };
    expect((await elsewhere.as({ ...ada, session }).get(me)).status).toBe(200);
  });

  test("happens once for a repeated request, and keeps no private part of a retired key", async () => {
    const key = { "idempotency-key": "drill" };
    const first = await system.operator.post(rotations, { graceSeconds: 30 }, key);
    const again = await system.operator.post(rotations, { graceSeconds: 30 }, key);
    expect(again.body.kid).toBe(first.body.kid);
    expect(again.headers.get("idempotency-replayed")).toBe("true");
    const other = await system.operator.post(rotations, { graceSeconds: 31 }, key);
    expect(other.status).toBe(422);
    const ring = await system.deps.firestore.collection("system/keys/ring").get();
    const signing = ring.docs.filter((document) => document.get("wrappedPrivateJwk") !== null);
    expect(signing.map(({ id }) => id)).toEqual([first.body.kid]);
    expect(JSON.stringify(ring.docs.map((document) => document.data()))).not.toContain('"d"');
  });

  test("is the operator's alone, and is recorded", async () => {
    const ada = await system.signIn("nobody@example.test");
    expect((await ada.api.post(rotations, { graceSeconds: 0 })).status).toBe(401);
    const { body } = await system.operator.get("/v1/operator/security-events?kind=keys-rotated");
    expect(body.data[0]).toMatchObject({ kind: "keys-rotated", actor: "operator" });
  });

  test("two at once both succeed, one after the other", async () => {
    const both = await Promise.all([
      system.operator.post(rotations, { graceSeconds: 30 }),
      system.operator.post(rotations, { graceSeconds: 30 }),
    ]);
    expect(both.map(({ status }) => status)).toEqual([201, 201]);
    const ring = await system.deps.firestore
      .collection("system/keys/ring")
      .where("notAfter", "==", null)
      .get();
    expect(ring.size).toBe(1);
  });
});

describe("a forged access token is refused", () => {
  let ada: Person;
  let claims: Record<string, unknown>;
  let kid: string;
  let publicJwk: JWK;
  let foreign: CryptoKey;
  beforeAll(async () => {
    ada = await system.signIn("forged@example.test");
    claims = decodeJwt(ada.session.accessToken);
    kid = kidOf(ada.session.accessToken);
    const { body } = await system.client().get("/.well-known/jwks.json");
    publicJwk = body.keys.find((key: JWK) => key.kid === kid);
    foreign = (await generateKeyPair("EdDSA", { crv: "Ed25519", extractable: true })).privateKey;
  });

  const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  const expectRefused = async (token: string): Promise<void> => {
    const before = system.logs.length;
    const { status, body } = await system.client({ authorization: `Bearer ${token}` }).get(me);
    expect([status, body.code === "token_invalid" || body.code === "token_expired"]).toEqual([401, true]);
    expect(JSON.stringify(system.logs.slice(before))).not.toContain(token.split(".")[1]);
  };
  const signed = (
    header: object,
    change: object = {},
    key: CryptoKey | Uint8Array = foreign,
  ): Promise<string> =>
    new SignJWT({ ...claims, ...change })
      .setProtectedHeader({ alg: "EdDSA", kid, typ: "at+jwt", ...header })
      .sign(key);

  test.each(["none", "None", "NONE", "nOnE"])("alg %s", async (alg) => {
    await expectRefused(`${part({ alg, kid, typ: "at+jwt" })}.${part(claims)}.`);
    await expectRefused(`${part({ alg, kid, typ: "at+jwt" })}.${part(claims)}.AAAA`);
  });

  test("the public key used as an HMAC secret", async () => {
    for (const secret of [JSON.stringify(publicJwk), String(publicJwk.x)]) {
      await expectRefused(await signed({ alg: "HS256" }, {}, Buffer.from(secret.padEnd(32, "="))));
    }
  });

  test("another algorithm, a key of one's own, and one brought along in the header", async () => {
    const rsa = await generateKeyPair("RS256");
    await expectRefused(await signed({ alg: "RS256" }, {}, rsa.privateKey));
    await expectRefused(await signed({}));
    const jwk = { ...(await exportJWK(foreign)), d: undefined };
    await expectRefused(await signed({ jwk }));
    await expectRefused(await signed({ jku: "http://127.0.0.1/keys.json" }));
  });

  test.each([
    "../../../../dev/null",
    "key-1' OR '1'='1",
    "system/keys/ring/key-1",
    "__proto__",
    "constructor",
    "",
    "\u0000",
    "k".repeat(3_000),
  ])("kid %j", async (name) => {
    const cost = await system.meter(() => signed({ kid: name }).then(expectRefused));
    expect(cost.billed).toEqual({ reads: 0, writes: 0, deletes: 0 });
  });

  test("changed claims under a genuine signature", async () => {
    const [header, , signature] = ada.session.accessToken.split(".");
    await expectRefused(`${header}.${part({ ...claims, role: "owner" })}.${signature}`);
    // The first character: the last ones hold the high bits of a number that is often small.
    const flipped = `${signature?.startsWith("A") ? "B" : "A"}${signature?.slice(1)}`;
    await expectRefused(`${header}.${part(claims)}.${flipped}`);
    await expectRefused(`${ada.session.accessToken}.extra`);
  });

  /** With the true key, as if our own code had made a token that it must not accept. */
  test.each<[string, object, object]>([
    ["expired", {}, { exp: 1_000 }],
    ["not yet valid", {}, { nbf: 4_000_000_000 }],
    ["of another issuer", {}, { iss: "https://issuer.example" }],
    ["for another audience", {}, { aud: "https://audience.example" }],
    ["of another app", {}, { app: "other" }],
    ["of a role that there is not", {}, { role: "root" }],
    ["without a session", {}, { sid: undefined }],
    ["without an expiry", {}, { exp: undefined }],
    ["of another type", { typ: "JWT" }, {}],
  ])("%s", async (_, header, change) => {
    const { firestore, keyEncryption } = system.deps;
    const stored = await firestore.doc(`system/keys/ring/${kid}`).get();
    const jwk = JSON.parse(await keyEncryption.unwrap(kid, stored.get("wrappedPrivateJwk")));
    const key = (await importJWK(jwk, "EdDSA")) as CryptoKey;
    const genuine = await new SignJWT(claims)
      .setProtectedHeader({ alg: "EdDSA", kid, typ: "at+jwt" })
      .sign(key);
    expect((await system.client({ authorization: `Bearer ${genuine}` }).get(me)).status).toBe(200);
    const forged = await new SignJWT(JSON.parse(JSON.stringify({ ...claims, ...change })))
      .setProtectedHeader({ alg: "EdDSA", kid, typ: "at+jwt", ...header })
      .sign(key);
    await expectRefused(forged);
  });

  test("a genuine token in another app, however it is spelled", async () => {
    const other = await system.createApp("Other");
    for (const app of [other.id, "demo%2f", "DEMO", "demo%00"]) {
      const { status } = await ada.api.get(`/v1/apps/${app}/me`);
      expect([401, 404]).toContain(status);
    }
  });

  test("a clock that is a little wrong is forgiven, an hour is not", async () => {
    const now = Math.floor(system.suite.kernel.clock.now() / 1000);
    expect(claims.exp).toBeGreaterThan(now);
    expect(CLOCK_TOLERANCE_SECONDS).toBeLessThanOrEqual(60);
  });

  test.each(["x".repeat(20_000), "é", "a b", "\tx"])("malformed or oversized headers: %#", async (value) => {
    const response = await fetch(`${system.url}${me}`, {
      headers: { authorization: `Bearer ${encodeURIComponent(value)}` },
    });
    expect([400, 401, 431]).toContain(response.status);
  });
});
