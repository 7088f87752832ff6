/**
 * Counts what the cloud would count: every RPC by name, and every billed read, write and delete.
 * Counts are kept per project (tests share one suite) and per request id, so that the cost of one
 * request can be told, with all that it caused in receivers behind queues.
 */
export interface Billed {
  reads: number;
  writes: number;
  deletes: number;
}

export interface Counts {
  /** "firestore.Commit" → how often; deliveries count as "pubsub.Push", "tasks.Dispatch". */
  rpcs: Record<string, number>;
  billed: Billed;
  /** Messages published. */
  publishes: number;
  /** Tasks created. */
  tasks: number;
  modelCalls: number;
}

/** What a count belongs to. */
export interface Origin {
  readonly project: string;
  /** The request that caused the call, as carried in the `x-request-id` metadata. */
  readonly requestId?: string | undefined;
}

export interface Meter {
  rpc(origin: Origin, name: string): void;
  bill(origin: Origin, billed: Partial<Billed>): void;
  publish(origin: Origin, messages: number): void;
  task(origin: Origin): void;
  modelCall(origin: Origin): void;
  read(filter?: { project?: string | undefined; requestId?: string | undefined }): Counts;
  /** Starts again from zero, for one project or for all. */
  clear(project?: string): void;
}

/** Requests whose counts are remembered; the oldest are forgotten beyond that. */
const REQUESTS_MAX = 2000;

export const emptyCounts = (): Counts => ({
  rpcs: {},
  billed: { reads: 0, writes: 0, deletes: 0 },
  publishes: 0,
  tasks: 0,
  modelCalls: 0,
});

function addCounts(into: Counts, from: Counts): void {
  for (const [name, times] of Object.entries(from.rpcs)) into.rpcs[name] = (into.rpcs[name] ?? 0) + times;
  into.billed.reads += from.billed.reads;
  into.billed.writes += from.billed.writes;
  into.billed.deletes += from.billed.deletes;
  into.publishes += from.publishes;
  into.tasks += from.tasks;
  into.modelCalls += from.modelCalls;
}

export function createMeter(): Meter {
  const byProject = new Map<string, Counts>();
  const byRequest = new Map<string, Counts>();

  const entry = (map: Map<string, Counts>, key: string): Counts => {
    const known = map.get(key);
    if (known !== undefined) return known;
    const fresh = emptyCounts();
    map.set(key, fresh);
    return fresh;
  };

  const count = (origin: Origin, apply: (counts: Counts) => void): void => {
    apply(entry(byProject, origin.project));
    if (origin.requestId === undefined) return;
    apply(entry(byRequest, origin.requestId));
    if (byRequest.size > REQUESTS_MAX) {
      const oldest = byRequest.keys().next();
      if (!oldest.done) byRequest.delete(oldest.value);
    }
  };

  return {
    rpc: (origin, name) =>
      count(origin, (counts) => {
        counts.rpcs[name] = (counts.rpcs[name] ?? 0) + 1;
      }),
    bill: (origin, billed) =>
      count(origin, (counts) => {
        counts.billed.reads += billed.reads ?? 0;
        counts.billed.writes += billed.writes ?? 0;
        counts.billed.deletes += billed.deletes ?? 0;
      }),
    publish: (origin, messages) =>
      count(origin, (counts) => {
        counts.publishes += messages;
      }),
    task: (origin) =>
      count(origin, (counts) => {
        counts.tasks += 1;
      }),
    modelCall: (origin) =>
      count(origin, (counts) => {
        counts.modelCalls += 1;
      }),
    read({ project, requestId } = {}) {
      const total = emptyCounts();
      if (requestId !== undefined) addCounts(total, byRequest.get(requestId) ?? emptyCounts());
      else if (project !== undefined) addCounts(total, byProject.get(project) ?? emptyCounts());
      else for (const counts of byProject.values()) addCounts(total, counts);
      return total;
    },
    clear(project) {
      if (project === undefined) {
        byProject.clear();
        byRequest.clear();
      } else {
        byProject.delete(project);
      }
    },
  };
}
