import type { Config } from "./config.ts";
import type { RequestContext } from "./context.ts";
import type { Log } from "./log.ts";
import {
  formatTraceparent,
  newSpanId,
  newTraceId,
  parseTraceparent,
  type Recording,
  type SpanAttributes,
  type SpanKind,
  type SpanRecord,
} from "./trace-context.ts";
import { openTraceExport, type TraceExport } from "./trace-export.ts";

/** What a request or delivery brings with it. */
export interface Arrival {
  /** The function that serves it. */
  readonly service: string;
  readonly requestId: string;
  readonly traceparent: string | undefined;
  /**
   * Whether it comes from our own queues, whose decision to record is kept: anybody else could have us record
   * everything.
   */
  readonly isOurs: boolean;
}

/** The span of a request or delivery, which the spans of what it does stand below. */
export interface Entered {
  /** To run the work in: its spans and log lines name this span. */
  readonly context: RequestContext;
  /** Only the first call counts. */
  end(span: { name: string; kind: SpanKind; attributes: SpanAttributes; isFailed: boolean }): void;
}

export interface Traces {
  enter(arrival: Arrival): Entered;
  /**
   * Background functions await this before they reply. It sends what has been recorded when the instance is
   * about to have nothing under way, as its processor may stop then. Never throws; takes at most
   * SETTLE_MS_MAX.
   */
  settle(): Promise<void>;
  /** Sends all that has been recorded. Never throws. */
  flush(): Promise<void>;
  close(): Promise<void>;
}

/** An audit makes thousands of calls; the first of them are enough to see what it does. */
export const SPANS_PER_REQUEST_MAX = 500;

export function openTraces(
  config: Pick<Config, "projectId" | "traceEndpoint" | "traceRatio">,
  log: Log,
  random: () => number = Math.random,
): Traces {
  const { traceEndpoint: endpoint, traceRatio: ratio } = config;
  if (endpoint === undefined || ratio === 0) return UNRECORDED;
  const output = openTraceExport({ projectId: config.projectId, endpoint }, log);
  let underWay = 0;
  return {
    enter({ service, requestId, traceparent, isOurs }) {
      const parent = parseTraceparent(traceparent);
      const isSampled = parent !== undefined && isOurs ? parent.isSampled : random() < ratio;
      const own = { traceId: parent?.traceId ?? newTraceId(), spanId: newSpanId(), isSampled };
      const recording = record(service, isSampled, output);
      const startMs = recording.now();
      let hasEnded = false;
      underWay += 1;
      return {
        context: { requestId, traceparent: formatTraceparent(own), recording },
        end({ isFailed, ...span }) {
          if (hasEnded) return;
          hasEnded = true;
          underWay -= 1;
          const { traceId, spanId } = own;
          const endMs = recording.now();
          const ids = { traceId, spanId, parentSpanId: parent?.spanId };
          recording.finish({ ...span, ...ids, service, startMs, endMs, isFailed });
        },
      };
    },
    settle: async () => {
      if (underWay === 0) await output.settle();
    },
    flush: output.flush,
    close: output.close,
  };
}

/** Without an endpoint: ids for the log, and the callers' decisions passed on. */
const UNRECORDED: Traces = {
  enter({ requestId, traceparent }) {
    const parent = parseTraceparent(traceparent);
    const own = {
      traceId: parent?.traceId ?? newTraceId(),
      spanId: newSpanId(),
      isSampled: parent?.isSampled ?? false,
    };
    return { context: { requestId, traceparent: formatTraceparent(own) }, end: () => undefined };
  },
  settle: async () => undefined,
  flush: async () => undefined,
  close: async () => undefined,
};

/**
 * Keeps the spans of one request until it is known whether it failed. They are exported if it failed or was
 * sampled. Spans that end later, such as that of an answer to a stream, follow the same decision.
 */
function record(
  service: string,
  isSampled: boolean,
  output: TraceExport,
): Recording & { finish(root: SpanRecord): void } {
  const now = spanClock();
  let waiting: SpanRecord[] | undefined = [];
  let isKept = isSampled;
  let count = 0;
  return {
    service,
    now,
    add(span) {
      count += 1;
      if (count > SPANS_PER_REQUEST_MAX) return;
      if (waiting !== undefined) waiting.push(span);
      else if (isKept) output.add([span]);
    },
    finish(root) {
      const left = count - SPANS_PER_REQUEST_MAX;
      isKept ||= root.isFailed;
      const attributes =
        left > 0 ? { ...root.attributes, "scrollback.spans.left_out": left } : root.attributes;
      if (isKept) output.add([...(waiting ?? []), { ...root, attributes }]);
      waiting = undefined;
    },
  };
}

/**
 * More than this apart, the two clocks have been moved against each other: by NTP, a pause of the machine, or
 * a test.
 */
const CLOCK_DRIFT_MS_MAX = 5;

/** Milliseconds since the epoch that only go forward, and to the microsecond, unlike Date's. */
function spanClock(): () => number {
  const drift = Date.now() - (performance.timeOrigin + performance.now());
  const origin = performance.timeOrigin + (Math.abs(drift) > CLOCK_DRIFT_MS_MAX ? drift : 0);
  return () => origin + performance.now();
}
