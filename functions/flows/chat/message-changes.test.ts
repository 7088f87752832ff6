import { describe, expect, test } from "vitest";
import { EDITS_MAX, type Message, REACTIONS_MAX } from "../../../shared/chat/contract.ts";
import { startChat, usePeople, useSystem } from "../../../shared/testing/use-system.ts";

/**
 * Edits, deletions and reactions share their rules of who may and what is kept, so they are tested side by
 * side.
 */

const system = useSystem();
const [ada, bob, eve] = usePeople(system, "ada@changes.test", "bob@changes.test", "eve@changes.test");

const chats = "/v1/apps/demo/chats";
const chatWith = async (...texts: string[]): Promise<string> =>
  (await startChat(ada.api, { members: [bob], texts })).path;

describe("editing", () => {
  test("ends after EDITS_MAX edits, which all go with the message", async () => {
    const chat = await chatWith("Often edited");
    for (const text of ["Once", "Twice"]) await ada.api.patch(`${chat}/messages/1`, { text });
    const messages = system.deps.firestore.collection(`apps/demo/chats/${chat.split("/").at(-1)}/messages`);
    const [stored] = (await messages.get()).docs;
    expect(stored?.get("edits")).toBe(2);
    await stored?.ref.update({ edits: EDITS_MAX - 1 });
    expect((await ada.api.patch(`${chat}/messages/1`, { text: "The last time" })).status).toBe(200);
    const refused = await ada.api.patch(`${chat}/messages/1`, { text: "Once too often" });
    expect([refused.status, refused.body.detail]).toEqual([409, expect.stringContaining(String(EDITS_MAX))]);
    const { revision } = (await ada.api.get(chat)).body;
    expect((await ada.api.get(`${chat}/messages/1`)).body).toMatchObject({ text: "The last time", revision });
    expect((await ada.api.delete(`${chat}/messages/1`)).status).toBe(204);
    expect((await stored?.ref.collection("edits").get())?.size).toBe(0);
  });

  test("replaces the text, moves the revision and keeps what it said", async () => {
    const chat = await chatWith("Frist", "Second");
    const edited = await ada.api.patch(`${chat}/messages/1`, { text: "First" });
    expect(edited.body).toMatchObject({
      number: 1,
      text: "First",
      revision: 4,
      editedAt: expect.any(String),
    });
    await ada.api.patch(`${chat}/messages/1`, { text: "The first" });
    expect((await bob.api.get(`${chat}/messages/1`)).body).toMatchObject({ text: "The first", revision: 5 });
    const { body } = await bob.api.get(`${chat}/messages/1/edits`);
    expect(body.data.map(({ text }: { text: string }) => text)).toEqual(["Frist", "First", "The first"]);
    expect((await bob.api.get(`${chat}/messages/2/edits`)).body.data).toEqual([]);
  });

  test("the list of chats shows the edited text of its latest message", async () => {
    const chat = await chatWith("Old");
    await ada.api.patch(`${chat}/messages/1`, { text: "New" });
    expect((await bob.api.get(chat)).body.latest).toMatchObject({ number: 1, text: "New" });
  });

  test("is for the sender only, and for messages that there are", async () => {
    const chat = await chatWith("Mine");
    expect((await bob.api.patch(`${chat}/messages/1`, { text: "Yours" })).status).toBe(403);
    expect((await ada.api.patch(`${chat}/messages/2`, { text: "None" })).status).toBe(404);
    expect((await ada.api.patch(`${chat}/messages/1`, { text: "" })).status).toBe(400);
    expect((await ada.api.get(chat)).body.revision).toBe(2);
  });

  test("a repeated edit with the same key is one edit", async () => {
    const chat = await chatWith("Once");
    const key = { "idempotency-key": "edit-1" };
    const first = await ada.api.patch(`${chat}/messages/1`, { text: "Twice" }, key);
    const again = await ada.api.patch(`${chat}/messages/1`, { text: "Twice" }, key);
    expect(again.body).toEqual(first.body);
    expect((await ada.api.patch(`${chat}/messages/1`, { text: "Other" }, key)).status).toBe(422);
    expect((await ada.api.get(`${chat}/messages/1/edits`)).body.data).toHaveLength(2);
  });

  test("an edit to the same words changes nothing", async () => {
    const chat = await chatWith("Same");
    const before = (await ada.api.get(`${chat}/messages/1`)).body;
    const { status, body } = await ada.api.patch(`${chat}/messages/1`, { text: "Same" });
    expect(status).toBe(200);
    expect(body).toEqual(before);
    expect((await ada.api.get(`${chat}/messages/1/edits`)).body.data).toEqual([]);
    expect((await ada.api.get(chat)).body.revision).toBe(2);
  });

  test("with If-Match is refused when another device was faster", async () => {
    const chat = await chatWith("Both");
    const { headers } = await ada.api.get(`${chat}/messages/1`);
    const etag = headers.get("etag") ?? "";
    expect((await ada.api.get(`${chat}/messages/1`, { "if-none-match": etag })).status).toBe(304);
    const condition = { "if-match": etag };
    const first = await ada.api.patch(`${chat}/messages/1`, { text: "Phone" }, condition);
    expect(first.status).toBe(200);
    expect((await ada.api.patch(`${chat}/messages/1`, { text: "Laptop" }, condition)).status).toBe(412);
    expect((await ada.api.delete(`${chat}/messages/1`, condition)).status).toBe(412);
    const now = { "if-match": first.headers.get("etag") ?? "" };
    expect((await ada.api.patch(`${chat}/messages/1`, { text: "Laptop" }, now)).status).toBe(200);
    expect((await ada.api.delete(`${chat}/messages/1`, { "if-match": "*" })).status).toBe(204);
  });

  test.each(["   ", "\u200b", "\u3164", "\u2800", "\u00ad\u2060", "\n\t"])(
    "%j shows nothing and is refused",
    async (text) => {
      const chat = await chatWith("Seen");
      expect((await ada.api.patch(`${chat}/messages/1`, { text })).status).toBe(400);
      expect((await ada.api.post(`${chat}/messages`, { text })).status).toBe(400);
      expect((await ada.api.patch(chat, { title: text })).status).toBe(400);
    },
  );

  test("edits at once are all kept, in some order, and the last one stands", async () => {
    const chat = await chatWith("0");
    const texts = ["1", "2", "3", "4", "5", "6"];
    const answers = await Promise.all(texts.map((text) => ada.api.patch(`${chat}/messages/1`, { text })));
    expect(answers.map(({ status }) => status)).toEqual(texts.map(() => 200));
    const { body } = await ada.api.get(`${chat}/messages/1/edits`);
    const kept: string[] = body.data.map(({ text }: { text: string }) => text);
    expect([...kept].sort()).toEqual(["0", ...texts]);
    expect((await ada.api.get(`${chat}/messages/1`)).body.text).toBe(kept.at(-1));
  });
});

describe("deleting a message", () => {
  test("leaves its number and nothing that it said, edits included", async () => {
    const chat = await chatWith("Secret", "Public");
    await ada.api.patch(`${chat}/messages/1`, { text: "More secret" });
    await bob.api.put(`${chat}/messages/1/reactions/${encodeURIComponent("👍")}`);
    expect((await ada.api.delete(`${chat}/messages/1`)).status).toBe(204);
    const { body } = await bob.api.get(`${chat}/messages/1`);
    expect(body).toMatchObject({ number: 1, status: "deleted", text: "", parts: [], reactions: {} });
    expect(body.editedAt).toBeUndefined();
    expect((await bob.api.get(`${chat}/messages/1/edits`)).body.data).toEqual([]);
    expect((await bob.api.get(`${chat}/messages`)).body.data).toHaveLength(2);
    const stored = await system.deps.firestore
      .collection(`apps/demo${chat.slice("/v1/apps/demo".length)}/messages`)
      .get();
    expect(JSON.stringify(stored.docs.map((document) => document.data()))).not.toMatch(/secret/i);
  });

  test("again changes nothing, and a deleted message takes no change", async () => {
    const chat = await chatWith("Gone");
    await ada.api.delete(`${chat}/messages/1`);
    const { revision } = (await ada.api.get(chat)).body;
    expect((await ada.api.delete(`${chat}/messages/1`)).status).toBe(204);
    expect((await ada.api.patch(`${chat}/messages/1`, { text: "Back" })).status).toBe(409);
    expect((await ada.api.put(`${chat}/messages/1/reactions/${encodeURIComponent("👍")}`)).status).toBe(409);
    expect((await ada.api.get(chat)).body.revision).toBe(revision);
  });

  test("is for the sender and those who administer", async () => {
    const chat = await chatWith("Mine", "Mine too");
    expect((await bob.api.delete(`${chat}/messages/1`)).status).toBe(403);
    expect((await system.operator.delete(`${chat}/messages/1`)).status).toBe(204);
  });

  test("no edit that races with it brings the text back", async () => {
    for (let round = 0; round < 5; round += 1) {
      const chat = await chatWith("Secret");
      await Promise.all([
        ada.api.patch(`${chat}/messages/1`, { text: "Still secret" }),
        ada.api.delete(`${chat}/messages/1`),
      ]);
      expect((await ada.api.get(`${chat}/messages/1`)).body).toMatchObject({ status: "deleted", text: "" });
      expect((await ada.api.get(`${chat}/messages/1/edits`)).body.data).toEqual([]);
    }
  });
});

describe("reactions", () => {
  const at = (chat: string, emoji: string): string =>
    `${chat}/messages/1/reactions/${encodeURIComponent(emoji)}`;

  test("one of each emoji for each person, added and taken back", async () => {
    const chat = await chatWith("Nice");
    await ada.api.put(at(chat, "👍"));
    await bob.api.put(at(chat, "👍"));
    const { body } = await bob.api.put(at(chat, "🏳️‍🌈"));
    expect(body.reactions).toEqual({ "👍": [ada.id, bob.id], "🏳️‍🌈": [bob.id] });
    await bob.api.delete(at(chat, "🏳️‍🌈"));
    const after = await ada.api.delete(at(chat, "👍"));
    expect(after.body.reactions).toEqual({ "👍": [bob.id] });
  });

  test("doing it again moves nothing", async () => {
    const chat = await chatWith("Nice");
    await ada.api.put(at(chat, "👍"));
    const { revision } = (await ada.api.get(chat)).body;
    await ada.api.put(at(chat, "👍"));
    await ada.api.delete(at(chat, "👎"));
    expect((await ada.api.get(chat)).body.revision).toBe(revision);
  });

  test("several people at once do not undo each other", async () => {
    const chat = await chatWith("Nice");
    await Promise.all(
      ["👍", "👎", "🎉", "❤️"].flatMap((emoji) => [
        ada.api.put(at(chat, emoji)),
        bob.api.put(at(chat, emoji)),
      ]),
    );
    const { body } = await ada.api.get(`${chat}/messages/1`);
    for (const people of Object.values(body.reactions as Record<string, string[]>)) {
      expect([...people].sort()).toEqual([ada.id, bob.id].sort());
    }
    expect(Object.keys(body.reactions)).toHaveLength(4);
  });

  test.each([
    ["👍", ["👍", "👍\ufe0f", "👍\ufe0e"]],
    ["❤\ufe0f", ["❤", "❤\ufe0f", "❤\ufe0e"]],
    ["❤\ufe0f\u200d🔥", ["❤\u200d🔥", "❤\ufe0f\u200d🔥"]],
    ["🏳\ufe0f\u200d🌈", ["🏳\u200d🌈", "🏳\ufe0f\u200d🌈"]],
    ["#\ufe0f\u20e3", ["#\u20e3", "#\ufe0f\u20e3"]],
    ["☝🏽", ["☝🏽", "☝\ufe0f🏽"]],
    ["🕵🏿\u200d♀\ufe0f", ["🕵🏿\u200d♀"]],
  ])("%s is one emoji in whichever form it comes", async (canonical, forms) => {
    const chat = await chatWith("React");
    for (const form of forms) {
      const { body } = await ada.api.put(at(chat, form));
      expect(body.reactions).toEqual({ [canonical]: [ada.id] });
    }
    const { body } = await ada.api.delete(at(chat, forms.at(-1) ?? ""));
    expect(body.reactions).toEqual({});
  });

  test("those stored in other forms by older versions count once and go together", async () => {
    const chat = await chatWith("Old");
    const found = await system.deps.firestore
      .collection(`apps/demo/chats/${chat.split("/").at(-1)}/messages`)
      .get();
    await found.docs[0]?.ref.update({
      reactions: { "❤": [ada.id, bob.id], "❤\ufe0f": [ada.id], "👍\ufe0f": [] },
    });
    const { body } = await ada.api.get(`${chat}/messages/1`);
    expect(body.reactions).toEqual({ "❤\ufe0f": [ada.id, bob.id] });
    await ada.api.delete(at(chat, "❤"));
    expect((await ada.api.get(`${chat}/messages/1`)).body.reactions).toEqual({ "❤\ufe0f": [bob.id] });
    await bob.api.delete(at(chat, "❤"));
    expect((await ada.api.get(`${chat}/messages/1`)).body.reactions).toEqual({});
  });

  test("what once stood does not count against the limit", async () => {
    const chat = await chatWith("Full");
    const faces = Array.from({ length: REACTIONS_MAX }, (_, index) => String.fromCodePoint(0x1f600 + index));
    for (const face of faces) {
      expect((await ada.api.put(at(chat, face))).status).toBe(200);
    }
    expect((await bob.api.put(at(chat, "👍"))).status).toBe(400);
    for (const face of faces) await ada.api.delete(at(chat, face));
    expect((await bob.api.put(at(chat, "👍"))).status).toBe(200);
  });

  test.each(["👍\u200d", "👍\ufe0f\u200d", "\ufe0f", "\u200d", "1", "1\ufe0f", "©a", "👨👩", "🏽🏽"])(
    "%j is no emoji but has stray marks",
    async (text) => {
      const chat = await chatWith("Stray");
      expect((await ada.api.put(at(chat, text))).status).toBe(404);
    },
  );

  test.each(["a", "👍👍", " ", "__proto__", "."])("%j is no emoji", async (emoji) => {
    const chat = await chatWith("Nice");
    expect((await ada.api.put(at(chat, emoji))).status).toBe(404);
  });

  test("cost 1 commit and 2 writes", async () => {
    const chat = await chatWith("Nice");
    const cost = await system.meterRequest(() => ada.api.put(at(chat, "👍")));
    expect(cost.rpcs["firestore.Commit"]).toBe(1);
    expect(cost.billed).toEqual({ reads: 2, writes: 2, deletes: 0 });
  });
});

describe("changes", () => {
  test("bring a device up to date, deletions included, in pages", async () => {
    const chat = await chatWith("one", "two", "three", "four");
    const { body: start } = await bob.api.get(`${chat}/changes`);
    expect(start).toMatchObject({ revision: 5, hasMore: false });
    await ada.api.patch(`${chat}/messages/2`, { text: "TWO" });
    await ada.api.delete(`${chat}/messages/3`);
    await ada.api.post(`${chat}/messages`, { text: "five" });
    await ada.api.patch(chat, { title: "Renamed" });
    const known = new Map<number, Message>(start.data.map((message: Message) => [message.number, message]));
    let since = start.revision;
    for (let hasMore = true; hasMore;) {
      const { body } = await bob.api.get(`${chat}/changes?since=${since}&limit=2`);
      for (const message of body.data) known.set(message.number, message);
      ({ hasMore, revision: since } = body);
    }
    expect(since).toBe((await bob.api.get(chat)).body.revision);
    const { body: page } = await bob.api.get(`${chat}/messages?after=0`);
    expect([...known.values()].sort((a, b) => a.number - b.number)).toEqual(page.data);
  });

  test("nothing new costs one read", async () => {
    const chat = await chatWith("one");
    const cost = await system.meterRequest(() => bob.api.get(`${chat}/changes?since=2`));
    expect(cost.billed).toEqual({ reads: 1, writes: 0, deletes: 0 });
  });
});

describe("members", () => {
  test("a member added reads the whole chat; one removed is refused at once", async () => {
    const chat = await chatWith("Before you came");
    expect((await eve.api.get(chat)).status).toBe(404);
    const { status, body } = await bob.api.put(`${chat}/members/${eve.id}`);
    expect([status, body.members]).toEqual([200, [ada.id, bob.id, eve.id]]);
    expect((await eve.api.get(`${chat}/messages`)).body.data).toMatchObject([
      { role: "system", event: { type: "joined", user: eve.id }, sender: { id: bob.id }, text: "" },
      { text: "Before you came" },
    ]);
    expect((await eve.api.post(`${chat}/messages`, { text: "Hello" })).status).toBe(201);
    expect((await ada.api.delete(`${chat}/members/${eve.id}`)).status).toBe(204);
    expect((await eve.api.get(`${chat}/messages`)).status).toBe(404);
    expect((await eve.api.post(`${chat}/messages`, { text: "Still here?" })).status).toBe(404);
    expect((await eve.api.get(chats)).body.data).toEqual([]);
  });

  test("adding again and removing nobody change nothing; others remove only with right", async () => {
    const chat = await chatWith();
    const { revision } = (await ada.api.get(chat)).body;
    expect((await ada.api.put(`${chat}/members/${bob.id}`)).status).toBe(200);
    expect((await ada.api.delete(`${chat}/members/${eve.id}`)).status).toBe(204);
    expect((await ada.api.get(chat)).body.revision).toBe(revision);
    expect((await bob.api.delete(`${chat}/members/${ada.id}`)).status).toBe(403);
    expect((await bob.api.delete(`${chat}/members/${bob.id}`)).status).toBe(204);
    expect((await bob.api.get(chat)).status).toBe(404);
  });

  test("strangers are not found, and other kinds keep their members", async () => {
    const chat = await chatWith();
    expect((await ada.api.put(`${chat}/members/nobody`)).status).toBe(404);
    const { body: direct } = await ada.api.post(chats, { kind: "direct", members: [bob.id] });
    expect((await ada.api.put(`${chats}/${direct.number}/members/${eve.id}`)).status).toBe(409);
    expect((await ada.api.delete(`${chats}/${direct.number}/members/${ada.id}`)).status).toBe(409);
  });
});

test("reads say how far each member has come", async () => {
  const chat = await chatWith("one", "two", "three");
  await bob.api.put(`${chat}/read`, { number: 2, delivered: 3 });
  const { body } = await ada.api.get(`${chat}/reads`);
  expect(body.data).toEqual([
    { user: ada.id, number: 3, delivered: 3 },
    { user: bob.id, number: 2, delivered: 3 },
  ]);
});

test("a change to what already is moves nothing", async () => {
  const chat = await chatWith();
  const first = await ada.api.patch(chat, { title: "Same", tags: ["a"] });
  const again = await ada.api.patch(chat, { title: "Same", tags: ["a"] });
  expect(again.body).toEqual(first.body);
});
