import { ApiError } from "./http.js";

/** @typedef {import("./types.js").Session} Session */
/** @typedef {import("./types.js").User} User */

/**
 * Who is signed in. The access token lives in memory alone; the refresh token outlives a reload, in
 * this tab's storage or, when the person wants to stay signed in, in the browser's.
 *
 * @param {string} base the path of the app's API, such as /v1/apps/demo
 * @param {string} storageKey
 * @param {typeof import("./http.js").send} send
 */
export function createSession(base, storageKey, send) {
  /** @type {Session | undefined} */
  let current;
  /** @type {Promise<boolean> | undefined} */
  let refreshing;
  /** @type {((user: User | undefined) => void)[]} */
  const listeners = [];

  const stored = () => sessionStorage.getItem(storageKey) ?? localStorage.getItem(storageKey);

  /** @param {string} refreshToken @param {boolean} stay */
  const store = (refreshToken, stay) => {
    (stay ? localStorage : sessionStorage).setItem(storageKey, refreshToken);
    (stay ? sessionStorage : localStorage).removeItem(storageKey);
  };

  const forget = () => {
    current = undefined;
    sessionStorage.removeItem(storageKey);
    localStorage.removeItem(storageKey);
  };

  const tell = () => {
    for (const listener of listeners) listener(current?.user);
  };

  /** Two tabs with one stored token take turns: a refresh token used twice ends the whole session. */
  const renew = () =>
    navigator.locks.request(storageKey, async () => {
      const refreshToken = stored();
      if (refreshToken === null) return false;
      const stay = sessionStorage.getItem(storageKey) === null;
      try {
        const { data } = await send("POST", `${base}/auth/refresh`, { body: { refreshToken } });
        current = data;
        store(data.refreshToken, stay);
        return true;
      } catch (cause) {
        // Only a clear refusal ends the session; an unreachable server does not.
        if (!(cause instanceof ApiError) || cause.isTransient) throw cause;
        const wasSignedIn = current !== undefined;
        forget();
        if (wasSignedIn) tell();
        return false;
      }
    });

  return {
    get user() {
      return current?.user;
    },
    get accessToken() {
      return current?.accessToken;
    },
    hasStored: () => stored() !== null,

    /** @param {(user: User | undefined) => void} listener */
    onChange(listener) {
      listeners.push(listener);
    },

    /** Has a code mailed. @param {string} email @returns {Promise<string>} the challenge that the code answers */
    async askForCode(email) {
      const { data } = await send("POST", `${base}/auth/codes`, { body: { email } });
      return data.challenge;
    },

    /** @param {string} challenge @param {string} code @param {boolean} stay */
    async signIn(challenge, code, stay) {
      const { data } = await send("POST", `${base}/auth/sessions`, { body: { challenge, code } });
      current = data;
      store(data.refreshToken, stay);
      tell();
    },

    /** A fresh access token, for all who ask at once by one request. False: signed out. */
    refresh() {
      refreshing ??= renew().finally(() => {
        refreshing = undefined;
      });
      return refreshing;
    },

    async signOut() {
      const headers = { authorization: `Bearer ${current?.accessToken}` };
      forget();
      tell();
      // The person is out here whether or not the server hears of it.
      await send("DELETE", `${base}/auth/sessions/current`, { headers }).catch(() => undefined);
    },
  };
}

/** @typedef {ReturnType<typeof createSession>} PageSession */
