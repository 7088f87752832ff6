/** What must never stand in a log, wherever it came from. */
const FORBIDDEN: readonly (readonly [string, RegExp])[] = [
  ["a mail address", /[\w.+-]+@[\w-]+\.(?:test|example|com)\b/i],
  ["a JSON web token", /\beyJ[\w-]{8,}/],
  ["a refresh token", /\bsbr_[a-z0-9]{26}/],
  ["a device token", /\bsbd_[a-z0-9]{26}/],
  ["a bearer", /\bBearer [\w.~+/-]{8,}/i],
  ["a key of a provider", /\b(?:sk-|ya29\.|AIza)[\w-]{12,}/],
  ["an API token", /\bsbk_[a-z][a-z0-9-]*_[a-z0-9]{26}_/],
  ["a private key", /"d":\s*"|PRIVATE KEY/],
  ["a sign-in code", /sign-in code is|"code":"\d{6}"/],
  ["an escape sequence or a line break", /\\u00(?:1b|9[0-9a-f])/i],
  ["a path in place of its route", /"requestUrl":"(?!\(no route\))[^"]*\/(?:apps|users|chats)\/(?!\{)/],
];

/**
 * Throws when a log line of a system holds an address, a code, a token, a key or the id of one of its people.
 * Each system asks at its end, so the whole test run is looked through.
 */
export function demandCleanLogs(
  lines: readonly unknown[],
  { secrets, people = [] }: { readonly secrets: readonly string[]; readonly people?: readonly string[] },
): void {
  for (const line of lines) {
    const text = JSON.stringify(line);
    const [name] = FORBIDDEN.find(([, pattern]) => pattern.test(text)) ?? [];
    if (people.some((id) => text.includes(id))) {
      throw new Error(`A log line holds the id of a person: ${text.slice(0, 60)}`);
    }
    const holdsSecret = secrets.some((secret) => text.includes(secret));
    // The line itself stays out of the message, which is a log too.
    if (name !== undefined || holdsSecret) {
      const message = String((line as { message?: unknown }).message);
      throw new Error(
        `A log line holds ${name ?? "a secret"}: the one that begins "${message.slice(0, 60)}".`,
      );
    }
  }
}
