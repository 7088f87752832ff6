import { explanationOf, wordsOfServed, wordsOfUsage } from "./answer-words.js";
import { el } from "./dom.js";

/** @typedef {import("./types.js").Message} Message */
/** @typedef {import("./message-line.js").Line} Line */
/** @typedef {import("./message-line.js").Around} Around */

/** An answer that is being made. @param {Message | undefined} message */
export const isComing = (message) => message?.status === "queued" || message?.status === "streaming";

/** An answer that a model gave, however it ended. @param {Message | undefined} message */
export const isAnswer = (message) =>
  message !== undefined && message.role === "assistant" && message.status !== "deleted" && !isComing(message);

/** What it says so far; the row is not drawn anew for each word. @param {Message} message */
export const comingText = (message) =>
  el("span", { class: "text coming", "data-waits": message.text === "" }, message.text);

/** Brings the row of a coming answer up to its words: only what is new is added, so a selection lasts. @param {HTMLElement} row @param {Message} message */
export function renewComing(row, { text }) {
  const span = /** @type {HTMLElement | null} */ (row.querySelector(".coming"));
  if (span === null) return;
  const said = span.textContent ?? "";
  if (said === text) return;
  const node = span.firstChild;
  if (node instanceof Text && text.startsWith(said)) node.appendData(text.slice(said.length));
  else span.textContent = text;
  span.dataset["waits"] = String(text === "");
}

/** Changes when what stands below an answer has to be drawn anew. @param {Message} message @param {Around["view"]} view */
export const lookOfAnswer = (message, view) =>
  message.role === "assistant" ? `${wordsOfServed(message)} ${view.ratingOf(message.number)}` : "";

/**
 * Below an answer: who gave it in whose place, what it took, and what can be done about it.
 * @param {Line} line @param {Message} message @param {Around} around
 */
export function belowAnswer(line, message, around) {
  const served = wordsOfServed(message);
  return el(
    "div",
    {},
    served !== "" && el("p", { class: "stand-in", "data-as": message.served?.as }, served),
    isComing(message) ? comingFoot(message, around) : doneFoot(line, message, around),
  );
}

/** @param {Message} message @param {Around} around */
const comingFoot = (message, { actions }) =>
  el(
    "div",
    { class: "answer-bar" },
    el(
      "button",
      {
        type: "button",
        class: "pill",
        "data-control": "stop",
        "aria-keyshortcuts": "Escape",
        onclick: () => actions.stop(message),
      },
      el("span", { class: "stop-sign", "aria-hidden": true }),
      "Stop",
    ),
  );

/** @param {Line} line @param {Message} message @param {Around} around */
function doneFoot(line, message, { view, actions }) {
  const rating = view.ratingOf(message.number);
  // The newest answer's buttons are reached by Tab; those of the others by their menus.
  const tabIndex = line.isTabStop ? 0 : -1;
  /** @param {"up" | "down"} value @param {string} label @param {string} sign */
  const thumb = (value, label, sign) =>
    tool(sign, label, tabIndex, () => actions.rate(message, value), { "aria-pressed": rating === value });
  if (message.status === "failed") {
    const again = { type: "button", class: "pill", tabIndex, "data-control": "again" };
    const onclick = () => actions.askAgain(message);
    return el("div", { class: "answer-bar" }, el("button", { ...again, onclick }, "↻ Try again"));
  }
  return el(
    "div",
    { class: "answer-bar" },
    message.status === "stopped" && el("span", { class: "ended" }, "Stopped"),
    message.usage !== undefined && badgeOf(message.usage),
    el(
      "span",
      { class: "answer-tools", role: "group", "aria-label": "This answer" },
      tool("↻", "Answer again", tabIndex, () => actions.askAgain(message)),
      thumb("up", "Good answer", "👍"),
      thumb("down", "Bad answer", "👎"),
    ),
  );
}

/** @param {NonNullable<Message["usage"]>} usage */
const badgeOf = (usage) =>
  el(
    "span",
    { class: "usage", title: explanationOf(usage) },
    el("b", {}, usage.model),
    ...wordsOfUsage(usage).map((word) => el("span", {}, word)),
  );

/** @param {string} sign @param {string} label @param {number} tabIndex @param {() => void} onclick @param {Record<string, unknown>} [more] */
const tool = (sign, label, tabIndex, onclick, more = {}) =>
  el(
    "button",
    {
      type: "button",
      class: "tool quiet",
      title: label,
      "aria-label": label,
      "data-control": label,
      tabIndex,
      onclick,
      ...more,
    },
    sign,
  );
