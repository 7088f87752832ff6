import { beforeAll, describe, expect, test } from "vitest";
import { CLOCKS_APART_MS, CROWD_FOLLOWED_MS, CROWD_LISTED_MS } from "../../../shared/chat/log/crowd-times.ts";
import { CROWD_MEMBERS } from "../../../shared/chat/log/facets.ts";
import type { ChatHead } from "../../../shared/chat/log/head.ts";
import { headOf } from "../../../shared/chat/store.ts";
import { GRACE_MS } from "../../../shared/chat/upkeep/sweep-changes.ts";
import type { Job } from "../../../shared/jobs/contract.ts";
import { FieldValue, Timestamp } from "../../../shared/platform/firestore-values.ts";
import type { ApiClient } from "../../../shared/testing/api-client.ts";
import { EventStream } from "../../../shared/testing/event-stream.ts";
import { entriesMoved, indexEntries } from "../../../shared/testing/index-entries.ts";
import type { Person } from "../../../shared/testing/start-system.ts";
import { startChat, type TestChat, useSystem } from "../../../shared/testing/use-system.ts";

/** Where crowds stand in lists, and how they are followed, though no message moves what says so. */
const system = useSystem();
const others = Array.from({ length: CROWD_MEMBERS - 1 }, (_, index) => ({ id: `crowd-${index}` }));

/** Each test moves the clock, and so outlives the tokens of those before. */
const ada = (): Promise<Person> => system.signIn("ada@crowds.test");
const bob = (): Promise<Person> => system.signIn("bob@crowds.test");

beforeAll(async () => {
  const { firestore } = system.deps;
  const stored = (await firestore.doc(`apps/demo/users/${(await bob()).id}`).get()).data() ?? {};
  const batch = firestore.batch();
  for (const { id } of others) batch.set(firestore.doc(`apps/demo/users/${id}`), { ...stored, id });
  await batch.commit();
});

const newCrowd = async (): Promise<TestChat> =>
  startChat((await ada()).api, { members: [await bob(), ...others], texts: ["First"] });
const storedHead = async ({ number }: TestChat): Promise<ChatHead> => {
  const head = headOf(await system.deps.firestore.doc(`apps/demo/chats/${number}`).get());
  if (head === undefined) throw new Error("There is no such chat.");
  return head;
};
const headEntries = async (chat: TestChat): Promise<Set<string>> =>
  indexEntries("chats", { ...(await storedHead(chat)) });
const say = async (chat: TestChat, text: string): Promise<void> => {
  expect((await (await ada()).api.post(`${chat.path}/messages`, { text })).status).toBe(201);
};
const listed = async (api: ApiClient, query = ""): Promise<number[]> =>
  (await api.get(`/v1/apps/demo/chats${query}`)).body.data.map(({ number }: { number: number }) => number);
const pass = (ms: number): void => system.suite.kernel.clock.advance(ms);
const streamOf = async (lastId?: string): Promise<EventStream> =>
  EventStream.open(
    `${system.url}/v1/apps/demo/events`,
    await bob(),
    lastId === undefined ? {} : { "last-event-id": lastId },
  );
const hears = (stream: EventStream, text: string): Promise<unknown> =>
  stream.until((all) => all.some(({ data }) => data.message?.text === text));

describe("in lists", () => {
  test("a crowd is first after a message as soon as the background has placed it", async () => {
    const crowd = await newCrowd();
    const { api } = await bob();
    pass(CROWD_LISTED_MS);
    const newer = await startChat(api, { texts: ["Newer"] });
    await system.settle();
    expect((await listed(api))[0]).toBe(newer.number);
    pass(1_000);
    await say(crowd, "Newest");
    await system.settle();
    expect((await listed(api, "?limit=1"))[0]).toBe(crowd.number);
    const head = await storedHead(crowd);
    expect(head.updatedAt).toEqual(head.latestAt);
  });

  test("a message within a minute moves nothing of the members, and is in order on its page", async () => {
    const crowd = await newCrowd();
    await system.settle();
    pass(CROWD_LISTED_MS);
    await say(crowd, "Placed");
    await system.settle();
    const { api } = await bob();
    pass(1_000);
    const newer = await startChat(api, { texts: ["Newer"] });
    pass(1_000);
    const before = await headEntries(crowd);
    await say(crowd, "Within a minute");
    await system.settle();
    expect(entriesMoved(before, await headEntries(crowd))).toBeLessThanOrEqual(6);
    expect((await listed(api)).slice(0, 2)).toEqual([crowd.number, newer.number]);
    // On pages of one it stands where it was placed: each chat is found once.
    const first = (await api.get("/v1/apps/demo/chats?limit=1")).body;
    expect(first.data[0].number).toBe(newer.number);
    expect((await listed(api, `?limit=1&cursor=${first.next}`))[0]).toBe(crowd.number);
    const { body } = await api.get(crowd.path);
    const message = (await api.get(`${crowd.path}/messages/${body.messagesCount}`)).body;
    expect(body.latestAt).toBe(message.createdAt);
  });

  test("pages of archived ones repeat none and leave none out", async () => {
    const { api } = await bob();
    const crowds = [await newCrowd(), await newCrowd(), await newCrowd()];
    for (const crowd of crowds) {
      pass(1_000);
      await say(crowd, "Before it is archived");
      expect((await api.patch(crowd.path, { archived: true })).status).toBe(200);
    }
    pass(CROWD_LISTED_MS);
    await system.settle();
    const seen: number[] = [];
    for (let cursor: string | null = ""; cursor !== null;) {
      const at = cursor === "" ? "" : `&cursor=${cursor}`;
      const { body } = await (await bob()).api.get(`/v1/apps/demo/chats?archived=true&limit=1${at}`);
      seen.push(...body.data.map(({ number }: { number: number }) => number));
      cursor = body.next;
    }
    expect(seen).toEqual(crowds.map(({ number }) => number).reverse());
  });

  test("a group that grows into a crowd, and shrinks again, stands where its last message says", async () => {
    const chat = await startChat((await ada()).api, {
      members: [await bob(), ...others.slice(1)],
      texts: ["Small"],
    });
    expect((await storedHead(chat)).latestAt).toBeUndefined();
    await (await ada()).api.put(`${chat.path}/members/crowd-0`);
    const grown = await storedHead(chat);
    expect(grown.latestAt).toEqual(grown.updatedAt);
    expect(grown.changedAt?.toMillis()).toBeGreaterThan(system.suite.kernel.clock.now() + CLOCKS_APART_MS);
    pass(1_000);
    await say(chat, "Large");
    const latest = (await storedHead(chat)).latestAt;
    await (await ada()).api.delete(`${chat.path}/members/crowd-0`);
    const shrunk = await storedHead(chat);
    expect(shrunk.latestAt).toBeNull();
    expect(shrunk.updatedAt.toMillis()).toBeGreaterThanOrEqual(latest?.toMillis() ?? Infinity);
    expect(shrunk.changedAt?.toMillis()).toBeLessThanOrEqual(system.suite.kernel.clock.now());
    await system.settle();
    expect((await listed((await bob()).api))[0]).toBe(chat.number);
  });
});

describe("streams", () => {
  test("tell of a crowd at once, also after a silence of days", { timeout: 30_000 }, async () => {
    const crowd = await newCrowd();
    await system.settle();
    for (const silence of [1_000, CROWD_FOLLOWED_MS / 2 + 1, CROWD_FOLLOWED_MS + 1, 5 * CROWD_FOLLOWED_MS]) {
      pass(silence);
      await using stream = await streamOf();
      await stream.reached;
      await say(crowd, `After ${silence} ms`);
      await hears(stream, `After ${silence} ms`);
      expect(stream.events.filter(({ event }) => event === "message.created")).toHaveLength(1);
      await system.settle();
    }
  });

  test("resume after what they have told, and repeat nothing of crowds that have not changed", async () => {
    const crowd = await newCrowd();
    const still = await newCrowd();
    await say(still, "Nothing after this");
    await system.settle();
    pass(60_000);
    const stream = await streamOf();
    await stream.reached;
    await say(crowd, "Told");
    await hears(stream, "Told");
    const { lastEventId } = stream;
    await stream[Symbol.asyncDispose]();
    await say(crowd, "Missed");
    await using resumed = await streamOf(lastEventId);
    await hears(resumed, "Missed");
    const told = resumed.events.filter(({ event }) => event.startsWith("message."));
    expect(told.map(({ data }) => data.message.text)).toEqual(["Missed"]);
  });

  test("a position ahead of time is gone back behind", async () => {
    const crowd = await newCrowd();
    await say(crowd, "Before");
    await system.settle();
    const ahead = system.suite.kernel.clock.now() + CROWD_FOLLOWED_MS;
    await using resumed = await streamOf(String(ahead));
    await hears(resumed, "Before");
    expect(resumed.events.filter(({ data }) => data.message?.text === "Before")).toHaveLength(1);
  });
});

test("a change of a crowd whose event was lost is found by the reconciler", async () => {
  const crowd = await newCrowd();
  await system.settle();
  await system.runSchedule("reconcile");
  system.fault({ service: "pubsub", method: "Publish", kind: "before", code: "PERMISSION_DENIED", count: 1 });
  await say(crowd, "Unheard");
  system.clearFaults();
  const { revision } = await storedHead(crowd);
  const progress = system.deps.firestore.doc(`apps/demo/chats/${crowd.number}/progress/changes`);
  expect((await progress.get()).get("revision")).toBeLessThan(revision);
  pass(GRACE_MS + 1_000);
  await system.runSchedule("reconcile");
  await system.settle();
  expect((await progress.get()).get("revision")).toBe(revision);
});

test("an older crowd keeps its form until it is migrated, and is listed and followed in both", async () => {
  const crowd = await newCrowd();
  await system.settle();
  const ref = system.deps.firestore.doc(`apps/demo/chats/${crowd.number}`);
  await ref.update({
    latestAt: FieldValue.delete(),
    stampedAt: FieldValue.delete(),
    changedAt: Timestamp.fromMillis(system.suite.kernel.clock.now()),
    shard: 1,
  });
  const speak = async (text: string): Promise<void> => {
    pass(1_000);
    await using elsewhere = await system.anotherInstance();
    const { status } = await elsewhere.as(await ada()).post(`${crowd.path}/messages`, { text });
    expect(status).toBe(201);
  };
  await using stream = await streamOf();
  await stream.reached;
  await speak("Old form");
  await hears(stream, "Old form");
  const old = await storedHead(crowd);
  expect([old.latestAt, old.stampedAt]).toEqual([undefined, undefined]);
  expect((await listed((await bob()).api))[0]).toBe(crowd.number);
  const begun = await system.operator.post("/v1/operator/migrations", { name: "calm-crowds" });
  const read = async (): Promise<Job> =>
    (await system.operator.get(`/v1/operator/jobs/${begun.body.id}`)).body;
  await expect
    .poll(async () => {
      pass(1_000);
      return (await read()).state;
    })
    .toBe("completed");
  expect((await read()).progress).toMatchObject({ done: 1, failed: 0 });
  expect((await storedHead(crowd)).latestAt).toEqual(old.updatedAt);
  await speak("New form");
  await hears(stream, "New form");
  await system.settle();
  const calm = await storedHead(crowd);
  expect(calm.changedAt?.toMillis()).toBeGreaterThan(system.suite.kernel.clock.now());
  expect(stream.events.filter(({ event }) => event === "message.created")).toHaveLength(2);
});
