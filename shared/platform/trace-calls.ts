import type { EventEmitter } from "node:events";
import { contextMetadata } from "./context.ts";
import { GRPC } from "./errors.ts";
import { beginSpan, type Span } from "./trace.ts";

/** What grpc-js tells of a call that is about to be made. */
interface CallProperties {
  readonly argument?: unknown;
  readonly metadata: { clone(): CallProperties["metadata"]; set(name: string, value: string): void };
  readonly methodDefinition: { readonly path: string };
  readonly call: EventEmitter;
}

/** Streams that last as long as somebody listens are no part of a request's time. */
const ENDLESS = new Set(["Listen", "Write"]);

/**
 * Answers that callers count on as one of the outcomes of a conditional write, and do not take for a failure.
 */
const EXPECTED = new Set<number>([GRPC.notFound, GRPC.alreadyExists, GRPC.aborted, GRPC.failedPrecondition]);

/**
 * Begins the span of a call below the one under way; undefined where nothing is recorded. `size` says how
 * much it asks for, which says most of how long it may take.
 */
export function beginCallSpan(path: string, size: number | undefined): Span | undefined {
  const [, service = "", method = ""] = path.split("/");
  if (ENDLESS.has(method)) return undefined;
  return beginSpan(`${service.slice(service.lastIndexOf(".") + 1)} ${method}`, "client", {
    "rpc.system": "grpc",
    "rpc.service": service,
    "rpc.method": method,
    ...(size === undefined ? {} : { "db.operation.batch.size": size }),
  });
}

/** Ends the span of a call with its gRPC status. */
export function endCallSpan(span: Span | undefined, code: number): void {
  span?.set({ "rpc.grpc.status_code": code });
  span?.end(code !== 0 && !EXPECTED.has(code));
}

/**
 * For Google's gRPC clients: each call becomes a span below the one under way, and carries it to the service.
 * Costs a listener and an object a call, and nothing where no spans are recorded.
 */
export const withCallSpans = {
  "grpc.callInvocationTransformer": (properties: CallProperties): CallProperties => {
    const span = beginCallSpan(properties.methodDefinition.path, sizeOf(properties.argument));
    if (span === undefined) return contextMetadata(properties);
    properties.call.once("status", ({ code }: { code: number }) => endCallSpan(span, code));
    return contextMetadata(properties, span.context);
  },
};

function sizeOf(argument: unknown): number | undefined {
  if (typeof argument !== "object" || argument === null) return undefined;
  const { writes, documents } = argument as { writes?: unknown; documents?: unknown };
  return Array.isArray(writes) ? writes.length : Array.isArray(documents) ? documents.length : undefined;
}
