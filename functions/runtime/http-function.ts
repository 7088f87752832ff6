import type { IncomingMessage, ServerResponse } from "node:http";
import type { z } from "zod";
import { type App, appHandle } from "../../shared/identity/app.ts";
import { type Caller, callerOf } from "../../shared/identity/caller.ts";
import { AppId } from "../../shared/identity/contract.ts";
import { demandFactor } from "../../shared/identity/factor.ts";
import type { Principal } from "../../shared/identity/principal.ts";
import type { Quota } from "../../shared/identity/quotas.ts";
import { runInContext } from "../../shared/platform/context.ts";
import { AppError, toAppError } from "../../shared/platform/errors.ts";
import { within } from "../../shared/platform/within.ts";
import type { ApiDeps } from "../http/api-deps.ts";
import { authenticate, authorize } from "./authenticate.ts";
import { type Answer, deprecationHeaders, type Endpoint } from "./endpoint.ts";
import type { FunctionHandler } from "./function.ts";
import { corsHeaders, demandOrigin, type Provenance, preflightHeaders, provenanceOf } from "./origin.ts";
import { problemOf } from "./problem.ts";
import { demandQuota, quotaHeaders } from "./quota.ts";
import { BODY_BYTES_MAX, discardBody, readJsonBody } from "./read-body.ts";
import { oneHeader, requestIdOf } from "./request-context.ts";
import { openRequestLines } from "./request-line.ts";
import { requestSpan } from "./request-span.ts";
import { createRouter, type Route } from "./router.ts";

/** A request that is not answered by then is given up; hosting cuts at 60 s. */
export const HANDLE_MS_MAX = 30_000;

/** The name under which the API is deployed, in logs and traces. */
export const API = "api";

/** What is known of a request by the time its log line is written. */
export interface Served {
  endpoint?: Endpoint;
  appId?: string | undefined;
  principal?: Principal;
  provenance?: Provenance;
  quota?: Quota | undefined;
  error?: AppError;
}

/**
 * An HTTP function from a table of endpoints. It alone turns requests into calls and results or errors
 * into answers: request id, routing, authentication, validation, problem+json, one log line.
 */
export function serveEndpoints(deps: ApiDeps, endpoints: readonly Endpoint[]): FunctionHandler {
  const route = createRouter(endpoints);
  const writeRequestLine = openRequestLines(deps);
  return (request, response) => {
    const entered = deps.traces.enter({
      service: API,
      requestId: requestIdOf(undefined),
      traceparent: oneHeader(request.headers.traceparent),
      isOurs: false,
    });
    const { context } = entered;
    return runInContext(context, async () => {
      const startedMs = performance.now();
      const path = (request.url ?? "/").split("?", 1)[0] ?? "/";
      const served: Served = {};
      let answer: Answer;
      try {
        answer = await within(HANDLE_MS_MAX, answerTo(deps, route, request, path, served));
      } catch (cause) {
        const error = toAppError(cause);
        served.error = error;
        const { publicUrl } = deps.config;
        answer = problemOf(error, { publicUrl, path, requestId: context.requestId });
      }
      await discardBody(request);
      const headers = {
        ...corsHeaders(served.provenance, request.headers.origin),
        ...quotaHeaders(deps, served.quota),
        ...(served.endpoint?.deprecated === undefined ? {} : deprecationHeaders(served.endpoint.deprecated)),
        ...answer.headers,
      };
      send(request, response, { ...answer, headers }, context.requestId);
      writeRequestLine(request, { path, answer, served, startedMs });
      entered.end(requestSpan(request, answer, served));
    });
  };
}

async function answerTo(
  deps: ApiDeps,
  route: (method: string, path: string) => Route,
  request: IncomingMessage,
  path: string,
  served: Served,
): Promise<Answer> {
  demandOneHost(request);
  const method = request.method ?? "GET";
  const preflight = method === "OPTIONS" ? request.headers["access-control-request-method"] : undefined;
  const { endpoint, params } = route(preflight ?? method, path);
  served.endpoint = endpoint;
  const app = endpoint.path.includes("{app}") ? appHandle(deps.firestore, appIdOf(params.app)) : undefined;
  served.appId = app?.id;
  served.provenance = await provenanceOf(deps, app, request.headers);
  if (preflight !== undefined)
    return { status: 204, headers: preflightHeaders(served.provenance, preflight) };
  demandOrigin(served.provenance, method);
  const caller = callerOfRequest(deps, request);
  const principal = await admitted(deps, endpoint, app, caller, request, served);
  await authorize(deps, endpoint.access, app, principal);
  if (endpoint.sensitive === true && app !== undefined) await demandFactor(deps, deps.apps, app, principal);
  const body = endpoint.body === undefined ? undefined : await readJsonBody(request, BODY_BYTES_MAX);
  return endpoint.handle({
    deps,
    app: app ?? appHandle(deps.firestore, "none"),
    principal,
    params: parseParams(endpoint, params),
    query: endpoint.query === undefined ? {} : parse(endpoint.query, queryOf(searchOf(request))),
    body: endpoint.body === undefined ? undefined : parse(endpoint.body, body ?? {}),
    requestKey: endpoint.idempotent ? requestKeyOf(request) : undefined,
    headers: request.headers,
    caller,
  });
}

/**
 * The principal, once a limit has admitted the request: the person's or token's own, or that of the caller's
 * address when the credentials are not valid or none are needed.
 */
async function admitted(
  deps: ApiDeps,
  endpoint: Endpoint,
  app: App | undefined,
  caller: Caller,
  request: IncomingMessage,
  served: Served,
): Promise<Principal> {
  let principal: Principal | undefined;
  let refusal: unknown;
  const ticket = endpoint.ticket === true ? searchOf(request).get("ticket") : null;
  try {
    principal = await authenticate(deps, endpoint.access, app, request.headers, ticket ?? undefined);
    served.principal = principal;
  } catch (cause) {
    if (!(cause instanceof AppError) || cause.status !== 401) throw cause;
    refusal = cause;
  }
  served.quota = await deps.quotas.take({ app, principal, caller, isSignIn: endpoint.signIn ?? false });
  demandQuota(served.quota);
  if (principal === undefined) throw refusal;
  return principal;
}

const callerOfRequest = (deps: ApiDeps, request: IncomingMessage): Caller =>
  callerOf(
    {
      forwardedFor: request.headers["x-forwarded-for"]?.toString(),
      remoteAddress: request.socket.remoteAddress,
      userAgent: request.headers["user-agent"],
    },
    deps.config.trustedProxies,
  );

/** Two Host headers make two servers on the way disagree about whose request it is (RFC 9112, 3.2). */
function demandOneHost(request: IncomingMessage): void {
  const hosts = request.rawHeaders.filter((text, index) => index % 2 === 0 && /^host$/i.test(text));
  if (hosts.length > 1) {
    throw new AppError("invalid_request", "The request names two hosts.", { closeConnection: true });
  }
}

/** A malformed id is the id of nothing. */
function appIdOf(text: string | undefined): string {
  const parsed = AppId.safeParse(text);
  if (!parsed.success) throw new AppError("not_found", "There is no such app.");
  return parsed.data;
}

function parseParams(endpoint: Endpoint, params: Route["params"]): unknown {
  if (endpoint.params === undefined) return {};
  const { app: _app, ...own } = params;
  const parsed = endpoint.params.safeParse(own);
  if (!parsed.success) throw new AppError("not_found", "There is no such thing here.");
  return parsed.data;
}

const searchOf = ({ url = "" }: IncomingMessage): URLSearchParams =>
  new URLSearchParams(url.includes("?") ? url.slice(url.indexOf("?")) : "");

function queryOf(search: URLSearchParams): Record<string, string> {
  const query: Record<string, string> = {};
  for (const [name, value] of search) {
    if (Object.hasOwn(query, name)) {
      throw new AppError("invalid_request", "A query parameter stands twice.", {
        errors: [{ path: name, message: "must stand once" }],
      });
    }
    Object.defineProperty(query, name, { value, enumerable: true });
  }
  return query;
}

/** @throws AppError `invalid_request` naming every field that is wrong */
function parse(schema: z.ZodType, value: unknown): unknown {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const errors = parsed.error.issues.flatMap((issue) =>
    issue.code === "unrecognized_keys"
      ? issue.keys.map((key) => ({ path: [...issue.path, key].join("."), message: "is not known here" }))
      : [{ path: issue.path.join("."), message: issue.message }],
  );
  throw new AppError("invalid_request", "Some fields are not valid; see errors.", { errors });
}

const KEY_CHARS_MAX = 255;

/** A quoted string as in the draft standard, or bare. */
function requestKeyOf(request: IncomingMessage): string | undefined {
  const header = oneHeader(request.headers["idempotency-key"]);
  if (header === undefined) return undefined;
  const quoted = /^"((?:[^"\\]|\\["\\])*)"$/.exec(header.trim());
  const key = quoted?.[1]?.replace(/\\(["\\])/g, "$1") ?? header.trim();
  if (key.length < 1 || key.length > KEY_CHARS_MAX || (quoted === null && key.includes('"'))) {
    throw new AppError("invalid_request", "The Idempotency-Key is not valid.", {
      errors: [{ path: "Idempotency-Key", message: `must be a string of 1 to ${KEY_CHARS_MAX} characters` }],
    });
  }
  return key;
}

const SECURITY_HEADERS = {
  "cache-control": "private, no-store",
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "strict-transport-security": "max-age=63072000; includeSubDomains",
  "cross-origin-resource-policy": "same-origin",
} as const;

function send(request: IncomingMessage, response: ServerResponse, answer: Answer, requestId: string): void {
  // Whoever has left meanwhile gets no answer, but what a stream holds for them has to be let go.
  if (response.destroyed) answer.stream?.(response);
  if (response.headersSent || response.destroyed) return;
  const content =
    answer.text?.content ?? (answer.body === undefined ? undefined : JSON.stringify(answer.body));
  const headers: Record<string, string | number> = {
    ...SECURITY_HEADERS,
    ...(content === undefined ? {} : { "content-type": answer.text?.type ?? "application/json" }),
    ...answer.headers,
    "x-request-id": requestId,
  };
  if (content !== undefined) headers["content-length"] = Buffer.byteLength(content);
  // A body that was not read to its end would be taken for the next request.
  if (!request.complete) headers.connection = "close";
  response.writeHead(answer.status, headers);
  if (answer.stream === undefined || request.method === "HEAD") response.end(content);
  else answer.stream(response);
}
