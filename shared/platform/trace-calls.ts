import type { EventEmitter } from "node:events";
import { contextMetadata } from "./context.ts";
import { GRPC } from "./errors.ts";
import { beginSpan } from "./trace.ts";
import type { SpanAttributes } from "./trace-context.ts";

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
 * For Google's gRPC clients: each call becomes a span below the one under way, and carries it to the service.
 * Costs a listener and an object a call, and nothing where no spans are recorded.
 */
export const withCallSpans = {
  "grpc.callInvocationTransformer": (properties: CallProperties): CallProperties => {
    const [, service = "", method = ""] = properties.methodDefinition.path.split("/");
    const span = ENDLESS.has(method)
      ? undefined
      : beginSpan(`${service.slice(service.lastIndexOf(".") + 1)} ${method}`, "client", {
          "rpc.system": "grpc",
          "rpc.service": service,
          "rpc.method": method,
          ...sizeOf(properties.argument),
        });
    if (span === undefined) return contextMetadata(properties);
    properties.call.once("status", ({ code }: { code: number }) => {
      span.set({ "rpc.grpc.status_code": code });
      span.end(code !== 0 && !EXPECTED.has(code));
    });
    return contextMetadata(properties, span.context);
  },
};

/** How much a call asks for, which says most of how long it may take. */
function sizeOf(argument: unknown): SpanAttributes {
  if (typeof argument !== "object" || argument === null) return {};
  const { writes, documents } = argument as { writes?: unknown; documents?: unknown };
  const size = Array.isArray(writes)
    ? writes.length
    : Array.isArray(documents)
      ? documents.length
      : undefined;
  return size === undefined ? {} : { "db.operation.batch.size": size };
}
