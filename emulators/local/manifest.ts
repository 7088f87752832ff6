import { readFileSync } from "node:fs";
import { z } from "zod";

/**
 * functions/manifest.json as the suite reads it. Terraform reads the same file, so the schema is
 * strict: a key that one of the two does not know is a mistake, not an extension.
 */
const Name = z.string().regex(/^[a-z][a-z0-9-]{0,61}[a-z0-9]$/);
const Seconds = z.number().positive();

const FunctionSpec = z.strictObject({
  entry: z.string().min(1),
  trigger: z.enum(["http", "event", "task", "schedule"]),
  public: z.boolean().default(false),
  memoryMiB: z.int().positive(),
  concurrency: z.int().positive(),
  /** Cloud Run ends an HTTP request after an hour at most. */
  timeoutSeconds: z.int().positive().max(3600),
  maxInstances: z.int().positive(),
});

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
  maxAttempts: z.int(),
  minBackoffSeconds: Seconds,
  maxBackoffSeconds: Seconds,
  maxDoublings: z.int().min(0),
});

const ScheduleSpec = z.strictObject({
  function: Name,
  cron: z.string().min(1),
  timeZone: z.string().min(1),
  deadlineSeconds: z.int().min(15).max(1800),
});

const Manifest = z
  .strictObject({
    region: z.string().min(1),
    functions: z.record(Name, FunctionSpec),
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
