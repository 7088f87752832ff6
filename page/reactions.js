import { el } from "./dom.js";

/** @typedef {import("./types.js").Message} Message */

/** More names than these are counted: each costs a request the first time. */
const NAMES_MAX = 8;

/**
 * The reactions of a message, each a button that adds one's own or takes it back.
 *
 * @param {Message} message
 * @param {string} me
 * @param {import("./people.js").People} people
 * @param {(emoji: string) => void} onToggle
 */
export function drawReactions(message, me, people, onToggle) {
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

/** Those that somebody has. @param {Message} message @returns {[emoji: string, ids: string[]][]} */
const reactionsOf = (message) => Object.entries(message.reactions).filter(([, ids]) => ids.length > 0);

/** Changes when the reactions have to be drawn anew. @param {Message} message @param {import("./people.js").People} people */
export const lookOfReactions = (message, people) =>
  reactionsOf(message)
    .map(([emoji, ids]) => `${emoji} ${people.list(ids, NAMES_MAX)}`)
    .join();

/** @param {Message} message */
export const hasReactions = (message) => reactionsOf(message).length > 0;

const EMOJI = /\p{RGI_Emoji}|\p{Extended_Pictographic}/v;

/** One emoji as a reader sees it, as the API takes it; undefined for anything else. @param {string} text */
export function parseEmoji(text) {
  const trimmed = text.trim();
  const graphemes = [...new Intl.Segmenter("en", { granularity: "grapheme" }).segment(trimmed)];
  return graphemes.length === 1 && EMOJI.test(trimmed) ? trimmed : undefined;
}
