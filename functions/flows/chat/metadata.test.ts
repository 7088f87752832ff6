import { describe, expect, test } from "vitest";
import { FACETS_MAX } from "../../../shared/chat/log/facets.ts";
import {
  METADATA_KEY_CHARS_MAX,
  METADATA_PAIRS_MAX,
  METADATA_VALUE_CHARS_MAX,
} from "../../../shared/platform/contract.ts";
import type { ApiClient } from "../../../shared/testing/api-client.ts";
import { EventStream } from "../../../shared/testing/event-stream.ts";
import {
  startChat,
  stayAtOneInstance,
  usePeople,
  useRole,
  useSystem,
} from "../../../shared/testing/use-system.ts";

/** What an app's own code notes at chats, messages and people, and the lists that are found by it. */

const system = useSystem();
const [ada, bob, carol] = usePeople(system, "ada@noted.test", "bob@noted.test", "carol@noted.test");
const admin = useRole(system, "admin");

const app = "/v1/apps/demo";
const chats = `${app}/chats`;
const pairs = (count: number, value = "x"): Record<string, string> =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`key${index}`, value]));

/** What is never taken, wherever it stands. */
const REFUSED = [
  ["a pair too many", pairs(METADATA_PAIRS_MAX + 1)],
  ["a long name", { ["k".repeat(METADATA_KEY_CHARS_MAX + 1)]: "x" }],
  ["a long value", { key: "v".repeat(METADATA_VALUE_CHARS_MAX + 1) }],
  ["no name", { "": "x" }],
  ["a number", { key: 1 }],
  ["a list", ["x"]],
  ["half a character", { key: "\ud800" }],
  ["a NUL in a name", { "a\u0000": "x" }],
  ["a name of the database", { __id7__: "x" }],
] as const;

const LARGEST = Object.fromEntries(
  Array.from({ length: METADATA_PAIRS_MAX }, (_, index) => [
    `${index}`.padStart(METADATA_KEY_CHARS_MAX, "k"),
    "v".repeat(METADATA_VALUE_CHARS_MAX),
  ]),
);
/** Names of Object's own, and those that would be paths. */
const AWKWARD = { constructor: "a", toString: "b", hasOwnProperty: "c", "a.b": "d", "`": "e", "/": "f" };

describe.each([
  ["a chat", (api: ApiClient, metadata: object) => api.post(chats, { kind: "group", metadata })],
  [
    "a message",
    async (api: ApiClient, metadata: object) => {
      const { path } = await startChat(api);
      return api.post(`${path}/messages`, { text: "Noted", metadata });
    },
  ],
  ["oneself", (api: ApiClient, metadata: object) => api.patch(`${app}/me`, { metadata })],
])("at %s", (_, note) => {
  test.each(REFUSED)("%s is refused", async (_name, metadata) => {
    const { status, body } = await note(carol.api, metadata);
    expect([status, body.code]).toEqual([400, "invalid_request"]);
    expect(body.errors[0].path).toMatch(/^metadata/);
  });

  test("__proto__ is refused, and names of Object's own are names like any other", async () => {
    const malformed = await note(carol.api, JSON.parse('{"__proto__":"x"}') as object);
    expect(malformed.status).toBe(400);
    expect((await note(carol.api, AWKWARD)).body.metadata).toEqual(AWKWARD);
    const others = Object.fromEntries(Object.keys(AWKWARD).map((key) => [key, "x"]));
    expect((await note(carol.api, others)).body.metadata).toMatchObject(others);
  });
});

describe("a chat's metadata", () => {
  test("takes as much as it may, changes pair by pair, and moves the revision for what is new alone", async () => {
    const { path } = await startChat(ada.api, { metadata: LARGEST });
    expect((await ada.api.get(path)).body.metadata).toEqual(LARGEST);
    expect((await ada.api.patch(path, { metadata: { more: "x" } })).status).toBe(400);
    const cleared = await ada.api.patch(path, { metadata: null });
    expect([cleared.body.revision, cleared.body.metadata]).toEqual([2, undefined]);
    const set = await ada.api.patch(path, { metadata: { order: "42", step: "paid", note: "x" } });
    expect([set.body.revision, set.body.metadata]).toEqual([3, { order: "42", step: "paid", note: "x" }]);
    const changed = await ada.api.patch(path, { metadata: { step: "sent", note: "", absent: null } });
    expect([changed.body.revision, changed.body.metadata]).toEqual([4, { order: "42", step: "sent" }]);
    const same = await ada.api.patch(path, { metadata: { step: "sent", gone: null } });
    expect(same.body.revision).toBe(4);
    // The group is told of its name, by a revision of its own.
    const both = await ada.api.patch(path, { title: "Order", metadata: { step: "sent" } });
    expect([both.body.revision, both.body.title, both.body.metadata.step]).toEqual([6, "Order", "sent"]);
  });

  test("is told live, and is gone with the chat", async () => {
    const { path, number } = await startChat(ada.api, { members: [bob], metadata: { order: "1" } });
    await using stream = await EventStream.open(`${system.url}${app}/events`, bob);
    await stream.reached;
    await ada.api.patch(path, { metadata: { order: "2" } });
    await ada.api.patch(path, { metadata: { order: null } });
    await ada.api.post(`${path}/messages`, { text: "Noted", metadata: { kind: "receipt" } });
    await stream.until((all) => all.some(({ event }) => event === "message.created"));
    const told = stream.events.filter(({ data }) => data.chat === number);
    expect(told.findLast(({ event }) => event === "chat.changed")?.data.metadata).toEqual({});
    expect(told.at(-1)?.data.message.metadata).toEqual({ kind: "receipt" });
    await ada.api.patch(path, { metadata: { order: "3" } });
    await ada.api.delete(path);
    const stored = await system.deps.firestore.doc(`apps/demo/chats/${number}`).get();
    expect([stored.get("metadata"), stored.get("facets")]).toEqual([{}, []]);
  });

  test("costs the same as another change of the chat", async () => {
    stayAtOneInstance(system);
    const { path } = await startChat(ada.api, { texts: ["Known"] });
    const cost = await system.meterRequest(() => ada.api.patch(path, { metadata: pairs(4) }));
    expect(cost.billed).toEqual({ reads: 1, writes: 1, deletes: 0 });
  });
});

describe("a list of chats by metadata", () => {
  const listed = async (api: ApiClient, query: string): Promise<string[]> =>
    (await api.get(`${chats}?${query}`)).body.data.map(({ title }: { title: string }) => title);

  test("has one's own chats with that pair, large groups too, and nobody else's", async () => {
    const crowd = await Promise.all(
      Array.from({ length: 12 }, (_, index) => system.signIn(`crowd${index}@noted.test`)),
    );
    expect((13 * 12) / 2).toBeGreaterThan(FACETS_MAX);
    await startChat(ada.api, { title: "alone", metadata: { order: "7", "a.b": "c d" } });
    await startChat(ada.api, { title: "crowd", members: crowd, metadata: { order: "7", step: "paid" } });
    await startChat(ada.api, { title: "other order", metadata: { order: "8" } });
    await startChat(bob.api, { title: "bob's", members: [carol], metadata: { order: "7", step: "paid" } });
    expect(await listed(ada.api, "metadata.order=7")).toEqual(["crowd", "alone"]);
    expect(await listed(ada.api, "metadata.order=7&metadata.step=paid")).toEqual(["crowd"]);
    expect(await listed(ada.api, "metadata.step=paid&metadata.order=7&kind=direct")).toEqual([]);
    expect(await listed(ada.api, "metadata.a.b=c+d")).toEqual(["alone"]);
    expect(await listed(ada.api, "metadata.constructor=7")).toEqual([]);
    expect(await listed(carol.api, "metadata.order=7")).toEqual(["bob's"]);
    expect(await listed(carol.api, `metadata.order=7&member=${bob.id}`)).toEqual(["bob's"]);
    expect(await listed(carol.api, `metadata.order=7&member=${ada.id}`)).toEqual([]);
    // Servers list over the whole app, and of no other.
    expect(await listed(system.operator, "metadata.order=7")).toEqual(["bob's", "crowd", "alone"]);
    const other = await system.createApp("Other");
    const { body } = await system.operator.get(`/v1/apps/${other.id}/chats?metadata.order=7`);
    expect(body.data).toEqual([]);
  });

  test("follows changes of metadata and of members", async () => {
    const { path } = await startChat(ada.api, { title: "moving", metadata: { place: "here" } });
    await ada.api.put(`${path}/members/${bob.id}`);
    expect(await listed(bob.api, "metadata.place=here")).toEqual(["moving"]);
    await ada.api.patch(path, { metadata: { place: "there" } });
    expect(await listed(bob.api, "metadata.place=here")).toEqual([]);
    expect(await listed(bob.api, "metadata.place=there")).toEqual(["moving"]);
    await ada.api.delete(`${path}/members/${bob.id}`);
    expect(await listed(bob.api, "metadata.place=there")).toEqual([]);
  });

  test("comes in pages, each chat once, at one query and one document a page", async () => {
    const titles = ["one", "two", "three", "four", "five"];
    for (const title of titles) await startChat(ada.api, { title, metadata: { batch: "b" } });
    const seen: string[] = [];
    let cursor = "";
    do {
      const { body } = await ada.api.get(`${chats}?metadata.batch=b&limit=2${cursor}`);
      seen.push(...body.data.map(({ title }: { title: string }) => title));
      cursor = body.next === null ? "" : `&cursor=${encodeURIComponent(body.next)}`;
    } while (cursor !== "");
    expect(seen).toEqual(titles.toReversed());
    const { body } = await ada.api.get(`${chats}?metadata.batch=b&limit=2`);
    const stray = await ada.api.get(`${chats}?metadata.batch=c&cursor=${encodeURIComponent(body.next)}`);
    expect(stray.status).toBe(400);
    const cost = await system.meterRequest(() => bob.api.get(`${chats}?metadata.batch=b`));
    expect(cost.rpcs["firestore.RunQuery"]).toBe(1);
    expect(cost.billed.reads).toBeLessThanOrEqual(2);
  });

  test.each([
    "metadata=x",
    "metadata.=x",
    "metadata.a=",
    "metadata.a=1&metadata=x",
    "metadataa=x",
    "meta.a=x",
  ])("%s is refused", async (query) => {
    expect((await ada.api.get(`${chats}?${query}`)).status).toBe(400);
  });
});

describe("a message's metadata", () => {
  test("changes without an edit, by who sent it alone, once for a key", async () => {
    const { path } = await startChat(ada.api, { members: [bob] });
    const { body: sent } = await ada.api.post(`${path}/messages`, { text: "Pay", metadata: { step: "new" } });
    expect(sent.metadata).toEqual({ step: "new" });
    const message = `${path}/messages/1`;
    const key = { "idempotency-key": "m1" };
    const cost = await system.meterRequest(async () => {
      const { body } = await ada.api.patch(message, { metadata: { step: "paid", by: "card" } });
      expect([body.metadata, body.editedAt]).toEqual([{ step: "paid", by: "card" }, undefined]);
    });
    expect(cost.billed).toEqual({ reads: 2, writes: 2, deletes: 0 });
    const first = await ada.api.patch(message, { metadata: { step: "sent" } }, key);
    await ada.api.patch(message, { metadata: { by: "cash" } });
    const again = await ada.api.patch(message, { metadata: { step: "sent" } }, key);
    expect([first.body.revision, again.body.metadata]).toEqual([4, { step: "sent", by: "cash" }]);
    expect((await ada.api.patch(message, { metadata: { step: "x" } }, key)).status).toBe(422);
    expect((await bob.api.patch(message, { metadata: { step: "x" } })).status).toBe(403);
    expect((await ada.api.patch(message, {})).status).toBe(400);
    expect((await ada.api.get(`${message}/edits`)).body.data).toEqual([]);
    const stale = await ada.api.patch(message, { metadata: { step: "x" } }, { "if-match": '"1"' });
    expect(stale.status).toBe(412);
  });

  test("changes with the text in one step, and is gone with the message", async () => {
    const { path, number } = await startChat(ada.api, { members: [bob] });
    await ada.api.post(`${path}/messages`, { text: "Pay", metadata: { step: "new" } });
    const key = { "idempotency-key": "m2" };
    const change = { text: "Paid", metadata: { step: "paid" } };
    const { body } = await ada.api.patch(`${path}/messages/1`, change, key);
    expect([body.text, body.metadata, body.revision]).toEqual(["Paid", { step: "paid" }, 3]);
    expect((await ada.api.patch(`${path}/messages/1`, change, key)).body.revision).toBe(3);
    const other = { ...change, metadata: { step: "x" } };
    expect((await ada.api.patch(`${path}/messages/1`, other, key)).status).toBe(422);
    await ada.api.delete(`${path}/messages/1`);
    expect((await bob.api.get(`${path}/messages/1`)).body.metadata).toBeUndefined();
    const stored = await system.deps.firestore.collection(`apps/demo/chats/${number}/messages`).get();
    expect(stored.docs.map((document) => document.get("metadata"))).toEqual([{}]);
    expect((await ada.api.patch(`${path}/messages/1`, { metadata: { a: "b" } })).status).toBe(409);
  });
});

describe("a person's metadata", () => {
  test("is changed by them and by administrators, and read by whoever sees them", async () => {
    await bob.api.patch(`${app}/me`, { name: "Bob", metadata: { team: "blue", desk: "4" } });
    const { status, body } = await admin.api.patch(`${app}/users/${bob.id}`, { metadata: { desk: "" } });
    expect([status, body.metadata, body.name]).toEqual([200, { team: "blue" }, "Bob"]);
    expect((await ada.api.get(`${app}/users/${bob.id}`)).body.metadata).toEqual({ team: "blue" });
    expect((await ada.api.patch(`${app}/users/${bob.id}`, { metadata: { a: "b" } })).status).toBe(403);
    const { body: owner } = await system
      .signInAs("owner", "owner@noted.test")
      .then(({ api }) => api.get(`${app}/me`));
    const above = await admin.api.patch(`${app}/users/${owner.id}`, { metadata: { a: "b" } });
    expect(above.status).toBe(403);
    expect((await admin.api.patch(`${app}/users/nobody`, { metadata: { a: "b" } })).status).toBe(404);
    expect((await admin.api.patch(`${app}/users/${bob.id}`, {})).status).toBe(400);
  });
});
