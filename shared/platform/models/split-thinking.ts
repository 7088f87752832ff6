/**
 * Models that think in the text itself, in a block before the answer: DeepSeek R1, Qwen, Magistral, Gemini.
 */
const OPENING = /^\s*<(think|thinking|thought|reasoning)>/i;
/** What may yet become an opening tag. */
const MAYBE_OPENING = /^\s*(<[a-z]{0,9})?$/i;
const CLOSING_CHARS_MAX = "</reasoning>".length;

export interface ThinkingAndText {
  readonly thinking: string;
  readonly text: string;
}

export interface ThinkingSplitter {
  add(text: string): ThinkingAndText;
  /** What is still held back: half a tag that never became one. */
  end(): ThinkingAndText;
}

/**
 * Takes thinking out of text: blocks at its beginning only, since further on the tag may be what is talked
 * about. `isOpen` is for templates that open the block themselves, so that the model only closes it.
 */
export function createThinkingSplitter(isOpen = false): ThinkingSplitter {
  let state: "before" | "thinking" | "after" = isOpen ? "thinking" : "before";
  let closing = "</think>";
  let hasThought = false;
  let held = "";

  const release = (length: number): string => {
    const released = held.slice(0, length);
    held = held.slice(length);
    return released;
  };
  const split = (isEnd: boolean): ThinkingAndText => {
    let thinking = "";
    while (state !== "after") {
      if (state === "before") {
        const opening = OPENING.exec(held);
        if (opening !== null) {
          closing = `</${opening[1]?.toLowerCase()}>`;
          release(opening[0].length);
          state = "thinking";
        } else if (!isEnd && MAYBE_OPENING.test(held)) return { thinking, text: "" };
        else state = "after";
        continue;
      }
      hasThought = true;
      const end = held.toLowerCase().indexOf(closing);
      thinking += release(end >= 0 ? end : isEnd ? held.length : lengthBeforeTag(held));
      if (end < 0) return { thinking, text: "" };
      release(closing.length);
      state = "before";
    }
    const text = release(held.length);
    return { thinking, text: hasThought ? text.trimStart() : text };
  };
  return {
    add(text) {
      if (state === "after") return { thinking: "", text };
      held += text;
      return split(false);
    },
    end: () => split(true),
  };
}

/** Up to where it cannot be the beginning of a closing tag. */
function lengthBeforeTag(text: string): number {
  const tag = text.indexOf("<", Math.max(0, text.length - CLOSING_CHARS_MAX));
  return tag < 0 ? text.length : tag;
}
