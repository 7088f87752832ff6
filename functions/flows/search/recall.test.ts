import { expect, test } from "vitest";
import { type ApiClient } from "../../../shared/testing/api-client.ts";
import { measureRecall, type Said } from "../../../shared/testing/search-recall.ts";
import { seededRandom } from "../../../shared/testing/seeded-random.ts";
import { startSystem } from "../../../shared/testing/start-system.ts";
import { amountOf } from "../../../shared/testing/sweep.ts";

/**
 * Words of many scripts, made of their own syllables; texts mix them as people of different languages in one
 * app do.
 */
const SYLLABLES: readonly (readonly string[])[] = [
  [
    "an",
    "ber",
    "cor",
    "Del",
    "et",
    "fi",
    "gra",
    "hum",
    "is",
    "ju",
    "ka",
    "lo",
    "men",
    "or",
    "pre",
    "st",
    "ti",
    "vel",
  ],
  ["é", "ça", "où", "naï", "crè", "me", "brû", "lée", "Gar", "çon", "œu", "vre", "straß", "ø", "ł", "ů"],
  ["при", "вет", "как", "де", "ла", "сой", "ещё", "мы", "да", "хо", "ро", "шо"],
  ["שלום", "עול", "ם", "תוד", "ה", "מה"],
  ["مر", "حبا", "كيف", "الح", "ال", "شك", "را"],
  ["नम", "स्ते", "कै", "से", "हो", "धन्य", "वाद"],
  ["東", "京", "都", "市", "天", "気", "会", "議", "資", "料", "確", "認"],
  ["こん", "にち", "は", "です", "ます", "カメ", "ラ", "ﾃﾚ", "ビ"],
  ["안", "녕", "하", "세", "요", "회", "의", "자료"],
  ["👍", "🎉", "😀", "👩🏽‍🚀", "❤️", "…", "C++", "50%", "a@b.c", "3.14"],
];
const MESSAGES = amountOf(150, 300);
const CHATS = 5;
const PIECES = amountOf(40, 70);
/** One that is missed among these is within the bound. */
const MISSPELT = 24;

function textOf(random: () => number): string {
  const below = (most: number): number => Math.floor(random() * most);
  const main = SYLLABLES[random() < 0.5 ? 0 : below(SYLLABLES.length)] ?? [];
  const words = Array.from({ length: 3 + below(9) }, () => {
    const script = random() < 0.9 ? main : (SYLLABLES[below(SYLLABLES.length)] ?? []);
    return Array.from({ length: 1 + below(4) }, () => script[below(script.length)]).join("");
  });
  return words.join(random() < 0.95 ? " " : "  \n");
}

async function allHits(api: ApiClient, query: string, chat: number | undefined): Promise<Set<string>> {
  const found = new Set<string>();
  let cursor = "";
  do {
    const more = `${chat === undefined ? "" : `&chat=${chat}`}${cursor === "" ? "" : `&cursor=${cursor}`}`;
    const { status, body } = await api.get(
      `/v1/apps/demo/search?limit=50&q=${encodeURIComponent(query)}${more}`,
    );
    expect([status, body.partial]).toEqual([200, false]);
    for (const hit of body.data) {
      const id = `${hit.chat}.${hit.message.number}`;
      expect(found.has(id), `${id} comes once`).toBe(false);
      found.add(id);
    }
    cursor = body.next ?? "";
  } while (cursor !== "");
  return found;
}

test("every text with a piece or a phrase is found and no other; misspelt words nearly always", async () => {
  await using system = await startSystem();
  const { api } = await system.signIn("ada@recall.test");
  const random = seededRandom(1);
  const messages: Said[] = [];
  await Promise.all(
    Array.from({ length: CHATS }, async () => {
      const { body: chat } = await api.post("/v1/apps/demo/chats", { kind: "group" });
      await Promise.all(
        Array.from({ length: MESSAGES / CHATS }, async () => {
          const text = textOf(random);
          const { body } = await api.post(`/v1/apps/demo/chats/${chat.number}/messages`, { text });
          messages.push({ chat: chat.number, number: body.number, text });
        }),
      );
    }),
  );
  await system.settle();
  messages.sort((a, b) => a.chat - b.chat || a.number - b.number);
  const ask = (query: string, chat: number | undefined) => allHits(api, query, chat);
  const recall = await measureRecall({ messages, random, pieces: PIECES, misspelt: MISSPELT, ask });
  expect(recall).toMatchObject({ found: recall.expected, wrong: 0 });
  expect(recall.expected).toBeGreaterThan(PIECES);
  expect(recall.nearFound / recall.nearExpected).toBeGreaterThan(0.95);
});
