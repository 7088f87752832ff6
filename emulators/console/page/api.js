import { ApiError, send } from "./http.js";

/** @typedef {import("./http.js").Answer} Answer */
/** @typedef {import("./http.js").Asked} Asked */

/**
 * What is told of each request for the cost view.
 * @typedef {{ method: string, path: string, status: number, ms: number, requestId: string }} Done
 *
 * @typedef {Asked & { key?: string, background?: boolean }} ApiAsked
 * `key`: the Idempotency-Key. `background`: the page asked by itself, nobody wants to know the cost.
 *
 * @typedef {ReturnType<typeof createApi>} Api
 */

/**
 * `send`, with each answer told to the cost view.
 *
 * @param {(done: Done) => void} onDone
 * @returns {typeof send}
 */
export const sendAndTell = (onDone) => async (method, url, asked) => {
  const answer = await send(method, url, asked);
  const requestId = answer.headers.get("x-request-id");
  if (requestId !== null) onDone({ method, path: url, status: answer.status, ms: answer.ms, requestId });
  return answer;
};

/**
 * The API of one app as the person who is signed in. An access token that has expired is renewed and
 * the request made again, once.
 *
 * @param {string} base
 * @param {{ readonly accessToken: string | undefined, refresh(): Promise<boolean> }} session
 * @param {(done: Done) => void} onDone
 */
export function createApi(base, session, onDone) {
  const sendTold = sendAndTell(onDone);
  /** @param {string} method @param {string} path @param {ApiAsked} asked */
  const once = async (method, path, { key, background, ...asked }) => {
    const headers = {
      authorization: `Bearer ${session.accessToken}`,
      ...(key === undefined ? {} : { "idempotency-key": `"${key}"` }),
      ...asked.headers,
    };
    return (background ? send : sendTold)(method, base + path, { ...asked, headers });
  };

  /** @param {string} method @param {string} path @param {ApiAsked} [asked] @returns {Promise<Answer>} */
  const request = async (method, path, asked = {}) => {
    try {
      return await once(method, path, asked);
    } catch (cause) {
      if (!(cause instanceof ApiError) || cause.status !== 401 || !(await session.refresh())) throw cause;
      return once(method, path, asked);
    }
  };

  return {
    request,
    /** @param {string} path @param {ApiAsked} [asked] @returns {Promise<any>} */
    get: async (path, asked) => (await request("GET", path, asked)).data,
    /** @param {string} path @param {unknown} body @param {ApiAsked} [asked] @returns {Promise<any>} */
    post: async (path, body, asked) => (await request("POST", path, { ...asked, body })).data,
    /** @param {string} path @param {unknown} body @param {ApiAsked} [asked] @returns {Promise<any>} */
    patch: async (path, body, asked) => (await request("PATCH", path, { ...asked, body })).data,
    /** @param {string} path @param {unknown} body @param {ApiAsked} [asked] */
    put: async (path, body, asked) => (await request("PUT", path, { ...asked, body })).data,
    /** @param {string} path @param {ApiAsked} [asked] */
    delete: async (path, asked) => (await request("DELETE", path, asked)).data,
  };
}
