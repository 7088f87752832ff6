import { afterEach, describe, expect, test, vi } from "vitest";
import { chatHandle } from "../../../shared/chat/chat-handle.ts";
import type { ChatHead } from "../../../shared/chat/log/head.ts";
import { AGAIN_MS, AGAIN_MS_MAX, LOOK_BACK_MS } from "../../../shared/chat/upkeep/reconcile-changes.ts";
import {
  type ChangedChat,
  GRACE_MS,
  markOf,
  type Page,
  type Range,
  type Sweep,
  SWEEP_LEASE_MS,
  SWEEP_MS_MAX,
  SWEEP_PAGE,
  SWEEP_SHARDS,
  sweepChanges,
} from "../../../shared/chat/upkeep/sweep-changes.ts";
import { readProgress } from "../../../shared/chat/store.ts";
import { appHandle } from "../../../shared/identity/app.ts";
import { Timestamp } from "../../../shared/platform/firestore-values.ts";
import { seededRandom } from "../../../shared/testing/seeded-random.ts";
import { isWhole } from "../../../shared/testing/sweep.ts";
import { type ChatDraft, startChat, useSystem } from "../../../shared/testing/use-system.ts";

const system = useSystem();
/** Each test moves the clock, and so outlives the tokens of those before. */
const chatOf = async (draft: ChatDraft) => {
  const { api } = await system.signIn("ada@sweeps.test");
  return { api, ...(await startChat(api, draft)) };
};
afterEach(() => void vi.restoreAllMocks());

const HOUR_MS = 3_600_000;

describe("a sweep over a million changed chats", () => {
  const CHATS = isWhole ? 1_000_000 : 40_000;
  const PER_SHARD = CHATS / SWEEP_SHARDS;
  /** What a page takes in the cloud: 200 chats, 4 at once, ten calls of 12 ms each. */
  const PAGE_MS = (SWEEP_PAGE / 4) * 10 * 12;

  /** Changes as they would be in Firestore, in their order; looking takes time on a clock of its own. */
  function simulated(name: string, fails: () => boolean) {
    const seen = new Uint8Array(CHATS);
    const present = performance.now.bind(performance);
    let simulatedMs = 0;
    vi.spyOn(performance, "now").mockImplementation(() => present() + simulatedMs);
    const page = async (shard: number, { after, fromMs }: Range): Promise<Page> => {
      // Nothing changes after the first time that a shard has been looked through.
      if (fromMs > 0) return { changed: [], next: undefined };
      const from = after === null ? 0 : Number(after.path.split("/").at(-1)) + 1;
      const numbers = Array.from({ length: Math.min(SWEEP_PAGE, PER_SHARD - from) }, (_, at) => from + at);
      const last = numbers.length < SWEEP_PAGE ? undefined : numbers.at(-1);
      return {
        changed: numbers.map((number) => ({
          app: "demo",
          head: { number: number * SWEEP_SHARDS + shard } as ChatHead,
        })),
        next: last === undefined ? undefined : { changedAt: Timestamp.fromMillis(0), path: `chats/${last}` },
      };
    };
    const look = async (changed: readonly ChangedChat[]) => {
      // The shards are looked through at once.
      simulatedMs += PAGE_MS / SWEEP_SHARDS;
      if (fails()) throw new Error("Killed.");
      for (const { head } of changed) seen[head.number] = (seen[head.number] ?? 0) + 1;
      return { chats: changed.length };
    };
    const sweep: Sweep<{ chats: number }> = { name, page, look };
    return {
      seen,
      simulatedMs: () => simulatedMs,
      run: () => sweepChanges(system.deps, sweep, { chats: 0 }),
    };
  }

  test("ends within its time, and the next runs go on where it stopped", { timeout: 300_000 }, async () => {
    const { seen, run, simulatedMs } = simulated("simulated", () => false);
    for (let runs = 1, left = 1; left > 0; runs += 1) {
      const before = simulatedMs();
      ({ left } = await run());
      expect(simulatedMs() - before).toBeLessThan(SWEEP_MS_MAX + 2 * PAGE_MS);
      // An hour's share of a million a day is a third of a run; a day's are done within ten.
      expect(runs).toBeLessThan(12);
    }
    expect(seen.every((times) => times === 1)).toBe(true);
  });

  test("misses none when it is killed at random, and two run at once", { timeout: 300_000 }, async () => {
    const random = seededRandom(3);
    const { seen, run } = simulated("killed", () => random() < 0.005);
    for (let left = 1; left > 0;) {
      const results = await Promise.allSettled([run(), run()]);
      left = Math.max(...results.map((each) => (each.status === "fulfilled" ? each.value.left : 1)));
      system.suite.kernel.clock.advance(SWEEP_LEASE_MS + 1);
    }
    expect(seen.every((times) => times > 0)).toBe(true);
    // Only pages that were cut short are looked at twice.
    expect(seen.filter((times) => times > 1).length).toBeLessThan(CHATS * 0.05);
  });
});

describe("after an outage", () => {
  const logged = async (): Promise<Record<string, unknown> | undefined> => {
    await system.runSchedule("reconcile");
    await system.settle();
    return system.logs.findLast((line) => line.function === "reconcile");
  };
  const lose = (service: string, method: string): void =>
    system.fault({
      service,
      method,
      kind: "before",
      code: "PERMISSION_DENIED",
      count: Number.POSITIVE_INFINITY,
    });
  const progressOf = async (chat: number): Promise<number> => {
    const handle = chatHandle(appHandle(system.deps.firestore, "demo"), chat);
    return (await readProgress(handle)).progress.revision;
  };

  test("notes nothing while nothing changes", async () => {
    await chatOf({ texts: ["one"] });
    await system.settle();
    system.suite.kernel.clock.advance(GRACE_MS + LOOK_BACK_MS);
    await logged();
    system.suite.kernel.clock.advance(2 * LOOK_BACK_MS);
    const { billed } = await system.meter(() => system.runSchedule("reconcile"));
    expect(billed).toMatchObject({ reads: 2 * SWEEP_SHARDS + 1, writes: 0 });
  });

  test("sets what is behind going again for as long as an outage lasts", { timeout: 60_000 }, async () => {
    // For 25 hours nothing reaches the function of events.
    lose("pubsub", "Publish");
    const { number } = await chatOf({ texts: ["one", "two"] });
    system.clearFaults();
    lose("pubsub", "Push");
    system.suite.kernel.clock.advance(GRACE_MS + 1_000);
    await system.runSchedule("reconcile");
    for (let hours = 0; hours < 25; hours += 1) {
      system.suite.kernel.clock.advance(HOUR_MS);
      await system.runSchedule("reconcile");
    }
    expect(await progressOf(number)).toBe(0);
    // What was published meanwhile is gone too.
    await system.suite.pubsub.idle(system.project).catch(() => undefined);
    system.clearFaults();
    system.suite.kernel.clock.advance(AGAIN_MS_MAX + 1);
    await logged();
    expect(await progressOf(number)).toBe(3);
    system.suite.kernel.clock.advance(AGAIN_MS_MAX + AGAIN_MS);
    await logged();
    expect((await system.deps.firestore.collection("system/reconcile/behind").get()).size).toBe(0);
  });

  test("finishes a copy whose request died and whose task was given up", async () => {
    const { api, path } = await chatOf({ texts: ["one", "two"], model: "emulated-small" });
    await system.settle();
    lose("tasks", "CreateTask");
    // The request dies after it has made the copy's head.
    system.fault({
      service: "firestore",
      method: "Commit",
      kind: "before",
      code: "PERMISSION_DENIED",
      skip: 1,
      count: 9,
    });
    expect((await api.post(`${path}/forks`, { at: 2 })).status).toBeGreaterThanOrEqual(500);
    system.clearFaults();
    system.suite.kernel.clock.advance(10 * 60_000);
    expect(await logged()).toMatchObject({ copying: 1 });
    const heads = await system.deps.firestore
      .collection("apps/demo/chats")
      .where("status", "==", "copying")
      .get();
    expect(heads.size).toBe(0);
  });

  test("an answer is made when the queue is back after a day, though its task was given up", async () => {
    const { api, path } = await chatOf({ kind: "assistant", members: [] });
    lose("tasks", "Dispatch");
    const { body } = await api.post(`${path}/messages`, { text: "What is a lease?" });
    for (let hours = 0; hours < 25; hours += 1) {
      system.suite.kernel.clock.advance(HOUR_MS);
      await system.runSchedule("recover-answers");
    }
    system.clearFaults();
    system.suite.kernel.clock.advance(HOUR_MS);
    await system.runSchedule("recover-answers");
    await system.settle();
    const again = await system.signIn("ada@sweeps.test");
    await expect
      .poll(async () => (await again.api.get(`${path}/messages/${body.answer.number}`)).body.status)
      .toBe("complete");
  });

  test("two runs at once do each shard once", async () => {
    await chatOf({ texts: ["one"] });
    await system.settle();
    system.suite.kernel.clock.advance(GRACE_MS + 1_000);
    await Promise.all([system.runSchedule("reconcile"), system.runSchedule("reconcile")]);
    for (let shard = 0; shard < SWEEP_SHARDS; shard += 1) {
      const mark = await markOf(system.deps.firestore, "reconcile", shard).get();
      expect(mark.get("leaseUntil") ?? null).toBeNull();
    }
  });
});
