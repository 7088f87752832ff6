import type { Mention, NewMessage } from "../../shared/client/connect.ts";
import { findMentions, type Named } from "../../shared/client/mentions.ts";
import { isVisibleText } from "../../shared/client/visible-text.ts";
import { el, fill } from "../frame/dom.ts";
import { createMentionList } from "./mention-list.ts";

/** The API's limit for a message's text. */
export const TEXT_CHARS_MAX = 32_000;

/** The message to which a reply is being written. */
export interface Answered {
  readonly number: number;
  readonly name: string;
  readonly text: string;
}

/** What is sent. */
export interface Written {
  readonly text: string;
  readonly replyTo: number | undefined;
  /** Undefined where nobody was chosen: the server looks for names itself. */
  readonly mentions: Mention[] | undefined;
}

export const messageOf = ({ text, replyTo, mentions }: Written): NewMessage => ({
  text,
  ...(replyTo === undefined ? {} : { replyTo }),
  ...(mentions === undefined ? {} : { mentions }),
});

export interface ComposerOptions {
  readonly label: string;
  /** What was begun before. */
  readonly text: string;
  /** Those who can be mentioned. */
  people(): readonly Named[];
  onSend(written: Written): void;
  /** The field holds this now. */
  onWrite?(text: string): void;
  onTyping(): void;
  /** The field has been emptied. */
  onStopTyping(): void;
  /** Called for Escape when no reply is being written. Returns whether there was something to end. */
  onEscape(): boolean;
}

/**
 * The field in which messages are written. Enter sends, Shift and Enter begin a new line. While characters
 * are being composed, as in Japanese, Enter belongs to the input method.
 */
export function createComposer(options: ComposerOptions) {
  const { label, people, onSend, onWrite, onTyping, onStopTyping, onEscape } = options;
  let answered: Answered | undefined;
  const text = el("textarea", {
    name: "text",
    rows: 1,
    maxLength: TEXT_CHARS_MAX,
    placeholder: "Write a message",
    value: options.text,
    "aria-label": label,
    "aria-keyshortcuts": "Enter",
    enterKeyHint: "send",
  });
  const send = el("button", { type: "submit", class: "primary", disabled: true }, "Send");
  const reply = el("div", { class: "replying", hidden: true });
  const mentions = createMentionList({ field: text, people });
  const element = el("form", { class: "composer" }, mentions.element, reply, text, send);

  const fit = () => {
    send.disabled = !isVisibleText(text.value);
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
    if (!isVisibleText(written)) return;
    const chosen = mentions.takeChosen();
    const to = answered?.number;
    text.value = "";
    replyTo(undefined);
    fit();
    const found = chosen.length === 0 ? undefined : findMentions(written, [...chosen, ...people()]);
    onSend({ text: written, replyTo: to, mentions: found });
    text.focus();
  });
  text.addEventListener("input", () => {
    fit();
    onWrite?.(text.value);
    if (text.value === "") onStopTyping();
    else onTyping();
  });
  text.addEventListener("keydown", (event) => {
    if (event.isComposing || mentions.takeKey(event)) return;
    if (event.key === "Escape" && answered !== undefined) {
      event.preventDefault();
      replyTo(undefined);
    } else if (event.key === "Escape" && onEscape()) event.preventDefault();
    if (event.key !== "Enter" || event.shiftKey) return;
    event.preventDefault();
    element.requestSubmit();
  });
  return {
    element,
    /** Once it is in the document, since what stands in it decides how high it is. */
    fit,
    focus: () => text.focus(),
    replyTo,
    lookAgain: mentions.lookAgain,
    /** Another device has changed what was begun. */
    set(next: string) {
      text.value = next;
      fit();
    },
  };
}
