import { expect, test } from "vitest";
import { LIST_QUERIES_MAX } from "../../../shared/chat/read/list-heads.ts";
import { openRateLimiter } from "../../../shared/identity/rate-limiter.ts";
import type { Person } from "../../../shared/testing/start-system.ts";
import { useSystem } from "../../../shared/testing/use-system.ts";
import { writeHistory } from "../../../shared/testing/write-history.ts";
import { OPERATIONS_FREE, OPERATIONS_OF_ONE, weightOf } from "../../runtime/operations.ts";

/** What costs more counts for more, and what could cost anything is cut into pages. */
const system = useSystem({ instances: 1 });

async function appWith(limits: object): Promise<{ app: string; ada: Person }> {
  const { id } = await system.createApp("Weighed");
  await system.operator.patch(`/v1/apps/${id}`, { settings: { limits } });
  return { app: `/v1/apps/${id}`, ada: await system.signIn("ada@weights.test", id) };
}
const remaining = (reply: { headers: Headers }): number =>
  Number(/r=(\d+)/.exec(reply.headers.get("ratelimit") ?? "")?.[1]);

test("a request weighs one up to ten operations, and one more for each fifty beyond", () => {
  expect([0, OPERATIONS_FREE, OPERATIONS_FREE + 1].map(weightOf)).toEqual([1, 1, 2]);
  expect(weightOf(OPERATIONS_FREE + OPERATIONS_OF_ONE)).toBe(2);
  expect(weightOf(1_008)).toBe(21);
});

test("a larger page takes more of the limit than a small one", async () => {
  const { app, ada } = await appWith({});
  const before = remaining(await ada.api.get(`${app}/chats?limit=1`));
  const small = remaining(await ada.api.get(`${app}/chats?limit=1`));
  const large = remaining(await ada.api.get(`${app}/chats?limit=100`));
  expect([before - small, small - large]).toEqual([1, weightOf(105)]);
});

test("a fork takes of the limit what it copies, and is refused before it copies when that is too much", async () => {
  const { app, ada } = await appWith({ personPerMinute: null });
  const { body } = await ada.api.post(`${app}/chats`, { kind: "group" });
  const chat = `${app}/chats/${body.number}`;
  await writeHistory(ada.api, chat, 500);
  await system.operator.patch(app, { settings: { limits: { personPerMinute: 30 } } });
  const forked = await ada.api.post(`${chat}/forks`, { at: 500 });
  expect(forked.status).toBe(201);
  expect(remaining(forked)).toBeLessThan(30 - 20);
  const cost = await system.meterRequest(async () => {
    expect((await ada.api.post(`${chat}/forks`, { at: 500 })).status).toBe(429);
  });
  expect(cost.billed.reads).toBeLessThanOrEqual(3);
  // What is light is still let through.
  expect((await ada.api.get(chat)).status).toBe(200);
});

test("who looks up five hundred people, or a large group's read marks, spends for each", async () => {
  const { app, ada } = await appWith({ personPerMinute: 20 });
  const members = Array.from({ length: 500 }, (_, at) => `nobody-${at}`);
  const before = remaining(await ada.api.get(`${app}/me`));
  const refused = await ada.api.post(`${app}/chats`, { kind: "group", members });
  expect(refused.status).toBe(400);
  expect(before - remaining(refused)).toBeGreaterThanOrEqual(weightOf(500));
});

test("the people of an app together have a limit beside their own", async () => {
  const { app, ada } = await appWith({ appPerMinute: 10 });
  const bob = await system.signIn("bob@weights.test", app.split("/").at(-1));
  const statuses = [];
  for (let at = 0; at < 8; at += 1) {
    for (const { api } of [ada, bob]) statuses.push(await api.get(`${app}/me`));
  }
  const refused = statuses.filter(({ status }) => status === 429);
  expect(statuses.filter(({ status }) => status === 200)).toHaveLength(10);
  expect(refused[0]?.body.violatedPolicies).toEqual(["app"]);
  expect(Number(refused[0]?.headers.get("retry-after"))).toBeGreaterThan(0);
});

test("a heavy request is admitted with all of its tokens or none, and light ones pass it", async () => {
  const limiter = openRateLimiter(system.deps);
  const ref = system.deps.firestore.doc("apps/demo/limits/heavy");
  expect((await limiter.take(ref, 20, 15)).isAdmitted).toBe(true);
  const [heavy, light] = await Promise.all([limiter.take(ref, 20, 10), limiter.take(ref, 20, 1)]);
  expect([heavy.isAdmitted, light.isAdmitted]).toEqual([false, true]);
  expect((await limiter.take(ref, 20, 10)).isAdmitted).toBe(false);
  const lights = await Promise.all(Array.from({ length: 10 }, () => limiter.take(ref, 20)));
  expect(lights.filter(({ isAdmitted }) => isAdmitted)).toHaveLength(4);
  // Heavier than the limit is as heavy as the limit.
  const other = system.deps.firestore.doc("apps/demo/limits/heaviest");
  expect((await limiter.take(other, 20, 400)).isAdmitted).toBe(true);
});

test("sixty large tagged groups that do not fit cost a few pages, and the way on is told", async () => {
  const { app, ada } = await appWith({ personPerMinute: null, tokenPerMinute: null });
  const refs = await Promise.all(
    Array.from({ length: 60 }, () => ada.api.post(`${app}/chats`, { kind: "group", tags: ["other"] })),
  );
  const chats = system.deps.firestore.collection(`${app.slice(4)}/chats`);
  const found = await chats.get();
  expect(found.size).toBe(refs.length);
  // As if they had more members than are kept with each tag.
  await Promise.all(found.docs.map(({ ref }) => ref.update({ isLarge: true })));
  let path: string | null = `${app}/chats?tag=wanted&limit=5`;
  let pages = 0;
  while (path !== null) {
    let next: string | null = null;
    const cost = await system.meterRequest(async () => {
      const { status, body } = await ada.api.get(path ?? "");
      expect([status, body.data]).toEqual([200, []]);
      next = body.next;
      expect(body.hasMore).toBe(next !== null);
    });
    expect(cost.billed.reads).toBeLessThanOrEqual(LIST_QUERIES_MAX * 6 + 1);
    path = next === null ? null : `${app}/chats?tag=wanted&limit=5&cursor=${encodeURIComponent(next)}`;
    pages += 1;
  }
  expect(pages).toBe(Math.floor(60 / (LIST_QUERIES_MAX * 6)) + 1);
});

test("edits come in pages, oldest first, each once", async () => {
  const { app, ada } = await appWith({ personPerMinute: null });
  const { body } = await ada.api.post(`${app}/chats`, { kind: "group" });
  const message = `${app}/chats/${body.number}/messages/1`;
  await ada.api.post(`${app}/chats/${body.number}/messages`, { text: "0" });
  for (let at = 1; at <= 45; at += 1) await ada.api.patch(message, { text: String(at) });
  const texts: string[] = [];
  for (let query = ""; ;) {
    const { body: page } = await ada.api.get(`${message}/edits${query}`);
    expect(page.data.length).toBeLessThanOrEqual(20);
    texts.push(...page.data.map(({ text }: { text: string }) => text));
    if (page.next === null) break;
    query = `?cursor=${encodeURIComponent(page.next)}`;
  }
  expect(texts).toEqual(Array.from({ length: 46 }, (_, at) => String(at)));
  expect((await ada.api.get(`${message}/edits?limit=21`)).status).toBe(400);
  expect((await ada.api.get(`${message}/edits?cursor=x`)).status).toBe(400);
});

test("deleting a message takes of the limit what its edits weigh, before they are read", async () => {
  const { app, ada } = await appWith({ personPerMinute: 30 });
  const { body } = await ada.api.post(`${app}/chats`, { kind: "group" });
  const chat = `${app}/chats/${body.number}`;
  await ada.api.post(`${chat}/messages`, { text: "0" });
  await ada.api.patch(`${chat}/messages/1`, { text: "1" });
  const messages = system.deps.firestore.collection(`${chat.slice(4)}/messages`);
  await (await messages.get()).docs[0]?.ref.update({ edits: 200 });
  const before = remaining(await ada.api.get(chat));
  const deleted = await ada.api.delete(`${chat}/messages/1`);
  expect([deleted.status, before - remaining(deleted)]).toEqual([204, weightOf(400)]);
});

const CHATS = 4;
const MISSED = 25;

test("a page of notifications reads as many messages as it shows, however many were missed", async () => {
  const { app, ada } = await appWith({ personPerMinute: null, tokenPerMinute: null });
  const bob = await system.signIn("bob-missed@weights.test", app.split("/").at(-1));
  const numbers: number[] = [];
  for (let at = 0; at < CHATS; at += 1) {
    const { body } = await ada.api.post(`${app}/chats`, { kind: "group", members: [bob.id] });
    numbers.push(body.number);
    await writeHistory(ada.api, `${app}/chats/${body.number}`, MISSED);
  }
  await system.settle();
  system.suite.kernel.clock.advance(60_000);
  await system.settle();
  const documents = await system.deps.firestore.collection(`${app.slice(4)}/notifications`).get();
  const seen: string[] = [];
  for (let query = "?limit=20"; ;) {
    let next: string | null = null;
    const cost = await system.meterRequest(async () => {
      const { body } = await bob.api.get(`${app}/notifications${query}`);
      seen.push(...body.data.map(({ id }: { id: string }) => id));
      next = body.next;
    });
    // The marks, each document and its chat at most once in each of three rounds, and the messages.
    expect(cost.billed.reads).toBeLessThanOrEqual(21 + 3 * (1 + 2 * documents.size));
    if (next === null) break;
    query = `?limit=20&cursor=${encodeURIComponent(next)}`;
  }
  expect(seen).toHaveLength(CHATS * MISSED);
  expect(new Set(seen).size).toBe(CHATS * MISSED);
  // Most of them are gone: pages get short, and are bounded too.
  const [first] = numbers;
  for (let number = 5; number <= MISSED; number += 1) {
    await ada.api.delete(`${app}/chats/${first}/messages/${number}`);
  }
  const left: string[] = [];
  for (let query = "?limit=100"; ;) {
    const { body } = await bob.api.get(`${app}/notifications${query}`);
    left.push(...body.data.map(({ id }: { id: string }) => id));
    if (body.next === null) break;
    query = `?limit=100&cursor=${encodeURIComponent(body.next)}`;
  }
  expect(new Set(left).size).toBe((CHATS - 1) * MISSED + 4);
});
