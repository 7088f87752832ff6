import { z } from "zod";

/** The task that answers a question. */
export const AnswerTask = z.object({
  app: z.string(),
  chat: z.number().int().min(1),
  /** The answer's message. */
  answer: z.string(),
});
export type AnswerTask = z.infer<typeof AnswerTask>;

/** The task that summarises what lies before an answer. */
export const SummaryTask = z.object({
  app: z.string(),
  chat: z.number().int().min(1),
  branch: z.string(),
  /** The answer's number. */
  number: z.number().int().min(1),
});
export type SummaryTask = z.infer<typeof SummaryTask>;

/** The task that has another model answer the same question. */
export const ShadowTask = z.object({
  app: z.string(),
  chat: z.number().int().min(1),
  answer: z.string(),
  model: z.string(),
  trial: z.object({
    name: z.string(),
    trial: z.object({ number: z.number(), percent: z.number(), arm: z.literal("candidate") }),
  }),
});
export type ShadowTask = z.infer<typeof ShadowTask>;

export const CircuitView = z.object({
  model: z.string(),
  provider: z.string(),
  /** Half-open: somebody may try it. */
  state: z.enum(["closed", "open", "half-open"]),
  /** Until when it is open at least. */
  openUntil: z.string().nullable(),
});
export type CircuitView = z.infer<typeof CircuitView>;

export const Feedback = z.strictObject({
  value: z.enum(["up", "down"]),
  comment: z.string().min(1).max(2000).optional(),
});

export type Feedback = z.infer<typeof Feedback>;

export const StreamQuery = z.strictObject({
  /** `{epoch}.{offset}` of the last event. */
  after: z
    .string()
    .regex(/^\d{1,9}\.\d{1,9}$/)
    .optional(),
  ticket: z.string().max(2000).optional(),
});

/** The longest an answer of each lane may take. */
export const ANSWER_MS_MAX = { fast: 60_000, slow: 300_000 } as const;
/** The first word has to come within this time. */
export const FIRST_WORD_MS_MAX = { fast: 15_000, slow: 45_000 } as const;
/** A question that no model could answer for so long is given up. */
export const WAIT_MS_MAX = 24 * 3600 * 1000;
/** In both lanes: a long answer to a question that seemed a short one is not cut. */
export const ANSWER_TOKENS_MAX = 4_000;
/** Attempts before an answer is given up. */
export const ATTEMPTS_MAX = 4;

/** What the answers to a person's questions took on a day (UTC). */
export const PersonUsage = z.object({
  day: z.string(),
  answers: z.number(),
  inputTokens: z.number(),
  outputTokens: z.number(),
  /** Millionths of the price list's currency. */
  costMicros: z.number(),
});
export type PersonUsage = z.infer<typeof PersonUsage>;
