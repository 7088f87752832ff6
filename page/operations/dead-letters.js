import { openDialog, showInDialog } from "../dialog.js";
import { el, fill, toast } from "../dom.js";
import { counted, timeOf } from "../format.js";
import { poll } from "../polling.js";
import { drawTable } from "./tables.js";

/**
 * @typedef {object} DeadLetter
 * @property {string} id
 * @property {string} function
 * @property {string} trigger
 * @property {"dead" | "replayed" | "discarded"} state
 * @property {{ code: string, message: string }} cause
 * @property {number} deaths
 * @property {number} replays
 * @property {string} updatedAt
 * @typedef {{ id: string, kind: string, state: string, progress: { done: number, total?: number, failed: number }, updatedAt: string }} Job
 */

/**
 * What was given up: to be looked at, delivered again one by one or all together, or let go. Beside it the jobs.
 *
 * @param {import("./operator.js").Operator} operator
 */
export function createDeadLetters(operator) {
  let shown = "";
  /** @type {ReturnType<typeof poll> | undefined} */
  let polling;
  const list = el("div", {});
  const replayAll = el("button", { type: "button", onclick: () => askReplayAll() }, "Replay all");
  const element = el("div", { class: "dead-letters" }, el("div", { class: "filters" }, replayAll), list);

  /** @param {() => Promise<unknown>} work @param {string} done */
  const act = async (work, done) => {
    try {
      await work();
      toast(done);
    } catch (cause) {
      toast(/** @type {Error} */ (cause).message);
    }
    polling?.now();
  };

  const askReplayAll = () =>
    openDialog({
      title: "Deliver all again?",
      content: [
        el(
          "p",
          { class: "hint" },
          "Everything that is dead, whatever function it was for. Doing it twice does no harm.",
        ),
        el(
          "label",
          { class: "field" },
          "A second",
          el("input", { name: "perSecond", type: "number", min: "1", max: "100", value: "10" }),
        ),
      ],
      action: "Replay all",
      submit: async (form) => {
        await operator.replayAll(Number(form.get("perSecond")));
        polling?.now();
      },
    });

  /** @param {DeadLetter} letter */
  const askDiscard = ({ id }) =>
    openDialog({
      title: "Let it go?",
      content: [el("p", { class: "hint" }, "It stays to be read, and is not delivered again.")],
      action: "Discard",
      isDangerous: true,
      submit: async () => {
        await operator.discard(id);
        polling?.now();
      },
    });

  /** @param {DeadLetter} letter */
  const actions = (letter) =>
    el(
      "div",
      { class: "row-actions" },
      el("button", { type: "button", onclick: () => inspect(letter) }, "Inspect"),
      letter.state === "dead" &&
        el(
          "button",
          { type: "button", onclick: () => act(() => operator.replay(letter.id), "It is delivered again.") },
          "Replay",
        ),
      letter.state === "dead" &&
        el("button", { type: "button", onclick: () => askDiscard(letter) }, "Discard"),
    );

  /** @param {AbortSignal} signal */
  const look = async (signal) => {
    const [letters, jobs] = await Promise.all([operator.deadLetters(signal), operator.jobs(signal)]);
    const key = JSON.stringify([letters, jobs]);
    if (key === shown) return false;
    shown = key;
    replayAll.disabled = !letters.some(({ state }) => state === "dead");
    fill(list, drawLetters(letters, actions), drawJobs(jobs));
    return true;
  };

  return {
    id: "dead-letters",
    label: "Dead letters",
    element,
    start() {
      polling = poll({ everyMs: 1500, slowestMs: 5000, ask: look });
    },
    stop: () => polling?.stop(),
  };
}

/** @param {DeadLetter} letter */
function inspect(letter) {
  const whole = el("pre", { tabIndex: 0 }, JSON.stringify(letter, null, 2));
  showInDialog(`${letter.function}: ${letter.cause.code}`, whole).classList.add("wide-dialog");
}

/** @param {DeadLetter[]} letters @param {(letter: DeadLetter) => HTMLElement} actions */
const drawLetters = (letters, actions) =>
  drawTable(
    "Dead letters",
    ["", "State", "Cause", "Died", "Last", ""],
    letters.map((letter) => [
      letter.function,
      el("span", { class: letter.state === "dead" ? "failed" : "" }, letter.state),
      el("span", { class: "cause" }, letter.cause.code),
      counted(letter.deaths, "time"),
      timeOf(letter.updatedAt),
      actions(letter),
    ]),
    "Nothing has been given up.",
  );

/** @param {Job[]} jobs */
const drawJobs = (jobs) =>
  drawTable(
    "Jobs",
    ["", "State", "Done", "Failed", "Last"],
    jobs.map(({ kind, state, progress, updatedAt }) => [
      kind,
      el("span", { class: state === "failed" ? "failed" : "" }, state),
      progress.total === undefined ? String(progress.done) : `${progress.done} of ${progress.total}`,
      String(progress.failed),
      timeOf(updatedAt),
    ]),
    "No jobs.",
  );
