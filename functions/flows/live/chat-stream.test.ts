import { describe, expect, test } from "vitest";
import { upkeepId } from "../../../shared/platform/upkeep.ts";
import { EventStream } from "../../../shared/testing/event-stream.ts";
import { seededRandom } from "../../../shared/testing/seeded-random.ts";
import type { Person } from "../../../shared/testing/start-system.ts";
import {
  startChat,
  stayAtOneInstance,
  useInstance,
  usePeople,
  useSystem,
} from "../../../shared/testing/use-system.ts";

const system = useSystem();
const elsewhere = useInstance(system);
const [ada, bob] = usePeople(system, "ada@live.test", "bob@live.test");

const newChat = async (): Promise<string> => (await startChat(ada.api, { members: [bob] })).path;

const open = (
  chat: string,
  person: Person,
  headers?: Record<string, string>,
  base = system.url,
): Promise<EventStream> => EventStream.open(`${base}${chat}/events`, person, headers);

describe("a chat's stream", () => {
  test("tells what happens, in order, with the revision as id", async () => {
    const chat = await newChat();
    await using stream = await open(chat, bob);
    expect(stream.status).toBe(200);
    expect(stream.headers.get("content-type")).toBe("text/event-stream");
    expect(stream.headers.get("cache-control")).toBe("no-cache, no-transform");
    await ada.api.post(`${chat}/messages`, { text: "Hello" });
    await ada.api.patch(`${chat}/messages/1`, { text: "Hello!" });
    await ada.api.patch(chat, { title: "Greetings" });
    await ada.api.delete(`${chat}/messages/1`);
    const events = await stream.until((all) => all.some(({ id }) => id === 6));
    expect(events.map(({ id }) => id)).toEqual(events.map(({ id }) => id).sort((a, b) => a - b));
    expect(events[0]).toMatchObject({ event: "message.created", data: { message: { number: 1 } } });
    expect(events.at(-1)).toMatchObject({
      id: 6,
      event: "message.changed",
      data: { message: { status: "deleted" } },
    });
    expect(events.find(({ event }) => event === "chat.changed")).toMatchObject({
      id: 4,
      data: { title: "Greetings" },
    });
  });

  test("tells what a model is told in the chat, and that it was taken back", async () => {
    const { path: chat } = await startChat(bob.api, { kind: "assistant" });
    await using stream = await open(chat, bob, {}, elsewhere.url);
    const told = { model: "emulated-small", instructions: "Be kind.", temperature: 0.5 };
    await bob.api.patch(chat, { ...told, title: "Kindness" });
    await stream.until((all) => all.some(({ data }) => data.title === "Kindness"));
    await bob.api.patch(chat, { model: null, instructions: null, temperature: null, title: "" });
    const events = await stream.until((all) => all.some(({ data }) => data.title === ""));
    const settings = events.filter(({ event }) => event === "chat.changed").map(({ data }) => data);
    expect(settings[0]).toMatchObject({ ...told, titleBy: "person" });
    expect(settings.at(-1)).toMatchObject({
      model: null,
      instructions: null,
      temperature: null,
      titleBy: null,
    });
  });

  test("resumes on another instance after the last id, without loss or repeat", async () => {
    const chat = await newChat();
    await ada.api.post(`${chat}/messages`, { text: "one" });
    await ada.api.post(`${chat}/messages`, { text: "two" });
    await ada.api.patch(chat, { title: "Meanwhile" });
    await ada.api.post(`${chat}/messages`, { text: "three" });
    await using stream = await open(chat, bob, { "last-event-id": "2" }, elsewhere.url);
    const events = await stream.until((all) => all.length === 4);
    expect(events.map(({ id, event }) => [id, event])).toEqual([
      [3, "message.created"],
      [4, "chat.changed"],
      [5, "message.created"],
      [6, "message.created"],
    ]);
  });

  test("a hundred streams of one chat are one listener, and a change is read once for all", async () => {
    stayAtOneInstance(system);
    const chat = await newChat();
    await ada.api.post(`${chat}/messages`, { text: "Makes the head known" });
    const streams = await Promise.all(Array.from({ length: 100 }, () => open(chat, bob, {}, elsewhere.url)));
    // What an instance does for its listeners is counted as upkeep, not to any request.
    const upkeep = () => system.suite.kernel.meter.read({ requestId: upkeepId(system.project) }).rpcs;
    await system.settle();
    const before = upkeep();
    await ada.api.post(`${chat}/messages`, { text: "To all" });
    await Promise.all(streams.map((stream) => stream.until((all) => all.length === 1)));
    const after = upkeep();
    expect((after["firestore.RunQuery"] ?? 0) - (before["firestore.RunQuery"] ?? 0)).toBe(1);
    expect(after["firestore.Listen"]).toBe(before["firestore.Listen"]);
    await Promise.all(streams.map((stream) => stream[Symbol.asyncDispose]()));
  });

  test("ends for a person who is removed, and is refused to strangers", async () => {
    const chat = await newChat();
    const eve = await system.signIn("eve@live.test");
    expect((await open(chat, eve)).status).toBe(404);
    await using stream = await open(chat, bob);
    await ada.api.delete(`${chat}/members/${bob.id}`);
    await stream.ended;
    expect(stream.events.map(({ event }) => event)).toEqual(["reconnect"]);
    expect((await open(chat, bob)).status).toBe(404);
  });

  test(
    "readers that drop off at random and resume anywhere see every change once (seed 11)",
    {
      timeout: 60_000,
    },
    async () => {
      const random = seededRandom(11);
      const chat = await newChat();
      const MESSAGES = 60;
      const seen: number[] = [];
      const reading = (async () => {
        let last = 1;
        while (last < MESSAGES + 1) {
          const base = random() < 0.5 ? system.url : elsewhere.url;
          await using stream = await open(chat, bob, { "last-event-id": String(last) }, base);
          const enough = 1 + Math.floor(random() * 8);
          const events = await stream.until(
            (all) => all.length >= enough || all.some(({ id }) => id === MESSAGES + 1),
          );
          const got = [...events];
          for (const { id, data } of got) seen.push(data.message.number * 1_000 + id);
          last = got.at(-1)?.id ?? last;
        }
      })();
      for (let index = 0; index < MESSAGES; index += 1) {
        const api = random() < 0.5 ? ada.api : elsewhere.as(ada);
        await api.post(`${chat}/messages`, { text: `${index}` });
      }
      await reading;
      expect(seen).toEqual(Array.from({ length: MESSAGES }, (_, index) => (index + 1) * 1_000 + index + 2));
    },
  );
});
