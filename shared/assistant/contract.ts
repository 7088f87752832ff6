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

/** The task that gives a chat its title. */
export const TitleTask = z.object({
  app: z.string(),
  chat: z.number().int().min(1),
  branch: z.string(),
  /** The number of the answer up to which the title is about the chat. */
  titled: z.number().int().min(1),
});
export type TitleTask = z.infer<typeof TitleTask>;

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

/** The longest an attempt of each lane may take, all its models together. Milliseconds. */
export const ANSWER_MS_MAX = { fast: 180_000, slow: 600_000 } as const;
/** A question that no model could answer for so long is given up. */
export const WAIT_MS_MAX = 24 * 3600 * 1000;
/** Attempts that have said something, or have died, before an answer is given up. */
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

/** The models that a chat may name. */
export const ModelList = z.object({
  data: z.array(
    z.object({
      id: z.string(),
      /** How people are shown it, where that is not its id. */
      label: z.string().optional(),
      /** What question and answer may take together. */
      windowTokens: z.number(),
      outputTokensMax: z.number(),
      /** Whether it reads images. */
      images: z.boolean(),
    }),
  ),
  hasMore: z.boolean(),
  next: z.string().nullable(),
  prev: z.string().nullable(),
});
