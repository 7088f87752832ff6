import { z } from "zod";

/** Why something could not be done. */
export const Cause = z.object({
  code: z.string(),
  message: z.string(),
  errors: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
});
export type Cause = z.infer<typeof Cause>;

/** What is published of a delivery that is given up. */
export const Death = z.object({
  function: z.string(),
  trigger: z.enum(["event", "task"]),
  cause: Cause,
  payload: z.unknown(),
  /** Names the delivery, so that its death counts once. */
  source: z.string(),
  attempts: z.number().int().min(1),
});
export type Death = z.infer<typeof Death>;

export const DeadLetterState = z.enum(["dead", "replayed", "discarded"]);
export type DeadLetterState = z.infer<typeof DeadLetterState>;

/** What became of it, newest last. */
const Step = z.object({
  at: z.string(),
  what: z.enum(["died", "replayed", "discarded"]),
  by: z.string().optional(),
  attempts: z.number().optional(),
  cause: Cause.optional(),
});

export const DeadLetter = z.object({
  id: z.string(),
  function: z.string(),
  trigger: z.enum(["event", "task"]),
  state: DeadLetterState,
  /** Of its last death. */
  cause: Cause,
  payload: z.unknown(),
  /** How often it has died. */
  deaths: z.number(),
  replays: z.number(),
  trail: z.array(Step),
  /** Of the request that caused it, as far as that is known. */
  requestId: z.string().nullable(),
  createdAt: z.string(),
  updatedAt: z.string(),
});
export type DeadLetter = z.infer<typeof DeadLetter>;

export const FunctionName = z.string().regex(/^[a-z][a-z0-9-]{0,62}$/);
/** What a queue of the cloud takes without a word; more would be a flood. */
export const REPLAYS_PER_SECOND_MAX = 100;
export const NewReplayAll = z
  .strictObject({
    /** Only those of this function. */
    function: FunctionName.optional(),
    perSecond: z.number().min(0.1).max(REPLAYS_PER_SECOND_MAX).default(10),
  })
  .prefault({});
export type NewReplayAll = z.infer<typeof NewReplayAll>;

export const JobState = z.enum(["pending", "running", "completed", "failed"]);
export type JobState = z.infer<typeof JobState>;

export const Job = z.object({
  id: z.string(),
  kind: z.string(),
  /** What it was begun with. */
  input: z.record(z.string(), z.unknown()),
  state: JobState,
  progress: z.object({
    done: z.number(),
    total: z.number().optional(),
    failed: z.number(),
    /** How much of it is done, from 0 to 1, where that is known. */
    fraction: z.number().optional(),
    /** Since it was begun. */
    perSecond: z.number().optional(),
    /** Until it is done, at that rate. */
    secondsLeft: z.number().optional(),
  }),
  attempts: z.number(),
  result: z.record(z.string(), z.unknown()).optional(),
  error: Cause.optional(),
  createdAt: z.string(),
  updatedAt: z.string(),
});
export type Job = z.infer<typeof Job>;

/** The task that goes on with a job of the deployment. */
export const JobTask = z.object({ job: z.string(), step: z.number().int().min(0) });
export type JobTask = z.infer<typeof JobTask>;

export const MIGRATED_PER_SECOND_MAX = 5_000;
export const NewMigration = z.strictObject({
  name: z.string().regex(/^[a-z][a-z0-9-]{0,62}$/),
  /** Counts what would be changed, and changes nothing. */
  dryRun: z.boolean().default(false),
  perSecond: z.number().int().min(1).max(MIGRATED_PER_SECOND_MAX).default(500),
});
export type NewMigration = z.infer<typeof NewMigration>;
