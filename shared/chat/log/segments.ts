import { type ChatHandle } from "../chat-handle.ts";
import { storedAs } from "../../platform/stored.ts";
import type { FinishReason, GivenFile, Served } from "../contract.ts";
import { messagesOf } from "../store.ts";
import type { CollectionReference, Query } from "../../platform/firestore.ts";
import { Timestamp } from "../../platform/firestore-values.ts";
import { READ_MS_MAX, within } from "../../platform/within.ts";

/**
 * A piece of an answer as it came from the model. Written once, never changed: whoever reads the segments of
 * an attempt in order has what was said so far. They are read by those who follow the answer elsewhere, and
 * by a later attempt, which finds in the last one what has been paid for already.
 */
export interface StoredSegment {
  /** The attempt, then the place in it: `epoch * PLACES + index`. */
  readonly place: number;
  readonly epoch: number;
  /** UTF-16 units of the answer before it. */
  readonly offset: number;
  readonly text: string;
  /** What the model has thought meanwhile, and how much it had thought before. */
  readonly thinking?: { readonly offset: number; readonly text: string };
  /** With the last one: the model has said all, and what it took. */
  readonly end?: SegmentEnd;
  readonly at: Timestamp;
  readonly expireAt: Timestamp;
}
export const storedSegment = storedAs<StoredSegment>();

export interface SegmentEnd {
  readonly model: string;
  readonly finish: FinishReason;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly cachedTokens?: number;
  readonly thinkingTokens?: number;
  readonly latencyMs: number;
  readonly firstTokenMs: number | undefined;
  readonly served: Served;
  readonly given?: readonly GivenFile[];
}

/** More segments than an answer can have. */
export const PLACES = 100_000;
/** Finished answers are read from their message. */
export const SEGMENT_TTL_MS = 24 * 3600 * 1000;

/**
 * The first segments come soon, so that readers elsewhere see the answer begin; later ones hold this many
 * characters, about 200 tokens, which keeps the writes of a long answer below one in a hundred tokens.
 */
export const SEGMENT_CHARS = 800;
const FIRST_SEGMENTS_CHARS = [24, 80, 200];
/**
 * Text of a slow model is written after this time, unless that is more often than RATE allows.
 */
export const SEGMENT_MS = 2_500;

/** Thinking is read along by fewer, so it is kept more seldom. */
const THINKING_CHARS = 4_000;
const THINKING_MS = 10_000;

/** What has come since the last segment. UTF-16 units, milliseconds. */
export interface Unwritten {
  readonly index: number;
  readonly textChars: number;
  readonly thinkingChars: number;
  readonly waitedMs: number;
}

/** Whether what has come since the last segment is to be written now. Pure. */
export function isSegmentDue({ index, textChars, thinkingChars, waitedMs }: Unwritten): boolean {
  if (textChars > 0 && waitedMs >= SEGMENT_MS) return true;
  if (thinkingChars > 0 && (thinkingChars >= THINKING_CHARS || waitedMs >= THINKING_MS)) return true;
  return textChars > 0 && textChars >= (FIRST_SEGMENTS_CHARS[index] ?? SEGMENT_CHARS);
}

export const segmentsOf = (chat: ChatHandle, answer: string): CollectionReference =>
  messagesOf(chat).doc(answer).collection("segments");

/** Of one attempt and later ones, in order. */
export const segmentsFrom = (chat: ChatHandle, answer: string, epoch: number): Query =>
  segmentsOf(chat, answer)
    .where("place", ">=", epoch * PLACES)
    .orderBy("place");

/** One write; a segment that exists already is not written again. */
export async function writeSegment(
  chat: ChatHandle,
  answer: string,
  segment: Omit<StoredSegment, "place" | "expireAt" | "at"> & {
    readonly index: number;
    readonly nowMs: number;
  },
): Promise<void> {
  const { index, nowMs, ...rest } = segment;
  const place = rest.epoch * PLACES + index;
  const stored: StoredSegment = {
    ...rest,
    place,
    at: Timestamp.fromMillis(nowMs),
    expireAt: Timestamp.fromMillis(nowMs + SEGMENT_TTL_MS),
  };
  const ref = segmentsOf(chat, answer).doc(String(place).padStart(14, "0"));
  await within(READ_MS_MAX, ref.set({ ...stored }));
}

/** What an attempt has left. One query, a read for each segment. */
export async function readSegments(
  chat: ChatHandle,
  answer: string,
  epoch: number,
): Promise<{ text: string; thinking: string; end: SegmentEnd | undefined; lastMs: number }> {
  const found = await within(READ_MS_MAX, segmentsFrom(chat, answer, epoch).get());
  const segments = found.docs
    .map((document) => storedSegment(document))
    .filter((segment) => segment.epoch === epoch);
  return {
    text: segments.map(({ text }) => text).join(""),
    thinking: segments.map(({ thinking }) => thinking?.text ?? "").join(""),
    end: segments.at(-1)?.end,
    lastMs: segments.at(-1)?.at.toMillis() ?? 0,
  };
}
