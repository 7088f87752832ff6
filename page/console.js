import { createCost } from "./cost.js";
import { createDocuments } from "./documents.js";
import { byId, isFreeEscape } from "./dom.js";
import { createLogs } from "./logs.js";
import { createMailbox } from "./mailbox.js";
import { createPanel } from "./panel.js";
import { createQueues } from "./queues.js";

/** There is room for the console beside the chat; as in layout.css. */
const WIDE = matchMedia("(min-width: 1181px)");

/**
 * The console beside the page: open beside a chat where there is room, and where a code is awaited.
 * Without a suite there is none.
 *
 * @param {import("./control.js").Control | undefined} control
 * @param {(code: string) => void} onCode
 */
export function createConsole(control, onCode) {
  const toggle = byId("panel-toggle");
  const views = control === undefined ? undefined : createViews(control, onCode);
  let isSignedIn = false;

  /** @param {boolean} isOpen */
  const set = (isOpen) => {
    document.body.dataset["panel"] = isOpen ? "open" : "closed";
    toggle.setAttribute("aria-expanded", String(isOpen));
  };
  const fit = () => set(views !== undefined && (WIDE.matches || !isSignedIn));

  toggle.hidden = views === undefined;
  byId("operations-link").hidden = views === undefined;
  toggle.addEventListener("click", () => set(document.body.dataset["panel"] !== "open"));
  WIDE.addEventListener("change", fit);
  addEventListener("keydown", (event) => {
    // Where it lies over the chat, Escape puts it away again.
    const covers = !WIDE.matches && isSignedIn && document.body.dataset["panel"] === "open";
    if (!isFreeEscape(event) || !covers) return;
    event.preventDefault();
    set(false);
    toggle.focus();
  });
  set(views !== undefined && WIDE.matches);

  return {
    /** Shows what is of use now. @param {boolean} signedIn */
    follow(signedIn) {
      isSignedIn = signedIn;
      fit();
      views?.panel.show(signedIn ? "cost" : "mailbox");
    },
    /** @param {import("./types.js").Done} done */
    tell: (done) => views?.cost.add(done),
    /** A mail is on its way. */
    expectMail: () => views?.mailbox.expect(),
  };
}

/** @param {import("./control.js").Control} control @param {(code: string) => void} onCode */
function createViews(control, onCode) {
  const logs = createLogs(control);
  const cost = createCost(control, (requestId) => {
    panel.show("logs");
    logs.filter(requestId);
  });
  const mailbox = createMailbox(control, onCode);
  const panel = createPanel(byId("panel"), [
    mailbox,
    cost,
    logs,
    createQueues(control),
    createDocuments(control),
  ]);
  return { mailbox, cost, panel };
}
