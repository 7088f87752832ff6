import { readFileSync } from "node:fs";
import { z } from "zod";

/**
 * functions/manifest.json as the suite reads it. Terraform reads the same file, so the schema is
 * strict: a key that one of the two does not know is a mistake, not an extension.
 */
const Name = z.string().regex(/^[a-z][a-z0-9-]{0,61}[a-z0-9]$/);
const Seconds = z.number().positive();

/** Below a whole processor Cloud Run takes one request at a time, and at most so much memory. */
const FRACTION_MIB_MAX = 512;

const FunctionSpec = z
  .strictObject({
    entry: z.string().min(1),
    trigger: z.enum(["http", "event", "task", "schedule"]),
    public: z.boolean().default(false),
    /** Of the public address these paths are its own, a `*` for each part that varies. */
    paths: z.array(z.string().regex(/^(?:\/(?:\*|[\w.-]+))+$/)).optional(),
    memoryMiB: z.int().positive(),
    /** Processors of an instance: from 0.08. */
    cpu: z.number().min(0.08).max(8).default(1),
    concurrency: z.int().positive().max(1000),
    /** Cloud Run ends an HTTP request after an hour at most. */
    timeoutSeconds: z.int().positive().max(3600),
    maxInstances: z.int().positive(),
  })
  .refine(
    ({ cpu, concurrency, memoryMiB }) =>
      cpu >= 1 ? Number.isInteger(cpu) : concurrency === 1 && memoryMiB <= FRACTION_MIB_MAX,
    { message: "less than a processor takes one request at a time in 512 MiB, and more are whole ones" },
  );

const SubscriptionSpec = z.strictObject({
  topic: Name,
  /** Absent: the messages wait to be pulled. */
  function: Name.optional(),
  ackDeadlineSeconds: z.int().min(10).max(600),
  ordered: z.boolean(),
  filter: z.string().optional(),
  minBackoffSeconds: Seconds,
  maxBackoffSeconds: Seconds.max(600),
  deadLetterTopic: Name.optional(),
  maxDeliveryAttempts: z.int().min(5).max(100).optional(),
});

const QueueSpec = z.strictObject({
  function: Name,
  maxDispatchesPerSecond: z.number().positive().max(500),
  maxConcurrentDispatches: z.int().positive().max(5000),
  /** A task is given up when it has had all these attempts and this time has passed since the first. */
  maxAttempts: z.int(),
  retrySeconds: z.int().positive(),
  minBackoffSeconds: Seconds,
  maxBackoffSeconds: Seconds,
  maxDoublings: z.int().min(0),
});

const ScheduleSpec = z.strictObject({
  function: Name,
  cron: z.string().min(1),
  timeZone: z.string().min(1),
  deadlineSeconds: z.int().min(15).max(1800),
  /** Without a run that succeeds in so long, somebody is woken. */
  silenceSeconds: z.int().positive(),
});

/** Named `{project}-{name}`, as buckets of all projects share one space of names. */
const BucketSpec = z.strictObject({
  /** For how long what was deleted can be had back; 0 or a week and more. */
  softDeleteSeconds: z.int().min(0).max(7_776_000),
  /** What pages may ask, and which headers they may send and read. */
  cors: z.strictObject({ methods: z.array(z.string()).min(1), headers: z.array(z.string()).min(1) }),
  /** Objects whose names begin so are deleted by the bucket itself. */
  expire: z.array(z.strictObject({ prefix: z.string().min(1), days: z.int().positive() })),
  /** Of each object that is whole and whose name begins so, the topic is told. */
  notify: z.array(z.strictObject({ prefix: z.string().min(1), topic: Name })),
});

const Manifest = z
  .strictObject({
    region: z.string().min(1),
    functions: z.record(Name, FunctionSpec),
    buckets: z.record(Name, BucketSpec).default({}),
    topics: z.record(Name, z.strictObject({ retentionSeconds: z.int().min(600).max(2_678_400).optional() })),
    subscriptions: z.record(Name, SubscriptionSpec),
    queues: z.record(Name, QueueSpec),
    schedules: z.record(Name, ScheduleSpec),
  })
  .superRefine((manifest, context) => {
    const missing = (what: string, name: string, path: string[]): void => {
      context.addIssue({ code: "custom", path, message: `there is no ${what} "${name}"` });
    };
    for (const kind of ["subscriptions", "queues", "schedules"] as const) {
      for (const [name, spec] of Object.entries(manifest[kind])) {
        const target = spec.function;
        if (target !== undefined && manifest.functions[target] === undefined) {
          missing("function", target, [kind, name]);
        }
      }
    }
    for (const [name, { notify }] of Object.entries(manifest.buckets)) {
      for (const { topic } of notify) {
        if (manifest.topics[topic] === undefined) missing("topic", topic, ["buckets", name]);
      }
    }
    for (const [name, spec] of Object.entries(manifest.subscriptions)) {
      for (const topic of [spec.topic, spec.deadLetterTopic]) {
        if (topic !== undefined && manifest.topics[topic] === undefined) {
          missing("topic", topic, ["subscriptions", name]);
        }
      }
    }
  });

export type Manifest = z.infer<typeof Manifest>;

/** Checks what was read from functions/manifest.json; the error names each wrong place. */
export function parseManifest(json: unknown): Manifest {
  const parsed = Manifest.safeParse(json);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`);
  throw new Error(`The functions manifest is wrong. ${problems.join("; ")}`);
}

export const readManifest = (path: string): Manifest => parseManifest(JSON.parse(readFileSync(path, "utf8")));
