import { ApiError, problemOf } from "./api-error.ts";
import type { Environment } from "./environment.ts";
import {
  type Done,
  fetchReply,
  following,
  headersOf,
  type Place,
  type Reply,
  type RequestOptions,
  type Send,
} from "./send.ts";
import type { ClientSession } from "./session.ts";

/** The API of one app as the person who is signed in; paths begin below `/v1/apps/{app}`. */
export interface Api {
  request<T = undefined>(method: string, path: string, options?: RequestOptions): Promise<Reply<T>>;
  get<T>(path: string, options?: RequestOptions): Promise<T>;
  post<T>(path: string, body: unknown, options?: RequestOptions): Promise<T>;
  patch<T>(path: string, body: unknown, options?: RequestOptions): Promise<T>;
  put<T = undefined>(path: string, body: unknown, options?: RequestOptions): Promise<T>;
  delete(path: string, options?: RequestOptions): Promise<void>;
  /** Asks for an answer as server-sent events, and leaves reading it to the caller. @throws ApiError */
  open(path: string, opened: Opened): Promise<Response>;
}

export interface Opened extends Pick<RequestOptions, "body" | "headers" | "key"> {
  /** GET unless it says otherwise. */
  readonly method?: string;
  readonly signal: AbortSignal;
}

/** How often what can be repeated is tried. */
export const TRIES = 3;

export interface ApiOptions {
  readonly env: Environment;
  readonly place: Place;
  readonly send: Send;
  readonly session: ClientSession;
  readonly onDone?: ((done: Done) => void) | undefined;
}

export function createApi({ env, place, send, session, onDone }: ApiOptions): Api {
  /** A token may be refused before its time: it was revoked, or the clocks differ. It is renewed once. */
  const asPerson = async <T>(work: (authorization: string) => Promise<T>): Promise<T> => {
    const token = await session.accessToken();
    try {
      return await work(`Bearer ${token}`);
    } catch (cause) {
      if (!(cause instanceof ApiError) || cause.status !== 401 || !(await session.renew(token))) throw cause;
      return work(`Bearer ${await session.accessToken()}`);
    }
  };

  const request: Api["request"] = (method, path, options = {}) => {
    const isRepeatable = method !== "POST" || options.key !== undefined;
    return asPerson((authorization) =>
      send(method, path, {
        tries: isRepeatable ? TRIES : 1,
        ...options,
        headers: { authorization, ...options.headers },
      }),
    );
  };

  const dataOf = async <T>(method: string, path: string, options?: RequestOptions): Promise<T> =>
    (await request<T>(method, path, options)).data;

  return {
    request,
    get: (path, options) => dataOf("GET", path, options),
    post: (path, body, options) => dataOf("POST", path, { ...options, body }),
    patch: (path, body, options) => dataOf("PATCH", path, { ...options, body }),
    put: (path, body, options) => dataOf("PUT", path, { ...options, body }),
    async delete(path, options) {
      await request("DELETE", path, options);
    },
    open: (path, { method = "GET", signal, ...options }) =>
      asPerson((authorization) =>
        following(place, async () => {
          const startedMs = env.now();
          const url = place.base + path;
          const response = await fetchReply(env, url, {
            method,
            signal,
            cache: "no-store",
            headers: { authorization, accept: "text/event-stream", ...headersOf(options) },
            ...(options.body === undefined ? {} : { body: JSON.stringify(options.body) }),
          });
          const { status } = response;
          const requestId = response.headers.get("x-request-id") ?? undefined;
          // Streams that are followed come and go by themselves; nobody has asked for them.
          const background = method === "GET";
          onDone?.({ method, path: url, status, ms: env.now() - startedMs, requestId, background });
          if (!response.ok) throw await problemOf(response);
          return response;
        }),
      ),
  };
}
