import { currentContext, type RequestContext, runInContext } from "./context.ts";
import {
  formatTraceparent,
  newSpanId,
  parseTraceparent,
  type SpanAttributes,
  type SpanKind,
} from "./trace-context.ts";

/** A span under way. */
export interface Span {
  /** What calls made within it carry, so that their spans name this one as their parent. */
  readonly context: RequestContext;
  set(attributes: SpanAttributes): void;
  /** Only the first call counts. */
  end(isFailed?: boolean): void;
}

/** Begins a span below the one under way; undefined where nothing is recorded. */
export function beginSpan(name: string, kind: SpanKind, attributes: SpanAttributes = {}): Span | undefined {
  const context = currentContext();
  const recording = context?.recording;
  const parent = recording && parseTraceparent(context?.traceparent);
  if (context === undefined || recording === undefined || parent === undefined) return undefined;
  const spanId = newSpanId();
  const startMs = recording.now();
  let all = attributes;
  let hasEnded = false;
  return {
    context: { ...context, traceparent: formatTraceparent({ ...parent, spanId }) },
    set(more) {
      all = { ...all, ...more };
    },
    end(isFailed = false) {
      if (hasEnded) return;
      hasEnded = true;
      const { traceId, spanId: parentSpanId } = parent;
      const { service } = recording;
      const endMs = recording.now();
      recording.add({
        traceId,
        spanId,
        parentSpanId,
        name,
        kind,
        service,
        startMs,
        endMs,
        attributes: all,
        isFailed,
      });
    },
  };
}

/** Does the work in a span of its own, which fails when the work throws. */
export async function inSpan<T>(
  name: string,
  kind: SpanKind,
  attributes: SpanAttributes,
  work: (span: Span | undefined) => Promise<T>,
): Promise<T> {
  const span = beginSpan(name, kind, attributes);
  if (span === undefined) return work(undefined);
  try {
    const result = await runInContext(span.context, () => work(span));
    span.end();
    return result;
  } catch (cause) {
    span.set({ "error.type": cause instanceof Error ? cause.name : typeof cause });
    span.end(true);
    throw cause;
  }
}
