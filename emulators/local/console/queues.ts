import { type Child, el, fill, toast } from "../../../page/frame/dom.ts";
import { ageOf, timeOf } from "../../../page/frame/format.ts";
import { messageOf } from "../../../page/frame/message-of.ts";
import { poll, type Polling } from "../../../page/frame/polling.ts";
import { shortName } from "../../../page/operations/tables.ts";
import type { Control, Queues } from "./control.ts";

/** What waits between the functions: messages, tasks, schedules, and what has been given up. */
export function createQueues(control: Control) {
  const element = el("div", {});
  /**
   * What is shown now. The views are drawn anew only when it changes, so that a button under the finger
   * stays.
   */
  let shown = "";
  let polling: Polling | undefined;

  const run = async (name: string) => {
    try {
      const status = await control.runSchedule(name);
      toast(status >= 200 && status < 300 ? `“${name}” has run.` : `“${name}” failed with status ${status}.`);
    } catch (cause) {
      toast(messageOf(cause));
    }
    polling?.now();
  };

  const refresh = async (signal: AbortSignal) => {
    const queues: Queues = await control.queues(signal);
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
    if (focused) element.querySelector<HTMLElement>(`[data-schedule="${focused}"]`)?.focus();
    return true;
  };

  return {
    id: "queues",
    label: "Queues",
    element,
    start() {
      polling = poll({ everyMs: 1500, slowestMs: 4000, refresh });
    },
    stop: () => polling?.stop(),
  };
}

function table(caption: string, head: string[], rows: HTMLTableRowElement[]) {
  return el(
    "table",
    {},
    el("caption", {}, caption),
    el("thead", {}, el("tr", {}, ...head.map((text) => el("th", { scope: "col" }, text)))),
    el("tbody", {}, ...rows),
  );
}

const row = (name: string, hint: string, ...cells: Child[]) =>
  el(
    "tr",
    {},
    el("th", { scope: "row" }, name, el("small", {}, hint)),
    ...cells.map((cell) => el("td", {}, cell)),
  );

const drawSubscriptions = (subscriptions: Queues["subscriptions"]) =>
  table(
    "Subscriptions",
    ["", "Waiting", "Out", "Oldest"],
    subscriptions.map(({ name, topic, backlog, outstanding, oldestAgeMs }) =>
      row(
        shortName(name),
        `of ${shortName(topic)}`,
        String(backlog),
        String(outstanding),
        oldestAgeMs === undefined ? "–" : ageOf(oldestAgeMs),
      ),
    ),
  );

const drawTaskQueues = (queues: Queues["queues"]) =>
  table(
    "Task queues",
    ["", "Tasks", "Due", "Running"],
    queues.map(({ name, paused, tasks, due, running }) =>
      row(shortName(name), paused ? "paused" : "", String(tasks), String(due), String(running)),
    ),
  );

const drawSchedules = (schedules: Queues["schedules"], run: (name: string) => void) =>
  table(
    "Schedules",
    ["", "Next", "Last", ""],
    schedules.map(({ name, cron, timeZone, nextMs, running, lastRun }) =>
      row(
        shortName(name),
        `${cron}, ${timeZone}`,
        nextMs === undefined ? "–" : timeOf(new Date(nextMs).toISOString()),
        running ? "running" : String(lastRun?.status ?? "–"),
        el(
          "button",
          {
            type: "button",
            "data-schedule": name,
            "aria-label": `Run ${name} now`,
            onclick: () => run(shortName(name)),
          },
          "Run",
        ),
      ),
    ),
  );

function drawGivenUp({ deadLetters, exhausted }: Queues) {
  const all = [
    ...deadLetters.map(({ subscription, ...rest }) => ({ name: shortName(subscription), ...rest })),
    ...exhausted.map(({ name, ...rest }) => ({ ...rest, name: shortName(name) })),
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
