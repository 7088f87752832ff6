import { ApiError, problemOf } from "./api-error.ts";
import type { Environment } from "./environment.ts";
import { type Answer, type Asked, reach, type Send } from "./send.ts";
import type { ClientSession } from "./session.ts";

/** The API of one app as the person who is signed in; paths begin below `/v1/apps/{app}`. */
export interface Api {
  request<T = undefined>(method: string, path: string, asked?: Asked): Promise<Answer<T>>;
  get<T>(path: string, asked?: Asked): Promise<T>;
  post<T>(path: string, body: unknown, asked?: Asked): Promise<T>;
  patch<T>(path: string, body: unknown, asked?: Asked): Promise<T>;
  put<T = undefined>(path: string, body: unknown, asked?: Asked): Promise<T>;
  delete(path: string, asked?: Asked): Promise<void>;
  /** Opens a stream of server-sent events. @throws ApiError */
  open(path: string, headers: Readonly<Record<string, string>>, signal: AbortSignal): Promise<Response>;
}

/** How often what can be repeated is tried. */
const TRIES = 3;

export interface ApiOptions {
  readonly env: Environment;
  readonly base: string;
  readonly send: Send;
  readonly session: ClientSession;
}

export function createApi({ env, base, send, session }: ApiOptions): Api {
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
    open: (path, headers, signal) =>
      asPerson(async (authorization) => {
        const init = { headers: { authorization, accept: "text/event-stream", ...headers }, signal };
        const response = await reach(env, base + path, { ...init, cache: "no-store" });
        if (!response.ok) throw await problemOf(response);
        return response;
      }),
  };
}
