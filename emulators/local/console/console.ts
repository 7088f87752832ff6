import { byId, el, isFreeEscape } from "../../../page/frame/dom.ts";
import type { Console } from "../../../page/frame/suite.ts";
import { createTabs } from "../../../page/frame/tabs.ts";
import type { Control } from "./control.ts";
import { createCost } from "./cost.ts";
import { createDocuments } from "./documents.ts";
import { createLogs } from "./logs.ts";
import { createMailbox } from "./mailbox.ts";
import { createQueues } from "./queues.ts";

/** There is room for the console beside the chat; as in console.css. */
const WIDE = matchMedia("(min-width: 1181px)");

/** The console beside the page: open beside a chat where there is room, and where a code is awaited. */
export function openConsole(control: Control, onCode: (code: string) => void): Console {
  const toggle = el(
    "button",
    { id: "panel-toggle", class: "quiet", type: "button", "aria-controls": "panel" },
    "Console",
  );
  const panel = el("aside", { id: "panel", class: "panel", "aria-label": "Console" });
  let isSignedIn = false;

  const set = (isOpen: boolean): void => {
    document.body.dataset["panel"] = isOpen ? "open" : "closed";
    toggle.setAttribute("aria-expanded", String(isOpen));
  };
  const fit = (): void => set(WIDE.matches || !isSignedIn);

  toggle.addEventListener("click", () => set(document.body.dataset["panel"] !== "open"));
  WIDE.addEventListener("change", fit);
  addEventListener("keydown", (event) => {
    // Where the console covers the chat, Escape closes it.
    const covers = !WIDE.matches && isSignedIn && document.body.dataset["panel"] === "open";
    if (!isFreeEscape(event) || !covers) return;
    event.preventDefault();
    set(false);
    toggle.focus();
  });
  byId("top-end").append(
    el("a", { id: "operations-link", class: "operations-link", href: "operations.html" }, "Operations"),
    toggle,
  );
  byId("columns").append(panel);
  const { tabs, cost, mailbox } = showViews(panel, control, onCode);
  set(WIDE.matches);

  return {
    follow(signedIn) {
      isSignedIn = signedIn;
      fit();
      tabs.show(signedIn ? "cost" : "mailbox");
    },
    tell: cost.add,
    expectMail: mailbox.expect,
  };
}

function showViews(panel: HTMLElement, control: Control, onCode: (code: string) => void) {
  const logs = createLogs(control);
  const cost = createCost(control, (requestId) => {
    tabs.show("logs");
    logs.filter(requestId);
  });
  const mailbox = createMailbox(control, onCode);
  const views = [mailbox, cost, logs, createQueues(control), createDocuments(control)];
  const tabs = createTabs(panel, "Console", views);
  return { tabs, cost, mailbox };
}
