import { expect, test } from "vitest";
import type { HostProcess } from "../../../emulators/local/function-host/host-process.ts";
import { answerTo } from "../../../emulators/model/answer.ts";
import { LEASE_MS } from "../../../shared/assistant/claim-answer.ts";
import { UNCLAIMED_MS } from "../../../shared/chat/log/append-answer.ts";
import type { Message } from "../../../shared/chat/contract.ts";
import { EventStream, type SseEvent } from "../../../shared/testing/event-stream.ts";
import { startProcess } from "../../../shared/testing/start-process.ts";
import type { System } from "../../../shared/testing/start-system.ts";
import { isWhole, sweep } from "../../../shared/testing/sweep.ts";
import { startChat, useModelPace, useSystem } from "../../../shared/testing/use-system.ts";

/** Starting a process takes most of a case's time, so several are under way. */
const SYSTEMS = 3;
/** Each case has a question of its own, by which the model's calls are told apart. */
const questionOf = (name: string): string => `Write 150 words about harbour ${name}`;
const expectedFor = (name: string): string =>
  answerTo("emulated-small", [{ role: "user", content: questionOf(name) }]);

let killed = 0;
/** Killed when the model's whole answer was stored already. */
let paid = 0;
const system = useSystem();
const systems = [system, ...Array.from({ length: SYSTEMS - 1 }, () => useSystem())];
useModelPace(system, { firstTokenMs: 1, tokensPerSecond: 2_000 });

const credentials = (of: System) => ({ authorization: `Bearer ${of.env.OPERATOR_KEY}` });

const newChat = async ({ operator }: System): Promise<string> =>
  (await startChat(operator, { kind: "assistant", title: "Questions" })).path;

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

async function untilFinished(of: System, chat: string): Promise<void> {
  await expect
    .poll(async () => (await answerOf(of, chat)).status, { interval: 20, timeout: 10_000 })
    .toMatch(/complete|stopped|failed/);
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
}

const callsOf = (of: System): Record<string, number> =>
  of.suite.kernel.meter.read({ project: of.project }).rpcs;

/** Has deliveries wait, so that all calls until the release are the answering process's own. */
function holdDeliveries(of: System): { until: Promise<void>; release(): void } {
  const { promise: until, resolve: release } = Promise.withResolvers<void>();
  for (const [service, method] of [
    ["pubsub", "Push"],
    ["tasks", "Dispatch"],
  ] as const) {
    of.fault({ service, method, kind: "held", until, count: Number.POSITIVE_INFINITY });
  }
  return { until, release };
}

test(
  "an answer survives its process being killed after any call: whole, once, and as its readers have it",
  {
    timeout: 240_000,
  },
  async () => {
    const kills = await enumerate(system);
    const left = [...sweep(kills)];
    await Promise.all(
      systems.map(async (of) => {
        let next = startAnswering(of);
        for (let kill = left.shift(); kill !== undefined; kill = left.shift()) {
          const host = await next;
          if (left.length > 0) next = startAnswering(of);
          await killAndRecover(of, host, kill);
        }
        const unused = await next.catch(() => undefined);
        await unused?.stop(1_000);
      }),
    );
    expect(killed).toBeGreaterThan(isWhole ? 20 : 5);
    expect(paid).toBeGreaterThan(0);
  },
);

/**
 * Every call that answering makes, in the order of each method, with a reader elsewhere; those that leave
 * something also without.
 */
async function enumerate(of: System): Promise<Kill[]> {
  const host = await startAnswering(of);
  // The first request finds an app that this instance does not know yet, as each that is killed does.
  const chat = await newChat(of);
  await of.settle();
  const { release } = holdDeliveries(of);
  of.suite.kernel.meter.clear(of.project);
  const stream = await ask(of, host, chat, "zero");
  await stream.ended;
  const calls = callsOf(of);
  of.clearFaults();
  release();
  await host.stop(1_000);
  const own = Object.entries(calls).filter(([rpc]) =>
    /^firestore\.(?!Listen)|^tasks\.Create|^pubsub\.Publish/.test(rpc),
  );
  const kills = own.flatMap(([rpc, times]) =>
    Array.from({ length: times }, (_, skip) => {
      const [service = "", method = ""] = rpc.split(".");
      const isReading = /Get|Run/.test(method);
      return (isReading ? [true] : [true, false]).map((isRead) => ({ service, method, skip, isRead }));
    }).flat(),
  );
  expect((await answerOf(of, chat)).text).toBe(expectedFor("zero"));
  return kills;
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

async function killAndRecover(of: System, host: HostProcess, kill: Kill): Promise<void> {
  const { service, method, skip, isRead } = kill;
  const name = `${service} ${method} ${skip} ${isRead ? "read" : "unread"}`;
  const chat = await newChat(of);
  await of.settle();
  const reader = isRead
    ? await EventStream.open(`${of.url}${chat}/events`, undefined, credentials(of))
    : undefined;
  const { until, release } = holdDeliveries(of);
  of.suite.kernel.meter.clear(of.project);
  // The call is applied, and its process does not live to hear of it.
  of.fault({ service, method, skip, kind: "slow", until });
  await host.setClock(of.suite.kernel.clock.offset());
  const asked = ask(of, host, chat, name).catch(() => undefined);
  let isOver = false;
  const over = asked.then(async (stream) => {
    await stream?.ended;
    isOver = true;
  });
  const isMade = (): boolean => (callsOf(of)[`${service}.${method}`] ?? 0) > skip;
  await expect.poll(() => isMade() || isOver, { interval: 2, timeout: 20_000 }).toBe(true);
  // What an instance reads for itself is not always the same: such a call may not come again.
  if (isMade()) killed += 1;
  process.kill(host.pid, "SIGKILL");
  await host.ended;
  await over;
  await (await asked)?.[Symbol.asyncDispose]();
  of.clearFaults();
  release();
  const wasPaid = await hasResult(of, chat);
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
  const text = expectedFor(name);
  const answer = await answerOf(of, chat);
  const { body: head } = await of.operator.get(chat);
  expect([name, answer.status, answer.text, head.messagesCount, head.revision]).toEqual([
    name,
    "complete",
    text,
    2,
    4,
  ]);
  // What the model had said whole, and was stored, is not paid for again.
  const { recent } = of.suite.model.show().calls;
  const calls = recent.filter(({ question }) => question === questionOf(name)).length;
  expect([name, wasPaid ? calls : 1]).toEqual([name, 1]);
  if (reader === undefined) return;
  await reader.until((all) => all.some(({ event }) => event === "answer.done"));
  expect(textOf(reader.events)).toBe(text);
  await reader[Symbol.asyncDispose]();
}
