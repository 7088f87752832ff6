import { status } from "@grpc/grpc-js";
import { z } from "zod";
import { type LogBook, type LogEntry, SEVERITIES } from "../function-host/log-book.ts";
import type { Suite } from "../../suite.ts";
import { modelRoutes } from "./model-routes.ts";
import { ProblemError } from "./problem-error.ts";

/** One method of one path of the control API. */
export interface Route {
  readonly method: "GET" | "POST" | "DELETE";
  readonly path: RegExp;
  /** The JSON to reply with; undefined for 204. Throws ProblemError or ZodError for anything else. */
  reply(request: RouteRequest): unknown;
}

export interface RouteRequest {
  readonly query: Readonly<Record<string, string>>;
  readonly params: Readonly<Record<string, string>>;
  readonly body: unknown;
}

export interface Info {
  /** Where the API and the page are. */
  readonly api: string;
  readonly projectId: string;
  readonly operatorKey: string;
  readonly app: { readonly id: string; readonly token: string | undefined };
  readonly ports: Readonly<Record<string, number>>;
}

export interface ControlDeps {
  readonly suite: Pick<
    Suite,
    | "kernel"
    | "project"
    | "firestore"
    | "pubsub"
    | "tasks"
    | "scheduler"
    | "mail"
    | "push"
    | "trace"
    | "model"
  >;
  readonly logs: LogBook;
  info(): Info;
  /** Makes the functions see the time as `offsetMs` ahead of the machine's. */
  setFunctionsClock(offsetMs: number): Promise<void>;
}

const LIST_MAX = 1000;
const Limit = z.coerce.number().int().min(1).max(LIST_MAX).default(100);
const Text = z.string().min(1).optional();

const MailQuery = z.strictObject({ to: Text, limit: Limit });
const PushQuery = z.strictObject({ user: Text, limit: Limit });
const TracesQuery = z.strictObject({ limit: Limit });
const MeterQuery = z.strictObject({ requestId: Text, project: Text });
const LogsQuery = z.strictObject({
  requestId: Text,
  function: Text,
  severity: z
    .string()
    .transform((text) => text.toUpperCase())
    .pipe(z.enum(SEVERITIES))
    .optional(),
  after: z.coerce.number().int().min(0).optional(),
  before: z.coerce.number().int().min(0).optional(),
  limit: Limit,
});

const FirestoreQuery = z.strictObject({
  path: z.string().default(""),
  database: z.string().min(1).default("(default)"),
  after: Text,
  limit: Limit,
});

/** Ten years. A longer step is a slip of the hand, and dates would run out of range. */
const ADVANCE_MS_MAX = 10 * 365 * 24 * 3600 * 1000;
const ClockMove = z.strictObject({ advanceMs: z.int().min(0).max(ADVANCE_MS_MAX) });

const FaultBody = z.strictObject({
  service: z.enum(["firestore", "pubsub", "tasks", "scheduler", "mail", "push", "trace", "model"]),
  method: z.string().min(1),
  match: Text,
  skip: z.int().min(0).optional(),
  count: z.int().min(1).optional(),
  kind: z.enum(["before", "after", "hang", "slow", "drop", "twice"]),
  code: z.enum(Object.keys(status).filter((name) => Number.isNaN(Number(name)))).optional(),
  ms: z.int().min(0).optional(),
});

export function controlRoutes(deps: ControlDeps): readonly Route[] {
  return [...stateRoutes(deps), ...faultRoutes(deps), ...listRoutes(deps), ...modelRoutes(deps.suite.model)];
}

function stateRoutes({ suite, info, setFunctionsClock }: ControlDeps): Route[] {
  const { clock, meter } = suite.kernel;
  const time = () => ({ now: new Date(clock.now()).toISOString(), offsetMs: clock.offset() });
  return [
    { method: "GET", path: /^\/control\/info$/, reply: () => info() },
    {
      method: "GET",
      path: /^\/control\/meter$/,
      reply: ({ query }) => meter.read(MeterQuery.parse(query)),
    },
    {
      method: "DELETE",
      path: /^\/control\/meter$/,
      reply: ({ query }) => meter.clear(z.strictObject({ project: Text }).parse(query).project),
    },
    { method: "GET", path: /^\/control\/clock$/, reply: time },
    {
      method: "POST",
      path: /^\/control\/clock$/,
      reply: async ({ body }) => {
        const { advanceMs } = ClockMove.parse(body);
        // The functions first: what becomes due here calls them at once, and they must not find it early.
        await setFunctionsClock(clock.offset() + advanceMs);
        clock.advance(advanceMs);
        return time();
      },
    },
  ];
}

function faultRoutes({ suite }: ControlDeps): Route[] {
  const { faults } = suite.kernel;
  return [
    {
      method: "POST",
      path: /^\/control\/faults$/,
      reply: ({ body }) => faults.add(FaultBody.parse(body)),
    },
    {
      method: "DELETE",
      path: /^\/control\/faults$/,
      reply: ({ query }) => faults.clear(z.strictObject({ match: Text }).parse(query).match),
    },
  ];
}

function listRoutes({ suite, logs }: ControlDeps): Route[] {
  return [
    {
      method: "GET",
      path: /^\/control\/mail$/,
      reply: ({ query }) => ({ data: suite.mail.list(MailQuery.parse(query)) }),
    },
    {
      method: "GET",
      path: /^\/control\/pushes$/,
      reply: ({ query }) => ({ data: suite.push.list(PushQuery.parse(query)) }),
    },
    {
      method: "GET",
      path: /^\/control\/traces$/,
      reply: ({ query }) => ({ data: suite.trace.list(TracesQuery.parse(query)) }),
    },
    {
      method: "GET",
      path: /^\/control\/traces\/(?<traceId>[0-9a-f]{32})$/,
      reply: ({ params }) => ({ data: suite.trace.spans(params.traceId ?? "") }),
    },
    {
      method: "GET",
      path: /^\/control\/logs$/,
      reply: ({ query }) => ({ data: logs.read(LogsQuery.parse(query)).map(shown) }),
    },
    {
      method: "GET",
      path: /^\/control\/queues$/,
      reply: () => ({
        ...suite.pubsub.snapshot(suite.project),
        ...suite.tasks.snapshot(suite.project),
        schedules: suite.scheduler.snapshot(suite.project),
      }),
    },
    {
      method: "GET",
      path: /^\/control\/firestore$/,
      reply: ({ query }) => {
        const { database, ...rest } = FirestoreQuery.parse(query);
        return suite.firestore.browse({
          ...rest,
          database: `projects/${suite.project}/databases/${database}`,
        });
      },
    },
    {
      method: "POST",
      path: /^\/control\/schedules\/(?<name>[\w-]+)\/run$/,
      reply: ({ params }) => runSchedule(suite, params.name ?? ""),
    },
  ];
}

async function runSchedule(suite: ControlDeps["suite"], name: string): Promise<unknown> {
  if (!suite.scheduler.snapshot(suite.project).some((job) => job.name === name)) {
    throw new ProblemError(404, "not_found", `There is no schedule "${name}".`);
  }
  return suite.scheduler.run(suite.project, name);
}

const shown = ({ at, ...entry }: LogEntry): object => ({ at: new Date(at).toISOString(), ...entry });
