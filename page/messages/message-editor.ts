import { TEXT_CHARS_MAX } from "../chat/composer.ts";
import type { Message } from "../../shared/client/connect.ts";
import { el } from "../frame/dom.ts";
import type { Editing, MessageActions } from "./message-actions.ts";

/**
 * A message's text in a field, in the place of the message. Enter saves, Shift and Enter begin a new line,
 * Escape leaves the message as it was.
 *
 * @param editing keeps what is typed, because the row may be drawn anew
 */
export function createEditor(editing: Editing, actions: MessageActions, onResize: () => void) {
  const text = el("textarea", {
    name: "edit",
    value: editing.text,
    rows: Math.min(editing.text.split("\n").length, 8),
    maxLength: TEXT_CHARS_MAX,
    readOnly: editing.isSaving,
    "aria-label": "Edit the message",
    "aria-keyshortcuts": "Enter Escape",
    "data-control": "editor",
  });
  text.setSelectionRange(editing.text.length, editing.text.length);
  text.addEventListener("input", () => {
    editing.text = text.value;
    onResize();
  });
  text.addEventListener("keydown", (event) => {
    if (event.isComposing || event.shiftKey || (event.key !== "Enter" && event.key !== "Escape")) return;
    event.preventDefault();
    if (event.key === "Enter") void actions.save();
    else actions.stopEditing();
  });
  return el(
    "form",
    {
      class: "editor",
      onsubmit: (event: SubmitEvent) => {
        event.preventDefault();
        void actions.save();
      },
    },
    editing.theirs !== undefined && asItStands(editing.theirs),
    text,
    editing.error !== "" && el("p", { class: "problem", role: "alert" }, editing.error),
    el(
      "div",
      { class: "editor-actions" },
      el("span", { class: "hint" }, hintFor(editing)),
      el(
        "button",
        { type: "button", class: "quiet", onclick: actions.stopEditing },
        editing.theirs === undefined ? "Cancel" : "Keep theirs",
      ),
      el(
        "button",
        { type: "submit", class: "primary", disabled: editing.isSaving },
        editing.isAgain ? "Send" : editing.theirs === undefined ? "Save" : "Save mine",
      ),
    ),
  );
}

/** What another device has made of it, which is kept or replaced. */
const asItStands = ({ status, text }: Message) =>
  el(
    "div",
    { class: "as-it-stands" },
    el("b", {}, "As it stands now"),
    el("p", {}, status === "deleted" ? "It has been deleted." : text),
    el("b", {}, "As you have it"),
  );

function hintFor({ isAgain, theirs }: Editing) {
  if (isAgain) return "Enter sends it in place of this one";
  return theirs === undefined ? "Enter saves, Escape cancels" : "Enter saves yours, Escape keeps theirs";
}
