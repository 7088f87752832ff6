import type { ApiClient } from "../../shared/testing/api-client.ts";
import { measureRecall, type Said } from "../../shared/testing/search-recall.ts";
import { seededRandom } from "../../shared/testing/seeded-random.ts";

/** Looks for pieces of texts and for misspelt words, and compares with looking at every text. */
export async function benchRecall(
  api: ApiClient,
  messages: readonly Said[],
  [pieces = 0, misspelt = 0]: readonly number[],
): Promise<void> {
  const ask = async (query: string, chat: number | undefined): Promise<Set<string>> => {
    const found = new Set<string>();
    for (let next: string | null = ""; next !== null;) {
      const cursor = next === "" ? "" : `&cursor=${next}`;
      const where = chat === undefined ? "" : `&chat=${chat}`;
      const path = `/v1/apps/demo/search?limit=50&q=${encodeURIComponent(query)}${where}${cursor}`;
      const { status, body } = await api.get(path);
      if (status !== 200) throw new Error(`A search answered ${status}.`);
      for (const hit of body.data) found.add(`${hit.chat}.${hit.message.number}`);
      next = body.next;
    }
    return found;
  };
  const recall = await measureRecall({ messages, random: seededRandom(29), pieces, misspelt, ask });
  const { expected, found, wrong, nearExpected, nearFound } = recall;
  console.log(
    `\n${pieces} pieces of texts: ${found} of ${expected} hits found, ${wrong} wrong. ` +
      `${misspelt} misspelt words: ${nearFound} of ${nearExpected} messages with the word found ` +
      `(${((100 * nearFound) / nearExpected).toFixed(1)} %).`,
  );
}
