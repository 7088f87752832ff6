import type { Message } from "../../shared/client/connect.ts";
import { el, fill } from "../frame/dom.ts";
import type { Action } from "../frame/menu.ts";
import { rove } from "../frame/roving.ts";
import { parseEmoji } from "./reactions.ts";

const COMMON = [
  ["👍", "Thumbs up"],
  ["❤️", "Heart"],
  ["😂", "Tears of joy"],
  ["🎉", "Party"],
  ["😮", "Surprise"],
  ["😢", "Sadness"],
];

/** The gap between the button and the menu, and to the edges of the window. */
const GAP_PX = 6;

export interface MessageMenuOptions {
  readonly me: string;
  actions(message: Message): Action[];
  onReact(message: Message, emoji: string): void;
  /** The button that opens the menu of a message; null while its row is not in the document. */
  buttonOf(message: Message): HTMLElement | null;
}

/**
 * The menu of a message; all messages share it. It is a popover, so that the scrolling list does not cut it
 * off. Arrow keys move, Escape and a click elsewhere close it.
 */
export function createMessageMenu({ me, actions, onReact, buttonOf }: MessageMenuOptions) {
  const element = el("div", {
    class: "message-menu",
    role: "dialog",
    "aria-label": "Actions for this message",
    popover: "manual",
    tabIndex: -1,
  });
  let open: Message | undefined;

  const close = (returnsFocus: boolean) => {
    const message = open;
    if (message === undefined) return;
    open = undefined;
    if (returnsFocus) buttonOf(message)?.focus({ preventScroll: true });
    element.hidePopover();
  };

  element.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" && event.key !== "Tab") return;
    event.preventDefault();
    close(true);
  });
  element.addEventListener("focusout", (event) => {
    if (!element.contains(event.relatedTarget as Node | null)) close(false);
  });
  rove(element, "[data-stop]", { vertical: true });

  return {
    element,
    close: () => close(false),

    /** Moves the menu to its button, whose row has moved. */
    follow() {
      if (open === undefined) return;
      const button = buttonOf(open);
      if (button === null) close(false);
      else place(element, button);
    },

    open(message: Message, button: HTMLElement) {
      const react = (emoji: string) => {
        close(true);
        onReact(message, emoji);
      };
      const items = actions(message).map(({ label, isDangerous, act }) =>
        itemOf(label, isDangerous === true, () => {
          close(true);
          act();
        }),
      );
      fill(
        element,
        emojiRow(message, me, react),
        emojiField(react),
        el("div", { class: "items", role: "menu", "aria-label": "Actions" }, ...items),
      );
      open = message;
      element.showPopover();
      place(element, button);
      element.querySelector("button")?.focus();
    },
  };
}

const itemOf = (label: string, isDangerous: boolean, onclick: () => void) =>
  el(
    "button",
    { type: "button", role: "menuitem", class: isDangerous ? "danger-text" : "", "data-stop": "", onclick },
    label,
  );

function emojiRow(message: Message, me: string, react: (emoji: string) => void) {
  const row = el(
    "div",
    { class: "emoji-row", role: "toolbar", "aria-label": "React" },
    ...COMMON.map(([emoji = "", name = ""]) =>
      el(
        "button",
        {
          type: "button",
          class: "emoji",
          title: name,
          "aria-label": name,
          "aria-pressed": message.reactions[emoji]?.includes(me) === true,
          onclick: () => react(emoji),
        },
        emoji,
      ),
    ),
  );
  // Up and down leave the row from any of its buttons.
  const stop = (at: HTMLElement) => {
    for (const button of row.children) button.toggleAttribute("data-stop", button === at);
  };
  const roving = rove(row, "button", { vertical: false, onMove: stop });
  roving.settle();
  row.firstElementChild?.toggleAttribute("data-stop", true);
  return row;
}

function emojiField(react: (emoji: string) => void) {
  const field = el("input", {
    name: "emoji",
    placeholder: "Another emoji",
    "aria-label": "Another emoji",
    autocomplete: "off",
    required: true,
    "data-stop": "",
  });
  field.addEventListener("input", () => field.setCustomValidity(""));
  const form = el("form", { class: "emoji-field" }, field, el("button", { type: "submit" }, "React"));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const emoji = parseEmoji(field.value);
    if (emoji !== undefined) return react(emoji);
    field.setCustomValidity("One emoji, please.");
    field.reportValidity();
  });
  return form;
}

/** Puts the menu below the button, or above it where there is no room, and always within the window. */
function place(element: HTMLElement, button: HTMLElement) {
  const at = button.getBoundingClientRect();
  const { width, height } = element.getBoundingClientRect();
  const below = at.bottom + GAP_PX;
  const top = below + height + GAP_PX <= innerHeight ? below : Math.max(at.top - GAP_PX - height, GAP_PX);
  const left = Math.min(Math.max(at.right - width, GAP_PX), innerWidth - width - GAP_PX);
  element.style.left = `${left}px`;
  element.style.top = `${top}px`;
}
