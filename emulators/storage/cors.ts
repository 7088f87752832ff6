import type { StorageRequest } from "./exchange.ts";
import { headerOf } from "./exchange.ts";
import type { CorsRule } from "./resources.ts";

type Headers = Readonly<Record<string, string>>;

/** What pages may see of any answer of the JSON API. */
const EXPOSED = [
  "content-encoding",
  "content-length",
  "content-range",
  "content-type",
  "date",
  "etag",
  "location",
  "range",
  "x-goog-generation",
  "x-goog-hash",
  "x-goog-metageneration",
  "x-goog-stored-content-length",
  "x-guploader-uploadid",
  "x-http-status-code-override",
].join(", ");

const PREFLIGHT_SECONDS = 3600;

/**
 * The JSON API answers pages of every origin, whatever the bucket says:
 * cloud.google.com/storage/docs/cross-origin.
 */
export function openCors(request: StorageRequest): Headers {
  const origin = headerOf(request, "origin");
  if (origin === undefined) return {};
  if (request.method !== "OPTIONS") {
    return {
      "access-control-allow-origin": origin,
      "access-control-expose-headers": EXPOSED,
      vary: "Origin",
    };
  }
  return {
    "access-control-allow-origin": origin,
    "access-control-allow-methods": headerOf(request, "access-control-request-method") ?? "GET",
    "access-control-allow-headers": headerOf(request, "access-control-request-headers") ?? "",
    "access-control-max-age": String(PREFLIGHT_SECONDS),
    vary: "Origin",
  };
}

/** The XML API answers pages as the bucket's rules say; the first that fits counts. */
export function bucketCors(request: StorageRequest, rules: readonly CorsRule[]): Headers {
  const origin = headerOf(request, "origin");
  if (origin === undefined) return {};
  const preflight = request.method === "OPTIONS";
  const method = preflight ? (headerOf(request, "access-control-request-method") ?? "") : request.method;
  const rule = rules.find(
    (each) =>
      (each.origin ?? []).some((allowed) => allowed === "*" || sameOrigin(allowed, origin)) &&
      (each.method ?? []).some(
        (allowed) => allowed === "*" || allowed.toUpperCase() === method.toUpperCase(),
      ),
  );
  if (rule === undefined) return {};
  const everyone = (rule.origin ?? []).includes("*");
  const shared: Headers = {
    "access-control-allow-origin": everyone ? "*" : origin,
    ...(everyone ? {} : { vary: "Origin" }),
  };
  const names = rule.responseHeader ?? [];
  if (!preflight)
    return {
      ...shared,
      ...(names.length === 0 ? {} : { "access-control-expose-headers": names.join(", ") }),
    };
  const requested = (headerOf(request, "access-control-request-headers") ?? "")
    .split(",")
    .map((name) => name.trim().toLowerCase())
    .filter((name) => name !== "");
  const allowed = requested.filter((name) => names.some((pattern) => fits(pattern.toLowerCase(), name)));
  return {
    ...shared,
    "access-control-allow-methods": (rule.method ?? []).join(", "),
    ...(allowed.length === 0 ? {} : { "access-control-allow-headers": allowed.join(", ") }),
    "access-control-max-age": String(rule.maxAgeSeconds ?? PREFLIGHT_SECONDS),
  };
}

const sameOrigin = (a: string, b: string): boolean => a.toLowerCase().replace(/\/$/, "") === b.toLowerCase();

/** Header names may end with a star: `x-goog-meta-*`. */
const fits = (pattern: string, name: string): boolean =>
  pattern === name || (pattern.endsWith("*") && name.startsWith(pattern.slice(0, -1)));
