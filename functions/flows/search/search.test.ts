import { describe, expect, test } from "vitest";
import { WINDOW } from "../../../shared/search/search-messages.ts";
import { uploadFile } from "../../../shared/testing/upload-file.ts";
import type { Person } from "../../../shared/testing/start-system.ts";
import { RESCOPED_MESSAGES_MAX } from "../../../shared/chat/log/facets.ts";
import { startChat, usePeople, useSystem } from "../../../shared/testing/use-system.ts";
import { writeHistory } from "../../../shared/testing/write-history.ts";

const system = useSystem();
const [ada, bob] = usePeople(system, "ada@search.test", "bob@search.test");

const chats = "/v1/apps/demo/chats";

const groupOf = async (...members: Person[]): Promise<number> =>
  (await startChat(ada.api, { members })).number;

async function post(person: Person, chat: number, ...texts: string[]): Promise<void> {
  for (const text of texts) {
    expect((await person.api.post(`${chats}/${chat}/messages`, { text })).status).toBe(201);
  }
}

type Parameters = Readonly<Record<string, string | number>>;

interface Page {
  readonly data: {
    message: { text: string; number: number };
    chat: number;
    score: number;
    highlights: { start: number; end: number }[];
    snippet: string;
  }[];
  readonly hasMore: boolean;
  readonly next: string | null;
  readonly partial: boolean;
}

async function search({ api }: Pick<Person, "api">, q: string, more: Parameters = {}): Promise<Page> {
  const parameters = Object.entries(more).map(([name, value]) => [name, String(value)]);
  const query = new URLSearchParams({ q, ...Object.fromEntries(parameters) });
  const { status, body } = await api.get(`/v1/apps/demo/search?${query.toString()}`);
  expect(status).toBe(200);
  return body;
}

const textsOf = async (person: Pick<Person, "api">, q: string, more: Parameters = {}): Promise<string[]> =>
  (await search(person, q, more)).data.map(({ message }) => message.text);

describe("a message is found", () => {
  test("by the names of its files, with and without a text", async () => {
    const chat = await groupOf(bob);
    const files: string[] = [];
    for (const name of ["Rechnung 2041.pdf", "harbour-plan.txt"]) {
      const { id } = await uploadFile(ada.api, { name, type: "text/plain", bytes: Buffer.from("Words") });
      files.push(id);
    }
    await system.settle();
    await ada.api.post(`${chats}/${chat}/messages`, { text: "As promised", files: [files[0]] });
    await ada.api.post(`${chats}/${chat}/messages`, { files: [files[1]] });
    await system.settle();
    const alone = await search(bob, "harbour-pl", { chat });
    expect(alone.data).toMatchObject([{ snippet: "harbour-plan.txt", highlights: [] }]);
    const [hit] = (await search(bob, "2041", { chat })).data;
    expect(hit).toMatchObject({ message: { text: "As promised" }, highlights: [] });
    expect(hit?.snippet).toContain("Rechnung 2041.pdf");
  });

  test("by any part of any word, in any language, with where it stands", async () => {
    const chat = await groupOf();
    const texts = [
      "Hello, wonderful world",
      "東京都に住んでいます",
      "Ein Café in der Straße",
      "안녕하세요 여러분",
    ];
    await post(ada, chat, ...texts, "👍 great");
    await system.settle();
    for (const [query, index, highlighted] of [
      ["h", 0, "H"],
      ["hel", 0, "Hel"],
      ["derf", 0, "derf"],
      ["wor hel", 0, "Hel"],
      ["東", 1, "東"],
      ["京都", 1, "京都"],
      ["cafe", 2, "Café"],
      ["STRASSE", 2, "Straße"],
      ["녕하", 3, "녕하"],
    ] as const) {
      for (const more of [{ chat }, {}] as const) {
        const { data, partial } = await search(ada, query, more);
        const hit = data.find(({ message }) => message.text === texts[index]);
        const [first = { start: 0, end: 0 }] = hit?.highlights ?? [];
        expect([query, hit?.message.text.slice(first.start, first.end)]).toEqual([query, highlighted]);
        expect([hit?.chat, partial]).toEqual([chat, false]);
      }
    }
    expect(await textsOf(ada, "👍")).toEqual(["👍 great"]);
    expect(await textsOf(ada, '"wonderful world"')).toEqual([texts[0]]);
    expect(await textsOf(ada, '"world wonderful"')).toEqual([]);
  });

  test("in spite of a misspelling, behind those that have the word as it is", async () => {
    const chat = await groupOf();
    await post(ada, chat, "The receipt is attached", "A reciept like this", "Nothing of the kind");
    await system.settle();
    expect(await textsOf(ada, "reciept", { chat })).toEqual([
      "A reciept like this",
      "The receipt is attached",
    ]);
    expect(await textsOf(ada, "atached reciept", { chat })).toEqual(["The receipt is attached"]);
    expect(await textsOf(ada, '"atached"', { chat })).toEqual([]);
  });

  test("by chat, sender, tag and time, alone and together", async () => {
    const chat = await groupOf(bob);
    const other = await groupOf(bob);
    await ada.api.patch(`${chats}/${other}`, { tags: ["work", "__odd__"] });
    await post(ada, chat, "quarterly figures one");
    system.suite.kernel.clock.advance(60_000);
    const between = new Date(system.deps.clock.now() - 30_000).toISOString();
    await post(bob, chat, "quarterly figures two");
    await post(bob, other, "quarterly figures three");
    await system.settle();
    const of = async (more: Parameters): Promise<string[]> =>
      (await textsOf(ada, "quarterly", more)).map((text) => text.slice(18)).sort();
    expect(await of({})).toEqual(["one", "three", "two"]);
    expect(await of({ chat })).toEqual(["one", "two"]);
    expect(await of({ sender: bob.id })).toEqual(["three", "two"]);
    expect(await of({ tag: "work" })).toEqual(["three"]);
    expect(await of({ tag: "__odd__", sender: bob.id, from: between })).toEqual(["three"]);
    expect(await of({ to: between })).toEqual(["one"]);
    expect(await of({ from: between, chat })).toEqual(["two"]);
    expect(await of({ from: between, to: between })).toEqual([]);
    expect(await of({ tag: "none" })).toEqual([]);
  });

  test("in a copy too, by who copied it", async () => {
    const chat = await groupOf(bob);
    await post(ada, chat, "An unmistakable armadillo");
    const { body: fork } = await bob.api.post(`${chats}/${chat}/forks`, { at: 1 });
    await system.settle();
    expect(new Set((await search(bob, "armadillo")).data.map((hit) => hit.chat))).toEqual(
      new Set([chat, fork.number]),
    );
    expect((await search(ada, "armadillo")).data.map((hit) => hit.chat)).toEqual([chat]);
  });
});

test("an answer is found when it is whole", async () => {
  const { body: chat } = await ada.api.post(chats, { kind: "assistant", title: "Questions" });
  await post(ada, chat.number, "What is a platypus?");
  await system.settle();
  const { data } = await ada.api
    .get(`${chats}/${chat.number}/messages/2`)
    .then(({ body }) => search(ada, `"${body.text}"`));
  expect(data.map(({ message }) => message.number)).toContain(2);
});

test("nobody finds what is said in chats that they are not in, from the moment on that they are not", async () => {
  const chat = await groupOf(bob);
  await post(ada, chat, "Confidential zeppelin");
  await system.settle();
  expect(await textsOf(bob, "zeppelin")).toHaveLength(1);
  await ada.api.delete(`${chats}/${chat}/members/${bob.id}`);
  expect(await textsOf(bob, "zeppelin")).toEqual([]);
  await system.settle();
  expect(await textsOf(bob, "zeppelin")).toEqual([]);
  expect(await textsOf(ada, "zeppelin")).toHaveLength(1);
  expect((await bob.api.get(`/v1/apps/demo/search?q=zeppelin&chat=${chat}`)).status).toBe(404);
  expect((await ada.api.put(`${chats}/${chat}/members/${bob.id}`)).status).toBe(200);
  await system.settle();
  expect(await textsOf(bob, "zeppelin")).toHaveLength(1);
});

test("in a chat of more members than entries name, they all find and nobody else does", async () => {
  const crowd = Array.from({ length: 55 }, (_, index) => `crowd-member-${index}`);
  const batch = system.deps.firestore.batch();
  for (const id of crowd) batch.set(system.deps.firestore.doc(`apps/demo/users/${id}`), { status: "open" });
  await batch.commit();
  const { body, status } = await ada.api.post(chats, { kind: "group", members: [bob.id, ...crowd] });
  expect(status).toBe(201);
  await post(ada, body.number, "A stadium of giraffes");
  await system.settle();
  expect(await textsOf(bob, "giraffes")).toEqual(["A stadium of giraffes"]);
  expect(await textsOf(bob, "girafes")).toEqual(["A stadium of giraffes"]);
  const { firestore } = system.deps;
  const [entry] = (await firestore.collection("apps/demo/search").where("chat", "==", body.number).get())
    .docs;
  expect(entry?.get("m")).toEqual({});
  const stranger = await system.signIn("stranger@search.test");
  expect(await textsOf(stranger, "giraffes")).toEqual([]);
  await ada.api.delete(`${chats}/${body.number}/members/${bob.id}`);
  expect(await textsOf(bob, "giraffes")).toEqual([]);
});

test("in a long chat, who joins late finds what was said before, and no entry is written anew", async () => {
  const late = await system.signIn("late@search.test");
  const chat = await groupOf(bob);
  await post(ada, chat, "A quokka before");
  await writeHistory(ada.api, `${chats}/${chat}`, RESCOPED_MESSAGES_MAX);
  await system.settle();
  const joined = await system.meter(() => ada.api.put(`${chats}/${chat}/members/${late.id}`));
  expect(joined.billed.writes).toBeLessThan(20);
  await post(bob, chat, "A quokka after");
  await system.settle();
  for (const person of [ada, bob, late]) {
    expect((await textsOf(person, "quokka")).sort()).toEqual(["A quokka after", "A quokka before"]);
  }
  expect((await search(late, "quokka")).partial).toBe(false);
  // Whoever leaves finds nothing more; what the others find by is written anew.
  await ada.api.delete(`${chats}/${chat}/members/${late.id}`);
  expect(await textsOf(late, "quokka")).toEqual([]);
  await system.settle();
  expect(await textsOf(bob, "quokka")).toHaveLength(2);
  await ada.api.put(`${chats}/${chat}/members/${late.id}`);
  expect(await textsOf(late, "quokka")).toHaveLength(2);
});

test("an API token finds what is said in all chats of its app, and of no other", async () => {
  const { id, token } = await system.createApp("Other");
  const other = system.client({ authorization: `Bearer ${token}` });
  const { body } = await other.post(`/v1/apps/${id}/chats`, { kind: "group" });
  await other.post(`/v1/apps/${id}/chats/${body.number}/messages`, { text: "An otter in the other app" });
  await system.settle();
  expect(await textsOf(ada, "otter")).toEqual([]);
  const { body: found } = await other.get(`/v1/apps/${id}/search?q=otter`);
  expect(found.data).toHaveLength(1);
  expect((await other.get("/v1/apps/demo/search?q=otter")).status).toBe(401);
});

describe("pages", () => {
  test("go through all hits once, whatever arrives meanwhile", async () => {
    const chat = await groupOf();
    const count = WINDOW + 25;
    const texts = Array.from(
      { length: count },
      (_, index) => `penguin ${"and ".repeat(index % 7)}number ${index}`,
    );
    await Promise.all(texts.map((text) => post(ada, chat, text)));
    await system.settle();
    const seen: string[] = [];
    let next: string | null = "";
    for (let page = 0; next !== null; page += 1) {
      const more: Parameters = next === "" ? { limit: 20 } : { limit: 20, cursor: next };
      const found: Page = await search(ada, "penguin", more);
      seen.push(...found.data.map(({ message }) => message.text));
      expect(found.hasMore).toBe(found.next !== null);
      next = found.next;
      await post(ada, chat, `penguin that came later ${page}`);
      await system.settle();
    }
    expect(seen.toSorted()).toEqual(texts.toSorted());
  });

  test("a cursor continues the search that gave it and no other", async () => {
    const chat = await groupOf();
    await post(ada, chat, "walrus one", "walrus two");
    await system.settle();
    const { next } = await search(ada, "walrus", { limit: 1 });
    const cursor = encodeURIComponent(next ?? "");
    expect((await ada.api.get(`/v1/apps/demo/search?q=walrus&limit=1&cursor=${cursor}`)).status).toBe(200);
    for (const [api, query] of [
      [ada.api, "q=walruses"],
      [ada.api, `q=walrus&chat=${chat}`],
      [bob.api, "q=walrus"],
    ] as const) {
      expect((await api.get(`/v1/apps/demo/search?${query}&limit=1&cursor=${cursor}`)).status).toBe(400);
    }
  });
});
