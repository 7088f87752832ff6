import { lookup as lookUpName } from "node:dns/promises";
import { type IncomingMessage, request as requestHttp, type RequestOptions } from "node:http";
import { request as requestHttps } from "node:https";
import { isIP, type LookupFunction } from "node:net";
import { callbackify } from "node:util";
import type { Config } from "../config.ts";
import { AppError } from "../errors.ts";
import { inSpan } from "../trace.ts";
import { isPublicAddress, parseRanges, plainAddress, type Ranges } from "./address-ranges.ts";

/**
 * Requests to addresses that somebody else has named. Each goes to a public address over https, judged when
 * the connection is made: the name is resolved once, what it resolves to is judged, and that very address is
 * connected to. So no name that changes its mind leads inside. Redirects are not followed, connections are
 * not kept, and no proxy of the environment is asked.
 */
export interface Outgoing {
  /**
   * Refuses an address that could never be reached, when it is set; without asking any server.
   * @throws AppError `invalid_request` at this path
   */
  demandUrl(url: string, path: string): void;
  /**
   * Posts, once, and returns what came, whatever its status. Bounded in time from the first look at the name
   * to the last byte, and in bytes.
   * @throws OutgoingFailure
   */
  post(request: OutgoingRequest): Promise<OutgoingReply>;
}

export interface OutgoingRequest {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly timeoutMs: number;
  readonly replyBytesMax: number;
}

export interface OutgoingReply {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
}

export const OUTGOING_FAILURES = ["blocked", "unreachable", "too_late", "too_large"] as const;
export type OutgoingFailureKind = (typeof OUTGOING_FAILURES)[number];

/** Its message names no address and no text, so it may be logged. */
export class OutgoingFailure extends Error {
  readonly kind: OutgoingFailureKind;
  constructor(kind: OutgoingFailureKind, options: ErrorOptions = {}) {
    super(`A request to somebody else's server failed: ${kind}.`, options);
    this.name = "OutgoingFailure";
    this.kind = kind;
  }
}

/** All addresses of a name. */
export type Resolve = (hostname: string) => Promise<readonly { address: string; family: number }[]>;

export const OUTGOING_URL_CHARS_MAX = 2_000;
/** Of a reply's headers. */
const HEADER_BYTES_MAX = 8 * 1024;

export function openOutgoing(
  { outgoingRanges }: Pick<Config, "outgoingRanges">,
  resolve: Resolve = (hostname) => lookUpName(hostname, { all: true }),
): Outgoing {
  const allowed = parseRanges(outgoingRanges);
  return {
    demandUrl(text, path) {
      const message = problemOf(text, allowed);
      if (message === undefined) return;
      throw new AppError("invalid_request", "The address can't be called.", { errors: [{ path, message }] });
    },
    post: (request) =>
      inSpan("call out", "client", { "http.request.method": "POST" }, async (span) => {
        const reply = await post(request, { allowed, resolve });
        span?.set({ "http.response.status_code": reply.status });
        return reply;
      }),
  };
}

/** A URL's host, as a name or a plain address. */
const hostOf = ({ hostname }: URL): string => plainAddress(hostname.replace(/^\[(.*)\]$/, "$1"));

/** What can be said against an address without asking anybody. */
function problemOf(text: string, allowed: Ranges): string | undefined {
  if (text.length > OUTGOING_URL_CHARS_MAX || !URL.canParse(text)) return "must be an address";
  const url = new URL(text);
  if (url.username !== "" || url.password !== "") return "must hold no user and no password";
  if (url.protocol !== "https:" && url.protocol !== "http:") return "must begin with https://";
  const host = hostOf(url);
  if (isIP(host) === 0) return url.protocol === "https:" || isLoopbackName(host) ? undefined : HTTPS_ONLY;
  if (allowed.has(host)) return undefined;
  if (!isPublicAddress(host)) return "must be a public address";
  return url.protocol === "https:" ? undefined : HTTPS_ONLY;
}

const HTTPS_ONLY = "must begin with https://";
/** Over http the address that a name turns out to have must be among the allowed ones. */
const isLoopbackName = (host: string): boolean => host === "localhost";

function post(
  { url: text, headers, body, timeoutMs, replyBytesMax }: OutgoingRequest,
  { allowed, resolve }: { readonly allowed: Ranges; readonly resolve: Resolve },
): Promise<OutgoingReply> {
  if (problemOf(text, allowed) !== undefined) return Promise.reject(new OutgoingFailure("blocked"));
  const url = new URL(text);
  const isPlain = url.protocol === "http:";
  const isAllowed = (address: string): boolean => {
    const plain = plainAddress(address);
    return allowed.has(plain) || (!isPlain && isPublicAddress(plain));
  };
  const host = hostOf(url);
  if (isIP(host) !== 0 && !isAllowed(host)) return Promise.reject(new OutgoingFailure("blocked"));
  const bytes = Buffer.from(body);
  const signal = AbortSignal.timeout(timeoutMs);
  const options: RequestOptions = {
    method: "POST",
    headers: { ...headers, "content-length": bytes.length },
    // A connection of its own, which has been judged, and is not kept for others.
    agent: false,
    lookup: judgedLookup(resolve, isAllowed),
    maxHeaderSize: HEADER_BYTES_MAX,
    signal,
  };
  return new Promise((fulfil, reject) => {
    const fail = (cause: unknown): void => reject(failureOf(cause, signal));
    const request = (isPlain ? requestHttp : requestHttps)(url, options, (response) => {
      readReply(response, replyBytesMax)
        .then(fulfil, fail)
        .finally(() => request.destroy());
    });
    request.on("error", fail);
    request.end(bytes);
  });
}

/**
 * Resolves a name and passes its addresses on only if all of them may be called: a name that has one inside
 * is after something.
 */
function judgedLookup(resolve: Resolve, isAllowed: (address: string) => boolean): LookupFunction {
  const judged = callbackify(async (hostname: string) => {
    const found = await resolve(hostname);
    const [first] = found;
    if (first === undefined) throw new OutgoingFailure("unreachable");
    if (!found.every(({ address }) => isAllowed(address))) throw new OutgoingFailure("blocked");
    return { first, all: [...found] };
  });
  return (hostname, options, callback) => {
    judged(hostname, (cause, found) => {
      if (cause !== null) callback(cause, "");
      else if (options.all === true) callback(null, found.all);
      else callback(null, found.first.address, found.first.family);
    });
  };
}

async function readReply(response: IncomingMessage, bytesMax: number): Promise<OutgoingReply> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > bytesMax) throw new OutgoingFailure("too_large");
    chunks.push(chunk);
  }
  return {
    status: response.statusCode ?? 0,
    contentType: response.headers["content-type"] ?? "",
    body: Buffer.concat(chunks).toString("utf8"),
  };
}

function failureOf(cause: unknown, signal: AbortSignal): OutgoingFailure {
  if (cause instanceof OutgoingFailure) return cause;
  return new OutgoingFailure(signal.aborted ? "too_late" : "unreachable", { cause });
}
