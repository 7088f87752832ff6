import { el, fill, toast } from "../dom.js";
import { ageOf, timeOf } from "../format.js";
import { poll } from "../polling.js";
import { figuresOf, percentilesOf } from "./figures.js";
import { drawTable, shortName } from "./tables.js";
import { durationOf } from "./waterfall.js";

/** @typedef {import("../control.js").LogLine} LogLine @typedef {import("./figures.js").Figures} Figures */

const WINDOW_MINUTES = [1, 5, 15, 60];

/**
 * How the system does, from the log lines of the last minutes, and what waits.
 *
 * @param {import("../control.js").Control} control
 * @param {string} operatorKey
 * @param {ReturnType<typeof import("./line-window.js").createLineWindow>} lines
 */
export function createDashboard(control, operatorKey, lines) {
  /** What is shown, to draw only what has changed: a button under the finger stays. */
  let shown = "";
  /** @type {ReturnType<typeof poll> | undefined} */
  let polling;
  const minutes = el(
    "select",
    { "aria-label": "Window", onchange: () => polling?.now() },
    ...WINDOW_MINUTES.map((count) =>
      el("option", { value: String(count), selected: count === 5 }, `Last ${count} min`),
    ),
  );
  const tiles = el("div", { class: "tiles" });
  const tables = el("div", { class: "dashboard-tables" });
  const element = el("div", { class: "dashboard" }, el("div", { class: "filters" }, minutes), tiles, tables);

  /** @param {string} name */
  const run = async (name) => {
    try {
      const { data } = await control.runSchedule(name);
      toast(data.status < 300 ? `“${name}” has run.` : `“${name}” failed with status ${data.status}.`);
    } catch (cause) {
      toast(/** @type {Error} */ (cause).message);
    }
    polling?.now();
  };

  /** @param {AbortSignal} signal */
  const look = async (signal) => {
    const [all, queues, breakers] = await Promise.all([
      lines.read(signal),
      control.queues(signal),
      control.breakers(operatorKey, signal),
    ]);
    const windowMs = Number(minutes.value) * 60_000;
    // By the newest line and not by this machine's clock, which the suite's may be ahead of.
    const sinceMs = Math.max(Date.now(), Date.parse(all[0]?.at ?? "") || 0) - windowMs;
    const figures = figuresOf(all, sinceMs);
    const key = JSON.stringify([figures, queues, breakers, windowMs]);
    if (key === shown) return false;
    shown = key;
    const focused = document.activeElement?.getAttribute("data-schedule");
    fill(tiles, ...drawTiles(figures, all, sinceMs, queues));
    fill(
      tables,
      drawFigures(
        "Endpoints",
        figures.filter(({ kind }) => kind === "endpoint"),
        windowMs,
      ),
      drawFigures(
        "Background",
        figures.filter(({ kind }) => kind === "function"),
        windowMs,
      ),
      drawSubscriptions(queues.subscriptions),
      drawQueues(queues.queues),
      drawBreakers(breakers),
      drawSchedules(queues.schedules, run),
    );
    if (focused)
      /** @type {HTMLElement | null} */ (tables.querySelector(`[data-schedule="${focused}"]`))?.focus();
    return true;
  };

  return {
    id: "dashboard",
    label: "Dashboard",
    element,
    start() {
      shown = "";
      polling = poll({ everyMs: 1500, slowestMs: 4000, ask: look });
    },
    stop: () => polling?.stop(),
  };
}

/** @param {readonly Figures[]} figures @param {readonly LogLine[]} all @param {number} sinceMs @param {import("../queues.js").Queues} queues */
function drawTiles(figures, all, sinceMs, queues) {
  const requests = all.filter(
    ({ at, entry }) => typeof entry["endpoint"] === "string" && Date.parse(at) >= sinceMs,
  );
  const { p50, p95, p99 } = percentilesOf(requests.map(({ entry }) => Number(entry["latencyMs"])));
  const errors = figures.reduce((sum, row) => sum + row.errors, 0);
  const oldestMs = Math.max(0, ...queues.subscriptions.map(({ oldestAgeMs = 0 }) => oldestAgeMs));
  const waiting =
    queues.subscriptions.reduce((sum, { backlog }) => sum + backlog, 0) +
    queues.queues.reduce((sum, { due }) => sum + due, 0);
  return [
    tile("Requests", String(requests.length)),
    tile("Failed", String(errors), errors > 0),
    tile("p50", durationOf(p50)),
    tile("p95", durationOf(p95)),
    tile("p99", durationOf(p99)),
    tile("Waiting", String(waiting)),
    tile("Oldest event", oldestMs === 0 ? "–" : ageOf(oldestMs), oldestMs > 60_000),
  ];
}

/** @param {string} label @param {string} value @param {boolean} [isBad] */
const tile = (label, value, isBad = false) =>
  el("div", { class: "tile", "data-bad": isBad }, el("strong", {}, value), el("span", {}, label));

/** @param {string} caption @param {readonly Figures[]} figures @param {number} windowMs */
const drawFigures = (caption, figures, windowMs) =>
  drawTable(
    caption,
    ["", "Runs", "/min", "Failed", "p50", "p95", "p99"],
    figures.map(({ name, count, errors, p50, p95, p99 }) => [
      name,
      String(count),
      (count / (windowMs / 60_000)).toFixed(1),
      errors === 0
        ? "0"
        : el("span", { class: "failed" }, `${errors} (${((errors / count) * 100).toFixed(1)} %)`),
      durationOf(p50),
      durationOf(p95),
      durationOf(p99),
    ]),
    "Nothing in this time.",
  );

/** @param {import("../queues.js").Queues["subscriptions"]} subscriptions */
const drawSubscriptions = (subscriptions) =>
  drawTable(
    "Events",
    ["", "Waiting", "Out", "Oldest"],
    subscriptions.map(({ name, backlog, outstanding, oldestAgeMs }) => [
      shortName(name),
      String(backlog),
      String(outstanding),
      oldestAgeMs === undefined ? "–" : ageOf(oldestAgeMs),
    ]),
    "No subscriptions.",
  );

/** @param {import("../queues.js").Queues["queues"]} queues */
const drawQueues = (queues) =>
  drawTable(
    "Tasks",
    ["", "Tasks", "Due", "Running"],
    queues.map(({ name, paused, tasks, due, running }) => [
      paused ? `${shortName(name)} (paused)` : shortName(name),
      String(tasks),
      String(due),
      String(running),
    ]),
    "No queues.",
  );

/** @param {import("../control.js").Breaker[]} breakers */
const drawBreakers = (breakers) =>
  drawTable(
    "Models that have failed",
    ["", "State", "Asked again"],
    breakers.map(({ model, state, openUntil }) => [
      model,
      el("span", { class: state === "closed" ? "" : "failed" }, state),
      openUntil === null ? "–" : timeOf(openUntil),
    ]),
    "None of late.",
  );

/** @param {import("../queues.js").Queues["schedules"]} schedules @param {(name: string) => void} run */
const drawSchedules = (schedules, run) =>
  drawTable(
    "Schedules",
    ["", "Next", "Last", ""],
    schedules.map(({ name, nextMs, running, lastRun }) => [
      shortName(name),
      nextMs === undefined ? "–" : timeOf(new Date(nextMs).toISOString()),
      running ? "running" : String(lastRun?.status ?? "–"),
      el(
        "button",
        {
          type: "button",
          "data-schedule": name,
          "aria-label": `Run ${shortName(name)} now`,
          onclick: () => run(shortName(name)),
        },
        "Run",
      ),
    ]),
    "No schedules.",
  );
