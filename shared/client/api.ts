import { ApiError, problemOf } from "./api-error.ts";
import type { Environment } from "./environment.ts";
import { type Answer, type Asked, type Done, headersOf, reach, type Send } from "./send.ts";
import type { ClientSession } from "./session.ts";

/** The API of one app as the person who is signed in; paths begin below `/v1/apps/{app}`. */
export interface Api {
  request<T = undefined>(method: string, path: string, asked?: Asked): Promise<Answer<T>>;
  get<T>(path: string, asked?: Asked): Promise<T>;
  post<T>(path: string, body: unknown, asked?: Asked): Promise<T>;
  patch<T>(path: string, body: unknown, asked?: Asked): Promise<T>;
  put<T = undefined>(path: string, body: unknown, asked?: Asked): Promise<T>;
  delete(path: string, asked?: Asked): Promise<void>;
  /** Asks for an answer as server-sent events, and leaves reading it to the caller. @throws ApiError */
  open(path: string, opened: Opened): Promise<Response>;
}

export interface Opened extends Pick<Asked, "body" | "headers" | "key"> {
  /** GET unless it says otherwise. */
  readonly method?: string;
  readonly signal: AbortSignal;
}

/** How often what can be repeated is tried. */
export const TRIES = 3;

export interface ApiOptions {
  readonly env: Environment;
  readonly base: string;
  readonly send: Send;
  readonly session: ClientSession;
  readonly onDone?: ((done: Done) => void) | undefined;
}

export function createApi({ env, base, send, session, onDone }: ApiOptions): Api {
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

  const request: Api["request"] = (method, path, asked = {}) => {
    const isRepeatable = method !== "POST" || asked.key !== undefined;
    return asPerson((authorization) =>
      send(method, path, {
        tries: isRepeatable ? TRIES : 1,
        ...asked,
        headers: { authorization, ...asked.headers },
      }),
    );
  };

  const dataOf = async <T>(method: string, path: string, asked?: Asked): Promise<T> =>
    (await request<T>(method, path, asked)).data;

  return {
    request,
    get: (path, asked) => dataOf("GET", path, asked),
    post: (path, body, asked) => dataOf("POST", path, { ...asked, body }),
    patch: (path, body, asked) => dataOf("PATCH", path, { ...asked, body }),
    put: (path, body, asked) => dataOf("PUT", path, { ...asked, body }),
    async delete(path, asked) {
      await request("DELETE", path, asked);
    },
    open: (path, { method = "GET", signal, ...asked }) =>
      asPerson(async (authorization) => {
        const startedMs = env.now();
        const response = await reach(env, base + path, {
          method,
          signal,
          cache: "no-store",
          headers: { authorization, accept: "text/event-stream", ...headersOf(asked) },
          ...(asked.body === undefined ? {} : { body: JSON.stringify(asked.body) }),
        });
        const { status } = response;
        const requestId = response.headers.get("x-request-id") ?? undefined;
        // Streams that are followed come and go by themselves; nobody has asked for them.
        const background = method === "GET";
        onDone?.({ method, path: base + path, status, ms: env.now() - startedMs, requestId, background });
        if (!response.ok) throw await problemOf(response);
        return response;
      }),
  };
}
