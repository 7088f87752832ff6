import { AsyncLocalStorage } from "node:async_hooks";
import type { Recording } from "./trace-context.ts";

/**
 * What belongs to the request being served and has to travel with every call it makes: to
 * Firestore, Pub/Sub and Tasks as metadata, through messages and tasks as attributes and headers.
 */
export interface RequestContext {
  readonly requestId: string;
  /** W3C trace context: the trace, and the span under way in it. */
  readonly traceparent: string;
  /** Takes the spans that end; absent where none are recorded. */
  readonly recording?: Recording | undefined;
}

const storage = new AsyncLocalStorage<RequestContext>();

export const runInContext = <T>(context: RequestContext, work: () => T): T => storage.run(context, work);

export const currentContext = (): RequestContext | undefined => storage.getStore();

/** The header names under which the context travels. */
export const REQUEST_ID_HEADER = "x-request-id";
export const TRACEPARENT_HEADER = "traceparent";

interface CallProperties {
  metadata: { clone(): CallProperties["metadata"]; set(name: string, value: string): void };
}

/** The properties of a gRPC call with a context, the current one by default, in its metadata. */
export function contextMetadata<Properties extends CallProperties>(
  properties: Properties,
  context = storage.getStore(),
): Properties {
  if (context === undefined) return properties;
  const metadata = properties.metadata.clone();
  metadata.set(REQUEST_ID_HEADER, context.requestId);
  metadata.set(TRACEPARENT_HEADER, context.traceparent);
  return { ...properties, metadata };
}

/** For Google's gRPC clients: adds the current context to each call's metadata. */
export const withContextMetadata = {
  "grpc.callInvocationTransformer": (properties: CallProperties): CallProperties =>
    contextMetadata(properties),
};
