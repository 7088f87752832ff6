import { el, fill } from "./dom.ts";
import { rove } from "./roving.ts";

export interface Action {
  readonly label: string;
  readonly isDangerous?: boolean;
  act(): void;
}

/**
 * A button that opens a short list of actions. Escape and a click elsewhere close it.
 *
 * @param actions called at each opening
 */
export function createMenu(label: string, actions: () => readonly Action[]) {
  const items = el("div", { class: "menu-items", role: "menu", hidden: true });
  const button = el(
    "button",
    { type: "button", class: "quiet", "aria-haspopup": "menu", "aria-expanded": false, "aria-label": label },
    "•••",
  );
  const element = el("div", { class: "menu" }, button, items);
  const roving = rove(items, "button", { vertical: true });

  const set = (isOpen: boolean) => {
    items.hidden = !isOpen;
    button.setAttribute("aria-expanded", String(isOpen));
    if (!isOpen) return;
    fill(
      items,
      ...actions().map(({ label: text, isDangerous, act }) =>
        el(
          "button",
          {
            type: "button",
            role: "menuitem",
            class: isDangerous ? "danger-text" : "",
            onclick: () => {
              set(false);
              button.focus();
              act();
            },
          },
          text,
        ),
      ),
    );
    roving.settle();
    items.querySelector("button")?.focus();
  };

  button.addEventListener("click", () => set(items.hidden === true));
  element.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || items.hidden) return;
    event.preventDefault();
    set(false);
    button.focus();
  });
  element.addEventListener("focusout", (event) => {
    if (!element.contains(event.relatedTarget as Node | null)) set(false);
  });
  return element;
}
