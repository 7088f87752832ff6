import type { ToldJob } from "../../shared/client/connect.ts";
import { sizeOf } from "../files/file-words.ts";
import { el } from "../frame/dom.ts";
import { counted } from "../frame/format.ts";
import { createJobList } from "./job-list.ts";
import { isUnderWay, type Jobs } from "./jobs.ts";

export interface ExportOptions {
  readonly jobs: Jobs;
  /** Begins work of which the dialog says how it failed. */
  readonly tell: (work: () => Promise<unknown>) => void;
}

/** Takes out all that the person has: a button, and how the exports stand that they have begun. */
export function createExportSection({ jobs, tell }: ExportOptions) {
  const button = el("button", { type: "button", onclick: () => tell(begin) }, "Export my data");
  const about = el(
    "p",
    { class: "hint" },
    "All your chats, files and settings, as pages to read and as JSON. It is made in the background.",
  );
  const isShown = ({ kind }: ToldJob) => kind === "export";
  const rows = createJobList({
    label: "Exports",
    jobs,
    tell,
    isShown,
    wordsOf,
    fileOf: ({ result }) => result?.["file"] as string | undefined,
    download: "Download",
  });
  const begin = async () => {
    button.disabled = true;
    try {
      await jobs.begin("/exports", {});
    } finally {
      update();
    }
  };
  const update = () => {
    button.disabled = jobs.all.some((job) => isShown(job) && isUnderWay(job));
  };
  const forget = jobs.onChange(update);
  update();
  return {
    element: el("section", { class: "moving" }, el("h4", {}, "Take your data out"), about, button, rows.list),
    forget() {
      forget();
      rows.forget();
    },
  };
}

function wordsOf({ state, progress, result, error }: ToldJob): string {
  switch (state) {
    case "pending":
    case "running":
      return progress.done === 0 ? "Under way" : `${counted(progress.done, "message")} so far`;
    case "completed":
      return `Ready, ${sizeOf(Number(result?.["size"]))}`;
    case "failed":
      return error?.code === "cancelled" ? "Cancelled" : `Failed: ${error?.message ?? "unknown reason"}`;
  }
}
