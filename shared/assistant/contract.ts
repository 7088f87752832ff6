import { z } from "zod";

/** The task that answers a question. */
export const AnswerTask = z.object({
  app: z.string(),
  chat: z.number().int().min(1),
  /** The answer's message. */
  answer: z.string(),
});
export type AnswerTask = z.infer<typeof AnswerTask>;

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

/** The longest an answer of each lane may take, and the tokens that it may have. */
export const LANE_LIMITS = {
  fast: { answerMs: 60_000, tokens: 1_000 },
  slow: { answerMs: 300_000, tokens: 4_000 },
} as const;
/** Attempts before an answer is given up. */
export const ATTEMPTS_MAX = 4;
