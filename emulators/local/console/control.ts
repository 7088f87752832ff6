import { send } from "../../../page/frame/send.ts";
import type { Summary } from "./operations/traces.ts";
import type { Span } from "./operations/waterfall.ts";

export interface Info {
  readonly operatorKey: string;
  readonly app: { readonly id: string };
}

export interface Mail {
  readonly to: string;
  readonly subject: string;
  readonly text: string;
  readonly at: string;
}

export interface Push {
  readonly user?: string;
  readonly token: string;
  readonly notification?: { readonly title?: string; readonly body?: string };
  readonly at: string;
}

export interface Counts {
  readonly rpcs: Readonly<Record<string, number>>;
  readonly billed: { readonly reads: number; readonly writes: number; readonly deletes: number };
  readonly publishes: number;
  readonly tasks: number;
}

export interface LogLine {
  readonly sequence: number;
  readonly at: string;
  readonly severity: string;
  readonly message: string;
  readonly function?: string;
  readonly entry: Readonly<Record<string, unknown>>;
}

export interface StoredDocument {
  readonly id: string;
  readonly updateTime: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

export interface BrowsePage {
  readonly collections: readonly string[];
  /** The document at the path, when the path names one. */
  readonly document?: StoredDocument;
  readonly documents: readonly StoredDocument[];
  readonly next?: string;
}

/** What waits between the functions. */
export interface Queues {
  readonly subscriptions: readonly SubscriptionState[];
  readonly queues: readonly TaskQueueState[];
  readonly schedules: readonly ScheduleState[];
  readonly deadLetters: readonly (GivenUp & { readonly subscription: string })[];
  readonly exhausted: readonly (GivenUp & { readonly name: string })[];
}

export interface SubscriptionState {
  readonly name: string;
  readonly topic: string;
  readonly backlog: number;
  readonly outstanding: number;
  readonly oldestAgeMs?: number;
}

export interface TaskQueueState {
  readonly name: string;
  readonly paused: boolean;
  readonly tasks: number;
  readonly running: number;
  readonly due: number;
}

export interface ScheduleState {
  readonly name: string;
  readonly cron: string;
  readonly timeZone: string;
  readonly nextMs?: number;
  readonly running: boolean;
  readonly lastRun?: { readonly atMs: number; readonly status: number };
}

interface GivenUp {
  readonly attempts: number;
  readonly reason: string;
  readonly atMs: number;
}

export interface ModelSettings {
  readonly firstTokenMs: number;
  readonly tokensPerSecond: number;
  readonly fault?: string;
  readonly after?: number;
  readonly quirk?: string;
}

/** How the emulated models behave, and the quirks that can be set. */
export interface EmulatedModels {
  readonly models: Readonly<Record<string, ModelSettings>>;
  readonly quirks: readonly { readonly name: string; readonly title: string }[];
}

/** How a model stands with the API, which calls no model whose breaker is open. */
export interface Breaker {
  readonly model: string;
  readonly provider: string;
  readonly state: "closed" | "open" | "half-open";
  readonly openUntil: string | null;
}

interface Listed<T> {
  readonly data: readonly T[];
}

/** The suite's control API. Each call is one request and throws ApiError. */
export type Control = ReturnType<typeof createControl>;

/** @param controlUrl where the control API is; the API itself is on the page's own origin */
export function createControl(controlUrl: string) {
  const read = async <T>(path: string, signal?: AbortSignal): Promise<T> =>
    (await send<T>("GET", `${controlUrl}/control/${path}`, signal === undefined ? {} : { signal })).data;
  const list = async <T>(path: string, signal: AbortSignal): Promise<readonly T[]> =>
    (await read<Listed<T>>(path, signal)).data;

  return {
    info: () => read<Info>("info"),
    mail: (signal: AbortSignal) => list<Mail>("mail?limit=30", signal),
    pushes: (signal: AbortSignal) => list<Push>("pushes?limit=30", signal),
    cost: (requestId: string) => read<Counts>(`meter?requestId=${encodeURIComponent(requestId)}`),
    logs: (query: URLSearchParams, signal: AbortSignal) => list<LogLine>(`logs?${query.toString()}`, signal),
    traces: (signal: AbortSignal) => list<Summary>("traces?limit=500", signal),
    spans: (traceId: string, signal: AbortSignal) => list<Span>(`traces/${traceId}`, signal),
    queues: (signal: AbortSignal) => read<Queues>("queues", signal),

    /** What is at and below a path in Firestore. */
    browse(path: string, after: string | undefined): Promise<BrowsePage> {
      const query = new URLSearchParams({ path, limit: "50", ...(after === undefined ? {} : { after }) });
      return read(`firestore?${query.toString()}`);
    },

    models: (signal?: AbortSignal) => read<EmulatedModels>("model", signal),

    /** A fault that is not given ends. */
    async setModel(change: Partial<ModelSettings> & { readonly model: string }): Promise<void> {
      await send("POST", `${controlUrl}/control/model`, { body: change });
    },

    /** Of all emulated models; null for none. */
    async setQuirk(quirk: string | null): Promise<void> {
      await send("POST", `${controlUrl}/control/model`, { body: { quirk } });
    },

    /** How the models stand with the API, which only operators are told. */
    async breakers(operatorKey: string, signal?: AbortSignal): Promise<readonly Breaker[]> {
      const headers = { authorization: `Bearer ${operatorKey}` };
      const path = "/v1/operator/breakers";
      const init = { headers, ...(signal === undefined ? {} : { signal }) };
      return (await send<Listed<Breaker>>("GET", path, init)).data.data;
    },

    /** Runs a schedule now, and resolves with the status that its function answered. */
    async runSchedule(name: string): Promise<number> {
      const path = `${controlUrl}/control/schedules/${encodeURIComponent(name)}/run`;
      return (await send<{ status: number }>("POST", path)).data.status;
    },
  };
}
