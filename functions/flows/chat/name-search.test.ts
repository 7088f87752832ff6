import { beforeAll, describe, expect, test } from "vitest";
import { USERS_LOOKED_AT_MAX } from "../../../shared/chat/read/find-contacts.ts";
import { HEADS_NAMED_AT_ONCE, LIST_QUERIES_MAX } from "../../../shared/chat/read/list-heads.ts";
import { KEYED_MAX } from "../../../shared/chat/read/name-heads.ts";
import { nameKeysOf } from "../../../shared/words/name-keys.ts";
import type { ApiClient } from "../../../shared/testing/api-client.ts";
import { startChat, usePeople, useRole, useSystem } from "../../../shared/testing/use-system.ts";

/** People and chats found by their names. */

const system = useSystem();
const [ada, bob, zoe] = usePeople(system, "ada@names.test", "bob@names.test", "zoe.k@names.test");
const admin = useRole(system, "admin");

const app = "/v1/apps/demo";
const set = (settings: object) => system.operator.patch(app, { settings });
const find = async (api: ApiClient, route: "users" | "chats", q: string, more = "") =>
  (await api.get(`${app}/${route}?q=${encodeURIComponent(q)}${more}`)).body;
const namesOf = async (api: ApiClient, q: string): Promise<string[]> =>
  (await find(api, "users", q)).data.map(({ name }: { name: string }) => name).sort();
const titlesOf = async (api: ApiClient, q: string, more = ""): Promise<string[]> =>
  (await find(api, "chats", q, more)).data.map(({ title }: { title: string }) => title);

/** Every page, until there is none. */
async function allPages(route: "users" | "chats", q: string, limit: number) {
  const pages: { id: string; number: number; title: string }[][] = [];
  for (let cursor = ""; ;) {
    const body = await find(ada.api, route, q, `&limit=${limit}${cursor}`);
    pages.push(body.data);
    if (!body.hasMore) return pages;
    cursor = `&cursor=${encodeURIComponent(body.next)}`;
  }
}

beforeAll(async () => {
  await ada.api.patch(`${app}/me`, { name: "Ada Lovelace" });
  await bob.api.patch(`${app}/me`, { name: "Björn Strauß" });
  await zoe.api.patch(`${app}/me`, { name: "Ζωή" });
});

describe("people", () => {
  test("are found by any part of their name, however it is written", async () => {
    for (const q of ["ADA", "lovel", "a l", "ace"])
      expect(await namesOf(bob.api, q)).toEqual(["Ada Lovelace"]);
    for (const q of ["bjorn", "STRAUSS", "jö", "ｂｊ"])
      expect(await namesOf(ada.api, q)).toEqual(["Björn Strauß"]);
    expect(await namesOf(ada.api, "ζωη")).toEqual(["Ζωή"]);
    expect(await namesOf(ada.api, "%")).toEqual([]);
    expect(await namesOf(ada.api, ".*")).toEqual([]);
    for (const q of ["", " ", "\u200b", "x".repeat(201)]) {
      expect((await ada.api.get(`${app}/users?q=${encodeURIComponent(q)}`)).status).toBe(400);
    }
  });

  test("are found by their address only by who may see it", async () => {
    expect(await namesOf(ada.api, "zoe.k@")).toEqual([]);
    expect(await namesOf(zoe.api, "zoe.k@")).toEqual(["Ζωή"]);
    expect(await namesOf(admin.api, "zoe.k@")).toEqual(["Ζωή"]);
  });

  test("are not found by whom the directory does not show them, or whom they have blocked", async () => {
    await startChat(ada.api, { members: [bob] });
    await set({ directory: "shared-chats" });
    expect(await namesOf(ada.api, "o")).toEqual(["Ada Lovelace", "Björn Strauß"]);
    expect(await namesOf(zoe.api, "ada")).toEqual([]);
    await set({ directory: "admins" });
    expect(await namesOf(ada.api, "o")).toEqual(["Ada Lovelace"]);
    await set({ directory: "everyone" });
    await bob.api.put(`${app}/me/blocks/${zoe.id}`);
    expect(await namesOf(zoe.api, "bjorn")).toEqual([]);
    expect(await namesOf(ada.api, "bjorn")).toEqual(["Björn Strauß"]);
    await bob.api.delete(`${app}/me/blocks/${zoe.id}`);
  });

  test("are found by administrators alone once disabled, and by nobody once removed", async () => {
    const gone = await system.signIn("gone@names.test");
    await system.operator.put(`${app}/users/${gone.id}/disabled`);
    expect([await namesOf(ada.api, "gone"), await namesOf(admin.api, "gone")]).toEqual([[], ["gone"]]);
    await system.operator.delete(`${app}/users/${gone.id}`);
    expect([await namesOf(ada.api, "gone"), await namesOf(admin.api, "gone")]).toEqual([[], []]);
  });

  test("of a large app are all found, each once, at reads that the size of the app has no part in", async () => {
    const users = system.deps.firestore.collection("apps/demo/users");
    const template = (await users.doc(ada.id).get()).data() ?? {};
    const count = 700;
    const ids = Array.from({ length: count }, (_, index) => `p${String(index).padStart(4, "0")}`);
    await Promise.all(
      ids.map((id, index) => {
        const name = index % 100 === 7 ? `Needle ${id}` : `Straw ${id}`;
        return users.doc(id).set({ ...template, email: "", name, nameKeys: nameKeysOf(name), emailKeys: {} });
      }),
    );
    const needles = ids.filter((_, index) => index % 100 === 7);
    for (const limit of [2, 50]) {
      const found = (await allPages("users", "needle", limit)).flat().map(({ id }) => id);
      expect(found).toEqual(needles);
    }
    const billed = async (q: string, more = "") =>
      (await system.meterRequest(() => ada.api.get(`${app}/users?q=${q}${more}`))).billed.reads;
    // A query that finds nothing is one read; oneself is another.
    expect(await billed("nobody+at+all")).toBe(2);
    // And whether each of those found has blocked the reader.
    expect(await billed("p0107")).toBe(3);
    expect(await billed("straw", "&limit=20")).toBe(42);
    // Names that have all keys and not what is looked for: a page looks at so many of them.
    const lures = ids.slice(0, USERS_LOOKED_AT_MAX + 20);
    const lure = nameKeysOf("abc bcd");
    await Promise.all(lures.map((id) => users.doc(id).update({ name: "abc bcd", nameKeys: lure })));
    expect(await billed("abcd")).toBeLessThanOrEqual(USERS_LOOKED_AT_MAX + 60);
    expect((await find(ada.api, "users", "abcd")).hasMore).toBe(true);
    expect((await allPages("users", "abcd", 50)).flat()).toEqual([]);
    const page = await find(ada.api, "users", "needle", "&limit=2");
    const stray = await ada.api.get(`${app}/users?q=straw&cursor=${encodeURIComponent(page.next)}`);
    expect(stray.status).toBe(400);
  });

  test("are found by a new name at once, and no more by the old one", async () => {
    const eve = await system.signIn("eve@names.test");
    await eve.api.patch(`${app}/me`, { name: "Eve Onderwater" });
    expect(await namesOf(ada.api, "onderwater")).toEqual(["Eve Onderwater"]);
    await eve.api.patch(`${app}/me`, { language: "nl" });
    await eve.api.patch(`${app}/me`, { name: "Eve Bovenwater" });
    expect(await namesOf(ada.api, "onderwater")).toEqual([]);
    expect(await namesOf(ada.api, "bovenw")).toEqual(["Eve Bovenwater"]);
  });

  test("are found however they came to the app", async () => {
    const { body } = await system.operator.post(`${app}/users`, { externalId: "x1", name: "Served Person" });
    expect(await namesOf(ada.api, "served p")).toEqual(["Served Person"]);
    await set({ registration: { guests: true } });
    await system.client().post(`${app}/auth/guests`, { name: "Passing Guest" });
    expect(await namesOf(ada.api, "passing")).toEqual(["Passing Guest"]);
    expect(body.name).toBe("Served Person");
  });

  test("of another app are not found", async () => {
    const other = await system.createApp("Other");
    const stranger = await system.signIn("stranger@names.test", other.id);
    const { body } = await stranger.api.get(`/v1/apps/${other.id}/users?q=a`);
    expect(body.data.map(({ id }: { id: string }) => id)).toEqual([stranger.id]);
  });
});

describe("chats", () => {
  test("are found by their title, and direct ones by the other's name, among one's own", async () => {
    await startChat(ada.api, { title: "Straße nach Süden", members: [bob] });
    await startChat(ada.api, { kind: "direct", members: [bob] });
    await startChat(bob.api, { title: "Straße of Bob", kind: "group" });
    expect(await titlesOf(ada.api, "STRASSE")).toEqual(["Straße nach Süden"]);
    expect(await titlesOf(bob.api, "strasse")).toEqual(["Straße of Bob", "Straße nach Süden"]);
    const { data } = await find(ada.api, "chats", "björn");
    expect(data.map(({ kind }: { kind: string }) => kind)).toEqual(["direct"]);
    expect(await titlesOf(ada.api, "lovelace")).toEqual([]);
    expect((await find(bob.api, "chats", "lovelace")).data).toHaveLength(1);
    expect(await titlesOf(ada.api, "strasse", "&kind=direct")).toEqual([]);
    const [{ number }] = (await find(ada.api, "chats", "suden")).data;
    await ada.api.patch(`${app}/chats/${number}`, { pinned: true });
    expect(await titlesOf(ada.api, "suden", "&pinned=true")).toEqual(["Straße nach Süden"]);
    expect(await titlesOf(ada.api, "suden", "&pinned=false")).toEqual([]);
    expect(await titlesOf(system.operator, "strasse")).toHaveLength(2);
  });

  test("of many are all found, each once, at reads that their number has no part in", async () => {
    const dan = await system.signIn("dan@names.test");
    const first = await startChat(dan.api, { title: "Straw", members: [ada] });
    const heads = system.deps.firestore.collection("apps/demo/chats");
    const template = (await heads.doc(String(first.number)).get()).data() ?? {};
    const count = LIST_QUERIES_MAX * HEADS_NAMED_AT_ONCE + 40;
    await Promise.all(
      Array.from({ length: count }, (_, index) => {
        const number = 10_000 + index;
        const title = index % 60 === 5 ? `Needle ${number}` : `Straw ${number}`;
        return heads.doc(String(number)).set({ ...template, number, title, nameKeys: nameKeysOf(title) });
      }),
    );
    const needles = Array.from({ length: Math.ceil((count - 5) / 60) }, (_, at) => 10_005 + 60 * at);
    for (const limit of [2, 50]) {
      const found = (await allPages("chats", "needle", limit)).flat().map(({ number }) => number);
      expect(found).toEqual(needles.toReversed());
    }
    const billed = async (q: string) =>
      (await system.meterRequest(() => dan.api.get(`${app}/chats?q=${q}`))).billed.reads;
    // Two queries that find nothing, and what is the person's own.
    expect(await billed("nothing+at+all")).toBe(3);
    // Where more have it than are looked up by keys, the list is looked through, and has a page of it soon.
    const straw = (await allPages("chats", "straw", 100)).flat().map(({ number }) => number);
    expect(straw).toHaveLength(count + 1 - needles.length);
    expect(new Set(straw).size).toBe(straw.length);
    expect(await billed("straw")).toBeLessThanOrEqual(2 * (KEYED_MAX + 1) + 2 * HEADS_NAMED_AT_ONCE + 1);
  });

  test("are found by a new title at once, whoever gave it, and in the archive where that is asked for", async () => {
    const { path, number } = await startChat(ada.api, { title: "Before", members: [bob] });
    await ada.api.patch(path, { title: "Umbenannt" });
    expect(await titlesOf(bob.api, "umbe")).toEqual(["Umbenannt"]);
    expect(await titlesOf(bob.api, "before")).toEqual([]);
    await bob.api.patch(path, { archived: true });
    expect(await titlesOf(bob.api, "umbe", "&archived=true")).toEqual(["Umbenannt"]);
    expect(await titlesOf(bob.api, "umbe", "&archived=false")).toEqual([]);
    expect(await titlesOf(ada.api, "umbe", "&archived=false")).toEqual(["Umbenannt"]);
    const { body } = await ada.api.post(`${app}/chats`, { kind: "group", title: "Umbe", temporary: true });
    expect(await titlesOf(ada.api, "umbe")).toEqual(["Umbenannt"]);
    await ada.api.delete(path);
    expect(await titlesOf(bob.api, "umbe")).toEqual([]);
    expect(body.number).toBeGreaterThan(number);
  });

  test("with somebody are found by their new name at once", async () => {
    const kim = await system.signIn("kim@names.test");
    await startChat(kim.api, { kind: "direct", members: [ada] });
    await kim.api.patch(`${app}/me`, { name: "Quincy Wanderer" });
    const [{ members }] = (await find(ada.api, "chats", "quinc")).data;
    expect(members).toContain(kim.id);
    await kim.api.patch(`${app}/me`, { name: "Somebody Else" });
    expect((await find(ada.api, "chats", "quinc")).data).toEqual([]);
  });
});
