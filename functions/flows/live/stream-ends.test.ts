import { beforeAll, describe, expect, test } from "vitest";
import type { ApiClient } from "../../../shared/testing/api-client.ts";
import { EventStream } from "../../../shared/testing/event-stream.ts";
import type { Person } from "../../../shared/testing/start-system.ts";
import { stayAtOneInstance, useInstance, usePeople, useSystem } from "../../../shared/testing/use-system.ts";

/** No stream outlives what it was opened by. */
const ENDED_MS_MAX = 2_000;

const system = useSystem();
const elsewhere = useInstance(system);
const [bob] = usePeople(system, "bob@ends.test");

const app = "/v1/apps/demo";
// Where streams are capped, it is known which instances have some of whom.
beforeAll(async () => {
  await system.operator.patch(app, { settings: { limits: { streamsPerPerson: 50 } } });
});
let people = 0;
const newPerson = (): Promise<Person> => {
  people += 1;
  return system.signIn(`person-${people}@ends.test`);
};

interface Opened extends AsyncDisposable {
  readonly chat: string;
  readonly streams: Record<"chat" | "person" | "answer", EventStream>;
}

/** All three kinds of streams, of somebody with an answer that goes on and on. */
async function openAll(api: ApiClient, bearer: string): Promise<Opened> {
  const { body } = await api.post(`${app}/chats`, { kind: "assistant" });
  const chat = `${app}/chats/${body.number}`;
  system.suite.model.change({ tokensPerSecond: 5 });
  const question = "Explain step by step and at length how tides come about, and why there are two a day.";
  const posted = await api.post(`${chat}/messages`, { text: question });
  const open = (path: string): Promise<EventStream> =>
    EventStream.open(`${system.url}${path}`, undefined, { authorization: `Bearer ${bearer}` });
  const [ofChat, ofPerson, ofAnswer] = await Promise.all([
    open(`${chat}/events`),
    open(`${app}/events`),
    open(`${chat}/messages/${posted.body.answer.number}/stream`),
  ]);
  expect([ofChat.status, ofPerson.status, ofAnswer.status]).toEqual([200, 200, 200]);
  await Promise.all([ofChat.reached, ofPerson.reached]);
  const streams = { chat: ofChat, person: ofPerson, answer: ofAnswer };
  return {
    chat,
    streams,
    async [Symbol.asyncDispose]() {
      for (const stream of Object.values(streams)) await stream[Symbol.asyncDispose]();
      await system.operator.delete(`${chat}/messages/${posted.body.answer.number}/answer`);
      system.suite.model.reset();
    },
  };
}

/** How long the slowest of the streams took to end. */
async function endingMs({ streams }: Opened, revoke: () => Promise<unknown>): Promise<number> {
  const startedMs = performance.now();
  await revoke();
  await Promise.all(Object.values(streams).map(({ ended }) => ended));
  return performance.now() - startedMs;
}

const revocation = (scope: string, id: string): Promise<unknown> =>
  system.operator.post("/v1/operator/revocations", { scope, id });

const jtiOf = (token: string): string =>
  JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString()).jti;

describe("all streams of a person end", () => {
  test.each<[string, (person: Person) => Promise<unknown>]>([
    ["when they sign out", (person) => person.api.delete(`${app}/auth/sessions/current`)],
    ["when they sign out everywhere", (person) => person.api.delete(`${app}/auth/sessions`)],
    ["when their role changes", ({ id }) => system.operator.patch(`${app}/users/${id}`, { role: "viewer" })],
    ["when their session is revoked", ({ session }) => revocation("session", session.sessionId)],
    ["when the person is revoked", ({ id }) => revocation("user", id)],
    ["when their token is revoked", ({ session }) => revocation("token", jtiOf(session.accessToken))],
  ])("%s", async (_, revoke) => {
    const person = await newPerson();
    await using opened = await openAll(person.api, person.session.accessToken);
    await using other = await EventStream.open(`${system.url}${app}/events`, bob);
    await other.reached;
    expect(await endingMs(opened, () => revoke(person))).toBeLessThan(ENDED_MS_MAX);
    // Others are left alone.
    const mark = await bob.api.post(`${app}/chats`, { kind: "group", title: "Still here" });
    await other.until((all) => all.some(({ data }) => data.chat === mark.body.number));
  });

  test("and what they were told last is that they may come back, not what has happened since", async () => {
    const person = await newPerson();
    await using opened = await openAll(person.api, person.session.accessToken);
    await endingMs(opened, () => person.api.delete(`${app}/auth/sessions/current`));
    for (const { events } of [opened.streams.chat, opened.streams.person]) {
      expect(events.at(-1)?.event).toBe("reconnect");
    }
    const again = await EventStream.open(`${system.url}${opened.chat}/events`, person);
    expect(again.status).toBe(401);
  });

  // Another instance notices it after WATCH_MS, and has held places of the person for a while.
  test("and their presence goes with them", { timeout: 90_000 }, async () => {
    const person = await newPerson();
    const { body } = await person.api.post(`${app}/chats`, { kind: "direct", members: [bob.id] });
    await using watching = await EventStream.open(`${system.url}${app}/chats/${body.number}/events`, bob);
    await watching.reached;
    await using opened = await openAll(person.api, person.session.accessToken);
    const isTold = (online: boolean) =>
      watching.until((all) =>
        all.some(
          ({ event, data }) => event === "presence" && data.user === person.id && data.online === online,
        ),
      );
    await isTold(true);
    const tookMs = await endingMs(opened, () => person.api.delete(`${app}/auth/sessions/current`));
    expect(tookMs).toBeLessThan(ENDED_MS_MAX);
    await isTold(false);
  });

  test.each([
    ["the same instance", () => system.url],
    ["another instance", () => elsewhere.url],
  ])("and another session of theirs goes on at %s, present as before", async (_, url) => {
    const person = await system.signIn("two@ends.test");
    const again = await system.signIn("two@ends.test");
    await using other = await EventStream.open(`${url()}${app}/events`, again);
    await other.reached;
    await using opened = await openAll(person.api, person.session.accessToken);
    await endingMs(opened, () => person.api.delete(`${app}/auth/sessions/current`));
    const { body } = await again.api.post(`${app}/chats`, { kind: "group" });
    await other.until((all) => all.some(({ data }) => data.chat === body.number));
    const presence = await system.deps.firestore.doc(`apps/demo/presence/${person.id}`).get();
    expect(presence.get("onlineUntil").toMillis()).toBeGreaterThan(system.suite.kernel.clock.now());
  });
});

test("the streams of an API token end with it", async () => {
  const { body } = await system.operator.post(`${app}/tokens`, {});
  const api = system.client({ authorization: `Bearer ${body.token}` });
  await using opened = await openAll(api, body.token);
  expect(await endingMs(opened, () => system.operator.delete(`${app}/tokens/${body.id}`))).toBeLessThan(
    ENDED_MS_MAX,
  );
});

test("the streams of an app end with it, its servers' too", async () => {
  const { id, token } = await system.createApp("Ending");
  const person = await system.signIn("somebody@ends.test", id);
  const open = (bearer: string): Promise<EventStream> =>
    EventStream.open(`${system.url}/v1/apps/${id}/events`, undefined, { authorization: `Bearer ${bearer}` });
  const streams = await Promise.all([open(person.session.accessToken), open(token)]);
  await Promise.all(streams.map(({ reached }) => reached));
  const startedMs = performance.now();
  await system.operator.delete(`/v1/apps/${id}`);
  await Promise.all(streams.map(({ ended }) => ended));
  expect(performance.now() - startedMs).toBeLessThan(ENDED_MS_MAX);
});

test("the stream of an answer ends for who is removed from its chat", async () => {
  const person = await newPerson();
  await using opened = await openAll(person.api, person.session.accessToken);
  const number = opened.chat.split("/").at(-1);
  const { body: group } = await person.api.get(opened.chat);
  expect(group.kind).toBe("assistant");
  const startedMs = performance.now();
  await person.api.delete(opened.chat);
  await Promise.all([opened.streams.chat.ended, opened.streams.answer.ended]);
  expect(performance.now() - startedMs).toBeLessThan(ENDED_MS_MAX);
  await opened.streams.person.until((all) =>
    all.some(({ data }) => data.removed === true && data.chat === Number(number)),
  );
});

describe("streams are counted", () => {
  test("a person has so many, the next is 429 with Retry-After, and one that ends makes room", async () => {
    const { id } = await system.createApp("Capped");
    const ada = await system.signIn("ada@ends.test", id);
    const server = `${system.url}/v1/apps/${id}/events`;
    await system.operator.patch(`/v1/apps/${id}`, {
      settings: { limits: { streamsPerPerson: 5, streamsPerApp: 7, personPerMinute: null } },
    });
    const opened = await Promise.all(Array.from({ length: 8 }, () => EventStream.open(server, ada)));
    const statuses = opened.map(({ status }) => status).sort((a, b) => a - b);
    expect(statuses).toEqual([200, 200, 200, 200, 200, 429, 429, 429]);
    const refused = await ada.api.get(`/v1/apps/${id}/events`);
    expect(refused.status).toBe(429);
    expect(refused.headers.get("content-type")).toBe("application/problem+json");
    expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
    expect(refused.body).toMatchObject({ code: "quota_exceeded", violatedPolicies: ["streams"] });
    // Others of the app have theirs, as far as the app goes.
    const eve = await system.signIn("eve@ends.test", id);
    const more = await Promise.all(Array.from({ length: 3 }, () => EventStream.open(server, eve)));
    expect(more.map(({ status }) => status).sort((a, b) => a - b)).toEqual([200, 200, 429]);
    for (const stream of [...opened, ...more]) await stream[Symbol.asyncDispose]();
    await expect.poll(async () => (await open200(server, ada)).status, { timeout: 10_000 }).toBe(200);
  });

  async function open200(url: string, person: Person): Promise<EventStream> {
    const stream = await EventStream.open(url, person);
    await stream[Symbol.asyncDispose]();
    return stream;
  }

  test("whoever may have no more streams still has their message answered", async () => {
    stayAtOneInstance(system);
    const { id } = await system.createApp("Full");
    const ada = await system.signIn("ada@ends.test", id);
    const path = `/v1/apps/${id}`;
    await system.operator.patch(path, { settings: { limits: { streamsPerPerson: 1 } } });
    await using stream = await EventStream.open(`${system.url}${path}/events`, ada);
    await stream.reached;
    const accept = { accept: "text/event-stream", "content-type": "application/json" };
    const newChat = async (): Promise<string> => {
      const { body } = await ada.api.post(`${path}/chats`, { kind: "assistant" });
      return `${path}/chats/${body.number}/messages`;
    };
    system.suite.model.change({ tokensPerSecond: 5 });
    // Answers that stream to who asks are counted by the function that makes them.
    await using first = await EventStream.open(`${system.url}${await newChat()}`, ada, accept, {
      method: "POST",
      body: JSON.stringify({ text: "Explain step by step and at length how tides come about." }),
    });
    await first.until((all) => all.some(({ event }) => event === "answer.delta"));
    system.suite.model.reset();
    const messages = await newChat();
    const posted = await ada.api.post(messages, { text: "How are you?" }, { accept: "text/event-stream" });
    expect([posted.status, posted.body.answer]).toEqual([201, { number: 2 }]);
    const [, chat] = /chats\/(\d+)\//.exec(messages) ?? [];
    await stream.until((all) =>
      all.some(
        ({ data }) =>
          data.chat === Number(chat) && data.message?.number === 2 && data.message.status === "complete",
      ),
    );
  });

  test("not all come back at the same moment", async () => {
    const delays = new Set<string>();
    for (let at = 0; at < 5; at += 1) {
      const response = await fetch(`${system.url}${app}/events`, {
        headers: { authorization: `Bearer ${bob.session.accessToken}` },
      });
      const reader = response.body?.getReader();
      const first = Buffer.from((await reader?.read())?.value ?? []).toString();
      delays.add(/^retry: (\d+)/.exec(first)?.[1] ?? "none");
      await reader?.cancel();
    }
    expect(delays.size).toBeGreaterThan(1);
  });
});

// The last, as access tokens run out with it.
test("the streams of an API token end when it runs out", async () => {
  const { clock } = system.suite.kernel;
  const expiresAt = new Date(clock.now() + 3600_000).toISOString();
  const { body } = await system.operator.post(`${app}/tokens`, { expiresAt });
  const server = { authorization: `Bearer ${body.token}` };
  await using stream = await EventStream.open(`${system.url}${app}/events`, undefined, server);
  await stream.reached;
  clock.advance(3600_000);
  await stream.ended;
  expect(stream.events.at(-1)?.event).toBe("reconnect");
});
