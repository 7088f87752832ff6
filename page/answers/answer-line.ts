import type { Message } from "../../shared/client/connect.ts";
import { el, type Props } from "../frame/dom.ts";
import type { Around, Line } from "../messages/message-line.ts";
import { explanationOf, wordsOfServed, wordsOfUsage } from "./answer-words.ts";

/** An answer that is being made. */
export const isComing = (message: Message | undefined) =>
  message?.status === "queued" || message?.status === "streaming";

/** An answer that a model gave, however it ended. */
export const isAnswer = (message: Message | undefined) =>
  message !== undefined && message.role === "assistant" && message.status !== "deleted" && !isComing(message);

/** What the answer says so far. renewComing adds the words that follow. */
export const comingText = (message: Message) =>
  el("span", { class: "text coming", "data-waits": message.text === "" }, message.text);

/** Adds the new words of a coming answer to its row. What is there stays, and with it a selection. */
export function renewComing(row: HTMLElement, { text }: Message) {
  const span = row.querySelector<HTMLElement>(".coming");
  if (span === null) return;
  const said = span.textContent ?? "";
  if (said === text) return;
  const node = span.firstChild;
  if (node instanceof Text && text.startsWith(said)) node.appendData(text.slice(said.length));
  else span.textContent = text;
  span.dataset["waits"] = String(text === "");
}

/** A text that changes when the part below an answer has to be drawn anew. */
export const appearanceOfAnswer = (message: Message, view: Around["view"]) =>
  message.role === "assistant" ? `${wordsOfServed(message)} ${view.ratingOf(message.number)}` : "";

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

function doneFoot(line: Line, message: Message, { view, actions }: Around) {
  const rating = view.ratingOf(message.number);
  // Tab reaches the buttons of the newest answer; the others have theirs in their menus as well.
  const tabIndex = line.isTabStop ? 0 : -1;
  const thumb = (value: "up" | "down", label: string, sign: string) =>
    tool(sign, label, {
      tabIndex,
      onclick: () => actions.rate(message, value),
      "aria-pressed": rating === value,
    });
  if (message.status === "failed") {
    const again = { type: "button", class: "pill", tabIndex, "data-control": "again" };
    const onclick = () => actions.regenerate(message);
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
      tool("↻", "Answer again", { tabIndex, onclick: () => actions.regenerate(message) }),
      thumb("up", "Good answer", "👍"),
      thumb("down", "Bad answer", "👎"),
    ),
  );
}

const badgeOf = (usage: NonNullable<Message["usage"]>) =>
  el(
    "span",
    { class: "usage", title: explanationOf(usage) },
    el("b", {}, usage.model),
    ...wordsOfUsage(usage).map((word) => el("span", {}, word)),
  );

const tool = (sign: string, label: string, props: Props) =>
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
    sign,
  );
