import { afterAll, beforeAll, expect, test } from "vitest";
import { type LoopbackServer, serveLoopback } from "../../../emulators/kernel/loopback.ts";
import type { HostProcess } from "../../../emulators/local/function-host/host-process.ts";
import { emulatedModels } from "../../../emulators/local/functions-env.ts";
import { answerTo } from "../../../emulators/model/answer.ts";
import { QUIRK_THOUGHT, type QuirkName, SOME_TOKENS } from "../../../emulators/model/quirks.ts";
import { type ModelServer, openModel } from "../../../emulators/model/server.ts";
import { tokensOf } from "../../../emulators/model/tokens.ts";
import { LEASE_MS } from "../../../shared/assistant/claim-answer.ts";
import { UNCLAIMED_MS } from "../../../shared/chat/log/append-answer.ts";
import { type AnswerErrorCode, wordsOf } from "../../../shared/assistant/failure-words.ts";
import type { Message } from "../../../shared/chat/contract.ts";
import { EventStream, type SseEvent } from "../../../shared/testing/event-stream.ts";
import { startProcess } from "../../../shared/testing/start-process.ts";
import { type System, startSystem } from "../../../shared/testing/start-system.ts";
import { suiteOfProcess } from "../../../shared/testing/suite-of-process.ts";
import { amountOf, isWhole, SWEEP_MS_MAX, sweep } from "../../../shared/testing/sweep.ts";

/**
 * Longer than a test should be: the kill, the recovery and what has to hold afterwards are one experiment,
 * which both sweeps go through.
 */

/** Starting a process takes most of a case's time, so several are under way. */
const SYSTEMS = 3;
/** Each case has a question of its own, by which the model's calls are told apart. */
const questionOf = (name: string): string => `Write 150 words about harbour ${name}`;
const expectedFor = (name: string): string =>
  answerTo("emulated-small", [{ role: "user", content: questionOf(name) }]);
/** Longer than a process lives on after a call. */
const LATE_MS = 3_000;
/** Between two looks at an answer that waits. */
const STEP_MS = 1_000;

/** A system with a model of its own, so that each can have another quirk at the same time. */
interface Place {
  readonly of: System;
  readonly model: ModelServer;
  readonly server: LoopbackServer;
}

let killed = 0;
/** Killed when the model's whole answer was stored already. */
let paid = 0;
let places: readonly Place[];
beforeAll(async () => {
  places = await Promise.all(Array.from({ length: SYSTEMS }, startPlace));
});
afterAll(async () => {
  for (const { of, server } of places) {
    await of[Symbol.asyncDispose]();
    await server.close();
  }
});

async function startPlace(): Promise<Place> {
  const { kernel } = await suiteOfProcess();
  const model = openModel(kernel, { project: "unused" });
  model.change({ firstTokenMs: 1, tokensPerSecond: 2_000 });
  const server = await serveLoopback(0, model.listener);
  const of = await startSystem({ env: emulatedModels(server.port) });
  return { of, model, server };
}

const chats = "/v1/apps/demo/chats";
const credentials = (of: System) => ({ authorization: `Bearer ${of.env.OPERATOR_KEY}` });

async function newChat({ operator }: System): Promise<string> {
  const { body } = await operator.post(chats, { kind: "assistant", title: "Questions" });
  return `${chats}/${body.number}`;
}

const startAnswering = (of: System): Promise<HostProcess> => startProcess(of);

/** Asks at the process that is to be killed, under a key that can be repeated elsewhere. */
const ask = (of: System, host: HostProcess, chat: string, name: string): Promise<EventStream> =>
  EventStream.open(
    `http://127.0.0.1:${host.port}/api${chat}/messages`,
    undefined,
    {
      ...credentials(of),
      accept: "text/event-stream",
      "content-type": "application/json",
      "idempotency-key": "question",
    },
    { method: "POST", body: JSON.stringify({ text: questionOf(name) }) },
  );

const answerOf = async ({ operator }: System, chat: string): Promise<Message> =>
  (await operator.get(`${chat}/messages/2`)).body;

/** A model that has failed before may be waited for by its circuit: the clock goes on meanwhile. */
async function untilFinished(of: System, chat: string): Promise<void> {
  const look = async (): Promise<Message["status"]> => {
    const { status, served } = await answerOf(of, chat);
    if (status === "queued" && served?.as === "queued") of.suite.kernel.clock.advance(STEP_MS);
    return status;
  };
  await expect.poll(look, { interval: 20, timeout: 15_000 }).toMatch(/complete|stopped|failed/);
}

/** What a reader has after these events; their offsets fit together. */
function textOf(events: readonly SseEvent[]): string {
  let text = "";
  for (const { event, data } of events) {
    if (event === "answer.reset") text = "";
    if (event === "answer.delta") {
      expect(data.offset).toBe(text.length);
      text += data.text;
    }
  }
  return text;
}

interface Kill {
  readonly service: string;
  readonly method: string;
  readonly skip: number;
  readonly isRead: boolean;
  /** It leaves something behind. */
  readonly isWrite: boolean;
}

const callsOf = (of: System): Record<string, number> =>
  of.suite.kernel.meter.read({ project: of.project }).rpcs;

/** Has deliveries wait, so that all calls meanwhile are the answering process's own. */
function holdDeliveries(of: System): void {
  for (const [service, method] of [
    ["pubsub", "Push"],
    ["tasks", "Dispatch"],
  ] as const) {
    of.fault({ service, method, kind: "slow", ms: LATE_MS, count: Number.POSITIVE_INFINITY });
  }
}

/** How the model speaks, and what becomes of a question that is asked of it then. */
interface Way {
  readonly quirk?: QuirkName;
  readonly status: Message["status"];
  readonly text: (name: string) => string;
  /** What else the answer says. */
  readonly also?: object;
  /** No answer comes of it: the provider is well again only when the process has been killed. */
  readonly isMended?: true;
}

const PLAIN: Way = { status: "complete", text: expectedFor };
const beginningFor = (name: string): string => tokensOf(expectedFor(name)).slice(0, SOME_TOKENS).join("");
const failing = (code: AnswerErrorCode): Omit<Way, "quirk"> => ({
  status: "failed",
  text: () => wordsOf(code, "en"),
  also: { error: { code } },
});
/** Those that change which calls are made, or what they store. */
const QUIRKY: readonly (Way & { readonly quirk: QuirkName })[] = [
  { ...PLAIN, quirk: "reasoning-content", also: { thinking: { text: QUIRK_THOUGHT } } },
  { ...PLAIN, quirk: "one-body" },
  { ...PLAIN, quirk: "no-usage" },
  { ...PLAIN, quirk: "usage-last" },
  { ...PLAIN, quirk: "content-parts" },
  { ...PLAIN, quirk: "rate-limited", isMended: true },
  { ...PLAIN, quirk: "cut", isMended: true },
  { ...failing("refused"), quirk: "flagged" },
  { ...failing("too_long"), quirk: "too-long" },
  { ...failing("misconfigured"), quirk: "no-quota" },
  { ...PLAIN, quirk: "length", text: beginningFor, also: { finishReason: "length" } },
  { ...PLAIN, quirk: "only-thinking", text: () => "", also: { thinking: { text: QUIRK_THOUGHT } } },
];

test(
  "an answer survives its process being killed after any call: whole, once, and as its readers have it",
  { timeout: SWEEP_MS_MAX },
  async () => {
    await goThrough(sweep(await enumerate(places[0] as Place, [PLAIN]), 5));
    expect(killed).toBeGreaterThan(amountOf(2, 15));
    // A part of the sweep need not come to a call between the model's end and the answer's.
    expect(paid).toBeGreaterThan(isWhole ? 0 : -1);
  },
);

test(
  "an answer of a provider with quirks survives its process being killed after any call that leaves something",
  { timeout: SWEEP_MS_MAX },
  async () => {
    killed = 0;
    const ways = sweep(QUIRKY);
    const mended = ways.filter(({ isMended }) => isMended);
    // A model that has failed is called otherwise for a while, so each such way has a place of its own.
    const groups = [ways.filter(({ isMended }) => !isMended), ...mended.map((way) => [way])];
    const all = await Promise.all(groups.map((group, index) => enumerate(places[index] as Place, group)));
    const cases = all.flat().filter(({ kill }) => kill.isWrite);
    // One after the other has a reader: whether there is one changes nothing that is stored.
    const some = cases.filter(({ kill }, index) => kill.isRead === index % 4 < 2);
    await goThrough(sweep(some));
    expect(killed).toBeGreaterThan(isWhole ? 5 * ways.length : 0);
  },
);

interface Case {
  readonly kill: Kill;
  readonly way: Way;
}

/** Goes through cases in all places at the same time, the next process starting while one is looked at. */
async function goThrough(cases: readonly Case[]): Promise<void> {
  const left = [...cases];
  await Promise.all(
    places.map(async (place) => {
      let next = startAnswering(place.of);
      for (let each = left.shift(); each !== undefined; each = left.shift()) {
        const host = await next;
        if (left.length > 0) next = startAnswering(place.of);
        await killAndRecover(place, host, each);
      }
      const unused = await next.catch(() => undefined);
      await unused?.stop(1_000);
    }),
  );
}

/**
 * The last call of an attempt that comes to no answer: the task of the next, after that of the safety net.
 */
const hasLeft = (of: System, { isMended }: Way): boolean =>
  isMended === true && (callsOf(of)["tasks.CreateTask"] ?? 0) > 1;

/**
 * Every call that answering makes, in the order of each method, with a reader elsewhere; those that leave
 * something also without.
 */
async function enumerate(place: Place, ways: readonly Way[]): Promise<Case[]> {
  const host = await startAnswering(place.of);
  const cases: Case[] = [];
  for (const way of ways) {
    for (const kill of await killsOf(place, host, way)) cases.push({ kill, way });
  }
  await host.stop(1_000);
  return cases;
}

async function killsOf({ of, model }: Place, host: HostProcess, way: Way): Promise<Kill[]> {
  // The first request finds an app that this instance does not know yet, as each that is killed does.
  const chat = await newChat(of);
  await of.settle();
  holdDeliveries(of);
  of.suite.kernel.meter.clear(of.project);
  const name = way.quirk ?? "zero";
  model.change({ quirk: way.quirk ?? null });
  const stream = await ask(of, host, chat, name);
  const isOver = watch(stream.ended);
  await expect.poll(() => isOver() || hasLeft(of, way), { interval: 5, timeout: 20_000 }).toBe(true);
  const calls = callsOf(of);
  of.clearFaults();
  // What was held goes on, so that the next way need not wait for it.
  of.suite.kernel.clock.advance(LATE_MS);
  await stream[Symbol.asyncDispose]();
  const own = Object.entries(calls).filter(([rpc]) =>
    /^firestore\.(?!Listen)|^tasks\.Create|^pubsub\.Publish/.test(rpc),
  );
  if (!way.isMended) expect(await answerOf(of, chat)).toMatchObject(endOf(way, name));
  return own.flatMap(([rpc, times]) =>
    Array.from({ length: times }, (_, skip) => {
      const [service = "", method = ""] = rpc.split(".");
      const isWrite = !/Get|Run/.test(method);
      return (isWrite ? [true, false] : [true]).map((isRead) => ({ service, method, skip, isRead, isWrite }));
    }).flat(),
  );
}

const endOf = ({ status, text, also }: Way, name: string): object => ({ status, text: text(name), ...also });

/** Whether it has settled, for whoever looks. */
function watch(promise: Promise<unknown>): () => boolean {
  let isOver = false;
  const note = (): void => void (isOver = true);
  promise.then(note, note);
  return () => isOver;
}

/**
 * Whether the model's whole answer is stored, by the present attempt: other systems here move the clock, and
 * an attempt whose process has not heard of that may be taken over before it is killed.
 */
async function hasResult({ deps }: System, chat: string): Promise<boolean> {
  const messages = await deps.firestore
    .collection(`apps/demo/chats/${chat.split("/").at(-1)}/messages`)
    .get();
  for (const message of messages.docs) {
    const segments = await message.ref.collection("segments").get();
    const present = segments.docs.filter((segment) => segment.get("epoch") === message.get("answer.epoch"));
    if (present.some((segment) => segment.get("end") !== undefined)) return true;
  }
  return false;
}

async function killAndRecover({ of, model }: Place, host: HostProcess, { kill, way }: Case): Promise<void> {
  const { service, method, skip, isRead } = kill;
  const name = `${way.quirk ?? ""} ${service} ${method} ${skip} ${isRead ? "read" : "unread"}`.trim();
  const chat = await newChat(of);
  await of.settle();
  const reader = isRead
    ? await EventStream.open(`${of.url}${chat}/events`, undefined, credentials(of))
    : undefined;
  holdDeliveries(of);
  of.suite.kernel.meter.clear(of.project);
  of.fault({ service, method, skip, kind: "slow", ms: LATE_MS });
  await host.setClock(of.suite.kernel.clock.offset());
  model.change({ quirk: way.quirk ?? null });
  const asked = ask(of, host, chat, name).catch(() => undefined);
  const over = asked.then((stream) => stream?.ended);
  const isOver = watch(over);
  const isMade = (): boolean => (callsOf(of)[`${service}.${method}`] ?? 0) > skip;
  await expect
    .poll(() => isMade() || isOver() || hasLeft(of, way), { interval: 2, timeout: 20_000 })
    .toBe(true);
  // What an instance reads for itself is not always the same: such a call may not come again.
  if (isMade()) killed += 1;
  process.kill(host.pid, "SIGKILL");
  await host.ended;
  await over;
  await (await asked)?.[Symbol.asyncDispose]();
  of.clearFaults();
  if (way.isMended) model.change({ quirk: null });
  const callsFor = (): number =>
    model.show().calls.recent.filter(({ question }) => question === questionOf(name)).length;
  const wasPaid = await hasResult(of, chat);
  const callsPaid = callsFor();
  if (wasPaid) paid += 1;
  // Whoever has no answer asks again under the same key.
  const again = await of.operator.post(
    `${chat}/messages`,
    { text: questionOf(name) },
    { "idempotency-key": "question" },
  );
  expect(again.status).toBe(201);
  of.suite.kernel.clock.advance(UNCLAIMED_MS + LEASE_MS + 1_000);
  await of.runSchedule("recover-answers");
  await untilFinished(of, chat);
  await of.settle();
  const answer = await answerOf(of, chat);
  const { body: head } = await of.operator.get(chat);
  expect({ name, ...answer }).toMatchObject({ name, ...endOf(way, name) });
  expect([name, head.messagesCount]).toEqual([name, 2]);
  // The chat, the question with its answer, and the end; that a model is waited for may be told once.
  const revisions = way === PLAIN ? [4] : [4, 5];
  expect(revisions).toContain(head.revision);
  for (const count of Object.values(answer.usage ?? {}).filter((value) => typeof value === "number")) {
    expect([name, Number.isInteger(count) && count >= 0]).toEqual([name, true]);
  }
  // What the model had said whole, and was stored, is not paid for again.
  if (wasPaid) expect([name, callsFor()]).toEqual([name, callsPaid]);
  if (reader === undefined) return;
  await reader.until((all) => all.some(({ event }) => event === "answer.done"));
  if (answer.status === "complete") expect(textOf(reader.events)).toBe(answer.text);
  const done = reader.events.find(({ event }) => event === "answer.done");
  expect(done?.data.message).toMatchObject(endOf(way, name));
  await reader[Symbol.asyncDispose]();
}
