import { z } from "zod";

/** How much a stream may hold for a slow reader before it is cut off; it resumes from its last id. */
export const BUFFER_BYTES_MAX = 1_000_000;
export const HEARTBEAT_MS = 15_000;
/** A stream ends itself before hosting does, after 60 s; the client comes back with its last id. */
export const STREAM_MS_MAX = 50_000;

/** What a live stream tells. `id` is where to resume: the chat's revision. */
export interface LiveEvent {
  readonly id: number;
  readonly event: "message.created" | "message.changed" | "chat.changed";
  readonly data: object;
}

export const ResumeQuery = z.strictObject({
  after: z.coerce.number().int().min(0).max(Number.MAX_SAFE_INTEGER).optional(),
});
