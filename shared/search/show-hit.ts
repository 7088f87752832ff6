import type { Highlight } from "./contract.ts";
import { fold } from "./fold.ts";
import { matchText } from "./match-text.ts";
import type { Term } from "./parse-terms.ts";

/** How much of a text a hit shows, in UTF-16 units; a line or two on a phone. */
export const SNIPPET_CHARS_MAX = 160;
/** So much of it stands before the first highlight. */
const BEFORE_CHARS = 40;
export const HIGHLIGHTS_MAX = 100;

export interface Shown {
  readonly highlights: Highlight[];
  readonly snippet: string;
  readonly snippetStart: number;
}

/** What of a text is shown for a query: where its terms stand; undefined when they do not, or no longer. */
export function showHit(text: string, terms: readonly Term[], tolerant: boolean): Shown | undefined {
  const folded = fold(text);
  const match = matchText(folded.text, terms, tolerant);
  if (match === undefined) return undefined;
  const highlights = merged(
    match.found.map(({ start, end }) => ({
      start: folded.starts[start] ?? 0,
      end: folded.ends[end - 1] ?? 0,
    })),
  ).slice(0, HIGHLIGHTS_MAX);
  return { highlights, ...snippetOf(text, highlights[0] ?? { start: 0, end: 0 }) };
}

/** Ranges in order, those that touch each other as one. */
function merged(ranges: readonly Highlight[]): Highlight[] {
  const out: { start: number; end: number }[] = [];
  for (const { start, end } of ranges.toSorted((a, b) => a.start - b.start)) {
    const last = out.at(-1);
    if (last !== undefined && start <= last.end) last.end = Math.max(last.end, end);
    else out.push({ start, end });
  }
  return out;
}

/**
 * The piece of a text around its first highlight: whole words where they are not too long, never half a
 * character.
 */
function snippetOf(text: string, { start }: Highlight): Omit<Shown, "highlights"> {
  if (text.length <= SNIPPET_CHARS_MAX) return { snippet: text, snippetStart: 0 };
  let from = Math.max(0, Math.min(start - BEFORE_CHARS, text.length - SNIPPET_CHARS_MAX));
  if (from > 0) {
    const space = text.slice(from, start).search(/\s\S/u);
    from = space < 0 ? wholeFrom(text, from) : from + space + 1;
  }
  let to = Math.min(text.length, from + SNIPPET_CHARS_MAX);
  if (to < text.length) {
    const lastSpace = text.slice(0, to).search(/\s+\S*$/u);
    to = lastSpace > start + BEFORE_CHARS ? lastSpace : wholeFrom(text, to);
  }
  return { snippet: text.slice(from, to), snippetStart: from };
}

const isLowSurrogate = (unit: number): boolean => unit >= 0xdc00 && unit <= 0xdfff;

/** The place itself, or the one before it where that is within a character of two units. */
const wholeFrom = (text: string, at: number): number => (isLowSurrogate(text.charCodeAt(at)) ? at - 1 : at);
