import { expect, test } from "vitest";
import type { FaultKind } from "../../../emulators/kernel/faults.ts";
import { LEASE_MS } from "../../../shared/assistant/claim-answer.ts";
import { UNCLAIMED_MS } from "../../../shared/chat/log/append-answer.ts";
import type { Message } from "../../../shared/chat/contract.ts";
import { GRACE_MS } from "../../../shared/chat/upkeep/sweep-changes.ts";
import { EventStream } from "../../../shared/testing/event-stream.ts";
import { startProcess } from "../../../shared/testing/start-process.ts";
import type { System } from "../../../shared/testing/start-system.ts";
import { SWEEP_MS_MAX, sweep } from "../../../shared/testing/sweep.ts";
import { startChat, useModelPace, useSystem } from "../../../shared/testing/use-system.ts";

/** Cases wait more than they work, so several systems go through them side by side. */
const SYSTEMS = 5;
const system = useSystem();
const systems = [system, ...Array.from({ length: SYSTEMS - 1 }, () => useSystem())];
useModelPace(system, { firstTokenMs: 1, tokensPerSecond: 20_000 });

const QUESTION = "Write 120 words about bridges";
const KINDS: readonly FaultKind[] = ["before", "after", "drop"];
const CODES = ["UNAVAILABLE", "ABORTED", "DEADLINE_EXCEEDED", "INTERNAL"] as const;
const TRIES_MAX = 6;

const newChat = async ({ operator }: System): Promise<string> =>
  (await startChat(operator, { kind: "assistant", title: "Questions" })).path;
const answerOf = async ({ operator }: System, chat: string): Promise<Message> =>
  (await operator.get(`${chat}/messages/2`)).body;
const isFinished = async (of: System, chat: string): Promise<boolean> =>
  /complete|stopped|failed/.test((await answerOf(of, chat)).status ?? "");

async function ask({ operator }: System, chat: string): Promise<void> {
  for (let tries = 0; ; tries += 1) {
    const { status } = await operator.post(
      `${chat}/messages`,
      { text: QUESTION },
      { "idempotency-key": "question" },
    );
    if (status === 201) return;
    if (tries === TRIES_MAX) throw new Error(`Still ${status} after ${TRIES_MAX} repetitions.`);
  }
}

/** As long as queues need to try again. */
const TRIED_AGAIN_MS = 3_000;

/** After that the schedule has to find it. */
async function untilFinished(of: System, chat: string): Promise<void> {
  const poll = (timeout?: number) =>
    expect
      .poll(() => isFinished(of, chat), { interval: 20, ...(timeout === undefined ? {} : { timeout }) })
      .toBe(true);
  try {
    await poll(TRIED_AGAIN_MS);
  } catch {
    of.suite.kernel.clock.advance(UNCLAIMED_MS + LEASE_MS);
    await of.runSchedule("recover-answers");
    await poll();
  }
}

async function countedAnswers(of: System): Promise<number> {
  of.suite.kernel.clock.advance(GRACE_MS + 1_000);
  await of.runSchedule("reconcile");
  await of.settle();
  const { body } = await of.operator.get("/v1/apps/demo/usage");
  return body.data.reduce((sum: number, { answers }: { answers: number }) => sum + answers, 0);
}

test(
  "an answer survives each fault of each call that it makes: whole, once, counted once",
  {
    timeout: SWEEP_MS_MAX,
  },
  async () => {
    const model = await newChat(system);
    const cost = await system.meter(async () => {
      await ask(system, model);
      await untilFinished(system, model);
    });
    const { text } = await answerOf(system, model);
    expect(text.length).toBeGreaterThan(100);
    // Polling reads too; those calls come after what is looked for.
    const cases = Object.entries(cost.rpcs)
      .filter(([rpc]) => /^firestore\.(Commit|RunQuery|BatchGetDocuments)$|^tasks\.|^model\./.test(rpc))
      .flatMap(([rpc, times]) =>
        Array.from({ length: Math.min(times, 8) }, (_, skip) =>
          KINDS.map((kind) => ({ rpc, skip, kind })),
        ).flat(),
      )
      .map((each, index) => ({ ...each, code: CODES[index % CODES.length] ?? "UNAVAILABLE" }));
    expect(cases.length).toBeGreaterThan(20);
    const left = [...sweep(cases)];
    // The reconciler goes on from where it was, and each case moves the clock.
    for (const of of systems) await of.runSchedule("reconcile");
    await Promise.all(
      systems.map(async (of) => {
        let done = 0;
        for (let next = left.shift(); next !== undefined; next = left.shift()) {
          const { rpc, skip, kind, code } = next;
          const chat = await newChat(of);
          await of.settle();
          const [service = "", method = ""] = rpc.split(".");
          of.fault({ service, method, skip, kind, code });
          await ask(of, chat);
          await untilFinished(of, chat);
          of.clearFaults();
          done += 1;
          const answer = await answerOf(of, chat);
          const { body } = await of.operator.get(chat);
          const state = [answer.status, answer.text, body.messagesCount, body.revision];
          expect(state, `${kind} at ${rpc} ${skip}`).toEqual(["complete", text, 2, 4]);
        }
        expect(await countedAnswers(of)).toBe(done + (of === system ? 1 : 0));
      }),
    );
  },
);

test(
  "what a killed process was answering is begun anew, and its readers are told",
  {
    timeout: 60_000,
  },
  async () => {
    // However slow the machine is, the answer is not at its end when the process is killed.
    system.suite.model.change({ firstTokenMs: 1, tokensPerSecond: 5 });
    const host = await startProcess(system);
    const chat = await newChat(system);
    const authorization = { authorization: `Bearer ${system.env.OPERATOR_KEY}` };
    const headers = { ...authorization, accept: "text/event-stream", "content-type": "application/json" };
    const request = { method: "POST", body: JSON.stringify({ text: QUESTION }) };
    const url = `http://127.0.0.1:${host.port}/api${chat}/messages`;
    await using here = await EventStream.open(url, undefined, headers, request);
    await using there = await EventStream.open(
      `${system.url}${chat}/messages/2/stream`,
      undefined,
      authorization,
    );
    await there.until((all) => all.filter(({ event }) => event === "answer.delta").length >= 2);
    process.kill(host.pid ?? 0, "SIGKILL");
    await here.ended;
    system.suite.model.change({ firstTokenMs: 1, tokensPerSecond: 20_000 });
    system.suite.kernel.clock.advance(UNCLAIMED_MS + LEASE_MS);
    await there.until((all) => all.some(({ event }) => event === "answer.done"));
    const answer = await answerOf(system, chat);
    expect(answer.status).toBe("complete");
    let told = "";
    for (const { event, data } of there.events) {
      if (event === "answer.reset") told = "";
      if (event === "answer.delta") told += data.text;
    }
    expect(there.events.some(({ event }) => event === "answer.reset")).toBe(true);
    expect(told).toBe(answer.text);
  },
);
