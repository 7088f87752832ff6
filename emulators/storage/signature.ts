import { createHash, createPublicKey, createVerify, type KeyObject } from "node:crypto";
import type { Clock } from "../kernel/clock.ts";
import type { StatusError } from "../kernel/status-error.ts";
import { type StorageRequest, headerOf } from "./exchange.ts";
import { invalid, storageError, unimplemented } from "./failure.ts";
import { CLOCK_SKEW_MS, SIGNED_URL_SECONDS_MAX } from "./limits.ts";
import type { TrustedAccount } from "./service-account.ts";

/** Checks what service accounts have signed: cloud.google.com/storage/docs/authentication/signatures. */
export interface Signatures {
  /** Whether the request's URL bears a signature, of either version. */
  isSigned(request: StorageRequest): boolean;
  /** Throws the service's error where the request differs from what was signed, or comes at another time. */
  requireSigned(request: StorageRequest): void;
  /** Whether the account signed the text. */
  isSignedBy(email: string, text: string, signature: Buffer): boolean;
  /** Accepts one more account from now on. */
  trust(account: TrustedAccount): void;
}

export function createSignatures(clock: Clock, accounts: readonly TrustedAccount[]): Signatures {
  const keys = new Map<string, KeyObject>();
  const trust = ({ client_email, publicKeyPem }: TrustedAccount): void => {
    keys.set(client_email, createPublicKey(publicKeyPem));
  };
  for (const account of accounts) trust(account);

  const isSignedBy = (email: string, text: string, signature: Buffer): boolean => {
    const key = keys.get(email);
    if (key === undefined) {
      throw storageError({
        status: 403,
        reason: "forbidden",
        xmlCode: "InvalidAccessKeyId",
        message: "The User Id you provided does not exist in our records.",
        details: { Details: email },
      });
    }
    return createVerify("RSA-SHA256").update(text).verify(key, signature);
  };

  return {
    isSigned: ({ query }) =>
      query.has("X-Goog-Signature") || query.has("X-Goog-Algorithm") || query.has("Signature"),
    requireSigned(request) {
      if (request.query.has("Signature")) requireV2(request, clock.now(), isSignedBy);
      else requireV4(request, clock.now(), isSignedBy);
    },
    isSignedBy,
    trust,
  };
}

/**
 * The bytes of a signature; none (an invalid signature) where the text is not their exact encoding. Node
 * skips characters outside the encoding, so that a changed text could otherwise decode to the right bytes.
 */
export function decodeSignature(text: string, encoding: "hex" | "base64"): Buffer {
  const bytes = Buffer.from(text, encoding);
  const whole = encoding === "hex" ? text.toLowerCase() : text;
  return bytes.toString(encoding) === whole ? bytes : Buffer.alloc(0);
}

const encode = (text: string): string =>
  encodeURIComponent(text).replaceAll(
    /[!'()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  );

/** The path in one spelling, whichever of its characters the caller has percent-encoded. */
function canonicalPath(path: string): string {
  return path
    .split("/")
    .map((segment) => {
      try {
        return encode(decodeURIComponent(segment));
      } catch {
        throw invalid(`Malformed path: ${path}`);
      }
    })
    .join("/");
}

const canonicalQuery = (query: URLSearchParams): string =>
  [...query]
    .filter(([name]) => name !== "X-Goog-Signature")
    .map(([name, value]) => [encode(name), encode(value)] as const)
    .sort(([nameA, valueA], [nameB, valueB]) =>
      nameA === nameB ? (valueA < valueB ? -1 : 1) : nameA < nameB ? -1 : 1,
    )
    .map(([name, value]) => `${name}=${value}`)
    .join("&");

const mismatch = (details: Record<string, string>): StatusError =>
  storageError({
    status: 403,
    reason: "forbidden",
    xmlCode: "SignatureDoesNotMatch",
    message: "Access denied.",
    details: {
      Details:
        "The request signature we calculated does not match the signature you provided. Check your Google secret key and signing method.",
      ...details,
    },
  });

interface V4 {
  readonly email: string;
  readonly scope: string;
  readonly date: string;
  readonly signedAtMs: number;
  readonly expiresSeconds: number;
  readonly headerNames: readonly string[];
  readonly signature: string;
}

/** X-Goog-Date and the like: 20260102T030405Z. */
export function parseSignedDate(text: string): number {
  const [, year, month, day, hour, minute, second] =
    /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(text) ?? [];
  const ms = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  if (Number.isNaN(ms)) throw invalid(`Invalid X-Goog-Date: ${text}`);
  return ms;
}

/** The account and the scope in a credential: `email/20260102/auto/storage/goog4_request`. */
export function parseCredential(text: string): { email: string; scope: string; day: string } {
  const [, email, scope, day] = /^(.+?)\/((\d{8})\/[^/]+\/storage\/goog4_request)$/.exec(text) ?? [];
  if (email === undefined || scope === undefined || day === undefined) {
    throw invalid(`Invalid X-Goog-Credential: ${text}`);
  }
  return { email, scope, day };
}

function parseV4({ query }: StorageRequest): V4 {
  const need = (name: string): string => {
    const values = query.getAll(name);
    if (values.length !== 1 || !values[0]) throw invalid(`Missing or repeated query parameter ${name}`);
    return values[0];
  };
  const algorithm = need("X-Goog-Algorithm");
  if (algorithm !== "GOOG4-RSA-SHA256")
    throw unimplemented(`Signatures of the kind ${algorithm} are not served.`);
  const { email, scope, day } = parseCredential(need("X-Goog-Credential"));
  const date = need("X-Goog-Date");
  if (!date.startsWith(day)) throw invalid("X-Goog-Date and X-Goog-Credential name different days.");
  const expires = need("X-Goog-Expires");
  const expiresSeconds = Number(expires);
  if (!/^\d+$/.test(expires) || expiresSeconds < 1 || expiresSeconds > SIGNED_URL_SECONDS_MAX) {
    throw invalid(`X-Goog-Expires must be between 1 and ${SIGNED_URL_SECONDS_MAX} seconds.`);
  }
  const headerNames = need("X-Goog-SignedHeaders").toLowerCase().split(";");
  const signature = need("X-Goog-Signature");
  return { email, scope, date, signedAtMs: parseSignedDate(date), expiresSeconds, headerNames, signature };
}

type IsSignedBy = Signatures["isSignedBy"];

function requireV4(request: StorageRequest, nowMs: number, isSignedBy: IsSignedBy): void {
  const v4 = parseV4(request);
  requireHeaders(request, v4.headerNames);
  const signature = decodeSignature(v4.signature, "hex");
  const texts = hostsOf(request).map((host) => stringToSign(request, v4, host));
  if (!texts.some(({ text }) => isSignedBy(v4.email, text, signature))) {
    throw mismatch({ StringToSign: texts[0]?.text ?? "", CanonicalRequest: texts[0]?.canonical ?? "" });
  }
  const expiresAtMs = v4.signedAtMs + v4.expiresSeconds * 1000;
  if (nowMs >= expiresAtMs) throw expired(expiresAtMs);
  if (nowMs + CLOCK_SKEW_MS < v4.signedAtMs) {
    throw storageError({
      status: 403,
      reason: "forbidden",
      xmlCode: "AccessDenied",
      message: "Access denied.",
      details: {
        Details: `Request not yet valid. It becomes valid at: ${new Date(v4.signedAtMs).toISOString()}`,
      },
    });
  }
}

const expired = (atMs: number): StatusError =>
  storageError({
    status: 400,
    reason: "invalid",
    xmlCode: "ExpiredToken",
    message: "The provided token has expired.",
    details: {
      Details: `Request signature expired at: ${new Date(atMs).toISOString().replace(".000Z", "+00:00")}`,
    },
  });

/** Every signed header must be present, and every header that instructs the service must be signed. */
function requireHeaders(request: StorageRequest, names: readonly string[]): void {
  const missing = names.find((name) => headerOf(request, name) === undefined);
  if (missing !== undefined) {
    throw storageError({
      status: 400,
      reason: "invalid",
      xmlCode: "MalformedSecurityHeader",
      message: "Your request has a malformed header.",
      details: {
        ParameterName: missing,
        Details: "Header was included in signedheaders, but not in the request.",
      },
    });
  }
  if (!names.includes("host")) throw invalid("X-Goog-SignedHeaders must include host.");
  const unsigned = Object.keys(request.headers).find(
    (name) => name.startsWith("x-goog-") && !names.includes(name) && !UNSIGNED_HEADERS.has(name),
  );
  if (unsigned !== undefined) throw mismatch({ ParameterName: unsigned });
}

/** Headers that clients add by themselves and that have no effect. */
const UNSIGNED_HEADERS = new Set(["x-goog-api-client", "x-goog-gcs-idempotency-token"]);

/** The official client signs the host without its port where the endpoint has one. */
function hostsOf(request: StorageRequest): string[] {
  const host = headerOf(request, "host") ?? "";
  return [...new Set([host, host.replace(/:\d+$/, "")])];
}

function stringToSign(request: StorageRequest, v4: V4, host: string): { text: string; canonical: string } {
  const headers = [...v4.headerNames].sort().map((name) => {
    const value = name === "host" ? host : (headerOf(request, name) ?? "");
    return `${name}:${value.trim().replaceAll(/\s{2,}/g, " ")}\n`;
  });
  const payload = v4.headerNames.includes("x-goog-content-sha256")
    ? (headerOf(request, "x-goog-content-sha256") ?? "")
    : "UNSIGNED-PAYLOAD";
  const canonical = [
    request.method,
    canonicalPath(request.path),
    canonicalQuery(request.query),
    headers.join(""),
    v4.headerNames.join(";"),
    payload,
  ].join("\n");
  const hash = createHash("sha256").update(canonical).digest("hex");
  return { text: ["GOOG4-RSA-SHA256", v4.date, v4.scope, hash].join("\n"), canonical };
}

/** The V2 process: method, MD5, type, expiry, x-goog- headers and the path; other parameters are free. */
function requireV2(request: StorageRequest, nowMs: number, isSignedBy: IsSignedBy): void {
  const need = (name: string): string => {
    const value = request.query.get(name);
    if (!value) throw invalid(`Missing query parameter ${name}`);
    return value;
  };
  const expires = need("Expires");
  const signature = decodeSignature(need("Signature"), "base64");
  const extensions = Object.keys(request.headers)
    .filter(
      (name) =>
        name.startsWith("x-goog-") &&
        !name.startsWith("x-goog-encryption-key") &&
        !UNSIGNED_HEADERS.has(name),
    )
    .sort()
    .map((name) => `${name}:${(headerOf(request, name) ?? "").trim().replaceAll(/\s{2,}/g, " ")}\n`);
  const text = [
    request.method,
    headerOf(request, "content-md5") ?? "",
    headerOf(request, "content-type") ?? "",
    expires,
    `${extensions.join("")}${canonicalPath(request.path)}`,
  ].join("\n");
  if (!isSignedBy(need("GoogleAccessId"), text, signature)) throw mismatch({ StringToSign: text });
  if (!/^\d+$/.test(expires)) throw invalid(`Invalid Expires: ${expires}`);
  if (nowMs >= Number(expires) * 1000) throw expired(Number(expires) * 1000);
}

/** Passes the body on, and throws at its end where it isn't what a signed payload hash promises. */
export async function* checkedPayload(request: StorageRequest): AsyncGenerator<Buffer> {
  const promised = headerOf(request, "x-goog-content-sha256");
  const isHash = promised !== undefined && /^[0-9a-f]{64}$/i.test(promised);
  const hash = createHash("sha256");
  for await (const chunk of request.body) {
    if (isHash) hash.update(chunk);
    yield chunk;
  }
  if (isHash && hash.digest("hex") !== promised.toLowerCase()) {
    throw storageError({
      status: 400,
      reason: "invalid",
      xmlCode: "XGoogContentSHA256Mismatch",
      message: "The provided 'x-goog-content-sha256' header does not match what was computed.",
    });
  }
}
