/**
 * Keeps the refresh token: in this tab's storage, so that two tabs can be two people, or in the browser's for
 * people who want to stay signed in.
 */
export function createSessionStore(key: string) {
  let stays = sessionStorage.getItem(key) === null;
  return {
    /** Whether the next session is kept in every tab. */
    choose(stay: boolean) {
      stays = stay;
    },
    hasSession: () => (sessionStorage.getItem(key) ?? localStorage.getItem(key)) !== null,
    read() {
      const stored = sessionStorage.getItem(key) ?? localStorage.getItem(key);
      return stored === null ? undefined : JSON.parse(stored);
    },
    write(session: object) {
      (stays ? localStorage : sessionStorage).setItem(key, JSON.stringify(session));
      (stays ? sessionStorage : localStorage).removeItem(key);
    },
    clear() {
      sessionStorage.removeItem(key);
      localStorage.removeItem(key);
    },
    /** Stays in the browser when the session goes: it is not the person who is known by it. */
    device: {
      read: () => localStorage.getItem(`${key}:device`) ?? undefined,
      write(token: string) {
        localStorage.setItem(`${key}:device`, token);
      },
    },
    /** Two tabs with one stored token take turns: a refresh token used twice ends the whole session. */
    exclusively: <T>(work: () => Promise<T>): Promise<T> => navigator.locks.request(key, work),
  };
}
