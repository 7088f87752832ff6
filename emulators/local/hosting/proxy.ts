import {
  Agent,
  type ClientRequest,
  request as httpRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  type ServerResponse,
} from "node:http";
import { sendProblem } from "./problem.ts";

export interface Proxy {
  /** Hands a request on to `path` on a port of this machine, and the answer back as it comes. */
  forward(request: IncomingMessage, response: ServerResponse, target: Target): void;
  close(): void;
}

export interface Target {
  readonly port: number;
  readonly path: string;
  /** Headers to hand on instead of the request's own. */
  readonly headers: OutgoingHttpHeaders;
  /** Undefined: as long as it takes. */
  readonly timeoutMs?: number;
}

/** These speak about one connection, not about the message (RFC 9110, section 7.6.1). */
const HOP_BY_HOP = new Set([
  "connection",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/** The headers of a message that are for its final reader. */
export function endToEnd(headers: IncomingHttpHeaders): OutgoingHttpHeaders {
  const named = (headers.connection ?? "").split(",").map((name) => name.trim().toLowerCase());
  return Object.fromEntries(
    Object.entries(headers).filter(([name]) => !HOP_BY_HOP.has(name) && !named.includes(name)),
  );
}

export function createProxy(): Proxy {
  const agent = new Agent({ keepAlive: true });
  return {
    forward(request, response, target) {
      const headers = { ...target.headers };
      // Node chooses chunks by itself only for the methods that usually have a body.
      if (request.headers["transfer-encoding"] !== undefined) headers["transfer-encoding"] = "chunked";
      const upstream = httpRequest({
        host: "127.0.0.1",
        port: target.port,
        path: target.path,
        method: request.method,
        headers,
        agent,
      });
      upstream.on("response", (answer) => relay(answer, response));
      upstream.on("error", () => badGateway(response));
      // The caller hung up, whether still sending or already reading: the function is to know.
      response.on("close", () => upstream.destroy());
      request.pipe(upstream);
      if (target.timeoutMs !== undefined) limitTime(upstream, response, target.timeoutMs);
    },
    close: () => agent.destroy(),
  };
}

function relay(answer: IncomingMessage, response: ServerResponse): void {
  if (response.headersSent) {
    answer.destroy();
    return;
  }
  response.writeHead(answer.statusCode ?? 502, answer.statusMessage, endToEnd(answer.headers));
  // An event stream's reader waits for the head although no event has come yet.
  response.flushHeaders();
  answer.pipe(response);
  // An answer that breaks off must not look complete.
  answer.on("error", () => response.destroy());
  answer.on("aborted", () => response.destroy());
}

/** Says that no function host answers. */
export function badGateway(response: ServerResponse): void {
  if (response.destroyed) return;
  sendProblem(response, {
    status: 502,
    code: "functions_unreachable",
    title: "Bad Gateway",
    detail: "The functions are not running or are just starting. Try again in a moment.",
  });
}

function limitTime(upstream: ClientRequest, response: ServerResponse, timeoutMs: number): void {
  const timer = setTimeout(() => {
    sendProblem(response, {
      status: 504,
      code: "hosting_timeout",
      title: "Gateway Timeout",
      detail: `Hosting waits ${timeoutMs / 1000} s for an answer.`,
    });
    upstream.destroy();
  }, timeoutMs);
  response.once("close", () => clearTimeout(timer));
}
