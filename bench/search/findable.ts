import type { ApiClient } from "../../shared/testing/api-client.ts";
import { seededRandom } from "../../shared/testing/seeded-random.ts";

const SECONDS = 20;
/** One message in so many is looked for. */
const LOOKED_FOR = 5;
const LOOK_MS = 10;
const WAIT_MS_MAX = 20_000;

/**
 * Writes so many messages a second and says how long it takes from the answer to the write until a search
 * finds one.
 */
export async function benchFindable(
  api: ApiClient,
  { chats, perSecond }: { chats: number; perSecond: number },
): Promise<void> {
  const random = seededRandom(23);
  const waits: number[] = [];
  let lost = 0;
  const one = async (index: number): Promise<void> => {
    const chat = 1 + 2 * Math.floor((random() * chats) / 2);
    const word = `findable${index}x`;
    const { status } = await api.post(`/v1/apps/demo/chats/${chat}/messages`, {
      text: `Here is the word ${word} for you`,
    });
    if (status !== 201) throw new Error(`A message was answered with ${status}.`);
    if (index % LOOKED_FOR !== 0) return;
    const startedMs = performance.now();
    while (performance.now() - startedMs < WAIT_MS_MAX) {
      const { body } = await api.get(`/v1/apps/demo/search?q=%22${word}%22&limit=1`);
      if (body.data?.length === 1) {
        waits.push(performance.now() - startedMs);
        return;
      }
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
    lost += 1;
  };
  const underWay: Promise<void>[] = [];
  const startedMs = performance.now();
  for (let index = 0; index < SECONDS * perSecond; index += 1) {
    const dueMs = startedMs + (index * 1000) / perSecond;
    const waitMs = dueMs - performance.now();
    if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
    underWay.push(one(index));
  }
  await Promise.all(underWay);
  waits.sort((a, b) => a - b);
  const at = (q: number): string => (waits[Math.floor(q * (waits.length - 1))] ?? Number.NaN).toFixed(0);
  console.log(
    `\n${perSecond} messages/s for ${SECONDS} s: findable after p50 ${at(0.5)} ms, p95 ${at(0.95)} ms, most ${at(1)} ms; ` +
      `${waits.length} looked for, ${lost} not found.`,
  );
}
