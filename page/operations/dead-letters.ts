import { openDialog, showInDialog } from "../frame/dialog.ts";
import { el, fill, toast } from "../frame/dom.ts";
import { counted, timeOf } from "../frame/format.ts";
import { messageOf } from "../frame/message-of.ts";
import { poll, type Polling } from "../frame/polling.ts";
import type { DeadLetter, Job, Operator } from "./operator.ts";
import { drawTable } from "./tables.ts";

/**
 * The dead letters, to be inspected, delivered again one by one or all together, or discarded; and the jobs.
 */
export function createDeadLetters(operator: Operator) {
  let shown = "";
  let polling: Polling | undefined;
  const list = el("div", {});
  const replayAll = el("button", { type: "button", onclick: () => openReplayDialog() }, "Replay all");
  const element = el("div", { class: "dead-letters" }, el("div", { class: "filters" }, replayAll), list);

  const act = async (work: () => Promise<unknown>, done: string) => {
    try {
      await work();
      toast(done);
    } catch (cause) {
      toast(messageOf(cause));
    }
    polling?.now();
  };

  const openReplayDialog = () =>
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

  const openDiscardDialog = ({ id }: DeadLetter) =>
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

  const actions = (letter: DeadLetter) =>
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
        el("button", { type: "button", onclick: () => openDiscardDialog(letter) }, "Discard"),
    );

  const refresh = async (signal: AbortSignal) => {
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
      polling = poll({ everyMs: 1500, slowestMs: 5000, refresh });
    },
    stop: () => polling?.stop(),
  };
}

function inspect(letter: DeadLetter) {
  const whole = el("pre", { tabIndex: 0 }, JSON.stringify(letter, null, 2));
  showInDialog(`${letter.function}: ${letter.cause.code}`, whole).classList.add("wide-dialog");
}

const drawLetters = (letters: readonly DeadLetter[], actions: (letter: DeadLetter) => HTMLElement) =>
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

const drawJobs = (jobs: readonly Job[]) =>
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
