import { expect, test } from "vitest";
import { clientOf, createNetwork, openDesk, textsOf, until } from "../testing/live-clients.ts";
import { writeHistory } from "../testing/write-history.ts";
import { CATCH_UP } from "../live/contract.ts";
import { usePeople, useSystem } from "../testing/use-system.ts";
import type { ChatView } from "./chat-view.ts";
import type { Environment } from "./environment.ts";
import { EditConflict } from "./pending-changes.ts";

const system = useSystem();
const [ada, bob] = usePeople(system, "ada@example.test", "bob@example.test");

/** A group of the two, open at both. */
async function openPair(): Promise<{ number: number; mine: ChatView; theirs: ChatView } & Disposable> {
  const { body } = await ada.api.post("/v1/apps/demo/chats", {
    kind: "group",
    model: "emulated-small",
    members: [bob.id],
  });
  const desks = [openDesk(clientOf(system, ada)), openDesk(clientOf(system, bob))] as const;
  const [mine, theirs] = [desks[0].openChat(body.number), desks[1].openChat(body.number)];
  await Promise.all([mine.loaded(), theirs.loaded()]);
  return { number: body.number, mine, theirs, [Symbol.dispose]: () => desks.forEach((desk) => desk.close()) };
}

async function say(view: ChatView, ...texts: string[]): Promise<void> {
  for (const text of texts) view.send({ text });
  await until(view, () => view.drafts.length === 0);
}

test("a message shows at once, then confirmed, and on the other side without being asked for", async () => {
  using pair = await openPair();
  const { mine, theirs } = pair;
  mine.send({ text: "Hello" });
  expect(textsOf(mine)).toEqual(["Hello…"]);
  await until(mine, () => mine.drafts.length === 0);
  expect(textsOf(mine)).toEqual(["Hello"]);
  await until(theirs, () => theirs.messages.length === 1);
  expect(textsOf(theirs)).toEqual(["Hello"]);
});

test("edits, reactions and deletions show at once here and then there", async () => {
  using pair = await openPair();
  const { mine, theirs } = pair;
  await say(mine, "Frist", "Oops");
  await until(theirs, () => theirs.messages.length === 2);
  const done = [mine.edit(1, "First"), mine.remove(2), theirs.react(1, "🎉", true)];
  expect(textsOf(mine)).toEqual(["First", "†"]);
  expect(theirs.messages[0]?.reactions).toEqual({ "🎉": [bob.id] });
  await Promise.all(done);
  for (const view of [mine, theirs]) {
    await until(
      view,
      () => view.message(1)?.reactions["🎉"]?.length === 1 && view.message(2)?.status === "deleted",
    );
    await until(view, () => view.message(1)?.text === "First");
  }
});

test("a change that is refused is taken back", async () => {
  using pair = await openPair();
  const { mine, theirs } = pair;
  await say(mine, "Mine");
  await until(theirs, () => theirs.messages.length === 1);
  const edit = theirs.edit(1, "Yours");
  expect(textsOf(theirs)).toEqual(["Yours"]);
  await expect(edit).rejects.toMatchObject({ status: 403, code: "forbidden" });
  expect(textsOf(theirs)).toEqual(["Mine"]);
});

test("reacting and taking it back at once ends without the reaction", async () => {
  using pair = await openPair();
  const { mine } = pair;
  await say(mine, "Indifferent");
  await Promise.all([mine.react(1, "👍", true), mine.react(1, "👍", false)]);
  expect(mine.message(1)?.reactions["👍"] ?? []).toEqual([]);
});

test("marks and typing reach the others, and typing ends with the message", async () => {
  using pair = await openPair();
  const { mine, theirs } = pair;
  mine.typing();
  await until(theirs, () => theirs.signals.typing.includes(ada.id));
  await say(mine, "Look");
  await until(theirs, () => theirs.signals.typing.length === 0);
  await until(mine, () => mine.signals.marks.get(bob.id)?.delivered === 1);
  expect(mine.signals.marks.get(bob.id)?.number).toBe(0);
  theirs.markRead(1);
  await until(mine, () => mine.signals.marks.get(bob.id)?.number === 1);
});

test("typing that is given up ends at once, and may begin again", async () => {
  using pair = await openPair();
  const { mine, theirs } = pair;
  for (let times = 0; times < 2; times += 1) {
    mine.typing();
    await until(theirs, () => theirs.signals.typing.includes(ada.id));
    mine.stopTyping();
    await until(theirs, () => theirs.signals.typing.length === 0);
  }
  expect(theirs.messages).toEqual([]);
});

test("who is there and who was is known without waiting for them to come or go", async () => {
  const away = await system.signIn("away@example.test");
  const { body } = await ada.api.post("/v1/apps/demo/chats", { kind: "group", members: [away.id] });
  const visit = openDesk(clientOf(system, away));
  const there = visit.openChat(body.number);
  await until(there, () => there.connection === "open");
  using desk = openDesk(clientOf(system, ada));
  await desk.readPresence([ada.id, away.id]);
  expect(desk.presenceOf(away.id)).toMatchObject({ online: true, lastSeenAt: expect.any(String) });
  visit.close();
});

test("whoever opens the chat after the message is not told that its writer still types", async () => {
  using pair = await openPair();
  const { mine, number } = pair;
  await ada.api.post(`/v1/apps/demo/chats/${number}/typing`);
  await say(mine, "Done");
  using desk = openDesk(clientOf(system, bob));
  const late = desk.openChat(number);
  await late.loaded();
  await until(late, () => late.connection === "open");
  expect(late.signals.typing).toEqual([]);
  await ada.api.post(`/v1/apps/demo/chats/${number}/typing`);
  await until(late, () => late.signals.typing.includes(ada.id));
});

test("an earlier message is sent again in another wording, and both can be walked to", async () => {
  using pair = await openPair();
  const { mine, theirs } = pair;
  await say(mine, "Question", "Followed by this");
  mine.resubmit(1, "Better question");
  expect(textsOf(mine)).toEqual(["Better question…"]);
  await until(theirs, () => textsOf(theirs).join() === "Better question");
  await until(mine, () => mine.drafts.length === 0 && textsOf(mine).join() === "Better question");
  mine.resubmit(3, "Best question");
  for (const view of [mine, theirs]) {
    await until(view, () => view.chat?.activeBranch === "b4" && textsOf(view).join() === "Best question");
    expect(view.siblingsOf(4)).toEqual([1, 3, 4]);
  }
  await mine.showSibling(1);
  for (const view of [mine, theirs]) {
    await until(view, () => textsOf(view).join() === "Question,Followed by this");
    expect(view.siblingsOf(1)).toEqual([1, 3, 4]);
    expect(view.branches.map(({ id, active }) => `${id} ${active}`)).toEqual([
      "main true",
      "b3 false",
      "b4 false",
    ]);
  }
});

test("an earlier wording is switched to while the branches are still being read", async () => {
  const [reached, gate] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const holdBranches: Environment["fetch"] = async (url, init) => {
    if (url.includes("/branches?")) {
      reached.resolve();
      await gate.promise;
    }
    return fetch(url, init);
  };
  using desk = openDesk(clientOf(system, ada, { environment: { fetch: holdBranches } }));
  const { number } = await desk.chats.create({ kind: "group", model: "emulated-small" });
  const view = desk.openChat(number);
  await view.loaded();
  await say(view, "First wording", "Followed by this");
  view.resubmit(1, "Second wording");
  await reached.promise;
  await until(view, () => view.drafts.length === 0);
  expect([textsOf(view), view.siblingsOf(3)]).toEqual([["Second wording"], [1, 3]]);
  const shown = view.showSibling(1);
  gate.resolve();
  await shown;
  expect(textsOf(view)).toEqual(["First wording", "Followed by this"]);
});

test("branches that began before one came are counted, and found", async () => {
  using pair = await openPair();
  const { mine, number } = pair;
  await say(mine, "Root", "Left", "Left again");
  mine.send({ text: "Right", after: 1 });
  await until(mine, () => textsOf(mine).join() === "Root,Right");
  await mine.switchBranch("main");
  await say(mine, "Left for the third time");
  await mine.switchBranch("b4");
  using desk = openDesk(clientOf(system, ada));
  const late = desk.openChat(number);
  await late.loaded();
  expect(textsOf(late)).toEqual(["Root", "Right"]);
  await until(late, () => late.siblingsOf(4).length === 2 && late.message(2) !== undefined);
  expect(late.siblingsOf(4)).toEqual([2, 4]);
  await late.showSibling(2);
  await until(late, () => textsOf(late).join() === "Root,Left,Left again,Left for the third time");
});

test("a visit to another branch ends with it, and asks for nothing beyond", async () => {
  const { body } = await ada.api.post("/v1/apps/demo/chats", { kind: "group", model: "emulated-small" });
  const path = `/v1/apps/demo/chats/${body.number}/messages`;
  for (let at = 1; at <= 80; at += 1) await ada.api.post(path, { text: `Main ${at}` });
  await ada.api.post(path, { text: "Aside", after: 1 });
  const network = createNetwork();
  using desk = openDesk(clientOf(system, ada, { environment: network }));
  const view = desk.openChat(body.number);
  await view.loaded();
  await view.visit({ number: 10, branch: "main" });
  const newest = (): number => view.messages.at(-1)?.number ?? 0;
  while (newest() < 80) await view.loadNewer();
  const asked = (): number => network.requests.filter((name) => name.includes("after=")).length;
  const before = asked();
  await view.loadNewer();
  expect([asked(), view.isAway]).toEqual([before, true]);
});

test("replies quote, forwards name where they come from, and a fork is a chat of one's own", async () => {
  using pair = await openPair();
  const { mine, theirs, number } = pair;
  await say(mine, "The original");
  mine.send({ text: "I agree", replyTo: 1 });
  await until(theirs, () => theirs.messages.length === 2);
  expect(theirs.message(2)?.parts[0]).toMatchObject({ type: "quote", message: 1, text: "The original" });
  theirs.send({ forwardOf: { chat: number, message: 1 } });
  await until(mine, () => mine.messages.length === 3);
  expect(mine.message(3)?.forwardedFrom).toMatchObject({ chat: number, message: 1, sender: { id: ada.id } });
  const forked = await mine.fork(2);
  expect(forked).toMatchObject({ members: [ada.id], messagesCount: 2 });
});

test("a long chat opens with one page and is read back page by page, without a hole", async () => {
  const { body } = await ada.api.post("/v1/apps/demo/chats", { kind: "group", model: "emulated-small" });
  const path = `/v1/apps/demo/chats/${body.number}/messages`;
  const all = Array.from({ length: 230 }, (_, index) => `Line ${index + 1}`);
  for (let from = 0; from < all.length; from += 46) {
    await Promise.all(all.slice(from, from + 46).map((text) => ada.api.post(path, { text })));
  }
  const network = createNetwork();
  using desk = openDesk(clientOf(system, ada, { environment: network }));
  const view = desk.openChat(body.number);
  await view.loaded();
  expect(view.messages.map(({ number }) => number)).toEqual(all.slice(180).map((_, at) => at + 181));
  // A change of a message that has not been read back to leaves no island in the path.
  await ada.api.put(`${path}/3/reactions/👍`);
  await until(view, () => view.message(3) !== undefined);
  expect(view.messages[0]?.number).toBe(181);
  while (view.hasOlder) await view.loadOlder();
  expect(view.messages.map(({ number }) => number)).toEqual(all.map((_, at) => at + 1));
  expect(view.message(3)?.reactions).toEqual({ "👍": [ada.id] });
  expect(network.requests.filter((name) => name.includes("/messages?"))).toHaveLength(3);
});

test("who has just been added follows a chat that others have open", async () => {
  const { body } = await ada.api.post("/v1/apps/demo/chats", { kind: "group", model: "emulated-small" });
  using mine = openDesk(clientOf(system, ada));
  const view = mine.openChat(body.number);
  await until(view, () => view.connection === "open");
  using theirs = openDesk(clientOf(system, bob));
  await ada.api.put(`/v1/apps/demo/chats/${body.number}/members/${bob.id}`);
  const added = theirs.openChat(body.number);
  let isGone = false;
  added.on("gone", () => {
    isGone = true;
  });
  await say(view, "Welcome");
  // What is said comes behind the word that somebody has joined.
  await until(added, () => added.messages.length === 2 || isGone);
  expect([textsOf(added), isGone]).toEqual([["", "Welcome"], false]);
});

test("who is removed is told so", async () => {
  using pair = await openPair();
  const { theirs, number } = pair;
  const gone = new Promise((resolve) => theirs.on("gone", () => resolve(true)));
  await ada.api.delete(`/v1/apps/demo/chats/${number}/members/${bob.id}`);
  expect(await gone).toBe(true);
});

test("what a stream skips of a long absence is paged through, and nothing is lost", async () => {
  using pair = await openPair();
  const { mine, number } = pair;
  await say(mine, "Before");
  const network = createNetwork();
  const environment = { fetch: network.fetch, random: () => 0 } satisfies Partial<Environment>;
  // Only the chat's own stream tells this device anything.
  for (let at = 0; at < 100; at += 1) network.fail(/\/apps\/demo\/events/, "before");
  using away = openDesk(clientOf(system, bob, { environment }));
  const view = away.openChat(number);
  await view.loaded();
  await until(view, () => view.messages.length === 1);
  view.pause();
  await writeHistory(ada.api, `/v1/apps/demo/chats/${number}`, CATCH_UP.changesMax + 150);
  network.fail(/\/changes/, "before");
  view.resume();
  await until(view, () => view.message(CATCH_UP.changesMax + 151) !== undefined);
  const missing = Array.from({ length: CATCH_UP.changesMax + 151 }, (_, at) => at + 1).filter(
    (at) => view.message(at) === undefined,
  );
  expect(missing).toEqual([]);
  expect(network.requests.filter((name) => name.includes("/changes")).length).toBeGreaterThan(1);
});

test("an edit is made from what one saw: another device's text is not overwritten, a reaction is no text", async () => {
  using pair = await openPair();
  const { mine, number } = pair;
  await say(mine, "Frist");
  const seen = mine.message(1);
  const path = `/v1/apps/demo/chats/${number}/messages/1`;
  await bob.api.put(`${path}/reactions/${encodeURIComponent("👍")}`);
  await mine.edit(1, "First", seen);
  const edited = mine.message(1);
  await ada.api.patch(path, { text: "From the phone" });
  const edit = mine.edit(1, "From the laptop", edited);
  await expect(edit).rejects.toBeInstanceOf(EditConflict);
  const { theirs } = (await edit.catch((cause: unknown) => cause)) as EditConflict;
  expect([theirs.text, textsOf(mine)]).toEqual(["From the phone", ["From the phone"]]);
  await mine.edit(1, "From the laptop", theirs);
  expect((await ada.api.get(path)).body.text).toBe("From the laptop");
});

test("edits made one after the other are no conflict", async () => {
  using pair = await openPair();
  const { mine } = pair;
  await say(mine, "One");
  await Promise.all([mine.edit(1, "Two"), mine.edit(1, "Three"), mine.react(1, "🎉", true)]);
  expect(textsOf(mine)).toEqual(["Three"]);
});
