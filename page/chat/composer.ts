import { el, fill } from "../frame/dom.ts";

/** The API's limit for a message's text. */
export const TEXT_CHARS_MAX = 32_000;

/** The message to which a reply is being written. */
export interface Answered {
  readonly number: number;
  readonly name: string;
  readonly text: string;
}

export interface ComposerOptions {
  onSend(text: string, replyTo: number | undefined): void;
  onTyping(): void;
  /** Called for Escape when no reply is being written. Returns whether there was something to end. */
  onEscape(): boolean;
}

/**
 * The field in which messages are written. Enter sends, Shift and Enter begin a new line. While characters
 * are being composed, as in Japanese, Enter belongs to the input method.
 */
export function createComposer({ onSend, onTyping, onEscape }: ComposerOptions) {
  let answered: Answered | undefined;
  const text = el("textarea", {
    name: "text",
    rows: 1,
    maxLength: TEXT_CHARS_MAX,
    placeholder: "Write a message",
    "aria-label": "Message",
    "aria-keyshortcuts": "Enter",
    enterKeyHint: "send",
  });
  const send = el("button", { type: "submit", class: "primary", disabled: true }, "Send");
  const reply = el("div", { class: "replying", hidden: true });
  const element = el("form", { class: "composer" }, reply, text, send);

  const fit = () => {
    send.disabled = text.value.trim() === "";
    text.style.height = "auto";
    text.style.height = `${text.scrollHeight + 2}px`;
  };

  const replyTo = (to: Answered | undefined) => {
    answered = to;
    reply.hidden = to === undefined;
    if (to === undefined) return;
    const leave = () => {
      replyTo(undefined);
      text.focus();
    };
    fill(
      reply,
      el("p", { class: "quote" }, el("b", {}, `Reply to ${to.name}`), el("span", {}, to.text)),
      el(
        "button",
        { type: "button", class: "quiet", "aria-label": "Don’t reply to it", onclick: leave },
        "✕",
      ),
    );
    text.focus();
  };

  element.addEventListener("submit", (event) => {
    event.preventDefault();
    const written = text.value.trim();
    if (written === "") return;
    const to = answered?.number;
    text.value = "";
    replyTo(undefined);
    fit();
    onSend(written, to);
    text.focus();
  });
  text.addEventListener("input", () => {
    fit();
    if (text.value !== "") onTyping();
  });
  text.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    if (event.key === "Escape" && answered !== undefined) {
      event.preventDefault();
      replyTo(undefined);
    } else if (event.key === "Escape" && onEscape()) event.preventDefault();
    if (event.key !== "Enter" || event.shiftKey) return;
    event.preventDefault();
    element.requestSubmit();
  });
  return { element, focus: () => text.focus(), replyTo };
}
