import { el, fill } from "./dom.ts";
import { rove } from "./roving.ts";

/** A view behind a tab. It works between `start` and `stop`, while it is shown. */
export interface View {
  readonly id: string;
  readonly label: string;
  readonly element: HTMLElement;
  start(): void;
  stop(): void;
}

/** Fills an element with tabs and the views behind them. */
export function createTabs(element: HTMLElement, label: string, views: readonly View[]) {
  const tabs = el("div", { class: "tabs", role: "tablist", "aria-label": label });
  let shown: View | undefined;

  const show = (view: View) => {
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

  const tabOf = (view: View) => tabs.querySelector(`#tab-${view.id}`) as HTMLElement;

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
    show(id: string) {
      const view = views.find((other) => other.id === id);
      if (view !== undefined) show(view);
    },
  };
}
