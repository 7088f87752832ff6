import { el, fill } from "./dom.js";
import { rove } from "./roving.js";

/**
 * One view of the console. It works only while it is shown.
 * @typedef {{ id: string, label: string, element: HTMLElement, start: () => void, stop: () => void }} View
 */

/**
 * The console: tabs beside the chat.
 *
 * @param {HTMLElement} element
 * @param {View[]} views
 */
export function createPanel(element, views) {
  const tabs = el("div", { class: "tabs", role: "tablist", "aria-label": "Console" });
  /** @type {View | undefined} */
  let shown;

  /** @param {View} view */
  const show = (view) => {
    if (shown === view) return;
    shown?.stop();
    shown = view;
    for (const other of views) {
      const isShown = other === view;
      other.element.hidden = !isShown;
      tabOf(other).setAttribute("aria-selected", String(isShown));
    }
    roving.settle();
    view.start();
  };

  /** @param {View} view */
  const tabOf = (view) => /** @type {HTMLElement} */ (tabs.querySelector(`#tab-${view.id}`));

  for (const view of views) {
    tabs.append(
      el(
        "button",
        {
          type: "button",
          id: `tab-${view.id}`,
          role: "tab",
          "aria-controls": `view-${view.id}`,
          onclick: () => show(view),
        },
        view.label,
      ),
    );
    view.element.id = `view-${view.id}`;
    view.element.classList.add("view");
    view.element.setAttribute("role", "tabpanel");
    view.element.setAttribute("aria-labelledby", `tab-${view.id}`);
    view.element.hidden = true;
  }
  const roving = rove(tabs, "button", { vertical: false, onMove: (tab) => tab.click() });
  fill(element, tabs, ...views.map((view) => view.element));
  if (views[0] !== undefined) show(views[0]);

  return {
    /** @param {string} id */
    show(id) {
      const view = views.find((other) => other.id === id);
      if (view !== undefined) show(view);
    },
  };
}
