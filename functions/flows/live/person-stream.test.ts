import { describe, expect, test } from "vitest";
import { TICKET_TTL_SECONDS } from "../../../shared/identity/ticket.ts";
import { ONLINE_MS } from "../../../shared/live/presence.ts";
import { EventStream, type SseEvent } from "../../../shared/testing/event-stream.ts";
import { seededRandom } from "../../../shared/testing/seeded-random.ts";
import type { Person } from "../../../shared/testing/start-system.ts";
import {
  startChat,
  stayAtOneInstance,
  type TestChat,
  useInstance,
  usePeople,
  useSystem,
} from "../../../shared/testing/use-system.ts";

const system = useSystem();
const elsewhere = useInstance(system);
const [ada, bob] = usePeople(system, "ada@person.test", "bob@person.test");

const app = "/v1/apps/demo";
const newChat = (...members: Person[]): Promise<TestChat> => startChat(ada.api, { members });
const open = (person: Person, lastId?: string, base = system.url): Promise<EventStream> =>
  EventStream.open(`${base}${app}/events`, person, lastId === undefined ? {} : { "last-event-id": lastId });
const lasting = (events: readonly SseEvent[]): SseEvent[] =>
  events.filter(({ lastEventId }) => lastEventId !== undefined);

describe("a person's stream", () => {
  test("tells what happens in all their chats, and in no other", async () => {
    const first = await newChat(bob);
    const second = await newChat(bob);
    const foreign = await newChat();
    await using stream = await open(bob);
    await ada.api.post(`${first.path}/messages`, { text: "one" });
    await ada.api.post(`${foreign.path}/messages`, { text: "none of yours" });
    await ada.api.post(`${second.path}/messages`, { text: "two" });
    await ada.api.patch(`${first.path}/messages/1`, { text: "one!" });
    await ada.api.patch(second.path, { title: "Renamed" });
    const third = await newChat(bob);
    await stream.until((all) => all.some(({ data }) => data.chat === third.number));
    await stream.until((all) => all.some(({ data }) => data.title === "Renamed"));
    const told = stream.events.map(({ event, data }) => [event, data.chat, data.message?.text ?? data.title]);
    expect(told).toContainEqual(["message.created", first.number, "one"]);
    expect(told).toContainEqual(["message.created", second.number, "two"]);
    expect(told).toContainEqual(["chat.changed", second.number, "Renamed"]);
    expect(told.filter(([, chat]) => chat === foreign.number)).toEqual([]);
  });

  test("tells when one is taken out of a chat, or it is deleted", async () => {
    const left = await newChat(bob);
    const deleted = await newChat(bob);
    await using stream = await open(bob);
    await ada.api.delete(`${left.path}/members/${bob.id}`);
    await ada.api.delete(deleted.path);
    await stream.until((all) => all.filter(({ data }) => data.removed === true).length === 2);
    await ada.api.post(`${left.path}/messages`, { text: "Behind your back" });
    expect(stream.events.map(({ data }) => data.chat)).toEqual([left.number, deleted.number]);
  });

  test("does not tell of having been taken out to who is back when they resume", async () => {
    const carol = await system.signIn("carol@person.test");
    const chat = await newChat(carol);
    const other = await newChat(carol);
    const stream = await open(carol);
    await stream.reached;
    await ada.api.post(`${other.path}/messages`, { text: "Where I am" });
    await stream.until((all) => all.some(({ data }) => data.chat === other.number));
    const { lastEventId } = stream;
    await stream[Symbol.asyncDispose]();
    for (const path of [chat.path, other.path]) await ada.api.delete(`${path}/members/${carol.id}`);
    await ada.api.put(`${chat.path}/members/${carol.id}`);
    await ada.api.post(`${chat.path}/messages`, { text: "Back again" });
    await using resumed = await open(carol, lastEventId, elsewhere.url);
    await resumed.until((all) => all.some(({ data }) => data.message?.text === "Back again"));
    await resumed.until((all) => all.some(({ data }) => data.removed === true));
    const gone = resumed.events.filter(({ data }) => data.removed === true);
    expect(gone.map(({ data }) => data.chat)).toEqual([other.number]);
  });

  test("tells answers as they are made, on any instance, to the stored text", async () => {
    const { body } = await bob.api.post(`${app}/chats`, { kind: "assistant", title: "Questions" });
    const path = `${app}/chats/${body.number}`;
    system.suite.model.change({ firstTokenMs: 5, tokensPerSecond: 200 });
    await using before = await open(bob, undefined, elsewhere.url);
    await bob.api.post(`${path}/messages`, { text: "Write 60 words about canals" });
    await before.until((all) => all.some(({ event }) => event === "answer.delta"));
    await using during = await open(bob);
    for (const stream of [before, during]) {
      await stream.until((all) => all.some(({ event }) => event === "answer.done"));
      const deltas = stream.events.filter(({ event }) => event === "answer.delta");
      expect(deltas.every(({ data }) => data.chat === body.number && data.message === 2)).toBe(true);
      const stored = (await bob.api.get(`${path}/messages/2`)).body;
      expect(deltas.map(({ data }) => data.text).join("")).toBe(stored.text);
    }
    system.suite.model.reset();
  });

  test("of several tabs is one listener", async () => {
    stayAtOneInstance(system);
    const chat = await newChat(bob);
    const before = system.suite.kernel.meter.read({ project: system.project }).rpcs["firestore.Listen"] ?? 0;
    const streams = await Promise.all(Array.from({ length: 20 }, () => open(bob)));
    await ada.api.post(`${chat.path}/messages`, { text: "To all tabs" });
    await Promise.all(
      streams.map((stream) => stream.until((all) => all.some(({ data }) => data.chat === chat.number))),
    );
    const after = system.suite.kernel.meter.read({ project: system.project }).rpcs["firestore.Listen"] ?? 0;
    expect(after - before).toBeLessThanOrEqual(1);
    await Promise.all(streams.map((stream) => stream[Symbol.asyncDispose]()));
  });

  test(
    "dropped at random and resumed anywhere tells every change once (seed 7)",
    {
      timeout: 60_000,
    },
    async () => {
      const random = seededRandom(7);
      const chats = await Promise.all([newChat(bob), newChat(bob), newChat(bob)]);
      const start = await open(bob);
      await start.reached;
      let last = start.lastEventId;
      await start[Symbol.asyncDispose]();
      const MESSAGES = 60;
      const seen: string[] = [];
      // That the chats have begun may be told too.
      const messages = (all: readonly SseEvent[]) => lasting(all).filter(({ data }) => data.message);
      const reading = (async () => {
        while (seen.length < MESSAGES) {
          await using stream = await open(bob, last, random() < 0.5 ? system.url : elsewhere.url);
          const enough = 1 + Math.floor(random() * 8);
          await stream.until((all) => {
            const count = messages(all).length;
            return count >= enough || seen.length + count >= MESSAGES;
          });
          const got = messages(stream.events);
          for (const { data } of got) seen.push(data.message.text);
          last = got.at(-1)?.lastEventId ?? stream.lastEventId ?? last;
        }
      })();
      for (let index = 0; index < MESSAGES; index += 1) {
        const api = random() < 0.5 ? ada.api : elsewhere.as(ada);
        const chat = chats[Math.floor(random() * chats.length)];
        await api.post(`${chat?.path}/messages`, { text: `${index}` });
      }
      await reading;
      const expected = Array.from({ length: MESSAGES }, (_, index) => `${index}`);
      expect([...seen].sort()).toEqual(expected.sort());
    },
  );
});

describe("signals", () => {
  test("tell of typing and of how far others have read, and move no revision", async () => {
    const chat = await newChat(bob);
    await ada.api.post(`${chat.path}/messages`, { text: "Read me" });
    await using inChat = await EventStream.open(`${system.url}${chat.path}/events`, ada);
    await using ofPerson = await open(ada, undefined, elsewhere.url);
    expect((await bob.api.post(`${chat.path}/typing`)).status).toBe(204);
    await bob.api.put(`${chat.path}/read`, { delivered: 1 });
    await bob.api.put(`${chat.path}/read`, { number: 1 });
    for (const stream of [inChat, ofPerson]) {
      await stream.until((all) => all.some(({ event, data }) => event === "read" && data.number === 1));
      const told = stream.events.filter(({ event }) => event !== "presence");
      expect(told.map(({ event, data }) => [event, data.user, data.number, data.delivered])).toEqual([
        ["typing", bob.id, undefined, undefined],
        ["read", bob.id, 0, 1],
        ["read", bob.id, 1, 1],
      ]);
      expect(told.map(({ lastEventId }) => lastEventId)).toEqual([undefined, undefined, undefined]);
    }
    expect((await ada.api.get(chat.path)).body.revision).toBe(2);
  });

  test("of typing end with the message, and when it is taken back, in every stream", async () => {
    const chat = await newChat(bob);
    await using inChat = await EventStream.open(`${system.url}${chat.path}/events`, ada);
    await using ofPerson = await open(ada, undefined, elsewhere.url);
    const streams = [inChat, ofPerson];
    const typingIn = (events: readonly SseEvent[]) =>
      events
        .filter(({ event }) => event === "typing")
        .map(({ data }) => Date.parse(data.until) > system.suite.kernel.clock.now());
    const toldTyping = async (expected: readonly boolean[]): Promise<void> => {
      for (const stream of streams) {
        await stream.until((all) => typingIn(all).length >= expected.length);
        expect(typingIn(stream.events)).toEqual(expected);
      }
    };
    await bob.api.post(`${chat.path}/typing`);
    await toldTyping([true]);
    await bob.api.post(`${chat.path}/messages`, { text: "Done" });
    await toldTyping([true, false]);
    expect((await bob.api.post(`${chat.path}/typing`)).status).toBe(204);
    await toldTyping([true, false, true]);
    // What others write ends nobody's typing.
    await ada.api.post(`${chat.path}/messages`, { text: "Take your time" });
    expect((await bob.api.delete(`${chat.path}/typing`)).status).toBe(204);
    await toldTyping([true, false, true, false]);
    await bob.api.post(`${chat.path}/typing`);
    await toldTyping([true, false, true, false, true]);
    await bob.api.post(`${chat.path}/messages`, { text: "And more" });
    await using late = await EventStream.open(`${system.url}${chat.path}/events?after=0`, ada);
    await late.until((all) => all.some(({ data }) => data.message?.text === "And more"));
    await late.reached;
    expect(typingIn(late.events).filter(Boolean)).toEqual([]);
  });

  test("that still hold are told to whoever comes later", async () => {
    const chat = await newChat(bob);
    await ada.api.post(`${chat.path}/messages`, { text: "Read me" });
    await bob.api.put(`${chat.path}/read`, { number: 1 });
    await bob.api.post(`${chat.path}/typing`);
    await using stream = await EventStream.open(`${system.url}${chat.path}/events`, ada);
    await stream.until((all) => all.length >= 2);
    expect(stream.events.map(({ event }) => event)).toEqual(["read", "typing"]);
  });

  test("cost one write for typing, two for a mark, and a read of the head", async () => {
    const chat = await newChat(bob);
    await ada.api.post(`${chat.path}/messages`, { text: "1" });
    const typing = await system.meterRequest(() => bob.api.post(`${chat.path}/typing`));
    expect(typing.billed).toEqual({ reads: 1, writes: 1, deletes: 0 });
    const read = await system.meterRequest(() => bob.api.put(`${chat.path}/read`, { number: 1 }));
    expect(read.billed).toEqual({ reads: 1, writes: 2, deletes: 0 });
    expect([typing.publishes, read.publishes]).toEqual([0, 0]);
  });

  test("are for members, and of messages that there are", async () => {
    const chat = await newChat();
    expect((await bob.api.post(`${chat.path}/typing`)).status).toBe(404);
    expect((await ada.api.put(`${chat.path}/read`, { number: 1 })).status).toBe(400);
    expect((await ada.api.put(`${chat.path}/read`, { delivered: 1 })).status).toBe(400);
    expect((await ada.api.put(`${chat.path}/read`, {})).status).toBe(400);
  });

  test("say who is online while a stream of theirs is open, and when they were seen last", async () => {
    const carol = await system.signIn("carol@person.test");
    const chat = await newChat(carol);
    await using stream = await EventStream.open(`${system.url}${chat.path}/events`, ada);
    const hers = await EventStream.open(`${elsewhere.url}${chat.path}/events`, carol);
    await stream.until((all) => all.some(({ event }) => event === "presence"));
    expect(stream.events.at(-1)?.data).toMatchObject({
      user: carol.id,
      online: true,
      lastSeenAt: expect.any(String),
    });
    await hers[Symbol.asyncDispose]();
    const stored = await system.deps.firestore.doc(`apps/demo/presence/${carol.id}`).get();
    expect(stored.get("onlineUntil").toMillis() - stored.get("lastSeenAt").toMillis()).toBe(ONLINE_MS);
  });
});

describe("a ticket", () => {
  test("opens streams in place of the access token, and nothing else", async () => {
    const chat = await newChat(bob);
    const { status, body } = await bob.api.post(`${app}/tickets`);
    expect([status, body.expiresIn]).toEqual([201, TICKET_TTL_SECONDS]);
    const ticket = encodeURIComponent(body.ticket);
    for (const path of [`${app}/events`, `${chat.path}/events`]) {
      await using stream = await EventStream.open(`${system.url}${path}?ticket=${ticket}`, undefined);
      expect(stream.status).toBe(200);
    }
    expect((await system.client().get(`${app}/me?ticket=${ticket}`)).status).toBe(401);
    expect((await system.client().get(`${app}/events?ticket=${ticket.slice(0, -2)}aa`)).status).toBe(401);
    const other = await system.createApp("Elsewhere");
    const foreign = await system.client().get(`/v1/apps/${other.id}/events?ticket=${ticket}`);
    expect(foreign.status).toBe(401);
  });

  test("is good for a minute, and ends with the token", async () => {
    const eve = await system.signIn("eve@person.test");
    const { body } = await eve.api.post(`${app}/tickets`);
    const path = `${app}/events?ticket=${encodeURIComponent(body.ticket)}`;
    system.suite.kernel.clock.advance(TICKET_TTL_SECONDS * 1000);
    expect((await system.client().get(path)).body.code).toBe("token_expired");
    const { body: fresh } = await eve.api.post(`${app}/tickets`);
    await eve.api.delete(`${app}/auth/sessions/current`);
    await expect
      .poll(
        async () =>
          (await system.client().get(`${app}/events?ticket=${encodeURIComponent(fresh.ticket)}`)).status,
        { interval: 5 },
      )
      .toBe(401);
  });
});
