import type { Api } from "../../shared/client/api.ts";
import type { ToldJob } from "../../shared/client/connect.ts";
import { uploadChecked } from "../files/upload-checked.ts";
import { messageOf } from "../frame/message-of.ts";
import { isUnderWay, type Jobs } from "./jobs.ts";

export type Imports = ReturnType<typeof createImports>;

/** A file that is on its way to the server. */
export interface Sending {
  readonly name: string;
  readonly size: number;
  readonly sent: number;
  /** All of it is there, and is being checked. */
  readonly isSent: boolean;
}

/** A file that the server looks through, or has looked through, before anything is brought. */
export interface Trial {
  readonly name: string;
  readonly job: ToldJob;
}

/** It only counts what would be brought. */
export const isTrial = ({ kind, input }: ToldJob) => kind === "import" && input["dryRun"] === true;
/** It brings chats. */
export const isImport = ({ kind, input }: ToldJob) => kind === "import" && input["dryRun"] !== true;
const fileOf = ({ input }: ToldJob) => String(input["file"]);

/**
 * Brings chats out of a file: uploads it, has the server look what is in it, and begins the import when the
 * person has seen that. It goes on whether anybody looks or not; what the server does, also without the page.
 */
export function createImports(api: Api, jobs: Jobs) {
  let sending: Sending | undefined;
  let problem: string | undefined;
  let ending = new AbortController();
  /** The names of files that are there to be brought, by their ids. */
  const names = new Map<string, string>();
  const listeners = new Set<() => void>();
  const changed = () => {
    for (const listen of listeners) listen();
  };

  const send = async (content: File, signal: AbortSignal) => {
    const { name, size } = content;
    const show = (next: Pick<Sending, "sent" | "isSent">) => {
      if (signal.aborted) return;
      sending = { name, size, ...next };
      changed();
    };
    show({ sent: 0, isSent: false });
    const { id } = await uploadChecked(api, content, {
      name,
      purpose: "import",
      signal,
      onProgress: (sent) => show({ sent, isSent: false }),
      onSent: () => show({ sent: size, isSent: true }),
    });
    if (signal.aborted) return;
    names.set(id, name);
    const trial = await jobs.begin("/imports", { file: id, dryRun: true });
    if (signal.aborted) await letBe(trial);
  };
  const choose = async ([content, ...others]: readonly File[]) => {
    if (content === undefined) return;
    cancel();
    if (others.length > 0) {
      problem = "One file at a time, please.";
      return changed();
    }
    const { signal } = ending;
    try {
      await send(content, signal);
    } catch (cause) {
      if (!signal.aborted) problem = `${content.name}: ${messageOf(cause)}`;
    }
    if (!signal.aborted) sending = undefined;
    changed();
  };
  const cancel = () => {
    ending.abort();
    ending = new AbortController();
    sending = undefined;
    problem = undefined;
    changed();
  };
  /** Nothing of the file stays. */
  const letBe = async (job: ToldJob) => {
    names.delete(fileOf(job));
    changed();
    if (isUnderWay(job)) await jobs.cancel(job);
    await api.delete(`/files/${fileOf(job)}`);
  };
  /** What was begun last; a trial whose file was brought, or let be, is over. */
  const newest = () => jobs.all.find(({ kind }) => kind === "import");

  return {
    get sending() {
      return sending;
    },
    get trial(): Trial | undefined {
      const job = newest();
      if (job === undefined || !isTrial(job) || job.error?.code === "cancelled") return undefined;
      const name = names.get(fileOf(job));
      return name === undefined ? undefined : { name, job };
    },
    /** Why a file could not be taken. */
    get problem() {
      return problem;
    },
    choose,
    cancel,
    letBe,
    /** Begins to bring what the trial has found; twice is once. */
    bring: (job: ToldJob) => jobs.begin("/imports", { file: fileOf(job) }, `bring-${job.id}`),
    /** Finds what goes on, and what was looked through before the page was loaded. */
    async read() {
      await jobs.read();
      const job = newest();
      if (job === undefined || !isTrial(job) || job.state === "failed" || names.has(fileOf(job))) return;
      const path = `/files/${fileOf(job)}`;
      const file = await api.get<{ id: string; name: string }>(path).catch(() => undefined);
      if (file === undefined) return;
      names.set(file.id, file.name);
      changed();
    },
    onChange(listen: () => void) {
      listeners.add(listen);
      const forget = jobs.onChange(listen);
      return () => {
        listeners.delete(listen);
        forget();
      };
    },
    /** What is on its way to the server ends. */
    close: () => ending.abort(),
  };
}
