import type { ToldJob } from "../../shared/client/connect.ts";
import { el, extendText, fill, keepFocus } from "../frame/dom.ts";
import { ageOf, exactTimeOf, listTimeOf } from "../frame/format.ts";
import { isUnderWay, type Jobs } from "./jobs.ts";

/** Jobs that are shown: what they have made is there for a week. */
const SHOWN_MAX = 5;

export interface JobListOptions {
  readonly label: string;
  readonly jobs: Jobs;
  /** Begins work of which the dialog says how it failed. */
  readonly tell: (work: () => Promise<unknown>) => void;
  isShown(job: ToldJob): boolean;
  wordsOf(job: ToldJob): string;
  /** The file that a job has made; undefined while it has made none. */
  fileOf(job: ToldJob): string | undefined;
  /** What the button says that saves it. */
  readonly download: string;
}

/** How jobs stand, a line for each; a line stays while its job goes on, and the focus with it. */
export function createJobList(options: JobListOptions) {
  const { label, jobs, isShown } = options;
  const list = el("ul", { class: "rows", "aria-label": label, "aria-live": "polite" });
  const rows = new Map<string, ReturnType<typeof createRow>>();
  const update = () => {
    const shown = jobs.all.filter(isShown).slice(0, SHOWN_MAX);
    const elements = shown.map((job) => {
      const row = rows.get(job.id) ?? createRow(options, job.createdAt);
      rows.set(job.id, row);
      row.update(job);
      return row.element;
    });
    const isSame = elements.length === list.childElementCount && elements.every((row) => list.contains(row));
    if (!isSame) fill(list, ...elements);
  };
  const forget = jobs.onChange(update);
  update();
  return { list, forget };
}

function createRow({ jobs, tell, wordsOf, fileOf, download }: JobListOptions, createdAt: string) {
  let job: ToldJob | undefined;
  const words = el("span");
  const pace = el("small", { title: exactTimeOf(createdAt) });
  const share = el("progress", { max: 1, "aria-label": "How far it is" });
  const act = (text: string, work: (job: ToldJob) => Promise<unknown>) =>
    el(
      "button",
      { type: "button", class: "quiet", onclick: () => job && tell(() => work(job as ToldJob)) },
      text,
    );
  const cancel = act("Cancel", jobs.cancel);
  const save = act(download, async (of) => jobs.download(fileOf(of) ?? ""));
  const element = el(
    "li",
    { tabIndex: -1 },
    el("span", { class: "row-about" }, words, share, pace),
    cancel,
    save,
  );
  const draw = (shown: ToldJob) => {
    extendText(words, wordsOf(shown));
    extendText(pace, [...paceOf(shown), `begun ${listTimeOf(createdAt)}`].join(" · "));
    share.hidden = !isUnderWay(shown);
    showShare(share, shown);
    cancel.hidden = !isUnderWay(shown);
    save.hidden = fileOf(shown) === undefined;
  };
  return {
    element,
    update(next: ToldJob) {
      job = next;
      element.dataset["state"] = job.state;
      keepFocus(
        element,
        () => draw(next),
        () => element,
      );
    },
  };
}

/** The share that is done; where it is not known the bar says that something goes on. */
export function showShare(bar: HTMLProgressElement, { progress: { fraction } }: ToldJob) {
  if (fraction === undefined) bar.removeAttribute("value");
  else bar.value = fraction;
}

function paceOf(job: ToldJob): readonly string[] {
  const { perSecond = 0, secondsLeft } = job.progress;
  if (!isUnderWay(job)) return [];
  return [
    ...(perSecond >= 1 ? [`${Math.round(perSecond)} a second`] : []),
    ...(secondsLeft === undefined ? [] : [`${ageOf(secondsLeft * 1000)} left`]),
  ];
}
