import type { IncomingMessage } from "node:http";
import { describeError, type Severity } from "../../shared/platform/log.ts";
import type { ApiDeps } from "../http/api-deps.ts";
import type { Answer } from "./endpoint.ts";
import type { Served } from "./http-function.ts";

const PSEUDONYM_CHARS = 16;

/**
 * The one line that a request leaves, in Cloud Logging's format. The person stands under a pseudonym and
 * the address without its query, which may hold what someone searched for.
 */
export function writeRequestLine(
  deps: ApiDeps,
  request: IncomingMessage,
  { path, answer, served, startedMs }: { path: string; answer: Answer; served: Served; startedMs: number },
): void {
  const latencyMs = performance.now() - startedMs;
  const { endpoint, appId, principal, error } = served;
  const { status } = answer;
  const severity: Severity = status >= 500 ? "ERROR" : status >= 400 ? "NOTICE" : "INFO";
  const name = endpoint === undefined ? `${request.method} (no route)` : `${request.method} ${endpoint.path}`;
  deps.log.write(severity, `${name} ${status}`, {
    function: "api",
    endpoint: name,
    ...(appId === undefined ? {} : { app: appId }),
    ...(principal === undefined || principal.id === ""
      ? {}
      : { person: deps.keys.mac("pseudonym", appId ?? "", principal.id).slice(0, PSEUDONYM_CHARS) }),
    outcome: error?.code ?? "ok",
    latencyMs: Math.round(latencyMs * 100) / 100,
    httpRequest: {
      requestMethod: request.method,
      requestUrl: path,
      status,
      latency: `${(latencyMs / 1000).toFixed(6)}s`,
      userAgent: request.headers["user-agent"],
    },
    ...(error !== undefined && status >= 500 ? { error: describeError(error) } : {}),
  });
}
