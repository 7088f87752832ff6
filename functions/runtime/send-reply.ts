import type { IncomingMessage, ServerResponse } from "node:http";
import type { Reply } from "./reply.ts";

const SECURITY_HEADERS = {
  "cache-control": "private, no-store",
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "content-security-policy":
    "default-src 'none'; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "strict-transport-security": "max-age=63072000; includeSubDomains",
  "cross-origin-resource-policy": "same-origin",
} as const;

/** Sends a reply, with the headers that each has; nothing where the client has left. */
export function sendReply(
  request: IncomingMessage,
  response: ServerResponse,
  reply: Reply,
  requestId: string,
): void {
  // A client that has left gets no reply, but the stream's subscription has to end.
  if (response.destroyed) reply.stream?.(response);
  if (response.headersSent || response.destroyed) return;
  const content =
    reply.text?.content ?? reply.json ?? (reply.body === undefined ? undefined : JSON.stringify(reply.body));
  const headers: Record<string, string | number> = {
    ...SECURITY_HEADERS,
    ...(content === undefined ? {} : { "content-type": reply.text?.type ?? "application/json" }),
    ...reply.headers,
    "x-request-id": requestId,
  };
  if (content !== undefined) headers["content-length"] = Buffer.byteLength(content);
  // A body that was not read to its end would be taken for the next request.
  if (!request.complete) headers.connection = "close";
  response.writeHead(reply.status, headers);
  if (reply.stream === undefined || request.method === "HEAD") response.end(content);
  reply.stream?.(response);
}
