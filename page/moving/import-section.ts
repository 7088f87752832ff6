import type { ToldJob } from "../../shared/client/connect.ts";
import { sizeOf } from "../files/file-words.ts";
import { el, extendText, keepFocus } from "../frame/dom.ts";
import { counted } from "../frame/format.ts";
import { type Imports, isImport } from "./imports.ts";
import { createJobList, showShare } from "./job-list.ts";
import { isUnderWay, type Jobs } from "./jobs.ts";

const ABOUT =
  "Chats that you have exported from ChatGPT, Claude, LibreChat, Open WebUI or Slack, a table of messages " +
  "(CSV) or a file of JSON Lines. You see what is in it before anything is brought, and nothing comes twice.";

export interface ImportOptions {
  readonly imports: Imports;
  readonly jobs: Jobs;
  /** Begins work of which the dialog says how it failed. */
  readonly tell: (work: () => Promise<unknown>) => void;
}

/** Brings chats from elsewhere: where to put the file, what is in it, and how the imports stand. */
export function createImportSection({ imports, jobs, tell }: ImportOptions) {
  const problem = el("p", { class: "problem", role: "alert" });
  const place = createPlace((files) => void imports.choose(files));
  const bringing = createBringing(imports, jobs, tell);
  const rows = createJobList({
    label: "Imports",
    jobs,
    tell,
    isShown: isImport,
    wordsOf: wordsOfImport,
    fileOf: reportOf,
    download: "Report",
  });
  const element = el(
    "section",
    { class: "moving" },
    el("h4", {}, "Bring chats here"),
    el("p", { class: "hint" }, ABOUT),
    place.element,
    bringing.element,
    problem,
    rows.list,
  );
  const draw = () => {
    bringing.update();
    extendText(problem, imports.problem ?? "");
    const { sending, trial } = imports;
    place.element.hidden = sending !== undefined || (trial !== undefined && trial.job.state !== "failed");
  };
  const next = () => (bringing.element.hidden ? place.button : bringing.element);
  const update = () => keepFocus(element, draw, next);
  const forget = imports.onChange(update);
  update();
  return {
    element,
    forget() {
      forget();
      rows.forget();
    },
  };
}

/** Where a file is dropped, or chosen. */
function createPlace(take: (files: readonly File[]) => void) {
  const input = el("input", { type: "file", hidden: true });
  const button = el("button", { type: "button", onclick: () => input.click() }, "Choose a file …");
  const element = el("div", { class: "drop-place" }, el("span", {}, "Drop the file here, or"), button, input);
  input.addEventListener("change", () => {
    take([...(input.files ?? [])]);
    input.value = "";
  });
  const mark = (isOver: boolean) => element.classList.toggle("over", isOver);
  element.addEventListener("dragover", (event) => {
    event.preventDefault();
    mark(true);
  });
  element.addEventListener("dragleave", () => mark(false));
  element.addEventListener("drop", (event) => {
    event.preventDefault();
    mark(false);
    take([...(event.dataTransfer?.files ?? [])]);
  });
  return { element, button };
}

/** The file that is on its way, is looked through, or waits for a word. */
function createBringing(imports: Imports, jobs: Jobs, tell: ImportOptions["tell"]) {
  const name = el("b");
  const words = el("p", { role: "status" });
  const bar = el("progress", { "aria-label": "How far it is" });
  const act = (text: string, onclick: () => void, look = "quiet") =>
    el("button", { type: "button", class: look, onclick }, text);
  const ofTrial = (work: (job: ToldJob) => Promise<unknown>) => () => {
    const { trial } = imports;
    if (trial !== undefined) tell(() => work(trial.job));
  };
  const bring = act("Bring them here", ofTrial(imports.bring), "primary");
  const report = act(
    "Download what can’t be brought",
    ofTrial((job) => jobs.download(reportOf(job) ?? "")),
    "link",
  );
  const letBe = act("Not now", ofTrial(imports.letBe));
  const cancel = act("Cancel", () => (imports.sending ? imports.cancel() : ofTrial(imports.letBe)()));
  const buttons = el("div", { class: "bringing-actions" }, bring, letBe, cancel);
  const element = el(
    "div",
    { class: "bringing", role: "group", "aria-label": "The file", tabIndex: -1 },
    name,
    words,
    bar,
    report,
    buttons,
  );

  const update = () => {
    const { sending, trial } = imports;
    element.hidden = sending === undefined && trial === undefined;
    if (sending !== undefined) {
      extendText(name, sending.name);
      extendText(words, wordsOfSending(sending));
      Object.assign(bar, { max: sending.size, value: sending.sent });
    } else if (trial !== undefined) {
      extendText(name, trial.name);
      extendText(words, wordsOfTrial(trial.job));
      bar.max = 1;
      showShare(bar, trial.job);
    }
    const job = sending === undefined ? trial?.job : undefined;
    const isOver = job !== undefined && !isUnderWay(job);
    bar.hidden = isOver;
    cancel.hidden = isOver;
    bring.hidden = job?.state !== "completed" || countOf(job, "messages") === 0;
    letBe.hidden = !isOver;
    extendText(letBe, bring.hidden ? "Close" : "Not now");
    report.hidden = job === undefined || reportOf(job) === undefined;
    words.classList.toggle("problem", job?.state === "failed");
  };
  return { element, update };
}

const countOf = ({ result }: ToldJob, name: "chats" | "messages" | "existing" | "skipped") =>
  Number(result?.[name] ?? 0);
const reportOf = ({ result }: ToldJob) => result?.["report"] as string | undefined;

const wordsOfSending = ({ size, isSent }: { readonly size: number; readonly isSent: boolean }) =>
  isSent
    ? "Is being checked …"
    : `Is being uploaded, ${sizeOf(size)}. Keep this page open until it is there.`;

function wordsOfTrial(job: ToldJob): string {
  const { state, progress, error } = job;
  if (state === "failed") return error?.message ?? "It can’t be read.";
  if (state === "completed") return wordsOfFound(job);
  const soFar = progress.done === 0 ? "" : ` ${counted(progress.done, "message")} so far`;
  return `Is being looked through …${soFar}`;
}

function wordsOfFound(job: ToldJob): string {
  const messages = countOf(job, "messages");
  const skipped = countOf(job, "skipped");
  const found =
    messages === 0
      ? "Nothing in it can be brought"
      : `${counted(countOf(job, "chats"), "chat")} and ${counted(messages, "message")} can be brought`;
  return skipped === 0 ? `${found}.` : `${found}; ${counted(skipped, "item")} can’t.`;
}

function wordsOfImport(job: ToldJob): string {
  const { state, progress, error } = job;
  switch (state) {
    case "pending":
    case "running":
      return progress.done === 0 ? "Under way" : `${counted(progress.done, "message")} so far`;
    case "completed":
      return wordsOfBrought(job);
    case "failed":
      if (error?.code !== "cancelled") return `Failed: ${error?.message ?? "unknown reason"}`;
      return progress.done === 0 ? "Cancelled" : `Cancelled; ${counted(progress.done, "message")} stay`;
  }
}

function wordsOfBrought(job: ToldJob): string {
  const [chats, messages, existing, skipped] = (["chats", "messages", "existing", "skipped"] as const).map(
    (name) => countOf(job, name),
  ) as [number, number, number, number];
  const brought =
    messages === 0 ? "Nothing new" : `${counted(chats, "new chat")}, ${counted(messages, "message")}`;
  const here = existing === 0 ? "" : `; ${counted(existing, "message")} were here already`;
  const lost = skipped === 0 ? "" : `; ${counted(skipped, "item")} could not be kept`;
  return `${brought}${here}${lost}`;
}
