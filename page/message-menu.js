import { el, fill } from "./dom.js";
import { parseEmoji } from "./reactions.js";
import { rove } from "./roving.js";

/** @typedef {import("./types.js").Message} Message */
/** @typedef {{ label: string, isDangerous?: boolean, act: () => void }} Action */

const COMMON = [
  ["👍", "Thumbs up"],
  ["❤️", "Heart"],
  ["😂", "Tears of joy"],
  ["🎉", "Party"],
  ["😮", "Surprise"],
  ["😢", "Sadness"],
];

/** Between the button and the menu, and from the edges of the window. */
const GAP_PX = 6;

/**
 * The menu of a message, one for all of them. It lies above everything, so that the scrolling list does
 * not cut it off. Arrow keys move, Escape and a click elsewhere close it.
 *
 * @param {object} options
 * @param {string} options.me
 * @param {(message: Message) => Action[]} options.actions
 * @param {(message: Message, emoji: string) => void} options.onReact
 * @param {(message: Message) => void} options.onClose puts the focus back
 */
export function createMessageMenu({ me, actions, onReact, onClose }) {
  const element = el("div", {
    class: "message-menu",
    role: "dialog",
    "aria-label": "Actions for this message",
    popover: "manual",
    tabIndex: -1,
  });
  /** @type {Message | undefined} */
  let open;

  /** @param {boolean} returnsFocus */
  const close = (returnsFocus) => {
    const message = open;
    if (message === undefined) return;
    open = undefined;
    if (returnsFocus) onClose(message);
    element.hidePopover();
  };

  element.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" && event.key !== "Tab") return;
    event.preventDefault();
    close(true);
  });
  element.addEventListener("focusout", (event) => {
    if (!element.contains(/** @type {Node | null} */ (event.relatedTarget))) close(false);
  });
  rove(element, "[data-stop]", { vertical: true });

  return {
    element,
    close: () => close(false),

    /** @param {Message} message @param {HTMLElement} button */
    open(message, button) {
      const react = (/** @type {string} */ emoji) => {
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

/** @param {string} label @param {boolean} isDangerous @param {() => void} onclick */
const itemOf = (label, isDangerous, onclick) =>
  el(
    "button",
    { type: "button", role: "menuitem", class: isDangerous ? "danger-text" : "", "data-stop": "", onclick },
    label,
  );

/** @param {Message} message @param {string} me @param {(emoji: string) => void} react */
function emojiRow(message, me, react) {
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
  // Up and down leave the row from wherever one is in it.
  const stop = (/** @type {HTMLElement} */ at) => {
    for (const button of row.children) button.toggleAttribute("data-stop", button === at);
  };
  const roving = rove(row, "button", { vertical: false, onMove: stop });
  roving.settle();
  row.firstElementChild?.toggleAttribute("data-stop", true);
  return row;
}

/** @param {(emoji: string) => void} react */
function emojiField(react) {
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

/** Below the button, above it where there is no room, and never out of the window. @param {HTMLElement} element @param {HTMLElement} button */
function place(element, button) {
  const at = button.getBoundingClientRect();
  const { width, height } = element.getBoundingClientRect();
  const below = at.bottom + GAP_PX;
  const top = below + height + GAP_PX <= innerHeight ? below : Math.max(at.top - GAP_PX - height, GAP_PX);
  const left = Math.min(Math.max(at.right - width, GAP_PX), innerWidth - width - GAP_PX);
  element.style.left = `${left}px`;
  element.style.top = `${top}px`;
}
