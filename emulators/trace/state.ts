import { SPANS_MAX, SPANS_PER_TRACE_MAX, TRACES_MAX } from "./limits.ts";

export type SpanKind = "unspecified" | "internal" | "server" | "client" | "producer" | "consumer";

export interface Span {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string | undefined;
  readonly name: string;
  readonly kind: SpanKind;
  /** The resource's `service.name`. */
  readonly service: string;
  /** Milliseconds since the epoch, with fractions. */
  readonly startMs: number;
  readonly endMs: number;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly isFailed: boolean;
  /** The resource's `gcp.project_id`. */
  readonly project: string;
}

/** A trace in a list. */
export interface TraceSummary {
  readonly traceId: string;
  /** Of the root span: the earliest span whose parent is not known. */
  readonly name: string;
  readonly service: string;
  readonly startMs: number;
  readonly endMs: number;
  readonly spans: number;
  readonly failed: number;
}

export interface TraceFilter {
  readonly project?: string | undefined;
  readonly limit?: number | undefined;
}

export interface Traces {
  /** Keeps a span; false when its trace is full. A span that is sent again replaces what was known of it. */
  add(span: Span): boolean;
  /** The latest to begin first. */
  list(filter?: TraceFilter): TraceSummary[];
  /** All spans of a trace, in the order of their beginning; none when it is not known. */
  spans(traceId: string): readonly Span[];
}

const LIST_MAX = 100;

/** Traces in memory, the least recently added to forgotten first. */
export function createTraces(): Traces {
  const traces = new Map<string, Map<string, Span>>();
  let total = 0;

  const forgetOldest = (): void => {
    const [oldest] = traces;
    if (oldest === undefined) return;
    total -= oldest[1].size;
    traces.delete(oldest[0]);
  };

  return {
    add(span) {
      const spans = traces.get(span.traceId) ?? new Map<string, Span>();
      const isNew = !spans.has(span.spanId);
      if (isNew && spans.size >= SPANS_PER_TRACE_MAX) return false;
      traces.delete(span.traceId);
      if (traces.size >= TRACES_MAX) forgetOldest();
      if (isNew && total >= SPANS_MAX) forgetOldest();
      traces.set(span.traceId, spans.set(span.spanId, span));
      if (isNew) total += 1;
      return true;
    },
    list({ project, limit = LIST_MAX } = {}) {
      return [...traces.values()]
        .map((spans) => [...spans.values()])
        .filter((spans) => project === undefined || spans.some((span) => span.project === project))
        .map(summaryOf)
        .sort((a, b) => b.startMs - a.startMs)
        .slice(0, limit);
    },
    spans: (traceId) => [...(traces.get(traceId)?.values() ?? [])].sort((a, b) => a.startMs - b.startMs),
  };
}

function summaryOf(spans: readonly Span[]): TraceSummary {
  const ids = new Set(spans.map(({ spanId }) => spanId));
  const earliest = (some: readonly Span[]): Span | undefined =>
    some.reduce<Span | undefined>((a, b) => (a === undefined || b.startMs < a.startMs ? b : a), undefined);
  const tops = spans.filter(({ parentSpanId }) => parentSpanId === undefined || !ids.has(parentSpanId));
  const root = earliest(tops) ?? earliest(spans);
  return {
    traceId: root?.traceId ?? "",
    name: root?.name ?? "",
    service: root?.service ?? "",
    startMs: Math.min(...spans.map(({ startMs }) => startMs)),
    endMs: Math.max(...spans.map(({ endMs }) => endMs)),
    spans: spans.length,
    failed: spans.filter(({ isFailed }) => isFailed).length,
  };
}
