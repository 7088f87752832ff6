import type { IncomingMessage, ServerResponse } from "node:http";
import type { Fault } from "../kernel/faults.ts";
import type { Kernel } from "../kernel/grpc.ts";
import { accountView } from "./account.ts";
import { followLink } from "./action.ts";
import { type AuthCore, type Body, type Call, textOf } from "./core.ts";
import { AuthError, errorBody, missingKey, unauthenticated } from "./failure.ts";
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
  /** What the console shows of a project's people, the first hundred by id. */
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
   * "signed": every ID token is. "by-path", the default: those of SDKs in emulator mode are not, since
   * Google's refuse any other there; their paths begin with the service's host.
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

/** Firebase Authentication, as its admin kit and its clients speak with it. */
export function openAuth(kernel: Kernel, { path, project, idTokens = "by-path" }: AuthOptions): Auth {
  const state = openState(path);
  let core: AuthCore | undefined;
  // Made with the first call: most suites never ask for a token. No transaction that could be undone is open then.
  const coreNow = (): AuthCore => {
    core ??= { kernel, state, key: signingKeyOf(keptPem(state)) };
    return core;
  };

  const answer = async (request: IncomingMessage): Promise<Reply | "hang" | "drop"> => {
    try {
      const url = urlOf(request);
      const certificates = CERTIFICATE_PATHS[url.pathname.replace(/^\/www\.googleapis\.com/, "")];
      if (certificates !== undefined && request.method === "GET") {
        return {
          status: 200,
          body: coreNow().key[certificates],
          headers: { "cache-control": `public, max-age=${CERTIFICATES_SECONDS}` },
        };
      }
      if (request.method === "GET" && url.pathname === "/emulator/action")
        return await followLink(coreNow(), url);
      // Google's own emulator tells in this way that it is up.
      if (request.method === "GET" && url.pathname === "/")
        return { status: 200, body: { authEmulator: { ready: true } } };
      const route = findRoute(request.method ?? "GET", url.pathname);
      const body = await bodyOf(request);
      const call = callOf(coreNow(), { request, url, route, project, idTokens, body });
      return await carryOut(coreNow(), route, call, request);
    } catch (cause) {
      return failure(cause);
    }
  };

  return {
    listener(request, response) {
      void (async () => {
        if (request.method === "OPTIONS") return send(request, response, { status: 204 });
        const reply = await answer(request);
        if (reply === "drop") request.socket.destroy();
        else if (reply !== "hang") send(request, response, reply);
      })();
    },
    jwks: () => coreNow().key.jwks,
    snapshot(of) {
      const realm = { project: of, tenant: "" };
      const users = state.accounts(realm, "", SNAPSHOT_USERS).map((account) => accountView(account, false));
      return { accounts: state.countAccounts(realm), users };
    },
    close: () => state.database.close(),
  };
}

/** The URL that is asked for; refused where its host is none, or an escape in its path. */
function urlOf({ url, headers }: IncomingMessage): URL {
  try {
    const parsed = new URL(url ?? "/", `http://${headers.host ?? "localhost"}`);
    decodeURIComponent(parsed.pathname);
    return parsed;
  } catch {
    throw new AuthError("Invalid URL.");
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

interface Reply {
  readonly status: number;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

async function carryOut(
  core: AuthCore,
  route: Route,
  call: Call,
  request: IncomingMessage,
): Promise<Reply | "hang" | "drop"> {
  const { kernel } = core;
  const { project } = call.realm;
  const requestId = request.headers["x-request-id"];
  kernel.meter.rpc(
    { project, requestId: typeof requestId === "string" ? requestId : undefined },
    `auth.${route.method}`,
  );
  const whom = textOf(call.body, "localId") ?? textOf(call.body, "email") ?? "";
  const fault = kernel.faults.take("auth", route.method, `projects/${project}/accounts/${whom}`);
  if (fault?.kind === "hang" || fault?.kind === "drop") return fault.kind;
  if (fault?.kind === "before") throw faulted(fault);
  if (fault?.kind === "slow")
    await new Promise<void>((resolve) => kernel.clock.at(kernel.clock.now() + fault.ms, resolve));
  const body = await route.handler(core, call);
  // Nobody is shown what a failed flush would take back.
  await core.state.database.settled();
  if (fault?.kind === "after") throw faulted(fault);
  return { status: 200, body };
}

const faulted = ({ code }: Fault): AuthError =>
  new AuthError(code, code === "RESOURCE_EXHAUSTED" ? 429 : 503, "backendError", code);

interface CallParts {
  readonly request: IncomingMessage;
  readonly url: URL;
  readonly route: Route;
  readonly project: string;
  readonly idTokens: "signed" | "by-path";
  readonly body: Body;
}

/** Who calls, about which project and tenant. */
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
    throw new AuthError("TENANT_NOT_FOUND");
  // A bearer of an ID token's call is still the person whom the token names.
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

async function bodyOf(request: IncomingMessage): Promise<Body> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size <= BODY_BYTES_MAX) chunks.push(chunk);
  }
  if (size > BODY_BYTES_MAX) throw new AuthError("Request payload size exceeds the limit.", 400);
  const text = Buffer.concat(chunks).toString();
  if (text === "") return {};
  if (request.headers["content-type"]?.startsWith("application/x-www-form-urlencoded")) {
    return Object.fromEntries(new URLSearchParams(text));
  }
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Body;
  } catch {
    // Told below, as for anything else that is no object.
  }
  throw new AuthError("Invalid JSON payload received.", 400, "parseError", "INVALID_ARGUMENT");
}

function failure(cause: unknown): Reply {
  if (cause instanceof AuthError) return { status: cause.status, body: errorBody(cause) };
  const broken = (cause as { code?: string }).code === "ECONNRESET";
  if (!broken) console.error(cause);
  return { status: 500, body: errorBody(new AuthError("INTERNAL_ERROR", 500, "backendError", "INTERNAL")) };
}

/** Pages of every origin may call, as they may the service. */
function send(
  request: IncomingMessage,
  response: ServerResponse,
  { status, body, headers = {} }: Reply,
): void {
  request.on("error", () => undefined).resume();
  const origin = request.headers.origin;
  const cors =
    origin === undefined
      ? {}
      : {
          "access-control-allow-origin": origin,
          "access-control-allow-headers": request.headers["access-control-request-headers"] ?? "*",
          "access-control-allow-methods": "GET, POST, PATCH, DELETE, OPTIONS",
          "access-control-max-age": "3600",
          vary: "Origin",
        };
  const text = body === undefined ? undefined : JSON.stringify(body);
  response.writeHead(status, {
    ...(text === undefined ? {} : { "content-type": "application/json; charset=UTF-8" }),
    ...cors,
    ...headers,
  });
  response.end(text);
}
