import type { Message } from "../../shared/client/connect.ts";
import { el, extendText } from "../frame/dom.ts";
import type { Around } from "../messages/message-line.ts";

/** A model thinks until it says its first word, or until it is finished without one. */
const labelOf = ({ status, text }: Message) =>
  text === "" && (status === "queued" || status === "streaming") ? "Thinking …" : "Thought for a while";

/**
 * What a model thought before it answered, folded. It is there from an answer's beginning, hidden as long as
 * nothing has been thought; renewThinking adds what follows.
 */
export function thinkingOf(message: Message, { unfolded, onResize }: Around) {
  const { number, thinking } = message;
  const details: HTMLDetailsElement = el(
    "details",
    {
      class: "thinking",
      hidden: thinking === undefined,
      open: unfolded.has(number),
      ontoggle: () => {
        if (details.open) unfolded.add(number);
        else unfolded.delete(number);
        onResize();
      },
    },
    el("summary", { "data-control": "thinking" }, labelOf(message)),
    el("p", { class: "thoughts" }, thinking?.text ?? ""),
  );
  return details;
}

/** Adds what a coming answer has thought since its row was drawn. */
export function renewThinking(row: HTMLElement, message: Message) {
  const details = row.querySelector<HTMLElement>(".thinking");
  const label = details?.querySelector("summary");
  const thoughts = details?.querySelector<HTMLElement>(".thoughts");
  if (!details || !label || !thoughts) return;
  details.hidden = message.thinking === undefined;
  if (label.textContent !== labelOf(message)) label.textContent = labelOf(message);
  extendText(thoughts, message.thinking?.text ?? "");
}
