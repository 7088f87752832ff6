/**
 * Where the refresh token is kept: in this tab's storage, so that two tabs can be two people, or in the browser's
 * for who wants to stay signed in.
 *
 * @param {string} key
 */
export function createSessionStore(key) {
  let stays = sessionStorage.getItem(key) === null;
  return {
    /** Whether the next session is kept in every tab. @param {boolean} stay */
    choose(stay) {
      stays = stay;
    },
    hasSession: () => (sessionStorage.getItem(key) ?? localStorage.getItem(key)) !== null,
    read() {
      const stored = sessionStorage.getItem(key) ?? localStorage.getItem(key);
      return stored === null ? undefined : JSON.parse(stored);
    },
    /** @param {object} session */
    write(session) {
      (stays ? localStorage : sessionStorage).setItem(key, JSON.stringify(session));
      (stays ? sessionStorage : localStorage).removeItem(key);
    },
    clear() {
      sessionStorage.removeItem(key);
      localStorage.removeItem(key);
    },
    /**
     * Two tabs with one stored token take turns: a refresh token used twice ends the whole session.
     * @template T @param {() => Promise<T>} work @returns {Promise<T>}
     */
    exclusively: (work) => navigator.locks.request(key, work),
  };
}
