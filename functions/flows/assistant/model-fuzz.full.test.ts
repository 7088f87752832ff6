import { beforeAll, expect, test } from "vitest";
import type { Message } from "../../../shared/chat/contract.ts";
import { mutatedStream } from "../../../shared/testing/mutate-stream.ts";
import { liftLimits } from "../../../shared/testing/lift-limits.ts";
import { startProvider } from "../../../shared/testing/own-provider.ts";
import { seededRandom } from "../../../shared/testing/seeded-random.ts";
import { useResource, useSystem } from "../../../shared/testing/use-system.ts";

/**
 * Mutated streams of providers through the whole pipeline, from the question to the search index.
 * FUZZ_STREAMS=10000 takes a quarter of an hour on two cores.
 */
const STREAMS = Number(process.env["FUZZ_STREAMS"] ?? 2_000);
const SEED = Number(process.env["FUZZ_SEED"] ?? Math.floor(Math.random() * 1e9));
const AT_ONCE = 16;
const ENDED_MS_MAX = 30_000;
/**
 * A circuit that has opened closes itself no sooner than a model's failures allow, so there are many models.
 */
const MODELS = Array.from({ length: 500 }, (_, index) => `model-${index}`);

const random = seededRandom(SEED);
const provider = useResource(startProvider);
beforeAll(async () => {
  provider.answer((_, response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    for (const part of mutatedStream(random)) response.write(part);
    response.end();
  });
});
const system = useSystem(() => ({
  env: {
    MODEL_BASE_URL: provider.baseUrl,
    MODEL_FAST: "fallback",
    MODEL_SLOW: "fallback",
    MODELS: JSON.stringify(MODELS.map((id) => ({ id }))),
  },
}));
beforeAll(async () => {
  await liftLimits(system.operator, "demo");
});

const chats = "/v1/apps/demo/chats";

async function one(index: number): Promise<void> {
  const model = MODELS[index % MODELS.length];
  const { body } = await system.operator.post(chats, { kind: "assistant", title: "Fuzz", model });
  const chat = `${chats}/${body.number}`;
  await system.operator.post(`${chat}/messages`, { text: `Question ${index}` });
  const until = Date.now() + ENDED_MS_MAX;
  let answer: Message;
  do {
    await new Promise((resolve) => setTimeout(resolve, 30));
    answer = (await system.operator.get(`${chat}/messages/2`)).body;
    if (Date.now() > until) throw new Error(`${chat} is ${answer.status} after ${ENDED_MS_MAX} ms.`);
  } while (answer.status === "streaming" || (answer.status === "queued" && answer.served?.as !== "queued"));
  for (const count of Object.values(answer.usage ?? {}).filter((value) => typeof value === "number")) {
    expect(Number.isFinite(count) && count >= 0, `${chat}: ${JSON.stringify(answer.usage)}`).toBe(true);
  }
  if (answer.status === "queued") await system.operator.delete(`${chat}/messages/2/answer`);
}

test(
  `${STREAMS} mutated streams end each answer, with finite usage (seed ${SEED})`,
  { timeout: 1_500_000 },
  async () => {
    let next = 0;
    const work = async (): Promise<void> => {
      for (let index = next++; index < STREAMS; index = next++) await one(index);
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
    const { body } = await system.operator.post(chats, { kind: "group", title: "Afterwards" });
    await system.operator.post(`${chats}/${body.number}/messages`, { text: "The pelican is found" });
    await system.settle();
    const found = await system.operator.get("/v1/apps/demo/search?q=pelican");
    expect(found.body.data).toHaveLength(1);
  },
);
