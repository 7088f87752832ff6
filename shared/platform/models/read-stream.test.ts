import { expect, test } from "vitest";
import { mutatedStream } from "../../testing/mutate-stream.ts";
import { seededRandom } from "../../testing/seeded-random.ts";
import { ModelFailure, type ModelUsage } from "./contract.ts";
import { AFTER_FINISH_MS_MAX, readModelStream } from "./read-stream.ts";
import { TOKENS_MAX } from "./read-usage.ts";

const LIMITS = { textCharsMax: 10_000, tokensMax: 1_000 };
const SEEDS = 2_000;

async function* streamOf(parts: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* parts;
}

test(`of ${SEEDS} mutated streams each is an answer that can be stored, or a named failure`, async () => {
  let answers = 0;
  for (let seed = 1; seed <= SEEDS; seed += 1) {
    const parts = mutatedStream(seededRandom(seed));
    let text = "";
    let usage: ModelUsage | undefined;
    try {
      for await (const piece of readModelStream(streamOf(parts), LIMITS)) {
        if (piece.kind === "text") text += piece.text;
        if (piece.kind === "usage") ({ usage } = piece);
      }
    } catch (cause) {
      if (!(cause instanceof ModelFailure)) throw new Error(`seed ${seed}`, { cause });
      continue;
    }
    answers += 1;
    expect(text.isWellFormed(), `seed ${seed}`).toBe(true);
    expect(text, `seed ${seed}`).not.toMatch(/(?![\n\t])\p{Cc}/u);
    for (const count of Object.values(usage ?? { none: Number.NaN })) {
      expect(Number.isInteger(count) && count >= 0 && count <= TOKENS_MAX, `seed ${seed}`).toBe(true);
    }
  }
  expect(answers).toBeGreaterThan(SEEDS / 4);
});

test("a body that stays open after the end was told is not waited for", async () => {
  const never = Promise.withResolvers<IteratorResult<Uint8Array>>();
  const text = 'data: {"choices":[{"delta":{"content":"Hi"},"finish_reason":"stop"}]}\n\n';
  const parts = [Buffer.from(text)];
  const body = {
    [Symbol.asyncIterator]: () => ({
      next: async (): Promise<IteratorResult<Uint8Array>> => {
        const value = parts.shift();
        return value === undefined ? never.promise : { done: false, value };
      },
    }),
  };
  const kinds: string[] = [];
  const startedMs = performance.now();
  for await (const { kind } of readModelStream(body, LIMITS)) kinds.push(kind);
  expect(kinds).toEqual(["text", "finish", "usage"]);
  expect(performance.now() - startedMs).toBeGreaterThanOrEqual(AFTER_FINISH_MS_MAX - 50);
});
