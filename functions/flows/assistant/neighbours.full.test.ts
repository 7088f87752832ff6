import { beforeAll, expect, test } from "vitest";
import type { Message } from "../../../shared/chat/contract.ts";
import type { ApiClient } from "../../../shared/testing/api-client.ts";
import { EventStream } from "../../../shared/testing/event-stream.ts";
import { liftLimits } from "../../../shared/testing/lift-limits.ts";
import { ENDED, refuse, sse, startProvider, word } from "../../../shared/testing/own-provider.ts";
import { useResource, useSystem } from "../../../shared/testing/use-system.ts";

/** Questions of one app that a model refuses, and what another app notices of them. */
const HOSTILE = 50;
const CONTROLS = 40;
const WARM_UP = 10;
const SLOWER_MAX = 1.2;

const provider = useResource(startProvider);
beforeAll(async () => {
  provider.answer(({ messages }, response) => {
    const question = messages.at(-1)?.content ?? "";
    if (question.startsWith("Forbidden")) refuse(response, 400, "content_filter: flagged by policy");
    else if (question.startsWith("Huge")) refuse(response, 400, "maximum context length is 8192 tokens");
    else response.end(sse(word("Hello"), ENDED));
  });
});
const system = useSystem(() => ({
  env: { MODEL_BASE_URL: provider.baseUrl, MODEL_FAST: "main", MODEL_SLOW: "main" },
}));
beforeAll(async () => {
  await liftLimits(system.operator, "demo");
});

/** How long the first word of an answer takes, in ms. */
async function firstWordMs(api: ApiClient, app: string, authorization: string): Promise<number> {
  const { body } = await api.post(`/v1/apps/${app}/chats`, { kind: "assistant", title: "Control" });
  const messages = `/v1/apps/${app}/chats/${body.number}/messages`;
  const beganMs = performance.now();
  await api.post(messages, { text: "Good morning" });
  await using stream = await EventStream.open(`${system.url}${messages}/2/stream`, undefined, {
    authorization,
  });
  await stream.until((events) => events.some(({ event }) => event === "answer.delta"));
  return performance.now() - beganMs;
}

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

test(`${HOSTILE} refused questions of one app leave the first words of another as they are`, async () => {
  const other = await system.createApp("Other");
  const ada = await system.signIn("ada@control.test");
  const eve = await system.signIn("eve@hostile.test", other.id);
  const authorization = `Bearer ${ada.session.accessToken}`;
  const control = (): Promise<number> => firstWordMs(ada.api, "demo", authorization);
  for (let turn = 0; turn < WARM_UP; turn += 1) await control();

  const alone: number[] = [];
  for (let turn = 0; turn < CONTROLS; turn += 1) alone.push(await control());

  const beside: number[] = [];
  const attack = async (): Promise<void> => {
    for (let turn = 0; turn < HOSTILE; turn += 1) {
      const { body } = await eve.api.post(`/v1/apps/${other.id}/chats`, { kind: "assistant", title: "Bad" });
      const text = turn % 2 === 0 ? `Forbidden ${turn}` : `Huge ${turn}`;
      const messages = `${system.url}/v1/apps/${other.id}/chats/${body.number}/messages`;
      // The next one is asked when this one has been refused.
      await using stream = await EventStream.open(
        messages,
        eve,
        { accept: "text/event-stream", "content-type": "application/json" },
        { method: "POST", body: JSON.stringify({ text }) },
      );
      await stream.ended;
    }
  };
  await Promise.all([
    attack(),
    (async () => {
      for (let turn = 0; turn < CONTROLS; turn += 1) beside.push(await control());
    })(),
  ]);
  const after: number[] = [];
  for (let turn = 0; turn < CONTROLS; turn += 1) after.push(await control());

  const { body } = await system.operator.get("/v1/operator/breakers");
  expect(body.data.filter(({ state }: { state: string }) => state !== "closed")).toEqual([]);
  const [first, second, third] = [median(alone), median(beside), median(after)];
  console.info(
    `first words: ${first.toFixed(0)} ms alone, ${second.toFixed(0)} beside, ${third.toFixed(0)} after`,
  );
  expect(third / first).toBeLessThan(SLOWER_MAX);
  // What would make a person wait on any machine: another model, a second call, an open circuit.
  const controls = provider.calls.filter(({ messages }) => messages.at(-1)?.content === "Good morning");
  expect(controls).toHaveLength(WARM_UP + 3 * CONTROLS);
  const { body: chats } = await ada.api.get("/v1/apps/demo/chats?limit=100");
  for (const { number } of chats.data) {
    const answer: Message = (await ada.api.get(`/v1/apps/demo/chats/${number}/messages/2`)).body;
    expect(answer).toMatchObject({ status: "complete", served: { as: "chosen" } });
  }
});
