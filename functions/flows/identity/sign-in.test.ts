import { decodeJwt, decodeProtectedHeader } from "jose";
import { describe, expect, test } from "vitest";
import { ACCESS_TOKEN_TTL_SECONDS, CLOCK_TOLERANCE_SECONDS } from "../../../shared/identity/access-token.ts";
import { REFRESH_RACE_MS } from "../../../shared/identity/session-lifetime.ts";
import { CODE_TRIES_MAX, CODE_TTL_MS } from "../../../shared/identity/sign-in-code.ts";
import { readCode } from "../../../shared/testing/start-system.ts";
import { useSystem } from "../../../shared/testing/use-system.ts";

const system = useSystem();

const auth = "/v1/apps/demo/auth";
const otherThan = (code: string): string => (code === "123456" ? "654321" : "123456");

async function askForCode(email: string): Promise<{ challenge: string; code: string }> {
  const { status, body } = await system.client().post(`${auth}/codes`, { email });
  expect(status).toBe(202);
  await system.settle();
  return { challenge: body.challenge, code: readCode(system, email) };
}

describe("signing in", () => {
  test("a mailed code makes a session, and the same address is the same person next time", async () => {
    const first = await system.signIn("ada@example.test");
    const again = await system.signIn("Ada@Example.test");
    expect(again.id).toBe(first.id);
    expect(again.session.sessionId).not.toBe(first.session.sessionId);
    const { status, body } = await first.api.get("/v1/apps/demo/me");
    expect(status).toBe(200);
    expect(body).toMatchObject({ id: first.id, name: "ada", email: "ada@example.test", role: "member" });
    expect(body.avatarUrl).toMatch(/^data:image\/svg\+xml,/);
  });

  test("the answer to a request for a code is the same for known and unknown addresses", async () => {
    await system.signIn("known@example.test");
    const known = await system.client().post(`${auth}/codes`, { email: "known@example.test" });
    const unknown = await system.client().post(`${auth}/codes`, { email: "unknown@example.test" });
    expect([known.status, Object.keys(known.body)]).toEqual([unknown.status, Object.keys(unknown.body)]);
  });

  test("one mail is sent for each challenge, however often its task is delivered", async () => {
    system.fault({ service: "tasks", method: "Dispatch", kind: "twice" });
    const { challenge, code } = await askForCode("one-mail@example.test");
    const mails = system.suite.mail.list({ to: "one-mail@example.test" });
    expect(new Set(mails.map(({ text }) => text)).size).toBe(1);
    const { status } = await system.client().post(`${auth}/sessions`, { challenge, code });
    expect(status).toBe(201);
  });

  test("a code works once", async () => {
    const sent = await askForCode("once@example.test");
    expect((await system.client().post(`${auth}/sessions`, sent)).status).toBe(201);
    const { status, body } = await system.client().post(`${auth}/sessions`, sent);
    expect([status, body.code]).toEqual([401, "code_invalid"]);
  });

  test("a repeated request with the same Idempotency-Key gets the same session", async () => {
    const sent = await askForCode("lost-answer@example.test");
    const key = { "idempotency-key": '"sign-in-1"' };
    const first = await system.client().post(`${auth}/sessions`, sent, key);
    const again = await system.client().post(`${auth}/sessions`, sent, key);
    expect(again.body.sessionId).toBe(first.body.sessionId);
    const stranger = await system.client().post(`${auth}/sessions`, sent, { "idempotency-key": "another" });
    expect(stranger.status).toBe(401);
  });

  test(`${CODE_TRIES_MAX} wrong codes end a challenge, and then the right one fails too`, async () => {
    const { challenge, code } = await askForCode("guess@example.test");
    for (let tries = 0; tries < CODE_TRIES_MAX; tries += 1) {
      const { status } = await system.client().post(`${auth}/sessions`, { challenge, code: otherThan(code) });
      expect(status).toBe(401);
    }
    expect((await system.client().post(`${auth}/sessions`, { challenge, code })).status).toBe(401);
  });

  test("wrong codes at once count each", async () => {
    const { challenge, code } = await askForCode("storm@example.test");
    const wrong = Array.from({ length: 8 }, () =>
      system.client().post(`${auth}/sessions`, { challenge, code: otherThan(code) }),
    );
    expect(new Set((await Promise.all(wrong)).map(({ status }) => status))).toEqual(new Set([401]));
    expect((await system.client().post(`${auth}/sessions`, { challenge, code })).status).toBe(401);
  });

  test("a code of another challenge or app fails", async () => {
    const one = await askForCode("one@example.test");
    const two = await askForCode("two@example.test");
    const mixed = { challenge: one.challenge, code: one.code === two.code ? otherThan(one.code) : two.code };
    expect((await system.client().post(`${auth}/sessions`, mixed)).status).toBe(401);
    const other = await system.createApp("Elsewhere");
    expect((await system.client().post(`/v1/apps/${other.id}/auth/sessions`, one)).status).toBe(401);
  });

  test("malformed requests are refused with the fields that are wrong", async () => {
    const { status, body } = await system.client().post(`${auth}/codes`, { email: "nobody", extra: 1 });
    expect(status).toBe(400);
    expect(body.errors.map(({ path }: { path: string }) => path).sort()).toEqual(["email", "extra"]);
  });

  test("an app that does not exist is not found", async () => {
    const { status } = await system
      .client()
      .post("/v1/apps/no-such-app/auth/codes", { email: "a@example.test" });
    expect(status).toBe(404);
  });
});

describe("refreshing", () => {
  const refresh = (refreshToken: string) => system.client().post(`${auth}/refresh`, { refreshToken });

  test("each use rotates the token, and the new one works", async () => {
    const { session } = await system.signIn("rotate@example.test");
    const first = await refresh(session.refreshToken);
    expect(first.status).toBe(200);
    expect(first.body.refreshToken).not.toBe(session.refreshToken);
    const second = await refresh(first.body.refreshToken);
    expect(second.status).toBe(200);
    expect(second.body.sessionId).toBe(session.sessionId);
  });

  test("two tabs that refresh at once both stay signed in", async () => {
    const { session } = await system.signIn("tabs@example.test");
    const both = await Promise.all([refresh(session.refreshToken), refresh(session.refreshToken)]);
    expect(both.map(({ status }) => status)).toEqual([200, 200]);
    expect(both[0]?.body.refreshToken).toBe(both[1]?.body.refreshToken);
    expect((await refresh(both[0]?.body.refreshToken)).status).toBe(200);
  });

  test("an old token used later ends the whole family", async () => {
    const { session } = await system.signIn("theft@example.test");
    const { body } = await refresh(session.refreshToken);
    system.suite.kernel.clock.advance(REFRESH_RACE_MS + 1);
    const stolen = await refresh(session.refreshToken);
    expect([stolen.status, stolen.body.code]).toEqual([401, "session_ended"]);
    expect((await refresh(body.refreshToken)).status).toBe(401);
  });

  test("an invented token ends nobody's session", async () => {
    const { session } = await system.signIn("safe@example.test");
    const invented = `${session.refreshToken.slice(0, -4)}AAAA`;
    expect((await refresh(invented)).status).toBe(401);
    expect((await refresh(session.refreshToken)).status).toBe(200);
  });

  test("a token of another app is not accepted", async () => {
    const { session } = await system.signIn("here@example.test");
    const other = await system.createApp("There");
    const answer = await system.client().post(`/v1/apps/${other.id}/auth/refresh`, session);
    expect(answer.status).toBe(400);
    const { refreshToken } = session;
    const bare = await system.client().post(`/v1/apps/${other.id}/auth/refresh`, { refreshToken });
    expect(bare.status).toBe(401);
  });
});

describe("signing out", () => {
  test("here, there and everywhere", async () => {
    const [one, two, three] = [
      await system.signIn("out@example.test"),
      await system.signIn("out@example.test"),
      await system.signIn("out@example.test"),
    ];
    const canRefresh = async ({ session }: typeof one): Promise<boolean> =>
      (await system.client().post(`${auth}/refresh`, { refreshToken: session.refreshToken })).status === 200;
    expect((await one.api.delete(`${auth}/sessions/current`)).status).toBe(204);
    expect(await canRefresh(one)).toBe(false);
    expect((await two.api.delete(`${auth}/sessions/${three.session.sessionId}`)).status).toBe(204);
    expect(await canRefresh(three)).toBe(false);
    expect((await two.api.delete(`${auth}/sessions`)).status).toBe(204);
    expect(await canRefresh(two)).toBe(false);
  });

  test("someone else's session is not found", async () => {
    const mine = await system.signIn("mine@example.test");
    const theirs = await system.signIn("theirs@example.test");
    expect((await mine.api.delete(`${auth}/sessions/${theirs.session.sessionId}`)).status).toBe(404);
  });
});

describe("access tokens", () => {
  test("are short-lived, name their key and verify with the published keys", async () => {
    const { session } = await system.signIn("token@example.test");
    const { kid, alg } = decodeProtectedHeader(session.accessToken);
    const { body } = await system.client().get("/.well-known/jwks.json");
    expect(body.keys.map((key: { kid: string }) => key.kid)).toContain(kid);
    expect(JSON.stringify(body)).not.toContain('"d"');
    expect(alg).toBe("EdDSA");
    const claims = decodeJwt(session.accessToken);
    expect(claims).toMatchObject({ app: "demo", role: "member", sid: session.sessionId });
    expect((claims.exp ?? 0) - (claims.iat ?? 0)).toBe(ACCESS_TOKEN_TTL_SECONDS);
  });

  test("expire", async () => {
    const { api } = await system.signIn("expire@example.test");
    system.suite.kernel.clock.advance((ACCESS_TOKEN_TTL_SECONDS + CLOCK_TOLERANCE_SECONDS) * 1000 + 1);
    const { status, body } = await api.get("/v1/apps/demo/me");
    expect([status, body.code]).toEqual([401, "token_expired"]);
  });

  test.each(["", "Bearer", "Bearer x", "Basic eDp5", "Bearer a.b.c"])(
    "%j is refused",
    async (authorization) => {
      const { status, headers } = await system.client({ authorization }).get("/v1/apps/demo/me");
      expect(status).toBe(401);
      expect(headers.get("www-authenticate")).toBe("Bearer");
    },
  );

  test("authenticate without any Firestore operation", async () => {
    const { api } = await system.signIn("free@example.test");
    const cost = await system.meter(async () => {
      expect((await api.get("/v1/apps/demo/chats?limit=0")).status).toBe(400);
    });
    expect(cost.rpcs).toEqual({});
  });
});

test("a code expires", async () => {
  const sent = await askForCode("late@example.test");
  system.suite.kernel.clock.advance(CODE_TTL_MS + 1);
  expect((await system.client().post(`${auth}/sessions`, sent)).status).toBe(401);
});

test("logs hold neither addresses nor codes nor tokens", async () => {
  const person = await system.signIn("private@example.test");
  const text = JSON.stringify(system.logs);
  expect(text).not.toContain("example.test");
  expect(text).not.toContain(person.session.accessToken);
  expect(text).not.toContain(person.session.refreshToken);
  expect(text).not.toContain(person.id);
});
