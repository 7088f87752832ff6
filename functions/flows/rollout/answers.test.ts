import { afterEach, expect, test } from "vitest";
import { modelRollout } from "../../../shared/assistant/choose-models.ts";
import { CLASSIFIER_ROLLOUT } from "../../../shared/assistant/classify-question.ts";
import type { Message } from "../../../shared/chat/contract.ts";
import type { RolloutReport } from "../../../shared/rollout/contract.ts";
import { useModelPace, usePeople, useSystem } from "../../../shared/testing/use-system.ts";

const LARGE = "emulated-large";
const SMALL = "emulated-small";
const SLOW_QUESTION = "Write 40 words about bridges, compare them with ferries and explain why";

const system = useSystem();
const [ada] = usePeople(system, "ada@trials.test");
useModelPace(system, { firstTokenMs: 1, tokensPerSecond: 20_000 });
afterEach(() => {
  system.suite.model.reset();
  system.suite.model.change({ firstTokenMs: 1, tokensPerSecond: 20_000 });
});

const chats = "/v1/apps/demo/chats";
const steps = [{ from: "2026-01-01T00:00:00Z", percent: 100 }];
const roll = async (name: string, definition: object): Promise<void> => {
  const { status } = await system.operator.put(`/v1/apps/demo/rollouts/${name}`, definition);
  expect([200, 201]).toContain(status);
};
const report = async (name: string): Promise<RolloutReport> =>
  (await system.operator.get(`/v1/apps/demo/reports/rollout-${name}`)).body;

async function ask(text: string): Promise<{ chat: string; answer: Message }> {
  const { body } = await ada.api.post(chats, { kind: "assistant", title: "Questions" });
  const chat = `${chats}/${body.number}`;
  await ada.api.post(`${chat}/messages`, { text });
  const read = async (): Promise<Message> => (await ada.api.get(`${chat}/messages/2`)).body;
  await expect.poll(async () => (await read()).status, { interval: 10, timeout: 10_000 }).toBe("complete");
  return { chat, answer: await read() };
}
/** Instances hear of a rollout by their listener. */
const untilAnsweredBy = async (model: string): Promise<{ chat: string; answer: Message }> => {
  for (;;) {
    const asked = await ask(SLOW_QUESTION);
    if ("model" in asked.answer.sender && asked.answer.sender.model === model) return asked;
  }
};

test("a model in a canary answers those who have it, and is counted with how it did", async () => {
  const name = modelRollout("slow");
  await roll(name, { stable: LARGE, candidate: SMALL, mode: "canary", steps });
  const { chat } = await untilAnsweredBy(SMALL);
  await system.settle();
  const before = (await report(name)).overall.candidate;
  expect(before).toMatchObject({ version: SMALL, errors: 0 });
  expect(before.samples).toBeGreaterThan(0);
  expect(before.latencyMs?.p50).toBeGreaterThanOrEqual(0);
  const rate = (value: string) => ada.api.put(`${chat}/messages/2/feedback`, { value });
  for (const value of ["down", "down", "up"]) expect((await rate(value)).status).toBe(204);
  expect((await report(name)).overall.candidate.feedback).toEqual({ up: 1, down: 0 });

  // One that fails is counted as failed, although another has answered.
  system.suite.model.change({ model: SMALL, fault: "500" });
  const { answer } = await ask(`${SLOW_QUESTION}?`);
  expect(answer.served).toMatchObject({ as: "fallback", insteadOf: SMALL });
  await system.settle();
  expect((await report(name)).overall.candidate).toMatchObject({ errors: 1, samples: before.samples + 1 });
  await roll(name, { stable: LARGE, candidate: SMALL, mode: "off" });
});

test("a model in the shadow answers nobody, and is compared once however often its task runs", async () => {
  const name = modelRollout("slow");
  await roll(name, { stable: LARGE, candidate: SMALL, mode: "shadow", attempt: 2 });
  system.fault({ service: "tasks", method: "Dispatch", kind: "twice", count: 1_000 });
  await expect
    .poll(
      async () => {
        const { answer } = await ask(SLOW_QUESTION);
        expect(answer.sender).toEqual({ model: LARGE });
        await system.settle();
        return (await report(name)).overall.candidate.shadow.runs;
      },
      { timeout: 10_000 },
    )
    .toBe(1);
  system.clearFaults();
  const { overall } = await report(name);
  expect(overall.stable.samples).toBe(1);
  expect(overall.candidate).toMatchObject({ samples: 1, shadow: { runs: 1, differences: 0 } });
  await roll(name, { stable: LARGE, candidate: SMALL, mode: "off", attempt: 2 });
});

test("classifiers are rolled out like models; in the shadow their lanes are compared", async () => {
  await roll(CLASSIFIER_ROLLOUT, { stable: "v2", candidate: "v1", mode: "shadow" });
  await expect
    .poll(
      async () => {
        await ask("What time is it in Lisbon?");
        await system.settle();
        return (await report(CLASSIFIER_ROLLOUT)).overall.candidate.shadow.runs;
      },
      { timeout: 10_000 },
    )
    .toBeGreaterThan(0);
});

test("usage is counted for each person and day", async () => {
  const eve = await system.signIn("eve@trials.test");
  const { body: before } = await ada.api.get("/v1/apps/demo/me/usage");
  const { answer } = await ask("Hello");
  await system.settle();
  const { body: after } = await ada.api.get("/v1/apps/demo/me/usage");
  const [was] = before.data;
  expect(after.data).toHaveLength(1);
  expect(after.data[0]).toMatchObject({
    answers: was.answers + 1,
    outputTokens: was.outputTokens + (answer.usage?.outputTokens ?? 0),
  });
  expect((await system.operator.get(`/v1/apps/demo/usage?person=${ada.id}`)).body).toEqual(after);
  expect((await eve.api.get("/v1/apps/demo/me/usage")).body.data).toEqual([]);
  expect((await eve.api.get(`/v1/apps/demo/usage?person=${ada.id}`)).status).toBe(403);
  expect((await ada.api.get("/v1/apps/demo/me/usage?from=2020-01-01")).status).toBe(400);
});
