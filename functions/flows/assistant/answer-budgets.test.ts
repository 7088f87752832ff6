import { describe, expect, test } from "vitest";
import { costOf } from "../../../shared/assistant/price.ts";
import type { Message } from "../../../shared/chat/contract.ts";
import type { ApiClient } from "../../../shared/testing/api-client.ts";
import { useModelPace, useSystem } from "../../../shared/testing/use-system.ts";

const system = useSystem();
useModelPace(system, { firstTokenMs: 1, tokensPerSecond: 20_000 });

const chats = "/v1/apps/demo/chats";
const PRICE = { inputMicros: 1_000_000, outputMicros: 2_000_000 };
const prices = { "emulated-small": PRICE, "emulated-large": PRICE };
/** Each test has a day of its own, and the budgets of that day. */
async function newDay(budgets: { appPerDay: number | null; personPerDay: number | null }): Promise<void> {
  system.suite.kernel.clock.advance(24 * 3600_000);
  const change = { settings: { assistant: { prices, budgets, cache: "off" } } };
  expect((await system.operator.patch("/v1/apps/demo", change)).status).toBe(200);
}

async function ask(api: ApiClient, text: string): Promise<() => Promise<Message>> {
  const { body } = await api.post(chats, { kind: "assistant", title: "Questions" });
  const chat = `${chats}/${body.number}`;
  expect((await api.post(`${chat}/messages`, { text })).status).toBe(201);
  const answer = async (): Promise<Message> => (await api.get(`${chat}/messages/2`)).body;
  return async () => {
    await expect
      .poll(async () => (await answer()).status, { interval: 20, timeout: 20_000 })
      .toMatch(/complete|failed/);
    return answer();
  };
}

const budgetOf = async (id: string) =>
  (await system.deps.firestore.doc(`apps/demo/budgets/${id}`).get()).data();
const today = (): string => new Date(system.suite.kernel.clock.now()).toISOString().slice(0, 10);

describe("a budget", () => {
  test("is charged with what an answer has cost, in the commit that ends it", async () => {
    await newDay({ appPerDay: 1_000_000, personPerDay: null });
    const answer = await (await ask(system.operator, "Write 30 words about tides"))();
    const { usage } = answer;
    expect(usage?.costMicros).toBe(costOf(PRICE, usage ?? { inputTokens: 0, outputTokens: 0 }));
    expect(usage?.costMicros).toBeGreaterThan(0);
    expect(await budgetOf(today())).toMatchObject({ spentMicros: usage?.costMicros, held: {} });
    await system.settle();
    const { body } = await system.operator.get("/v1/apps/demo/usage");
    expect(body.data.at(-1)).toMatchObject({ day: today(), costMicros: usage?.costMicros });
  });

  test("that is used up stops the call before it is made, and the person is told", async () => {
    await newDay({ appPerDay: 50, personPerDay: null });
    const before = system.suite.model.show().calls.recent.length;
    const answer = await (await ask(system.operator, "Write 30 words about reefs"))();
    expect(answer).toMatchObject({
      status: "failed",
      served: { as: "none", reason: "budget_exhausted" },
      text: expect.stringContaining("budget"),
    });
    expect(system.suite.model.show().calls.recent.length).toBe(before);
    expect(system.logs.at(-1)).toBeDefined();
    expect(system.logs.some(({ event, whose }) => event === "budget.exhausted" && whose === "app")).toBe(
      true,
    );
  });

  test("makes an answer as short as what is left allows", async () => {
    await newDay({ appPerDay: 200, personPerDay: null });
    const answer = await (await ask(system.operator, "Write 500 words about dunes"))();
    expect(answer.status).toBe("complete");
    expect(answer.usage?.costMicros).toBeLessThanOrEqual(200);
    expect(answer.usage?.outputTokens).toBeGreaterThan(50);
  });

  test(
    "of a person holds however many questions come at once, and leaves others theirs",
    {
      timeout: 60_000,
    },
    async () => {
      await newDay({ appPerDay: null, personPerDay: 500 });
      const [ada, ben] = [await system.signIn("ada@budgets.test"), await system.signIn("ben@budgets.test")];
      const asked = await Promise.all(
        Array.from({ length: 4 }, (_, index) => ask(ada.api, `Write 100 words about island ${index}`)),
      );
      const answers = await Promise.all(asked.map((answer) => answer()));
      const spent = answers.reduce((sum, { usage }) => sum + (usage?.costMicros ?? 0), 0);
      expect(spent).toBeLessThanOrEqual(500);
      expect(answers.filter(({ status }) => status === "complete").length).toBeGreaterThanOrEqual(1);
      expect(answers.filter(({ served }) => served?.reason === "budget_exhausted").length).toBeGreaterThan(0);
      expect(await budgetOf(`${today()}.${ada.id}`)).toMatchObject({ spentMicros: spent, held: {} });
      expect((await (await ask(ben.api, "Write 30 words about capes"))()).status).toBe("complete");
    },
  );

  test("is bounded, and only those who may change the app set it", async () => {
    const set = (api: ApiClient, budgets: object) =>
      api.patch("/v1/apps/demo", { settings: { assistant: { budgets } } });
    expect((await set(system.operator, { appPerDay: -1, personPerDay: null })).status).toBe(400);
    expect((await set(system.operator, { appPerDay: 1.5, personPerDay: null })).status).toBe(400);
    const eve = await system.signIn("eve@budgets.test");
    expect((await set(eve.api, { appPerDay: 1, personPerDay: null })).status).toBe(403);
  });
});
