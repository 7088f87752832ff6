import { readFileSync } from "node:fs";
import { decodeJwt, decodeProtectedHeader, importJWK, SignJWT } from "jose";
import { expect, test } from "vitest";
import type { ApiReply } from "../../../shared/testing/api-client.ts";
import { useSystem } from "../../../shared/testing/use-system.ts";

/** The runbook, as whoever is on call at three in the morning plays it. */
const runbook = readFileSync("docs/runbooks/key-leak.md", "utf8");
const steps = new Map(
  runbook
    .split(/^## /m)
    .map((section) => [
      section.split("\n", 1)[0] ?? "",
      [...section.matchAll(/^(GET|POST|DELETE) (\S+)(?: (\{.*\}))? → (\d{3})$/gm)].map(
        ([, method = "", path = "", body, status]) => ({ method, path, body, status: Number(status) }),
      ),
    ]),
);

const system = useSystem();

async function play(title: string, names: Readonly<Record<string, string>> = {}): Promise<ApiReply[]> {
  const answers: ApiReply[] = [];
  const requests = steps.get(title) ?? [];
  expect([title, requests.length > 0]).toEqual([title, true]);
  for (const { method, path, body, status } of requests) {
    const filled = (text: string): string =>
      text.replaceAll(/\{(\w+)\}/g, (_, name: string) => names[name] ?? name);
    const answer =
      method === "GET"
        ? await system.operator.get(filled(path))
        : method === "DELETE"
          ? await system.operator.delete(filled(path))
          : await system.operator.post(filled(path), body === undefined ? undefined : filled(body));
    expect([method, path, answer.status]).toEqual([method, path, status]);
    answers.push(answer);
  }
  return answers;
}

test("a thief with the signing key is shut out by the runbook, and honest people go on", async () => {
  const me = "/v1/apps/demo/me";
  const [ada, victim] = [await system.signIn("ada@example.test"), await system.signIn("victim@example.test")];
  await system.operator.patch(`/v1/apps/demo/users/${victim.id}`, { role: "owner" });
  const kid = String(decodeProtectedHeader(ada.session.accessToken).kid);
  const stored = await system.deps.firestore.doc(`system/keys/ring/${kid}`).get();
  const jwk = JSON.parse(await system.deps.keyEncryption.unwrap(kid, stored.get("wrappedPrivateJwk")));
  const stolen = await importJWK(jwk, "EdDSA");
  const forge = (claims: object): Promise<string> =>
    new SignJWT({ ...decodeJwt(ada.session.accessToken), ...claims })
      .setProtectedHeader({ alg: "EdDSA", kid, typ: "at+jwt" })
      .sign(stolen);

  const nowMs = system.suite.kernel.clock.now() + 1;
  const forged = await forge({ sub: victim.id, role: "owner", jti: "forged", ims: nowMs, bms: nowMs });
  const thief = system.client({ authorization: `Bearer ${forged}` });
  const loot = await thief.post("/v1/apps/demo/tokens");
  expect(loot.status).toBe(201);

  const [rotation] = await play("1. Rotate, without grace");
  await expect.poll(async () => (await thief.get(me)).status, { interval: 5 }).toBe(401);
  const again = system.client({ authorization: `Bearer ${await forge({ sub: victim.id, role: "owner" })}` });
  expect((await again.get(me)).status).toBe(401);
  const refreshed = await system
    .client()
    .post("/v1/apps/demo/auth/refresh", { refreshToken: ada.session.refreshToken });
  const honest = system.client({ authorization: `Bearer ${refreshed.body.accessToken}` });
  expect((await honest.get(me)).status).toBe(200);

  const [jwks, events] = await play("2. See that it has happened");
  expect(jwks?.body.keys.map((key: { kid: string }) => key.kid)).toEqual([rotation?.body.kid]);
  expect(events?.body.data[0].subject).toBe(rotation?.body.kid);

  const traces = await play("3. Find out what was done with it");
  const made = traces[1]?.body.data.map(({ subject }: { subject: string }) => subject);
  expect(made).toContain(`token_${loot.body.id}`);
  await expect.poll(async () => (await honest.get(me)).status, { interval: 5 }).toBe(401);

  await play("4. One person, session or token", {
    user: victim.id,
    session: victim.session.sessionId,
    jti: "0123456789abcdefghijklmnop",
  });
  const server = system.client({ authorization: `Bearer ${loot.body.token}` });
  expect((await server.get("/v1/apps/demo")).status).toBe(200);
  await play("5. An API token", { token: loot.body.id });
  await expect.poll(async () => (await server.get("/v1/apps/demo")).status, { interval: 5 }).toBe(401);
  const back = await system.signIn("ada@example.test");
  expect((await back.api.get(me)).status).toBe(200);
});
