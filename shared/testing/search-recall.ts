import { foldText } from "../words/fold.ts";
import { editsAllowed, isTolerant } from "../search/spelling.ts";
import { wordsOf } from "../words/words.ts";

/** A message and where it stands. */
export interface Said {
  readonly chat: number;
  readonly number: number;
  readonly text: string;
}

export interface RecallPlan {
  readonly messages: readonly Said[];
  readonly random: () => number;
  /** How many pieces of texts, and how many misspelt words, are looked for. */
  readonly pieces: number;
  readonly misspelt: number;
  /** All hits of a search, page after page, as `chat.number`. */
  ask(query: string, chat: number | undefined): Promise<ReadonlySet<string>>;
}

export interface Recall {
  readonly pieces: number;
  /** Hits that looking at every text finds, those of the search among them, and others of the search. */
  readonly expected: number;
  readonly found: number;
  readonly wrong: number;
  readonly misspelt: number;
  /** Messages that have the word that was misspelt, and those among them that were found. */
  readonly nearExpected: number;
  readonly nearFound: number;
}

const PIECE_CHARS_MAX = 20;
/**
 * A piece of text that more messages have is looked for in one chat only: paging through all of them would
 * show no more.
 */
const HITS_MAX = 300;

/**
 * Compares the search with looking at every text: for pieces of texts as they are, and for misspelt words.
 */
export async function measureRecall(plan: RecallPlan): Promise<Recall> {
  const folded = plan.messages.map((said) => ({
    ...said,
    id: `${said.chat}.${said.number}`,
    text: foldText(said.text),
  }));
  const total = { pieces: 0, expected: 0, found: 0, wrong: 0, misspelt: 0, nearExpected: 0, nearFound: 0 };
  const below = (most: number): number => Math.floor(plan.random() * most);
  const compare = async (query: string, has: (text: string) => boolean) => {
    const everywhere = folded.filter(({ text }) => has(text));
    const chat = everywhere.length > HITS_MAX ? everywhere[below(everywhere.length)]?.chat : undefined;
    const expected = everywhere.filter((said) => chat === undefined || said.chat === chat);
    const hits = await plan.ask(query, chat);
    const found = expected.filter(({ id }) => hits.has(id)).length;
    return { expected: expected.length, found, wrong: hits.size - found };
  };
  while (total.pieces < plan.pieces) {
    const piece = pieceOf(plan.messages[below(plan.messages.length)]?.text ?? "", below);
    const wanted = foldText(piece);
    if (wanted === "") continue;
    total.pieces += 1;
    // A phrase is looked for as it stands; words are looked for anywhere, each of them.
    const isPhrase = total.pieces % 2 === 0;
    const words = isPhrase ? [wanted] : wanted.split(" ");
    const { expected, found, wrong } = await compare(isPhrase ? `"${piece}"` : piece, (text) =>
      words.every((word) => text.includes(word)),
    );
    total.expected += expected;
    total.found += found;
    // Where few have it as it is, misspelt words are found too: those are not wrong.
    if (isPhrase) total.wrong += wrong;
  }
  while (total.misspelt < plan.misspelt) {
    const words = [...wordsOf(folded[below(folded.length)]?.text ?? "")]
      .map(({ text }) => text)
      .filter(isTolerant);
    const word = words[below(words.length)];
    if (word === undefined) continue;
    const wrong = misspell(word, plan.random);
    if (folded.some(({ text }) => text.includes(wrong)) || !isTolerant(wrong)) continue;
    total.misspelt += 1;
    const { expected, found } = await compare(wrong, (text) =>
      [...wordsOf(text)].some((each) => each.text === word),
    );
    total.nearExpected += expected;
    total.nearFound += found;
  }
  return total;
}

/** A piece of a text, of whole characters, without quotes: those have a meaning of their own. */
function pieceOf(text: string, below: (most: number) => number): string {
  const characters = Array.from(text.replaceAll(/["“”„＂]/g, ""));
  const from = below(characters.length);
  return characters.slice(from, from + 1 + below(PIECE_CHARS_MAX)).join("");
}

/**
 * A word with one edit, a long one with two now and then: another letter, one more, one less, or two swapped.
 */
export function misspell(word: string, random: () => number): string {
  const { length } = Array.from(word);
  const twice = editsAllowed(length, length) === 2 && random() < 0.5;
  const once = edited(word, random);
  return twice ? edited(once, random) : once;
}

function edited(word: string, random: () => number): string {
  const letters = Array.from(word);
  const at = Math.floor(random() * letters.length);
  const letter = letters[Math.floor(random() * letters.length)] ?? "";
  const kind = Math.floor(random() * 4);
  if (kind === 0) letters.splice(at, 1, letter);
  else if (kind === 1) letters.splice(at, 0, letter);
  else if (kind === 2) letters.splice(at, 1);
  else letters.splice(at, 2, ...letters.slice(at, at + 2).reverse());
  return letters.join("");
}
