import type { Api } from "../../shared/client/api.ts";
import type { Desk, Page, ToldJob } from "../../shared/client/connect.ts";

/** Of which it is remembered how they stand. */
const KNOWN_MAX = 50;

export type Jobs = ReturnType<typeof createJobs>;

export const isUnderWay = ({ state }: ToldJob) => state === "pending" || state === "running";

/** The person's imports and exports, the newest first, live. */
export function createJobs(api: Api, desk: Desk) {
  let all: readonly ToldJob[] = [];
  const listeners = new Set<() => void>();

  const take = (job: ToldJob) => {
    const known = all.find(({ id }) => id === job.id);
    // What a request says may be older than what the stream has told.
    if (known !== undefined && (!isUnderWay(known) || known.updatedAt > job.updatedAt)) return;
    const others = all.filter((each) => each !== known);
    all = [job, ...others].sort((a, b) => (a.createdAt < b.createdAt ? 1 : -1)).slice(0, KNOWN_MAX);
    for (const listen of listeners) listen();
  };
  const read = async () => {
    const { data } = await api.get<Page<ToldJob>>("/jobs", { background: true });
    for (const job of data) take(job);
  };
  const forget = [
    desk.on("job", take),
    desk.on("connection", (state) => {
      if (state === "open" && all.some(isUnderWay)) read().catch(() => undefined);
    }),
  ];

  return {
    get all() {
      return all;
    },
    read,
    /** With the same key it is the same job. */
    async begin(path: "/imports" | "/exports", body: object, key: string = crypto.randomUUID()) {
      const job = await api.post<ToldJob>(path, body, { key });
      take(job);
      return job;
    },
    async cancel({ id }: ToldJob) {
      await api.delete(`/jobs/${id}`);
      take(await api.get<ToldJob>(`/jobs/${id}`));
    },
    /** Saves a file. Its address is good for minutes, so it is asked for when it is wanted. */
    async download(file: string) {
      const headers = { accept: "application/json" };
      const { url } = await api.get<{ url: string }>(`/files/${file}/content`, { headers });
      const link = document.createElement("a");
      Object.assign(link, { href: url, download: "" });
      link.click();
    },
    onChange(listen: () => void) {
      listeners.add(listen);
      return () => listeners.delete(listen);
    },
    close() {
      for (const leave of forget) leave();
    },
  };
}
