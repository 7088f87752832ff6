import { el, fill, toast } from "../../../../page/frame/dom.ts";
import { ageOf, timeOf } from "../../../../page/frame/format.ts";
import { messageOf } from "../../../../page/frame/message-of.ts";
import { poll, type Polling } from "../../../../page/frame/polling.ts";
import { drawTable, shortName } from "../../../../page/operations/tables.ts";
import type { Breaker, Control, LogLine, Queues } from "../control.ts";
import { type Figures, figuresOf, percentilesOf } from "./figures.ts";
import type { createLineWindow } from "./line-window.ts";
import { durationOf } from "./waterfall.ts";

const WINDOW_MINUTES = [1, 5, 15, 60];

/** How the system is doing, from the log lines of the last minutes; and what waits. */
export function createDashboard(
  control: Control,
  operatorKey: string,
  lines: ReturnType<typeof createLineWindow>,
) {
  /**
   * What is shown now. The views are drawn anew only when it changes, so that a button under the finger
   * stays.
   */
  let shown = "";
  let polling: Polling | undefined;
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

  const run = async (name: string) => {
    try {
      const status = await control.runSchedule(name);
      toast(status < 300 ? `“${name}” has run.` : `“${name}” failed with status ${status}.`);
    } catch (cause) {
      toast(messageOf(cause));
    }
    polling?.now();
  };

  const refresh = async (signal: AbortSignal) => {
    const [all, queues, breakers] = await Promise.all([
      lines.read(signal),
      control.queues(signal),
      control.breakers(operatorKey, signal),
    ]);
    const windowMs = Number(minutes.value) * 60_000;
    // The suite's clock may be ahead of this machine's, so the newest line counts, too.
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
    if (focused) tables.querySelector<HTMLElement>(`[data-schedule="${focused}"]`)?.focus();
    return true;
  };

  return {
    id: "dashboard",
    label: "Dashboard",
    element,
    start() {
      shown = "";
      polling = poll({ everyMs: 1500, slowestMs: 4000, refresh });
    },
    stop: () => polling?.stop(),
  };
}

function drawTiles(figures: readonly Figures[], all: readonly LogLine[], sinceMs: number, queues: Queues) {
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

const tile = (label: string, value: string, isBad: boolean = false) =>
  el("div", { class: "tile", "data-bad": isBad }, el("strong", {}, value), el("span", {}, label));

const drawFigures = (caption: string, figures: readonly Figures[], windowMs: number) =>
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

const drawSubscriptions = (subscriptions: Queues["subscriptions"]) =>
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

const drawQueues = (queues: Queues["queues"]) =>
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

const drawBreakers = (breakers: readonly Breaker[]) =>
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

const drawSchedules = (schedules: Queues["schedules"], run: (name: string) => void) =>
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
