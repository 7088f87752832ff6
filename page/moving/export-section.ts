import type { Api } from "../../shared/client/api.ts";
import type { Desk, Page, ToldJob } from "../../shared/client/connect.ts";
import { sizeOf } from "../files/file-words.ts";
import { el, fill } from "../frame/dom.ts";
import { counted, exactTimeOf, listTimeOf } from "../frame/format.ts";

/** Exports that are shown: what they have made is there for a week. */
const SHOWN_MAX = 5;
const KIND = "export";

export interface ExportOptions {
  readonly api: Api;
  readonly desk: Desk;
  /** Begins work of which the dialog says how it failed. */
  readonly tell: (work: () => Promise<unknown>) => void;
}

/** Takes out all that the person has: a button, and how the exports stand that they have begun. */
export function createExportSection({ api, desk, tell }: ExportOptions) {
  const list = el("ul", { class: "rows", "aria-label": "Exports", "aria-live": "polite" });
  const button = el("button", { type: "button", onclick: () => tell(begin) }, "Export my data");
  const about = el(
    "p",
    { class: "hint" },
    "All your chats, files and settings, as pages to read and as JSON. It is made in the background.",
  );
  let jobs: readonly ToldJob[] = [];

  const begin = async () => {
    button.disabled = true;
    try {
      take(await api.post<ToldJob>("/exports", {}));
    } finally {
      update();
    }
  };
  const take = (job: ToldJob) => {
    if (job.kind !== KIND) return;
    const others = jobs.filter(({ id }) => id !== job.id);
    jobs = [job, ...others].sort((a, b) => (a.createdAt < b.createdAt ? 1 : -1)).slice(0, SHOWN_MAX);
    update();
  };
  const update = () => {
    button.disabled = jobs.some(isUnderWay);
    fill(list, ...jobs.map(rowOf));
  };
  const rowOf = (job: ToldJob) =>
    el(
      "li",
      { "data-state": job.state },
      el(
        "span",
        { class: "row-about" },
        wordsOf(job),
        el("small", { title: exactTimeOf(job.createdAt) }, `begun ${listTimeOf(job.createdAt)}`),
      ),
      isUnderWay(job) &&
        el("button", { type: "button", class: "quiet", onclick: () => tell(() => cancel(job)) }, "Cancel"),
      job.state === "completed" &&
        el(
          "button",
          { type: "button", class: "quiet", onclick: () => tell(() => download(job)) },
          "Download",
        ),
    );
  const cancel = async ({ id }: ToldJob) => {
    await api.delete(`/jobs/${id}`);
    take(await api.get<ToldJob>(`/jobs/${id}`));
  };
  /** The address is good for minutes, so it is asked for when it is wanted. */
  const download = async ({ result }: ToldJob) => {
    const headers = { accept: "application/json" };
    const path = `/files/${String(result?.["file"])}/content`;
    const { url } = await api.get<{ url: string }>(path, { headers });
    el("a", { href: url, download: "" }).click();
  };
  const read = async () => {
    const { data } = await api.get<Page<ToldJob>>("/jobs");
    jobs = data.filter(({ kind }) => kind === KIND).slice(0, SHOWN_MAX);
    update();
  };
  const forget = desk.on("job", take);
  return { elements: [about, button, list], read, forget };
}

const isUnderWay = ({ state }: ToldJob) => state === "pending" || state === "running";

function wordsOf({ state, progress, result, error }: ToldJob): string {
  switch (state) {
    case "pending":
      return "About to begin";
    case "running":
      return progress.done === 0 ? "Under way" : `${counted(progress.done, "message")} so far`;
    case "completed":
      return `Ready, ${sizeOf(Number(result?.["size"]))}`;
    case "failed":
      return error?.code === "cancelled" ? "Cancelled" : `Failed: ${error?.message ?? "unknown reason"}`;
  }
}
