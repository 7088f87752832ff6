import { randomFillSync } from "node:crypto";

/** The place of a span within its trace, as W3C Trace Context carries it. */
export interface TraceParent {
  readonly traceId: string;
  readonly spanId: string;
  readonly isSampled: boolean;
}

/** As OpenTelemetry calls them. */
export type SpanKind = "internal" | "server" | "client" | "producer" | "consumer";

/**
 * What is known of a span. Never text, addresses, tokens or ids of people: whoever reads traces need not be
 * told those.
 */
export type SpanAttributes = Readonly<Record<string, string | number | boolean | undefined>>;

/** A span that has ended. */
export interface SpanRecord {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string | undefined;
  readonly name: string;
  readonly kind: SpanKind;
  /** The function that it was part of. */
  readonly service: string;
  /** Milliseconds since the epoch, with fractions. */
  readonly startMs: number;
  readonly endMs: number;
  readonly attributes: SpanAttributes;
  readonly isFailed: boolean;
}

/** Takes the spans of one request or delivery. */
export interface Recording {
  readonly service: string;
  /** Milliseconds since the epoch, with fractions. */
  now(): number;
  add(span: SpanRecord): void;
}

const TRACEPARENT = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;
const SAMPLED_FLAG = 1;

/** Undefined for anything malformed, all-zero ids included (W3C Trace Context, 3.2.2). */
export function parseTraceparent(text: string | undefined): TraceParent | undefined {
  const [, traceId = "", spanId = "", flags = ""] = TRACEPARENT.exec(text ?? "") ?? [];
  if (!/[1-9a-f]/.test(traceId) || !/[1-9a-f]/.test(spanId)) return undefined;
  return { traceId, spanId, isSampled: (Number.parseInt(flags, 16) & SAMPLED_FLAG) === SAMPLED_FLAG };
}

export const formatTraceparent = ({ traceId, spanId, isSampled }: TraceParent): string =>
  `00-${traceId}-${spanId}-${isSampled ? "01" : "00"}`;

const TRACE_ID_BYTES = 16;
const SPAN_ID_BYTES = 8;
/**
 * Asking the system for random bytes costs a microsecond each time, so they are fetched for some hundred ids
 * at once.
 */
const POOL_BYTES = 4096;
const pool = Buffer.alloc(POOL_BYTES);
let used = POOL_BYTES;

function randomHex(bytes: number): string {
  if (used + bytes > POOL_BYTES) {
    randomFillSync(pool);
    used = 0;
  }
  used += bytes;
  return pool.toString("hex", used - bytes, used);
}

export const newTraceId = (): string => randomHex(TRACE_ID_BYTES);

export const newSpanId = (): string => randomHex(SPAN_ID_BYTES);
