import { expect, test } from "vitest";
import { openRateLimiter } from "../../../shared/identity/rate-limiter.ts";
import { upkeepId } from "../../../shared/platform/upkeep.ts";
import type { Person } from "../../../shared/testing/start-system.ts";
import { useSystem } from "../../../shared/testing/use-system.ts";

const system = useSystem({ instances: 1 });

/** Longer than any token counts. */
const MINUTE_AND_MORE_MS = 90_000;

async function personIn(app: string): Promise<Person> {
  return system.signIn(`ada@${app}.test`, app);
}

/** Refused by validation, so that only the limit is between the request and its answer. */
const poke = async (person: Person, app: string): Promise<number> =>
  (await person.api.get(`/v1/apps/${app}/chats?limit=0`)).status;

test("a hundred requests a minute are admitted and not one more, with the headers that say so", async () => {
  const { id } = await system.createApp("Hundred");
  const ada = await personIn(id);
  const first = await ada.api.get(`/v1/apps/${id}/me`);
  expect(first.headers.get("ratelimit-policy")).toBe('"person";q=100;w=60');
  expect(first.headers.get("ratelimit")).toMatch(/^"person";r=99;t=\d+$/);
  expect(first.headers.get("x-ratelimit-limit")).toBe("100");
  const answers = await Promise.all(Array.from({ length: 150 }, () => poke(ada, id)));
  expect(answers.filter((status) => status === 400)).toHaveLength(99);
  const refused = await ada.api.get(`/v1/apps/${id}/me`);
  expect([refused.status, refused.body.code, refused.body.violatedPolicies]).toEqual([
    429,
    "quota_exceeded",
    ["person"],
  ]);
  const retryAfter = Number(refused.headers.get("retry-after"));
  expect(retryAfter).toBeGreaterThanOrEqual(
    Number(/t=(\d+)/.exec(refused.headers.get("ratelimit") ?? "")?.[1]),
  );
  expect(refused.headers.get("ratelimit")).toContain(";r=0;");
  system.suite.kernel.clock.advance(retryAfter * 1000);
  expect(await poke(ada, id)).toBe(400);
});

test("the limit holds over instances that share nothing but Firestore", async () => {
  const { id } = await system.createApp("Shared");
  const ada = await personIn(id);
  await using second = await system.anotherInstance();
  await using third = await system.anotherInstance();
  const apis = [ada.api, second.as(ada), third.as(ada)];
  const answers = await Promise.all(
    Array.from(
      { length: 240 },
      async (_, index) => (await apis[index % 3]?.get(`/v1/apps/${id}/chats?limit=0`))?.status,
    ),
  );
  const admitted = answers.filter((status) => status === 400).length;
  expect(admitted).toBeLessThanOrEqual(100);
  expect(admitted).toBeGreaterThanOrEqual(90);
});

test("steady requests cost at most a fifth of a Firestore operation each, refused ones nothing", async () => {
  const { id } = await system.createApp("Steady");
  const ada = await personIn(id);
  await poke(ada, id);
  const { meter } = system.suite.kernel;
  const before = meter.read({ requestId: upkeepId(system.project) });
  for (let sent = 0; sent < 90; sent += 1) expect(await poke(ada, id)).toBe(400);
  const after = meter.read({ requestId: upkeepId(system.project) });
  const operations = after.billed.reads + after.billed.writes - before.billed.reads - before.billed.writes;
  // The list of revocations may have been confirmed once meanwhile.
  expect(operations).toBeLessThanOrEqual(0.2 * 90 + 1);
  await Promise.all(Array.from({ length: 20 }, () => poke(ada, id)));
  const spent = meter.read({ requestId: upkeepId(system.project) });
  for (let sent = 0; sent < 100; sent += 1) expect(await poke(ada, id)).toBe(429);
  const end = meter.read({ requestId: upkeepId(system.project) });
  expect(end.billed.writes).toBe(spent.billed.writes);
});

test("limits can be set for each app and role", async () => {
  const { id } = await system.createApp("Small");
  const ada = await personIn(id);
  const limits = { personPerMinute: 50, roles: { member: 3 } };
  const patched = await system.operator.patch(`/v1/apps/${id}`, { settings: { limits } });
  expect(patched.body.settings.limits).toMatchObject({
    personPerMinute: 50,
    roles: { member: 3 },
    ipPerMinute: 300,
  });
  const answers = [];
  for (let sent = 0; sent < 5; sent += 1) answers.push(await poke(ada, id));
  expect(answers).toEqual([400, 400, 400, 429, 429]);
});

test("only the operator lifts a limit altogether", async () => {
  const { id } = await system.createApp("Lifted");
  const ada = await personIn(id);
  await system.operator.patch(`/v1/apps/${id}/users/${ada.id}`, { role: "admin" });
  const api = await refreshed(ada, id);
  const change = { settings: { limits: { personPerMinute: null } } };
  expect((await api.patch(`/v1/apps/${id}`, change)).status).toBe(403);
  expect((await system.operator.patch(`/v1/apps/${id}`, change)).status).toBe(200);
});

async function refreshed(person: Person, app: string) {
  const { body } = await system
    .client()
    .post(`/v1/apps/${app}/auth/refresh`, { refreshToken: person.session.refreshToken });
  return system.client({ authorization: `Bearer ${body.accessToken}` });
}

test("refused credentials count against the address they come from, whatever X-Forwarded-For says", async () => {
  const { id } = await system.createApp("Guessed");
  await system.operator.patch(`/v1/apps/${id}`, { settings: { limits: { ipPerMinute: 5 } } });
  const answers = [];
  for (let sent = 0; sent < 8; sent += 1) {
    const client = system.client({ authorization: "Bearer a.b.c", "x-forwarded-for": `203.0.113.${sent}` });
    answers.push((await client.get(`/v1/apps/${id}/me`)).status);
  }
  expect(answers).toEqual([401, 401, 401, 401, 401, 429, 429, 429]);
});

test("codes are limited by address, sign-ins by the caller's", async () => {
  const { id } = await system.createApp("Mails");
  const limits = { codesPerMinute: 2, signInPerMinute: 6 };
  await system.operator.patch(`/v1/apps/${id}`, { settings: { limits } });
  const ask = async (email: string) => system.client().post(`/v1/apps/${id}/auth/codes`, { email });
  const same = [await ask("a@example.test"), await ask("A@example.test"), await ask("a@example.test")];
  expect(same.map(({ status }) => status)).toEqual([202, 202, 429]);
  expect(same[2]?.body.violatedPolicies).toEqual(["address"]);
  const others = [await ask("b@example.test"), await ask("c@example.test"), await ask("d@example.test")];
  expect(others.map(({ status }) => status)).toEqual([202, 202, 202]);
  const last = await ask("e@example.test");
  expect([last.status, last.body.violatedPolicies]).toEqual([429, ["sign-in"]]);
  system.suite.kernel.clock.advance(MINUTE_AND_MORE_MS);
  expect((await ask("a@example.test")).status).toBe(202);
});

test("API tokens have a limit of their own", async () => {
  const { id, token } = await system.createApp("Servers");
  await system.operator.patch(`/v1/apps/${id}`, { settings: { limits: { tokenPerMinute: 2 } } });
  const server = system.client({ authorization: `Bearer ${token}` });
  const answers = [];
  for (let sent = 0; sent < 3; sent += 1) answers.push(await server.get(`/v1/apps/${id}`));
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 429]);
  expect(answers[2]?.body.violatedPolicies).toEqual(["token"]);
});

test("instances whose clocks are an hour off, or jump, admit no more than others", async () => {
  const ref = system.deps.firestore.doc("apps/demo/limits/skewed");
  let jumpMs = 0;
  const clocks = [0, 3_600_000, -3_600_000].map((offMs) => ({
    now: () => system.suite.kernel.clock.now() + offMs + jumpMs,
  }));
  const limiters = clocks.map((clock) => openRateLimiter({ clock, upkeep: system.deps.upkeep }));
  let admitted = 0;
  for (let round = 0; round < 60; round += 1) {
    const verdicts = await Promise.all(limiters.map((limiter) => limiter.take(ref, 100)));
    admitted += verdicts.filter(({ isAdmitted }) => isAdmitted).length;
    if (round % 10 === 9) jumpMs += round % 20 === 9 ? 3_600_000 : -7_200_000;
  }
  expect(admitted).toBeLessThanOrEqual(100);
  expect(admitted).toBeGreaterThanOrEqual(90);
});
