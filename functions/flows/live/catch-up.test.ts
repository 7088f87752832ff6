import { expect, test } from "vitest";
import { chatHandle } from "../../../shared/chat/chat-handle.ts";
import { headOf, readHead } from "../../../shared/chat/store.ts";
import { appHandle } from "../../../shared/identity/app.ts";
import { tellChanges, wholeAllowance } from "../../../shared/live/catch-up.ts";
import { changeEvents } from "../../../shared/live/change-events.ts";
import { CATCH_UP, type Sink } from "../../../shared/live/contract.ts";
import { upkeepId } from "../../../shared/platform/upkeep.ts";
import { EventStream } from "../../../shared/testing/event-stream.ts";
import type { Person } from "../../../shared/testing/start-system.ts";
import { startChat, usePeople, useSystem } from "../../../shared/testing/use-system.ts";
import { writeHistory } from "../../../shared/testing/write-history.ts";

/** What a stream tells of the past is bounded, and read no faster than its reader reads. */
const system = useSystem();
const [ada, bob] = usePeople(system, "ada@catch-up.test", "bob@catch-up.test");

const app = "/v1/apps/demo";
const newChat = async (title = ""): Promise<string> =>
  (await startChat(ada.api, { title, members: [bob] })).path;
const open = (path: string, person: Person, lastId: string): Promise<EventStream> =>
  EventStream.open(`${system.url}${path}`, person, { "last-event-id": lastId });
/** What streams have read for themselves so far. */
const reads = (): number =>
  system.suite.kernel.meter.read({ requestId: upkeepId(system.project) }).billed.reads;

test("a chat's stream tells so many changes, says where it stopped, and goes on with what comes", async () => {
  const chat = await newChat();
  // Creating the chat is a change too: so many are told whole.
  await writeHistory(ada.api, chat, CATCH_UP.changesMax - 1);
  {
    await using whole = await open(`${chat}/events`, bob, "0");
    await whole.reached;
    await ada.api.post(`${chat}/messages`, { text: "Live" });
    const events = await whole.until((all) => all.at(-1)?.data.message?.text === "Live");
    expect(events.filter(({ event }) => event === "catchup.skipped")).toEqual([]);
    expect(events.filter(({ event }) => event === "message.created")).toHaveLength(CATCH_UP.changesMax);
  }
  await writeHistory(ada.api, chat, 50);
  const before = reads();
  await using stream = await open(`${chat}/events`, bob, "0");
  const events = await stream.until((all) => all.some(({ event }) => event === "catchup.skipped"));
  await stream.reached;
  // Once for the head, which tells of the chat's settings too, and a listener that begins.
  expect(reads() - before).toBeLessThanOrEqual(CATCH_UP.changesMax + 20);
  const told = events.filter(({ event }) => event === "message.created");
  expect(told).toHaveLength(CATCH_UP.changesMax);
  const skip = events.find(({ event }) => event === "catchup.skipped");
  expect(skip?.data.revision).toBe(told.at(-1)?.id);
  // Whoever pages on from there and resumes after the id has all of it.
  const { body } = await bob.api.get(`${chat}/changes?since=${skip?.data.revision}&limit=100`);
  expect(body).toMatchObject({ revision: skip?.id, hasMore: false });
  expect(body.data).toHaveLength(50);
  await ada.api.post(`${chat}/messages`, { text: "Live" });
  const last = await stream.until((all) => all.at(-1)?.data.message?.text === "Live");
  expect(last.at(-1)?.id).toBe((skip?.id ?? 0) + 1);
});

test("large messages count by their size", async () => {
  const chat = await newChat();
  const text = "x".repeat(30_000);
  const count = Math.ceil(CATCH_UP.charsMax / 30_000) + 60;
  await writeHistory(ada.api, chat, count, () => text);
  await using stream = await open(`${chat}/events`, bob, "0");
  const events = await stream.until((all) => all.some(({ event }) => event === "catchup.skipped"));
  const chars = events.reduce((sum, { data }) => sum + JSON.stringify(data).length, 0);
  // The page that uses up the rest is told to its end.
  expect(chars).toBeLessThan(CATCH_UP.charsMax * 1.3);
});

test("a person's stream tells so much of each chat, and of all chats together", async () => {
  const chats = [await newChat("First"), await newChat("Second")];
  const { changesOfChatMax } = CATCH_UP;
  // Where they left off, as a stream that was open says it.
  const eve = await system.signIn("eve@catch-up.test");
  await using first = await open(`${app}/events`, eve, "");
  await first.reached;
  const position = first.lastEventId ?? "";
  for (const chat of chats) {
    await ada.api.put(`${chat}/members/${eve.id}`);
    await writeHistory(ada.api, chat, changesOfChatMax + 20);
  }
  const before = reads();
  await using stream = await open(`${app}/events`, eve, position);
  const skips = await stream.until(
    (all) => all.filter(({ event }) => event === "catchup.skipped").length === 2,
  );
  await stream.reached;
  expect(reads() - before).toBeLessThanOrEqual(2 * changesOfChatMax + 50);
  for (const [at, chat] of chats.entries()) {
    const number = Number(chat.split("/").at(-1));
    const told = skips.filter(({ event, data }) => event === "message.created" && data.chat === number);
    expect(told.length).toBeLessThanOrEqual(changesOfChatMax);
    const skip = skips.filter(({ event }) => event === "catchup.skipped")[at];
    expect(skip?.data.chat).toBe(number);
    expect(skip?.data.revision).toBe(told.at(-1)?.data.message.revision);
  }
  // What was skipped is not told by the next stream either: it begins after it.
  await using next = await open(`${app}/events`, eve, stream.lastEventId ?? "");
  await next.reached;
  await ada.api.post(`${chats[0]}/messages`, { text: "Live" });
  await next.until((all) => all.at(-1)?.data.message?.text === "Live");
  expect(next.events.filter(({ event }) => event === "message.created")).toHaveLength(1);
});

test("for a reader who takes nothing one page is read, and the next when it has been taken", async () => {
  const chat = await newChat();
  await writeHistory(ada.api, chat, 60, () => "y".repeat(30_000));
  const handle = chatHandle(appHandle(system.deps.firestore, "demo"), Number(chat.split("/").at(-1)));
  const head = headOf(await readHead(handle));
  if (head === undefined) throw new Error("The chat is there.");
  const taken: (() => void)[] = [];
  let isOpen = true;
  let sent = 0;
  const sink: Sink = {
    send: (events) => (sent += events.length) * 30_000,
    setLastId: () => undefined,
    end: () => undefined,
    finish: () => undefined,
    get isOpen() {
      return isOpen;
    },
    pay: () => Promise.resolve(),
    room: (bytes) => (bytes === 0 ? new Promise((resolve) => void taken.push(resolve)) : Promise.resolve()),
  };
  const telling = tellChanges(handle.app, 1, sink, {
    allowance: wholeAllowance(),
    headNow: () => Promise.resolve(head),
    end: ({ revision }) => revision,
    eventsOf: (page, known) => changeEvents(page, known, "somebody"),
  });
  await expect.poll(() => taken.length).toBe(1);
  const first = sent;
  expect(first).toBeLessThanOrEqual(10);
  taken.shift()?.();
  await expect.poll(() => taken.length).toBe(1);
  expect(sent).toBeGreaterThan(first);
  expect(sent).toBeLessThan(60);
  isOpen = false;
  taken.shift()?.();
  expect(await telling).toBeLessThan(head.revision);
});
