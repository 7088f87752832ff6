import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { type LocalSystem, startLocalSystem } from "../../../emulators/local/local-system.ts";
import { anyPorts } from "../../../emulators/local/ports.ts";
import { type ApiClient, type ApiReply, createApiClient } from "../../../shared/testing/api-client.ts";
import { EventStream } from "../../../shared/testing/event-stream.ts";
import { liftLimits } from "../../../shared/testing/lift-limits.ts";

/**
 * What people do, against `npm start -- --cloud`: three instances of the API, of streams and of what follows
 * changes, frozen between requests, under Firestore's latencies and contention, with pushes that come twice.
 */
const APP = "/v1/apps/demo";
const CHATS = `${APP}/chats`;
/** How long the background may take, with processes that wake for each step. */
const PATIENCE = { timeout: 60_000, interval: 100 };

interface Visitor {
  readonly id: string;
  readonly api: ApiClient;
  readonly headers: Readonly<Record<string, string>>;
}

let system: LocalSystem;
let url: string;
let ada: Visitor;
let bob: Visitor;
const texts: string[] = [];

beforeAll(async () => {
  system = await startLocalSystem({
    project: "demo-cloud",
    ports: anyPorts(),
    dataDir: undefined,
    fresh: false,
    instances: 3,
    cloud: true,
    output: { text: (text) => texts.push(text), log: () => undefined },
  });
  url = `http://127.0.0.1:${system.ports.hosting}`;
  await liftLimits(createApiClient(url, { authorization: `Bearer ${system.keepsakes.operatorKey}` }), "demo");
  ada = await signIn("ada@cloud.test");
  bob = await signIn("bob@cloud.test");
}, 180_000);
afterAll(() => system?.stop(), 60_000);

/** With a mailed code, as a person does. */
async function signIn(email: string): Promise<Visitor> {
  const anyone = createApiClient(url, {});
  const { body: sent } = await anyone.post(`${APP}/auth/codes`, { email });
  const code = await vi.waitFor(() => {
    const [mail] = system.suite.mail.list({ to: email, limit: 1 });
    const found = /\b(\d{6})\b/.exec(mail?.subject ?? "")?.[1];
    if (found === undefined) throw new Error("No mail with a code has arrived.");
    return found;
  }, PATIENCE);
  const session = await anyone.post(`${APP}/auth/sessions`, { challenge: sent.challenge, code });
  expect(session.status).toBe(201);
  const headers = { authorization: `Bearer ${session.body.accessToken}` };
  return { id: session.body.user.id, api: createApiClient(url, headers), headers };
}

/** Begins a group of both, in which Ada has written. */
async function newGroup(...written: string[]): Promise<string> {
  const { status, body } = await ada.api.post(CHATS, { kind: "group", members: [bob.id] });
  expect(status).toBe(201);
  const chat = `${CHATS}/${body.number}`;
  for (const text of written) await post(chat, text);
  return chat;
}

async function post(chat: string, text: string, by = ada): Promise<ApiReply> {
  const answer = await by.api.post(`${chat}/messages`, { text });
  expect(answer.status).toBe(201);
  return answer;
}

const textsOf = (page: ApiReply): string[] => page.body.data.map(({ text }: { text: string }) => text);

const gapFree = (count: number): number[] => Array.from({ length: count }, (_, index) => index + 1);

test("messages that two send at once, through all instances, are numbered without a gap and paged", async () => {
  const chat = await newGroup();
  const sent = await Promise.all(
    gapFree(40).map((index) => post(chat, `Message ${index}`, index % 2 === 0 ? ada : bob)),
  );
  const numbers = sent.map(({ body }) => body.number as number).sort((a, b) => a - b);
  expect(numbers).toEqual(gapFree(40));
  const paged: number[] = [];
  for (let after = 0; after < 40; after = paged.at(-1) as number) {
    const page = await bob.api.get(`${chat}/messages?after=${after}&limit=15`);
    paged.push(...page.body.data.map(({ number }: { number: number }) => number));
  }
  expect(paged).toEqual(gapFree(40));
}, 120_000);

test("a message that is sent again under its key is there once, whichever instance takes it", async () => {
  const chat = await newGroup();
  const key = { "idempotency-key": '"once"' };
  const tries = await Promise.all(
    gapFree(6).map(() => ada.api.post(`${chat}/messages`, { text: "Once" }, key)),
  );
  expect(tries.map(({ body }) => body.number)).toEqual(tries.map(() => 1));
  expect(textsOf(await bob.api.get(`${chat}/messages`))).toEqual(["Once"]);
});

test("a message is changed and deleted", async () => {
  const chat = await newGroup("First", "Second");
  expect((await ada.api.patch(`${chat}/messages/1`, { text: "Changed" })).status).toBe(200);
  expect((await ada.api.delete(`${chat}/messages/2`)).status).toBeLessThan(300);
  const { body } = await bob.api.get(`${chat}/messages?after=0`);
  expect(body.data).toMatchObject([{ text: "Changed" }, { status: "deleted" }]);
});

test("a question is answered, once", async () => {
  const { body: begun } = await ada.api.post(CHATS, { kind: "assistant" });
  const chat = `${CHATS}/${begun.number}`;
  await post(chat, "What is 12 times 7?");
  const answer = async () => (await ada.api.get(`${chat}/messages/2`)).body;
  await expect.poll(async () => (await answer()).status, PATIENCE).toBe("complete");
  expect((await answer()).text).toContain("84");
  expect((await ada.api.get(`${chat}/messages?after=0`)).body.data).toHaveLength(2);
}, 90_000);

test("a stream tells what happens, and after an interruption what was missed", async () => {
  const chat = await newGroup();
  const open = (more: Record<string, string> = {}): Promise<EventStream> =>
    EventStream.open(`${url}${chat}/events`, undefined, { ...bob.headers, ...more });
  const told = (stream: EventStream): string[] =>
    stream.events.flatMap(({ event, data }) => (event === "message.created" ? [data.message.text] : []));
  const first = await open();
  await first.reached;
  await post(chat, "While reading");
  await first.until(() => told(first).length > 0);
  const lastEventId = first.lastEventId ?? "";
  await first[Symbol.asyncDispose]();
  await post(chat, "Missed 1");
  await post(chat, "Missed 2");
  await using second = await open({ "last-event-id": lastEventId });
  await second.until(() => told(second).length >= 2);
  await post(chat, "Again while reading");
  await second.until(() => told(second).length >= 3);
  expect(told(second)).toEqual(["Missed 1", "Missed 2", "Again while reading"]);
}, 90_000);

test("what was written is found", async () => {
  await newGroup("The quixotic zeppelin");
  const found = async () => {
    const { body } = await bob.api.get(`${APP}/search?q=zeppelin`);
    return body.data.map(({ message }: { message: { text: string } }) => message.text);
  };
  await expect.poll(found, PATIENCE).toEqual(["The quixotic zeppelin"]);
}, 90_000);

test("whoever is written to and away is notified once", async () => {
  // Bob has had a stream open, and counts as online for a while.
  const cleo = await signIn("cleo@cloud.test");
  const { body: begun } = await ada.api.post(CHATS, { kind: "group", members: [cleo.id] });
  const chat = `${CHATS}/${begun.number}`;
  await post(chat, "Have you seen this?");
  const notes = async () => (await cleo.api.get(`${APP}/notifications`)).body.data;
  await expect.poll(async () => (await notes()).length, PATIENCE).toBe(1);
  await cleo.api.put(`${chat}/read`, { number: 1 });
  await expect.poll(async () => (await notes())[0]?.read, PATIENCE).toBe(true);
  expect(await notes()).toHaveLength(1);
}, 90_000);

test("a fork has what led to its message, and goes on by itself", async () => {
  const chat = await newGroup("One", "Two", "Three");
  const { status, body: fork } = await bob.api.post(`${chat}/forks`, { at: 2 });
  expect(status).toBe(201);
  const copy = `${CHATS}/${fork.number}`;
  await expect
    .poll(async () => textsOf(await bob.api.get(`${copy}/messages?after=0`)), PATIENCE)
    .toEqual(["One", "Two"]);
  expect((await post(copy, "Alone", bob)).body.number).toBe(3);
}, 90_000);

test("nothing was given up, and no instance was missed", () => {
  expect(system.suite.tasks.snapshot(system.suite.project).exhausted).toEqual([]);
  expect(texts.filter((text) => /ended|Memory limit/.test(text))).toEqual([]);
});
