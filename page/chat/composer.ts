import type { Api } from "../../shared/client/api.ts";
import type { Mention, NewMessage } from "../../shared/client/connect.ts";
import { findMentions, type Named } from "../../shared/client/mentions.ts";
import { isVisibleText } from "../../shared/client/visible-text.ts";
import { createAttachments } from "../files/attachments.ts";
import { el, fill } from "../frame/dom.ts";
import { icon } from "../frame/icons.ts";
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
  /** By their ids. With some, the text may be empty. */
  readonly files: readonly string[];
}

export const messageOf = ({ text, replyTo, mentions, files }: Written): NewMessage => ({
  ...(text === "" ? {} : { text }),
  ...(files.length === 0 ? {} : { files: [...files] }),
  ...(replyTo === undefined ? {} : { replyTo }),
  ...(mentions === undefined ? {} : { mentions }),
});

export interface ComposerOptions {
  readonly api: Api;
  /** Whose field it is, and of which chat or thread: its files are found again by it. */
  readonly place: string;
  readonly label: string;
  /** What was begun before. */
  readonly text: string;
  /** Those who can be mentioned. */
  people(): readonly Named[];
  onSend(written: Written): void;
  /** It is to be sent later; `taken` is called once that is settled, and empties the field. */
  onLater(written: Written, taken: () => void): void;
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
  const { api, place, label, people, onSend, onLater, onWrite, onTyping, onStopTyping, onEscape } = options;
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
  const later = el(
    "button",
    {
      type: "button",
      class: "quiet later",
      disabled: true,
      "aria-label": "Send later …",
      title: "Send later …",
      "aria-haspopup": "dialog",
    },
    icon("clock"),
  );
  const reply = el("div", { class: "replying", hidden: true });
  const mentions = createMentionList({ field: text, people });
  const attachments = createAttachments({ api, place, onChange: () => fit() });
  const element = el(
    "form",
    { class: "composer" },
    mentions.element,
    reply,
    attachments.list,
    text,
    later,
    send,
    // Stands before the field, and comes after it by keyboard: what is written comes first.
    attachments.button,
  );

  const fit = () => {
    const says = isVisibleText(text.value) || attachments.ids.length > 0;
    send.disabled = later.disabled = !says || attachments.isOpen;
    send.title = attachments.isOpen ? "Files are on their way, or wait for you." : "";
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

  /** What is in the field, and its files; undefined where nobody could see it or a file is on its way. */
  const written = (): Written | undefined => {
    const isVisible = isVisibleText(text.value);
    const said = isVisible ? text.value.trim() : "";
    const files = attachments.ids;
    if ((!isVisible && files.length === 0) || attachments.isOpen) return undefined;
    const { chosen } = mentions;
    const found = chosen.length === 0 ? undefined : findMentions(said, [...chosen, ...people()]);
    return { text: said, replyTo: answered?.number, mentions: found, files };
  };
  const empty = () => {
    text.value = "";
    mentions.forgetChosen();
    replyTo(undefined);
    attachments.clear();
  };

  element.addEventListener("submit", (event) => {
    event.preventDefault();
    const now = written();
    if (now === undefined) return;
    empty();
    onSend(now);
    text.focus();
  });
  later.addEventListener("click", () => {
    const what = written();
    if (what === undefined) return;
    onLater(what, () => {
      empty();
      onWrite?.("");
      onStopTyping();
    });
  });
  text.addEventListener("input", () => {
    fit();
    onWrite?.(text.value);
    if (text.value === "") onStopTyping();
    else onTyping();
  });
  text.addEventListener("paste", (event) => {
    const files = event.clipboardData?.files ?? [];
    if (files.length === 0) return;
    event.preventDefault();
    attachments.add(files);
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
    attach: attachments.add,
    leave: attachments.leave,
    /** Another device has changed what was begun. */
    set(next: string) {
      text.value = next;
      fit();
    },
  };
}
