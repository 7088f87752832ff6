import type { IncomingMessage, ServerResponse } from "node:http";
import { z } from "zod";
import { parseJson, readBody } from "../../kernel/http.ts";
import { type Problem, sendProblem } from "../hosting/problem.ts";
import { type ControlDeps, controlRoutes, type Route } from "./routes.ts";
import { ProblemError } from "./problem-error.ts";

/** Answers a request for `/control/…`; false when the path is another's. */
export type Control = (request: IncomingMessage, response: ServerResponse) => boolean;

export interface ControlOptions extends ControlDeps {
  /** The ports whose pages may call: hosting's and the console's. */
  pagePorts(): readonly number[];
}

const BODY_LIMIT = {
  bytesMax: 1024 * 1024,
  tooLarge: () => new ProblemError(413, "too_large", "The body is over 1 MiB."),
};
const LOOPBACK_NAMES = ["localhost", "127.0.0.1", "[::1]"];

export function createControl(options: ControlOptions): Control {
  const table = controlRoutes(options);
  return (request, response) => {
    const url = new URL(`http://control${request.url ?? "/"}`);
    if (!url.pathname.startsWith("/control/")) return false;
    serve(options, table, { url, request, response }).catch((cause: unknown) => {
      sendProblem(response, problemOf(cause));
    });
    return true;
  };
}

interface Exchange {
  readonly url: URL;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

async function serve(
  options: ControlOptions,
  table: readonly Route[],
  { url, request, response }: Exchange,
): Promise<void> {
  refuseStrangers(request, options.pagePorts(), response);
  if (request.method === "OPTIONS") {
    response.writeHead(204).end();
    return;
  }
  const candidates = table.filter((route) => route.path.test(url.pathname));
  const route = candidates.find(({ method }) => method === request.method);
  if (route === undefined) {
    if (candidates.length === 0) throw new ProblemError(404, "not_found", "There is no such route.");
    response.setHeader("allow", candidates.map(({ method }) => method).join(", "));
    throw new ProblemError(405, "method_not_allowed", `${request.method} is not for this route.`);
  }
  const body = await route.reply({
    query: Object.fromEntries(url.searchParams),
    params: route.path.exec(url.pathname)?.groups ?? {},
    body: await readJson(request),
  });
  if (body === undefined) {
    response.writeHead(204).end();
    return;
  }
  response.writeHead(200, { "content-type": "application/json", "cache-control": "no-store" });
  response.end(JSON.stringify(body));
}

/**
 * The control API gives the operator key away, so it is for this machine's people alone: no name that a
 * foreign site could point here (DNS rebinding), and no page but ours.
 */
function refuseStrangers(
  request: IncomingMessage,
  pagePorts: readonly number[],
  response: ServerResponse,
): void {
  const name = (request.headers.host ?? "").replace(/:\d+$/, "").toLowerCase();
  if (!LOOPBACK_NAMES.includes(name)) {
    throw new ProblemError(403, "forbidden", "The control API is only for this machine, as localhost.");
  }
  response.setHeader("cross-origin-resource-policy", "same-origin");
  response.setHeader("x-content-type-options", "nosniff");
  response.setHeader("vary", "Origin");
  const { origin } = request.headers;
  if (origin === undefined) return;
  const allowed = LOOPBACK_NAMES.flatMap((host) => pagePorts.map((port) => `http://${host}:${port}`));
  if (!allowed.includes(origin)) {
    throw new ProblemError(403, "forbidden", "The control API is only for the suite's own pages.");
  }
  response.setHeader("access-control-allow-origin", origin);
  response.setHeader("access-control-allow-methods", "GET, POST, DELETE");
  response.setHeader("access-control-allow-headers", "content-type");
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  const body = await readBody(request, BODY_LIMIT);
  if (body.length === 0) return undefined;
  return parseJson(body, () => new ProblemError(400, "malformed_json", "The body is not JSON."));
}

function problemOf(cause: unknown): Problem {
  if (cause instanceof ProblemError) return cause.problem;
  if (cause instanceof z.ZodError) {
    return {
      status: 400,
      code: "invalid",
      title: "Bad Request",
      detail: "The request is not as this route needs it.",
      errors: cause.issues.map((issue) => ({ path: issue.path.join("."), message: issue.message })),
    };
  }
  // A caller that hangs up while it sends gets no reply, and is not logged as a failure.
  if ((cause as { code?: unknown }).code !== "ECONNRESET") console.error(cause);
  return {
    status: 500,
    code: "control_failed",
    title: "Internal Server Error",
    detail: "The suite failed; its output says how.",
  };
}
