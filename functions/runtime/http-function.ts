import type { IncomingMessage } from "node:http";
import { type App, appHandle } from "../../shared/identity/app.ts";
import { type Caller, callerOf } from "../../shared/identity/caller.ts";
import { UserId } from "../../shared/identity/contract.ts";
import { isMoving } from "../../shared/identity/manage-app.ts";
import { demandFactor } from "../../shared/identity/factor.ts";
import type { Principal } from "../../shared/identity/principal.ts";
import type { Spend } from "../../shared/identity/spend.ts";
import type { Quota } from "../../shared/identity/quotas.ts";
import { runInContext } from "../../shared/platform/context.ts";
import { AppError, toAppError } from "../../shared/platform/errors.ts";
import { within } from "../../shared/platform/within.ts";
import { authenticate, authorize } from "./authenticate.ts";
import { type Access, deprecationHeaders, type Endpoint } from "./endpoint.ts";
import type { FunctionHandler } from "./function.ts";
import type { HttpDeps } from "./http-deps.ts";
import { createGate, type Gate } from "./gate.ts";
import { weightOf } from "./operations.ts";
import {
  corsHeaders,
  demandOrigin,
  knownProvenanceOf,
  type Provenance,
  preflightHeaders,
  provenanceOf,
  SAFE_METHODS,
} from "./origin.ts";
import { JSON_VALUES_MAX } from "./parse-json.ts";
import {
  appIdOf,
  chatOf,
  demandOneHost,
  parseInput,
  parseParams,
  queryOf,
  requestKeyOf,
  searchOf,
} from "./parse-request.ts";
import { problemOf } from "./problem.ts";
import { demandQuota, quotaHeaders } from "./quota.ts";
import { BODY_BYTES_MAX, discardBody, readJsonBody } from "./read-body.ts";
import type { Reply } from "./reply.ts";
import { oneHeader, requestIdOf } from "./request-context.ts";
import { openRequestLines } from "./request-line.ts";
import { requestSpan } from "./request-span.ts";
import { createRouter, type Route } from "./router.ts";
import { sendReply } from "./send-reply.ts";

/**
 * The way of a request from its socket to its reply, in the order in which it is refused: long because
 * nothing of that order may be looked up elsewhere.
 */

/** A request without a reply by then is given up; hosting cuts at 60 s. */
export const HANDLE_MS_MAX = 30_000;

/** Is told of each reply of an endpoint, before it is sent. */
export type ReplyObserver = (
  endpoint: Pick<Endpoint, "method" | "path" | "reply" | "statuses" | "conditional">,
  reply: Reply,
) => void;

/** What is known of a request by the time its log line is written. */
export interface Served {
  endpoint?: Pick<Endpoint, "method" | "path" | "deprecated" | "reply" | "statuses" | "conditional">;
  appId?: string | undefined;
  /** The number of the chat that it concerns. */
  chat?: number | undefined;
  principal?: Principal;
  provenance?: Provenance | undefined;
  quota?: Quota | undefined;
  error?: AppError;
}

/**
 * An HTTP function from a table of endpoints. It alone turns requests into calls and results or errors
 * into replies: request id, routing, authentication, validation, problem+json, one log line.
 */
export function serveEndpoints<D extends HttpDeps>(
  deps: D,
  {
    name,
    endpoints,
    observe = () => undefined,
  }: {
    /** The function's, in logs and traces. */
    readonly name: string;
    readonly endpoints: readonly Endpoint<D>[];
    readonly observe?: ReplyObserver | undefined;
  },
): FunctionHandler {
  const route = createRouter(endpoints);
  const gate = createGate(deps.clock, deps.config.unprovedPerMinute);
  const writeRequestLine = openRequestLines(deps, name);
  return (request, response) => {
    const entered = deps.traces.enter({
      service: name,
      requestId: requestIdOf(undefined),
      traceparent: oneHeader(request.headers.traceparent),
      isOurs: false,
    });
    const { context } = entered;
    return runInContext(context, async () => {
      const startedMs = performance.now();
      const path = (request.url ?? "/").split("?", 1)[0] ?? "/";
      const served: Served = {};
      let reply: Reply;
      try {
        reply = await within(HANDLE_MS_MAX, replyTo(deps, route, request, { path, served, gate }));
        const isPreflight = request.method === "OPTIONS";
        if (served.endpoint !== undefined && !isPreflight) observe(served.endpoint, reply);
      } catch (cause) {
        const error = toAppError(cause);
        served.error = error;
        const { publicUrl } = deps.config;
        reply = problemOf(error, { publicUrl, path, requestId: context.requestId });
      }
      await discardBody(request);
      const headers = {
        ...corsHeaders(served.provenance, request.headers.origin),
        ...quotaHeaders(deps, served.quota),
        ...(served.endpoint?.deprecated === undefined ? {} : deprecationHeaders(served.endpoint.deprecated)),
        ...reply.headers,
      };
      sendReply(request, response, { ...reply, headers }, context.requestId);
      writeRequestLine(request, { reply, served, startedMs });
      entered.end(requestSpan(request, reply, served));
    });
  };
}

async function replyTo<D extends HttpDeps>(
  deps: D,
  route: (method: string, path: string) => Route<Endpoint<D>>,
  request: IncomingMessage,
  { path, served, gate }: { readonly path: string; readonly served: Served; readonly gate: Gate },
): Promise<Reply> {
  demandOneHost(request);
  const method = request.method ?? "GET";
  const preflight = method === "OPTIONS" ? request.headers["access-control-request-method"] : undefined;
  const { endpoint, params } = route(preflight ?? method, path);
  served.endpoint = endpoint;
  const app = endpoint.path.includes("{app}") ? appHandle(deps.firestore, appIdOf(params.app)) : undefined;
  served.appId = app?.id;
  served.chat = chatOf(params.chat);
  served.provenance = knownProvenanceOf(deps, app, request.headers);
  const caller = callerOfRequest(deps, request);
  if (preflight !== undefined) {
    gate.pass(caller.ip);
    served.provenance = await provenanceOf(deps, app, request.headers);
    return { status: 204, headers: preflightHeaders(served.provenance, preflight) };
  }
  const arrival = { endpoint, app, caller, request, served, gate };
  await demandHere(deps, arrival);
  const { principal, spend, refusal } = await admitted(deps, arrival);
  const requestKey = endpoint.idempotent ? requestKeyOf(request) : undefined;
  if (refusal !== undefined && (endpoint.replay === undefined || requestKey === undefined)) throw refusal;
  const body =
    endpoint.body === undefined ? undefined : await readJsonBody(request, BODY_BYTES_MAX, JSON_VALUES_MAX);
  // A server reads any chat because that is its work. A person who does so is written down.
  const watched =
    app === undefined || principal === undefined || principal.kind === "service"
      ? undefined
      : deps.outsiders.watched(app, principal, caller);
  const call = {
    deps,
    ...(app === undefined ? {} : { app }),
    ...(principal === undefined ? {} : { principal: watched?.principal ?? principal }),
    params: parseParams(endpoint, params),
    query: endpoint.query === undefined ? {} : parseInput(endpoint.query, queryOf(searchOf(request))),
    body: endpoint.body === undefined ? undefined : parseInput(endpoint.body, body ?? {}),
    requestKey,
    headers: request.headers,
    caller,
    spend,
  };
  const reply = await storedFirst(
    () => {
      if (refusal !== undefined) throw refusal;
      return endpoint.handle(call);
    },
    async () => (requestKey === undefined ? undefined : endpoint.replay?.({ ...call, requestKey })),
  );
  await watched?.written();
  return reply;
}

/**
 * Where there are cells, a request for an app in another one is told where, before anything else: its token
 * is that cell's. Nothing changes an app that is moving. An app that this instance does not know costs what
 * an unproved request may cost.
 */
async function demandHere(deps: HttpDeps, { app, caller, request, served, gate }: Arrival): Promise<void> {
  if (app === undefined || deps.cells.own === undefined) return;
  if (deps.apps.knownSettingsOf(app) === undefined) gate.pass(caller.ip);
  try {
    const standing = await deps.apps.standingOf(app);
    if (standing === "moving" && !SAFE_METHODS.has(request.method ?? "GET")) throw isMoving();
  } catch (cause) {
    served.provenance = await provenanceOf(deps, app, request.headers);
    throw cause;
  }
}

/** Refusals by rules that may have let the request through when it came first. */
const RULES = new Set([400, 403, 404, 409]);

/**
 * A request whose effect is stored is answered from it, whatever the rules say by now. It is looked for only
 * when they refuse, so that nothing costs more.
 */
async function storedFirst(
  handle: () => Promise<Reply>,
  replay: () => Promise<Reply | undefined>,
): Promise<Reply> {
  try {
    return await handle();
  } catch (cause) {
    if (!(cause instanceof AppError) || !RULES.has(cause.status)) throw cause;
    const first = await replay();
    if (first === undefined) throw cause;
    return first;
  }
}

interface Arrival {
  readonly endpoint: Omit<Endpoint, "handle">;
  readonly app: App | undefined;
  readonly caller: Caller;
  readonly request: IncomingMessage;
  readonly served: Served;
  readonly gate: Gate;
}

interface Admitted {
  readonly principal: Principal | undefined;
  readonly spend: Spend;
  /** The principal may not call the endpoint, or not any more. */
  readonly refusal?: AppError | undefined;
}

/**
 * The principal, once a limit has admitted the request and they may call the endpoint; undefined where anyone
 * may. The limit is the person's or the token's own, or that of the caller's address when the credentials are
 * not valid or none are needed; a request without valid credentials passes the gate before anything is read.
 */
async function admitted(deps: HttpDeps, arrival: Arrival): Promise<Admitted> {
  const { endpoint, app, caller, request, served, gate } = arrival;
  const { access } = endpoint;
  const isSignIn = endpoint.signIn ?? false;
  const counted = { app, caller, isSignIn };
  if (access === "anyone") {
    if (app !== undefined) gate.pass(caller.ip);
    await demandProvenance(deps, arrival);
    if (app !== undefined) await deps.apps.settingsOf(app);
    served.quota = await deps.quotas.take({ ...counted, principal: undefined, isRefused: false });
    demandQuota(served.quota);
    return { principal: undefined, spend: () => Promise.resolve() };
  }
  const proof = await principalOf(deps, access, arrival);
  const { principal } = proof;
  if (principal !== undefined) served.principal = principal;
  await demandProvenance(deps, arrival);
  const isRefused = principal === undefined;
  let operations = isRefused ? 0 : operationsOf(endpoint, request);
  let weight = weightOf(operations);
  served.quota = await deps.quotas.take({ ...counted, principal, isRefused, weight });
  demandQuota(served.quota);
  if (proof.principal === undefined) throw proof.refusal;
  const acting = await actingFor(deps, proof.principal, arrival);
  const refusal = await refusalOf(() => authorize(deps, access, app, acting));
  if (endpoint.sensitive === true && app !== undefined) await demandFactor(deps, deps.apps, app, acting);
  return {
    principal: acting,
    refusal,
    async spend(more) {
      operations += more;
      const further = weightOf(operations) - weight;
      if (further <= 0) return;
      weight += further;
      served.quota = await deps.quotas.take({ ...counted, principal, isRefused, weight: further });
      demandQuota(served.quota);
    },
  };
}

/** @throws whatever is no refusal by the rules */
async function refusalOf(check: () => Promise<void>): Promise<AppError | undefined> {
  try {
    await check();
    return undefined;
  } catch (cause) {
    if (cause instanceof AppError && RULES.has(cause.status)) return cause;
    throw cause;
  }
}

interface Proved {
  readonly principal: Principal;
}
interface Refused {
  readonly principal: undefined;
  readonly refusal: AppError;
}

/** The principal, or why there is none. A request without a principal has passed the gate. */
async function principalOf(
  deps: HttpDeps,
  access: Exclude<Access, "anyone">,
  { endpoint, app, caller, request, gate }: Arrival,
): Promise<Proved | Refused> {
  const ticket = endpoint.ticket === true ? searchOf(request).get("ticket") : null;
  let hasPassed = false;
  const pass = (): void => {
    if (!hasPassed) gate.pass(caller.ip);
    hasPassed = true;
  };
  try {
    const credentials = { headers: request.headers, ticket: ticket ?? undefined, beforeRead: pass };
    return { principal: await authenticate(deps, access, app, credentials) };
  } catch (cause) {
    if (!(cause instanceof AppError) || cause.status !== 401) throw cause;
    pass();
    return { principal: undefined, refusal: cause };
  }
}

async function demandProvenance(deps: HttpDeps, { app, request, served }: Arrival): Promise<void> {
  served.provenance = await provenanceOf(deps, app, request.headers);
  demandOrigin(served.provenance, request.method ?? "GET");
}

/** What the endpoint says that it costs; what is wrong with a query is said later. */
function operationsOf({ operations, query }: Omit<Endpoint, "handle">, request: IncomingMessage): number {
  if (operations === undefined) return 0;
  if (typeof operations === "number") return operations;
  try {
    const parsed = query?.safeParse(queryOf(searchOf(request)));
    return parsed?.success === true ? operations(parsed.data) : 0;
  } catch {
    return 0;
  }
}

/**
 * Whom a server acts for, by the header X-Acting-For, or else the principal itself. Limits have counted the
 * server by then.
 * @throws AppError `forbidden`, `not_found`
 */
async function actingFor(
  deps: HttpDeps,
  principal: Principal,
  { endpoint, app, caller, request, served }: Arrival,
): Promise<Principal> {
  const header = oneHeader(request.headers["x-acting-for"]);
  if (header === undefined || app === undefined || endpoint.access === "operator") return principal;
  if (endpoint.own === true) throw new AppError("forbidden", "Nobody can ask for this in another's name.");
  const userId = UserId.safeParse(header);
  if (!userId.success) throw new AppError("not_found", "There is no such user.");
  served.principal = await deps.acting.actFor(app, principal, { userId: userId.data, caller });
  return served.principal;
}

const callerOfRequest = (deps: HttpDeps, request: IncomingMessage): Caller =>
  callerOf(
    {
      forwardedFor: request.headers["x-forwarded-for"]?.toString(),
      remoteAddress: request.socket.remoteAddress,
      userAgent: request.headers["user-agent"],
    },
    deps.config.trustedProxies,
  );
