import { describe, expect, test } from "vitest";
import { QUOTE_CHARS_MAX } from "../../../shared/chat/contract.ts";
import { FORWARD_DEPTH_MAX } from "../../../shared/chat/log/compose-body.ts";
import {
  startChat,
  stayAtOneInstance,
  type TestChat,
  usePeople,
  useSystem,
} from "../../../shared/testing/use-system.ts";

const system = useSystem();
const [ada, bob] = usePeople(system, "ada@quotes.test", "bob@quotes.test");

const chats = "/v1/apps/demo/chats";
const chatWith = (...texts: string[]): Promise<TestChat> => startChat(ada.api, { members: [bob], texts });

describe("a reply", () => {
  test("quotes the beginning of what it replies to", async () => {
    const { path } = await chatWith("x".repeat(QUOTE_CHARS_MAX + 1));
    const { status, body } = await bob.api.post(`${path}/messages`, { text: "Agreed", replyTo: 1 });
    expect(status).toBe(201);
    expect(body).toMatchObject({ text: "Agreed", replyTo: 1 });
    expect(body.parts).toEqual([
      { type: "quote", message: 1, sender: { id: ada.id }, text: "x".repeat(QUOTE_CHARS_MAX) },
      { type: "text", text: "Agreed" },
    ]);
  });

  test("to what is not there, or was deleted, is refused", async () => {
    const { path } = await chatWith("Gone");
    await ada.api.delete(`${path}/messages/1`);
    for (const replyTo of [1, 2]) {
      const { status, body } = await bob.api.post(`${path}/messages`, { text: "To whom?", replyTo });
      expect([status, body.errors[0].path]).toEqual([400, "replyTo"]);
    }
  });

  test("says what the original says by now, and nothing once that is deleted", async () => {
    const { path } = await chatWith("Secret");
    await bob.api.post(`${path}/messages`, { text: "Hm", replyTo: 1 });
    const quoted = async (): Promise<string> => (await bob.api.get(`${path}/messages/2`)).body.parts[0].text;
    await ada.api.patch(`${path}/messages/1`, { text: "Public" });
    await system.settle();
    expect(await quoted()).toBe("Public");
    const { revision } = (await bob.api.get(path)).body;
    await ada.api.delete(`${path}/messages/1`);
    await system.settle();
    expect(await quoted()).toBe("");
    const { body } = await bob.api.get(`${path}/changes?since=${revision}`);
    expect(body.data.map(({ number }: { number: number }) => number)).toEqual([1, 2]);
    expect((await bob.api.get(`${path}/messages/2`)).body.text).toBe("Hm");
  });

  test("on its way while the original is deleted does not keep it alive", async () => {
    for (let round = 0; round < 4; round += 1) {
      const { number, path } = await chatWith("Secret");
      await Promise.all([
        bob.api.post(`${path}/messages`, { text: "Hm", replyTo: 1 }),
        ada.api.delete(`${path}/messages/1`),
      ]);
      await system.settle();
      const stored = await system.deps.firestore.collection(`apps/demo/chats/${number}/messages`).get();
      expect(JSON.stringify(stored.docs.map((document) => document.data()))).not.toContain("Secret");
    }
  });

  test("costs two reads and a write more than another message", async () => {
    stayAtOneInstance(system);
    const { path } = await chatWith("First");
    const cost = await system.meterRequest(() =>
      ada.api.post(`${path}/messages`, { text: "Second", replyTo: 1 }),
    );
    expect(cost.billed).toEqual({ reads: 2, writes: 3, deletes: 0 });
    const background = await system.meter(() => ada.api.patch(`${path}/messages/2`, { text: "2nd" }));
    expect(background.rpcs["firestore.Commit"]).toBe(2);
  });
});

describe("forwarding", () => {
  test("takes a message along, with who said it where and when", async () => {
    const source = await chatWith("Look at this");
    const target = await chatWith();
    const forwardOf = { chat: source.number, message: 1 };
    const { status, body } = await bob.api.post(`${target.path}/messages`, { forwardOf });
    expect(status).toBe(201);
    expect(body).toMatchObject({
      sender: { id: bob.id },
      text: "Look at this",
      forwardedFrom: { ...forwardOf, sender: { id: ada.id }, createdAt: expect.any(String) },
    });
    const commented = await bob.api.post(`${target.path}/messages`, { text: "See", forwardOf });
    expect(commented.body.text).toBe("See");
    expect(commented.body.parts.map(({ type, text }: Record<string, string>) => [type, text])).toEqual([
      ["forward", "Look at this"],
      ["text", "See"],
    ]);
    expect((await bob.api.get(target.path)).body.latest.text).toBe("See");
  });

  test("of what was forwarded names the first place", async () => {
    const source = await chatWith("Once");
    const target = await chatWith();
    await ada.api.post(`${target.path}/messages`, { forwardOf: { chat: source.number, message: 1 } });
    const again = await ada.api.post(`${source.path}/messages`, {
      forwardOf: { chat: target.number, message: 1 },
    });
    expect(again.body.forwardedFrom).toMatchObject({ chat: source.number, message: 1 });
  });

  test("of a commented forward keeps the original behind the comments, up to FORWARD_DEPTH_MAX", async () => {
    const chat = await chatWith("The original");
    const at = (message: number) => ({ chat: chat.number, message });
    for (let index = 1; index <= FORWARD_DEPTH_MAX + 1; index += 1) {
      await ada.api.post(`${chat.path}/messages`, { text: `Comment ${index}`, forwardOf: at(index) });
    }
    const { body } = await ada.api.post(`${chat.path}/messages`, { forwardOf: at(FORWARD_DEPTH_MAX + 2) });
    const texts = body.parts.map(({ text }: { text: string }) => text);
    expect(texts).toHaveLength(FORWARD_DEPTH_MAX);
    expect(texts[0]).toBe(`Comment ${FORWARD_DEPTH_MAX + 1}`);
    expect(texts.at(-1)).toBe("The original");
    expect(body.text).toBe(`Comment ${FORWARD_DEPTH_MAX + 1}`);
  });

  test("keeps what it forwards in search and in what it said before an edit", async () => {
    const chat = await chatWith("A pangolin in the garden");
    const forwardOf = { chat: chat.number, message: 1 };
    const { body: commented } = await ada.api.post(`${chat.path}/messages`, { text: "Look", forwardOf });
    const { body: bare } = await ada.api.post(`${chat.path}/messages`, { forwardOf });
    await system.settle();
    const search = async (q: string) =>
      (await ada.api.get(`/v1/apps/demo/search?q=${encodeURIComponent(q)}&chat=${chat.number}`)).body.data;
    const found = await search("pangolin");
    expect(found.map(({ message }: { message: { number: number } }) => message.number).sort()).toEqual([
      1, 2, 3,
    ]);
    const both = await search("look pangolin");
    expect(both).toMatchObject([
      { message: { number: commented.number }, highlights: [{ start: 0, end: 4 }] },
    ]);
    expect(both[0].snippet).toContain("pangolin");
    await ada.api.patch(`${chat.path}/messages/${bare.number}`, { text: "Mine now" });
    const { body: edits } = await ada.api.get(`${chat.path}/messages/${bare.number}/edits`);
    expect(edits.data.map(({ text }: { text: string }) => text)).toEqual([
      "A pangolin in the garden",
      "Mine now",
    ]);
  });

  test("is for those who can read the source, which looks the same to others as none", async () => {
    const eve = await system.signIn("eve@quotes.test");
    const { number } = await chatWith("Private");
    const { body: own } = await eve.api.post(chats, { kind: "group" });
    const answers = await Promise.all(
      [number, 999_999].map((chat) =>
        eve.api.post(`${chats}/${own.number}/messages`, { forwardOf: { chat, message: 1 } }),
      ),
    );
    expect(answers.map(({ status, body }) => [status, body.detail])).toEqual(
      answers.map(() => [400, "The message to forward does not exist."]),
    );
    expect((await eve.api.post(`${chats}/${own.number}/messages`, {})).status).toBe(400);
  });
});
