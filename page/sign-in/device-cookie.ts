/** As long as browsers keep a cookie. */
const MAX_AGE_SECONDS = 400 * 24 * 3600;

/**
 * Keeps the token by which the server knows a device that has signed in before. It stays when the session
 * goes, says nothing of the person and opens nothing, so it is a cookie and not among what a sign-out takes
 * away.
 */
export function createDeviceCookie(app: string) {
  const name = `scrollback-device-${app}`;
  return {
    read: (): string | undefined =>
      document.cookie
        .split("; ")
        .find((pair) => pair.startsWith(`${name}=`))
        ?.slice(name.length + 1),
    write(token: string): void {
      const secure = location.protocol === "https:" ? "; Secure" : "";
      document.cookie = `${name}=${token}; Path=/; Max-Age=${MAX_AGE_SECONDS}; SameSite=Strict${secure}`;
    },
  };
}
