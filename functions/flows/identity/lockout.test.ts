import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CODES_PER_DAY } from "../../../shared/identity/contract.ts";
import { FAILURES_MAX, LOCKOUT_MS, SUBJECT_FAILURES_MAX } from "../../../shared/identity/lockout.ts";
import { MAIL_DAY_MS } from "../../../shared/identity/mail-cap.ts";
import { CODE_TRIES_MAX } from "../../../shared/identity/sign-in-code.ts";
import { type ApiClient, type ApiReply, createApiClient } from "../../../shared/testing/api-client.ts";
import { type Instance, readCode } from "../../../shared/testing/start-system.ts";
import { useSystem } from "../../../shared/testing/use-system.ts";

const auth = "/v1/apps/demo/auth";

const system = useSystem();

async function ask(email: string): Promise<string> {
  const { status, body } = await system.client().post(`${auth}/codes`, { email });
  expect(status).toBe(202);
  await system.settle();
  return body.challenge;
}
const mailsTo = (email: string): number => system.suite.mail.list({ to: email, limit: 1000 }).length;
const attempt = (challenge: string, code: string) =>
  system.client().post(`${auth}/sessions`, { challenge, code });
const otherThan = (code: string): string => (code === "123456" ? "654321" : "123456");

async function failUntilLocked(email: string): Promise<void> {
  for (let failures = 0; failures < FAILURES_MAX; failures += CODE_TRIES_MAX) {
    const challenge = await ask(email);
    const wrong = otherThan(readCode(system, email));
    for (let tries = 0; tries < CODE_TRIES_MAX; tries += 1) await attempt(challenge, wrong);
  }
}

test("an address is locked after repeated failures, for half an hour, and nothing tells", async () => {
  const email = "victim@example.test";
  const before = await ask(email);
  const right = readCode(system, email);
  await failUntilLocked(email);
  const { status, body } = await attempt(before, right);
  expect([status, body.code]).toEqual([401, "code_invalid"]);
  const mails = mailsTo(email);
  await ask(email);
  expect(mailsTo(email)).toBe(mails);
  const events = await system.operator.get("/v1/apps/demo/security-events?kind=address-locked");
  expect(events.body.data).toHaveLength(1);
  expect(events.body.data[0].subject).toMatch(/^address_/);
  expect(JSON.stringify(events.body)).not.toContain("victim");
  system.suite.kernel.clock.advance(LOCKOUT_MS + 1);
  const { id } = await system.signIn(email);
  expect(id).toBeDefined();
});

test("failures are recorded, and a success in between starts the count again", async () => {
  const email = "clumsy@example.test";
  for (let round = 0; round < 4; round += 1) {
    const challenge = await ask(email);
    const code = readCode(system, email);
    for (let tries = 0; tries < CODE_TRIES_MAX - 1; tries += 1) await attempt(challenge, otherThan(code));
    expect((await attempt(challenge, code)).status).toBe(201);
  }
  const { body } = await system.operator.get("/v1/apps/demo/security-events?kind=sign-in-failed&limit=5");
  expect(body.data).toHaveLength(5);
  expect(body.hasMore).toBe(true);
  const next = await system.operator.get(
    `/v1/apps/demo/security-events?kind=sign-in-failed&limit=5&cursor=${encodeURIComponent(body.next)}`,
  );
  const ids = [...body.data, ...next.body.data].map(({ id }: { id: string }) => id);
  expect(new Set(ids).size).toBe(10);
  const misused = await system.operator.get(
    `/v1/apps/demo/security-events?limit=5&cursor=${encodeURIComponent(body.next)}`,
  );
  expect(misused.status).toBe(400);
});

describe("a stranger", () => {
  const STRANGER = "203.0.113.7";
  /** An instance behind a proxy, so that requests can come from anywhere. */
  let instance: Instance;
  beforeAll(async () => {
    instance = await system.anotherInstance({ TRUSTED_PROXIES: "1" });
  });
  afterAll(() => instance[Symbol.asyncDispose]());
  const from = (ip: string): ApiClient => createApiClient(instance.url, { "x-forwarded-for": ip });

  async function guessUntilLocked(email: string, ip: string): Promise<void> {
    for (let failures = 0; failures < FAILURES_MAX; failures += CODE_TRIES_MAX) {
      const { body } = await from(ip).post(`${auth}/codes`, { email });
      await system.settle();
      const wrong = otherThan(readCode(system, email));
      for (let tries = 0; tries < CODE_TRIES_MAX; tries += 1)
        await from(ip).post(`${auth}/sessions`, { challenge: body.challenge, code: wrong });
    }
  }
  async function signInFrom(ip: string, email: string, deviceToken?: string): Promise<ApiReply> {
    const before = mailsTo(email);
    const { body } = await from(ip).post(`${auth}/codes`, { email, ...(deviceToken && { deviceToken }) });
    await system.settle();
    const code = mailsTo(email) > before ? readCode(system, email) : "000000";
    return from(ip).post(`${auth}/sessions`, { challenge: body.challenge, code });
  }

  test("who guesses ten times is locked out themselves, and not whose address it is", async () => {
    const email = "owner@example.test";
    await guessUntilLocked(email, STRANGER);
    expect((await signInFrom(STRANGER, email)).status).toBe(401);
    expect((await signInFrom("198.51.100.1", email)).status).toBe(201);
    expect((await signInFrom(STRANGER, "another@example.test")).status).toBe(201);
  });

  test("is one, wherever in their /64 they come from", async () => {
    const email = "six@example.test";
    await guessUntilLocked(email, "2001:db8:1:2::1");
    expect((await signInFrom("2001:db8:1:2:ffff::9", email)).status).toBe(401);
    expect((await signInFrom("2001:db8:1:3::1", email)).status).toBe(201);
  });

  test("in many places locks out everybody but the device that has signed in before", async () => {
    const email = "known@device.test";
    const first = await signInFrom("198.51.100.1", email);
    const { deviceToken } = first.body;
    for (let source = 0; source < SUBJECT_FAILURES_MAX / FAILURES_MAX; source += 1)
      await guessUntilLocked(email, `203.0.113.${20 + source}`);
    expect((await signInFrom("198.51.100.1", email)).status).toBe(401);
    const back = await signInFrom("203.0.113.20", email, deviceToken);
    expect(back.status).toBe(201);
    // What opened the way for the owner has not opened it for the others.
    expect((await signInFrom("198.51.100.2", email)).status).toBe(401);
    const events = await system.operator.get("/v1/apps/demo/security-events?kind=address-locked&limit=100");
    const whom = events.body.data.map((each: { details: { for: string } }) => each.details.for);
    expect(whom).toContain("strangers");
  });

  test("with the token of another device, address or app is a stranger", async () => {
    const email = "forged@device.test";
    const own = (await signInFrom("198.51.100.1", "thief@device.test")).body.deviceToken;
    const { id } = await system.createApp("Elsewhere");
    const there = (await system.signIn(email, id)).session.deviceToken as string;
    const mine = (await signInFrom("198.51.100.3", email)).body.deviceToken as string;
    await guessUntilLocked(email, STRANGER);
    for (const token of [own, there, `${mine.slice(0, -2)}AA`, "sbd_", "x"])
      expect((await signInFrom(STRANGER, email, token)).status).toBe(401);
    expect((await signInFrom(STRANGER, email, mine)).status).toBe(201);
  });

  test("a known device that guesses is locked out as anybody", async () => {
    const email = "guessing@device.test";
    const { deviceToken } = (await signInFrom("198.51.100.1", email)).body;
    for (let failures = 0; failures < FAILURES_MAX; failures += CODE_TRIES_MAX) {
      const { body } = await from("198.51.100.1").post(`${auth}/codes`, { email, deviceToken });
      await system.settle();
      const code = otherThan(readCode(system, email));
      for (let tries = 0; tries < CODE_TRIES_MAX; tries += 1)
        await from("198.51.100.1").post(`${auth}/sessions`, { challenge: body.challenge, code });
    }
    expect((await signInFrom("198.51.100.1", email, deviceToken)).status).toBe(401);
  });

  test("asks for codes until they may no more, and the owner still may", async () => {
    const { id } = await system.createApp("Limited");
    const path = `/v1/apps/${id}/auth/codes`;
    const askFrom = (ip: string) => from(ip).post(path, { email: "asked@example.test" });
    const replies = await Promise.all(Array.from({ length: 15 }, () => askFrom(STRANGER)));
    expect(replies.filter(({ status }) => status === 202)).toHaveLength(10);
    expect((await askFrom("198.51.100.1")).status).toBe(202);
    await system.settle();
  });

  test("has a share of a day's mails to an address and is not told; a known device has its own", async () => {
    const { id } = await system.createApp("Capped");
    await system.operator.patch(`/v1/apps/${id}`, {
      settings: { limits: { codesPerMinute: null, signInPerMinute: null } },
    });
    const email = "capped@example.test";
    const { deviceToken } = (await system.signIn(email, id)).session;
    const mailsAfter = async (ip: string, more: object = {}): Promise<number> => {
      const before = mailsTo(email);
      const { status } = await from(ip).post(`/v1/apps/${id}/auth/codes`, { email, ...more });
      expect(status).toBe(202);
      await system.settle();
      return mailsTo(email) - before;
    };
    let mails = 0;
    for (let source = 0; source < 3; source += 1)
      for (let count = 0; count < CODES_PER_DAY; count += 1) mails += await mailsAfter(`203.0.113.${source}`);
    expect(mails).toBe(CODES_PER_DAY);
    expect(await mailsAfter("198.51.100.1")).toBe(0);
    expect(await mailsAfter("203.0.113.1", { deviceToken })).toBe(1);
    system.suite.kernel.clock.advance(MAIL_DAY_MS + 1);
    expect(await mailsAfter("198.51.100.1")).toBe(1);
  });
});

test("mails whose codes were used do not count: nobody is held up by signing in often", async () => {
  const { id } = await system.createApp("Busy");
  await system.operator.patch(`/v1/apps/${id}`, {
    settings: { limits: { codesPerMinute: null, signInPerMinute: null, codesPerDay: 4 } },
  });
  for (let count = 0; count < 8; count += 1) {
    expect((await system.signIn("busy@example.test", id)).id).toBeDefined();
  }
});

/** Share of pairs in which the first takes longer: one half when the two are alike (Mann-Whitney). */
function superiority(left: readonly number[], right: readonly number[]): number {
  let wins = 0;
  for (const a of left) for (const b of right) wins += a > b ? 1 : a === b ? 0.5 : 0;
  return wins / (left.length * right.length);
}

test("a request for a code takes the same calls and as long for known, unknown and locked addresses", async () => {
  await system.signIn("known@example.test");
  await failUntilLocked("locked@example.test");
  const times = { known: [] as number[], unknown: [] as number[], locked: [] as number[] };
  const costs = [];
  for (const kind of ["known", "unknown", "locked"] as const) {
    costs.push(
      await system.meterRequest(() =>
        system.client().post(`${auth}/codes`, { email: `${kind}@example.test` }),
      ),
    );
  }
  expect(costs[1]).toEqual(costs[0]);
  expect(costs[2]).toEqual(costs[0]);
  for (let round = 0; round < 40; round += 1) {
    for (const kind of ["known", "unknown", "locked"] as const) {
      const email = kind === "unknown" ? `unknown-${round}@example.test` : `${kind}@example.test`;
      const startedMs = performance.now();
      await system.client().post(`${auth}/codes`, { email });
      times[kind].push(performance.now() - startedMs);
    }
  }
  await system.settle();
  for (const other of [times.unknown, times.locked]) {
    // 40 against 40: chance alone stays within 0.5 ± 0.25 by more than three standard deviations.
    expect(Math.abs(superiority(times.known, other) - 0.5)).toBeLessThan(0.25);
  }
});

test("tries are counted, also when the answers are lost and the guesses come at once", async () => {
  const email = "parallel@example.test";
  const challenge = await ask(email);
  const code = readCode(system, email);
  const guesses = Array.from({ length: 12 }, () => attempt(challenge, otherThan(code)));
  expect(new Set((await Promise.all(guesses)).map(({ status }) => status))).toEqual(new Set([401]));
  expect((await attempt(challenge, code)).status).toBe(401);
});
