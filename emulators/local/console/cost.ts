import { el, fill } from "../../../page/frame/dom.ts";
import type { AnsweredRequest } from "../../../page/frame/suite.ts";
import type { Control, Counts } from "./control.ts";

/**
 * The work that a request puts into queues goes on after its reply, so its cost is read again after these
 * times.
 */
const READ_AFTER_MS = [0, 400, 1200, 3000];
const REQUESTS_MAX = 30;

/**
 * What the person's last requests cost: calls, and billed reads, writes and deletes. The work that they
 * caused in the background is included.
 *
 * @param onLogs called when the person wants to see a request's log lines
 */
export function createCost(control: Control, onLogs: (requestId: string) => void) {
  let requests: AnsweredRequest[] = [];
  let chosen: AnsweredRequest | undefined;
  let started = false;
  let timers: ReturnType<typeof setTimeout>[] = [];

  const empty = el(
    "p",
    { class: "hint" },
    "Sign in, send a message, open a chat: what it costs is shown here, read by read.",
  );
  const sheet = el("div", { "aria-live": "polite" });
  const list = el("ol", { class: "requests", "aria-label": "Earlier requests" });
  const element = el("div", {}, empty, sheet, list);

  const choose = (request: AnsweredRequest) => {
    chosen = request;
    drawList();
    for (const timer of timers) clearTimeout(timer);
    if (!started) return;
    timers = READ_AFTER_MS.map((ms) => setTimeout(() => void readCost(request), ms));
  };

  const readCost = async (request: AnsweredRequest) => {
    const counts = await control.cost(request.requestId).catch(() => undefined);
    if (counts === undefined || chosen !== request) return;
    empty.hidden = true;
    fill(
      sheet,
      ...drawCounts(request, counts),
      el(
        "button",
        { type: "button", class: "link", onclick: () => onLogs(request.requestId) },
        "Its log lines",
      ),
    );
  };

  const drawList = () => {
    fill(
      list,
      ...requests.map((request) =>
        el(
          "li",
          {},
          el(
            "button",
            { type: "button", "aria-pressed": request === chosen, onclick: () => choose(request) },
            el("span", { class: "method" }, request.method),
            el("span", { class: "path" }, shortPath(request.path)),
            el("span", { class: "ms" }, `${Math.round(request.ms)} ms`),
          ),
        ),
      ),
    );
  };

  return {
    id: "cost",
    label: "Cost",
    element,
    start() {
      started = true;
      if (chosen !== undefined) choose(chosen);
    },
    stop() {
      started = false;
    },
    add(request: AnsweredRequest) {
      requests = [request, ...requests].slice(0, REQUESTS_MAX);
      choose(request);
    },
  };
}

/** The path without the app, which is the same in all. */
const shortPath = (path: string) => path.replace(/^\/v1\/apps\/[^/]+/, "");

function drawCounts(request: AnsweredRequest, counts: Counts) {
  const figures = [
    ["Reads", counts.billed.reads],
    ["Writes", counts.billed.writes],
    ["Deletes", counts.billed.deletes],
    ["Publishes", counts.publishes],
    ["Tasks", counts.tasks],
  ];
  const rpcs = Object.entries(counts.rpcs).sort(([a], [b]) => a.localeCompare(b));
  return [
    el(
      "h2",
      { class: "request" },
      el("span", { class: "method" }, request.method),
      " ",
      shortPath(request.path),
    ),
    el(
      "p",
      { class: "hint" },
      `Status ${request.status}, ${Math.round(request.ms)} ms, with all it caused in the background.`,
    ),
    el(
      "dl",
      { class: "figures" },
      ...figures.map(([label, value]) =>
        el("div", { "data-zero": value === 0 }, el("dt", {}, String(label)), el("dd", {}, String(value))),
      ),
    ),
    rpcs.length > 0 &&
      el(
        "table",
        {},
        el("caption", {}, "Calls"),
        el(
          "tbody",
          {},
          ...rpcs.map(([name, times]) =>
            el("tr", {}, el("th", { scope: "row" }, name), el("td", {}, String(times))),
          ),
        ),
      ),
  ];
}
