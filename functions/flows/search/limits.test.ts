import { describe, expect, test } from "vitest";
import { openChatLog } from "../../../shared/chat/log/chat-log.ts";
import { appHandle } from "../../../shared/identity/app.ts";
import { QUERY_CHARS_MAX, SEARCH_LIMIT_MAX } from "../../../shared/search/contract.ts";
import { parseTerms } from "../../../shared/search/parse-terms.ts";
import { LAG_LOOK_MS, READS_MAX } from "../../../shared/search/search-messages.ts";
import { searchRecent } from "../../../shared/search/search-recent.ts";
import { BY_CHAT_MAX } from "../../../shared/search/store.ts";
import { seededRandom } from "../../../shared/testing/seeded-random.ts";
import { startChat, usePeople, useSystem } from "../../../shared/testing/use-system.ts";

const system = useSystem();
const [ada] = usePeople(system, "ada@limits.test");

const chats = "/v1/apps/demo/chats";
const path = "/v1/apps/demo/search";

const newChat = async (...texts: string[]): Promise<number> => (await startChat(ada.api, { texts })).number;

const search = (q: string, more = "") => ada.api.get(`${path}?q=${encodeURIComponent(q)}${more}`);

describe("any query", () => {
  test("is answered by the index, whatever is in it", async () => {
    await newChat(
      "Costs 50% of a.b*c [sic] (really) \\o/ $100",
      "'; DROP TABLE messages; --",
      "שלום abc עולם",
    );
    await system.settle();
    const random = seededRandom(4);
    const anything = (): string =>
      Array.from({ length: 1 + Math.floor(random() * 30) }, () =>
        String.fromCodePoint(Math.floor(random() * (random() < 0.5 ? 0x80 : 0xd800))),
      ).join("");
    const queries = [
      ".*",
      "[",
      "(((((",
      "a{1,99}",
      "\\",
      "\\d+",
      "^$",
      "%00",
      "\u0000",
      "\u202eabc\u202c",
      "שלום",
      "a".repeat(QUERY_CHARS_MAX),
      "ab ".repeat(QUERY_CHARS_MAX / 3),
      "𓀀𓀁𓀂",
      "\u0301\u0301\u0301",
      "__name__",
      "`g`.`a`",
      "constructor __proto__ toString",
      "of the for 17 reserev tabel",
      "misspelt wrods everywere and alwyas agian",
      "zqxj".repeat(20),
      "\ufffd",
      "\uffff",
      "🏳️‍🌈".repeat(20),
      "﷽",
      '"a b" "c',
      "'; DROP TABLE",
      ...Array.from({ length: 40 }, anything),
    ];
    for (const query of queries) {
      const { status, body } = await search(query.slice(0, QUERY_CHARS_MAX));
      expect([query, status, body.partial]).toEqual([query, 200, false]);
    }
    expect((await search("a.b*c [sic]")).body.data).toHaveLength(1);
    expect((await search("\\o/ 50%")).body.data).toHaveLength(1);
    expect((await search("DROP TABLE")).body.data).toHaveLength(1);
  });

  test.each(["", "   ", "\u200b\u00ad", '""'])(
    "that asks for nothing (%j) finds nothing and reads nothing",
    async (query) => {
      const { billed } = await system.meter(async () => {
        const { status, body } = await search(query);
        expect([status, body]).toEqual([
          200,
          { data: [], hasMore: false, next: null, prev: null, partial: false },
        ]);
      });
      expect(billed.reads).toBe(0);
    },
  );

  test.each([
    ["q", `q=${"a".repeat(QUERY_CHARS_MAX + 1)}`],
    ["q", `q=${"a".repeat(6_000)}`],
    ["q", "chat=1"],
    ["chat", "q=a&chat=x"],
    ["limit", `q=a&limit=${SEARCH_LIMIT_MAX + 1}`],
    ["from", "q=a&from=yesterday"],
    ["cursor", "q=a&cursor=abc"],
    ["sort", "q=a&sort=asc"],
  ])("with a wrong %s is refused", async (field, parameters) => {
    const { status, body } = await ada.api.get(`${path}?${parameters}`);
    expect([status, body.errors[0].path]).toEqual([400, field]);
  });
});

describe("a search costs", () => {
  test("a read for each entry looked at, each hit and each of their chats, and two to look for crowds and lag", async () => {
    const first = await newChat("dodo one", "dodo two");
    await newChat("dodo three");
    await system.settle();
    system.suite.kernel.clock.advance(LAG_LOOK_MS);
    const everywhere = await system.meter(() => search('"dodo"'));
    // The empty query for chats that have changed of late, and the one for crowds.
    expect(everywhere.billed).toEqual({ reads: 1 + 1 + 3 + 3 + 2, writes: 0, deletes: 0 });
    const inOne = await system.meter(() => search('"dodo"', `&chat=${first}`));
    // Head and progress of the chat.
    expect(inOne.billed).toEqual({ reads: 2 + 2 + 2, writes: 0, deletes: 0 });
  });

  test("at most READS_MAX, however much there is to find", async () => {
    await Promise.all(
      Array.from({ length: 50 }, (_, index) =>
        newChat(...Array.from({ length: 4 }, () => `seven ${index} sevan`)),
      ),
    );
    await system.settle();
    for (const query of ["e", "seven", "sevan seven", "sevne", "ev n", "savan sevin"]) {
      const { billed } = await system.meter(() => search(query, `&limit=${SEARCH_LIMIT_MAX}`));
      expect(billed.reads).toBeLessThanOrEqual(READS_MAX);
      expect(billed.reads).toBeGreaterThan(100);
    }
  });
});

describe("an answer is partial", () => {
  /** Befalls the next query below the app, which is one of the index. */
  const failIndex = (skip = 0): void =>
    system.fault({
      service: "firestore",
      method: "RunQuery",
      match: `${system.project}/databases/(default)/documents/apps/demo`,
      kind: "hang",
      skip,
    });

  test("and of recent messages when the index can't be asked; a later page can be asked for again", async () => {
    await newChat("An axolotl of late", "An axolotl again");
    await system.settle();
    const { body: whole } = await search("axolotl", "&limit=1");
    failIndex();
    const { status, body } = await search("axolottl");
    expect([status, body.partial, body.data.length, body.next]).toEqual([200, true, 2, null]);
    await newChat("Axolotle, nearly");
    await system.settle();
    // The exact hits are there; looking for misspelt words fails.
    failIndex(2);
    const { body: cut } = await search("axolotl");
    expect([cut.partial, cut.data.length, cut.next]).toEqual([true, 3, null]);
    failIndex();
    const later = await search("axolotl", `&limit=1&cursor=${encodeURIComponent(whole.next)}`);
    expect([later.status, later.body.code]).toEqual([503, "unavailable"]);
  });

  test.each([
    ["gecko", {}, 3],
    ["gecko pond", {}, 1],
    ["geckko", {}, 2],
    ["gecko", { limit: 1 }, 1],
    ["gecko", { filter: { sender: "nobody" } }, 0],
    ["gecko", { filter: { toMs: 1 } }, 0],
    ["gecko", { filter: { fromMs: 1, tag: "pets" } }, 1],
  ] as const)("then %s is looked for in recent messages with %j", async (query, more, count) => {
    const pets = await system.signIn("pets@limits.test");
    const app = appHandle(system.deps.firestore, "demo");
    const { body: known } = await pets.api.get(chats);
    if (known.data.length === 0) {
      for (const tags of [["pets"], []]) {
        const { body } = await pets.api.post(chats, { kind: "group", tags });
        const texts = tags.length > 0 ? ["A gecko"] : ["Gecko in a pond", "No lizard", "Two geckos"];
        for (const text of texts) await pets.api.post(`${chats}/${body.number}/messages`, { text });
      }
    }
    const deps = { ...system.deps, chatLog: openChatLog(system.deps) };
    const principal = { id: pets.id, kind: "person", role: "member" } as const;
    const common = { app, principal, terms: parseTerms(query), chat: undefined, person: pets.id, limit: 20 };
    expect(await searchRecent(deps, { filter: {}, ...common, ...more })).toHaveLength(count);
  });

  test("while messages of the chat are not indexed yet", async () => {
    const chat = await newChat("Told at once: narwhal");
    await system.settle();
    expect((await search("narwhal", `&chat=${chat}`)).body.partial).toBe(false);
    system.fault({
      service: "pubsub",
      method: "Publish",
      kind: "before",
      code: "PERMISSION_DENIED",
      count: 10,
    });
    await ada.api.post(`${chats}/${chat}/messages`, { text: "Not told: narwhal" });
    system.clearFaults();
    const { body } = await search("narwhal", `&chat=${chat}`);
    expect([body.partial, body.data.length]).toEqual([true, 1]);
  });

  test("while messages of any chat are not indexed yet, when all are searched", async () => {
    const late = await system.signIn("late@limits.test");
    const { body: one } = await late.api.post(chats, { kind: "group" });
    await late.api.post(chats, { kind: "group" });
    await system.settle();
    const found = async () => (await late.api.get(`${path}?q=narwhal`)).body;
    expect(await found()).toMatchObject({ partial: false, data: [] });
    system.fault({
      service: "pubsub",
      method: "Publish",
      kind: "before",
      code: "PERMISSION_DENIED",
      count: 10,
    });
    await late.api.post(`${chats}/${one.number}/messages`, { text: "Not told: narwhal" });
    system.clearFaults();
    expect(await found()).toMatchObject({ partial: true, data: [] });
    await late.api.post(`${chats}/${one.number}/messages`, { text: "Told" });
    await system.settle();
    const after = await found();
    expect([after.partial, after.data.length]).toEqual([false, 1]);
  });

  test("when somebody is in more crowds than are searched", async () => {
    const busy = await system.signIn("busy@limits.test");
    const { firestore } = system.deps;
    const { body: chat } = await busy.api.post(chats, { kind: "group" });
    await busy.api.post(`${chats}/${chat.number}/messages`, { text: "One lemur" });
    await system.settle();
    const head = (await firestore.doc(`apps/demo/chats/${chat.number}`).get()).data();
    const batch = firestore.batch();
    for (let index = 0; index <= BY_CHAT_MAX; index += 1) {
      batch.set(firestore.doc(`apps/demo/chats/${90_000 + index}`), {
        ...head,
        number: 90_000 + index,
        isCrowd: true,
      });
    }
    await batch.commit();
    const { billed } = await system.meter(async () => {
      const { body } = await busy.api.get(`${path}?q=lemru`);
      expect([body.partial, body.data.length]).toEqual([true, 1]);
    });
    expect(billed.reads).toBeLessThanOrEqual(READS_MAX);
  });
});
