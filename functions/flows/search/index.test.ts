import { describe, expect, test } from "vitest";
import { GRACE_MS } from "../../../shared/chat/upkeep/sweep-changes.ts";
import { FieldValue } from "../../../shared/platform/firestore-values.ts";
import { ENTRY_KEYS_MAX } from "../../../shared/search/entry.ts";
import { seededRandom } from "../../../shared/testing/seeded-random.ts";
import { startChat, usePeople, useSystem } from "../../../shared/testing/use-system.ts";

const system = useSystem();
const [ada, bob] = usePeople(system, "ada@index.test", "bob@index.test");

const chats = "/v1/apps/demo/chats";

const newChat = async (...texts: string[]): Promise<number> =>
  (await startChat(ada.api, { members: [bob], texts })).number;

const entriesOf = (chat: number) =>
  system.deps.firestore.collection("apps/demo/search").where("chat", "==", chat);

/** Everything that a chat's entries say, in order. */
const stateOf = async (chat: number): Promise<unknown[]> =>
  (await entriesOf(chat).get()).docs
    .map((document) => ({ id: document.id, ...document.data() }) as unknown as { number: number })
    .sort((a, b) => a.number - b.number);

async function found(q: string, chat?: number): Promise<string[]> {
  const more = chat === undefined ? "" : `&chat=${chat}`;
  const { body } = await ada.api.get(`/v1/apps/demo/search?q=${encodeURIComponent(q)}${more}`);
  return body.data.map(({ message }: { message: { text: string } }) => message.text);
}

describe("the index follows the messages", () => {
  test("one write a message, in the commit that records it", async () => {
    // Alone in it, so that nobody is notified.
    const { body } = await ada.api.post(chats, { kind: "group" });
    const path = `${chats}/${body.number}/messages`;
    await ada.api.post(path, { text: "First" });
    const { billed, rpcs } = await system.meter(() => ada.api.post(path, { text: "Second of this chat" }));
    // Head and message; progress, usage of the day and entry.
    expect([billed.writes, rpcs["firestore.Commit"]]).toEqual([2 + 3, 2]);
    expect(await stateOf(body.number)).toMatchObject([
      { number: 1 },
      { number: 2, text: "Second of this chat" },
    ]);
  });

  test("edits and deletions, also when nobody has caught up with them yet", async () => {
    const chat = await newChat("An elephant at first", "A rhinoceros to be deleted");
    await system.settle();
    await ada.api.patch(`${chats}/${chat}/messages/1`, { text: "A hippopotamus now" });
    await ada.api.delete(`${chats}/${chat}/messages/2`);
    expect(await found("rhinoceros")).toEqual([]);
    expect(await found('"elephant"')).toEqual([]);
    await system.settle();
    expect(await found("hippopotamus")).toEqual(["A hippopotamus now"]);
    const [edited, deleted] = (await stateOf(chat)) as { text: string; g: object; m: object }[];
    expect(edited?.text).toBe("A hippopotamus now");
    expect(deleted).toMatchObject({ text: "", g: {}, d: {}, m: {}, tags: {}, sender: "" });
  });

  test("repeated, late and shuffled events change nothing", async () => {
    const chat = await newChat("One walnut", "Two walnuts", "Three walnuts");
    await ada.api.delete(`${chats}/${chat}/messages/2`);
    await system.settle();
    const before = await stateOf(chat);
    for (const revision of [3, 1, 5, 2, 4, 1]) {
      await system.deps.publisher.publish("chat-changes", { app: "demo", chat, revision });
    }
    await system.settle();
    expect(await stateOf(chat)).toEqual(before);
  });

  test("a deleted chat leaves no entry, whatever was under way", async () => {
    const chat = await newChat("Soon to be gone", "And this");
    await system.settle();
    await ada.api.patch(`${chats}/${chat}`, { tags: ["late"] });
    await ada.api.delete(`${chats}/${chat}`);
    await system.settle();
    await system.deps.tasks.enqueue({
      queue: "search-index",
      function: "index-messages",
      id: ["too-late", String(chat)],
      payload: { app: "demo", chat, cause: "too-late", after: 0 },
    });
    await system.settle();
    expect(await stateOf(chat)).toEqual([]);
  });

  test("messages from before there were entries, when something more is said in the chat", async () => {
    const chat = await newChat("An ancient ammonite", "A younger ammonite");
    await system.settle();
    const { firestore } = system.deps;
    for (const { ref } of (await entriesOf(chat).get()).docs) await ref.delete();
    const gone = FieldValue.delete();
    await firestore.doc(`apps/demo/chats/${chat}`).update({ facetsRevision: gone, isCrowd: gone });
    await firestore.doc(`apps/demo/chats/${chat}/progress/changes`).update({ searchFacetsRevision: gone });
    const another = await system.anotherInstance();
    expect((await another.as(ada).post(`${chats}/${chat}/messages`, { text: "Ammonites" })).status).toBe(201);
    await system.settle();
    await another[Symbol.asyncDispose]();
    expect(await found("ammonite", chat)).toHaveLength(3);
    expect(await stateOf(chat)).toHaveLength(3);
  });

  test.each(["before", "after"] as const)("whatever commit fails once %s it is applied", async (kind) => {
    const chat = await newChat("Steady");
    await system.settle();
    for (let skip = 0; skip < 6; skip += 1) {
      system.fault({ service: "firestore", method: "Commit", kind, code: "UNAVAILABLE", skip: skip * 2 });
    }
    const key = { "idempotency-key": `faults-${kind}` };
    const path = `${chats}/${chat}/messages`;
    while ((await ada.api.post(path, { text: "Through all that" }, key)).status !== 201);
    await ada.api.patch(`${chats}/${chat}`, { tags: ["storm"] });
    await system.settle();
    system.clearFaults();
    await system.settle();
    expect(await stateOf(chat)).toMatchObject([
      { number: 1, tags: { "#storm": true } },
      { number: 2, text: "Through all that", tags: { "#storm": true } },
    ]);
  });
});

test("messages of 32,000 characters of any kind are indexed and found, many at once", async () => {
  const random = seededRandom(9);
  const characters = (from: number, count: number, chars: number): string =>
    Array.from({ length: chars }, () => String.fromCodePoint(from + Math.floor(random() * count))).join("");
  const texts = [
    `${characters(0x4e00, 20_000, 31_990)}needle`,
    `${characters(0x1f300, 700, 15_000)} needle`,
    `${characters(0x13000, 1_000, 15_000)} needle`,
    `${characters(0x61, 26, 31_990)} needle`,
    `${Array.from({ length: 4_000 }, () => characters(0x61, 26, 6)).join(" ")} needle`,
  ];
  const chat = await newChat();
  await Promise.all(texts.map((text) => ada.api.post(`${chats}/${chat}/messages`, { text })));
  await system.settle();
  const entries = (await stateOf(chat)) as { g: object; d: object; wide?: true }[];
  expect(entries).toHaveLength(texts.length);
  for (const { g, d } of entries) {
    expect(Object.keys(g).length + Object.keys(d).length).toBeLessThanOrEqual(ENTRY_KEYS_MAX);
  }
  expect(entries.filter(({ wide }) => wide === true).length).toBeGreaterThan(0);
  expect(await found("needle", chat)).toHaveLength(texts.length);
  const piece = Array.from(texts[0] ?? "")
    .slice(20_000, 20_008)
    .join("");
  expect(await found(piece, chat)).toEqual([texts[0]]);
});

describe("the audit", () => {
  test("has lost events made good and wrong entries written anew, and finds nothing then", async () => {
    const right = await newChat("Right from the start");
    const wrong = await newChat("An entry that will be lost", "And one that will be old");
    await system.settle();
    const before = await stateOf(wrong);
    const [lost, old] = (await entriesOf(wrong).orderBy("revision").get()).docs;
    await lost?.ref.delete();
    await old?.ref.update({ revision: 1, text: "Something else", g: { x: true } });
    const failure = {
      service: "pubsub",
      method: "Publish",
      kind: "before",
      code: "PERMISSION_DENIED",
    } as const;
    system.fault({ ...failure, count: 10_000 });
    const unannounced = await newChat("Nobody was told of this meerkat");
    system.clearFaults();
    await system.settle();
    expect(await found("meerkat")).toEqual([]);
    system.suite.kernel.clock.advance(GRACE_MS + 1_000);
    await system.runSchedule("audit-search");
    await system.settle();
    expect(await found("meerkat")).toEqual(["Nobody was told of this meerkat"]);
    expect(await stateOf(wrong)).toEqual(before);
    expect(await stateOf(unannounced)).toHaveLength(1);
    expect(await stateOf(right)).toHaveLength(1);
    const audited = system.logs.filter(({ function: name }) => name === "audit-search").at(-1);
    expect(audited).toMatchObject({ behind: 1, wrong: 1 });
    // What was found is looked at again when it has changed.
    await system.deps.firestore.doc("system/auditSearch").delete();
    await system.runSchedule("audit-search");
    expect(system.logs.filter(({ function: name }) => name === "audit-search").at(-1)).toMatchObject({
      behind: 0,
      wrong: 0,
    });
  });
});

describe("a rebuild", () => {
  const path = "/v1/operator/apps/demo/search/rebuilds";

  test("writes every entry of an app anew while it is searched, and goes on where a task was cut short", async () => {
    const chat = await newChat("A capybara to be found", "And another capybara");
    await system.settle();
    const before = await stateOf(chat);
    // As an older version might have written them: found by what it knew.
    for (const { ref } of (await entriesOf(chat).get()).docs)
      await ref.update({ d: {}, tags: { old: true } });
    system.fault({
      service: "firestore",
      method: "Commit",
      kind: "before",
      code: "INTERNAL",
      skip: 2,
      count: 3,
    });
    const key = { "idempotency-key": "rebuild" };
    const { status, body } = await system.operator.post(path, undefined, key);
    expect([status, body.state]).toEqual([202, "running"]);
    expect(await found("capybara")).toHaveLength(2);
    expect((await system.operator.post(path, undefined, key)).body.id).toBe(body.id);
    await system.settle();
    system.clearFaults();
    const { body: done } = await system.operator.get(`${path}/${body.id}`);
    const messages = (await system.deps.firestore.collection("apps/demo/search").count().get()).data().count;
    expect(done).toMatchObject({ state: "completed", progress: { messages } });
    expect(await stateOf(chat)).toEqual(before);
  });

  test("is for the operator, of an app that there is", async () => {
    expect((await ada.api.post(path)).status).toBe(401);
    expect((await system.operator.post("/v1/operator/apps/nowhere/search/rebuilds")).status).toBe(404);
    expect((await system.operator.get(`${path}/${"a".repeat(26)}`)).status).toBe(404);
  });
});
