import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { FaultKind } from "../../../emulators/kernel/faults.ts";
import type { Message } from "../../../shared/chat/contract.ts";
import { GRACE_MS } from "../../../shared/chat/upkeep/sweep-changes.ts";
import { EventStream } from "../../../shared/testing/event-stream.ts";
import { HookServer, type Verdict } from "../../../shared/testing/hook-server.ts";
import { ENDED, refuse, sse, startProvider, thought, word } from "../../../shared/testing/own-provider.ts";
import { startProcess } from "../../../shared/testing/start-process.ts";
import type { System } from "../../../shared/testing/start-system.ts";
import { sweep } from "../../../shared/testing/sweep.ts";
import { startChat, usePeople, useResource, useSystem } from "../../../shared/testing/use-system.ts";

/** An app's own hook judges what models answer, once it stands. */
const provider = useResource(startProvider);
const hook = new HookServer();
afterAll(() => hook[Symbol.asyncDispose]());
const system = useSystem(() => ({
  env: {
    MODEL_BASE_URL: provider.baseUrl,
    MODEL_FAST: "main",
    MODEL_SLOW: "main",
    MODELS: JSON.stringify([{ id: "main" }]),
  },
}));
const [ada] = usePeople(system, "ada@answers.test");
const app = "/v1/apps/demo";
let url: string;

const verdictOn = (said: string): Verdict => {
  if (said.includes("venom")) return { decision: "hide", reason: "Poisonous" };
  if (said.includes("spam")) return { decision: "refuse", reason: "No advertising." };
  return said.includes("odd") ? { decision: "report", reason: "Look" } : { decision: "allow" };
};
const setHook = (moderation: object) => system.operator.patch(app, { settings: { moderation } });
beforeAll(async () => {
  url = await hook.start();
  const { body } = await system.operator.post(`${app}/moderation/secrets`, {});
  hook.secrets = [body.secret];
});
beforeEach(async () => {
  hook.asked.length = 0;
  hook.verdict = ({ data: { message } }) => verdictOn(`${message.text} ${message.thinking ?? ""}`);
  await setHook({ url, mode: "after", onFailure: "allow" });
});
afterEach(async () => {
  await system.settle();
  if (hook.unsigned.length > 0) throw new Error("A request was not signed with the secret.");
});

const answers = (...events: readonly unknown[]): void =>
  provider.answer((_, response) => void response.end(sse(...events, ENDED)));
const newChat = async (): Promise<string> =>
  (await startChat(ada.api, { kind: "assistant", title: "Judged" })).path;
const messageAt = async (chat: string, number: number): Promise<Message> =>
  (await system.operator.get(`${chat}/messages/${number}`)).body;
/** Asks, and returns the answer once it has been judged. */
async function ask(chat: string, text = "Tell me"): Promise<Message> {
  const { body } = await ada.api.post(`${chat}/messages`, { text });
  const isOver = async () => !/queued|streaming/.test((await messageAt(chat, body.answer.number)).status);
  await expect.poll(isOver).toBe(true);
  await system.settle();
  return messageAt(chat, body.answer.number);
}
const askedOfAnswers = () => hook.asked.filter(({ data }) => data.message.model !== undefined);
const numberOf = (chat: string): number => Number(chat.split("/").at(-1));

/** The reports on a chat's messages, and what the security log says of them. */
async function recordsOf(chat: string): Promise<{ reports: number; events: number; users: unknown[] }> {
  const number = numberOf(chat);
  const reports = await system.deps.firestore
    .collection("apps/demo/reports")
    .where("chat", "==", number)
    .get();
  const events = await system.operator.get(`${app}/security-events?kind=message-judged&limit=100`);
  const own = events.body.data.filter(
    ({ details }: { details: { chat: number } }) => details.chat === number,
  );
  const users = reports.docs.map((report) => report.get("user") as unknown);
  return { reports: reports.size, events: own.length, users };
}

describe("an answer", () => {
  test.each(["before", "after"])("is judged once it stands, in the mode %s", async (mode) => {
    await setHook({ mode });
    const chat = await newChat();
    answers(word("Tea is fine"));
    expect(await ask(chat)).toMatchObject({ status: "complete", text: "Tea is fine" });
    answers(word("This is odd"));
    expect(await ask(chat)).toMatchObject({ text: "This is odd" });
    answers(word("Buy spam"));
    expect(await ask(chat)).toMatchObject({ text: "", hidden: true });
    expect(askedOfAnswers().map(({ data: { message } }) => message)).toEqual(
      ["Tea is fine", "This is odd", "Buy spam"].map((text, index) => ({
        number: 2 * index + 2,
        sender: "",
        model: "main",
        text,
        isEdit: false,
      })),
    );
    expect(await recordsOf(chat)).toEqual({ reports: 2, events: 2, users: [null, null] });
  });

  test("that is hidden is found, streamed, given to models and listed by nobody any more", async () => {
    const chat = await newChat();
    answers(thought("A thought of it"), word("Drink the venom"));
    expect(await ask(chat)).not.toHaveProperty("thinking");
    expect((await ada.api.get(`${app}/search?q=venom`)).body.data).toEqual([]);
    await using stream = await EventStream.open(`${system.url}${chat}/messages/2/stream`, ada);
    await stream.ended;
    expect(JSON.stringify(stream.events)).not.toMatch(/venom|thought/);
    answers(word("Hello"));
    await ask(chat, "And now?");
    expect(JSON.stringify(provider.calls.at(-1)?.messages)).not.toContain("venom");
    const listed = await ada.api.get(`${chat}/messages`);
    expect(JSON.stringify(listed.body)).not.toContain("venom");
  });

  test("is judged by what its model thought, too", async () => {
    const chat = await newChat();
    answers(thought("How to make venom"), word("I can't tell"));
    expect(await ask(chat)).toMatchObject({ text: "", hidden: true });
  });

  test("that was stopped is judged by what was said until then", async () => {
    provider.answer((_, response) => void response.write(sse(word("Some venom here"))));
    const chat = await newChat();
    await using stream = await EventStream.open(
      `${system.url}${chat}/messages`,
      ada,
      { accept: "text/event-stream", "content-type": "application/json" },
      { method: "POST", body: JSON.stringify({ text: "Say something" }) },
    );
    await stream.until((events) => events.some(({ event }) => event === "answer.delta"));
    await ada.api.delete(`${chat}/messages/2/answer`);
    await expect.poll(async () => (await messageAt(chat, 2)).hidden).toBe(true);
  });

  test("that failed is not: what it says is ours", async () => {
    provider.answer((_, response) => refuse(response, 400, "content_filter: flagged"));
    expect((await ask(await newChat(), "Something forbidden")).status).toBe("failed");
    expect(askedOfAnswers()).toEqual([]);
  });

  test("costs a task with a hook, and without one nothing", async () => {
    answers(word("Hello"));
    const chat = await newChat();
    await ask(chat);
    const tasks = async () => (await system.meter(() => ask(chat))).rpcs["tasks.CreateTask"] ?? 0;
    const toJudge = async (): Promise<number> => {
      const messages = system.deps.firestore.collection(`apps/demo/chats/${numberOf(chat)}/messages`);
      const { docs } = await messages.get();
      return docs.filter((message) => message.get("toJudge") !== undefined).length;
    };
    await setHook({ url: null });
    await ask(chat);
    const judged = await toJudge();
    const without = await tasks();
    expect(await toJudge()).toBe(judged);
    await setHook({ url });
    await ask(chat);
    // The question is judged too.
    expect(await tasks()).toBe(without + 2);
  });
});

const hideAnswers = (): void => {
  answers(word("Drink the venom"));
  hook.verdict = ({ data: { message } }) => verdictOn(message.text);
};
const ONCE = { reports: 1, events: 1, users: [null] };

test(
  "an answer whose process is killed before it tells of the end is hidden once",
  { timeout: 60_000 },
  async () => {
    hideAnswers();
    const chat = await newChat();
    await system.settle();
    const host = await startProcess(system);
    system.fault({
      service: "pubsub",
      method: "Publish",
      skip: 1,
      kind: "hang",
      count: Number.POSITIVE_INFINITY,
    });
    const headers = { authorization: `Bearer ${ada.session.accessToken}`, accept: "text/event-stream" };
    const asked = EventStream.open(
      `http://127.0.0.1:${host.port}/api${chat}/messages`,
      undefined,
      { ...headers, "content-type": "application/json" },
      { method: "POST", body: JSON.stringify({ text: "Tell me" }) },
    );
    await expect.poll(async () => (await messageAt(chat, 2))?.status).toBe("complete");
    process.kill(host.pid, "SIGKILL");
    await host.ended;
    await asked.then(
      (stream) => stream[Symbol.asyncDispose](),
      () => undefined,
    );
    expect((await messageAt(chat, 2)).hidden).toBeUndefined();
    system.clearFaults();
    system.suite.kernel.clock.advance(GRACE_MS + 1_000);
    for (let times = 0; times < 2; times += 1) await system.runSchedule("reconcile");
    await expect.poll(async () => (await messageAt(chat, 2)).hidden).toBe(true);
    await system.settle();
    expect(await recordsOf(chat)).toEqual(ONCE);
    expect(new Set(askedOfAnswers().map(({ id }) => id)).size).toBe(1);
  },
);

describe("each fault of each call of judging an answer", () => {
  const KINDS: readonly FaultKind[] = ["before", "after", "hang", "drop"];
  const CALLS = ["firestore.BatchGetDocuments", "firestore.Commit", "firestore.RunQuery", "tasks.CreateTask"];
  const cases = CALLS.flatMap((rpc) => [0, 1].flatMap((skip) => KINDS.map((kind) => ({ rpc, skip, kind }))));

  test("leaves it hidden once", { timeout: 600_000 }, async () => {
    for (const { rpc, skip, kind } of sweep(cases)) {
      hideAnswers();
      const chat = await newChat();
      await system.settle();
      // The answer ends without a fault; what follows its end does not.
      const gate = Promise.withResolvers<void>();
      holdEvents(system, gate.promise);
      await ada.api.post(`${chat}/messages`, { text: "Tell me" });
      await expect.poll(async () => (await messageAt(chat, 2)).status).toBe("complete");
      const [service = "", method = ""] = rpc.split(".");
      system.fault({ service, method, skip, kind, code: "UNAVAILABLE" });
      gate.resolve();
      const isHidden = async (): Promise<unknown> => {
        system.suite.kernel.clock.advance(5_000);
        await system.settle();
        return (await messageAt(chat, 2)).hidden;
      };
      await expect.poll(isHidden, { timeout: 30_000 }).toBe(true);
      system.clearFaults();
      await system.settle();
      expect(await recordsOf(chat), `${kind} at ${rpc} ${skip}`).toEqual(ONCE);
    }
  });
});

function holdEvents({ suite, project }: System, until: Promise<void>): void {
  suite.kernel.faults.add({
    service: "pubsub",
    method: "Push",
    kind: "held",
    until,
    count: Number.POSITIVE_INFINITY,
    match: project,
  });
}
