import { AsyncLocalStorage } from "node:async_hooks";

/**
 * What belongs to the request being served and has to travel with every call it makes: to
 * Firestore, Pub/Sub and Tasks as metadata, through messages and tasks as attributes and headers.
 */
export interface RequestContext {
  readonly requestId: string;
  /** W3C trace context, as received or begun here. */
  readonly traceparent: string;
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

/** For Google's gRPC clients: adds the current context to each call's metadata. */
export const withContextMetadata = {
  "grpc.callInvocationTransformer": (call: CallProperties): CallProperties => {
    const context = storage.getStore();
    if (context === undefined) return call;
    const metadata = call.metadata.clone();
    metadata.set(REQUEST_ID_HEADER, context.requestId);
    metadata.set(TRACEPARENT_HEADER, context.traceparent);
    return { ...call, metadata };
  },
};
