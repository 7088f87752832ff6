import type { Highlight } from "./contract.ts";
import { type Body, wholeText } from "../chat/log/body.ts";
import { fold } from "../words/fold.ts";
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

/**
 * What of a message is shown for a query. Where the words stand in what it forwards or in the names of its
 * files, the snippet shows that and the highlights those that stand in its own text.
 */
export function showMessage(
  { text, body }: { readonly text: string; readonly body: Body },
  terms: readonly Term[],
  tolerant: boolean,
): Shown | undefined {
  const own = showHit(text, terms, tolerant);
  const whole = wholeText(body);
  if (own !== undefined || whole === text) return own;
  const all = showHit(whole, terms, tolerant);
  return all && { ...all, highlights: all.highlights.filter(({ end }) => end <= text.length) };
}

/** What of a text is shown for a query: where its terms stand; undefined when they do not, or no longer. */
export function showHit(text: string, terms: readonly Term[], tolerant: boolean): Shown | undefined {
  const folded = fold(text);
  const match = matchText(folded.text, terms, tolerant);
  if (match === undefined) return undefined;
  const found = match.found.map(({ start, end }) => ({
    start: folded.starts[start] ?? 0,
    end: folded.ends[end - 1] ?? 0,
  }));
  const highlights = merged(wholeGraphemes(text, merged(found).slice(0, HIGHLIGHTS_MAX)));
  return { highlights, ...snippetOf(text, highlights[0] ?? { start: 0, end: 0 }) };
}

const GRAPHEMES = new Intl.Segmenter("en", { granularity: "grapheme" });

/** No highlight begins or ends within what a reader sees as one character. */
function wholeGraphemes(text: string, ranges: readonly Highlight[]): Highlight[] {
  const segments = GRAPHEMES.segment(text);
  return ranges.map(({ start, end }) => {
    const last = segments.containing(end - 1);
    return {
      start: segments.containing(start)?.index ?? start,
      end: last === undefined ? end : last.index + last.segment.length,
    };
  });
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
