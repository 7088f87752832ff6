import { describe, expect, test } from "vitest";
import type { FaultKind } from "../../../emulators/kernel/faults.ts";
import { HOOK_MS_MAX } from "../../../shared/identity/contract.ts";
import { HookServer } from "../../../shared/testing/hook-server.ts";
import { startSystem } from "../../../shared/testing/start-system.ts";
import { SWEEP_MS_MAX, sweep } from "../../../shared/testing/sweep.ts";

/** A message that the app's hook hides, while every call that this makes fails in every way. */

const path = "/v1/apps/demo";
const chats = `${path}/chats`;
const KINDS: readonly FaultKind[] = ["before", "after", "hang", "drop"];
const CALLS = ["firestore.BatchGetDocuments", "firestore.Commit", "firestore.RunQuery", "tasks.CreateTask"];
/** More than a message and its judging make of any. */
const TIMES = [0, 1, 2] as const;
const WAIT_MS = 30_000;

interface Case {
  readonly rpc: string;
  readonly skip: number;
  readonly kind: FaultKind;
}

describe.each(["before", "after"])("judged %s", (mode) => {
  test("leaves one hidden message, one report, one event", { timeout: SWEEP_MS_MAX }, async () => {
    const cases = CALLS.flatMap((rpc) => TIMES.flatMap((skip) => KINDS.map((kind) => ({ rpc, skip, kind }))));
    const left = await Promise.all(sweep(cases).map((one) => play(mode, one)));
    expect(left).toEqual(left.map(({ one }) => ({ one, reports: 1, events: 1, unsigned: [] })));
  });
});

interface Left {
  readonly one: Case;
  readonly reports: number;
  readonly events: number;
  readonly unsigned: readonly string[];
}

async function play(mode: string, one: Case): Promise<Left> {
  const { rpc, skip, kind } = one;
  await using system = await startSystem();
  await using hook = new HookServer();
  const url = await hook.start();
  const { body: made } = await system.operator.post(`${path}/moderation/secrets`, {});
  hook.secrets = [made.secret];
  hook.verdict = () => ({ decision: "hide" });
  await system.operator.patch(path, {
    settings: { moderation: { url, mode, onFailure: "allow", timeoutMs: HOOK_MS_MAX } },
  });
  const person = await system.signIn(`swept@${system.project}.test`);
  const { body } = await person.api.post(chats, { kind: "group" });
  const messages = `${chats}/${body.number}/messages`;
  await system.settle();
  const [service = "", method = ""] = rpc.split(".");
  system.fault({ service, method, skip, kind, code: "UNAVAILABLE" });
  const send = () => person.api.post(messages, { text: "x" }, { "idempotency-key": "k" });
  await expect.poll(async () => (await send()).status, { timeout: WAIT_MS }).toBe(201);
  const hidden = async (): Promise<unknown[]> => {
    system.suite.kernel.clock.advance(5_000);
    await system.settle();
    const { body: page } = await person.api.get(messages);
    return page.data?.map((message: { hidden?: true }) => message.hidden);
  };
  await expect.poll(hidden, { timeout: WAIT_MS }).toEqual([true]);
  system.clearFaults();
  const reports = await system.deps.firestore.collection("apps/demo/reports").get();
  const events = await system.operator.get(`${path}/security-events?kind=message-judged`);
  return { one, reports: reports.size, events: events.body.data.length, unsigned: [...hook.unsigned] };
}
