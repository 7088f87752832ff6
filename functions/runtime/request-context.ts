import { randomUUID } from "node:crypto";
import type { RequestContext } from "../../shared/platform/context.ts";
import { randomId } from "../../shared/platform/ids.ts";

const TRACEPARENT = /^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/;
const REQUEST_ID = /^[A-Za-z0-9_-]{8,64}$/;

/**
 * The context of a request from outside: a request id of our own, and the caller's trace if it has one.
 * Of a delivery from our own queues: what the request that caused it was given.
 */
export function contextOf(carried: {
  readonly requestId?: string | undefined;
  readonly traceparent?: string | undefined;
}): RequestContext {
  const { requestId, traceparent } = carried;
  return {
    requestId: requestId !== undefined && REQUEST_ID.test(requestId) ? requestId : randomId(),
    traceparent: traceparent !== undefined && TRACEPARENT.test(traceparent) ? traceparent : newTrace(),
  };
}

const newTrace = (): string => {
  const random = `${randomUUID()}${randomUUID()}`.replaceAll("-", "");
  return `00-${random.slice(0, 32)}-${random.slice(32, 48)}-01`;
};

export const oneHeader = (value: string | string[] | undefined): string | undefined =>
  Array.isArray(value) ? value[0] : value;
