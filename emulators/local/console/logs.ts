import { el, fill } from "../../../page/frame/dom.ts";
import { clockOf } from "../../../page/frame/format.ts";
import { poll, type Polling } from "../../../page/frame/polling.ts";
import type { Control, LogLine } from "./control.ts";

const SHOWN_MAX = 300;
const SEVERITIES = ["DEFAULT", "INFO", "NOTICE", "WARNING", "ERROR"];

/** The structured lines of the functions, newest first, each to be opened to the whole entry. */
export function createLogs(control: Control) {
  let requestId = "";
  let last = 0;
  let polling: Polling | undefined;

  const severity = el(
    "select",
    { onchange: () => restart() },
    ...SEVERITIES.map((name) =>
      el("option", { value: name }, name === "DEFAULT" ? "All severities" : `${name} and above`),
    ),
  );
  const only = el("button", { type: "button", class: "chip", hidden: true, onclick: () => filter("") });
  const list = el("ol", { class: "log-lines" });
  const empty = el("p", { class: "hint" }, "No lines.");
  const element = el(
    "div",
    {},
    el(
      "div",
      { class: "filters" },
      el("label", {}, el("span", { class: "only-heard" }, "Severity"), severity),
      only,
    ),
    empty,
    list,
  );

  const refresh = async (signal: AbortSignal) => {
    const query = new URLSearchParams({
      after: String(last),
      limit: String(SHOWN_MAX),
      severity: severity.value,
    });
    if (requestId !== "") query.set("requestId", requestId);
    const lines = await control.logs(query, signal);
    const newest = lines[0];
    if (newest === undefined || signal.aborted) return false;
    last = newest.sequence;
    list.prepend(...lines.map(drawLine));
    while (list.childElementCount > SHOWN_MAX) list.lastElementChild?.remove();
    empty.hidden = true;
    return true;
  };

  const restart = () => {
    last = 0;
    fill(list);
    empty.hidden = false;
    polling?.stop();
    polling = poll({ everyMs: 1500, slowestMs: 4000, refresh });
  };

  /** Shows one request's lines only, or all again. */
  const filter = (id: string) => {
    requestId = id;
    only.hidden = id === "";
    fill(only, `Request ${id.slice(0, 12)} ✕`);
    only.setAttribute("aria-label", "Show the lines of all requests");
    restart();
  };

  return { id: "logs", label: "Logs", element, start: restart, stop: () => polling?.stop(), filter };
}

function drawLine(line: LogLine) {
  const whole = el("pre", { tabIndex: 0 });
  const traceId = /[0-9a-f]{32}$/.exec(String(line.entry["logging.googleapis.com/trace"]))?.[0];
  const details = el(
    "details",
    { "data-severity": line.severity },
    el(
      "summary",
      {},
      el("time", { dateTime: line.at }, clockOf(line.at)),
      el("span", { class: "severity" }, line.severity),
      el("span", { class: "log-text" }, line.message === "" ? "(no message)" : line.message),
      line.function !== undefined && el("span", { class: "log-from" }, line.function),
    ),
    traceId !== undefined &&
      el("a", { class: "log-trace", href: `operations.html#/traces/${traceId}` }, "Show its trace"),
    whole,
  );
  details.addEventListener("toggle", () => {
    if (whole.textContent === "") whole.textContent = JSON.stringify(line.entry, null, 2);
  });
  return el("li", {}, details);
}
