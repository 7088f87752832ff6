import { describe, expect, test } from "vitest";
import { LAST_SEEN_MS } from "../../../shared/identity/last-seen.ts";
import { PRESENCE_USERS_MAX } from "../../../shared/live/contract.ts";
import { WATCHED_CHATS_MAX } from "../../../shared/live/person-feed.ts";
import { ONLINE_MS, RENEW_MS, WATCHED_MAX, WATCHED_PEOPLE_MAX } from "../../../shared/live/presence.ts";
import { EventStream, type SseEvent } from "../../../shared/testing/event-stream.ts";
import type { Person } from "../../../shared/testing/start-system.ts";
import {
  startChat,
  stayAtOneInstance,
  useInstance,
  usePeople,
  useRole,
  useSystem,
} from "../../../shared/testing/use-system.ts";
import { upkeepId } from "../../../shared/platform/upkeep.ts";

/** Who is online, when lists and chats are opened, and when people were seen last. */

const system = useSystem();
const elsewhere = useInstance(system);
const [ada, bob, carol, dan] = usePeople(
  system,
  "ada@presence.test",
  "bob@presence.test",
  "carol@presence.test",
  "dan@presence.test",
);
const admin = useRole(system, "admin");

const app = "/v1/apps/demo";
const open = (person: Person, base = system.url): Promise<EventStream> =>
  EventStream.open(`${base}${app}/events`, person);
const presenceOf = async ({ api }: Pick<Person, "api">, ...people: Person[]) =>
  api.get(`${app}/presence?users=${people.map(({ id }) => id).join(",")}`);
const isOnline = (person: Person) => (events: readonly SseEvent[]) =>
  events.some(({ event, data }) => event === "presence" && data.user === person.id && data.online);
const onlineIn = ({ events }: EventStream): string[] =>
  events.filter(({ event, data }) => event === "presence" && data.online).map(({ data }) => data.user);
const knownToBeOnline = (person: Person) =>
  expect
    .poll(async () => (await presenceOf({ api: system.operator }, person)).body.data[0].online, {
      interval: 5,
    })
    .toBe(true);

describe("a person's stream", () => {
  test("tells at its opening who is online in their direct chats and groups, and of nobody else", async () => {
    await startChat(ada.api, { kind: "direct", members: [bob] });
    await startChat(ada.api, { members: [carol] });
    await using streams = new AsyncDisposableStack();
    for (const person of [bob, carol, dan]) streams.use(await open(person, elsewhere.url));
    for (const person of [bob, carol, dan]) await knownToBeOnline(person);
    await using first = await open(ada);
    await first.until(isOnline(bob));
    await first.until(isOnline(carol));
    await using second = await open(ada);
    await second.until(isOnline(carol));
    expect(onlineIn(first).sort()).toEqual([bob.id, carol.id].sort());
    expect(onlineIn(second).sort()).toEqual([bob.id, carol.id].sort());
  });

  test("tells nobody of those one has blocked", async () => {
    const [eve, fay] = [await system.signIn("eve@presence.test"), await system.signIn("fay@presence.test")];
    await startChat(ada.api, { members: [eve, fay] });
    await eve.api.put(`${app}/me/blocks/${fay.id}`);
    await using streams = new AsyncDisposableStack();
    for (const person of [fay, ada]) streams.use(await open(person, elsewhere.url));
    for (const person of [fay, ada]) await knownToBeOnline(person);
    await using stream = await open(eve);
    await stream.until(isOnline(ada));
    expect(onlineIn(stream)).toEqual([ada.id]);
    expect((await presenceOf(fay, eve)).body.data).toEqual([
      { user: eve.id, online: false, lastSeenAt: null },
    ]);
  });

  test("costs at its opening a bounded number of reads, however many chats and people there are", async () => {
    const gil = await system.signIn("gil@presence.test");
    const people = Array.from({ length: 40 }, (_, index) => `p${index}`);
    const users = system.deps.firestore.collection("apps/demo/users");
    const template = (await users.doc(ada.id).get()).data() ?? {};
    await Promise.all(people.map((id) => users.doc(id).set({ ...template, email: `${id}@presence.test` })));
    const others = people.map((id) => ({ id }));
    await startChat(gil.api, { members: others });
    for (let index = 0; index < WATCHED_CHATS_MAX + 3; index += 1) {
      await startChat(gil.api, { members: others.slice(index, index + WATCHED_MAX - 1) });
    }
    await system.settle();
    const upkeep = () => system.suite.kernel.meter.read({ requestId: upkeepId(system.project) }).billed.reads;
    const known = await open(ada, elsewhere.url);
    await known[Symbol.asyncDispose]();
    const before = upkeep();
    await using stream = await open(gil);
    await stream.reached;
    const least = WATCHED_CHATS_MAX + people.length;
    await expect.poll(() => upkeep() - before, { interval: 5 }).toBeGreaterThanOrEqual(least);
    // The chats are also those that changed of late, which the listener begins with.
    expect(upkeep() - before).toBeLessThanOrEqual(2 * (WATCHED_CHATS_MAX + 5) + WATCHED_PEOPLE_MAX + 10);
  });
});

describe("GET /presence", () => {
  test("says who is online, and when everybody was seen last", async () => {
    // Nobody is online any more who was in the test before.
    system.suite.kernel.clock.advance(ONLINE_MS + 1);
    await using stream = await open(bob);
    await stream.reached;
    await knownToBeOnline(bob);
    const { status, body } = await presenceOf(ada, bob, dan);
    expect(status).toBe(200);
    expect(body).toMatchObject({ hasMore: false, next: null, prev: null });
    expect(body.data).toEqual([
      { user: bob.id, online: true, lastSeenAt: expect.any(String) },
      { user: dan.id, online: false, lastSeenAt: expect.any(String) },
    ]);
    await stream[Symbol.asyncDispose]();
    system.suite.kernel.clock.advance(ONLINE_MS + 1);
    expect((await presenceOf(ada, bob)).body.data[0]).toMatchObject({ user: bob.id, online: false });
  });

  test("goes on saying so for as long as a stream is open", async () => {
    await using stream = await open(bob);
    await stream.reached;
    await knownToBeOnline(bob);
    for (let at = 0; at < 2; at += 1) {
      system.suite.kernel.clock.advance(RENEW_MS + 1);
      const isRenewed = async (): Promise<number> => {
        const stored = await system.deps.firestore.doc(`apps/demo/presence/${bob.id}`).get();
        return stored.get("onlineUntil").toMillis() - system.suite.kernel.clock.now();
      };
      await expect.poll(isRenewed, { timeout: 10_000 }).toBeGreaterThan(ONLINE_MS - RENEW_MS);
    }
    expect((await presenceOf(ada, bob)).body.data[0]).toMatchObject({ user: bob.id, online: true });
  });

  test("shows whom the directory shows, and nobody who was removed", async () => {
    const hal = await system.signIn("hal@presence.test");
    await startChat(hal.api, { kind: "direct", members: [bob] });
    await system.operator.patch(app, { settings: { directory: "shared-chats" } });
    const shown = async (person: Person) =>
      (await presenceOf(person, bob, dan)).body.data.map(({ user }: { user: string }) => user);
    expect(await shown(hal)).toEqual([bob.id]);
    expect(await shown(admin)).toEqual([bob.id, dan.id]);
    await system.operator.patch(app, { settings: { directory: "everyone" } });
    expect((await presenceOf(ada, hal)).body.data).toHaveLength(1);
    await system.operator.delete(`${app}/users/${hal.id}`);
    expect((await presenceOf(ada, hal)).body.data).toEqual([]);
  });

  test("knows nobody of another app", async () => {
    const other = await system.createApp("Elsewhere");
    const stranger = await system.signIn("stranger@presence.test", other.id);
    expect((await presenceOf(ada, stranger)).body.data).toEqual([]);
    expect((await stranger.api.get(`${app}/presence?users=${ada.id}`)).status).toBe(401);
  });

  test("takes up to 100 ids, each at three reads, and nothing else", async () => {
    const ids = Array.from({ length: PRESENCE_USERS_MAX }, (_, index) => `u${index}`);
    const cost = await system.meterRequest(async () => {
      expect((await ada.api.get(`${app}/presence?users=${ids.join(",")}`)).status).toBe(200);
    });
    expect(cost.billed).toEqual({ reads: 3 * PRESENCE_USERS_MAX, writes: 0, deletes: 0 });
    for (const users of ["", "a,,b", "../a", [...ids, "one-more"].join(",")]) {
      expect((await ada.api.get(`${app}/presence?users=${users}`)).status).toBe(400);
    }
    expect((await ada.api.get(`${app}/presence`)).status).toBe(400);
  });
});

describe("lastSeenAt", () => {
  const seenAt = async (person: Person): Promise<number> =>
    Date.parse((await system.operator.get(`${app}/users/${person.id}`)).body.lastSeenAt);

  test("moves with streams, by one write in ten minutes", async () => {
    stayAtOneInstance(system);
    const ivy = await system.signIn("ivy@presence.test");
    const signedIn = await seenAt(ivy);
    system.suite.kernel.clock.advance(RENEW_MS * 2);
    const streams = [await open(ivy)];
    await knownToBeOnline(ivy);
    await expect.poll(() => seenAt(ivy), { interval: 5 }).toBeGreaterThan(signedIn);
    const first = await seenAt(ivy);
    system.suite.kernel.clock.advance(ONLINE_MS + 1);
    streams.push(await open(ivy));
    await knownToBeOnline(ivy);
    expect(await seenAt(ivy)).toBe(first);
    system.suite.kernel.clock.advance(LAST_SEEN_MS);
    const { body } = await system
      .client()
      .post(`${app}/auth/refresh`, { refreshToken: ivy.session.refreshToken });
    const later = { ...ivy, session: body };
    streams.push(await open(later));
    await expect.poll(() => seenAt(ivy), { interval: 5 }).toBeGreaterThan(first + LAST_SEEN_MS);
    for (const stream of streams) await stream[Symbol.asyncDispose]();
  });

  test("moves at a refresh, by one write in ten minutes", async () => {
    const jan = await system.signIn("jan@presence.test");
    const signedIn = await seenAt(jan);
    let token = jan.session.refreshToken;
    const refresh = () =>
      system.meterRequest(async () => {
        const reply = await system.client().post(`${app}/auth/refresh`, { refreshToken: token });
        expect(reply.status).toBe(200);
        token = reply.body.refreshToken;
      });
    expect((await refresh()).billed.writes).toBe(1);
    expect(await seenAt(jan)).toBe(signedIn);
    system.suite.kernel.clock.advance(LAST_SEEN_MS);
    expect((await refresh()).billed.writes).toBe(2);
    expect(await seenAt(jan)).toBeGreaterThanOrEqual(signedIn + LAST_SEEN_MS);
  });
});
