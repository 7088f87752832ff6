import type { Message } from "../../shared/client/connect.ts";
import { el, type Props } from "../frame/dom.ts";
import { drawText } from "../text/rich-text.ts";
import { icon } from "../frame/icons.ts";
import type { Around, Line } from "../messages/message-line.ts";
import {
  canTryAgain,
  explanationOf,
  wordsOfEnding,
  wordsOfGiven,
  wordsOfServed,
  wordsOfUsage,
} from "./answer-words.ts";
import { renewThinking, thinkingOf } from "./thinking.ts";

/** An answer that is being made. */
export const isComing = (message: Message | undefined) =>
  message?.status === "queued" || message?.status === "streaming";

/** An answer that a model gave, however it ended. */
export const isAnswer = (message: Message | undefined) =>
  message !== undefined && message.role === "assistant" && message.status !== "deleted" && !isComing(message);

/** What the answer says so far. renewComing adds the words that follow. */
export function comingText({ text }: Message) {
  const element = el("div", { class: "text rich coming", "data-waits": text === "" });
  drawText(element, text, { isComing: true });
  return element;
}

/** Adds the new words of a coming answer to its row, and what it thinks. */
export function renewComing(row: HTMLElement, message: Message) {
  renewThinking(row, message);
  const element = row.querySelector<HTMLElement>(".coming");
  if (element === null) return;
  drawText(element, message.text, { isComing: true });
  element.dataset["waits"] = String(message.text === "");
}

/** A text that changes when the part below an answer has to be drawn anew. */
export const appearanceOfAnswer = (message: Message, view: Around["view"]) =>
  message.role === "assistant" ? `${wordsOfServed(message)} ${view.ratingOf(message.number)}` : "";

/** The part above an answer: what the model thought before. A coming one may yet begin to think. */
export const aboveAnswer = (message: Message, around: Around) =>
  (message.thinking !== undefined || isComing(message)) && thinkingOf(message, around);

/** The part below an answer: who gave it in whose place, what it took, and what can be done about it. */
export function belowAnswer(line: Line, message: Message, around: Around) {
  const served = wordsOfServed(message);
  return el(
    "div",
    {},
    served !== "" && el("p", { class: "stand-in", "data-as": message.served?.as }, served),
    isComing(message) ? comingFoot(message, around) : doneFoot(line, message, around),
  );
}

const comingFoot = (message: Message, { actions }: Around) =>
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

function doneFoot(line: Line, message: Message, around: Around) {
  // Tab reaches the buttons of the newest answer; the others have theirs in their menus as well.
  const tabIndex = line.isTabStop ? 0 : -1;
  const again = (label: string) =>
    el(
      "button",
      {
        type: "button",
        class: "pill",
        tabIndex,
        "data-control": "again",
        onclick: () => around.actions.regenerate(message),
      },
      `↻ ${label}`,
    );
  if (message.status === "failed")
    return canTryAgain(message) && el("div", { class: "answer-bar" }, again("Try again"));
  const ending = wordsOfEnding(message);
  const given = wordsOfGiven(message, around.fileName);
  return el(
    "div",
    {},
    given !== "" && el("p", { class: "given" }, given),
    ending !== "" && el("p", { class: "ending" }, ending, again("Answer again")),
    el(
      "div",
      { class: "answer-bar" },
      message.status === "stopped" && el("span", { class: "ended" }, "Stopped"),
      message.usage !== undefined && badgeOf(message.usage),
      toolsOf(message, around, { tabIndex, hasAgain: ending === "" }),
    ),
  );
}

function toolsOf(
  message: Message,
  { view, actions }: Around,
  { tabIndex, hasAgain }: { tabIndex: number; hasAgain: boolean },
) {
  const rating = view.ratingOf(message.number);
  const thumb = (value: "up" | "down", label: string) =>
    tool(value, label, {
      tabIndex,
      onclick: () => actions.rate(message, value),
      "aria-pressed": rating === value,
    });
  return el(
    "span",
    { class: "answer-tools", role: "group", "aria-label": "This answer" },
    hasAgain && tool("again", "Answer again", { tabIndex, onclick: () => actions.regenerate(message) }),
    thumb("up", "Good answer"),
    thumb("down", "Bad answer"),
  );
}

const badgeOf = (usage: NonNullable<Message["usage"]>) =>
  el(
    "span",
    { class: "usage", title: explanationOf(usage) },
    el("b", {}, usage.model),
    ...wordsOfUsage(usage).map((word) => el("span", {}, word)),
  );

const tool = (sign: Parameters<typeof icon>[0], label: string, props: Props) =>
  el(
    "button",
    {
      type: "button",
      class: "tool quiet",
      title: label,
      "aria-label": label,
      "data-control": label,
      ...props,
    },
    icon(sign),
  );
