import { SpanKind as OtelSpanKind, SpanStatusCode, TraceFlags } from "@opentelemetry/api";
import type { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-proto";
import { openGoogleToken } from "./google-token.ts";
import { lazy } from "./lazy.ts";
import type { Log } from "./log.ts";
import type { SpanKind, SpanRecord } from "./trace-context.ts";
import { within } from "./within.ts";

/** Spans on their way to an OTLP endpoint. */
export interface TraceExport {
  /** Takes spans in; they are sent within EXPORT_AFTER_MS of processor time. */
  add(spans: readonly SpanRecord[]): void;
  /** Sends all there are, unless the endpoint has just failed. Never throws; takes at most SETTLE_MS_MAX. */
  settle(): Promise<void>;
  /** Sends all there are. Never throws. */
  flush(): Promise<void>;
  close(): Promise<void>;
}

/** Spans that become ready within this time share a call. */
const EXPORT_AFTER_MS = 1_000;
/** About 150 KB as protobuf. */
export const SPANS_PER_CALL_MAX = 512;
/**
 * What an endpoint that does not answer may cost in memory: about a megabyte. Newer spans are dropped beyond
 * it.
 */
export const SPANS_WAITING_MAX = 4_096;
/** With the repetitions that the exporter makes by itself when it is told to come later. */
const EXPORT_MS_MAX = 5_000;
/** How long a delivery that is done keeps its instance awake for its spans. */
export const SETTLE_MS_MAX = 500;
/** A failing endpoint leaves a line this often. */
const COMPLAIN_AFTER_MS = 60_000;

type ReadableSpan = Parameters<OTLPTraceExporter["export"]>[0][number];

/** The exporter takes a tenth of a second to load, and is loaded when there is something to send. */
export function openTraceExport(
  { projectId, endpoint }: { readonly projectId: string; readonly endpoint: string },
  log: Log,
): TraceExport {
  const exporter = lazy(async () => {
    const { OTLPTraceExporter } = await import("@opentelemetry/exporter-trace-otlp-proto");
    const headers = authorizationFor(endpoint);
    return new OTLPTraceExporter({ url: `${endpoint}/v1/traces`, headers, timeoutMillis: EXPORT_MS_MAX });
  });
  const resourceOf = resources(projectId);
  const complain = complaints(log);
  let waiting: SpanRecord[] = [];
  let timer: NodeJS.Timeout | undefined;
  let sending: Promise<void> | undefined;
  let hasFailed = false;

  const sendAll = async (): Promise<void> => {
    while (waiting.length > 0) {
      const spans = waiting.splice(0, SPANS_PER_CALL_MAX).map((span) => readable(span, resourceOf));
      try {
        await exportWith(await exporter.get(), spans);
        hasFailed = false;
      } catch (cause) {
        hasFailed = true;
        complain(spans.length, cause);
      }
    }
  };
  const flush = (): Promise<void> => {
    clearTimeout(timer);
    timer = undefined;
    sending ??= sendAll().finally(() => {
      sending = undefined;
    });
    return sending;
  };

  return {
    add(spans) {
      const room = SPANS_WAITING_MAX - waiting.length;
      waiting.push(...spans.slice(0, room));
      if (spans.length > room) complain(spans.length - room, undefined);
      if (waiting.length >= SPANS_PER_CALL_MAX) void flush();
      else timer ??= setTimeout(() => void flush(), EXPORT_AFTER_MS).unref();
    },
    async settle() {
      if (waiting.length > 0 && !hasFailed) await within(SETTLE_MS_MAX, flush()).catch(() => undefined);
    },
    flush,
    async close() {
      await flush();
      await (await exporter.made())?.shutdown();
    },
  };
}

const exportWith = (exporter: OTLPTraceExporter, spans: ReadableSpan[]): Promise<void> =>
  new Promise((resolve, reject) => {
    exporter.export(spans, ({ error }) => {
      if (error === undefined) resolve();
      else reject(error);
    });
  });

/** Says that spans are lost, and how many, but not at each of them. */
function complaints(log: Log): (spans: number, cause: unknown) => void {
  let lost = 0;
  let saidMs = Number.NEGATIVE_INFINITY;
  return (spans, cause) => {
    lost += spans;
    if (performance.now() - saidMs < COMPLAIN_AFTER_MS) return;
    saidMs = performance.now();
    const status = (cause as { code?: unknown } | undefined)?.code;
    log.warn("Spans were lost.", {
      event: "trace.spans-lost",
      spans: lost,
      ...(status === undefined ? {} : { status }),
    });
    lost = 0;
  };
}

/** A token of the instance's service account goes to Google only, and to no other endpoint. */
function authorizationFor(endpoint: string): () => Promise<Record<string, string>> {
  const { protocol, hostname } = new URL(endpoint);
  if (protocol !== "https:" || !hostname.endsWith(".googleapis.com")) return async () => ({});
  const token = openGoogleToken();
  return async () => ({ authorization: `Bearer ${await token()}` });
}

type Resource = ReadableSpan["resource"];

/** One for each function, since the exporter groups spans by it. */
function resources(projectId: string): (service: string) => Resource {
  const known = new Map<string, Resource>();
  return (service) => {
    const attributes = { "service.name": service, "gcp.project_id": projectId };
    const made: Resource = known.get(service) ?? {
      attributes,
      merge: () => made,
      getRawAttributes: () => Object.entries(attributes),
    };
    known.set(service, made);
    return made;
  };
}

const KINDS: Readonly<Record<SpanKind, OtelSpanKind>> = {
  internal: OtelSpanKind.INTERNAL,
  server: OtelSpanKind.SERVER,
  client: OtelSpanKind.CLIENT,
  producer: OtelSpanKind.PRODUCER,
  consumer: OtelSpanKind.CONSUMER,
};
const SCOPE = { name: "scrollback" } as const;

function readable(span: SpanRecord, resourceOf: (service: string) => Resource): ReadableSpan {
  const { traceId, parentSpanId } = span;
  const context = (spanId: string) => ({ traceId, spanId, traceFlags: TraceFlags.SAMPLED });
  return {
    name: span.name,
    kind: KINDS[span.kind],
    spanContext: () => context(span.spanId),
    ...(parentSpanId === undefined ? {} : { parentSpanContext: context(parentSpanId) }),
    startTime: hrTime(span.startMs),
    endTime: hrTime(span.endMs),
    duration: hrTime(span.endMs - span.startMs),
    ended: true,
    status: { code: span.isFailed ? SpanStatusCode.ERROR : SpanStatusCode.UNSET },
    attributes: Object.fromEntries(
      Object.entries(span.attributes).filter(([, value]) => value !== undefined),
    ),
    links: [],
    events: [],
    resource: resourceOf(span.service),
    instrumentationScope: SCOPE,
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
  };
}

/** Seconds and nanoseconds. */
function hrTime(ms: number): [number, number] {
  const seconds = Math.floor(ms / 1000);
  return [seconds, Math.floor((ms - seconds * 1000) * 1e6)];
}
