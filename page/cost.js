import { el, fill } from "./dom.js";

/** @typedef {import("./types.js").Done} Done */
/** @typedef {import("./control.js").Counts} Counts */

/** What a request causes behind queues goes on after its answer, so its cost is read again this much later. */
const LOOKS_MS = [0, 400, 1200, 3000];
const REQUESTS_MAX = 30;

/**
 * What the person's last requests cost in the cloud's currency: calls, and billed reads, writes and deletes,
 * with all that they caused in the background.
 *
 * @param {import("./control.js").Control} control
 * @param {(requestId: string) => void} onLogs the person wants to see a request's log lines
 */
export function createCost(control, onLogs) {
  /** @type {Done[]} */
  let requests = [];
  /** @type {Done | undefined} */
  let chosen;
  let started = false;
  /** @type {ReturnType<typeof setTimeout>[]} */
  let timers = [];

  const empty = el(
    "p",
    { class: "hint" },
    "Sign in, send a message, open a chat: what it costs is shown here, read by read.",
  );
  const sheet = el("div", { "aria-live": "polite" });
  const list = el("ol", { class: "requests", "aria-label": "Earlier requests" });
  const element = el("div", {}, empty, sheet, list);

  /** @param {Done} request */
  const choose = (request) => {
    chosen = request;
    drawList();
    for (const timer of timers) clearTimeout(timer);
    if (!started) return;
    timers = LOOKS_MS.map((ms) => setTimeout(() => void look(request), ms));
  };

  /** @param {Done} request */
  const look = async (request) => {
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
    /** @param {Done} request */
    add(request) {
      requests = [request, ...requests].slice(0, REQUESTS_MAX);
      choose(request);
    },
  };
}

/** The path without the app, which is the same in all. @param {string} path */
const shortPath = (path) => path.replace(/^\/v1\/apps\/[^/]+/, "");

/** @param {Done} request @param {Counts} counts */
function drawCounts(request, counts) {
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
