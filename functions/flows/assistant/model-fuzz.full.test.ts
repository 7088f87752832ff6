import { beforeAll, expect, test } from "vitest";
import { ANSWER_MS_MAX } from "../../../shared/assistant/contract.ts";
import { type StoredMessage, storedMessage } from "../../../shared/chat/log/message.ts";
import { mutatedStream } from "../../../shared/testing/mutate-stream.ts";
import { liftLimits } from "../../../shared/testing/lift-limits.ts";
import { startProvider } from "../../../shared/testing/own-provider.ts";
import { seededRandom } from "../../../shared/testing/seeded-random.ts";
import { useResource, useSystem } from "../../../shared/testing/use-system.ts";

/** Mutated streams of providers through the whole pipeline, from the question to the search index. */
const STREAMS = Number(process.env["FUZZ_STREAMS"] ?? 2_000);
const SEED = Number(process.env["FUZZ_SEED"] ?? Math.floor(Math.random() * 1e9));
/** Most of them wait for the queue to try them again, so many are under way. */
const AT_ONCE = 64;
/** As often as functions/manifest.json has the schedule run. */
const RECOVERED_MS = 60_000;
/** So many that none fails often enough for its circuit to open: each question is asked. */
const MODELS = Array.from({ length: 200 }, (_, index) => `model-${index}`);

const provider = useResource(startProvider);
/** Each stream is the same again under the same seed, whatever comes first: by question and call. */
const callsOf = new Map<string, number>();
const randomFor = (question: string): (() => number) => {
  const call = callsOf.get(question) ?? 0;
  callsOf.set(question, call + 1);
  return seededRandom(SEED + Number(question.split(" ")[1]) * CALLS_MAX + call);
};
const CALLS_MAX = 16;
beforeAll(() => {
  provider.answer(({ messages }, response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    const random = randomFor(messages.at(-1)?.content ?? "");
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
    BREAKER_FAILURES: "20",
  },
}));
beforeAll(async () => {
  await liftLimits(system.operator, "demo");
});

const chats = "/v1/apps/demo/chats";

/** The answer once it has ended, or waits for a model to get well. */
async function endOf(chat: string): Promise<StoredMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<StoredMessage>();
  const answer = system.deps.firestore
    .collection(`apps/demo/chats/${chat.split("/").at(-1)}/messages`)
    .where("number", "==", 2);
  let stored: StoredMessage | undefined;
  const stop = answer.onSnapshot(({ docs }) => {
    stored = docs[0] === undefined ? undefined : storedMessage(docs[0]);
    const waits = stored?.status === "queued" && stored.answer?.served?.as === "queued";
    if (stored !== undefined && (waits || /complete|failed/.test(stored.status))) resolve(stored);
  }, reject);
  const late = setTimeout(() => {
    const { status, answer: found } = stored ?? {};
    reject(new Error(`${chat} has not ended: ${JSON.stringify({ status, ...found })}`));
  }, ANSWER_MS_MAX.fast);
  try {
    return await promise;
  } finally {
    clearTimeout(late);
    stop();
  }
}

async function one(index: number): Promise<void> {
  const model = MODELS[index % MODELS.length];
  const { body } = await system.operator.post(chats, { kind: "assistant", title: "Fuzz", model });
  const chat = `${chats}/${body.number}`;
  const ended = endOf(chat);
  await system.operator.post(`${chat}/messages`, { text: `Question ${index}` });
  const { status, answer } = await ended;
  for (const count of Object.values(answer?.usage ?? {}).filter((value) => typeof value === "number")) {
    expect(Number.isFinite(count) && count >= 0, `${chat}: ${JSON.stringify(answer?.usage)}`).toBe(true);
  }
  if (status === "queued") await system.operator.delete(`${chat}/messages/2/answer`);
}

test(
  `${STREAMS} mutated streams end each answer, with finite usage (seed ${SEED})`,
  { timeout: 1_500_000 },
  async () => {
    let next = 0;
    const work = async (): Promise<void> => {
      for (let index = next++; index < STREAMS; index = next++) await one(index);
    };
    // A machine that is busy loses a task now and then; the schedule finds those answers, as in the cloud.
    const recover = (): void => void system.runSchedule("recover-answers").catch(() => undefined);
    const recovery = setInterval(recover, RECOVERED_MS);
    await Promise.all(Array.from({ length: AT_ONCE }, work)).finally(() => clearInterval(recovery));
    expect(provider.calls.length).toBeGreaterThanOrEqual(STREAMS);
    const { body } = await system.operator.post(chats, { kind: "group", title: "Afterwards" });
    await system.operator.post(`${chats}/${body.number}/messages`, { text: "The pelican is found" });
    await system.settle();
    const found = await system.operator.get("/v1/apps/demo/search?q=pelican");
    expect(found.body.data).toHaveLength(1);
  },
);
