import { el, fill, toast } from "./dom.js";
import { ageOf, timeOf } from "./format.js";
import { poll } from "./polling.js";

/**
 * @typedef {object} Queues
 * @property {{ name: string, topic: string, backlog: number, outstanding: number, oldestAgeMs?: number }[]} subscriptions
 * @property {{ name: string, paused: boolean, tasks: number, running: number, due: number }[]} queues
 * @property {{ name: string, cron: string, timeZone: string, nextMs?: number, running: boolean, lastRun?: { atMs: number, status: number } }[]} schedules
 * @property {{ subscription: string, attempts: number, reason: string, atMs: number }[]} deadLetters
 * @property {{ name: string, attempts: number, reason: string, atMs: number }[]} exhausted
 */

/**
 * What waits between the functions: messages, tasks, schedules, and what has been given up.
 * @param {import("./control.js").Control} control
 */
export function createQueues(control) {
  const element = el("div", {});
  /** What is shown, to draw only what has changed: a button under the finger stays. */
  let shown = "";
  /** @type {ReturnType<typeof poll> | undefined} */
  let polling;

  /** @param {string} name */
  const run = async (name) => {
    try {
      const { data } = await control.runSchedule(name);
      const { status } = data;
      toast(status >= 200 && status < 300 ? `“${name}” has run.` : `“${name}” failed with status ${status}.`);
    } catch (cause) {
      toast(/** @type {Error} */ (cause).message);
    }
    polling?.now();
  };

  /** @param {AbortSignal} signal */
  const look = async (signal) => {
    /** @type {Queues} */
    const queues = await control.queues(signal);
    const key = JSON.stringify(queues);
    if (key === shown) return false;
    shown = key;
    const focused = document.activeElement?.getAttribute("data-schedule");
    fill(
      element,
      drawSubscriptions(queues.subscriptions),
      drawTaskQueues(queues.queues),
      drawSchedules(queues.schedules, run),
      drawGivenUp(queues),
    );
    if (focused)
      /** @type {HTMLElement | null} */ (element.querySelector(`[data-schedule="${focused}"]`))?.focus();
    return true;
  };

  return {
    id: "queues",
    label: "Queues",
    element,
    start() {
      polling = poll({ everyMs: 1500, slowestMs: 4000, ask: look });
    },
    stop: () => polling?.stop(),
  };
}

/** The last part of a resource's name, which is what people call it. @param {string} name */
const short = (name) => name.slice(name.lastIndexOf("/") + 1);

/** @param {string} caption @param {string[]} head @param {HTMLTableRowElement[]} rows */
function table(caption, head, rows) {
  return el(
    "table",
    {},
    el("caption", {}, caption),
    el("thead", {}, el("tr", {}, ...head.map((text) => el("th", { scope: "col" }, text)))),
    el("tbody", {}, ...rows),
  );
}

/** @param {string} name @param {string} hint @param {...import("./dom.js").Child} cells */
const row = (name, hint, ...cells) =>
  el(
    "tr",
    {},
    el("th", { scope: "row" }, name, el("small", {}, hint)),
    ...cells.map((cell) => el("td", {}, cell)),
  );

/** @param {Queues["subscriptions"]} subscriptions */
const drawSubscriptions = (subscriptions) =>
  table(
    "Subscriptions",
    ["", "Waiting", "Out", "Oldest"],
    subscriptions.map(({ name, topic, backlog, outstanding, oldestAgeMs }) =>
      row(
        short(name),
        `of ${short(topic)}`,
        String(backlog),
        String(outstanding),
        oldestAgeMs === undefined ? "–" : ageOf(oldestAgeMs),
      ),
    ),
  );

/** @param {Queues["queues"]} queues */
const drawTaskQueues = (queues) =>
  table(
    "Task queues",
    ["", "Tasks", "Due", "Running"],
    queues.map(({ name, paused, tasks, due, running }) =>
      row(short(name), paused ? "paused" : "", String(tasks), String(due), String(running)),
    ),
  );

/** @param {Queues["schedules"]} schedules @param {(name: string) => void} run */
const drawSchedules = (schedules, run) =>
  table(
    "Schedules",
    ["", "Next", "Last", ""],
    schedules.map(({ name, cron, timeZone, nextMs, running, lastRun }) =>
      row(
        short(name),
        `${cron}, ${timeZone}`,
        nextMs === undefined ? "–" : timeOf(new Date(nextMs).toISOString()),
        running ? "running" : String(lastRun?.status ?? "–"),
        el(
          "button",
          {
            type: "button",
            "data-schedule": name,
            "aria-label": `Run ${name} now`,
            onclick: () => run(short(name)),
          },
          "Run",
        ),
      ),
    ),
  );

/** @param {Queues} queues */
function drawGivenUp({ deadLetters, exhausted }) {
  const all = [
    ...deadLetters.map(({ subscription, ...rest }) => ({ name: short(subscription), ...rest })),
    ...exhausted.map(({ name, ...rest }) => ({ ...rest, name: short(name) })),
  ].sort((a, b) => b.atMs - a.atMs);
  if (all.length === 0) return el("p", { class: "hint given-up" }, "Nothing has been given up.");
  return table(
    "Given up",
    ["", "Attempts", "At"],
    all.map(({ name, reason, attempts, atMs }) =>
      row(name, reason, String(attempts), timeOf(new Date(atMs).toISOString())),
    ),
  );
}
