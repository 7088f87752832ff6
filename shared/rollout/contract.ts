import { z } from "zod";
import { Time } from "../platform/contract.ts";

/** A name stands in paths and in the ids of documents. */
export const RolloutName = z.string().regex(/^[a-z][a-z0-9-]{0,40}$/);
/** Rollouts of an app: every instance that serves the app keeps all of them in memory. */
export const ROLLOUTS_MAX = 50;

/** As the names of models may be. */
export const VERSION_CHARS_MAX = 200;
export const STEPS_MAX = 20;
export const EXCEPTIONS_MAX = 20;
/** Decisions shown with a rollout, the newest. */
export const DECISIONS_SHOWN_MAX = 50;

const Version = z
  .string()
  .min(1)
  .max(VERSION_CHARS_MAX)
  .refine((text) => text.isWellFormed() && !/\p{Cc}/u.test(text), "must not contain control characters");

/** Hundredths of a percent are the finest share that `choose` tells apart. */
export const PERCENT_STEP = 0.01;
const Percent = z.number().min(0).max(100).multipleOf(PERCENT_STEP);

/** A primary language as the classifier tells it. */
const Language = z.string().regex(/^[a-z]{2,3}$/, "must be a language such as es");
const Role = z.enum(["owner", "admin", "member", "viewer", "service"]);

/** Whom an exception is for: who has all of what it names. */
export const Audience = z
  .strictObject({ language: Language, role: Role })
  .partial()
  .refine((segment) => Object.keys(segment).length > 0, "must name something");
export type Audience = z.infer<typeof Audience>;

/** The bounds of what counts as worse, and what holds where a rollout does not say. */
const Thresholds = z.strictObject({
  /** Points by which the share of failed answers may be higher. */
  errorPoints: z.number().min(0.1).max(50).default(2),
  /** How many times as long an answer, or its first word, may take. */
  latencyRatio: z.number().min(1.05).max(20).default(1.5),
  /** Points by which the share of thumbs down among the answers that people rated may be higher. */
  negativePoints: z.number().min(0.1).max(50).default(10),
  /** Answers (or ratings) of each version below which nothing is concluded. */
  minimumSamples: z.number().int().min(20).max(100_000).default(50),
});
export type Thresholds = z.infer<typeof Thresholds>;

export const RolloutDefinition = z
  .strictObject({
    /** What everybody has outside the trial, and returns to when it fails. */
    stable: Version,
    candidate: Version,
    /** Shadow: the candidate runs beside the stable version and is compared; nobody sees it. */
    mode: z.enum(["off", "shadow", "canary"]),
    /** From when on which share of the people takes part. None, in a shadow: everybody. */
    steps: z
      .array(z.strictObject({ from: Time, percent: Percent }))
      .max(STEPS_MAX)
      .default([])
      .refine(
        (steps) =>
          steps.every(({ from }, at) => at === 0 || Date.parse(from) > Date.parse(steps[at - 1]?.from ?? "")),
        "must stand in the order of their times",
      ),
    /** The first that fits counts, and takes its people out of the trial. */
    exceptions: z
      .array(z.strictObject({ segment: Audience, version: Version }))
      .max(EXCEPTIONS_MAX)
      .default([]),
    thresholds: Thresholds.prefault({}),
    /** Raised to try the same candidate anew after it was rolled back. */
    attempt: z.number().int().min(1).max(1_000_000).default(1),
  })
  .superRefine(({ stable, candidate, mode, steps, exceptions }, context) => {
    const complain = (path: (string | number)[], message: string): void =>
      context.addIssue({ code: "custom", path, message });
    if (stable === candidate && mode !== "off") complain(["candidate"], "must differ from stable");
    if (mode === "canary" && steps.length === 0) complain(["steps"], "must not be empty for a canary");
    for (const [at, { version }] of exceptions.entries()) {
      if (version !== stable && version !== candidate) {
        complain(["exceptions", at, "version"], "must be the stable or the candidate version");
      }
    }
  });
export type RolloutDefinition = z.infer<typeof RolloutDefinition>;

export const METRICS = ["errors", "latency-p50", "latency-p95", "first-token-p50", "negative"] as const;

/** A comparison that has led to a decision. Shares are in points, times in milliseconds. */
export const Figures = z.object({
  metric: z.enum(METRICS),
  /** Null: all of the trial. */
  language: z.string().nullable(),
  stable: z.number(),
  candidate: z.number(),
  stableSamples: z.number(),
  candidateSamples: z.number(),
  /** The difference in points, or the ratio of times: as measured, and what it is at least. */
  measured: z.number(),
  atLeast: z.number(),
  threshold: z.number(),
});
export type Figures = z.infer<typeof Figures>;

const DECISIONS = ["started", "changed", "stopped", "stepped", "segment-rolled-back", "rolled-back"] as const;
export const DecisionKind = z.enum(DECISIONS);
export type DecisionKind = z.infer<typeof DecisionKind>;

export const Decision = z.object({
  revision: z.number(),
  kind: DecisionKind,
  at: z.string(),
  /** A principal's id, or `judge`. */
  by: z.string(),
  trial: z.number(),
  percent: z.number(),
  language: z.string().nullable(),
  figures: z.array(Figures),
  definition: RolloutDefinition,
});
export type Decision = z.infer<typeof Decision>;

const RolledBack = z.object({ at: z.string(), figures: z.array(Figures) });

export const Rollout = z.object({
  name: z.string(),
  revision: z.number(),
  definition: RolloutDefinition,
  state: z.object({
    /** Counts the comparisons: another pair of versions, or another attempt, is another trial. */
    trial: z.number(),
    percent: z.number(),
    isRunning: z.boolean(),
    rolledBack: RolledBack.nullable(),
    /** Segments that went back to the stable version by themselves. */
    withdrawn: z.array(RolledBack.extend({ segment: z.object({ language: z.string() }) })),
  }),
  decisions: z.array(Decision),
  updatedAt: z.string(),
});
export type Rollout = z.infer<typeof Rollout>;

const Times = z.object({ p50: z.number(), p95: z.number() }).nullable();
const VersionReport = z.object({
  version: z.string(),
  samples: z.number(),
  errors: z.number(),
  errorRate: z.number().nullable(),
  latencyMs: Times,
  firstTokenMs: Times,
  feedback: z.object({ up: z.number(), down: z.number() }),
  shadow: z.object({ runs: z.number(), differences: z.number() }),
});
export type VersionReport = z.infer<typeof VersionReport>;
const Pair = z.object({ stable: VersionReport, candidate: VersionReport });

export const RolloutReport = z.object({
  rollout: z.string(),
  trial: z.number(),
  overall: Pair,
  /** Each language, the most used first. */
  segments: z.array(Pair.extend({ segment: z.object({ language: z.string() }) })),
});
export type RolloutReport = z.infer<typeof RolloutReport>;
