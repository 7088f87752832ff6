import type { IncomingMessage, ServerResponse } from "node:http";
import type { Kernel } from "../kernel/kernel.ts";
import {
  headerOf,
  jsonReply,
  type NoReply,
  parseJson,
  readBody,
  type Reply,
  serveHttp,
} from "../kernel/http.ts";
import type { StatusError } from "../kernel/status-error.ts";
import { pauseOn, withFault } from "../kernel/with-fault.ts";
import { accountView } from "./account.ts";
import { followLink } from "./action.ts";
import { type AuthCore, type Body, type Call, textOf } from "./core.ts";
import { authError, errorBody, internalError, missingKey, unauthenticated } from "./failure.ts";
import { BODY_BYTES_MAX, CERTIFICATES_SECONDS } from "./limits.ts";
import { projectOfCall } from "./project-of.ts";
import { findRoute, type Route } from "./routes.ts";
import { newSigningKeyPem, signingKeyOf } from "./signing-key.ts";
import { type AuthState, openState } from "./state.ts";
import { tenantOf } from "./tokens.ts";

export interface Auth {
  readonly listener: (request: IncomingMessage, response: ServerResponse) => void;
  /** The public key of signed ID tokens and session cookies. */
  jwks(): { readonly keys: readonly unknown[] };
  /** The accounts of a project for display, the first hundred by id. */
  snapshot(project: string): {
    readonly accounts: number;
    readonly users: readonly Record<string, unknown>[];
  };
  close(): void;
}

export interface AuthOptions {
  /** The database file; undefined: accounts live as long as the process. */
  readonly path: string | undefined;
  /** The project of calls that name none but bear an API key. */
  readonly project: string;
  /**
   * "signed": every ID token is signed. "by-path", the default: ID tokens for SDKs in emulator mode are
   * unsigned, because these SDKs accept no others. Their paths begin with the service's host.
   */
  readonly idTokens?: "signed" | "by-path" | undefined;
}

const CERTIFICATE_PATHS: Readonly<Record<string, "certificates" | "jwks">> = {
  "/robot/v1/metadata/x509/securetoken@system.gserviceaccount.com": "certificates",
  "/identitytoolkit/v3/relyingparty/publicKeys": "certificates",
  "/v1/sessionCookiePublicKeys": "jwks",
  "/robot/v1/metadata/jwk/securetoken@system.gserviceaccount.com": "jwks",
  "/service_accounts/v1/jwk/securetoken@system.gserviceaccount.com": "jwks",
};

const SNAPSHOT_USERS = 100;

/** Opens Firebase Authentication, for its admin SDK and its client SDKs. */
export function openAuth(kernel: Kernel, { path, project, idTokens = "by-path" }: AuthOptions): Auth {
  const state = openState(path);
  let core: AuthCore | undefined;
  // The key is made with the first call, since most suites never need a token. No transaction is open at that
  // moment, so the key cannot be rolled back.
  const coreNow = (): AuthCore => {
    core ??= { kernel, state, key: signingKeyOf(keptPem(state)) };
    return core;
  };

  const handle = async (request: IncomingMessage): Promise<Reply | NoReply> => {
    if (request.method === "OPTIONS") return withCors(request, { status: 204 });
    const url = urlOf(request);
    const certificates = CERTIFICATE_PATHS[url.pathname.replace(/^\/www\.googleapis\.com/, "")];
    if (certificates !== undefined && request.method === "GET") {
      const headers = { "cache-control": `public, max-age=${CERTIFICATES_SECONDS}` };
      return withCors(request, jsonReply(200, coreNow().key[certificates], headers));
    }
    if (request.method === "GET" && url.pathname === "/emulator/action") {
      return withCors(request, await followLink(coreNow(), url));
    }
    // Google's own emulator reports in this way that it is up.
    if (request.method === "GET" && url.pathname === "/") {
      return withCors(request, jsonReply(200, { authEmulator: { ready: true } }));
    }
    const route = findRoute(request.method ?? "GET", url.pathname);
    const body = await readParameters(request);
    const call = callOf(coreNow(), { request, url, route, project, idTokens, body });
    const result = await carryOut(coreNow(), route, call, request);
    return typeof result === "string" ? result : withCors(request, jsonReply(200, result.body));
  };

  return {
    listener: serveHttp({
      handle,
      render: (error, request) => withCors(request, jsonReply(error.httpStatus, errorBody(error))),
      internal: internalError,
    }),
    jwks: () => coreNow().key.jwks,
    snapshot(of) {
      const realm = { project: of, tenant: "" };
      const users = state.accounts(realm, "", SNAPSHOT_USERS).map((account) => accountView(account, false));
      return { accounts: state.countAccounts(realm), users };
    },
    close: () => state.database.close(),
  };
}

/** The URL of the request. Throws where the host or an escape in the path is invalid. */
function urlOf({ url, headers }: IncomingMessage): URL {
  try {
    const parsed = new URL(url ?? "/", `http://${headers.host ?? "localhost"}`);
    decodeURIComponent(parsed.pathname);
    return parsed;
  } catch {
    throw authError("Invalid URL.");
  }
}

/** The key's PEM in the database; it is on disk before anything has been signed with it. */
function keptPem(state: AuthState): string {
  const known = state.document("", "signingKey", "")?.pem;
  if (typeof known === "string") return known;
  const pem = newSigningKeyPem();
  state.putDocument("", "signingKey", "", { pem });
  return pem;
}

async function carryOut(
  core: AuthCore,
  route: Route,
  call: Call,
  request: IncomingMessage,
): Promise<{ readonly body: unknown } | NoReply> {
  const { kernel } = core;
  const { project } = call.realm;
  kernel.meter.rpc({ project, requestId: headerOf(request, "x-request-id") }, `auth.${route.method}`);
  const whom = textOf(call.body, "localId") ?? textOf(call.body, "email") ?? "";
  const fault = kernel.faults.take("auth", route.method, `projects/${project}/accounts/${whom}`);
  return withFault(fault, {
    async work() {
      const body = await route.handler(core, call);
      // A response must not show what a failed flush would roll back.
      await core.state.database.settled();
      return { body };
    },
    failure: plannedFailure,
    pause: pauseOn(kernel.clock),
  });
}

const plannedFailure = (code: string): StatusError =>
  authError(code, code === "RESOURCE_EXHAUSTED" ? 429 : 503, "backendError", code);

interface CallParts {
  readonly request: IncomingMessage;
  readonly url: URL;
  readonly route: Route;
  readonly project: string;
  readonly idTokens: "signed" | "by-path";
  readonly body: Body;
}

/** Determines the caller, the project and the tenant of a call. */
function callOf(core: AuthCore, { request, url, route, project, idTokens, body }: CallParts): Call {
  const bearer = /^bearer ./i.test(request.headers.authorization ?? "");
  const hasKey = url.searchParams.has("key");
  const isDebug = route.method.startsWith("emulator.");
  if (!bearer && !hasKey && !isDebug) throw route.project === undefined ? missingKey() : unauthenticated();
  const idToken = textOf(body, "idToken");
  const tenant =
    route.tenant ?? textOf(body, "tenantId") ?? (idToken === undefined ? "" : tenantOf(core, idToken));
  const key = url.searchParams.get("key") ?? "";
  const named =
    route.project ??
    (bearer ? textOf(body, "targetProjectId") : undefined) ??
    projectOfCall(core, { body, key, tenant }, project);
  if (tenant !== "" && core.state.document(named, "tenant", tenant) === undefined)
    throw authError("TENANT_NOT_FOUND");
  // A call that carries both an access token and an ID token acts as the person of the ID token.
  const admin = bearer && (route.project !== undefined || idToken === undefined);
  return {
    realm: { project: named, tenant },
    body,
    query: url.searchParams,
    admin,
    signed: idTokens === "signed" || !route.emulated,
    origin: url.origin,
    names: route.names,
  };
}

const BODY_LIMIT = {
  bytesMax: BODY_BYTES_MAX,
  tooLarge: () => authError("Request payload size exceeds the limit.", 400),
};

const malformed = (): StatusError =>
  authError("Invalid JSON payload received.", 400, "parseError", "INVALID_ARGUMENT");

/** The parameters of a call, from a body of JSON or of a form. */
async function readParameters(request: IncomingMessage): Promise<Body> {
  const text = (await readBody(request, BODY_LIMIT)).toString();
  if (text === "") return {};
  if (request.headers["content-type"]?.startsWith("application/x-www-form-urlencoded")) {
    return Object.fromEntries(new URLSearchParams(text));
  }
  const value = parseJson(text, malformed);
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw malformed();
  return value as Body;
}

/** Adds the CORS headers: as with the service, pages of every origin may call. */
function withCors(request: IncomingMessage, reply: Reply): Reply {
  const { origin } = request.headers;
  if (origin === undefined) return reply;
  return {
    ...reply,
    headers: {
      "access-control-allow-origin": origin,
      "access-control-allow-headers": request.headers["access-control-request-headers"] ?? "*",
      "access-control-allow-methods": "GET, POST, PATCH, DELETE, OPTIONS",
      "access-control-max-age": "3600",
      vary: "Origin",
      ...reply.headers,
    },
  };
}
