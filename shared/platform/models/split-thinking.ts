/**
 * Models that think in the text itself, in a block before the answer: DeepSeek R1, Qwen, Gemini; Seed,
 * Magistral, Kimi and OpenThinker with tags of their own. In lower case.
 */
const TAGS: readonly (readonly [opening: string, closing: string])[] = [
  ...["think", "thinking", "thought", "reasoning", "seed:think"].map(
    (name) => [`<${name}>`, `</${name}>`] as const,
  ),
  ["[think]", "[/think]"],
  ["◁think▷", "◁/think▷"],
  ["<|begin_of_thought|>", "<|end_of_thought|>"],
];
const CLOSING_CHARS_MAX = Math.max(...TAGS.map(([, closing]) => closing.length));

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
        const begun = held.trimStart().toLowerCase();
        const tag = TAGS.find(([opening]) => begun.startsWith(opening));
        if (tag !== undefined) {
          closing = tag[1];
          release(held.search(/\S/) + tag[0].length);
          state = "thinking";
        } else if (!isEnd && TAGS.some(([opening]) => opening.startsWith(begun)))
          return { thinking, text: "" };
        else state = "after";
        continue;
      }
      hasThought = true;
      const end = indexOfTag(held, closing);
      thinking += release(end >= 0 ? end : isEnd ? held.length : lengthBeforeTag(held, closing));
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

/** In lower case a text may be longer, so that places in it would not be the same. */
const indexOfTag = (text: string, tag: string): number =>
  text.search(new RegExp(tag.replaceAll(/[[\]|/]/g, String.raw`\$&`), "i"));

/** Up to where it cannot be the beginning of a closing tag. */
function lengthBeforeTag(text: string, [mark = "<"]: string): number {
  const tag = text.indexOf(mark, Math.max(0, text.length - CLOSING_CHARS_MAX));
  return tag < 0 ? text.length : tag;
}
