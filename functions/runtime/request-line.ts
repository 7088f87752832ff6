import type { IncomingMessage } from "node:http";
import { describeError, type Severity } from "../../shared/platform/log.ts";
import { logWord } from "../../shared/platform/redact.ts";
import type { HttpDeps } from "./http-deps.ts";
import type { Served } from "./http-function.ts";
import type { Reply } from "./reply.ts";

const NO_ROUTE = "(no route)";
const USER_AGENT_CHARS_MAX = 300;
const PSEUDONYM_CHARS = 16;
/** Pseudonyms remembered, since a person makes many requests. */
const PSEUDONYMS_MAX = 10_000;

/** Writes the line of one request. */
export type WriteRequestLine = (
  request: IncomingMessage,
  facts: { reply: Reply; served: Served; startedMs: number },
) => void;

/**
 * The one line that a request leaves, in Cloud Logging's format. The person stands under a pseudonym, and in
 * place of the address its route: paths hold ids of people and whatever was typed, queries what was searched.
 */
export function openRequestLines(deps: HttpDeps, name: string): WriteRequestLine {
  const pseudonyms = new Map<string, string>();
  const pseudonymOf = (appId: string, personId: string): string => {
    const key = `${appId}/${personId}`;
    const known = pseudonyms.get(key);
    if (known !== undefined) return known;
    if (pseudonyms.size >= PSEUDONYMS_MAX) pseudonyms.clear();
    const pseudonym = deps.keys.mac("pseudonym", appId, personId).slice(0, PSEUDONYM_CHARS);
    pseudonyms.set(key, pseudonym);
    return pseudonym;
  };
  return (request, { reply, served, startedMs }) => {
    const latencyMs = performance.now() - startedMs;
    const { endpoint, appId, chat, principal, error } = served;
    const { status } = reply;
    const severity: Severity = status >= 500 ? "ERROR" : status >= 400 ? "NOTICE" : "INFO";
    const route =
      endpoint === undefined ? `${request.method} ${NO_ROUTE}` : `${request.method} ${endpoint.path}`;
    deps.log.write(severity, `${route} ${status}`, {
      function: name,
      endpoint: route,
      ...(appId === undefined ? {} : { app: appId }),
      ...(chat === undefined ? {} : { chat }),
      ...(principal !== undefined ? { person: pseudonymOf(appId ?? "", principal.id) } : {}),
      outcome: error?.code ?? "ok",
      latencyMs: Math.round(latencyMs * 100) / 100,
      httpRequest: {
        requestMethod: request.method,
        requestUrl: endpoint?.path ?? NO_ROUTE,
        status,
        latency: `${(latencyMs / 1000).toFixed(6)}s`,
        userAgent: logWord(request.headers["user-agent"] ?? "", USER_AGENT_CHARS_MAX),
      },
      ...(error !== undefined && status >= 500 ? { error: describeError(error) } : {}),
    });
  };
}
