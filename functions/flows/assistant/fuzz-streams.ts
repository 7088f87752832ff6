import { beforeAll, describe, expect, test } from "vitest";
import { ANSWER_MS_MAX } from "../../../shared/assistant/contract.ts";
import { type StoredMessage, storedMessage } from "../../../shared/chat/log/message.ts";
import { liftLimits } from "../../../shared/testing/lift-limits.ts";
import { mutatedStream } from "../../../shared/testing/mutate-stream.ts";
import { startProvider } from "../../../shared/testing/own-provider.ts";
import { seededRandom } from "../../../shared/testing/seeded-random.ts";
import type { System } from "../../../shared/testing/start-system.ts";
import { amountOf } from "../../../shared/testing/sweep.ts";
import { useResource, useSystem } from "../../../shared/testing/use-system.ts";

/**
 * Mutated streams of providers through the whole pipeline, from the question to the search index. Each shard
 * is a file of its own, which vitest runs beside others. It has a system for each of its parts, which ends
 * with all that it remembers: one system would keep every line that it logged.
 */
const STREAMS = Number(process.env["FUZZ_STREAMS"] ?? amountOf(1_000, 10_000));
/** Files that have a shard. */
const FUZZ_SHARDS = 4;
const OF_SYSTEM_MAX = 1_250;
const SEED = Number(process.env["FUZZ_SEED"] ?? Math.floor(Math.random() * 1e9));
/** Some wait for the queue to try them again; more at once would wait for one another. */
const AT_ONCE = 24;
/**
 * Asked one after the other in one chat: what broken answers leave is in the history of the next question.
 */
const OF_CHAT = 10;
/** As often as functions/manifest.json has the schedule run. */
const RECOVERED_MS = 60_000;
/** So many that none fails often enough for its circuit to open: each question is asked. */
const MODELS = Array.from({ length: 200 }, (_, index) => `model-${index}`);
/** Of one part; several times what it takes on a machine that does nothing else. */
const TEST_MS_MAX = 1_800_000;
/** No question is asked of a model as often. */
const CALLS_MAX = 64;
const TRIES_MAX = 10;

const chats = "/v1/apps/demo/chats";

/** The tests of one shard, counted from 0. */
export function fuzzStreams(shard: number): void {
  const count = Math.ceil(STREAMS / FUZZ_SHARDS);
  const parts = Math.ceil(count / OF_SYSTEM_MAX);
  const ofPart = Math.ceil(count / parts);
  const firsts = Array.from({ length: parts }, (_, part) => shard * count + part * ofPart);
  describe.each(firsts)(`streams from the %ith on (seed ${SEED})`, (first) => {
    fuzzPart(first, ofPart);
  });
}

function fuzzPart(first: number, count: number): void {
  const provider = useResource(startProvider);
  const system = useSystem(() => ({
    env: {
      MODEL_BASE_URL: provider.baseUrl,
      MODEL_FAST: "fallback",
      MODEL_SLOW: "fallback",
      MODELS: JSON.stringify(MODELS.map((id) => ({ id }))),
      BREAKER_FAILURES: "20",
    },
  }));
  let called = 0;
  beforeAll(async () => {
    const randomFor = randomOfQuestions();
    provider.answer(({ messages }, response) => {
      called += 1;
      // What was said to how many calls is all that is remembered.
      provider.calls.length = 0;
      response.writeHead(200, { "content-type": "text/event-stream" });
      for (const part of mutatedStream(randomFor(messages.at(-1)?.content ?? ""))) response.write(part);
      response.end();
    });
    await liftLimits(system.operator, "demo");
  });

  test(`${count} mutated streams end each answer, with finite usage`, { timeout: TEST_MS_MAX }, async () => {
    let next = first;
    const work = async (): Promise<void> => {
      for (let at = next; at < first + count; at = next) {
        next = Math.min(at + OF_CHAT, first + count);
        await askInOneChat(system, at, next);
      }
    };
    // A machine that is busy loses a task now and then; the schedule finds those answers, as in the cloud.
    const recover = (): void => void system.runSchedule("recover-answers").catch(() => undefined);
    const recovery = setInterval(recover, RECOVERED_MS);
    await Promise.all(Array.from({ length: AT_ONCE }, work)).finally(() => clearInterval(recovery));
    expect(called).toBeGreaterThanOrEqual(count);
  });

  test("and what is written afterwards is found", { timeout: 120_000 }, async () => {
    const { body } = await system.operator.post(chats, { kind: "group", title: "Afterwards" });
    await system.operator.post(`${chats}/${body.number}/messages`, { text: "The pelican is found" });
    await system.settle();
    const found = await system.operator.get("/v1/apps/demo/search?q=pelican");
    expect(found.body.data).toHaveLength(1);
  });
}

/** Each stream is the same again under the same seed, whatever comes first: by question and call. */
function randomOfQuestions(): (question: string) => () => number {
  const callsOf = new Map<string, number>();
  return (content) => {
    // A question whose answer came to nothing stands before the next.
    const question = /(\d+)$/.exec(content)?.[1] ?? "0";
    const call = callsOf.get(question) ?? 0;
    callsOf.set(question, call + 1);
    return seededRandom(SEED + Number(question) * CALLS_MAX + call);
  };
}

async function askInOneChat(system: System, from: number, to: number): Promise<void> {
  const model = MODELS[Math.floor(from / OF_CHAT) % MODELS.length];
  const begun = { kind: "assistant", title: "Fuzz", model };
  const { number: opened } = await untilTaken(system, { path: chats, body: begun, key: `Chat ${from}` });
  const chat = `${chats}/${opened}`;
  for (let index = from; index < to; index += 1) {
    const text = `Question ${index}`;
    const asked = await untilTaken(system, { path: `${chat}/messages`, body: { text }, key: text });
    const { status, answer } = await endOf(system, chat, asked.answer.number);
    for (const count of Object.values(answer?.usage ?? {}).filter((value) => typeof value === "number")) {
      expect(Number.isFinite(count) && count >= 0, `${index}: ${JSON.stringify(answer?.usage)}`).toBe(true);
    }
    if (status === "queued") {
      await system.operator.delete(`${chat}/messages/${asked.answer.number}/answer`);
    }
  }
}

/** As a client posts: what a busy machine was too late for is repeated under the same key. */
async function untilTaken(
  { operator }: System,
  { path, body, key }: { readonly path: string; readonly body: object; readonly key: string },
): Promise<Awaited<ReturnType<System["operator"]["post"]>>["body"]> {
  for (let tries = 1; ; tries += 1) {
    const reply = await operator.post(path, body, { "idempotency-key": key });
    if (reply.status === 201) return reply.body;
    if (tries === TRIES_MAX) throw new Error(`${key} was answered with ${reply.status} ${reply.body.code}.`);
    expect([500, 503, 504]).toContain(reply.status);
  }
}

/** The answer once it has ended, or waits for a model to get well; within the limit of an answer. */
async function endOf(system: System, chat: string, number: number): Promise<StoredMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<StoredMessage>();
  const answer = system.deps.firestore
    .collection(`apps/demo/chats/${chat.split("/").at(-1)}/messages`)
    .where("number", "==", number);
  let stored: StoredMessage | undefined;
  const stop = answer.onSnapshot(({ docs }) => {
    stored = docs[0] === undefined ? undefined : storedMessage(docs[0]);
    const waits = stored?.status === "queued" && stored.answer?.served?.as === "queued";
    if (stored !== undefined && (waits || /complete|failed/.test(stored.status))) resolve(stored);
  }, reject);
  // That it ends within so long is what is tested.
  const late = setTimeout(() => {
    const { status, answer: found } = stored ?? {};
    reject(new Error(`${chat} ${number} has not ended: ${JSON.stringify({ status, ...found })}`));
  }, ANSWER_MS_MAX.fast);
  try {
    return await promise;
  } finally {
    clearTimeout(late);
    stop();
  }
}
