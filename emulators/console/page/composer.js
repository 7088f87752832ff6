import { el } from "./dom.js";

/** The API's limit for a message's text. */
export const TEXT_CHARS_MAX = 32_000;

/**
 * Where messages are written. Enter sends, Shift and Enter begin a new line; while characters are being
 * composed, as in Japanese, Enter belongs to the input method.
 *
 * @param {(text: string) => void} onSend
 */
export function createComposer(onSend) {
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
  const element = el("form", { class: "composer" }, text, send);

  const fit = () => {
    send.disabled = text.value.trim() === "";
    text.style.height = "auto";
    text.style.height = `${text.scrollHeight + 2}px`;
  };

  element.addEventListener("submit", (event) => {
    event.preventDefault();
    const written = text.value.trim();
    if (written === "") return;
    text.value = "";
    fit();
    onSend(written);
    text.focus();
  });
  text.addEventListener("input", fit);
  text.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    element.requestSubmit();
  });
  return { element, focus: () => text.focus() };
}
