import { beforeEach, describe, expect, test } from "vitest";
import { CODE_TTL_MS } from "../../../shared/identity/sign-in-code.ts";
import { REQUEST_KEPT_MS } from "../../../shared/platform/request-record.ts";
import type { ApiReply } from "../../../shared/testing/api-client.ts";
import { TTL_DELAY_MS } from "../../../emulators/firestore/physics.ts";
import { isCloud, readCode, type System } from "../../../shared/testing/start-system.ts";
import { useSystem } from "../../../shared/testing/use-system.ts";

/**
 * Keys that are used again when what they had made is gone. Documents vanish as Firestore's TTL policies have
 * it: the clock moves, and the emulator sweeps.
 */
const auth = "/v1/apps/demo/auth";
const DAY_MS = 24 * 3600 * 1000;
const HOUR_MS = 3600 * 1000;

const system = useSystem();

let keys = 0;
let key: { "idempotency-key": string };
beforeEach(() => {
  keys += 1;
  key = { "idempotency-key": `key-${keys}` };
});

/**
 * Lets time pass, and waits until what has expired by then has been swept away. In cloud mode that takes
 * hours, and it is still there, unless they are to pass too.
 */
async function pass(ms: number, { untilSwept = !isCloud } = {}): Promise<void> {
  system.suite.kernel.clock.advance(ms + (untilSwept && isCloud ? TTL_DELAY_MS : 0));
  if (!untilSwept) return;
  const expired = async (name: string): Promise<number> => {
    const { docs } = await system.deps.firestore.collection(`apps/demo/${name}`).get();
    const due = system.suite.kernel.clock.now() - (isCloud ? TTL_DELAY_MS : 0);
    return docs.filter((each) => each.get("expireAt").toMillis() <= due).length;
  };
  const left = async (): Promise<number> => (await expired("challenges")) + (await expired("requests"));
  await expect.poll(left).toBe(0);
}
const challengePath = (challenge: string): string => `apps/demo/challenges/${challenge}`;
const askFor = (email: string, headers = {}): Promise<ApiReply> =>
  system.client().post(`${auth}/codes`, { email }, headers);
const answer = (challenge: string, code: string, headers = {}): Promise<ApiReply> =>
  system.client().post(`${auth}/sessions`, { challenge, code }, headers);
const mailsTo = (to: string): number => system.suite.mail.list({ to, limit: 100 }).length;

async function sentTo(email: string, headers = {}): Promise<{ challenge: string; code: string }> {
  const { body } = await askFor(email, headers);
  await system.settle();
  return { challenge: body.challenge, code: readCode(system, email) };
}

describe("a request for a code, repeated with its key", () => {
  test("for the victim's address after the attacker's challenge has expired is refused", async () => {
    const own = await sentTo("mallory@attack.test", key);
    await pass(CODE_TTL_MS + 60_000);
    const { status, body } = await askFor("victim@attack.test", key);
    expect([status, body.code]).toEqual([422, "idempotency_key_reused"]);
    await system.settle();
    expect(mailsTo("victim@attack.test")).toBe(0);
    expect((await answer(own.challenge, own.code)).status).toBe(401);
  });

  test("for the victim's address a day and an hour later is refused still", async () => {
    await sentTo("mallory@attack.test", key);
    await pass(DAY_MS + HOUR_MS);
    expect((await askFor("victim@attack.test", key)).status).toBe(422);
  });

  test("for the victim's address when the key is forgotten makes another challenge and code", async () => {
    const own = await sentTo("mallory@attack.test", key);
    await pass(REQUEST_KEPT_MS + HOUR_MS, { untilSwept: true });
    const victim = await sentTo("victim@attack.test", key);
    expect(victim.challenge).not.toBe(own.challenge);
    expect((await answer(own.challenge, own.code)).status).toBe(401);
    expect((await answer(victim.challenge, victim.code)).status).toBe(201);
  });

  test("for the same address gives the first reply, before and after it has expired, and one mail", async () => {
    const first = await askFor("twice@attack.test", key);
    const soon = await askFor("Twice@Attack.test", key);
    await system.settle();
    expect(soon.body).toEqual(first.body);
    expect(soon.headers.get("idempotency-replayed")).toBe("true");
    await pass(CODE_TTL_MS + 60_000);
    expect((await askFor("twice@attack.test", key)).body).toEqual(first.body);
    await system.settle();
    expect(mailsTo("twice@attack.test")).toBe(1);
  });

  test("50 at once are one challenge and one mail", async () => {
    const replies = await Promise.all(Array.from({ length: 50 }, () => askFor("storm@attack.test", key)));
    await system.settle();
    expect(new Set(replies.map(({ body }) => body.challenge)).size).toBe(1);
    expect(mailsTo("storm@attack.test")).toBe(1);
  });
});

test("what is stored of a challenge does not tell its code, and its code is that of no other", async () => {
  const { challenge, code } = await sentTo("stored@attack.test");
  const stored = await system.deps.firestore.doc(challengePath(challenge)).get();
  expect(JSON.stringify(stored.data())).not.toContain(code);
  const codes = new Set<string>();
  for (let count = 0; count < 8; count += 1) codes.add((await sentTo("stored@attack.test")).code);
  expect(codes.size).toBeGreaterThan(1);
});

test("the code is forgotten when it is used, and a late mail says nothing", async () => {
  const sent = await sentTo("used@attack.test");
  expect((await answer(sent.challenge, sent.code)).status).toBe(201);
  const stored = await system.deps.firestore.doc(challengePath(sent.challenge)).get();
  expect(stored.get("sealedCode")).toBeNull();
});

test("asking again replaces nothing: each code that was mailed is good once", async () => {
  const first = await sentTo("again@attack.test");
  const second = await sentTo("again@attack.test");
  expect((await answer(second.challenge, second.code)).status).toBe(201);
  expect((await answer(first.challenge, first.code)).status).toBe(201);
});

describe("a sign-in, repeated with its key", () => {
  test("gives the same session for a day, also when the challenge is gone", async () => {
    const { challenge, code } = await sentTo("lost@attack.test");
    const first = await answer(challenge, code, key);
    await pass(CODE_TTL_MS + 60_000);
    const again = await answer(challenge, code, key);
    expect([again.status, again.body.sessionId]).toEqual([201, first.body.sessionId]);
    const elsewhere = await sentTo("lost@attack.test");
    expect((await answer(elsewhere.challenge, elsewhere.code, key)).status).toBe(422);
  });

  test("gives nothing once the session has ended, however it ended", async () => {
    const ends = [
      (api: ReturnType<System["client"]>) => api.delete(`${auth}/sessions/current`),
      (api: ReturnType<System["client"]>) => api.delete(`${auth}/sessions`),
    ];
    for (const [index, end] of ends.entries()) {
      const own = { "idempotency-key": `ended-${index}` };
      const { challenge, code } = await sentTo(`ended-${index}@attack.test`);
      const { body } = await answer(challenge, code, own);
      await end(system.client({ authorization: `Bearer ${body.accessToken}` }));
      const again = await answer(challenge, code, own);
      expect([again.status, again.body.code]).toEqual([401, "session_ended"]);
    }
  });

  test("with another code answers nobody any more", async () => {
    const { challenge, code } = await sentTo("guessed@attack.test");
    expect((await answer(challenge, code, key)).status).toBe(201);
    expect((await answer(challenge, code === "123456" ? "654321" : "123456", key)).status).toBe(401);
    expect((await answer(challenge, code, key)).status).toBe(401);
  });
});

describe("an API token", () => {
  const tokens = "/v1/apps/demo/tokens";
  const works = async (token: string): Promise<boolean> =>
    (await system.client({ authorization: `Bearer ${token}` }).get("/v1/apps/demo")).status === 200;

  test("that was deleted never lives again by repeating the request that made it", async () => {
    const { body: first } = await system.operator.post(tokens, undefined, key);
    expect(await works(first.token)).toBe(true);
    expect((await system.operator.delete(`${tokens}/${first.id}`)).status).toBe(204);
    for (const ms of [18 * 60_000, DAY_MS - HOUR_MS]) {
      system.suite.kernel.clock.advance(ms);
      const again = await system.operator.post(tokens, undefined, key);
      expect([again.status, again.body]).toEqual([201, first]);
      expect(await works(first.token)).toBe(false);
    }
    await pass(REQUEST_KEPT_MS);
    expect((await system.operator.post(tokens, undefined, key)).body.id).not.toBe(first.id);
    expect(await works(first.token)).toBe(false);
  });

  test("is shown again to the same request from a sealed copy, and is stored nowhere readably", async () => {
    const { body: first } = await system.operator.post(tokens, undefined, key);
    const again = await system.operator.post(tokens, undefined, key);
    expect(again.body.token).toBe(first.token);
    expect(again.headers.get("idempotency-replayed")).toBe("true");
    const secret = first.token.split("_").at(-1);
    for (const name of ["tokens", "requests"]) {
      const { docs } = await system.deps.firestore.collection(`apps/demo/${name}`).get();
      expect(JSON.stringify(docs.map((each) => each.data()))).not.toContain(secret);
    }
  });
});

describe("what operators make", () => {
  test("an app: the same key gives the same app and token, and another name is refused", async () => {
    const first = await system.operator.post("/v1/apps", { name: "Shop" }, key);
    const again = await system.operator.post("/v1/apps", { name: "Shop" }, key);
    expect(again.body).toEqual(first.body);
    expect((await system.operator.post("/v1/apps", { name: "Bank" }, key)).status).toBe(422);
    const second = await system.operator.post("/v1/apps", { name: "Shop" });
    expect(second.body.app.id).not.toBe(first.body.app.id);
  });

  test("a revocation: its entry expires sooner than its key", async () => {
    const wish = { scope: "token", id: "abcdefgh" };
    const first = await system.operator.post("/v1/operator/revocations", wish, key);
    system.suite.kernel.clock.advance(HOUR_MS);
    const again = await system.operator.post("/v1/operator/revocations", wish, key);
    expect(again.body).toEqual(first.body);
    const other = { ...wish, id: "ijklmnop" };
    expect((await system.operator.post("/v1/operator/revocations", other, key)).status).toBe(422);
  });

  test("a rotation: the first reply again, with the keys that it retired", async () => {
    const path = "/v1/operator/keys/rotations";
    const first = await system.operator.post(path, { graceSeconds: 60 }, key);
    const again = await system.operator.post(path, { graceSeconds: 60 }, key);
    expect(again.body).toEqual(first.body);
    expect(first.body.retired.length).toBeGreaterThan(0);
  });
});
