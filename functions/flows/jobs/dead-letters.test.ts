import { PubSub } from "@google-cloud/pubsub";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { DeadLetter } from "../../../shared/jobs/contract.ts";
import { deadLettersOf } from "../../../shared/jobs/dead-letters.ts";
import { useSystem } from "../../../shared/testing/use-system.ts";
import manifest from "../../manifest.json" with { type: "json" };

let pubsub: PubSub;
const system = useSystem();
beforeAll(async () => {
  pubsub = new PubSub({ projectId: system.project });
});
afterAll(async () => {
  await pubsub.close();
});

const path = "/v1/operator/dead-letters";
const letters = async (query = ""): Promise<DeadLetter[]> =>
  (await system.operator.get(`${path}?limit=100${query}`)).body.data;
const publish = (event: unknown, topic = "chat-changes"): Promise<string> =>
  pubsub.topic(topic).publishMessage({
    data: typeof event === "string" ? Buffer.from(event) : Buffer.from(JSON.stringify(event)),
  });
const enqueue = (name: keyof typeof manifest.queues, payload: object, id: string): Promise<void> =>
  system.deps.tasks.enqueue({
    queue: name,
    function: manifest.queues[name].function,
    id: ["poison", id],
    payload,
  });

async function forget(): Promise<void> {
  const all = await deadLettersOf(system.deps.firestore).get();
  await Promise.all(all.docs.map(({ ref }) => ref.delete()));
}

describe("poison", () => {
  test("of twenty kinds is kept with its cause, and what comes beside and behind it flows", async () => {
    const events: unknown[] = [
      "no json",
      " ",
      "null",
      "[]",
      '"text"',
      "12",
      "\u0000",
      `${"[".repeat(5_000)}${"]".repeat(5_000)}`,
      {},
      { app: "demo" },
      { app: "demo", chat: "1", revision: 1 },
      { app: "demo", chat: 0, revision: 1 },
      { app: "demo", chat: 1.5, revision: 1 },
      { app: "demo", chat: 1, revision: -1 },
      { app: ["demo"], chat: 1, revision: 1 },
    ];
    const { body: chat } = await system.operator.post("/v1/apps/demo/chats", { kind: "group" });
    const messages = `/v1/apps/demo/chats/${chat.number}/messages`;
    for (const event of events) await publish(event);
    for (const [index, name] of Object.keys(manifest.queues).entries()) {
      await enqueue(name as keyof typeof manifest.queues, { wrong: index }, String(index));
    }
    expect((await system.operator.post(messages, { text: "beside" })).status).toBe(201);
    const deaths = async (): Promise<number> =>
      (await letters()).reduce((sum, letter) => sum + letter.deaths, 0);
    // Those that are the same letter wait for one another.
    await expect.poll(deaths, { timeout: 10_000 }).toBe(events.length + Object.keys(manifest.queues).length);
    const kept = await letters();
    const functions = new Set(kept.map(({ function: name }) => name));
    expect(functions.size).toBe(1 + Object.keys(manifest.queues).length);
    expect(kept.length).toBeGreaterThanOrEqual(20);
    for (const letter of kept) {
      expect(letter).toMatchObject({
        state: "dead",
        cause: { code: "invalid_request", errors: expect.anything() },
        trail: expect.arrayContaining([expect.objectContaining({ what: "died" })]),
      });
    }
    const { body: usage } = await system.operator.get("/v1/apps/demo/usage");
    expect(usage.data.at(-1).messages).toBe(1);
    expect(system.logs.some(({ event }) => event === "dead-letter.kept")).toBe(true);
    await forget();
  });

  test(
    "that fails each time is given up after the queue's last attempt, and done when it is replayed after the repair",
    {
      timeout: 60_000,
    },
    async () => {
      const { body: chat } = await system.operator.post("/v1/apps/demo/chats", { kind: "group" });
      await system.settle();
      const progress = `chats/${chat.number}/progress`;
      system.fault({
        service: "firestore",
        method: "Commit",
        match: progress,
        kind: "before",
        code: "PERMISSION_DENIED",
        count: 1_000,
      });
      await system.operator.post(`/v1/apps/demo/chats/${chat.number}/messages`, { text: "stuck" });
      await expect
        .poll(
          async () => {
            system.suite.kernel.clock.advance(300_000);
            await new Promise((resolve) => setImmediate(resolve));
            return (await letters()).length;
          },
          { interval: 50, timeout: 20_000 },
        )
        .toBeGreaterThan(0);
      system.suite.kernel.faults.clear();
      const [letter] = await letters("&function=on-chat-changed");
      expect(letter).toMatchObject({ trigger: "event", state: "dead", deaths: 1 });
      expect(letter?.trail[0]?.attempts).toBe(manifest.subscriptions["on-chat-changed"].maxDeliveryAttempts);
      expect(letter?.payload).toMatchObject({ app: "demo", chat: chat.number });
      const replayed = await system.operator.post(`${path}/${letter?.id}/replay`, {});
      expect([replayed.status, replayed.body.state, replayed.body.replays]).toEqual([202, "replayed", 1]);
      const counted = async (): Promise<unknown> => {
        // Pub/Sub holds back a while after so many failures.
        system.suite.kernel.clock.advance(60_000);
        return (await system.deps.firestore.doc(`apps/demo/${progress}/changes`).get()).get("countedNumber");
      };
      await expect.poll(counted, { timeout: 10_000 }).toBe(1);
      expect((await system.operator.get(`${path}/${letter?.id}`)).body.state).toBe("replayed");
      // Again it changes nothing.
      const again = await system.operator.post(`${path}/${letter?.id}/replay`, {});
      expect(again.body).toMatchObject({ state: "replayed", replays: 1 });
      await forget();
    },
  );

  test("which Pub/Sub itself gives up is kept too", async () => {
    await pubsub.topic("dead-letters").publishMessage({
      data: Buffer.from(JSON.stringify({ app: "demo", chat: 99, revision: 1 })),
      attributes: {
        CloudPubSubDeadLetterSourceSubscription: "on-chat-changed",
        CloudPubSubDeadLetterSourceDeliveryCount: "8",
      },
    });
    await system.settle();
    expect(await letters()).toMatchObject([
      { function: "on-chat-changed", cause: { code: "undelivered" }, payload: { chat: 99 } },
    ]);
    await forget();
  });
});

describe("a dead letter", () => {
  const poison = async (wrong: string): Promise<DeadLetter> => {
    await enqueue("forks", { wrong }, wrong);
    await system.settle();
    const found = (await letters("&function=fork-chat")).find(({ payload }) => {
      return (payload as { wrong?: string }).wrong === wrong;
    });
    if (found === undefined) throw new Error("It was not kept.");
    return found;
  };

  test("that dies again is the same, with both deaths on its trail", async () => {
    const letter = await poison("again");
    await system.operator.post(`${path}/${letter.id}/replay`, {});
    await system.settle();
    const { body } = await system.operator.get(`${path}/${letter.id}`);
    expect(body).toMatchObject({ state: "dead", deaths: 2, replays: 1 });
    expect(body.trail.map(({ what }: { what: string }) => what).sort()).toEqual(["died", "died", "replayed"]);
  });

  test("is discarded once and for all", async () => {
    const { id } = await poison("discarded");
    expect((await system.operator.delete(`${path}/${id}`)).status).toBe(204);
    expect((await system.operator.delete(`${path}/${id}`)).status).toBe(204);
    expect((await system.operator.post(`${path}/${id}/replay`, {})).status).toBe(409);
    expect((await system.operator.get(`${path}/${id}`)).body.state).toBe("discarded");
  });

  test("is only the operator's", async () => {
    const { id } = await poison("secret");
    const ada = await system.signIn("ada@letters.test");
    for (const api of [ada.api, system.client()]) {
      const refused = [
        await api.get(path),
        await api.get(`${path}/${id}`),
        await api.post(`${path}/${id}/replay`, {}),
        await api.post(`${path}/replay-all`, {}),
        await api.delete(`${path}/${id}`),
      ];
      for (const { status } of refused) expect([401, 403]).toContain(status);
    }
    expect((await system.operator.get(`${path}/${"0".repeat(26)}`)).status).toBe(404);
    expect((await system.operator.get(`${path}?state=alive`)).status).toBe(400);
    expect((await system.operator.post(`${path}/replay-all`, { perSecond: 0 })).status).toBe(400);
  });

  test("is found page by page", async () => {
    for (const each of ["p1", "p2", "p3"]) await poison(each);
    const seen: string[] = [];
    for (let cursor = ""; ;) {
      const { body } = await system.operator.get(`${path}?limit=2&function=fork-chat${cursor}`);
      seen.push(...body.data.map(({ id }: DeadLetter) => id));
      if (!body.hasMore) break;
      cursor = `&cursor=${encodeURIComponent(body.next)}`;
    }
    expect(new Set(seen).size).toBe(seen.length);
    expect(seen.length).toBeGreaterThanOrEqual(3);
    await forget();
  });
});

test(
  "all dead letters are replayed by one job, at a rate, and those that die again stay",
  {
    timeout: 60_000,
  },
  async () => {
    const { body: chat } = await system.operator.post("/v1/apps/demo/chats", { kind: "group" });
    for (let each = 0; each < 60; each += 1) await enqueue("forks", { wrong: `all ${each}` }, `all ${each}`);
    await system.settle();
    await publish({ app: "demo", chat: chat.number, revision: 1 }, "dead-letters");
    await system.settle();
    const before = await letters("&state=dead");
    expect(before.length).toBeGreaterThanOrEqual(60);
    const started = await system.operator.post(
      `${path}/replay-all`,
      { perSecond: 50 },
      { "idempotency-key": "all" },
    );
    expect(started.status).toBe(202);
    const again = await system.operator.post(
      `${path}/replay-all`,
      { perSecond: 50 },
      { "idempotency-key": "all" },
    );
    expect(again.body.id).toBe(started.body.id);
    await expect
      .poll(
        async () => {
          system.suite.kernel.clock.advance(1_000);
          return (await system.operator.get(`/v1/operator/jobs/${started.body.id}`)).body.state;
        },
        { interval: 30, timeout: 20_000 },
      )
      .toBe("completed");
    await system.settle();
    const { body: job } = await system.operator.get(`/v1/operator/jobs/${started.body.id}`);
    expect(job).toMatchObject({ kind: "replay-dead-letters", progress: { done: before.length, failed: 0 } });
    const after = await letters("&state=dead");
    expect(after.every(({ deaths, replays }) => deaths === 2 && replays === 1)).toBe(true);
  },
);
