import type { Message } from "../../shared/client/connect.ts";
import { el } from "../frame/dom.ts";
import type { People } from "../frame/people.ts";

/** More names than these are counted: each costs a request the first time. */
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

/** Those that somebody has. */
const reactionsOf = (message: Message): [emoji: string, ids: string[]][] =>
  Object.entries(message.reactions).filter(([, ids]) => ids.length > 0);

/** Changes when the reactions have to be drawn anew. */
export const appearanceOfReactions = (message: Message, people: People) =>
  reactionsOf(message)
    .map(([emoji, ids]) => `${emoji} ${people.list(ids, NAMES_MAX)}`)
    .join();

export const hasReactions = (message: Message) => reactionsOf(message).length > 0;

const EMOJI = /\p{RGI_Emoji}|\p{Extended_Pictographic}/v;

/** One emoji as a reader sees it, as the API takes it; undefined for anything else. */
export function parseEmoji(text: string) {
  const trimmed = text.trim();
  const graphemes = [...new Intl.Segmenter("en", { granularity: "grapheme" }).segment(trimmed)];
  return graphemes.length === 1 && EMOJI.test(trimmed) ? trimmed : undefined;
}
