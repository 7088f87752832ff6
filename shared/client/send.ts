import { ApiError, problemOf } from "./api-error.ts";
import { backoffMs, type Environment, pause } from "./environment.ts";

export interface RequestOptions {
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** The Idempotency-Key: what makes a POST or PATCH repeatable. */
  readonly key?: string;
  readonly signal?: AbortSignal;
  /** Goes on when the page is left. */
  readonly keepalive?: boolean;
  /** How often to try when the way or the server fails; 1 for what may not be done twice. */
  readonly tries?: number;
  /** The client asks by itself, nobody waits for it. */
  readonly background?: boolean;
}

export interface Reply<T> {
  readonly status: number;
  readonly data: T;
  readonly headers: Headers;
}

/** One request in JSON, tried again where that is asked for. @throws ApiError */
export type Send = <T = undefined>(
  method: string,
  path: string,
  options?: RequestOptions,
) => Promise<Reply<T>>;

/** What is told of each request to whoever wants to know, such as a view of costs. */
export interface Done {
  readonly method: string;
  readonly path: string;
  readonly status: number;
  readonly ms: number;
  readonly requestId: string | undefined;
  readonly background: boolean;
}

/** Where the API of the app is: another place once the app has moved to another cell. */
export interface Place {
  /** Everything that paths are appended to. */
  base: string;
}

export interface SendOptions {
  readonly env: Environment;
  readonly place: Place;
  readonly onDone?: ((done: Done) => void) | undefined;
}

/** A request that takes longer has failed: the API gives up sooner. */
const REQUEST_MS_MAX = 60_000;
/** Within a call nobody waits longer than this; whoever can come back later is told when. */
const WAIT_SECONDS_MAX = 10;

/**
 * Does the work, and once more at the place that the app has moved to, where the API says so; from then on
 * everything is asked there. Nothing has been done at the first.
 */
export async function following<T>(place: Place, work: () => Promise<T>): Promise<T> {
  const asked = place.base;
  try {
    return await work();
  } catch (cause) {
    const beginning = asked.indexOf("/v1/apps/");
    if (!(cause instanceof ApiError) || cause.movedTo === undefined || beginning === -1) throw cause;
    const next = cause.movedTo + asked.slice(beginning);
    if (next === asked || !isAsSafe(next, asked)) throw cause;
    place.base = next;
    return work();
  }
}

/** Nobody leads a client from https to http. */
const isAsSafe = (next: string, base: string): boolean =>
  next.startsWith("https://") || (next.startsWith("http://") && !base.startsWith("https://"));

export function createSend({ env, place, onDone }: SendOptions): Send {
  const once = async <T>(method: string, path: string, options: RequestOptions): Promise<Reply<T>> => {
    const startedMs = env.now();
    const url = place.base + path;
    const response = await fetchReply(env, url, initOf(method, options));
    const requestId = response.headers.get("x-request-id") ?? undefined;
    const { status, headers } = response;
    onDone?.({
      method,
      path: url,
      status,
      ms: env.now() - startedMs,
      requestId,
      background: options.background === true,
    });
    if (!response.ok && status !== 304) throw await problemOf(response);
    return { status, headers, data: (await readJson(response)) as T };
  };
  return async (method, path, options = {}) => {
    for (let tried = 1; ; tried += 1) {
      try {
        return await following(place, () => once(method, path, options));
      } catch (cause) {
        if (!(cause instanceof ApiError) || !cause.isTransient || tried >= (options.tries ?? 1)) throw cause;
        if (cause.retryAfterSeconds > WAIT_SECONDS_MAX) throw cause;
        await pause(env, Math.max(cause.retryAfterSeconds * 1000, backoffMs(env, tried)), options.signal);
      }
    }
  };
}

function initOf(method: string, options: RequestOptions): RequestInit {
  const { body, signal, keepalive } = options;
  const limit = AbortSignal.timeout(REQUEST_MS_MAX);
  return {
    method,
    cache: "no-store",
    signal: signal === undefined ? limit : AbortSignal.any([signal, limit]),
    ...(keepalive === true ? { keepalive } : {}),
    headers: headersOf(options),
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  };
}

export const headersOf = ({
  body,
  key,
  headers,
}: Pick<RequestOptions, "body" | "key" | "headers">): Record<string, string> => ({
  ...(body === undefined ? {} : { "content-type": "application/json" }),
  ...(key === undefined ? {} : { "idempotency-key": `"${key}"` }),
  ...headers,
});

/** A way that fails is a problem like others; whoever has called it off is told so as they expect. */
export async function fetchReply(env: Environment, url: string, init: RequestInit): Promise<Response> {
  try {
    return await env.fetch(url, init);
  } catch (cause) {
    throw unreachable(cause);
  }
}

export const unreachable = (cause: unknown): unknown =>
  cause instanceof DOMException && cause.name === "AbortError"
    ? cause
    : new ApiError(0, { detail: "The server can't be reached." }, 0, cause);

async function readJson(response: Response): Promise<unknown> {
  let text: string;
  try {
    text = await response.text();
  } catch (cause) {
    throw unreachable(cause);
  }
  if (text === "" || !/[/+]json/.test(response.headers.get("content-type") ?? "")) return undefined;
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new ApiError(0, { detail: "The answer was cut off." }, 0, cause);
  }
}
