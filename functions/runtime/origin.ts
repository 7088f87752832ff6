import type { IncomingHttpHeaders } from "node:http";
import type { App } from "../../shared/identity/app.ts";
import type { AppSettings } from "../../shared/identity/contract.ts";
import { AppError } from "../../shared/platform/errors.ts";
import type { HttpDeps } from "./http-deps.ts";
import { oneHeader } from "./request-context.ts";

/**
 * Which page a browser's request comes from. `none`: it names none, as servers, apps and plain navigation do.
 * `same`: the API's own origin. `listed`: one that the app allows. `elsewhere`: any, where the app lives in
 * another cell, which every page may be told. `foreign`: any other.
 */
export type Provenance = "none" | "same" | "listed" | "elsewhere" | "foreign";

/** As far as it is known without looking any further; undefined where the app would have to be read. */
export function knownProvenanceOf(
  deps: HttpDeps,
  app: App | undefined,
  headers: IncomingHttpHeaders,
): Provenance | undefined {
  const { origin } = headers;
  if (origin === undefined) return "none";
  if (isOwn(deps, origin, headers)) return "same";
  if (app === undefined) return "foreign";
  const settings = deps.apps.knownSettingsOf(app);
  return settings && provenanceIn(settings, origin);
}

const provenanceIn = ({ allowedOrigins }: AppSettings, origin: string): Provenance =>
  allowedOrigins.includes(origin) ? "listed" : "foreign";

export async function provenanceOf(
  deps: HttpDeps,
  app: App | undefined,
  headers: IncomingHttpHeaders,
): Promise<Provenance> {
  const { origin } = headers;
  if (origin === undefined) return "none";
  if (isOwn(deps, origin, headers)) return "same";
  if (app === undefined) return "foreign";
  try {
    return provenanceIn(await deps.apps.settingsOf(app), origin);
  } catch (cause) {
    if (cause instanceof AppError && cause.code === "not_found") return "foreign";
    if (cause instanceof AppError && cause.code === "moved") return "elsewhere";
    throw cause;
  }
}

/**
 * A page can't choose the Host header of its requests, so an origin with that host is the API's own. The
 * scheme has to be the API's too: a page over http may have been changed on its way, and is another origin.
 */
function isOwn(deps: HttpDeps, origin: string, headers: IncomingHttpHeaders): boolean {
  const own = new URL(deps.config.publicUrl);
  if (origin === own.origin) return true;
  const isBehindProxy = deps.config.trustedProxies > 0;
  const host = (isBehindProxy ? oneHeader(headers["x-forwarded-host"]) : undefined) ?? headers.host;
  const scheme = (isBehindProxy ? oneHeader(headers["x-forwarded-proto"]) : undefined)?.concat(":");
  if (!URL.canParse(origin)) return false;
  const page = new URL(origin);
  return page.host === host && page.protocol === (scheme ?? own.protocol);
}

/** They change nothing. */
export const SAFE_METHODS: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS"]);

/**
 * Pages of other origins change nothing here, whatever credentials their request carries. @throws AppError
 * `forbidden`
 */
export function demandOrigin(provenance: Provenance, method: string): void {
  if (provenance !== "foreign" || SAFE_METHODS.has(method)) return;
  throw new AppError("forbidden", "Pages of this origin may not call this app; see its allowedOrigins.");
}

const EXPOSED = [
  "ETag",
  "Idempotency-Replayed",
  "RateLimit",
  "RateLimit-Policy",
  "Retry-After",
  "X-RateLimit-Limit",
  "X-RateLimit-Remaining",
  "X-RateLimit-Reset",
  "X-Request-Id",
].join(", ");

const mayRead = (provenance: Provenance | undefined): boolean =>
  provenance === "listed" || provenance === "elsewhere";

/** Lets the page read the reply, when it may. */
export function corsHeaders(
  provenance: Provenance | undefined,
  origin: string | undefined,
): Record<string, string> {
  if (!mayRead(provenance) || origin === undefined) return { vary: "Origin" };
  return {
    vary: "Origin",
    "access-control-allow-origin": origin,
    "access-control-allow-credentials": "true",
    "access-control-expose-headers": EXPOSED,
  };
}

const PREFLIGHT_SECONDS = 600;
const ALLOWED_HEADERS = [
  "Authorization",
  "Content-Type",
  "Idempotency-Key",
  "If-Match",
  "If-None-Match",
  "Last-Event-ID",
  "X-CSRF-Token",
].join(", ");

/** The reply to a browser's preflight: whether a page may make a request. */
export const preflightHeaders = (provenance: Provenance, method: string): Record<string, string> =>
  mayRead(provenance)
    ? {
        "access-control-allow-methods": method,
        "access-control-allow-headers": ALLOWED_HEADERS,
        "access-control-max-age": String(PREFLIGHT_SECONDS),
      }
    : {};
