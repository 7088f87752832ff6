import type { Kernel } from "../kernel/kernel.ts";
import { createDeliverer, type Deliverer, type MintIdToken } from "../kernel/http-delivery.ts";
import { type Cron, parseCron } from "./cron.ts";
import * as limits from "./limits.ts";

export interface Job {
  readonly project: string;
  readonly name: string;
  /** Unix-cron, five fields. */
  readonly cron: string;
  /** IANA, such as "Europe/Berlin". */
  readonly timeZone: string;
  readonly url: string;
  readonly audience: string;
  /** The service account the call presents. */
  readonly email: string;
  readonly deadlineMs: number;
  readonly retry?: JobRetry | undefined;
}

export interface JobRetry {
  /** Attempts after the first, 0 to 5. */
  readonly retriesMax: number;
  readonly minBackoffMs?: number | undefined;
  readonly maxBackoffMs?: number | undefined;
  readonly doublingsMax?: number | undefined;
}

export interface JobView {
  readonly name: string;
  readonly cron: string;
  readonly timeZone: string;
  readonly nextMs: number | undefined;
  readonly running: boolean;
  readonly lastRun: { readonly atMs: number; readonly status: number } | undefined;
}

export interface Scheduler {
  /** Adds a job, or replaces that of the same project and name. Throws RangeError for a bad schedule. */
  addJob(job: Job): void;
  /**
   * Runs the job now, or joins the run under way, and waits for its end, retries included. The status
   * is that of the last answer, 0 where none came.
   */
  run(project: string, name: string): Promise<{ status: number }>;
  snapshot(project?: string): JobView[];
  close(): void;
}

interface Entry {
  readonly job: Job;
  readonly cron: Cron;
  nextMs: number | undefined;
  running: Promise<{ status: number }> | undefined;
  lastRun: JobView["lastRun"];
  cancelAlarm: () => void;
}

/** Cloud Scheduler: calls functions at the times of their schedules, one run of a job at a time. */
export function openScheduler(
  kernel: Kernel,
  { mintIdToken }: { readonly mintIdToken: MintIdToken },
): Scheduler {
  const { clock } = kernel;
  const deliverer = createDeliverer(clock, mintIdToken);
  const entries = new Map<string, Entry>();
  const waits = new Set<() => void>();
  let closed = false;

  const schedule = (entry: Entry): void => {
    entry.cancelAlarm();
    entry.nextMs = closed ? undefined : entry.cron.next(clock.now());
    if (entry.nextMs === undefined) return;
    const scheduledMs = entry.nextMs;
    entry.cancelAlarm = clock.at(scheduledMs, () => {
      // While the previous run is under way, this run is skipped, as in the cloud.
      if (entry.running === undefined) void start(entry, scheduledMs);
      schedule(entry);
    });
  };

  const start = (entry: Entry, scheduledMs: number): Promise<{ status: number }> => {
    entry.running ??= (async () => {
      try {
        const status = await attempts(entry.job, scheduledMs);
        entry.lastRun = { atMs: clock.now(), status };
        return { status };
      } finally {
        entry.running = undefined;
      }
    })();
    return entry.running;
  };

  const attempts = async (job: Job, scheduledMs: number): Promise<number> => {
    for (let failures = 0; ; failures += 1) {
      const status = await attempt(kernel, deliverer, job, scheduledMs);
      if ((status >= 200 && status < 300) || closed || failures >= (job.retry?.retriesMax ?? 0))
        return status;
      await wait(backoffMs(job.retry, failures));
    }
  };

  /** On the suite's clock, cut short by closing. */
  const wait = (ms: number): Promise<void> =>
    new Promise((resolve) => {
      const cancel = clock.at(clock.now() + ms, () => {
        waits.delete(end);
        resolve();
      });
      const end = (): void => {
        cancel();
        resolve();
      };
      waits.add(end);
    });

  return {
    addJob(job) {
      const key = keyOf(job.project, job.name);
      const entry: Entry = {
        job: checkJob(job),
        cron: parseCron(job.cron, job.timeZone),
        nextMs: undefined,
        running: undefined,
        lastRun: undefined,
        cancelAlarm: () => undefined,
      };
      const former = entries.get(key);
      former?.cancelAlarm();
      if (former !== undefined) Object.assign(entry, { running: former.running, lastRun: former.lastRun });
      // A run of the replaced job continues, and counts as a run of the new job until it ends.
      void former?.running?.finally(() => {
        entry.running = undefined;
      });
      entries.set(key, entry);
      schedule(entry);
    },
    async run(project, name) {
      const entry = entries.get(keyOf(project, name));
      if (entry === undefined) throw new RangeError(`There is no job ${name} in the project ${project}.`);
      return start(entry, clock.now());
    },
    snapshot: (project) =>
      [...entries.values()]
        .filter(({ job }) => project === undefined || job.project === project)
        .map(({ job, nextMs, running, lastRun }) => ({
          name: job.name,
          cron: job.cron,
          timeZone: job.timeZone,
          nextMs,
          running: running !== undefined,
          lastRun,
        })),
    close() {
      closed = true;
      for (const entry of entries.values()) entry.cancelAlarm();
      for (const end of waits) end();
      deliverer.close();
    },
  };
}

const keyOf = (project: string, name: string): string => `${project}/${name}`;

function checkJob(job: Job): Job {
  if (job.deadlineMs < limits.DEADLINE_MS_MIN || job.deadlineMs > limits.DEADLINE_MS_MAX) {
    throw new RangeError("A job's deadline is between 15 seconds and 30 minutes.");
  }
  const retries = job.retry?.retriesMax ?? 0;
  if (retries < 0 || retries > limits.RETRIES_MAX) throw new RangeError("A job has at most five retries.");
  return job;
}

/** One call of the job's target; 0 where nobody answered. */
async function attempt(kernel: Kernel, deliverer: Deliverer, job: Job, scheduledMs: number): Promise<number> {
  const fault = kernel.faults.take("scheduler", "Run", job.name);
  kernel.meter.rpc({ project: job.project }, "scheduler.Run");
  const outcome = await deliverer.deliver(
    {
      url: job.url,
      method: "POST",
      headers: {
        "content-type": "application/json",
        "user-agent": "Google-Cloud-Scheduler",
        "x-cloudscheduler": "true",
        "x-cloudscheduler-jobname": job.name,
        "x-cloudscheduler-scheduletime": new Date(scheduledMs).toISOString(),
      },
      body: Buffer.from("{}"),
      deadlineMs: job.deadlineMs,
      identity: { audience: job.audience, email: job.email },
    },
    fault,
  );
  return outcome.status ?? 0;
}

/** The wait doubles `doublingsMax` times and stays then. */
function backoffMs(retry: JobRetry | undefined, failures: number): number {
  const { minBackoffMs = limits.MIN_BACKOFF_MS_DEFAULT, maxBackoffMs = limits.MAX_BACKOFF_MS_DEFAULT } =
    retry ?? {};
  const doublings = Math.min(failures, retry?.doublingsMax ?? limits.DOUBLINGS_DEFAULT);
  return Math.min(minBackoffMs * 2 ** doublings, maxBackoffMs);
}
