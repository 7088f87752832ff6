import { afterAll, beforeAll, expect, test } from "vitest";
import { FAILURES_MAX, LOCKOUT_MS } from "../../../shared/identity/lockout.ts";
import { CODE_TRIES_MAX } from "../../../shared/identity/sign-in-code.ts";
import { readCode, type System, startSystem } from "../../../shared/testing/start-system.ts";

const auth = "/v1/apps/demo/auth";

let system: System;
beforeAll(async () => {
  system = await startSystem();
});
afterAll(() => system[Symbol.asyncDispose]());

async function ask(email: string): Promise<string> {
  const { status, body } = await system.client().post(`${auth}/codes`, { email });
  expect(status).toBe(202);
  await system.settle();
  return body.challenge;
}
const mailsTo = (email: string): number => system.suite.mail.list({ to: email }).length;
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
