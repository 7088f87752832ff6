import type { Message } from "../../shared/client/connect.ts";
import { el } from "../frame/dom.ts";
import type { People } from "../frame/people.ts";

/**
 * At most so many people are named, because each name costs a request the first time; the rest are counted.
 */
const NAMES_MAX = 8;

/** The reactions of a message, each a button that adds one's own or takes it back. */
export function drawReactions(
  message: Message,
  me: string,
  people: People,
  onToggle: (emoji: string) => void,
) {
  return el(
    "div",
    { class: "reactions", role: "group", "aria-label": "Reactions" },
    ...reactionsOf(message).map(([emoji, ids]) => {
      const names = people.list(ids, NAMES_MAX);
      return el(
        "button",
        {
          type: "button",
          class: "reaction",
          title: names,
          "aria-label": `${emoji} ${ids.length}: ${names}`,
          "aria-pressed": ids.includes(me),
          "data-control": `reaction ${emoji}`,
          onclick: () => onToggle(emoji),
        },
        el("span", { class: "emoji" }, emoji),
        String(ids.length),
      );
    }),
  );
}

/** The reactions that at least one person has given. */
const reactionsOf = (message: Message): [emoji: string, ids: string[]][] =>
  Object.entries(message.reactions).filter(([, ids]) => ids.length > 0);

/** A text that changes when the reactions have to be drawn anew. */
export const appearanceOfReactions = (message: Message, people: People) =>
  reactionsOf(message)
    .map(([emoji, ids]) => `${emoji} ${people.list(ids, NAMES_MAX)}`)
    .join();

export const hasReactions = (message: Message) => reactionsOf(message).length > 0;

const EMOJI = /\p{RGI_Emoji}|\p{Extended_Pictographic}/v;

/** The one emoji that the text consists of, as the API accepts it; undefined for anything else. */
export function parseEmoji(text: string) {
  const trimmed = text.trim();
  const graphemes = [...new Intl.Segmenter("en", { granularity: "grapheme" }).segment(trimmed)];
  return graphemes.length === 1 && EMOJI.test(trimmed) ? trimmed : undefined;
}
