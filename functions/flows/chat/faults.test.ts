import { describe, expect, test } from "vitest";
import type { FaultKind } from "../../../emulators/kernel/faults.ts";
import { GRACE_MS } from "../../../shared/chat/upkeep/sweep-changes.ts";
import type { ApiReply, ApiClient } from "../../../shared/testing/api-client.ts";
import { type Person, type System, startSystem } from "../../../shared/testing/start-system.ts";
import { SWEEP_MS_MAX, sweep } from "../../../shared/testing/sweep.ts";

/**
 * The fault sweep: for each call that an operation makes, each way in which that call can fail; the
 * client repeats the request with the same key until it succeeds. Afterwards the state must be what it
 * would have been without the fault.
 */

const KINDS: readonly FaultKind[] = ["before", "after", "hang", "drop"];
const CODES = ["UNAVAILABLE", "ABORTED", "DEADLINE_EXCEEDED", "INTERNAL"] as const;
const TRIES_MAX = 6;
const chats = "/v1/apps/demo/chats";

interface Scene {
  readonly system: System;
  readonly ada: Person;
  /** The instance that the operation is sent to. */
  readonly api: ApiClient;
  readonly chat: number;
}

interface Operation {
  readonly name: string;
  /** Which instance: one that knows the heads, or a fresh one that has to read them. */
  readonly knowsHeads: boolean;
  run(scene: Scene): Promise<ApiReply>;
  verify(scene: Scene, answer: ApiReply): Promise<void>;
}

const append: Omit<Operation, "knowsHeads"> = {
  name: "append",
  run: ({ api, chat }) =>
    api.post(`${chats}/${chat}/messages`, { text: "Swept" }, { "idempotency-key": "sweep" }),
  async verify({ ada, chat }, answer) {
    const { body } = await ada.api.get(`${chats}/${chat}/messages`);
    expect(body.data.map(({ number, text }: { number: number; text: string }) => [number, text])).toEqual([
      [2, "Swept"],
      [1, "First"],
    ]);
    expect(answer.body).toEqual(body.data[0]);
    expect((await ada.api.get(`${chats}/${chat}`)).body).toMatchObject({ messagesCount: 2, revision: 3 });
  },
};

const createChat: Omit<Operation, "knowsHeads"> = {
  name: "create-chat",
  run: ({ api }) => api.post(chats, { kind: "group", title: "Swept" }, { "idempotency-key": "sweep" }),
  async verify({ ada, chat, system }, answer) {
    const { body } = await ada.api.get(chats);
    const titles = body.data.map(({ number, title }: { number: number; title: string }) => [number, title]);
    expect(titles.sort()).toEqual([
      [chat, ""],
      [chat + 1, "Swept"],
    ]);
    expect(answer.body.number).toBe(chat + 1);
    expect((await system.operator.get("/v1/apps/demo")).body.chatsCount).toBe(chat + 1);
  },
};

const operations: readonly Operation[] = [append, createChat].flatMap((operation) => [
  { ...operation, knowsHeads: true },
  { ...operation, knowsHeads: false },
]);

async function onScene(operation: Operation, play: (scene: Scene) => Promise<void>): Promise<void> {
  await using system = await startSystem();
  // Systems share the suite and its mailbox, and cases run side by side.
  const ada = await system.signIn(`ada@${system.project}.test`);
  const { body } = await ada.api.post(chats, { kind: "group" });
  await ada.api.post(`${chats}/${body.number}/messages`, { text: "First" });
  await system.settle();
  await using elsewhere = await system.anotherInstance();
  const there = elsewhere.as(ada);
  // Warms the instance up, so that only the operation's own calls are left.
  await there.get(`/v1/apps/demo/me`);
  const api = operation.knowsHeads ? ada.api : there;
  await play({ system, ada, api, chat: body.number });
}

async function untilSuccess(run: () => Promise<ApiReply>): Promise<ApiReply> {
  for (let tries = 0; ; tries += 1) {
    const answer = await run();
    if (answer.status === 201) return answer;
    expect([500, 503, 504]).toContain(answer.status);
    if (tries === TRIES_MAX) throw new Error(`Still ${answer.status} after ${TRIES_MAX} repetitions.`);
  }
}

async function usageIs(system: System, messages: number): Promise<void> {
  system.suite.kernel.clock.advance(GRACE_MS + 1_000);
  await system.runSchedule("reconcile");
  await system.settle();
  const { body } = await system.operator.get("/v1/apps/demo/usage");
  expect(body.data.reduce((sum: number, day: { messages: number }) => sum + day.messages, 0)).toBe(messages);
}

describe.each(operations)("$name, heads known: $knowsHeads", (operation) => {
  test("survives each fault of each call it makes", { timeout: SWEEP_MS_MAX }, async () => {
    const calls: string[] = [];
    await onScene(operation, async (scene) => {
      const cost = await scene.system.meterRequest(() => operation.run(scene));
      for (const [rpc, times] of Object.entries(cost.rpcs)) calls.push(...Array<string>(times).fill(rpc));
    });
    expect(calls).toContain("firestore.Commit");
    const cases = [...new Set(calls)].flatMap((rpc) => {
      const times = calls.filter((call) => call === rpc).length;
      return Array.from({ length: times }, (_, skip) => KINDS.map((kind) => ({ rpc, skip, kind }))).flat();
    });
    await Promise.all(
      sweep(cases).map(({ rpc, skip, kind }, index) =>
        onScene(operation, async (scene) => {
          const [service = "", method = ""] = rpc.split(".");
          const code = CODES[index % CODES.length] ?? "UNAVAILABLE";
          scene.system.fault({ service, method, skip, kind, code });
          const answer = await untilSuccess(() => operation.run(scene));
          scene.system.clearFaults();
          await operation.verify(scene, answer);
          await usageIs(scene.system, operation.name === "append" ? 2 : 1);
        }),
      ),
    );
  });
});
