import { expect, test } from "vitest";
import { LATEST_CHARS_MAX, type Message } from "../chat/contract.ts";
import { clientOf, createNetwork, type Network, openDesk, until } from "../testing/live-clients.ts";
import { useModelPace, usePeople, useSystem } from "../testing/use-system.ts";
import { createAnswers } from "./answers.ts";
import type { Api } from "./api.ts";
import type { ChatView } from "./chat-view.ts";
import type { Desk } from "./connect.ts";

const QUICK = { firstTokenMs: 5, tokensPerSecond: 5_000 };
const system = useSystem();
const [ada] = usePeople(system, "ada@answers.test");
useModelPace(system, QUICK);

interface Asker extends Disposable {
  readonly desk: Desk;
  readonly view: ChatView;
  readonly network: Network;
}

/** A chat with a model, open. */
async function openAsker(of?: number): Promise<Asker> {
  const network = createNetwork();
  const desk = openDesk(clientOf(system, ada, { environment: network }));
  const number = of ?? (await desk.chats.create({ kind: "assistant", title: "Questions" })).number;
  const view = desk.openChat(number);
  await view.loaded();
  await until(view, () => view.connection === "open");
  return { desk, view, network, [Symbol.dispose]: () => desk.close() };
}

const isFinished = (view: ChatView, number: number): boolean =>
  /complete|stopped|failed/.test(view.message(number)?.status ?? "");
const stored = async (view: ChatView, number: number): Promise<{ text: string; status: string }> =>
  (await ada.api.get(`/v1/apps/demo/chats/${view.number}/messages/${number}`)).body;

/** Collects what a message says whenever that changes. */
function textsTold(view: ChatView, number: number): string[] {
  const told: string[] = [];
  view.on("change", () => {
    const { text } = view.message(number) ?? { text: "" };
    if (text !== "" && text !== told.at(-1)) told.push(text);
  });
  return told;
}

test("an answer grows while it streams, and ends as it is stored, with who served it and what it took", async () => {
  using asker = await openAsker();
  const { view, network } = asker;
  system.suite.model.change({ tokensPerSecond: 300 });
  const told = textsTold(view, 2);
  const arrivals: string[] = [];
  view.on("arrival", (messages) => arrivals.push(...messages.map(({ text }) => text)));
  view.send({ text: "Write 60 words about rivers" });
  await until(view, () => isFinished(view, 2));
  const answer = view.message(2);
  expect(answer).toEqual(await stored(view, 2));
  expect(answer).toMatchObject({
    status: "complete",
    served: { as: "chosen" },
    usage: { model: expect.any(String) },
  });
  expect(told.length).toBeGreaterThan(5);
  for (const text of told) expect(answer?.text.startsWith(text)).toBe(true);
  expect(arrivals).toEqual([answer?.text]);
  expect(
    network.requests.filter((name) => name.startsWith("POST") && name.endsWith("/messages")),
  ).toHaveLength(1);
  expect(asker.desk.chats.get(view.number)?.latest).toMatchObject({
    number: 2,
    text: answer?.text.slice(0, LATEST_CHARS_MAX),
  });
});

test("a question whose stream breaks off is answered over the chat's own", async () => {
  using asker = await openAsker();
  const { view, network } = asker;
  system.suite.model.change({ tokensPerSecond: 200 });
  view.send({ text: "Write 80 words about lakes" });
  await until(view, () => (view.message(2)?.text.length ?? 0) > 20);
  network.cut();
  network.restore();
  await until(view, () => isFinished(view, 2));
  expect(view.message(2)).toEqual(await stored(view, 2));
  expect(view.messages.map(({ number }) => number)).toEqual([1, 2]);
  expect(view.drafts).toEqual([]);
});

test("a question whose way fails before the server says anything is asked again under its key, and answered once", async () => {
  using asker = await openAsker();
  const { view, network } = asker;
  network.fail(/POST .*\/messages$/, "after");
  view.send({ text: "What is 12 times 7?" });
  await until(view, () => isFinished(view, 2) && view.drafts.length === 0);
  expect(view.messages.map(({ number }) => number)).toEqual([1, 2]);
  expect(view.message(2)?.text).toContain("84");
});

test("another device sees the same words come, and stops them", async () => {
  using here = await openAsker();
  using there = await openAsker(here.view.number);
  system.suite.model.change({ tokensPerSecond: 60 });
  here.view.send({ text: "Write 600 words about the sea" });
  await until(there.view, () => (there.view.message(2)?.text.length ?? 0) > 20);
  expect(there.view.message(2)?.status).toBe("streaming");
  await there.view.stopAnswer(2);
  for (const { view } of [here, there]) {
    await until(view, () => isFinished(view, 2));
    expect(view.message(2)).toEqual(await stored(view, 2));
    expect(view.message(2)?.status).toBe("stopped");
  }
});

test("an answer that begins anew lets go what was said before", async () => {
  using asker = await openAsker();
  const { view } = asker;
  system.suite.model.change({ model: "emulated-large", fault: "drop", after: 12, tokensPerSecond: 200 });
  system.suite.model.change({ model: "emulated-small", tokensPerSecond: 200 });
  const told = textsTold(view, 2);
  view.send({ text: "Write 40 words about bridges, compare them with ferries, and explain why" });
  await until(view, () => isFinished(view, 2));
  const answer = view.message(2);
  expect(answer?.served).toEqual({ as: "fallback", reason: "model_failed", insteadOf: "emulated-large" });
  expect(answer).toEqual(await stored(view, 2));
  expect(told.some((text, at) => at > 0 && text.length < (told[at - 1] ?? "").length)).toBe(true);
});

test("what an attempt has thought goes with it when another begins, and nothing of it is told twice", () => {
  const answers = createAnswers({
    env: { randomId: () => "id" },
    api: {} as Api,
    path: "/chats/1/messages",
    isKnown: () => true,
    take: () => undefined,
    onChange: () => undefined,
  });
  const coming = { number: 2, status: "queued", text: "" } as Message;
  const think = (epoch: number, offset: number, text: string): void =>
    answers.takeEvent("answer.thinking", { message: 2, epoch, offset, text });
  think(1, 0, "First the ");
  think(1, 6, "the tide");
  expect(answers.shown(coming)).toMatchObject({ text: "", thinking: { text: "First the tide" } });
  answers.takeEvent("answer.delta", { message: 2, epoch: 1, offset: 0, text: "At nine" });
  expect(answers.shown(coming)).toMatchObject({ text: "At nine", thinking: { text: "First the tide" } });
  answers.takeEvent("answer.reset", { message: 2, epoch: 2 });
  expect(answers.shown(coming).thinking).toBeUndefined();
  think(1, 14, " too late");
  think(2, 0, "Again");
  expect(answers.shown(coming)).toMatchObject({ text: "", thinking: { text: "Again" } });
});

test("another answer stands beside the first, and one walks between them", async () => {
  using asker = await openAsker();
  const { view } = asker;
  view.send({ text: "Hello" });
  await until(view, () => isFinished(view, 2));
  const again = await view.regenerate(2);
  expect(again).toMatchObject({ number: 3, parent: 1, role: "assistant" });
  await until(view, () => isFinished(view, 3) && view.messages.at(-1)?.number === 3);
  expect(view.siblingsOf(3)).toEqual([2, 3]);
  await view.showSibling(2);
  await until(view, () => view.messages.at(-1)?.number === 2);
  expect(view.messages.map(({ number }) => number)).toEqual([1, 2]);
});

test("a rating shows at once, and is taken back when it is refused", async () => {
  using asker = await openAsker();
  const { view, network } = asker;
  view.send({ text: "Hello" });
  await until(view, () => isFinished(view, 2));
  const rated = view.rate(2, "up");
  expect(view.ratingOf(2)).toBe("up");
  await rated;
  await expect(view.rate(1, "down")).rejects.toMatchObject({ status: 409 });
  expect([view.ratingOf(1), view.ratingOf(2)]).toEqual([undefined, "up"]);
  expect(network.requests.filter((name) => name.endsWith("/feedback"))).toHaveLength(2);
});
